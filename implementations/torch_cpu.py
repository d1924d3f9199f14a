"""PyTorch on the CPU: as it comes (oneDNN where it can), and with oneDNN switched off (its own native kernels)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from conformance.plugin import Claims, Implementation
from conformance.plugin.arrays import TorchArrays
from conformance.plugin.claims import options_of
from conformance.problem import OPERATORS, Family, Problem

ORDER = 30
INSTALL = "pip install 'conv-conformance[torch]'"


class TorchCpu(Implementation):
    name = "torch-cpu"
    summary = "torch.nn.functional on the CPU, as it comes (oneDNN)"
    requires = ("torch",)
    install = INSTALL
    arrays = TorchArrays()

    @property
    def claims(self) -> Mapping[str, Claims]:
        claims = {n: Claims(options=options_of(op) - {"asymmetric_padding"}) for n, op in OPERATORS.items()}
        return claims | {"avg_pool1d": claims["avg_pool1d"].without("divisor")}

    def supports(self, problem: Problem) -> str | None:
        # Seen in 2.13: it raises here, although avg_pool2d and max_pool3d accept the same windows.
        if problem.operator == "avg_pool3d" and any(w.size < w.kernel for w in problem.windows):
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


def functional_call(problem: Problem, tensors: Mapping[str, Any]) -> Callable[[], Any]:
    """The bare call of ``torch.nn.functional`` for ``problem`` on tensors of any device."""
    import torch.nn.functional as F

    function = getattr(F, problem.operator)
    x, stride = tensors["x"], problem.stride
    padding = tuple(begin for begin, _ in problem.padding)
    if problem.op.family is Family.CONV:
        w, b = tensors["w"], tensors.get("b")
        return lambda: function(x, w, b, stride, padding, problem.dilation, problem.groups)
    if problem.op.family is Family.MAX_POOL:
        return lambda: function(
            x, problem.kernel, stride, padding, problem.dilation, ceil_mode=problem.ceil, return_indices=problem.indices
        )
    options: dict[str, Any] = {"ceil_mode": problem.ceil, "count_include_pad": problem.count_include_pad}
    if problem.op.ndim > 1:
        options["divisor_override"] = problem.divisor
    return lambda: function(x, problem.kernel, stride, padding, **options)
