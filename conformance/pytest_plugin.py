"""The checks as pytest items: ``pytest --implementation torch-cpu`` (or any target) runs one item for each case.

With paths on the command line the items join the tests found there; without, they are all that is run. Items can be
selected by ``-k``, spread by pytest-xdist and reported like any others.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

_OPTIONS = ("operator", "profile", "seed", "arrays", "claim", "no-claim", "time-limit", "memory-limit")


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
    add("--conformance-time-limit", default=10.0, type=float, metavar="SECONDS", help="for each case")
    add("--conformance-memory-limit", default=None, metavar="SIZE", help="memory that a worker may take, e.g. 4GiB, or none")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "conformance: a case of a conformance check")
    if config.getoption("--implementation") and config.args_source is not pytest.Config.ArgsSource.ARGS:
        config.args = []  # nothing else was asked for
    if config.getoption("--implementation"):
        config.add_cleanup(_interrupted_by_termination())


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
    for text in config.getoption("--implementation"):
        collector = TargetCollector.from_parent(session, name=text)
        items.extend(collector.collect())


class TargetCollector(pytest.Collector):
    """All cases of one target. Holds the worker process that its items share."""

    def collect(self) -> Iterator[pytest.Item]:
        from conformance.cli.options import make_options, make_target, size_typed
        from conformance.errors import UsageError
        from conformance.problem import OPERATORS
        from conformance.running.plan import plan
        from conformance.running.session import Session

        option = {name: self.config.getoption(f"--conformance-{name}") for name in _OPTIONS}
        try:
            limit = size_typed(option["memory-limit"])
            options = make_options(option["operator"], option["profile"], option["seed"], option["time-limit"], limit)
            target = make_target(self.name, option["operator"], option["arrays"], option["claim"], option["no-claim"])
            session = Session(target, options.time_limit, memory_limit=options.memory_limit)
            session.__enter__()
            self.config.add_cleanup(lambda: session.__exit__(None, None, None))
            description = session.describe()
        except UsageError as error:
            raise pytest.UsageError(str(error)) from error
        if description.unavailable:
            yield Unavailable.from_parent(self, name="unavailable", reason=description.unavailable)
            return
        for operator in OPERATORS:
            if operator not in description.claims or (options.operators and operator not in options.operators):
                continue
            seen: dict[str, int] = {}
            for trial in plan(operator, description.claims, options.profile, options.seed):
                name = f"{trial.check.name}[{trial.case}]"
                seen[name] = seen.get(name, 0) + 1
                if seen[name] == 1:
                    yield CaseItem.from_parent(
                        self, name=name, check=trial.check, case=trial.case, worker=session, description=description
                    )


class CaseItem(pytest.Item):
    """One check on one case."""

    def __init__(self, *, check: Any, case: Any, worker: Any, description: Any, **rest: Any) -> None:
        super().__init__(**rest)
        self.check, self.case, self.worker, self.description = check, case, worker, description
        self.add_marker(pytest.mark.conformance)

    def runtest(self) -> None:
        from conformance.running.findings import Group, describe
        from conformance.running.plan import make_trial
        from conformance.running.run import run_trial

        trial = make_trial(self.check, self.case, self.description.claims)
        if trial is None:
            pytest.skip("needs more than is claimed")
        outcome = run_trial(self.worker, trial, self.description.claims)
        if outcome.status == "skipped":
            pytest.skip(outcome.reason)
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


class NotConformant(Exception):
    """A case failed; ``finding`` says how."""

    def __init__(self, finding: Any) -> None:
        super().__init__(finding.message)
        self.finding = finding
