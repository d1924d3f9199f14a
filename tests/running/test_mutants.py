"""Broken implementations are run as they come: what found each out, what survives, and what could not be run."""

from __future__ import annotations

import contextlib
import dataclasses
import os
from pathlib import Path

import pytest

from conformance.errors import UsageError
from conformance.plugin.mutants import Broken
from conformance.report.mutation import MutantResult
from conformance.running.mutants import BUILT_IN, find_mutants, run_mutants
from conformance.running.profile import PROFILES
from conformance.running.run import Options

TARGETS = Path(__file__).parents[1] / "targets"
MARKED, UNMARKED = str(TARGETS / "mutants.py"), str(TARGETS / "unmarked_mutants.py")
OPTIONS = Options(PROFILES["brief"])


def results(mutants: tuple[Broken, ...]) -> dict[str, MutantResult]:
    return {result.name: result for result in run_mutants(mutants, OPTIONS)}


def test_what_is_marked_in_a_file_are_its_mutants_with_what_they_say() -> None:
    first, second = find_mutants(MARKED)
    assert (first.name, first.category, first.source) == ("max_pool1d_without_nan", "special values", "somebody/something#1")
    assert (second.name, second.category, second.bug) == ("max_pool1d_honest", "unsorted", "nothing at all")
    assert first.target == f"{MARKED}:max_pool1d_without_nan"


def test_without_a_mark_every_function_with_an_operator_in_its_name_is_one() -> None:
    first, second = find_mutants(UNMARKED)
    assert (first.name, first.bug) == ("max_pool1d_least", "The minimum is taken.")
    assert (second.name, second.bug) == ("max_pool1d_zeros", "it does not say what is wrong")


def test_one_function_can_be_named() -> None:
    (only,) = find_mutants(f"{MARKED}:max_pool1d_unmarked")
    assert only.name == "max_pool1d_unmarked"


def test_a_file_without_any_says_what_would_be_one() -> None:
    with pytest.raises(UsageError, match="nothing that could be run") as raised:
        find_mutants(str(TARGETS / "__init__.py"))
    assert "@conformance.mutant" in raised.value.hint


def test_a_mutant_is_killed_by_the_check_that_sees_its_bug_and_an_honest_function_survives() -> None:
    found = results(find_mutants(MARKED))
    killed, survived = found["max_pool1d_without_nan"], found["max_pool1d_honest"]
    assert (killed.fate, killed.check) == ("killed", "special.nan")
    assert killed.cases > 1
    assert 0 < killed.seconds <= killed.in_all
    assert killed.diagnosis
    assert (survived.fate, survived.check, survived.missed) == ("survived", "", ())
    assert survived.cases > killed.cases


def test_one_that_is_right_in_one_of_its_operators_survives_there() -> None:
    flipped = Broken("conv2d_flipped", "implementations.broken.functions.index", ("conv2d",), "index", "", "")
    both = Broken("one_buffer", "implementations.broken.adaptive", ("adaptive_avg_pool2d", "conv2d"), "state", "", "")
    found = results((flipped, both))
    assert found["conv2d_flipped"].fate == "killed"
    assert found["one_buffer"].fate == "survived"
    assert found["one_buffer"].missed == ("conv2d",)


def test_what_cannot_be_loaded_or_needs_what_is_not_installed_is_told_and_the_others_run() -> None:
    absent = Broken("conv2d_absent", MARKED, (), "", "", "")
    (first, _) = find_mutants(UNMARKED)
    foreign = dataclasses.replace(first, name="max_pool1d_zeros", arrays="no_such_library")
    found = results((absent, foreign, first))
    assert (found["conv2d_absent"].fate, found["max_pool1d_zeros"].fate) == ("not run", "not run")
    assert "conv2d_absent" in found["conv2d_absent"].reason
    assert found["max_pool1d_zeros"].reason == "no_such_library is not installed"
    assert found["max_pool1d_least"].fate == "killed"


def test_each_runs_in_a_process_of_its_own() -> None:
    first_call = Broken("conv1d_first_call", "implementations.broken.functions.defaults", ("conv1d",), "state", "", "")
    again = list(run_mutants([first_call, first_call], OPTIONS))
    assert [(one.fate, one.cases) for one in again] == [("killed", 1), ("killed", 1)]


def test_a_diagnosis_is_held_against_the_cause_that_is_declared() -> None:
    flipped = Broken("conv2d_flipped", "implementations.broken.functions.index", ("conv2d",), "index", "", "")
    causes = {"right": ("one-later", "kernel-flipped"), "words": ("*kernel is flipped*",), "other": ("one-later",), "": ()}
    named = {
        one.causes: (one.named, one.hypothesis)
        for one in run_mutants([dataclasses.replace(flipped, causes=said) for said in causes.values()], OPTIONS)
    }
    assert named == {
        causes["right"]: ("rightly", "kernel-flipped"),
        causes["words"]: ("rightly", "kernel-flipped"),
        causes["other"]: ("otherwise", "kernel-flipped"),
        (): ("", "kernel-flipped"),
    }


def test_whoever_stops_asking_leaves_no_process_behind() -> None:
    before = _descendants()
    results = run_mutants(find_mutants(MARKED) * 3, OPTIONS, jobs=2)
    next(results)
    assert _descendants() > before
    results.close()
    assert _descendants() <= before


def _descendants() -> set[int]:
    """The processes below this one, as Linux tells them; without those that merely wait to be asked for more processes."""
    found, parents = set(), [os.getpid()]
    while parents:
        pid = parents.pop()
        for children in Path(f"/proc/{pid}/task").glob("*/children"):
            with contextlib.suppress(OSError):
                below = [int(child) for child in children.read_text().split()]
                found.update(below)
                parents += below
    return {pid for pid in found if not _is_a_helper(pid)}


def _is_a_helper(pid: int) -> bool:
    with contextlib.suppress(OSError):
        words = Path(f"/proc/{pid}/cmdline").read_text()
        return "resource_tracker" in words or "forkserver" in words
    return True


def test_four_fifths_of_the_broken_implementations_with_a_cause_are_named_rightly() -> None:
    """Every fourth of them; ``conformance mutants`` counts all."""
    nameable = [mutant for mutant in find_mutants(BUILT_IN) if mutant.causes]
    assert len(nameable) >= 370
    # Of a busy machine more time is taken, so that what is told does not depend on it.
    found = list(run_mutants(nameable[::4], Options(PROFILES["quick"]), diagnose_seconds=3.0))
    assert [one.name for one in found if one.fate != "killed" and not one.reason.endswith("is not installed")] == []
    named = [one.named for one in found]
    assert named.count("rightly") >= 0.8 * len(named), [(one.name, one.diagnosis) for one in found if one.named != "rightly"]
