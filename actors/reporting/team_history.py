"""One team's story as its events arrive: the running sprint in full, earlier ones as summaries and totals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from actors.reporting.card_wall import CardWall
from actors.reporting.code_history import CodeHistory
from actors.reporting.sprint_record import DisturbanceCase, Question, SprintRecord, SprintSummary, Tally
from actors.reporting.tallies import count
from actors.scrum import messages as scrum


class TeamHistory:
    """Everything that is known about one team; grows by one summary a sprint."""

    def __init__(self, team: str) -> None:
        self.team = team
        self.members: dict[str, scrum.Member] = {}
        self.wall = CardWall()
        self.code = CodeHistory()
        self.record = SprintRecord(1)
        self.summaries: list[SprintSummary] = []
        self.cases: dict[str, DisturbanceCase] = {}
        self.pairs: Counter[tuple[str, str]] = Counter()  # (driver, navigator) -> sessions
        self.questions_by: Counter[str] = Counter()
        self.changes_by: Counter[str] = Counter()
        self.knowledge: dict[str, scrum.KnowledgeReviewed] = {}  # the latest of each person
        self.ended: scrum.RunEnded | None = None
        self._softened: dict[str, scrum.DisturbanceSoftened] = {}  # until the disturbance strikes
        self._handlers: dict[type[Any], Callable[[Any], None]] = {
            scrum.TeamFormed: self._team_formed,
            scrum.SprintStarted: self._sprint_started,
            scrum.StoryPlanned: self.wall.plan,
            scrum.CardMoved: self.wall.move,
            scrum.CardTagged: self.wall.tag,
            scrum.TaskAdded: self.wall.add_task,
            scrum.TaskFinished: self.wall.finish_task,
            scrum.SessionEnded: self._session_ended,
            scrum.QuestionAsked: self._question_asked,
            scrum.QuestionAnswered: self._question_answered,
            scrum.StoryJudged: self._story_judged,
            scrum.RetroNote: lambda note: self.record.notes.append(note),
            scrum.LearningApplied: lambda lesson: self.record.learnings.append(lesson),
            scrum.DecisionRecorded: lambda decision: self.record.decisions.append(decision),
            scrum.DisturbanceTriaged: self._disturbance_triaged,
            scrum.DisturbanceSoftened: self._disturbance_softened,
            scrum.DisturbanceResolved: self._disturbance_resolved,
            scrum.KnowledgeReviewed: self._knowledge_reviewed,
            scrum.RunEnded: self._run_ended,
        }

    @property
    def totals(self) -> Tally:
        """Sums over all sprints, the running one included."""
        whole: Tally = Counter(self.record.tally)
        for summary in self.summaries:
            whole.update(summary.tally)
        return whole

    def apply(self, message: Any, at_us: int) -> None:
        """Take one event of this team into account."""
        count(self.record.tally, message)
        self.code.apply(message, self.record.tally)
        if isinstance(message, scrum.DisturbanceStruck):
            case = DisturbanceCase(message, at_us, softened=self._softened.pop(message.disturbance_id, None))
            self.cases[message.disturbance_id] = case
            self.record.disturbances.append(case)
            return
        handler = self._handlers.get(type(message))
        if handler is not None:
            handler(message)

    def close_sprint(self, ended: scrum.SprintEnded) -> SprintSummary:
        """Keep a summary of the sprint that ended and begin a new record."""
        record, planned = self.record, self.wall.planned_stories
        measured = self.code.sprint.measured
        self.wall.take_down(ended.finished_stories)
        self.code.close_sprint(record.tally, on_board=self.wall.stories)
        summary = SprintSummary(
            team=self.team,
            sprint=ended.sprint,
            capacity_points=record.capacity_points,
            planned_points=ended.planned_points,
            finished_points=ended.finished_points,
            finished_stories=ended.finished_stories,
            carried_stories=ended.carried_stories,
            disturbances=tuple(case.struck.disturbance_id for case in record.disturbances),
            planned_stories=len(planned),
            accepted_planned=sum(story in ended.finished_stories for story in planned),
            measured=measured,
            tally=record.tally,
        )
        self.summaries.append(summary)
        self.record = SprintRecord(ended.sprint + 1)
        return summary

    def _team_formed(self, event: scrum.TeamFormed) -> None:
        self.members = {member.agent: member for member in event.members}

    def _sprint_started(self, event: scrum.SprintStarted) -> None:
        self.record.sprint = event.sprint
        self.record.capacity_points = event.capacity_points

    def _session_ended(self, event: scrum.SessionEnded) -> None:
        self.record.sessions.append(event)
        self.pairs[event.driver, event.navigator] += 1

    def _question_asked(self, event: scrum.QuestionAsked) -> None:
        self.record.questions[event.question_id] = Question(event)
        self.questions_by[event.asker] += 1

    def _question_answered(self, event: scrum.QuestionAnswered) -> None:
        question = self.record.questions.get(event.question_id)
        if question is not None:
            question.answered = event
        self.changes_by[event.asker] += event.changed

    def _story_judged(self, event: scrum.StoryJudged) -> None:
        if self.wall.judge(event.story_id):
            self.record.tally["first_verdicts"] += 1
            self.record.tally["first_acceptances"] += event.verdict == "accepted"

    def _disturbance_triaged(self, event: scrum.DisturbanceTriaged) -> None:
        case = self.cases.get(event.disturbance_id)
        if case is None:
            return
        case.triages.append(event)
        tally = self.record.tally
        tally["triages"] += 1
        tally["triages_right"] += event.assessed_severity == case.struck.severity
        tally["triages_blast_right"] += event.assessed_blast == len(case.struck.blast_stories)

    def _disturbance_softened(self, event: scrum.DisturbanceSoftened) -> None:
        if event.disturbance_id in self.cases:
            self.cases[event.disturbance_id].softened = event
        else:
            self._softened[event.disturbance_id] = event

    def _disturbance_resolved(self, event: scrum.DisturbanceResolved) -> None:
        if event.disturbance_id in self.cases:
            self.cases[event.disturbance_id].resolved = event

    def _knowledge_reviewed(self, event: scrum.KnowledgeReviewed) -> None:
        self.knowledge[event.agent] = event

    def _run_ended(self, event: scrum.RunEnded) -> None:
        self.ended = event
