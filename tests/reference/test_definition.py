"""The definition on examples small enough to work out by hand; the sums stand beside the numbers."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from conformance.problem import parse_problem
from conformance.reference.definition import define, exact

INF, NAN = float("inf"), float("nan")


def numbers(values: Any) -> np.ndarray:
    """Nested lists as an array of Python's own numbers, which are exact."""
    return np.array(values, dtype=object)


def one_axis(text: str, x: list[Any], w: list[Any] | None = None) -> list[Any]:
    """What comes out of a problem with one item and one channel, or (max pooling) the result and its indices."""
    arrays = {"x": numbers([[x]])}
    if w is not None:
        arrays["w"] = numbers([[w]])
    results = [y[0, 0].tolist() for y in define(parse_problem(text), arrays)]
    return results[0] if len(results) == 1 else results


def test_a_convolution_does_not_flip_its_kernel() -> None:
    assert one_axis("conv1d i3 k2", [1, 2, 3], [10, 1]) == [10 * 1 + 2, 10 * 2 + 3]


def test_a_stride_skips_positions() -> None:
    assert one_axis("conv1d i5 k2 s2", [1, 2, 3, 4, 5], [10, 1]) == [12, 34]


def test_dilation_skips_elements() -> None:
    assert one_axis("conv1d i5 k2 d3", [1, 2, 3, 4, 5], [10, 1]) == [14, 25]


def test_padding_is_zeros_in_front_and_behind() -> None:
    assert one_axis("conv1d i2 k3 p2:1", [1, 2], [100, 10, 1]) == [1, 12, 120]


def test_two_axes_multiply_rows_with_rows() -> None:
    """Dive into Deep Learning, section 7.2.1."""
    x, w = numbers([[[[0, 1, 2], [3, 4, 5], [6, 7, 8]]]]), numbers([[[[0, 1], [2, 3]]]])
    (y,) = define(parse_problem("conv2d i3 k2"), {"x": x, "w": w})
    assert y.tolist() == [[[[19, 25], [37, 43]]]]


def test_three_axes_are_taken_in_their_order() -> None:
    x = numbers(range(8)).reshape(1, 1, 2, 2, 2)
    w = numbers([1, 1000]).reshape(1, 1, 2, 1, 1)
    (y,) = define(parse_problem("conv3d i2 k2x1x1"), {"x": x, "w": w})
    assert y.tolist() == [[[[[4000, 5001], [6002, 7003]]]]]


def test_channels_are_summed_and_each_output_channel_has_its_bias() -> None:
    arrays = {"x": numbers([[[2], [3]]]), "w": numbers([[[10], [1]], [[5], [7]]]), "b": numbers([100, 200])}
    (y,) = define(parse_problem("conv1d c2 i1 o2 k1 bias"), arrays)
    assert y.tolist() == [[[2 * 10 + 3 + 100], [2 * 5 + 3 * 7 + 200]]]


def test_a_group_sees_its_own_channels_only() -> None:
    arrays = {"x": numbers([[[2], [3], [5], [7]]]), "w": numbers([[[1], [10]], [[100], [1000]]])}
    (y,) = define(parse_problem("conv1d c4 i1 o2 k1 g2"), arrays)
    assert y.tolist() == [[[2 + 30], [500 + 7000]]]


def test_items_of_a_batch_are_apart() -> None:
    (y,) = define(parse_problem("conv1d n2 i2 k2"), {"x": numbers([[[1, 2]], [[3, 4]]]), "w": numbers([[[1, 1]]])})
    assert y.tolist() == [[[3]], [[7]]]


def test_an_infinite_weight_over_padding_is_not_multiplied() -> None:
    assert one_axis("conv1d i1 k2 p1", [1], [INF, 2]) == [2, INF]


def test_the_maximum_comes_with_its_index() -> None:
    assert one_axis("max_pool1d i5 k2", [3, 1, 4, 1, 5]) == [[3, 4, 4, 5], [0, 2, 2, 4]]


