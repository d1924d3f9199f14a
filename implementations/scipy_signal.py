"""``scipy.signal.correlate``, channel by channel, directly and by FFT; max pooling by ``scipy.ndimage``.

SciPy knows neither stride nor dilation: the result is subsampled, and a dilated kernel goes over interleaved images (zeros
between its taps would turn an Inf that it does not see into a NaN). The FFT is accurate relative to the norm of the whole
signal, not of each output, and declares that.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np

from conformance.plugin import Claims, Implementation
from conformance.plugin.claims import options_of
from conformance.plugin.implementation import require_tensors
from conformance.problem import OPERATORS, Family, Problem, require_valid
from conformance.problem.window import NUMPY_PAD_MODES

ORDER = 20
_NOT_CONV, _NOT_POOL = {"crop", "unbatched", "wide_result"}, {"indices", "unbatched"}
_MOST_COMPUTED = 2**28
"""Outputs at stride 1, which are all computed: gigabytes in float64."""
_INSTALL = "pip install 'conv-conformance[scipy]'"


class ScipyDirect(Implementation):
    name = "scipy-direct"
    summary = "scipy.signal.correlate(method='direct'), stride by subsampling, dilation by interleaving"
    requires = ("scipy",)
    install = _INSTALL
    method = "direct"

    @property
    def claims(self) -> Mapping[str, Claims]:
        forward = {name: op for name, op in OPERATORS.items() if op.forward}
        conv = {n: Claims(options=options_of(op) - _NOT_CONV) for n, op in forward.items() if op.family is Family.CONV}
        pool = {n: Claims(options=options_of(op) - _NOT_POOL) for n, op in forward.items() if op.family is Family.MAX_POOL}
        return conv | pool

    def supports(self, problem: Problem) -> str | None:
        if problem.batch * problem.out_channels * math.prod(problem.with_windows(stride=1).output_shape[2:]) > _MOST_COMPUTED:
            return f"stride is made by subsampling, of more than {_MOST_COMPUTED:,} outputs here"
        return super().supports(problem)

    def prepare(self, problem: Problem, arrays: Mapping[str, np.ndarray]) -> Callable[[], object]:
        import scipy.ndimage
        import scipy.signal  # noqa: F401 - imported here so that the call does not pay for it

        require_tensors(require_valid(problem), arrays)
        x, w, b = arrays["x"], arrays.get("w"), arrays.get("b")
        if problem.op.is_pool:
            return lambda: max_pooling(problem, x)
        assert w is not None
        return lambda: convolution(problem, x, w, b, self.method)

    def versions(self) -> dict[str, str]:
        import scipy

        return {"scipy": scipy.__version__, "numpy": np.__version__}


class ScipyFft(ScipyDirect):
    name = "scipy-fft"
    summary = "scipy.signal.correlate(method='fft'): accurate relative to the signal's norm"
    method = "fft"

    @property
    def claims(self) -> Mapping[str, Claims]:
        return {
            name: Claims(options=options_of(operator) - _NOT_CONV, accuracy="fft")
            for name, operator in OPERATORS.items()
            if operator.family is Family.CONV and operator.forward
        }


def convolution(problem: Problem, x: np.ndarray, w: np.ndarray, b: np.ndarray | None, method: str) -> np.ndarray:
    x = np.pad(x, [(0, 0), (0, 0), *problem.padding], mode=NUMPY_PAD_MODES[problem.pad_mode])  # type: ignore[call-overload]
    channels, out_channels = w.shape[1], problem.out_channels // problem.groups
    y = np.zeros(problem.output_shape, x.dtype)
    for n in range(problem.batch):
        for o in range(problem.out_channels):
            first = o // out_channels * channels
            for c in range(channels):
                y[n, o] += _correlate(problem, x[n, first + c], w[o, c], method)
    return y if b is None else y + b.reshape(-1, *[1] * problem.op.ndim)


def _correlate(problem: Problem, image: np.ndarray, kernel: np.ndarray, method: str) -> np.ndarray:
    """One channel. A dilated kernel sees every d-th element, so each of the d interleaved images goes by itself."""
    from scipy.signal import correlate

    sizes = [size - window.extent + 1 for size, window in zip(image.shape, problem.windows, strict=True)]
    dense = np.empty(sizes, image.dtype)
    for phase in np.ndindex(problem.dilation):
        interleaved = tuple(slice(first, None, step) for first, step in zip(phase, problem.dilation, strict=True))
        if all(first < size for first, size in zip(phase, sizes, strict=True)):
            dense[interleaved] = correlate(image[interleaved], kernel, mode="valid", method=method)
    return dense[tuple(slice(None, None, step) for step in problem.stride)]


def max_pooling(problem: Problem, x: np.ndarray) -> np.ndarray:
    from scipy.ndimage import maximum_filter

    pads = [(0, 0), (0, 0)]
    for window in problem.windows:
        reach = (window.output - 1) * window.stride + window.extent
        pads.append((window.pad_begin, max(0, reach - window.size - window.pad_begin)))
    x = np.pad(x, pads, constant_values=-np.inf)
    footprint = np.zeros((1, 1, *(w.extent for w in problem.windows)), dtype=bool)
    footprint[(slice(None), slice(None), *(slice(None, None, step) for step in problem.dilation))] = True
    # The filter's windows are centred: the one that starts at i is found at i + extent // 2.
    starts = tuple(slice(w.extent // 2, w.extent // 2 + (w.output - 1) * w.stride + 1, w.stride) for w in problem.windows)
    at = (slice(None), slice(None), *starts)
    nan = np.isnan(x)
    if not nan.any():
        return np.ascontiguousarray(maximum_filter(x, footprint=footprint)[at])
    # The filter compares, which loses a NaN: where they are is filtered by itself and put back.
    y = maximum_filter(np.where(nan, -np.inf, x), footprint=footprint)[at]
    seen = maximum_filter(nan.astype(np.uint8), footprint=footprint)[at]
    return np.where(seen, x.dtype.type(np.nan), y)
