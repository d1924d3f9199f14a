"""Every broken implementation is found out, in each operator that it is broken in, and for the reason that it is wrong.

A survivor is a hole in the harness. They are run as ``conformance mutants`` runs them, once.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from pathlib import Path

import pytest

from conformance.diagnosis.hypotheses import HYPOTHESES, RESORT
from conformance.plugin.mutants import mutants_in
from conformance.plugin.registry import registered_names
from conformance.plugin.target import Target
from conformance.problem import OPERATORS
from conformance.problem.operators import TRAITS
from conformance.running.launch import copied
from conformance.running.mutants import BUILT_IN
from conformance.running.profile import PROFILES
from conformance.running.run import Options, Run
from conformance.running.session import Session
from implementations.broken.base import Broken, Mutant, every
from implementations.broken.public_bugs import PUBLIC_BUGS, PublicBug, public_bug

BROKEN = every()
DIAGNOSIS = Path(__file__).parents[2] / "conformance" / "diagnosis"
# The quick profile, left after the first failing case of each operator: what accepts something invalid has no second one.
QUICK = dataclasses.replace(PROFILES["quick"], most_failures=1)


class Control(Mutant):
    """Without a bug: what the broken ones are made with is not what is found out."""

    operators = ("conv1d", "conv_transpose2d_weight_grad", "conv_integer1d", "max_pool1d", "max_unpool1d_input_grad")
    entry = Broken("Control", __name__, operators, "", "", "")
    body = staticmethod(lambda problem, arrays, right: right(problem, arrays))


def test_what_has_no_bug_is_conformant() -> None:
    result = Run(Target(f"{__file__}:Control"), Options(PROFILES["brief"])).execute()
    assert (result.status, result.findings) == ("conformant", ())


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_implementation_is_not_conformant(name: str, record_property: pytest.RecordProperty) -> None:
    broken = BROKEN[name]
    if broken.arrays:
        pytest.importorskip(broken.arrays)
    target = Target(broken.target, operators=broken.operators, arrays=broken.arrays or None)
    result = Run(target, Options(QUICK), session=Session(target, context=copied()), shrink_seconds=0.3).execute()
    assert result.status == "nonconformant", f"{', '.join(broken.operators)}: {broken.bug}; shows with {broken.shows}"
    assert {finding.operator for finding in result.findings} >= set(broken.operators)
    assert not [note for note in result.notes if note.startswith("the diagnosis of")]
    # An error in the body would be found out as well, and say nothing of the harness.
    kinds = {finding.kind for finding in result.findings}
    assert (kinds == {"raised"}) == (broken.category == "refused"), result.findings
    assert not broken.kinds or kinds & set(broken.kinds), result.findings
    groups = {finding.check.partition(".")[0] for finding in result.findings}
    assert not broken.checks or groups & set(broken.checks), result.findings
    record_property("seconds_to_first_finding", result.seconds_to_first_finding)


def test_every_pass_of_every_family_and_every_type_has_one() -> None:
    operators = {name for broken in BROKEN.values() for name in broken.operators}
    passes = {(OPERATORS[name].family, OPERATORS[name].pass_name) for name in operators}
    assert passes == {(operator.family, operator.pass_name) for operator in OPERATORS.values()}
    types = {
        (OPERATORS[name].family, dtype) for broken in BROKEN.values() for name in broken.operators for dtype in broken.dtypes
    }
    assert types == {(family, dtype) for family, traits in TRAITS.items() for dtype in traits.dtypes}


def test_each_says_what_is_wrong_in_words_of_its_own() -> None:
    assert len(BROKEN) >= 150
    assert all(broken.bug and broken.shows and broken.category for broken in BROKEN.values())
    said = Counter((broken.bug, broken.operators) for broken in BROKEN.values())
    assert [bug for bug, count in said.items() if count > 1] == []


def test_a_cause_is_what_a_diagnosis_can_say_or_is_known_to_have_no_rule_yet() -> None:
    written = "".join(path.read_text(encoding="utf-8") for path in DIAGNOSIS.glob("*.py"))
    keys = {cause for broken in BROKEN.values() for cause in broken.causes if "*" not in cause}
    known = {hypothesis.key for hypothesis in (*HYPOTHESES, RESORT)}
    assert {key for key in keys - known if f'"{key}"' not in written} == {
        "bounds-in-float32", "divisor-in-float32", "padding-counts-in-one-axis", "zeros-as-padding",
    }  # fmt: skip


def test_there_are_several_of_every_common_kind() -> None:
    counts = Counter(broken.category for broken in BROKEN.values())
    named = ("index", "groups", "bias", "tails", "types", "special values", "layout", "state", "precision", "gradients")
    assert all(counts[category] >= 10 for category in named), counts


def test_the_command_finds_all_of_them_and_nothing_else() -> None:
    assert set(mutants_in(BUILT_IN)) == set(BROKEN.values())


def test_they_are_no_backends() -> None:
    assert not [name for name in registered_names() if "broken" in name]


@pytest.mark.parametrize("bug", PUBLIC_BUGS, ids=lambda bug: bug.id)
def test_a_public_bug_is_re_created_by_one_or_says_why_not(bug: PublicBug) -> None:
    # That each of these is found out is what the test over all of them shows.
    assert bug.mutant in BROKEN if bug.mutant else bug.note


def test_public_bugs_are_found_by_name_and_by_address() -> None:
    assert public_bug("tf-batch-65535") is public_bug("tensorflow/tensorflow#9870")
    with pytest.raises(KeyError):
        public_bug("nobody/nothing#1")
    assert len(PUBLIC_BUGS) == len({bug.id for bug in PUBLIC_BUGS}) == 125
    assert sum(not bug.mutant for bug in PUBLIC_BUGS) == 3


def test_a_source_that_is_said_is_one_of_the_public_bugs() -> None:
    addresses = {bug.address for bug in PUBLIC_BUGS}
    assert {broken.source for broken in BROKEN.values() if broken.source} <= addresses
