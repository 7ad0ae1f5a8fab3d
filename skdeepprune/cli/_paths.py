"""Output paths: checked before anything is computed, and distinct from the inputs."""

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
    """Raise an error if an output file exists, cannot be written, is written twice, or is also an input.

    Parameters
    ----------
    outputs : sequence of Path or None
        None stands for standard output or no output.
    force : bool
        Overwrite existing files.
    inputs : iterable of str, Path or None
        Option values that may name files, "-" or something else.
    """
    files = [path for path in outputs if path is not None]
    for one, other in combinations(files, 2):
        if _is_same_file(one, other):
            raise UsageError(f"{one} and {other} are the same file; expected different names for the two outputs.")
    read = [path for path in inputs if path is not None and path != "-"]
    for path in files:
        for given in read:
            if _is_same_file(path, given):
                raise UsageError(f"{path} is also an input; expected a different output file.")
        check_writable(path)
        if path.exists() and not force:
            raise FileExistsError(f"{path} already exists; pass --force to overwrite it.")


def check_folder(path: Path, names: Iterable[str], force: bool, *, inputs: Iterable[AnyPath | None] = ()) -> None:
    """Raise an error if the path is not a folder, or contains one of these files and it must not be overwritten."""
    if path.exists() and not path.is_dir():
        raise NotADirectoryError(f"{path} is a file; expected the name of a folder.")
    inputs = list(inputs)
    there = [path / name for name in names if os.path.lexists(path / name)]
    if there and not force:
        raise FileExistsError(
            f"{path} already contains {', '.join(file.name for file in there)}; pass --force to overwrite."
        )
    check_outputs(there, force, inputs=inputs)


@contextmanager
def prepared_folder(path: Path, names: Iterable[str]) -> Iterator[Path]:
    """Make a folder in which the files can be written; remove it at the end if it is still empty.

    Parameters
    ----------
    path : Path
        If it exists, other files in it are left alone.
    names : iterable of str
        Files that will be written.

    Yields
    ------
    Path
        The folder, with links resolved.
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
    """Raise an error if standard output is closed."""
    if sys.stdout is None:
        raise UsageError(f"{purpose} to standard output, which is closed; name a file with --out.")


def _is_same_file(one: AnyPath, other: AnyPath) -> bool:
    """Whether two names refer to the same file; devices such as /dev/null do not count."""
    if os.path.realpath(one) == os.path.realpath(other):
        return not os.path.exists(one) or os.path.isfile(one)
    with suppress(OSError):
        return os.path.isfile(one) and os.path.samefile(one, other)
    return False
