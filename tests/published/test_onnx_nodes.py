"""The oracle says what ONNX publishes: every test of one node in the onnx package that is a convolution or a pooling.

Selections, indices and integers are equal; real numbers lie within the bound that any float32 result is held to. What is
not compared, not valid here, or not the same, is in a table with its reason, and the tables are shown to be complete.
"""

from __future__ import annotations

import numpy as np
import onnx
import pytest

from conformance.problem.validity import reasons_invalid
from conformance.reference.bounds import componentwise
from conformance.reference.oracle import solve
from tests.published.onnx_problems import FAMILIES, NodeTest, is_ours, node_tests, onnx_indices, translated

PUBLISHED = node_tests()
COMPARED = {name: test for name, test in PUBLISHED.items() if test.operator in FAMILIES}

OTHER_OPERATORS = {
    "CausalConvWithState": "a depthwise convolution of a state that is carried on, with an activation: no single operator here",
    "DeformConv": "its kernel's elements lie where another input says: no window on a grid",
    "GlobalLpPool": "ONNX publishes no test of it",
    "MaxRoiPool": "ONNX publishes no test of it; its windows lie where another input says",
}
"""Operators of ONNX that have no problem here, or no test there."""

_PADS = "padding of 2 for a kernel of 3: ONNX sets no limit, PyTorch, whose rules hold here, half of the kernel"
_DILATION = "ONNX' average pooling has a dilation since opset 19, PyTorch's, whose rules hold here, has none"
WIDER = {
    "test_averagepool_2d_pads": _PADS,
    "test_averagepool_2d_pads_count_include_pad": _PADS,
    "test_lppool_2d_pads": _PADS,
    "test_maxpool_2d_pads": _PADS,
    "test_averagepool_2d_dilations": _DILATION,
    "test_averagepool_3d_dilations_small": _DILATION,
    "test_averagepool_3d_dilations_large_count_include_pad_is_0_ceil_mode_is_True": _DILATION,
    "test_averagepool_3d_dilations_large_count_include_pad_is_0_ceil_mode_is_False": _DILATION,
    "test_averagepool_3d_dilations_large_count_include_pad_is_1_ceil_mode_is_True": _DILATION,
    "test_averagepool_3d_dilations_large_count_include_pad_is_1_ceil_mode_is_False": _DILATION,
}
"""Nodes that make no valid problem. The oracle's windows know no such limits, so it is compared nevertheless."""

PRINTED = {
    "test_averagepool_2d_ceil_last_window_starts_on_pad": "published as it was printed, inputs and outputs with four decimals: "
    "(0.8816 + 0.4353 + 0.5772 + 0.6623) / 9 is 0.28404, not 0.2841",
}
"""Outputs that are not the outputs of the published inputs. The oracle is right; ONNX' own tolerance (1e-3) is kept."""


def compared(test: NodeTest) -> tuple[np.ndarray, np.ndarray]:
    """How far the published output is from the oracle's, and how far a result in its format may be."""
    problem, arrays = translated(test)
    assert {name: a.shape for name, a in arrays.items()} == problem.array_shapes
    assert all(a.dtype == problem.dtype_of(name) for name, a in arrays.items())
    truth, published = solve(problem, arrays), test.outputs[0]
    assert published.shape == problem.result_shape
    assert published.dtype == problem.result_format.numpy
    off = np.abs((published - truth.y) - truth.low)
    np.testing.assert_allclose(published, truth.y, rtol=1e-3, atol=1e-7)  # what ONNX asks of a backend
    return off, componentwise(problem, truth).tolerance


@pytest.mark.parametrize("name", [name for name in COMPARED if name not in PRINTED])
def test_the_oracle_says_what_onnx_publishes(name: str) -> None:
    off, tolerance = compared(COMPARED[name])
    assert (off <= tolerance).all()


@pytest.mark.parametrize("name", [name for name, test in COMPARED.items() if len(test.outputs) > 1])
def test_the_indices_of_the_maxima_are_those_that_onnx_publishes(name: str) -> None:
    test = COMPARED[name]
    problem, arrays = translated(test)
    indices = solve(problem, arrays).indices
    assert indices is not None
    assert onnx_indices(test, problem, indices).tolist() == test.outputs[1].tolist()


@pytest.mark.parametrize("name", PRINTED)
def test_what_was_published_with_few_digits_is_near(name: str) -> None:
    off, tolerance = compared(COMPARED[name])
    assert (off > tolerance).any()  # else it needs no place in the table
    assert (off <= 5e-5 * (1 + 4 / 9)).all()  # half of the last digit, of the output and of four inputs of nine


def test_the_nodes_that_make_no_valid_problem_are_those_of_the_table() -> None:
    assert {name for name, test in COMPARED.items() if reasons_invalid(translated(test)[0])} == set(WIDER)


def test_every_convolution_and_pooling_of_onnx_is_translated_or_in_the_table() -> None:
    names = {schema.name for schema in onnx.defs.get_all_schemas() if is_ours(schema.name)}
    assert names == set(FAMILIES) | set(OTHER_OPERATORS)
    assert not set(FAMILIES) & set(OTHER_OPERATORS)
    assert {test.operator for test in COMPARED.values()} == set(FAMILIES)  # each of them has a test


def test_no_test_went_missing() -> None:
    assert len(COMPARED) >= 119
    assert sum(len(test.outputs) > 1 for test in COMPARED.values()) >= 2
