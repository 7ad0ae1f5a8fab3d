"""Files that are whole or not there."""

from __future__ import annotations

import errno
import glob
import os
import secrets
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

if sys.platform != "win32":
    import fcntl

# Bytes of the target's name in that of its part, which has to fit, too.
_LONGEST_STEM = 100
_RANDOM_LETTERS = 8


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Write a file under another name beside it, and give it its own once it is complete.

    What killed runs have left of the same file is removed.

    Parameters
    ----------
    path : str or path
        An older file there stays as it was until the new one takes its place, and for good if writing fails.

        A link is followed; a device or a pipe is written to as it is.

    Yields
    ------
    Path
        An empty file to write to, with the permissions of an ordinary new file, or those of the older one if they are
        stricter.
    """
    target = _target(path)
    if target.exists() and not target.is_file():
        yield target
        return
    with _part_of(target) as part:
        yield part
        _put_into_place(part, target)


def check_writable(path: str | os.PathLike[str]) -> None:
    """Raise an OSError if `replacing` could not write this file, as far as can be known before.

    What killed runs have left of the file is removed on the way.
    """
    target = _target(path)
    through = f" (it is a link to {target})" if os.path.islink(path) else ""
    if target.is_dir():
        raise IsADirectoryError(f"{path} is a folder{through}; expected the name of a file.")
    if not target.parent.is_dir():
        raise FileNotFoundError(f"There is no folder {target.parent} to write {Path(path).name} into{through}.")
    with suppress(FileNotFoundError):
        target.lstat()  # a name that is too long
    if target.exists() and not target.is_file():
        if not os.access(target, os.W_OK):
            raise PermissionError(f"{path} cannot be written{through}.")
        return
    try:
        with _part_of(target):
            pass
    except OSError as error:
        raise OSError(error.errno, f"{error.strerror}; {target.parent} cannot be written", str(path)) from error


def _target(path: str | os.PathLike[str]) -> Path:
    target = Path(os.path.realpath(path))
    if target.is_symlink():
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))
    return target


@contextmanager
def _part_of(target: Path) -> Iterator[Path]:
    """Make a file beside the target, locked as long as it is being written, and remove it in the end if it is there."""
    _remove_leftovers(target)
    part, handle = _new_part(target)
    try:
        yield part
    finally:
        part.unlink(missing_ok=True)
        if handle is not None:
            os.close(handle)


def _new_part(target: Path) -> tuple[Path, int | None]:
    # The system applies the umask; reading it would mean to change it, for all threads.
    mode = target.stat().st_mode & 0o666 | 0o600 if target.exists() else 0o666
    while True:
        part = target.with_name(f"{_stem(target)}{secrets.token_hex(_RANDOM_LETTERS // 2)}.part")
        handle = os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL, mode)
        if sys.platform == "win32":
            os.close(handle)  # Windows would not rename it
            return part, None
        with suppress(OSError):  # a file system without locks
            fcntl.flock(handle, fcntl.LOCK_EX)
        if os.fstat(handle).st_nlink:
            return part, handle
        os.close(handle)  # another run has taken it for a leftover, between the two calls


def _remove_leftovers(target: Path) -> None:
    """Remove the parts of this target that no process holds: whoever was writing them was killed."""
    if sys.platform == "win32":
        return
    pattern = glob.escape(_stem(target)) + "[0-9a-f]" * _RANDOM_LETTERS + ".part"
    for part in target.parent.glob(pattern):
        with suppress(OSError):  # held, gone already, or another user's
            handle = os.open(part, os.O_RDWR | getattr(os, "O_NOFOLLOW", 0))
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                part.unlink()
            finally:
                os.close(handle)


def _stem(target: Path) -> str:
    return f".{os.fsencode(target.name)[:_LONGEST_STEM].decode(errors='ignore')}."


def _put_into_place(part: Path, target: Path) -> None:
    try:
        os.replace(part, target)
    except OSError as error:
        # A single file that is mounted, as containers do, cannot be renamed; nor can another's in a shared folder.
        if error.errno not in (errno.EBUSY, errno.EXDEV, errno.EPERM, errno.EACCES) or not target.is_file():
            raise
        shutil.copyfile(part, target)
