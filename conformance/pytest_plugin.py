"""The checks as pytest items: ``pytest --implementation torch-cpu`` (or any target) runs one item for each case.

With paths on the command line the items join the tests found there; without, they are all that is run. Items can be
selected by ``-k``, spread by pytest-xdist and reported like any others.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:  # pytest must not import NumPy for people who do not ask for a check
    from conformance.running.expected import Expected
    from conformance.running.run import Options
    from conformance.running.session import Session
    from conformance.running.xfail_file import XfailFile

_OPTIONS = ("operator", "profile", "seed", "arrays", "claim", "no-claim", "claims", "source", "time-limit", "memory-limit")
_PACES = "conformance_paces"


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("conformance", "conformance of convolution and pooling")
    add = group.addoption
    add("--implementation", action="append", default=[], metavar="TARGET", help="check this target: a name, file.py:function, …")
    add("--conformance-operator", action="append", default=[], metavar="NAME", help="only this operator, e.g. conv2d")
    add("--conformance-profile", default="quick", metavar="NAME", help="quick, standard or thorough")
    add("--conformance-seed", default=0, type=int, metavar="N", help="other seeds draw other cases")
    add("--conformance-arrays", default=None, metavar="LIBRARY", help="arrays that functions take: numpy or torch")
    add("--conformance-claim", action="append", default=[], metavar="WORD", help="claim more, e.g. asymmetric_padding")
    add("--conformance-no-claim", action="append", default=[], metavar="WORD", help="take a claim back, e.g. float64")
    add("--conformance-claims", default="accepted", choices=["accepted", "namesake"],
        help="of a function: all that it is found to accept, or only what its namesake does")  # fmt: skip
    add("--conformance-source", action="append", default=[], metavar="FILE",
        help="source of what is no Python: numbers that it names are tried as sizes")  # fmt: skip
    add("--conformance-time-limit", default=10.0, type=float, metavar="SECONDS", help="for each case")
    add("--conformance-memory-limit", default=None, metavar="SIZE", help="memory that a worker may take, e.g. 4GiB, or none")
    add("--conformance-xfail", default=None, metavar="FILE", help="failures that are known: strict xfails, each with its reason")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "conformance: a case of a conformance check")
    if config.getoption("--implementation") and config.args_source is not pytest.Config.ArgsSource.ARGS:
        config.args = []  # nothing else was asked for
    if config.getoption("--implementation"):
        config.add_cleanup(_interrupted_by_termination())


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a process of pytest-xdist how fast each target is: all of them must plan the same cases."""
    texts = node.config.getoption("--implementation")
    if texts and not hasattr(node.config, _PACES):
        from conformance.errors import UsageError

        try:
            setattr(node.config, _PACES, {text: _paces_of(node.config, text, *_opened(node.config, text)) for text in texts})
        except UsageError as error:
            raise pytest.UsageError(str(error)) from error
    node.workerinput[_PACES] = getattr(node.config, _PACES, {})


def _opened(config: pytest.Config, text: str) -> tuple[Session, Options]:
    """The target in a process of its own, which ends with the run, and what is asked of it. Raises :class:`UsageError`."""
    from conformance.cli.options import make_options, make_target, size_typed
    from conformance.running.session import Session

    option = {name: config.getoption(f"--conformance-{name}") for name in _OPTIONS}
    limit, no_claim = size_typed(option["memory-limit"]), list(option["no-claim"])
    if option["claims"] == "namesake":
        no_claim.append("accepted")
    options = make_options(option["operator"], option["profile"], option["seed"], option["time-limit"], limit)
    target = make_target(text, option["operator"], option["arrays"], option["claim"], no_claim, option["source"])
    session = Session(target, options.time_limit, memory_limit=options.memory_limit)
    session.__enter__()
    config.add_cleanup(lambda: session.__exit__(None, None, None))
    return session, options


def _asked(claims: Mapping[str, Any], options: Options) -> list[str]:
    from conformance.problem import OPERATORS

    return [name for name in OPERATORS if name in claims and (not options.operators or name in options.operators)]


def _paces_of(config: pytest.Config, text: str, session: Session, options: Options) -> dict[str, tuple[float, float]]:
    """The pace of each operator of a target, as measured here or by the process that began the run; as plain numbers."""
    from conformance.running.trials import paces

    told: dict[str, dict[str, tuple[float, float]]] = getattr(config, "workerinput", {}).get(_PACES, {})
    description = session.describe()
    if text in told or description.unavailable or not options.profile.kinds:
        return told.get(text, {})
    measured = paces(session, description.claims, _asked(description.claims, options))
    return {name: (pace.rate, pace.step) for name, pace in measured.items()}


def _interrupted_by_termination() -> Callable[[], None]:
    """Have SIGTERM and SIGHUP end the run as Ctrl-C does, so that nothing is left behind; what undoes that."""
    numbers = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    ours = [number for number in numbers if signal.getsignal(number) is signal.SIG_DFL]
    if threading.current_thread() is not threading.main_thread():  # only there they can be set
        ours = []

    def undo() -> None:
        for number in ours:
            signal.signal(number, signal.SIG_DFL)

    for number in ours:
        signal.signal(number, signal.default_int_handler)
    return undo


