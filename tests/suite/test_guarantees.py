"""What the quick profile asks of every operator and pass, proved by an implementation that only logs its calls.

The log is of all that is claimed: every data type, every option. What is missing of a guarantee is told by name.
"""

from __future__ import annotations

import dataclasses
import math
from collections import defaultdict
from collections.abc import Iterator, Sequence

import pytest

from conformance.cases.kinds import Kind, drawn, kinds_of
from conformance.cases.ladders import BITS, TAILS, rungs, sizes_of
from conformance.checks import special
from conformance.plugin.layouts import LAYOUTS
from conformance.problem import OPERATORS, Family, Operator, Problem
from conformance.problem.operators import BIAS_GRAD
from conformance.problem.window import AdaptiveWindow
from tests.suite.logged import CLAIMS, Logged, calls_of

OF_ONE_AXIS = {"strided", "reversed", "misaligned"}
"""Layouts that a tensor of one axis can have."""


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # of NaN and overflow, which are meant
@pytest.mark.parametrize("operator", OPERATORS)
def test_quick_asks_for_all_that_is_guaranteed(operator: str) -> None:
    op = OPERATORS[operator]
    calls = [call for call in calls_of(operator) if call.problem.op is op]
    guarantees = (kinds_of_layers, ladders, products, layouts_of_one_tensor, what_is_written_in_place)
    missing = [f"{guarantee.__name__}: {words}" for guarantee in guarantees for words in guarantee(op, calls)]
    if missing:
        pytest.fail(f"{len(missing)} missing\n" + "\n".join(missing[:100]), pytrace=False)


def kinds_of_layers(op: Operator, calls: Sequence[Logged]) -> Iterator[str]:
    """What each row of the tables lacks, and each window that was drawn."""
    by_window = defaultdict(list)
    for call in calls:
        by_window[_windows_of(call.problem)].append(call)
    for kind in (*kinds_of(op.family, op.ndim), *drawn(op, 0, 1)):
        # The gradient of a bias sees nothing of what is read beyond the borders.
        problem = kind.problem.with_windows(mode="zeros") if op.pass_name == BIAS_GRAD else kind.problem
        own = [call for call in by_window[_windows_of(problem)] if _is_grouped_as(kind, call.problem)]
        yield from (f"{kind}: {lacking}" for lacking in _lacking(op, kind, own))


def _windows_of(problem: Problem) -> tuple[object, ...]:
    """Everything of a problem's windows but their sizes, and what a pooling computes."""
    windows = tuple(
        window.output if isinstance(window, AdaptiveWindow) else dataclasses.replace(window, size=0) for window in problem.windows
    )
    return windows, problem.norm, problem.divisor


def _is_grouped_as(kind: Kind, problem: Problem) -> bool:
    if problem.op.is_pool:
        return True
    if kind.grouping in ("dense", "groups"):
        return problem.groups == kind.groups
    times = kind.groups if kind.grouping == "multiplier" else 1
    return problem.groups == problem.channels and problem.out_channels == times * problem.channels


def _lacking(op: Operator, kind: Kind, calls: Sequence[Logged]) -> Iterator[str]:
    problems = [call.problem for call in calls]
    pairs = [(p.channels, p.channels if op.is_pool else p.out_channels, p.groups) for p in problems]
    unpools = op.family is Family.MAX_UNPOOL  # whose sizes are those that it goes back to
    sizes = [size for p in problems for size in (p.output_shape if unpools else p.input_shape)[2:]]
    for words, there in (
        ("several channels", any(c > 1 and o > 1 for c, o, _ in pairs)),
        ("channels that are multiples of 32", any(c % 32 == o % 32 == 0 for c, o, _ in pairs)),
        ("channels that are multiples of 64", any(0 in (c % 64, o % 64) for c, o, _ in pairs)),
        ("channels beside them", any(_beside(c, g) and (kind.grouping == "multiplier" or _beside(o, g)) for c, o, g in pairs)),
        ("an odd size", any(size % 2 for size in sizes)),
        ("an even size", any(size % 2 == 0 for size in sizes)),
        ("a size that is a multiple of 16", any(size % 16 == 0 for size in sizes)),
        ("a batch of 1", any(p.batch == 1 for p in problems)),
        ("a batch of more", any(p.batch > 1 for p in problems)),
    ):
        if not there:
            yield words
    if op.forward and op.traits.weights:
        yield from (f"bias {bias}" for bias in {True, False} - {p.bias for p in problems})
    yield from set(op.traits.dtypes) - {p.dtype for p in problems}
    yield from set(LAYOUTS) - {layout for call in calls for own in call.layouts.values() for layout in own}
    accuracy = [call.trial for call in calls if call.values in ("real", "cancelling")]
    if op.rounds and op.family is not Family.CONV_INTEGER and max(map(accuracy.count, accuracy), default=0) < 3:
        yield "wide, cancelling and spiky values"
    if any(check.applies(op) for check in special.CHECKS) and not any(call.values == "special" for call in calls):
        yield "special values"


