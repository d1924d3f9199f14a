"""Honest but unusual functions: other orders of summation, other precisions inside, transforms that declare themselves."""

import math

import numpy as np

import conformance
from conformance.reference.transforms import winograd_matrices


def _terms(input, weight, bias, stride, padding, groups):
    """Every product of every output, shape (terms, batch, out_channels, rows, columns), a bias among them."""
    (sh, sw), (ph, pw) = ((v, v) if isinstance(v, int) else v for v in (stride, padding))
    x = np.pad(input, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    o, cg, kh, kw = weight.shape
    rows, columns = (x.shape[2] - kh) // sh + 1, (x.shape[3] - kw) // sw + 1
    terms = []
    for c in range(cg):
        channels = np.repeat(np.arange(groups) * cg + c, o // groups)
        for i in range(kh):
            for j in range(kw):
                part = x[:, channels, i : i + sh * (rows - 1) + 1 : sh, j : j + sw * (columns - 1) + 1 : sw]
                terms.append(part * weight[None, :, c, i, j, None, None])
    if bias is not None:
        terms.append(np.broadcast_to(bias[None, :, None, None], terms[0].shape))
    return np.stack(terms)


def conv2d_backwards(input, weight, bias=None, stride=1, padding=0, groups=1):
    total = 0
    for term in _terms(input, weight, bias, stride, padding, groups)[::-1]:
        total = total + term
    return total


def conv2d_pairwise(input, weight, bias=None, stride=1, padding=0, groups=1):
    terms = list(_terms(input, weight, bias, stride, padding, groups))
    while len(terms) > 1:
        terms = [sum(terms[i : i + 2]) for i in range(0, len(terms), 2)]
    return terms[0]


def conv2d_kahan(input, weight, bias=None, stride=1, padding=0, groups=1):
    total = carry = 0
    for term in _terms(input, weight, bias, stride, padding, groups):
        with np.errstate(invalid="ignore"):
            y = term - carry
            new = total + y
            carry = np.nan_to_num((new - total) - y, nan=0, posinf=0, neginf=0)
        total = new
    return total


def conv2d_double_accumulator(input, weight, bias=None, stride=1, padding=0, groups=1):
    wide = (None if a is None else a.astype(np.float64) for a in (input, weight, bias))
    return _terms(*wide, stride, padding, groups).sum(axis=0).astype(input.dtype)


def conv2d_exactly_rounded(input, weight, bias=None):
    terms = _terms(input.astype(np.float64), weight.astype(np.float64), bias, 1, 0, 1)
    flat = terms.reshape(len(terms), -1).T
    sums = [math.fsum(row) if np.isfinite(row).all() else row.sum() for row in flat]
    return np.array(sums).reshape(terms.shape[1:]).astype(input.dtype)


def conv2d_random_order(input, weight, bias=None, stride=1, padding=0, groups=1):
    terms = _terms(input, weight, bias, stride, padding, groups)
    total = 0
    for i in np.random.default_rng().permutation(len(terms)):
        total = total + terms[i]
    return total


conv2d_random_order = conformance.claims(deterministic=False)(conv2d_random_order)


def conv2d_fortran_result(input, weight, bias=None, stride=1, padding=0, groups=1):
    return np.asfortranarray(_terms(input, weight, bias, stride, padding, groups).sum(axis=0))


def conv2d_in_blocks(input, weight, bias=None, stride=1, padding=0, groups=1):
    terms = _terms(input, weight, bias, stride, padding, groups)
    return sum(terms[i : i + 4].sum(axis=0) for i in range(0, len(terms), 4))


@conformance.claims(accuracy="fft")
def conv2d_fft(input, weight, bias=None, padding=0):
    ph, pw = (padding, padding) if isinstance(padding, int) else padding
    x = np.pad(input, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    shape, (kh, kw) = x.shape[2:], weight.shape[2:]
    product = np.einsum("nchw,ochw->nohw", np.fft.rfft2(x), np.fft.rfft2(weight, shape).conj())
    y = np.fft.irfft2(product, shape)[:, :, : shape[0] - kh + 1, : shape[1] - kw + 1]
    return (y if bias is None else y + bias[:, None, None]).astype(input.dtype)


@conformance.claims(accuracy="winograd(4,3)")
def conv2d_winograd(input, weight, bias=None, padding=0):
    if weight.shape[2:] != (3, 3):
        return _terms(input, weight, bias, 1, padding, 1).sum(axis=0)
    A, G, B = (matrix.astype(input.dtype) for matrix in winograd_matrices(4, 3))
    ph, pw = (padding, padding) if isinstance(padding, int) else padding
    x = np.pad(input, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    rows, columns = x.shape[2] - 2, x.shape[3] - 2
    x = np.pad(x, ((0, 0), (0, 0), (0, -rows % 4), (0, -columns % 4)))
    y = np.zeros((x.shape[0], len(weight), rows + -rows % 4, columns + -columns % 4), input.dtype)
    u = np.einsum("ab,ocbd,ed->ocae", G, weight, G)
    for r in range(0, y.shape[2], 4):
        for q in range(0, y.shape[3], 4):
            v = np.einsum("ab,ncbd,ed->ncae", B, x[:, :, r : r + 6, q : q + 6], B)
            m = np.einsum("ncae,ocae->noae", v, u)
            y[:, :, r : r + 4, q : q + 4] = np.einsum("ab,noae,ed->nobd", A, m, np.eye(6, dtype=A.dtype)) @ A
    y = y[:, :, :rows, :columns]
    return np.ascontiguousarray(y) if bias is None else y + bias[:, None, None]


def avg_pool2d_reciprocal(input, kernel_size, stride=None):
    """Multiplies by a rounded reciprocal instead of dividing, as many libraries do."""
    (kh, kw), (sh, sw) = ((v, v) if isinstance(v, int) else v for v in (kernel_size, stride or kernel_size))
    windows = np.lib.stride_tricks.sliding_window_view(input, (kh, kw), axis=(2, 3))[:, :, ::sh, ::sw]
    return windows.sum(axis=(4, 5)) * input.dtype.type(1 / (kh * kw))


def max_pool2d_by_rows(input, kernel_size, stride=None):
    (kh, kw), (sh, sw) = ((v, v) if isinstance(v, int) else v for v in (kernel_size, stride or kernel_size))
    view = np.lib.stride_tricks.sliding_window_view
    rows = view(input, kh, axis=2)[:, :, ::sh].max(axis=-1)
    return view(rows, kw, axis=3)[:, :, :, ::sw].max(axis=-1)
