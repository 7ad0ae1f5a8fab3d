"""Hits of every kernel in a genome or in sequences."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import IO, Any

import numpy as np
import pandas as pd
from tqdm import tqdm

from skdeepprune._network import Network
from skdeepprune._writing import check_writable, replacing
from skdeepprune.effects._fitted import dna_network
from skdeepprune.effects._hits import HIT, Census, Hits, Kernels, hit_table, read_spooled, write_bed
from skdeepprune.effects._portions import Source, each_in_order, opened_source
from skdeepprune.effects._pvalues import UNIFORM, PValues, read_background
from skdeepprune.genome._regions import RegionsLike

Background = str | Sequence[float] | Mapping[str, float] | None


def scan(
    classifier: Any,
    source: Any,
    regions: RegionsLike | None = None,
    *,
    p_value: float = 1e-4,
    background: Background = None,
    q_values: bool = True,
    names: Sequence[str] | None = None,
    n_jobs: int | None = None,
    verbose: int = 0,
) -> pd.DataFrame:
    r"""Find where in a genome or in sequences the activation of a kernel is significant.

    A hit is a window whose p-value is at most `p_value`: the probability that a window of random letters, drawn
    independently from `background`, has this activation or a higher one. It is computed from the kernel's own weights,
    by dynamic programming on a fine grid, rounded so that it is never too small and at most about one per cent too
    large (see :doc:`/scanning`).

    Parameters
    ----------
    classifier : DeepPruneClassifier
        Fitted on DNA. Both strands are scanned if the classifier reads both, otherwise only the given one.
    source : Genome, str, path, mapping of str to str, or list, array or Series of DNA strings
        A genome, as for :class:`skdeepprune.sequences.Genome` (a path to a FASTA file); or sequences, named by their
        records or numbered.
    regions : DataFrame, str, path, or iterable of Region, default=None
        Only report hits inside these regions of the genome, as for :func:`skdeepprune.genome.region_table`.
        Regions that overlap or touch are joined; their strand does not matter. Default: everywhere.
    p_value : float, default=1e-4
        Maximum p-value of a hit.
    background : array-like of four floats, mapping of letters to floats, "uniform", or None, default=None
        Frequencies of A, C, G, T in random DNA. None counts them in all of `source`, including outside `regions`. With
        both strands they are averaged over the strands, so that A is as frequent as T, and C as G.
    q_values : bool, default=True
        Add the column q.
    names : sequence of str, default=None
        Names of the kernels. By default "kernel_0", "kernel_1" ...
    n_jobs : int, default=None
        Number of threads; the result does not depend on it. Within ``joblib.parallel_config``, the configured backend:
        processes, Dask, Ray.
    verbose : int, default=0
        1 shows a progress bar.

    Returns
    -------
    DataFrame
        One row per hit, sorted by chromosome (in the order of the genome), start, kernel and strand: chrom, start (from
        0), end (excluded), kernel, strand ("-": the kernel reads the reverse complement), activation (including the
        kernel's bias), p, and q: the Benjamini-Hochberg false discovery rate among all windows of that kernel. Windows
        that are not hits count with p = 1, which can only increase q.

    Raises
    ------
    ValueError
        If the classifier was not fitted on DNA, an argument is out of range, a region is not in the genome, or there
        are no known bases.
    FileFormatError
        If the genome or the regions are damaged.

    See Also
    --------
    scan_to_bed : Writes any number of hits to a file.

    Notes
    -----
    An unknown base adds the mean of its position's four cells. A window with more than half of its bases unknown
    is never a hit and is not counted for q.

    Examples
    --------
    >>> from skdeepprune import DeepPruneClassifier
    >>> from skdeepprune.datasets import load_simulated
    >>> from skdeepprune.effects import scan
    >>> data = load_simulated(3, n_train=1000, n_test=500, random_state=0)
    >>> classifier = DeepPruneClassifier(n_prunings=2, random_state=0).fit(data.X_train, data.y_train)
    >>> hits = scan(classifier, {"chr1": "".join(data.X_test)}, p_value=1e-4)
    >>> hits.columns.tolist()
    ['chrom', 'start', 'end', 'kernel', 'strand', 'activation', 'p', 'q']
    >>> bool(hits["p"].max() <= 1e-4)
    True
    """
    with _Scan.of(classifier, source, regions, p_value, background, names, verbose) as run:
        census, found = Census(run.kernels), [np.empty(0, HIT)]
        for hits, n_windows in run.portions(n_jobs):
            census.add(hits, n_windows)
            found.append(hits)
        q_tables = census.q_tables() if q_values else None
        return hit_table(np.concatenate(found), run.kernels, run.source.names, q_tables)


def scan_to_bed(
    classifier: Any,
    source: Any,
    out: str | os.PathLike[str] | IO[str],
    regions: RegionsLike | None = None,
    *,
    p_value: float = 1e-4,
    background: Background = None,
    q_values: bool = True,
    names: Sequence[str] | None = None,
    n_jobs: int | None = None,
    verbose: int = 0,
) -> pd.DataFrame:
    """Find the hits that :func:`scan` finds, and write them to a file.

    Memory use does not depend on the size of the genome or the number of hits: hits are kept in a temporary file (29
    bytes each) until all are counted, as q-values require.

    Parameters
    ----------
    classifier, source, regions, p_value, background, q_values, names, n_jobs, verbose
        As for :func:`scan`.
    out : str, path, or text file
        The file is written completely or not at all.

    Returns
    -------
    DataFrame
        One row per kernel: kernel, windows (number scanned, all strands), threshold (minimum activation of a hit; NaN
        if no activation has that p-value), hits, expected (hits in as many random windows).

    Raises
    ------
    ValueError, FileFormatError
        As :func:`scan` does.
    OSError
        If the file cannot be written.

    Notes
    -----
    The file is BED with the columns chrom, start, end, name, score (-10 log10 p, at most 1000), strand, activation, p
    and q, after a header line that starts with "#".

    Examples
    --------
    >>> import io
    >>> from skdeepprune import DeepPruneClassifier
    >>> from skdeepprune.datasets import load_simulated
    >>> from skdeepprune.effects import scan_to_bed
    >>> data = load_simulated(3, n_train=1000, n_test=500, random_state=0)
    >>> classifier = DeepPruneClassifier(n_prunings=2, random_state=0).fit(data.X_train, data.y_train)
    >>> bed = io.StringIO()
    >>> scan_to_bed(classifier, {"chr1": "".join(data.X_test)}, bed).columns.tolist()
    ['kernel', 'windows', 'threshold', 'hits', 'expected']
    >>> bed.getvalue().splitlines()[0].split()
    ['#chrom', 'start', 'end', 'name', 'score', 'strand', 'activation', 'p', 'q']
    """
    if isinstance(out, str | os.PathLike):
        check_writable(out)
    with (
        _Scan.of(classifier, source, regions, p_value, background, names, verbose) as run,
        tempfile.TemporaryFile() as spool,
    ):
        census = Census(run.kernels)
        for hits, n_windows in run.portions(n_jobs):
            census.add(hits, n_windows)
            spool.write(hits.tobytes())
        q_tables = census.q_tables() if q_values else None
        with _opened(out) as file:
            write_bed(file, read_spooled(spool), run.kernels, run.source.names, q_tables)
        return pd.DataFrame(
            {
                "kernel": run.kernels.names,
                "windows": census.n_windows,
                "threshold": [
                    own.threshold(p_value) + bias
                    for own, bias in zip(run.kernels.p_values, run.kernels.bias, strict=True)
                ],
                "hits": census.n_hits,
                "expected": [own.reached(p_value) * census.n_windows for own in run.kernels.p_values],
            }
        )


@contextmanager
def _opened(out: str | os.PathLike[str] | IO[str]) -> Iterator[IO[str]]:
    if not isinstance(out, str | os.PathLike):
        yield out
        return
    # Names that are not UTF-8 are written unchanged.
    with replacing(out) as part, open(part, "w", encoding="utf-8", errors="surrogateescape", newline="\n") as file:
        yield file


class _Scan:
    """A scan with checked arguments."""

    def __init__(self, network: Network, source: Source, kernels: Kernels, p_value: float, verbose: int) -> None:
        self._network, self._p_value, self._verbose = network, p_value, verbose
        self.source, self.kernels = source, kernels

    @classmethod
    @contextmanager
    def of(
        cls,
        classifier: Any,
        source: Any,
        regions: RegionsLike | None,
        p_value: float,
        background: Background,
        names: Sequence[str] | None,
        verbose: int,
    ) -> Iterator[_Scan]:
        network = dna_network(classifier)
        if not 0 < p_value <= 1:
            raise ValueError(f"p_value={p_value!r}; expected a probability above 0 and at most 1.")
        own_names = kernel_names(network, names)
        if background is not None:
            shares = read_background(
                UNIFORM if isinstance(background, str) and background == "uniform" else background,  # type: ignore[arg-type]
                both_strands=network.reverse_complement,
            )
        with opened_source(source, regions) as given:
            if background is None:
                shares = read_background(_count(given, verbose), both_strands=network.reverse_complement)
            kernels = Kernels(
                own_names,
                network.kernel_length,
                network.kernel_bias.astype(np.float64),
                [PValues.of(kernel, shares) for kernel in network.kernels],
            )
            yield cls(network, given, kernels, p_value, verbose)

    def portions(self, n_jobs: int | None) -> Iterator[tuple[Hits, int]]:
        """Yield the hits of each portion, and the number of windows."""
        from skdeepprune.effects._search import Search

        search = Search.of(self._network, self.kernels.p_values, self._p_value)
        with progress("Scanning", sum(end - start for _, start, end in self.source.stretches), self._verbose) as bar:
            for portion, found in each_in_order(search, self.source.portions(self.kernels.width), n_jobs):
                bar.update(sum(len(piece.codes) for piece in portion))
                yield found


def kernel_names(network: Network, names: Sequence[str] | None) -> list[str]:
    """Name the kernels, or check the given names."""
    if names is None:
        return [f"kernel_{k}" for k in range(network.n_kernels)]
    names = list(names)
    if len(names) != network.n_kernels or any(not isinstance(name, str) or name.split() != [name] for name in names):
        raise ValueError(f"names={names!r}; expected {network.n_kernels} names without blanks, one per kernel.")
    return names


def progress(what: str, n_bases: int, verbose: int) -> Any:
    """Show a progress bar in bases."""
    return tqdm(total=n_bases, desc=what, unit="b", unit_scale=True, disable=not verbose)


def _count(source: Source, verbose: int) -> list[float]:
    """Count A, C, G and T, with a pseudocount of 1."""
    from skdeepprune.effects._loops import count_letters

    counts = np.zeros(5, np.int64)
    with progress("Counting letters", sum(source.lengths), verbose) as bar:
        for codes in source.all_codes():
            count_letters(codes, counts)
            bar.update(len(codes))
    if not counts[:4].any():
        raise ValueError(
            "There are no known bases (A, C, G or T) to estimate the background from; expected at least one."
        )
    return (counts[:4] + 1.0).tolist()
