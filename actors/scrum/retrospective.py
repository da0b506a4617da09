"""What a team makes of a sprint: notes grouped by what they are about, and the lessons each person keeps.

Lessons are bounded: one for each (topic, column), stronger when it is confirmed, gone when nothing confirms it for
eight sprints, and never more than a person can hold in mind.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal, get_args

from actors.scrum.messages import RetroColumn

MAX_STRENGTH = 3
FADES_AFTER_SPRINTS = 8
MAX_LESSONS = 12
RETRO_COLUMNS: tuple[RetroColumn, ...] = get_args(RetroColumn)


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """One item that one person put on the wall."""

    agent: str
    column: RetroColumn
    topic: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteGroup:
    """All notes of one column about one topic."""

    column: RetroColumn
    topic: str
    agents: tuple[str, ...]  # who wrote one, each once, in the order of the notes
    texts: tuple[str, ...]  # without repetitions


def group_notes(notes: Iterable[Note]) -> tuple[NoteGroup, ...]:
    """Group notes by column and topic: Keep, Drop, Puzzle; what most people wrote about first, then by topic."""
    grouped: dict[tuple[RetroColumn, str], list[Note]] = {}
    for note in notes:
        grouped.setdefault((note.column, note.topic), []).append(note)
    groups = (
        NoteGroup(
            column=column,
            topic=topic,
            agents=tuple(dict.fromkeys(note.agent for note in members)),
            texts=tuple(dict.fromkeys(note.text for note in members)),
        )
        for (column, topic), members in grouped.items()
    )
    return tuple(sorted(groups, key=lambda group: (RETRO_COLUMNS.index(group.column), -len(group.agents), group.topic)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """Something one person took from retrospectives."""

    topic: str
    column: RetroColumn
    text: str  # as it was put last
    strength: int  # 1 to MAX_STRENGTH
    learned_sprint: int
    confirmed_sprint: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """What became of a lesson that somebody heard."""

    lesson: Lesson
    effect: Literal["new", "strengthened", "confirmed"]  # confirmed: it was as strong as it gets
    forgotten: Lesson | None  # what had to go to make room


class LessonBook:
    """The lessons of one person."""

    def __init__(self) -> None:
        self._lessons: dict[tuple[str, RetroColumn], Lesson] = {}

    @property
    def lessons(self) -> tuple[Lesson, ...]:
        """All lessons, strongest first, then the latest confirmed, then by topic and column."""
        return tuple(sorted(self._lessons.values(), key=_strongest_first))

    def strength(self, topic: str) -> int:
        """Return the strength of the strongest lesson about a topic; 0 without one."""
        return max((lesson.strength for lesson in self._lessons.values() if lesson.topic == topic), default=0)

    def learn(self, topic: str, column: RetroColumn, text: str, *, sprint: int) -> Learned:
        """Take a lesson in, or confirm the one there is; hearing it twice in one sprint strengthens it once.

        Raises:
            ValueError: The sprint lies before the one in which the lesson was last confirmed.
        """
        known = self._lessons.get((topic, column))
        if known is None:
            lesson = Lesson(
                topic=topic, column=column, text=text, strength=1, learned_sprint=sprint, confirmed_sprint=sprint
            )
            forgotten = self._make_room()
            self._lessons[topic, column] = lesson
            return Learned(lesson=lesson, effect="new", forgotten=forgotten)
        if sprint < known.confirmed_sprint:
            raise ValueError(f"sprint {sprint} lies before sprint {known.confirmed_sprint}")
        grows = sprint > known.confirmed_sprint and known.strength < MAX_STRENGTH
        lesson = replace(known, text=text, strength=known.strength + grows, confirmed_sprint=sprint)
        self._lessons[topic, column] = lesson
        return Learned(lesson=lesson, effect="strengthened" if grows else "confirmed", forgotten=None)

    def fade(self, *, sprint: int) -> tuple[Lesson, ...]:
        """Forget what nothing confirmed for eight sprints; returns it, by topic and column."""
        faded = [key for key, one in self._lessons.items() if sprint - one.confirmed_sprint >= FADES_AFTER_SPRINTS]
        return tuple(self._lessons.pop(key) for key in sorted(faded))

    def _make_room(self) -> Lesson | None:
        """Forget the weakest, then longest unconfirmed lesson if a new one would be too many."""
        if len(self._lessons) < MAX_LESSONS:
            return None
        weakest = self.lessons[-1]
        return self._lessons.pop((weakest.topic, weakest.column))


def _strongest_first(lesson: Lesson) -> tuple[int, int, str, str]:
    return -lesson.strength, -lesson.confirmed_sprint, lesson.topic, lesson.column
