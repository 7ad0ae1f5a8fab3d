"""Do the kernels learn the right motifs? Planted ones in simulated sets, known families in real ones.

Trains networks, extracts their motifs, compares them with JASPAR 2024 by Tomtom, and writes motifs_simulated.csv and
motifs_real.csv, from which `render_motifs.py` generates a page, and the figure for it::

    python benchmarks/motifs.py --data FOLDER --seeds 0 1 2

With `--models FOLDER`, fitted classifiers are saved in that folder, and loaded if they exist.
"""

from __future__ import annotations

import argparse
import pickle
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from sklearn.metrics import roc_auc_score

from skdeepprune import DeepPruneClassifier
from skdeepprune.datasets import SequenceDataset, SimulatedDataset, list_datasets, load_deepbind, load_simulated
from skdeepprune.motifs import Motif, extract_motifs, load_jaspar, tomtom
from skdeepprune.plots import plot_match

# The sizes that are evaluated; every network is pruned from 256 kernels to 4.
SIMULATED = {1: [4], 2: [4], 3: [4], 4: [4, 8, 16], 5: [4, 8, 16]}


def _in_class(word: str) -> Callable[[Motif], bool]:
    return lambda motif: any(word in note for note in motif.notes)


def _named(*names: str) -> Callable[[Motif], bool]:
    return lambda motif: motif.name.upper() in names


# What counts as the expected family, by name or by JASPAR's class.
ETS, E_BOX = _in_class("Ets-related"), _in_class("Basic helix-loop-helix factors")
REAL = {
    "REST": _named("REST"),
    "SRF": _named("SRF"),
    "CTCFL": _named("CTCF", "CTCFL"),
    "GABPA": ETS,
    "ELK1": ETS,
    "USF1": E_BOX,
    "USF2": E_BOX,
    "MYC": E_BOX,
    "FOXA1": _in_class("Fork head"),
    "YY1": _named("YY1", "YY2", "ZFP42"),  # ZFP42 (REX1) is a paralogue of YY1 with the same motif.
    "ZNF143": _named("ZNF143", "ZNF76", "THAP11"),
    "TCF12": E_BOX,
}


def fitted(path: Path | None, classifier: DeepPruneClassifier, data: SequenceDataset) -> DeepPruneClassifier:
    """Fit a classifier, or load it if it was fitted before."""
    if path is not None and path.exists():
        return pickle.loads(path.read_bytes())
    start = time.perf_counter()
    classifier.fit(data.X_train, data.y_train)
    print(f"{data.name}: {classifier.n_kernels} kernels in {time.perf_counter() - start:.0f} s", flush=True)
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(pickle.dumps(classifier))
    return classifier


def test_auc(classifier: DeepPruneClassifier, data: SequenceDataset) -> float:
    return float(roc_auc_score(data.y_test, classifier.decision_function(data.X_test)))


def correlation(match: Any) -> float:
    """Correlate the probabilities of query and target over the positions of the target; 1/4 outside the query."""
    target = match.target_motif.ppm
    query = np.full_like(target, 0.25)
    start, stop = max(match.offset, 0), min(match.offset + match.query_motif.width, len(target))
    query[start:stop] = match.query_motif.ppm[start - match.offset : stop - match.offset]
    return float(np.corrcoef(query.ravel(), target.ravel())[0, 1])


def simulated_rows(
    data: SimulatedDataset, classifier: DeepPruneClassifier, jaspar: list[Motif]
) -> Iterator[dict[str, Any]]:
    """Yield, for every planted motif, the kernel that matches it best."""
    auc = test_auc(classifier, data)
    motifs = {motif.name: motif for motif in extract_motifs(classifier, data.X_train, data.y_train)}
    matches = tomtom(motifs.values(), jaspar, n_nearest=None)
    matches["rank"] = matches.groupby("query").cumcount() + 1
    for planted in data.motifs:
        of_planted = matches[matches["target_accession"] == planted.accession]
        best = of_planted.iloc[int(of_planted["p"].argmin())]
        r = correlation(best)
        yield {
            "auc": round(auc, 4),
            "ceiling": round(data.ceiling, 4),
            "planted": planted.name,
            "accession": planted.accession,
            "kernel": best["query"],
            "n_sites": motifs[best["query"]].n_sites,
            "consensus": best["query_motif"].consensus,
            "rank": int(best["rank"]),
            "p": best["p"],
            "E": best["E"],
            "correlation": round(r, 4),
            "found": bool(best["rank"] == 1 and best["E"] < 1e-5 and r > 0.95),
        }


