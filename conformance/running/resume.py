"""Goes on with a run from its journal: what is on record is taken from there, and nothing of it is called again.

Operators that are finished are added up from their lines. The plan of the one that was under way is made again; each of its
trials must be the one on record, and has its outcome, until there are no more. So the run ends as if it had not stopped.
"""

from __future__ import annotations

import dataclasses
from collections import deque
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import NoReturn

from conformance.cases.case import parse_case
from conformance.checks import CHECKS
from conformance.errors import UsageError
from conformance.plugin.claims import Claims
from conformance.plugin.target import Target
from conformance.report.schema import Implementation
from conformance.running.expected import Expected
from conformance.running.journal import Journal, can_be_reported, check_same_target
from conformance.running.journal_file import Broken, Contents, Part, lines_of, open_journal
from conformance.running.journal_lines import Came, Described, Done, Found, TargetBegins, TargetEnds, differences
from conformance.running.journal_values import NotALine
from conformance.running.outcome import Listener
from conformance.running.profile import profile_named
from conformance.running.record import Finished, Known, KnownFinding, Recorder, Stage
from conformance.running.run import Options, Run
from conformance.running.suite import files_of
from conformance.running.trial import Trial, bytes_of, make_trial
from conformance.running.worker import Description
from conformance.running.xfail_file import parse_xfail

Held = Came | Found | Done


_MOST_BYTES = 2**30  # of the tensors of a case that is made again; no case of the suite has as many


class Recorded(Recorder):
    """What is on record of one target, and nothing more is written: for a report of it."""

    def __init__(self, contents: Contents, part: Part, all_of_it: bool = True) -> None:
        """``all_of_it``: what there is of an operator under way is counted too, as it is."""
        self.contents, self.part = contents, part
        self.claims: Mapping[str, Claims] = part.begins.described.claims
        self.all_of_it = all_of_it
        self.waiting: deque[Held] = deque()
        """Lines of the operator that is under way."""

    def earlier(self) -> Iterator[Known | KnownFinding | Finished]:
        for number, line in self._lines():
            if number > self.part.settled and not self.all_of_it:
                self.waiting.append(line)
            elif isinstance(line, Came) and line.stage != "plain":
                yield self._known(line, self._trial(line, with_calls=number > self.part.settled))
            elif isinstance(line, Found):
                yield _finding(line)
            elif isinstance(line, Done):
                yield Finished(line.operator, line.reached, line.at, line.losses, line.reduced)

    def _lines(self) -> Iterator[tuple[int, Held]]:
        """The lines of this target. They were read before, so that nothing is wrong with them."""
        with open_journal(self.contents.path) as file:
            places = islice(lines_of(file, self.part.place), self.contents.lines - self.part.place.number)
            try:
                for place in places:
                    if isinstance(place.line, TargetBegins | TargetEnds):
                        return
                    if isinstance(place.line, Came | Found | Done):
                        yield place.number, place.line
            except Broken as broken:
                raise UsageError(f"the journal {self.contents.path} was changed meanwhile: {broken}") from broken

    def _trial(self, line: Came, with_calls: bool) -> Trial:
        """The trial of a line, from its text; the calls are made only where a failure must still be described."""
        try:
            check, case = CHECKS[line.check], dataclasses.replace(parse_case(line.case), origin=line.origin)
        except (KeyError, ValueError) as error:
            self.refuse(f"{line.check} on {line.case} is not understood ({error})")
        if bytes_of(case.problem) > _MOST_BYTES and check.name != "huge":  # whose tensors are made of a period
            self.refuse(f"{case} is larger than any case of {check.name}")
        if not with_calls or line.failure is None:
            return Trial(check, case)
        return make_trial(check, case, self.claims) or Trial(check, case, check.calls(case))

    def _known(self, line: Came, trial: Trial) -> Known:
        try:
            outcome = line.outcome(trial)
        except NotALine as error:
            self.refuse(str(error))
        if outcome.failure is not None and trial.calls and outcome.failure.call >= len(trial.calls):
            self.refuse(f"{trial.check.name} on {trial.case} has no call {outcome.failure.call}")
        return Known(outcome, line.at, line.losses)

    def refuse(self, why: str) -> NoReturn:
        raise UsageError(f"{self.contents.path} does not fit this suite: {why}", hint=can_be_reported(self.contents))


