"""Exponentials and logarithms of many numbers, compiled to vector instructions.

In compiled loops, NumPy's functions are called for one number at a time. Imported on first use, since numba is slow to
load.
"""

from typing import Any

import numpy as np

from skdeepprune._compiling import compiled

_LOG_2 = np.log(2.0)
# log(2) in two parts; the first has few enough digits for exact multiples.
_LOG_2_HIGH = 0.6931471803691238
_LOG_2_LOW = 1.9082149292705877e-10
_MANTISSA_BITS, _EXPONENT_OF_1 = 52, 1023
_HALF_ROOT_BITS = np.float64(np.sqrt(0.5)).view(np.int64)
_MIN, _MAX = np.finfo(np.float64).tiny, np.finfo(np.float64).max
_MAX_EXPONENT = 700.0


@compiled
def take_exponentials(values: Any) -> None:
    """Replace numbers (n,) by their exponentials, to a relative error of 1e-15."""
    out_of_range = False
    for i in range(len(values)):
        out_of_range |= not -_MAX_EXPONENT <= values[i] <= _MAX_EXPONENT
    if out_of_range:
        for i in range(len(values)):
            values[i] = np.exp(values[i])
        return
    for i in range(len(values)):
        # 2^exponent exp(r), with r from -log(2) / 2 to log(2) / 2; exp(r) by its Taylor series.
        exponent = np.floor(values[i] * (1 / _LOG_2) + 0.5)
        r = (values[i] - exponent * _LOG_2_HIGH) - exponent * _LOG_2_LOW
        series = 1 + r * (1 / 10) * (1 + r * (1 / 11) * (1 + r * (1 / 12) * (1 + r * (1 / 13))))
        series = 1 + r * (1 / 6) * (1 + r * (1 / 7) * (1 + r * (1 / 8) * (1 + r * (1 / 9) * series)))
        series = 1 + r * (1 + r * (1 / 2) * (1 + r * (1 / 3) * (1 + r * (1 / 4) * (1 + r * (1 / 5) * series))))
        values[i] = series * np.int64((np.int64(exponent) + _EXPONENT_OF_1) << _MANTISSA_BITS).view(np.float64)


@compiled
def take_logarithms(values: Any) -> None:
    """Replace positive numbers (n,) by their natural logarithms, to 1e-15 (relative, or absolute below 1)."""
    out_of_range = False
    for i in range(len(values)):
        out_of_range |= not _MIN <= values[i] <= _MAX
    if out_of_range:
        for i in range(len(values)):
            values[i] = np.log(values[i])
        return
    for i in range(len(values)):
        # 2^exponent m, with m from sqrt(1/2) to sqrt(2); log m = 2 artanh((m - 1) / (m + 1)) by its series.
        bits = np.float64(values[i]).view(np.int64)
        exponent = (bits - _HALF_ROOT_BITS) >> _MANTISSA_BITS
        m = np.int64(bits - (exponent << _MANTISSA_BITS)).view(np.float64)
        t = (m - 1.0) / (m + 1.0)
        s = t * t
        series = 1 / 15 + s * (1 / 17 + s * (1 / 19))
        series = 1 / 9 + s * (1 / 11 + s * (1 / 13 + s * series))
        series = 1 + s * (1 / 3 + s * (1 / 5 + s * (1 / 7 + s * series)))
        values[i] = exponent * _LOG_2 + 2.0 * t * series
