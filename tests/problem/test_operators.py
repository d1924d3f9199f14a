"""Names of operators, one by one and in short."""

from __future__ import annotations

import pytest

from conformance.errors import UsageError
from conformance.problem.operators import OPERATORS, in_short, operator_named


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["conv2d"], "conv2d"),
        (["conv1d", "conv3d", "max_pool2d"], "conv1/3d, max_pool2d"),
        (["conv2d", "conv2d_input_grad"], "conv2d, conv2d_input_grad"),
        ([name for name, op in OPERATORS.items() if op.base == "max_pool2d"], "max_pool2d and gradients"),
        ([name for name, op in OPERATORS.items() if op.family == "avg_pool"], "avg_pool1/2/3d and gradients"),
        (["conv_integer1d"], "conv_integer1d"),
        ([], ""),
    ],
)
def test_names_in_short(names: list[str], words: str) -> None:
    assert in_short(names) == words


def test_an_unknown_name_is_told_with_those_that_are_known() -> None:
    with pytest.raises(UsageError, match="conv4d") as told:
        operator_named("conv4d")
    assert "_weight_grad" in told.value.hint
