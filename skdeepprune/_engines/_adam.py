"""A step of Adam (Kingma and Ba 2015), as Keras takes it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from skdeepprune._compiling import compiled
from skdeepprune._engines._interface import ADAM_BETA1, ADAM_BETA2, ADAM_EPSILON


@compiled
def adam_step(theta: Any, gradient: Any, moments: Any, learning_rate: float, n_steps: int) -> None:
    """Change `theta` and `moments` by step number `n_steps` of Adam, counted from 1."""
    rate = np.float32(learning_rate * math.sqrt(1 - ADAM_BETA2**n_steps) / (1 - ADAM_BETA1**n_steps))
    first, second = moments
    for j in range(len(theta)):
        slope = gradient[j]
        first[j] += (slope - first[j]) * np.float32(1 - ADAM_BETA1)
        second[j] += (slope * slope - second[j]) * np.float32(1 - ADAM_BETA2)
        theta[j] -= rate * first[j] / (math.sqrt(second[j]) + np.float32(ADAM_EPSILON))
