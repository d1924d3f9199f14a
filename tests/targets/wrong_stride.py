"""A conv2d that takes the stride of the wrong axis: the README shows what the check says of it."""

import numpy as np


def conv2d(input, weight, bias=None, stride=1, padding=0):
    (sh, sw), (ph, pw) = ((v, v) if isinstance(v, int) else v for v in (stride, padding))
    sw = sh  # the bug
    x = np.pad(input, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    kh, kw = weight.shape[2:]
    rows, columns = (x.shape[2] - kh) // sh + 1, (x.shape[3] - kw) // sw + 1
    y = np.zeros((x.shape[0], weight.shape[0], rows, columns), x.dtype)
    for i in range(kh):
        for j in range(kw):
            part = x[:, :, i : i + sh * (rows - 1) + 1 : sh, j : j + sw * (columns - 1) + 1 : sw]
            y += np.einsum("nchw,oc->nohw", part, weight[:, :, i, j])
    return y if bias is None else y + bias[:, None, None]
