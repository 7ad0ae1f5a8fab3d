"""Vectors of LANES numbers in compiled loops: the only file that emits machine instructions by hand.

A loop that numba compiles may hold a vector in a variable, which then is a register: `lanes_at` reads one from memory,
`put_lanes` writes one, ``+``, ``*``, ``>`` and `pick` compute lane by lane, as NumPy would on arrays of LANES entries.
Left to itself the compiler keeps such short arrays in memory. LLVM makes of them what the CPU has: one AVX register, or
two of SSE or NEON.

Nothing here checks a bound.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import intrinsic, lower_builtin, models, register_model

LANES = 8
OFFSET_BYTES = 4
_INDEX = ir.IntType(64)


class Lanes(types.Type):
    """The type of a vector of LANES numbers of one `dtype`."""

    def __init__(self, dtype: Any) -> None:
        self.dtype = dtype
        super().__init__(name=f"Lanes({dtype})")


@register_model(Lanes)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager: Any, lanes: Lanes) -> None:
        # Whether lanes are true is a bit each, as a comparison gives it.
        lane = ir.IntType(1) if lanes.dtype == types.boolean else manager.lookup(lanes.dtype).get_value_type()
        super().__init__(manager, lanes, ir.VectorType(lane, LANES))


def _operator(function: Callable[..., Any], on_floats: str, on_integers: str) -> None:
    """Let an operator combine two vectors of one type by an instruction."""
    compares = function is operator.gt

    @infer_global(function)
    class _Typing(AbstractTemplate):
        def generic(self, given: Any, keywords: Any) -> Any:
            if len(given) == 2 and isinstance(given[0], Lanes) and given[0] == given[1]:
                return signature(Lanes(types.boolean) if compares else given[0], *given)
            return None

    @lower_builtin(function, Lanes, Lanes)
    def _emit(context: Any, builder: ir.IRBuilder, signature: Any, given: Any) -> Any:
        name = on_floats if isinstance(signature.args[0].dtype, types.Float) else on_integers
        return getattr(builder, name)(">", *given) if compares else getattr(builder, name)(*given)


_operator(operator.add, "fadd", "add")
_operator(operator.mul, "fmul", "mul")
_operator(operator.gt, "fcmp_ordered", "icmp_signed")


@intrinsic
def pick(typing_context, mask, chosen, other):
    """Take from `chosen` the lanes in which `mask` is true, from `other` the rest."""

    def emit(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        return builder.select(*arguments)

    return chosen(mask, chosen, other), emit


@intrinsic
def in_all_lanes(typing_context, value):
    """Make a vector with one number in all lanes."""

    def emit(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        vector = ir.VectorType(arguments[0].type, LANES)
        undefined = ir.Constant(vector, ir.Undefined)
        first = builder.insert_element(undefined, arguments[0], ir.IntType(32)(0))
        return builder.shuffle_vector(first, undefined, ir.Constant(ir.VectorType(ir.IntType(32), LANES), None))

    return Lanes(types.unliteral(value))(value), emit


@intrinsic
def halves_swapped(typing_context, value):
    """Exchange the first half of the lanes with the second."""

    def emit(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        order = [(lane + LANES // 2) % LANES for lane in range(LANES)]
        return builder.shuffle_vector(*arguments, *arguments, ir.Constant(ir.VectorType(ir.IntType(32), LANES), order))

    return value(value), emit


@intrinsic
def lanes_at(typing_context, array, row):
    """Read row number `row` of an array whose rows are LANES wide."""

    def emit(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        return _load(builder, _row(context, builder, signature, arguments, 0, arguments[1]))

    return Lanes(array.dtype)(array, types.intp), emit


@intrinsic
def lanes_after(typing_context, array, row, offset):
    """Read the LANES numbers `offset` bytes after the start of a row; twice as far in arrays of 8 bytes a number.

    The CPU adds an offset to an address as it reads, but multiplies a row's number by its width before.
    """

    def emit(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        return _load(builder, _after(context, builder, signature, arguments))

    return Lanes(array.dtype)(array, types.intp, types.intp), emit


@intrinsic
def put_lanes(typing_context, array, row, value):
    """Write to row number `row` of an array whose rows are LANES wide."""

    def emit(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        builder.store(arguments[2], _row(context, builder, signature, arguments, 0, arguments[1]), align=4)
        return context.get_dummy_value()

    return types.void(array, types.intp, Lanes(array.dtype)), emit


@intrinsic
def put_lanes_after(typing_context, array, row, offset, value):
    """Write where `lanes_after` reads."""

    def emit(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        builder.store(arguments[3], _after(context, builder, signature, arguments), align=4)
        return context.get_dummy_value()

    return types.void(array, types.intp, types.intp, Lanes(array.dtype)), emit


@intrinsic
def widened(typing_context, value):
    """Convert a vector to float64."""

    def emit(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        vector = ir.VectorType(ir.DoubleType(), LANES)
        return arguments[0] if arguments[0].type == vector else builder.fpext(arguments[0], vector)

    return Lanes(types.float64)(value), emit


@intrinsic
def narrowed(typing_context, value):
    """Convert a vector to float32."""

    def emit(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        vector = ir.VectorType(ir.FloatType(), LANES)
        return arguments[0] if arguments[0].type == vector else builder.fptrunc(arguments[0], vector)

    return Lanes(types.float32)(value), emit


@intrinsic
def number_at(typing_context, array, index):
    """Read the entry number `index` of a contiguous array of unsigned integers."""

    def emit(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        return builder.zext(builder.load(builder.gep(data, [arguments[1]])), _INDEX)

    return types.intp(array, types.intp), emit


@intrinsic
def four_at(typing_context, array, index):
    """Read four entries of 16 bits from number `index` on, at once."""

    def emit(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        return builder.load(builder.bitcast(builder.gep(data, [arguments[1]]), _INDEX.as_pointer()), align=2)

    return types.uint64(array, types.intp), emit


@intrinsic
def number_in(typing_context, four, i):
    """Take entry number `i` out of what `four_at` has read."""

    def emit(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        shift = builder.mul(arguments[1], _INDEX(16))
        return builder.and_(builder.lshr(arguments[0], shift), _INDEX(0xFFFF))

    return types.intp(types.uint64, types.intp), emit


def _row(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any, i: int, row: Any) -> Any:
    """Point to a row of array argument `i`."""
    array = signature.args[i]
    data = context.make_array(array)(context, builder, arguments[i]).data
    vector = ir.VectorType(context.get_value_type(array.dtype), LANES)
    return builder.gep(builder.bitcast(data, vector.as_pointer()), [row])


def _after(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
    """Point to what lies behind the start of a row: the arguments begin with an array, a row, an offset."""
    row = _row(context, builder, signature, arguments, 0, arguments[1])
    n_bytes = context.get_abi_sizeof(context.get_value_type(signature.args[0].dtype))
    offset = builder.mul(arguments[2], _INDEX(n_bytes // OFFSET_BYTES))
    at = builder.gep(builder.bitcast(row, ir.IntType(8).as_pointer()), [offset])
    return builder.bitcast(at, row.type)


def _load(builder: ir.IRBuilder, pointer: Any) -> Any:
    return builder.load(pointer, align=4)
