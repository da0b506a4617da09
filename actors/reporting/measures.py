"""Which event moves which metric. The live registry and the recorded metrics both read from here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from actors.reporting.code_measures import CodeMeasures
from actors.reporting.entries import LoggedEvent
from actors.reporting.series import SeriesStore
from actors.scrum import messages as scrum
from brokers.node.messages import DeadLettered

_MILLION = 1_000_000


class Measures:
    """Turns events into series, one entry at a time."""

    def __init__(self) -> None:
        self.store = SeriesStore()
        self._code = CodeMeasures(self.store)
        self._juniors: dict[str, list[str]] = {}  # team -> its juniors
        self._asked: Counter[tuple[str, str]] = Counter()  # (team, junior) -> questions in the running sprint
        self._answers: Counter[str] = Counter()  # senior -> juniors' questions handled
        self._dismissals: Counter[str] = Counter()
        self._handlers: dict[type[Any], Callable[[Any], None]] = {
            scrum.TeamFormed: self._team_formed,
            scrum.SprintEnded: self._sprint_ended,
            scrum.SessionEnded: self._session_ended,
            scrum.CheckpointHeld: self._checkpoint_held,
            scrum.QuestionAsked: self._question_asked,
            scrum.QuestionAnswered: self._question_answered,
            scrum.ReverseMentorship: self._reverse_mentorship,
            scrum.DisturbanceStruck: self._disturbance_struck,
            scrum.StoryJudged: self._story_judged,
            scrum.Escalated: self._escalated,
            scrum.DecisionTaken: self._decision_taken,
            scrum.ModelAsked: self._model_asked,
            DeadLettered: self._dead_lettered,
            **self._code.handlers,
        }

    def apply(self, entry: LoggedEvent) -> None:
        """Take one entry into account."""
        self.store.increment("events_total")
        handler = self._handlers.get(type(entry.message))
        if handler is not None:
            handler(entry.message)

    def _team_formed(self, event: scrum.TeamFormed) -> None:
        self._juniors[event.team] = [member.agent for member in event.members if member.seniority == "junior"]

    def _sprint_ended(self, event: scrum.SprintEnded) -> None:
        self.store.set_millionths("sprint_velocity", event.team, to=event.finished_points * _MILLION)
        if event.finished_stories:
            self.store.increment("stories_finished_total", event.team, by=len(event.finished_stories))
        for junior in self._juniors.get(event.team, ()):
            asked = self._asked.pop((event.team, junior), 0)
            self.store.set_millionths("junior_question_rate_per_sprint", junior, to=asked * _MILLION)

    def _session_ended(self, event: scrum.SessionEnded) -> None:
        self.store.increment("pairing_sessions_total", event.driver, event.navigator)

    def _checkpoint_held(self, event: scrum.CheckpointHeld) -> None:
        if event.approved:
            self.store.observe("consensus_seconds", duration_us=event.consensus_us)

    def _question_asked(self, event: scrum.QuestionAsked) -> None:
        if event.asker_seniority == "junior":
            self._asked[event.team, event.asker] += 1

    def _question_answered(self, event: scrum.QuestionAnswered) -> None:
        if event.asker_seniority != "junior":
            return
        changed = "true" if event.changed else "false"
        self.store.increment("junior_questions_total", event.asker, changed, event.category)
        if event.answerer_seniority != "senior":
            return
        senior = event.answerer
        self._answers[senior] += 1
        self._dismissals[senior] += event.dismissed
        share = self._dismissals[senior] * _MILLION // self._answers[senior]
        self.store.set_millionths("question_dismissal_rate", senior, to=share)
        if not event.dismissed:
            self.store.observe("senior_response_pause_seconds", senior, event.category, duration_us=event.pause_us)
        if event.answerer_learned:
            self.store.increment("senior_learned_from_junior_total", senior, event.asker, event.category)

    def _reverse_mentorship(self, event: scrum.ReverseMentorship) -> None:
        self.store.increment("reverse_mentorship_total", event.junior, event.senior, event.topic)

    def _disturbance_struck(self, event: scrum.DisturbanceStruck) -> None:
        self.store.increment("disturbances_total", event.type, str(event.severity), event.team)

    def _story_judged(self, event: scrum.StoryJudged) -> None:
        if event.verdict != "rejected":
            self.store.observe("sprint_cycle_time_seconds", duration_us=event.cycle_us)

    def _escalated(self, event: scrum.Escalated) -> None:
        self.store.increment("escalations_total", str(event.tier))

    def _decision_taken(self, event: scrum.DecisionTaken) -> None:
        decision = event.decision.removeprefix("decision.").partition("/")[0]
        self.store.observe("agent_response_seconds", event.agent, decision, duration_us=event.duration_us)
        if event.prompt_tokens is not None:
            self.store.increment("tokens_total", event.agent, "prompt", by=event.prompt_tokens)
        if event.completion_tokens is not None:
            self.store.increment("tokens_total", event.agent, "completion", by=event.completion_tokens)

    def _model_asked(self, event: scrum.ModelAsked) -> None:
        """The tokens of decisions that failed; those of the others are told when they are taken."""
        if event.outcome not in ("settled", "repaired") and event.unmetered < event.attempts:
            self.store.increment("tokens_total", event.agent, "prompt", by=event.prompt_tokens)
            self.store.increment("tokens_total", event.agent, "completion", by=event.completion_tokens)

    def _dead_lettered(self, event: DeadLettered) -> None:
        self.store.increment("dead_letters_total", event.actor)
