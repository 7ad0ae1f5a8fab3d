"""The log-odds along a genome, as bigWig."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skdeepprune._network import Network
from skdeepprune._writing import check_writable, replacing
from skdeepprune.effects._fitted import dna_network, fitted_length
from skdeepprune.effects._portions import Source, Stretch, each_in_order, opened_source
from skdeepprune.effects._scan import progress
from skdeepprune.genome._regions import GenomeLike, RegionsLike


def track(
    classifier: Any,
    genome: GenomeLike,
    out: str | os.PathLike[str],
    regions: RegionsLike | None = None,
    *,
    window: int | None = None,
    step: int = 10,
    kernels: bool = False,
    n_jobs: int | None = None,
    verbose: int = 0,
) -> list[Path]:
    """Write the log-odds of a window that slides along a genome as bigWig.

    The first window begins at the start of its chromosome, and further ones every `step` bases. A window's value is
    assigned to the `step` bases around its middle: from ``start + window // 2 - step // 2`` on. It equals
    ``classifier.decision_function`` for the window's sequence.

    Parameters
    ----------
    classifier : DeepPruneClassifier
        Fitted on DNA.
    genome : Genome, str, path, or mapping of str to str
        As for :class:`skdeepprune.sequences.Genome`.
    out : str or path
        The bigWig file to write. It is written completely or not at all.
    regions : DataFrame, str, path, or iterable of Region, default=None
        Only these regions, as for :func:`skdeepprune.genome.region_table`; the first window begins at the start of a
        region. Regions that overlap or touch are joined. Default: whole chromosomes.
    window : int, default=None
        Length of the window in bp. Default: mean length of the bound training sequences, which is known if the
        classifier has a composition.
    step : int, default=10
        Distance between windows in bp, at most `window`.
    kernels : bool, default=False
        Also write the motif scores of every kernel, to separate files next to `out`: "track.kernel_0.bw" ... for
        "track.bw". They equal ``classifier.transform``.
    n_jobs : int, default=None
        Number of threads; the files do not depend on it. Within ``joblib.parallel_config``, the configured backend.
    verbose : int, default=0
        1 shows a progress bar.

    Returns
    -------
    list of Path
        The files that were written.

    Raises
    ------
    ValueError
        If the classifier was not fitted on DNA, `window` is not known or shorter than `step`, a region is not in the
        genome, or no window fits anywhere.
    FileFormatError
        If the genome or the regions are damaged.
    ImportError
        If figwig is not installed.
    OSError
        If a file cannot be written.

    Notes
    -----
    A window with more than half of its bases unknown has no value. In other windows, unknown bases count as in
    ``decision_function``.

    The cost does not depend on the length of the window, except where bases are unknown: every position is read once.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from skdeepprune import DeepPruneClassifier
    >>> from skdeepprune.datasets import load_simulated
    >>> from skdeepprune.effects import track
    >>> data = load_simulated(3, n_train=1000, n_test=500, random_state=0)
    >>> classifier = DeepPruneClassifier(n_prunings=2, random_state=0).fit(data.X_train, data.y_train)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     files = track(classifier, {"chr1": "".join(data.X_test)}, Path(folder) / "track.bw")
    ...     print([file.name for file in files])
    ['track.bw']
    """
    network = dna_network(classifier)
    length = fitted_length(classifier) if window is None else window
    if length < 1 or not 1 <= step <= length:
        raise ValueError(f"window={length}, step={step}; expected 1 <= step <= window.")
    out = Path(out)
    paths = [out, *(kernel_path(out, k) for k in range(network.n_kernels if kernels else 0))]
    library = _figwig()
    for path in paths:
        check_writable(path)
    with opened_source(genome, regions) as source, ExitStack() as files:
        # bigWig stores chromosomes by name.
        order = sorted(range(len(source.names)), key=lambda i: source.names[i].encode(errors="surrogateescape"))
        header = {source.names[i]: source.lengths[i] for i in order}
        rank = {chrom: i for i, chrom in enumerate(order)}
        stretches = sorted(source.stretches, key=lambda stretch: (rank[stretch.chrom], stretch.start))
        source = Source(source.names, source.lengths, source.read, stretches)
        parts = [files.enter_context(replacing(path)) for path in paths]
        writers = [files.enter_context(_Writer(library, part, header, n_jobs)) for part in parts]
        for stretch, values in _values(network, source, length, step, kernels, n_jobs, verbose):
            first = stretch.start + length // 2 - step // 2
            for writer, column in zip(writers, values.T, strict=True):
                writer.add(source.names[stretch.chrom], first, column, step)
        if writers[0].n_values == 0:
            raise ValueError(
                f"No window of {length} bp with at least half of its bases known fits into a chromosome or region;"
                " set a shorter window."
            )
    return paths


def _values(
    network: Network, source: Source, length: int, step: int, kernels: bool, n_jobs: int | None, verbose: int
) -> Iterator[tuple[Stretch, NDArray[np.float64]]]:
    """Yield stretches and the values of the windows that start in them."""
    from skdeepprune.effects._windows import SlidingWindow

    windows = SlidingWindow(network, length, step, kernels)
    with progress("Sliding", sum(end - start for _, start, end in source.stretches), verbose) as bar:
        for portion, found in each_in_order(windows, source.portions(length, step), n_jobs):
            for (chrom, start, codes), values in zip(portion, found, strict=True):
                yield Stretch(chrom, start, start + len(codes)), values
                bar.update(len(codes))


def kernel_path(out: Path, kernel: int) -> Path:
    """Path of the file with a kernel's scores, next to that of the log-odds."""
    return out.with_name(f"{out.stem}.kernel_{kernel}{out.suffix}")


def _figwig() -> Any:
    try:
        import figwig
    except ImportError as error:
        raise ImportError("bigWig needs figwig: `pip install skdeepprune[tracks]`.") from error
    return figwig


class _Writer:
    """A bigWig file."""

    def __init__(self, library: Any, path: Path, lengths: dict[str, int], n_jobs: int | None) -> None:
        # The other engines would write different bytes; higher levels hardly make the files smaller.
        n_threads = 1 if n_jobs is None else n_jobs if n_jobs > 0 else -1
        self._file = library.BigWigWriter(path, lengths, engine="zlib", level=2, n_jobs=n_threads)
        self.n_values = 0

    def __enter__(self) -> _Writer:
        self._file.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._file.__exit__(*error)

    def add(self, chrom: str, start: int, values: NDArray[np.float64], step: int) -> None:
        """Write consecutive values of `step` bases each; NaN is omitted."""
        known = np.flatnonzero(~np.isnan(values))
        starts = start + known * step
        if len(known):
            self._file.write(chrom, starts, values[known].astype(np.float32), ends=starts + step, missing=np.nan)
        self.n_values += len(known)
