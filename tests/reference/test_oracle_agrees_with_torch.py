"""The oracle says what PyTorch says, on whole numbers in float64: the definition is the one that users know."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from conformance.problem import Family, Problem
from conformance.problem.operators import BIAS_GRAD, DOUBLE_GRAD, INPUT_GRAD, WEIGHT_GRAD
from conformance.reference.oracle import solve
from tests.reference.strategies import SEEDS, integers, operators, problems

torch = pytest.importorskip("torch")
F = torch.nn.functional
SKIPPED = (Family.CONV_INTEGER,)  # PyTorch has it for its own quantised tensors only
NAMES = operators(lambda op: op.family not in SKIPPED)


def outer_padding(problem: Problem) -> list[int]:
    """Of F.pad: the last axis first."""
    return [side for pair in reversed(problem.padding) for side in pair]


def forward(problem: Problem, t: dict[str, Any]) -> Any:
    """The forward pass by PyTorch's function of that name."""
    op, x = problem.op, t["x"]
    window = {"kernel_size": problem.kernel, "stride": problem.stride}
    if op.family is Family.CONV:
        mode = {"zeros": "constant"}.get(problem.pad_mode, problem.pad_mode)
        padded = F.pad(x if x.ndim == 2 + op.ndim else x[None], outer_padding(problem), mode)
        y = getattr(F, op.base)(padded, t["w"], t.get("b"), problem.stride, 0, problem.dilation, problem.groups)
        return y if x.ndim == 2 + op.ndim else y[0]
    pad = tuple(begin for begin, _ in problem.padding)
    if op.family is Family.CONV_TRANSPOSE:
        more = problem.output_padding
        return getattr(F, op.base)(x, t["w"], t.get("b"), problem.stride, pad, more, problem.groups, problem.dilation)
    if op.family is Family.MAX_POOL:
        return getattr(F, op.base)(x, **window, padding=pad, dilation=problem.dilation, ceil_mode=problem.ceil)
    if op.family is Family.AVG_POOL:
        options = {"ceil_mode": problem.ceil, "count_include_pad": problem.count_include_pad}
        if op.ndim > 1:
            options["divisor_override"] = problem.divisor
        return getattr(F, op.base)(x, **window, padding=pad, **options)
    if op.family is Family.LP_POOL:
        window = {name: sizes[0] if op.ndim == 1 else sizes for name, sizes in window.items()}
        return getattr(F, op.base)(x, problem.norm, **window, ceil_mode=problem.ceil)
    if op.family is Family.MAX_UNPOOL:
        sizes = [w.size for w in problem.windows]
        return getattr(F, op.base)(x, t["indices"], **window, padding=pad, output_size=sizes)
    return getattr(F, op.base)(x, problem.output_shape[2:])


def by_pytorch(problem: Problem, arrays: dict[str, Any]) -> np.ndarray:
    """The pass by PyTorch's own derivatives: of a forward pass that is linear in what the pass does not hold."""
    dtype = problem.format.numpy
    known = {n: torch.tensor(np.asarray(a).astype(int if n == "indices" else dtype)) for n, a in arrays.items()}
    if problem.op.forward:
        return np.asarray(forward(problem, known))
    whole = problem.as_pass("forward")
    made = {n: known.get(n, torch.tensor(np.ones(shape, dtype))) for n, shape in whole.array_shapes.items()}
    if problem.op.pass_name == BIAS_GRAD:
        made["b"] = torch.tensor(np.ones(problem.out_channels, dtype))
    of = {INPUT_GRAD: "x", WEIGHT_GRAD: "w", BIAS_GRAD: "b", DOUBLE_GRAD: "x"}[problem.op.pass_name]
    made[of].requires_grad_(True)
    y = forward(whole, made)
    if problem.op.pass_name != DOUBLE_GRAD:
        return np.asarray(torch.autograd.grad(y, made[of], known["dy"])[0])
    dy = torch.zeros_like(y, requires_grad=True)
    (dx,) = torch.autograd.grad(y, made["x"], dy, create_graph=True)
    return np.asarray(torch.autograd.grad(dx, dy, known["ddx"])[0])


def has(problem: Problem) -> bool:
    """Whether PyTorch has this problem: its padding is the same on both sides, its averages of one axis have no divisor
    and those of three no kernel beyond the input, its p-norms neither padding nor dilation; some refuse an empty batch."""
    family = problem.op.family
    even = all(begin == end for begin, end in problem.padding)
    if family is Family.LP_POOL and (any(map(any, problem.padding)) or any(d != 1 for d in problem.dilation)):
        return False
    if family is Family.LP_POOL and problem.ceil and any(w.output != w_floor(w) for w in problem.windows):
        return False  # what hangs over the end is scaled up there
    if family is Family.AVG_POOL and problem.op.ndim == 1 and problem.divisor is not None:
        return False
    if family is Family.AVG_POOL and problem.op.ndim == 3 and any(w.size < w.kernel for w in problem.windows):
        return False
    if family is Family.MAX_UNPOOL and any(w.stride - w.kernel >= w.size for w in problem.windows):
        return False
    return problem.batch > 0 and (even or family is Family.CONV)


def w_floor(window: Any) -> int:
    return (window.padded - window.extent) // window.stride + 1


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
@given(data=st.data(), seed=SEEDS)
def test_pytorch_says_the_same(name: str, data: st.DataObject, seed: int) -> None:
    problem = data.draw(problems([name], ("float64", "complex128")))
    assume(has(problem))
    arrays = integers(problem, seed)
    if problem.op.family is Family.LP_POOL:
        arrays["x"] = abs(arrays["x"]) + 1  # PyTorch takes no magnitude of odd powers
    truth = solve(problem, arrays)
    y = by_pytorch(problem, arrays)
    assert y.shape == problem.result_shape
    if problem.op.traits.weights or problem.op.traits.selects:
        assert truth.y.tolist() == y.tolist()
    else:
        np.testing.assert_allclose(y, truth.y, rtol=1e-13, atol=1e-13 * float(truth.S.max(initial=0)))