def pytest_collection_modifyitems(session: pytest.Session, config: pytest.Config, items: list[pytest.Item]) -> None:
    from conformance.errors import UsageError

    texts, path = config.getoption("--implementation"), config.getoption("--conformance-xfail")
    if not texts:
        return
    try:
        file = known_failures(path)
    except UsageError as error:
        raise pytest.UsageError(str(error)) from error
    collectors = [TargetCollector.from_parent(session, name=text, xfail=file) for text in texts]
    for collector in collectors:
        items.extend(collector.collect())
    items.extend(StaleEntry.of(session, file, [collector.expected for collector in collectors]))


def known_failures(path: str | None) -> XfailFile:
    """The xfail file of a run; one without entries where none is given."""
    from conformance.running.xfail_file import XfailFile, read_xfail

    return read_xfail(Path(path)) if path else XfailFile()


class TargetCollector(pytest.Collector):
    """All cases of one target. Holds the worker process that its items share, and what is expected of them."""

    def __init__(self, *, xfail: XfailFile, **rest: Any) -> None:
        super().__init__(**rest)
        from conformance.running.expected import Expected

        self.expected = Expected(xfail)

    def collect(self) -> Iterator[pytest.Item]:
        from conformance.errors import UsageError
        from conformance.running.pace import Pace
        from conformance.running.plan import plan

        try:
            session, options = _opened(self.config, self.name)
            description = session.describe()
            self.expected.profile, self.expected.seed = options.profile, options.seed
            self.expected.begin(description, session.target)
            known = _paces_of(self.config, self.name, session, options)
        except UsageError as error:
            raise pytest.UsageError(str(error)) from error
        if description.unavailable:
            yield Unavailable.from_parent(self, name="unavailable", reason=description.unavailable)
            return
        for operator in _asked(description.claims, options):
            seen: dict[str, int] = {}
            for trial in plan(
                operator, description.claims, options.profile, options.seed, pace=Pace(*known.get(operator, ())),
                time_limit=options.time_limit, constants=description.constants,
            ):  # fmt: skip
                self.expected.planned(trial)
                name = f"{trial.check.name}[{trial.case}]"
                seen[name] = seen.get(name, 0) + 1
                if seen[name] == 1:
                    yield CaseItem.from_parent(
                        self,
                        name=name,
                        check=trial.check,
                        case=trial.case,
                        reason=trial.reason,
                        worker=session,
                        description=description,
                        expected=self.expected,
                    )


class CaseItem(pytest.Item):
    """One check on one case."""

    def __init__(
        self, *, check: Any, case: Any, reason: str, worker: Any, description: Any, expected: Expected, **rest: Any
    ) -> None:
        super().__init__(**rest)
        self.reason = reason
        self.check, self.case, self.worker, self.description, self.expected = check, case, worker, description, expected
        self.add_marker(pytest.mark.conformance)

    def runtest(self) -> None:
        from conformance.running.findings import Group, describe
        from conformance.running.trial import make_trial
        from conformance.running.trials import run_trial

        trial = None if self.reason else make_trial(self.check, self.case, self.description.claims)
        if trial is None:
            pytest.skip(self.reason or "needs more than is claimed")
        outcome = run_trial(self.worker, trial, self.description.claims)
        if outcome.broken:
            pytest.fail(outcome.reason, pytrace=False)
        if outcome.status == "skipped":
            pytest.skip(outcome.reason)
        entry = self.expected.entry_of(outcome)
        if entry is not None:  # known only now: a failure of another kind is none that was expected
            reason = f"{entry.reason} ({self.expected.file.name}:{entry.first})"
            self.add_marker(pytest.mark.xfail(reason=reason, strict=True))
        if outcome.failure is not None:
            raise NotConformant(describe(outcome, Group(outcome), self.worker.target, known=self.description.known_failures))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        if not isinstance(excinfo.value, NotConformant):
            return super().repr_failure(excinfo, style)
        from rich.console import Console

        from conformance.report.terminal import print_finding

        console = Console(width=200, force_terminal=False)
        with console.capture() as capture:
            print_finding(console, excinfo.value.finding)
        return capture.get()

    def reportinfo(self) -> tuple[Any, int | None, str]:
        return self.path, None, f"{self.parent.name if self.parent else ''}::{self.name}"


class Unavailable(pytest.Item):
    """Stands for a target that cannot run here."""

    def __init__(self, *, reason: str, **rest: Any) -> None:
        super().__init__(**rest)
        self.reason = reason

    def runtest(self) -> None:
        pytest.skip(self.reason)


class StaleEntry(pytest.Item):
    """Stands for an entry of the xfail file that is about none of the cases: it fails, and says what to delete."""

    def __init__(self, *, entry: Any, **rest: Any) -> None:
        super().__init__(**rest)
        self.entry = entry

    @classmethod
    def of(cls, session: pytest.Session, file: XfailFile, runs: list[Expected]) -> list[StaleEntry]:
        from conformance.report.xfail import place, stale
        from conformance.running.expected import unmet

        return [cls.from_parent(session, name=place(entry), entry=entry) for entry in stale(unmet(file, runs))]

    def runtest(self) -> None:
        from conformance.report.xfail import to_delete

        raise Stale(f"stale: {self.entry.because}; delete {to_delete(self.entry)} ({self.entry.covers}: {self.entry.reason})")

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        return str(excinfo.value) if isinstance(excinfo.value, Stale) else super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Any, int | None, str]:
        return self.path, None, self.name


class Stale(Exception):
    """An entry of the xfail file covers nothing."""


class NotConformant(Exception):
    """A case failed; ``finding`` says how."""

    def __init__(self, finding: Any) -> None:
        super().__init__(finding.message)
        self.finding = finding
