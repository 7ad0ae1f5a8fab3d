"""Hits, their p- and q-values, and their output as tables and BED."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import IO, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skdeepprune.effects._pvalues import PValues

HIT = np.dtype([("chrom", "i4"), ("start", "i8"), ("kernel", "i4"), ("reverse", "?"), ("index", "i4"), ("sum", "f8")])
Hits = NDArray[Any]

_HITS_AT_ONCE = 2**16
_HIGHEST_SCORE = 1000


@dataclass(frozen=True, eq=False)
class Kernels:
    """The kernels that hits refer to.

    Attributes
    ----------
    names : list of str
    width : int
    bias : ndarray of float64, shape (K,)
    p_values : list of PValues
    """

    names: list[str]
    width: int
    bias: NDArray[np.float64]
    p_values: list[PValues]

    def p(self, hits: Hits) -> NDArray[np.float64]:
        """Return the p-values of hits."""
        return _look_up([own.survival for own in self.p_values], hits)


class Census:
    """Number of hits of every kernel at every p-value; q-values follow from it."""

    def __init__(self, kernels: Kernels) -> None:
        self._kernels = kernels
        self._counts = [np.zeros(len(own.survival), np.int64) for own in kernels.p_values]
        self.n_windows = 0

    def add(self, hits: Hits, n_windows: int) -> None:
        """Count hits and the windows searched."""
        self.n_windows += n_windows
        for kernel in np.unique(hits["kernel"]).tolist():
            np.add.at(self._counts[kernel], hits["index"][hits["kernel"] == kernel], 1)

    @property
    def n_hits(self) -> list[int]:
        """Number of hits of every kernel."""
        return [int(counts.sum()) for counts in self._counts]

    def q_tables(self) -> list[NDArray[np.float64]]:
        """Return the q-values of every kernel, by `index`.

        Benjamini-Hochberg over all windows of the kernel; windows that are not hits have p = 1.
        """
        tables = []
        for own, counts in zip(self._kernels.p_values, self._counts, strict=True):
            n_at_least = np.maximum(np.cumsum(counts[::-1])[::-1], 1)
            ratios = own.survival * self.n_windows / n_at_least
            tables.append(np.minimum(np.minimum.accumulate(ratios), 1.0))
        return tables


def _look_up(tables: Sequence[NDArray[np.float64]], hits: Hits) -> NDArray[np.float64]:
    """Look up each hit in the table of its kernel."""
    found = np.empty(len(hits))
    for kernel in np.unique(hits["kernel"]).tolist():
        rows = hits["kernel"] == kernel
        found[rows] = tables[kernel][hits["index"][rows]]
    return found


def hit_table(
    hits: Hits, kernels: Kernels, chroms: list[str], q_tables: Sequence[NDArray[np.float64]] | None
) -> pd.DataFrame:
    """Make a table with one row per hit.

    Parameters
    ----------
    hits : ndarray of HIT
    kernels : Kernels
    chroms : list of str
        Names of the chromosomes.
    q_tables : list of ndarray or None
        None omits the column q.
    """
    columns = {
        "chrom": np.array(chroms, object)[hits["chrom"]],
        "start": hits["start"],
        "end": hits["start"] + kernels.width,
        "kernel": np.array(kernels.names, object)[hits["kernel"]],
        "strand": np.where(hits["reverse"], "-", "+").astype(object),
        "activation": hits["sum"] + kernels.bias[hits["kernel"]],
        "p": kernels.p(hits),
    }
    if q_tables is not None:
        columns["q"] = _look_up(q_tables, hits)
    return pd.DataFrame(columns)


def write_bed(
    file: IO[str],
    portions: Iterator[Hits],
    kernels: Kernels,
    chroms: list[str],
    q_tables: Sequence[NDArray[np.float64]] | None,
) -> None:
    """Write hits as BED, with the kernel as name, a score computed from p, and extra columns activation, p and q."""
    extra = ["activation", "p", "q"][: 3 if q_tables is not None else 2]
    file.write("\t".join(["#chrom", "start", "end", "name", "score", "strand", *extra]) + "\n")
    width, bias, names = kernels.width, kernels.bias, kernels.names
    for portion in portions:
        p = kernels.p(portion)
        scores = np.minimum(np.rint(-10 * np.log10(p)), _HIGHEST_SCORE).astype(np.int64).tolist()
        columns = [portion[name].tolist() for name in ("chrom", "start", "kernel")]
        sums = (portion["sum"] + bias[portion["kernel"]]).tolist()
        places = zip(*columns, strict=True)
        begins = [f"{chroms[chrom]}\t{start}\t{start + width}\t{names[kernel]}" for chrom, start, kernel in places]
        strands = ["-" if reverse else "+" for reverse in portion["reverse"].tolist()]
        rows = zip(begins, scores, strands, sums, p.tolist(), strict=True)
        lines = [f"{begin}\t{score}\t{strand}\t{total:.4f}\t{p:.3g}" for begin, score, strand, total, p in rows]
        if q_tables is not None:
            q = _look_up(q_tables, portion).tolist()
            lines = [f"{line}\t{value:.3g}" for line, value in zip(lines, q, strict=True)]
        file.write("\n".join(lines) + "\n" if lines else "")


def read_spooled(file: IO[bytes]) -> Iterator[Hits]:
    """Read back hits from the temporary file."""
    file.seek(0)
    while content := file.read(_HITS_AT_ONCE * HIT.itemsize):
        yield np.frombuffer(content, HIT)