class Continued(Recorded):
    """What is on record of one target comes first, and what comes then is written."""

    whole = False

    def __init__(self, journal: Journal, contents: Contents, part: Part) -> None:
        super().__init__(contents, part, all_of_it=False)
        self.writer = Writer(journal)

    def begin(self, target: Target, description: Description) -> Description:
        before, now = self.part.begins.described, Described.of(description)
        if different := differences(before, now):
            reason = f": {now.unavailable}" if now.unavailable != before.unavailable and now.unavailable else ""
            said = f"{target.text} is another one now: {', '.join(different)} changed since {self.contents.path} was begun"
            raise UsageError(said + reason, hint=can_be_reported(self.contents))
        return dataclasses.replace(description, seconds=before.seconds)

    def known(self, trial: Trial, stage: Stage) -> Known | None:
        if not self.waiting:
            return None
        line, here = self.waiting.popleft(), (stage, trial.check.name, str(trial.case))
        if not isinstance(line, Came) or (line.stage, line.check, line.case) != here:
            self.refuse(f"it has {_words(line)}, where the plan has {here[1]} on {here[2]}")
        return self._known(line, trial)

    def searched(self) -> Iterator[Known]:
        while self.waiting and isinstance(line := self.waiting[0], Came) and line.stage == "search":
            self.waiting.popleft()
            yield self._known(line, self._trial(line, with_calls=True))

    def known_finding(self, key: tuple[str, str, str]) -> KnownFinding | None:
        if not self.waiting:
            return None
        line = self.waiting.popleft()
        if not isinstance(line, Found) or _finding(line).key != key:
            self.refuse(f"it has {_words(line)}, where a finding of {key[0]} {key[1]} is made")
        return _finding(line)

    def came(self, known: Known, stage: Stage) -> None:
        self._check_all_used()
        self.writer.came(known, stage)

    def found(self, known: KnownFinding) -> None:
        self._check_all_used()
        self.writer.found(known)

    def done(self, finished: Finished) -> None:
        self._check_all_used()
        self.writer.done(finished)

    def ended(self, made: Implementation) -> None:
        self._check_all_used()
        self.writer.ended(made)

    def _check_all_used(self) -> None:
        if self.waiting:
            self.refuse(f"it has {_words(self.waiting[0])}, which the plan does not have")


class Writer(Recorder):
    """Writes what comes of one target."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal

    def begin(self, target: Target, description: Description) -> Description:
        self.journal.append(TargetBegins.of(target, files_of(target), description))
        return description

    def came(self, known: Known, stage: Stage) -> None:
        self.journal.append(Came.of(known.outcome, stage, known.at, known.losses))
        self.journal.outcomes += 1

    def found(self, known: KnownFinding) -> None:
        self.journal.append(Found(group=known.key[1:], finding=known.finding, trouble=known.trouble, losses=known.losses))

    def done(self, finished: Finished) -> None:
        self.journal.append(
            Done(
                operator=finished.operator,
                reached=finished.covered,
                at=round(finished.at, 6),
                losses=finished.losses,
                reduced=finished.reduced,
            )
        )
        self.journal.sync()

    def ended(self, made: Implementation) -> None:
        self.journal.append(TargetEnds(name=made.name, status=made.status, seconds=made.seconds, unvisited=made.unvisited))


def run_recorded(
    journal: Journal | None, target: Target, options: Options, listener: Listener, expected: Expected
) -> tuple[Run, Implementation]:
    """The run of a target and its result: recorded in ``journal``, if there is one, and taken from it as far as it is there."""
    part = journal.part() if journal is not None else None
    if journal is None or journal.contents is None or part is None:
        recorder = Writer(journal) if journal is not None else Recorder()
        run = Run(target, options, listener, recorder=recorder, expected=expected)
        return run, run.execute()
    check_same_target(part, target)
    if part.ends is not None:
        return recalled(journal.contents, part, options, listener, expected)
    run = Run(target, options, listener, recorder=Continued(journal, journal.contents, part), expected=expected)
    return run, run.execute()


def recalled(
    contents: Contents, part: Part, options: Options, listener: Listener, expected: Expected
) -> tuple[Run, Implementation]:
    """What is on record of a target, as its result. Nothing is loaded, and nothing called."""
    recorder, interrupted = Recorded(contents, part), part.ends is None
    run = Run(part.begins.target(), options, listener, recorder=recorder, interrupted=interrupted, expected=expected)
    result = run.recall(part.begins.described.description(), part.ends.seconds if part.ends is not None else part.at)
    if part.ends is None:
        return run, result
    if (part.ends.name, part.ends.status) != (result.name, result.status):
        recorder.refuse(f"the verdict of {part.ends.name} does not follow from its outcomes")
    return run, result.model_copy(update={"unvisited": part.ends.unvisited})


def options_of(contents: Contents) -> Options:
    """What the journal's run was asked for."""
    asked = contents.header.settings
    profile = dataclasses.replace(profile_named(asked.profile), huge=asked.huge)
    return Options(profile, asked.operators, asked.seed, asked.time_limit, asked.memory_limit)


def expected_in(contents: Contents, options: Options) -> Expected:
    """The failures that its run expected."""
    asked = contents.header.settings
    return Expected(parse_xfail(asked.xfail_text, asked.xfail or ""), options.profile, options.seed)


def _finding(line: Found) -> KnownFinding:
    finding = line.finding
    return KnownFinding((finding.operator, *line.group), finding, line.trouble, line.losses)


def _words(line: Held) -> str:
    if isinstance(line, Came):
        return f"{line.check} on {line.case}"
    return f"a finding of {line.finding.operator}" if isinstance(line, Found) else f"the end of {line.operator}"
