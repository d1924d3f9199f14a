"""What a worker says of a target is bounded and plain where it arrives, however much there is."""

from __future__ import annotations

import numpy as np
import pytest

from conformance.plain import MOST_OF_NAME, MOST_OF_WORDS
from conformance.plugin.claims import Claims
from conformance.plugin.implementation import WrongResult
from conformance.plugin.job import Reply
from conformance.plugin.known import KnownFailure
from conformance.problem import parse_problem
from conformance.running.heard import MOST_NOTES, MOST_OTHERS, MOST_PRINTED, plain_description, plain_replies
from conformance.running.printed import Printed
from conformance.running.seen import LEAST_RESULT, copies, words
from conformance.running.session import WorkerLost
from conformance.running.worker import Description
from tests.targets.hostile_names import ALL, LONG, HostileError

HOSTILE = Description(
    LONG, LONG, {"conv2d": Claims(), ALL: Claims()}, (LONG,), (LONG,) * 1000, ((ALL, LONG),) * 1000, LONG, ("a",) * 10_000,
    known_failures=(KnownFailure("conv2d", "exact", "raised", (), LONG, LONG),),
)  # fmt: skip


def test_a_description_is_bounded_and_plain() -> None:
    made = plain_description(HOSTILE)
    assert made.claims.keys() == {"conv2d"}
    assert len(made.notes) == MOST_NOTES + 1
    assert made.notes[-1] == f"and {1000 - MOST_NOTES} more"
    assert len(made.versions) == MOST_NOTES
    assert len(made.others) == MOST_OTHERS
    assert len(made.name) == MOST_OF_NAME
    texts = [made.name, made.summary, made.unavailable, *made.notes, *made.not_claimed, *map("".join, made.versions)]
    assert all(text.isprintable() and len(text) <= MOST_OF_WORDS for text in [*texts, str(made.known_failures[0].about)])
    assert plain_description(made).notes[:MOST_NOTES] == made.notes[:MOST_NOTES]


def test_a_reply_is_bounded_and_plain() -> None:
    (made,) = plain_replies(
        [Reply(error=LONG, error_kind=ALL, trouble=((ALL, LONG),) * 1000, stdout=LONG + "the end", stderr=LONG)]
    )
    assert MOST_OF_WORDS - 20 < len(made.error) <= MOST_OF_WORDS
    assert len(made.trouble) == MOST_NOTES
    assert len(made.stdout) <= MOST_PRINTED
    assert made.stdout.endswith("the end")
    assert all(
        text.isprintable() for text in (made.error, made.error_kind, *map("".join, made.trouble), *made.stdout.split("\n"))
    )


def test_what_is_said_of_a_lost_worker_is_bounded_and_plain() -> None:
    lost = WorkerLost(LONG, LONG, Printed())
    assert all(text.isprintable() for text in (lost.kind, lost.message, str(lost)))
    assert len(lost.kind + lost.message) < 3000


def test_an_error_is_told_in_one_line_whatever_it_calls_itself() -> None:
    told = words(HostileError(LONG))
    assert told.isprintable()
    assert len(told) < 600


class Mute(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


def test_an_error_that_cannot_say_what_it_is_is_told_by_its_name() -> None:
    assert words(Mute()) == "Mute"


def test_a_result_of_gigabytes_is_told_and_not_copied() -> None:
    problem = parse_problem("conv2d i3x3 k2x2")
    huge = np.broadcast_to(np.float32(0), (2**20, 2**20))
    with pytest.raises(WrongResult, match=r"float32\[1048576, 1048576\]: 4.4e\+12 bytes"):
        copies((huge,), problem)
    with pytest.raises(WrongResult, match="returned 17 arrays"):
        copies((np.zeros(1),) * 17, problem)
    (kept,) = copies((np.broadcast_to(np.uint8(0), (LEAST_RESULT,)),), problem)
    assert kept.nbytes == LEAST_RESULT
    large = parse_problem("conv1d f32 i40000000 k1")
    assert copies((np.broadcast_to(np.float32(0), large.result_shape),), large)[0].nbytes > LEAST_RESULT
