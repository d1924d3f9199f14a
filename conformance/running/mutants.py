"""Runs the suite on broken implementations, each in a process of its own, and says what found each one out.

An operator of a mutant is left after its first failing case; one that is found conformant in an operator that it should
be broken in is a survivor. Several are run at a time, in processes of their own, each with its worker; what was measured
is handed on as it comes.
"""

from __future__ import annotations

import dataclasses
import importlib.util
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from types import FrameType

from conformance.errors import UsageError
from conformance.plugin.mutants import Broken, mutants_in
from conformance.plugin.target import Target
from conformance.report.environment import available_cores
from conformance.report.mutation import MutantResult, Naming
from conformance.report.schema import Finding, Implementation
from conformance.running import processes
from conformance.running.launch import copied, fresh
from conformance.running.outcome import Outcome, Silence
from conformance.running.run import Options, Run
from conformance.running.session import LOAD_LIMIT, Session, WorkerLost

BUILT_IN = "implementations.broken"
_GIVE_UP = getattr(signal, "SIGUSR1", signal.SIGTERM)
_under_way: list[Broken] = []
"""What is run in a process of the pool."""
_given_up = threading.Event()
_SHRINK, _DIAGNOSE = 0.08, 0.6  # seconds for each finding: worth having, and no more than its share of the time


def find_mutants(text: str) -> tuple[Broken, ...]:
    """The mutants of a file, module or package, looked for in a worker. Raises :class:`UsageError` if there are none."""
    with Session(Target(text), context=copied()) as session:
        try:
            found = session.call(_found, limit=LOAD_LIMIT)
        except WorkerLost as lost:
            raise UsageError(f"loading {text} {lost.message}", hint=lost.printed.text) from lost
    if isinstance(found, UsageError):
        raise found
    mutants: tuple[Broken, ...] = found
    return mutants


def find_kinds() -> tuple[Broken, ...]:
    """For every kind of layer those that are wrong for that kind alone (:mod:`implementations.broken.kinds`)."""
    with Session(Target(BUILT_IN), context=copied()) as session:
        mutants: tuple[Broken, ...] = session.call(_kinds, limit=LOAD_LIMIT)
    return mutants


def _kinds(target: Target) -> tuple[Broken, ...]:
    from implementations.broken.kinds import mutants  # only a worker imports implementations

    return mutants()


def _found(target: Target) -> tuple[Broken, ...] | UsageError:
    """In the worker: an error of the user's is returned; one of the module's own becomes one."""
    try:
        return mutants_in(target.text)
    except UsageError as error:
        return error
    except BaseException as error:  # a module may raise anything, SystemExit too
        return UsageError(f"loading {target.text} failed: {type(error).__name__}: {error}")


@dataclass
class _FirstFailure(Silence):
    """Counts cases up to the first one that fails."""

    cases: int = 0
    failed: bool = False

    def came(self, outcome: Outcome) -> None:
        if not self.failed and outcome.status != "skipped":
            self.cases += 1
            self.failed = outcome.failure is not None


def run_mutants(
    mutants: Sequence[Broken], options: Options, jobs: int | None = None, diagnose_seconds: float = _DIAGNOSE
) -> Iterator[MutantResult]:
    """What comes of each, as it comes, ``jobs`` at a time (default: one more than there are cores: each waits for its worker).

    Each finding is looked into for ``diagnose_seconds``.

    Whoever stops asking, at an interrupt too, has those under way given up, so that nothing of theirs is left behind.
    """
    options = dataclasses.replace(options, profile=dataclasses.replace(options.profile, most_failures=1))
    at_once = max(1, min(jobs or available_cores() + 1, len(mutants)))
    pool = ProcessPoolExecutor(at_once, mp_context=fresh(), initializer=_only_told_by_the_harness)
    try:
        for done in as_completed([pool.submit(_run_in_pool, mutant, options, diagnose_seconds) for mutant in mutants]):
            yield done.result()
    except BaseException:
        for process in multiprocessing.active_children():
            if process.pid is not None:
                os.kill(process.pid, _GIVE_UP)
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _only_told_by_the_harness() -> None:
    """In a process of the pool: an interrupt reaches all of the group, but only the harness ends what is under way."""
    processes.end_with_parent()
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    signal.signal(_GIVE_UP, _give_up)


def _give_up(number: int, frame: FrameType | None) -> None:
    _given_up.set()
    if _under_way:
        raise KeyboardInterrupt  # whose way out closes the session and its worker


def _run_in_pool(mutant: Broken, options: Options, diagnose_seconds: float) -> MutantResult:
    _under_way.append(mutant)
    try:
        if _given_up.is_set():  # it was on its way here already
            raise KeyboardInterrupt
        return run_mutant(mutant, options, diagnose_seconds)
    finally:
        _under_way.clear()


def run_mutant(mutant: Broken, options: Options, diagnose_seconds: float = _DIAGNOSE) -> MutantResult:
    """What comes of one."""
    if mutant.arrays and importlib.util.find_spec(mutant.arrays) is None:
        return _result(mutant, reason=f"{mutant.arrays} is not installed")
    target, listener = Target(mutant.target, operators=mutant.operators, arrays=mutant.arrays or None), _FirstFailure()
    try:
        with Session(target, options.time_limit, copied()) as session:
            session.describe()
            began = time.perf_counter()
            run = Run(target, options, listener, session=session, shrink_seconds=_SHRINK, diagnose_seconds=diagnose_seconds)
            made = run.execute()
            if run.interrupted:
                raise KeyboardInterrupt  # what was seen of half a run says nothing of a mutant
    except UsageError as error:
        return _result(mutant, reason=str(error))
    return judged(mutant, made, listener.cases, time.perf_counter() - began)


def judged(mutant: Broken, made: Implementation, cases: int, in_all: float) -> MutantResult:
    """The fate of a mutant whose run gave ``made``, after ``cases`` to the first failure."""
    if made.status not in ("conformant", "nonconformant"):
        return _result(mutant, reason=made.reason or made.status)
    found = {finding.operator for finding in made.findings}
    missed = tuple(operator for operator in mutant.operators if operator not in found)
    if not made.findings or missed:
        return _result(mutant, fate="survived", missed=missed, cases=cases, seconds=in_all, in_all=in_all)
    first = made.findings[0]
    return _result(
        mutant, fate="killed", check=first.check, kind=first.kind, case=first.case, diagnosis=diagnosis_of(first),
        hypothesis=first.hypothesis, named=_naming(mutant, first), cases=cases,
        seconds=made.seconds_to_first_finding or 0.0, in_all=in_all,
    )  # fmt: skip


def diagnosis_of(finding: Finding) -> str:
    """What the finding is taken for, in one line; else what was seen."""
    return next(iter(finding.diagnosis), finding.message).partition("\n")[0]


def _naming(mutant: Broken, finding: Finding) -> Naming:
    if not mutant.causes:
        return ""
    if mutant.is_named_by(finding.hypothesis, next(iter(finding.diagnosis), "").partition("\n")[0]):
        return "rightly"
    return "otherwise" if finding.diagnosis else "not named"


def _result(mutant: Broken, fate: str = "not run", **values: object) -> MutantResult:
    said = ("name", "target", "operators", "category", "bug", "shows", "source", "causes")
    return MutantResult.model_validate({**{name: getattr(mutant, name) for name in said}, "fate": fate, **values})