def _beside(channels: int, groups: int) -> bool:
    """Whether there is one channel more or less than a multiple of 32 has: of groups of several, in each."""
    times = groups if 1 < groups < channels else 1
    return any(near * times % 32 == 0 for near in (channels // times - 1, channels // times + 1))


def ladders(op: Operator, calls: Sequence[Logged]) -> Iterator[str]:
    """The rungs that no call has, of each size: up to 2^7 in each data type, beyond it in any."""
    problems = {call.problem for call in calls}
    for size in sizes_of(op, CLAIMS[op.name]):
        name = "pad_begin" if size.field == "padding" else size.field
        seen = defaultdict(set)
        for p in problems:
            seen[p.dtype].add(getattr(p if size.axis is None else p.windows[size.axis], name))
        for dtype in op.traits.dtypes:
            if left := sorted({*rungs(min(BITS[size.field], TAILS))} - seen[dtype]):
                yield f"{size.words} in {dtype}: {left}"
        if left := sorted({*rungs(BITS[size.field])} - set().union(*seen.values())):
            yield f"{size.words}: {left}"
    has_kernels = any(size.field == "kernel" for size in sizes_of(op, CLAIMS[op.name]))
    if has_kernels and (most := max(math.prod(p.kernel) for p in problems)) <= 2**15:
        yield f"kernels of {most} taps at most"


def products(op: Operator, calls: Sequence[Logged]) -> Iterator[str]:
    """What several sizes make together, and is not large in any call."""
    problems = {call.problem for call in calls}
    most = {"H·W": 0, "N·H·W": 0, "channels · kernel": 0, "entries of im2col's matrix": 0}
    for p in problems:
        plane, places = max(math.prod(p.input_shape[2:]), math.prod(p.output_shape[2:])), math.prod(p.places)
        taps = p.channels // p.groups * math.prod(p.kernel)
        numbers = (plane, p.batch * plane, taps, p.batch * places * p.channels * math.prod(p.kernel))
        most = {name: max(old, new) for (name, old), new in zip(most.items(), numbers, strict=True)}
    needed = {"H·W": 2**20, "N·H·W": 2**20}
    if op.traits.weights:
        needed |= {"channels · kernel": 2**10, "entries of im2col's matrix": 2**20}
    yield from (f"{name}: {most[name]:,} at most" for name, least in needed.items() if most[name] <= least)


def layouts_of_one_tensor(op: Operator, calls: Sequence[Logged]) -> Iterator[str]:
    """The layouts that each tensor does not have while the others lie as usual, on several channels."""
    alone, tensors, firsts = defaultdict(set), set(), set()
    for call in calls:
        names = [name for name, shape in call.problem.array_shapes.items() if shape and name in call.layouts]
        tensors |= set(names)
        firsts.add(names[0])
        odd = [name for name in names if call.layouts[name] and "contiguous" not in call.layouts[name]]
        if len(odd) == 1 and call.problem.channels > 1:
            alone[odd[0]] |= call.layouts[odd[0]]
    for name in sorted(tensors):
        wanted = OF_ONE_AXIS if name == "b" else set(LAYOUTS)
        if left := wanted - alone[name] - (set() if name in firsts else {"broadcast"}):  # only there a stride of zero is meant
            yield f"{name}: {', '.join(sorted(left))}"


def what_is_written_in_place(op: Operator, calls: Sequence[Logged]) -> Iterator[str]:
    """The tensors that are never the same object with other contents, or with others inside, or in one channel alone."""
    written = {word for call in calls for word in call.written}
    for name in sorted({name for call in calls for name in call.layouts}):
        yield from sorted({name, f"{name} inner", f"{name} channel"} - written)
