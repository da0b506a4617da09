"""What the facilitator knows of the running sprint; it survives a restart, so that the sprint goes on."""

from __future__ import annotations

from dataclasses import dataclass, field

from actors.policy.decisions import StoryView
from actors.scrum.messages import RetroNote
from actors.scrum.pairing import Pair, PairCounts
from actors.scrum.stories import Story


@dataclass(slots=True)
class KnownStory:
    """A story from its refinement to its acceptance."""

    story: Story
    points: int = 0
    answered: list[str] = field(default_factory=list)  # "criterion:topic"
    added_criteria: list[str] = field(default_factory=list)
    returned: int = 0  # times quality assurance sent it back
    done_us: int = 0  # when quality assurance approved it

    def view(self) -> StoryView:
        """The story as everybody sees it."""
        story = self.story
        return StoryView(
            story_id=story.story_id,
            title=story.title,
            criteria=(*story.criteria, *self.added_criteria),
            module=story.module,
            specialization=story.specialization,
            sized_points=story.sized_points,
            answered=tuple(self.answered),
        )

    def clear(self, point: str) -> None:
        """An open point was answered."""
        if point and point not in self.answered:
            self.answered.append(point)


@dataclass(slots=True)
class SprintState:
    """One team's sprint, and what is remembered of earlier ones."""

    sprint: int = 0
    passed: dict[str, None] = field(default_factory=dict)  # steps of this sprint that are over
    is_over: bool = False
    backlog_exhausted: bool = False
    finished_points: list[int] = field(default_factory=list)  # of each sprint
    accepted: dict[str, None] = field(default_factory=dict)  # in all sprints
    counts: PairCounts = field(default_factory=PairCounts)
    stories: dict[str, KnownStory] = field(default_factory=dict)  # refined and not accepted yet
    rotation: int = 0  # whose turn it is to ask
    # -- of this sprint
    capacity: int = 0
    presenting: Story | None = None  # being refined
    refined: list[str] = field(default_factory=list)  # refined, not planned yet
    committed_points: int = 0
    tasks_planned: int = 0
    load: dict[str, int] = field(default_factory=dict)  # points that each developer owns
    day: int = 0
    helpers: dict[str, str] = field(default_factory=dict)  # story -> who helps today
    idle: list[Pair] = field(default_factory=list)  # pairs of today without a story
    sessions: dict[str, Pair] = field(default_factory=dict)  # story -> who works on it now
    completed: dict[str, str] = field(default_factory=dict)  # story -> driver; done, and waits for room in review
    reviewing: dict[str, str] = field(default_factory=dict)  # story -> tester
    reviews: dict[str, int] = field(default_factory=dict)  # tester -> stories checked in this sprint
    accepted_now: list[tuple[str, int]] = field(default_factory=list)  # story and points
    notes: list[RetroNote] = field(default_factory=list)

    def begin(self, sprint: int) -> None:
        """Forget what belonged to the last sprint; testers and pairs that are still at work stay so."""
        self.sprint = sprint
        self.passed.clear()
        self.presenting = None
        self.refined.clear()
        self.committed_points = self.tasks_planned = self.day = 0
        self.load.clear()
        self.helpers.clear()
        self.idle.clear()
        self.reviews.clear()
        self.accepted_now.clear()
        self.notes.clear()

    def known(self) -> tuple[str, ...]:
        """Stories that others may build on in refinement: accepted, or on the board."""
        return (*self.accepted, *self.stories)

    def busy(self) -> frozenset[str]:
        """Everybody who sits in a session or checks a story."""
        pairing = [agent for pair in self.sessions.values() for agent in (pair.driver, pair.navigator)]
        return frozenset((*pairing, *self.reviewing.values()))