def test_the_first_of_equal_maxima_has_the_index() -> None:
    assert one_axis("max_pool1d i4 k3 d1", [7, 7, 7, 2]) == [[7, 7], [0, 1]]
    assert one_axis("max_pool1d i3 k3", [0.0, -0.0, 0.0])[1] == [0]


def test_padding_never_wins_a_maximum() -> None:
    assert one_axis("max_pool1d i2 k3 p1", [-5, -7]) == [[-5, -5], [0, 0]]
    assert one_axis("max_pool1d i2 k3 p1", [-INF, -INF]) == [[-INF, -INF], [0, 0]]


def test_a_dilated_maximum_skips_elements() -> None:
    assert one_axis("max_pool1d i5 k2 d2", [9, 8, 1, 2, 3]) == [[9, 8, 3], [0, 1, 4]]


def test_a_nan_wins_and_the_first_one_has_the_index() -> None:
    y, index = one_axis("max_pool1d i4 k3", [1.0, NAN, INF, NAN])
    assert np.isnan(y).all()
    assert index == [1, 1]


def test_an_index_of_two_axes_counts_through_the_plane() -> None:
    x = numbers([[[[0, 1, 2], [3, 9, 5]], [[8, 1, 2], [3, 4, 5]]]])
    y, index = define(parse_problem("max_pool2d c2 i2x3 k2"), {"x": x})
    assert y.tolist() == [[[[9, 9]], [[8, 5]]]]
    assert index.tolist() == [[[[4, 4]], [[0, 5]]]]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("p1", [3 / 3, 12 / 3]),  # 0+1+2, 3+4+5
        ("p1 exclude_pad", [3 / 2, 12 / 3]),  # two elements, three elements
        ("p1 divisor4", [3 / 4, 12 / 4]),
        ("p1 divisor4 exclude_pad", [3 / 4, 12 / 4]),
        ("p0", [6 / 3]),  # 1+2+3
        ("p0 ceil", [6 / 3, 9 / 2]),  # 4+5 and one beyond the end, which is never counted
        ("p0:1", [6 / 3, 9 / 3]),  # 4+5 and one zero behind, which is
        ("p0:1 exclude_pad", [6 / 3, 9 / 2]),
    ],
)
def test_an_average_divides_by_what_its_options_count(options: str, expected: list[float]) -> None:
    assert one_axis(f"avg_pool1d i5 k3 s3 {options}", [1, 2, 3, 4, 5]) == expected


def test_an_average_of_two_axes_counts_a_plane() -> None:
    x = numbers([[[[1, 2], [3, 4]]]])
    (y,) = define(parse_problem("avg_pool2d i2 k2 p1 s2 exclude_pad"), {"x": x})
    assert y.tolist() == [[[[1, 2], [3, 4]]]]
    (y,) = define(parse_problem("avg_pool2d i2 k2 p1 s2"), {"x": x})
    assert y.tolist() == [[[[1 / 4, 2 / 4], [3 / 4, 4 / 4]]]]


def test_padding_modes_hold_elements() -> None:
    """The padded inputs: reflect [3, 2, 1, 2, 3, 2, 1], replicate [1, 1, 1, 2, 3, 3, 3], circular [2, 3, 1, 2, 3, 1, 2]."""
    x = [1, 2, 3]
    assert one_axis("conv1d i3 k1 p2 reflect", x, [1]) == [3, 2, 1, 2, 3, 2, 1]
    assert one_axis("conv1d i3 k1 p2 replicate", x, [1]) == [1, 1, 1, 2, 3, 3, 3]
    assert one_axis("conv1d i3 k1 p2 circular", x, [1]) == [2, 3, 1, 2, 3, 1, 2]
    assert one_axis("conv1d i3 k2 p1:0 circular", x, [10, 1]) == [31, 12, 23]


def test_an_axis_is_padded_after_the_other() -> None:
    x, w = numbers([[[[1, 2], [3, 4]]]]), numbers([[[[1]]]])
    (y,) = define(parse_problem("conv2d i2 k1 p1:0 replicate"), {"x": x, "w": w})
    assert y.tolist() == [[[[1, 1, 2], [1, 1, 2], [3, 3, 4]]]]


