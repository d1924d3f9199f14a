"""What is to be known of a bench beside its times: what was done about threads and what could not be, and how far apart sets
of processes were."""

from __future__ import annotations

import math
from collections.abc import Iterator

from conformance.timing.bench import Bench
from conformance.timing.conditions import Conditions


def notes(bench: Bench) -> tuple[str, ...]:
    """A line each."""
    every = dict.fromkeys(entry.conditions for entry in bench.entries)
    threads = [line for conditions in every if (line := _threads(bench, conditions))]
    apart = [line for conditions in every if (line := _apart(bench, conditions, len(every) > 1))]
    return (*threads, *apart, *dict.fromkeys(_trouble(bench)))


def _threads(bench: Bench, conditions: Conditions) -> str:
    """To which cores workers were kept, and which pools of threads were limited."""
    if conditions.threads is None:
        return ""
    cores: tuple[int, ...] = ()
    pools: dict[str, str] = {}
    for entry in bench.entries:
        if entry.conditions == conditions:
            for name, one in entry.measurement.series.items():
                cores = cores or one.limited.cores
                pools |= {name: ", ".join(one.limited.pools)} if one.limited.pools else {}
    pinned = f", workers kept to {'core' if len(cores) == 1 else 'cores'} {', '.join(map(str, cores))}" if cores else ""
    limited = "; ".join(f"{name} ({libraries})" for name, libraries in pools.items())
    return f"{_counted(conditions.threads)}{pinned}; pools limited: {limited or 'none found'}"


def _apart(bench: Bench, conditions: Conditions, several: bool) -> str:
    between, where = bench.between(conditions), f" with {_counted(conditions.threads)}" if several and conditions.threads else ""
    if between.degrees:
        spread = f"{100 * math.sqrt(between.variance):.2g} %"
        return f"from one set of processes to another ratios differ by {spread}{where} (standard deviation): intervals count it"
    if any(entry.measurement.compared for entry in bench.entries if entry.conditions == conditions):
        return f"measured in one set of processes{where}: how far others would be from it, often 1 to 2 %, is in no interval"
    return ""


def _trouble(bench: Bench) -> Iterator[str]:
    for entry in bench.entries:
        for name, one in entry.measurement.series.items():
            yield from (f"{name}: {words}" for words in one.limited.trouble)


def _counted(threads: int) -> str:
    return f"{threads} thread{'s' * (threads != 1)}"
