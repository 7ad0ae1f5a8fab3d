"""Save and load fitted classifiers as files that are safe to open: numbers and JSON, no code."""

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
    """Save a fitted classifier to a file.

    Parameters
    ----------
    classifier : DeepPruneClassifier
        Fitted.
    path : str or path
        An existing file is replaced once the new one is complete. The arrays can be read by any program that reads
        safetensors.

    Warns
    -----
    UserWarning
        If a parameter is a function or a random generator. Files contain no code, so the loaded classifier has the
        default value of that parameter. Its predictions are the same.

    Raises
    ------
    NotFittedError
        If the classifier is not fitted.

    See Also
    --------
    load_model : Load it again.

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
    """Load a classifier saved by `save_model`. No code in the file is executed.

    Parameters
    ----------
    path : str or path

    Returns
    -------
    DeepPruneClassifier
        Fitted; its predictions are bit-identical.

    Raises
    ------
    ValueError
        If the file is damaged, from another program or from a newer version of this one, or contains values that no fit
        produces, such as a NaN weight. The message says which.
    FileNotFoundError
        If the file does not exist.
    """
    source = os.fspath(path)
    arrays, description = unpack(path)
    try:
        return _from_description(arrays, description)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError) as error:
        raise ValueError(
            f"{source} is a model file with a valid checksum, but it does not describe a valid classifier:"
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
        params[name] = _dict_to_pairs(value) if isinstance(value, dict) else _to_python(value)
        try:
            json.dumps(params[name])
        except (TypeError, ValueError):  # not representable in JSON
            del params[name]
            left_out.append(name)
    if left_out:
        warnings.warn(
            f"A model file contains no code and no generators: {', '.join(left_out)} will have the default value when"
            " the model is loaded. Its predictions stay the same.",
            UserWarning,
            stacklevel=3,
        )
    names = getattr(classifier, "feature_names_in_", None)
    return {
        "version": __version__,
        "params": params,
        "left_out": left_out,
        "classes": _classes_to_json(classifier.classes_),
        "classes_dtype": "object" if classifier.classes_.dtype == object else classifier.classes_.dtype.str,
        "engine": classifier.engine_,
        "is_dna": classifier.is_dna_,
        "negatives": classifier.negatives_,
        "n_features_in": getattr(classifier, "n_features_in_", None),
        "feature_names_in": None if names is None else names.tolist(),
        "reverse_complement": bool(classifier.stages_[-1].network.reverse_complement),
        "stages": [
            {
                "numbers": {name: _to_python(getattr(stage, name)) for name in _STAGE_SCALARS},
                "dense_bias": float(stage.network.dense_bias),
                # JSON has no infinity.
                "sharpness": None if np.isinf(stage.network.sharpness) else float(stage.network.sharpness),
                "epochs": [_to_python(list(asdict(epoch).values())) for epoch in stage.epochs],
            }
            for stage in _all_stages(classifier)
        ],
        "n_rejected_stages": len(classifier.rejected_stages_),
    }


def _dict_to_pairs(mapping: dict[Any, Any]) -> dict[str, Any]:
    # JSON keys are strings; class labels need not be.
    return {"pairs": [[_to_python(key), _to_python(value)] for key, value in mapping.items()]}


def _to_python(value: Any) -> Any:
    """Convert NumPy numbers and arrays to Python's, recursively."""
    if isinstance(value, np.ndarray | pd.Series):
        value = value.tolist()
    if isinstance(value, list | tuple | range):
        return [_to_python(item) for item in value]
    if isinstance(value, np.longdouble):
        return float(value)
    return value.item() if isinstance(value, np.generic) else value


def _classes_to_json(classes: NDArray[Any]) -> list[Any]:
    """Represent labels in JSON: times as integers in their unit, long doubles as strings."""
    if classes.dtype.kind in "mM":
        return classes.astype(np.int64).tolist()
    if classes.dtype.type is np.longdouble:
        return [str(label) for label in classes]
    return [_to_python(label) for label in classes.tolist()]


def _classes_from_json(labels: Any, name: str) -> NDArray[Any]:
    if not isinstance(labels, list) or len(labels) != 2 or not all(isinstance(c, str | int | float) for c in labels):
        raise ValueError(f"classes {str(labels)[:80]}; expected two labels")
    if name == "object":
        return np.array(labels, dtype=object)
    # Only the form of `dtype.str`, not the many other spellings that NumPy parses.
    dtype = np.dtype(name if isinstance(name, str) and _LABEL_TYPE.fullmatch(name) else "V")
    if dtype.kind not in "biufUmM" or dtype.itemsize > max(_MAX_LABEL_BYTES, *(4 * len(str(one)) for one in labels)):
        raise ValueError(f"classes of type {name}")
    classes = np.array(labels, dtype=np.int64).astype(dtype) if dtype.kind in "mM" else np.array(labels, dtype=dtype)
    if not classes[0] < classes[1]:
        raise ValueError(f"classes {labels}; expected two labels in ascending order")
    return classes


