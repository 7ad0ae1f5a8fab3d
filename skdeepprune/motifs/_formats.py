"""Motifs as text and back: MEME, JASPAR and TRANSFAC."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import astuple, dataclass, field, replace
from decimal import Decimal
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from skdeepprune.motifs._motif import UNIFORM, Motif, Site

# What MEME's programs assume where a file does not say.
_DEFAULT_N_SITES = 20.0
_SUM_TOLERANCE = 0.02
# What begins our comments: what else is known of a motif, and one of its sites.
_OURS = "skdeepprune"
_SITE = "skdeepprune-site"


@dataclass
class _Lines:
    """The lines of a file, and where one is in it."""

    source: str
    lines: Sequence[str]
    at: int = field(default=-1)

    def __iter__(self) -> Iterator[str]:
        while self.at + 1 < len(self.lines):
            self.at += 1
            yield self.lines[self.at].rstrip("\r\n")

    def back(self) -> None:
        self.at -= 1

    def fail(self, problem: str) -> NoReturn:
        raise ValueError(f"{self.source}, line {self.at + 1}: {problem}")

    def numbers(self, words: Sequence[str], expected: str) -> list[float]:
        got = " ".join(map(str, words))
        try:
            values = [float(word) for word in words]
        except (TypeError, ValueError):
            self.fail(f"expected {expected}, got {got!r}.")
        if not all(math.isfinite(value) and value >= 0 for value in values):
            self.fail(f"expected {expected}, none of them negative, infinite or NaN; got {got!r}.")
        return values


def write_meme(motifs: Sequence[Motif], *, sites: bool) -> str:
    """Write the MEME minimal format, version 4."""
    background = motifs[0].background if motifs else UNIFORM
    letters = " ".join(f"{base} {value!r}" for base, value in zip("ACGT", background, strict=True))
    blocks = [
        "MEME version 4\n\nALPHABET= ACGT\n\nstrands: + -\n\n",
        f"Background letter frequencies\n{letters}\n\n",
    ]
    for motif in motifs:
        totals = [float(total) for total in motif.counts.sum(axis=1)]
        extra: dict[str, Any] = _extra(motif)
        if motif.n_sites == 0 or set(totals) != {motif.n_sites}:
            extra["totals"] = totals
        if motif.background != background:
            extra["background"] = motif.background
        names = " ".join(filter(None, (motif.accession, motif.name)))
        rows = [
            " ".join(_share(count, total, p) for count, p in zip(counts, probabilities, strict=True))
            for counts, probabilities, total in zip(motif.counts, motif.ppm, totals, strict=True)
        ]
        blocks += [
            f"MOTIF {names}\n",
            f"letter-probability matrix: alength= 4 w= {motif.width} nsites= {_number(motif.n_sites)} E= 0\n",
            *(f"{row}\n" for row in rows),
            *(f"# {comment}\n" for comment in _comments(extra, motif.sites if sites else ())),
            "\n",
        ]
    return "".join(blocks)


def read_meme(text: _Lines) -> list[Motif]:
    """Read the minimal format, or the motifs of MEME's own output."""
    motifs: list[Motif] = []
    background: tuple[float, ...] = UNIFORM
    for line in text:
        words = line.split()
        if line.startswith("ALPHABET=") and "".join(words[1:]) not in ("ACGT", ""):
            text.fail(f"expected 'ALPHABET= ACGT', got {line!r}; only DNA motifs can be read.")
        elif line.startswith("Background letter frequencies"):
            background = _meme_background(text)
        elif words[:1] == ["MOTIF"]:
            motifs.append(_meme_motif(text, words[1:], background))
        elif line.startswith("# ") and motifs:
            motifs[-1] = _with_comment(text, motifs[-1], line[2:])
    return motifs


def _meme_background(text: _Lines) -> tuple[float, ...]:
    words: list[str] = []
    for line in text:
        words += line.split()
        if len(words) >= 8 or not line.strip():
            break
    expected = "background frequencies 'A 0.25 C 0.25 G 0.25 T 0.25'"
    if len(words) != 8 or words[::2] != list("ACGT"):
        text.fail(f"expected {expected}, got {' '.join(words)!r}.")
    return tuple(text.numbers(words[1::2], expected))


