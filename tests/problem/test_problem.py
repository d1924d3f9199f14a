"""A problem's shapes and counts, read off one worked example of each family and counted by hand or one by one."""

from __future__ import annotations

import dataclasses
import math
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.problem import OPERATORS, Family, Problem, Window, parse_problem
from conformance.problem.operators import with_passes

CONV = parse_problem("conv2d f32 n2 c4 i9x7 o6 k3x2 s2x1 p1x2 d1x2 g2 bias")
POOL = parse_problem("max_pool2d f64 n2 c3 i8x5 k3x2 s2x3 p1:0x0:1 ceil indices")


def test_every_family_has_one_operator_for_each_number_of_axes() -> None:
    forward = [name for name, op in OPERATORS.items() if op.forward]
    assert sorted(forward) == sorted(f"{family}{n}d" for family in Family for n in (1, 2, 3))
    assert all(name == op.name and op.base == f"{op.family}{op.ndim}d" for name, op in OPERATORS.items())
    convs = (Family.CONV, Family.CONV_TRANSPOSE, Family.CONV_INTEGER)
    assert [op.is_pool for op in OPERATORS.values()] == [op.family not in convs for op in OPERATORS.values()]


def test_every_gradient_is_an_operator_of_its_own() -> None:
    all_of_them = {"forward", "input_grad", "weight_grad", "bias_grad", "double_grad"}
    passes = {family: {op.pass_name for op in OPERATORS.values() if op.family is family} for family in Family}
    assert passes[Family.CONV] == passes[Family.CONV_TRANSPOSE] == all_of_them
    assert passes[Family.CONV_INTEGER] == {"forward"}
    assert passes[Family.LP_POOL] == {"forward", "input_grad"}
    others = [Family.MAX_POOL, Family.AVG_POOL, Family.ADAPTIVE_MAX_POOL, Family.ADAPTIVE_AVG_POOL, Family.MAX_UNPOOL]
    assert all(passes[family] == {"forward", "input_grad", "double_grad"} for family in others)
    assert all(name == (op.base if op.forward else f"{op.base}_{op.pass_name}") for name, op in OPERATORS.items())


def test_a_forward_operator_names_all_of_its_passes() -> None:
    assert with_passes(("lp_pool1d",)) == ("lp_pool1d", "lp_pool1d_input_grad")
    assert len(with_passes(("conv2d", "conv3d"))) == 10
    assert with_passes(("conv2d_bias_grad",)) == ("conv2d_bias_grad",)


def test_what_is_selected_is_not_rounded_but_its_gradients_are_added_up() -> None:
    exact = {name for name, op in OPERATORS.items() if not op.rounds}
    names = ["max_pool{}", "max_pool{}_double_grad", "adaptive_max_pool{}", "adaptive_max_pool{}_double_grad"]
    names += ["max_unpool{}", "max_unpool{}_input_grad", "max_unpool{}_double_grad"]
    assert exact == {name.format(f"{n}d") for name in names for n in (1, 2, 3)}


def test_a_convolution_has_the_shapes_of_the_field() -> None:
    assert CONV.input_shape == (2, 4, 9, 7)
    assert CONV.weight_shape == (6, 2, 3, 2)
    assert CONV.output_shape == (2, 6, 5, 9)
    assert CONV.array_shapes == {"x": (2, 4, 9, 7), "w": (6, 2, 3, 2), "b": (6,)}
    assert CONV.replace(bias=False).array_shapes == {"x": (2, 4, 9, 7), "w": (6, 2, 3, 2)}


def test_a_pooling_has_one_tensor_and_keeps_its_channels() -> None:
    assert POOL.array_shapes == {"x": (2, 3, 8, 5)}
    assert POOL.output_shape == (2, 3, 4, 2)  # ceil: 3.5 steps and 1.33, whose last would start in the end padding


def shapes(text: str) -> tuple[dict[str, tuple[int, ...]], tuple[int, ...]]:
    problem = parse_problem(text)
    return problem.array_shapes, problem.result_shape


