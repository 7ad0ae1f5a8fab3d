"""Where the commands write: checked before anything is computed, and apart from what they read."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import combinations
from pathlib import Path

from skdeepprune._writing import check_writable
from skdeepprune.cli._read import UsageError

AnyPath = str | os.PathLike[str]


def check_outputs(outputs: Sequence[Path | None], force: bool, *, inputs: Iterable[AnyPath | None] = ()) -> None:
    """Stop if one of the files is there, could not be written, is written twice, or is read, too.

    Parameters
    ----------
    outputs : sequence of Path or None
        None is the standard output, or nothing.
    force : bool
        Overwrite what is there.
    inputs : iterable of str, Path or None
        Options that name files, or "-", or something else.
    """
    files = [path for path in outputs if path is not None]
    for one, other in combinations(files, 2):
        if _is_same_file(one, other):
            raise UsageError(f"{one} and {other} are one file, which two outputs would go to; expected two names.")
    read = [path for path in inputs if path is not None and path != "-"]
    for path in files:
        for given in read:
            if _is_same_file(path, given):
                raise UsageError(f"{path} is an input, too; expected another file to write to.")
        check_writable(path)
        if path.exists() and not force:
            raise FileExistsError(f"{path} is there already; pass --force to overwrite it.")


def check_folder(path: Path, names: Iterable[str], force: bool, *, inputs: Iterable[AnyPath | None] = ()) -> None:
    """Stop if one of the files of that name is in the folder, is read, too, or if it cannot be a folder."""
    if path.exists() and not path.is_dir():
        raise NotADirectoryError(f"{path} is a file; expected the name of a folder.")
    inputs = list(inputs)
    there = [path / name for name in names if os.path.lexists(path / name)]
    if there and not force:
        raise FileExistsError(
            f"{path} has {', '.join(file.name for file in there)} already; pass --force to overwrite."
        )
    check_outputs(there, force, inputs=inputs)


@contextmanager
def prepared_folder(path: Path, names: Iterable[str]) -> Iterator[Path]:
    """Make a folder in which the files can be written; if nothing came of it, it is removed again.

    Parameters
    ----------
    path : Path
        If it is there, its other files stay as they are.
    names : iterable of str
        Files that will be written.

    Yields
    ------
    Path
        The folder itself, where a link leads to.
    """
    folder = Path(os.path.realpath(path))
    made = [each for each in (folder, *folder.parents) if not each.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    try:
        for name in names:
            check_writable(folder / name)
        yield folder
    finally:
        with suppress(OSError):  # not empty
            for each in made:
                each.rmdir()


def check_standard_output(purpose: str) -> None:
    """Stop if the standard output is closed."""
    if sys.stdout is None:
        raise UsageError(f"{purpose} to the standard output, which is closed; name a file with --out.")


def _is_same_file(one: AnyPath, other: AnyPath) -> bool:
    """Whether two names are of one file; devices such as /dev/null can be shared."""
    if os.path.realpath(one) == os.path.realpath(other):
        return not os.path.exists(one) or os.path.isfile(one)
    with suppress(OSError):
        return os.path.isfile(one) and os.path.samefile(one, other)
    return False