def _meme_motif(text: _Lines, words: list[str], background: tuple[float, ...]) -> Motif:
    if not words:
        text.fail("expected a name after MOTIF.")
    if "width" in words:  # MEME's own output: MOTIF CREB MEME-1 width = 8 sites = 5
        words = words[: words.index("width")]
    for line in text:
        if line.startswith("letter-probability matrix:"):
            break
        if line.startswith("MOTIF"):
            text.fail(f"expected 'letter-probability matrix:' of motif {words[0]!r}, got another MOTIF.")
    else:
        text.fail(f"the file ends before the 'letter-probability matrix:' of motif {words[0]!r}.")
    keys = dict(re.findall(r"(\w+)\s*=\s*(\S+)", line))
    (n_sites,) = text.numbers([keys.get("nsites", "0")], "a number of sites after nsites=")
    width = keys.get("w")
    if width is not None and not (width.isdecimal() and int(width) > 0):
        text.fail(f"expected the number of positions after w=, got {width!r}.")
    rows = _meme_rows(text, words[0], int(width) if width is not None else None)
    counts = _products(rows, [n_sites or _DEFAULT_N_SITES] * len(rows))
    accession, name = (words[0], " ".join(words[1:])) if len(words) > 1 else ("", words[0])
    motif = Motif(name, counts, n_sites or _DEFAULT_N_SITES, accession=accession, background=background)  # type: ignore[arg-type]
    for line in text:
        if not line.startswith(f"# {_OURS} "):
            text.back()
            break
        extra = _parsed(text, line.split(maxsplit=2)[2])
        if isinstance(extra, dict) and "totals" in extra:
            totals = text.numbers(list(extra.pop("totals")), "a list of numbers as 'totals'")
            if len(totals) != len(rows):
                text.fail(f"expected {len(rows)} totals, one for each position, got {len(totals)}.")
            motif = replace(motif, counts=_products(rows, totals), n_sites=n_sites)
        motif = _with_extra(text, motif, extra)
    return motif


def _meme_rows(text: _Lines, name: str, width: int | None) -> list[list[str]]:
    rows: list[list[str]] = []
    while width is None or len(rows) < width:
        line = next(iter(text), None)
        if width is None and (line is None or not re.match(r"\s*[\d.]", line)):
            if line is not None:
                text.back()
            break
        expected = f"the probabilities of A, C, G and T at position {len(rows) + 1} of motif {name!r}"
        words = (line or "").split()
        values = text.numbers(words, expected)
        if len(values) != 4 or abs(sum(values) - 1) > _SUM_TOLERANCE:
            text.fail(f"expected {expected}, four numbers that sum to 1; got {line!r}.")
        rows.append(words)
    if not rows:
        text.fail(f"expected probabilities of motif {name!r}, got none.")
    return rows


def _products(rows: Sequence[Sequence[str]], totals: Sequence[float]) -> NDArray[np.float64]:
    """Counts from written probabilities: exact products, rounded once."""
    return np.array(
        [[float(Decimal(word) * Decimal(total)) for word in row] for row, total in zip(rows, totals, strict=True)]
    )


def _share(count: float, total: float, probability: float) -> str:
    """Write ``count / total`` with as few digits as give the count back."""
    if total == 0:
        return repr(float(probability))
    exact = Decimal(float(count)) / Decimal(total)
    for digits in (6, 17):
        text = format(exact, f".{digits}g")
        if float(Decimal(text) * Decimal(total)) == count:
            return text
    return format(exact, "f")


def write_jaspar(motifs: Sequence[Motif], *, sites: bool) -> str:
    """Write JASPAR's format: name and counts."""
    blocks = []
    for motif in motifs:
        names = " ".join(filter(None, (motif.accession, motif.name)))
        columns = [[_number(count) for count in row] for row in motif.counts]
        widths = [max(map(len, column)) for column in columns]
        blocks.append(f">{names}\n")
        for base, letter in enumerate("ACGT"):
            row = " ".join(column[base].rjust(width) for column, width in zip(columns, widths, strict=True))
            blocks.append(f"{letter} [ {row} ]\n")
    return "".join(blocks)


