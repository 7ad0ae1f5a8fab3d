"""The motif as a value: letter counts, the sites they come from, and derived quantities."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from skdeepprune.sequences import reverse_complement

Background = tuple[float, float, float, float]

UNIFORM: Background = (0.25, 0.25, 0.25, 0.25)
# Indexed by the set of bases as bits: A 1, C 2, G 4, T 8.
_IUPAC = "NACMGRSVTWYHKDBN"


@dataclass(frozen=True)
class Site:
    """An occurrence of a motif: a window of a sequence selected by a kernel.

    Attributes
    ----------
    sequence : int
        Row of X.
    name : str
        Name of the sequence.
    position : int
        Leftmost base on the given strand, from 0. Negative if the site starts before the sequence does.
    strand : {"+", "-"}
        Strand that the kernel matched.
    score : float
        Activation of the kernel there, including its bias.
    letters : str
        As read by the kernel: the reverse complement of the given strand for "-". N beyond the ends.
    """

    sequence: int
    name: str
    position: int
    strand: str
    score: float
    letters: str

    def __post_init__(self) -> None:
        if self.strand not in ("+", "-"):
            raise ValueError(f"The site in sequence {self.sequence} has strand={self.strand!r}; expected '+' or '-'.")


@dataclass(frozen=True, eq=False)
class Motif:
    """A sequence motif: the count of each base at each position.

    Attributes
    ----------
    name : str
    counts : ndarray of float64, shape (width, 4)
        The position frequency matrix (PFM): counts of A, C, G and T at each position. Read-only.
    n_sites : float
        Number of sites counted.
    sites : tuple of Site
        The sites, if known.
    kernel : int or None
        Index of the kernel that it was extracted from.
    weight : float
        Dense weight of the kernel; NaN for motifs that are not from a network.
    importance : float
        Importance of the kernel, by the criterion of the classifier.
    threshold : float
        Score above which windows were counted.
    background : tuple of four floats
        Background probabilities of A, C, G and T.
    accession : str
        Identifier in a database, such as "MA0108.3".
    notes : tuple of str
        Remarks, such as "copy of kernel_2, shifted by +3 (correlation 0.93)".

    Raises
    ------
    ValueError
        If name, counts, number of sites, sites or background are invalid.

    Examples
    --------
    >>> motif = Motif("TATA", [[0, 0, 1, 9], [9, 0, 0, 1], [0, 0, 0, 10], [10, 0, 0, 0]], n_sites=10)
    >>> motif.consensus, motif.width
    ('TATA', 4)
    >>> motif.information_content.round(2)
    array([1.31, 1.31, 1.78, 1.78])
    >>> motif.reverse_complement().counts[0].tolist()
    [0.0, 0.0, 0.0, 10.0]
    """

    name: str
    counts: NDArray[np.float64]
    n_sites: float
    sites: tuple[Site, ...] = ()
    kernel: int | None = None
    weight: float = float("nan")
    importance: float = float("nan")
    threshold: float = float("nan")
    background: Background = UNIFORM
    accession: str = ""
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name.strip():
            raise ValueError(f"A motif has name={self.name!r}; expected a non-empty string.")
        counts = np.array(self.counts, dtype=np.float64)
        counts.flags.writeable = False
        object.__setattr__(self, "counts", counts)
        for field in ("sites", "background", "notes"):
            object.__setattr__(self, field, tuple(getattr(self, field)))
        if counts.ndim != 2 or counts.shape[1] != 4 or len(counts) == 0:
            raise ValueError(
                f"Motif {self.name!r} has counts of shape {counts.shape}; expected (width, 4): a row per position, the"
                " columns A, C, G, T."
            )
        with np.errstate(over="ignore", invalid="ignore"):
            finite = np.isfinite(counts.sum(axis=1)).all()
        if not finite or (counts < 0).any():
            raise ValueError(f"Motif {self.name!r} has negative or infinite counts, or NaN; expected counts >= 0.")
        if not (np.isfinite(self.n_sites) and self.n_sites >= 0):
            raise ValueError(f"Motif {self.name!r} has n_sites={self.n_sites!r}; expected a number >= 0.")
        background = np.array(self.background, dtype=np.float64)
        if background.shape != (4,) or not (background > 0).all() or not np.isclose(background.sum(), 1, atol=1e-3):
            raise ValueError(
                f"Motif {self.name!r} has background={self.background}; expected four probabilities > 0 that sum to 1."
            )
        for site in self.sites:
            if len(site.letters) != len(counts):
                raise ValueError(
                    f"Motif {self.name!r} has {len(counts)} positions, but its site in sequence {site.sequence} has"
                    f" {len(site.letters)} letters: {site.letters!r}."
                )

    def __eq__(self, other: object) -> bool:
        """Compare all fields by value; NaN equals NaN."""
        if not isinstance(other, Motif):
            return NotImplemented
        return all(_equal(getattr(self, field.name), getattr(other, field.name)) for field in fields(self))

    def __hash__(self) -> int:
        return hash((self.name, self.accession, self.counts.tobytes()))

    def __repr__(self) -> str:
        accession = f", {self.accession!r}" if self.accession else ""
        return f"Motif({self.name!r}{accession}, {self.consensus}, n_sites={self.n_sites:g})"

    @property
    def width(self) -> int:
        """Number of positions."""
        return len(self.counts)

    @property
    def sign(self) -> str:
        """The word "binding" if the dense weight is positive, "repelling" if it is negative, else ""."""
        return "binding" if self.weight > 0 else "repelling" if self.weight < 0 else ""

    @property
    def ppm(self) -> NDArray[np.float64]:
        """Probabilities, shape (width, 4): counts divided by their sum at the position, without pseudocounts.

        A position without counts has the background probabilities.
        """
        totals = self.counts.sum(axis=1, keepdims=True)
        return np.where(totals > 0, self.counts / np.where(totals > 0, totals, 1), self.background)

    def pwm(self, pseudocount: float = 1.0) -> NDArray[np.float64]:
        r"""Log-odds against the background in bits, shape (width, 4).

        .. math:: w_{ib} = \log_2 \frac{(c_{ib} + a q_b) / (n_i + a)}{q_b}

        with counts :math:`c`, their sum :math:`n_i` at position i, background :math:`q`, pseudocount :math:`a`.

        Parameters
        ----------
        pseudocount : float, default=1.0
            Total per position, distributed over the letters like the background. 0 gives minus infinity for letters
            that never occur.

        Returns
        -------
        ndarray of float64, shape (width, 4)
        """
        if pseudocount < 0:
            raise ValueError(f"pseudocount={pseudocount}; expected a number >= 0.")
        background = np.array(self.background)
        totals = self.counts.sum(axis=1, keepdims=True) + pseudocount
        probabilities = (self.counts + pseudocount * background) / np.where(totals > 0, totals, 1)
        with np.errstate(divide="ignore"):
            return np.where(totals > 0, np.log2(probabilities / background), 0.0)

    @property
    def information_content(self) -> NDArray[np.float64]:
        r"""Bits at each position, shape (width,), corrected for few sites.

        .. math:: R_i = \max\left(0,\; \sum_b f_{ib} \log_2 \frac{f_{ib}}{q_b} - e(n_i)\right),
                  \quad e(n) = \frac{3}{2 n \ln 2}

        with frequencies :math:`f`, background :math:`q` and the sum of counts :math:`n_i`. For a uniform background the
        first term is :math:`2 - H_i`, and this is the height of a sequence logo (Schneider and Stephens 1990). The
        correction subtracts the expected information content of :math:`n` letters drawn from the background.
        """
        totals = self.counts.sum(axis=1)
        divergence = relative_entropy(self.ppm, self.background)
        correction = 3 / (2 * np.log(2) * np.where(totals > 0, totals, 1))
        return np.where(totals > 0, np.maximum(divergence - correction, 0), 0.0)

    @property
    def total_information(self) -> float:
        """Information content in bits, summed over positions."""
        return float(self.information_content.sum())

    @property
    def consensus(self) -> str:
        """The consensus in IUPAC letters, by the rule of Cavener (1987).

        A position gets a single base if that is more frequent than all others together and more than twice as frequent
        as the second; otherwise the letter for two bases if they make up more than three quarters; otherwise the letter
        for three bases if the fourth is absent; otherwise N.
        """
        return "".join(map(_iupac_letter, self.counts))

    def letter_heights(self, kind: Literal["bits", "probability", "log-odds"] = "bits") -> NDArray[np.float64]:
        """Heights of A, C, G and T in a logo, shape (width, 4).

        Parameters
        ----------
        kind : {"bits", "probability", "log-odds"}, default="bits"
            Probability times information content; probabilities; or `pwm()`, where heights may be negative.

        Returns
        -------
        ndarray of float64, shape (width, 4)
        """
        if kind == "bits":
            return self.ppm * self.information_content[:, None]
        if kind == "probability":
            return self.ppm
        if kind == "log-odds":
            return self.pwm()
        raise ValueError(f"kind={kind!r}; expected 'bits', 'probability' or 'log-odds'.")

    def reverse_complement(self) -> Motif:
        """Return the motif on the other strand, including its sites and background."""
        flipped = {"+": "-", "-": "+"}
        sites = tuple(
            Site(s.sequence, s.name, s.position, flipped[s.strand], s.score, reverse_complement(s.letters))
            for s in self.sites
        )
        return replace(self, counts=self.counts[::-1, ::-1], sites=sites, background=self.background[::-1])

    def trim(self, min_information: float = 0.25) -> Motif:
        """Drop the positions at both ends with less than `min_information` bits.

        If no position is that informative, the motif is returned unchanged.

        Parameters
        ----------
        min_information : float, default=0.25
            Bits.

        Returns
        -------
        Motif
            Its sites are trimmed, too.
        """
        start, stop = self.informative(min_information)
        return self if stop - start == self.width else self.window(start, stop)

    def informative(self, min_information: float) -> tuple[int, int]:
        """First and last + 1 of the positions with at least this many bits; all positions if there are none."""
        found = np.flatnonzero(self.information_content >= min_information)
        return (int(found[0]), int(found[-1]) + 1) if len(found) else (0, self.width)

    def window(self, start: int, stop: int) -> Motif:
        """Return the positions from `start` up to `stop`, with the sites cut accordingly."""
        if not 0 <= start < stop <= self.width:
            raise ValueError(f"start={start}, stop={stop}; expected 0 <= start < stop <= {self.width}, the width.")
        cut_left = {"+": start, "-": self.width - stop}
        sites = tuple(
            Site(s.sequence, s.name, s.position + cut_left[s.strand], s.strand, s.score, s.letters[start:stop])
            for s in self.sites
        )
        return replace(self, counts=self.counts[start:stop], sites=sites)


def relative_entropy(ppm: NDArray[np.float64], background: Background = UNIFORM) -> NDArray[np.float64]:
    """Bits at each position of a matrix of probabilities, shape (width,), against the background."""
    ratio = np.where(ppm > 0, ppm / np.array(background), 1.0)
    bits: NDArray[np.float64] = (ppm * np.log2(ratio)).sum(axis=1)
    return bits


def _equal(one: Any, other: Any) -> bool:
    if isinstance(one, np.ndarray):
        return np.array_equal(one, other)
    return bool(one == other) or (isinstance(one, float) and isinstance(other, float) and one != one and other != other)


def _iupac_letter(counts: NDArray[np.float64]) -> str:
    order = np.argsort(-counts, kind="stable")
    first, second, third, fourth = counts[order]
    total = counts.sum()
    if total == 0:
        return "N"
    if first > total - first and first > 2 * second:
        n_letters = 1
    elif first + second > 0.75 * total:
        n_letters = 2
    elif fourth == 0 and third > 0:
        n_letters = 3
    else:
        n_letters = 4
    return _IUPAC[sum(1 << int(base) for base in order[:n_letters])]
