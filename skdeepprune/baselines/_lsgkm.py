"""gkm-SVM with the LS-GKM programs."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from skdeepprune._writing import temporary_folder
from skdeepprune.baselines._gkm_interface import KERNELS, Codes, GkmModel, GkmSettings
from skdeepprune.sequences import decode, encode, sequence_lengths

# LS-GKM's MAX_SEQ_LENGTH: it truncates longer sequences with only a warning.
_MAX_LENGTH = 2047


class LsGkm:
    """gkm-SVM in C++: the programs `gkmtrain` and `gkmpredict`."""

    name = "lsgkm"

    def is_installed(self) -> bool:
        return bool(shutil.which("gkmtrain") and shutil.which("gkmpredict"))

    def obstacle(self, settings: GkmSettings, codes: Codes) -> str | None:
        if not 3 <= settings.word_length <= 12:
            return f"word_length={settings.word_length}; it supports 3 to 12"
        if settings.max_mismatches > 4:
            return f"max_mismatches={settings.max_mismatches}; it supports at most 4"
        lengths = sequence_lengths(codes)
        longest = int(lengths.argmax())
        if lengths[longest] > _MAX_LENGTH:
            return f"sequence {longest} has {lengths[longest]} bp; it supports at most {_MAX_LENGTH}"
        sequences, positions = np.nonzero((codes > 3) & (np.arange(codes.shape[1]) < lengths[:, None]))
        if len(sequences):
            return f"sequence {sequences[0]} has N at position {positions[0]}, which it would read as A"
        return None

    def train(self, settings: GkmSettings, codes: Codes, is_positive: NDArray[np.bool_]) -> GkmModel:
        with temporary_folder() as folder:
            positives, negatives = Path(folder, "positives.fa"), Path(folder, "negatives.fa")
            _write_fasta(positives, codes[is_positive])
            _write_fasta(negatives, codes[~is_positive])
            options = {
                "-t": list(KERNELS).index(settings.kernel),
                "-l": settings.word_length,
                "-k": settings.n_informative,
                "-d": settings.max_mismatches,
                "-g": settings.gamma,
                "-M": settings.center_weight,
                "-H": settings.half_life,
                "-c": settings.C_negative,
                "-w": settings.C_positive / settings.C_negative,
                "-e": settings.tol,
                "-m": settings.cache_size,
            }
            flags = [] if settings.reverse_complement else ["-R"]
            arguments = [*(str(word) for pair in options.items() for word in pair), *flags]
            model_file = Path(folder, "gkm.model.txt")
            _call("gkmtrain", [*arguments, positives, negatives, Path(folder, "gkm")], settings, model_file)
            return _parse_model(model_file.read_text())

    def score(self, settings: GkmSettings, model: GkmModel, codes: Codes) -> NDArray[np.float64]:
        with temporary_folder() as folder:
            sequences, model_file, scores = (Path(folder, name) for name in ("test.fa", "model.txt", "scores.txt"))
            _write_fasta(sequences, codes)
            model_file.write_text(_format_model(settings, model))
            _call("gkmpredict", [sequences, model_file, scores], settings, scores)
            found = np.loadtxt(scores, usecols=1, ndmin=1)
        if len(found) != len(codes):
            raise RuntimeError(
                f"gkmpredict scored only {len(found)} of {len(codes)} sequences; check its installation."
            )
        return found


def _call(program: str, arguments: Sequence[str | Path], settings: GkmSettings, product: Path) -> None:
    """Run an LS-GKM program, which logs to standard output, and check that it wrote its output file."""
    n_threads = max(n for n in (1, 4, 16) if n <= max(settings.n_threads, 1))
    command = [program, "-v", "1", "-T", str(n_threads), *map(str, arguments)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    if run.returncode or not product.exists():
        said = (run.stderr.strip() or run.stdout.strip())[-1000:]
        raise RuntimeError(
            f"{' '.join(command)} failed with exit status {run.returncode}. Its output was: {said or '(empty)'}"
        )


def _write_fasta(path: Path, codes: Codes) -> None:
    path.write_text("".join(f">{i}\n{sequence}\n" for i, sequence in enumerate(decode(codes))))


def _parse_model(text: str) -> GkmModel:
    """Parse an LS-GKM model: a header of `name value` lines, the line SV, then a coefficient and sequence per line."""
    head, _, body = text.partition("\nSV\n")
    header = dict(line.split(maxsplit=1) for line in head.splitlines())
    rows = [line.split() for line in body.splitlines()]
    if header["label"].split() != ["1", "-1"] or len(rows) != int(header["total_sv"]):
        raise RuntimeError(
            f"gkmtrain wrote a model with {len(rows)} support vectors and the header {header}; expected labels 1 -1 and"
            " total_sv support vectors. Check its version."
        )
    return GkmModel(encode([row[1] for row in rows]), np.array([float(row[0]) for row in rows]), -float(header["rho"]))


def _format_model(settings: GkmSettings, model: GkmModel) -> str:
    order = np.argsort(model.coef <= 0, kind="stable")
    n_positive = int((model.coef > 0).sum())
    lines = ["svm_type c_svc", f"kernel_type {KERNELS[settings.kernel]}", f"L {settings.word_length}"]
    lines += [f"k {settings.n_informative}", f"d {settings.max_mismatches}"]
    if not settings.reverse_complement:
        lines.append("norc 1")
    if settings.kernel.endswith("rbf"):
        lines.append(f"gamma {settings.gamma!r}")
    if settings.kernel.startswith("w"):
        lines += [f"M {settings.center_weight}", f"H {settings.half_life!r}"]
    lines += ["nr_class 2", f"total_sv {len(order)}", f"rho {-model.intercept!r}", "label 1 -1"]
    lines += [f"nr_sv {n_positive} {len(order) - n_positive}", "SV"]
    lines += [
        f"{float(model.coef[i])!r} {sequence}" for i, sequence in zip(order, decode(model.support[order]), strict=True)
    ]
    return "\n".join(lines) + "\n"
