"""Fitted classifiers in files that are safe to open: numbers and JSON, no code."""

from __future__ import annotations

import json
import os
import re
import warnings
from dataclasses import asdict, fields
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from skdeepprune._classifier import DeepPruneClassifier
from skdeepprune._model_layout import pack, unpack
from skdeepprune._network import Network
from skdeepprune._training import Epoch, Stage
from skdeepprune._version import __version__
from skdeepprune._writing import replacing


def save_model(classifier: DeepPruneClassifier, path: str | os.PathLike[str]) -> None:
    """Write a fitted classifier into a file.

    Parameters
    ----------
    classifier : DeepPruneClassifier
        Fitted.
    path : str or path
        Overwritten once the new file is complete. Any program that reads safetensors can read the arrays.

    Warns
    -----
    UserWarning
        If a parameter is a function or a random generator. Files hold no code, so the loaded classifier has the
        parameter's default. It predicts the same.

    Raises
    ------
    NotFittedError
        If the classifier is not fitted.

    See Also
    --------
    load_model : Read it back.

    Examples
    --------
    >>> import tempfile
    >>> from skdeepprune import DeepPruneClassifier
    >>> from skdeepprune.datasets import load_simulated
    >>> data = load_simulated(3, n_train=500, n_test=500, random_state=0)
    >>> classifier = DeepPruneClassifier(n_prunings=2, max_iter=5, random_state=0).fit(data.X_train, data.y_train)
    >>> with tempfile.NamedTemporaryFile(suffix=".safetensors") as file:
    ...     save_model(classifier, file.name)
    ...     loaded = load_model(file.name)
    >>> bool((loaded.predict_proba(data.X_test) == classifier.predict_proba(data.X_test)).all())
    True
    """
    check_is_fitted(classifier)
    arrays: dict[str, NDArray[Any]] = {"word_counts": classifier.word_counts_}
    for stage in _all_stages(classifier):
        arrays.update({f"stages.{stage.stage}.{name}": array for name, array in _arrays_of(stage).items()})
    content = pack(arrays, json.dumps(_description(classifier), sort_keys=True))
    with replacing(path) as part:
        part.write_bytes(content)


def load_model(path: str | os.PathLike[str]) -> DeepPruneClassifier:
    """Read a classifier that `save_model` wrote. Nothing in the file is run.

    Parameters
    ----------
    path : str or path

    Returns
    -------
    DeepPruneClassifier
        Fitted; it predicts the same to the bit.

    Raises
    ------
    ValueError
        If the file is damaged, of another program, or of a newer version of this one, or holds what no fit gives, such
        as a weight that is not a number. The message says which.
    FileNotFoundError
        If there is no such file.
    """
    source = os.fspath(path)
    arrays, description = unpack(path)
    try:
        return _rebuilt(arrays, description)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError) as error:
        raise ValueError(
            f"{source} is a model file whose checksum is right, but what it describes is no classifier:"
            f" {type(error).__name__} {str(error)[:500]}. Save the model again."
        ) from error


def _all_stages(classifier: DeepPruneClassifier) -> list[Stage]:
    return [*classifier.stages_, *classifier.rejected_stages_]


def _arrays_of(stage: Stage) -> dict[str, NDArray[Any]]:
    network = stage.network
    return {
        "kernels": network.kernels,
        "kernel_bias": network.kernel_bias,
        "dense_weights": network.dense_weights,
        "composition": network.composition,
        "kept": stage.kept,
        "importances": stage.importances if stage.importances.dtype.kind == "f" else stage.importances.astype(float),
    }


def _description(classifier: DeepPruneClassifier) -> dict[str, Any]:
    params, left_out = {}, []
    for name, value in classifier.get_params(deep=False).items():
        if callable(value) or isinstance(value, np.random.Generator | np.random.RandomState):
            left_out.append(name)
            continue
        params[name] = _pairs(value) if isinstance(value, dict) else _plain(value)
        try:
            json.dumps(params[name])
        except (TypeError, ValueError):  # of a type that JSON does not have
            del params[name]
            left_out.append(name)
    if left_out:
        warnings.warn(
            f"A model file holds no code and no generators: {', '.join(left_out)} will have the default value when the"
            " model is loaded. What it predicts stays the same.",
            UserWarning,
            stacklevel=3,
        )
    names = getattr(classifier, "feature_names_in_", None)
    return {
        "version": __version__,
        "params": params,
        "left_out": left_out,
        "classes": _written_classes(classifier.classes_),
        "classes_dtype": "object" if classifier.classes_.dtype == object else classifier.classes_.dtype.str,
        "engine": classifier.engine_,
        "is_dna": classifier.is_dna_,
        "negatives": classifier.negatives_,
        "n_features_in": getattr(classifier, "n_features_in_", None),
        "feature_names_in": None if names is None else names.tolist(),
        "reverse_complement": bool(classifier.stages_[-1].network.reverse_complement),
        "stages": [
            {
                "numbers": {name: _plain(getattr(stage, name)) for name in _STAGE_NUMBERS},
                "dense_bias": float(stage.network.dense_bias),
                # JSON has no infinity.
                "sharpness": None if np.isinf(stage.network.sharpness) else float(stage.network.sharpness),
                "epochs": [_plain(list(asdict(epoch).values())) for epoch in stage.epochs],
            }
            for stage in _all_stages(classifier)
        ],
        "n_rejected_stages": len(classifier.rejected_stages_),
    }


