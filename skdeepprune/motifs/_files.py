"""Motif files: MEME, JASPAR, TRANSFAC, HOMER."""

from __future__ import annotations

import gzip
import io
import os
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any, Literal

from skdeepprune._reading import FileFormatError, Lines, opened, shown, source_of, unpacked
from skdeepprune._writing import replacing
from skdeepprune.motifs._formats import READERS, WRITERS, parse, recognise, seemingly
from skdeepprune.motifs._lines import may_be_probabilities
from skdeepprune.motifs._motif import Motif

Format = Literal["meme", "jaspar", "transfac"]
ReadFormat = Literal["meme", "jaspar", "transfac", "homer"]


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
        needs an accession. JASPAR's format cannot tell fractions of one site or fewer from probabilities.

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


def read_motifs(file: str | os.PathLike[str] | IO[Any], format: ReadFormat | None = None) -> list[Motif]:
    r"""Read the motifs of a file.

    Parameters
    ----------
    file : str, path, or file opened for reading
        Also compressed by gzip, whatever its name says. ``"-"`` is the standard input.
    format : {"meme", "jaspar", "transfac", "homer"}, default=None
        By default recognised by what is in the file.

    Returns
    -------
    list of Motif
        A MEME file holds probabilities; the counts are those times ``nsites=``, or times 20 where the file does not
        say. So are fractions that sum to 1 at every position of a JASPAR or TRANSFAC file, and the numbers of a HOMER
        file, whose number of sites is the one after ``T:``. Of counts in JASPAR's format the number of sites is the
        greatest sum at a position.

    Raises
    ------
    FileFormatError
        If the file is none of these formats, damaged, or malformed: the message names file and line. It is a
        ValueError.
    FileNotFoundError
        If there is no such file.

    Examples
    --------
    >>> import io
    >>> from skdeepprune.motifs import read_motifs
    >>> read_motifs(io.StringIO(">MA0001.1 TA\nA [ 0 8 ]\nC [ 0 0 ]\nG [ 1 2 ]\nT [ 9 0 ]\n"))
    [Motif('TA', 'MA0001.1', TA, n_sites=10)]
    """
    if format is not None and format not in READERS:
        raise ValueError(f"format={format!r}; expected one of {', '.join(READERS)}, or None.")
    if isinstance(file, str | os.PathLike):
        source = source_of(file)
        with opened(file) as content:
            lines = _lines(content, source)
    else:
        source = str(getattr(file, "name", "the file"))
        lines = _lines(unpacked(_reader(file, source), source), source)
    found = format or recognise(lines)
    if found is None:
        seems = seemingly(lines)
        raise FileFormatError.at(
            source,
            1,
            "expected a motif file: 'MEME version 4' (MEME), '>' and a name (JASPAR, HOMER), or lines that begin with"
            f" AC, ID or NA (TRANSFAC); got {shown((lines or [''])[0])}."
            + (f" This seems to be {seems}; write it as one of these." if seems else " Pass format= if you know it."),
        )
    return parse(source, lines, found)


def _lines(file: io.BufferedReader, source: str) -> list[str]:
    lines = Lines(file, source)
    return [lines.text(line) for line in lines]


def _reader(file: IO[Any], source: str) -> io.BufferedReader:
    """Read an open file, of bytes or of text, as bytes."""
    try:
        content = file.read()
    except UnicodeDecodeError as error:
        raise FileFormatError(f"{source}: expected text in {error.encoding}, got other bytes.", source) from error
    if isinstance(content, str):
        content = content.removeprefix("\ufeff").encode(errors="surrogatepass")
    return io.BufferedReader(io.BytesIO(content))


def _check_names(motif: Motif, format: str) -> None:
    for what, text in (("name", motif.name), ("accession", motif.accession)):
        if text != text.strip() or len(text.splitlines()) > 1 or "\0" in text:
            raise ValueError(f"A motif has the {what} {text!r}; expected one line without spaces around it.")
    if any(map(str.isspace, motif.accession)):
        raise ValueError(f"Motif {motif.name!r} has the accession {motif.accession!r}; expected one without spaces.")
    if format == "jaspar" and may_be_probabilities(motif.counts):
        raise ValueError(
            f"Motif {motif.name!r} has fractions of one site or fewer as counts, which cannot be told from"
            " probabilities in JASPAR's format; use format='meme' or 'transfac'."
        )
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
