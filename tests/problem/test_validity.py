"""Every rule of validity, each with a problem that breaks it and the reason in words."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from conformance.errors import UsageError
from conformance.problem import OPERATORS, InvalidProblem, Problem, Window, parse_problem, reasons_invalid, require_valid
from conformance.problem.validity import is_valid
from conformance.problem.window import PAD_MODES, AdaptiveWindow, AnyWindow, TransposedWindow, auto_padding

VALID = [
    "conv1d i1 k1",
    "conv2d f32 n2 c4 i9x7 o6 k3x2 s2x1 p1x2 d1x2 g2 bias",
    "conv2d i1 k3 p1",
    "conv2d c3 i8 o6 k3 g3",
    "conv3d bf16 i5 k2 s9",
    "conv1d i3 k1 p9",  # all outputs but three see padding only: zero, or the bias
    "max_pool2d i8 k3 s2 p1 ceil indices",
    "max_pool1d i5 k3 d2 p1",
    "avg_pool2d i8 k3 p1 exclude_pad",
    "avg_pool2d i8 k3 p1 divisor4",
    "avg_pool1d i1 k3 p1 s2 ceil",
    "conv1d n0 i3 k1",
    "conv1d i5 k3 p-1:2",
    "conv1d i3 k1 p2 reflect",
    "conv1d i3 k1 p3 circular",
    "conv1d i3 k1 p9 replicate",
    "conv2d i9 k4 same reflect",
    "conv1d i9 k4 s2 same_lower",
    "max_pool1d i9 k5 d2 same_upper",  # more than half of the kernel, as the rule has it
    "conv1d complex128 i5 k3 bias",
    "conv1d_weight_grad int32 i5 k3",
    "conv1d bf16>f32 i5 k3 unbatched",
    "conv_transpose1d i5 k3 s2 op1",
    "conv_transpose1d i5 k3 d2 op1",
    "conv_integer1d i5 k3",
    "conv_integer1d int8>uint8 i5 k3 bias",
    "adaptive_max_pool2d i5 to7x1 indices",
    "lp_pool1d i5 k3 norm1 d2 p1 ceil",
    "lp_pool1d i5 k3 norminf",
    "max_unpool2d i6 k2 s2x3 p1x0",
    "max_pool1d_double_grad int8 i6 k2",
]

BROKEN = {
    "conv1d c0 i3 k1": "channels is 0, but must be at least 1",
    "conv1d i3 o0 k1": "out_channels is 0, but must be at least 1",
    "conv1d i3 k1 g0": "groups is 0, but must be at least 1",
    "conv2d i3x0 k1": "axis 1: size is 0, but must be at least 1",
    "conv2d i3 k0x1": "axis 0: kernel is 0, but must be at least 1",
    "conv2d i3 k1 s1x0": "axis 1: stride is 0, but must be at least 1",
    "conv2d i3 k1 d0x1": "axis 0: dilation is 0, but must be at least 1",
    "conv1d c3 i3 o2 k1 g2": "2 groups do not divide 3 channels",
    "conv1d c2 i3 o3 k1 g2": "2 groups do not divide 3 output channels",
    "conv1d i3 k2 ceil": "ceil is an option of pooling, not of convolution",
    "conv1d i3 k2 indices": "indices are an option of max pooling, not of convolution",
    "conv1d i3 k2 exclude_pad": "exclude_pad and divisor are options of average pooling",
    "conv1d i3 k2 divisor2": "exclude_pad and divisor are options of average pooling",
    "conv1d i3 k4": "axis 0: the kernel reaches over 4 elements, more than the padded input's 3",
    "conv2d i9x5 k3 d2x3": "axis 1: the kernel reaches over 7 elements, more than the padded input's 5",
    "max_pool1d i3 k5 ceil": "axis 0: the kernel reaches over 5 elements, more than the padded input's 3",
    "max_pool1d i3 k2 g3": "groups and bias are options of convolution, not of pooling",
    "max_pool1d i3 k2 bias": "groups and bias are options of convolution, not of pooling",
    "max_pool1d i8 k3 p2": "axis 0: padding is 2 and 2, more than half of the kernel's 3",
    "max_pool2d i8 k3 p1x0:2": "axis 1: padding is 0 and 2, more than half of the kernel's 3",
    "max_pool1d i8 k3 p2 d2": "axis 0: padding is 2 and 2, more than half of the kernel's 3",
    "avg_pool1d i8 k2 p2:0": "axis 0: padding is 2 and 0, more than half of the kernel's 2",
    "max_pool1d i1 k2 p1 d2": "axis 0: a dilated window would hold no element of the input",
    "max_pool1d i3 k2 exclude_pad": "exclude_pad and divisor are options of average pooling",
    "max_pool1d i3 k2 divisor2": "exclude_pad and divisor are options of average pooling",
    "avg_pool1d i8 k2 d2": "avg_pool has no dilation",
    "avg_pool1d i8 k2 indices": "indices are an option of max pooling's forward pass",
    "max_pool1d_input_grad i8 k2 indices": "indices are an option of max pooling's forward pass",
    "max_unpool1d i8 k2 s2 d2": "max_unpool has no dilation",
    "max_unpool1d i8 k3 s2": "max_unpool is defined for windows that do not overlap",
    "max_unpool1d i8 k2 s2 ceil": "max_unpool is defined for windows that do not overlap",
    "max_pool1d complex64 i8 k2": "max_pool1d is not defined for complex64",
    "avg_pool1d int8 i8 k2": "avg_pool1d is not defined for int8",
    "conv_transpose1d_input_grad int8 i8 k2": "conv_transpose1d is not defined for int8",
    "conv_integer1d f32 i8 k2": "conv_integer1d is not defined for float32",
    "conv1d n2 i8 k2 unbatched": "an unbatched problem has a batch of 1, not 2",
    "max_pool1d i8 k3 p-1": "axis 0: padding is -1 and -1, but must not be negative",
    "conv_transpose1d i8 k3 p0:-1": "axis 0: padding is 0 and -1, but must not be negative",
    "conv_integer1d i8 k3 p-1": "axis 0: padding is -1 and -1, but must not be negative",
    "conv1d i3 k1 p-2:-1": "axis 0: negative padding crops all of the input",
    "conv1d i3 k1 p-3:3": "axis 0: negative padding crops all of the input",
    "conv1d i8 k3 p-1:0 reflect": "axis 0: negative padding crops, which is defined for padding with zeros alone",
    "conv2d i8x3 k3 p1x3 reflect": "axis 1: reflect padding is 3 and 3, but there are 2 elements to copy",
    "conv1d i3 k3 p0:4 circular": "axis 0: circular padding is 0 and 4, but there are 3 elements to copy",
    "max_pool1d i8 k3 p1 reflect": "padding modes and wider results are options of convolution, not of pooling",
    "max_pool1d f16>f32 i8 k3": "padding modes and wider results are options of convolution, not of pooling",
    "conv_transpose1d f16>f32 i8 k3": "a wider result is an option of convolution of floating-point numbers",
    "conv1d int8>int32 i8 k3": "a wider result is an option of convolution of floating-point numbers",
    "conv1d f32>f16 i8 k3": "the result of float32 is a wider floating-point number, not float16",
    "conv1d bf16>f16 i8 k3": "the result of bfloat16 is a wider floating-point number, not float16",
    "conv1d f32>int64 i8 k3": "the result of float32 is a wider floating-point number, not int64",
    "conv_integer1d uint8>f32 i8 k3": "the result of conv_integer1d is int32, or requantised int8 or uint8",
    "conv1d i8 k3 s2 same": "same padding has a stride of 1",
    "conv1d_input_grad i8 k3 bias": "a gradient does not depend on the bias",
    "conv_transpose1d i8 k3 s2 op2": (
        "axis 0: output_padding is 2, but must be smaller than the stride or the dilation, and not negative"
    ),
    "conv_transpose1d i1 k1 p1": "axis 0: the output has -1 elements, but must have at least 1",
    "adaptive_avg_pool1d i8 to0": "axis 0: output is 0, but must be at least 1",
    "adaptive_avg_pool1d i8 to2 divisor2": "exclude_pad and divisor are options of average pooling",
    "conv1d i8 k3 norm3": "a norm is an option of p-norm pooling",
    "avg_pool1d i8 k3 norm3": "a norm is an option of p-norm pooling",
    "lp_pool1d i8 k3 norm0.5": "the norm is 0.5, but must be at least 1",
    "lp_pool1d_input_grad i8 k3 norminf": "the infinite norm has no gradient here: use max pooling",
    "max_pool1d i2 k2 d9 same": "axis 0: a dilated window would hold no element of the input",
    "conv1d_weight_grad c65536 o65536 i1 k1": "the tensor result of shape (65536, 65536, 1) has more than 2^31 + 2^20 elements",
    "avg_pool1d i8 k2 divisor0": "the divisor is 0, but must be at least 1",
    "conv1d c2148532225 i1 k1": "the tensor x of shape (1, 2148532225, 1) has more than 2^31 + 2^20 elements",
    "conv1d o65536 c65536 i1 k1": "the tensor w of shape (65536, 65536, 1) has more than 2^31 + 2^20 elements",
    "conv1d n65536 o65536 i1 k1": "the tensor output of shape (65536, 65536, 1) has more than 2^31 + 2^20 elements",
    "conv1d i1 k1 s2000000000 p2000000000": "the tensor padded x of shape (1, 1, 4000000001) has more than 2^31 + 2^20 elements",
}

UNWRITABLE = {
    "the operator 'conv4d' is not known": Problem("conv4d", (Window(3, 1),)),
    "the data type 'int7' is not known": Problem("conv1d", (Window(3, 1),), dtype="int7"),
    "conv2d has 2 axes, not 1": Problem("conv2d", (Window(3, 1),)),
    "ceil holds for all axes or for none": Problem("max_pool2d", (Window(3, 2, ceil=True), Window(3, 2))),
    "batch is -1, but must be at least 0": Problem("conv1d", (Window(3, 1),), batch=-1),
    "axis 0: stride is -2, but must be at least 1": Problem("conv1d", (Window(3, 1, stride=-2),)),
    "the padding mode holds for all axes or for none": Problem("conv2d", (Window(3, 1, mode="reflect"), Window(3, 1))),
    "the windows of conv_transpose1d are transposed ones": Problem("conv_transpose1d", (Window(3, 1),)),
    "the windows of adaptive_max_pool1d are adaptive ones": Problem("adaptive_max_pool1d", (Window(3, 1),)),
    "the windows of conv1d are sliding ones": Problem("conv1d", (AdaptiveWindow(3, 1),)),
    "axis 0: same padding is 1 and 1 here": Problem("conv1d", (Window(3, 3),), auto_pad="same"),
    "the padding rule 'full' is not known: known are valid, same, same_upper, same_lower": Problem(
        "conv1d", (Window(3, 1),), auto_pad="full"
    ),
    "valid padding is an option of windows that slide over their input": Problem(
        "conv_transpose1d", (TransposedWindow(3, 1),), auto_pad="valid"
    ),
    "the result of float32 is a wider floating-point number, not int7": Problem("conv1d", (Window(3, 1),), result="int7"),
    "the norm is nan, but must be at least 1": Problem("lp_pool1d", (Window(3, 1),), norm=float("nan")),
    "pooling keeps its 2 channels, but 3 come out": Problem("max_pool1d", (Window(3, 2),), channels=2, out_channels=3),
}


@pytest.mark.parametrize("text", VALID)
def test_a_problem_that_the_definition_covers_has_no_reasons(text: str) -> None:
    problem = parse_problem(text)
    assert reasons_invalid(problem) == []
    assert is_valid(problem)
    assert require_valid(problem) is problem


@pytest.mark.parametrize(("text", "reason"), BROKEN.items(), ids=list(BROKEN))
def test_a_broken_rule_is_told_in_words(text: str, reason: str) -> None:
    assert reason in reasons_invalid(parse_problem(text))
    assert not is_valid(parse_problem(text))


@pytest.mark.parametrize(("reason", "problem"), UNWRITABLE.items(), ids=list(UNWRITABLE))
def test_a_rule_that_no_text_can_break_is_told_too(reason: str, problem: Problem) -> None:
    assert reason in reasons_invalid(problem)


@pytest.mark.parametrize("text", [text for text in BROKEN if "2148532225" not in text])
def test_each_example_breaks_one_rule_only(text: str) -> None:
    assert len(reasons_invalid(parse_problem(text))) == 1


def test_require_valid_tells_every_reason_at_once() -> None:
    with pytest.raises(InvalidProblem) as raised:
        require_valid(parse_problem("conv2d c3 i3x4 o2 k4x5 g2 ceil"))
    told = str(raised.value)
    for reason in (
        "2 groups do not divide 3 channels",
        "ceil is an option",
        "axis 0: the kernel",
        "axis 1: the kernel",
    ):
        assert reason in told
    assert isinstance(raised.value, UsageError)


def test_numbers_that_rules_divide_by_are_judged_first() -> None:
    reasons = reasons_invalid(parse_problem("conv2d i3 k0x9 s0 g0"))
    assert reasons == [
        "groups is 0, but must be at least 1",
        "axis 0: kernel is 0, but must be at least 1",
        "axis 0: stride is 0, but must be at least 1",
        "axis 1: stride is 0, but must be at least 1",
    ]


HUGE_BUT_VALID = [
    "max_pool1d i2000000000 k2",
    "max_pool1d i2000000000 k2 same",
    "max_pool1d i600000000 k3 d600000001 same",
]


@pytest.mark.parametrize(
    "text",
    [
        "max_pool1d i9999999999 k1",
        "max_pool1d i2000000000 k2",
        "avg_pool1d i1 k9999999999 p4999999999",
        "max_pool1d i1 k9999999999 d2 p4999999999 s9999999999 ceil",
        "conv3d n9999999999 c9999999999 i9999999999 o9999999999 k9999999999 p9999999999",
        "conv1d i9 k9999999999 d9999999999",
        "max_pool1d i2000000000 k2 same",
        "max_pool1d i600000000 k3 d600000001 same",
        "adaptive_max_pool1d i9999999999 to9999999998",
        "adaptive_avg_pool1d i5 to9999999999",
        "conv_transpose1d i9999999999 k9999999999 s9999999999",
        "conv1d i5 k1 p9999999999 circular",
    ],
)
def test_judging_a_huge_problem_takes_no_memory(text: str) -> None:
    problem = parse_problem(text)
    tracemalloc.start()
    try:
        reasons = reasons_invalid(problem)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1_000_000
    assert bool(reasons) == (text not in HUGE_BUT_VALID)


@given(
    window=st.builds(
        Window, st.integers(1, 6), st.integers(1, 5), st.integers(1, 4), st.integers(1, 8),
        st.integers(0, 3), st.integers(0, 3), st.booleans(),
    )
)  # fmt: skip
def test_a_valid_max_pooling_is_one_whose_every_window_holds_an_element(window: Window) -> None:
    reasons = reasons_invalid(Problem("max_pool1d", (window,)))
    fits = window.output >= 1
    small = max(window.pad_begin, window.pad_end) <= window.kernel // 2
    assert (not reasons) == (fits and small and bool(window.inside().any(axis=1).all()))


@given(
    st.builds(Window, st.integers(1, 7), st.integers(1, 5), st.integers(1, 8), st.integers(1, 20)),
    st.sampled_from(["valid", "same", "same_upper", "same_lower"]),
)
def test_a_max_pooling_padded_by_rule_is_valid_if_every_window_holds_an_element(window: Window, rule: str) -> None:
    begin, end = auto_padding(rule, window)
    window = replace(window, pad_begin=begin, pad_end=end)
    assume(window.output >= 1)
    assume(rule != "same" or window.stride == 1)
    reasons = reasons_invalid(Problem("max_pool1d", (window,), auto_pad=rule))
    assert (not reasons) == bool(window.inside().any(axis=1).all())


NUMBERS = st.integers(-2, 5)


@given(
    st.sampled_from(sorted(OPERATORS)),
    st.builds(Window, *[NUMBERS] * 6, st.booleans(), st.sampled_from(PAD_MODES))
    | st.builds(TransposedWindow, *[NUMBERS] * 7)
    | st.builds(AdaptiveWindow, NUMBERS, NUMBERS),
    st.integers(-1, 3),
    st.integers(-1, 3),
    st.integers(-1, 3),
)
def test_judging_never_fails_and_what_is_valid_has_an_output(
    operator: str, window: AnyWindow, channels: int, out_channels: int, groups: int
) -> None:
    op = OPERATORS[operator]
    windows = (window,) * op.ndim
    problem = Problem(operator, windows, 1, channels, out_channels, groups, dtype=op.traits.dtypes[0])
    reasons = reasons_invalid(problem)
    assert all(isinstance(reason, str) and reason for reason in reasons)
    assert reasons or min(problem.output_shape) >= 1
    assert reasons or (problem.max_terms >= 1 and problem.work >= 1 and all(problem.array_shapes.values()))