def test_negative_padding_crops() -> None:
    assert one_axis("conv1d i5 k2 p-1", [1, 2, 3, 4, 5], [10, 1]) == [23, 34]
    assert one_axis("conv1d i3 k2 p1:-1", [1, 2, 3], [10, 1]) == [1, 12]


def test_complex_numbers_are_multiplied() -> None:
    assert one_axis("conv1d complex64 i2 k2", [1 + 2j, 3], [1j, 2]) == [(1 + 2j) * 1j + 6]


def test_a_transposed_convolution_puts_its_kernel_at_each_input() -> None:
    assert one_axis("conv_transpose1d i2 k2", [5, 7], [10, 1]) == [50, 5 + 70, 7]
    assert one_axis("conv_transpose1d i2 k2 s2", [5, 7], [10, 1]) == [50, 5, 70, 7]
    assert one_axis("conv_transpose1d i2 k2 s3", [5, 7], [10, 1]) == [50, 5, 0, 70, 7]
    assert one_axis("conv_transpose1d i2 k2 d2", [5, 7], [10, 1]) == [50, 70, 5, 7]


def test_padding_of_a_transposed_convolution_is_cut_off() -> None:
    assert one_axis("conv_transpose1d i2 k2 s2 p1:0", [5, 7], [10, 1]) == [5, 70, 7]
    assert one_axis("conv_transpose1d i2 k2 s2 p0:1", [5, 7], [10, 1]) == [50, 5, 70]


def test_output_padding_is_added_to_the_end_and_what_was_cut_off_there_comes_back() -> None:
    assert one_axis("conv_transpose1d i2 k2 s2 op1", [5, 7], [10, 1]) == [50, 5, 70, 7, 0]
    assert one_axis("conv_transpose1d i2 k2 s2 p1 op1", [5, 7], [10, 1]) == [5, 70, 7]


def test_the_weights_of_a_transposed_convolution_are_given_by_input_channel() -> None:
    """Two groups of one channel each, two output channels for each."""
    arrays = {"x": numbers([[[2], [3]]]), "w": numbers([[[1], [10]], [[100], [1000]]]), "b": numbers([0, 0, 0, 5])}
    (y,) = define(parse_problem("conv_transpose1d c2 i1 o4 k1 g2 bias"), arrays)
    assert y.tolist() == [[[2 * 1], [2 * 10], [3 * 100], [3 * 1000 + 5]]]


def quantised(text: str, **others: Any) -> list[Any]:
    """Of x = [5, 7] and w = [10, 1], with zero points 2 and 1: (5 - 2) * 9 + (7 - 2) * 0."""
    arrays = {"x": [[[5, 7]]], "w": [[[10, 1]]], "x_zero": 2, "w_zero": [1], **others}
    (y,) = define(parse_problem(text), {name: numbers(values) for name, values in arrays.items()})
    return y[0, 0].tolist()


def test_a_quantised_convolution_takes_the_zero_points_off() -> None:
    assert quantised("conv_integer1d uint8 i2 k2") == [3 * 9 + 5 * 0]
    assert quantised("conv_integer1d uint8 i2 k2 bias", b=[100]) == [3 * 9 + 5 * 0 + 100]


def test_the_padding_of_a_quantised_convolution_is_a_true_zero() -> None:
    assert quantised("conv_integer1d uint8 i2 k2 p1") == [3 * 0, 3 * 9 + 5 * 0, 5 * 9]


@pytest.mark.parametrize(
    ("scale", "y_zero", "expected"),
    [
        (1.0, 0, 27),
        (0.5, 0, 14),  # 13.5 is rounded to the even one
        (0.25, 3, 7 + 3),  # 6.75
        (10.0, 0, 127),  # 270 does not fit into 8 bits
        (-10.0, 100, -128),  # -170: clipped after the zero point is added
        (4.0, -100, 8),  # 108 - 100
    ],
)
def test_requantised_sums_are_scaled_rounded_shifted_and_clipped(scale: float, y_zero: int, expected: int) -> None:
    assert quantised("conv_integer1d uint8>int8 i2 k2", scale=[scale], y_zero=y_zero) == [expected]


