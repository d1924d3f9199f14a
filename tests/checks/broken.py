"""Deliberately broken functions: each is ``tests/targets/base.py`` with one text replaced by another.

Each has its bug in words and a category. They measure the suite: one that is found conformant is a hole in it.
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.conftest import TARGETS

BASE = (TARGETS / "base.py").read_text(encoding="utf-8")
_Y = "    if bias is not None:\n        y += bias[:, None, None]\n    return y\n"
_BODY = "    x, w = input, weight\n"


@dataclass(frozen=True, slots=True)
class Broken:
    """``old`` is replaced by ``new`` in the base; ``function`` is the one that is then wrong."""

    category: str
    bug: str
    old: str
    new: str
    function: str = "conv2d"

    @property
    def source(self) -> str:
        assert BASE.count(self.old) >= 1, f"{self.bug}: the base has no {self.old!r}"
        return BASE.replace(self.old, self.new, 1)


def _tail(condition: str, effect: str = "+= 1") -> str:
    """The end of conv2d, with an effect on a region of the output."""
    return _Y.replace("    return y\n", f"    y[{condition}] {effect}\n    return y\n")


BROKEN = (
    Broken("index", "the kernel is flipped", "w[outputs, :, i, j]", "w[outputs, :, kh - 1 - i, kw - 1 - j]"),
    Broken("index", "the kernel is flipped in one axis", "w[outputs, :, i, j]", "w[outputs, :, i, kw - 1 - j]"),
    Broken("index", "square kernels are transposed", "w[outputs, :, i, j]", "w[outputs, :, j, i] if kh == kw else w[outputs, :, i, j]"),
    Broken("index", "the stride of axis 0 for both", "two(stride), two(padding), two(dilation)", "(two(stride)[0],) * 2, two(padding), two(dilation)"),
    Broken("index", "strides exchanged", "two(stride), two(padding)", "two(stride)[::-1], two(padding)"),
    Broken("index", "paddings exchanged", "((0, 0), (0, 0), (ph, ph), (pw, pw)))\n    rows = (h", "((0, 0), (0, 0), (pw, pw), (ph, ph)))[:, :, : h + 2 * ph, : width + 2 * pw]\n    x = np.pad(x, [(0, 0), (0, 0), (0, h + 2 * ph - x.shape[2]), (0, width + 2 * pw - x.shape[3])])\n    rows = (h"),
    Broken("index", "dilation ignored while reading", "top, left = i * dh, j * dw", "top, left = i, j"),
    Broken("index", "the dilation of axis 0 for both", "top, left = i * dh, j * dw", "top, left = i * dh, j * dh if j * dh + sw * (columns - 1) < x.shape[3] else j * dw"),
    Broken("index", "padding only in front", "(ph, ph), (pw, pw)))\n    rows", "(2 * ph, 0), (2 * pw, 0)))\n    rows"),
    Broken("index", "replicated instead of zero padding", "(ph, ph), (pw, pw)))\n    rows", "(ph, ph), (pw, pw)), mode='edge')\n    rows"),
    Broken("index", "the last tap is skipped in rows longer than three", "for j in range(kw):\n                top", "for j in range(kw if kw < 4 else kw - 1):\n                top"),
    Broken("index", "1x1 kernels ignore the stride's offset", "top, left = i * dh, j * dw", "top, left = i * dh + (kh == kw == 1 and sh > 1 and x.shape[2] > sh * (rows - 1) + 1), j * dw"),
    Broken("groups", "groups read the channels of the first", "slice(g * cg, (g + 1) * cg)", "slice(0, cg)"),
    Broken("groups", "group channels are interleaved", "slice(g * cg, (g + 1) * cg), slice", "slice(g, None, groups), slice"),
    Broken("groups", "outputs of groups are interleaved", "slice(g * og, (g + 1) * og)", "slice(g, None, groups)"),
    Broken("groups", "the last of more than two groups is left out", "for g in range(groups):", "for g in range(groups - (groups > 2)):"),
    Broken("bias", "the bias is missing", "y += bias[:, None, None]", "pass"),
    Broken("bias", "the bias is added twice", "y += bias[:, None, None]", "y += 2 * bias[:, None, None]"),
    Broken("bias", "the bias is indexed by the batch item", "y += bias[:, None, None]", "y += bias[np.arange(n) % o][:, None, None, None]"),
    Broken("bias", "the bias is added once for each group", "y += bias[:, None, None]", "y += groups * bias[:, None, None]"),
    Broken("tails", "columns beyond the last full vector of 8", _Y, _tail("..., columns // 8 * 8 :", "+= columns > 8")),
    Broken("tails", "columns from the 32nd on", _Y, _tail("..., 32:")),
    Broken("tails", "output channels from the 16th on", _Y, _tail(":, 16:", "*= 0")),
    Broken("tails", "batch items from the fourth on", _Y, _tail("4:", "*= 0")),
    Broken("tails", "input channels beyond a multiple of 4", "for i in range(kh):\n            for", "if cg > 4:\n            channels = slice(g * cg, g * cg + cg // 4 * 4)\n            w = np.concatenate([w[:, : cg // 4 * 4]], 1)\n        for i in range(kh):\n            for"),
    Broken("types", "returns float64", _Y, _Y.replace("return y", "return y.astype(np.float64)")),
    Broken("types", "float64 is computed in float32", _BODY, "    x, w = input.astype(np.float32), weight.astype(np.float32)\n    keep = input.dtype\n"),
    Broken("types", "inputs rounded to float16", _BODY, "    x, w = (a.astype(np.float16).astype(a.dtype) for a in (input, weight))\n"),
    Broken("types", "inputs truncated to bfloat16 in float32", _BODY, "    x, w = input, weight\n    if x.dtype == np.float32:\n        x, w = ((np.ascontiguousarray(a).view(np.uint32) & 0xFFFF0000).view(np.float32) for a in (x, w))\n"),
    Broken("types", "inputs truncated to TF32 in float32", _BODY, "    x, w = input, weight\n    if x.dtype == np.float32:\n        x, w = ((np.ascontiguousarray(a).view(np.uint32) & 0xFFFFE000).view(np.float32) for a in (x, w))\n"),
    Broken("special values", "NaN becomes 0", _BODY, "    x, w = np.nan_to_num(input, nan=0, posinf=np.inf, neginf=-np.inf), weight\n"),
    Broken("special values", "infinities become the largest number", _BODY, "    x, w = input, weight\n    x = np.where(np.isinf(x), np.sign(x) * np.finfo(x.dtype).max, x)\n"),
    Broken("special values", "maxima lose NaN", "y = parts.max(axis=0)", "y = np.fmax.reduce(parts, axis=0)", "max_pool2d"),
    Broken("special values", "maxima start at the lowest finite number", "y = parts.max(axis=0)", "y = np.maximum(parts.max(axis=0), np.finfo(parts.dtype).min)", "max_pool2d"),
    Broken("special values", "maxima pad with 0", "dilation, ceil_mode, -np.inf)", "dilation, ceil_mode, 0)", "max_pool2d"),
    Broken("strided views", "reads the raw buffer of a view", _BODY, "    x, w = input, weight\n    if not x.flags.c_contiguous and x.base is not None and x.base.size == x.size:\n        x = x.base.reshape(x.shape)\n"),
    Broken("strided views", "ignores a stride of zero", _BODY, "    x, w = input, weight\n    if x.strides[0] == 0:\n        x = x.copy()\n        x[1:] = 0\n\n"),
    Broken("strided views", "negative strides are taken as positive", _BODY, "    x, w = input, weight\n    if x.strides[-1] < 0:\n        x = x[..., ::-1]\n"),
    Broken("strided views", "channels-last weights are misread", _BODY, "    x, w = input, weight\n    if w.strides[1] == w.itemsize and w.shape[1] > 1 and w.size > w.shape[1]:\n        w = w[:, ::-1]\n"),
    Broken("stale state", "cached by shape", _Y, _Y.replace("    return y\n", "    return cache.setdefault((input.shape, weight.shape, str(x.dtype), stride, padding, dilation, groups), y).copy()\n")),
    Broken("stale state", "cached by address", _Y, _Y.replace("    return y\n", "    key = (input.ctypes.data, y.shape, str(y.dtype), stride, padding, dilation)\n    return cache.setdefault(key, y).copy()\n")),
    Broken("stale state", "weights packed once for an address", _BODY, "    x, w = input, weight\n    w = cache.setdefault((w.ctypes.data, w.shape, str(w.dtype)), w.copy())\n"),
    Broken("stale state", "one output buffer for all calls", "y = np.zeros((n, o, rows, columns), x.dtype)", "y = cache.setdefault((n, o, rows, columns, str(x.dtype)), np.zeros((n, o, rows, columns), x.dtype))\n    y[...] = 0"),
    Broken("stale state", "scratch memory is not cleared", "y = np.zeros((n, o, rows, columns), x.dtype)", "key = (n, o, rows, columns, str(x.dtype))\n    y = cache[key] = cache.get(key, np.zeros((n, o, rows, columns), x.dtype)).copy()"),
    Broken("stale state", "the output is not initialised", "y = np.zeros((n, o, rows, columns), x.dtype)", "y = np.empty((n, o, rows, columns), x.dtype)"),
    Broken("stale state", "averages remember the first divisor of a shape", "    total = parts.sum(axis=0)\n", "    counted = cache.setdefault((input.shape, kernel_size, stride, padding, ceil_mode, str(input.dtype)), counted)\n    total = parts.sum(axis=0)\n", "avg_pool2d"),
    Broken("stale state", "a scratch array shared by threads", _BODY, "    scratch['x'] = input\n    [np.sin(np.ones(20000)) for _ in range(20)]\n    x, w = scratch['x'], weight\n    if x.shape != input.shape:\n        x = input\n"),
    Broken("contract", "changes its input", _BODY, "    x, w = input, weight\n    if x.flags.writeable and x.size:\n        x *= 2\n        w = w / 2\n"),
    Broken("contract", "returns its input for 1x1 kernels of one", _Y, _Y.replace("return y", "return input if padding == 0 and y.shape == input.shape and (y == input).all() else y")),
    Broken("contract", "drops axes of size 1", _Y, _Y.replace("return y", "return y.squeeze()")),
    Broken("contract", "raises for kernels larger than 4", _BODY, "    x, w = input, weight\n    if max(w.shape[2:]) > 4:\n        raise NotImplementedError('large kernels')\n"),
    Broken("precision", "a float16 accumulator", "y = np.zeros((n, o, rows, columns), x.dtype)", "keep = x.dtype\n    y = np.zeros((n, o, rows, columns), np.float16)"),
    Broken("precision", "an undeclared FFT", _BODY, "    x, w = input, weight\n    if groups == 1 and (sh, sw, dh, dw) == (1, 1, 1, 1):\n        x = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))\n        shape = x.shape[2:]\n        f = np.einsum('nchw,ochw->nohw', np.fft.rfft2(x), np.fft.rfft2(w, shape).conj())\n        y = np.fft.irfft2(f, shape)[:, :, : shape[0] - w.shape[2] + 1, : shape[1] - w.shape[3] + 1].astype(x.dtype)\n        return y if bias is None else y + bias[:, None, None]\n"),
    Broken("precision", "results rounded towards zero", _Y, _Y.replace("return y", "return np.trunc(y * 2**12) / 2**12 if y.dtype == np.float32 else y")),
    Broken("precision", "averages by a running sum", "    total = parts.sum(axis=0)\n", "    total = parts.sum(axis=0)\n    mean = input.mean(dtype=input.dtype)\n    if not ceil_mode and padding == 0:\n        total = (parts + mean * 1000).sum(axis=0) - mean * 1000 * kh * kw\n", "avg_pool2d"),
    Broken("pooling", "ceil mode is ignored", "(-(-room // s) if ceil_mode else room // s) + 1", "room // s + 1", "max_pool2d"),
    Broken("pooling", "ceil mode is not clipped", "if ceil_mode and (count", "if False and (count", "max_pool2d"),
    Broken("pooling", "the divisor is ignored", "if divisor_override is not None:", "if False:", "avg_pool2d"),
    Broken("pooling", "padding is always counted", "if not count_include_pad:", "if False:", "avg_pool2d"),
    Broken("pooling", "the overhang of ceil mode is counted", "np.minimum(top + kh, input.shape[2] + ph) - top", "np.full(rows, kh)", "avg_pool2d"),
    Broken("pooling", "the last of several maxima has the index", "best = (parts == y).argmax(axis=0)", "best = len(parts) - 1 - (parts == y)[::-1].argmax(axis=0)", "max_pool2d"),
    Broken("pooling", "indices are positions in the window", "return y, np.take_along_axis(np.broadcast_to(places[:, None, None], parts.shape), best[None], 0)[0]", "return y, best", "max_pool2d"),
    Broken("pooling", "dilation is ignored in pooling", "slice(i * dh, i * dh + sh * (rows - 1) + 1, sh), slice(j * dw, j * dw +", "slice(i * dh, i * dh + sh * (rows - 1) + 1, sh), slice(j, j +", "max_pool2d"),
)  # fmt: skip
