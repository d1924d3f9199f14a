"""Asking what is supported: every option of every operator can be asked for by itself, and the answers are what is claimed."""

from __future__ import annotations

import pytest

from conformance.plugin.ask import ask, plainest, requiring
from conformance.plugin.claims import OPTIONS, Claims, options_of
from conformance.plugin.said import NOT_ASKED
from conformance.problem import OPERATORS, Problem
from conformance.problem.validity import reasons_invalid


@pytest.mark.parametrize("name", OPERATORS)
def test_every_option_has_valid_problems_that_require_it(name: str) -> None:
    operator = OPERATORS[name]
    base = plainest(operator)
    base = base.replace(dtype="float32") if "float32" in operator.traits.dtypes else base
    assert not reasons_invalid(base)
    for option in options_of(operator) - NOT_ASKED:
        if OPTIONS[option].required(base):
            continue
        made = list(requiring(base, option, [base.dtype]))
        assert made, option
        asked = [problem for problem in made if not reasons_invalid(problem)]
        assert asked, (option, [reasons_invalid(problem) for problem in made])
        assert all(OPTIONS[option].required(problem) for problem in asked), option


@pytest.mark.parametrize("name", OPERATORS)
def test_what_supports_everything_is_found_to_support_everything(name: str) -> None:
    operator = OPERATORS[name]
    dtypes, options = ask(operator, None, lambda problem: True)
    assert dtypes == operator.traits.dtypes
    assert options == options_of(operator) - NOT_ASKED


def test_what_supports_some_is_found_to_support_these() -> None:
    some = frozenset({"batch", "channels", "out_channels", "kernel", "stride", "padding", "bias"})
    claims = Claims(("float32",), some)

    def supports(problem: Problem) -> bool:
        return claims.refusal(problem) is None

    assert ask(OPERATORS["conv2d"], None, supports) == (("float32",), some)


def test_kernels_of_one_size_are_found() -> None:
    def supports(problem: Problem) -> bool:
        return problem.kernel == (3, 3) and problem.channels % 4 == 0 and max(problem.stride) == 1

    dtypes, options = ask(OPERATORS["conv2d"], ("float32",), supports)
    assert dtypes == ("float32",)
    assert "kernel" in options
    assert "stride" not in options


def test_what_refuses_everything_has_no_type() -> None:
    assert ask(OPERATORS["max_pool2d"], None, lambda problem: False) == ((), frozenset())
