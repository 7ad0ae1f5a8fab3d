"""Make a page of the paper's figures and tables from any table of results, the paper's numbers beside them.

    python benchmarks/render_paper.py results/results.csv results.html

The table is the one that `skdeepprune bench` writes, or another with the columns dataset, method, seed, n_kernels and
roc_auc. docs/_static/benchmark.html is made by render_accuracy.py, in the same way.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import pandas as pd
from paper.page import write_page


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path, help="CSV file with the results")
    parser.add_argument("page", type=Path, help="HTML file to write")
    parser.add_argument("--weights", type=Path, help="CSV file of dense_weights(), for Table 3")
    options = parser.parse_args()
    write_page(options.results, options.page, weights=options.weights and pd.read_csv(options.weights))
    print(f"Wrote {options.page}")


if __name__ == "__main__":
    main()
