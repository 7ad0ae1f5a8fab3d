"""Files that are whole or not there."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Write a file under another name beside it, and give it its own once it is complete.

    Parameters
    ----------
    path : str or path
        An older file there stays as it was until the new one takes its place, and for good if writing fails.

        A link is followed; a device or a pipe is written to as it is.

    Yields
    ------
    Path
        An empty file to write to.
    """
    target = Path(path).resolve()
    if target.exists() and not target.is_file():
        yield target
        return
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent)
    os.close(handle)
    part = Path(name)
    try:
        yield part
        permit_as_new(part)
        os.replace(part, target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def permit_as_new(path: Path) -> None:
    """Give the permissions that an ordinary new file or folder would have; temporary ones are private."""
    umask = os.umask(0)
    os.umask(umask)
    path.chmod((0o777 if path.is_dir() else 0o666) & ~umask)