def real_matches(data: SequenceDataset, classifier: DeepPruneClassifier, jaspar: list[Motif]) -> pd.DataFrame:
    """Find the best match of every kernel."""
    return tomtom(extract_motifs(classifier, data.X_train, data.y_train), jaspar, n_nearest=1)


def real_rows(auc: float, matches: pd.DataFrame, is_expected: Callable[[Motif], bool]) -> Iterator[dict[str, Any]]:
    for match in matches.itertuples():
        motif = match.query_motif
        yield {
            "auc": round(auc, 4),
            "kernel": match.query,
            "weight": round(motif.weight, 3),
            "n_sites": motif.n_sites,
            "consensus": motif.consensus,
            "best_match": match.target,
            "accession": match.target_accession,
            "E": match.E,
            "correlation": match.correlation,
            "expected_family": is_expected(match.target_motif),
            "notes": "; ".join(motif.notes),
        }


def draw(matches: dict[str, Any], path: Path) -> None:
    """Draw one match per set: the extracted motif above the known one."""
    matplotlib.rcParams["svg.hashsalt"] = "motifs"
    n_columns = 3
    n_rows = -(-len(matches) // n_columns)
    figure = plt.figure(figsize=(12, 2.1 * n_rows), layout="constrained")
    for (name, match), part in zip(matches.items(), figure.subfigures(n_rows, n_columns).ravel(), strict=False):
        axes = plot_match(match, axes=list(part.subplots(2, 1)))
        axes[0].set_title(name, loc="left", fontsize="medium", fontweight="bold")
        for ax in axes:
            ax.set_ylabel("")
            ax.set_yticks([0, 2])
    figure.savefig(path, metadata={"Date": None})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of the real data sets")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results"), help="folder of the tables")
    parser.add_argument("--figure", type=Path, default=Path("docs/benchmarks_motifs.svg"), help="the figure")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument(
        "--sets",
        nargs="*",
        default=[*map(str, SIMULATED), *REAL],
        help="numbers of simulated sets, factors of real sets (default: all)",
    )
    parser.add_argument("--n-positives", type=int, default=5000, help="maximum number of positives of real sets")
    parser.add_argument("--models", type=Path, help="folder for fitted classifiers")
    arguments = parser.parse_args()

    jaspar = load_jaspar("JASPAR2024")
    simulated, real, drawn = [], [], {}
    for name in arguments.sets:
        for seed in arguments.seeds:
            if name.isdigit():
                data = load_simulated(int(name), random_state=seed)
                for network, n_prunings in (("pruned", 6), ("trained directly", 0)):
                    classifier = DeepPruneClassifier(
                        n_kernels=4,
                        n_prunings=n_prunings,
                        kernel_length=24,
                        reverse_complement=False,
                        random_state=seed,
                    )
                    path = arguments.models and arguments.models / f"sim_{name}_{n_prunings}_seed{seed}.pkl"
                    classifier = fitted(path, classifier, data)
                    for n_kernels in SIMULATED[int(name)] if n_prunings else [4]:
                        head = {"set": int(name), "seed": seed, "n_kernels": n_kernels, "network": network}
                        rows = simulated_rows(data, classifier.at_size(n_kernels), jaspar)
                        simulated += [head | row for row in rows]
            else:
                (full_name,) = [n for n in list_datasets(arguments.data)["deepbind"] if n.split("_")[0] == name]
                data = load_deepbind(arguments.data, full_name, n_positives=arguments.n_positives, random_state=seed)
                path = arguments.models and arguments.models / f"real_{name}_seed{seed}.pkl"
                classifier = fitted(path, DeepPruneClassifier(random_state=seed), data)
                head = {"set": name, "seed": seed, "n_kernels": classifier.n_kernels}
                matches = real_matches(data, classifier, jaspar)
                real += [head | row for row in real_rows(test_auc(classifier, data), matches, REAL[name])]
                expected = matches[matches["target_motif"].map(REAL[name])]
                if name not in drawn and len(expected):
                    drawn[name] = expected.loc[expected["E"].idxmin()]
    arguments.out.mkdir(parents=True, exist_ok=True)
    for rows, file in ((simulated, "motifs_simulated.csv"), (real, "motifs_real.csv")):
        if rows:
            table = pd.DataFrame(rows)
            table.to_csv(arguments.out / file, index=False, float_format="%.4g")
            print(table.drop(columns=["notes", "ceiling"], errors="ignore").to_string(index=False))
    if real:
        draw(drawn, arguments.figure)
        table = pd.DataFrame(real)
        named = table.groupby(["set", "seed"])["expected_family"].any()
        print(f"In {named.sum()} of {len(named)} fits, the best match of a motif is in the expected family.")


if __name__ == "__main__":
    main()
