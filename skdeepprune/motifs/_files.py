"""Motif files: MEME, JASPAR, TRANSFAC."""

from __future__ import annotations

import gzip
import os
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any, Literal

from skdeepprune._writing import replacing
from skdeepprune.motifs._formats import WRITERS, parse, recognise
from skdeepprune.motifs._motif import Motif

Format = Literal["meme", "jaspar", "transfac"]


def write_motifs(
    motifs: Motif | Iterable[Motif],
    file: str | os.PathLike[str] | IO[str],
    format: Format = "meme",
    *,
    sites: bool = True,
) -> None:
    """Write motifs to a file.

    What is written reads back equal by :func:`read_motifs`. MEME and TRANSFAC have no place for kernel, weight,
    importance, threshold, notes and sites; these go into comment lines, which other programs skip. JASPAR's format has
    no comments: it keeps name, accession and counts.

    Parameters
    ----------
    motifs : Motif or iterable of Motif
    file : str, path or text file
        A path that ends in ".gz" is compressed. A file is replaced as a whole: if writing fails, what was there stays.
    format : {"meme", "jaspar", "transfac"}, default="meme"
        The MEME minimal format (version 4), JASPAR's, or TRANSFAC's matrix table.
    sites : bool, default=True
        Write the sites too.

    Raises
    ------
    ValueError
        If a name cannot be written: MEME and JASPAR tell accession and name apart by a space, so a name with a space
        needs an accession.

    Examples
    --------
    >>> import sys
    >>> from skdeepprune.motifs import Motif, write_motifs
    >>> write_motifs(Motif("TA", [[0, 0, 1, 9], [8, 0, 2, 0]], n_sites=10), sys.stdout, "jaspar")
    >TA
    A [ 0 8 ]
    C [ 0 0 ]
    G [ 1 2 ]
    T [ 9 0 ]
    """
    if format not in WRITERS:
        raise ValueError(f"format={format!r}; expected one of {', '.join(WRITERS)}.")
    listed = [motifs] if isinstance(motifs, Motif) else list(motifs)
    for motif in listed:
        _check_names(motif, format)
    text = WRITERS[format](listed, sites=sites)
    if isinstance(file, str | os.PathLike):
        _write_whole(Path(file), text)
    else:
        file.write(text)


def read_motifs(file: str | os.PathLike[str] | IO[Any], format: Format | None = None) -> list[Motif]:
    r"""Read the motifs of a file.

    Parameters
    ----------
    file : str, path, or file opened for reading
        Also compressed by gzip.
    format : {"meme", "jaspar", "transfac"}, default=None
        By default recognised by what is in the file.

    Returns
    -------
    list of Motif
        A MEME file holds probabilities; the counts are those times ``nsites=``, or times 20 where the file does not
        say. In JASPAR's format the number of sites is the greatest sum of a position's counts.

    Raises
    ------
    ValueError
        If the file is none of these formats, or malformed: the message names file and line.

    Examples
    --------
    >>> import io
    >>> from skdeepprune.motifs import read_motifs
    >>> read_motifs(io.StringIO(">MA0001.1 TA\nA [ 0 8 ]\nC [ 0 0 ]\nG [ 1 2 ]\nT [ 9 0 ]\n"))
    [Motif('TA', 'MA0001.1', TA, n_sites=10)]
    """
    if format is not None and format not in WRITERS:
        raise ValueError(f"format={format!r}; expected one of {', '.join(WRITERS)}, or None.")
    if isinstance(file, str | os.PathLike):
        source, content = os.fspath(file), Path(file).read_bytes()
    else:
        source, content = str(getattr(file, "name", "the file")), file.read()
    lines = _decoded(source, content).splitlines()
    found = format or recognise(lines)
    if found is None:
        raise ValueError(
            f"{source}, line 1: expected a motif file: 'MEME version 4' (MEME), '>' and a name (JASPAR), or lines that"
            f" begin with AC, ID or NA (TRANSFAC); got {(lines or [''])[0][:80]!r}. Pass format= if you know it."
        )
    return parse(source, lines, found)


def _decoded(source: str, content: str | bytes) -> str:
    if isinstance(content, str):
        return content
    try:
        if content.startswith(b"\x1f\x8b"):
            content = gzip.decompress(content)
        return content.decode()
    except (OSError, EOFError) as error:
        raise ValueError(f"{source} is compressed by gzip, but damaged ({error}); fetch or write it again.") from error
    except UnicodeDecodeError as error:
        raise ValueError(f"{source} is not a text file: byte {error.start} is not UTF-8; expected motifs.") from error


def _check_names(motif: Motif, format: str) -> None:
    for what, text in (("name", motif.name), ("accession", motif.accession)):
        if text != text.strip() or len(text.splitlines()) > 1:
            raise ValueError(f"A motif has the {what} {text!r}; expected one line without spaces around it.")
    if any(map(str.isspace, motif.accession)):
        raise ValueError(f"Motif {motif.name!r} has the accession {motif.accession!r}; expected one without spaces.")
    if format == "transfac" or motif.accession:
        return
    if any(map(str.isspace, motif.name)):
        raise ValueError(
            f"Motif {motif.name!r} has a space in its name and no accession, so {format} would take the first word for"
            " the accession; rename it, give it an accession, or use format='transfac'."
        )


def _write_whole(path: Path, text: str) -> None:
    content = text.encode(errors="backslashreplace")  # a name that is no text
    with replacing(path) as part:
        # Without a time in it, so that equal motifs make equal files.
        part.write_bytes(gzip.compress(content, mtime=0) if path.suffix == ".gz" else content)
