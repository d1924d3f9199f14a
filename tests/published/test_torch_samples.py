"""The oracle says what PyTorch computes for its own sample inputs, forwards and (of float64) backwards.

Selections and indices are equal; sums lie within the bound that any result in their format is held to. What is no problem
here, or not the same, is in a table with its reason, and the tables are shown to be complete.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from conformance.problem import OPERATORS, Family, Problem
from conformance.problem.validity import reasons_invalid
from conformance.problem.window import AdaptiveWindow, AnyWindow, TransposedWindow, Window, auto_padding
from conformance.reference.bounds import componentwise
from conformance.reference.oracle import solve
from tests.published.torch_samples import DTYPES, SIGNATURES, collected

Sample = dict[str, Any]
FUNCTIONS = [f"{family}{ndim}d" for family in SIGNATURES for ndim in (1, 2, 3)]
CALLS = [(f, dtype) for f in FUNCTIONS for dtype in DTYPES if dtype != "complex64" or f.startswith("conv")]

_SHAPES = "input and output have sizes that no windows of this problem connect"
NOT_EXPRESSED = {
    "max_unpool is defined for windows that do not overlap": "windows that overlap may choose one element twice: PyTorch then "
    "keeps one of the values, which one is undefined; here unpooling is a sum, and is not asked for",
    _SHAPES: "maxima found with ceil_mode, of which PyTorch's unpooling knows nothing: it takes indices and sizes as they come",
    "the divisor is -2, but must be at least 1": "PyTorch divides by any divisor but zero; an average has a positive one",
}
"""Why a sample is no valid problem here, and who is right."""

OTHER_FUNCTIONS = {
    "fractional_max_pool2d": "its windows are random: no arithmetic of strides",
    "fractional_max_pool3d": "its windows are random: no arithmetic of strides",
    "max_pool2d_with_indices_backward": "no function of its own: the gradient of the samples of max_pool2d, which is compared",
}

NAN_OF_NEGATIVES = {
    "lp_pool": "a norm of 1.5: PyTorch raises x, not its magnitude, to the power, so a negative number is NaN. The definition "
    "(and ONNX) is right to take |x|: it says p-norm. Where PyTorch has a number, it is the definition's",
}
"""Families of which some samples disagree: exactly there PyTorch's result is NaN and the oracle's is not."""


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    pytest.importorskip("torch")
    return collected(tmp_path_factory.mktemp("published") / "samples.pickle")


def translated(function: str, dtype: str, sample: Sample) -> Problem:
    """The problem that a call of a torch.nn.functional function is."""
    op, given, x, w = OPERATORS[function], sample["arguments"], sample["arrays"]["x"], sample["arrays"].get("w")
    unbatched = x.ndim == op.ndim + 1
    batch, channels = (1, x.shape[0]) if unbatched else x.shape[:2]
    groups = given.get("groups", 1)
    out_channels = channels if w is None else w.shape[1] * groups if op.family is Family.CONV_TRANSPOSE else w.shape[0]
    rule = given["padding"] if isinstance(given.get("padding"), str) else ""
    return Problem(
        function,
        tuple(_windows(op.ndim, op.family, given, x.shape[-op.ndim :], w, rule)),
        batch=batch,
        channels=channels,
        out_channels=out_channels,
        groups=groups,
        bias="b" in sample["arrays"],
        dtype=dtype,
        indices=given.get("return_indices", False),
        count_include_pad=given.get("count_include_pad", True),
        divisor=given.get("divisor_override"),
        norm=float(given.get("norm_type", 2)),
        auto_pad=rule,
        unbatched=unbatched,
    )


def _windows(
    ndim: int, family: Family, given: dict[str, Any], sizes: tuple[int, ...], w: np.ndarray | None, rule: str
) -> Iterator[AnyWindow]:
    def at(name: str, axis: int, default: int = 0) -> int:
        """A number given for each axis, or one for all; () and nothing are the default."""
        value = given.get(name)
        if isinstance(value, tuple):
            value = value[axis % len(value)] if value else None
        return default if value is None else value

    for axis, size in enumerate(sizes):
        if "output_size" in given and family is not Family.MAX_UNPOOL:
            yield AdaptiveWindow(size, at("output_size", axis, size))
            continue
        kernel = at("kernel_size", axis) if w is None else w.shape[2 + axis]
        stride = at("stride", axis, kernel if w is None else 1)
        window = Window(size, kernel, stride, at("dilation", axis, 1), ceil=given.get("ceil_mode", False))
        pad = auto_padding(rule, window) if rule else (at("padding", axis),) * 2
        if family is Family.CONV_TRANSPOSE:
            yield TransposedWindow(size, kernel, stride, window.dilation, *pad, at("output_padding", axis))
        else:
            out = given["output_size"][axis - ndim] if family is Family.MAX_UNPOOL else size
            yield Window(out, kernel, stride, window.dilation, *pad, window.ceil)


def refusal(problem: Problem, sample: Sample) -> str:
    """Why a sample is no valid problem; nothing where it is one."""
    reasons = "; ".join(reasons_invalid(problem))
    shapes = {name: array.shape for name, array in sample["arrays"].items()}
    return reasons or ("" if shapes == problem.array_shapes else _SHAPES)


def expressed(published: dict[str, Any], function: str, dtype: str) -> Iterator[tuple[Problem, Sample]]:
    for sample in published["samples"][function, dtype]:
        problem = translated(function, dtype, sample)
        if not refusal(problem, sample):
            yield problem, sample


def agrees(problem: Problem, arrays: dict[str, np.ndarray], result: np.ndarray) -> bool:
    """Whether the oracle says so of a result, leaving out NaNs where they are known to differ."""
    truth = solve(problem, arrays)
    tolerance = componentwise(problem, truth).tolerance
    assert result.shape == problem.result_shape
    assert result.dtype == problem.result_format.numpy
    assert np.isfinite(tolerance).all()
    known = np.isnan(result) if problem.op.family in NAN_OF_NEGATIVES else False
    return bool(((np.abs(result - truth.y - truth.low) <= tolerance) | known).all())


@pytest.mark.parametrize(("function", "dtype"), CALLS)
def test_the_oracle_says_what_pytorch_computes(published: dict[str, Any], function: str, dtype: str) -> None:
    wrong = [str(problem) for problem, it in expressed(published, function, dtype) if not agrees(problem, it["arrays"], it["y"])]
    assert not wrong


@pytest.mark.parametrize("function", [name for name in FUNCTIONS if "max_pool" in name])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_indices_of_the_maxima_are_those_of_pytorch(published: dict[str, Any], function: str, dtype: str) -> None:
    found = [(problem, it) for problem, it in expressed(published, function, dtype) if problem.indices]
    wrong = []
    for problem, it in found:
        indices = solve(problem, it["arrays"]).indices
        assert indices is not None
        if indices.tolist() != it["indices"][0].tolist():
            wrong.append(str(problem))
    assert found
    assert not wrong


@pytest.mark.parametrize("function", FUNCTIONS)
def test_the_gradients_are_those_of_autograd(published: dict[str, Any], function: str) -> None:
    wrong = []
    for forward, it in expressed(published, function, "float64"):
        for name, gradient in it["gradients"].items():
            pass_name = {"x": "input_grad", "w": "weight_grad", "b": "bias_grad"}[name]
            problem = forward.replace(bias=False, indices=False).as_pass(pass_name)
            given = it["arrays"] | {"dy": it["dy"]}
            assert not reasons_invalid(problem)
            if not agrees(problem, {key: given[key] for key in problem.array_shapes}, gradient):
                wrong.append(str(problem))
    assert not wrong


def test_what_is_not_compared_is_in_the_tables(published: dict[str, Any]) -> None:
    """And every function of PyTorch that is a convolution or a pooling is translated, or in a table."""
    refused = {
        refusal(translated(function, dtype, sample), sample)
        for (function, dtype), samples in published["samples"].items()
        for sample in samples
    }
    assert refused - {""} == set(NOT_EXPRESSED)
    assert published["others"] == set(OTHER_FUNCTIONS)
    assert set(published["samples"]) == set(CALLS)


def test_only_the_powers_of_negative_numbers_are_nan(published: dict[str, Any]) -> None:
    """So leaving NaNs out hides nothing: no sample has one in its input, and none without negative numbers in its output."""
    nan = set()
    for function, dtype in CALLS:
        for problem, it in expressed(published, function, dtype):
            assert not np.isnan(it["arrays"]["x"]).any()
            if np.isnan(it["y"]).any():
                nan.add(problem.op.family)
                assert problem.norm == 1.5
                negative = solve(problem.replace(norm=1.0), {"x": np.minimum(it["arrays"]["x"], 0)}).y > 0
                assert np.isnan(it["y"]).tolist() == negative.tolist()
    assert nan == set(NAN_OF_NEGATIVES)


def test_no_sample_went_missing(published: dict[str, Any]) -> None:
    compared = [it for call in CALLS for _, it in expressed(published, *call)]
    assert len(compared) >= 6563
    assert sum(len(it.get("gradients", ())) for it in compared) >= 3388
    assert all("gradients" in it for it in compared if it["y"].dtype == np.float64)