def _pairs(mapping: dict[Any, Any]) -> dict[str, Any]:
    # The keys of JSON are strings, class labels need not be.
    return {"pairs": [[_plain(key), _plain(value)] for key, value in mapping.items()]}


def _plain(value: Any) -> Any:
    """Turn NumPy's numbers and arrays into Python's, also within lists."""
    if isinstance(value, np.ndarray | pd.Series):
        value = value.tolist()
    if isinstance(value, list | tuple | range):
        return [_plain(item) for item in value]
    if isinstance(value, np.longdouble):
        return float(value)
    return value.item() if isinstance(value, np.generic) else value


def _written_classes(classes: NDArray[Any]) -> list[Any]:
    """Write labels as JSON: those that it does not have as counts of their unit, or as text."""
    if classes.dtype.kind in "mM":
        return classes.astype(np.int64).tolist()
    if classes.dtype.type is np.longdouble:
        return [str(label) for label in classes]
    return [_plain(label) for label in classes.tolist()]


def _read_classes(written: Any, name: str) -> NDArray[Any]:
    if not isinstance(written, list) or len(written) != 2 or not all(isinstance(c, str | int | float) for c in written):
        raise ValueError(f"classes {str(written)[:80]}; expected two labels")
    if name == "object":
        return np.array(written, dtype=object)
    # What `dtype.str` gives, and no other of the many spellings that NumPy parses.
    dtype = np.dtype(name if isinstance(name, str) and _LABEL_TYPE.fullmatch(name) else "V")
    if dtype.kind not in "biufUmM" or dtype.itemsize > max(_LONGEST_LABEL, *(4 * len(str(label)) for label in written)):
        raise ValueError(f"classes of type {name}")
    classes = np.array(written, dtype=np.int64).astype(dtype) if dtype.kind in "mM" else np.array(written, dtype=dtype)
    if not classes[0] < classes[1]:
        raise ValueError(f"classes {written}; expected two labels in their order")
    return classes


def _rebuilt(arrays: dict[str, NDArray[Any]], description: dict[str, Any]) -> DeepPruneClassifier:
    params: dict[str, Any] = {
        name: {key: item for key, item in value["pairs"]} if isinstance(value, dict) else value
        for name, value in description["params"].items()
    }
    # Files from before there was another one.
    older: dict[str, Any] = {"pooling": "max", "composition": 0}
    params = older | params
    classifier = DeepPruneClassifier(**params)
    classifier._validate_params()
    for name, possible in _POSSIBLE.items():
        if description[name] not in possible or type(description[name]) is not type(possible[0]):
            raise ValueError(f"{name}={description[name]!r}; expected one of {possible}")
    stages = [_stage(entry, arrays, description["reverse_complement"]) for entry in description["stages"]]
    n_taken = len(stages) - description["n_rejected_stages"]
    if not 0 < n_taken <= len(stages):
        raise ValueError("no stages")
    _check_together(stages, n_channels=4 if description["is_dna"] else None)
    classifier.__dict__.update(
        classes_=_read_classes(description["classes"], description["classes_dtype"]),
        stages_=stages[:n_taken],
        rejected_stages_=stages[n_taken:],
        engine_=description["engine"],
        is_dna_=description["is_dna"],
        negatives_=description["negatives"],
    )
    if description["n_features_in"] is not None:
        classifier.n_features_in_ = description["n_features_in"]
    if description["feature_names_in"] is not None:
        classifier.feature_names_in_ = np.array(description["feature_names_in"], dtype=object)
    n_words = len(stages[0].network.composition)
    classifier.word_counts_ = arrays.get("word_counts", np.empty((2, 0)))
    if classifier.word_counts_.shape != (2, n_words):
        raise ValueError(f"word counts of shape {classifier.word_counts_.shape} for {n_words} words")
    return classifier


