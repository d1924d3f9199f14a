"""PyTorch on the CPU: as it comes (oneDNN where it can), and with oneDNN switched off (its own native kernels)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from conformance.plugin import Claims, Implementation
from conformance.plugin.arrays import TorchArrays
from conformance.plugin.autograd import gradient_call
from conformance.plugin.claims import options_of
from conformance.plugin.known import KnownFailure
from conformance.problem import OPERATORS, Family, Operator, Problem
from conformance.problem.formats import COMPLEX, FLOATS

ORDER = 30
_VIEW = "an unbatched view with strides like those of channels-last raises 'Unsupported memory format'"
_LARGER = "a window that hangs over the end in ceil mode is scaled as if it were whole"
_SMALLER = "an input smaller than the kernel is refused, though in ceil mode 1-D and 2-D take it"
_SPREADS = "a NaN or an Inf reaches outputs whose window does not hold it"
_NOT_CONTIGUOUS = "the backward pass calls view() on a gradient that is not contiguous"
_BIAS = "float32 input and weights with a float64 bias, and the reverse, are accepted"
_NARROW = "oneDNN reads memory that nothing was written to where the input's last axis has one element"
_IN_32_BITS = "the size of the output is worked out in 32 bits, and so taken for a valid one"
_COMPARED_IN_32_BITS = "the output padding is compared with stride and dilation in 32 bits"
KNOWN = (  # seen in 2.13
    KnownFailure("lp_pool", "", "wrong value", ("ceil",), _LARGER),
    KnownFailure("lp_pool3d", "", "raised", ("ceil",), _SMALLER),
    KnownFailure("lp_pool3d", "layout", "raised", ("unbatched",), f"{_VIEW}, as in max_pool3d"),
    KnownFailure("max_pool3d", "layout", "raised", ("unbatched",), _VIEW),
    KnownFailure("max_unpool", "layout", "raised", (), _NOT_CONTIGUOUS, "pytorch/pytorch#154341"),
    KnownFailure("conv", "special", "wrong value", (" bf16 ",), _SPREADS, "pytorch/pytorch#157237"),
    KnownFailure("conv_transpose", "", "wrong value", (" bf16 ", "x1 o"), _NARROW),
    KnownFailure("conv_transpose2d_double_grad", "", "crashed", (" f16 ", "x1 o"), _NARROW),
    KnownFailure("conv_transpose", "rejection", "accepted bias_type", (), _BIAS),
    KnownFailure("max_pool1d", "rejection", "accepted dilation_wide", (), _IN_32_BITS),
    KnownFailure("max_pool1d", "rejection", "hung", ("invalid:kernel_wide",), _IN_32_BITS),
    KnownFailure("conv_transpose1d", "rejection", "accepted output_padding_wide", (), _COMPARED_IN_32_BITS),
)
INSTALL = "pip install 'conv-conformance[torch]'"


class TorchCpu(Implementation):
    name = "torch-cpu"
    summary = "torch.nn.functional on the CPU, as it comes (oneDNN); gradients by autograd"
    requires = ("torch",)
    install = INSTALL
    arrays = TorchArrays()
    known_failures = KNOWN

    @property
    def claims(self) -> Mapping[str, Claims]:
        return {name: _claims(op) for name, op in OPERATORS.items() if op.family is not Family.CONV_INTEGER}

    def supports(self, problem: Problem) -> str | None:
        # Seen in 2.13: it raises here, although avg_pool2d and max_pool3d accept the same windows.
        if problem.op.base == "avg_pool3d" and any(w.size < w.kernel for w in problem.windows):
            return "torch's avg_pool3d rejects an input smaller than the kernel, even where padding makes up for it"
        return super().supports(problem)

    def prepare(self, problem: Problem, arrays: Mapping[str, np.ndarray]) -> Callable[[], Any]:
        return functional_call(problem, {name: self.arrays.to_native(array) for name, array in arrays.items()})

    def fetch(self, result: Any) -> tuple[np.ndarray, ...]:
        return self.arrays.fetch(result)

    def versions(self) -> dict[str, str]:
        return self.arrays.versions()


class TorchNative(TorchCpu):
    name = "torch-native"
    summary = "torch.nn.functional on the CPU with oneDNN switched off"

    def prepare(self, problem: Problem, arrays: Mapping[str, np.ndarray]) -> Callable[[], Any]:
        import torch

        bare = super().prepare(problem, arrays)

        def call() -> Any:
            with torch.backends.mkldnn.flags(enabled=False):
                return bare()

        return call


def _claims(op: Operator) -> Claims:
    """What torch.nn.functional documents for an operator; no negative padding, and padding alike before and behind."""
    options = options_of(op) - {"asymmetric_padding", "crop", "same_upper", "wide_result"}
    if op.traits.weights:  # oneDNN's kernels for bfloat16 take subnormals as zeros
        return Claims(FLOATS + COMPLEX, options, dialect=("subnormals=flushed:bfloat16",))
    if op.base == "avg_pool1d":
        options -= {"divisor"}
    if op.family is Family.LP_POOL:
        return Claims(("float32", "float64"), options - {"padding", "dilation"})
    if op.base == "avg_pool3d":  # 2.13 has no half precision here on the CPU, and says so
        return Claims(("float64", "float32"), options)
    return Claims(FLOATS, options)


def functional_call(problem: Problem, tensors: Mapping[str, Any]) -> Callable[[], Any]:
    """The bare call of ``torch.nn.functional`` for ``problem`` on tensors of any device, gradients by autograd."""
    if not problem.op.forward:
        return gradient_call("torch", problem, tensors, lambda given: forward_call(problem.as_pass("forward"), given)())
    return forward_call(problem, tensors)


def forward_call(problem: Problem, tensors: Mapping[str, Any]) -> Callable[[], Any]:
    """The bare call of the forward pass. ``tensors`` may hold a bias that the problem does not ask for."""
    import torch.nn.functional as F

    function = getattr(F, problem.op.base)
    x, w, b = tensors["x"], tensors.get("w"), tensors.get("b")
    kernel, stride = problem.kernel, problem.stride
    padding: Any = problem.auto_pad or tuple(begin for begin, _ in problem.padding)
    family = problem.op.family
    if family is Family.CONV and problem.pad_mode != "zeros":
        around = [amount for pair in reversed(problem.padding) for amount in pair]  # F.pad starts with the last axis
        return lambda: function(F.pad(x, around, mode=problem.pad_mode), w, b, stride, 0, problem.dilation, problem.groups)
    if family is Family.CONV:
        return lambda: function(x, w, b, stride, padding, problem.dilation, problem.groups)
    if family is Family.CONV_TRANSPOSE:
        return lambda: function(x, w, b, stride, padding, problem.output_padding, problem.groups, problem.dilation)
    if family is Family.MAX_POOL:
        return lambda: function(
            x, kernel, stride, padding, problem.dilation, ceil_mode=problem.ceil, return_indices=problem.indices
        )
    if family is Family.LP_POOL:
        sizes = (kernel[0], stride[0]) if problem.op.ndim == 1 else (kernel, stride)  # lp_pool1d takes numbers alone
        return lambda: function(x, problem.norm, *sizes, ceil_mode=problem.ceil)
    if family is Family.ADAPTIVE_MAX_POOL:
        return lambda: function(x, problem.output_shape[2:], return_indices=problem.indices)
    if family is Family.ADAPTIVE_AVG_POOL:
        return lambda: function(x, problem.output_shape[2:])
    if family is Family.MAX_UNPOOL:
        return lambda: function(x, tensors["indices"], kernel, stride, padding, output_size=problem.output_shape[2:])
    options: dict[str, Any] = {"ceil_mode": problem.ceil, "count_include_pad": problem.count_include_pad}
    if problem.op.ndim > 1:
        options["divisor_override"] = problem.divisor
    return lambda: function(x, kernel, stride, padding, **options)