def test_a_gradient_takes_a_gradient_and_the_other_factor() -> None:
    words = "n2 c4 i9x7 o6 k3x2 g2"
    x, w, y = (2, 4, 9, 7), (6, 2, 3, 2), (2, 6, 7, 6)
    assert shapes(f"conv2d_input_grad {words}") == ({"dy": y, "w": w}, x)
    assert shapes(f"conv2d_weight_grad {words}") == ({"x": x, "dy": y}, w)
    assert shapes(f"conv2d_bias_grad {words}") == ({"dy": y}, (6,))
    assert shapes(f"conv2d_double_grad {words}") == ({"ddx": x, "w": w}, y)
    assert CONV.replace(bias=False).as_pass("weight_grad").operator == "conv2d_weight_grad"
    assert CONV.as_pass("weight_grad").as_pass("forward") == CONV


def test_a_transposed_convolution_has_its_weights_by_input_channel() -> None:
    words = "n2 c4 i5 o6 k3 s2 op1 g2"  # (5 - 1) * 2 + 3 + 1
    x, w, y = (2, 4, 5), (4, 3, 3), (2, 6, 12)
    assert shapes(f"conv_transpose1d {words} bias") == ({"x": x, "w": w, "b": (6,)}, y)
    assert shapes(f"conv_transpose1d_input_grad {words}") == ({"dy": y, "w": w}, x)
    assert shapes(f"conv_transpose1d_weight_grad {words}") == ({"x": x, "dy": y}, w)
    assert shapes(f"conv_transpose1d_bias_grad {words}") == ({"dy": y}, (6,))


def test_the_gradient_of_a_pooling_takes_the_input_that_it_pooled() -> None:
    x, y = (2, 3, 8), (2, 3, 4)
    for family in ("max_pool", "avg_pool", "lp_pool"):
        assert shapes(f"{family}1d_input_grad n2 c3 i8 k2 s2") == ({"dy": y, "x": x}, x)
    assert shapes("max_pool1d_double_grad n2 c3 i8 k2 s2") == ({"ddx": x, "x": x}, y)
    assert shapes("adaptive_avg_pool1d_input_grad n2 c3 i8 to4") == ({"dy": y, "x": x}, x)


def test_unpooling_goes_from_the_outputs_of_its_windows_to_their_input() -> None:
    x, y = (2, 3, 4), (2, 3, 8)
    assert shapes("max_unpool1d n2 c3 i8 k2 s2") == ({"x": x, "indices": x}, y)
    assert shapes("max_unpool1d_input_grad n2 c3 i8 k2 s2") == ({"dy": y, "indices": x}, x)
    assert shapes("max_unpool1d_double_grad n2 c3 i8 k2 s2") == ({"ddx": x, "indices": x}, y)
    assert parse_problem("max_unpool1d i8 k2 s2").dtype_of("indices").name == "int64"


def test_a_quantised_convolution_has_zero_points_and_requantised_a_scale() -> None:
    sums = parse_problem("conv_integer1d n2 c4 i5 o6 k3 bias")
    zeros = {"x_zero": (), "w_zero": (6,)}
    assert sums.array_shapes == {"x": (2, 4, 5), "w": (6, 4, 3), "b": (6,), **zeros}
    assert (sums.dtype, sums.result_format.name, sums.requantised) == ("uint8", "int32", False)
    small = parse_problem("conv_integer1d uint8>int8 n2 c4 i5 o6 k3")
    assert small.array_shapes == {"x": (2, 4, 5), "w": (6, 4, 3), **zeros, "scale": (6,), "y_zero": ()}
    assert (small.result_format.name, small.requantised) == ("int8", True)
    types = {name: small.dtype_of(name).name for name in small.array_shapes}
    assert types == {"x": "uint8", "w": "int8", "x_zero": "uint8", "w_zero": "int8", "scale": "float32", "y_zero": "int8"}
    assert sums.dtype_of("b").name == "int32"