def _stage(entry: dict[str, Any], arrays: dict[str, NDArray[Any]], reverse_complement: bool) -> Stage:
    numbers = {name: entry["numbers"][name] for name in _STAGE_NUMBERS}
    prefix = f"stages.{numbers['stage']}."
    # Files from before there was a composition have none.
    arrays = {prefix + "composition": np.empty(0, np.float32)} | arrays
    mine = {name: arrays[prefix + name] for name in _ARRAYS}
    sizes: dict[str, int] = {}
    for name, (axes, dtypes, is_finite) in _ARRAYS.items():
        array = mine[name]
        fits = array.ndim == len(axes) and all(
            sizes.setdefault(axis, n) == n > 0 or axis == "words" for axis, n in zip(axes, array.shape, strict=True)
        )
        if not fits or array.dtype not in dtypes:
            raise ValueError(f"{prefix}{name} is {array.dtype} of shape {array.shape}; it does not fit the others")
        if is_finite and not np.isfinite(array).all():
            raise ValueError(f"{prefix}{name} holds what is not a finite number")
    sharpness = np.inf if entry.get("sharpness") is None else _real(entry["sharpness"])
    if sharpness <= 0:
        raise ValueError(f"sharpness {sharpness}; expected a number above 0")
    network = Network(
        kernels=mine["kernels"],
        kernel_bias=mine["kernel_bias"],
        dense_weights=mine["dense_weights"],
        dense_bias=_real(entry["dense_bias"]),
        reverse_complement=reverse_complement,
        sharpness=sharpness,
        composition=mine["composition"],
    )
    if len(network.composition) not in (0, 4**network.word_length):
        raise ValueError(f"composition of {len(network.composition)} words in stage {numbers['stage']}")
    if reverse_complement and sizes["channels"] < 4:
        raise ValueError(f"two strands of {sizes['channels']} channels")
    if not all(isinstance(number, int | float | None) for number in numbers.values()):
        raise ValueError(f"stage {str(numbers)[:80]}")
    epochs = [Epoch(**dict(zip(_EPOCH_FIELDS, row, strict=True))) for row in entry["epochs"]]
    return Stage(kept=mine["kept"], network=network, importances=mine["importances"], epochs=epochs, **numbers)


def _check_together(stages: list[Stage], n_channels: int | None) -> None:
    """See that the stages are those of one network, each with some of the kernels of the one before."""
    first = stages[0]
    before = np.arange(first.n_kernels)
    for number, stage in enumerate(stages):
        shapes = stage.network.kernels.shape[1:], first.network.kernels.shape[1:]
        if stage.stage != number or shapes[0] != shapes[1] or n_channels not in (None, shapes[0][1]):
            raise ValueError(f"stage {stage.stage!r} has kernels of shape {shapes[0]}")
        if len(stage.network.composition) != len(first.network.composition):
            raise ValueError(f"stage {number} has another composition")
        if len(np.unique(stage.kept)) != len(stage.kept) or not np.isin(stage.kept, before).all():
            raise ValueError(f"stage {number} keeps kernels that were not there")
        before = stage.kept


def _real(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not np.isfinite(value):
        raise ValueError(f"{str(value)[:80]!r}; expected a finite number")
    return float(value)


_POSSIBLE: dict[str, tuple[Any, ...]] = {
    "engine": ("compiled", "numpy", "tensorflow"),
    "is_dna": (True, False),
    "reverse_complement": (True, False),
    "negatives": ("given", "dinucleotide", "mixed", "renewed"),
}
_FLOAT32 = (np.dtype(np.float32),)
# Of every array of a stage its axes (equal names, equal lengths), its types, and whether all is finite in any fit.
_ARRAYS: dict[str, tuple[tuple[str, ...], tuple[Any, ...], bool]] = {
    "kernels": (("kernels", "positions", "channels"), _FLOAT32, True),
    "kernel_bias": (("kernels",), _FLOAT32, True),
    "dense_weights": (("kernels",), _FLOAT32, True),
    "composition": (("words",), _FLOAT32, True),
    "kept": (("kernels",), (np.dtype(np.int64),), True),
    "importances": (("kernels",), (np.dtype(np.float32), np.dtype(np.float64)), False),
}
# Bytes of a label; the type is that of `y`, which may have room for more than its labels need.
_LABEL_TYPE = re.compile(r"[<>|=][biufUmM]\d{1,12}(\[\w{1,40}\])?", re.ASCII)
_LONGEST_LABEL = 2**16
_EPOCH_FIELDS = [field.name for field in fields(Epoch)]
_STAGE_NUMBERS = [field.name for field in fields(Stage) if field.name not in (*_ARRAYS, "network", "epochs")]
