"""Gradients of functions that have none of their own, by the autograd of PyTorch: what their users would get."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from conformance.problem import Problem
from conformance.problem.operators import BIAS_GRAD, DOUBLE_GRAD, INPUT_GRAD, WEIGHT_GRAD

Forward = Callable[[Mapping[str, Any]], Any]
"""The forward pass on tensors by name; differentiable."""
_OF = {INPUT_GRAD: "x", WEIGHT_GRAD: "w", BIAS_GRAD: "b", DOUBLE_GRAD: "x"}


def gradient_call(problem: Problem, given: Mapping[str, Any], forward: Forward) -> Callable[[], Any]:
    """The bare call of a gradient pass: forward and backward of ``forward``. Tensors that the pass is not given are zeros."""
    import torch

    forward_problem = problem.as_pass("forward").replace(bias=problem.op.pass_name == BIAS_GRAD)
    like = next(iter(given.values()))
    wanted = _OF[problem.op.pass_name]

    def tensors() -> dict[str, Any]:
        made = {
            name: given[name].detach() if name in given else torch.zeros(shape, dtype=like.dtype, device=like.device)
            for name, shape in forward_problem.array_shapes.items()
        }
        made[wanted] = made[wanted].requires_grad_(True)
        return made

    def first() -> Any:
        leaves = tensors()
        return torch.autograd.grad(_result(forward(leaves)), leaves[wanted], given["dy"])[0]

    def second() -> Any:
        leaves = tensors()
        y = _result(forward(leaves))
        dy = torch.zeros_like(y).requires_grad_(True)
        (dx,) = torch.autograd.grad(y, leaves[wanted], dy, create_graph=True)
        return torch.autograd.grad(dx, dy, given["ddx"])[0]

    return second if problem.op.pass_name == DOUBLE_GRAD else first


def _result(result: Any) -> Any:
    return result[0] if isinstance(result, tuple) else result
