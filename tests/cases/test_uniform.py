"""Windows that are alike in every axis."""

from __future__ import annotations

import pytest

from conformance.cases.uniform import uniform_cases
from conformance.plugin.claims import Claims, options_of
from conformance.problem import OPERATORS


def every(operator: str, *without: str) -> list[tuple[int, int, int]]:
    """Kernel, stride and padding of each case."""
    op = OPERATORS[operator]
    cases = uniform_cases(operator, Claims(("float32",), options_of(op) - frozenset(without)))
    windows = [case.problem.windows for case in cases]
    assert all(len(set(axes)) == 1 for axes in windows)
    return [(axes[0].kernel, axes[0].stride, axes[0].pad_begin) for axes in windows]  # type: ignore[union-attr]


@pytest.mark.parametrize("operator", ["conv2d", "conv_transpose2d_input_grad", "avg_pool2d"])
def test_large_kernels_have_each_stride_and_half_of_themselves_as_padding(operator: str) -> None:
    assert every(operator) == [(k, s, p) for k in (2, 3, 5, 7) for s in (1, 2) for p in (0, k // 2)]


def test_three_axes_have_no_kernel_of_seven_and_one_axis_has_no_such_cases() -> None:
    assert max(kernel for kernel, _, _ in every("max_pool3d")) == 5
    assert every("conv1d") == []
    assert every("adaptive_avg_pool2d") == []


def test_what_is_not_claimed_is_not_asked() -> None:
    assert {padding for _, _, padding in every("conv2d", "padding")} == {0}
    assert {stride for _, stride, _ in every("conv2d", "stride")} == {1}
    assert every("conv2d", "kernel") == []
