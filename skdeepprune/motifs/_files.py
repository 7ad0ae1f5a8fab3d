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
from skdeepprune.motifs._formats import READERS, WRITERS, guess_other_format, parse, recognise
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

    :func:`read_motifs` reads back equal motifs. MEME and TRANSFAC cannot represent kernel, weight, importance,
    threshold, notes and sites; these are written to comment lines, which other programs ignore. The JASPAR format has
    no comments: it keeps name, accession and counts.

    Parameters
    ----------
    motifs : Motif or iterable of Motif
    file : str, path or text file
        A path that ends in ".gz" is compressed. An existing file is replaced atomically: it is kept if writing fails.
    format : {"meme", "jaspar", "transfac"}, default="meme"
        The MEME minimal format (version 4), the JASPAR format, or the TRANSFAC matrix table.
    sites : bool, default=True
        Also write the sites.

    Raises
    ------
    ValueError
        If a name cannot be written: MEME and JASPAR separate accession and name by a space, so a name with a space
        needs an accession. In the JASPAR format fractional counts of a single site or less look like probabilities.

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
    r"""Read the motifs in a file.

    Parameters
    ----------
    file : str, path, or file opened for reading
        May be gzip-compressed, whatever its name. ``"-"`` is standard input.
    format : {"meme", "jaspar", "transfac", "homer"}, default=None
        By default detected from the content.

    Returns
    -------
    list of Motif
        A MEME file contains probabilities; the counts are these times ``nsites=``, or times 20 if that is missing. The
        same applies to fractions that sum to 1 at every position of a JASPAR or TRANSFAC file, and to HOMER files, with
        the number of sites after ``T:``. For counts in the JASPAR format the number of sites is the largest sum over a
        position.

    Raises
    ------
    FileFormatError
        A ValueError, if the file is in none of these formats, damaged, or malformed. The message names file and line.
    FileNotFoundError
        If the file does not exist.

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
        seems = guess_other_format(lines)
        raise FileFormatError.at(
            source,
            1,
            "expected a motif file: 'MEME version 4' (MEME), '>' and a name (JASPAR, HOMER), or lines that start with"
            f" AC, ID or NA (TRANSFAC); got {shown((lines or [''])[0])}."
            + (f" This seems to be {seems}; convert it to one of these." if seems else " Pass format= if you know it."),
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
            raise ValueError(f"A motif has the {what} {text!r}; expected one line without surrounding whitespace.")
    if any(map(str.isspace, motif.accession)):
        raise ValueError(f"Motif {motif.name!r} has the accession {motif.accession!r}; expected no spaces in it.")
    if format == "jaspar" and may_be_probabilities(motif.counts):
        raise ValueError(
            f"Motif {motif.name!r} has fractional counts of a single site or less, which look like probabilities in"
            " the JASPAR format; use format='meme' or 'transfac'."
        )
    if format == "transfac" or motif.accession:
        return
    if any(map(str.isspace, motif.name)):
        raise ValueError(
            f"Motif {motif.name!r} has a space in its name and no accession, so in {format} the first word would be"
            " read as the accession; rename it, give it an accession, or use format='transfac'."
        )


def _write_whole(path: Path, text: str) -> None:
    content = text.encode(errors="backslashreplace")  # names that are not valid UTF-8
    with replacing(path) as part:
        # mtime=0, so that equal motifs give equal files.
        part.write_bytes(gzip.compress(content, mtime=0) if path.suffix == ".gz" else content)
