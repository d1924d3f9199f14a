"""The text form: it parses back to the same problem, and whatever else is written is refused in words."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from conformance.errors import UsageError
from conformance.problem import FORMATS, OPERATORS, Problem, Window, parse_problem
from conformance.problem.text import TextError, format_problem

LARGEST = 9_999_999_999

EXAMPLES = [
    "conv2d f32 n2 c4 i9x7 o6 k3x2 s2x1 p1x2 d1x2 g2 bias",
    "max_pool2d f32 n1 c3 i8x8 k3x3 s2x2 p1:0x1 ceil indices",
    "avg_pool1d f64 n1 c1 i9 k2 exclude_pad",
    "avg_pool3d bf16 n1 c2 i4x5x6 k2x2x2 divisor7",
    "conv1d f16 n1 c1 i0 o1 k0",
]


@st.composite
def problems(draw: st.DrawFn) -> Problem:
    """Any problem that can be written down, valid or not."""
    op = OPERATORS[draw(st.sampled_from(sorted(OPERATORS)))]
    number = st.one_of(st.integers(0, 12), st.integers(0, LARGEST))
    ceil = draw(st.booleans())
    channels = draw(number)
    return Problem(
        op.name,
        tuple(draw(st.builds(Window, *[number] * 6, st.just(ceil))) for _ in range(op.ndim)),
        batch=draw(number),
        channels=channels,
        out_channels=channels if op.is_pool else draw(number),
        groups=draw(number),
        bias=draw(st.booleans()),
        dtype=draw(st.sampled_from(sorted(FORMATS))),
        indices=draw(st.booleans()),
        count_include_pad=draw(st.booleans()),
        divisor=draw(st.none() | number),
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
        ("conv1d i3 k1 k-1", "the word 'k-1' is not understood"),
        ("conv1d i3 k1 s1.5", "the word 's1.5' is not understood"),
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
def test_no_text_raises_anything_but_a_usage_error(text: str) -> None:
    must_parse_or_be_refused(text)
    must_parse_or_be_refused("conv2d i5 k3 " + text)


@given(problem=problems(), data=st.data())
def test_no_change_of_a_text_raises_anything_but_a_usage_error(problem: Problem, data: st.DataObject) -> None:
    text = str(problem)
    at = data.draw(st.integers(0, len(text)))
    until = data.draw(st.integers(at, min(len(text), at + 3)))
    put = data.draw(st.text(alphabet="0123456789x:abcdefghiklmnops_ -.", max_size=4))
    must_parse_or_be_refused(text[:at] + put + text[until:])


@given(st.integers(LARGEST + 1, 10**40), st.sampled_from(["n{}", "i{}", "k{}", "p{}", "p0:{}", "k3x{}", "divisor{}"]))
def test_a_huge_number_is_refused(number: int, word: str) -> None:
    written = word.format(number)
    rest = " ".join(other for other in ("i5", "k3") if other[0] != written[0])
    with pytest.raises(TextError, match="is too large"):
        parse_problem(f"conv2d {rest} {written}")
