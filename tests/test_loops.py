"""Every compiled loop against the plain one of `_reference`."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skdeepprune._compiling import STEP
from skdeepprune._engines import _reference
from skdeepprune._engines._compiled import Letters, Words, _empty_aligned
from skdeepprune._engines._dropout import keep_rows
from skdeepprune._engines._logits import loss_and_residuals
from skdeepprune._engines._pool import logarithms, pool_loops
from skdeepprune._engines._scan import scan_loops
from skdeepprune._engines._tables import (
    TABLE_ROWS,
    count_tables,
    fill_cells,
    fill_exponential_cells,
    fill_products,
    fill_tables,
    sum_over_words,
)
from skdeepprune._engines._vectors import LANES
from skdeepprune._engines._word_weights import share_weights
from skdeepprune._engines._words import WORD_NUMBERS
from skdeepprune._network import LETTER_SHARES, Network

CLOSE = {"rtol": 2e-5, "atol": 2e-5}


class Case:
    """Blocks of kernels, sequences, and the room that the loops need."""

    def __init__(self, seed, width, both_strands, with_n):
        rng = np.random.default_rng(seed)
        self.width, self.per_block = width, LANES // (1 + both_strands)
        self.blocks = rng.normal(size=(2, 4 * width + 2, self.per_block)).astype(np.float32)
        codes = rng.integers(0, 4 + with_n, (5, width + rng.integers(0, 20)), dtype=np.uint8)
        if with_n:
            codes[0, width // 2 :] = 4
        self.network = Network.initial(2, width, 4, reverse_complement=both_strands, rng=rng)
        self.data = Letters.of(codes)
        self.letters = [row[:length].tolist() for row, length in zip(self.data.letters, self.data.lengths, strict=True)]
        self.words = Words(self.data, self.network)
        self.words.read(np.arange(5))
        self.known = self.words.with_n, WORD_NUMBERS
        self.n_tables = count_tables(width)
        self.residual = rng.normal(size=5).astype(np.float32)
        self.tables = [_reference.tables_of(_reference.lanes_of(block, LANES)) for block in self.blocks]

    def room(self, dtype=np.float32):
        room = _empty_aligned((self.n_tables, TABLE_ROWS, LANES), dtype)
        room[:] = 0
        return room

    def rows_of(self, tables):
        """Compiled tables in the order of an alphabet of five; NaN for words that nobody asks for."""
        found = tables[:, WORD_NUMBERS].astype(float)
        if not self.words.with_n:
            found[:, WORD_NUMBERS >= 256] = np.nan
        return found

    def windows(self, number, i):
        return _reference.activations(self.tables[number], self.letters[i], self.width)

    def on_strands(self, windows, k):
        """The activations of kernel k on every strand: (windows, strands)."""
        return windows[:, [k] if self.per_block == LANES else [k, k + LANES // 2]]


cases = st.builds(Case, st.integers(0, 2**32), st.sampled_from([1, 3, 4, 6, 8, 13]), st.booleans(), st.booleans())


@settings(max_examples=15)
@given(cases)
def test_tables(case):
    cells, tables = np.zeros((4 * case.n_tables, 5, LANES), np.float32), case.room()
    fill_cells(case.blocks[0], cells)
    np.testing.assert_allclose(cells[: case.width], _reference.lanes_of(case.blocks[0], LANES), rtol=1e-6, atol=1e-6)
    fill_tables(case.blocks[0], *case.known, cells, tables)
    found = case.rows_of(tables)
    np.testing.assert_allclose(found, np.where(np.isnan(found), np.nan, case.tables[0]), **CLOSE)


@settings(max_examples=15)
@given(cases, st.sampled_from([np.float32, np.float64]))
def test_tables_of_exponentials(case, dtype):
    cells, tables = _empty_aligned((2, 4 * case.n_tables, 5, LANES), dtype), case.room(dtype)
    fill_exponential_cells(case.blocks, 0.7, cells)
    fill_products(cells[1], *case.known, tables)
    found = case.rows_of(tables)
    np.testing.assert_allclose(found, np.where(np.isnan(found), np.nan, np.exp(0.7 * case.tables[1])), rtol=1e-5)


@settings(max_examples=15)
@given(cases)
def test_gradient_of_tables(case):
    table_gradient = np.random.default_rng(0).normal(size=(case.n_tables, 625, LANES))
    if not case.words.with_n:
        table_gradient[:, WORD_NUMBERS >= 256] = 0
    compiled, gradient = case.room(), np.empty_like(case.blocks[0])
    compiled[:, WORD_NUMBERS] = table_gradient
    sum_over_words(compiled, *case.known, gradient)
    expected = _reference.cells_gradient(table_gradient, case.width, case.per_block)
    np.testing.assert_allclose(gradient[:-2], expected, rtol=1e-4, atol=1e-3)
    assert not np.nan_to_num(case.rows_of(compiled)).any(), "nothing is left for the next block"


@settings(max_examples=15)
@given(cases)
def test_scan_and_its_gradient(case):
    shape = len(case.blocks), 5, LANES
    best, position = np.empty(shape, np.float32), np.empty(shape, np.int32)
    loops, gradient = scan_loops(case.n_tables), np.empty_like(case.blocks)
    given_words = case.words.words, case.words.n_windows
    nothing_left_out = 0.0, np.zeros(1, np.uint64)
    loops.scan_rows(*given_words, case.blocks, *case.known, *nothing_left_out, case.room(), best, position)
    dense = np.ascontiguousarray(case.blocks[:, -1])
    loops.gradient_by_winners(
        case.words.words, case.residual, *case.known, dense, best, position, case.room(), gradient
    )
    for number, block in enumerate(case.blocks):
        expected = np.zeros((4 * case.width + 2, case.per_block))
        by_tables = np.zeros_like(case.tables[0])
        for i, letters in enumerate(case.letters):
            values, places = _reference.best_windows(case.windows(number, i))
            for k in range(case.per_block):
                other = k + LANES // 2 if case.per_block < LANES else k
                lane = other if best[number, i, k] == -math.inf else k
                assert values[lane] >= max(values[k], values[other]) - 1e-4, "equal, but for rounding"
                score = values[lane] + float(block[-2, k])
                assert best[number, i, lane] == pytest.approx(score, rel=1e-4, abs=1e-4)
                assert lane == other == k or best[number, i, k + other - lane] == -math.inf
                if position[number, i, lane] != places[lane]:  # a tie, but for rounding
                    at = case.windows(number, i)[position[number, i, lane], lane]
                    assert at == pytest.approx(values[lane], abs=1e-4)
                if best[number, i, lane] > 0:
                    slope = float(case.residual[i] * dense[number, k])
                    _reference.add_to_tables(by_tables, letters, int(position[number, i, lane]), lane, slope)
                    expected[-2, k] += slope
                    expected[-1, k] += float(case.residual[i]) * score
        expected[:-2] = _reference.cells_gradient(by_tables, case.width, case.per_block)
        np.testing.assert_allclose(gradient[number], expected, rtol=1e-3, atol=1e-3)


@settings(max_examples=15)
@given(cases, st.sampled_from([np.float32, np.float64]), st.sampled_from([1, 7, 4096]))
def test_pooling_and_its_gradient(case, dtype, n_at_once):
    shape, sharpness = (len(case.blocks), 5, LANES), 0.9
    best, sums = np.empty(shape, np.float32), np.empty(shape)
    cells, room, gradient = (
        np.empty((2, 4 * case.n_tables, 5, LANES), dtype),
        case.room(dtype),
        np.empty_like(case.blocks),
    )
    log_counts = np.log(case.words.n_windows * (LANES // case.per_block))
    given_words, loops = (case.words.words, case.words.n_windows), pool_loops(case.n_tables)
    values = np.empty(5 * LANES)
    for_logarithms = values, values.view(np.int64), np.empty(5 * LANES, np.int64)
    options = log_counts, case.blocks, sharpness, *case.known, 0.0, np.zeros(1, np.uint64)
    loops.pool_rows(*given_words, *options, cells, room, *for_logarithms, sums, best)
    dense, shares = np.ascontiguousarray(case.blocks[:, -1]), np.empty((n_at_once, LANES), np.float32)
    found = case.residual, *case.known, dense, best, sums
    loops.gradient_by_windows(*given_words, *found, cells, room, shares, case.room(), gradient)
    for number, block in enumerate(case.blocks):
        expected, by_tables = np.zeros((4 * case.width + 2, case.per_block)), np.zeros_like(case.tables[0])
        for i, letters in enumerate(case.letters):
            for k in range(case.per_block):
                windows = case.on_strands(case.windows(number, i), k)
                score = _reference.log_mean_exp(windows.ravel(), sharpness) + float(block[-2, k])
                assert best[number, i, k] == pytest.approx(score, rel=1e-4, abs=1e-4)
                if best[number, i, k] <= 0:
                    continue
                slope = float(case.residual[i] * dense[number, k])
                expected[-2, k] += slope
                expected[-1, k] += float(case.residual[i]) * score
                parts = np.reshape(_reference.shares(windows.ravel(), sharpness), windows.shape)
                for (p, strand), share in np.ndenumerate(parts):
                    _reference.add_to_tables(by_tables, letters, p, k + strand * LANES // 2, slope * share)
        expected[:-2] = _reference.cells_gradient(by_tables, case.width, case.per_block)
        np.testing.assert_allclose(gradient[number], expected, rtol=1e-3, atol=1e-3)


def test_logarithms(rng):
    values = np.concatenate([2.0 ** rng.uniform(-1020, 1020, 2000), rng.uniform(0.5, 2, 2000), [1.0, 0.5**0.5, 2**0.5]])
    found = values.copy()
    logarithms(len(found) - 1, found, found.view(np.int64), np.empty(len(found), np.int64))
    np.testing.assert_allclose(found[:-1], np.log(values[:-1]), rtol=4e-9, atol=4e-9)
    assert found[-1] == values[-1]


@pytest.mark.parametrize("dropout", [0.0, 0.3, 0.999])
def test_rows_left_out(dropout):
    kept, state = np.empty(20_000, np.int64), np.array([7], np.uint64)
    rows = kept[: keep_rows(dropout, state, kept)].copy()
    assert len(rows) == pytest.approx((1 - dropout) * 20_000, abs=4 * math.sqrt(20_000 * dropout * (1 - dropout)))
    assert (np.diff(rows) > 0).all()
    if dropout:
        # A thread that begins with a later block begins to count where the others will have counted to.
        later = np.array([(7 + 5_000 * int(STEP)) % 2**64], np.uint64)
        rest = kept[: keep_rows(dropout, later, kept[:15_000])]
        np.testing.assert_array_equal(rest + 5_000, rows[rows >= 5_000])


def test_loss_and_residual(rng):
    best = rng.normal(size=(2, 6, LANES)).astype(np.float32)
    best[0, 2] = -np.inf
    dense, word_sums = rng.normal(size=(2, LANES)).astype(np.float32), rng.normal(size=6)
    y, weight, rows = (
        rng.integers(0, 2, 9).astype(np.float32),
        rng.uniform(0, 2, 9).astype(np.float32),
        np.arange(6) + 2,
    )
    residual, by_bias = np.empty(6, np.float32), np.empty(1, np.float32)
    loss = loss_and_residuals(best, dense, 0.3, y, weight, rows, 6, word_sums, residual, by_bias)
    logits = np.einsum("bil,bl->i", np.maximum(best, 0), dense) + word_sums + 0.3
    pairs = [_reference.loss_and_residual(z, y[row], weight[row]) for z, row in zip(logits, rows, strict=True)]
    assert loss == pytest.approx(sum(one for one, _ in pairs), rel=1e-5)
    np.testing.assert_allclose(residual, [slope / 6 for _, slope in pairs], rtol=1e-4, atol=1e-6)
    assert by_bias[0] == pytest.approx(residual.sum(), abs=1e-6)


@pytest.mark.parametrize("n_letters", [1, 2, 3, 4])
def test_words_share_their_weights(rng, n_letters):
    trained, weights = rng.normal(size=(2, 4**n_letters)).astype(np.float32)
    own, other = float(LETTER_SHARES[0, 0]), float(LETTER_SHARES[0, 1])
    share_weights(trained, own, other, weights)
    np.testing.assert_allclose(weights, _reference.shared_weights(trained, own, other), atol=1e-5)


@settings(max_examples=30)
@given(st.integers(0, 2**32), st.integers(1, 6), st.booleans())
def test_sums_of_words(seed, n_letters, with_n):
    from skdeepprune._engines._compiled import word_sums

    rng = np.random.default_rng(seed)
    network = Network.initial(1, 4, 4, reverse_complement=False, rng=rng, word_length=n_letters)
    network.composition[:] = rng.normal(size=4**n_letters)
    codes = rng.integers(0, 4 + with_n, (3, 12), dtype=np.uint8)
    data = Letters.of(codes)
    letters = [row[:length].tolist() for row, length in zip(data.letters, data.lengths, strict=True)]
    expected = [_reference.composition_sum(network.composition, row, n_letters) for row in letters]
    np.testing.assert_allclose(word_sums(network, codes), expected, rtol=1e-4, atol=1e-4)
