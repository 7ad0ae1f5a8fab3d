"""From kernels to motifs: the sites at which a kernel is active, aligned and counted."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from joblib import effective_n_jobs
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import check_consistent_length, check_is_fitted, column_or_1d

from skdeepprune._engines import scan
from skdeepprune._inputs import InputParts, read_parts
from skdeepprune._network import Network, Scan
from skdeepprune.motifs._align import Alignment, alike, best_alignment
from skdeepprune.motifs._motif import UNIFORM, Background, Motif, Site
from skdeepprune.sequences import decode, from_one_hot

_N = 4
# Two motifs whose best alignment has a higher correlation than this are copies of each other.
_COPY_OF = "copy of "
_COPY_CORRELATION = 0.8
# Rounding error of a correlation between float32 kernels.
_ROUNDING = 1e-5


def extract_motifs(
    classifier: Any,
    X: Any,
    y: ArrayLike | None = None,
    *,
    threshold: float = 0.2,
    flank: int = 8,
    trim: float | None = 0.25,
    background: ArrayLike | None = None,
    names: Sequence[str] | None = None,
) -> list[Motif]:
    r"""Turn each kernel into a motif, as DeepBind [1]_ did.

    In every sequence, the candidate site of a kernel is its best window, on either strand if the classifier reads both.
    It is a site if its score is positive and reaches the kernel's threshold. The sites are aligned, and the letters at
    every position are counted: ``counts[i, b]`` is the number of sites with base b at position i.

    - **Sequences.** Bound ones for a kernel with a positive weight; unbound ones for a negative weight, which is
      evidence against binding. Without `y`, all of X.
    - **Threshold.** ``threshold * max(score)`` over these sequences.
    - **Flanks.** A kernel may have its motif at the edge, with a part cut off, so `flank` more positions on either side
      are counted.
    - **Missing letters.** Positions beyond the end of a sequence, and N, count as fractions of the four letters,
      according to the background. So the counts at every position sum to the number of sites.
    - **Trimming.** Positions at both ends with less than `trim` bits are dropped.
    - **Copies.** Several kernels often learn the same motif, shifted or on the other strand. If two motifs have a
      correlation above 0.8 at their best alignment, the notes of the later one say so.

    Parameters
    ----------
    classifier : DeepPruneClassifier
        Fitted on DNA.
    X : as in `classifier.fit`
        Sequences to find sites in: the training sequences, or others.
    y : array-like, shape (n,), default=None
        Class labels.
    threshold : float, default=0.2
        Fraction of the kernel's maximum score, from 0 (any positive score, as in DeepBind) to 1. A low threshold
        includes chance windows, which blur the motif; a high one keeps only the best instances, which makes it too
        sharp. On the simulated sets, 0.2 to 0.3 came closest to the planted motifs.
    flank : int, default=8
        Positions counted on either side of the kernel's window.
    trim : float or None, default=0.25
        Minimum information in bits of the first and last position. None keeps all positions.
    background : array-like of four floats, default=None
        Background probabilities of A, C, G, T. None means 1/4 each.
    names : sequence of str, default=None
        Names of the sequences. By default "sequence_0", "sequence_1" ...

    Returns
    -------
    list of Motif
        One per kernel, in order, named "kernel_0", "kernel_1" ..., with sites in descending order of score. A kernel
        without any site is left out, with a warning.

    Warns
    -----
    UserWarning
        If a kernel has no site: the network does not use it on these sequences.

    Raises
    ------
    ValueError
        If X is not DNA, or an argument is out of range.

    References
    ----------
    .. [1] B. Alipanahi, A. Delong, M. T. Weirauch and B. J. Frey, "Predicting the sequence specificities of DNA- and
       RNA-binding proteins by deep learning", Nature Biotechnology 33, 2015.

    Examples
    --------
    >>> from skdeepprune import DeepPruneClassifier
    >>> from skdeepprune.datasets import load_simulated
    >>> from skdeepprune.motifs import extract_motifs
    >>> data = load_simulated(3, n_train=2000, n_test=500, random_state=0)
    >>> classifier = DeepPruneClassifier(n_prunings=3, reverse_complement=False, random_state=0)
    >>> motifs = extract_motifs(classifier.fit(data.X_train, data.y_train), data.X_train, data.y_train)
    >>> len(motifs), motifs[0].name
    (4, 'kernel_0')
    """
    check_is_fitted(classifier)
    if not 0 <= threshold <= 1:
        raise ValueError(f"threshold={threshold}; expected a fraction of the maximum score, from 0 to 1.")
    if flank < 0:
        raise ValueError(f"flank={flank}; expected a number >= 0.")
    values = read_parts(classifier, X, n_channels=classifier.n_channels_, expect_dna=classifier.is_dna_)
    letters = InputParts([(rows, _letters(part)) for rows, part in values.parts])
    bound = _bound(classifier, y, len(letters))
    # Indexing a Series would use its labels.
    names = [f"sequence_{i}" for i in range(len(letters))] if names is None else list(names)
    check_consistent_length(bound, names)
    network: Network = classifier.stages_[-1].network
    found = scan_parts(network, values, effective_n_jobs(classifier.n_jobs))
    sequences = _Sequences(letters, names, UNIFORM if background is None else tuple(np.asarray(background).tolist()))
    known = sequences.mostly_known(found.position, network.kernel_length)
    motifs = []
    for k, weight in enumerate(network.dense_weights):
        eligible = known[:, k] & (bound if weight >= 0 or y is None else ~bound)
        rows, limit = _sites_of_kernel(found.pooled[:, k], eligible, threshold)
        if len(rows) == 0:
            warnings.warn(
                f"kernel_{k} has no site: its score is 0 in all eligible sequences, out of {len(names)}. It is"
                " left out.",
                UserWarning,
                stacklevel=2,
            )
            continue
        motif = sequences.motif(found, k, rows, width=network.kernel_length, flank=flank, trim=trim)
        motifs.append(
            replace(
                motif,
                weight=float(weight),
                importance=float(classifier.stages_[-1].importances[k]),
                threshold=limit,
            )
        )
    return _note_rotations(note_copies(motifs), network.kernels[:, :, :4])


def scan_parts(network: Network, sequences: InputParts, n_threads: int = 1) -> Scan:
    """Find every kernel's best window in every sequence, as `scan` does, in the order of X."""
    found = [scan(network, part, n_threads) for _, part in sequences.parts]
    pooled, position, reverse = (
        sequences.in_order([getattr(one, name) for one in found]) for name in ("pooled", "position", "reverse")
    )
    return Scan(pooled, position, reverse)


