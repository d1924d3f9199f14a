"""Whether a wrong result is a matter of state, by experiment: calls in new processes, where nothing was called before.

A call that is right alone and wrong after others depends on them. What its wrong result is in terms of theirs says what was
remembered, and in what the calls differ says by what. Nothing is said that a call alone shows as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from conformance.diagnosis.clock import now
from conformance.diagnosis.evidence import Observation
from conformance.diagnosis.history import Difference, Link, Step, difference, linked
from conformance.diagnosis.receptive_field import Ask
from conformance.diagnosis.sequences import REPEATS, fresh_copy, on_integers, signals, variations
from conformance.diagnosis.state_words import Said, differing, remembered
from conformance.diagnosis.unwritten import UNWRITTEN, unwritten
from conformance.plugin.job import Call
from conformance.problem import Problem

KINDS = ("wrong value", "wrong shape", "wrong index", "relation broken")
"""The kinds of failures that may come from an earlier call."""
_TRIED = 2  # failing calls that are made in new processes
_ENOUGH = 3  # numbers by which an explanation must be told from the right result, all in all
_LOOKED_AT = 12  # wrong results of a sequence
_EXACT_SUMS = 3  # wrong results of a sequence before sums of sums may be rounded
_CONFIRMED = 4  # calls that are made alone, to see that they are right there
_ORDINARY = Said("", "The call is wrong alone, and always in the same way")
_HERE = Said(
    "right-in-a-new-process",
    "The same call is right in a new process: the result depends on the calls before it, or on where its tensors lie",
)
_ROOMY = 8  # elements of a result in which a coincidence is unlikely


@dataclass(frozen=True, slots=True)
class Processes:
    """The means: ``ask`` makes calls where the failure was seen, ``fresh`` in a new process each time; both may give None.

    ``claimed`` says which problems may be asked for.
    """

    ask: Ask
    fresh: Ask
    claimed: Callable[[Problem], bool] = lambda problem: True


def suspected(failing: Sequence[Observation], processes: Processes) -> bool:
    """Whether the process in which a call failed gives a hint of state: it wavers, or is right with other numbers."""
    for seen in _chosen(failing)[:_TRIED]:
        calls = signals(seen.call)
        steps = _made(processes.ask, seen, calls)
        if len(steps) < len(calls):
            continue
        again, others = (steps[0], steps[1], steps[-1]), steps[2:-1]
        if any(step.right or step.bits != again[0].bits for step in again) or again[0].bits != _bits(seen):
            return True
        if any(step.bits == again[0].bits or (step.right and _tells(seen)) for step in others):
            return True
    return False


def examined(failing: Sequence[Observation], processes: Processes, end: float) -> Said | None:
    """What state the failing calls show, if it is that; begun only before the clock (:func:`.clock.now`) passes ``end``."""
    for seen in _chosen(failing)[:_TRIED]:
        if now() > end:
            return None
        said = _examined(seen, processes, end)
        if said is not None:
            return None if said is _ORDINARY else said
    return None


def varying(failing: Sequence[Observation], processes: Processes) -> Said:
    """Of calls that are not repeatable: whether what comes out is right each time, but for its last bits."""
    seen = failing[0]
    steps = _made(processes.ask, seen, [fresh_copy(seen.call)] * REPEATS)
    if len(steps) < REPEATS or len({step.bits for step in steps}) == 1 or not all(step.right for step in steps):
        return Said("not-repeatable", "The same call gives other bits when it is made again")
    return Said(
        "sums-in-varying-order", "The same call gives other last bits when it is made again: the order of its sums varies"
    )


def repeats_earlier(failing: Sequence[Observation]) -> bool:
    """Whether all that came out is the right result of other calls that were made before, with enough numbers to tell."""
    shown = 0
    for seen in failing:
        step = Step(seen, 0)
        others = [Step(replace(seen, call=call, outputs=()), 0) for call in seen.before]
        links = linked(step, others, "result") if seen.outputs and seen.kind in KINDS else ()
        if not links:
            return False
        shown += max(link.shows for link in links)
    return shown >= _ENOUGH


def _chosen(failing: Sequence[Observation]) -> list[Observation]:
    """Failing calls with results that are large enough to tell coincidences, the smallest of them first."""
    ready = [one for one in failing if one.outputs and one.kind in KINDS]
    return sorted(ready, key=lambda one: (one.outputs[0].size < _ROOMY and one.truth.y.size < _ROOMY, one.problem.work))


def _examined(seen: Observation, processes: Processes, end: float) -> Said | None:
    opening = seen if _tells(seen) else replace(seen, call=on_integers(seen.call, 0), outputs=())
    steps = _made(processes.fresh, opening, variations(opening.call, processes.claimed))
    if len(steps) < REPEATS:
        return _in_the_same_process(seen, processes)
    if any(unwritten(step.seen) for step in steps if not step.right):
        return UNWRITTEN
    if not steps[0].right:
        return _wrong_alone(opening, steps, processes)
    said = _told(steps, processes, end)
    if said is not None or now() > end:
        return said
    if seen.before:
        real = [fresh_copy(call, call.same_address and number > 0) for number, call in enumerate((*seen.before, seen.call))]
        said = _told(_made(processes.fresh, seen, real), processes, end)
    if said is not None or opening is not seen or not all(step.right for step in steps[:REPEATS]):
        return said
    return _HERE if _wrong_here(seen, processes) else None


def _tells(seen: Observation) -> bool:
    """Whether the right result of a call has numbers by which it is known again."""
    y = seen.truth.y
    return bool(np.isfinite(y).all()) and len(np.unique(y[y != 0])) >= min(_ENOUGH, y.size)


def _wrong_here(seen: Observation, processes: Processes) -> bool:
    again = _made(processes.ask, seen, [fresh_copy(seen.call)])
    return bool(again) and not again[0].right


def _in_the_same_process(seen: Observation, processes: Processes) -> Said | None:
    """Where a new process costs too much: numbers that were never used here come out as those of a call before."""
    steps = _made(processes.ask, seen, [on_integers(seen.call, seed) for seed in range(8, 13)])
    wrong = [number for number, step in enumerate(steps) if number and not step.right]  # of the first the one before is not known
    links = _explained(steps, wrong, ("result", "sum"))
    return remembered(links) if links else None


def _wrong_alone(seen: Observation, steps: Sequence[Step], processes: Processes) -> Said | None:
    """Of a call that is wrong at once in a new process: it may be so only there, or be other bits every time."""
    first, second = steps[0], steps[1]
    if second.right:
        other = _made(processes.fresh, seen, [on_integers(seen.call, 1), fresh_copy(seen.call)])
        if len(other) == 2 and not other[0].right and other[1].right:
            return Said("first-call", "The first call of a process gives another result than those after it")
        return None
    if first.bits == second.bits == _bits(seen):
        return _ORDINARY
    alone = _made(processes.fresh, seen, [fresh_copy(seen.call)])
    if alone and not alone[0].right and len({first.bits, alone[0].bits, second.bits}) == 3:
        return Said("varies", "The same call gives another wrong result every time: memory is read that nobody wrote, or chance")
    return None


def _told(steps: Sequence[Step], processes: Processes, end: float) -> Said | None:
    """What a sequence shows in which some calls are wrong."""
    wrong = [number for number, step in enumerate(steps) if not step.right and step.seen.outputs]
    if not wrong:
        return None
    kinds = ("result", "sum", *dict.fromkeys(name for step in steps for name in step.seen.arrays), "parameters")
    links = _explained(steps, wrong, kinds)
    if links:
        links = _confirmed(links, processes, end)
        return remembered(links) if links else None
    return _unexplained(steps, wrong, processes)


def _explained(steps: Sequence[Step], wrong: Sequence[int], kinds: Iterable[str]) -> list[tuple[Link, ...]]:
    """The links of the first kind by which every wrong result, of those looked at, is that of earlier calls."""
    spread = wrong[:: len(wrong) // _LOOKED_AT + 1]
    for what in kinds:
        found: list[tuple[Link, ...]] = []
        looked_at = wrong[:_EXACT_SUMS] if what == "sum" else spread
        for number in looked_at:
            links = linked(steps[number], steps[:number], what)
            if not links:
                break
            found.append(links)
        if found and len(found) == len(looked_at) and sum(max(link.shows for link in links) for links in found) >= _ENOUGH:
            return found
    return []


def _confirmed(found: list[tuple[Link, ...]], processes: Processes, end: float) -> list[tuple[Link, ...]]:
    """Those that a call alone cannot show: numbers of another call, or a call that is right as the first of a process.

    One is tried for each difference, first all in one process, where one that is right was not disturbed by those before it.
    """
    doubtful: dict[Difference, Step] = {}
    for links in found:
        if not _is_certain(links):
            doubtful.setdefault(_nearest(links), links[0].step)
    calls = [
        on_integers(step.seen.call, 60 + number) if number and not apart.tensors else fresh_copy(step.seen.call)
        for number, (apart, step) in enumerate(doubtful.items())
    ]  # what is remembered of the numbers of one is not found for the next
    together = _made(processes.fresh, found[0][0].step.seen, calls) if calls else []
    right = {apart for apart, step in zip(doubtful, together, strict=False) if step.right}
    for number, (apart, step) in enumerate(doubtful.items()):
        if number and apart not in right and number < _CONFIRMED and now() < end and _right_alone(step, processes):
            right.add(apart)
    return [links for links in found if _is_certain(links) or _nearest(links) in right]


def _nearest(links: Sequence[Link]) -> Difference:
    return min((difference(link.of, link.step) for link in links), key=lambda one: one.amount)


def _is_certain(links: Sequence[Link]) -> bool:
    """Whether all that came out depends on numbers which the call did not get, and which were drawn at random."""
    if links[0].what == "parameters" or max(link.shows for link in links) < _ENOUGH:
        return False
    if links[0].what == "sum" and any(link.of.right and not difference(link.of, link.step).amount for link in links):
        return True  # of the same call, which was right before
    return all(
        any(how == "all" and links[0].what in ("result", "sum", name) for name, how in difference(link.of, link.step).tensors)
        for link in links
    )


def _right_alone(step: Step, processes: Processes) -> bool:
    alone = _made(processes.fresh, step.seen, [fresh_copy(step.seen.call)])
    return bool(alone) and alone[0].right


def _unexplained(steps: Sequence[Step], wrong: Sequence[int], processes: Processes) -> Said | None:
    """Of results that are neither right nor another call's: what an earlier call left in memory shows in them."""
    first = wrong[0]
    if first == 0 or linked(steps[first], steps[:first], "result"):
        return None  # it is wrong alone, or another's result with too few numbers to tell
    step, before = steps[first], steps[first - 1]
    if not any(difference(one, step).amount for one in steps[:first]):
        return Said("varies", "The same call is right at first, and wrong when it is made again and again")
    if not _right_alone(step, processes):
        return None
    words = "What an earlier call left in memory shows in the result: it is not cleared"
    pair = _made(processes.fresh, step.seen, [fresh_copy(before.seen.call), fresh_copy(step.seen.call)])
    if len(pair) == 2 and pair[0].right and not pair[1].right:
        return Said("scratch-not-cleared", f"{words}, after a call that differs in {differing(difference(before, step))}")
    return Said("scratch-not-cleared", words)


def _made(make: Ask, seen: Observation, calls: Sequence[Call]) -> list[Step]:
    """The calls in one process, as far as they could be made."""
    replies = make(calls)
    steps: list[Step] = []
    memory = 0
    for number, (call, reply) in enumerate(zip(calls, replies or (), strict=False)):
        if reply.error or not reply.outputs:
            break
        memory = memory if call.same_address else number
        steps.append(Step(Observation(seen.check, seen.case, call, "", reply.outputs), memory))
    return steps


def _bits(seen: Observation) -> tuple[object, ...]:
    return Step(seen, 0).bits
