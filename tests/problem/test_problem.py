"""A problem's shapes and counts, read off one worked example of each family and counted by hand or one by one."""

from __future__ import annotations

import dataclasses
import math
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.problem import OPERATORS, Family, Problem, Window, parse_problem

CONV = parse_problem("conv2d f32 n2 c4 i9x7 o6 k3x2 s2x1 p1x2 d1x2 g2 bias")
POOL = parse_problem("max_pool2d f64 n2 c3 i8x5 k3x2 s2x3 p1:0x0:1 ceil indices")


def test_every_family_has_one_operator_for_each_number_of_axes() -> None:
    assert sorted(OPERATORS) == sorted(f"{family}{n}d" for family in ("conv", "max_pool", "avg_pool") for n in (1, 2, 3))
    assert all(name == f"{op.family}{op.ndim}d" == op.name for name, op in OPERATORS.items())
    assert [op.is_pool for op in OPERATORS.values()] == [op.family is not Family.CONV for op in OPERATORS.values()]


def test_a_convolution_has_the_shapes_of_the_field() -> None:
    assert CONV.input_shape == (2, 4, 9, 7)
    assert CONV.weight_shape == (6, 2, 3, 2)
    assert CONV.output_shape == (2, 6, 5, 9)
    assert CONV.array_shapes == {"x": (2, 4, 9, 7), "w": (6, 2, 3, 2), "b": (6,)}
    assert CONV.replace(bias=False).array_shapes == {"x": (2, 4, 9, 7), "w": (6, 2, 3, 2)}


def test_a_pooling_has_one_tensor_and_keeps_its_channels() -> None:
    assert POOL.array_shapes == {"x": (2, 3, 8, 5)}
    assert POOL.output_shape == (2, 3, 4, 2)  # ceil: 3.5 steps and 1.33, whose last would start in the end padding


def test_the_fields_of_the_axes_are_gathered() -> None:
    assert CONV.kernel == (3, 2)
    assert CONV.stride == (2, 1)
    assert CONV.dilation == (1, 2)
    assert CONV.padding == ((1, 1), (2, 2))
    assert POOL.padding == ((1, 0), (0, 1))
    assert POOL.ceil
    assert not CONV.ceil


def test_operator_and_format_are_looked_up_by_name() -> None:
    assert CONV.op is OPERATORS["conv2d"]
    assert CONV.format.significand == 24
    assert POOL.format.significand == 53


def test_a_bias_is_one_term_more() -> None:
    assert CONV.max_terms == 3 * 2 * 2 + 1
    assert CONV.replace(bias=False).max_terms == 12
    assert POOL.max_terms == 6


@given(
    channels=st.integers(1, 3),
    out_channels=st.integers(1, 3),
    groups=st.integers(1, 2),
    kernel=st.tuples(st.integers(1, 2), st.integers(1, 3)),
    bias=st.booleans(),
)
def test_work_is_what_a_direct_loop_executes(
    channels: int, out_channels: int, groups: int, kernel: tuple[int, int], bias: bool
) -> None:
    windows = (Window(4, kernel[0]), Window(3, kernel[1], pad_begin=1))
    problem = Problem("conv2d", windows, 2, channels * groups, out_channels * groups, groups, bias)
    loops = (*problem.output_shape, channels, *kernel)
    assert problem.work == sum(1 for _ in product(*map(range, loops)))


def test_the_work_of_a_pooling_is_the_elements_that_it_reads() -> None:
    assert POOL.work == math.prod(POOL.output_shape) * 6


def test_with_axis_changes_one_window_and_with_windows_all() -> None:
    one = CONV.with_axis(1, stride=3)
    assert one.stride == (2, 3)
    assert one.windows[0] == CONV.windows[0]
    assert CONV.with_windows(stride=3).stride == (3, 3)
    assert CONV.stride == (2, 1)


def test_replace_makes_another_problem() -> None:
    assert CONV.replace(batch=7).batch == 7
    assert CONV.batch == 2


def test_problems_are_values() -> None:
    same = parse_problem(str(CONV))
    assert same is not CONV
    assert {CONV: "found"}[same] == "found"
    with pytest.raises(dataclasses.FrozenInstanceError):
        CONV.batch = 3  # type: ignore[misc]
