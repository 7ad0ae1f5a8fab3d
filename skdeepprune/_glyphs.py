"""The letters of a logo as outlines in the unit square, drawn for this package, and their positions in a logo."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

LETTERS = "ACGT"

# SVG path commands: M moves, L draws a line, C a cubic Bezier curve, Z closes. y points up.
_OUTLINES = {
    "A": (
        "M 0 0 L .355 1 L .645 1 L 1 0 L .765 0 L .692 .215 L .308 .215 L .235 0 Z M .363 .375 L .637 .375 L .5 .785 Z"
    ),
    "C": (
        "M .978 .69 C .94 .885 .78 1 .53 1 C .2 1 0 .8 0 .5 C 0 .2 .2 0 .53 0 C .8 0 .965 .13 1 .355 L .77 .385"
        " C .745 .255 .66 .18 .535 .18 C .345 .18 .235 .3 .235 .5 C .235 .7 .345 .82 .535 .82"
        " C .65 .82 .73 .755 .752 .645 Z"
    ),
    "G": (
        "M .965 .715 C .92 .895 .77 1 .53 1 C .2 1 0 .8 0 .5 C 0 .2 .2 0 .53 0 C .72 0 .885 .06 1 .16 L 1 .55"
        " L .53 .55 L .53 .38 L .78 .38 L .78 .245 C .715 .205 .635 .18 .545 .18 C .345 .18 .235 .3 .235 .5"
        " C .235 .7 .345 .82 .54 .82 C .645 .82 .71 .775 .74 .68 Z"
    ),
    "T": "M 0 1 L 1 1 L 1 .81 L .617 .81 L .617 0 L .383 0 L .383 .81 L 0 .81 Z",
}


@dataclass(frozen=True, eq=False)
class Stack:
    """The letters of a logo as boxes.

    Attributes
    ----------
    letter : ndarray of int, shape (n,)
        0 to 3: A, C, G, T.
    position : ndarray of int, shape (n,)
        The column, from 0.
    bottom, height : ndarray, shape (n,)
        The box spans bottom to bottom + height; heights below zero belong to negative values, whose boxes hang down.
    """

    letter: NDArray[np.int64]
    position: NDArray[np.int64]
    bottom: NDArray[np.float64]
    height: NDArray[np.float64]


def outline(letter: str) -> list[tuple[str, NDArray[np.float64]]]:
    """List a letter's strokes: the SVG command and its points, shape (n_points, 2), y pointing up."""
    strokes: list[tuple[str, NDArray[np.float64]]] = []
    command, numbers = "", list[float]()
    for token in [*_OUTLINES[letter].split(), "M"]:
        if token.isalpha():
            if command:
                strokes.append((command, np.array(numbers).reshape(-1, 2)))
            command, numbers = token, []
        else:
            numbers.append(float(token))
    return strokes


def stack_letters(heights: NDArray[Any], *, least: float = 0.0) -> Stack:
    """Stack the letters of every column: positive ones from zero up, negative ones from zero down, larger ones outside.

    Parameters
    ----------
    heights : ndarray, shape (width, 4)
    least : float, default=0
        Letters of at most this height are omitted.

    Returns
    -------
    Stack
    """
    heights = np.asarray(heights, dtype=np.float64)
    order = np.argsort(np.abs(heights), axis=1, kind="stable")
    ordered = np.take_along_axis(heights, order, axis=1)
    up, down = np.maximum(ordered, 0), np.minimum(ordered, 0)
    bottom = np.where(ordered > 0, np.cumsum(up, axis=1) - up, np.cumsum(down, axis=1) - down)
    shown = np.abs(ordered) > least
    position = np.broadcast_to(np.arange(len(heights))[:, None], heights.shape)
    return Stack(order[shown], position[shown], bottom[shown], ordered[shown])
