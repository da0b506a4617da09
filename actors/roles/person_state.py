"""What one person keeps in mind from one message to the next; it survives a restart of the person's actor."""

from __future__ import annotations

from dataclasses import dataclass, field

from actors.policy.decisions import Experience, Person
from actors.policy.mind import Mind
from actors.policy.prompting.memory import Memory
from actors.roles.purse import Purse
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
    """What happened to a person in this sprint: how often, with whom or where, and how many minutes it took."""

    entries: dict[str, dict[str, tuple[int, int]]] = field(default_factory=dict)  # topic -> where -> count, minutes

    def note(self, topic: str, minutes: int = 0, *, where: str = "") -> None:
        """Something happened."""
        places = self.entries.setdefault(topic, {})
        count, before = places.get(where, (0, 0))
        places[where] = (count + 1, before + minutes)

    def experiences(self) -> tuple[Experience, ...]:
        """Everything of this sprint, sorted by topic."""
        return tuple(_experience(topic, self.entries[topic]) for topic in sorted(self.entries))


@dataclass(slots=True)
class PersonState:
    """One member of a team."""

    person: Person
    mind: Mind
    book: LessonBook = field(default_factory=LessonBook)
    diary: Diary = field(default_factory=Diary)
    praised: str = ""  # topic of the last Keep item
    session: OpenSession | None = None  # the one this person drives
    stop_story: str = ""  # the facilitator asked to leave this story
    answered: tuple[int, int] = (0, 0)  # (working day, questions answered on it)
    asked: dict[str, int] = field(default_factory=dict)  # story -> questions asked
    turns: dict[tuple[str, str], int] = field(default_factory=dict)  # how often a draw was made in this sprint
    estimated: dict[str, None] = field(default_factory=dict)  # stories estimated and not seen finished yet
    questions: int = 0
    decision_records: int = 0
    last_decision: str = ""  # key of the latest, as commits name it
    memory: Memory | None = None  # of earlier judgements, where a model is asked for them
    purse: Purse = field(default_factory=Purse)  # what may be spent on models

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


def _experience(topic: str, places: dict[str, tuple[int, int]]) -> Experience:
    """All of one topic; it had most to do with the place that took the most minutes, then with the most frequent."""
    most = min(places, key=lambda where: (-places[where][1], -places[where][0], where))
    return Experience(
        topic=topic,
        count=sum(count for count, _ in places.values()),
        minutes=sum(minutes for _, minutes in places.values()),
        where=most,
    )
