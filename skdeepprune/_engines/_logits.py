"""From the scores of blocks to log-odds, loss and what the loss asks of every log-odds; and to scores by kernel."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from skdeepprune._compiling import compiled
from skdeepprune._engines._vectors import LANES, in_all_lanes, lanes_at, pick, put_lanes


@compiled
def take_winners(
    lane_best: Any, lane_position: Any, kernels_per_block: int, best: Any, position: Any, reverse: Any
) -> None:
    """Write a scan by lanes as one by kernels, of shape (n_rows, K)."""
    n_rows, n_kernels = best.shape
    for number in range(len(lane_best)):
        first = number * kernels_per_block
        for i in range(n_rows):
            for lane in range(min(kernels_per_block, n_kernels - first)):
                other = lane + LANES - kernels_per_block
                is_reverse = lane_best[number, i, other] > lane_best[number, i, lane]
                winner = other if is_reverse else lane
                best[i, first + lane] = lane_best[number, i, winner]
                position[i, first + lane] = lane_position[number, i, winner]
                reverse[i, first + lane] = is_reverse


@compiled
def take_pooled(lane_best: Any, kernels_per_block: int, pooled: Any) -> None:
    """Write what blocks pooled by kernels, of shape (n_rows, K)."""
    n_rows, n_kernels = pooled.shape
    for number in range(len(lane_best)):
        first = number * kernels_per_block
        n_here = min(kernels_per_block, n_kernels - first)
        for i in range(n_rows):
            given, row = lane_best[number, i], pooled[i]
            for lane in range(n_here):
                row[first + lane] = max(given[lane], given[lane + LANES - kernels_per_block])


@compiled
def loss_and_residuals(
    best: Any,
    dense: Any,
    dense_bias: float,
    y: Any,
    sample_weight: Any,
    rows: Any,
    n_rows: int,
    composition: Any,
    residual: Any,
    by_bias: Any,
) -> float:
    """Write the derivative of the loss, summed over `rows` and divided by `n_rows`, by every logit; return the sum.

    And to `by_bias` the derivative by the dense bias. `composition` holds what a logit has besides the kernels.
    """
    n_blocks, per_block = dense.shape
    products, weights = np.zeros((len(rows), LANES), np.float32), np.empty((1, LANES), np.float32)
    zero = in_all_lanes(np.float32(0))
    for number in range(n_blocks):
        for lane in range(LANES):
            weights[0, lane] = dense[number, lane % per_block]
        weight = lanes_at(weights, 0)
        for i in range(len(rows)):
            score = lanes_at(best, number * len(rows) + i)
            # Not the other way round: what is not a number stays so.
            score = pick(zero > score, zero, score)
            put_lanes(products, i, lanes_at(products, i) + weight * score)
    loss, total = 0.0, np.float32(0)
    for i in range(len(rows)):
        z = np.float64(dense_bias) + composition[i]
        for lane in range(LANES):
            z += products[i, lane]
        label, weight_of_row = y[rows[i]], sample_weight[rows[i]]
        tail = math.exp(-abs(z))
        loss += weight_of_row * (max(z, 0.0) - z * label + math.log1p(tail))
        probability = 1 / (1 + tail) if z >= 0 else tail / (1 + tail)
        residual[i] = weight_of_row * (probability - label) / n_rows
        total += residual[i]
    by_bias[0] = total
    return loss
