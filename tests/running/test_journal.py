"""A run that is killed loses at most what was in flight; two runs never write into one journal."""

from __future__ import annotations

import os
import random
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from conformance.errors import UsageError
from conformance.report.jsonfile import read_json
from conformance.running.journal import begin_journal, resume_journal
from conformance.running.journal_file import Contents, read_journal
from conformance.running.journal_lines import Came, Footer, Header, TargetBegins, TargetEnds
from conformance.running.run import _AHEAD
from tests.running.journals import LOGGED, check_called, conformance, lines, logged, planned, settings, start, without_times

TARGET = f"{LOGGED}:Logged"
TRIALS = planned()
KILLS = 50
_PAUSE = 0.004  # seconds in each call, so that a kill falls into the run rather than behind it


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run that nothing interrupted: its report, its journal, its calls."""
    folder = tmp_path_factory.mktemp("whole")
    made = conformance(
        "check", TARGET, "--profile", "brief", "--journal", folder / "run.jsonl", "--json", folder / "run.json",
        calls=folder / "calls",
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    return folder


def test_a_journal_has_a_header_a_line_for_each_outcome_as_it_came_and_a_footer(whole: Path) -> None:
    header, target, *rest = lines(whole / "run.jsonl")
    assert isinstance(header, Header)
    assert isinstance(target, TargetBegins)
    assert header.schema_version == 1
    assert header.settings.targets == (TARGET,)
    assert header.environment.cores >= 1
    assert header.environment.packages["numpy"]
    outcomes = [line for line in rest if isinstance(line, Came)]
    assert [(line.check, line.case) for line in outcomes] == [(trial.check.name, str(trial.case)) for trial in TRIALS]
    assert [line.at for line in outcomes] == sorted(line.at for line in outcomes)
    ends, footer = rest[-2:]
    assert isinstance(ends, TargetEnds)
    assert isinstance(footer, Footer)
    assert footer.outcomes == len(outcomes)
    assert footer.verdicts == (("logged", "conformant"),)


def test_the_calls_that_are_logged_are_those_of_the_plan(whole: Path) -> None:
    check_called(logged(whole / "calls"), TRIALS)


def test_a_harness_that_is_killed_at_any_of_fifty_moments_loses_at_most_what_was_in_flight(whole: Path, tmp_path: Path) -> None:
    with ThreadPoolExecutor(2) as pool:
        kept = [pool.submit(_killed_again_and_again, whole, tmp_path / name, KILLS // 2, name) for name in "ab"]
        moments = [moment for one in kept for moment in one.result()]
    assert len(moments) >= KILLS
    assert sum(1 for outcomes in moments if 0 < outcomes < len(TRIALS)) >= KILLS // 3  # many fell into the checking


def _killed_again_and_again(whole: Path, folder: Path, kills: int, seed: str) -> list[int]:
    """Run, kill and go on; how many outcomes there were at each kill."""
    folder.mkdir()
    draw, moments, runs = random.Random(seed), list[int](), 0
    journal, before = folder / "0.jsonl", 0
    while len(moments) < kills:
        runs += 1
        calls, began = folder / f"calls{runs}", journal.exists() and journal.stat().st_size > 0
        running = start(*_command(journal, began), calls=calls, pause=_PAUSE)
        _wait_a_while(running.pid, journal, draw)
        running.kill()  # of this process alone; its worker sees that nobody is there
        _, errors = running.communicate()
        assert running.returncode in (0, -signal.SIGKILL), errors  # no worker that is left keeps the journal locked
        contents = _what_is_left(journal)
        outcomes = contents.outcomes if contents is not None else 0
        check_called(logged(calls), TRIALS[before:outcomes], TRIALS[outcomes : outcomes + _AHEAD + 2])
        before = outcomes
        if running.returncode == -signal.SIGKILL:
            moments.append(outcomes)
        if contents is not None and contents.footer is not None:
            _check_result(whole, journal, folder)
            journal, before = folder / f"{runs}.jsonl", 0
    _check_result(whole, journal, folder)
    return moments


def _command(journal: Path, began: bool) -> tuple[object, ...]:
    return ("check", "--resume", journal) if began else ("check", TARGET, "--profile", "brief", "--journal", journal)


def _wait_a_while(pid: int, journal: Path, draw: random.Random) -> None:
    """Half of the moments are anywhere from the start on, half shortly after there is more in the journal."""
    if draw.random() < 0.3:
        time.sleep(draw.uniform(0, 2))
        return
    size, end = journal.stat().st_size if journal.exists() else 0, time.monotonic() + 30
    while (not journal.exists() or journal.stat().st_size <= size) and time.monotonic() < end:
        time.sleep(0.003)
    time.sleep(draw.uniform(0, 0.4))


def _what_is_left(journal: Path) -> Contents | None:
    """What the journal holds: every line that is whole is as it was written."""
    if not journal.exists() or not journal.stat().st_size:
        return None
    contents = read_journal(journal)
    assert contents.trouble == ""
    assert contents.end + contents.torn == journal.stat().st_size
    return contents


def _check_result(whole: Path, journal: Path, folder: Path) -> None:
    """Resumed to its end, the run says what one says that was not interrupted."""
    report = folder / f"{journal.stem}.json"
    began = journal.exists() and journal.stat().st_size > 0
    done = conformance(*_command(journal, began), "--json", report)
    assert done.returncode == 0, done.stderr
    (result,), (right,) = (read_json(path).implementations for path in (report, whole / "run.json"))
    assert without_times(result) == without_times(right)
    assert [line.model_dump(exclude={"at", "seconds"}) for line in lines(journal) if isinstance(line, Came)] == [
        line.model_dump(exclude={"at", "seconds"}) for line in lines(whole / "run.jsonl") if isinstance(line, Came)
    ]


def test_control_c_says_how_to_go_on_and_going_on_repeats_nothing(whole: Path, tmp_path: Path) -> None:
    journal = tmp_path / "run.jsonl"
    running = start(*_command(journal, began=False), calls=tmp_path / "calls1", pause=_PAUSE)
    while not journal.exists() or journal.read_bytes().count(b'"kind":"outcome"') < 5:
        time.sleep(0.01)
    os.kill(running.pid, signal.SIGINT)
    output, _ = running.communicate(timeout=60)
    assert running.returncode == 3
    assert f"conformance check --resume {journal} goes on from there" in output
    outcomes = read_journal(journal).outcomes
    check_called(logged(tmp_path / "calls1"), TRIALS[:outcomes], TRIALS[outcomes : outcomes + _AHEAD + 2])
    done = conformance("check", "--resume", journal, calls=tmp_path / "calls2")
    assert done.returncode == 0, done.stderr
    assert f"it has {outcomes} outcomes" in done.stdout
    check_called(logged(tmp_path / "calls2"), TRIALS[outcomes:])


def test_a_second_run_into_the_same_journal_is_refused_and_writes_nothing(whole: Path, tmp_path: Path) -> None:
    journal = tmp_path / "run.jsonl"
    first = start(*_command(journal, began=False), calls=tmp_path / "calls", pause=_PAUSE)
    while not journal.exists() or journal.read_bytes().count(b'"kind":"outcome"') < 2:
        time.sleep(0.01)
    os.kill(first.pid, signal.SIGSTOP)  # so that it is not done before the others come
    before = journal.read_bytes()
    for second in (conformance(*_command(journal, began)) for began in (False, True)):
        assert second.returncode == 2
        assert "another run is writing to the journal" in second.stderr
    assert journal.read_bytes() == before
    os.kill(first.pid, signal.SIGCONT)
    output, errors = first.communicate(timeout=120)
    assert first.returncode == 0, errors
    assert "CONFORMANT" in output
    contents = read_journal(journal)
    assert (contents.footer is not None, contents.trouble, contents.outcomes) == (True, "", len(TRIALS))


def test_two_runs_that_begin_at_once_do_not_mix(tmp_path: Path) -> None:
    journal = tmp_path / "run.jsonl"
    both = [start(*_command(journal, began=False), calls=tmp_path / "calls", pause=0.01) for _ in range(2)]
    ended = [running.communicate(timeout=120) for running in both]
    assert sorted(running.returncode for running in both) == [0, 2], ended
    assert any("another run is writing" in errors or "is there already" in errors for _, errors in ended)
    assert read_journal(journal).outcomes == len(TRIALS)


def test_a_lock_ends_with_its_run(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    with begin_journal(path, "check", settings(TARGET)), pytest.raises(UsageError, match="another run is writing"):
        resume_journal(path, "check")
    with resume_journal(path, "check") as journal:
        assert journal.lines == 1


def test_a_line_that_cannot_be_written_leaves_a_journal_that_is_whole(tmp_path: Path) -> None:
    import resource

    path = tmp_path / "run.jsonl"
    with begin_journal(path, "check", settings(TARGET)) as journal:
        size, before = path.stat().st_size, resource.getrlimit(resource.RLIMIT_FSIZE)
        ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 20, before[1]))
        try:
            with pytest.raises(UsageError, match="cannot be written"):
                journal.append(Footer(lines=2, outcomes=0, verdicts=()))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
            signal.signal(signal.SIGXFSZ, ignored)
    assert path.stat().st_size == size
    assert read_journal(path).trouble == ""
