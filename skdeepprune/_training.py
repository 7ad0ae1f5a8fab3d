"""The training loop, and the method around it: train, rank the kernels, keep the better half, train again."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning

from skdeepprune._auc import roc_auc
from skdeepprune._augmentation import Augmentation
from skdeepprune._engines._interface import (
    NO_DROPOUT,
    NO_PENALTY,
    SCORES_AT_ONCE,
    Dropout,
    Engine,
    Penalty,
    Trainer,
)
from skdeepprune._network import Network
from skdeepprune._pruning import Criterion, most_important, saliency, weight_importance
from skdeepprune._word_penalty import WordPenalty

# Bases per block of streamed sequences: 4 MB, plus temporaries.
_BASES_AT_ONCE = 2**22
# A smaller network needs all of its scores.
_MIN_KERNELS_FOR_DROPOUT = 17
# Up to this size networks are refined: scores pool all windows, composition is trained with the kernels, annealing is
# longer and augmentation milder. Larger networks only search for motifs; refining them is slow and overfits.
_MAX_REFINED = 64
# Epochs over which the learning rate decays to 0, per epoch of patience.
_ANNEALED, _ANNEALED_REFINED = 2, 4
# Sharpness of log-mean-exp pooling.
_SHARPNESS = 1.0
# Exceeds the logarithm of any number of windows.
_LIFT = np.float32(24)
# Minimum number of held-out sequences per class for a meaningful AUC.
_MIN_HELD_OUT_PER_CLASS = 10
# Fractions of the learning rate in the first epochs. At the full rate, Adam's first steps are so large that many
# kernels of an untrained network never again have a positive score.
_WARM_UP = 1 / 9, 2 / 9


@dataclass(frozen=True)
class Epoch:
    """One epoch of one stage: a row of `history_`.

    Attributes
    ----------
    stage : int
        0 is the unpruned network.
    n_kernels : int
    epoch : int
        Counted from 1 within the stage.
    learning_rate : float
    loss : float
        Mean cross-entropy (nats) of the training sequences, with augmentation and dropout, each batch before its
        update. It can therefore exceed `val_loss`.
    val_loss : float
        Mean cross-entropy (nats) of the held-out sequences after the epoch.
    val_roc_auc : float
    seconds : float
    """

    stage: int
    n_kernels: int
    epoch: int
    learning_rate: float
    loss: float
    val_loss: float
    val_roc_auc: float
    seconds: float


class Terms(NamedTuple):
    """Inputs of the log-odds: motif scores (n, K) and sums of word weights (n,)."""

    scores: NDArray[np.float32]
    word_sums: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class LabeledData:
    """Some rows of the sequences that an engine holds, with their labels (0 or 1) and weights."""

    loaded: Any
    rows: NDArray[np.int64]
    y: NDArray[np.float32]
    sample_weight: NDArray[np.float32]

    def refined(self) -> LabeledData:
        """Return the data for small networks: unchanged."""
        return self

    def blocks(self, batch_size: int, rng: np.random.Generator) -> Iterator[tuple[Any, NDArray[np.int64]]]:
        """Yield the blocks of an epoch: loaded sequences and the order of their rows."""
        yield self.loaded, rng.permutation(self.rows)

    def terms(self, trainer: Trainer, chosen: NDArray[np.int64]) -> Terms:
        """Compute the inputs of the log-odds for the sequences `chosen`."""
        rows = self.rows[chosen]
        return Terms(trainer.scores(self.loaded, rows), trainer.word_sums(self.loaded, rows))


@dataclass(frozen=True, eq=False)
class StreamedData:
    """Some rows of codes, loaded block by block: augmented for training, unchanged for scoring.

    Never copies all rows at once.
    """

    engine: Engine
    codes: NDArray[np.uint8]
    rows: NDArray[np.int64]
    y: NDArray[np.float32]
    sample_weight: NDArray[np.float32]
    augmentation: Augmentation

    def refined(self) -> StreamedData:
        """Return the data for small networks: the same sequences, augmented less."""
        return replace(self, augmentation=self.augmentation.refined())

    def blocks(self, batch_size: int, rng: np.random.Generator) -> Iterator[tuple[Any, NDArray[np.int64]]]:
        """Yield the blocks of an epoch: loaded augmented sequences and the order of their rows."""
        sources = self.augmentation.sources(self.y, rng)
        for chosen in self._parts(rng.permutation(len(self.rows)), batch_size):
            codes = self.augmentation.apply(self.codes[self.rows[sources[chosen]]], self.y[chosen], rng, chosen)
            yield self._load(codes, chosen), np.arange(len(chosen))

    def terms(self, trainer: Trainer, chosen: NDArray[np.int64]) -> Terms:
        """Compute the inputs of the log-odds for the sequences `chosen`, without augmentation."""
        scores, word_sums = [np.empty((0, trainer.network.n_kernels), np.float32)], [np.empty(0)]
        for part in self._parts(chosen, 1):
            loaded, rows = self._load(self.codes[self.rows[part]], part), np.arange(len(part))
            scores.append(trainer.scores(loaded, rows))
            word_sums.append(trainer.word_sums(loaded, rows))
        return Terms(np.concatenate(scores), np.concatenate(word_sums))

    def is_one_block(self, batch_size: int) -> bool:
        """Whether all sequences are loaded at once."""
        return len(self.rows) <= self._step(batch_size)

    def _step(self, batch_size: int) -> int:
        return batch_size * max(1, _BASES_AT_ONCE // (batch_size * max(self.codes.shape[1], 1)))

    def _parts(self, numbers: NDArray[np.int64], batch_size: int) -> Iterator[NDArray[np.int64]]:
        step = self._step(batch_size)
        return (numbers[start : start + step] for start in range(0, len(numbers), step))

    def _load(self, codes: NDArray[np.uint8], chosen: NDArray[np.int64]) -> Any:
        return self.engine.load(codes, self.y[chosen], self.sample_weight[chosen], overwrite_X=True)


TrainingData = LabeledData | StreamedData
# Loaded sequences, the order of their rows, and the dropout.
Drawn = tuple[Any, NDArray[np.int64], Dropout]


@dataclass(frozen=True)
class TrainingSettings:
    """How to train and prune; the names are those of `DeepPruneClassifier`."""

    batch_size: int
    max_iter: int
    n_iter_no_change: int
    learning_rate: str
    learning_rate_init: float
    learning_rate_decay: float
    dropout: float
    criterion: Criterion
    after_pruning: str
    pooling: str
    penalty: Penalty = NO_PENALTY

    def sharpness(self, n_kernels: int) -> float:
        """Return the sharpness of a pruned network."""
        return _SHARPNESS if self.pooling != "max" and n_kernels <= _MAX_REFINED else np.inf


@dataclass(frozen=True, eq=False)
class Stage:
    """One size of the network, trained.

    Attributes
    ----------
    stage : int
        0 is the unpruned network.
    kept : ndarray of int, shape (K,)
        Indices of the remaining initial kernels.
    network : Network
    importances : ndarray, shape (K,)
        By the criterion, after training.
    val_loss : float
        Mean cross-entropy (nats) of the held-out sequences.
    val_loss_se : float
        Its standard error.
    val_roc_auc : float
    epochs : list of Epoch
        Empty if the last stage was not trained (Deepprune-inter).
    """

    stage: int
    kept: NDArray[np.int64]
    network: Network
    importances: NDArray[Any]
    val_loss: float
    val_loss_se: float
    val_roc_auc: float
    epochs: list[Epoch]

    @property
    def n_kernels(self) -> int:
        """Number of kernels, K."""
        return self.network.n_kernels


def deep_prune(
    engine: Engine,
    initial: Network,
    sizes: Sequence[int],
    training: TrainingData,
    validation: TrainingData,
    settings: TrainingSettings,
    *,
    rng: np.random.Generator,
    on_epoch: Callable[[Epoch], object],
) -> Iterator[Stage]:
    """Train the initial network, then prune and train again down to the last size.

    Parameters
    ----------
    engine : Engine
    initial : Network
        Untrained, with ``sizes[0]`` kernels.
    sizes : sequence of int
        Decreasing numbers of kernels.
    training, validation : LabeledData or StreamedData
    settings : TrainingSettings
    rng : Generator
    on_epoch : callable
        Called with every `Epoch`.

    Yields
    ------
    Stage
        One per size.
    """
    word_penalty = WordPenalty(len(training.rows))
    # Trained alongside untrained kernels, words would learn short motifs before a kernel does.
    first_with_words = next((i for i, size in enumerate(sizes) if i > 0 and size <= _MAX_REFINED), len(sizes) - 1)
    without_words = replace(initial, composition=initial.composition[:0])
    network, kept, importances = initial, np.arange(initial.n_kernels), np.zeros(initial.n_kernels)
    for stage, size in enumerate(sizes):
        start = initial if stage >= first_with_words else without_words
        learning_rate, untrained = settings.learning_rate_init, True
        to_train = stage == 0 or settings.after_pruning != "none" or size != sizes[-1]
        if stage == 0:
            network = start
        else:
            best = most_important(importances, size)
            kept = kept[best]
            if settings.after_pruning == "rewind":
                network = start.select(kept)
            elif settings.after_pruning == "reinitialize":
                network = start.redrawn(size, rng)
            else:
                network, untrained = network.select(best), False
                if not network.word_length:
                    network = replace(network, composition=start.composition)
                learning_rate /= settings.learning_rate_decay**stage
                if to_train:
                    network = with_sharpness(settings.sharpness(size), engine, network, training)
        epochs: list[Epoch] = []
        if to_train:
            network, epochs = train(
                engine,
                network,
                training.refined() if size <= _MAX_REFINED else training,
                validation,
                settings,
                word_penalty,
                stage=stage,
                untrained=untrained,
                learning_rate=learning_rate,
                rng=rng,
                on_epoch=on_epoch,
            )
        trained = engine.trainer(network)
        chosen = _chosen_to_rank_by(settings.criterion, network, training.y)
        importances = _importances(settings.criterion, network, training.terms(trained, chosen), training.y[chosen])
        decision = decide(trained, validation)
        held_out = evaluate(decision.logits, validation)
        yield Stage(stage, kept, network, importances, held_out.loss, held_out.loss_se, held_out.roc_auc, epochs)


def with_sharpness(sharpness: float, engine: Engine, network: Network, data: TrainingData) -> Network:
    """Change the sharpness of a network; adjust the biases so that the mean of positive scores stays the same.

    A kernel without positive scores keeps its bias.
    """
    if sharpness == network.sharpness:
        return network
    other = replace(network, sharpness=sharpness)
    # Lifted so that the ReLU does not clip scores that fall below 0; the mean is not far below the maximum.
    lifted = replace(other, kernel_bias=network.kernel_bias + _LIFT)
    chosen = _as_many_as_fit(data.y, network)
    before, after = (data.terms(engine.trainer(one), chosen).scores for one in (network, lifted))
    fires = before > 0
    excess = np.where(fires, after - _LIFT - before, 0).sum(axis=0, dtype=np.float64) / np.maximum(fires.sum(axis=0), 1)
    return replace(other, kernel_bias=(network.kernel_bias - excess).astype(np.float32))


def smallest_good_size(stages: Sequence[Stage]) -> int:
    """Index of the smallest network within one standard error of the best (Breiman's rule).

    Parameters
    ----------
    stages : sequence of Stage
        The unpruned network first.

    Returns
    -------
    int
    """
    best = min(stages, key=lambda stage: stage.val_loss)
    good = [i for i, stage in enumerate(stages) if stage.val_loss <= best.val_loss + best.val_loss_se]
    return max(good)


def warn_of_death(engine: Engine, network: Network, validation: TrainingData) -> None:
    """Warn if a network predicts the same for every held-out sequence: no kernel has a positive score on any."""
    logits = decide(engine.trainer(network), validation).logits
    if np.ptp(logits) <= 1e-6 * max(1.0, float(np.abs(logits).max())):
        warnings.warn(
            f"The network with {network.n_kernels} kernels died: it predicts the same for every held-out sequence."
            " Lower learning_rate_init, scale the input, use a larger size with at_size(), or change random_state.",
            ConvergenceWarning,
            stacklevel=5,
        )


def warn_of_collapse(stages: Sequence[Stage], validation: TrainingData) -> None:
    """Warn if the last network is much worse than a larger one: AUC 0.08 lower, loss two standard errors higher."""
    if min((validation.y == label).sum() for label in (0, 1)) < _MIN_HELD_OUT_PER_CLASS:
        return
    last, best = stages[-1], max(stages, key=lambda stage: stage.val_roc_auc)
    if last.val_roc_auc < best.val_roc_auc - 0.08 and last.val_loss > best.val_loss + 2 * best.val_loss_se:
        warnings.warn(
            f"Pruned to {last.n_kernels} kernels, the network has a held-out AUC of {last.val_roc_auc:.3f}; with"
            f" {best.n_kernels} kernels it was {best.val_roc_auc:.3f}. Either so few kernels cannot separate the"
            f" classes, or one of them was lost: use at_size({best.n_kernels}) of this fit, set"
            " n_kernels='auto', or try another random_state.",
            ConvergenceWarning,
            stacklevel=5,
        )


def _chosen_to_rank_by(criterion: Criterion, network: Network, y: NDArray[np.float32]) -> NDArray[np.int64]:
    """Choose the training sequences that the criterion needs; the scores of all of them may not fit into memory."""
    if criterion is saliency:
        return _as_many_as_fit(y, network)
    return np.arange(0 if criterion is weight_importance else len(y))


def _as_many_as_fit(y: NDArray[np.float32], network: Network) -> NDArray[np.int64]:
    """Choose evenly spaced sequences, stratified by class, whose scores fit into memory together."""
    return np.sort(np.argsort(y, kind="stable")[:: -(-len(y) * network.n_kernels // SCORES_AT_ONCE)])


def _importances(criterion: Criterion, network: Network, terms: Terms, y: NDArray[Any]) -> NDArray[Any]:
    if criterion is saliency:
        importances = saliency(network, terms.scores, y, terms.word_sums)
    else:
        importances = np.asarray(criterion(network, terms.scores, y), dtype=np.float64)
    if importances.shape != (network.n_kernels,) or not np.isfinite(importances).all():
        raise ValueError(
            f"The criterion returned {importances!r}; expected one finite importance for each of the"
            f" {network.n_kernels} kernels."
        )
    return importances


class Evaluation(NamedTuple):
    """Weighted mean cross-entropy (nats), its standard error, and ROC AUC."""

    loss: float
    loss_se: float
    roc_auc: float


class Decision(NamedTuple):
    """Log-odds, and the part of them that comes from composition."""

    logits: NDArray[np.float64]
    word_sums: NDArray[np.float64]


def decide(trainer: Trainer, data: TrainingData) -> Decision:
    """Compute the log-odds of the rows of `data` with the current network, without holding all motif scores at once."""
    network = trainer.network
    step = max(1, SCORES_AT_ONCE // network.n_kernels)
    numbers = np.arange(len(data.rows))
    parts = [data.terms(trainer, numbers[start : start + step]) for start in range(0, len(numbers), step)]
    logits = np.concatenate([network.decision(*terms) for terms in parts])
    return Decision(logits, np.concatenate([terms.word_sums for terms in parts]))


def evaluate(logits: NDArray[np.float64], data: TrainingData) -> Evaluation:
    """Evaluate the log-odds of the rows of `data`."""
    return Evaluation(*_mean_and_error(_losses(logits, data), data), roc_auc(data.y, logits, data.sample_weight))


def is_worse(logits: NDArray[np.float64], others: NDArray[np.float64], data: TrainingData) -> bool:
    """Whether the mean loss exceeds that of `others` by more than one standard error of the difference."""
    mean, error = _mean_and_error(_losses(logits, data) - _losses(others, data), data)
    return mean > error


def _losses(logits: NDArray[np.float64], data: TrainingData) -> NDArray[np.float64]:
    return np.logaddexp(0, logits) - data.y * logits


def _mean_and_error(values: NDArray[np.float64], data: TrainingData) -> tuple[float, float]:
    shares = data.sample_weight / data.sample_weight.sum(dtype=np.float64)
    mean = float(shares @ values)
    return mean, float(np.sqrt(np.square(shares * (values - mean)).sum()))


class DrawnAhead:
    """Draws the data of each epoch; with more than one thread, the next epoch while the current one trains.

    The draws do not depend on that: the generator's state is restored if an epoch is drawn but not used. Only data
    loaded as one block are drawn ahead.
    """

    def __init__(
        self, training: TrainingData, batch_size: int, dropout: float, rng: np.random.Generator, n_threads: int
    ) -> None:
        self._training, self._batch_size, self._dropout, self._rng = training, batch_size, dropout, rng
        ahead = n_threads > 1 and isinstance(training, StreamedData) and training.is_one_block(batch_size)
        self._pool = ThreadPoolExecutor(1) if ahead else None
        self._next: Future[list[Drawn]] | None = None
        self._before: Any = None

    def epoch(self) -> Iterable[Drawn]:
        """Return the blocks of the next epoch."""
        if self._pool is None:
            return self._draw()
        drawn = list(self._draw()) if self._next is None else self._next.result()
        self._before = self._rng.bit_generator.state
        self._next = self._pool.submit(lambda: list(self._draw()))
        return drawn

    def _draw(self) -> Iterator[Drawn]:
        for loaded, order in self._training.blocks(self._batch_size, self._rng):
            left_out = Dropout(self._dropout, int(self._rng.integers(2**63))) if self._dropout else NO_DROPOUT
            yield loaded, order, left_out

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        if self._pool is not None:
            self._pool.shutdown()
        if self._next is not None:
            self._rng.bit_generator.state = self._before


def train(
    engine: Engine,
    network: Network,
    training: TrainingData,
    validation: TrainingData,
    settings: TrainingSettings,
    word_penalty: WordPenalty,
    *,
    stage: int,
    untrained: bool,
    learning_rate: float,
    rng: np.random.Generator,
    on_epoch: Callable[[Epoch], object],
) -> tuple[Network, list[Epoch]]:
    """Train until the validation loss has not improved for `n_iter_no_change` epochs in a row.

    With ``learning_rate="anneal"``, then continue from the best weights while the rate decays to 0 over four times
    `n_iter_no_change` epochs (twice with more than 64 kernels); an untrained network starts with a lower rate.

    Parameters
    ----------
    engine : Engine
    network : Network
        Initial weights.
    training, validation : LabeledData or StreamedData
    settings : TrainingSettings
    word_penalty : WordPenalty
        Tuned after every epoch.
    stage : int
        Number of the stage, for the records.
    untrained : bool
        Whether the weights are still random.
    learning_rate : float
    rng : Generator
        Draws the order, the augmentation and the dropout of every epoch.
    on_epoch : callable
        Called with every `Epoch`.

    Returns
    -------
    network : Network
        The annealed network, unless its validation loss exceeds that of the best earlier epoch by more than one
        standard error of the difference. Otherwise, and with a constant learning rate, that epoch's network.
    epochs : list of Epoch
    """
    anneals = settings.learning_rate == "anneal"
    n_annealed = settings.n_iter_no_change * (_ANNEALED_REFINED if network.n_kernels <= _MAX_REFINED else _ANNEALED)
    n_annealed = min(n_annealed, settings.max_iter // 2) if anneals else 0
    warm_up = _WARM_UP if anneals and untrained else ()
    dropout = settings.dropout if network.n_kernels >= _MIN_KERNELS_FOR_DROPOUT else 0.0
    epochs: list[Epoch] = []

    def run_epoch(trainer: Trainer, rate: float) -> Decision:
        start = time.perf_counter()
        penalty = settings.penalty._replace(words=word_penalty.strength)
        losses = [
            (trainer.epoch(loaded, order, settings.batch_size, rate, left_out, penalty), len(order))
            for loaded, order, left_out in drawn.epoch()
        ]
        loss = sum(loss * n for loss, n in losses) / len(training.rows)
        with np.errstate(over="ignore", invalid="ignore"):
            decision = decide(trainer, validation)
        if not (np.isfinite(loss) and np.isfinite(decision.logits).all()):
            raise FloatingPointError(
                f"Training diverged at {network.n_kernels} kernels in epoch {len(epochs) + 1}: the loss is {loss}."
                f" Lower learning_rate_init (it is {settings.learning_rate_init:g}; this epoch used {rate:g}),"
                " or scale the input."
            )
        val_loss, _, val_roc_auc = evaluate(decision.logits, validation)
        if network.word_length:
            by_kernels, labels = decision.logits - decision.word_sums, (validation.y, validation.sample_weight)
            word_penalty.tune(by_kernels, decision.word_sums, *labels)
        seconds = time.perf_counter() - start
        number = len(epochs) + 1
        epochs.append(Epoch(stage, network.n_kernels, number, rate, loss, val_loss, val_roc_auc, seconds))
        on_epoch(epochs[-1])
        return decision

    trainer = engine.trainer(network)
    best, best_logits, lowest, n_worse = network, np.empty(0), np.inf, 0
    with DrawnAhead(training, settings.batch_size, dropout, rng, engine.n_threads) as drawn:
        while n_worse < settings.n_iter_no_change and len(epochs) < settings.max_iter - n_annealed:
            warmed_up = len(epochs) >= len(warm_up)
            decision = run_epoch(trainer, learning_rate * (1 if warmed_up else warm_up[len(epochs)]))
            if epochs[-1].val_loss < lowest:
                best, best_logits, lowest, n_worse = trainer.network, decision.logits, epochs[-1].val_loss, 0
            elif warmed_up:
                n_worse += 1
        if n_annealed:
            trainer = engine.trainer(best)
            for share in np.linspace(1, 0, n_annealed, endpoint=False):
                decision = run_epoch(trainer, learning_rate * share)
            if not is_worse(decision.logits, best_logits, validation):
                best = trainer.network
    return best, epochs
