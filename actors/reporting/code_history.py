"""The code of one team as its events tell it: the running sprint, every story on the board, what is on main."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection
from typing import Any

from actors.reporting.code_facts import REWORK, FlawFacts, SessionFacts, SprintFacts, StoryFacts, is_green
from actors.reporting.errors import InconsistentLogError
from actors.reporting.sprint_record import Tally
from actors.scrum import code_messages as code
from actors.scrum.messages import SessionEnded, SessionStarted, TaskAdded

SOURCES = "src/"  # below it is the product; a commit elsewhere brings tests or news


class CodeHistory:
    """Everything that is known about a team's code; grows with the product and with the mistakes made in it."""

    def __init__(self) -> None:
        self.sprint = SprintFacts()
        self.stories: dict[str, StoryFacts] = {}
        self.flaws: dict[int, FlawFacts] = {}
        self.files: dict[str, code.MeasuredFile] = {}  # on main, each as last measured when it landed
        self.measured: code.CodeMeasured | None = None  # main, as it was when a sprint ended last
        self.tests_before = 0  # on main when the sprint before this one ended
        self._open: dict[str, SessionFacts] = {}  # sessions that go on: a name outlives its session in later events
        self._handlers: dict[type[Any], Callable[[Any, Tally], None]] = {
            SessionStarted: self._session_started,
            SessionEnded: self._session_ended,
            TaskAdded: self._task_added,
            code.CodeCommitted: self._committed,
            code.TestsRan: self._tests_ran,
            code.StoryLanded: self._landed,
            code.MergeReturned: self._returned,
            code.FlawMade: self._flaw_made,
            code.FlawFound: self._flaw_found,
            code.AcceptanceMeasured: self._acceptance_measured,
            code.DefectEscaped: self._escaped,
            code.CodeMeasured: self._measured,
        }

    def apply(self, message: Any, tally: Tally) -> None:
        """Take one event of the team into account, and add to the totals of its sprint."""
        handler = self._handlers.get(type(message))
        if handler is not None:
            handler(message, tally)

    def close_sprint(self, tally: Tally, *, on_board: Collection[str]) -> None:
        """Count what hidden tests said, once for each story; forget what only the sprint's own files tell."""
        for measured in self.sprint.acceptance.values():
            tally["hidden_cases"] += sum(measured.cases)
            tally["hidden_failed"] += sum(measured.failed)
        self.tests_before = self.measured.tests if self.measured is not None else 0
        self.stories = {story: facts for story, facts in self.stories.items() if story in on_board}
        self.sprint = SprintFacts()
        self._open.clear()

    def story(self, story_id: str) -> StoryFacts:
        """What is known about the code of a story."""
        return self.stories.setdefault(story_id, StoryFacts())

    def _session_started(self, event: SessionStarted, _: Tally) -> None:
        self._open[event.session_id] = SessionFacts()

    def _session_ended(self, event: SessionEnded, _: Tally) -> None:
        self.sprint.sessions[event.session_id] = self._open.pop(event.session_id, SessionFacts())

    def _task_added(self, event: TaskAdded, tally: Tally) -> None:
        if event.reason in REWORK:
            self.sprint.rework.append(event)
            tally["rework"] += 1
            tally[f"rework_{event.reason}"] += 1

    def _committed(self, event: code.CodeCommitted, tally: Tally) -> None:
        tally["commits"] += 1
        self.sprint.commits_by[event.author] += 1
        facts = self.story(event.story_id)
        facts.branch, facts.head, facts.is_on_main = event.branch, event.commit, False
        if any(path.startswith(SOURCES) for path in event.files):
            for flaw in facts.flaws:
                if not flaw.culprit and flaw.found is None:
                    flaw.culprit = event.commit
        session = self._open.get(event.session_id)
        if session is not None:
            session.commit = event.commit
            session.files.update(dict.fromkeys(event.files))

    def _tests_ran(self, event: code.TestsRan, tally: Tally) -> None:
        outcome = "green" if is_green(event) else "red"
        tally["test_runs"] += 1
        self.sprint.test_runs.setdefault(event.phase, Counter())[outcome] += 1
        session = self._open.get(event.session_id)
        if session is not None:
            session.runs += 1
            session.green += outcome == "green"
            session.failing_last = len(event.failing)

    def _landed(self, event: code.StoryLanded, tally: Tally) -> None:
        tally["merges_landed"] += 1
        self.sprint.landed.append(event)
        facts = self.story(event.story_id)
        facts.landed, facts.is_on_main = event, True
        self.files.update({one.path: one for one in event.measured})

    def _returned(self, event: code.MergeReturned, tally: Tally) -> None:
        tally["merges_returned"] += 1
        tally[f"merges_returned_{event.reason}"] += 1
        self.sprint.returned.append(event)

    def _flaw_made(self, event: code.FlawMade, tally: Tally) -> None:
        tally["defects_made"] += 1
        self.sprint.made[event.incident_class] += 1
        self.flaws[event.number] = FlawFacts(event)
        self.story(event.story_id).flaws.append(self.flaws[event.number])

    def _flaw_found(self, event: code.FlawFound, tally: Tally) -> None:
        """Whoever comes across a flaw first has found it; checks name it again until it is repaired.

        Raises:
            InconsistentLogError: Nobody ever made it.
        """
        flaw = self.flaws.get(event.number)
        if flaw is None:
            raise InconsistentLogError(event.team, event.sprint, f"flaw {event.number} was found and never made")
        if flaw.found is not None:
            return
        flaw.found = event
        tally["defects_found"] += 1
        tally[f"defects_found_by_{event.by}"] += 1
        self.sprint.found[flaw.made.incident_class] += 1
        self.sprint.found_by[event.by] += 1

    def _acceptance_measured(self, event: code.AcceptanceMeasured, _: Tally) -> None:
        self.sprint.acceptance[event.story_id] = event
        self.story(event.story_id).acceptance = event

    def _escaped(self, event: code.DefectEscaped, tally: Tally) -> None:
        tally["defects_escaped"] += 1
        self.sprint.escaped.append(event)

    def _measured(self, event: code.CodeMeasured, _: Tally) -> None:
        self.sprint.measured = self.measured = event
