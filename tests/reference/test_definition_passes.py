"""The definition of the gradients, worked out by hand: each adds what the other factors are."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from conformance.problem import parse_problem
from conformance.reference.definition import define


def one(text: str, **tensors: Any) -> Any:
    """The result of a problem with one item and one channel, of tensors given as lists for its axes."""
    arrays = {name: np.array(values, dtype=object)[None, None] for name, values in tensors.items()}
    (result,) = define(parse_problem(text), arrays)
    return result.tolist() if result.ndim == 1 else result[0, 0].tolist()


def test_the_input_gradient_adds_weights_where_windows_lie() -> None:
    """y = [10 a + b, 10 b + c] of x = [a, b, c]."""
    assert one("conv1d_input_grad i3 k2", dy=[2, 3], w=[10, 1]) == [2 * 10, 2 * 1 + 3 * 10, 3 * 1]


def test_the_weight_gradient_adds_inputs_that_a_tap_reads() -> None:
    assert one("conv1d_weight_grad i3 k2", x=[5, 7, 9], dy=[2, 3]) == [5 * 2 + 7 * 3, 7 * 2 + 9 * 3]


def test_the_weight_gradient_leaves_padding_out() -> None:
    assert one("conv1d_weight_grad i2 k2 p1", x=[5, 7], dy=[1, 10, 100]) == [5 * 10 + 7 * 100, 5 * 1 + 7 * 10]


def test_the_bias_gradient_adds_everything_of_an_output_channel() -> None:
    dy = np.array([[[1, 2], [10, 20]], [[3, 4], [30, 40]]], dtype=object)
    (db,) = define(parse_problem("conv1d_bias_grad n2 i3 o2 k2"), {"dy": dy})
    assert db.tolist() == [1 + 2 + 3 + 4, 10 + 20 + 30 + 40]


def test_the_second_derivative_is_the_convolution_of_the_change() -> None:
    assert one("conv1d_double_grad i3 k2", ddx=[1, 2, 3], w=[10, 1]) == [12, 23]


def test_gradients_of_channels_stay_in_their_groups() -> None:
    dy, w = np.array([[[2], [3]]], dtype=object), np.array([[[1], [10]], [[100], [1000]]], dtype=object)
    (dx,) = define(parse_problem("conv1d_input_grad c4 i1 o2 k1 g2"), {"dy": dy, "w": w})
    assert dx.tolist() == [[[2 * 1], [2 * 10], [3 * 100], [3 * 1000]]]
    x = np.array([[[5], [6], [7], [8]]], dtype=object)
    (dw,) = define(parse_problem("conv1d_weight_grad c4 i1 o2 k1 g2"), {"dy": dy, "x": x})
    assert dw.tolist() == [[[5 * 2], [6 * 2]], [[7 * 3], [8 * 3]]]


def test_a_weight_gradient_adds_up_the_batch() -> None:
    x, dy = np.array([[[5]], [[7]]], dtype=object), np.array([[[2]], [[3]]], dtype=object)
    (dw,) = define(parse_problem("conv1d_weight_grad n2 i1 k1"), {"x": x, "dy": dy})
    assert dw.tolist() == [[[5 * 2 + 7 * 3]]]


def test_a_gradient_to_copied_elements_goes_to_where_they_were_copied_from() -> None:
    """Of [a, b], padded by one: reflect [b, a, b, a], replicate [a, a, b, b], circular [b, a, b, a]."""
    dy = [1, 10, 100, 1000]
    assert one("conv1d_input_grad i2 k1 p1 reflect", dy=dy, w=[1]) == [10 + 1000, 1 + 100]
    assert one("conv1d_input_grad i2 k1 p1 replicate", dy=dy, w=[1]) == [1 + 10, 100 + 1000]
    assert one("conv1d_input_grad i2 k1 p1 circular", dy=dy, w=[1]) == [10 + 1000, 1 + 100]
    assert one("conv1d_weight_grad i2 k1 p1 replicate", x=[5, 7], dy=dy) == [5 * 11 + 7 * 1100]


def test_what_is_cropped_has_no_gradient() -> None:
    assert one("conv1d_input_grad i4 k2 p-1:0", dy=[2, 3], w=[10, 1]) == [0, 20, 2 + 30, 3]


def test_a_complex_gradient_has_the_other_factor_conjugated() -> None:
    """As PyTorch defines it: of |w x|^2 / 2 the gradient to x is conj(w) (w x)."""
    assert one("conv1d_input_grad complex64 i1 k1", dy=[2 + 1j], w=[3 + 4j]) == [(2 + 1j) * (3 - 4j)]
    assert one("conv1d_weight_grad complex64 i1 k1", dy=[2 + 1j], x=[3 + 4j]) == [(2 + 1j) * (3 - 4j)]
    assert one("conv1d complex64 i1 k1", x=[2 + 1j], w=[3 + 4j]) == [(2 + 1j) * (3 + 4j)]


def test_gradients_of_a_transposed_convolution_are_convolutions() -> None:
    """y = [10 a, a + 10 b, b] of x = [a, b]."""
    assert one("conv_transpose1d_input_grad i2 k2", dy=[1, 2, 3], w=[10, 1]) == [10 * 1 + 2, 10 * 2 + 3]
    assert one("conv_transpose1d_weight_grad i2 k2", x=[5, 7], dy=[1, 2, 3]) == [5 * 1 + 7 * 2, 5 * 2 + 7 * 3]
    assert one("conv_transpose1d_double_grad i2 k2", ddx=[5, 7], w=[10, 1]) == [50, 5 + 70, 7]


def test_the_gradient_of_a_maximum_goes_to_the_winner() -> None:
    """Windows [3, 1], [1, 4], [4, 4]: the first of equals wins, so the 4 at index 2 wins twice."""
    assert one("max_pool1d_input_grad i4 k2", x=[3, 1, 4, 4], dy=[1, 10, 100]) == [1, 0, 10 + 100, 0]
    assert one("max_pool1d_double_grad i4 k2", x=[3, 1, 4, 4], ddx=[5, 6, 7, 8]) == [5, 7, 7]


def test_the_gradient_of_a_maximum_of_two_axes() -> None:
    dx = one("max_pool2d_input_grad i2x3 k2", x=[[0, 1, 2], [3, 9, 5]], dy=[[2, 3]])
    assert dx == [[0, 0, 0], [0, 2 + 3, 0]]


def test_the_gradient_of_an_average_is_shared() -> None:
    third, half = Fraction(1, 3), Fraction(1, 2)
    dy, x = [Fraction(6), Fraction(12)], [1, 2, 3, 4, 5]
    assert one("avg_pool1d_input_grad i5 k3 s2", dy=dy, x=x) == [6 * third, 6 * third, 18 * third, 12 * third, 12 * third]
    assert one("avg_pool1d_input_grad i2 k2 p1 s2", dy=dy, x=[1, 2]) == [6 * half, 12 * half]
    assert one("avg_pool1d_input_grad i2 k2 p1 s2 exclude_pad", dy=dy, x=[1, 2]) == [6, 12]
    assert one("avg_pool1d_input_grad i2 k2 divisor3", dy=[Fraction(6)], x=[1, 2]) == [2, 2]
    assert one("avg_pool1d_double_grad i3 k3", ddx=[Fraction(1), 2, 6], x=[7, 8, 9]) == [3]


def test_gradients_of_adaptive_pooling() -> None:
    """Three elements for two places: windows [0, 1] and [1, 2]."""
    dy = [Fraction(2), Fraction(4)]
    assert one("adaptive_avg_pool1d_input_grad i3 to2", dy=dy, x=[1, 2, 3]) == [1, 1 + 2, 2]
    assert one("adaptive_avg_pool1d_double_grad i3 to2", ddx=[Fraction(2), 4, 6], x=[1, 2, 3]) == [3, 5]
    assert one("adaptive_max_pool1d_input_grad i3 to2", dy=[2, 4], x=[1, 9, 3]) == [0, 2 + 4, 0]
    assert one("adaptive_max_pool1d_double_grad i3 to2", ddx=[5, 6, 7], x=[1, 9, 3]) == [6, 6]


def test_the_gradient_of_a_p_norm() -> None:
    """y = sqrt(3^2 + 4^2) = 5: dy x / y. Of the norm 1 it is the sign, of a zero nothing; where y is 0 there is nothing."""
    assert one("lp_pool1d_input_grad i2 k2", dy=[10], x=[3, -4]) == [10 * 3 / 5, -10 * 4 / 5]
    assert one("lp_pool1d_input_grad i3 k3 norm1", dy=[10], x=[3, -4, 0]) == [10, -10, 0]
    assert one("lp_pool1d_input_grad i2 k2", dy=[10], x=[0, 0]) == [0, 0]
    # norm 3: y = (27 + 64 + 125)^(1/3) = 6, dx = dy x^2 / 36
    dx = one("lp_pool1d_input_grad i3 k3 norm3", dy=[36], x=[3, 4, -5])
    assert [round(float(value), 15) for value in dx] == [9, 16, -25]


def test_gradients_of_unpooling_are_taken_back_from_the_places() -> None:
    text = "max_unpool1d{} i4 k2 s2"
    assert one(text.format("_input_grad"), dy=[1, 10, 100, 1000], indices=[1, 2]) == [10, 100]
    assert one(text.format("_double_grad"), ddx=[5, 7], indices=[0, 3]) == [5, 0, 0, 7]
