"""Data types with a bug each: what is returned in another type, or goes through a shorter one."""

from __future__ import annotations

from typing import Any

import numpy as np

from implementations.broken.functions.base import broken, rounded
from implementations.broken.functions.reference import Array, Conv, Pool


@broken("conv2d", "types", "returns float64 for float32", "float32", checks="exact", kinds="wrong_dtype")
def returns_double(c: Conv) -> Array:
    return c.run().astype(np.float64)


@broken(
    "avg_pool2d",
    "types",
    "returns float64 for float32 where the divisor is one of its own",
    "a divisor of one's own, float32",
    kinds="wrong_dtype",
)
def divisor_makes_double(p: Pool) -> Array:
    return p.average() if p.divisor is None else p.values(0).sum(axis=0) / np.float64(p.divisor)


@broken("max_pool2d", "types", "returns float32 for float64", "float64", kinds="wrong_dtype")
def returns_single(p: Pool) -> Any:
    return p.but(x=p.x.astype(np.float32)).maximum()


@broken("conv2d", "types", "computed in float16", "more than 11 bits", causes=("computed-in-float16",))
def in_half(c: Conv) -> Array:
    b = None if c.b is None else c.b.astype(np.float16)
    with np.errstate(over="ignore", invalid="ignore"):
        return c.but(x=c.x.astype(np.float16), w=c.w.astype(np.float16), b=b).run().astype(c.x.dtype)


@broken(
    "conv1d", "types", "inputs rounded to bfloat16", "more than 8 bits", checks="exact accuracy", causes=("inputs-of-8-bits",)
)
def in_bfloat16(c: Conv) -> Array:
    return c.but(x=rounded(c.x, 8), w=rounded(c.w, 8)).run()


@broken(
    "conv2d",
    "types",
    "float32 inputs rounded to TF32",
    "float32 of more than 11 bits",
    checks="exact accuracy",
    causes=("inputs-of-11-bits",),
)
def in_tf32(c: Conv) -> Array:
    return c.run() if c.x.dtype != np.float32 else c.but(x=rounded(c.x, 11), w=rounded(c.w, 11)).run()


@broken(
    "conv2d",
    "types",
    "float32 inputs split into two bfloat16 numbers, 16 of 24 bits kept",
    "float32 of more than 16 bits",
    checks="accuracy",
    kinds="inaccurate",
    causes=("inputs-of-16-bits",),
)
def in_two_bfloat16(c: Conv) -> Array:
    return c.run() if c.x.dtype != np.float32 else c.but(x=rounded(c.x, 16), w=rounded(c.w, 16)).run()


@broken(
    "conv3d",
    "types",
    "float32 weights rounded to 20 bits",
    "float32 weights of more than 20 bits",
    checks="accuracy",
    kinds="inaccurate",
    causes=("weights-of-20-bits",),
)
def weights_of_20_bits(c: Conv) -> Array:
    return c.run() if c.x.dtype != np.float32 else c.but(w=rounded(c.w, 20)).run()


@broken(
    "conv2d",
    "types",
    "float64 inputs rounded to float32",
    "float64 of more than 24 bits",
    checks="exact accuracy",
    causes=("inputs-of-24-bits",),
)
def double_inputs_in_single(c: Conv) -> Array:
    return c.but(x=rounded(c.x, 24), w=rounded(c.w, 24)).run()


@broken(
    "conv1d",
    "types",
    "float64 summed in float32",
    "float64 sums of more than 24 bits",
    checks="exact accuracy",
    causes=("accumulator-float32",),
)
def double_summed_in_single(c: Conv) -> Array:
    return c.but(b=None).run(out=np.zeros(c.shape, np.float32)).astype(c.x.dtype) + (0 if c.b is None else c.b[:, None])


@broken(
    "conv2d",
    "types",
    "float64 inputs rounded to 46 bits",
    "float64 of more than 46 bits",
    checks="accuracy",
    kinds="inaccurate",
    causes=("input-of-46-bits",),
)
def double_of_46_bits(c: Conv) -> Array:
    return c.but(x=rounded(c.x, 46)).run()


@broken(
    "max_pool1d",
    "types",
    "float64 maxima picked in float32",
    "float64 of more than 24 bits",
    checks="exact",
    causes=("computed-in-float32",),
)
def double_maxima_in_single(p: Pool) -> Any:
    result = p.but(x=p.x.astype(np.float32)).maximum()
    return (result[0].astype(p.x.dtype), result[1]) if p.indices else result.astype(p.x.dtype)


@broken(
    "max_pool2d",
    "types",
    "floats compared by their bits, as integers: negative ones in the wrong order",
    "a window of negative numbers",
    checks="exact",
    causes=("max-by-bits",),
)
def compares_bits(p: Pool) -> Any:
    whole = {4: np.int32, 8: np.int64}[p.x.itemsize]
    values = p.values(-np.inf)
    bits = np.ascontiguousarray(values).view(whole)
    best = bits.argmax(axis=0)[None]
    y = np.take_along_axis(values, best, 0)[0]
    return (y, p.pick(values, y)) if p.indices else y
