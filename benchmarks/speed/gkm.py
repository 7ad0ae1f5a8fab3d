"""gkm-SVM for comparison: two implementations of the same model."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
from gkmsvm import encode_batch, train_gkmsvm
from numpy.typing import NDArray


class GkmsvmLite:
    """gkm-SVM in Python and numba, with LS-GKM's default kernel."""

    def train(self, positives: list[str], negatives: list[str]) -> Any:
        return train_gkmsvm(positives, negatives, kernel_type=2, l=11, k=7, d=3, device="cpu")

    def score(self, model: Any, sequences: list[str]) -> NDArray[np.float64]:
        one_hot, _ = encode_batch(sequences)
        return model(one_hot).ravel()


class LsGkm:
    """gkm-SVM in C++, the programs `gkmtrain` and `gkmpredict` on the PATH."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @staticmethod
    def is_installed() -> bool:
        return bool(shutil.which("gkmtrain") and shutil.which("gkmpredict"))

    def train(self, positives: list[str], negatives: list[str]) -> Path:
        files = self._write("positives.fa", positives), self._write("negatives.fa", negatives)
        # The default cache of 100 MB makes it slower; its help recommends 4 GB.
        options = ["-t", "2", "-l", "11", "-k", "7", "-d", "3", "-m", "4000", "-T", "1", "-v", "0"]
        prefix = self.folder / f"{len(positives) + len(negatives)}"
        subprocess.run(["gkmtrain", *options, *map(str, files), str(prefix)], check=True)
        return Path(f"{prefix}.model.txt")

    def score(self, model: Path, sequences: list[str]) -> NDArray[np.float64]:
        sequence_file, score_file = self._write("test.fa", sequences), self.folder / "scores.txt"
        subprocess.run(
            ["gkmpredict", "-T", "1", "-v", "0", str(sequence_file), str(model), str(score_file)], check=True
        )
        return np.loadtxt(score_file, usecols=1)

    def _write(self, name: str, sequences: list[str]) -> Path:
        path = self.folder / name
        path.write_text("".join(f">{i}\n{sequence}\n" for i, sequence in enumerate(sequences)))
        return path
