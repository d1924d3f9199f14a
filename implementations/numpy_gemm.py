"""Convolution as one matrix product over gathered windows (im2col), its gradients by adding columns back (col2im), and
pooling over the same windows, in NumPy. Formats that BLAS does not know are computed in float32."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from conformance.plugin import Claims, Implementation
from conformance.plugin.claims import options_of
from conformance.plugin.implementation import require_tensors
from conformance.problem import FORMATS, OPERATORS, Family, Operator, Problem, Window, require_valid
from conformance.problem.operators import BIAS_GRAD, DOUBLE_GRAD, INPUT_GRAD, WEIGHT_GRAD
from conformance.problem.window import NUMPY_PAD_MODES, AdaptiveWindow, AnyWindow, TransposedWindow

ORDER = 10

Arrays = Mapping[str, np.ndarray]
_MOST_ELEMENTS = 2**29
"""Of all windows together, or of a tensor, which may be copied into a wider type: some gigabytes."""


class NumpyGemm(Implementation):
    name = "numpy-gemm"
    summary = "windows gathered into a matrix (im2col), then one BLAS product for each group"

    @property
    def claims(self) -> Mapping[str, Claims]:
        return {name: Claims(op.traits.dtypes, options_of(op)) for name, op in OPERATORS.items() if _known(op)}

    def supports(self, problem: Problem) -> str | None:
        gathered = problem.batch * problem.channels * math.prod(problem.places) * math.prod(problem.kernel)
        if max(gathered, math.prod(problem.input_shape), math.prod(problem.result_shape)) > _MOST_ELEMENTS:
            return f"gathered windows or copied tensors would have more than {_MOST_ELEMENTS:,} elements"
        return super().supports(problem)

    def prepare(self, problem: Problem, arrays: Arrays) -> Callable[[], object]:
        batched = require_valid(problem).replace(unbatched=False)
        require_tensors(problem, arrays)
        given = {name: array.reshape(batched.array_shapes[name]) for name, array in arrays.items()}
        function, inner, result = _FAMILIES[problem.op.family], _computes_in(problem), problem.result_format.numpy

        def call() -> object:
            made = function(batched, {name: array.astype(inner.get(name, array.dtype)) for name, array in given.items()})
            y, *indices = made if isinstance(made, tuple) else (made,)
            y = y.astype(result, copy=False).reshape(problem.result_shape)
            return (y, indices[0].reshape(problem.result_shape)) if indices else y

        return call


def _known(operator: Operator) -> bool:
    """Not unpooling, where there is nothing to multiply, nor the gradient of a p-norm."""
    return operator.family is not Family.MAX_UNPOOL and not (operator.family is Family.LP_POOL and not operator.forward)


def _computes_in(problem: Problem) -> dict[str, np.dtype]:
    """The type in which each tensor is computed with."""
    if problem.op.family is Family.CONV_INTEGER:
        return {name: np.dtype(np.int32) for name in ("x", "w", "x_zero", "w_zero", "b", "y_zero")}
    wide = problem.result_format.numpy
    inner = np.dtype(np.float32) if wide.name in ("float16", "bfloat16") else wide
    return dict.fromkeys(("x", "w", "b", "dy", "ddx"), inner)


def convolution(problem: Problem, arrays: Arrays) -> np.ndarray:
    ndim, pass_name, transposed = problem.op.ndim, problem.op.pass_name, problem.op.family is Family.CONV_TRANSPOSE
    if pass_name == BIAS_GRAD:
        return np.asarray(arrays["dy"].sum(axis=(0, *range(2, 2 + ndim))))
    if pass_name == WEIGHT_GRAD:
        x = arrays["x"].conj()
        return correlate_with_outputs(problem, *((arrays["dy"], x) if transposed else (x, arrays["dy"])))
    main = next(iter(arrays.values()))
    w = arrays["w"].conj() if pass_name == INPUT_GRAD else arrays["w"]
    y = multiply(problem, main, w) if transposed == (pass_name == INPUT_GRAD) else add_back(problem, main, w)
    return y + arrays["b"].reshape(-1, *[1] * ndim) if "b" in arrays else y


def multiply(problem: Problem, x: np.ndarray, w: np.ndarray) -> np.ndarray:
    """Each place's window times the kernels."""
    columns, groups = _columns(problem, x), problem.groups
    return (w.reshape(groups, w.shape[0] // groups, -1) @ columns).reshape(x.shape[0], w.shape[0], *problem.places)


def correlate_with_outputs(problem: Problem, x: np.ndarray, dy: np.ndarray) -> np.ndarray:
    """Each tap's elements times the gradients of the places that read them, summed over places and batch."""
    groups = problem.groups
    rows = dy.reshape(dy.shape[0], groups, dy.shape[1] // groups, math.prod(problem.places))
    dw = (rows @ _columns(problem, x).swapaxes(2, 3)).sum(axis=0, dtype=x.dtype)
    return np.asarray(dw.reshape(dy.shape[1], x.shape[1] // groups, *problem.kernel))


def add_back(problem: Problem, dy: np.ndarray, w: np.ndarray) -> np.ndarray:
    """Kernels times places, each tap's products added to the padded input at once, and its padding folded back."""
    groups, batch, places = problem.groups, dy.shape[0], problem.places
    kernels = w.reshape(groups, w.shape[0] // groups, -1).swapaxes(1, 2)
    columns = kernels @ dy.reshape(batch, groups, dy.shape[1] // groups, math.prod(places))
    columns = columns.reshape(batch, w.shape[1] * groups, *problem.kernel, *places)
    sizes = [max(_reach(window, count), _padded(window)) for window, count in zip(problem.windows, places, strict=True)]
    padded = np.zeros((batch, columns.shape[1], *sizes), dy.dtype)
    for tap in np.ndindex(problem.kernel):
        at = tuple(
            slice(t * window.dilation, t * window.dilation + (count - 1) * window.stride + 1, window.stride)
            for t, window, count in zip(tap, problem.windows, places, strict=True)
        )
        padded[(slice(None), slice(None), *at)] += columns[(slice(None), slice(None), *tap)]
    for axis, window in enumerate(problem.windows):
        padded = _folded(padded, 2 + axis, window)
    return padded


def _folded(padded: np.ndarray, axis: int, window: AnyWindow) -> np.ndarray:
    """One axis of a padded gradient as that of the input: padding is dropped, or added to what it copied."""
    begin, size = window.pad_begin, window.elements
    if window.mode == "zeros":
        front = np.take(padded, range(max(begin, 0), min(max(begin, 0) + size - max(-begin, 0), padded.shape[axis])), axis=axis)
        rest = [(0, 0)] * padded.ndim
        rest[axis] = (max(-begin, 0), size - front.shape[axis] - max(-begin, 0))
        return np.pad(front, rest)
    source = np.pad(np.arange(size), (begin, window.pad_end), mode=NUMPY_PAD_MODES[window.mode])  # type: ignore[call-overload]
    total = np.zeros((size, *np.moveaxis(padded, axis, 0).shape[1:]), padded.dtype)
    np.add.at(total, source, np.moveaxis(padded, axis, 0)[: len(source)])
    return np.moveaxis(total, 0, axis)


def convolution_of_integers(problem: Problem, arrays: Arrays) -> np.ndarray:
    ndim = problem.op.ndim
    y = multiply(problem, arrays["x"] - arrays["x_zero"], arrays["w"] - arrays["w_zero"].reshape(-1, *[1] * (1 + ndim)))
    if "b" in arrays:
        y = y + arrays["b"].reshape(-1, *[1] * ndim)
    if not problem.requantised:
        return y
    limits = np.iinfo(FORMATS[problem.result].numpy)
    scaled = np.rint(y.astype(np.float32) * arrays["scale"].reshape(-1, *[1] * ndim)).astype(np.int64)
    return np.clip(scaled + arrays["y_zero"], limits.min, limits.max)


def max_pooling(problem: Problem, arrays: Arrays) -> np.ndarray | tuple[np.ndarray, np.ndarray]:
    x = arrays["x"]
    lowest = np.iinfo(x.dtype).min if x.dtype.kind in "iu" else -np.inf
    windows = gather(problem, x, fill=lowest)
    if problem.op.forward and not problem.indices:
        return np.asarray(windows.max(axis=tuple(range(-problem.op.ndim, 0))))
    flat = np.arange(math.prod(x.shape[2:])).reshape(1, 1, *x.shape[2:])
    where = gather(problem, flat, fill=-1)
    windows = windows.reshape(*problem.output_shape, math.prod(problem.kernel))
    where = np.broadcast_to(where, (*x.shape[:2], *where.shape[2:])).reshape(windows.shape)
    # Padding is the lowest value too, so among equals the first one inside the input is meant.
    best = windows.max(axis=-1, keepdims=True)
    wins = ((windows == best) | ((windows != windows) & (best != best))) & (where >= 0)
    pick = wins.argmax(axis=-1)[..., None]
    y, indices = np.take_along_axis(windows, pick, -1)[..., 0], np.take_along_axis(where, pick, -1)[..., 0]
    if problem.op.pass_name == DOUBLE_GRAD:
        planes = arrays["ddx"].reshape(*x.shape[:2], math.prod(x.shape[2:]))
        return np.take_along_axis(planes, indices.reshape(*x.shape[:2], math.prod(problem.places)), axis=2).reshape(indices.shape)
    if problem.op.pass_name == INPUT_GRAD:
        dx = np.zeros((math.prod(x.shape[:2]), math.prod(x.shape[2:])), x.dtype)
        plane = np.arange(len(dx)).repeat(math.prod(indices.shape[2:]))
        np.add.at(dx, (plane, indices.reshape(-1)), arrays["dy"].reshape(-1))
        return dx.reshape(x.shape)
    return y, indices


def average_pooling(problem: Problem, arrays: Arrays) -> np.ndarray:
    counts = np.ones((1,) * problem.op.ndim, dtype=np.int64)
    for axis, window in enumerate(problem.windows):
        explicit = problem.count_include_pad and isinstance(window, Window)
        inside = window.inside_padded() if explicit and isinstance(window, Window) else window.inside()
        counts = counts * inside.sum(axis=1).reshape([-1 if i == axis else 1 for i in range(problem.op.ndim)])
    main = next(iter(arrays.values()))
    divisor = main.dtype.type(problem.divisor) if problem.divisor is not None else counts.astype(main.dtype)
    if problem.op.pass_name == INPUT_GRAD:
        return _spread(problem, main / divisor)
    return np.asarray(gather(problem, main).sum(axis=tuple(range(-problem.op.ndim, 0)), dtype=main.dtype) / divisor)


def _spread(problem: Problem, dy: np.ndarray) -> np.ndarray:
    """Each place's value added to every element of its window."""
    dx = np.zeros(problem.input_shape, dy.dtype)
    runs = [_runs(window) for window in problem.windows]
    for p in np.ndindex(problem.output_shape[2:]):
        at = tuple(run[i] for run, i in zip(runs, p, strict=True))
        dx[(slice(None), slice(None), *at)] += dy[(slice(None), slice(None), *p, *[None] * problem.op.ndim)]
    return dx


def _runs(window: AnyWindow) -> list[slice]:
    """The elements of each place's window, which has no gaps."""
    if isinstance(window, AdaptiveWindow):
        return [slice(*ends) for ends in window.bounds]
    starts = [place * window.stride - window.pad_begin for place in range(window.output)]
    return [slice(max(start, 0), min(start + window.kernel, window.size)) for start in starts]


def p_norm(problem: Problem, arrays: Arrays) -> np.ndarray:
    windows, axes = np.abs(gather(problem, arrays["x"])), tuple(range(-problem.op.ndim, 0))
    if math.isinf(problem.norm):
        return np.asarray(windows.max(axis=axes))
    kind = windows.dtype.type
    return np.asarray((windows ** kind(problem.norm)).sum(axis=axes) ** kind(1 / problem.norm))


_FAMILIES: dict[Family, Callable[[Problem, Arrays], np.ndarray | tuple[np.ndarray, np.ndarray]]] = {
    Family.CONV: convolution,
    Family.CONV_TRANSPOSE: convolution,
    Family.CONV_INTEGER: convolution_of_integers,
    Family.MAX_POOL: max_pooling,
    Family.AVG_POOL: average_pooling,
    Family.LP_POOL: p_norm,
    Family.ADAPTIVE_MAX_POOL: max_pooling,
    Family.ADAPTIVE_AVG_POOL: average_pooling,
}


def _columns(problem: Problem, x: np.ndarray) -> np.ndarray:
    """The windows as one matrix for each item and group: (batch, groups, channels of a group * taps, places)."""
    ndim, groups = problem.op.ndim, problem.groups
    windows = gather(problem, x)  # (batch, channels, *places, *kernel)
    windows = windows.reshape(x.shape[0], groups, x.shape[1] // groups, *windows.shape[2:])
    taps_first = windows.transpose(0, 1, 2, *range(3 + ndim, 3 + 2 * ndim), *range(3, 3 + ndim))
    terms = x.shape[1] // groups * math.prod(problem.kernel)
    return taps_first.reshape(x.shape[0], groups, terms, math.prod(problem.places))


def gather(problem: Problem, x: np.ndarray, fill: float = 0) -> np.ndarray:
    """Every window of the padded input as a view of shape (batch, channels, *places, *kernel)."""
    if isinstance(problem.windows[0], AdaptiveWindow):
        for axis, window in enumerate(problem.windows):
            x = np.pad(x, [(0, int(i == 2 + 2 * axis)) for i in range(x.ndim)], constant_values=fill)
            x = x.take(window.table(), axis=2 + 2 * axis)  # what a shorter window lacks is -1: the element put behind
        ndim = problem.op.ndim
        return x.transpose(0, 1, *range(2, 2 + 2 * ndim, 2), *range(3, 3 + 2 * ndim, 2))
    for axis, (window, count) in enumerate(zip(problem.windows, problem.places, strict=True)):
        x = _padded_axis(x, 2 + axis, window, max(_reach(window, count), _padded(window)), fill)
    view = sliding_window_view(x, [window.extent for window in problem.windows], axis=tuple(range(2, x.ndim)))
    pairs = list(zip(problem.windows, problem.places, strict=True))
    positions = tuple(slice(0, (count - 1) * w.stride + 1, w.stride) for w, count in pairs)
    taps = tuple(slice(None, None, w.dilation) for w in problem.windows)
    return view[(slice(None), slice(None), *positions, *taps)]


def _padded_axis(x: np.ndarray, axis: int, window: AnyWindow, size: int, fill: float) -> np.ndarray:
    """One axis padded by the window's mode, cropped where padding is negative, and filled up to ``size``."""
    begin, end = window.pad_begin, window.pad_end
    if begin < 0 or end < 0:
        kept = slice(max(-begin, 0), x.shape[axis] - max(-end, 0))
        x, begin, end = x[(slice(None),) * axis + (kept,)], max(begin, 0), max(end, 0)
    if window.mode != "zeros":
        return np.pad(x, [(begin, end) if i == axis else (0, 0) for i in range(x.ndim)], mode=NUMPY_PAD_MODES[window.mode])  # type: ignore[call-overload,no-any-return]
    room = [(begin, max(0, size - x.shape[axis] - begin)) if i == axis else (0, 0) for i in range(x.ndim)]
    return np.pad(x, room, constant_values=fill) if begin or room[axis][1] else x


def _reach(window: AnyWindow, places: int) -> int:
    """Elements from the first place's first tap to the last one's last."""
    return (places - 1) * window.stride + window.extent


def _padded(window: AnyWindow) -> int:
    return window.padded if not isinstance(window, TransposedWindow) else window.output + window.pad_begin + window.pad_end
