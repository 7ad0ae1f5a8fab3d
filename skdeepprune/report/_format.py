"""Formatting of numbers and tables in a report."""

from __future__ import annotations

import base64
import re
from typing import Any

import pandas as pd

from skdeepprune.report._performance import Estimate

# A sign alone is a strand, and before digits only, a number.
_FORMULA = re.compile(r"[\s\x00]*[=@＝＠]|[\s\x00]*[-+＋－](?!$|[\d.]+$)|[\t\r\n]")
_WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")


def rounded(auc: float) -> str:
    """Format with two decimals, or three if it would round to 1."""
    if auc < 0.995 or auc == 1:
        return f"{auc:.2f}"
    return f"{min(auc, 0.999):.3f}"


def counted(n: int, noun: str) -> str:
    return f"{_WORDS[n] if n < len(_WORDS) else n} {noun}{'' if n == 1 else 's'}"


def interval(estimate: Estimate, digits: int = 3) -> str:
    return f"{estimate.low:.{digits}f} to {estimate.high:.{digits}f}"


def signed(value: float, digits: int = 3) -> str:
    return f"{value:.{digits}f}".replace("-", "\N{MINUS SIGN}")


def percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def scientific(value: float) -> str:
    if value == 0 or value >= 0.01:
        return f"{value:.2g}"
    mantissa, exponent = f"{value:.1e}".split("e")
    raised = str(int(exponent)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"{mantissa} × 10{raised}"


def table(title: str, file: str, frame: pd.DataFrame) -> dict[str, Any]:
    """Content of a table and a link to its CSV file, for the template."""
    columns = [
        {"name": str(name), "is_text": i == 0 or not pd.api.types.is_numeric_dtype(frame[name])}
        for i, name in enumerate(frame.columns)
    ]
    rows = [[_cell(value) for value in row] for row in frame.itertuples(index=False)]
    return {
        "title": title,
        "file": file,
        "columns": columns,
        "rows": rows,
        "link": data_link(_without_formulas(frame).to_csv(index=False, lineterminator="\n"), "text/csv"),
    }


def _without_formulas(frame: pd.DataFrame) -> pd.DataFrame:
    """Prefix text that a spreadsheet would execute with an apostrophe: names come from untrusted files."""

    def escaped(value: Any) -> Any:
        if not isinstance(value, str):
            return value
        quoted = f"'{value}" if _FORMULA.match(value) else value
        return quoted.replace("\r", " ")  # many programs start a new row there

    return pd.DataFrame({escaped(name): column.map(escaped) for name, column in frame.items()}, index=frame.index)


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return (
            f"{value:.6g}".replace("-", "\N{MINUS SIGN}")
            if value == 0 or abs(value) >= 1e-4
            else scientific(value)
            if value > 0
            else f"{value:.1e}"
        )
    return str(value)


def data_link(text: str, kind: str) -> str:
    return f"data:{kind};charset=utf-8;base64,{base64.b64encode(text.encode(errors='backslashreplace')).decode()}"
