"""Expected failures are counted and nothing more; what fails otherwise is a finding; an entry of which nothing fails is stale."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest

from conformance.cases.case import parse_case
from conformance.plugin.claims import Claims
from conformance.plugin.target import Target
from conformance.report.schema import Implementation
from conformance.running.expected import Expected, unmet
from conformance.running.profile import PROFILES, Profile
from conformance.running.run import Options, Run
from conformance.running.worker import Description
from conformance.running.xfail import covers_words
from conformance.running.xfail_file import parse_xfail
from tests.conftest import SMALL, TARGETS
from tests.running.outcomes import outcome

HALF_DONE = f"{TARGETS / 'half_done.py'}:conv1d"


def entry(reason: str = "why", **keys: str) -> str:
    return "\n".join(["[[xfail]]", *(f'{key} = "{value}"' for key, value in keys.items()), f'reason = "{reason}"', ""])


def ran(target: str, *entries: str, time_limit: float = 10.0, profile: Profile = SMALL) -> tuple[Run, Implementation]:
    expected = Expected(parse_xfail("\n".join(entries), "x.toml"), profile)
    run = Run(Target(target), Options(profile, time_limit=time_limit), expected=expected)
    return run, run.execute()


def told(*runs: Expected, interrupted: bool = False) -> list[tuple[int, bool, str]]:
    return [(one.first, one.stale, one.because) for one in unmet(runs[0].file, runs, interrupted)]


def test_failures_that_are_all_expected_leave_a_target_conformant_and_a_stale_entry_is_told() -> None:
    mended = entry("was wrong once", check="exact", kind="wrong value", case="conv1d f64 * i2 * values=digits:0")
    run, result = ran(HALF_DONE, entry(operator="conv1d", kind="raised"), mended)
    assert (result.status, result.findings) == ("conformant", ())
    (met,) = result.expected
    assert met.count == sum(tally.xfailed for tally in result.tallies) > 20
    assert (met.file, met.first, met.last, met.reason) == ("x.toml", 1, 4, "why")
    assert parse_case(met.example).problem.operator == "conv1d"
    assert sum(tally.failed + tally.errored for tally in result.tallies) == 0
    assert told(run.expected) == [(6, True, "the case that it is about passes")]


def test_what_an_entry_does_not_cover_is_a_finding_that_shrinks_to_no_expected_case() -> None:
    run, result = ran(HALF_DONE, entry(operator="conv1d", case="* s2 *"))
    assert result.status == "nonconformant"
    assert result.expected[0].count > 3
    assert told(run.expected) == []
    assert "exact" in {finding.check for finding in result.findings}
    assert not [finding.case for finding in result.findings if covers_words("* s2 *", finding.case)]


def test_a_failure_of_another_kind_is_a_finding_and_the_entry_is_stale() -> None:
    whole = dataclasses.replace(SMALL, most_failures=100)  # of what is cut short nothing is known
    run, result = ran(HALF_DONE, entry(operator="conv1d", kind="wrong value"), profile=whole)
    assert result.status == "nonconformant"
    assert {finding.kind for finding in result.findings} == {"raised"}
    ((_, stale, because),) = told(run.expected)
    assert stale
    assert "× raised" in because


def test_a_right_target_makes_an_entry_stale() -> None:
    run, result = ran(str(TARGETS / "two_functions.py"), entry(operator="conv1d", check="special.*"))
    assert result.status == "conformant"
    ((first, stale, because),) = told(run.expected)
    assert (first, stale) == (1, True)
    assert because.startswith("all ")
    assert because.endswith(" cases that it is about pass")


def test_crashes_that_are_expected_are_no_findings_and_still_cut_an_operator_short(misbehaving: str) -> None:
    crash = entry("it overruns a buffer", operator="conv2d", kind="crashed")
    run, result = ran(f"{misbehaving}:kills_conv2d", crash, entry(operator="conv2d", check="special.*"))
    assert (result.status, result.findings) == ("conformant", ())
    assert result.expected[0].count >= 3
    assert result.reason == "conv2d was cut short after 3 crashes or hangs: the rest of it is not verified"
    assert told(run.expected) == [(6, False, "conv2d was cut short after 3 crashes or hangs")]


def test_where_every_failure_is_expected_and_nothing_passes_nothing_is_verified(misbehaving: str) -> None:
    _, result = ran(f"{misbehaving}:raises_conv2d", entry(operator="conv2d"))
    assert result.status == "nothing verified"
    assert result.reason == "every case that was compared failed as known"
    assert result.findings == ()
    assert not result.accuracy
    assert sum(tally.elements for tally in result.tallies) == 0


def told_of(text: str, seen: Callable[[Expected], object], facts: dict[str, object]) -> list[tuple[int, bool, str]]:
    """What is said of entries after a run in which ``seen`` happened."""
    expected = Expected(parse_xfail(text, "x.toml"), **facts)  # type: ignore[arg-type]
    expected.begin(Description("mine", "", {"conv2d": Claims(), "max_pool2d": Claims()}), Target("path/to/mine.py"))
    for name in ("conv2d", "max_pool2d"):
        expected.noted(outcome("passed", text=f"{name} f32 n1 c1 i3x3 {'o1 ' if name == 'conv2d' else ''}k2x2 values=integers:1"))
    seen(expected)
    return told(expected)


NONE, PASS = "!it is about no case that was run", "!all 2 cases that it is about pass"


def nothing(expected: Expected) -> None:
    """A run without more."""


@pytest.mark.parametrize(
    ("keys", "seen", "facts", "because"),
    [
        ({"case": "* f16 *"}, nothing, {}, NONE),
        ({"case": "* f32 *", "operator": "conv2d"}, nothing, {}, "!the case that it is about passes"),
        ({"check": "exact"}, nothing, {}, PASS),
        ({"case": "* f16 *"}, nothing, {"seed": 1}, "seed 1 draws other cases"),
        ({"check": "special.*"}, nothing, {"seed": 1}, NONE),
        ({"check": "exact"}, nothing, {"profile": PROFILES["brief"]}, "the profile is brief"),
        ({"check": "exact", "profile": "standard"}, nothing, {}, "the profile is quick"),
        ({"check": "exact", "profile": "quick"}, nothing, {"profile": PROFILES["standard"]}, PASS),
        ({"check": "huge"}, nothing, {}, "there was no --huge"),
        ({"check": "huge"}, nothing, {"profile": dataclasses.replace(PROFILES["quick"], huge=True)}, NONE),
        ({"operator": "conv3d"}, nothing, {}, "no such operator of mine was run"),
        ({"check": "exact", "implementation": "torch-*"}, nothing, {}, "mine is not what it is about"),
        ({"check": "exact", "implementation": "path/*.py"}, nothing, {}, PASS),
        ({"case": "* f16 *"}, lambda run: run.noted(outcome("skipped")), {}, "the cases that it is about were skipped"),
        ({"case": "* f16 *"}, lambda run: run.noted(outcome("failed", "raised")), {}, ""),
        (
            {"case": "* f16 *", "kind": "crashed"},
            lambda run: run.noted(outcome("failed", "raised")),
            {},
            "!none of its cases fails as it says (1 × raised)",
        ),
        ({"check": "special.*"}, lambda run: run.cut_short("conv2d", "cut short"), {}, "conv2d was cut short"),
        ({"check": "special.*", "operator": "max*"}, lambda run: run.cut_short("conv2d", "x"), {}, NONE),
        ({"check": "exact"}, lambda run: run.operators.pop("max_pool2d"), {}, "max_pool2d was not run"),
    ],
)  # fmt: skip
def test_an_entry_is_judged_only_where_the_run_could_have_met_it(
    keys: dict[str, str], seen: Callable[[Expected], object], facts: dict[str, object], because: str
) -> None:
    said = told_of(entry(**keys), seen, facts)
    assert said == ([(1, because.startswith("!"), because.lstrip("!"))] if because else [])


def expecting(name: str, *operators: str, file: str = "", unavailable: str = "") -> Expected:
    expected = Expected(parse_xfail(file or entry(operator="conv2d"), "x.toml"))
    description = Description(name, "", {operator: Claims() for operator in operators}, unavailable=unavailable)
    expected.begin(description, Target(name))
    for operator in operators:
        expected.operators[operator] = ""
    return expected


def test_an_entry_that_one_of_several_implementations_meets_is_met() -> None:
    one, other = expecting("one", "conv2d"), expecting("other", "conv2d")
    assert told(one, other) == [(1, True, "it is about no case that was run")]
    other.noted(outcome("failed", "raised"))
    assert told(one, other) == []


def test_an_implementation_that_cannot_tell_keeps_an_entry_from_being_stale_and_one_that_is_not_meant_does_not() -> None:
    one, pools = expecting("one", "conv2d"), expecting("pools", "max_pool2d")
    absent = expecting("absent", unavailable="no device")
    assert told(one, pools) == [(1, True, "it is about no case that was run")]
    assert told(one, absent) == [(1, False, "absent is not available here")]
    assert told(pools) == [(1, False, "no such operator of pools was run")]
    assert told(one, interrupted=True) == [(1, False, "the run was interrupted")]
    assert told(one, Expected(one.file)) == [(1, False, "the run was interrupted")]


def test_of_two_entries_for_one_failure_both_are_met_and_the_first_gives_the_reason() -> None:
    expected = expecting("one", "conv2d", file=entry("first", check="exact") + entry("second", kind="raised"))
    known = expected.noted(outcome("failed", "raised"))
    assert (known.status, known.reason, known.failure) == ("xfailed", "first", None)
    assert [one.count for one in expected.met()] == [1, 1]
    assert told(expected) == []


def test_trials_that_only_explain_a_failure_meet_no_entry() -> None:
    expected = expecting("one", "conv2d")
    assert expected.judged(outcome("failed", "raised")).status == "xfailed"
    assert expected.met() == ()
