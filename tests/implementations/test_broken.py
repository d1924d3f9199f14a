"""Every broken implementation is found out, in each operator that it claims. A survivor is a hole in the harness."""

from __future__ import annotations

import dataclasses
from collections import Counter

import pytest

from conformance.plugin.registry import registered_names
from conformance.plugin.target import Target
from conformance.problem import OPERATORS
from conformance.problem.operators import TRAITS
from conformance.running.profile import PROFILES
from conformance.running.run import Options, Run
from implementations.broken.base import Broken, Mutant, every

BROKEN = every()
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
    result = Run(Target(broken.target, operators=broken.operators), Options(QUICK)).execute()
    assert result.status == "nonconformant", f"{', '.join(broken.operators)}: {broken.bug}; shows with {broken.shows}"
    assert {finding.operator for finding in result.findings} == set(broken.operators)
    # An error in the body would be found out as well, and say nothing of the harness.
    raised = any(finding.kind == "raised" for finding in result.findings)
    assert raised == (broken.category == "refused"), result.findings
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
    assert len(BROKEN) >= 90
    assert all(broken.bug and broken.shows and broken.category for broken in BROKEN.values())
    repeated = [bug for bug, count in Counter(broken.bug for broken in BROKEN.values()).items() if count > 1]
    assert repeated == []


def test_they_are_no_backends() -> None:
    assert not [name for name in registered_names() if "broken" in name]
