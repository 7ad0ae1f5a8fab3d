"""Figures as images embedded in a page."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING

from markupsafe import Markup

from skdeepprune.report._svg import element

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def picture(ax: Axes, label: str) -> Markup:
    """Convert the figure of an axes to an image element with embedded SVG, and close the figure.

    Parameters
    ----------
    ax : matplotlib Axes
    label : str
        Alternative text.

    Returns
    -------
    Markup
    """
    import matplotlib
    import matplotlib.pyplot as plt

    figure = ax.get_figure(root=True)
    assert figure is not None
    width = 72 * figure.get_figwidth()
    written = io.BytesIO()
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": label}):
        figure.savefig(written, format="svg", transparent=True, metadata={"Date": None})
    plt.close(figure)
    return element(
        "img",
        src=f"data:image/svg+xml;base64,{base64.b64encode(written.getvalue()).decode()}",
        alt=label,
        class_="figure",
        style=f"min-width:{0.9 * width:.0f}px;max-width:{1.3 * width:.0f}px",
    )