def test_unbatched_tensors_have_no_batch_axis() -> None:
    assert shapes("conv1d c4 i5 o6 k3 unbatched bias") == ({"x": (4, 5), "w": (6, 4, 3), "b": (6,)}, (6, 3))
    assert shapes("conv1d_weight_grad c4 i5 o6 k3 unbatched") == ({"x": (4, 5), "dy": (6, 3)}, (6, 4, 3))
    assert shapes("conv1d_bias_grad c4 i5 o6 k3 unbatched") == ({"dy": (6, 3)}, (6,))
    assert shapes("max_unpool1d c4 i6 k2 s2 unbatched") == ({"x": (4, 3), "indices": (4, 3)}, (4, 6))


def test_a_wider_result_has_a_format_of_its_own() -> None:
    problem = parse_problem("conv1d f16>f32 i5 k3")
    assert (problem.format.name, problem.result_format.name, problem.dtype_of("w").name) == ("float16", "float32", "float16")
    assert parse_problem("conv1d f16 i5 k3").result_format.name == "float16"


@pytest.mark.parametrize(
    ("text", "most"),
    [
        ("conv1d_weight_grad n3 i5 k3", 3 * 3),  # batch times places
        ("conv1d_bias_grad n3 i5 k3", 3 * 3),
        ("conv1d_input_grad c2 i5 o4 k3", 4 * 3),  # output channels times taps
        ("conv1d_input_grad c2 i5 o4 k3 s2", 4 * 2),  # an element is met by two windows
        ("conv1d_input_grad i5 k3 p2 replicate", 1 + 2 + 3),  # the border: tap 0 at 1 place, 0-1 more at 2 and at 3 of them
        ("conv1d_double_grad c2 i5 o4 k3", 2 * 3),
        ("conv_transpose1d c2 i5 o4 k3", 2 * 3),
        ("conv_transpose1d c2 i5 o4 k3 s3 bias", 2 * 1 + 1),
        ("conv_transpose1d_input_grad c2 i5 o4 k3", 4 * 3),
        ("max_pool1d_input_grad c2 i5 k3", 3),
        ("avg_pool1d_input_grad c2 i5 k3 s2", 2),
        ("adaptive_avg_pool1d i5 to3", 3),
        ("adaptive_avg_pool1d_input_grad i2 to8", 4),
        ("max_unpool1d i8 k2 s2", 1),
        ("conv1d_weight_grad n0 i5 k3", 1),
    ],
)
def test_the_most_terms_of_each_pass(text: str, most: int) -> None:
    assert parse_problem(text).max_terms == most


def test_every_pass_of_a_convolution_does_the_same_work() -> None:
    forward = parse_problem("conv2d n2 c4 i9x7 o6 k3x2 g2")
    for pass_name in ("input_grad", "weight_grad", "double_grad"):
        assert forward.as_pass(pass_name).work == forward.work
    assert forward.as_pass("bias_grad").work == math.prod(forward.output_shape)
    assert parse_problem("conv_transpose1d c2 i5 o3 k4 s2").work == 5 * 4 * 2 * 3


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


def test_a_field_that_a_kind_of_window_lacks_is_left_alone() -> None:
    adaptive = parse_problem("adaptive_avg_pool1d i5 to3")
    assert adaptive.with_windows(pad_begin=1, size=7) == parse_problem("adaptive_avg_pool1d i7 to3")
    assert parse_problem("conv_transpose1d i5 k3 op0 s2").with_axis(0, output_padding=1, ceil=True).output_padding == (1,)
    assert CONV.output_padding == (0, 0)


def test_replace_makes_another_problem() -> None:
    assert CONV.replace(batch=7).batch == 7
    assert CONV.batch == 2


def test_problems_are_values() -> None:
    same = parse_problem(str(CONV))
    assert same is not CONV
    assert {CONV: "found"}[same] == "found"
    with pytest.raises(dataclasses.FrozenInstanceError):
        CONV.batch = 3  # type: ignore[misc]
