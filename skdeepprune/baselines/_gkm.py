"""gkm-SVM, a support vector machine on gapped k-mers, as a scikit-learn estimator."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, Self

import numpy as np
from joblib import effective_n_jobs
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.validation import check_is_fitted
from sklearn_compat.base import _fit_context

from skdeepprune._inputs import read_input
from skdeepprune._parameters import BOOLEAN, NONE, instance_of, interval, options
from skdeepprune.baselines._binary import BinarySequenceClassifier
from skdeepprune.baselines._gkm_engines import ENGINES, choose_engine
from skdeepprune.baselines._gkm_interface import KERNELS, GkmModel, GkmSettings
from skdeepprune.baselines._gkmsvm_lite import has_words
from skdeepprune.sequences import decode, encode, sequence_lengths


class GkmSVMClassifier(BinarySequenceClassifier):
    """gkm-SVM [1]_: a support vector machine with a gapped k-mer kernel.

    Parameters
    ----------
    word_length : int, default=11
        Word length (l in LS-GKM). At most 16; 3 to 12 with LS-GKM.
    n_informative : int, default=7
        Number of informative positions in a word (k); the others are gaps.
    max_mismatches : int, default=3
        Maximum number of mismatches for a pair of words to count (d). At most 4 with LS-GKM.
    C : float, default=1.0
        Penalty on errors; smaller values regularise more.
    kernel : {"gkm", "gkm-full", "gkm-count", "gkm-rbf", "wgkm", "wgkm-rbf"}, default="gkm"
        Kernel function; types 2, 1, 0, 3, 4 and 5 of LS-GKM [2]_:

        - "gkm": estimated l-mer counts with the truncated filter;
        - "gkm-full": estimated l-mer counts with the full filter;
        - "gkm-count": counts of gapped k-mers;
        - "gkm-rbf": ``exp(gamma * (K - 1))`` with "gkm" as K; LS-GKM recommends C=10 and gamma=2 for it;
        - "wgkm", "wgkm-rbf": "gkm" and "gkm-rbf" with higher weights for words near the centre of a sequence. LS-GKM
          only.
    gamma : float, default=1.0
        Parameter of the kernels "gkm-rbf" and "wgkm-rbf".
    center_weight : int, default=50
        Weight of a word at the centre of a sequence, 1 to 255, for "wgkm" and "wgkm-rbf".
    half_life : float, default=50.0
        Distance from the centre, in bp, at which that weight has fallen by half.
    reverse_complement : bool, default=True
        Count a word and its reverse complement together.
    class_weight : dict or "balanced", default=None
        Class weights, which multiply C.
    tol : float, default=1e-3
        Tolerance of the stopping criterion.
    cache_size : float, default=2000
        Maximum size of the solver's cache of kernel rows, in MB. It never exceeds 4 bytes per pair of sequences.
    engine : {"auto", "lsgkm", "gkmsvm-lite"}, default="auto"
        LS-GKM's programs `gkmtrain` and `gkmpredict`, which must be on the PATH, or the package gkmsvm-lite (``pip
        install skdeepprune[baselines]``). "auto" prefers LS-GKM, which is faster on large data sets and does not store
        the full kernel matrix, unless it cannot be used: N within a sequence, more than 2047 bp, or the limits above.
    n_jobs : int, default=None
        Threads. LS-GKM supports 1, 4 or 16; the largest of these not above `n_jobs` is used.

    Attributes
    ----------
    support_sequences_ : list of str
        The support vectors.
    dual_coef_ : ndarray of float64, shape (1, n_support)
        Their coefficients, positive for the positive class.
    intercept_ : ndarray of float64, shape (1,)
    engine_ : str
        The engine used for training.
    classes_ : ndarray, shape (2,)
        ``classes_[1]`` is the positive class: bound.

    See Also
    --------
    MotifScanClassifier : The opposite extreme: a single known motif.

    Notes
    -----
    Sequences may differ in length. Letters are read as everywhere in this package: lower case as upper case, U as T,
    and ambiguity codes as N. Words with an N are skipped, and trailing N are treated as padding. Every sequence needs
    at least one word without N. (LS-GKM itself would read N as A, so it is never given any.)

    The engines' decision functions agree to about 1e-3, the tolerance of the solver. The fitted model does not depend
    on the engine: if `gkmpredict` is missing, "auto" scores a model trained by LS-GKM with gkmsvm-lite. LS-GKM writes
    scores with six digits. gkmsvm-lite stores 8 bytes per pair of training sequences: 0.8 GB for 10,000.

    There is no `predict_proba`; for probabilities wrap the classifier in
    :class:`sklearn.calibration.CalibratedClassifierCV`.

    References
    ----------
    .. [1] M. Ghandi, D. Lee, M. Mohammad-Noori and M. A. Beer, "Enhanced regulatory sequence prediction using gapped
       k-mer features", PLoS Computational Biology 10, 2014.
    .. [2] D. Lee, "LS-GKM: a new gkm-SVM for large-scale datasets", Bioinformatics 32, 2016.

    Examples
    --------
    >>> from skdeepprune.baselines import GkmSVMClassifier
    >>> from skdeepprune.datasets import load_simulated
    >>> data = load_simulated(3, n_train=200, n_test=100, random_state=0)
    >>> classifier = GkmSVMClassifier(word_length=8, n_informative=5, max_mismatches=2)
    >>> classifier.fit(data.X_train, data.y_train).predict(data.X_test).shape
    (100,)
    """

    _allowed_parameters = {
        "word_length": [interval(Integral, 1, 16, closed="both")],
        "n_informative": [interval(Integral, 1, 16, closed="both")],
        "max_mismatches": [interval(Integral, 0, 16, closed="both")],
        "C": [interval(Real, 0, None, closed="neither")],
        "kernel": [options(*KERNELS)],
        "gamma": [interval(Real, 0, None, closed="neither")],
        "center_weight": [interval(Integral, 1, 255, closed="both")],
        "half_life": [interval(Real, 0, None, closed="neither")],
        "reverse_complement": BOOLEAN,
        "class_weight": [instance_of(dict), options("balanced"), NONE],
        "tol": [interval(Real, 0, None, closed="neither")],
        "cache_size": [interval(Real, 0, None, closed="neither")],
        "engine": [options("auto", *ENGINES)],
        "n_jobs": [instance_of(Integral), NONE],
    }

    def __init__(
        self,
        word_length: int = 11,
        n_informative: int = 7,
        max_mismatches: int = 3,
        C: float = 1.0,
        kernel: str = "gkm",
        gamma: float = 1.0,
        center_weight: int = 50,
        half_life: float = 50.0,
        reverse_complement: bool = True,
        class_weight: Any = None,
        tol: float = 1e-3,
        cache_size: float = 2000,
        engine: str = "auto",
        n_jobs: int | None = None,
    ) -> None:
        self.word_length = word_length
        self.n_informative = n_informative
        self.max_mismatches = max_mismatches
        self.C = C
        self.kernel = kernel
        self.gamma = gamma
        self.center_weight = center_weight
        self.half_life = half_life
        self.reverse_complement = reverse_complement
        self.class_weight = class_weight
        self.tol = tol
        self.cache_size = cache_size
        self.engine = engine
        self.n_jobs = n_jobs

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: ArrayLike) -> Self:
        """Train.

        Parameters
        ----------
        X : list, ndarray, Series or one-column DataFrame of str; or the output of `OneHotDNA`
            DNA, of any lengths.
        y : array-like, shape (n,)
            Two classes; the greater one is the positive class (bound).

        Returns
        -------
        self : GkmSVMClassifier

        Raises
        ------
        ImportError
            If no engine is installed.
        ValueError
            If X or y is invalid, or no engine supports the parameters.
        RuntimeError
            If `gkmtrain` fails.
        """
        if self.n_informative > self.word_length or self.max_mismatches > self.word_length:
            raise ValueError(
                f"n_informative={self.n_informative} and max_mismatches={self.max_mismatches}; expected neither above"
                f" word_length={self.word_length}."
            )
        codes, classes, is_positive = self._read_training(X, y)
        self._check_words(codes)
        weights = compute_class_weight(self.class_weight, classes=classes, y=classes[is_positive.astype(int)])
        if weights.min() <= 0:
            raise ValueError(f"class_weight={self.class_weight} gives weights {weights}; expected both above 0.")
        settings = self._settings(C_negative=self.C * weights[0], C_positive=self.C * weights[1])
        engine = choose_engine(ENGINES if self.engine == "auto" else [self.engine], settings, codes)
        model = engine.train(settings, codes, is_positive)
        self.classes_ = classes
        self.engine_ = engine.name
        self.support_sequences_ = decode(model.support)
        self.dual_coef_ = model.coef[None]
        self.intercept_ = np.array([model.intercept])
        return self

    def decision_function(self, X: Any) -> NDArray[np.float64]:
        """Score sequences: the signed distance from the separating hyperplane, in units of the margin.

        Parameters
        ----------
        X : as in `fit`

        Returns
        -------
        ndarray of float64, shape (n,)
            Positive for the positive class.
        """
        check_is_fitted(self)
        codes = read_input(self, X, n_channels=4, reset=False, expect_dna=True)
        self._check_words(codes)
        settings = self._settings()
        # gkmsvm-lite can replace LS-GKM, but not the reverse: its support vectors may contain N.
        can_score = ENGINES[ENGINES.index(self.engine_) :] if self.engine == "auto" else [self.engine_]
        model = GkmModel(encode(self.support_sequences_), self.dual_coef_[0], float(self.intercept_[0]))
        return choose_engine(can_score, settings, codes).score(settings, model, codes)

    def _settings(self, *, C_negative: float = 1.0, C_positive: float = 1.0) -> GkmSettings:
        return GkmSettings(
            word_length=self.word_length,
            n_informative=self.n_informative,
            max_mismatches=self.max_mismatches,
            kernel=self.kernel,
            gamma=self.gamma,
            center_weight=self.center_weight,
            half_life=self.half_life,
            reverse_complement=self.reverse_complement,
            C_negative=C_negative,
            C_positive=C_positive,
            tol=self.tol,
            cache_size=self.cache_size,
            n_threads=effective_n_jobs(self.n_jobs),
        )

    def _check_words(self, codes: NDArray[np.uint8]) -> None:
        without = np.flatnonzero(~has_words(codes, self.word_length))
        if len(without):
            lengths = sequence_lengths(codes)
            if lengths[without[0]] == 0:
                raise ValueError(
                    f"Sequence {without[0]} consists only of N, and {len(without) - 1} others have no word of"
                    f" word_length={self.word_length} letters without N either; expected some known letters. Leave"
                    " these sequences out."
                )
            raise ValueError(
                f"Sequence {without[0]} of {lengths[without[0]]} bp has no word of word_length={self.word_length}"
                f" letters without N, and neither do {len(without) - 1} others; lengths range from {lengths.min()} to"
                f" {lengths.max()} bp. Lower word_length, or leave these sequences out."
            )
