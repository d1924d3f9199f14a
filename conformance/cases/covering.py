"""A covering set: every pair of levels, and every triple of the parameters of one window, in at least one problem.

Bugs that need three things together are rare, those that need two are not (Kuhn, Wallace, Gallo 2004), and the
parameters of one window interact by construction. Greedy: each problem is the one, of some random candidates around a
combination not seen yet, that adds the most. So the first problems cover most, and a prefix is a good quick set.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from conformance.cases.space import Level, Parameter, build, parameters
from conformance.plugin.claims import Claims
from conformance.problem import OPERATORS, Problem

_CANDIDATES = 2
_TRIES = 10


@dataclass(frozen=True, slots=True)
class Reached:
    """How many combinations of levels were in a problem, of all that can be in one."""

    pairs: int
    pairs_possible: int
    triples: int
    triples_possible: int


class Covering:
    """Which combinations of levels have been seen. Combinations are numbered, so that candidates are scored at once."""

    def __init__(self, chosen: tuple[Parameter, ...]) -> None:
        self.keys = [(parameter.name, parameter.axis) for parameter in chosen]
        self.levels = [parameter.levels for parameter in chosen]
        self.counts = [len(levels) for levels in self.levels]
        groups = list(combinations(range(len(chosen)), 2))
        by_axis: dict[int | None, list[int]] = {}
        for i, parameter in enumerate(chosen):
            by_axis.setdefault(parameter.axis, []).append(i)
        triples = [triple for axis, members in by_axis.items() if axis is not None for triple in combinations(members, 3)]
        # A pair is a triple whose third parameter does not matter: factor 0.
        self.columns = np.array([(*pair, 0) for pair in groups] + triples, dtype=np.int64).reshape(-1, 3)
        third = np.array([0] * len(groups) + [1] * len(triples))
        sizes = np.array(self.counts)[self.columns] if len(self.columns) else np.ones((0, 3), dtype=np.int64)
        sizes[:, 2] = np.where(third == 1, sizes[:, 2], 1)
        self.factors = np.stack([np.ones(len(sizes), dtype=np.int64), sizes[:, 0], sizes[:, 0] * sizes[:, 1] * third], axis=1)
        self.place = {
            frozenset(columns[: 3 if is_triple else 2]): place
            for place, (columns, is_triple) in enumerate(zip(self.columns.tolist(), third.tolist(), strict=True))
        }
        """Of a combination, by its parameters."""
        counts = sizes.prod(axis=1)
        self.offsets = np.concatenate([[0], np.cumsum(counts)])[:-1].astype(np.int64)
        self.steps = 0
        """Problems made, and combinations given up."""
        self.counted: int | None = None
        """How many of these steps count for :meth:`reached`; all, unless problems were made ahead of need."""
        self._seen_at = np.zeros(int(counts.sum()), dtype=np.int32)  # the step, 0 for none
        self._given_up_at = np.zeros_like(self._seen_at)

    def numbers(self, row: Sequence[int]) -> np.ndarray:
        """The numbers of all combinations in a row of one level for each parameter, shape (combinations,)."""
        return np.asarray((np.array(row)[self.columns] * self.factors).sum(axis=-1) + self.offsets)

    def chosen(self, row: Sequence[int]) -> dict[tuple[str, int | None], Level]:
        """The levels themselves, by parameter."""
        return {key: levels[level] for key, levels, level in zip(self.keys, self.levels, row, strict=True)}

    def drawn(self, rng: random.Random, target: Mapping[int, int]) -> list[int]:
        """A row at random with the target's combination."""
        draw = rng.random
        row = [int(draw() * count) for count in self.counts]
        for i, level in target.items():
            row[i] = level
        return row

    def reached(self) -> Reached:
        """What the problems until now cover; a combination that no problem can have is not counted."""
        ends = [*self.offsets[1:].tolist(), len(self._seen_at)]
        is_triple = np.repeat(self.factors[:, 2] > 0, np.diff([*self.offsets.tolist(), ends[-1]])) if ends else np.zeros(0, bool)
        last = self.steps if self.counted is None else self.counted
        seen, given_up = ((at > 0) & (at <= last) for at in (self._seen_at, self._given_up_at))
        counts = [int((part & kind).sum()) for kind in (~is_triple, is_triple) for part in (seen, ~given_up | seen)]
        return Reached(*counts)

    def open(self) -> np.ndarray:
        return np.flatnonzero((self._seen_at | self._given_up_at) == 0)

    def new(self, row: Sequence[int]) -> np.ndarray:
        """The numbers of the combinations in a row that have not been seen."""
        numbers = self.numbers(row)
        return numbers[self._seen_at[numbers] == 0]

    def made(self, row: Sequence[int]) -> None:
        """There is a problem of this row."""
        self.steps += 1
        self._seen_at[self.new(row)] = self.steps

    def give_up(self, row: Sequence[int], target: Mapping[int, int]) -> None:
        """The target's combination, which the row has, is in no problem."""
        self.steps += 1
        self._given_up_at[self.numbers(row)[self.place[frozenset(target)]]] = self.steps

    def members(self, number: int) -> dict[int, int]:
        """Parameter -> level of the combination with this number."""
        group = int(np.searchsorted(self.offsets, number, side="right")) - 1
        rest = number - int(self.offsets[group])
        found = {}
        for place in (2, 1, 0):
            factor = int(self.factors[group, place])
            if factor or place == 0:
                column = int(self.columns[group, place])
                found[column], rest = (rest // factor, rest % factor) if factor else (0, rest)
        return found


def covering(
    operator: str, claims: Claims, seed: int, limit: int | None = None, cover: Covering | None = None
) -> Iterator[Problem]:
    """Problems of ``operator`` within ``claims`` that cover all combinations that can occur; at most ``limit``.

    ``cover`` (made of :func:`parameters`) keeps count for whoever wants to know.
    """
    return (problem for problem in search(operator, claims, seed, limit, cover) if problem is not None)


def search(
    operator: str, claims: Claims, seed: int, limit: int | None = None, cover: Covering | None = None
) -> Iterator[Problem | None]:
    """As :func:`covering`, step by step: None where a combination is given up, which may take as long as a problem does."""
    cover = Covering(parameters(OPERATORS[operator], claims)) if cover is None else cover
    rng, made = random.Random(f"{operator}:{seed}"), 0
    while (limit is None or made < limit) and len(still := cover.open()):
        target = cover.members(int(still[rng.randrange(len(still))]))
        found = _best(cover, rng, target, operator, claims)
        if found is None:
            cover.give_up(cover.drawn(rng, target), target)
            yield None
            continue
        row, problem = found
        cover.made(row)
        made += 1
        yield problem


def _best(
    cover: Covering, rng: random.Random, target: dict[int, int], operator: str, claims: Claims
) -> tuple[list[int], Problem] | None:
    """Of some candidates with the target combination, the one that shows the most new ones; None if none is a problem."""
    best, most, valid = None, 0, 0
    for _ in range(_TRIES):
        row = cover.drawn(rng, target)
        problem = build(OPERATORS[operator], claims, cover.chosen(row))
        if problem is None:
            continue
        valid += 1
        new = len(cover.new(row))
        if new > most:
            best, most = (row, problem), new
        if valid == _CANDIDATES:
            break
    return best
