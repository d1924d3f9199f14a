"""Hypothesis strategies for problems and cases: random ones of any operator, that shrink to readable ones.

Use them in tests of your own, too::

    @given(case=cases("conv2d"))
    def test_my_conv2d(case): ...
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator
from functools import lru_cache

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.internal.conjecture import providers

from conformance.cases.case import Case
from conformance.cases.integers import kinds_of_integers
from conformance.cases.space import MAX_WORK, Level, build, parameters
from conformance.plugin.claims import Claims, options_of
from conformance.problem import OPERATORS, Operator, Problem, Window
from conformance.problem.validity import is_valid
from conformance.problem.window import AdaptiveWindow, AnyWindow, TransposedWindow

_AT_ONCE = 10
"""Cases drawn in one go: of more, Hypothesis makes many from each other, and takes longer for each that is new."""
_RUNS = 2**20  # seeds of a run's draws that do not meet those of another
_SIMPLER = (
    ("batch", "channels", "out_channels", "room", "size"),  # mostly it is too much work
    ("auto_pad", "mode", "ceil"),
    ("kernel", "stride", "dilation", "pad", "output_padding", "groups"),
)
"""Parameters that are set to their first level, one after the other, until there is a problem."""
_integers = lru_cache(maxsize=1024)(st.integers)
_sampled = lru_cache(maxsize=1024)(st.sampled_from)
"""A strategy that is new is looked at by Hypothesis, which takes its time."""


@st.composite
def windows(draw: st.DrawFn, operator: Operator, able: frozenset[str]) -> AnyWindow:
    """A window of the operator's kind that fits its input; shrinks to one tap on one element."""
    if operator.traits.window == "adaptive":
        return AdaptiveWindow(draw(_integers(1, 12)), draw(_integers(1, 9)))
    kernel = draw(_integers(1, 4))
    dilation = draw(_integers(1, 3)) if "dilation" in able else 1
    stride = draw(_integers(1, 4))
    most = kernel // 2 if operator.is_pool else 3
    least = -1 if "crop" in able else 0
    begin, end = draw(_integers(least, most)), draw(_integers(least, most))
    extent = (kernel - 1) * dilation + 1
    if operator.traits.window == "transposed":
        extra = draw(_integers(0, max(stride, dilation) - 1)) if "output_padding" in able else 0
        return TransposedWindow(draw(_integers(1, 8)), kernel, stride, dilation, begin, end, extra)
    size = draw(_integers(max(1, extent - begin - end), 12 + extent))
    return Window(size, kernel, stride, dilation, begin, end)


_windows = lru_cache(maxsize=256)(windows)


@st.composite
def problems(draw: st.DrawFn, operator: str | None = None, claims: Claims | None = None) -> Problem:
    """A valid problem of ``operator`` (any, if None) within ``claims`` (everything, if None)."""
    op = OPERATORS[operator or draw(st.sampled_from(sorted(OPERATORS)))]
    claims = claims or Claims(_floats_or_all(op), options_of(op))
    chosen: dict[tuple[str, int | None], Level] = {}
    first = {(parameter.name, parameter.axis): parameter.levels for parameter in parameters(op, claims)}
    for key, level in _levels(op, claims):
        chosen[key] = draw(level)
    problem = build(op, claims, chosen)
    for simpler in _SIMPLER:  # what is not a problem is seldom given up: Hypothesis would draw all of it again
        if problem is None:
            chosen |= {key: levels[0] for key, levels in first.items() if key[0] in simpler}
            problem = build(op, claims, chosen)
    if problem is not None and draw(st.booleans()):  # any small numbers, between the levels of the covering set
        problem = _between(op, claims, problem, [draw(_windows(op, claims.options)) for _ in range(op.ndim)]) or problem
    return problem if problem is not None else draw(st.nothing())


@lru_cache(maxsize=256)
def _levels(op: Operator, claims: Claims) -> list[tuple[tuple[str, int | None], st.SearchStrategy[Level]]]:
    """For each parameter one of its levels."""
    return [((parameter.name, parameter.axis), st.sampled_from(parameter.levels)) for parameter in parameters(op, claims)]


def _floats_or_all(op: Operator) -> tuple[str, ...]:
    return tuple(dtype for dtype in op.traits.dtypes if dtype in ("float32", "float64")) or op.traits.dtypes


def _between(op: Operator, claims: Claims, problem: Problem, drawn: list[AnyWindow]) -> Problem | None:
    """``problem`` with windows of other numbers, as far as they are claimed; None where they make no problem."""
    able, first = claims.options, drawn[0]
    changed = problem.replace(auto_pad="")
    for axis, window in enumerate(drawn):
        fields = {field.name: getattr(window, field.name) for field in dataclasses.fields(window)}
        if "per_axis" not in able:
            shared = ("stride", "dilation", "pad_begin", "pad_end", "output_padding", "output") + ("kernel",) * op.is_pool
            fields |= {name: getattr(first, name) for name in shared if name in fields}
        if "asymmetric_padding" not in able and "pad_end" in fields:
            fields["pad_end"] = fields["pad_begin"]
        fields = {name: value for name, value in fields.items() if name not in ("ceil", "mode")}
        changed = changed.with_axis(axis, **fields)
    return changed if is_valid(changed) and not claims.refusal(changed) and changed.work <= MAX_WORK else None


@st.composite
def cases(draw: st.DrawFn, operator: str | None = None, claims: Claims | None = None) -> Case:
    """A case of integers (for pooling also ties) whose results must be exact."""
    problem = draw(problems(operator, claims))
    return Case(problem, draw(_sampled(kinds_of_integers(problem))), str(draw(_integers(0, 9999))), "random")


def draw_cases(operator: str, claims: Claims, count: int, run_seed: int) -> Iterator[Case]:
    """At most ``count`` different random cases, the same ones for the same seed, drawn a few at a time."""
    seen: set[Case] = set()
    for drawn in range(0, count, _AT_ONCE):
        for case in _drawn(operator, claims, min(_AT_ONCE, count - drawn), run_seed * _RUNS + drawn):
            if case not in seen:
                seen.add(case)
                yield case


def _drawn(operator: str, claims: Claims, count: int, own_seed: int) -> list[Case]:
    drawn: list[Case] = []

    @seed(own_seed)
    @settings(
        max_examples=count, database=None, deadline=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(cases(operator, claims))
    def collect(case: Case) -> None:
        drawn.append(case)

    with whatever_is_loaded():
        collect()
    return drawn


@contextlib.contextmanager
def whatever_is_loaded() -> Iterator[None]:
    """Newer versions of Hypothesis also draw numbers that stand in the sources of the modules that happen to be loaded.

    The same seed must draw the same cases in every process: when a run goes on, and when a case is looked for again.
    """
    own = ("_get_local_constants", "CONSTANTS_CACHE", "GLOBAL_CONSTANTS")
    if not all(hasattr(providers, name) for name in own):
        yield
        return
    before = providers._get_local_constants, providers.CONSTANTS_CACHE
    providers._get_local_constants, providers.CONSTANTS_CACHE = type(providers.GLOBAL_CONSTANTS), {}  # type: ignore[assignment]
    try:
        yield
    finally:
        providers._get_local_constants, providers.CONSTANTS_CACHE = before
