"""Effects of variants: log-odds of both alleles in a window of the genome."""

from __future__ import annotations

import os
import warnings
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from itertools import islice
from typing import Any, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skdeepprune._classifier import DeepPruneClassifier
from skdeepprune._random import RandomState, as_generator
from skdeepprune._reading import source_of
from skdeepprune.effects._alleles import (
    OK,
    STATUSES,
    Alleles,
    Variant,
    Windows,
    Written,
    described,
    read_windows,
)
from skdeepprune.effects._background import Background
from skdeepprune.effects._fitted import dna_network, fitted_length
from skdeepprune.effects._portions import each_in_order
from skdeepprune.effects._scores import AlleleScorer
from skdeepprune.effects._tables import variants_of_table
from skdeepprune.effects._vcf import opened_variants, rereadable
from skdeepprune.genome._regions import GenomeLike, opened
from skdeepprune.sequences import Genome

Rows = TypeVar("Rows")

_MIN_WINDOW = 1
# Alleles, and bases of their windows, per portion.
_PORTION, _PORTION_BASES = 2**14, 2**23


def score_variants(
    classifier: DeepPruneClassifier,
    variants: pd.DataFrame | str | os.PathLike[str] | Iterable[Variant],
    genome: GenomeLike,
    *,
    window: int | None = None,
    background: int = 0,
    random_state: RandomState = None,
    n_jobs: int | None = None,
) -> pd.DataFrame:
    r"""Score variants by the difference in the log-odds of binding between their alleles.

    Parameters
    ----------
    classifier : DeepPruneClassifier
        Fitted on DNA.
    variants : DataFrame, str, path, or iterable of tuple
        A table with the columns chrom, pos (from 1), ref, alt (several separated by commas) and optionally id; a VCF
        file, also gzipped; a BCF file (needs the extra ``variants``); or tuples (chrom, pos, id, ref, alt).
    genome : Genome, str, path, or mapping of str to str
        As for :class:`skdeepprune.sequences.Genome`.
    window : int, default=None
        Length in bp of the window, centred on the allele, in which each allele is scored. Default: mean length of the
        bound training sequences.
    background : int, default=0
        Number of random variants of every kind (lengths of both alleles) to draw for p-values; 0 for no p-values.
        They depend on all variants, so a file is read twice.
    random_state : int, RandomState, Generator or None, default=None
        Seed of the random variants. The same variants and seed give the same p-values, in any order and for any
        `n_jobs`.
    n_jobs : int, default=None
        Number of threads; the result does not depend on it. Within ``joblib.parallel_config``, the configured backend:
        processes, Dask, Ray.

    Returns
    -------
    DataFrame
        One row per ALT allele, in the order of the input.

        - chrom, pos, id, ref, alt: as given.
        - status: "ok", or why there are no scores: "REF mismatch" (with the genome), "beyond chromosome" (the allele or
          its window), "longer than window", "chromosome not in genome", "no ALT" (``.``), "spanning deletion" (``*``),
          "symbolic ALT" (such as ``<DEL>``, or a breakend), "not DNA".
        - log_odds_ref, log_odds_alt: `decision_function` of the windows.
        - delta: log_odds_alt - log_odds_ref.
        - probability_ref, probability_alt: of the positive class.
        - delta_kernel_0, ...: contribution of each kernel to delta; delta_composition: contribution of the words. They
          sum to delta.
        - kernel: the kernel with the largest contribution; missing if none changes.
        - change: "gained" if the score of that kernel is higher with ALT, otherwise "lost".
        - site_distance: bp from the variant to the kernel's best site, in the allele with the higher score; 0 if they
          overlap, 1 if they touch, negative if the site is on the left.
        - p: with a `background`, how often random variants of the same kind have at least as large an absolute delta.

    Raises
    ------
    ValueError
        If a column is missing, a position is not a whole number, or the classifier was not fitted on DNA.
    FileFormatError
        If the file is damaged or is not VCF.
    ImportError
        If a BCF file is given and pysam is missing.

    Warns
    -----
    UserWarning
        If chromosomes are not in the genome, or more than a tenth of the REF alleles differ from it.

    Notes
    -----
    Common ends of both alleles are trimmed. The rest of each is placed in the middle of a window of the same length, so
    the shorter of two alleles has longer flanks.

    Examples
    --------
    >>> import pandas as pd
    >>> from skdeepprune import DeepPruneClassifier
    >>> from skdeepprune.datasets import load_simulated
    >>> from skdeepprune.effects import score_variants
    >>> data = load_simulated(3, n_train=1000, n_test=500, random_state=0)
    >>> classifier = DeepPruneClassifier(n_prunings=1, max_iter=5, random_state=0).fit(data.X_train, data.y_train)
    >>> genome = {"chr1": "ACGT" * 100}
    >>> variants = pd.DataFrame({"chrom": "chr1", "pos": [200, 201], "ref": ["T", "A"], "alt": ["A,TT", "<DEL>"]})
    >>> score_variants(classifier, variants, genome)[["pos", "ref", "alt", "status"]]
       pos ref    alt        status
    0  200   T      A            ok
    1  200   T     TT            ok
    2  201   A  <DEL>  symbolic ALT
    """
    scorer = VariantScorer(classifier, window=window, background=background, random_state=random_state, n_jobs=n_jobs)
    with opened(genome) as source, _read_twice(variants) if background else nullcontext(variants) as given:
        if background:
            with _opened_rows(given, variants) as rows:
                scorer.draw_background((Alleles.of(portion) for portion in portions(rows, scorer.portion)), source)
        with _opened_rows(given, variants) as rows:
            alleles = (((), Alleles.of(portion)) for portion in portions(rows, scorer.portion))
            parts = [_table(own, columns) for _, own, columns in scorer.scored(alleles, source)]
        table = pd.concat(parts, ignore_index=True) if parts else _table(Alleles.of([]), scorer.no_columns())
        counts = {str(status): n for status, n in table["status"].value_counts().items()}
        for message in messages_of(counts, source, table["chrom"].unique().tolist()):
            warnings.warn(message, stacklevel=2)
    return table


