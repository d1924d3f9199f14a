"""Functions whose axes come in another order than PyTorch's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.errors import UsageError
from conformance.plugin.axes import DATA_FORMATS, KERNEL_FORMATS, check_formats, from_format, to_format
from conformance.problem import OPERATORS
from conformance.problem.operators import INPUT_GRAD, WEIGHT_GRAD, name_of
from tests.conftest import TARGETS, Check

SHAPE = (2, 3, 4, 5, 6)


@given(st.sampled_from(sorted(OPERATORS)), st.sampled_from(DATA_FORMATS), st.sampled_from(KERNEL_FORMATS), st.integers(0, 2))
def test_a_result_comes_back_as_it_went(operator: str, data: str, kernel: str, dropped: int) -> None:
    """Axes in front may be missing: a function without a batch, or without channels."""
    op = OPERATORS[operator]
    array = np.arange(np.prod(SHAPE[dropped : op.ndim + 2])).reshape(SHAPE[dropped : op.ndim + 2])
    name = "w" if op.pass_name == WEIGHT_GRAD else "b" if op.pass_name == "bias_grad" else "x"
    there = to_format(op, name, array, data, kernel)
    assert (from_format(op, there, data, kernel) == array).all()


@pytest.mark.parametrize("ndim", [1, 2, 3])
def test_channels_come_last(ndim: int) -> None:
    x, w = np.zeros(SHAPE[: ndim + 2]), np.zeros(SHAPE[: ndim + 2])
    conv, transposed = OPERATORS[name_of("conv", ndim)], OPERATORS[name_of("conv_transpose", ndim)]  # type: ignore[arg-type]
    spatial = SHAPE[2 : ndim + 2]
    assert to_format(conv, "x", x, "NHWC", "").shape == (2, *spatial, 3)
    assert to_format(conv, "w", w, "NHWC", "HWIO").shape == (*spatial, 3, 2)
    assert to_format(conv, "w", w, "NHWC", "OHWI").shape == (2, *spatial, 3)
    assert to_format(transposed, "w", w, "NHWC", "HWIO").shape == (*spatial, 2, 3)
    assert to_format(conv, "w", w, "NHWC", "").shape == w.shape


def test_a_view_stays_a_view_and_what_is_contiguous_stays_so() -> None:
    x = np.zeros((2, 3, 4, 5))
    conv = OPERATORS["conv2d"]
    assert to_format(conv, "x", x, "NHWC", "").flags.c_contiguous
    assert to_format(conv, "x", x[..., ::-1], "NHWC", "").strides[2] < 0


def test_an_unknown_format_is_told() -> None:
    with pytest.raises(UsageError, match="data_format=NHCW"):
        check_formats("NHCW", "")
    with pytest.raises(UsageError, match="kernel_format=OIWH"):
        check_formats("NHWC", "OIWH")


@pytest.mark.parametrize("name", ["conv2d", "max_pool2d"])
def test_a_function_with_channels_last_is_conformant(check: Check, name: str) -> None:
    assert check(f"{TARGETS / 'channels_last.py'}:{name}").status == "conformant"


def test_one_that_misreads_its_kernel_is_not(check: Check) -> None:
    assert check(f"{TARGETS / 'channels_last.py'}:conv2d_misread").status == "nonconformant"


def test_gradients_by_autograd_have_their_axes_in_that_order_too(check: Check, tmp_path) -> None:  # type: ignore[no-untyped-def]
    pytest.importorskip("torch")
    (tmp_path / "last.py").write_text(
        "import conformance\nimport torch.nn.functional as F\n"
        "@conformance.claims(data_format='NHWC', kernel_format='HWIO')\n"
        "def conv2d(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):\n"
        "    y = F.conv2d(input.movedim(-1, 1), weight.permute(3, 2, 0, 1).contiguous(), bias, stride, padding,\n"
        "                 dilation, groups)\n"
        "    return y.movedim(1, -1)\n"
    )
    result = check(f"{tmp_path / 'last.py'}:conv2d", no_claim=("accepted",))
    assert result.status == "conformant"
    assert {name_of("conv", 2, INPUT_GRAD), name_of("conv", 2, WEIGHT_GRAD)} <= set(result.operators)  # type: ignore[arg-type]
