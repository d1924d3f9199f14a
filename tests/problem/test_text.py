"""The text form: it parses back to the same problem, and whatever else is written is refused in words."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from conformance.errors import UsageError
from conformance.problem import FORMATS, OPERATORS, Problem, Window, parse_problem
from conformance.problem.text import TextError, format_problem
from conformance.problem.window import AUTO_PADS, PAD_MODES, AdaptiveWindow, AnyWindow, PadMode, TransposedWindow, auto_padding

LARGEST = 9_999_999_999

EXAMPLES = [
    "conv2d f32 n2 c4 i9x7 o6 k3x2 s2x1 p1x2 d1x2 g2 bias",
    "max_pool2d f32 n1 c3 i8x8 k3x3 s2x2 p1:0x1 ceil indices",
    "avg_pool1d f64 n1 c1 i9 k2 exclude_pad",
    "avg_pool3d bf16 n1 c2 i4x5x6 k2x2x2 divisor7",
    "conv1d f16 n1 c1 i0 o1 k0",
    "conv2d_weight_grad f64 n1 c2 i8x8 o3 k3x3 p1x1 reflect",
    "conv_transpose1d f32 n1 c2 i5 o3 k3 s2 op1",
    "conv_transpose2d_bias_grad complex64 n1 c2 i5x5 o3 k3x3 s2x2 p1x0:1 op1x0",
    "adaptive_avg_pool2d f32 n1 c3 i7x7 to3x2",
    "adaptive_max_pool1d f32 n1 c3 i7 to3 indices",
    "conv_integer2d uint8>int8 n1 c3 i8x8 o4 k3x3",
    "conv_integer1d int8 n1 c3 i8 o4 k3 bias",
    "conv1d f16>f32 n1 c3 i8 o4 k3",
    "conv1d int32 n0 c3 i8 o4 k3 p-1:2",
    "conv2d f32 n1 c3 i8x8 o4 k3x4 same",
    "conv2d f32 n1 c3 i8x8 o4 k3x4 same_lower circular",
    "conv1d f32 n1 c3 i8 o4 k3 bias unbatched",
    "lp_pool1d f32 n1 c3 i8 k3 norm1.5",
    "lp_pool1d f32 n1 c3 i8 k3 norminf",
    "lp_pool1d_input_grad f32 n1 c3 i8 k3 norm3 ceil",
    "max_unpool1d f32 n1 c3 i8 k2 s2",
]


@st.composite
def windows(draw: st.DrawFn, kind: str, number: st.SearchStrategy[int], ceil: bool, mode: PadMode, rule: str) -> AnyWindow:
    """Any window that can be written down, fitting or not; its padding is that of the rule where there is one."""
    if kind == "adaptive":
        return AdaptiveWindow(draw(number), draw(number))
    padding = number | number.map(lambda pad: -pad)
    if kind == "transposed":
        return draw(st.builds(TransposedWindow, *[number] * 4, padding, padding, number))
    bare = draw(st.builds(Window, *[number] * 4, ceil=st.just(ceil), mode=st.just(mode)))
    if not rule:
        return replace(bare, pad_begin=draw(padding), pad_end=draw(padding))
    return bare


@st.composite
def problems(draw: st.DrawFn) -> Problem:
    """Any problem that can be written down, valid or not."""
    op = OPERATORS[draw(st.sampled_from(sorted(OPERATORS)))]
    number = st.one_of(st.integers(0, 12), st.integers(0, LARGEST))
    kind, ceil, mode = op.traits.window, draw(st.booleans()), draw(st.sampled_from(PAD_MODES))
    rule = draw(st.sampled_from(["", *AUTO_PADS])) if kind == "sliding" else ""
    axes = tuple(draw(windows(kind, number, ceil, mode, rule)) for _ in range(op.ndim))
    if rule and all(min(w.size, w.kernel, w.stride, w.dilation) > 0 for w in axes):  # else there is nothing to compute with
        pads = [auto_padding(rule, window) for window in axes]
        axes = tuple(replace(w, pad_begin=pad[0], pad_end=pad[1]) for w, pad in zip(axes, pads, strict=True))
    channels = draw(number)
    return Problem(
        op.name,
        axes,
        batch=draw(number),
        channels=channels,
        out_channels=channels if op.is_pool else draw(number),
        groups=draw(number),
        bias=draw(st.booleans()),
        dtype=draw(st.sampled_from(sorted(FORMATS))),
        indices=draw(st.booleans()),
        count_include_pad=draw(st.booleans()),
        divisor=draw(st.none() | number),
        norm=draw(st.sampled_from([2.0, 1.0, 3.0, float("inf")]) | st.floats(0, allow_nan=False)),
        auto_pad=rule,
        unbatched=draw(st.booleans()),
        result=draw(st.sampled_from(["", *FORMATS])),
    )


@given(problems())
def test_the_text_of_a_problem_parses_back_to_the_same_problem(problem: Problem) -> None:
    assert parse_problem(format_problem(problem)) == problem
    assert str(problem) == format_problem(problem)


@pytest.mark.parametrize("text", EXAMPLES)
def test_a_canonical_text_is_formatted_as_it_was(text: str) -> None:
    assert str(parse_problem(text)) == text


@given(problems(), st.randoms(use_true_random=False))
def test_the_words_behind_the_operator_may_come_in_any_order(problem: Problem, random: object) -> None:
    operator, *words = str(problem).split()
    random.shuffle(words)  # type: ignore[attr-defined]
    assert parse_problem("  ".join([operator, *words])) == problem


def test_what_is_left_out_has_its_default() -> None:
    assert parse_problem("conv2d i5 k3") == Problem("conv2d", (Window(5, 3), Window(5, 3)))
    assert parse_problem("max_pool1d c7 i5 k3").out_channels == 7
    assert parse_problem("conv1d i5 k3").dtype == "float32"
    assert parse_problem("conv_integer1d i5 k3").dtype == "uint8"
    assert parse_problem("lp_pool1d i5 k3").norm == 2
    assert parse_problem("conv_transpose1d i5 k3").output_padding == (0,)


def test_a_rule_gives_the_padding_that_it_comes_to() -> None:
    problem = parse_problem("conv2d i8x9 k4x3 same")
    assert problem.padding == ((1, 2), (1, 1))
    assert problem.auto_pad == "same"
    assert parse_problem("conv1d i6 k3 s2 same_lower").padding == ((1, 0),)
    assert parse_problem("conv1d i6 k3 valid").padding == ((0, 0),)


def test_a_mode_holds_for_all_axes() -> None:
    assert [w.mode for w in parse_problem("conv2d i8 k3 p1 reflect").windows] == ["reflect", "reflect"]
    assert parse_problem("conv2d i8 k3 p1").pad_mode == "zeros"


def test_each_kind_of_window_has_its_own_words() -> None:
    assert parse_problem("conv_transpose2d i5 k3 s2 op1x0").windows == (
        TransposedWindow(5, 3, 2, output_padding=1),
        TransposedWindow(5, 3, 2),
    )
    assert parse_problem("adaptive_max_pool2d i5x6 to3").windows == (AdaptiveWindow(5, 3), AdaptiveWindow(6, 3))


def test_one_number_serves_all_axes() -> None:
    assert parse_problem("conv3d i5x6x7 k3 s2 p1:0 d2") == parse_problem("conv3d i5x6x7 k3x3x3 s2x2x2 p1:0x1:0x1:0 d2x2x2")


def test_padding_is_begin_and_end() -> None:
    first, second = parse_problem("conv2d i5 k3 p2:0x1").windows
    assert (first.pad_begin, first.pad_end) == (2, 0)
    assert (second.pad_begin, second.pad_end) == (1, 1)


@pytest.mark.parametrize("name", ["bf16", "bfloat16", "f16", "float16", "f32", "float32", "f64", "float64"])
def test_a_data_type_may_be_written_long_or_short(name: str) -> None:
    long = {fmt.short: fmt.name for fmt in FORMATS.values()}.get(name, name)
    assert parse_problem(f"conv1d i5 {name} k3").dtype == long


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "is empty"),
        ("   ", "is empty"),
        ("conv4d i3 k1", "the operator 'conv4d' is not known"),
        ("i3 k1", "the operator 'i3' is not known"),
        ("conv1d k1", "the size (i…) is missing"),
        ("conv1d i3", "the kernel (k…) is missing"),
        ("conv1d i3 k1 q4", "the word 'q4' is not understood"),
        ("conv1d i3 k1 hello", "the word 'hello' is not understood"),
        ("conv1d i3 k-1", "'k-1': the kernel is numbers joined by x"),
        ("conv1d i3 k1 k-1", "'k' is given twice: 'k1' and 'k-1'"),
        ("conv1d i3 k1 s1.5", "'s1.5': the stride is numbers joined by x"),
        ("conv1d i3 k1 n1.5", "'n1.5': batch is a single number"),
        ("conv1d i3 k1 ninf", "'ninf': batch is a single number"),
        ("conv1d i3 k1 p1.5", "'p1.5': padding is p1x2, or p1:0x2:1"),
        ("conv1d i3 k1 p--1", "the word 'p--1' is not understood"),
        ("conv1d i3 k1 f32>f8", "the data type 'f8' is not known"),
        ("conv1d i3 k1 op1", "'op1' says nothing of conv1d"),
        ("conv1d i3 k1 to1", "'to1' says nothing of conv1d"),
        ("adaptive_avg_pool1d i3", "the output (to…) is missing"),
        ("adaptive_avg_pool1d i3 to2 k3", "'k3' says nothing of adaptive_avg_pool1d"),
        ("adaptive_avg_pool1d i3 to2 p1", "'p1' says nothing of adaptive_avg_pool1d"),
        ("adaptive_avg_pool1d i3 to2 ceil", "ceil, padding modes and padding rules say nothing of adaptive_avg_pool1d"),
        ("adaptive_avg_pool1d i3 to2 same", "ceil, padding modes and padding rules say nothing of adaptive_avg_pool1d"),
        ("conv_transpose1d i3 k2 same", "ceil, padding modes and padding rules say nothing of conv_transpose1d"),
        ("conv_transpose1d i3 k2 reflect", "ceil, padding modes and padding rules say nothing of conv_transpose1d"),
        ("conv1d i3 k2 reflect circular", "padding is given twice"),
        ("conv1d i3 k2 same valid", "padding is given twice"),
        ("conv1d i3 k2 same p1", "padding is given twice"),
        ("lp_pool1d i3 k2 norm1x2", "'norm1x2': a norm is a number or inf"),
        ("conv1d_forward i3 k2", "the operator 'conv1d_forward' is not known"),
        ("lp_pool1d_double_grad i3 k2", "the operator 'lp_pool1d_double_grad' is not known"),
        ("conv1d i3 k1 f8", "the data type 'f8' is not known"),
        ("conv1d i3 k1 f32 f64", "the word 'f64' is not understood"),
        ("conv1d i3 k1 k2", "'k' is given twice: 'k1' and 'k2'"),
        ("conv1d i3 k1 g1x2", "'g1x2': groups is a single number"),
        ("conv2d i3x4x5 k1", "'i3x4x5' has 3 axes, but conv2d has 2"),
        ("conv3d i3x4 k1", "'i3x4' has 2 axes, but conv3d has 3"),
        ("conv2d i3 k1x", "'k1x': the kernel is numbers joined by x"),
        ("conv2d i3 k1:2", "'k1:2': the kernel is numbers joined by x"),
        ("conv2d i3 k1 p1x2x3", "'p1x2x3' has 3 axes, but conv2d has 2"),
        ("conv1d i3 k1 p1:2:3", "'p1:2:3': padding is p1x2, or p1:0x2:1"),
        ("conv1d i3 k1 p1:", "'p1:': padding is p1x2, or p1:0x2:1"),
        ("conv1d i12345678901 k1", "a number in 'i12345678901' is too large"),
        ("max_pool1d c2 i3 o2 k1", "'o2': pooling has as many output channels as channels"),
        ("conv1d i³ k1", "the word 'i³' is not understood"),
    ],
)
def test_a_text_that_does_not_parse_is_told_where(text: str, told: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse_problem(text)
    assert told in str(raised.value)
    assert raised.value.hint


def test_a_wrong_text_shows_a_right_one() -> None:
    with pytest.raises(TextError) as raised:
        parse_problem("conv2d 3x3")
    assert parse_problem(raised.value.hint.removeprefix("write for example: ")).operator == "conv2d"


def must_parse_or_be_refused(text: str) -> None:
    """Fails the test that calls this if ``text`` raises anything but a UsageError, or parses to what has another text."""
    try:
        problem = parse_problem(text)
    except UsageError as error:
        assert error.hint
    else:
        assert parse_problem(str(problem)) == problem


@given(st.text())
@example("conv1d i" + "9" * 5000 + " k1")
@example("conv1d f" + "9" * 5000 + " i1 k1")
@example("conv1d p" + "1:" * 5000 + " i1 k1")
@example("conv1d i1 k1 n\u0663")
@example("lp_pool1d i1 k1 norm" + "9" * 5000)
@example("lp_pool1d i1 k1 norm0." + "0" * 350 + "1")
@example("conv1d i1 k1 s0 same")
def test_no_text_raises_anything_but_a_usage_error(text: str) -> None:
    must_parse_or_be_refused(text)
    must_parse_or_be_refused("conv2d i5 k3 " + text)


@given(problem=problems(), data=st.data())
def test_no_change_of_a_text_raises_anything_but_a_usage_error(problem: Problem, data: st.DataObject) -> None:
    text = str(problem)
    at = data.draw(st.integers(0, len(text)))
    until = data.draw(st.integers(at, min(len(text), at + 3)))
    put = data.draw(st.text(alphabet="0123456789x:abcdefghiklmnoprstuv_> -.", max_size=4))
    must_parse_or_be_refused(text[:at] + put + text[until:])


@given(st.integers(LARGEST + 1, 10**40), st.sampled_from(["n{}", "i{}", "k{}", "p{}", "p0:{}", "k3x{}", "divisor{}"]))
def test_a_huge_number_is_refused(number: int, word: str) -> None:
    written = word.format(number)
    rest = " ".join(other for other in ("i5", "k3") if other[0] != written[0])
    with pytest.raises(TextError, match="is too large"):
        parse_problem(f"conv2d {rest} {written}")