@contextmanager
def _read_twice(variants: Any) -> Iterator[Any]:
    """Yield variants in a form that can be read twice."""
    if isinstance(variants, str | os.PathLike):
        with rereadable(variants) as path:
            yield path
    else:
        yield variants if isinstance(variants, pd.DataFrame) else list(variants)


@contextmanager
def _opened_rows(variants: Any, named: Any) -> Iterator[Iterable[Variant]]:
    if isinstance(variants, str | os.PathLike):
        with opened_variants(variants, source_of(named)) as file:
            yield (record.variant for record in file)
    else:
        yield variants_of_table(variants) if isinstance(variants, pd.DataFrame) else variants


def portions(rows: Iterable[Any], size: int) -> Iterator[list[Any]]:
    """Yield lists of `n` rows."""
    iterator = iter(rows)
    while portion := list(islice(iterator, size)):
        yield portion


class VariantScorer:
    """Scores portions of variants.

    Parameters
    ----------
    classifier, window, background, random_state, n_jobs
        As for :func:`score_variants`.
    """

    def __init__(
        self,
        classifier: DeepPruneClassifier,
        *,
        window: int | None = None,
        background: int = 0,
        random_state: RandomState = None,
        n_jobs: int | None = None,
    ) -> None:
        network = dna_network(classifier)
        self.window = fitted_length(classifier) if window is None else window
        if self.window < _MIN_WINDOW:
            raise ValueError(f"window={window}; expected at least {_MIN_WINDOW} bp.")
        if background < 0:
            raise ValueError(f"background={background}; expected the number of random variants, or 0 for no p-values.")
        self._scorer = AlleleScorer(network)
        self._n_jobs = n_jobs
        rng = as_generator(random_state)
        self._background = Background(background, int(rng.integers(2**63))) if background else None

    @property
    def portion(self) -> int:
        """Number of variants to score at a time."""
        return max(1, min(_PORTION, _PORTION_BASES // self.window))

    def draw_background(self, portions: Iterable[Alleles], genome: Genome) -> None:
        """Draw random variants around all variants that will be scored."""
        if self._background is None:
            return
        for alleles in portions:
            self._background.add(alleles.chrom, self._windows(alleles, genome), genome)
        self._background.draw(self._scorer, genome, self.window, self._n_jobs)

    def scored(
        self, portions: Iterable[tuple[Rows, Alleles]], genome: Genome
    ) -> Iterator[tuple[Rows, Alleles, dict[str, NDArray[Any]]]]:
        """Score portions of alleles, in order; numeric columns are NaN in rows without scores.

        Parameters
        ----------
        portions : iterable of (rows, Alleles)
            The rows are returned unchanged with their alleles.
        genome : Genome

        Yields
        ------
        rows, alleles, columns
        """
        waiting: deque[tuple[Rows, Alleles, Windows]] = deque()

        def windows() -> Iterator[Windows]:
            for rows, alleles in portions:
                own = self._windows(alleles, genome)
                waiting.append((rows, alleles, own))
                yield own.take(own.status == 0)

        for taken, found in each_in_order(self._scorer.columns, windows(), self._n_jobs):
            rows, alleles, own = waiting.popleft()
            if self._background is not None:
                found["p"] = self._background.p_values(found["delta"], taken.place)
            is_ok = own.status == 0
            columns = {name: _spread(column, is_ok) for name, column in found.items()}
            yield rows, alleles, {"status": own.status, **columns}

    def no_columns(self) -> dict[str, NDArray[Any]]:
        """Columns for no alleles."""
        with opened({"none": "N"}) as genome:
            ((_, _, columns),) = self.scored([((), Alleles.of([]))], genome)
        return columns

    def _windows(self, alleles: Alleles, genome: Genome) -> Windows:
        written = Written.of(alleles.ref, alleles.alt)
        return read_windows(genome, alleles.chrom, alleles.pos - 1, written, alleles.status, self.window)


def _table(alleles: Alleles, columns: dict[str, Any]) -> pd.DataFrame:
    columns["status"] = np.array(STATUSES, dtype=object)[columns["status"]]
    kernel = columns["kernel"]
    columns["kernel"] = pd.arrays.IntegerArray(np.where(kernel >= 0, kernel, 0).astype(np.int64), ~(kernel >= 0))
    columns["change"] = np.array(["", "gained", "lost"], dtype=object)[columns["change"]]
    given = {name: getattr(alleles, name) for name in ("chrom", "pos", "id", "ref", "alt")}
    return pd.DataFrame({**given, **columns})


def _spread(column: NDArray[Any], is_ok: NDArray[np.bool_]) -> NDArray[Any]:
    """Expand values to all rows, NaN elsewhere."""
    if is_ok.all():
        return column
    spread = np.full(len(is_ok), 0 if column.dtype.kind == "i" else np.nan, dtype=column.dtype)
    spread[is_ok] = column
    return spread


def messages_of(counts: dict[str, int], genome: Genome, names: list[str]) -> list[str]:
    """Describe faults that many variants share, from the numbers by status and the names of chromosomes."""
    messages = []
    unknown = [name for name in names if name not in genome.lengths]
    if unknown and counts.get("chromosome not in genome"):
        messages.append(
            f"{counts['chromosome not in genome']:,} alleles are on chromosomes such as {unknown[0]!r}, not in"
            f" {genome.describe_names(unknown)}"
        )
    n_wrong = counts.get("REF mismatch", 0)
    n_compared = n_wrong + counts.get(OK, 0)
    if n_wrong > 0.1 * n_compared:
        messages.append(
            f"{n_wrong:,} of {n_compared:,} REF alleles differ from the genome; expected that of the assembly that the"
            f" variants were called on. {described(counts)}."
        )
    return messages
