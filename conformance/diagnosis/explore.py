"""Cases made for a diagnosis: a problem with one thing changed, on both sides of whatever decides between right and wrong."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Iterator

from conformance.cases.case import Case
from conformance.problem import Family, Problem
from conformance.problem.operators import FORWARD
from conformance.problem.validity import is_valid
from conformance.problem.window import AUTO_PADS, PAD_MODES, AdaptiveWindow, TransposedWindow

_MOST_WORK = 300_000
_MOST_ELEMENTS = 30_000
_IN_VAIN = 200  # changes in a row that give nothing new
_LITTLE_WORK = 30_000
_ALIKE = ("ones", "digits", "ramp", "ties")


def neighbours(cases: list[Case], dtypes: tuple[str, ...], seed: int) -> Iterator[Case]:
    """Small changes of given cases, one or two at a time: valid, small, and each text once, until hardly a new one is found."""
    rng = random.Random(seed)
    seen = {str(case) for case in cases}
    in_vain = 0
    while in_vain < _IN_VAIN:
        in_vain += 1
        case = rng.choice(cases)
        problem = case.problem
        for _ in range(rng.choice((1, 1, 1, 2, 2))):
            problem = _changed(problem, dtypes, rng)
        made = dataclasses.replace(case, problem=problem, seed=f"{rng.randrange(10**6)}", origin="diagnosis")
        if problem == case.problem or not is_valid(problem) or is_large(problem) or str(problem) in seen:
            continue
        seen.add(str(problem))
        in_vain = 0
        yield made


def with_values(case: Case, seed: str) -> Case:
    """The case with other values: of values that are nearly all alike integers as wide as can be, among which little comes out
    right by chance."""
    return dataclasses.replace(case, kind="integers" if case.kind in _ALIKE else case.kind, seed=seed)


def is_large(problem: Problem, most: int = _MOST_WORK) -> bool:
    """Whether it is too large to be run often; ``most`` is the work of a case that is not."""
    elements = problem.channels * problem.batch
    for window in problem.windows:
        elements *= window.padded
    return problem.work > min(max(most, _LITTLE_WORK), _MOST_WORK) or elements > _MOST_ELEMENTS


def _changed(problem: Problem, dtypes: tuple[str, ...], rng: random.Random) -> Problem:
    """``problem`` with one thing changed, not always into something valid."""
    kinds = ["window"] * 6 + ["channels"] * 2 + ["batch"] * 3 + ["dtype"] * 3 + ["option", "option", "bias"]
    what = rng.choice(kinds)
    if what == "window":
        return _with_window(problem, rng)
    if what == "channels":
        return _with_channels(problem, rng)
    if what == "batch":
        if problem.unbatched or rng.random() < 0.2:
            return problem.replace(batch=1, unbatched=not problem.unbatched)
        return problem.replace(batch=_near(problem.batch, rng))
    if what == "dtype":
        return problem.replace(
            dtype=rng.choice(dtypes or (problem.dtype,)), result="" if not problem.requantised else problem.result
        )
    if what == "bias":
        return (
            problem.replace(bias=not problem.bias) if problem.op.traits.weights and problem.op.pass_name == FORWARD else problem
        )
    return _with_option(problem, rng)


def _near(value: int, rng: random.Random, least: int = 1) -> int:
    return max(least, rng.choice((value - 1, value + 1, least, value * 2, (value + 1) // 2, value + 3)))


def _with_window(problem: Problem, rng: random.Random) -> Problem:
    axis = rng.randrange(problem.op.ndim)
    window = problem.windows[axis]
    plain = problem.replace(auto_pad="")
    if isinstance(window, AdaptiveWindow):
        field = rng.choice(("size", "output"))
        return plain.with_axis(axis, **{field: _near(getattr(window, field), rng)})
    rule = rng.choice((problem.auto_pad, "")) if problem.auto_pad else ""
    fields = ["size", "size", "kernel", "stride", "dilation", "pad_begin", "pad_end", "pads"]
    fields += ["output_padding"] if isinstance(window, TransposedWindow) else []
    field = rng.choice(fields)
    if field == "pads":
        amount = rng.choice((0, 1, 2, max(0, window.pad_begin - 1)))
        return plain.with_axis(axis, pad_begin=amount, pad_end=amount)
    value = _near(getattr(window, field), rng, least=0 if field in ("pad_begin", "pad_end", "output_padding") else 1)
    if field in ("kernel", "stride", "dilation"):
        value = min(value, 8)
        if rng.random() < 0.3:
            return by_rule(plain.with_windows(**{field: value}), rule)
    changed = plain.with_axis(axis, **{field: value})
    return changed if field in ("pad_begin", "pad_end") else by_rule(changed, rule)


def _with_channels(problem: Problem, rng: random.Random) -> Problem:
    if problem.op.is_pool:
        channels = _near(problem.channels, rng)
        return problem.replace(channels=channels, out_channels=channels)
    each, out = problem.channels // problem.groups, problem.out_channels // problem.groups
    groups, which = problem.groups, rng.randrange(3)
    if which == 0:
        groups = _near(groups, rng)
    elif which == 1:
        each = _near(each, rng)
    else:
        out = _near(out, rng)
    return problem.replace(groups=groups, channels=each * groups, out_channels=out * groups)


def _with_option(problem: Problem, rng: random.Random) -> Problem:
    family = problem.op.family
    if family is Family.CONV:
        if rng.random() < 0.3:
            return problem.replace(auto_pad="") if problem.auto_pad else by_rule(problem, rng.choice(AUTO_PADS))
        return problem.replace(auto_pad="").with_windows(mode=rng.choice(PAD_MODES))
    if family is Family.AVG_POOL:
        return rng.choice(
            (
                problem.replace(count_include_pad=not problem.count_include_pad),
                problem.replace(divisor=None if problem.divisor else rng.choice((2, 3, 4))),
                problem.with_windows(ceil=not problem.ceil),
            )
        )
    if family in (Family.MAX_POOL, Family.ADAPTIVE_MAX_POOL) and problem.op.forward and rng.random() < 0.6:
        return problem.replace(indices=not problem.indices)
    if family is Family.LP_POOL and rng.random() < 0.7:
        return problem.replace(norm=rng.choice((1.0, 2.0, 3.0, 1.5, float("inf"))))
    if family is Family.CONV_INTEGER:
        return problem.replace(result=rng.choice(("", "int8", "uint8")))
    return problem.with_windows(ceil=not problem.ceil)


def by_rule(problem: Problem, rule: str) -> Problem:
    """The problem with the padding that the rule asks for; as it is where there is none."""
    return problem.padded_by(rule) if rule else problem
