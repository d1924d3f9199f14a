"""Shrinking ends at the smallest case that still fails, whatever "fails" is."""

from __future__ import annotations

from conformance.cases.case import parse_case
from conformance.running.shrink import shrink


def test_what_does_not_matter_is_taken_away() -> None:
    case = parse_case("conv2d f32 n3 c8 i17x9 o8 k3x5 s2x3 p2x1 d2x1 g4 bias values=integers:1")
    smallest = shrink(case, lambda c: c.problem.groups > 1)
    assert str(smallest) == "conv2d f32 n1 c2 i1x1 o2 k1x1 g2 values=ones:1"


def test_a_threshold_is_found_exactly() -> None:
    case = parse_case("conv1d f32 n2 c40 i65 o3 k3 values=integers:1")
    smallest = shrink(case, lambda c: c.problem.windows[0].output > 16 and c.problem.channels > 5)
    assert str(smallest) == "conv1d f32 n1 c6 i17 o1 k1 values=ones:1"


def test_a_case_that_cannot_be_made_smaller_stays() -> None:
    case = parse_case("conv1d i1 k1 values=ones:1")
    assert shrink(case, lambda c: True) == case


def test_shrinking_keeps_to_its_time() -> None:
    case = parse_case("conv2d f32 n3 c8 i17x9 o8 k3x5 values=integers:1")
    assert shrink(case, lambda c: True, seconds=0.0) == case
