"""What is said beside the times of a bench: threads, their limits, and how far sets of processes are apart."""

from __future__ import annotations

import re

import numpy as np

from conformance.cases.case import parse_case
from conformance.timing.bench import Bench, Entry
from conformance.timing.compare import Workload
from conformance.timing.conditions import Conditions, Limited
from conformance.timing.measure import Measurement, Series
from conformance.timing.notes import notes

CASE = parse_case("conv2d c2 i8x8 o2 k3x3 values=wide:0")
LIMITED = Limited((0,), ("openblas 0.3",), ("a pool could not be limited",))


def entry(threads: int | None, sittings: tuple[int, ...], apart: float = 1.0, limited: Limited = LIMITED) -> Entry:
    """Each sitting's ratio is ``apart`` times that of the one before."""
    rng, rounds = np.random.default_rng(0), sum(sittings)
    base = tuple(rng.lognormal(0, 0.01, rounds))
    factors = np.repeat(apart ** np.arange(len(sittings)), sittings)
    own = tuple(float(one) for one in factors * rng.lognormal(0, 0.01, rounds))
    series = {"base": Series(base, limited=limited), "own": Series(own, limited=limited)}
    return Entry(Workload("w", CASE), Conditions(threads), Measurement(CASE, "base", series, "rounds", rounds, 1.0, sittings))


def test_threads_and_pools_are_told_once_and_what_could_not_be_limited_for_each_implementation() -> None:
    found = notes(Bench(entries=[entry(1, (20,)), entry(1, (20,))]))
    assert found[0] == "1 thread, workers kept to core 0; pools limited: base (openblas 0.3); own (openblas 0.3)"
    assert found[2:] == ("base: a pool could not be limited", "own: a pool could not be limited")


def test_of_one_set_of_processes_it_is_said_what_no_interval_holds() -> None:
    (said,) = notes(Bench(entries=[entry(None, (20,), limited=Limited())]))
    assert said.startswith("measured in one set of processes: ")


def test_how_far_sets_of_processes_are_apart_is_told_for_each_number_of_threads() -> None:
    bench = Bench(entries=[entry(1, (20, 20)), entry(2, (20, 20), apart=1.2)])
    quiet, wide = notes(bench)[2:4]
    assert "with 1 thread (" in quiet
    assert re.search(r"ratios differ by 1[23] % with 2 threads", wide)  # log 1.2 over the root of 2


def test_nothing_is_said_of_ratios_where_there_is_only_a_reference() -> None:
    alone = entry(None, (20,), limited=Limited())
    only = Measurement(CASE, "base", {"base": alone.measurement.series["base"]}, "rounds", 20, 1.0)
    assert notes(Bench(entries=[Entry(alone.workload, alone.conditions, only)])) == ()
