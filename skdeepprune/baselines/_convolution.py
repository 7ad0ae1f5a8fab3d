"""Other one-layer convolutional networks: expectation pooling and circular filters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace
from numbers import Integral, Real
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, softmax
from sklearn_compat.base import _fit_context

from skdeepprune._inputs import hold_out
from skdeepprune._network import BASE_SHARES, Network
from skdeepprune._parameters import BOOLEAN, RANDOM_STATE, interval, options
from skdeepprune._pruning import weight_importance
from skdeepprune._random import as_generator
from skdeepprune._training import Epoch, LabeledData, TrainingSettings, train
from skdeepprune._word_penalty import WordPenalty
from skdeepprune.baselines._binary import BinarySequenceClassifier
from skdeepprune.sequences import left_justify, sequence_lengths

# Array elements per batch when sequences are scored.
_CELLS_PER_BATCH = 2**22


class ConvolutionClassifier(BinarySequenceClassifier):
    r"""A one-layer convolutional network without pruning; also with expectation pooling [1]_ or circular filters [2]_.

    The activation of kernel k at position p is :math:`a_{pk} = \max(0, h_{pk})`, as in
    :class:`~skdeepprune.DeepPruneClassifier`, and the log-odds of binding are a weighted sum of the pooled activations.

    Parameters
    ----------
    n_kernels : int, default=4
        Number of kernels or circular filters.
    kernel_length : int, default=16
        Width of a kernel in positions.
    pooling : {"max", "expectation"}, default="max"
        How a kernel's activations are pooled: by their maximum, or by their softmax-weighted mean,
        :math:`\sum_p a_p e^{m a_p} / \sum_p e^{m a_p}`.
    sharpness : float, default=1.0
        m of expectation pooling, a constant. It approaches the mean for 0 and the maximum for infinity.
    local_window : int, default=5
        Expectation pooling is over the maxima of windows of this many positions. 1 uses all positions.
    circular : bool, default=False
        Use all `kernel_length` rotations (circular shifts) of each kernel. They share the kernel's weights, but each
        has its own bias and its own weight in the dense layer.
    learning_rate_init : float, default=0.003
        Learning rate of Adam.
    batch_size : int, default=256
    max_iter : int, default=1000
        Maximum number of epochs.
    n_iter_no_change : int, default=15
        Training stops when the validation loss has not improved for this many consecutive epochs. The weights of the
        best epoch are kept.
    validation_fraction : float, default=0.1
        Fraction of the training sequences held out for validation, stratified by class.
    random_state : int, RandomState, Generator or None, default=None
        Controls the validation split, the initial weights and the order of the sequences.

    Attributes
    ----------
    kernels_ : ndarray of float32, shape (n_kernels, kernel_length, 4)
        For a circular filter, the rotation with the largest weight in the dense layer, which the authors of [2]_ use as
        the motif.
    network_ : Network
        All weights. With circular filters every rotation is a kernel, ``n_kernels * kernel_length`` in total.
    history_ : DataFrame
        A row per epoch: n_kernels (of `network_`), epoch, learning_rate, loss, val_loss, val_roc_auc, seconds.
    n_iter_ : int
        Number of epochs.
    classes_ : ndarray, shape (2,)
        ``classes_[1]`` is the positive class: bound.

    See Also
    --------
    skdeepprune.DeepPruneClassifier : With ``n_prunings=0`` the network with max pooling, on a faster engine.

    Notes
    -----
    From the papers and their authors' programs (github.com/gao-lab/ePooling, github.com/christopherblum/cnncf):

    - expectation pooling with softmax weights, constant m = 1, over the maxima of windows of 5 positions: the settings
      for the 690 ENCODE data sets;
    - circular filters as all rotations of one filter, each with max pooling and its own dense weight. The original has
      a single filter; here there may be several.

    Everything else is as in `DeepPruneClassifier`, so that the networks differ in one aspect only. The first program
    uses a leaky ReLU with slope 0.5 and a cap of 10, and `same` padding; the second uses gradient descent, an L2
    penalty of 0.01 on the filter, and no convolution biases. Neither scans the other strand or combines both ideas.
    The last local window may be shorter here, so that no position is lost.

    Training needs TensorFlow, prediction does not.

    References
    ----------
    .. [1] X. Luo, X. Tu, Y. Ding, G. Gao and M. Deng, "Expectation pooling: an effective and interpretable pooling
       method for predicting DNA-protein binding", Bioinformatics 36, 2020.
    .. [2] C. F. Blum and M. Kollmann, "Neural networks with circular filters enable data efficient inference of
       sequence motifs", Bioinformatics 35, 2019.

    Examples
    --------
    >>> from skdeepprune.baselines import ConvolutionClassifier
    >>> from skdeepprune.datasets import load_simulated
    >>> data = load_simulated(3, n_train=200, n_test=100, random_state=0)
    >>> classifier = ConvolutionClassifier(pooling="expectation", max_iter=2, random_state=0)
    >>> classifier.fit(data.X_train, data.y_train).predict_proba(data.X_test).shape
    (100, 2)
    """

    _allowed_parameters = {
        "n_kernels": [interval(Integral, 1, None, closed="left")],
        "kernel_length": [interval(Integral, 1, None, closed="left")],
        "pooling": [options("max", "expectation")],
        "sharpness": [interval(Real, 0, None, closed="neither")],
        "local_window": [interval(Integral, 1, None, closed="left")],
        "circular": BOOLEAN,
        "learning_rate_init": [interval(Real, 0, None, closed="neither")],
        "batch_size": [interval(Integral, 1, None, closed="left")],
        "max_iter": [interval(Integral, 1, None, closed="left")],
        "n_iter_no_change": [interval(Integral, 1, None, closed="left")],
        "validation_fraction": [interval(Real, 0, 1, closed="neither")],
        "random_state": RANDOM_STATE,
    }

    def __init__(
        self,
        n_kernels: int = 4,
        kernel_length: int = 16,
        pooling: str = "max",
        sharpness: float = 1.0,
        local_window: int = 5,
        circular: bool = False,
        learning_rate_init: float = 0.003,
        batch_size: int = 256,
        max_iter: int = 1000,
        n_iter_no_change: int = 15,
        validation_fraction: float = 0.1,
        random_state: Any = None,
    ) -> None:
        self.n_kernels = n_kernels
        self.kernel_length = kernel_length
        self.pooling = pooling
        self.sharpness = sharpness
        self.local_window = local_window
        self.circular = circular
        self.learning_rate_init = learning_rate_init
        self.batch_size = batch_size
        self.max_iter = max_iter
        self.n_iter_no_change = n_iter_no_change
        self.validation_fraction = validation_fraction
        self.random_state = random_state

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
        self : ConvolutionClassifier

        Raises
        ------
        ValueError
            If X or y is invalid.
        FloatingPointError
            If training diverges.
        """
        from skdeepprune._engines._tensorflow_variants import TensorFlowVariantEngine, Variant

        codes, classes, is_positive = self._read_training(X, y)
        rng = as_generator(self.random_state)
        labels, weights = is_positive.astype(np.float32), np.ones(len(codes), dtype=np.float32)
        rows = hold_out(codes, labels, weights, self.validation_fraction, classes, rng)
        sharpness = self.sharpness if self.pooling == "expectation" else None
        engine = TensorFlowVariantEngine(Variant(sharpness, self.local_window, self.circular))
        loaded = engine.load(codes, labels, weights)
        training, validation = (LabeledData(loaded, part, labels[part], weights[part]) for part in rows)
        network, epochs = train(
            engine,
            self._initial(rng),
            training,
            validation,
            self._settings(),
            WordPenalty(len(training.rows)),
            stage=0,
            untrained=True,
            learning_rate=self.learning_rate_init,
            rng=rng,
            on_epoch=lambda epoch: None,
        )
        self.network_ = network
        self.history_ = pd.DataFrame(epochs, columns=[field.name for field in fields(Epoch)]).drop(columns="stage")
        self.n_iter_ = len(epochs)
        self.classes_ = classes
        return self

    def _initial(self, rng: np.random.Generator) -> Network:
        n_kernels = self.n_kernels * (self.kernel_length if self.circular else 1)
        network = Network.initial(n_kernels, self.kernel_length, 4, reverse_complement=False, rng=rng)
        if not self.circular:
            return network
        filters = network.kernels[:: self.kernel_length]
        rotations = [np.roll(filters, -begin, axis=1) for begin in range(self.kernel_length)]
        return replace(network, kernels=np.stack(rotations, axis=1).reshape(network.kernels.shape))

    def _settings(self) -> TrainingSettings:
        return TrainingSettings(
            batch_size=self.batch_size,
            max_iter=self.max_iter,
            n_iter_no_change=self.n_iter_no_change,
            learning_rate="constant",
            learning_rate_init=self.learning_rate_init,
            learning_rate_decay=1.0,
            dropout=0.0,
            criterion=weight_importance,
            after_pruning="none",
            pooling="max",
        )

    @property
    def kernels_(self) -> NDArray[np.float32]:
        """Convolution weights (n_kernels, kernel_length, 4)."""
        network = self.network_
        if not self.circular:
            return network.kernels
        weights = network.dense_weights.reshape(-1, network.kernel_length)
        best = weights.argmax(axis=1) + network.kernel_length * np.arange(len(weights))
        return network.kernels[best]

    def decision_function(self, X: Any) -> NDArray[np.float64]:
        """Log-odds of the positive class.

        Parameters
        ----------
        X : as in `fit`

        Returns
        -------
        ndarray of float64, shape (n,)
        """
        return self._read_fitted(X).apply(self._decide)

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Probability of every class.

        Parameters
        ----------
        X : as in `fit`

        Returns
        -------
        ndarray of float64, shape (n, 2)
        """
        decision = self.decision_function(X)
        return expit(np.column_stack([-decision, decision]))

    def _decide(self, codes: NDArray[np.uint8]) -> NDArray[np.float64]:
        return np.concatenate([self.network_.decision(scores) for scores in self._pooled(codes)])

    def _pooled(self, codes: NDArray[np.uint8]) -> Iterator[NDArray[np.float64]]:
        """Yield the pooled activations of every kernel, in batches of sequences."""
        network = self.network_
        if self.pooling == "max":
            yield network.scores(codes)
            return
        step = max(1, _CELLS_PER_BATCH // (codes.shape[1] * max(network.n_kernels, 4 * network.kernel_length)))
        for start in range(0, len(codes), step):
            activations = _activations(network, codes[start : start + step])
            yield _expectations(activations, self.sharpness, self.local_window)


def _activations(network: Network, codes: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Activations (N, P, K) after the ReLU; -inf beyond the end of a sequence."""
    codes, _ = left_justify(codes)
    codes = np.pad(codes, ((0, 0), (0, max(network.kernel_length - codes.shape[1], 0))), constant_values=4)
    values = BASE_SHARES.astype(np.float64)[codes]
    windows = np.lib.stride_tricks.sliding_window_view(values, network.kernel_length, axis=1)
    activations = np.einsum("npcw,kwc->npk", windows, network.kernels, optimize=True) + network.kernel_bias
    beyond = np.arange(activations.shape[1]) > (sequence_lengths(codes) - network.kernel_length)[:, None]
    beyond[:, 0] = False
    return np.where(beyond[:, :, None], -np.inf, np.maximum(activations, 0))


def _expectations(activations: NDArray[np.float64], sharpness: float, window: int) -> NDArray[np.float64]:
    """Pool activations (N, P, K) over P: the expectation of the maxima of all windows."""
    missing = -activations.shape[1] % window
    padded = np.pad(activations, ((0, 0), (0, missing), (0, 0)), constant_values=-np.inf)
    best = padded.reshape(len(padded), -1, window, padded.shape[2]).max(axis=2)
    shares = softmax(sharpness * best, axis=1)
    return np.einsum("npk,npk->nk", shares, np.maximum(best, 0))
