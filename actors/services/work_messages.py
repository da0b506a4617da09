"""What is asked of the workshop, where the work itself lives: progress, defects, and what was never clarified."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from actors.scrum.messages import DisturbanceKind, PlannedTask
from actors.scrum.stories import Story
from actors.work.effort import Pair, Worker


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterStory:
    """A story exists, with all that its product owner knows about it."""

    KIND: ClassVar[str] = "work.register_story/1"
    story: Story


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterPlan:
    """The tasks of a story, in the order they will be worked on."""

    KIND: ClassVar[str] = "work.register_plan/2"
    story_id: str
    tasks: tuple[PlannedTask, ...]
    sized: tuple[int, ...]  # minutes of each task at standard pace, as its share of the story's points gives them


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkQuarter:
    """A pair sits down to the next quarter of a story's next task. Answered by QuarterPlanned."""

    KIND: ClassVar[str] = "work.work_quarter/1"
    story_id: str
    pair: Pair


@dataclass(frozen=True, slots=True, kw_only=True)
class QuarterPlanned:
    """What the pair is at, and the working minutes it will really take; nobody sees them beforehand."""

    KIND: ClassVar[str] = "work.quarter_planned/1"
    task_id: str  # empty: nothing is left to do
    title: str
    specialization: str
    percent: int  # the checkpoint at its end: 25, 50, 75 or 100; 0: no checkpoint, only interruptions to work off
    minutes: int
    estimated_minutes: int  # of the whole task
    spent_minutes: int  # on the whole task, until now


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseQuarter:
    """The day is over in the middle of a quarter."""

    KIND: ClassVar[str] = "work.pause_quarter/1"
    story_id: str
    remaining_minutes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class InspectWork:
    """The quarter's work is on the screen. Answered by Inspection."""

    KIND: ClassVar[str] = "work.inspect_work/3"
    story_id: str
    session_id: str
    navigator: str  # empty: the driver is alone
    decision: str  # the last decision that led to this work
    pair: Pair
    care: int  # how firmly the driver keeps earlier remarks in mind, 0 to 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """What this navigator can see, and the minutes that interruptions still cost."""

    KIND: ClassVar[str] = "work.inspection/2"
    suspicious_spots: int
    owed_minutes: int
    repair_minutes: int = 0  # to make visible tests green again, before anybody else looks


@dataclass(frozen=True, slots=True, kw_only=True)
class SettleDebt:
    """The pair worked off what a story owed to interruptions."""

    KIND: ClassVar[str] = "work.settle_debt/1"
    story_id: str
    minutes: int
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviseWork:
    """The driver changes what the navigator pointed at. Answered by RevisionPlanned."""

    KIND: ClassVar[str] = "work.revise_work/1"
    story_id: str
    pair: Pair


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisionPlanned:
    """What the change costs."""

    KIND: ClassVar[str] = "work.revision_planned/1"
    minutes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishQuarter:
    """The checkpoint is held. Answered by QuarterFinished."""

    KIND: ClassVar[str] = "work.finish_quarter/1"
    story_id: str
    by: str
    revision_minutes: int  # what changes after the navigator's review took today
    owed_minutes: int  # what of them did not fit into today


@dataclass(frozen=True, slots=True, kw_only=True)
class QuarterFinished:
    """How far the task is now."""

    KIND: ClassVar[str] = "work.quarter_finished/2"
    task_id: str
    task_done: bool
    story_done: bool
    estimated_minutes: int
    spent_minutes: int
    sized_minutes: int  # what the task's size stands for, at standard pace


@dataclass(frozen=True, slots=True, kw_only=True)
class Clarified:
    """Somebody asked, and was answered: what was hidden is known now."""

    KIND: ClassVar[str] = "work.clarified/1"
    story_id: str
    criterion: int
    topic: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunChecks:
    """Quality assurance tests a story. Answered by ChecksRun."""

    KIND: ClassVar[str] = "work.run_checks/1"
    story_id: str
    tester: Worker


@dataclass(frozen=True, slots=True, kw_only=True)
class ChecksRun:
    """What the checks found; `minutes` is what testing took."""

    KIND: ClassVar[str] = "work.checks_run/1"
    minutes: int
    failing: int
    flaky: int
    findings: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AddRework:
    """Something must be done again: what quality assurance found, or what the product owner did not accept."""

    KIND: ClassVar[str] = "work.add_rework/1"
    story_id: str
    sprint: int
    reason: str  # qa, review, or why the merge queue gave it back: conflict, red, gates
    criteria: tuple[int, ...]  # the rejected ones; empty when quality assurance asks


@dataclass(frozen=True, slots=True, kw_only=True)
class Demonstrate:
    """Show a done story to the product owner. Answered by Demonstration."""

    KIND: ClassVar[str] = "work.demonstrate/1"
    story_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Deviation:
    """One difference between what was wanted and what is there."""

    criterion: int  # 1-based
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Demonstration:
    """Every difference that shows."""

    KIND: ClassVar[str] = "work.demonstration/1"
    deviations: tuple[Deviation, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasureProgress:
    """How far is a story? Answered by Progress."""

    KIND: ClassVar[str] = "work.measure_progress/1"
    story_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Progress against plan, thousandths, and what holds the work up."""

    KIND: ClassVar[str] = "work.progress/1"
    story_id: str
    progress_permille: int
    expected_permille: int
    open_hazards: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DisturbanceEffect:
    """A disturbance reaches the work of one story. Answered by EffectApplied."""

    KIND: ClassVar[str] = "work.disturbance_effect/1"
    disturbance_id: str
    type: DisturbanceKind
    story_id: str
    severity: int
    minutes: int  # of working time it costs this story, before the person hit has responded
    sprint: int
    text: str  # the new criterion of scope_creep; else empty


@dataclass(frozen=True, slots=True, kw_only=True)
class Interrupt:
    """Somebody on a story is called away for so many minutes. Refused with NothingOpenError."""

    KIND: ClassVar[str] = "work.interrupt/1"
    disturbance_id: str
    hazard: DisturbanceKind
    story_id: str
    minutes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Respond:
    """The person hit has decided: pay now, or later and more, or let the lead take some of it."""

    KIND: ClassVar[str] = "work.respond/1"
    disturbance_id: str
    story_id: str
    response: str
    minutes: int  # what it costs after the response


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectApplied:
    """What the disturbance really costs this story."""

    KIND: ClassVar[str] = "work.effect_applied/1"
    minutes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkedOff:
    """Told to the disturber: one story no longer pays for a disturbance."""

    KIND: ClassVar[str] = "work.worked_off/1"
    disturbance_id: str
    story_id: str
    by: str
    minutes: int
