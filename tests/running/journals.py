"""What the tests of journals share: runs that are recorded, here or in a process that can be killed, and their calls."""

from __future__ import annotations

import os
import subprocess
import sys
import zlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from conformance.plugin.target import Target
from conformance.report.schema import Finding, Implementation
from conformance.running.expected import Expected
from conformance.running.journal import Journal, begin_journal, resume_journal
from conformance.running.journal_file import lines_of, open_journal
from conformance.running.journal_lines import AnyLine, Settings, write_line
from conformance.running.outcome import Silence
from conformance.running.plan import plan
from conformance.running.profile import PROFILES
from conformance.running.resume import options_of, run_recorded
from conformance.running.run import Options
from conformance.running.trial import Trial
from tests.conftest import TARGETS
from tests.targets.logged import CLAIMS

ROOT = Path(__file__).parents[2]
LOGGED = TARGETS / "logged.py"
TIMES = {"seconds", "seconds_inside", "seconds_to_first_finding"}


def settings(text: str, time_limit: float = 5.0) -> Settings:
    return Settings(targets=(text,), operators=(), profile="brief", seed=0, time_limit=time_limit)


def recorded(path: Path, asked: Settings) -> Implementation:
    """A run into a new journal, to its end."""
    with begin_journal(path, "check", asked) as journal:
        options = Options(PROFILES[asked.profile], asked.operators, asked.seed, asked.time_limit)
        return _to_the_end(journal, asked, options)


def resumed(path: Path) -> Implementation:
    """The rest of a run of one target."""
    with resume_journal(path, "check") as journal:
        assert journal.contents is not None
        return _to_the_end(journal, journal.contents.header.settings, options_of(journal.contents))


def _to_the_end(journal: Journal, asked: Settings, options: Options) -> Implementation:
    run, result = run_recorded(journal, Target(asked.targets[0]), options, Silence(), Expected())
    assert not run.interrupted
    journal.finish([result])
    return result


def lines(path: Path) -> list[AnyLine]:
    with open_journal(path) as file:
        return [place.line for place in lines_of(file)]


def sealed(made: list[AnyLine]) -> bytes:
    """A journal of these lines, with numbers and checksums that fit."""
    text, checksum = b"", 0
    for number, line in enumerate(made, 1):
        written, checksum = write_line(line, number, checksum)
        text += written
    return text


def cut(path: Path, copy: Path, lines: int, torn: int = 0) -> Path:
    """A copy with the first so many lines and some bytes of the next one: what a kill leaves."""
    text = path.read_bytes().splitlines(keepends=True)
    copy.write_bytes(b"".join(text[:lines]) + b"".join(text[lines : lines + 1])[:torn])
    return copy


def without_times(result: Implementation) -> dict[str, Any]:
    return result.model_dump(exclude=TIMES)


def what_was_found(finding: Finding) -> tuple[object, ...]:
    """What of a finding does not depend on how much time its smallest case was looked for."""
    return finding.operator, finding.check, finding.kind, finding.found_as, finding.failing_cases


def planned() -> list[Trial]:
    """The trials of the target whose calls are logged."""
    return list(plan("conv1d", CLAIMS, PROFILES["brief"], 0))


def calls_of(trials: Sequence[Trial]) -> Counter[str]:
    """The calls that trials make, as they are logged."""
    return Counter(
        f"{call.problem} {zlib.crc32(call.arrays['x'].tobytes()):08x} {zlib.crc32(call.arrays['w'].tobytes()):08x}"
        for trial in trials
        for call in trial.calls
    )


def check_called(made: Counter[str], trials: Sequence[Trial], in_flight: Sequence[Trial] = ()) -> None:
    """That each of ``trials`` was called as often as it asks, and beside them nothing but perhaps those in flight.

    What is called in threads is called as often as the time allows.
    """
    least, more = calls_of(trials), calls_of(in_flight)
    racing = calls_of([trial for trial in (*trials, *in_flight) if trial.check.concurrent])
    for call in least | more | made:
        most = made[call] if call in racing else least[call] + more[call]
        assert least[call] <= made[call] <= most, call


def logged(path: Path) -> Counter[str]:
    return Counter(path.read_text().splitlines()) if path.exists() else Counter()


def start(*arguments: object, calls: Path | None = None, pause: float = 0.0) -> subprocess.Popen[str]:
    """The command in a process of its own, which leads a group."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "120", "PAUSE": str(pause)}
    environment |= {"CALLS": str(calls)} if calls is not None else {}
    command = [sys.executable, "-m", "conformance", *map(str, arguments)]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, cwd=ROOT, start_new_session=True
    )


def conformance(*arguments: object, calls: Path | None = None) -> subprocess.CompletedProcess[str]:
    running = start(*arguments, calls=calls)
    output, errors = running.communicate(timeout=300)
    return subprocess.CompletedProcess(running.args, running.returncode, output, errors)
