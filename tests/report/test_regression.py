"""What became worse is said with what it was and is; a gate cannot be passed by claiming less."""

from __future__ import annotations

import io

from rich.console import Console

from conformance.report.baseline import Choices
from conformance.report.environment import environment
from conformance.report.gate_terminal import github_lines, print_gate
from conformance.report.gating import compared, differing, not_comparable, speed_changes, uncertain
from conformance.report.regression import changes
from conformance.report.schema import Change, Gated
from conformance.timing.slowdown import SAME, Verdict
from conformance.timing.statistics import Ratio
from tests.report.baselines import baseline, claimed, failing, seen

THEN = baseline(accuracy=())


def said(now: object, same: bool = True) -> list[tuple[bool, str, str, str]]:
    return [(one.worse, one.where, one.was, one.now) for one in changes(THEN, now, same)]  # type: ignore[arg-type]


def test_failures_that_are_known_are_no_change() -> None:
    assert said(seen(fails=(failing(3),))) == []


def test_another_check_or_kind_or_more_cases_are_worse() -> None:
    where = "conv2d exact: wrong value"
    assert said(seen(fails=(failing(4),))) == [(True, where, "3 cases fail", "4 cases fail")]
    assert (True, "conv2d special.nan: wrong value", "none failed", "1 case fails") in said(
        seen(fails=(failing(3), failing(1, "special.nan")))
    )
    assert said(seen(fails=(failing(3), failing(2, kind="crashed"))))[0][:2] == (True, "conv2d exact: crashed")


def test_with_other_cases_their_number_is_not_compared_but_their_kind_is() -> None:
    assert said(seen(fails=(failing(9),)), same=False) == []
    assert said(seen(fails=(failing(3), failing(2, kind="crashed"))), same=False)[0][0]


def test_failures_that_are_gone_are_better() -> None:
    assert said(seen()) == [(False, "conv2d exact: wrong value", "3 cases fail", "none fails")]
    assert said(seen(fails=(failing(2),))) == [(False, "conv2d exact: wrong value", "3 cases fail", "2 cases fail")]


def test_what_is_not_claimed_any_more_is_worse_and_what_is_new_is_better() -> None:
    known = (failing(3),)
    assert said(seen(claims=(claimed(options="stride"),), fails=known)) == [(True, "conv2d options", "groups", "not claimed")]
    assert said(seen(claims=(claimed(dtypes="float32"),), fails=known)) == [(True, "conv2d types", "float64", "not claimed")]
    assert said(seen(claims=(claimed(dtypes="float32 float64 float16"),), fails=known)) == [
        (False, "conv2d types", "not claimed", "float16")
    ]
    assert said(seen(claims=(claimed(operator="conv1d"),)))[0] == (True, "conv2d", "100 cases passed", "not claimed")
    assert said(seen(claims=(claimed(passed=0),), fails=known)) == [(True, "conv2d", "100 cases passed", "none passes")]


def verdict(now: float, *, slower: bool = False, faster: bool = False) -> Verdict:
    ratio = Ratio(now, 0.99 * now, 1.01 * now)
    return Verdict(Ratio(1.0, 0.99, 1.01), ratio, ratio if slower else None, slower, faster)


def test_a_slowdown_is_told_with_both_ratios_and_the_change() -> None:
    (change,) = speed_changes([("conv2d …", "numpy-gemm", verdict(1.2, slower=True)), ("x", "y", verdict(1.2))], direct=False)
    assert (change.kind, change.worse) == ("speed", True)
    assert change.was.startswith("1× (0.99 to 1.01)")
    assert change.now == "1.2× (1.19 to 1.21) numpy-gemm"
    assert change.words.startswith("+20 % (+19 % to +21 %) of its time, measured twice")
    (change,) = speed_changes([("conv2d …", "rev:HEAD~1", verdict(0.5, faster=True))], direct=True)
    assert (change.worse, change.was) == (False, "1× rev:HEAD~1")


def test_what_noise_hides_is_told() -> None:
    wide = Verdict(SAME, Ratio(1.0, 0.8, 1.3), None, False, False)
    (note,) = uncertain([wide, verdict(1.0)], 0.05)
    assert "cannot be excluded for 1 of 2 problems" in note
    assert list(uncertain([verdict(1.0)], 0.05)) == []


def test_ratios_of_another_machine_or_reference_are_not_compared() -> None:
    here = environment()
    assert not_comparable(here, here, "numpy-gemm") == ""
    assert "and here it is" in not_comparable(here.model_copy(update={"cpu": "Z80"}), here, "numpy-gemm")
    assert "cores" in not_comparable(here.model_copy(update={"cores": 512}), here, "numpy-gemm")
    old = here.model_copy(update={"packages": {**here.packages, "numpy": "0.1"}})
    assert not_comparable(old, here, "numpy-gemm").startswith("numpy-gemm was that of numpy 0.1")
    assert not_comparable(old, here, "torch-cpu") == ""


def test_options_that_differ_are_said_as_they_are_typed() -> None:
    assert differing(Choices(), {"profile": None, "operators": ()}) == ""
    assert differing(Choices(), {"profile": "brief"}) == "--profile quick, and brief is given"
    assert differing(Choices(), {"operators": ("conv2d",)}) == "--operator nothing, and conv2d is given"


def gated(*all_changes: Change, **more: object) -> Gated:
    return Gated(baseline="c.json", margin=0.05, changes=all_changes, compared=compared(seen(), 0, ""), **more)  # type: ignore[arg-type]


def printed(one: Gated) -> str:
    console = Console(file=io.StringIO(), width=100)
    print_gate(console, one, "conformance gate --update …")
    return str(console.file.getvalue())  # type: ignore[attr-defined]


def test_failures_that_one_finding_explains_are_told_together() -> None:
    found = changes(THEN, seen(fails=(failing(5), *(failing(1, f"special.{number}") for number in range(7)))), True)
    text = printed(gated(*found))
    assert text.count("✗") == 1
    assert "special.0: wrong value (1 case fails); " in text
    assert "and 3 more" in text
    assert "WORSE than c.json: 8 of correctness" in text
    assert text.rstrip().endswith("if that is how it should be: conformance gate --update …")


def test_the_verdict_says_what_was_compared_or_written() -> None:
    assert printed(gated()) == "NOT WORSE than c.json: 100 cases pass, speed not judged\n"
    assert printed(gated(updated=True, new=True)) == "WRITTEN: c.json: 100 cases pass, speed not judged; commit it\n"


def test_github_is_told_what_is_worse_in_its_own_words() -> None:
    bad = Change(kind="speed", worse=True, where="conv2d a:b, c", was="1×", now="2×", words="+100 %")
    good = bad.model_copy(update={"worse": False})
    assert github_lines([bad, good]) == ["::error title=speed%3A conv2d a%3Ab%2C c::was 1×, is 2×. +100 %25"]
