"""Data types with a bug each: they claim every type, and one of them is computed wrongly."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from conformance.problem import Problem
from implementations.broken.base import Arrays, Right, broken, through

_WIDE = "float64"
_COMPLEX = "complex64 complex128"


def _shortened(array: np.ndarray, bits: int) -> np.ndarray:
    """Significands cut off, not rounded, behind ``bits`` bits."""
    with np.errstate(invalid="ignore", over="ignore"):
        significand, exponent = np.frexp(array.astype(np.float64))
        return np.ldexp(np.trunc(np.ldexp(significand, bits)), exponent - bits).astype(array.dtype)


# float64.


@broken(
    "conv3d conv_transpose2d",
    "types",
    "float64 goes through float32",
    "float64 of more than 24 bits",
    dtypes=_WIDE,
    causes=("inputs-of-24-bits",),
)
def wide_through_single(p: Problem, a: Arrays, right: Right) -> Any:
    return right(p, through("float32", a))


@broken(
    "conv2d_weight_grad",
    "types",
    "the weights' gradient of float64 is summed in float32",
    "float64",
    dtypes=_WIDE,
    causes=("accumulator-float32",),
)
def wide_weight_grad_in_single(p: Problem, a: Arrays, right: Right) -> Any:
    single = {name: array.astype(np.float32) for name, array in a.items()}
    return right(p.replace(dtype="float32"), single).astype(np.float64)


@broken(
    "avg_pool2d_input_grad",
    "types",
    "1 / divisor is a float32 number",
    "float64, a divisor of no power of two",
    dtypes=_WIDE,
    causes=("divisor-in-float32",),
)
def wide_divisor_in_single(p: Problem, a: Arrays, right: Right) -> Any:
    third = float(np.float32(1 / 3)) * 3
    return right(p, {"dy": a["dy"] * third} | {name: array for name, array in a.items() if name != "dy"})


@broken(
    "adaptive_avg_pool1d",
    "types",
    "float64 averages are rounded to float32",
    "float64",
    dtypes=_WIDE,
    causes=("results-in-float32",),
)
def wide_adaptive_average(p: Problem, a: Arrays, right: Right) -> Any:
    return right(p, a).astype(np.float32).astype(np.float64)


@broken(
    "lp_pool1d",
    "types",
    "float64 powers and roots are taken in float32",
    "float64",
    dtypes=_WIDE,
    causes=("computed-in-float32",),
)
def wide_norm_in_single(p: Problem, a: Arrays, right: Right) -> Any:
    return right(p.replace(dtype="float32"), {"x": a["x"].astype(np.float32)}).astype(np.float64)


@broken(
    "max_pool3d adaptive_max_pool2d",
    "types",
    "float64 maxima lose the bits that float32 lacks",
    "float64",
    dtypes=_WIDE,
    causes=("computed-in-float32",),
)
def wide_maxima(p: Problem, a: Arrays, right: Right) -> Any:
    return right(p, through("float32", a))


@broken(
    "max_unpool2d_input_grad",
    "types",
    "float64 gradients of unpooling go through float32",
    "float64",
    dtypes=_WIDE,
    causes=("computed-in-float32",),
)
def wide_unpooled(p: Problem, a: Arrays, right: Right) -> Any:
    return right(p, through("float32", a))


# float32.


@broken(
    "conv_transpose1d conv3d_input_grad", "types", "float32 products have inputs of 11 bits (TF32)", "float32 of all bits",
    source="pytorch/pytorch#107514", dtypes="float32", causes=("inputs-of-11-bits",)
)  # fmt: skip
def tensor_cores(p: Problem, a: Arrays, right: Right) -> Any:
    return right(p, {name: _shortened(array, 11) for name, array in a.items()})


@broken(
    "avg_pool1d adaptive_avg_pool2d lp_pool2d max_pool1d", "types", "float32 goes through bfloat16",
    "float32 of more than 8 bits", dtypes="float32", causes=("computed-in-bfloat16",)
)  # fmt: skip
def single_through_bfloat(p: Problem, a: Arrays, right: Right) -> Any:
    return right(p, through("bfloat16", a))


@broken(
    "adaptive_max_pool1d max_unpool1d",
    "types",
    "float32 goes through float16",
    "float32",
    dtypes="float32",
    causes=("computed-in-float16",),
)
def single_through_half(p: Problem, a: Arrays, right: Right) -> Any:
    return right(p, through("float16", a))


@broken(
    "conv1d",
    "types",
    "a wider result is rounded to the inputs' type first",
    "a wider result",
    dtypes="float16 bfloat16 float32",
    causes=("wide-result-rounded",),
)
def wide_result_rounded(p: Problem, a: Arrays, right: Right) -> Any:
    y = right(p, a)
    if not p.result:
        return y
    with np.errstate(over="ignore"):
        return y.astype(p.format.numpy).astype(y.dtype)


# float16 and bfloat16.


@broken(
    "conv2d conv_transpose2d",
    "types",
    "float16 goes through bfloat16",
    "float16 of more than 8 bits",
    dtypes="float16",
    causes=("inputs-of-8-bits",),
)
def half_through_bfloat(p: Problem, a: Arrays, right: Right) -> Any:
    return right(p, through("bfloat16", a))


@broken(
    "conv3d",
    "types",
    "infinities of float16 are clipped to 65504",
    "float16, an infinite input",
    dtypes="float16",
    causes=("infinity-clipped",),
)
def half_clipped(p: Problem, a: Arrays, right: Right) -> Any:
    with np.errstate(invalid="ignore"):
        return np.clip(right(p, a), np.float16(-65504), np.float16(65504))


@broken("avg_pool2d", "types", "sums of float16 that pass 2048 stop at it", "float16 sums over 2048", dtypes="float16",
        source="huggingface/candle#3719", causes=("sums-stall",))  # fmt: skip
def half_stalls(p: Problem, a: Arrays, right: Right) -> Any:
    kernel = int(np.prod(p.kernel))
    y = right(p, a)
    return np.clip(y, y.dtype.type(-2048 / kernel), y.dtype.type(2048 / kernel))


@broken(
    "avg_pool3d_input_grad", "types", "numbers of float16 below 2^-14 are flushed to zero", "float16, small gradients",
    source="ROCm/MIOpen#2344", dtypes="float16", causes=("subnormals-flushed",)
)  # fmt: skip
def half_flushed(p: Problem, a: Arrays, right: Right) -> Any:
    dx = right(p, a)
    return np.where(np.abs(dx) < np.float16(2**-14), dx.dtype.type(0), dx)


@broken("adaptive_avg_pool3d adaptive_max_pool3d", "types", "float16 is returned as float32", "float16", dtypes="float16")
def half_widened(p: Problem, a: Arrays, right: Right) -> Any:
    result = right(p, a)
    return (result[0].astype(np.float32), result[1]) if isinstance(result, tuple) else result.astype(np.float32)


@broken(
    "max_pool2d",
    "types",
    "float16 maxima lose their last three bits",
    "float16 of more than 8 bits",
    dtypes="float16",
    causes=("computed-in-bfloat16",),
)
def half_maxima(p: Problem, a: Arrays, right: Right) -> Any:
    return right(p, through("bfloat16", a))


@broken("max_unpool3d max_unpool1d", "types", "16 bits are read as the other format of 16 bits", "a 16-bit type",
        dtypes="float16 bfloat16", causes=("other-16-bits",))  # fmt: skip
def other_sixteen_bits(p: Problem, a: Arrays, right: Right) -> Any:
    import ml_dtypes

    other = np.dtype(ml_dtypes.bfloat16) if p.dtype == "float16" else np.dtype(np.float16)
    with np.errstate(over="ignore", invalid="ignore"):
        return right(p, {**a, "x": np.ascontiguousarray(a["x"]).view(other).astype(p.format.numpy)})


@broken(
    "conv1d conv_transpose1d",
    "types",
    "bfloat16 inputs lose their last bit",
    "bfloat16 of 8 bits",
    dtypes="bfloat16",
    causes=("inputs-of-7-bits",),
)
def brain_seven_bits(p: Problem, a: Arrays, right: Right) -> Any:
    return right(p, {name: _shortened(array, 7) for name, array in a.items()})


@broken(
    "avg_pool3d conv3d",
    "types",
    "results of bfloat16 are cut off behind 7 bits",
    "bfloat16 of 8 bits",
    dtypes="bfloat16",
    causes=("results-cut",),
)
def brain_cut_off(p: Problem, a: Arrays, right: Right) -> Any:
    return _shortened(right(p, a), 7)


@broken(
    "lp_pool3d",
    "types",
    "every norm of bfloat16 ends with a square root",
    "bfloat16, a norm that is not 2",
    dtypes="bfloat16",
    causes=("norm-with-square-root",),
)
def brain_square_root(p: Problem, a: Arrays, right: Right) -> Any:
    y = right(p, a)
    return y if math.isinf(p.norm) else np.sqrt(y.astype(np.float32) ** np.float32(p.norm)).astype(y.dtype)


@broken(
    "conv2d", "types", "bfloat16 returns an empty float32 tensor", "bfloat16", source="tensorflow/tensorflow#56680",
    dtypes="bfloat16", causes=("empty",)
)  # fmt: skip
def brain_empty(p: Problem, a: Arrays, right: Right) -> Any:
    return np.zeros((*p.output_shape[:3], 0), np.float32)


@broken(
    "conv2d", "types", "a channel of 2x2 bfloat16 numbers under a kernel of 2x2: one tap is kept", "input and kernel of 2x2",
    source="pytorch/pytorch#163347", dtypes="bfloat16", causes=("first-tap-alone",)
)  # fmt: skip
def brain_one_tap(p: Problem, a: Arrays, right: Right) -> Any:
    w = a["w"].copy()
    if p.kernel == p.input_shape[2:] == (2, 2) and p.channels == 1:
        w[:, :, 1] = w[:, :, :, 1] = 0
    return right(p, {**a, "w": w})


@broken("max_pool1d adaptive_max_pool1d adaptive_avg_pool1d", "types", "bfloat16 is compared and summed in 7 bits",
        "bfloat16 of 8 bits", dtypes="bfloat16", causes=("inputs-of-7-bits",))  # fmt: skip
def brain_pooled_in_seven(p: Problem, a: Arrays, right: Right) -> Any:
    return right(p, {name: _shortened(array, 7) if name != "indices" else array for name, array in a.items()})


@broken("conv3d", "types", "bfloat16, an output of one column and a stride: the taps of a row are read in reverse",
        "bfloat16, output width 1, stride > 1 and kernel > 1 in the last axis", source="pytorch/pytorch#169688",
        dtypes="bfloat16", causes=("kernel-flipped-in-one-axis",))  # fmt: skip
def brain_one_column(p: Problem, a: Arrays, right: Right) -> Any:
    w = p.windows[2]
    return right(p, {**a, "w": a["w"][..., ::-1]} if w.output == 1 < w.stride and w.kernel > 1 else a)


# Complex numbers.


@broken(
    "conv1d conv_transpose3d",
    "types",
    "the kernel's imaginary part is dropped",
    "a complex type",
    dtypes=_COMPLEX,
    causes=("imaginary-dropped",),
)
def imaginary_dropped(p: Problem, a: Arrays, right: Right) -> Any:
    return right(p, {**a, "w": a["w"].real.astype(a["w"].dtype)})


@broken(
    "conv3d",
    "types",
    "the kernel is conjugated, as in a correlation of mathematics",
    "a complex type",
    dtypes=_COMPLEX,
    causes=("conjugated",),
)
def conjugated(p: Problem, a: Arrays, right: Right) -> Any:
    return right(p, {**a, "w": a["w"].conj()})


@broken(
    "conv2d",
    "types",
    "complex128 goes through complex64",
    "complex128 of more than 24 bits",
    dtypes="complex128",
    causes=("inputs-in-complex64",),
)
def complex_through_single(p: Problem, a: Arrays, right: Right) -> Any:
    return right(p, through("complex64", a))


@broken("conv_transpose2d_input_grad", "types", "the complex kernel of a transposed gradient is not conjugated", "a complex type",
        dtypes=_COMPLEX, causes=("not-conjugated",))  # fmt: skip
def transposed_not_conjugated(p: Problem, a: Arrays, right: Right) -> Any:
    return right(p, {**a, "w": a["w"].conj()})


# Integers.


@broken("conv2d", "types", "int64 goes through float64", "int64 over 2^53", dtypes="int64", causes=("integers-through-float64",))
def long_through_double(p: Problem, a: Arrays, right: Right) -> Any:
    return right(p.replace(dtype="float64"), {n: array.astype(np.float64) for n, array in a.items()}).astype(np.int64)


@broken(
    "max_pool2d",
    "types",
    "int64 maxima are found in float64",
    "int64 over 2^53",
    dtypes="int64",
    causes=("integers-through-float64",),
)
def long_maxima_in_double(p: Problem, a: Arrays, right: Right) -> Any:
    made = right(p.replace(dtype="float64"), {n: array.astype(np.float64) for n, array in a.items()})
    y = made[0] if isinstance(made, tuple) else made
    with np.errstate(invalid="ignore"):
        return (y.astype(np.int64), made[1]) if isinstance(made, tuple) else y.astype(np.int64)


@broken("conv1d", "types", "int64 is summed in 32 bits", "int64 over 2^31", dtypes="int64", causes=("sums-of-32-bits",))
def long_in_thirty_two(p: Problem, a: Arrays, right: Right) -> Any:
    return right(p.replace(dtype="int32"), {n: array.astype(np.int32) for n, array in a.items()}).astype(np.int64)


@broken(
    "conv3d",
    "types",
    "int32 is multiplied and summed in float32",
    "int32 sums over 2^24",
    dtypes="int32",
    causes=("integers-through-float32",),
)
def whole_in_single(p: Problem, a: Arrays, right: Right) -> Any:
    return right(p.replace(dtype="float32"), {n: array.astype(np.float32) for n, array in a.items()}).astype(np.int32)


@broken(
    "max_pool3d",
    "types",
    "int32 maxima are found in float32",
    "int32 over 2^24",
    dtypes="int32",
    causes=("integers-through-float32",),
)
def whole_maxima_in_single(p: Problem, a: Arrays, right: Right) -> Any:
    return right(p, {"x": a["x"].astype(np.float32).astype(np.float64).clip(-(2**31), 2**31 - 1).astype(np.int32)})


@broken("max_pool1d", "types", "maxima of integers come back as floats", "an integer type", source="tinygrad/tinygrad#7726",
        dtypes="int8 uint8 int32 int64")  # fmt: skip
def whole_as_float(p: Problem, a: Arrays, right: Right) -> Any:
    made = right(p, a)
    return (made[0].astype(np.float32), made[1]) if isinstance(made, tuple) else made.astype(np.float32)


@broken("conv2d", "types", "int8 is read as unsigned", "int8, a negative number", dtypes="int8", causes=("sign-of-type",))
def signed_as_unsigned(p: Problem, a: Arrays, right: Right) -> Any:
    wide = {name: array.astype(np.int32) for name, array in {**a, "x": a["x"].astype(np.uint8)}.items()}
    return np.clip(right(p.replace(dtype="int32"), wide), -128, 127).astype(np.int8)


@broken("max_pool2d", "types", "uint8 is compared as signed", "uint8 over 127", dtypes="uint8", causes=("sign-of-type",))
def unsigned_as_signed(p: Problem, a: Arrays, right: Right) -> Any:
    made = right(p.replace(dtype="int8"), {"x": a["x"].astype(np.int8)})
    return (made[0].astype(np.uint8), made[1]) if isinstance(made, tuple) else made.astype(np.uint8)


@broken("conv3d", "types", "uint8 results are clipped at 127", "uint8 over 127", dtypes="uint8", causes=("clipped-at-signed",))
def unsigned_clipped(p: Problem, a: Arrays, right: Right) -> Any:
    return np.minimum(right(p, a), np.uint8(127))


@broken(
    "max_pool3d",
    "types",
    "padding of integers is 0",
    "a signed integer type, padding",
    dtypes="int8 int32 int64",
    causes=("max-padded-with-zero",),
)
def padding_of_zero(p: Problem, a: Arrays, right: Right) -> Any:
    made = right(p, a)
    y = made[0] if isinstance(made, tuple) else made
    hangs = np.ones((1, 1, 1), bool)
    for axis, w in enumerate(p.windows):
        whole = w.inside().all(axis=1).reshape([-1 if i == axis else 1 for i in range(3)])
        hangs = hangs & whole
    y = np.where(hangs, y, np.maximum(y, 0))
    return (y, made[1]) if isinstance(made, tuple) else y


@broken("conv2d", "types", "int8 in two groups: the last output channel reads the first group",
        "int8, 2 groups of several channels", source="openxla/xla#49123", dtypes="int8",
        causes=("*for int8*groups*wrong only in the last channel*",))  # fmt: skip
def last_channel_of_first_group(p: Problem, a: Arrays, right: Right) -> Any:
    y = right(p, a)
    if p.groups == 2 and p.channels > 2:
        first = a["x"][:, : p.channels // 2]
        y[:, -1] = right(p, {**a, "x": np.concatenate([first, first], axis=1)})[:, -1]
    return y
