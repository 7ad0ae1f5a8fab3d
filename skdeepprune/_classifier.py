"""DeepPruneClassifier: the method as a scikit-learn estimator."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import fields
from numbers import Integral, Real
from typing import Any, Literal, Self

import numpy as np
import pandas as pd
from joblib import effective_n_jobs
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, log_expit
from sklearn.base import (
    BaseEstimator,
    ClassifierMixin,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
)
from sklearn.utils.validation import check_is_fitted
from sklearn_compat.base import _fit_context
from tqdm import tqdm

from skdeepprune._callbacks import CallbackSupportMixin
from skdeepprune._composition import composition_table
from skdeepprune._engines import choose_engine, decide, motif_scores
from skdeepprune._engines._interface import Engine, Penalty
from skdeepprune._inputs import InputParts, read_parts
from skdeepprune._interruption import warn_of_interruption
from skdeepprune._network import Network
from skdeepprune._numbers import MAX_NUMBER
from skdeepprune._parameters import (
    ARRAY_LIKE,
    BOOLEAN,
    CALLABLE,
    NONE,
    RANDOM_STATE,
    VERBOSE,
    CheckedParametersMixin,
    instance_of,
    interval,
    options,
)
from skdeepprune._problem import MAX_WORD_LENGTH, Problem
from skdeepprune._pruning import CRITERIA, kernel_schedule
from skdeepprune._training import (
    Epoch,
    Stage,
    TrainingSettings,
    deep_prune,
    smallest_good_size,
    warn_of_collapse,
    warn_of_death,
)

# A larger first layer is a mistake: a million kernels of length 16 take 256 MB, three times that with Adam. The
# saliency's matrices have a row and a column per kernel.
_MAX_KERNELS, _MAX_KERNELS_BY_SALIENCY, _MAX_PRUNINGS = 2**20, 2**12, 20


class DeepPruneClassifier(
    CallbackSupportMixin,
    CheckedParametersMixin,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    ClassifierMixin,
    BaseEstimator,
):
    """A handful of motif detectors, learned by pruning a large convolutional network.

    A network with one layer of ``n_kernels * 2**n_prunings`` convolutional kernels is trained on bound and unbound
    sequences. Then half of its kernels are pruned and the rest are fine-tuned, repeatedly, until `n_kernels` remain.
    The score of a kernel is the maximum of its activations over all positions, or a soft maximum (`pooling`). The
    log-odds of binding are a weighted sum of the scores.

    Parameters
    ----------
    n_kernels : int or "auto", default=4
        Number of kernels in the final network. "auto" starts from the same size as 4 does and prunes until the held-out
        loss is more than one standard error above the best; the smallest network within one standard error is used.
    n_prunings : int, default=6
        Number of times the kernels are halved. 0 trains `n_kernels` kernels directly: the paper's baseline.
    kernel_length : int, default=16
        Width of a kernel in positions. A shorter sequence is treated as if padded with N on
        the right, so its two strands may score differently. An unknown base (N, another
        IUPAC letter, a row of zeros from `OneHotDNA`) contributes the mean over the four bases to an activation;
        unknown bases at either end of a sequence are trimmed. For input that is not DNA, kernels are no longer than
        the sequences. At most 64, or twice the length of the longest sequence if that is more.
    composition : int or "auto", default="auto"
        Word length (k) of the composition term, for DNA: besides the kernels, the log-odds have one weight per k-mer,
        added at each of its occurrences; with both strands a k-mer and its reverse complement share a weight. The
        term is trained with the kernels, in pruned networks of at most 64 kernels and always in the last one; it is
        never pruned. "auto" is 6 for DNA. 0 leaves the term out, as in the paper.
    reverse_complement : bool or "auto", default="auto"
        Scan both strands and pool over both. Needs DNA channels (at least four; channels beyond the first four are
        tracks, which are reversed but not complemented). "auto" scans both if X is DNA, with or without tracks.
    pooling : {"log-mean-exp", "max"}, default="log-mean-exp"
        How the activations a at all positions are pooled into a score: by their maximum or, starting with the
        fine-tuning at 64 kernels, by log(mean(exp(m a))) / m. The latter is close to the maximum, but further sites
        add to it, and its gradient reaches all positions rather than one. The sharpness m is 1. Training from initial
        weights uses the maximum at any size. The paper uses the maximum throughout.
    criterion : {"saliency", "weight", "score", "score-and-weight"} or callable, default="saliency"
        Importance by which kernels are ranked. "saliency" is the increase in loss when the kernel is removed and the
        other dense weights adjust (Optimal Brain Surgeon [2]_), so it recognises redundant kernels. The other three
        are the paper's: the absolute dense weight, the absolute difference in mean score between the classes, and
        their product. A callable takes ``(network, scores, y)`` and returns one number per kernel.
    after_pruning : {"fine-tune", "rewind", "reinitialize", "none"}, default="fine-tune"
        Continue from the surviving weights; reset them to their values before the initial training (winning tickets);
        or reset them to new random values (a control). "rewind" and "reinitialize" train with `learning_rate_init` at
        every size. "none" fine-tunes too, but not after the last pruning (Deepprune-inter). To compare them, set
        ``pooling="max"``, which "rewind" and "reinitialize" use anyway.
    schedule : {"halving", "one-shot"} or sequence of int, default="halving"
        Network sizes: halve at every pruning; prune once, from the first size to the last; or a decreasing sequence
        of kernel numbers that ends with `n_kernels`, such as ``[256, 64, 4]``, in which case `n_prunings` is ignored.
    learning_rate : {"anneal", "constant"}, default="anneal"
        "anneal" warms up over the first two epochs when training from initial weights. At every size, once the
        validation loss has not improved for `n_iter_no_change` epochs, it returns to the best weights and decays the
        rate linearly to zero over ``4 * n_iter_no_change`` epochs (``2 * n_iter_no_change`` above 64 kernels).
        "constant" stops at that point, as in the paper.
    learning_rate_init : float, default=0.01
        Learning rate of Adam for the unpruned network.
    learning_rate_decay : float, default=1.2
        Factor dividing the learning rate after each pruning.
    batch_size : int, default=256
    max_iter : int, default=1000
        Maximum number of epochs per size; annealing takes at most half of them.
    n_iter_no_change : int, default=10
        Training at a size stops when the validation loss has not improved for this many consecutive epochs. The
        weights of the best epoch are kept; after annealing, the annealed weights, unless their validation loss is
        higher by more than one standard error of the difference.
    validation_fraction : float, default=0.1
        Fraction of the training sequences held out for validation, stratified by class.
    alpha : float, default=0.0
        Penalty on kernels and dense weights, not on biases: ``alpha * l1_ratio * sum(abs(w)) + alpha * (1 - l1_ratio) /
        2 * sum(w**2)`` is added to the mean loss. (The words of `composition` have a penalty of their own.)
    l1_ratio : float, default=0.0
        Share of L1 in the penalty: 0 is pure L2, 1 is pure L1.
    dropout : float, default=0.3
        Probability of dropping a motif score of a sequence during training (the compiled engine drops groups of four
        or eight kernels), while there are more than 16 kernels. The paper uses 0.
    mutation_rate : float or "auto", default="auto"
        Augmentation, for DNA: in every epoch each base of the training sequences is replaced with this probability by
        one of the three others. "auto" is 0.1 for DNA, 0.05 with 64 kernels or fewer. The paper uses 0.
    negatives : {"auto", "given", "dinucleotide", "mixed"}, default="auto"
        Augmentation, for DNA. "given" trains on the negatives as they are. "dinucleotide" means that the negatives are
        dinucleotide shuffles of the positives, and trains on new shuffles in every epoch; `fit` then also accepts
        positives only, with `y` all ones. "mixed" is for other unbound sequences: in every epoch about half of them,
        chosen at random, are shuffled. "auto" looks for negatives of 40 bp or more with exactly the dinucleotide counts
        of a positive. If these are at least a quarter of the negatives, they are replaced by new shuffles in every
        epoch and the others stay as they are. Otherwise it uses "mixed" if shuffling makes positives look less bound
        and hardly changes negatives, else "given", as in the paper. Held-out sequences are never augmented.
    class_weight : dict or "balanced", default=None
        Class weights, as in scikit-learn.
    n_channels : int or "auto", default="auto"
        Values per position when X is a 2-D or 3-D array. "auto" is four for strings and one-hot DNA, one for any other
        2-D array, and the size of the last axis for a 3-D array. With "auto" an array that is almost one-hot DNA is an
        error: one in which at least half of the positions, not counting zeros at either end of a row, hold one value
        near 1 (within 0.1) and three near 0; likewise with extra or missing columns, or with the axes swapped.
    engine : {"auto", "compiled", "numpy", "tensorflow"}, default="auto"
        Training backend: compiled code for DNA on a CPU, NumPy for a few real-valued channels, TensorFlow for any input
        and for GPUs. "auto" picks compiled code for DNA; for real-valued channels NumPy if an epoch of the unpruned
        network takes at most 2**29 multiply-adds (0.05 seconds), else TensorFlow.
    n_jobs : int, default=None
        Threads of the compiled engine. The result does not depend on it.
    random_state : int, RandomState, Generator or None, default=None
        Controls the validation split, the initial weights, the order of the sequences, their augmentation, and dropout.
    verbose : int, default=0
        1 shows a progress bar.

    Attributes
    ----------
    kernels_ : ndarray of float32, shape (n_kernels, kernel_length, n_channels)
    kernel_bias_ : ndarray of float32, shape (n_kernels,)
    coef_ : ndarray of float32, shape (1, n_kernels)
        Weights of the dense layer.
    intercept_ : ndarray of float64, shape (1,)
        Bias of the dense layer.
    mask_ : ndarray of bool, shape (initial kernels,)
        Which of the initial kernels were kept.
    composition_ : DataFrame
        A row per word, in descending order of weight: word, weight, and its mean count in the bound and in the unbound
        sequences passed to `fit`. With both strands a word also represents its reverse complement.
    history_ : DataFrame
        A row per epoch: stage, n_kernels, epoch, learning_rate, loss, val_loss, val_roc_auc, seconds.
    stages_ : list of Stage
        A record per size, the unpruned network first. The network of the last one makes the predictions.
    rejected_stages_ : list of Stage
        With ``n_kernels="auto"``: the sizes after the chosen one, which were pruned too far.
    n_channels_ : int
        Values per position.
    reverse_complement_ : bool
        Whether both strands are scanned.
    engine_ : str
        The engine used for training.
    negatives_ : str
        The negatives used in each epoch: "given", "dinucleotide", "mixed", or "renewed" if some were shuffles.
    classes_ : ndarray, shape (2,)
        ``classes_[1]`` is the positive class: bound.
    n_iter_ : int
        Epochs over all sizes, as in `history_`.
    n_features_in_ : int
        Number of columns of X, if X was a 2-D array of numbers.

    See Also
    --------
    OneHotDNA : One-hot encoding, for pipelines with other estimators.

    References
    ----------
    .. [1] Luo, Chi and Deng (2019). Deepprune: learning efficient and interpretable convolutional networks through
       weight pruning for predicting DNA-protein binding. Frontiers in Genetics 10:1145.
    .. [2] Hassibi and Stork (1992). Second order derivatives for network pruning: Optimal Brain Surgeon. Advances in
       Neural Information Processing Systems 5.

    Examples
    --------
    >>> from skdeepprune import DeepPruneClassifier
    >>> from skdeepprune.datasets import load_simulated
    >>> data = load_simulated(3, n_train=1000, n_test=500, random_state=0)
    >>> classifier = DeepPruneClassifier(n_kernels=4, n_prunings=3, max_iter=20, random_state=0)
    >>> classifier.fit(data.X_train, data.y_train).kernels_.shape
    (4, 16, 4)
    >>> classifier.predict_proba(data.X_test).shape
    (500, 2)
    """

    _allowed_parameters = {
        "n_kernels": [interval(Integral, 1, None, closed="left"), options("auto")],
        "n_prunings": [interval(Integral, 0, _MAX_PRUNINGS, closed="both")],
        "kernel_length": [interval(Integral, 1, None, closed="left")],
        "composition": [interval(Integral, 0, MAX_WORD_LENGTH, closed="both"), options("auto")],
        "reverse_complement": [*BOOLEAN, options("auto")],
        "pooling": [options("log-mean-exp", "max")],
        "criterion": [options(*CRITERIA), CALLABLE],
        "after_pruning": [options("fine-tune", "rewind", "reinitialize", "none")],
        "schedule": [options("halving", "one-shot"), ARRAY_LIKE],
        "learning_rate": [options("anneal", "constant")],
        "learning_rate_init": [interval(Real, 0, None, closed="neither")],
        "learning_rate_decay": [interval(Real, 1, None, closed="left")],
        "batch_size": [interval(Integral, 1, None, closed="left")],
        "max_iter": [interval(Integral, 1, None, closed="left")],
        "n_iter_no_change": [interval(Integral, 1, None, closed="left")],
        "validation_fraction": [interval(Real, 0, 1, closed="neither")],
        "alpha": [interval(Real, 0, MAX_NUMBER, closed="both")],
        "l1_ratio": [interval(Real, 0, 1, closed="both")],
        "dropout": [interval(Real, 0, 1, closed="left")],
        "mutation_rate": [interval(Real, 0, 1, closed="left"), options("auto")],
        "negatives": [options("auto", "given", "dinucleotide", "mixed")],
        "class_weight": [instance_of(dict), options("balanced"), NONE],
        "n_channels": [interval(Integral, 1, None, closed="left"), options("auto")],
        "engine": [options("auto", "compiled", "numpy", "tensorflow")],
        "n_jobs": [instance_of(Integral), NONE],
        "random_state": RANDOM_STATE,
        "verbose": VERBOSE,
    }

    def __init__(
        self,
        n_kernels: int | Literal["auto"] = 4,
        *,
        n_prunings: int = 6,
        kernel_length: int = 16,
        composition: int | Literal["auto"] = "auto",
        reverse_complement: bool | Literal["auto"] = "auto",
        pooling: str = "log-mean-exp",
        criterion: str | Callable[..., Any] = "saliency",
        after_pruning: str = "fine-tune",
        schedule: str | Sequence[int] = "halving",
        learning_rate: str = "anneal",
        learning_rate_init: float = 0.01,
        learning_rate_decay: float = 1.2,
        batch_size: int = 256,
        max_iter: int = 1000,
        n_iter_no_change: int = 10,
        validation_fraction: float = 0.1,
        alpha: float = 0.0,
        l1_ratio: float = 0.0,
        dropout: float = 0.3,
        mutation_rate: float | Literal["auto"] = "auto",
        negatives: str = "auto",
        class_weight: Any = None,
        n_channels: int | Literal["auto"] = "auto",
        engine: str = "auto",
        n_jobs: int | None = None,
        random_state: Any = None,
        verbose: int = 0,
    ) -> None:
        self.n_kernels = n_kernels
        self.n_prunings = n_prunings
        self.kernel_length = kernel_length
        self.composition = composition
        self.reverse_complement = reverse_complement
        self.pooling = pooling
        self.criterion = criterion
        self.after_pruning = after_pruning
        self.schedule = schedule
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.learning_rate_decay = learning_rate_decay
        self.batch_size = batch_size
        self.max_iter = max_iter
        self.n_iter_no_change = n_iter_no_change
        self.validation_fraction = validation_fraction
        self.alpha = alpha
        self.l1_ratio = l1_ratio
        self.dropout = dropout
        self.mutation_rate = mutation_rate
        self.negatives = negatives
        self.class_weight = class_weight
        self.n_channels = n_channels
        self.engine = engine
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X: Any,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        X_val: Any = None,
        y_val: ArrayLike | None = None,
        sample_weight_val: ArrayLike | None = None,
    ) -> Self:
        """Train, rank the kernels, keep the most important half, fine-tune; repeat.

        Parameters
        ----------
        X : list, ndarray, Series or one-column DataFrame of str; array-like (n, L * C); or ndarray (n, L, C)
            DNA strings, of any lengths; the output of `OneHotDNA`; or any `n_channels` values per position.
        y : array-like, shape (n,)
            Two classes; the greater one is the positive class (bound). Or all ones, if ``negatives="dinucleotide"``.
        sample_weight : array-like, shape (n,), default=None
            Finite and non-negative; the largest at most 1e30 times the smallest. Sequences of weight 0 are ignored.
        X_val, y_val : as X and y, default=None
            Validation set to use instead of a fraction of X, such as the sequences of other chromosomes. It must
            contain both classes.
        sample_weight_val : array-like, shape (n_val,), default=None
            Weights of the validation sequences, as `sample_weight`.

        Returns
        -------
        self : DeepPruneClassifier

        Raises
        ------
        ValueError
            If X, y or the weights are invalid. The message says where and how to fix it. An earlier fit is kept.
        FloatingPointError
            If training diverges.
        KeyboardInterrupt
            If interrupted (Ctrl-C) before the first size is finished. The classifier is then not fitted.

        Warns
        -----
        InterruptedFitWarning
            If interrupted later: the classifier keeps the sizes that were finished. If this warning is turned into an
            error, KeyboardInterrupt is raised.
        ConvergenceWarning
            If the network died: all held-out sequences get the same prediction. Also if the held-out AUC is more than
            0.08 below that of a larger network and the held-out loss more than two standard errors above; not with
            ``after_pruning="none"`` or with fewer than 10 held-out sequences of a class.
        """
        earlier = self._forget_fit()
        try:
            return self._fit(X, y, sample_weight, (X_val, y_val, sample_weight_val), earlier)
        except BaseException:
            if not self.__sklearn_is_fitted__():
                self._forget_fit()
                self.__dict__.update(earlier)
            raise

    def _fit(
        self,
        X: Any,
        y: ArrayLike,
        sample_weight: ArrayLike | None,
        to_hold_out: tuple[Any, ...],
        earlier: dict[str, Any],
    ) -> Self:
        """Fit; empty `earlier`, the state of an earlier fit, once the input is known to be valid."""
        sizes = self._sizes()
        problem = Problem.read(self, X, y, sample_weight, to_hold_out)
        engine = choose_engine(
            self.engine,
            is_dna=problem.is_dna,
            n_threads=effective_n_jobs(self.n_jobs),
            multiply_adds=sizes[0] * problem.multiply_adds,
        )
        word_counts = problem.mean_word_counts()
        training, validation = problem.load(engine, self.validation_fraction)
        initial = problem.initial_network(sizes[0])
        stages: list[Stage] = []
        earlier.clear()

        def fitted() -> dict[str, Any]:
            n_taken = 1 + (smallest_good_size(stages) if self.n_kernels == "auto" else len(stages) - 1)
            return {
                "classes_": problem.classes,
                "stages_": stages[:n_taken],
                "rejected_stages_": stages[n_taken:],
                "engine_": engine.name,
                "is_dna_": problem.is_dna,
                "negatives_": problem.augmentation.negatives,
                "word_counts_": word_counts,
            }

        tasks = self._init_callback_context(max_subtasks=len(sizes))
        tasks.call_on_fit_task_begin(estimator=self, X=X, y=y)
        interrupted = False
        with self._progress(engine, len(sizes)) as on_epoch:
            pruning = deep_prune(
                engine, initial, sizes, training, validation, self._settings(), rng=problem.rng, on_epoch=on_epoch
            )
            try:
                for _ in sizes:
                    task = tasks.subcontext(task_name="stage")
                    task.call_on_fit_task_begin(estimator=self, X=X, y=y)
                    stages.append(next(pruning))
                    stop = task.call_on_fit_task_end(estimator=self, X=X, y=y, reconstruction_attributes=fitted)
                    if stop or fitted()["rejected_stages_"]:
                        break
            except KeyboardInterrupt:
                if not stages:
                    raise
                interrupted = True
        self.__dict__.update(fitted())
        tasks.call_on_fit_task_end(estimator=self, X=X, y=y, reconstruction_attributes=fitted)
        if interrupted:
            warn_of_interruption(self.stages_[-1].n_kernels, sizes)
        warn_of_death(engine, self.stages_[-1].network, validation)
        if self.after_pruning != "none":
            warn_of_collapse(self.stages_, validation)
        return self

    def _forget_fit(self) -> dict[str, Any]:
        """Remove the fitted attributes and return them."""
        names = [name for name in vars(self) if name.endswith("_") and not name.startswith("__")]
        return {name: self.__dict__.pop(name) for name in names}

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "stages_")

    def _sizes(self) -> list[int]:
        if self.n_kernels == "auto" and self.after_pruning == "none":
            raise ValueError(
                "after_pruning='none' skips the fine-tuning after the last pruning, but with n_kernels='auto' the last"
                " pruning is not known in advance; set n_kernels to a number."
            )
        sizes = kernel_schedule(self.n_kernels, self.n_prunings, self.schedule)
        maximum = _MAX_KERNELS_BY_SALIENCY if self.criterion == "saliency" and len(sizes) > 1 else _MAX_KERNELS
        if sizes[0] > maximum:
            raise ValueError(
                f"n_kernels={self.n_kernels!r}, n_prunings={self.n_prunings} and schedule={self.schedule!r} start with"
                f" {sizes[0]} kernels; expected at most {_MAX_KERNELS_BY_SALIENCY} with criterion='saliency',"
                f" {_MAX_KERNELS} with others."
            )
        return sizes

    def _settings(self) -> TrainingSettings:
        return TrainingSettings(
            batch_size=self.batch_size,
            max_iter=self.max_iter,
            n_iter_no_change=self.n_iter_no_change,
            learning_rate=self.learning_rate,
            learning_rate_init=self.learning_rate_init,
            learning_rate_decay=self.learning_rate_decay,
            dropout=self.dropout,
            criterion=CRITERIA[self.criterion] if isinstance(self.criterion, str) else self.criterion,
            after_pruning=self.after_pruning,
            pooling=self.pooling,
            penalty=Penalty(l1=self.alpha * self.l1_ratio, l2=self.alpha * (1 - self.l1_ratio)),
        )

    @contextmanager
    def _progress(self, engine: Engine, n_stages: int) -> Iterator[Callable[[Epoch], None]]:
        """Show a progress bar with one step per stage."""
        with tqdm(
            total=n_stages,
            desc=f"DeepPrune ({engine.name})",
            unit="stage",
            disable=not self.verbose,
            miniters=0,  # redraw on update(0), too
        ) as bar:

            def on_epoch(epoch: Epoch) -> None:
                bar.n = epoch.stage
                bar.set_postfix_str(
                    f"{epoch.n_kernels} kernels, epoch {epoch.epoch}, validation loss {epoch.val_loss:.4f}",
                    refresh=False,
                )
                bar.update(0)

            yield on_epoch
            bar.n = n_stages
            bar.refresh()

    @property
    def _network(self) -> Network:
        return self.stages_[-1].network

    @property
    def n_channels_(self) -> int:
        """Values per position."""
        return self._network.kernels.shape[2]

    @property
    def reverse_complement_(self) -> bool:
        """Whether both strands are scanned."""
        return self._network.reverse_complement

    @property
    def kernels_(self) -> NDArray[np.float32]:
        """Convolution weights (n_kernels, kernel_length, n_channels)."""
        return self._network.kernels

    @property
    def kernel_bias_(self) -> NDArray[np.float32]:
        """Kernel biases (n_kernels,)."""
        return self._network.kernel_bias

    @property
    def coef_(self) -> NDArray[np.float32]:
        """Dense weights (1, n_kernels)."""
        return self._network.dense_weights[None]

    @property
    def intercept_(self) -> NDArray[np.float64]:
        """Dense bias (1,)."""
        return np.array([self._network.dense_bias])

    @property
    def composition_(self) -> pd.DataFrame:
        """A row per word: word, weight, mean counts in bound and unbound sequences."""
        return composition_table(self._network, self.word_counts_)

    @property
    def mask_(self) -> NDArray[np.bool_]:
        """Which of the initial kernels were kept."""
        mask = np.zeros(self.stages_[0].n_kernels, dtype=bool)
        mask[self.stages_[-1].kept] = True
        return mask

    @property
    def history_(self) -> pd.DataFrame:
        """A row per epoch."""
        return pd.DataFrame(
            [epoch for stage in self.stages_ for epoch in stage.epochs], columns=[field.name for field in fields(Epoch)]
        )

    @property
    def n_iter_(self) -> int:
        """Epochs over all sizes."""
        return sum(len(stage.epochs) for stage in self.stages_)

    @property
    def _n_features_out(self) -> int:
        return self._network.n_kernels

    def _read(self, X: Any) -> InputParts:
        check_is_fitted(self)
        return read_parts(self, X, n_channels=self.n_channels_, expect_dna=self.is_dna_)

    def _decide(self, network: Network, sequences: InputParts) -> NDArray[np.float64]:
        return sequences.apply(lambda part: decide(network, part, effective_n_jobs(self.n_jobs)))

    def transform(self, X: Any) -> NDArray[np.float64]:
        """Motif scores: how well each sequence matches each kernel.

        Parameters
        ----------
        X : as in `fit`

        Returns
        -------
        ndarray, shape (n, n_kernels)
        """
        n_threads = effective_n_jobs(self.n_jobs)
        return self._read(X).apply(lambda part: motif_scores(self._network, part, n_threads))

    def decision_function(self, X: Any) -> NDArray[np.float64]:
        """Log-odds of the positive class.

        Parameters
        ----------
        X : as in `fit`

        Returns
        -------
        ndarray, shape (n,)
        """
        sequences = self._read(X)
        return self._decide(self._network, sequences)

    def predict(self, X: Any) -> NDArray[Any]:
        """The more likely class of every sequence.

        Parameters
        ----------
        X : as in `fit`

        Returns
        -------
        ndarray, shape (n,)
        """
        positive = self.decision_function(X) > 0
        return self.classes_[positive.astype(int)]

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Probability of every class.

        Parameters
        ----------
        X : as in `fit`

        Returns
        -------
        ndarray, shape (n, 2)
        """
        return _class_probabilities(self.decision_function(X))

    def predict_log_proba(self, X: Any) -> NDArray[np.float64]:
        """Log-probability of every class, accurate even where the probability underflows to 0.

        Parameters
        ----------
        X : as in `fit`

        Returns
        -------
        ndarray, shape (n, 2)
        """
        decision = self.decision_function(X)
        return log_expit(np.column_stack([-decision, decision]))

    def staged_predict_proba(self, X: Any) -> Iterator[NDArray[np.float64]]:
        """Class probabilities from the network at every size, the unpruned one first.

        Parameters
        ----------
        X : as in `fit`

        Yields
        ------
        ndarray, shape (n, 2)
        """
        sequences = self._read(X)
        for stage in self.stages_:
            yield _class_probabilities(self._decide(stage.network, sequences))

    def at_size(self, n_kernels: int) -> Self:
        """Return the classifier as it was at another size, without retraining.

        Parameters
        ----------
        n_kernels : int
            One of ``[stage.n_kernels for stage in stages_]``, or of ``rejected_stages_``.

        Returns
        -------
        DeepPruneClassifier
            Fitted, as if with this `n_kernels` and accordingly fewer prunings, or with `schedule` up to that size; and
            with ``composition=0`` if the network had no composition term yet.
            (With ``after_pruning="none"``, all sizes before the last were fine-tuned.)

        Raises
        ------
        ValueError
            If the network never had that size.
        """
        check_is_fitted(self)
        stages = [*self.stages_, *self.rejected_stages_]
        sizes = [stage.n_kernels for stage in stages]
        if n_kernels not in sizes:
            raise ValueError(f"n_kernels={n_kernels!r}; expected one of the sizes that were trained: {sizes}.")
        n_prunings = sizes.index(n_kernels)
        halving = isinstance(self.schedule, str) and self.schedule == "halving"
        schedule = self.schedule if halving else sizes[: n_prunings + 1]
        smaller = copy(self).set_params(n_kernels=n_kernels, n_prunings=n_prunings, schedule=schedule)
        if not stages[n_prunings].network.word_length:
            smaller.composition = 0
        smaller.stages_, smaller.rejected_stages_ = stages[: n_prunings + 1], []
        return smaller

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        tags.input_tags.string = True
        tags.input_tags.three_d_array = True
        return tags


def _class_probabilities(decision: NDArray[np.float64]) -> NDArray[np.float64]:
    return expit(np.column_stack([-decision, decision]))
