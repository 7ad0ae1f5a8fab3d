"""The layout of a model file: safetensors, with a description and a checksum in its metadata.

A file consists of the length of its header (8 bytes, little-endian), the header (JSON: the type, shape and offsets of
every array), and the arrays, one after another. Everything else is JSON in the header's ``__metadata__``, together with
a SHA-256 of the whole content. Arrays are read only if the header is consistent with itself and with the file size.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import stat
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

FORMAT = "skdeepprune"
FORMAT_VERSION = 1
_DTYPES = {"F32": "<f4", "F64": "<f8", "I64": "<i8"}
_DTYPE_NAMES = {np.dtype(dtype): name for name, dtype in _DTYPES.items()}
# Limits on the JSON that a million epochs do not reach. Parsed objects take about a hundred times the memory of their
# brackets.
_MAX_HEADER_BYTES = 64 * 2**20
_MAX_BRACKETS = 2**20


def pack(arrays: dict[str, NDArray[Any]], description: str) -> bytes:
    """Serialize arrays and a description to the bytes of a file."""
    table, parts, end = {}, [], 0
    for name, array in arrays.items():
        dtype = array.dtype.newbyteorder("<")
        data = np.ascontiguousarray(array, dtype=dtype).tobytes()
        table[name] = {
            "dtype": _DTYPE_NAMES[dtype],
            "shape": list(array.shape),
            "data_offsets": [end, end + len(data)],
        }
        parts.append(data)
        end += len(data)
    data = b"".join(parts)
    metadata = {"format": FORMAT, "format_version": str(FORMAT_VERSION), "model": description}
    metadata["sha256"] = _digest(metadata, table, data)
    header = json.dumps({"__metadata__": metadata, **table}).encode()
    header += b" " * (-len(header) % 8)
    return len(header).to_bytes(8, "little") + header + data


def unpack(path: str | os.PathLike[str]) -> tuple[dict[str, NDArray[Any]], Any]:
    """Read a file's arrays and its description, and verify them.

    Raises
    ------
    ValueError
        If the file is from another program, from a newer version of this one, or damaged.
    """
    source = os.fspath(path)
    foreign = ValueError(f"{source} is not a skdeepprune model file; expected a file written by `save_model`.")
    damaged = ValueError(f"{source} is damaged: it is truncated, or its content has changed since it was written.")
    with Path(path).open("rb") as file:
        start = file.read(9)
        length = int.from_bytes(start[:8], "little")
        if start[8:] != b"{" or length > _MAX_HEADER_BYTES:
            raise foreign
        text = start[8:] + file.read(length - 1) if length else b""
        is_ours = f'"{FORMAT}"'.encode() in text
        try:
            if text.count(b"[") + text.count(b"{") > _MAX_BRACKETS:
                raise ValueError("too many brackets")
            header = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise damaged if is_ours else foreign from error
        metadata = header.pop("__metadata__", None)
        if not isinstance(metadata, dict) or metadata.get("format") != FORMAT:
            raise foreign
        try:
            locations = {name: _location(entry) for name, entry in header.items()}
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise damaged from error
        size = sum(end - begin for begin, end, *_ in locations.values())
        state = os.fstat(file.fileno())
        if stat.S_ISREG(state.st_mode) and state.st_size != 8 + length + size:
            raise damaged
        data = file.read()
    ends = [0, *(end for _, end, *_ in locations.values())]
    if len(data) != size or [begin for begin, *_ in locations.values()] != ends[:-1]:
        raise damaged
    try:
        if metadata.get("sha256") != _digest(metadata, header, data):
            raise damaged
        version = metadata.get("format_version")
        if version != str(FORMAT_VERSION):
            raise ValueError(
                f"{source} has format version {version}, but this skdeepprune reads version {FORMAT_VERSION}; upgrade"
                " it with `pip install --upgrade skdeepprune`."
            )
        if metadata["model"].count("[") + metadata["model"].count("{") > _MAX_BRACKETS:
            raise damaged
        try:
            description = json.loads(metadata["model"])
        except ValueError as error:
            raise damaged from error
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise damaged from error
    return {
        name: np.frombuffer(data[begin:end], dtype=dtype).reshape(shape).astype(np.dtype(dtype).newbyteorder("="))
        for name, (begin, end, dtype, shape) in locations.items()
    }, description


def _location(entry: dict[str, Any]) -> tuple[int, int, str, list[int]]:
    """Byte range, type and shape of an array, checked for consistency."""
    (begin, end), dtype, shape = entry["data_offsets"], _DTYPES[entry["dtype"]], entry["shape"]
    if not all(type(number) is int and 0 <= number < 2**62 for number in [begin, end, *shape]) or len(shape) > 8:
        raise ValueError(f"an array of shape {shape} at {begin} to {end}")
    if math.prod(shape) * np.dtype(dtype).itemsize != end - begin:
        raise ValueError(f"{end - begin} bytes for an array of shape {shape}")
    return begin, end, dtype, shape


def _digest(metadata: dict[str, Any], table: dict[str, Any], data: bytes) -> str:
    described = {name: value for name, value in metadata.items() if name != "sha256"}
    text = json.dumps([described, table], sort_keys=True)
    return hashlib.sha256(text.encode() + b"\0" + data).hexdigest()
