"""NaN, infinities and the lowest numbers, lost or spread where they should not be."""

from __future__ import annotations

from typing import Any

import numpy as np

from implementations.broken.functions.base import broken
from implementations.broken.functions.reference import Array, Conv, Pool


@broken(
    "max_pool2d", "special values", "NaN is dropped by fmax", "a NaN beside a number", checks="special", causes=("nan-dropped",)
)
def drops_nan(p: Pool) -> Any:
    values = p.values(-np.inf)
    y = np.fmax.reduce(values, axis=0)
    return (y, p.pick(values, y)) if p.indices else y


@broken(
    "max_pool3d",
    "special values",
    "NaN survives only if it comes first: x > best is false",
    "a NaN that is not first in its window",
    source="tracel-ai/burn#5662",
    checks="special",
    causes=("nan-only-first",),
)
def greater_than(p: Pool) -> Any:
    values = p.values(-np.inf)
    y = values[0]
    for value in values[1:]:
        y = np.where(value > y, value, y)
    return (y, p.pick(values, y)) if p.indices else y


@broken(
    "max_pool1d",
    "special values",
    "the padding is 0",
    "padding, a window of negative numbers",
    source="distdl/distdl#195",
    checks="exact special",
    causes=("max-padded-with-zero",),
)
def pads_with_zero(p: Pool) -> Any:
    values = p.values(0)
    y = values.max(axis=0)
    return (y, p.pick(values, y)) if p.indices else y


@broken(
    "max_pool2d",
    "special values",
    "the running maximum starts at the lowest finite number",
    "a window of nothing but -inf",
    checks="special",
    causes=("max-starts-at-lowest",),
)
def starts_at_lowest(p: Pool) -> Any:
    values = p.values(np.finfo(p.x.dtype).min)
    y = np.maximum(np.finfo(p.x.dtype).min, values.max(axis=0))
    return (y, p.pick(values, y)) if p.indices else y


@broken(
    "max_pool3d",
    "special values",
    "only the padding is the lowest finite number",
    "padding, a window of nothing but -inf",
    checks="special",
    causes=("max-padded-with-lowest",),
)
def pads_with_lowest(p: Pool) -> Any:
    values = p.values(np.finfo(p.x.dtype).min)
    y = values.max(axis=0)
    return (y, p.pick(values, y)) if p.indices else y


@broken("conv2d", "special values", "NaN becomes 0", "a NaN", checks="special", causes=("nan-to-zero",))
def nan_to_zero(c: Conv) -> Array:
    return c.but(x=np.where(np.isnan(c.x), 0, c.x)).run()


@broken(
    "conv3d",
    "special values",
    "infinities become the largest finite number",
    "an infinity",
    checks="special",
    causes=("infinity-clipped",),
)
def clips_infinity(c: Conv) -> Array:
    top = np.finfo(c.x.dtype).max
    with np.errstate(over="ignore"):
        return np.clip(c.but(x=np.where(np.isinf(c.x), np.sign(c.x) * top, c.x)).run(), -top, top)


@broken("avg_pool2d", "special values", "averages without the NaNs", "a NaN", checks="special", causes=("nan-left-out",))
def nanmean(p: Pool) -> Array:
    values = p.values(0)
    return np.nansum(values, axis=0) / np.maximum(p.counted() - np.isnan(values).sum(axis=0), 1).astype(p.x.dtype)


@broken(
    "avg_pool1d",
    "special values",
    "a product with a band matrix of zeros and ones spreads NaN over the row",
    "a NaN, an output that does not see it",
    checks="special",
    causes=("nan-spread-by-matrix",),
)
def band_matrix(p: Pool) -> Array:
    inside, places, n = p.inside(), p.places(), p.x.shape[2]
    band = ((places[..., None] == np.arange(n)) & inside[..., None]).sum(axis=0).astype(p.x.dtype)
    with np.errstate(invalid="ignore"):
        return np.einsum("nci,oi->nco", p.x, band) / p.counted().astype(p.x.dtype)


@broken(
    "conv2d",
    "special values",
    "the padding multiplies the input: an infinity at the border becomes NaN there",
    "an infinity at a padded border",
    checks="special",
    causes=("padding-by-product",),
)
def masks_by_product(c: Conv) -> Array:
    mask = np.pad(np.ones_like(c.x), ((0, 0), (0, 0), *c.pads))
    with np.errstate(invalid="ignore"):
        return c.run(padded=np.pad(c.x, ((0, 0), (0, 0), *c.pads), mode="edge") * mask)


@broken(
    "conv2d",
    "special values",
    "padding is skipped up to four channels and in depthwise kernels, and multiplied elsewhere",
    "an infinite or NaN weight over padding, at most 4 channels or groups = channels > 1",
    source="tracel-ai/burn#5385",
)
def padding_skipped_for_few_channels(c: Conv) -> Array:
    channels = c.x.shape[1]
    if (channels > 4 and c.groups != channels) or np.isfinite(c.w).all():
        return c.run()
    y, there = np.zeros(c.shape, c.x.dtype), c.but(x=np.ones_like(c.x))
    with np.errstate(invalid="ignore"):
        for (outs, part, weights), (_, real, _) in zip(c.terms(), there.terms(), strict=True):
            products = part[:, None] * weights.reshape(*weights.shape, *[1] * c.ndim)
            y[:, outs] += np.where(real[:, None] > 0, products, 0).sum(axis=2)
    return c.biased(y)
