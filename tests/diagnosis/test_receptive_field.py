"""One-hot probes show which inputs an output reads, beside those that it should read."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from conformance.diagnosis.receptive_field import Ask, receptive_field
from conformance.plugin.job import Call, Reply
from conformance.problem import Problem, parse_problem
from conformance.reference.oracle import solve


def asking(change: Callable[[Problem, dict[str, np.ndarray]], tuple[Problem, dict[str, np.ndarray]]]) -> Ask:
    """What an implementation answers that computes another problem than the one that it is asked for."""

    def ask(calls: Sequence[Call]) -> list[Reply]:
        made = [change(call.problem, call.arrays) for call in calls]
        return [Reply((solve(problem, arrays).y.astype(problem.format.numpy),)) for problem, arrays in made]

    return ask


RIGHT = asking(lambda problem, arrays: (problem, arrays))


@pytest.mark.parametrize(
    "text",
    [
        "conv2d f32 n2 c2 i5x5 o2 k3x3 p1x1 bias",
        "conv1d f64 n1 c4 i9 o4 k3 d2 g2",
        "max_pool2d f32 n1 c1 i6x6 k2x2 s2x2",
        "avg_pool3d f32 n1 c1 i4x4x4 k2x2x2",
        "adaptive_avg_pool2d f32 n1 c1 i7x7 to3x3",
    ],
)
def test_a_right_implementation_reads_what_it_should(text: str) -> None:
    field = receptive_field(parse_problem(text), RIGHT)
    assert field is not None
    assert not field.wrong
    assert "#" in str(field)


def test_a_dilation_that_is_ignored_is_drawn() -> None:
    ignored = asking(lambda problem, arrays: (problem.with_windows(dilation=1, pad_end=-2), arrays))
    field = receptive_field(parse_problem("conv1d f32 n1 c1 i7 o1 k3 d2"), ignored, (0, 0, 0))
    assert field is not None
    assert field.planes == (("#+~.-..",),)
    assert field.wrong


def test_a_flipped_kernel_reads_the_right_inputs_with_other_weights() -> None:
    flipped = asking(lambda problem, arrays: (problem, {**arrays, "w": arrays["w"][..., ::-1, ::-1]}))
    field = receptive_field(parse_problem("conv2d f32 n1 c1 i3x3 o1 k3x3"), flipped)
    assert field is not None
    assert field.planes == (("~~~", "~#~", "~~~"),)


def test_a_group_that_reads_another_group_is_drawn_for_that_channel() -> None:
    other = asking(lambda problem, arrays: (problem, {**arrays, "x": arrays["x"][:, ::-1]}))
    field = receptive_field(parse_problem("conv1d f32 n1 c2 i3 o2 k3 g2"), other, (0, 0, 0))
    assert field is not None
    assert (field.channel, field.planes) == (0, (("---",),))


@pytest.mark.parametrize("text", ["conv2d_weight_grad f32 i4x4 k2x2", "conv2d f32 c8 i30x30 o1 k3x3", "max_pool1d int32 i4 k2"])
def test_what_cannot_be_asked_for_has_no_field(text: str) -> None:
    assert receptive_field(parse_problem(text), RIGHT) is None


def test_an_implementation_that_does_not_survive_has_no_field() -> None:
    assert receptive_field(parse_problem("conv1d f32 i4 k2"), lambda calls: None) is None
