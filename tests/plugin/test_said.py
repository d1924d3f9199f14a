"""The words in which a shared library says what it claims."""

from __future__ import annotations

import pytest

from conformance.errors import UsageError
from conformance.plugin.claims import OPTIONS
from conformance.plugin.said import BASE, MOST_LINE, MOST_LINES, NOT_ASKED, read_said
from conformance.problem import FORMATS, OPERATORS


def test_a_line_has_operators_types_options_and_accuracy() -> None:
    (line,) = read_said("conv2d conv2d_input_grad; float32, float64; groups bias; accuracy=fft")
    assert line.operators == ("conv2d", "conv2d_input_grad")
    assert line.dtypes == ("float32", "float64")
    assert line.options == BASE | {"groups", "bias"}
    assert line.claim == ("accuracy=fft",)
    assert not line.strides


def test_what_a_line_does_not_say_is_left_to_be_asked() -> None:
    (line,) = read_said("conv2d")
    assert line.dtypes is None
    assert line.options is None


def test_each_line_is_of_its_own_operators() -> None:
    first, second = read_said("conv2d; float32; stride\n\nmax_pool2d; strides; all -ceil -deterministic\n")
    assert first.operators == ("conv2d",)
    assert second.options == frozenset(OPTIONS) - NOT_ASKED
    assert second.away == {"ceil"}
    assert second.no_claim == ("deterministic",)
    assert second.strides


def test_a_word_in_parentheses_is_one_word() -> None:
    (line,) = read_said("conv3d; accuracy=winograd(4,3), stride")
    assert line.claim == ("accuracy=winograd(4,3)",)
    assert line.options == BASE | {"stride"}


def test_no_text_says_nothing() -> None:
    assert read_said("") == read_said(" \n ") == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("conv2", "did you mean conv2d?"),
        ("conv2d; f32bit", "write operators"),
        ("conv2d; -groops", "did you mean groups?"),
        ("conv2d; accuracy=", "accuracy"),
        ("conv2d; accuracy=good", "'good' is not known"),
        ("conv2d; data_format=NWHC", "write data_format= and one of NCHW, NHWC"),
        ("conv2d; speed=high", "'speed=high'"),
        ("conv2d; zeros_in_max_pool=never", "zeros_in_max_pool=first"),
    ],
)
def test_a_word_that_is_not_known_is_told_with_what_to_type(text: str, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_said(text)
    assert words in str(caught.value)


@pytest.mark.parametrize("text", ["a(" * 10**6, "conv2d " * MOST_LINE, "conv2d\n" * (MOST_LINES + 1)])
def test_claims_that_are_too_long_are_told_before_they_are_read(text: str) -> None:
    with pytest.raises(UsageError, match="too long"):
        read_said(text)


def test_every_operator_may_have_a_line_with_every_option() -> None:
    names = " ".join(name for name in OPTIONS if name not in NOT_ASKED)
    lines = [f"{operator}; {' '.join(FORMATS)}; {names}; accuracy=fft" for operator in OPERATORS]
    assert len(lines) * 2 <= MOST_LINES
    assert max(map(len, lines)) * 2 < MOST_LINE
    assert len(read_said("\n".join(lines))) == len(OPERATORS)
