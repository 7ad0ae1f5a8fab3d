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

    Yields
    ------
    Path
        An empty file to write to.
    """
    target = Path(path)
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent)
    os.close(handle)
    part = Path(name)
    try:
        yield part
        _open_like_a_new_file(part)
        os.replace(part, target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def _open_like_a_new_file(path: Path) -> None:
    """Give the permissions that an ordinary new file would have; temporary files are private."""
    umask = os.umask(0)
    os.umask(umask)
    path.chmod(0o666 & ~umask)
