"""What everybody does in ceremonies: estimate, report, reflect, take lessons; and judge what hits them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from actors.policy.decisions import EstimatePoints, ReflectOnSprint, ReportStandup, RetroChoice, TriageDisturbance
from actors.roles.duty import Duty, Handler
from actors.roles.lessons import Lessons
from actors.scrum.messages import (
    DisturbanceTriaged,
    KnowledgeReviewed,
    ModuleKnowledge,
    RetroColumn,
    RetroNote,
)
from actors.services.ceremony_messages import (
    EstimateGiven,
    EstimateStory,
    KnowledgeTold,
    Reflect,
    Reflected,
    ReportStatus,
    StatusReported,
    TakeLessons,
    TellKnowledge,
)
from actors.services.disturbance_messages import Suffered, TriageCall, Triaged
from actors.services.work_messages import MeasureProgress


class Ceremonies(Duty):
    """Taking part in a team."""

    def __init__(self, desk: Any) -> None:
        super().__init__(desk)
        self._lessons = Lessons(desk)

    def handlers(self) -> Mapping[type[Any], Handler]:
        """Estimation, stand-up, triage, retrospective, meta-learning."""
        return {
            EstimateStory: self._estimate,
            ReportStatus: self._report,
            TellKnowledge: lambda asked: KnowledgeTold(permille=self.state.mind.knowledge_permille(asked.module)),
            TriageCall: self._triage,
            Suffered: lambda news: self.state.diary.note(news.hazard, news.minutes),
            Reflect: self._reflect,
            TakeLessons: self._take_lessons,
        }

    async def _estimate(self, order: EstimateStory) -> EstimateGiven:
        observation = EstimatePoints(
            person=self.state.person,
            story=order.story,
            knowledge_permille=self.desk.knowledge(order.story),
            estimates_seen=self.state.mind.estimates_seen,
            round=order.round,
            votes=order.votes,
        )
        choice = await self.desk.decide(observation, "estimates", f"{order.story.story_id}/{order.round}")
        self.state.estimated[order.story.story_id] = None
        return EstimateGiven(points=choice.points)

    async def _report(self, order: ReportStatus) -> StatusReported:
        progress = await self.desk.insist(self.team.workshop, MeasureProgress(story_id=order.story_id))
        observation = ReportStandup(
            person=self.state.person,
            story_id=order.story_id,
            progress_permille=progress.progress_permille,
            expected_permille=progress.expected_permille,
            open_hazards=progress.open_hazards,
            days_left=order.days_left,
            lessons=self.state.mind.lesson_strength("overrun_tasks"),
        )
        choice = await self.desk.decide(observation, "standups", f"{order.story_id}/d{self.desk.day}")
        blocker = choice.text if choice.raise_blocker or choice.ask_help else ""
        return StatusReported(progress_permille=progress.progress_permille, blocker=blocker, wants_help=choice.ask_help)

    async def _triage(self, call: TriageCall) -> Triaged:
        lessons = self.state.mind.lesson_strength(call.hazard)
        observation = TriageDisturbance(
            person=self.state.person,
            hazard=call.hazard,
            symptom_permille=call.symptom_permille,
            visible_stories=call.visible_stories,
            knowledge_permille=self.state.mind.knowledge_permille(call.module),
            lessons=lessons,
        )
        choice = await self.desk.decide(observation, "triage", call.disturbance_id)
        self.context.publish(
            DisturbanceTriaged(
                team=self.team.team,
                sprint=call.sprint,
                disturbance_id=call.disturbance_id,
                by=self.state.agent,
                assessed_severity=choice.severity,
                assessed_blast=choice.blast,
                response=choice.response,
            )
        )
        return Triaged(response=choice.response, lessons=lessons)

    async def _reflect(self, order: Reflect) -> Reflected:
        observation = ReflectOnSprint(
            person=self.state.person,
            sprint=order.sprint,
            experiences=self.state.diary.experiences(),
            lessons=self.state.mind.lessons,
            praised=self.state.praised,
        )
        choice = await self.desk.decide(observation, "retrospectives", f"s{order.sprint}")
        self.state.praised = choice.keep_topic
        notes = self._notes(order.sprint, choice)
        for note in notes:
            self.context.publish(note)
        return Reflected(notes=notes)

    def _notes(self, sprint: int, choice: RetroChoice) -> tuple[RetroNote, ...]:
        said: tuple[tuple[RetroColumn, str, str], ...] = (
            ("keep", choice.keep_topic, choice.keep),
            ("drop", choice.drop_topic, choice.drop),
            ("puzzle", choice.puzzle_topic, choice.puzzle),
        )
        return tuple(
            RetroNote(team=self.team.team, sprint=sprint, agent=self.state.agent, column=column, topic=topic, text=text)
            for column, topic, text in said
            if topic
        )

    def _take_lessons(self, order: TakeLessons) -> None:
        """Take to heart what one can change; then look back on what one knows now."""
        state = self.state
        for story_id in order.accepted:
            if state.estimated.pop(story_id, state) is None:
                state.mind.saw_estimate_finish()
        self._lessons.take(order.notes, sprint=order.sprint)
        state.mind.end_sprint()
        self._review_knowledge(order.sprint)
        state.new_sprint()

    def _review_knowledge(self, sprint: int) -> None:
        mind = self.state.mind
        self.context.publish(
            KnowledgeReviewed(
                team=self.team.team,
                sprint=sprint,
                agent=self.state.agent,
                modules=tuple(ModuleKnowledge(module=name, permille=known) for name, known in mind.knowledge()),
                mean_familiarity_permille=mind.mean_familiarity_permille,
            )
        )
