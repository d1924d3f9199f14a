"""Gradients of functions that have none of their own, by the autograd of PyTorch or JAX: what their users would get."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from conformance.problem import Problem
from conformance.problem.operators import BIAS_GRAD, DOUBLE_GRAD, INPUT_GRAD, WEIGHT_GRAD

Forward = Callable[[Mapping[str, Any]], Any]
"""The forward pass on tensors by name; differentiable."""
_OF = {INPUT_GRAD: "x", WEIGHT_GRAD: "w", BIAS_GRAD: "b", DOUBLE_GRAD: "x"}


def differentiable(arrays: str, given: Mapping[str, Any], forward: Forward) -> bool:
    """Whether the result of ``forward`` carries a gradient to its input; it may raise what the function raises."""
    if arrays == "jax":
        import jax

        y, back = jax.vjp(lambda x: _result(forward({**given, "x": x})), given["x"])
        return bool(back(y)[0].any())
    import torch

    result = _result(forward({name: tensor.requires_grad_(name == "x") for name, tensor in given.items()}))
    return isinstance(result, torch.Tensor) and result.requires_grad


def gradient_call(arrays: str, problem: Problem, given: Mapping[str, Any], forward: Forward) -> Callable[[], Any]:
    """The bare call of a gradient pass: forward and backward of ``forward``. Tensors that the pass is not given are zeros."""
    return (_of_jax if arrays == "jax" else _of_torch)(problem, given, forward)


def _of_jax(problem: Problem, given: Mapping[str, Any], forward: Forward) -> Callable[[], Any]:
    import jax

    wanted = _OF[problem.op.pass_name]

    def of_one(tensor: Any) -> Any:
        return _result(forward({**given, wanted: tensor}))

    def first() -> Any:
        _, back = jax.vjp(of_one, given[wanted])
        return back(given["dy"])[0]

    def second() -> Any:
        return jax.jvp(of_one, (given[wanted],), (given["ddx"],))[1]  # it is linear in dy, so that this is its derivative

    return second if problem.op.pass_name == DOUBLE_GRAD else first


def _of_torch(problem: Problem, given: Mapping[str, Any], forward: Forward) -> Callable[[], Any]:
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
