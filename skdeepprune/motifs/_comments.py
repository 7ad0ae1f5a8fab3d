"""What the formats have no place for, as JSON in comments that other programs skip."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import astuple, replace
from typing import Any

from skdeepprune._reading import shown
from skdeepprune.motifs._lines import MotifLines
from skdeepprune.motifs._motif import Motif, Site

# What begins a comment: what else is known of a motif, and one of its sites.
OURS = "skdeepprune"
_SITE = "skdeepprune-site"


def number(value: float) -> str:
    """Write a number so that it reads back equal, a whole one without a point."""
    return str(int(value)) if float(value).is_integer() else repr(float(value))


def extra_of(motif: Motif) -> dict[str, Any]:
    """List what the formats have no place for, as far as it is known."""
    values = {
        "kernel": motif.kernel,
        "weight": motif.weight,
        "importance": motif.importance,
        "threshold": motif.threshold,
        "notes": motif.notes,
    }
    return {key: value for key, value in values.items() if value not in (None, ()) and value == value}


def comments(extra: dict[str, Any], sites: Sequence[Site]) -> Iterator[str]:
    """Write what else is known, and sites."""
    if extra:
        yield f"{OURS} {json.dumps(extra)}"
    for site in sites:
        yield f"{_SITE} {json.dumps(astuple(site))}"


def with_comment(text: MotifLines, motif: Motif, comment: str) -> Motif:
    """Add to a motif what a comment says of it."""
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
    """Add to a motif what else is known of it."""
    if not isinstance(extra, dict) or not extra.keys() <= _EXTRA_KINDS.keys():
        text.fail(f"expected values of {', '.join(_EXTRA_KINDS)} in braces, got {shown(json.dumps(extra))}.")
    if not _are(extra.values(), [_EXTRA_KINDS[key] for key in extra]):
        text.fail(f"expected numbers, and lists of background and notes, got {shown(json.dumps(extra))}.")
    if not all(isinstance(note, str) for note in extra.get("notes", ())):
        text.fail(f"expected a list of strings as 'notes', got {shown(json.dumps(extra['notes']))}.")
    try:
        return replace(motif, **extra)
    except (TypeError, ValueError, OverflowError) as error:
        text.fail(f"this does not fit motif {shown(motif.name)}: {error}")


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
    """Read the JSON of a comment."""
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        text.fail(f"expected JSON as skdeepprune writes it, got {shown(content)}; delete the line if it was edited.")


def pop_totals(text: MotifLines, extra: Any, width: int) -> list[float] | None:
    """Take out the sums of counts at each position, where a format does not tell them."""
    if not isinstance(extra, dict) or "totals" not in extra:
        return None
    listed = extra.pop("totals")
    totals = text.numbers(listed if isinstance(listed, list) else [listed], "a list of numbers as 'totals'")
    if len(totals) != width:
        text.fail(f"expected {width} totals, one for each position, got {len(totals)}.")
    return totals
