"""The one edit that each skeleton of ``conformance init`` needs: right bodies for the place that says EDIT HERE."""

from __future__ import annotations

import re
from textwrap import dedent, indent

_PLACE = re.compile(r"^( *)(?:#|//) EDIT HERE:.*\n(?:.*\n)*?.*is not written yet.*\n", re.MULTILINE)


def edited(text: str, body: str) -> str:
    """A skeleton with ``body`` in the place to edit, of which there must be one."""
    (place,) = _PLACE.finditer(text)
    return text[: place.start()] + indent(dedent(body).strip("\n") + "\n", place[1]) + text[place.end() :]


# For any number of axes; those of the kinds function, class and package are the same.
CONV_OF_NUMPY = """
x = padded.reshape(batch, groups, channels_of_group, *padded.shape[2:])
w = weight.reshape(groups, -1, channels_of_group, *kernel)
for tap in np.ndindex(*kernel):
    at = tuple(slice(t * d, t * d + (n - 1) * s + 1, s) for t, d, n, s in zip(tap, dilation, outputs, stride))
    y += np.einsum("ngc...,goc->ngo...", x[:, :, :, *at], w[:, :, :, *tap]).reshape(y.shape)
"""
MAX_OF_NUMPY = """
for tap in np.ndindex(*kernel):
    at = tuple(slice(t * d, t * d + (n - 1) * s + 1, s) for t, d, n, s in zip(tap, dilation, outputs, stride))
    np.maximum(y, padded[:, :, *at], out=y)
"""
AVERAGE_OF_NUMPY = """
for tap in np.ndindex(*kernel):
    at = tuple(slice(t * d, t * d + (n - 1) * s + 1, s) for t, d, n, s in zip(tap, dilation, outputs, stride))
    y += padded[:, :, *at]
y /= np.prod(kernel)
"""
CONV2D_OF_TORCH = """
x = padded.reshape(batch, groups, channels_of_group, *padded.shape[2:])
w = weight.reshape(groups, -1, channels_of_group, *kernel)
for k, l in ((k, l) for k in range(kernel[0]) for l in range(kernel[1])):
    at = tuple(slice(t * d, t * d + (n - 1) * s + 1, s) for t, d, n, s in zip((k, l), dilation, outputs, stride))
    y = y + torch.einsum("ngchw,goc->ngohw", x[:, :, :, *at], w[:, :, :, k, l]).reshape(y.shape)
"""
MAX_POOL2D_LAYER = "return nn.functional.max_pool2d(input, self.kernel, self.stride, self.padding, self.dilation)"
AVG_POOL3D_OF_C = """
const int64_t *in = p->input, *out = p->output, *k = p->kernel;
for (int64_t nc = 0; nc < p->batch * p->channels; nc++)
  for (int64_t i0 = 0; i0 < out[0]; i0++)
    for (int64_t i1 = 0; i1 < out[1]; i1++)
      for (int64_t i2 = 0; i2 < out[2]; i2++) {
        float sum = 0;
        for (int64_t tap = 0; tap < k[0] * k[1] * k[2]; tap++) {
          const int64_t e0 = i0 * p->stride[0] + tap / (k[1] * k[2]) - p->pad_begin[0];
          const int64_t e1 = i1 * p->stride[1] + tap / k[2] % k[1] - p->pad_begin[1];
          const int64_t e2 = i2 * p->stride[2] + tap % k[2] - p->pad_begin[2];
          if (e0 >= 0 && e0 < in[0] && e1 >= 0 && e1 < in[1] && e2 >= 0 && e2 < in[2])
            sum += x[((nc * in[0] + e0) * in[1] + e1) * in[2] + e2];
        }
        *y++ = sum / (k[0] * k[1] * k[2]);
      }
"""
MAX_POOL1D_PROCESS = """
for plane in range(batch * channels):
    for i in range(output[0]):
        places = (i * stride[0] + k * dilation[0] - pad_begin[0] for k in range(kernel[0]))
        seen = [x[plane * size[0] + e] for e in places if 0 <= e < size[0]]
        y[plane * output[0] + i] = math.nan if any(map(math.isnan, seen)) else max(seen)
"""
CONV1D_OF_NODE = """
for (let n = 0; n < batch; n++)
  for (let o = 0; o < out_channels; o++)
    for (let i = 0; i < output[0]; i++) {
      const first = Math.floor(o / (out_channels / groups)) * channels_of_group;
      let sum = b ? b[o] : 0;
      for (let c = 0; c < channels_of_group; c++)
        for (let k = 0; k < kernel[0]; k++) {
          const e = i * stride[0] + k * dilation[0] - pad_begin[0];
          if (e >= 0 && e < size[0])
            sum += x[(n * channels + first + c) * size[0] + e] * w[(o * channels_of_group + c) * kernel[0] + k];
        }
      y[(n * out_channels + o) * output[0] + i] = sum;
    }
"""
