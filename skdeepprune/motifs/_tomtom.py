"""Comparison of motifs with known motifs."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import false_discovery_control

from skdeepprune.motifs._align import correlation_at
from skdeepprune.motifs._files import read_motifs
from skdeepprune.motifs._motif import Motif
from skdeepprune.motifs._similarity import Matches, match_motif

Targets = str | os.PathLike[str] | Iterable[Motif]

_COLUMNS = [
    "query",
    "target",
    "target_accession",
    "p",
    "E",
    "q",
    "offset",
    "overlap",
    "orientation",
    "correlation",
    "query_motif",
    "target_motif",
]
# The columns of the targets are the null distribution; the MEME suite's tomtom warns below 50.
_FEW_TARGETS = 25


def tomtom(
    queries: Motif | Iterable[Motif],
    targets: Targets = "JASPAR2024",
    *,
    n_nearest: int | None = 10,
    engine: Literal["numpy", "memelite"] = "numpy",
    n_jobs: int = 1,
) -> pd.DataFrame:
    """Find the known motifs most similar to each query, with Tomtom's p-values [1]_.

    Parameters
    ----------
    queries : Motif or iterable of Motif
    targets : iterable of Motif, path of a motif file, or release of JASPAR, default="JASPAR2024"
        A release such as "JASPAR2026" means its vertebrate motifs in the CORE collection; for others use
        :func:`load_jaspar`.
    n_nearest : int or None, default=10
        Number of matches listed per query. None lists all targets.
    engine : {"numpy", "memelite"}, default="numpy"
        "numpy" takes about 0.1 s per query. memelite is faster for hundreds of queries, but its first call compiles for
        a minute or more; its results differ slightly, since it approximates medians and merges similar columns.
    n_jobs : int, default=1
        Threads of memelite; -1 for all.

    Returns
    -------
    DataFrame
        A row per query and target, in the order of the queries and sorted by p-value within each:

        - ``query``, ``target``, ``target_accession``: names;
        - ``p``: probability that a random target of this width matches as well;
        - ``E``: ``p`` times the number of targets, the number of such matches expected by chance;
        - ``q``: q-value: the minimum false discovery rate (Benjamini and Hochberg, over the targets of a query) at
          which the match is significant;
        - ``orientation``: "+" if the query matched as given, "-" if its reverse complement did;
        - ``offset``: position in the target at which the query, in that orientation, starts; negative if before it;
        - ``overlap``: number of overlapping positions;
        - ``correlation``: of the aligned motifs; overhanging positions lower it in proportion to their information.
          With a long target of little information an unrelated query may have a small E-value, but not a high
          correlation;
        - ``query_motif``, ``target_motif``: the two motifs, the query in the orientation that matched.

    Raises
    ------
    ImportError
        If memelite or pyjaspar is needed and not installed.
    ValueError
        If there are no targets, or a name in ``targets`` is neither a file nor a release.

    Warns
    -----
    UserWarning
        With fewer than 25 targets, since the null distribution is estimated from the targets.

    References
    ----------
    .. [1] S. Gupta, J. A. Stamatoyannopoulos, T. L. Bailey and W. S. Noble, "Quantifying similarity between motifs",
       Genome Biology 8, 2007.

    Examples
    --------
    >>> from skdeepprune.motifs import Motif, tomtom
    >>> rng = np.random.default_rng(0)
    >>> known = [Motif(f"random_{i}", rng.dirichlet([0.3] * 4, size=10) * 100, n_sites=100) for i in range(50)]
    >>> query = Motif("query", known[7].counts[2:9], n_sites=100).reverse_complement()
    >>> match = tomtom(query, known, n_nearest=1).iloc[0]
    >>> match.target, int(match.offset), int(match.overlap), match.orientation, bool(match.E < 1e-5)
    ('random_7', 2, 7, '-', True)
    """
    query_list = [queries] if isinstance(queries, Motif) else list(queries)
    target_list = load_motifs(targets, "targets")
    if not target_list:
        raise ValueError("There are no target motifs to compare with; expected at least one.")
    if n_nearest is not None and n_nearest < 1:
        raise ValueError(f"n_nearest={n_nearest}; expected at least 1, or None for all targets.")
    if len(target_list) < _FEW_TARGETS:
        warnings.warn(
            f"Only {len(target_list)} target motifs: p-values are estimated from the columns of the targets, so with"
            f" fewer than {_FEW_TARGETS} targets they are unreliable. Compare with a whole database.",
            UserWarning,
            stacklevel=2,
        )
    if not query_list:
        return pd.DataFrame(columns=_COLUMNS)
    ppms = [target.ppm for target in target_list]
    if engine == "numpy":
        found = [match_motif(query.ppm, ppms) for query in query_list]
    elif engine == "memelite":
        found = _match_by_memelite([query.ppm for query in query_list], ppms, n_jobs)
    else:
        raise ValueError(f"engine={engine!r}; expected 'numpy' or 'memelite'.")
    rows = [
        row
        for query, matches in zip(query_list, found, strict=True)
        for row in _rows(query, target_list, matches, n_nearest)
    ]
    return pd.DataFrame(rows, columns=_COLUMNS)


def orient_to_match(motif: Motif, matches: pd.DataFrame) -> Motif:
    """Orient a motif like its best match.

    Parameters
    ----------
    motif : Motif
    matches : DataFrame
        Result of :func:`tomtom`, with `motif` among the queries.

    Returns
    -------
    Motif
        The motif, or its reverse complement if that matched. Unchanged if it has no match.
    """
    of_motif = matches[matches["query"] == motif.name]
    if len(of_motif) == 0:
        return motif
    best = of_motif.iloc[int(of_motif["p"].argmin())]
    return motif.reverse_complement() if best["orientation"] == "-" else motif


def load_jaspar(
    release: str = "JASPAR2024", *, collection: str = "CORE", tax_group: str | None = "vertebrates"
) -> list[Motif]:
    """Load a release of the JASPAR database from the package pyjaspar, which contains all of them.

    Parameters
    ----------
    release : str, default="JASPAR2024"
        From "JASPAR2014" to "JASPAR2026".
    collection : str, default="CORE"
    tax_group : str or None, default="vertebrates"
        For example "plants", "insects", "fungi" or "nematodes". None loads all.

    Returns
    -------
    list of Motif
        The latest version of each, with its class and family in the notes.

    Raises
    ------
    ImportError
        If pyjaspar is not installed.
    ValueError
        If the release does not exist or has no such motifs.
    """
    return list(_jaspar(release, collection, tax_group))


@lru_cache(maxsize=8)
def _jaspar(release: str, collection: str, tax_group: str | None) -> tuple[Motif, ...]:
    try:
        import pyjaspar
    except ImportError as error:
        raise ImportError(
            "The JASPAR motifs need the package pyjaspar, which is not installed: pip install skdeepprune[motifs]. Or"
            " use a motif file instead."
        ) from error
    if release not in pyjaspar.jaspar_releases:
        raise ValueError(f"release={release!r}; expected one of {', '.join(pyjaspar.jaspar_releases)}.")
    database = pyjaspar.jaspardb(release=release)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Zero motifs")
            records = database.fetch_motifs(collection=collection, tax_group=[tax_group] if tax_group else None)
    finally:
        database.conn.close()
    if not records:
        raise ValueError(f"{release} has no motifs with collection={collection!r} and tax_group={tax_group!r}.")
    return tuple(map(_jaspar_motif, records))


def _jaspar_motif(record: Any) -> Motif:
    counts = np.array([record.counts[base] for base in "ACGT"], dtype=np.float64).T
    notes = [f"class: {name}" for name in record.tf_class] + [f"family: {name}" for name in record.tf_family]
    return Motif(record.name, counts, float(counts.sum(axis=1).max()), accession=record.matrix_id, notes=tuple(notes))


def load_motifs(source: Targets, argument: str) -> list[Motif]:
    """Load motifs from a JASPAR release, a file or an iterable of motifs. Error messages call it `argument`."""
    if isinstance(source, Motif):
        return [source]
    if isinstance(source, str) and source.upper().startswith("JASPAR") and not Path(source).exists():
        return load_jaspar(source.upper())
    if isinstance(source, str | os.PathLike):
        if not Path(source).exists():
            raise ValueError(
                f"{argument}={os.fspath(source)!r} is neither a motif file nor a release of JASPAR such as"
                " 'JASPAR2024'."
            )
        return read_motifs(source)
    motifs = list(source)
    for i, motif in enumerate(motifs):
        if not isinstance(motif, Motif):
            raise TypeError(
                f"{argument}[{i}] is of type {type(motif).__name__}; expected a Motif. Create one from a matrix of"
                " counts with skdeepprune.motifs.Motif(name, counts, n_sites)."
            )
    return motifs


def _match_by_memelite(queries: list[NDArray[Any]], targets: list[NDArray[Any]], n_jobs: int) -> list[Matches]:
    try:
        import memelite
    except ImportError as error:
        raise ImportError(
            "engine='memelite' needs the package memelite, which is not installed: pip install skdeepprune[motifs]. Or"
            " use engine='numpy'."
        ) from error
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="tomtom was given")
        p, score, offset, overlap, reverse = memelite.tomtom(
            [np.ascontiguousarray(query.T) for query in queries],
            [np.ascontiguousarray(target.T) for target in targets],
            n_jobs=n_jobs,
        )
    return [
        Matches(
            p[i], score[i].astype(np.int64), offset[i].astype(np.int64), overlap[i].astype(np.int64), reverse[i] > 0
        )
        for i in range(len(queries))
    ]


def _rows(query: Motif, targets: list[Motif], matches: Matches, n_nearest: int | None) -> list[tuple[Any, ...]]:
    q = false_discovery_control(np.clip(matches.p, 0, 1))
    other_strand = query.reverse_complement()
    rows = []
    for i in np.lexsort((-matches.score, matches.p))[:n_nearest]:
        target, reverse = targets[i], bool(matches.reverse[i])
        offset = int(matches.offset[i])
        if reverse:  # From the start of the query on the target's other strand to that of its reverse complement.
            offset = target.width - query.width - offset
        oriented = other_strand if reverse else query
        rows.append(
            (
                query.name,
                target.name,
                target.accession,
                float(matches.p[i]),
                float(matches.p[i]) * len(targets),
                float(q[i]),
                offset,
                int(matches.overlap[i]),
                "-" if reverse else "+",
                correlation_at(oriented, target, offset),
                oriented,
                target,
            )
        )
    return rows
