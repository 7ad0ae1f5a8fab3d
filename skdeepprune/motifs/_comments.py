"""Fields that the formats cannot represent, stored as JSON in comments that other programs ignore."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import astuple, replace
from typing import Any

from skdeepprune._reading import shown
from skdeepprune.motifs._lines import MotifLines
from skdeepprune.motifs._motif import Motif, Site

# Prefixes of comments: for the fields of a motif, and for one of its sites.
OURS = "skdeepprune"
_SITE = "skdeepprune-site"


def number(value: float) -> str:
    """Format a number so that it reads back equal, integers without a decimal point."""
    return str(int(value)) if float(value).is_integer() else repr(float(value))


def extra_of(motif: Motif) -> dict[str, Any]:
    """Collect the fields that the formats cannot represent, if they are set."""
    values = {
        "kernel": motif.kernel,
        "weight": motif.weight,
        "importance": motif.importance,
        "threshold": motif.threshold,
        "notes": motif.notes,
    }
    return {key: value for key, value in values.items() if value not in (None, ()) and value == value}


def comments(extra: dict[str, Any], sites: Sequence[Site]) -> Iterator[str]:
    """Yield the comments for extra fields and sites."""
    if extra:
        yield f"{OURS} {json.dumps(extra)}"
    for site in sites:
        yield f"{_SITE} {json.dumps(astuple(site))}"


def with_comment(text: MotifLines, motif: Motif, comment: str) -> Motif:
    """Add the content of a comment to a motif."""
    kind, _, content = comment.partition(" ")
    if kind == OURS:
        return with_extra(text, motif, parsed(text, content))
    if kind == _SITE:
        return with_extra(text, motif, {"sites": (*motif.sites, _site(text, parsed(text, content)))})
    return motif


def _site(text: MotifLines, values: Any) -> Site:
    kinds = (int, str, int, str, float | int, str)
    if not isinstance(values, list) or not _are(values, kinds):
        text.fail(f"expected a site as [row, name, position, strand, score, letters], got {shown(json.dumps(values))}.")
    try:
        return Site(*values)
    except ValueError as error:
        text.fail(str(error))


def with_extra(text: MotifLines, motif: Motif, extra: Any) -> Motif:
    """Add extra fields to a motif."""
    if not isinstance(extra, dict) or not extra.keys() <= _EXTRA_KINDS.keys():
        text.fail(f"expected a JSON object with keys from {', '.join(_EXTRA_KINDS)}, got {shown(json.dumps(extra))}.")
    if not _are(extra.values(), [_EXTRA_KINDS[key] for key in extra]):
        text.fail(f"expected numbers, and lists for background and notes, got {shown(json.dumps(extra))}.")
    if not all(isinstance(note, str) for note in extra.get("notes", ())):
        text.fail(f"expected a list of strings for 'notes', got {shown(json.dumps(extra['notes']))}.")
    try:
        return replace(motif, **extra)
    except (TypeError, ValueError, OverflowError) as error:
        text.fail(f"this does not match motif {shown(motif.name)}: {error}")


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


def parsed(text: MotifLines, content: str) -> Any:
    """Parse the JSON of a comment."""
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        text.fail(f"expected JSON written by skdeepprune, got {shown(content)}; delete the line if it was edited.")


def pop_totals(text: MotifLines, extra: Any, width: int) -> list[float] | None:
    """Remove and return the sums of counts at each position, which some formats do not store."""
    if not isinstance(extra, dict) or "totals" not in extra:
        return None
    listed = extra.pop("totals")
    totals = text.numbers(listed if isinstance(listed, list) else [listed], "a list of numbers for 'totals'")
    if len(totals) != width:
        text.fail(f"expected {width} totals, one per position, got {len(totals)}.")
    return totals
