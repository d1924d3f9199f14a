"""The package as conv-conformance sees it; nothing else of the package imports this."""

import numpy as np

from conformance import Claims, Implementation
from example_kn2row import convolve

OPTIONS = "batch channels out_channels kernel stride padding asymmetric_padding dilation per_axis groups bias"


class Kn2row(Implementation):
    summary = "one 1x1 convolution for each tap of the kernel, on shifted inputs"

    @property
    def claims(self):
        claimed = Claims(dtypes=("float32", "float64"), options=frozenset(OPTIONS.split()))
        return dict.fromkeys(("conv1d", "conv2d", "conv3d"), claimed)

    def prepare(self, problem, arrays):
        x, w, b = arrays["x"], arrays["w"], arrays.get("b")

        def call():
            padded = np.pad(x, [(0, 0), (0, 0), *problem.padding])
            y = convolve(padded, w, problem.stride, problem.dilation, problem.groups)
            return y if b is None else y + b.reshape(-1, *[1] * problem.op.ndim)

        return call
