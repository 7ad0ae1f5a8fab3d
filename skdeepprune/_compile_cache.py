"""numba's cache of machine code on disk, never stale and never fatal.

numba only checks whether the file of a function itself has changed. A function that calls functions, or uses constants,
from another file would go on running stale code. Here every function depends on all files with compiled code. An entry
that cannot be read is compiled again; one that cannot be written is not cached.
"""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from numba.core.caching import FunctionCache, IndexDataCacheFile

_PACKAGE = Path(__file__).parent
_N_DIGEST = hashlib.sha256().digest_size


@cache
def stamp_of_sources() -> str:
    """Digest of all files with compiled code; files that cannot be read, as in an archive, are skipped."""
    digest = hashlib.sha256()
    for path in sorted([*_PACKAGE.glob("*.py"), *_PACKAGE.glob("_engines/*.py"), *_PACKAGE.glob("sequences/*.py")]):
        try:
            source = path.read_bytes()
        except OSError:
            continue
        if b"_compil" in source or path.parent.name == "_engines":
            digest.update(path.name.encode() + b"\0" + source + b"\0")
    return digest.hexdigest()


class _CheckedFile(IndexDataCacheFile):
    """numba's cache files, each entry preceded by its digest: a flipped bit in machine code could crash the process."""

    def _load_index(self) -> Any:
        try:
            return super()._load_index()
        except Exception:
            return {}

    def _load_data(self, name: str) -> Any:
        data = Path(self._data_path(name)).read_bytes()
        digest, data = data[:_N_DIGEST], data[_N_DIGEST:]
        if hashlib.sha256(data).digest() != digest:
            raise OSError(f"{name} is damaged")
        return pickle.loads(data)

    def _save_data(self, name: str, data: Any) -> None:
        data = self._dump(data)
        with self._open_for_write(self._data_path(name)) as file:
            file.write(hashlib.sha256(data).digest() + data)


class PackageCache(FunctionCache):
    """The cache of the machine code of one function.

    Raises
    ------
    RuntimeError
        If no folder is writable.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(function)
        stamp = stamp_of_sources(), self._impl.locator.get_source_stamp()
        self._cache_file = _CheckedFile(self._cache_path, self._impl.filename_base, stamp)

    def load_overload(self, signature: Any, target_context: Any) -> Any:
        """Load the machine code for a signature; None if there is none, or it is unusable."""
        try:
            return super().load_overload(signature, target_context)
        except Exception:  # a damaged file can cause any error in pickle or numba
            return None

    def save_overload(self, signature: Any, data: Any) -> None:
        """Save the machine code for a signature if possible."""
        try:
            super().save_overload(signature, data)
        except OSError:  # disk full, or no permission
            pass
