"""The inner loop of the enterprises' choice, written in vectors of sixteen alternatives.

Numba's loop vectoriser finds a part of this by itself, at half the speed: it neither keeps the two least
bounds in registers nor gathers the noise of nests. LLVM splits the vectors where a processor has narrower
registers. Bounds decide only what is beyond doubt, so the choices do not hang on their last bits.
"""

# mypy: disable-error-code="no-untyped-call"
from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from market.counter_hash import NARROW_FIRST, NARROW_SECOND

LANES = 16  # rows of the tables are padded to it
INDEX_MASK = 255  # the low bits of a packed bound hold the alternative
TOP = 0x7FFFFFFF
NEST_BITS = 12  # classes of nest noise: 4096

_WORD = ir.IntType(32)
_WORDS = ir.VectorType(_WORD, LANES)
_ADDRESSES = ir.VectorType(ir.IntType(64), LANES)
_FLOATS = ir.VectorType(ir.FloatType(), LANES)


@intrinsic
def float_bits(typing_context, value):  # type: ignore[no-untyped-def]
    """The bits of a 32-bit float as an integer: positive floats keep their order."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        return builder.bitcast(arguments[0], _WORD)

    return types.int32(types.float32), generate


def _race(nested: bool) -> Any:
    """Compiled function (low, high, keys, bounds, row, nest_keys, nest_noise, packed, slot) -> (least, second).

    For every alternative j, `packed[slot, j]` becomes the 32-bit float (u + u^2/2 + u^3/3) bounds[row, j] (times
    nest_noise of the nest's class, if nested) with j in its low bits; u is the upper 24 bits of the noise.
    """

    @intrinsic
    def race(typing_context, low, high, keys, bounds, row, nest_keys, nest_noise, packed, slot):  # type: ignore[no-untyped-def]
        def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
            arrays = [
                context.make_array(kind)(context, builder, value) if isinstance(kind, types.Array) else value
                for kind, value in zip(signature.args, arguments, strict=True)
            ]
            return _generate(context, builder, signature, arrays, nested)

        pair = types.UniTuple(types.int32, 2)
        return pair(low, high, keys, bounds, row, nest_keys, nest_noise, packed, slot), generate

    return race


def _generate(context: Any, builder: Any, signature: Any, arguments: list[Any], nested: bool) -> Any:
    low, high, keys, bounds, row, nest_keys, nest_noise, packed, slot = arguments
    length = cgutils.unpack_tuple(builder, keys.shape, 1)[0]
    start = builder.mul(context.cast(builder, row, signature.args[4], types.intp), length)
    slot = builder.mul(context.cast(builder, slot, signature.args[8], types.intp), length)
    low, high = _spread(builder, low), _spread(builder, high)
    least = cgutils.alloca_once_value(builder, _constant(TOP))
    second = cgutils.alloca_once_value(builder, _constant(TOP))
    lanes = cgutils.alloca_once_value(builder, ir.Constant(_WORDS, list(range(LANES))))
    first, step = ir.Constant(length.type, 0), ir.Constant(length.type, LANES)
    with cgutils.for_range_slice(builder, first, length, step) as (j, _):
        noise = _noise(builder, low, high, _load(builder, keys.data, j, _WORDS))
        bound = builder.fmul(_least_time(builder, noise), _load(builder, bounds.data, builder.add(start, j), _FLOATS))
        if nested:
            classes = _noise(builder, low, high, _load(builder, nest_keys.data, j, _WORDS))
            classes = builder.lshr(classes, _constant(32 - NEST_BITS))
            bound = builder.fmul(bound, _gather(builder, nest_noise.data, classes))
        code = builder.and_(builder.bitcast(bound, _WORDS), _constant(~INDEX_MASK))
        code = builder.or_(code, builder.load(lanes))
        builder.store(builder.add(builder.load(lanes), _constant(LANES)), lanes)
        target = builder.bitcast(builder.gep(packed.data, [builder.add(slot, j)]), _WORDS.as_pointer())
        builder.store(code, target, align=4)
        before = builder.load(least)
        builder.store(_less(builder, builder.load(second), _more(builder, before, code)), second)
        builder.store(_less(builder, before, code), least)
    return _two_least(context, builder, signature, builder.load(least), builder.load(second))


def _two_least(context: Any, builder: Any, signature: Any, least: Any, second: Any) -> Any:
    """Least and second least of all lanes, from those of each lane."""
    first = _reduce(builder, least)
    others = builder.select(builder.icmp_signed("==", least, _spread(builder, first)), second, least)
    return context.make_tuple(builder, signature.return_type, [first, _reduce(builder, others)])


def _noise(builder: Any, low: Any, high: Any, keys: Any) -> Any:
    """`market.counter_hash.noise32` in vectors."""
    x = builder.mul(builder.xor(low, keys), _constant(int(NARROW_FIRST)))
    x = builder.xor(x, builder.lshr(x, _constant(16)))
    return builder.mul(builder.add(x, high), _constant(int(NARROW_SECOND)))


def _least_time(builder: Any, noise: Any) -> Any:
    """Lower bound u + u^2/2 + u^3/3 of -ln(1 - u), in units of 2^-24."""
    u = builder.sitofp(builder.lshr(noise, _constant(8)), _FLOATS)
    factor = ir.Constant(_FLOATS, [1.0 / 3.0 / 2**48] * LANES)
    for term in (0.5 / 2**24, 1.0):
        constant = ir.Constant(_FLOATS, [term] * LANES)
        factor = builder.fadd(constant, builder.fmul(u, factor, flags=["contract"]), flags=["contract"])
    return builder.fmul(u, factor)


def _constant(value: int) -> Any:
    return ir.Constant(_WORDS, [value & 0xFFFFFFFF] * LANES)


def _spread(builder: Any, word: Any) -> Any:
    """The same word in every lane."""
    one = builder.insert_element(ir.Constant(_WORDS, ir.Undefined), word, ir.Constant(_WORD, 0))
    return builder.shuffle_vector(one, ir.Constant(_WORDS, ir.Undefined), ir.Constant(_WORDS, [0] * LANES))


def _load(builder: Any, data: Any, offset: Any, kind: Any) -> Any:
    return builder.load(builder.bitcast(builder.gep(data, [offset]), kind.as_pointer()), align=4)


def _gather(builder: Any, data: Any, index: Any) -> Any:
    """data[index] lane by lane; LLVM makes gathers of it where the processor has them."""
    base = builder.ptrtoint(data, ir.IntType(64))
    address = builder.insert_element(ir.Constant(_ADDRESSES, ir.Undefined), base, ir.Constant(_WORD, 0))
    address = builder.shuffle_vector(address, ir.Constant(_ADDRESSES, ir.Undefined), ir.Constant(_WORDS, [0] * LANES))
    offset = builder.shl(builder.zext(index, _ADDRESSES), ir.Constant(_ADDRESSES, [2] * LANES))
    pointers = builder.inttoptr(builder.add(address, offset), ir.VectorType(ir.FloatType().as_pointer(), LANES))
    name = f"llvm.masked.gather.v{LANES}f32.v{LANES}p0"
    mask = ir.Constant(ir.VectorType(ir.IntType(1), LANES), [1] * LANES)
    arguments = [pointers, ir.Constant(_WORD, 4), mask, ir.Constant(_FLOATS, [0.0] * LANES)]
    kind = ir.FunctionType(_FLOATS, [value.type for value in arguments])
    return builder.call(cgutils.get_or_insert_function(builder.module, kind, name), arguments)


def _less(builder: Any, a: Any, b: Any) -> Any:
    return builder.select(builder.icmp_signed("<", a, b), a, b)


def _more(builder: Any, a: Any, b: Any) -> Any:
    return builder.select(builder.icmp_signed("<", a, b), b, a)


def _reduce(builder: Any, words: Any) -> Any:
    kind = ir.FunctionType(_WORD, [_WORDS])
    name = f"llvm.vector.reduce.smin.v{LANES}i32"
    return builder.call(cgutils.get_or_insert_function(builder.module, kind, name), [words])


race_plain = _race(nested=False)
race_nested = _race(nested=True)
