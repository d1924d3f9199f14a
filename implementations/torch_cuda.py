"""PyTorch on CUDA, in full float32 and with TensorFloat-32 inputs, which it declares."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from conformance.plugin import Claims
from conformance.problem import Problem
from implementations.torch_cpu import TorchCpu, functional_call

ORDER = 40


class TorchCuda(TorchCpu):
    name = "torch-cuda"
    summary = "torch.nn.functional on CUDA, TF32 off"
    tf32 = False

    @property
    def claims(self) -> Mapping[str, Claims]:
        # Sums by atomic additions may come in another order the next time.
        return {name: dataclasses.replace(claims, deterministic=False) for name, claims in super().claims.items()}

    def unavailable(self) -> str | None:
        reason = super().unavailable()
        if reason:
            return reason
        import torch

        if torch.version.cuda is None:
            return f"this build of torch ({torch.__version__}) has no CUDA: install one that has, from pytorch.org"
        return None if torch.cuda.is_available() else "no CUDA device found"

    def prepare(self, problem: Problem, arrays: Mapping[str, np.ndarray]) -> Callable[[], Any]:
        import torch

        tensors = {name: self.arrays.to_native(array).to("cuda") for name, array in arrays.items()}
        bare = functional_call(problem, tensors)
        torch.cuda.synchronize()

        def call() -> Any:
            torch.backends.cudnn.allow_tf32 = self.tf32
            torch.backends.cuda.matmul.allow_tf32 = self.tf32
            result = bare()
            torch.cuda.synchronize()
            return result

        return call

    def versions(self) -> dict[str, str]:
        import torch

        return {
            "torch": torch.__version__,
            "cuda": str(torch.version.cuda),
            "cudnn": str(torch.backends.cudnn.version()),
            "device": torch.cuda.get_device_name(),
        }

    def release(self) -> None:
        import torch

        torch.cuda.empty_cache()


class TorchCudaTf32(TorchCuda):
    name = "torch-cuda-tf32"
    summary = "torch.nn.functional on CUDA with TF32 inputs allowed, declared as such"
    tf32 = True

    @property
    def claims(self) -> Mapping[str, Claims]:
        return {
            name: dataclasses.replace(claims, accuracy="tf32", dtypes=("float32",))
            for name, claims in super().claims.items()
            if name.startswith("conv")  # the gradients too
        }
