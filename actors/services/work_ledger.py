"""The ground truth of modelled work, story by story: what is done, what is wrong in it, what it still owes.

Pure state and its rules; the workshop actor carries them out, and a git workspace can take its place later. Nobody's
observation contains what stands here before it shows in the work itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from actors.scrum.messages import PlannedTask
from actors.scrum.stories import Story


class WorkError(Exception):
    """Base class: the workshop refused, nothing has changed."""


class UnknownWorkError(WorkError):
    """Raised when nobody registered the story."""

    def __init__(self, story_id: str) -> None:
        super().__init__(f"the workshop knows no story {story_id}")
        self.story_id = story_id


class NothingOpenError(WorkError):
    """Raised when a disturbance should reach a story on which no work is left."""

    def __init__(self, story_id: str) -> None:
        super().__init__(f"no work is left on {story_id}")
        self.story_id = story_id


@dataclass(slots=True)
class TaskWork:
    """One task as it really goes."""

    task: PlannedTask
    sized_minutes: int  # what its size stands for, at standard pace
    standard_minutes: int  # what it really takes at standard pace
    quarters: int = 4  # checkpoints; a repair has one
    done: int = 0
    spent_minutes: int = 0
    running_minutes: int | None = None  # of the quarter under way; None between quarters
    running_total: int = 0  # what that quarter takes in all
    repairs: tuple[int, ...] = ()  # numbers of the defects that are gone when it is finished
    settles: tuple[tuple[int, str], ...] = ()  # wrong assumptions that are put right by it
    disturbance_id: str = ""

    @property
    def is_open(self) -> bool:
        """Whether something is left to do."""
        return self.done < self.quarters


@dataclass(slots=True)
class Defect:
    """Something that is wrong in the work."""

    number: int
    criterion: int
    task_id: str
    known: bool = False  # quality assurance found it


@dataclass(slots=True)
class Debt:
    """Working minutes that a disturbance costs a story."""

    disturbance_id: str
    hazard: str
    minutes: int
    paid: int = 0
    deferred: bool = False


@dataclass(slots=True)
class Setback:
    """Progress that was lost, until it is regained."""

    disturbance_id: str
    task_id: str
    until_done: int
    minutes: int  # what was lost, at standard pace


@dataclass(slots=True)
class StoryWork:
    """One story in the workshop."""

    story: Story
    tasks: list[TaskWork] = field(default_factory=list)
    clarified: dict[tuple[int, str], None] = field(default_factory=dict)
    wrong: dict[tuple[int, str], None] = field(default_factory=dict)  # built otherwise than wanted
    defects: list[Defect] = field(default_factory=list)
    debts: list[Debt] = field(default_factory=list)
    setbacks: list[Setback] = field(default_factory=list)
    flaky_from: str = ""  # the disturbance that made a check unreliable
    flaky_minutes: int = 0  # what it takes to make that check reliable
    built: int = 0  # criteria that exist in the work
    defects_made: int = 0
    inspected: str = ""  # the quarter whose defects are rolled already
    spotted: tuple[int, ...] = ()  # defects the navigator points at
    check_runs: int = 0

    @property
    def current(self) -> TaskWork | None:
        """The task that is worked on next."""
        return next((task for task in self.tasks if task.is_open), None)

    @property
    def is_last_quarter(self) -> bool:
        """Whether the quarter under way is the last of the story."""
        left = sum(task.quarters - task.done for task in self.tasks)
        return left <= 1

    @property
    def owed_minutes(self) -> int:
        """Minutes to work off before going on; what was deferred is due at the end."""
        due = [debt for debt in self.debts if not debt.deferred or self.is_last_quarter]
        return sum(debt.minutes - debt.paid for debt in due)

    @property
    def is_open(self) -> bool:
        """Whether any work is left."""
        return self.current is not None or any(debt.paid < debt.minutes for debt in self.debts)

    @property
    def progress_permille(self) -> int:
        """Standard minutes done against all standard minutes."""
        whole = sum(task.standard_minutes for task in self.tasks)
        done = sum(task.standard_minutes * task.done // task.quarters for task in self.tasks)
        return done * 1000 // whole if whole else 0

    @property
    def expected_permille(self) -> int:
        """Where the story would be by the minutes spent, had the estimates been right."""
        planned = sum(task.task.estimated_minutes for task in self.tasks)
        spent = sum(task.spent_minutes for task in self.tasks)
        return min(1000, spent * 1000 // planned) if planned else 0

    def settle(self, minutes: int) -> list[Debt]:
        """Pay debts, oldest first. Returns those that are paid off by it."""
        paid_off: list[Debt] = []
        for debt in self.debts:
            share = min(minutes, debt.minutes - debt.paid)
            debt.paid += share
            minutes -= share
            if debt.paid >= debt.minutes:
                paid_off.append(debt)
        self.debts = [debt for debt in self.debts if debt.paid < debt.minutes]
        return paid_off

    def regained(self, task: TaskWork) -> list[Setback]:
        """Setbacks of a task that are made good now."""
        over = [each for each in self.setbacks if each.task_id == task.task.task_id and task.done >= each.until_done]
        self.setbacks = [each for each in self.setbacks if each not in over]
        return over

    def criteria_due(self) -> range:
        """Criteria that come into being with the quarter under way: as many as progress has reached."""
        planned = [task for task in self.tasks if not task.repairs and not task.settles and not task.disturbance_id]
        whole = sum(task.quarters for task in planned)
        reached = sum(task.done for task in planned) + 1
        count = len(self.story.criteria)
        return range(self.built + 1, (count if reached >= whole else count * reached // whole) + 1)


@dataclass(slots=True)
class WorkLedger:
    """All stories of a team, and the debt of the product's modules."""

    team: str
    stories: dict[str, StoryWork] = field(default_factory=dict)
    module_debt: dict[str, dict[str, int]] = field(default_factory=dict)  # module -> disturbance -> slowdown permille
    struck: dict[tuple[str, str], int] = field(default_factory=dict)  # disturbance and story -> minutes it costs there
    tasks_added: dict[int, int] = field(default_factory=dict)  # sprint -> number of tasks added after planning

    def work_on(self, story_id: str) -> StoryWork:
        """One story. Raises UnknownWorkError."""
        found = self.stories.get(story_id)
        if found is None:
            raise UnknownWorkError(story_id)
        return found

    def debt_permille(self, module: str) -> int:
        """How much longer work in a module takes; 1000 without architectural debt."""
        return 1000 + sum(slowdown - 1000 for slowdown in self.module_debt.get(module, {}).values())

    def next_task_id(self, sprint: int) -> str:
        """A number for a task that was not planned; those of planning stay below 500."""
        number = self.tasks_added.get(sprint, 0) + 1
        self.tasks_added[sprint] = number
        return f"T-{sprint}-{500 + number:03d}"
