"""The loops of the compiled engine: scan, gradient and Adam over DNA words, compiled by numba on first use.

A word is three letters (A, C, G, T or N) that follow each other, numbered 0 to 124 and so one byte; a word starts at
each position of a sequence. A kernel of W positions becomes ceil(W / 3) tables with the sum of its cells for every
word. Then a window costs W / 3 look-ups and additions instead of 4 W multiplications, and N needs no case of its own:
its cell is the mean of the four others.

Kernels go in blocks of LANES side by side, one to a vector lane. The tables of a block stay in the level-1 cache, and
the running maximum and its position in registers, while all sequences of a batch pass by. With both strands the second
half of the lanes holds the reverse complements of the first.

Log-mean-exp pooling takes no exponential of a window: that of a sum over tables is a product over tables of
exponentials. So a window costs a few times what it does under the maximum, not tens of times.

The gradient goes the way back: a positive score adds its derivative to the words of its one best window, or, pooled, to
those of every window by its share, and the tables sum up into the cells. Every sum has one order, which depends on
neither batch nor thread.

Composition words have up to six letters, so that two of the bytes make the number of one, in an alphabet of five.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core.cgutils import for_range
from numba.extending import intrinsic

from skdeepprune._compiling import compiled, random_unit
from skdeepprune._engines._interface import ADAM_BETA1, ADAM_BETA2, ADAM_EPSILON

WORD_LETTERS = 3
N_WORDS = 5**WORD_LETTERS
# The first word whose first letter is N.
_FIRST_UNKNOWN = 4 * 5 ** (WORD_LETTERS - 1)
LANES = 8
_MOST_UNROLLED_TABLES = 12
_WINDOWS_TOGETHER = 2 * WORD_LETTERS
# Windows whose exponentials are summed in float32, before their sums are in float64.
_WINDOWS_SUMMED = 256
_UNSIGNED = np.uint64
_INDEX = ir.IntType(64)
_FLOATS = ir.VectorType(ir.FloatType(), LANES)
_INTS = ir.VectorType(ir.IntType(32), LANES)


def _best_window(typing_context, tables, n_tables, words, start, n_windows, best, position, lane):  # type: ignore[no-untyped-def]
    """Write the best window of a sequence, and its position, to `best` and `position` from `lane` on."""

    def emit(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        data = partial(_pointer, context, builder, signature, arguments)
        lane = arguments[7]
        results = data(5, lane, _FLOATS), data(6, lane, _INTS)

        def compare(p: Any, is_new: Any, total: Any, kept: list[Any]) -> list[Any]:
            best, where = kept
            better = builder.fcmp_ordered(">", total, best)
            here = _splat(builder, builder.trunc(p, _INTS.element))
            return [builder.select(better, total, best), builder.select(better, here, where)]

        def finish(kept: list[Any]) -> None:
            for value, result in zip(kept, results, strict=True):
                builder.store(value, result, align=4)

        firsts = [_FLOATS([-math.inf] * LANES), _INTS([0] * LANES)]
        _emit_windows(builder, data, arguments, (_FLOATS, builder.fadd, -0.0), firsts, compare, finish)
        return context.get_dummy_value()

    return types.void(tables, n_tables, words, start, n_windows, best, position, lane), emit


_scan_windows: Any = intrinsic(_best_window)  # Any, because a call leaves the typing context out


def _sum_of_products(typing_context, tables, n_tables, words, start, n_windows, total):  # type: ignore[no-untyped-def]
    """Write to `total` the sum over a sequence's windows of the product over tables."""

    def emit(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        data = partial(_pointer, context, builder, signature, arguments)
        vector = _vector_of(context, signature.args[0])
        nothing = vector([0.0] * LANES)

        def add(p: Any, is_new: Any, product: Any, kept: list[Any]) -> list[Any]:
            return [builder.fadd(kept[0], builder.select(is_new, product, nothing))]

        def finish(kept: list[Any]) -> None:
            builder.store(kept[0], data(5, _INDEX(0), vector), align=4)

        _emit_windows(builder, data, arguments, (vector, builder.fmul, 1.0), [nothing], add, finish)
        return context.get_dummy_value()

    return types.void(tables, n_tables, words, start, n_windows, total), emit


_sum_products: Any = intrinsic(_sum_of_products)


def _scaled_products(typing_context, tables, n_tables, words, start, n_windows, factor, products, first):  # type: ignore[no-untyped-def]
    """Write for every window of a sequence factor * (product over tables) to the rows of `products` from `first` on."""

    def emit(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        data = partial(_pointer, context, builder, signature, arguments)
        vector = _vector_of(context, signature.args[0])
        factor = builder.load(data(5, _INDEX(0), vector), align=4)
        rows = builder.gep(data(6, _INDEX(0), _FLOATS), [arguments[7]])

        def write(p: Any, is_new: Any, product: Any, kept: list[Any]) -> list[Any]:
            value = builder.fmul(product, factor)
            value = value if vector == _FLOATS else builder.fptrunc(value, _FLOATS)
            builder.store(value, builder.gep(rows, [p]), align=4)
            return []

        _emit_windows(builder, data, arguments, (vector, builder.fmul, 1.0), [], write, lambda kept: None)
        return context.get_dummy_value()

    return types.void(tables, n_tables, words, start, n_windows, factor, products, first), emit


_write_products: Any = intrinsic(_scaled_products)


def _vector_of(context: Any, array: Any) -> Any:
    return ir.VectorType(context.get_value_type(array.dtype), LANES)


def _pointer(
    context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any, i: int, offset: Any, element: Any
) -> Any:
    """Point to where array argument `i` has its entry number `offset`, read as `element`."""
    pointer = context.make_array(signature.args[i])(context, builder, arguments[i]).data
    return builder.bitcast(builder.gep(pointer, [offset]), element.as_pointer())


def _emit_windows(
    builder: ir.IRBuilder,
    data: Callable[..., Any],
    arguments: Any,
    over_tables: tuple[Any, Callable[..., Any], float],
    firsts: list[Any],
    visit: Callable[[Any, Any, Any, list[Any]], list[Any]],
    finish: Callable[[list[Any]], None],
) -> None:
    """Emit `visit` for all windows of a sequence: position, whether it is new, sum over tables, what to keep so far.

    Vector code, instead of leaving it to the compiler to find: what is kept stays in registers, the sum over tables (or
    product: `over_tables` is a vector's type, what combines two, and what changes nothing) is unrolled, and windows
    three letters apart share the look-up of their words. The arguments begin with the tables, their number, the words,
    where the sequence starts in them, and its number of windows.
    """
    vector, combine, neutral = over_tables
    n_tables, start, n_windows = (arguments[i] for i in (1, 3, 4))
    tables, words = data(0, _INDEX(0), vector), data(2, start, ir.IntType(8))

    def word_at(p: Any, letters: Any) -> Any:
        return builder.zext(builder.load(builder.gep(words, [builder.add(p, letters)])), _INDEX)

    def row(table: Any, word: Any) -> Any:
        at = builder.add(word, builder.mul(table, _INDEX(N_WORDS)))
        return builder.load(builder.gep(tables, [at]), align=4)

    def sums_unrolled(p: Any, n: int) -> list[Any]:
        sums: list[Any] = [None] * _WINDOWS_TOGETHER
        for j in range(n + 1):
            for phase in range(WORD_LETTERS):
                word = word_at(p, _INDEX(phase + WORD_LETTERS * j))
                for window, t in ((phase, j), (phase + WORD_LETTERS, j - 1)):
                    if 0 <= t < n:
                        value = row(_INDEX(t), word)
                        sums[window] = combine(sums[window], value) if t else value
        return sums

    def sums_by_loop(p: Any) -> list[Any]:
        before, loop, after = builder.block, builder.append_basic_block(), builder.append_basic_block()
        builder.branch(loop)
        builder.position_at_end(loop)
        t, so_far = builder.phi(_INDEX), builder.phi(vector)
        total = combine(so_far, row(t, word_at(p, builder.mul(t, _INDEX(WORD_LETTERS)))))
        t_next = builder.add(t, _INDEX(1))
        for phi, first, following in ((t, _INDEX(0), t_next), (so_far, vector([neutral] * LANES), total)):
            phi.add_incoming(first, before)
            phi.add_incoming(following, loop)
        builder.cbranch(builder.icmp_signed("<", t_next, n_tables), loop, after)
        builder.position_at_end(after)
        return [total]

    def windows(n_together: int, sums_at: Callable[[Any], list[Any]]) -> Any:
        """Emit a loop over all windows, `n_together` at a time; return its first block."""
        before, loop, after = (builder.append_basic_block() for _ in range(3))
        builder.position_at_end(before)
        last = builder.sub(n_windows, _INDEX(n_together))
        builder.branch(loop)
        builder.position_at_end(loop)
        p, n_met, *phis = [builder.phi(_INDEX), builder.phi(_INDEX), *(builder.phi(first.type) for first in firsts)]
        kept: list[Any] = list(phis)
        for window, total in enumerate(sums_at(p)):
            here = builder.add(p, _INDEX(window))
            kept = visit(here, builder.icmp_signed(">=", here, n_met), total, kept)
        # The last turn may meet some windows for the second time.
        following_p = builder.add(p, _INDEX(n_together))
        p_next = builder.select(builder.icmp_signed("<", following_p, last), following_p, last)
        starts = _INDEX(0), _INDEX(0), *firsts
        for phi, first, following in zip((p, n_met, *phis), starts, (p_next, following_p, *kept), strict=True):
            phi.add_incoming(first, before)
            phi.add_incoming(following, builder.block)
        builder.cbranch(builder.icmp_signed("<", p, last), loop, after)
        builder.position_at_end(after)
        finish(kept)
        builder.branch(done)
        return before

    entry, done = builder.block, builder.append_basic_block()
    any_case = windows(1, sums_by_loop)
    # Compiling them takes seconds: not for float64, which is rare.
    n_unrolled = _MOST_UNROLLED_TABLES if vector == _FLOATS else 0
    unrolled = [windows(_WINDOWS_TOGETHER, partial(sums_unrolled, n=n)) for n in range(1, n_unrolled + 1)]
    builder.position_at_end(entry)
    many = builder.append_basic_block()
    builder.cbranch(builder.icmp_signed("<", n_windows, _INDEX(_WINDOWS_TOGETHER)), any_case, many)
    builder.position_at_end(many)
    switch = builder.switch(n_tables, any_case)
    for n, block in enumerate(unrolled, start=1):
        switch.add_case(_INDEX(n), block)
    builder.position_at_end(done)


def _splat(builder: ir.IRBuilder, value: Any) -> Any:
    undefined = ir.Constant(_INTS, ir.Undefined)
    first = builder.insert_element(undefined, value, _INTS.element(0))
    return builder.shuffle_vector(first, undefined, ir.Constant(_INTS, None))


def _row_sum(typing_context, target, i, first, j, second, k):  # type: ignore[no-untyped-def]
    """Write the sum of row j of `first` and row k of `second` to row i of `target`, all of them LANES wide."""

    def emit(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        target, first, second = (
            builder.gep(
                builder.bitcast(
                    context.make_array(signature.args[n])(context, builder, arguments[n]).data, _FLOATS.as_pointer()
                ),
                [arguments[n + 1]],
            )
            for n in (0, 2, 4)
        )
        total = builder.fadd(builder.load(first, align=4), builder.load(second, align=4))
        builder.store(total, target, align=4)
        return context.get_dummy_value()

    return types.void(target, i, first, j, second, k), emit


_add_rows: Any = intrinsic(_row_sum)


def _scattered_rows(typing_context, rows, first, n_tables, words, start, n_places, table_gradient):  # type: ignore[no-untyped-def]
    """Add row ``first + p - 3 t`` to the gradient of table t for the word at place p of a sequence, for all t and p."""

    def emit(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        data = partial(_pointer, context, builder, signature, arguments)
        n_tables, n_places = arguments[2], arguments[5]
        rows, words = data(0, _INDEX(0), _FLOATS), data(3, arguments[4], ir.IntType(8))
        rows, target = builder.gep(rows, [arguments[1]]), data(6, _INDEX(0), _FLOATS)

        def add(entry: Any, p: Any, t: Any) -> None:
            row = builder.gep(rows, [builder.sub(p, builder.mul(t, _INDEX(WORD_LETTERS)))])
            entry = builder.gep(entry, [t])
            builder.store(builder.fadd(builder.load(entry, align=4), builder.load(row, align=4)), entry, align=4)

        def add_by_loop(entry: Any, p: Any) -> None:
            with for_range(builder, n_tables) as tables:
                add(entry, p, tables.index)

        def add_unrolled(entry: Any, p: Any, n: int) -> None:
            for t in range(n):
                add(entry, p, _INDEX(t))

        def places(block: Any, add_all: Callable[[Any, Any], None]) -> Any:
            """Emit, in a block of its own, a loop over all places."""
            builder.position_at_end(block)
            with for_range(builder, n_places) as loop:
                word = builder.zext(builder.load(builder.gep(words, [loop.index])), _INDEX)
                add_all(builder.gep(target, [builder.mul(word, n_tables)]), loop.index)
            builder.branch(done)
            return block

        entry, done = builder.block, builder.append_basic_block()
        any_case = places(builder.append_basic_block(), add_by_loop)
        unrolled = [
            places(builder.append_basic_block(), partial(add_unrolled, n=n))
            for n in range(1, _MOST_UNROLLED_TABLES + 1)
        ]
        builder.position_at_end(entry)
        switch = builder.switch(n_tables, any_case)
        for n, block in enumerate(unrolled, start=1):
            switch.add_case(_INDEX(n), block)
        builder.position_at_end(done)
        return context.get_dummy_value()

    return types.void(rows, first, n_tables, words, start, n_places, table_gradient), emit


_scatter_rows: Any = intrinsic(_scattered_rows)


@compiled
def read_words(codes: Any, words: Any, lengths: Any, starts: Any) -> bool:
    """Write the words of sequences from their first known base on, their lengths, and where they start in `codes`.

    What lies beyond the end reads as N. `words` may be in the memory of `codes`. Return whether any base is unknown
    between known ones.
    """
    n_sequences, width = codes.shape
    with_n = False
    for i in range(n_sequences):
        end, start = width, 0
        while end > 0 and codes[i, end - 1] >= 4:
            end -= 1
        while start < end and codes[i, start] >= 4:
            start += 1
        lengths[i], starts[i] = end - start, start
        for at in range(start, end):
            with_n |= codes[i, at] >= 4
        n_whole = max(min(width - 2 - start, words.shape[1]), 0)
        for p in range(n_whole):
            at = start + p
            words[i, p] = 25 * min(codes[i, at], 4) + 5 * min(codes[i, at + 1], 4) + min(codes[i, at + 2], 4)
        for p in range(n_whole, words.shape[1]):
            at = start + p
            a = min(codes[i, at], 4) if at < width else 4
            b = min(codes[i, at + 1], 4) if at + 1 < width else 4
            words[i, p] = 25 * a + 5 * b + 4
    return with_n


@compiled
def count_windows(words: Any, lengths: Any, kernel_length: int, counts: Any) -> None:
    """Count the windows of every sequence of which at least half of the bases are known; where there are none, one."""
    for i in range(len(words)):
        n_known, n_windows = 0, 0
        for p in range(max(lengths[i], kernel_length)):
            n_known += words[i, p] < _FIRST_UNKNOWN
            if p >= kernel_length:
                n_known -= words[i, p - kernel_length] < _FIRST_UNKNOWN
            n_windows += p >= kernel_length - 1 and 2 * n_known >= kernel_length
        counts[i] = max(n_windows, 1)


@compiled
def count_tables(kernel_length: int) -> int:
    """How many tables a window reaches."""
    return (kernel_length + WORD_LETTERS - 1) // WORD_LETTERS


@compiled
def _fill_cells(block: Any, kernel_length: int, cells: Any) -> None:
    """Lay out the cells of a block's kernels by position and letter; N has the mean of the four."""
    both_strands = block.shape[1] < LANES
    for w in range(kernel_length):
        for base in range(4):
            if both_strands:
                for lane in range(LANES // 2):
                    cells[w, base, lane] = block[4 * w + base, lane]
                    # The complement of a base is 3 - base: the reverse complement is the rows backwards.
                    cells[w, base, lane + LANES // 2] = block[4 * kernel_length - 1 - (4 * w + base), lane]
            else:
                for lane in range(LANES):
                    cells[w, base, lane] = block[4 * w + base, lane]
        for lane in range(LANES):
            # The sum of pairs that complement each other has the same bits on both strands.
            ends, middle = cells[w, 0, lane] + cells[w, 3, lane], cells[w, 1, lane] + cells[w, 2, lane]
            cells[w, 4, lane] = np.float32(0.25) * (ends + middle)


@compiled
def _fill_tables(block: Any, kernel_length: int, cells: Any, tables: Any) -> None:
    """Sum the cells of a block's kernels for every word."""
    _fill_cells(block, kernel_length, cells)
    pair = np.empty(LANES, np.float32)
    for t in range(len(tables)):
        for a in range(5):
            for b in range(5):
                _add_rows(pair, 0, cells, 15 * t + a, cells, 15 * t + 5 + b)
                for c in range(5):
                    _add_rows(tables, N_WORDS * t + 25 * a + 5 * b + c, pair, 0, cells, 15 * t + 10 + c)


@compiled
def _sum_over_words(table_gradient: Any, kernel_length: int, cell_gradient: Any, block_gradient: Any) -> None:
    """Pass the gradient of the tables on to the cells that they were filled from."""
    both_strands = block_gradient.shape[1] < LANES
    cell_gradient[:] = 0
    pair = np.empty(LANES, np.float32)
    n_tables = table_gradient.shape[1]
    for t in range(n_tables):
        for a in range(5):
            for b in range(5):
                for lane in range(LANES):
                    pair[lane] = 0
                for c in range(5):
                    word, letter = n_tables * (25 * a + 5 * b + c) + t, 15 * t + 10 + c
                    _add_rows(pair, 0, pair, 0, table_gradient, word)
                    _add_rows(cell_gradient, letter, cell_gradient, letter, table_gradient, word)
                for letter in (15 * t + a, 15 * t + 5 + b):
                    _add_rows(cell_gradient, letter, cell_gradient, letter, pair, 0)
    for w in range(kernel_length):
        for base in range(4):
            for lane in range(LANES):
                cell_gradient[w, base, lane] += np.float32(0.25) * cell_gradient[w, 4, lane]
            if both_strands:
                for lane in range(LANES // 2):
                    block_gradient[4 * w + base, lane] += cell_gradient[w, base, lane]
                    reverse = 4 * kernel_length - 1 - (4 * w + base)
                    block_gradient[reverse, lane] += cell_gradient[w, base, lane + LANES // 2]
            else:
                for lane in range(LANES):
                    block_gradient[4 * w + base, lane] += cell_gradient[w, base, lane]


@compiled
def _settle_strands(best: Any, bias: Any) -> None:
    """Give -inf to the strand that loses, and add the bias."""
    half = LANES // 2
    if len(bias) < LANES:
        for lane in range(half):
            given, other = best[lane], best[lane + half]
            reverse = other > given
            best[lane] = np.float32(-np.inf) if reverse else given + bias[lane]
            best[lane + half] = other + bias[lane] if reverse else np.float32(-np.inf)
    else:
        for lane in range(LANES):
            best[lane] += bias[lane]


@compiled
def _fill_exponentials(block: Any, kernel_length: int, sharpness: float, tables: Any) -> None:
    """Multiply the exponentials of sharpness times the cells of a block's kernels for every word."""
    cells = np.zeros((WORD_LETTERS * len(tables), 5, LANES), tables.dtype)
    _fill_cells(block, kernel_length, cells)
    for w in range(kernel_length):
        for letter in range(5):
            for lane in range(LANES):
                cells[w, letter, lane] = math.exp(sharpness * cells[w, letter, lane])
    cells[kernel_length:] = 1
    for t in range(len(tables)):
        for a in range(5):
            for b in range(5):
                for c in range(5):
                    word = 25 * a + 5 * b + c
                    for lane in range(LANES):
                        pair = cells[3 * t, a, lane] * cells[3 * t + 1, b, lane]
                        tables[t, word, lane] = pair * cells[3 * t + 2, c, lane]


@compiled
def activation_range(blocks: Any) -> tuple[float, float]:
    """Bounds of what all windows of all kernels can come to, without the bias: at most 0, and at least 0."""
    n_cells = blocks.shape[1] - 2
    lowest, highest = 0.0, 0.0
    for number in range(len(blocks)):
        for lane in range(blocks.shape[2]):
            least, greatest = 0.0, 0.0
            for w in range(0, n_cells, 4):
                low, high = 0.0, 0.0
                for cell in range(w, w + 4):
                    if not math.isfinite(blocks[number, cell, lane]):
                        return -np.inf, np.inf
                    low, high = min(low, blocks[number, cell, lane]), max(high, blocks[number, cell, lane])
                least, greatest = least + low, greatest + high
            lowest, highest = min(lowest, least), max(highest, greatest)
    return lowest, highest


@compiled
def _pool_block(
    words: Any, lengths: Any, log_counts: Any, rows: Any, block: Any, sharpness: float, tables: Any, best: Any
) -> None:
    """Write a block's log(mean(exp(sharpness * activation))) / sharpness over windows and strands, with the bias.

    Of both strands the lanes of the second get -inf. Blocks that were left out, whose lanes have -inf, stay so.
    """
    n_tables, half, kernel_length = len(tables), LANES // 2, (len(block) - 2) // 4
    total, part = np.empty(LANES, np.float64), np.empty(LANES, tables.dtype)
    _fill_exponentials(block, kernel_length, sharpness, tables)
    bias = block[4 * kernel_length]
    for i in range(len(rows)):
        if best[i, 0] == -np.inf:
            continue
        row = rows[i]
        n_windows = max(lengths[row] - kernel_length, 0) + 1
        total[:] = 0
        for first in range(0, n_windows, _WINDOWS_SUMMED):
            n_summed = min(_WINDOWS_SUMMED, n_windows - first)
            _sum_products(tables, n_tables, words, row * words.shape[1] + first, n_summed, part)
            for lane in range(LANES):
                total[lane] += part[lane]
        if len(bias) < LANES:
            for lane in range(half):
                total[lane] += total[lane + half]
                best[i, lane + half] = -np.inf
        for lane in range(len(bias)):
            best[i, lane] = (math.log(total[lane]) - log_counts[row]) / sharpness + bias[lane]


@compiled
def pool_rows(
    words: Any,
    lengths: Any,
    log_counts: Any,
    rows: Any,
    blocks: Any,
    sharpness: float,
    dropout: float,
    state: Any,
    tables: Any,
    best: Any,
) -> None:
    """Pool the windows of all kernels in the sequences `rows`, over both strands where there are two.

    The mean is over so many windows as `log_counts` has for a sequence, which are not all where bases are unknown.

    `best` is as in `scan_rows`; of both strands the lanes of the second have -inf. `tables` is room for a block's
    products, in float32 or, where they need more, float64.
    """
    for number in range(len(blocks)):
        for i in range(len(rows)):
            is_left_out = dropout > 0 and random_unit(state) < dropout
            best[number, i] = np.float32(-np.inf if is_left_out else 0)
        _pool_block(words, lengths, log_counts, rows, blocks[number], sharpness, tables, best[number])


@compiled
def scan_rows(
    words: Any,
    lengths: Any,
    rows: Any,
    blocks: Any,
    dropout: float,
    state: Any,
    best: Any,
    position: Any,
) -> None:
    """Find the best windows of all kernels in the sequences `rows`.

    `best` and `position` are of shape (n_blocks, n_rows, LANES). Of both strands, the lane of the one that loses has
    -inf for its best; and so have all lanes of a block that is left out, with probability `dropout`, by draws from
    `state`.
    """
    kernel_length = (blocks.shape[1] - 2) // 4
    n_tables = count_tables(kernel_length)
    cells = np.zeros((WORD_LETTERS * n_tables, 5, LANES), np.float32)
    tables = np.empty((n_tables, N_WORDS, LANES), np.float32)
    for number in range(len(blocks)):
        _fill_tables(blocks[number], kernel_length, cells, tables)
        bias = blocks[number, 4 * kernel_length]
        for i in range(len(rows)):
            if dropout > 0 and random_unit(state) < dropout:
                best[number, i] = np.float32(-np.inf)
                continue
            row = rows[i]
            n_windows = max(lengths[row] - kernel_length, 0) + 1
            at = (number * len(rows) + i) * LANES
            _scan_windows(tables, n_tables, words, row * words.shape[1], n_windows, best, position, at)
            _settle_strands(best[number, i], bias)


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
def _scaled_dense_weights(blocks: Any, dropout: float) -> Any:
    """Dense weights (n_blocks, kernels per block), times 1 / (1 - dropout)."""
    return np.float32(1 / (1 - dropout)) * blocks[:, blocks.shape[1] - 1]


@compiled
def compare_with_labels(
    best: Any,
    blocks: Any,
    dense_bias: float,
    y: Any,
    sample_weight: Any,
    rows: Any,
    n_rows: int,
    dropout: float,
    composition: Any,
    residual: Any,
    by_bias: Any,
) -> float:
    """Write the derivative of the loss, summed over `rows` and divided by `n_rows`, by every logit; return the sum.

    And to `by_bias` the derivative by the dense bias. `composition` holds what a logit has besides the kernels.
    """
    dense = _scaled_dense_weights(blocks, dropout)
    per_block = dense.shape[1]
    products = np.zeros((len(rows), LANES), np.float32)
    for number in range(len(best)):
        for i in range(len(rows)):
            for lane in range(LANES):
                products[i, lane] += dense[number, lane % per_block] * max(best[number, i, lane], np.float32(0))
    loss = 0.0
    for i in range(len(rows)):
        z = np.float64(dense_bias) + composition[i]
        for lane in range(LANES):
            z += products[i, lane]
        label, weight = y[rows[i]], sample_weight[rows[i]]
        tail = math.exp(-abs(z))
        loss += weight * (max(z, 0.0) - z * label + math.log1p(tail))
        probability = 1 / (1 + tail) if z >= 0 else tail / (1 + tail)
        residual[i] = weight * (probability - label) / n_rows
    by_bias[0] = 0
    for i in range(len(rows)):
        by_bias[0] += residual[i]
    return loss


@compiled
def _add_to_winners(
    words: Any, rows: Any, residual: Any, dense: Any, best: Any, position: Any, table_gradient: Any, out: Any
) -> None:
    """Add the derivative by every positive score to the words of its window, and to bias and dense weight in `out`."""
    for i in range(len(rows)):
        row = _UNSIGNED(rows[i])
        for k in range(len(dense)):
            other = LANES // 2 + k
            lane = other if len(dense) < LANES and best[i, other % LANES] > best[i, k] else k
            score = best[i, lane]
            if score > 0:
                slope = residual[i] * dense[k]
                out[0, k] += slope
                out[1, k] += residual[i] * score
                # Unsigned indices, here in the innermost loop, spare numba's check for negative ones.
                start, column = _UNSIGNED(position[i, lane]), _UNSIGNED(lane)
                for t in range(table_gradient.shape[1]):
                    word = _UNSIGNED(words[row, start + _UNSIGNED(WORD_LETTERS) * _UNSIGNED(t)])
                    table_gradient[word, _UNSIGNED(t), column] += slope


@compiled
def _add_to_windows(
    words: Any,
    lengths: Any,
    log_counts: Any,
    rows: Any,
    residual: Any,
    dense: Any,
    block: Any,
    sharpness: float,
    tables: Any,
    scores: Any,
    table_gradient: Any,
    out: Any,
) -> None:
    """Add the derivative by every positive score to the words of all windows, each its share of the exponentials."""
    n_tables, per_block, kernel_length = table_gradient.shape[1], len(dense), (len(block) - 2) // 4
    bias = block[4 * kernel_length]
    _fill_exponentials(block, kernel_length, sharpness, tables)
    factor = np.empty(LANES, tables.dtype)
    # Zeros around the windows, so that every word may look for a window in each table.
    margin = WORD_LETTERS * (n_tables - 1)
    shares = np.zeros((words.shape[1] + 2 * margin + 1, LANES), np.float32)
    for i in range(len(rows)):
        row = rows[i]
        factor[:] = 0
        any_positive = False
        for k in range(per_block):
            score = scores[i, k]
            if score > 0:
                any_positive = True
                slope = residual[i] * dense[k]
                out[0, k] += slope
                out[1, k] += residual[i] * score
                factor[k] = slope / math.exp(sharpness * (np.float64(score) - bias[k]) + log_counts[row])
                factor[k + LANES - per_block] = factor[k]
        if not any_positive:
            continue
        n_windows, start = max(lengths[row] - kernel_length, 0) + 1, row * words.shape[1]
        _write_products(tables, n_tables, words, start, n_windows, factor, shares, margin)
        shares[margin + n_windows : 2 * margin + n_windows] = 0
        _scatter_rows(shares, margin, n_tables, words, start, n_windows + margin, table_gradient)


@compiled
def _scale_row(rows: Any, i: int, dropout: float) -> None:
    for k in range(rows.shape[1]):
        rows[i, k] *= np.float32(1 / (1 - dropout))


@compiled
def gradient_by_winners(
    words: Any, rows: Any, residual: Any, blocks: Any, best: Any, position: Any, dropout: float, gradient: Any
) -> None:
    """Write the gradient of a network of maxima, laid out as `blocks`, from what `scan_rows` found."""
    n_cells = blocks.shape[1] - 2
    kernel_length = n_cells // 4
    dense = _scaled_dense_weights(blocks, dropout)
    n_tables = count_tables(kernel_length)
    table_gradient = np.empty((N_WORDS, n_tables, LANES), np.float32)
    cell_gradient = np.empty((WORD_LETTERS * n_tables, 5, LANES), np.float32)
    gradient[:] = 0
    for number in range(len(blocks)):
        out = gradient[number]
        table_gradient[:] = 0
        _add_to_winners(
            words, rows, residual, dense[number], best[number], position[number], table_gradient, out[n_cells:]
        )
        _sum_over_words(table_gradient, kernel_length, cell_gradient, out)
        _scale_row(out, n_cells + 1, dropout)


@compiled
def gradient_by_windows(
    words: Any,
    lengths: Any,
    log_counts: Any,
    rows: Any,
    residual: Any,
    blocks: Any,
    sharpness: float,
    best: Any,
    dropout: float,
    tables: Any,
    gradient: Any,
) -> None:
    """Write the gradient of a network of log-mean-exp, laid out as `blocks`, from what `pool_rows` found."""
    n_cells = blocks.shape[1] - 2
    kernel_length = n_cells // 4
    dense = _scaled_dense_weights(blocks, dropout)
    n_tables = count_tables(kernel_length)
    table_gradient = np.empty((N_WORDS, n_tables, LANES), np.float32)
    cell_gradient = np.empty((WORD_LETTERS * n_tables, 5, LANES), np.float32)
    gradient[:] = 0
    for number in range(len(blocks)):
        block, out = blocks[number], gradient[number]
        weights, scores, of_dense = dense[number], best[number], out[n_cells:]
        table_gradient[:] = 0
        _add_to_windows(
            words,
            lengths,
            log_counts,
            rows,
            residual,
            weights,
            block,
            sharpness,
            tables,
            scores,
            table_gradient,
            of_dense,
        )
        _sum_over_words(table_gradient, kernel_length, cell_gradient, out)
        _scale_row(out, n_cells + 1, dropout)


@compiled
def fill_word_table(weights: Any, n_letters: int, places: Any, with_n: bool, table: Any) -> None:
    """Write the weights of the 4**n words of n letters to their `places` in the 5**n of `table`.

    And `with_n` the mean of what it may be to every word with N.
    """
    if not with_n:
        for word in range(len(weights)):
            table[places[word]] = weights[word]
        return
    room = np.empty((2, len(table)), np.float32)
    room[0, : len(weights)] = weights
    for i in range(n_letters):
        given, wider, inner = room[i % 2], room[(i + 1) % 2], 4 ** (n_letters - i - 1)
        for outer in range(5**i):
            at, to = 4 * inner * outer, 5 * inner * outer
            for j in range(inner):
                a, c, g, t = given[at + j], given[at + inner + j], given[at + 2 * inner + j], given[at + 3 * inner + j]
                wider[to + j], wider[to + inner + j] = a, c
                wider[to + 2 * inner + j], wider[to + 3 * inner + j] = g, t
                wider[to + 4 * inner + j] = np.float32(0.25) * ((a + t) + (c + g))
    table[:] = room[n_letters % 2]


@compiled
def fold_word_gradient(table: Any, n_letters: int, places: Any, with_n: bool, gradient: Any) -> None:
    """Pass the gradient of a word table on to the weights."""
    if with_n:
        room = np.empty((2, len(table)), np.float32)
        room[0] = table
        for i in range(n_letters):
            given, narrower, inner = room[i % 2], room[(i + 1) % 2], 4**i
            for outer in range(5 ** (n_letters - i - 1)):
                at, to = 5 * inner * outer, 4 * inner * outer
                for letter in range(4):
                    for j in range(inner):
                        share = np.float32(0.25) * given[at + 4 * inner + j]
                        narrower[to + letter * inner + j] = given[at + letter * inner + j] + share
        gradient[:] = room[n_letters % 2, : len(gradient)]
    else:
        for word in range(len(gradient)):
            gradient[word] = table[places[word]]


@compiled
def tie_words(reverse_complements: Any, gradient: Any) -> None:
    """Give a word and its reverse complement, which have one weight, the sum of their derivatives.

    Of one strand there are no `reverse_complements`.
    """
    for word in range(len(reverse_complements)):
        other = reverse_complements[word]
        if other > word:
            total = gradient[word] + gradient[other]
            gradient[word], gradient[other] = total, total


@compiled
def _share_letters(weights: Any, own: float, other: float) -> None:
    """Let every letter of words keep its `own` share of the weight and have that of the three `other` ones."""
    own_share, other_share = np.float32(own - other), np.float32(other)
    inner = 1
    while inner < len(weights):
        for start in range(0, len(weights), 4 * inner):
            for j in range(start, start + inner):
                a, c, g, t = weights[j], weights[j + inner], weights[j + 2 * inner], weights[j + 3 * inner]
                total = other_share * ((a + t) + (c + g))
                weights[j], weights[j + inner] = own_share * a + total, own_share * c + total
                weights[j + 2 * inner], weights[j + 3 * inner] = own_share * g + total, own_share * t + total
        inner *= 4


@compiled
def share_weights(trained: Any, own: float, other: float, weights: Any) -> None:
    """Write the weights of words, of mean 0, from what is trained of them."""
    weights[:] = trained
    _share_letters(weights, own, other)
    total = 0.0
    for word in range(len(weights)):
        total += weights[word]
    for word in range(len(weights)):
        weights[word] -= np.float32(total / len(weights))


@compiled
def share_gradient(own: float, other: float, gradient: Any) -> None:
    """Pass the gradient by the weights of words, before it is tied, on to what is trained of them."""
    total = 0.0
    for word in range(len(gradient)):
        total += gradient[word]
    for word in range(len(gradient)):
        gradient[word] -= np.float32(total / len(gradient))
    _share_letters(gradient, own, other)


@compiled
def _word_number(words: Any, row: int, p: int, n_letters: int, firsts: Any, seconds: Any) -> int:
    number = firsts[words[row, p]]
    return number + seconds[words[row, p + WORD_LETTERS]] if n_letters > WORD_LETTERS else number


@compiled
def sum_words(
    words: Any, lengths: Any, rows: Any, table: Any, n_letters: int, firsts: Any, seconds: Any, sums: Any
) -> None:
    """Write the sum of the table's entries for all words of n letters in the sequences `rows`.

    A word's number is what `firsts` has for its first three letters and `seconds` for those after.
    """
    for i in range(len(rows)):
        row = rows[i]
        n_words, p = lengths[row] - n_letters + 1, 0
        # Four sums, as one would wait for every addition before.
        even, odd, even_next, odd_next = 0.0, 0.0, 0.0, 0.0
        while p + 3 < n_words:
            even += table[_word_number(words, row, p, n_letters, firsts, seconds)]
            odd += table[_word_number(words, row, p + 1, n_letters, firsts, seconds)]
            even_next += table[_word_number(words, row, p + 2, n_letters, firsts, seconds)]
            odd_next += table[_word_number(words, row, p + 3, n_letters, firsts, seconds)]
            p += 4
        while p < n_words:
            even += table[_word_number(words, row, p, n_letters, firsts, seconds)]
            p += 1
        sums[i] = (even + even_next) + (odd + odd_next)


@compiled
def add_to_words(
    words: Any, lengths: Any, rows: Any, residual: Any, n_letters: int, firsts: Any, seconds: Any, table: Any
) -> None:
    """Add the derivative by every logit to the table's entries for all words of its sequence."""
    for i in range(len(rows)):
        row, slope = rows[i], residual[i]
        for p in range(lengths[row] - n_letters + 1):
            table[_word_number(words, row, p, n_letters, firsts, seconds)] += slope


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
