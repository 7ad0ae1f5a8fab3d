"""The store: a folder with one small file per finished cell."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pandas as pd

from skdeepprune._writing import replacing
from skdeepprune.bench._cell import Cell, Row

_BEFORE_METRICS = ["collection", "dataset", "method", "seed", "n_kernels"]
_METRICS = ["roc_auc", "average_precision"]
_AFTER_METRICS = ["ceiling", "n_train", "n_test", "epochs", "fit_seconds", "score_seconds", "peak_mb", "parameters"]
_AFTER_METRICS += ["version", "commit", "threads", "machine", "started", "cell", "error"]
_MAX_NAME_LENGTH = 120
_WHOLE_NUMBERS = ["seed", "n_kernels", "n_train", "n_test", "epochs", "threads"]


class Store:
    """A folder of results.

    ``cells/COLLECTION/DATASET/METHOD.seed-SEED.HASH.json`` contains the rows and the identity of a cell; the hash is
    that of the identity. Files are written atomically. A changed parameter makes a new cell; the superseded one is
    moved to ``superseded/``, and back if it is requested again. So ``cells/`` has each method on each data set with
    each seed once, as last requested.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder).resolve()

    def path(self, cell: Cell) -> Path:
        """Path of the file of a cell."""
        # "@" is quoted in names, so that method names with and without a size cannot be confused.
        method = _file_name(cell.method) + ("" if cell.size is None else f"@{cell.size}")
        name = f"{method}.seed-{cell.seed}.{cell.key}.json"
        return self._cells / _file_name(cell.dataset.collection) / _file_name(cell.dataset.name) / name

    @property
    def _cells(self) -> Path:
        return self.folder / "cells"

    def _superseded(self, path: Path) -> Path:
        return self.folder / "superseded" / path.relative_to(self._cells)

    def state(self, cell: Cell) -> str:
        """State of a cell: "done", "failed" or "missing"."""
        path = self.path(cell)
        rows = _read(path) or _read(self._superseded(path))
        if rows is None:
            return "missing"
        return "failed" if _has_failed(rows) else "done"

    def check_slots(self, cells: Iterable[Cell]) -> None:
        """Raise an error if cells differ only in their parameters: one would supersede the other."""
        counts = Counter(_slot(self.path(cell)) for cell in cells)
        doubled = [slot for slot, count in counts.items() if count > 1]
        if doubled:
            raise ValueError(
                f"{len(doubled)} cells occur twice with different parameters; the first is"
                f" {doubled[0].relative_to(self._cells)}. Give different data sets and methods different names."
            )

    def prepare(self, cells: Iterable[Cell], *, retry_failed: bool) -> list[Cell]:
        """Move superseded files, remove files of cells to repeat, and return the missing cells."""
        existing = defaultdict(list)
        for path in self._cells.glob("*/*/*.json"):
            existing[_slot(path)].append(path)
        missing = []
        for cell in cells:
            path = self.path(cell)
            for other in existing[_slot(path)]:
                if other != path:
                    _move(other, self._superseded(other))
            if path.is_dir():
                _move(path, self._superseded(path).with_name(f"{path.name}.{secrets.token_hex(4)}"))
            if not path.exists() and self._superseded(path).is_file():
                _move(self._superseded(path), path)
            if path.exists():
                rows = _read(path)
                if rows is None or (retry_failed and _has_failed(rows)):
                    path.unlink(missing_ok=True)
            if not path.exists():
                # If a file is in the way, fail now rather than after the cell has run.
                path.parent.mkdir(parents=True, exist_ok=True)
                missing.append(cell)
        return missing

    def put(self, cell: Cell, rows: Sequence[Row]) -> None:
        """Save the rows of a cell permanently."""
        if not rows:
            raise ValueError(f"The cell {cell.method!r} on {cell.dataset.name!r} has no rows; expected at least one.")
        path = self.path(cell)
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as part, open(part, "w", encoding="utf-8") as file:
            json.dump({"cell": cell.identity(), "rows": rows}, file, indent=1)
            file.flush()
            os.fsync(file.fileno())

    def restore(self, cells: Iterable[Cell], table: pd.DataFrame) -> None:
        """Restore missing cells from a table of `read_store`."""
        table = table.astype(object).where(table.notna(), None)
        rows_of: dict[str, list[Row]] = defaultdict(list)
        for record in table.to_dict("records"):
            row = {str(name): value for name, value in record.items()}
            changed = {"parameters": json.loads(row["parameters"]), "error": row["error"] or ""}
            rows, row = rows_of[row.pop("cell")], row | changed
            if row["n_kernels"] not in [other["n_kernels"] for other in rows]:  # the table may contain a cell twice
                rows.append(row)
        for cell in cells:
            if cell.key in rows_of and self.state(cell) == "missing":
                self.put(cell, rows_of[cell.key])

    def read(self, cells: Iterable[Cell] | None = None) -> pd.DataFrame:
        """Tabulate the rows of the finished cells, of all or only some."""
        paths = self._cells.glob("*/*/*.json") if cells is None else map(self.path, cells)
        rows = [row | {"cell": _key(path)} for path in paths for row in _read(path) or ()]
        further = {name for row in rows for name in row} - {*_BEFORE_METRICS, *_METRICS, *_AFTER_METRICS}
        columns = [*_BEFORE_METRICS, *_METRICS, *sorted(further), *_AFTER_METRICS]
        table = pd.DataFrame(rows, columns=columns)
        table = table.astype({name: "Int64" for name in _WHOLE_NUMBERS})
        numbers = [*_METRICS, *further, "ceiling", "fit_seconds", "score_seconds", "peak_mb"]
        table = table.astype({name: float for name in numbers})
        table["parameters"] = [json.dumps(value) for value in table["parameters"]]
        order = ["collection", "dataset", "method", "seed", "n_kernels"]
        return table.sort_values(order, ascending=[True, True, True, True, False], ignore_index=True)


