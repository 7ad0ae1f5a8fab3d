"""Plots of the training and pruning of a classifier."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sklearn.metrics import log_loss, roc_auc_score
from sklearn.utils.validation import check_is_fitted

from skdeepprune._classifier import DeepPruneClassifier
from skdeepprune.plots._axes import new_axes, tidy

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_VALIDATION: dict[str, Any] = {"color": "#0072b2", "label": "validation"}
_TEST: dict[str, Any] = {"color": "#d55e00", "label": "test"}
_TRAINING: dict[str, Any] = {"color": "#999999", "label": "training"}


def plot_stages(
    classifier: DeepPruneClassifier, X: Any = None, y: Any = None, *, axes: Sequence[Axes] | None = None
) -> list[Axes]:
    """Draw ROC AUC and loss against the number of kernels.

    Parameters
    ----------
    classifier : DeepPruneClassifier
        Fitted.
    X, y : sequences and labels, default=None
        Test data, plotted in addition to the classifier's own validation data.
    axes : two matplotlib Axes, default=None
        For AUC and loss. By default a new figure.

    Returns
    -------
    list of matplotlib Axes

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    NotFittedError
        If the classifier is not fitted.
    ValueError
        If only one of X and y is given.

    Examples
    --------
    >>> from skdeepprune import DeepPruneClassifier
    >>> from skdeepprune.datasets import load_simulated
    >>> from skdeepprune.plots import plot_stages
    >>> data = load_simulated(3, n_train=500, n_test=500, random_state=0)
    >>> classifier = DeepPruneClassifier(n_prunings=2, max_iter=5, random_state=0).fit(data.X_train, data.y_train)
    >>> auc_axes, loss_axes = plot_stages(classifier, data.X_test, data.y_test)
    >>> auc_axes.get_xlabel()
    'kernels'
    """
    check_is_fitted(classifier)
    if (X is None) != (y is None):
        raise ValueError(f"Got only {'X' if y is None else 'y'}; expected both X and y, or neither.")
    stages = classifier.stages_
    sizes = [stage.n_kernels for stage in stages]
    drawn = list(axes) if axes is not None else new_axes(2)
    curves = [(_VALIDATION, [stage.val_roc_auc for stage in stages], [stage.val_loss for stage in stages])]
    if X is not None:
        probabilities = [p[:, 1] for p in classifier.staged_predict_proba(X)]
        positive = [label == classifier.classes_[1] for label in y]
        curves.append(
            (_TEST, [roc_auc_score(positive, p) for p in probabilities], [log_loss(positive, p) for p in probabilities])
        )
    for style, aucs, losses in curves:
        for ax, values in zip(drawn, (aucs, losses), strict=True):
            ax.plot(sizes, values, marker="o", **style)
    for ax, title in zip(drawn, ("ROC AUC", "cross-entropy (nats)"), strict=True):
        ax.set_xscale("log", base=2)
        ax.set_xticks(sizes, [str(size) for size in sizes])
        ax.minorticks_off()
        if not ax.xaxis_inverted():
            ax.invert_xaxis()
        ax.set_xlabel("kernels")
        ax.set_title(title, loc="left")
        tidy(ax)
    drawn[0].legend(frameon=False)
    return drawn


def plot_history(classifier: DeepPruneClassifier, *, ax: Axes | None = None) -> Axes:
    """Draw training and validation loss by epoch, over all stages.

    Parameters
    ----------
    classifier : DeepPruneClassifier
        Fitted.
    ax : matplotlib Axes, default=None
        By default a new figure.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ImportError
        If matplotlib is not installed.

    Examples
    --------
    >>> from skdeepprune import DeepPruneClassifier
    >>> from skdeepprune.datasets import load_simulated
    >>> from skdeepprune.plots import plot_history
    >>> data = load_simulated(3, n_train=500, n_test=500, random_state=0)
    >>> classifier = DeepPruneClassifier(n_prunings=2, max_iter=5, random_state=0).fit(data.X_train, data.y_train)
    >>> plot_history(classifier).get_ylabel()
    'cross-entropy (nats)'
    """
    history = classifier.history_
    drawn = ax if ax is not None else new_axes(1)[0]
    epochs = range(1, len(history) + 1)
    drawn.plot(epochs, history["loss"], **_TRAINING)
    drawn.plot(epochs, history["val_loss"], **_VALIDATION)
    for n_kernels, rows in history.groupby("n_kernels", sort=False):
        first, last = rows.index[0], rows.index[-1]
        if first > 0:
            drawn.axvline(first + 0.5, color="0.8", linewidth=1, zorder=0)
        drawn.annotate(
            str(n_kernels),
            ((first + last) / 2 + 1, 1),
            xycoords=("data", "axes fraction"),
            xytext=(0, 3),
            textcoords="offset points",
            ha="center",
            fontsize="small",
            color="0.4",
        )
    drawn.set_title("kernels", loc="right", fontsize="small", color="0.4", pad=16)
    drawn.set_xlim(0.5, len(history) + 0.5)
    drawn.set_xlabel("epoch")
    drawn.set_ylabel("cross-entropy (nats)")
    drawn.legend(frameon=False)
    tidy(drawn)
    return drawn
