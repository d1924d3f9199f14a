"""Rows and batches at which counters of 16 and 24 bits end."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from conformance.cases.extremes import long_cases
from conformance.checks import CHECKS
from conformance.plugin.claims import Claims, options_of
from conformance.plugin.job import Reply
from conformance.problem import OPERATORS
from conformance.problem.operators import BIAS_GRAD, WEIGHT_GRAD
from implementations.numpy_gemm import NumpyGemm

CLAIMS = {name: Claims(operator.traits.dtypes, options_of(operator)) for name, operator in OPERATORS.items()}


@pytest.mark.parametrize("operator", OPERATORS)
def test_an_operator_has_a_row_beyond_16_bits_and_where_it_has_indices_one_beyond_24(operator: str) -> None:
    cases = list(long_cases(operator, CLAIMS[operator], large=True))
    if OPERATORS[operator].pass_name == BIAS_GRAD:
        assert cases == []
        return
    sizes = [case.problem.windows[-1].elements for case in cases]
    assert sizes[0] > 2**16
    assert (max(sizes) > 2**24) == (OPERATORS[operator].forward and operator.startswith(("max_pool", "max_unpool")))


@pytest.mark.parametrize("operator", OPERATORS)
def test_an_operator_has_a_batch_beyond_16_bits_unless_it_sums_over_it(operator: str) -> None:
    batches = [case.problem.batch for case in long_cases(operator, CLAIMS[operator], large=False)]
    sums = OPERATORS[operator].pass_name in (BIAS_GRAD, WEIGHT_GRAD)
    assert max(batches, default=1) == (1 if sums else 2**16 + 3)


def test_what_is_not_claimed_is_not_asked() -> None:
    narrow = Claims(("float64",), frozenset())
    (case,) = long_cases("conv1d", narrow, large=False)
    assert case.problem.dtype == "float64"
    assert case.problem.kernel == (1,)


@pytest.mark.parametrize("operator", ["conv2d", "max_pool1d", "conv_transpose1d_input_grad", "avg_pool3d"])
def test_a_column_counter_of_16_bits_is_found_out(operator: str) -> None:
    case, _ = long_cases(operator, CLAIMS[operator], large=False)
    (call,) = CHECKS["exact"].calls(case)
    result: Any = NumpyGemm().prepare(call.problem, call.arrays)()
    outputs = result if isinstance(result, tuple) else (result,)
    assert CHECKS["exact"].judge(case, CLAIMS[operator], [call], [Reply(outputs)]).failure is None
    wrapped = outputs[0].take(np.arange(outputs[0].shape[-1]) % 2**16, axis=-1)
    failure = CHECKS["exact"].judge(case, CLAIMS[operator], [call], [Reply((wrapped, *outputs[1:]))]).failure
    assert failure is not None
    assert failure.index is not None
    assert failure.index[-1] >= 2**16