def test_each_output_channel_has_its_own_zero_point_and_scale() -> None:
    arrays = {"x": [[[5]]], "w": [[[10]], [[10]]], "x_zero": 2, "w_zero": [1, 4], "scale": [1.0, 2.0], "y_zero": 0}
    (y,) = define(parse_problem("conv_integer1d uint8>int8 i1 o2 k1"), {name: numbers(a) for name, a in arrays.items()})
    assert y.tolist() == [[[3 * 9], [3 * 6 * 2]]]


def test_adaptive_windows_share_the_input() -> None:
    """Five for three: elements 0-1, 1-3, 3-4. Two for three: 0, 0-1, 1."""
    assert one_axis("adaptive_max_pool1d i5 to3", [3, 1, 4, 1, 5]) == [[3, 4, 5], [0, 2, 4]]
    five = [Fraction(value) for value in (3, 1, 4, 1, 5)]
    assert one_axis("adaptive_avg_pool1d i5 to3", five) == [Fraction(3 + 1, 2), Fraction(1 + 4 + 1, 3), Fraction(1 + 5, 2)]
    assert one_axis("adaptive_avg_pool1d i2 to3", five[:2]) == [3, 2, 1]


def test_an_adaptive_average_of_two_axes() -> None:
    x = numbers([[[[1, 2, 3], [4, 5, 6]]]]) * Fraction(1)
    (y,) = define(parse_problem("adaptive_avg_pool2d i2x3 to1x2"), {"x": x})
    assert y.tolist() == [[[[Fraction(1 + 2 + 4 + 5, 4), Fraction(2 + 3 + 5 + 6, 4)]]]]


def test_a_p_norm_is_the_root_of_the_powers() -> None:
    assert one_axis("lp_pool1d i3 k2", [3, -4, 0]) == [5, 4]  # sqrt(9 + 16), sqrt(16)
    assert one_axis("lp_pool1d i3 k2 norm1", [3, -4, 0]) == [7, 4]
    assert one_axis("lp_pool1d i3 k2 norminf", [3, -4, 0]) == [4, 4]
    (y,) = one_axis("lp_pool1d i3 k3 norm3", [3, 4, 5])  # 27 + 64 + 125 = 6^3
    assert float(y) == 6
    assert abs(y - 6) < Fraction(1, 10**45)


def test_a_p_norm_of_padding_is_of_what_is_inside() -> None:
    assert one_axis("lp_pool1d i2 k2 p1", [3, 4]) == [3, 5, 4]


def test_unpooling_puts_values_where_the_indices_say() -> None:
    arrays = {"x": numbers([[[5, 7]]]), "indices": numbers([[[1, 2]]])}
    (y,) = define(parse_problem("max_unpool1d i4 k2 s2"), arrays)
    assert y.tolist() == [[[0, 5, 7, 0]]]
    arrays = {"x": numbers([[[[5, 7]]]]), "indices": numbers([[[[4, 3]]]])}
    (y,) = define(parse_problem("max_unpool2d i2x4 k2 s2"), arrays)
    assert y.tolist() == [[[[0, 0, 0, 7], [5, 0, 0, 0]]]]


def test_exact_makes_the_fractions_that_the_numbers_are() -> None:
    made = exact(np.array([[0.1, -2.0]], dtype=np.float32))
    assert made.tolist() == [[Fraction(13421773, 134217728), Fraction(-2)]]


def test_fractions_stay_fractions() -> None:
    third = Fraction(1, 3)
    assert one_axis("conv1d i2 k2", [third, third], [1, 2]) == [Fraction(1)]
    assert one_axis("avg_pool1d i3 k3", [third, third, Fraction(1)]) == [Fraction(5, 9)]
