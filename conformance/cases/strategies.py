"""Hypothesis strategies for problems and cases: random ones of any operator, that shrink to readable ones.

Use them in tests of your own, too::

    @given(case=cases("conv2d"))
    def test_my_conv2d(case): ...
"""

from __future__ import annotations

from collections.abc import Iterator

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from conformance.cases.case import Case
from conformance.cases.space import MAX_WORK, Level, build, parameters
from conformance.plugin.claims import Claims, options_of
from conformance.problem import OPERATORS, Family, Problem, Window
from conformance.problem.validity import is_valid


@st.composite
def windows(draw: st.DrawFn, max_size: int = 12, max_kernel: int = 4, pool: bool = False, dilated: bool = True) -> Window:
    """A window that fits its input; shrinks to one tap on one element."""
    kernel = draw(st.integers(1, max_kernel))
    dilation = draw(st.integers(1, 3)) if dilated else 1
    extent = (kernel - 1) * dilation + 1
    most = kernel // 2 if pool else 3
    begin, end = draw(st.integers(0, most)), draw(st.integers(0, most))
    size = draw(st.integers(max(1, extent - begin - end), max_size + extent))
    return Window(size, kernel, draw(st.integers(1, 4)), dilation, begin, end)


@st.composite
def problems(draw: st.DrawFn, operator: str | None = None, claims: Claims | None = None) -> Problem:
    """A valid problem of ``operator`` (any, if None) within ``claims`` (everything, if None)."""
    op = OPERATORS[operator or draw(st.sampled_from(sorted(OPERATORS)))]
    claims = claims or Claims(options=options_of(op))
    if draw(st.booleans()):  # the levels of the covering set, in a random combination
        chosen: dict[tuple[str, int | None], Level] = {}
        for parameter in parameters(op, claims):
            chosen[parameter.name, parameter.axis] = draw(st.sampled_from(parameter.levels))
        problem = build(op, claims, chosen)
    else:
        problem = draw(_free(operator=op.name, claims=claims))
    return problem if problem is not None else draw(st.nothing())


@st.composite
def _free(draw: st.DrawFn, operator: str, claims: Claims) -> Problem | None:
    """A problem of any small numbers, between the levels of the covering set."""
    op, able = OPERATORS[operator], claims.options

    def maybe(option: str) -> bool:
        return option in able and draw(st.booleans())

    ceil = maybe("ceil")
    axes = [draw(windows(pool=op.is_pool, dilated="dilation" in able)) for _ in range(op.ndim)]
    first = axes[0]
    for axis, window in enumerate(axes):
        source = window if "per_axis" in able else first
        begin = source.pad_begin if "padding" in able else 0
        end = source.pad_end if "asymmetric_padding" in able else begin
        kernel = window.kernel if "per_axis" in able or not op.is_pool else first.kernel
        axes[axis] = Window(
            window.size, kernel if "kernel" in able else 1, source.stride if "stride" in able else 1,
            source.dilation if "dilation" in able else 1, begin, end, ceil,
        )  # fmt: skip
    groups = draw(st.integers(1, 4)) if "groups" in able else 1
    channels = groups * draw(st.integers(1, 5)) if "channels" in able else 1
    out_channels = groups * draw(st.integers(1, 5)) if "out_channels" in able else 1
    problem = Problem(
        operator,
        tuple(axes),
        batch=draw(st.integers(1, 4)) if "batch" in able else 1,
        channels=channels,
        out_channels=channels if op.is_pool else out_channels,
        groups=groups,
        bias=maybe("bias"),
        dtype=draw(st.sampled_from(claims.dtypes)),
        indices=maybe("indices"),
        count_include_pad=not maybe("exclude_pad"),
        divisor=draw(st.integers(1, 9)) if maybe("divisor") else None,
    )
    return problem if is_valid(problem) and not claims.refusal(problem) and problem.work <= MAX_WORK else None


def cases(operator: str | None = None, claims: Claims | None = None) -> st.SearchStrategy[Case]:
    """A case of integers (for pooling also ties) whose results must be exact."""

    def with_values(problem: Problem) -> st.SearchStrategy[Case]:
        kinds = ("integers", "ties") if problem.op.family is Family.MAX_POOL else ("integers",)
        return st.builds(Case, st.just(problem), st.sampled_from(kinds), st.integers(0, 9999).map(str), st.just("random"))

    return problems(operator, claims).flatmap(with_values)


def draw_cases(operator: str, claims: Claims, count: int, run_seed: int) -> Iterator[Case]:
    """``count`` random cases, the same ones for the same seed."""
    drawn: list[Case] = []

    @seed(run_seed)
    @settings(
        max_examples=count, database=None, deadline=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(cases(operator, claims))
    def collect(case: Case) -> None:
        drawn.append(case)

    collect()
    yield from dict.fromkeys(drawn)