def read_jaspar(text: _Lines) -> list[Motif]:
    """Read JASPAR's format, with or without letters and brackets."""
    motifs = []
    for line in text:
        if not line.strip():
            continue
        words = line[1:].split(maxsplit=1)
        if not line.startswith(">") or not words:
            text.fail(f"expected '>' and the name of a motif, got {line!r}.")
        accession, name = words if len(words) == 2 else ("", words[0])
        rows = []
        for letter in "ACGT":
            row = next(iter(text), "")
            numbers = re.sub(rf"^\s*{letter}\b|[\[\]]", " ", row).split()
            rows.append(text.numbers(numbers, f"the counts of {letter} in motif {name.strip()!r}"))
            if not numbers or len(rows[-1]) != len(rows[0]):
                text.fail(
                    f"expected {len(rows[0]) or 'some'} counts of {letter} in motif {name.strip()!r}, got {row!r}."
                )
        counts = np.array(rows).T
        motifs.append(Motif(name.strip(), counts, _n_sites(counts), accession=accession))
    return motifs


def write_transfac(motifs: Sequence[Motif], *, sites: bool) -> str:
    """Write the matrix table of TRANSFAC."""
    blocks = []
    for motif in motifs:
        extra: dict[str, Any] = _extra(motif)
        if motif.background != UNIFORM:
            extra["background"] = motif.background
        rows = [
            f"{i:02d}  {' '.join(_number(count).rjust(6) for count in counts)}      {letter}"
            for i, (counts, letter) in enumerate(zip(motif.counts, motif.consensus, strict=True), 1)
        ]
        lines = [
            *([f"AC  {motif.accession}", "XX"] if motif.accession else []),
            f"ID  {motif.name}",
            "XX",
            f"NA  {motif.name}",
            "XX",
            "P0       A      C      G      T",
            *rows,
            "XX",
            f"BA  {_number(motif.n_sites)} sites",
            "XX",
            *(f"CC  {comment}" for comment in _comments(extra, motif.sites if sites else ())),
            "//",
        ]
        blocks.append("\n".join(lines) + "\n")
    return "".join(blocks)


def read_transfac(text: _Lines) -> list[Motif]:
    """Read the matrix table of TRANSFAC."""
    motifs: list[Motif] = []
    fields: dict[str, str] = {}
    comments: list[tuple[int, str]] = []
    rows: list[list[float]] = []
    for line in text:
        key, _, value = line.strip().partition(" ") if "\t" not in line else line.strip().partition("\t")
        value = value.strip()
        if key in ("P0", "PO"):
            if value.split() != list("ACGT"):
                text.fail(f"expected '{key}  A  C  G  T', got {line!r}.")
            fields["P0"] = value
        elif key.isdecimal() and "P0" in fields:
            expected = f"the counts of A, C, G and T at position {len(rows) + 1}"
            if int(key) not in (len(rows), len(rows) + 1):
                text.fail(f"expected {expected}, got {line!r}.")
            rows.append(text.numbers(value.split()[:4], expected))
            if len(rows[-1]) != 4:
                text.fail(f"expected {expected}, got {line!r}.")
        elif key == "CC":
            comments.append((text.at, value))
        elif key == "//":
            if rows:
                motifs.append(_transfac_motif(text, fields, rows, comments))
            elif "P0" in fields:
                text.fail("expected the counts of a matrix between 'P0' and '//', got none.")
            fields, comments, rows = {}, [], []
        elif key and len(key) != 2:
            text.fail(f"expected a key of two letters such as AC, ID or P0, got {line!r}.")
        else:
            fields.setdefault(key, value)
    if rows or "P0" in fields:
        text.fail("the file ends before the '//' that closes its last motif.")
    return motifs


def _transfac_motif(
    text: _Lines, fields: dict[str, str], rows: list[list[float]], comments: list[tuple[int, str]]
) -> Motif:
    accession = fields.get("AC", "")
    name = fields.get("NA") or fields.get("ID") or accession
    if not name:
        text.fail("expected a name in a line 'NA', 'ID' or 'AC' before the matrix ends, got none.")
    counts = np.array(rows)
    basis = re.fullmatch(r"(\d\S*)\s+sites", fields.get("BA", ""))
    n_sites = text.numbers([basis[1]], "a number of sites in the line 'BA'")[0] if basis else _n_sites(counts)
    motif = Motif(name, counts, n_sites, accession=accession)
    end = text.at
    for text.at, comment in comments:
        motif = _with_comment(text, motif, comment)
    text.at = end
    return motif


