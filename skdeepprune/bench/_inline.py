"""A figure as a drawing within a page, in the page's type and colours."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

from markupsafe import Markup

from skdeepprune.bench._marks import COLORS
from skdeepprune.report._svg import element

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def color_variables() -> str:
    """Declare the methods' colours as CSS, lighter ones for dark pages."""
    light = "".join(f"--{color[1:]}: {color}; " for color in COLORS)
    dark = "".join(f"--{color[1:]}: color-mix(in srgb, {color} 62%, white); " for color in COLORS)
    return f":root {{ {light}}}\n@media screen and (prefers-color-scheme: dark) {{ :root {{ {dark}}} }}"


def inline_svg(ax: Axes, label: str) -> Markup:
    """Turn the figure of an axes into an SVG element, and close the figure.

    Parameters
    ----------
    ax : matplotlib Axes
    label : str
        What screen readers say.

    Returns
    -------
    Markup
    """
    import matplotlib
    import matplotlib.pyplot as plt

    figure = ax.get_figure(root=True)
    assert figure is not None
    written = io.StringIO()
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": label}):
        figure.savefig(written, format="svg", transparent=True, metadata={"Date": None})
    plt.close(figure)
    text = written.getvalue().partition("<svg")[2]
    view = re.search(r'viewBox="0 0 ([\d.]+) [\d.]+"', text)
    assert view is not None
    inner = text[text.index(">") + 1 : text.rindex("</svg>")]
    inner = re.sub(r"<metadata>.*?</metadata>", "", inner, flags=re.DOTALL)
    inner = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>", "", inner, flags=re.DOTALL)
    inner = re.sub(r"<!--.*?-->", "", inner, flags=re.DOTALL)
    inner = re.sub(r'<g id="[^"]*"', "<g", inner).replace("xlink:href=", "href=")
    # Matplotlib writes font-family, before 3.11 within font. The page has its own.
    inner = re.sub(r"font-family: [^;\"]*;? ?", "", inner)
    inner = re.sub(r"font: (\d+ )?([\d.]+px) [^;\"]*", _font, inner)
    inner = re.sub(r"stroke: #b0b0b0; stroke-opacity: [\d.]+", "stroke: var(--hair)", inner)
    inner = re.sub(r"#[0-9a-f]{6}\b", _color, inner)
    inner = re.sub(r"\s*\n\s*", "\n", inner)
    return element(
        "svg",
        Markup(inner),
        viewBox=view[0].partition('"')[2].rstrip('"'),
        role="img",
        aria_label=label,
        class_="figure",
        style=f"min-width:{0.9 * float(view[1]):.0f}px;max-width:{1.3 * float(view[1]):.0f}px",
    )


def _font(found: re.Match[str]) -> str:
    weight = f"font-weight: {found[1].strip()}; " if found[1] else ""
    return f"{weight}font-size: {found[2]}"


def _color(found: re.Match[str]) -> str:
    """Make greys the page's own, so that they turn with it where it is dark."""
    color = found[0]
    if color in COLORS and color != "#333333":
        return f"var(--{color[1:]})"
    level = int(color[1:3], 16)
    if color != f"#{color[1:3] * 3}" or 0xA0 <= level < 0xFF:
        return color
    return (
        "var(--card)"
        if level == 0xFF
        else f"var(--{'ink' if 0 < level < 0x40 else 'soft' if level < 0x70 else 'faint'})"
    )
