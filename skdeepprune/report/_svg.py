"""Drawings as inline SVG: coordinates with two decimals, colours by CSS class, escaped text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from markupsafe import Markup, escape
from numpy.typing import NDArray

from skdeepprune._glyphs import LETTERS, outline, stack_letters

Numbers = Sequence[float] | NDArray[Any]


def number(value: float) -> str:
    """Format a coordinate with at most two decimals."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def element(tag: str, *content: Any, **attributes: Any) -> Markup:
    """Make an element; ``class_`` stands for class, ``_`` in other names for ``-``, and None values are left out."""
    written = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{escape(number(v) if isinstance(v, float) else v)}"'
        for name, v in attributes.items()
        if v is not None
    )
    inner = "".join(map(escape, content))
    return Markup(f"<{tag}{written}>{inner}</{tag}>" if inner else f"<{tag}{written}/>")


def drawing(width: float, height: float, parts: Iterable[Markup], *, label: str, class_: str | None = None) -> Markup:
    """Wrap parts in a drawing that screen readers announce as one image."""
    return element(
        "svg",
        *parts,
        viewBox=f"0 0 {number(width)} {number(height)}",
        role="img",
        aria_label=label,
        class_=class_,
        style=f"max-width:{number(width * 1.4)}px",
    )


def path_through(x: Numbers, y: Numbers) -> str:
    """Path data of a line through points."""
    return "M" + "L".join(f"{number(a)} {number(b)}" for a, b in zip(x, y, strict=True))


def ticks(low: float, high: float, max_ticks: int = 5) -> list[float]:
    """Round numbers from `low` to `high`, at most about `max_ticks`."""
    span = high - low
    if span <= 0:
        return [low]
    rough = span / max_ticks
    power = 10.0 ** np.floor(np.log10(rough))
    step = power * next(factor for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough * 0.999)
    first, last = np.ceil(low / step - 1e-9), np.floor(high / step + 1e-9)
    return [float(np.round(i * step, 10)) + 0.0 for i in np.arange(first, last + 1)]


def label_of(value: float) -> str:
    """Format the label of a tick."""
    if value == 0 or 1e-3 <= abs(value) < 1e5:
        return f"{value:.4g}".replace("-", "\N{MINUS SIGN}")
    return f"{value:.1e}"


