"""Correct, plain NumPy functions: what the broken ones of the tests are made from, by changing a line or two."""

import numpy as np

cache = {}
scratch = {}
kept = []


def two(v):
    return (v, v) if isinstance(v, int) else tuple(v)


def conv2d(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    (sh, sw), (ph, pw), (dh, dw) = two(stride), two(padding), two(dilation)
    x, w = input, weight
    n, c, h, width = x.shape
    o, cg, kh, kw = w.shape
    x = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    rows = (h + 2 * ph - dh * (kh - 1) - 1) // sh + 1
    columns = (width + 2 * pw - dw * (kw - 1) - 1) // sw + 1
    y = np.zeros((n, o, rows, columns), x.dtype)
    og = o // groups
    for g in range(groups):
        channels, outputs = slice(g * cg, (g + 1) * cg), slice(g * og, (g + 1) * og)
        for i in range(kh):
            for j in range(kw):
                top, left = i * dh, j * dw
                part = x[:, channels, top : top + sh * (rows - 1) + 1 : sh, left : left + sw * (columns - 1) + 1 : sw]
                y[:, outputs] += np.einsum("nchw,oc->nohw", part, w[outputs, :, i, j])
    if bias is not None:
        y += bias[:, None, None]
    return y


def pool_windows(input, kernel_size, stride, padding, dilation, ceil_mode, fill):
    (kh, kw), (sh, sw), (ph, pw), (dh, dw) = two(kernel_size), two(stride or kernel_size), two(padding), two(dilation)
    sizes = []
    for size, k, s, p, d in zip(input.shape[2:], (kh, kw), (sh, sw), (ph, pw), (dh, dw), strict=True):
        room = size + 2 * p - d * (k - 1) - 1
        count = (-(-room // s) if ceil_mode else room // s) + 1
        if ceil_mode and (count - 1) * s >= size + p:
            count -= 1
        sizes.append((count, (count - 1) * s + d * (k - 1) + 1 - size - p))
    (rows, after_h), (columns, after_w) = sizes
    x = np.pad(input, ((0, 0), (0, 0), (ph, max(0, after_h)), (pw, max(0, after_w))), constant_values=fill)
    at = np.arange(input.shape[2] * input.shape[3]).reshape(input.shape[2:])
    at = np.pad(at, ((ph, max(0, after_h)), (pw, max(0, after_w))), constant_values=-1)
    parts, places = [], []
    for i in range(kh):
        for j in range(kw):
            r, q = slice(i * dh, i * dh + sh * (rows - 1) + 1, sh), slice(j * dw, j * dw + sw * (columns - 1) + 1, sw)
            parts.append(x[:, :, r, q])
            places.append(at[r, q])
    return np.stack(parts), np.stack(places)


def max_pool2d(input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False):
    parts, places = pool_windows(input, kernel_size, stride, padding, dilation, ceil_mode, -np.inf)
    y = parts.max(axis=0)
    if not return_indices:
        return y
    best = (parts == y).argmax(axis=0)
    return y, np.take_along_axis(np.broadcast_to(places[:, None, None], parts.shape), best[None], 0)[0]


def avg_pool2d(input, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True, divisor_override=None):
    parts, places = pool_windows(input, kernel_size, stride, padding, 1, ceil_mode, 0)
    (kh, kw), (sh, sw), (ph, pw) = two(kernel_size), two(stride or kernel_size), two(padding)
    rows, columns = parts.shape[3:]
    top, left = np.arange(rows) * sh - ph, np.arange(columns) * sw - pw
    inside_h = np.minimum(top + kh, input.shape[2] + ph) - top
    inside_w = np.minimum(left + kw, input.shape[3] + pw) - left
    counted = inside_h[:, None] * inside_w
    if not count_include_pad:
        counted = (places >= 0).sum(axis=0)
    if divisor_override is not None:
        counted = np.full_like(counted, divisor_override)
    total = parts.sum(axis=0)
    return total / counted.astype(input.dtype)
