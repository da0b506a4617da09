"""Lessons: what a person takes from the notes of a retrospective, and what exactly it changes in the model.

A Keep item praises; nothing follows from it. A Drop or Puzzle item is a lesson for those who can change what it is
about: the ones who wrote it, everybody it concerns if many wrote it or if it is about how others behave, and those in
charge where none of its authors can do anything about it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args

from actors.policy.calibration import Calibration
from actors.roles.desk import Desk
from actors.scrum.messages import DisturbanceKind, LearningApplied, Member, RetroNote
from actors.scrum.retrospective import Lesson, Note, NoteGroup, group_notes
from actors.scrum.team import Roster
from actors.services.disturbance_response import responsible_for
from actors.work.effort import lesson_permille

SHARED_BY = 3  # a note that so many wrote is a lesson for everybody whom it concerns
HAZARDS: tuple[str, ...] = get_args(DisturbanceKind)
ABOUT_OTHERS = ("dismissed_questions",)  # what the others did to the author


class Lessons:
    """What one person makes of the notes."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def take(self, notes: Sequence[RetroNote], *, sprint: int) -> None:
        """Learn, forget what nothing confirmed for long, and publish every change of what one does."""
        mind, book = self._desk.state.mind, self._desk.state.book
        if not mind.mechanisms.knowledge:
            return
        before = {topic: mind.lesson_strength(topic) for topic in mind.lessons}
        news: dict[str, Lesson] = {}
        for group in group_notes(_note(one) for one in notes if one.column != "keep"):
            if self._is_for_me(group):
                learned = book.learn(group.topic, group.column, self._wording(group, notes), sprint=sprint)
                if learned.forgotten is not None:
                    news[learned.forgotten.topic] = learned.forgotten
                news[group.topic] = learned.lesson
        news.update((lesson.topic, lesson) for lesson in book.fade(sprint=sprint) if lesson.topic not in news)
        for topic, lesson in news.items():
            mind.take_to_heart(topic, book.strength(topic))
            if mind.lesson_strength(topic) != before.get(topic, 0):
                self._publish(lesson, sprint, was=before.get(topic, 0))

    def _is_for_me(self, group: NoteGroup) -> bool:
        roster = self._desk.team.roster
        concerned = [member.agent for member in roster.members if concerns(group.topic, member, roster)]
        me = self._desk.state.agent
        if me not in concerned:
            return False
        if me in group.agents or len(group.agents) >= SHARED_BY or group.topic in ABOUT_OTHERS:
            return True
        return not any(author in concerned for author in group.agents)

    def _wording(self, group: NoteGroup, notes: Sequence[RetroNote]) -> str:
        """One's own words where there are any."""
        me = self._desk.state.agent
        own = (one.text for one in notes if (one.agent, one.column, one.topic) == (me, group.column, group.topic))
        return next(own, group.texts[0])

    def _publish(self, lesson: Lesson, sprint: int, *, was: int) -> None:
        desk = self._desk
        strength = desk.state.mind.lesson_strength(lesson.topic)
        change = "new" if was == 0 else "strengthened" if strength > was else "weaker" if strength else "faded"
        member = desk.team.roster.member(desk.state.agent)
        effect = effect_of(lesson.topic, member, desk.team.roster, desk.team.calibration, strength=strength)
        desk.context.publish(
            LearningApplied(
                team=desk.team.team,
                sprint=sprint,
                agent=desk.state.agent,
                column=lesson.column,
                topic=lesson.topic,
                text=lesson.text,
                effect=f"{change}: {effect}",
            )
        )


def concerns(topic: str, member: Member, roster: Roster) -> bool:
    """Whether there is anything that this person could do differently because of a lesson about this topic."""
    leads = member == roster.lead
    owns = "developer" in member.roles and (not leads or len(roster.developers) == 1)
    if topic in HAZARDS:
        in_charge = responsible_for(topic, roster)
        return member.agent == in_charge if in_charge else owns
    if topic == "overrun_tasks":
        return owns or leads
    if topic == "review_remarks":
        return owns
    return topic == "dismissed_questions" and member.seniority != "junior"


def effect_of(topic: str, member: Member, roster: Roster, calibration: Calibration, *, strength: int) -> str:
    """What a lesson of this strength changes in what this person does, in numbers of the model."""
    if topic in HAZARDS:
        saved = (1000 - lesson_permille(calibration, strength=strength)) // 10
        noise = min(1000, calibration.triage.lesson_relief * strength) // 10
        what = topic.replace("_", " ")
        return f"{what} costs {saved} % less and is judged with {noise} % less error when this person handles it"
    if topic == "overrun_tasks" and member == roster.lead:
        planning = calibration.planning
        dares = min(1000, planning.hope + planning.care_per_lesson * strength) // 10
        return f"plans count with {dares} % of the minutes that finished tasks took"
    if topic == "overrun_tasks":
        standup = calibration.standup
        lag = max(0, standup.lag_for_help - standup.earlier_per_lesson * strength) // 10
        return f"may ask for help in the stand-up from {lag} % behind plan on"
    if topic == "review_remarks":
        fewer = min(1000, calibration.defects.relief_per_lesson * strength) // 10
        return f"puts {fewer} % fewer defects into what this person drives"
    fewer = min(1000, calibration.answering.relief_per_lesson * strength) // 10
    return f"waves {fewer} % fewer questions away"


def _note(one: RetroNote) -> Note:
    return Note(agent=one.agent, column=one.column, topic=one.topic, text=one.text)