def _n_sites(counts: NDArray[np.float64]) -> float:
    return float(counts.sum(axis=1).max())


def _number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else repr(float(value))


def _extra(motif: Motif) -> dict[str, Any]:
    """List what the formats have no place for, as far as it is known."""
    values = {
        "kernel": motif.kernel,
        "weight": motif.weight,
        "importance": motif.importance,
        "threshold": motif.threshold,
        "notes": motif.notes,
    }
    return {key: value for key, value in values.items() if value not in (None, ()) and value == value}


def _comments(extra: dict[str, Any], sites: Sequence[Site]) -> Iterator[str]:
    if extra:
        yield f"{_OURS} {json.dumps(extra)}"
    for site in sites:
        yield f"{_SITE} {json.dumps(astuple(site))}"


def _with_comment(text: _Lines, motif: Motif, comment: str) -> Motif:
    kind, _, content = comment.partition(" ")
    if kind == _OURS:
        return _with_extra(text, motif, _parsed(text, content))
    if kind == _SITE:
        return _with_extra(text, motif, {"sites": (*motif.sites, _site(text, _parsed(text, content)))})
    return motif


def _site(text: _Lines, values: Any) -> Site:
    kinds = (int, str, int, str, float | int, str)
    if not isinstance(values, list) or not _are(values, kinds):
        text.fail(f"expected a site as [row, name, position, strand, score, letters], got {json.dumps(values)}.")
    try:
        return Site(*values)
    except ValueError as error:
        text.fail(str(error))


def _with_extra(text: _Lines, motif: Motif, extra: Any) -> Motif:
    if not isinstance(extra, dict) or not extra.keys() <= _EXTRA_KINDS.keys():
        text.fail(f"expected values of {', '.join(_EXTRA_KINDS)} in braces, got {json.dumps(extra)}.")
    if not _are(extra.values(), [_EXTRA_KINDS[key] for key in extra]):
        text.fail(f"expected numbers, and lists of background and notes, got {json.dumps(extra)}.")
    try:
        return replace(motif, **extra)
    except (TypeError, ValueError) as error:
        text.fail(f"this does not fit motif {motif.name!r}: {error}")


_EXTRA_KINDS: dict[str, Any] = {
    "kernel": int,
    "weight": float | int,
    "importance": float | int,
    "threshold": float | int,
    "background": list,
    "notes": list,
    "sites": tuple,
}


def _are(values: Iterable[Any], kinds: Sequence[Any]) -> bool:
    listed = list(values)
    return len(listed) == len(kinds) and all(map(isinstance, listed, kinds))


def _parsed(text: _Lines, content: str) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        text.fail(f"expected JSON as skdeepprune writes it, got {content!r}; delete the line if it was edited.")


Writer = Callable[..., str]
Reader = Callable[[_Lines], list[Motif]]
WRITERS: dict[str, Writer] = {"meme": write_meme, "jaspar": write_jaspar, "transfac": write_transfac}
READERS: dict[str, Reader] = {"meme": read_meme, "jaspar": read_jaspar, "transfac": read_transfac}


def parse(source: str, lines: Sequence[str], format: str) -> list[Motif]:
    """Read the lines of a file called `source`; what cannot be a motif is an error that names the line."""
    text = _Lines(source, lines)
    try:
        return READERS[format](text)
    except ValueError as error:
        if str(error).startswith(f"{source}, line "):
            raise
        text.fail(str(error))


def recognise(lines: Sequence[str]) -> str | None:
    """Name the format of the lines, or None if it is none of these."""
    if any(line.startswith("MEME version") for line in lines):
        return "meme"
    first = next((line for line in lines if line.strip()), "")
    if first.startswith(">"):
        return "jaspar"
    return "transfac" if re.match(r"(AC|ID|NA|VV|DE|XX|P[0O])(\s|$)", first) else None