def read_store(folder: str | os.PathLike[str]) -> pd.DataFrame:
    """Tabulate all finished cells of a store, even while others are running.

    Parameters
    ----------
    folder : str or path
        The `store` of `run_benchmark`.

    Returns
    -------
    DataFrame
        One row per data set, method, seed and number of kernels, with the metrics, seconds, memory and conditions, and
        the key of its `cell`. A cell that failed has one row, with its `error`.

    Raises
    ------
    NotADirectoryError
        If there is no such folder.
    """
    store = Store(folder)
    if not store.folder.is_dir():
        raise NotADirectoryError(f"{store.folder} is not a folder; expected the store of a benchmark.")
    return store.read()


def _read(path: Path) -> list[Row] | None:
    """Rows of a file; None if it does not exist or, with a warning, is damaged."""
    try:
        rows: Any = json.loads(path.read_text(encoding="utf-8"))["rows"]
        _check_rows(rows)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, LookupError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        reason = " ".join(f"{type(error).__name__} {error}".split())[:200]
        warnings.warn(f"{path} is damaged ({reason}); treating its cell as missing.", stacklevel=4)
        return None
    return rows


def _check_rows(rows: Any) -> None:
    """Raise an error if the rows do not form a table."""
    if not isinstance(rows, list) or not rows:
        raise ValueError("no rows")
    for row in rows:
        for name in _TEXTS:
            if not isinstance(row[name], str):
                raise TypeError(f"{name}={row[name]!r}")
        row["parameters"].items()
        for name in row.keys() - {*_TEXTS, "parameters", "commit", "version", "machine", "started"}:
            whole = isinstance(row[name], int) or (isinstance(row[name], float) and row[name].is_integer())
            if row[name] is not None and not (whole if name in _WHOLE_NUMBERS else isinstance(row[name], int | float)):
                raise TypeError(f"{name}={row[name]!r}")
            if name in _WHOLE_NUMBERS and row[name] is not None and not -(2**63) <= row[name] < 2**63:
                raise OverflowError(f"{name}={row[name]!r}")


_TEXTS = ("collection", "dataset", "method", "error")


def _has_failed(rows: list[Row]) -> bool:
    return any(row.get("error") for row in rows)


def _file_name(name: str) -> str:
    """Make a unique file name that is not too long and contains no path separators."""
    quoted = quote(name, safe="()+,=", errors="surrogateescape")
    if quoted.startswith("."):
        quoted = "%2E" + quoted[1:]
    if len(quoted) > _MAX_NAME_LENGTH:
        # Other names never have "~" after "%".
        return f"{quoted[: _MAX_NAME_LENGTH - 20]}%~{hashlib.sha256(quoted.encode()).hexdigest()[:16]}"
    return quoted or "%~"


def _key(path: Path) -> str:
    """Hash of the cell's identity."""
    return path.name.rsplit(".", 2)[1]


def _slot(path: Path) -> Path:
    """Path without the hash, shared by cells that differ only in their parameters."""
    return path.with_name(path.name.rsplit(".", 2)[0])


def _move(path: Path, target: Path) -> None:
    """Move a file, unless it does not exist or another run has already moved it."""
    if path.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):
            os.replace(path, target)