def _letters(values: NDArray[Any]) -> NDArray[np.uint8]:
    """Return codes as they are, or those of the first four channels."""
    codes = values if values.ndim == 2 else from_one_hot(values[:, :, :4])
    if codes is None:
        raise ValueError(
            "The first four channels of X are not one-hot DNA, so there are no letters to count; expected DNA strings,"
            " or channels A, C, G, T, ... with at most one 1 among the first four."
        )
    return codes


def _bound(classifier: Any, y: ArrayLike | None, n_sequences: int) -> NDArray[np.bool_]:
    if y is None:
        return np.ones(n_sequences, dtype=bool)
    labels = column_or_1d(y)
    if len(labels) != n_sequences:
        raise ValueError(f"y has {len(labels)} entries, but X has {n_sequences} sequences; expected one for each.")
    unknown = np.setdiff1d(labels, classifier.classes_)
    if len(unknown):
        raise ValueError(
            f"y has the class {unknown.tolist()[0]!r}; expected the classes {classifier.classes_.tolist()} of `fit`."
        )
    return labels == classifier.classes_[1]


def _sites_of_kernel(
    pooled: NDArray[Any], eligible: NDArray[np.bool_], threshold: float
) -> tuple[NDArray[np.int64], float]:
    """Rows whose score reaches the threshold, best first; and the threshold."""
    limit = threshold * max(float(pooled[eligible].max(initial=0)), 0.0)
    rows = np.flatnonzero(eligible & (pooled > 0) & (pooled >= limit))
    return rows[np.argsort(-pooled[rows], kind="stable")], limit


@dataclass(frozen=True)
class _Sequences:
    """The sequences that windows are cut from."""

    letters: InputParts
    names: Sequence[str]
    background: Background

    def motif(
        self, found: Scan, k: int, rows: NDArray[np.int64], *, width: int, flank: int, trim: float | None
    ) -> Motif:
        """Count the letters in the best windows of kernel `k` in `rows`, extended by `flank`, and trim the motif."""
        width += 2 * flank
        start = found.position[rows, k].astype(np.int64) - flank
        reverse = found.reverse[rows, k]
        windows = self._windows(rows, start, width)
        windows[reverse] = _COMPLEMENT[windows[reverse, ::-1]]
        counts = np.stack([(windows == base).sum(axis=0) for base in range(_N)], axis=1).astype(np.float64)
        counts += (windows == _N).sum(axis=0)[:, None] * np.array(self.background)
        motif = Motif(f"kernel_{k}", counts, len(rows), kernel=k, background=self.background)
        first, last = (0, width) if trim is None else motif.informative(trim)
        # Sites are made last, since there may be a million.
        start += np.where(reverse, width - last, first)
        columns = (
            rows.tolist(),
            [str(self.names[row]) for row in rows.tolist()],
            start.tolist(),
            np.where(reverse, "-", "+").tolist(),
            found.pooled[rows, k].tolist(),
            decode(windows[:, first:last], strip=False),
        )
        return replace(motif, counts=counts[first:last], sites=tuple(map(Site, *columns)))

    def mostly_known(self, position: NDArray[Any], width: int) -> NDArray[np.bool_]:
        """Whether at least half of the bases of every window (n_sequences, K) are known."""
        enough = np.empty(position.shape, np.bool_)
        for rows, codes in self.letters.parts:
            n_known = np.cumsum(np.pad(codes != _N, ((0, 0), (1, 0))), axis=1, dtype=np.int32)
            start, stop = (np.minimum(at, codes.shape[1]) for at in (position[rows], position[rows] + width))
            own = np.arange(len(codes))[:, None]
            enough[rows] = 2 * (n_known[own, stop] - n_known[own, start]) >= width
        return enough

    def _windows(self, rows: NDArray[np.int64], start: NDArray[np.int64], width: int) -> NDArray[np.uint8]:
        windows = np.empty((len(rows), width), np.uint8)
        place = np.full(len(self.names), -1)
        for part, codes in self.letters.parts:
            place[part] = np.arange(len(part))
            here = np.flatnonzero(place[rows] >= 0)
            at = start[here, None] + np.arange(width)
            inside = (at >= 0) & (at < codes.shape[1])
            windows[here] = np.where(inside, codes[place[rows[here], None], at.clip(0, codes.shape[1] - 1)], _N)
            place[part] = -1
        return windows


