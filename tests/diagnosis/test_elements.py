"""Places in a result are described as a person would: by their axis, by blocks and corners, and by what reaches them."""

from __future__ import annotations

import numpy as np

from conformance.cases.case import parse_case
from conformance.diagnosis.elements import NOTHING_THERE, of_places
from conformance.diagnosis.evidence import Observation
from conformance.plugin.job import Call


def places(text: str) -> dict[str, np.ndarray]:
    case = parse_case(text)
    table = of_places(Observation("exact", case, Call(case.problem, case.arrays())))
    return {column.noun: values for column, values in table.items()}


def test_the_elements_behind_the_last_full_block_are_those_of_no_full_one() -> None:
    found = places("conv1d f32 n1 c1 i11 o1 k1")["in a position behind the last full block of 4"]
    assert found.tolist() == [False] * 8 + [True] * 3
    assert not places("conv1d f32 n1 c1 i3 o1 k1")["in a position behind the last full block of 4"].any()
    assert places("conv1d f32 n1 c1 i3 o1 k1")["in a position behind the last full block of 4, if there is one"].all()


def test_planes_are_counted_through_the_batch_and_groups_by_their_channels() -> None:
    found = places("conv1d f32 n2 c4 i1 o4 k1 g2")
    assert found["planes, counted through the batch,"].tolist() == list(range(8))
    assert found["groups"].tolist() == [0, 0, 1, 1] * 2
    assert found["channels of a group"].tolist() == [0, 1] * 4


def test_gradients_of_elements_that_no_window_reads_have_nothing_put_to_them() -> None:
    found = places("max_pool1d_input_grad f32 n1 c1 i5 k1 s2")
    assert found[NOTHING_THERE[0].noun].tolist() == [False, True, False, True, False]
    assert places("conv1d_input_grad f32 n1 c1 i3 o1 k2")["where several windows meet"].tolist() == [False, True, False]


def test_weights_are_told_by_channels_and_taps() -> None:
    found = places("conv2d_weight_grad f32 n1 c2 i3x3 o2 k2x2")
    assert {"output channels", "input channels of a group", "tap rows", "tap columns"} <= set(found)
