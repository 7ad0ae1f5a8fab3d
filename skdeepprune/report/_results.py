"""All results in a report, as numbers, from which its figures and texts are made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from joblib import effective_n_jobs
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score
from sklearn.utils.validation import check_is_fitted

from skdeepprune._auc import roc_auc
from skdeepprune._classifier import DeepPruneClassifier
from skdeepprune._engines import decide, word_sums
from skdeepprune.motifs import Motif
from skdeepprune.motifs._extract import scan_parts
from skdeepprune.report._composition import CompositionReading, read_composition
from skdeepprune.report._examples import Example, choose_examples, with_importance
from skdeepprune.report._kernels import KernelReading, read_kernels
from skdeepprune.report._leakage import Leakage, find_leakage
from skdeepprune.report._performance import N_BOOTSTRAPS, Performance, Use, measure
from skdeepprune.report._sequences import Sequences
from skdeepprune.sequences._places import Place, place_in

# Above this AUC the network may have learned little more than composition.
GC_WARNING_AUC = 0.65
# Four bases of about 100 bp per bin; narrower bins would contain unequal numbers of possible values.
_N_GC_BINS = 25


@dataclass(frozen=True)
class ClassSummary:
    """Number, lengths and GC content of the sequences in a class."""

    name: str
    n: int
    shortest: int
    longest: int
    mean_gc: float


@dataclass(frozen=True, eq=False)
class Results:
    """All results in a report.

    Attributes
    ----------
    classes : list of ClassSummary
        Bound and unbound sequences that motifs were extracted from; then those of the test set, if any.
    gc_auc, length_auc : float
        AUC of GC content and of length as a score, in the better direction.
    leakage : Leakage or None
        Test sequences that equal training sequences, or overlap them according to their names.
    gc_edges, bound_gc, unbound_gc : ndarray
        Histogram: bin edges, and shares of each class.
    stage_aucs : list of float
        ROC AUC at every size on the evaluated sequences.
    performance : Performance
        Of the final network.
    composition : CompositionReading or None
        None if the network has no composition term.
    kernels : list of KernelReading
        In descending order of the drop in AUC without them.
    examples : list of Example
    has_test : bool
        Whether performance is measured on a separate test set.
    """

    classes: list[ClassSummary]
    gc_auc: float
    length_auc: float
    leakage: Leakage | None
    gc_edges: NDArray[np.float64]
    bound_gc: NDArray[np.float64]
    unbound_gc: NDArray[np.float64]
    stage_aucs: list[float]
    performance: Performance
    n_bootstraps: int
    composition: CompositionReading | None
    kernels: list[KernelReading]
    examples: list[Example]
    has_test: bool


def collect(
    classifier: DeepPruneClassifier,
    data: Sequences,
    test: Sequences | None,
    motifs: Sequence[Motif],
    *,
    random_state: int,
    use: Use | None = None,
) -> Results:
    """Compute all results for a report."""
    check_is_fitted(classifier)
    n_threads = effective_n_jobs(classifier.n_jobs)
    measured = data if test is None else test
    network = classifier.stages_[-1].network
    found = scan_parts(network, measured.codes, n_threads)
    # Fewer replicates for large data, where each takes long but the intervals are narrow.
    n_bootstraps = int(np.clip(4e7 / (len(measured) * (network.n_kernels + 1)), 40, N_BOOTSTRAPS))
    by_words = measured.codes.apply(partial(word_sums, network))
    performance = measure(
        network, found.scores, by_words, measured.bound, random_state=random_state, n_bootstraps=n_bootstraps, use=use
    )
    readings = read_kernels(classifier, data, measured, found, motifs, n_threads)
    edges, (bound_gc, unbound_gc) = _histograms(data.gc, data.bound, np.linspace(0, 1, _N_GC_BINS + 1))
    return Results(
        classes=_class_summaries(data, "") + ([] if test is None else _class_summaries(test, "test, ")),
        gc_auc=_in_better_direction(roc_auc(data.bound, data.gc)),
        length_auc=_in_better_direction(roc_auc(data.bound, data.lengths.astype(float))),
        leakage=None if test is None else find_leakage(data.codes, _places(data), test.codes, _places(test)),
        gc_edges=edges,
        bound_gc=bound_gc,
        unbound_gc=unbound_gc,
        stage_aucs=[
            float(
                roc_auc_score(measured.bound, measured.codes.apply(partial(decide, stage.network, n_threads=n_threads)))
            )
            for stage in classifier.stages_
        ],
        performance=performance,
        n_bootstraps=n_bootstraps,
        composition=read_composition(classifier, found.scores, by_words, measured.bound),
        kernels=sorted(readings, key=lambda reading: -performance.auc_drops[reading.index].value),
        examples=with_importance(
            classifier,
            choose_examples(
                network,
                measured,
                found,
                network.decision(found.scores, by_words),
                np.array([reading.kernel_flipped for reading in readings]),
            ),
        ),
        has_test=test is not None,
    )


def _in_better_direction(auc: float) -> float:
    return max(auc, 1 - auc)


def _class_summaries(data: Sequences, prefix: str) -> list[ClassSummary]:
    summaries = []
    for name, rows in (("bound", data.bound), ("unbound", ~data.bound)):
        lengths, gc = data.lengths[rows], data.gc[rows]
        summaries.append(
            ClassSummary(
                name=prefix + name,
                n=int(rows.sum()),
                shortest=int(lengths.min()),
                longest=int(lengths.max()),
                mean_gc=float(gc.mean()),
            )
        )
    return summaries


def _places(data: Sequences) -> list[Place]:
    """Genomic places of the sequences, as far as their names give them."""
    return [place_in(name, length) for name, length in zip(data.names, data.lengths.tolist(), strict=True)]


def _histograms(
    values: NDArray[Any], bound: NDArray[np.bool_], edges: NDArray[np.float64]
) -> tuple[NDArray[np.float64], list[NDArray[np.float64]]]:
    """Shares of each class in bins."""
    return edges, [np.histogram(values[rows], edges)[0] / rows.sum() for rows in (bound, ~bound)]