_COMPLEMENT = np.array([3, 2, 1, 0, _N], dtype=np.uint8)


def _note_rotations(motifs: list[Motif], kernels: NDArray[np.floating[Any]]) -> list[Motif]:
    """Note which kernels are circular shifts of earlier ones, which no alignment of their motifs shows."""
    shapes = kernels - kernels.mean(axis=2, keepdims=True)
    ordered = shapes[[motif.kernel for motif in motifs]]
    noted = []
    for i, motif in enumerate(motifs):
        if not any(note.startswith(_COPY_OF) for note in motif.notes):
            for j in _rotations_of_last(ordered[: i + 1]):
                earlier = motifs[j]
                shift, reverse, r = _best_rotation(ordered[i], ordered[j])
                if r > _COPY_CORRELATION:
                    strand = ", on the other strand" if reverse else ""
                    note = (
                        f"circularly shifted by {shift:+d} from {earlier.name}{strand} (kernels' correlation {r:.2f})"
                    )
                    motif = replace(motif, notes=(*motif.notes, note))
                    break
        noted.append(motif)
    return noted


def _rotations_of_last(shapes: NDArray[np.floating[Any]]) -> NDArray[np.int64]:
    """Indices of the shapes that correlate with a circular shift of the last one, on either strand."""
    *others, last = shapes.astype(np.float64)
    if not others:
        return np.empty(0, dtype=np.int64)
    strands = [last, last[::-1, ::-1]]
    turned = np.array([np.roll(strand, shift, axis=0).ravel() for strand in strands for shift in range(len(last))])
    before = np.reshape(others, (len(others), -1))
    norms = np.linalg.norm(before, axis=1) * np.linalg.norm(last)
    found = (before @ turned.T).max(axis=1) / np.where(norms > 0, norms, 1.0)
    return np.flatnonzero(found > _COPY_CORRELATION - _ROUNDING)


def _best_rotation(kernel: NDArray[np.floating[Any]], other: NDArray[np.floating[Any]]) -> tuple[int, bool, float]:
    """Find the circular shift and strand of `other` that correlate best with `kernel`, and the correlation."""
    norm = float(np.linalg.norm(kernel) * np.linalg.norm(other)) or 1.0
    return max(
        (
            (shift if shift <= len(other) // 2 else shift - len(other), reverse, float((kernel * turned).sum()) / norm)
            for reverse, strand in ((False, other), (True, other[::-1, ::-1]))
            for shift in range(len(other))
            for turned in (np.roll(strand, shift, axis=0),)
        ),
        key=lambda found: found[2],
    )


def note_copies(motifs: Sequence[Motif]) -> list[Motif]:
    """Note for each motif which earlier one it is a copy of; existing notes of this kind are replaced."""
    noted: list[Motif] = []
    for motif, candidates in zip(motifs, alike(motifs, _COPY_CORRELATION), strict=True):
        motif = replace(motif, notes=tuple(note for note in motif.notes if not note.startswith(_COPY_OF)))
        for earlier in (noted[i] for i in candidates):
            alignment = best_alignment(replace(motif, sites=()), replace(earlier, sites=()))
            if alignment.correlation > _COPY_CORRELATION:
                motif = replace(motif, notes=(*motif.notes, _copy_note(earlier.name, alignment)))
                break
        noted.append(motif)
    return noted


def _copy_note(name: str, alignment: Alignment) -> str:
    copy = f"{_COPY_OF}{name}"
    if alignment.shift:
        copy = f"{copy}, shifted by {alignment.shift:+d}"
    if alignment.reverse:
        copy = f"{copy}, on the other strand"
    return f"{copy} (correlation {alignment.correlation:.2f})"
