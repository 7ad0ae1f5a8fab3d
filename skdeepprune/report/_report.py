"""Write a report on a fitted classifier."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from numpy.typing import ArrayLike
from sklearn.utils.validation import check_is_fitted

from skdeepprune._classifier import DeepPruneClassifier
from skdeepprune._writing import replacing
from skdeepprune.genome import Match as NegativeMatch
from skdeepprune.motifs import Motif, extract_motifs, orient_to_match, tomtom, write_motifs
from skdeepprune.motifs._extract import note_copies
from skdeepprune.report._figures import Match
from skdeepprune.report._page import render
from skdeepprune.report._performance import Use
from skdeepprune.report._results import collect
from skdeepprune.report._sequences import Sequences

_MAX_CARDS = 32
_MAX_MATCHES = 5


def write_report(
    classifier: DeepPruneClassifier,
    X: Any,
    y: ArrayLike,
    path: str | os.PathLike[str],
    *,
    X_test: Any = None,
    y_test: ArrayLike | None = None,
    names: Sequence[str] | None = None,
    test_names: Sequence[str] | None = None,
    motifs: Sequence[Motif] | None = None,
    negatives: str | None = None,
    match: NegativeMatch | None = None,
    targets: Any = "JASPAR2024",
    title: str = "Kernels that read DNA",
    notes: Mapping[str, Any] | None = None,
    recall: float = 0.5,
    prevalence: float = 0.01,
    random_state: int = 0,
) -> None:
    """Write a report on what a classifier has learned and how well it predicts, as one HTML file.

    The page shows what each kernel reads, with logos, sites and the closest known motif; the performance at every size;
    the contribution of each kernel; the sites in example sequences; and how the model was made. All figures are also
    available as tables. The file runs no code and loads nothing from the network. The same input gives the same file,
    except for versions and times.

    Parameters
    ----------
    classifier : DeepPruneClassifier
        Fitted on DNA.
    X, y : sequences and labels, as in `classifier.fit`
        Sequences to extract motifs from: usually the training sequences.
    path : str or path
        An existing file is replaced once the new one is complete.
    X_test, y_test : sequences and labels, default=None
        Sequences to measure performance on and to choose examples from. By default X and y, which the page then says.
    names, test_names : sequence of str, default=None
        Names of the sequences. By default "sequence_0", "sequence_1" ...
    motifs : sequence of Motif, default=None
        By default those of :func:`skdeepprune.motifs.extract_motifs`.
    negatives : str, default=None
        Description of the unbound sequences, for the text: "regions matched in GC content".
    match : skdeepprune.genome.Match, default=None
        Comparison of the bound sequences with the genomic regions sampled for them, from
        :func:`skdeepprune.genome.describe_match`. The page then shows how well they match.
    targets : DataFrame, iterable of Motif, path of a motif file, release of JASPAR, or None, default="JASPAR2024"
        Known motifs to compare with, as for :func:`skdeepprune.motifs.tomtom`, or the result of that. None skips the
        comparison.
    title : str, default="Kernels that read DNA"
    notes : dict, default=None
        Additional rows for the list of parameters, such as the files that the sequences came from.
    recall, prevalence : float, default=0.5, 0.01
        The page reports the precision at the threshold that finds a share `recall` of the bound sequences, if a share
        `prevalence` of all sequences is bound. In a genome that is far less than in a test set.
    random_state : int, default=0
        Seed of the bootstrap.

    Raises
    ------
    ImportError
        If `targets` is a JASPAR release and pyjaspar is not installed.
    ValueError
        If the classifier was not fitted on DNA, a class is missing from the sequences, or `recall` or `prevalence` is
        out of range.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from skdeepprune import DeepPruneClassifier
    >>> from skdeepprune.datasets import load_simulated
    >>> from skdeepprune.report import write_report
    >>> data = load_simulated(3, n_train=1000, n_test=500, random_state=0)
    >>> classifier = DeepPruneClassifier(n_prunings=2, max_iter=50, random_state=0).fit(data.X_train, data.y_train)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     page = Path(folder, "report.html")
    ...     write_report(
    ...         classifier, data.X_train, data.y_train, page, X_test=data.X_test, y_test=data.y_test, targets=None
    ...     )
    ...     page.read_text().count("<article")
    4
    """
    check_is_fitted(classifier)
    use = Use(recall, prevalence)
    if not classifier.is_dna_:
        raise ValueError("The classifier was fitted on real-valued channels; expected one fitted on DNA.")
    data = Sequences.read(classifier, X, y, names, "y")
    test = None
    if X_test is not None and y_test is not None:
        test = Sequences.read(classifier, X_test, y_test, test_names, "y_test")
    elif X_test is not None or y_test is not None:
        raise ValueError("Expected both X_test and y_test, or neither of them.")
    if motifs is None:
        motifs = extract_motifs(classifier, X, y, names=names)
    matches = {}
    if targets is not None:
        found = targets if isinstance(targets, pd.DataFrame) else tomtom(motifs, targets)
        motifs, found = orient_all_to_matches(motifs, found)
        matches = _matches(motifs, found)
    results = collect(classifier, data, test, motifs, random_state=random_state, use=use)
    page = render(
        classifier,
        results,
        matches,
        title=title,
        max_cards=_MAX_CARDS,
        downloads=_downloads(motifs),
        negatives=negatives,
        match=match,
        notes=notes or {},
        random_state=random_state,
    )
    with replacing(path) as part:
        part.write_text(page, encoding="utf-8", errors="backslashreplace")  # names that are not valid UTF-8


def orient_all_to_matches(motifs: Sequence[Motif], matches: pd.DataFrame) -> tuple[list[Motif], pd.DataFrame]:
    """Orient every motif like its best match, and update the orientation of its matches accordingly."""
    oriented = [orient_to_match(motif, matches) for motif in motifs]
    reversed_names = {motif.name for motif, new in zip(motifs, oriented, strict=True) if new is not motif}
    swapped = matches["orientation"].map({"+": "-", "-": "+"}.get)
    orientation = matches["orientation"].where(~matches["query"].isin(reversed_names), swapped)
    return note_copies(oriented), matches.assign(orientation=orientation)


def _matches(motifs: Sequence[Motif], found: pd.DataFrame) -> dict[int, list[Match]]:
    """The matches of each kernel, best first, with offsets relative to the motif."""
    matches: dict[int, list[Match]] = {}
    for motif in motifs:
        rows = found[found["query"] == motif.name].sort_values("p", kind="stable")[:_MAX_MATCHES]
        if motif.kernel is None or len(rows) == 0:
            continue
        matches[motif.kernel] = [
            Match(
                name=row["target"],
                accession=row["target_accession"],
                p=row["p"],
                e=row["E"],
                q=row["q"],
                correlation=row["correlation"],
                # Tomtom's offset is the start of the query in the target.
                offset=-int(row["offset"]),
                orientation=row["orientation"],
                ppm=row["target_motif"].ppm,
            )
            for row in rows.to_dict("records")
        ]
    return matches


def _downloads(motifs: Sequence[Motif]) -> list[tuple[str, str, str]]:
    """Name, MIME type and text of the files embedded in the page."""
    if not motifs:
        return []
    text = io.StringIO()
    write_motifs(motifs, text, sites=False)
    return [("motifs.meme", "text/plain", text.getvalue())]
