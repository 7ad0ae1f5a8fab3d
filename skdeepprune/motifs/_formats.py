"""The motif file formats, and how to recognise them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from skdeepprune._reading import FileFormatError
from skdeepprune.motifs._jaspar import is_homer_header, read_homer, read_jaspar, write_jaspar
from skdeepprune.motifs._lines import MotifLines
from skdeepprune.motifs._meme import read_meme, write_meme
from skdeepprune.motifs._motif import Motif
from skdeepprune.motifs._transfac import read_transfac, write_transfac

WRITERS: dict[str, Callable[..., str]] = {"meme": write_meme, "jaspar": write_jaspar, "transfac": write_transfac}
READERS: dict[str, Callable[[MotifLines], list[Motif]]] = {
    "meme": read_meme,
    "jaspar": read_jaspar,
    "transfac": read_transfac,
    "homer": read_homer,
}
# Other formats, by the start of one of the first lines.
_OTHERS = (
    (r"(Pos|Position)\s+A\s+C\s+G\s+[TU]\b", "a table of CIS-BP"),
    (r"[ACGTU]:\s", "a matrix of UniPROBE"),
    (r"\s*<(\?xml|!DOCTYPE|html)", "XML or HTML, not the text output"),
    (r"@", "FASTQ, a file of sequences"),
)
_N_LINES_CHECKED = 20


def parse(source: str, lines: Sequence[str], format: str) -> list[Motif]:
    """Parse the lines of the file `source`; errors name the line."""
    text = MotifLines(source, lines)
    try:
        return READERS[format](text)
    except FileFormatError:
        raise
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise FileFormatError.at(source, max(text.at, 0) + 1, str(error)) from error


def recognise(lines: Sequence[str]) -> str | None:
    """Return the name of the format, or None if it is not recognised."""
    if any(line.startswith("MEME version") for line in lines):
        return "meme"
    first = next((line for line in lines if line.strip()), "")
    if first.startswith(">"):
        return "homer" if is_homer_header(first) else "jaspar"
    return "transfac" if re.match(r"(AC|ID|NA|VV|DE|XX|P[0O])(\s|$)", first) else None


def guess_other_format(lines: Sequence[str]) -> str | None:
    """Describe the unsupported format that the lines seem to have, if it is known."""
    for line in lines[:_N_LINES_CHECKED]:
        for pattern, what in _OTHERS:
            if re.match(pattern, line):
                return what
    return None