def _from_description(arrays: dict[str, NDArray[Any]], description: dict[str, Any]) -> DeepPruneClassifier:
    params: dict[str, Any] = {
        name: {key: item for key, item in value["pairs"]} if isinstance(value, dict) else value
        for name, value in description["params"].items()
    }
    # Files written before these parameters existed.
    defaults_of_older_files: dict[str, Any] = {"pooling": "max", "composition": 0}
    params = defaults_of_older_files | params
    classifier = DeepPruneClassifier(**params)
    classifier._validate_params()
    for name, allowed in _ALLOWED_VALUES.items():
        if description[name] not in allowed or type(description[name]) is not type(allowed[0]):
            raise ValueError(f"{name}={description[name]!r}; expected one of {allowed}")
    stages = [_stage(entry, arrays, description["reverse_complement"]) for entry in description["stages"]]
    n_taken = len(stages) - description["n_rejected_stages"]
    if not 0 < n_taken <= len(stages):
        raise ValueError("no stages")
    _check_consistency(stages, n_channels=4 if description["is_dna"] else None)
    classifier.__dict__.update(
        classes_=_classes_from_json(description["classes"], description["classes_dtype"]),
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
    counts = classifier.word_counts_ = arrays.get("word_counts", np.empty((2, 0)))
    n_words = len(stages[-1].network.composition)
    if counts.ndim != 2 or len(counts) != 2 or n_words not in (0, counts.shape[1]):
        raise ValueError(f"word counts of shape {counts.shape} for {n_words} words")
    return classifier


def _stage(entry: dict[str, Any], arrays: dict[str, NDArray[Any]], reverse_complement: bool) -> Stage:
    numbers = {name: entry["numbers"][name] for name in _STAGE_SCALARS}
    prefix = f"stages.{numbers['stage']}."
    # Files written before the composition term existed do not have one.
    arrays = {prefix + "composition": np.empty(0, np.float32)} | arrays
    mine = {name: arrays[prefix + name] for name in _ARRAYS}
    sizes: dict[str, int] = {}
    for name, (axes, dtypes, is_finite) in _ARRAYS.items():
        array = mine[name]
        fits = array.ndim == len(axes) and all(
            sizes.setdefault(axis, n) == n > 0 or axis == "words" for axis, n in zip(axes, array.shape, strict=True)
        )
        if not fits or array.dtype not in dtypes:
            raise ValueError(f"{prefix}{name} is {array.dtype} of shape {array.shape}; it does not match the others")
        if is_finite and not np.isfinite(array).all():
            raise ValueError(f"{prefix}{name} has NaN or infinite values")
    sharpness = np.inf if entry.get("sharpness") is None else _finite_float(entry["sharpness"])
    if sharpness <= 0:
        raise ValueError(f"sharpness {sharpness}; expected a number above 0")
    network = Network(
        kernels=mine["kernels"],
        kernel_bias=mine["kernel_bias"],
        dense_weights=mine["dense_weights"],
        dense_bias=_finite_float(entry["dense_bias"]),
        reverse_complement=reverse_complement,
        sharpness=sharpness,
        composition=mine["composition"],
    )
    if len(network.composition) not in (0, 4**network.word_length):
        raise ValueError(f"composition of {len(network.composition)} words in stage {numbers['stage']}")
    if reverse_complement and sizes["channels"] < 4:
        raise ValueError(f"reverse_complement with {sizes['channels']} channels; expected at least 4")
    if not all(isinstance(number, int | float | None) for number in numbers.values()):
        raise ValueError(f"stage {str(numbers)[:80]}")
    epochs = [Epoch(**dict(zip(_EPOCH_FIELDS, row, strict=True))) for row in entry["epochs"]]
    return Stage(kept=mine["kept"], network=network, importances=mine["importances"], epochs=epochs, **numbers)


def _check_consistency(stages: list[Stage], n_channels: int | None) -> None:
    """Check that the stages belong to one network, each with a subset of the kernels of the one before."""
    first = stages[0]
    before = np.arange(first.n_kernels)
    for number, stage in enumerate(stages):
        shapes = stage.network.kernels.shape[1:], first.network.kernels.shape[1:]
        if stage.stage != number or shapes[0] != shapes[1] or n_channels not in (None, shapes[0][1]):
            raise ValueError(f"stage {stage.stage!r} has kernels of shape {shapes[0]}")
        if len(stage.network.composition) not in (0, len(stages[-1].network.composition)):
            raise ValueError(f"stage {number} has a composition of different size")
        if len(np.unique(stage.kept)) != len(stage.kept) or not np.isin(stage.kept, before).all():
            raise ValueError(f"stage {number} keeps kernels that the stage before does not have")
        before = stage.kept


def _finite_float(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not np.isfinite(value):
        raise ValueError(f"{str(value)[:80]!r}; expected a finite number")
    return float(value)


_ALLOWED_VALUES: dict[str, tuple[Any, ...]] = {
    "engine": ("compiled", "numpy", "tensorflow"),
    "is_dna": (True, False),
    "reverse_complement": (True, False),
    "negatives": ("given", "dinucleotide", "mixed", "renewed"),
}
_FLOAT32 = (np.dtype(np.float32),)
# The arrays of a stage: axes (same name, same length), allowed types, and whether all values must be finite.
_ARRAYS: dict[str, tuple[tuple[str, ...], tuple[Any, ...], bool]] = {
    "kernels": (("kernels", "positions", "channels"), _FLOAT32, True),
    "kernel_bias": (("kernels",), _FLOAT32, True),
    "dense_weights": (("kernels",), _FLOAT32, True),
    "composition": (("words",), _FLOAT32, True),
    "kept": (("kernels",), (np.dtype(np.int64),), True),
    "importances": (("kernels",), (np.dtype(np.float32), np.dtype(np.float64)), False),
}
# Label types. Their size is limited, but a string dtype may be wider than its labels need.
_LABEL_TYPE = re.compile(r"[<>|=][biufUmM]\d{1,12}(\[\w{1,40}\])?", re.ASCII)
_MAX_LABEL_BYTES = 2**16
_EPOCH_FIELDS = [field.name for field in fields(Epoch)]
_STAGE_SCALARS = [field.name for field in fields(Stage) if field.name not in (*_ARRAYS, "network", "epochs")]
