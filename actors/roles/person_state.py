"""What one person keeps in mind from one message to the next; it survives a restart of the person's actor."""

from __future__ import annotations

from dataclasses import dataclass, field

from actors.policy.decisions import Experience, Person
from actors.policy.mind import Mind
from actors.scrum.retrospective import LessonBook


@dataclass(slots=True)
class OpenSession:
    """A pairing session that has begun and not ended."""

    session_id: str
    sprint: int
    day: int
    story_id: str
    task_id: str
    title: str
    module: str
    navigator: str
    started_us: int
    worked_minutes: int = 0
    checkpoints: int = 0
    exchanges: int = 0
    consensus: bool = True
    escalated: bool = False


@dataclass(slots=True)
class Diary:
    """What happened to a person in this sprint: how often, and how many minutes it cost."""

    entries: dict[str, list[int]] = field(default_factory=dict)  # topic -> [count, minutes]

    def note(self, topic: str, minutes: int = 0) -> None:
        """Something happened."""
        entry = self.entries.setdefault(topic, [0, 0])
        entry[0] += 1
        entry[1] += minutes

    def experiences(self) -> tuple[Experience, ...]:
        """Everything of this sprint, sorted by topic."""
        return tuple(
            Experience(topic=topic, count=count, minutes=minutes)
            for topic, (count, minutes) in sorted(self.entries.items())
        )


@dataclass(slots=True)
class PersonState:
    """One member of a team."""

    person: Person
    mind: Mind
    book: LessonBook = field(default_factory=LessonBook)
    diary: Diary = field(default_factory=Diary)
    session: OpenSession | None = None  # the one this person drives
    stop_story: str = ""  # the facilitator asked to leave this story
    answered: tuple[int, int] = (0, 0)  # (working day, questions answered on it)
    asked: dict[str, int] = field(default_factory=dict)  # story -> questions asked
    turns: dict[tuple[str, str], int] = field(default_factory=dict)  # how often a draw was made in this sprint
    estimated: dict[str, None] = field(default_factory=dict)  # stories estimated and not seen finished yet
    questions: int = 0
    decision_records: int = 0

    @property
    def agent(self) -> str:
        """The person's id."""
        return self.person.agent

    def turn(self, stream: str, entity: str) -> int:
        """Number of this draw, so that a repeated one is another one."""
        n = self.turns.get((stream, entity), 0)
        self.turns[stream, entity] = n + 1
        return n

    def new_sprint(self) -> None:
        """Forget what mattered for one sprint only. Entities of draws name their sprint, so none comes twice."""
        self.diary = Diary()
        self.turns.clear()
        self.asked.clear()