class Chart:
    """A plot with two axes.

    Parameters
    ----------
    x, y : tuple of two floats
        Limits of the axes.
    width, height : float
        Size of the whole drawing in pixels, unscaled.
    """

    def __init__(
        self,
        x: tuple[float, float],
        y: tuple[float, float],
        *,
        width: float = 360,
        height: float = 240,
        left: float = 46,
        bottom: float = 42,
        top: float = 14,
        right: float = 14,
    ) -> None:
        self.width, self.height = width, height
        self._x, self._y = x, y
        self._left, self._right = left, width - right
        self._top, self._bottom = top, height - bottom
        self._parts: list[Markup] = []

    def at_x(self, value: Any) -> Any:
        """Horizontal coordinate of a value."""
        low, high = self._x
        return self._left + (np.asarray(value, dtype=float) - low) / (high - low) * (self._right - self._left)

    def at_y(self, value: Any) -> Any:
        """Vertical coordinate of a value."""
        low, high = self._y
        return self._bottom - (np.asarray(value, dtype=float) - low) / (high - low) * (self._bottom - self._top)

    def axes(
        self,
        x_label: str,
        y_label: str,
        *,
        x_ticks: Iterable[tuple[float, str]] | None = None,
        y_ticks: Iterable[tuple[float, str]] | None = None,
    ) -> None:
        """Draw horizontal grid lines, ticks and labels."""
        for value, text in y_ticks if y_ticks is not None else [(t, label_of(t)) for t in ticks(*self._y)]:
            at = float(self.at_y(value))
            self._parts.append(
                element("path", d=f"M{number(self._left)} {number(at)}H{number(self._right)}", class_="grid")
            )
            self.text(self._left - 7, at + 4, text, anchor="end", class_="tick")
        for value, text in x_ticks if x_ticks is not None else [(t, label_of(t)) for t in ticks(*self._x)]:
            at = float(self.at_x(value))
            # A long label at the right end would be cut off.
            anchor = "end" if at + 3.5 * len(text) > self.width else "middle"
            self.text(min(at, self.width - 1), self._bottom + 17, text, anchor=anchor, class_="tick")
        self._parts.append(
            element("path", d=f"M{number(self._left)} {number(self._bottom)}H{number(self._right)}", class_="axis")
        )
        self.text((self._left + self._right) / 2, self.height - 6, x_label, anchor="middle", class_="axis-label")
        if y_label:
            middle = (self._top + self._bottom) / 2
            self._parts.append(
                element(
                    "text",
                    y_label,
                    transform=f"translate(12 {number(middle)}) rotate(-90)",
                    text_anchor="middle",
                    class_="axis-label",
                )
            )

    def text(self, x: float, y: float, text: str, *, anchor: str = "start", class_: str | None = None) -> None:
        """Write text at pixel coordinates."""
        self._parts.append(element("text", text, x=float(x), y=float(y), text_anchor=anchor, class_=class_))

    def line(self, x: Numbers, y: Numbers, class_: str) -> None:
        """Draw a line through points."""
        self._parts.append(element("path", d=path_through(self.at_x(x), self.at_y(y)), class_=f"line {class_}"))

    def area(self, x: Numbers, low: Numbers, high: Numbers, class_: str) -> None:
        """Fill the area between two lines."""
        across = np.concatenate([np.asarray(x), np.asarray(x)[::-1]])
        around = np.concatenate([np.asarray(high), np.asarray(low)[::-1]])
        data = path_through(self.at_x(across), self.at_y(around)) + "Z"
        self._parts.append(element("path", d=data, class_=f"area {class_}"))

    def histogram(self, edges: Numbers, values: Numbers, class_: str) -> None:
        """Draw a step histogram, filled down to zero."""
        x = np.repeat(np.asarray(edges), 2)
        y = np.concatenate([[0], np.repeat(np.asarray(values), 2), [0]])
        self.area(x, np.zeros(len(x)), y, class_)
        self.line(x, y, class_)

    def dots(self, x: Numbers, y: Numbers, class_: str, titles: Sequence[str]) -> None:
        """Draw points with tooltips."""
        for a, b, title in zip(self.at_x(x), self.at_y(y), titles, strict=True):
            self._parts.append(
                element("circle", element("title", title), cx=float(a), cy=float(b), r=3.5, class_=f"dot {class_}")
            )

    def rule(self, *, x: float | None = None, y: float | None = None, class_: str = "rule") -> None:
        """Draw a vertical line at x or a horizontal one at y, across the whole plot."""
        if x is not None:
            data = f"M{number(self.at_x(x))} {number(self._top)}V{number(self._bottom)}"
        else:
            data = f"M{number(self._left)} {number(self.at_y(y))}H{number(self._right)}"
        self._parts.append(element("path", d=data, class_=class_))

    def bar(self, row: float, low: float, high: float, thickness: float, class_: str) -> None:
        """Draw a horizontal bar centred on `row`, a value of y."""
        left, right = sorted((float(self.at_x(low)), float(self.at_x(high))))
        self._parts.append(
            element(
                "rect",
                x=left,
                y=float(self.at_y(row)) - thickness / 2,
                width=max(right - left, 0.5),
                height=float(thickness),
                rx=2,
                class_=class_,
            )
        )

    def finish(self, label: str) -> Markup:
        """Return the chart."""
        return drawing(self.width, self.height, self._parts, label=label, class_="chart")


def glyph_definitions() -> Markup:
    """Shapes of the four letters, referenced by every logo on the page."""
    shapes = []
    for letter in LETTERS:
        data = "".join(
            command + " ".join(f"{number(a)} {number(b)}" for a, b in points) for command, points in outline(letter)
        )
        shapes.append(element("path", id=f"glyph-{letter}", d=data))
    return element("svg", element("defs", *shapes), class_="glyphs", aria_hidden="true")


def letters(heights: NDArray[Any], *, left: float, zero: float, scale: float, column: float) -> list[Markup]:
    """Draw the letters of a logo.

    Parameters
    ----------
    heights : ndarray, shape (width, 4)
    left, zero : float
        Where the first column begins, and where height 0 is.
    scale : float
        Pixels for a height of 1.
    column : float
        Pixels for a column.
    """
    stack = stack_letters(heights, least=0.4 / scale)
    return [
        element(
            "use",
            href=f"#glyph-{LETTERS[code]}",
            class_=LETTERS[code],
            transform=f"matrix({number(column * 0.94)} 0 0 {number(-scale * height)}"
            f" {number(left + column * (position + 0.03))} {number(zero - scale * bottom)})",
        )
        for code, position, bottom, height in zip(
            stack.letter.tolist(), stack.position.tolist(), stack.bottom.tolist(), stack.height.tolist(), strict=True
        )
    ]
