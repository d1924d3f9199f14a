"""What is planned ahead of need is the same plan, in the same order, and no more than there is room for."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import pytest

from conformance.cases.covering import Covering
from conformance.cases.space import parameters
from conformance.plugin.claims import Claims, options_of
from conformance.problem import OPERATORS
from conformance.running import ahead as module
from conformance.running.ahead import Ahead, in_order
from conformance.running.pace import Pace
from conformance.running.plan import plan
from conformance.running.profile import profile_named
from conformance.running.trial import Trial

PROFILE = profile_named("brief")
CLAIMS = {name: Claims(("float32",), options_of(OPERATORS[name])) for name in ("conv1d", "max_pool1d", "conv2d")}
OPERATORS_ASKED = list(CLAIMS)


def words(trial: Trial) -> str:
    return f"{trial.check.name} {trial.case} {trial.reason}"


def given_out(ahead: Ahead, name: str, every: int = 0) -> Iterator[tuple[Trial, int]]:
    """All trials of an operator of a fast target; after each of them so many steps are planned for others."""
    for each in ahead.trials(name)[1]:
        if each is None:
            ahead.paced(name, Pace())
            continue
        yield each
        for _ in range(every):
            ahead.think()


PLANS = {name: [words(trial) for trial in plan(name, CLAIMS, PROFILE, 0)] for name in OPERATORS_ASKED}


@pytest.mark.parametrize("every", [0, 1, 3])
def test_whatever_is_planned_in_between_the_trials_of_each_operator_are_those_of_its_plan(every: int) -> None:
    ahead = Ahead(OPERATORS_ASKED, CLAIMS, PROFILE, 0)
    for name in OPERATORS_ASKED:
        found = [words(trial) for trial, _ in given_out(ahead, name, every)]
        ahead.drop(name)
        assert found == PLANS[name]


def test_all_operators_can_be_planned_while_the_first_waits_and_then_there_is_nothing_left() -> None:
    ahead = Ahead(OPERATORS_ASKED, CLAIMS, PROFILE, 0)
    while ahead.think():
        pass
    assert [[words(trial) for trial, _ in given_out(ahead, name)] for name in OPERATORS_ASKED] == list(PLANS.values())


def test_each_trial_comes_with_the_steps_of_its_covering_set_however_far_was_planned() -> None:
    thought, asked = (Ahead(OPERATORS_ASKED, CLAIMS, PROFILE, 0) for _ in "ab")
    while thought.think():
        pass
    (one, _), (other, _) = thought.trials("conv1d"), asked.trials("conv1d")
    for (_, steps), (_, again) in zip(given_out(thought, "conv1d"), given_out(asked, "conv1d"), strict=True):
        assert steps == again
        one.counted = steps
        assert one.reached() == other.reached()
    whole = Covering(parameters(OPERATORS["conv1d"], CLAIMS["conv1d"]))
    list(plan("conv1d", CLAIMS, PROFILE, 0, whole))
    assert one.reached() == whole.reached()


def test_no_more_is_planned_than_there_is_room_for_until_some_is_used_or_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_TRIALS", 5)
    ahead = Ahead(OPERATORS_ASKED, CLAIMS, PROFILE, 0)
    while ahead.think():
        pass
    assert words(next(given_out(ahead, "conv1d"))[0]) == PLANS["conv1d"][0]
    assert ahead.think()
    while ahead.think():
        pass
    ahead.drop("conv1d")
    assert ahead.think()
    assert [words(trial) for trial, _ in given_out(ahead, "max_pool1d")] == PLANS["max_pool1d"]


def test_convolutions_and_pooling_take_turns_and_every_forward_pass_is_followed_by_its_gradients() -> None:
    names = in_order({name: Claims() for name in OPERATORS})
    assert sorted(names) == sorted(OPERATORS)
    assert names[:6] == [
        "conv1d",
        "conv1d_input_grad",
        "conv1d_weight_grad",
        "conv1d_bias_grad",
        "conv1d_double_grad",
        "max_pool1d",
    ]
    assert [OPERATORS[name].ndim for name in names] == sorted(OPERATORS[name].ndim for name in names)
    assert names.index("max_pool2d") < names.index("conv_transpose2d") < names.index("max_unpool2d")
    for earlier, later in pairwise(names):
        assert OPERATORS[later].forward or OPERATORS[later].base == OPERATORS[earlier].base
