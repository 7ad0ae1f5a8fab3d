"""Motifs in the MEME minimal format and in MEME's own text output."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from skdeepprune._reading import shown
from skdeepprune.motifs._comments import OURS, comments, extra_of, number, parsed, pop_totals, with_comment, with_extra
from skdeepprune.motifs._lines import DEFAULT_N_SITES, SUM_TOLERANCE, MotifLines, is_number, products
from skdeepprune.motifs._motif import UNIFORM, Background, Motif

_MATRIX = "letter-probability matrix:"
_POSITIVE = re.compile(r"[1-9]\d{0,8}", re.ASCII)
_ACGT = [0, 1, 2, 3]


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
        extra: dict[str, Any] = extra_of(motif)
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
            f"{_MATRIX} alength= 4 w= {motif.width} nsites= {number(motif.n_sites)} E= 0\n",
            *(f"{row}\n" for row in rows),
            *(f"# {comment}\n" for comment in comments(extra, motif.sites if sites else ())),
            "\n",
        ]
    return "".join(blocks)


def _share(count: float, total: float, probability: float) -> str:
    """Format ``count / total`` with as few digits as needed to recover the count."""
    if total == 0:
        return repr(float(probability))
    exact = Decimal(float(count)) / Decimal(total)
    for digits in (6, 17):
        text = format(exact, f".{digits}g")
        if float(Decimal(text) * Decimal(total)) == count:
            return text
    return format(exact, "f")


def read_meme(text: MotifLines) -> list[Motif]:
    """Read the minimal format, or the motifs of MEME's own output."""
    motifs: list[Motif] = []
    background = UNIFORM
    order = _ACGT
    lower_case = None
    for line in text:
        words = line.split()
        if re.match(r"ALPHABET\b", line):
            order = _alphabet(text, line)
        elif line.startswith("Background letter frequencies"):
            background = _background(text)
        elif words[:1] == ["MOTIF"]:
            motifs.append(_motif(text, words[1:], background, order))
        elif line.startswith("# ") and motifs:
            motifs[-1] = with_comment(text, motifs[-1], line[2:])
        elif line.lower().startswith(_MATRIX):
            text.fail(f"expected a line with 'MOTIF', in capitals, and a name before each matrix, got {shown(line)}.")
        elif _is_row(words):
            text.fail(f"expected '{_MATRIX}' before probabilities, got {shown(line)}.")
        elif words and words[0].lower() == "motif" and lower_case is None:
            lower_case = text.at
    if not motifs and lower_case is not None:
        text.at = lower_case
        text.fail(f"expected 'MOTIF', in capitals, and a name, got {shown(text.lines[lower_case])}.")
    return motifs


def _is_row(words: list[str]) -> bool:
    return len(words) == 4 and all(map(is_number, words))


def _alphabet(text: MotifLines, line: str) -> list[int]:
    declared = re.match(r"ALPHABET\s*=(.*)", line)
    if declared:
        return text.order("".join(declared[1].split()), line)
    # A custom alphabet: the MEME suite sorts the columns, whatever the order of the letters.
    core = ""
    for row in text:
        if row.startswith("END ALPHABET"):
            text.order(core, f"{core} in {line}")
            return _ACGT
        letter = r'\s*(\w)(?:\s+"[^"]*")?(?:\s+[0-9A-Fa-f]{6})?\s*'
        pair = re.fullmatch(rf"{letter}(?:~{letter})?", row)
        core += "".join(filter(None, pair.groups())) if pair else ""
    text.fail(f"the file ends before the 'END ALPHABET' for {shown(line)}.")


def _background(text: MotifLines) -> Background:
    words: list[str] = []
    for line in text:
        words += line.split()
        if len(words) >= 8 or not line.strip():
            break
    expected = "background frequencies 'A 0.25 C 0.25 G 0.25 T 0.25', all above 0, that sum to 1"
    got = " ".join(words)
    if len(words) != 8 or any(len(word) != 1 for word in words[::2]):
        text.fail(f"expected {expected}, got {shown(got)}.")
    values = text.numbers(words[1::2], expected)
    a, c, g, t = (values[column] for column in text.order("".join(words[::2]), got))
    if min(values) == 0 or abs(sum(values) - 1) > SUM_TOLERANCE:
        text.fail(f"expected {expected}, got {shown(got)}.")
    return a, c, g, t


def _motif(text: MotifLines, words: list[str], background: Background, order: list[int]) -> Motif:
    if not words:
        text.fail("expected a name after MOTIF.")
    if "width" in words[1:]:  # MEME's own output: MOTIF CREB MEME-1 width = 8 sites = 5
        words = words[: words.index("width", 1)]
    for line in text:
        if line.startswith(_MATRIX):
            break
        if line.startswith("MOTIF"):
            text.fail(f"expected '{_MATRIX}' for motif {shown(words[0])}, got another MOTIF.")
    else:
        text.fail(f"the file ends before the '{_MATRIX}' for motif {shown(words[0])}.")
    keys = dict(re.findall(r"(\w+)\s*=\s*(\S+)", line))
    (n_sites,) = text.numbers([keys.get("nsites", "0")], "a number of sites after nsites=")
    if keys.get("alength", "4") != "4":
        text.fail(f"expected alength= 4, got {shown(keys['alength'])}; only DNA motifs can be read.")
    width = keys.get("w")
    if width is not None and not _POSITIVE.fullmatch(width):
        text.fail(f"expected the number of positions after w=, got {shown(width)}.")
    rows = _rows(text, words[0], None if width is None else int(width), order)
    counts = products(rows, [n_sites or DEFAULT_N_SITES] * len(rows))
    accession, name = (words[0], " ".join(words[1:])) if len(words) > 1 else ("", words[0])
    motif = Motif(name, counts, n_sites or DEFAULT_N_SITES, accession=accession, background=background)
    for line in text:
        if not line.startswith(f"# {OURS} "):
            text.back()
            break
        extra = parsed(text, line.split(maxsplit=2)[-1])
        totals = pop_totals(text, extra, len(rows))
        if totals is not None:
            motif = replace(motif, counts=products(rows, totals), n_sites=n_sites)
        motif = with_extra(text, motif, extra)
    return motif


def _rows(text: MotifLines, name: str, width: int | None, order: list[int]) -> list[list[str]]:
    rows: list[list[str]] = []
    for line in text:
        words = line.split()
        if not words and not rows:
            continue
        if rows and (len(rows) == width or width is None) and not (words and is_number(words[0])):
            text.back()
            break
        expected = f"the probabilities of A, C, G and T at position {len(rows) + 1} of motif {shown(name)}"
        if len(rows) == width:
            text.fail(f"expected {width} positions for motif {shown(name)}, as given by w=, got more: {shown(line)}.")
        values = text.numbers(words, expected)
        if len(values) != 4 or abs(sum(values) - 1) > SUM_TOLERANCE:
            text.fail(f"expected {expected}, four numbers that sum to 1; got {shown(line)}.")
        rows.append([words[column] for column in order])
    if not rows or (width is not None and len(rows) < width):
        text.fail(
            f"expected the probabilities of A, C, G and T at position {len(rows) + 1} of motif {shown(name)}, got none."
        )
    return rows
