"""The interface of gkm-SVM engines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

# Names in LS-GKM's model files, in the order of its option -t.
KERNELS = {
    "gkm-count": "gkm_cnt",
    "gkm-full": "gkm_estfull",
    "gkm": "gkm_esttrunc",
    "gkm-rbf": "gkmrbf",
    "wgkm": "wgkm",
    "wgkm-rbf": "wgkmrbf",
}

Codes = NDArray[np.uint8]


@dataclass(frozen=True)
class GkmSettings:
    """The parameters of `GkmSVMClassifier` that the engines need, with C for each class."""

    word_length: int
    n_informative: int
    max_mismatches: int
    kernel: str
    gamma: float
    center_weight: int
    half_life: float
    reverse_complement: bool
    C_negative: float
    C_positive: float
    tol: float
    cache_size: float
    n_threads: int


@dataclass(frozen=True, eq=False)
class GkmModel:
    """A trained gkm-SVM, independent of the engine.

    Attributes
    ----------
    support : ndarray of uint8, shape (n_support, length)
        Codes.
    coef : ndarray of float64, shape (n_support,)
    intercept : float
    """

    support: Codes
    coef: NDArray[np.float64]
    intercept: float


class GkmEngine(Protocol):
    """An implementation of gkm-SVM."""

    name: str

    def is_installed(self) -> bool:
        """Whether the engine is available."""

    def obstacle(self, settings: GkmSettings, codes: Codes) -> str | None:
        """Reason why the engine does not support these settings and sequences, or None."""

    def train(self, settings: GkmSettings, codes: Codes, is_positive: NDArray[np.bool_]) -> GkmModel:
        """Fit a support vector machine."""

    def score(self, settings: GkmSettings, model: GkmModel, codes: Codes) -> NDArray[np.float64]:
        """Decision function (n,)."""
