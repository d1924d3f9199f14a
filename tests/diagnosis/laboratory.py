"""Implementations with a memory, made of the oracle, whose calls are made in "processes": each begins with nothing kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from conformance.cases.case import Case, parse_case
from conformance.diagnosis.evidence import Observation
from conformance.diagnosis.state import Processes
from conformance.plugin.job import Call, Reply
from conformance.reference.oracle import solve

Kept = dict[object, np.ndarray]
Body = Callable[[Kept, "Right"], np.ndarray]


class Right:
    """A call: its problem, its tensors, where they lie, and the right result."""

    def __init__(self, call: Call, arrays: dict[str, np.ndarray]) -> None:
        self.problem, self.arrays = call.problem, arrays

    @property
    def addresses(self) -> tuple[int, ...]:
        return tuple(array.ctypes.data for array in self.arrays.values())

    @property
    def contents(self) -> tuple[bytes, ...]:
        return tuple(array.tobytes() for array in self.arrays.values())

    @property
    def geometry(self) -> tuple[object, ...]:
        return (self.problem, tuple(array.shape for array in self.arrays.values()))

    def result(self, **changed: object) -> np.ndarray:
        """The right result with other tensors or another ``problem``."""
        problem = changed.pop("problem", self.problem)
        return solve(problem, {**self.arrays, **changed}).y.astype(self.problem.result_format.numpy)  # type: ignore[arg-type]


def process(body: Body) -> Callable[[Sequence[Call]], list[Reply]]:
    """A process of its own, in which calls can be made one after the other, at times in the tensors of the call before."""
    kept: Kept = {}

    def make(calls: Sequence[Call]) -> list[Reply]:
        replies, buffers = [], dict[str, np.ndarray]()
        alive = []  # so that no tensor gets the address of an earlier one
        for call in calls:
            arrays = {name: array.copy() for name, array in call.arrays.items()}
            if call.same_address and {n: a.shape for n, a in buffers.items()} == {n: a.shape for n, a in arrays.items()}:
                for name, buffer in buffers.items():
                    buffer[...] = arrays[name]
                arrays = buffers
            replies.append(Reply((body(kept, Right(call, arrays)).copy(),)))
            alive.append(arrays)
            buffers = arrays
        return replies

    return make


def processes_of(body: Body) -> Processes:
    return Processes(process(body), lambda calls: process(body)(calls))


def failing(text: str, actual: np.ndarray | None = None, before: Sequence[str] = (), kind: str = "wrong value") -> Observation:
    """A call that came out wrong, as ``actual``, after others; zeros where it does not matter how."""
    case: Case = parse_case(text)
    call = Call(case.problem, case.arrays())
    outputs = (np.zeros(case.problem.result_shape, case.problem.result_format.numpy) if actual is None else actual,)
    earlier = tuple(Call(one.problem, one.arrays()) for one in map(parse_case, before))
    return Observation("exact", case, call, kind, outputs, earlier)
