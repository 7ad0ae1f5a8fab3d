"""Fitted classifiers in files that are safe to open: numbers and JSON in the layout of safetensors, no code.

A file is the length of its header (8 bytes, little-endian), the header (JSON: for every array its type, shape and
place), and the arrays. What is not an array stands as JSON in the header's ``__metadata__``, with a SHA-256 of all.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import warnings
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from skdeepprune._classifier import DeepPruneClassifier
from skdeepprune._network import Network
from skdeepprune._training import Epoch, Stage
from skdeepprune._writing import replacing

FORMAT = "skdeepprune"
FORMAT_VERSION = 1
_DTYPES = {"F32": "<f4", "F64": "<f8", "I64": "<i8"}
_NAMES_OF_DTYPES = {np.dtype(dtype): name for name, dtype in _DTYPES.items()}
_LONGEST_HEADER = 100 * 2**20


def save_model(classifier: DeepPruneClassifier, path: str | os.PathLike[str]) -> None:
    """Write a fitted classifier into a file.

    Parameters
    ----------
    classifier : DeepPruneClassifier
        Fitted.
    path : str or path
        Overwritten once the new file is complete. Any program that reads safetensors can read the arrays.

    Warns
    -----
    UserWarning
        If a parameter is a function or a random generator. Files hold no code, so the loaded classifier has the
        parameter's default. It predicts the same.

    Raises
    ------
    NotFittedError
        If the classifier is not fitted.

    See Also
    --------
    load_model : Read it back.

    Examples
    --------
    >>> import tempfile
    >>> from skdeepprune import DeepPruneClassifier
    >>> from skdeepprune.datasets import load_simulated
    >>> data = load_simulated(3, n_train=500, n_test=500, random_state=0)
    >>> classifier = DeepPruneClassifier(n_prunings=2, max_iter=5, random_state=0).fit(data.X_train, data.y_train)
    >>> with tempfile.NamedTemporaryFile(suffix=".safetensors") as file:
    ...     save_model(classifier, file.name)
    ...     loaded = load_model(file.name)
    >>> bool((loaded.predict_proba(data.X_test) == classifier.predict_proba(data.X_test)).all())
    True
    """
    check_is_fitted(classifier)
    arrays: dict[str, NDArray[Any]] = {"word_counts": classifier.word_counts_}
    for stage in _all_stages(classifier):
        arrays.update({f"stages.{stage.stage}.{name}": array for name, array in _arrays_of(stage).items()})
    content = _packed(arrays, json.dumps(_description(classifier), sort_keys=True))
    with replacing(path) as part:
        part.write_bytes(content)


def load_model(path: str | os.PathLike[str]) -> DeepPruneClassifier:
    """Read a classifier that `save_model` wrote. Nothing in the file is run.

    Parameters
    ----------
    path : str or path

    Returns
    -------
    DeepPruneClassifier
        Fitted; it predicts the same to the bit.

    Raises
    ------
    ValueError
        If the file is damaged, of another program, or of a newer version of this one. The message says which.
    FileNotFoundError
        If there is no such file.
    """
    source = os.fspath(path)
    arrays, description = _unpacked(Path(path).read_bytes(), source)
    try:
        return _rebuilt(arrays, description)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ValueError(
            f"{source} is a model file whose checksum is right, but what it describes is no classifier:"
            f" {type(error).__name__} {error}. Save the model again."
        ) from error


def _all_stages(classifier: DeepPruneClassifier) -> list[Stage]:
    return [*classifier.stages_, *classifier.rejected_stages_]


def _arrays_of(stage: Stage) -> dict[str, NDArray[Any]]:
    network = stage.network
    return {
        "kernels": network.kernels,
        "kernel_bias": network.kernel_bias,
        "dense_weights": network.dense_weights,
        "composition": network.composition,
        "kept": stage.kept,
        "importances": stage.importances if stage.importances.dtype.kind == "f" else stage.importances.astype(float),
    }


def _description(classifier: DeepPruneClassifier) -> dict[str, Any]:
    params, left_out = {}, []
    for name, value in classifier.get_params(deep=False).items():
        if callable(value) or isinstance(value, np.random.Generator | np.random.RandomState):
            left_out.append(name)
        else:
            params[name] = _pairs(value) if isinstance(value, dict) else _plain(value)
    if left_out:
        warnings.warn(
            f"A model file holds no code and no generators: {', '.join(left_out)} will have the default value when the"
            " model is loaded. What it predicts stays the same.",
            UserWarning,
            stacklevel=3,
        )
    names = getattr(classifier, "feature_names_in_", None)
    return {
        # Asked for at run time: the package imports this module.
        "version": sys.modules["skdeepprune"].__version__,
        "params": params,
        "left_out": left_out,
        "classes": _plain(classifier.classes_.tolist()),
        "classes_dtype": "object" if classifier.classes_.dtype == object else classifier.classes_.dtype.str,
        "engine": classifier.engine_,
        "is_dna": classifier.is_dna_,
        "negatives": classifier.negatives_,
        "n_features_in": getattr(classifier, "n_features_in_", None),
        "feature_names_in": None if names is None else names.tolist(),
        "reverse_complement": classifier.stages_[-1].network.reverse_complement,
        "stages": [
            {
                "numbers": {name: _plain(getattr(stage, name)) for name in _STAGE_NUMBERS},
                "dense_bias": float(stage.network.dense_bias),
                # JSON has no infinity.
                "sharpness": None if np.isinf(stage.network.sharpness) else stage.network.sharpness,
                "epochs": [_plain(list(asdict(epoch).values())) for epoch in stage.epochs],
            }
            for stage in _all_stages(classifier)
        ],
        "n_rejected_stages": len(classifier.rejected_stages_),
    }


def _pairs(mapping: dict[Any, Any]) -> dict[str, Any]:
    # The keys of JSON are strings, class labels need not be.
    return {"pairs": [[_plain(key), _plain(value)] for key, value in mapping.items()]}


def _plain(value: Any) -> Any:
    """Turn NumPy's numbers into Python's, also within lists and arrays."""
    if isinstance(value, list | tuple | np.ndarray):
        return [_plain(item) for item in value]
    return value.item() if isinstance(value, np.generic) else value


def _rebuilt(arrays: dict[str, NDArray[Any]], description: dict[str, Any]) -> DeepPruneClassifier:
    params: dict[str, Any] = {
        name: {key: item for key, item in value["pairs"]} if isinstance(value, dict) else value
        for name, value in description["params"].items()
    }
    # Files from before there was another one.
    older: dict[str, Any] = {"pooling": "max", "composition": 0}
    params = older | params
    classifier = DeepPruneClassifier(**params)
    dtype = description["classes_dtype"]
    if dtype != "object" and np.dtype(dtype).kind not in "biufU":
        raise ValueError(f"classes of type {dtype}")
    stages = [_stage(entry, arrays, description["reverse_complement"]) for entry in description["stages"]]
    n_taken = len(stages) - description["n_rejected_stages"]
    if not 0 < n_taken <= len(stages):
        raise ValueError("no stages")
    classifier.__dict__.update(
        classes_=np.array(description["classes"], dtype=dtype),
        stages_=stages[:n_taken],
        rejected_stages_=stages[n_taken:],
        engine_=description["engine"],
        is_dna_=description["is_dna"],
        negatives_=description["negatives"],
    )
    if description["n_features_in"] is not None:
        classifier.n_features_in_ = description["n_features_in"]
    if description["feature_names_in"] is not None:
        classifier.feature_names_in_ = np.array(description["feature_names_in"], dtype=object)
    n_words = len(stages[0].network.composition)
    classifier.word_counts_ = arrays.get("word_counts", np.empty((2, 0)))
    if classifier.word_counts_.shape != (2, n_words):
        raise ValueError(f"word counts of shape {classifier.word_counts_.shape} for {n_words} words")
    return classifier


def _stage(entry: dict[str, Any], arrays: dict[str, NDArray[Any]], reverse_complement: bool) -> Stage:
    numbers = {name: entry["numbers"][name] for name in _STAGE_NUMBERS}
    mine = {name: arrays[f"stages.{numbers['stage']}.{name}"] for name in _ARRAY_NAMES}
    n_kernels = len(mine["kernels"])
    if mine["kernels"].ndim != 3 or any(mine[name].shape != (n_kernels,) for name in _ARRAY_NAMES[1:]):
        raise ValueError(f"arrays of stage {numbers['stage']} do not fit together")
    network = Network(
        kernels=mine["kernels"],
        kernel_bias=mine["kernel_bias"],
        dense_weights=mine["dense_weights"],
        dense_bias=entry["dense_bias"],
        reverse_complement=reverse_complement,
        sharpness=np.inf if entry.get("sharpness") is None else entry["sharpness"],
        # Files from before there was one have none.
        composition=arrays.get(f"stages.{numbers['stage']}.composition", np.empty(0, np.float32)),
    )
    if len(network.composition) not in (0, 4**network.word_length) or network.composition.ndim != 1:
        raise ValueError(f"composition of shape {network.composition.shape} in stage {numbers['stage']}")
    epochs = [Epoch(**dict(zip(_EPOCH_FIELDS, row, strict=True))) for row in entry["epochs"]]
    return Stage(kept=mine["kept"], network=network, importances=mine["importances"], epochs=epochs, **numbers)


_ARRAY_NAMES = ("kernels", "kernel_bias", "dense_weights", "kept", "importances")
_EPOCH_FIELDS = [field.name for field in fields(Epoch)]
_STAGE_NUMBERS = [field.name for field in fields(Stage) if field.name not in (*_ARRAY_NAMES, "network", "epochs")]


def _packed(arrays: dict[str, NDArray[Any]], description: str) -> bytes:
    table, parts, end = {}, [], 0
    for name, array in arrays.items():
        dtype = array.dtype.newbyteorder("<")
        data = np.ascontiguousarray(array, dtype=dtype).tobytes()
        table[name] = {
            "dtype": _NAMES_OF_DTYPES[dtype],
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


def _digest(metadata: dict[str, str], table: dict[str, Any], data: bytes) -> str:
    described = {name: value for name, value in metadata.items() if name != "sha256"}
    text = json.dumps([described, table], sort_keys=True)
    return hashlib.sha256(text.encode() + b"\0" + data).hexdigest()


def _unpacked(content: bytes, source: str) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Read a file's arrays and its description, and check that they are what was written."""
    foreign = ValueError(f"{source} is no model file of skdeepprune; expected one that `save_model` wrote.")
    length = int.from_bytes(content[:8], "little")
    if len(content) < 8 or length > _LONGEST_HEADER or content[8:9] != b"{":
        raise foreign
    damaged = ValueError(f"{source} is damaged: it is cut short, or its bytes are not those that were written.")
    try:
        header = json.loads(content[8 : 8 + length])
    except (ValueError, RecursionError) as error:
        raise damaged if f'"{FORMAT}"'.encode() in content[: 8 + length] else foreign from error
    metadata = header.pop("__metadata__", None)
    if not isinstance(metadata, dict) or metadata.get("format") != FORMAT:
        raise foreign
    data = content[8 + length :]
    if metadata.get("sha256") != _digest(metadata, header, data):
        raise damaged
    version = metadata.get("format_version")
    if version != str(FORMAT_VERSION):
        raise ValueError(
            f"{source} has format version {version}, this skdeepprune reads version {FORMAT_VERSION}; upgrade it with"
            " `pip install --upgrade skdeepprune`."
        )
    try:
        return {name: _array(entry, data) for name, entry in header.items()}, json.loads(metadata["model"])
    except (KeyError, TypeError, ValueError) as error:
        raise damaged from error


def _array(entry: dict[str, Any], data: bytes) -> NDArray[Any]:
    start, stop = entry["data_offsets"]
    array = np.frombuffer(data[start:stop], dtype=_DTYPES[entry["dtype"]]).reshape(entry["shape"])
    return array.astype(array.dtype.newbyteorder("="))
