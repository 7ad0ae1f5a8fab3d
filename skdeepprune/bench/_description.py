"""Estimators and their parameters as plain data, to be written, compared and hashed."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

# They affect how the result is computed, not the result.
_WITHOUT_INFLUENCE = {"n_jobs", "verbose"}


def describe(value: Any) -> Any:
    """Describe a parameter, or an estimator with its parameters, in JSON types.

    Parameters
    ----------
    value : object
        Values that JSON does not support are described by `repr`, without memory addresses.

    Returns
    -------
    None, bool, int, float, str, list or dict

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> describe((LogisticRegression(), len))[0]["class"]
    'sklearn.LogisticRegression'
    """
    if hasattr(value, "get_params") and not inspect.isclass(value):
        parameters = value.get_params(deep=False).items()
        return {"class": _name(type(value))} | {
            name: describe(item) for name, item in sorted(parameters) if name not in _WITHOUT_INFLUENCE
        }
    if isinstance(value, Mapping):
        return {str(key): describe(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [describe(item) for item in value]
    if isinstance(value, set | frozenset):
        return sorted(map(describe, value), key=str)
    if isinstance(value, np.ndarray | np.generic):
        return describe(value.tolist())
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if inspect.isroutine(value) or inspect.isclass(value):
        return _name(value)
    return re.sub(r" at 0x[0-9a-f]+", "", repr(value))


def changed_parameters(estimator: Any) -> dict[str, Any]:
    """Describe the non-default parameters, except `random_state`, which the seed determines.

    Parameters
    ----------
    estimator : estimator

    Returns
    -------
    dict
        Nested estimators are described in the same way.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> changed_parameters(make_pipeline(LogisticRegression(C=0.5, random_state=3)))
    {'steps': [['logisticregression', {'class': 'sklearn.LogisticRegression', 'C': 0.5}]]}
    """
    defaults = {
        name: parameter.default for name, parameter in inspect.signature(type(estimator).__init__).parameters.items()
    }
    return {
        name: _briefly(value)
        for name, value in sorted(estimator.get_params(deep=False).items())
        if name not in _WITHOUT_INFLUENCE | {"random_state"} and describe(value) != describe(defaults.get(name))
    }


def _briefly(value: Any) -> Any:
    if hasattr(value, "get_params") and not inspect.isclass(value):
        return {"class": _name(type(value))} | changed_parameters(value)
    if isinstance(value, list | tuple):
        return [_briefly(item) for item in value]
    return describe(value)


def _name(thing: Any) -> str:
    """Name a class or function by its package; the module within it is an implementation detail."""
    package = str(getattr(thing, "__module__", None) or "").partition(".")[0]
    return f"{package}.{thing.__qualname__}".lstrip(".")
