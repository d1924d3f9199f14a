"""Plans trials ahead of need, in the time in which a run waits for its worker.

Making the trials of an operator takes about as long as calling a fast implementation on them, and comes in bursts, in which a
worker would have nothing to do. What is planned ahead, of the operator under way and of those after it, changes no trial and
no order.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain

from conformance.cases.case import Case
from conformance.cases.covering import Covering
from conformance.cases.kinds.cases import Reach
from conformance.cases.space import parameters
from conformance.checks import CHECKS
from conformance.plain import of_error
from conformance.plugin.claims import Claims
from conformance.problem import OPERATORS, Operator, parse_problem
from conformance.running.pace import Pace
from conformance.running.plan import Plan
from conformance.running.profile import Profile
from conformance.running.trial import Trial

_POOLS_BETWEEN = 3  # families of pooling between two of convolution
_MOST_TRIALS = 8192
_MOST_BYTES = 128 * 2**20
"""Of trials that are planned ahead, and of their tensors."""


@dataclass
class _Plan:
    """Of one operator: what is planned and not asked for, each with the steps that its covering set had come to.

    It ``waits`` where it goes on only when the pace is known that its first trials have shown.
    """

    plan: Plan
    cover: Covering
    steps: Iterator[Trial | None]
    ready: deque[tuple[Trial, int]] = field(default_factory=deque)
    waits: bool = True
    at_end: bool = False
    """Of the part that is planned now."""

    @property
    def complete(self) -> bool:
        return self.at_end and not self.waits


class Ahead:
    """The plans of ``operators``, in the order in which they will be asked for."""

    def __init__(
        self, operators: Sequence[str], claims: Mapping[str, Claims], profile: Profile, seed: int, time_limit: float = 10.0,
        constants: Sequence[int] = (),
    ) -> None:  # fmt: skip
        self._plans: dict[str, _Plan] = {}
        for name in operators:
            cover = Covering(parameters(OPERATORS[name], claims[name]))
            plan = Plan(name, claims, profile, seed, cover, time_limit, constants)
            self._plans[name] = _Plan(plan, cover, plan.opening())
        self._trials = self._bytes = 0

    def trials(self, operator: str) -> tuple[Covering, Iterator[tuple[Trial, int] | None]]:
        """The covering set of an operator, and its trials, each with the steps that the set had come to.

        None comes where the rest is not planned before :meth:`paced` says how fast the target is.
        """
        plan = self._plans[operator]
        return plan.cover, self._given_out(plan)

    def think(self) -> bool:
        """Plan a step further; False where there is nothing left to plan, or no room for it."""
        if self._trials >= _MOST_TRIALS or self._bytes >= _MOST_BYTES:
            return False
        for plan in self._plans.values():
            if not plan.at_end:
                self._step(plan)
                return True
        return False

    def paced(self, operator: str, pace: Pace) -> Reach:
        """The first trials of an operator have shown how fast the target is; how large its kinds of layers are then."""
        plan = self._plans[operator]
        plan.steps, plan.waits, plan.at_end = chain(plan.steps, plan.plan.rest(pace)), False, False
        return plan.plan.reach(pace)

    def drop(self, operator: str) -> None:
        """An operator is done: what is planned of it is not needed."""
        for trial, _ in self._plans.pop(operator).ready:
            self._forget(trial)

    def _given_out(self, plan: _Plan) -> Iterator[tuple[Trial, int] | None]:
        while True:
            while not plan.ready and not plan.at_end:
                self._step(plan)
            if plan.ready:
                self._forget(plan.ready[0][0])
                yield plan.ready.popleft()
            elif plan.complete:
                return
            else:
                yield None

    def _step(self, plan: _Plan) -> None:
        try:
            trial = next(plan.steps)
        except StopIteration:
            plan.at_end = True
            return
        except Exception as error:  # a bug of the harness's own: what is planned already is tried all the same
            plan.at_end, plan.waits = True, False
            trial = _ended_early(plan.plan.operator, of_error(error))
        if trial is not None:
            plan.ready.append((trial, plan.cover.steps))
            self._trials, self._bytes = self._trials + 1, self._bytes + trial.bytes

    def _forget(self, trial: Trial) -> None:
        self._trials, self._bytes = self._trials - 1, self._bytes - trial.bytes


def _ended_early(operator: str, trouble: str) -> Trial:
    """What says so in the place of the trials that would have come; its case stands for the operator."""
    window = "to1" if OPERATORS[operator].traits.window == "adaptive" else "k1"
    problem = parse_problem(f"{operator} i1 {window}").replace(dtype=OPERATORS[operator].traits.dtypes[0])
    return Trial(CHECKS["exact"], Case(problem), trouble=f"the plan of {operator} ended early: {trouble}")


def in_order(claims: Mapping[str, Claims]) -> list[str]:
    """The claimed operators, each forward pass followed by its gradients.

    Those of one axis first, as they take the least time. Convolutions, which keep the worker busy, and pooling, which keeps
    this process busy, take turns, so that what is planned ahead during the one is used up during the other.
    """
    forward = [operator for operator in OPERATORS.values() if operator.forward]
    pools, others = (list(dict.fromkeys(one.family for one in forward if one.is_pool is kind)) for kind in (True, False))

    def turn(one: Operator) -> tuple[int, float]:
        return one.ndim, pools.index(one.family) + 0.5 if one.is_pool else _POOLS_BETWEEN * others.index(one.family)

    bases = [one.name for one in sorted(forward, key=turn)]
    return [name for base in bases for name in OPERATORS if OPERATORS[name].base == base and name in claims]
