"""Validation of estimator parameters, with scikit-learn's error messages."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import Any, ClassVar, Literal

import numpy as np
from scipy.sparse import issparse

_MAX_SHOWN = 200


class InvalidParameterError(ValueError, TypeError):
    """A parameter has the wrong type or value."""


@dataclass(frozen=True)
class Allowed:
    """A constraint on a parameter, and its description in errors.

    Examples
    --------
    >>> print(interval(Integral, 1, None, closed="left"), "|", options("max", "mean"), "|", instance_of(dict))
    an int in the range [1, inf) | a str among {'max', 'mean'} | an instance of 'dict'
    """

    accepts: Callable[[Any], bool]
    name: str

    def __str__(self) -> str:
        return self.name


def interval(
    kind: type, low: float, high: float | None, *, closed: Literal["left", "right", "both", "neither"]
) -> Allowed:
    """Allow numbers (Integral or Real) between two bounds, the upper one optional; never NaN."""
    top = np.inf if high is None else high
    has_low, has_high = closed in ("left", "both"), closed in ("right", "both")

    def accepts(value: Any) -> bool:
        if not isinstance(value, kind):
            return False
        number: Any = value
        try:
            float(number)
        except OverflowError:
            return False
        return bool((low <= number if has_low else low < number) and (number <= top if has_high else number < top))

    bounds = (str(low), str(top)) if kind is Integral else (str(float(low)), str(float(top)))
    what = "an int" if kind is Integral else "a float"
    return Allowed(
        accepts, f"{what} in the range {'[' if has_low else '('}{', '.join(bounds)}{']' if has_high else ')'}"
    )


def options(*names: str) -> Allowed:
    """Allow some strings."""
    return Allowed(
        lambda value: isinstance(value, str) and value in names, f"a str among {{{', '.join(map(repr, names))}}}"
    )


def instance_of(kind: type) -> Allowed:
    """Allow the instances of a type."""
    if kind is Integral:
        name = "int"
    else:
        name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    return Allowed(lambda value: isinstance(value, kind), f"an instance of {name!r}")


def _is_array_like(value: Any) -> bool:
    is_one = any(hasattr(value, name) for name in ("__len__", "shape", "__array__"))
    return is_one and not issparse(value) and not np.isscalar(value)


NONE = Allowed(lambda value: value is None, "None")
CALLABLE = Allowed(callable, "a callable")
ARRAY_LIKE = Allowed(_is_array_like, "an array-like")
BOOLEAN = instance_of(bool), instance_of(np.bool_)
VERBOSE = interval(Integral, 0, None, closed="left"), *BOOLEAN
RANDOM_STATE = (
    interval(Integral, 0, 2**32 - 1, closed="both"),
    instance_of(np.random.RandomState),
    NONE,
    instance_of(np.random.Generator),
)


class CheckedParametersMixin:
    """Makes scikit-learn's `_fit_context` validate parameters by `_allowed_parameters`."""

    _allowed_parameters: ClassVar[Mapping[str, Sequence[Allowed]]]

    def _validate_params(self) -> None:
        """Check all parameters; scikit-learn calls this before `fit`, unless configured to skip it."""
        for parameter, allowed in self._allowed_parameters.items():
            value = getattr(self, parameter)
            if not any(one.accepts(value) for one in allowed):
                *others, last = map(str, allowed)
                text = repr(value)
                text = text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]} ..."
                expected = f"{', '.join(others)} or {last}" if others else last
                raise InvalidParameterError(
                    f"The {parameter!r} parameter of {type(self).__name__} must be {expected}. Got {text} instead."
                )
