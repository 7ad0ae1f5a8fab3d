"""What the commands write: folders and files that are whole or not there, tables, JSON."""

from __future__ import annotations

import json
import math
import os
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from skdeepprune._writing import permit_as_new, replacing


def refuse_to_overwrite(paths: Iterable[Path | None], force: bool) -> None:
    """Stop if one of the files is there, or could not be written."""
    for path in paths:
        if path is None:
            continue
        if path.is_dir():
            raise IsADirectoryError(f"{path} is a folder; expected the name of a file.")
        if path.exists() and not force:
            raise FileExistsError(f"{path} is there already; pass --force to overwrite it.")
        if not path.parent.is_dir():
            raise FileNotFoundError(f"There is no folder {path.parent} to write {path.name} into.")


def check_folder(path: Path, names: Iterable[str], force: bool) -> None:
    """Stop if one of the files of that name is in the folder, or it cannot be one."""
    if path.exists() and not path.is_dir():
        raise NotADirectoryError(f"{path} is a file; expected the name of a folder.")
    there = [name for name in names if (path / name).exists()]
    if there and not force:
        raise FileExistsError(f"{path} has {', '.join(there)} already; pass --force to overwrite.")


@contextmanager
def filled_folder(path: Path, names: Iterable[str]) -> Iterator[Path]:
    """Fill a folder beside, and put what is in it into its place once it is complete.

    Parameters
    ----------
    path : Path
        The folder. If it is there, its other files stay as they are.
    names : iterable of str
        Files that may be written. Those that are in the folder from before and were not written now are removed.

    Yields
    ------
    Path
        An empty folder to write to.
    """
    is_new = not path.parent.exists()
    path.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent))
    try:
        yield part
        permit_as_new(part)
        if not path.exists():
            part.rename(path)
            return
        for name in names:
            if (part / name).exists():
                os.replace(part / name, path / name)
            else:
                (path / name).unlink(missing_ok=True)
    finally:
        shutil.rmtree(part, ignore_errors=True)
        if is_new and not path.exists():
            path.parent.rmdir()


@contextmanager
def opened_output(path: Path | None) -> Iterator[IO[str]]:
    """Open a file that is there once it is complete, or the standard output."""
    if path is None:
        yield sys.stdout
        return
    with replacing(path) as part, open(part, "w", encoding="utf-8") as file:
        yield file


def print_json(summary: Any) -> None:
    """Print as JSON; what is not a finite number becomes null."""
    print(json.dumps(_finite(summary), indent=2))


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return str(value) if isinstance(value, Path) else value


def tell(text: str, *, quiet: bool) -> None:
    """Say on the standard error what is being done."""
    if not quiet:
        print(text, file=sys.stderr, flush=True)
