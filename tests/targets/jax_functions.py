"""Functions on JAX arrays: a convolution and two poolings by lax, and a convolution whose own gradient is wrong."""

import jax
from jax import lax

_AXES = {3: "NCH", 4: "NCHW", 5: "NCHWD"}


def conv2d(input, weight, bias=None, stride=(1, 1), padding=(0, 0), dilation=(1, 1), groups=1):
    numbers = ("NCHW", "OIHW", "NCHW")
    pads = [(p, p) for p in padding]
    y = lax.conv_general_dilated(
        input, weight, stride, pads, rhs_dilation=dilation, dimension_numbers=numbers, feature_group_count=groups,
        precision=lax.Precision.HIGHEST,
    )  # fmt: skip
    return y if bias is None else y + bias[:, None, None]


def max_pool2d(input, kernel_size, stride=None, padding=(0, 0)):
    pads = [(0, 0), (0, 0), *((p, p) for p in padding)]
    return lax.reduce_window(input, -jax.numpy.inf, lax.max, (1, 1, *kernel_size), (1, 1, *(stride or kernel_size)), pads)


@jax.custom_vjp
def _conv1d(input, weight):
    return lax.conv_general_dilated(input, weight, (1,), [(0, 0)], dimension_numbers=("NCH", "OIH", "NCH"))


def _forward(input, weight):
    return _conv1d(input, weight), (input, weight)


def _backward(kept, dy):
    input, weight = kept
    back = weight.transpose(1, 0, 2)  # the kernel is not turned round
    pads = [(weight.shape[2] - 1,) * 2]
    dx = lax.conv_general_dilated(dy, back, (1,), pads, dimension_numbers=("NCH", "OIH", "NCH"))
    return dx, jax.numpy.zeros_like(weight)


_conv1d.defvjp(_forward, _backward)


def conv1d(input, weight):
    """Right forward, wrong in both gradients."""
    return _conv1d(input, weight)
