"""A group of failures under examination: what was seen of it, and the means to see more."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

from conformance.cases.case import Case
from conformance.diagnosis.clock import now
from conformance.diagnosis.evidence import Observation
from conformance.diagnosis.explore import neighbours
from conformance.diagnosis.samples import TryAll

_AT_ONCE = 24
_BLIND = ("ones", "ramp", "zeros")  # values under which much that is wrong comes out right


@dataclass
class Ward:
    """A group of failures under examination, and the means to run more."""

    failing: list[Observation]
    passing: list[Observation]
    run_all: TryAll | None
    dtypes: tuple[str, ...]
    end: float

    @property
    def kind(self) -> str:
        return self.failing[0].kind

    @property
    def over(self) -> bool:
        return now() > self.end

    @property
    def alike(self) -> list[Observation]:
        """Passing calls that differ from the failing ones in their problem or their layout, not in the kind of their values."""
        check = self.failing[0].check
        like = [one for one in self.passing if one.check == check or check.startswith("layout.")]
        return [one for one in like if one.case.kind not in _BLIND]

    def cases(self, seed: int) -> Iterator[Case]:
        """Neighbours of failing cases, and of passing ones."""
        near = [one.case for one in self.failing if one.case.kind not in ("known", "invalid")]
        far = [
            one.case for one in self.passing if one.check == self.failing[0].check and one.case.kind not in ("known", "invalid")
        ]
        if not near:
            return iter(())
        return neighbours((near * (1 + len(far) // (2 * len(near))) + far) if far else near, self.dtypes, seed)

    def explore(self, most: int) -> None:
        """Run neighbours of the failing cases: what they show tells hypotheses apart."""
        if self.run_all is None:
            return
        cases = self.cases(0)
        for _ in range(0, most, _AT_ONCE):
            if self.over:
                return
            for seen in self.run_all(list(itertools.islice(cases, _AT_ONCE)), None):
                if not seen.failed:
                    self.passing.append(seen)
                elif seen.kind == self.kind:
                    self.failing.append(seen)
