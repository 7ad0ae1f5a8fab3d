"""Vector code over the windows of a sequence, emitted for numba: sums over tables, in lanes.

The compiler's own vectorization does not keep the lanes of a window in one register.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.cgutils import alloca_once_value, for_range
from numba.extending import intrinsic

LANES = 8
# A word is four consecutive letters in one byte; tables of float64 use its first three.
WORD_LETTERS, SHORT_LETTERS = 4, 3
N_WORDS = 4**WORD_LETTERS
_MAX_UNROLLED_TABLES = 8
_INDEX, _BYTE = ir.IntType(64), ir.IntType(8)
_INTEGERS, _FLOATS = ir.VectorType(ir.IntType(16), LANES), ir.VectorType(ir.DoubleType(), LANES)


def _lane_masks(typing_context, tables, n_tables, words, n_windows, cuts, masks):
    """For every window write a bit per lane: whether the sum over the tables of int16 reaches the lane's cut."""

    def emit(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        def pointer(i: int, element: Any) -> Any:
            return _pointer(context, builder, signature, arguments, i, element)

        tables, words, masks = pointer(0, _INTEGERS), pointer(2, _BYTE), pointer(5, _BYTE)
        cuts = builder.load(pointer(4, _INTEGERS), align=2)

        def visit(p: Any, total: Any) -> None:
            reached = builder.icmp_signed(">=", total, cuts)
            builder.store(builder.bitcast(reached, _BYTE), builder.gep(masks, [p]))

        rows = _Rows(builder, tables, words, WORD_LETTERS, 2)
        _emit_windows(builder, arguments[1], arguments[3], rows, builder.add, visit)
        return context.get_dummy_value()

    return types.void(tables, n_tables, words, n_windows, cuts, masks), emit


write_masks: Any = intrinsic(_lane_masks)  # Any, because calls omit the typing context


def _lane_sums(typing_context, tables, n_tables, words, first, n_windows, as_products, rows):
    """For every window from `first` on, write the sum (or product) over the tables of float64 to a row of `rows`."""

    def emit(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        def pointer(i: int, element: Any) -> Any:
            return _pointer(context, builder, signature, arguments, i, element)

        tables, words, target = pointer(0, _FLOATS), pointer(2, _BYTE), pointer(6, _FLOATS)
        words = builder.gep(words, [arguments[3]])

        def visit(p: Any, total: Any) -> None:
            builder.store(total, builder.gep(target, [p]), align=8)

        rows = _Rows(builder, tables, words, SHORT_LETTERS, 8)
        with builder.if_else(builder.trunc(arguments[5], ir.IntType(1))) as (product, otherwise):
            with product:
                _emit_windows(builder, arguments[1], arguments[4], rows, builder.fmul, visit)
            with otherwise:
                _emit_windows(builder, arguments[1], arguments[4], rows, builder.fadd, visit)
        return context.get_dummy_value()

    return types.void(tables, n_tables, words, first, n_windows, as_products, rows), emit


write_sums: Any = intrinsic(_lane_sums)


def _row_pair(typing_context, target, i, first, j, second, k, as_sum):
    """Write the sum or the elementwise maximum of two rows of LANES float64 to a third."""

    def emit(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        def row(n: int) -> Any:
            start = _pointer(context, builder, signature, arguments, n, _FLOATS)
            return builder.gep(start, [arguments[n + 1]])

        one, other = builder.load(row(2), align=8), builder.load(row(4), align=8)
        greater = builder.select(builder.fcmp_ordered(">", one, other), one, other)
        found = builder.select(builder.trunc(arguments[6], ir.IntType(1)), builder.fadd(one, other), greater)
        builder.store(found, row(0), align=8)
        return context.get_dummy_value()

    return types.void(target, i, first, j, second, k, as_sum), emit


combine_rows: Any = intrinsic(_row_pair)


def _replaced_windows(typing_context, windows, lowered, raised, block, i, old, first, last, as_sum, pooled):
    """Pool a block of lanes over the windows that contain position i, for every base that may replace the `old` one.

    Multiplying a window by its row of `lowered` removes the old base, multiplying by one of `raised` inserts a new one.
    The result is added to the row of the new base in `pooled`. For maxima, rows are added instead of multiplied, and
    the larger number is kept.

    Parameters
    ----------
    windows : array of float64, shape (n, B * LANES)
    lowered : array of float64, shape (5, W, B * LANES)
    raised : array of float64, shape (W, 4, B * LANES)
    block, i, old, first, last : int64
        Index of one of the B blocks; position; old base; first and last window that contain the position.
    as_sum : bool
    pooled : array of float64, shape (4, B * LANES)
    """

    def emit(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        def rows(n: int) -> tuple[Any, list[Any]]:
            array = context.make_array(signature.args[n])(context, builder, arguments[n])
            start = builder.bitcast(array.data, _FLOATS.as_pointer())
            return start, cgutils.unpack_tuple(builder, array.shape)

        (windows, shape), (lowered, (_, width, _)), (raised, _), (pooled, _) = rows(0), rows(1), rows(2), rows(9)
        block, i, old, first, last, as_sum = arguments[3:9]
        n_blocks = builder.udiv(shape[1], _INDEX(LANES))

        def place(start: Any, row: Any) -> Any:
            return builder.gep(start, [builder.add(builder.mul(row, n_blocks), block)])

        def pool(join: Callable[[Any, Any], Any], combine: Callable[[Any, Any], Any]) -> None:
            totals = [place(pooled, _INDEX(base)) for base in range(4)]
            best = [alloca_once_value(builder, builder.load(total, align=8)) for total in totals]
            with for_range(builder, builder.add(last, _INDEX(1)), start=first) as loop:
                w = builder.sub(i, loop.index)
                own = builder.load(place(windows, loop.index), align=8)
                without = builder.load(place(lowered, builder.add(builder.mul(old, width), w)), align=8)
                rest = join(own, without)
                for base in range(4):
                    row = builder.add(builder.mul(w, _INDEX(4)), _INDEX(base))
                    value = join(rest, builder.load(place(raised, row), align=8))
                    builder.store(combine(builder.load(best[base]), value), best[base])
            for base in range(4):
                builder.store(builder.load(best[base]), totals[base], align=8)

        def greater(one: Any, other: Any) -> Any:
            return builder.select(builder.fcmp_ordered(">", other, one), other, one)

        with builder.if_else(builder.trunc(as_sum, ir.IntType(1))) as (sums, maxima):
            with sums:
                pool(builder.fmul, builder.fadd)
            with maxima:
                pool(builder.fadd, greater)
        return context.get_dummy_value()

    return types.void(windows, lowered, raised, block, i, old, first, last, as_sum, pooled), emit


pool_replaced: Any = intrinsic(_replaced_windows)


def _pointer(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any, i: int, element: Any) -> Any:
    data = context.make_array(signature.args[i])(context, builder, arguments[i]).data
    return builder.bitcast(data, element.as_pointer())


class _Rows:
    """Concatenated tables with one row per word."""

    def __init__(self, builder: ir.IRBuilder, tables: Any, words: Any, n_letters: int, align: int) -> None:
        self._builder, self._tables, self._words, self._align = builder, tables, words, align
        self._n_letters = n_letters

    def at(self, p: Any, table: Any) -> Any:
        """Load the row of a table for the window at p."""
        builder, n_letters = self._builder, self._n_letters
        place = builder.add(p, builder.mul(table, _INDEX(n_letters)))
        word = builder.zext(builder.load(builder.gep(self._words, [place])), _INDEX)
        if n_letters < WORD_LETTERS:
            word = builder.lshr(word, _INDEX(2 * (WORD_LETTERS - n_letters)))
        entry = builder.add(word, builder.mul(table, _INDEX(4**n_letters)))
        return builder.load(builder.gep(self._tables, [entry]), align=self._align)


def _emit_windows(
    builder: ir.IRBuilder,
    n_tables: Any,
    n_windows: Any,
    rows: _Rows,
    combine: Callable[[Any, Any], Any],
    visit: Callable[[Any, Any], None],
) -> None:
    """Emit `visit(window, combined rows)` for all windows; the loop over up to 8 tables is unrolled."""
    done = builder.append_basic_block()

    def unrolled(p: Any, n: int) -> Any:
        total = rows.at(p, _INDEX(0))
        for table in range(1, n):
            total = combine(total, rows.at(p, _INDEX(table)))
        return total

    def by_loop(p: Any) -> Any:
        total = alloca_once_value(builder, rows.at(p, _INDEX(0)))
        with for_range(builder, n_tables, start=_INDEX(1)) as loop:
            builder.store(combine(builder.load(total), rows.at(p, loop.index)), total)
        return builder.load(total)

    def windows(total_at: Callable[[Any], Any]) -> Any:
        block = builder.append_basic_block()
        builder.position_at_end(block)
        with for_range(builder, n_windows) as loop:
            visit(loop.index, total_at(loop.index))
        builder.branch(done)
        return block

    entry = builder.block
    any_case = windows(by_loop)
    cases = [windows(partial(unrolled, n=n)) for n in range(1, _MAX_UNROLLED_TABLES + 1)]
    builder.position_at_end(entry)
    switch = builder.switch(n_tables, any_case)
    for n, block in enumerate(cases, start=1):
        switch.add_case(_INDEX(n), block)
    builder.position_at_end(done)
