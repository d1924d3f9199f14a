"""Runs the suite on broken implementations, each in a process of its own, and says what found each one out.

An operator of a mutant is left after its first failing case; one that is found conformant in an operator that it should
be broken in is a survivor. What was measured is handed on as it comes, so an interrupt loses nothing.
"""

from __future__ import annotations

import dataclasses
import importlib.util
import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from conformance.errors import UsageError
from conformance.plugin.mutants import Broken, mutants_in
from conformance.plugin.target import Target
from conformance.report.mutation import MutantResult
from conformance.report.schema import Finding, Implementation
from conformance.running.launch import copied
from conformance.running.outcome import Outcome, Silence
from conformance.running.run import Options, Run
from conformance.running.session import LOAD_LIMIT, Session

BUILT_IN = "implementations.broken"
_SHRINK_SECONDS = 0.3  # for each finding: a smaller case is worth having, and no more than its share of the time


def find_mutants(text: str) -> tuple[Broken, ...]:
    """The mutants of a file, module or package, looked for in a worker. Raises :class:`UsageError` if there are none."""
    with Session(Target(text), context=copied()) as session:
        found = session.call(_found, limit=LOAD_LIMIT)
    if isinstance(found, UsageError):
        raise found
    mutants: tuple[Broken, ...] = found
    return mutants


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


def run_mutants(mutants: Sequence[Broken], options: Options) -> Iterator[MutantResult]:
    """What comes of each, one after the other: side by side they would slow each other down. Ends early at an interrupt.

    While one is checked, the process of the next one starts.
    """
    options = dataclasses.replace(options, profile=dataclasses.replace(options.profile, most_failures=1))
    waiting = deque(mutants)
    with ThreadPoolExecutor(1) as executor:
        ahead = executor.submit(_opened, waiting[0], options) if waiting else None
        try:
            while ahead is not None:
                mutant, (session, reason) = waiting.popleft(), ahead.result()
                ahead = executor.submit(_opened, waiting[0], options) if waiting else None
                result = run_mutant(mutant, options, session) if session else _result(mutant, reason=reason)
                if result is None:
                    return
                yield result
        except KeyboardInterrupt:
            return
        finally:
            if ahead is not None:
                _close(ahead)


Opened = tuple[Session | None, str]
"""A session whose target is loaded, or the reason why there is none."""


def _opened(mutant: Broken, options: Options) -> Opened:
    if mutant.arrays and importlib.util.find_spec(mutant.arrays) is None:
        return None, f"{mutant.arrays} is not installed"
    target = Target(mutant.target, operators=mutant.operators, arrays=mutant.arrays or None)
    session = Session(target, options.time_limit, copied())
    try:
        session.__enter__()
        session.describe()
    except UsageError as error:
        session.__exit__(None, None, None)
        return None, str(error)
    return session, ""


def _close(ahead: Future[Opened]) -> None:
    session, _ = ahead.result()
    if session:
        session.__exit__(None, None, None)


def run_mutant(mutant: Broken, options: Options, session: Session) -> MutantResult | None:
    """What comes of one whose worker is ready; None after an interrupt."""
    began, listener = time.perf_counter(), _FirstFailure()
    run = Run(session.target, options, listener, session=session, shrink_seconds=_SHRINK_SECONDS)
    try:
        made = run.execute()
    except UsageError as error:
        return _result(mutant, reason=str(error))
    if run.interrupted:
        return None
    return judged(mutant, made, listener.cases, time.perf_counter() - began)


def judged(mutant: Broken, made: Implementation, cases: int, in_all: float) -> MutantResult:
    """The fate of a mutant whose run gave ``made``, after ``cases`` to the first failure."""
    if made.status in ("unavailable", "nothing verified"):
        return _result(mutant, reason=made.reason or made.status)
    found = {finding.operator for finding in made.findings}
    missed = tuple(operator for operator in mutant.operators if operator not in found)
    if not made.findings or missed:
        return _result(mutant, fate="survived", missed=missed, cases=cases, seconds=in_all, in_all=in_all)
    first = made.findings[0]
    return _result(
        mutant, fate="killed", check=first.check, kind=first.kind, case=first.case, diagnosis=diagnosis_of(first), cases=cases,
        seconds=made.seconds_to_first_finding or 0.0, in_all=in_all,
    )  # fmt: skip


def diagnosis_of(finding: Finding) -> str:
    """What the finding is taken for, in one line: a named hypothesis where there is one, else what was seen."""
    return finding.hypothesis or next(iter(finding.diagnosis), finding.message).partition("\n")[0]


def _result(mutant: Broken, fate: str = "not run", **values: object) -> MutantResult:
    said = {name: getattr(mutant, name) for name in ("name", "target", "operators", "category", "bug", "shows", "source")}
    return MutantResult.model_validate({**said, "fate": fate, **values})
