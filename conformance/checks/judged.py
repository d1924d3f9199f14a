"""What of a reply is compared with what: all of its elements with the truth, of a very large one a sample of them."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from conformance.checks.base import Failure
from conformance.plugin.claims import Claims
from conformance.plugin.job import Call, Reply
from conformance.reference.oracle import solve
from conformance.reference.sample import MAX_RESULTS, Sample, sample_of
from conformance.reference.truth import Truth

FRACTION = 0.01
"""Of wrong results, for which the chance is said that a sample has none of them."""


@dataclass(frozen=True, slots=True)
class Judged:
    """The ``outputs`` of a reply that are compared with ``truth``: whole arrays, or with a ``sample`` flat ones."""

    truth: Truth
    outputs: tuple[np.ndarray, ...]
    shape: tuple[int, ...]
    sample: Sample | None

    @property
    def missed(self) -> float:
        """The most that the chance can be that one result in a hundred is wrong and none of these is compared."""
        return 0.0 if self.sample is None else self.sample.missed(FRACTION)

    def placed(self, failure: Failure | None) -> Failure | None:
        """``failure`` of what was compared, with the place that it has in the whole result."""
        if failure is None or self.sample is None:
            return failure
        index = failure.index and tuple(int(i) for i in np.unravel_index(int(self.sample.at[failure.index[0]]), self.shape))
        message = f"{failure.message} (of a sample of {int(np.prod(self.shape)):,})"
        return dataclasses.replace(failure, index=index, message=message, expected_array=None, actual_array=None)


def judged(claims: Claims, call: Call, reply: Reply, truth: Truth | None = None, results: int = MAX_RESULTS) -> Judged:
    """The truth about a call, with the answers that are declared, and what of the reply it is to be compared with.

    ``truth`` is that of the same problem and numbers, if it is known; of more ``results`` a sample is compared.
    """
    problem, sample = call.problem, sample_of(call.problem, call.arrays, results)
    truth = truth or solve(problem, call.arrays, claims.answers(problem.dtype), sample)
    outputs = reply.outputs if sample is None else tuple(output.reshape(-1)[sample.at] for output in reply.outputs)
    return Judged(truth, outputs, problem.result_shape, sample)
