"""The workshop: where the work of one team really is, whatever people think of it."""

from __future__ import annotations

from typing import Any, ClassVar

from actors.scrum.messages import TaskAdded
from actors.services.disturbance_effects import apply_effect, interrupt, respond
from actors.services.disturbance_messages import CrashActor
from actors.services.failures import CrashRequestedError, UnexpectedMessageError
from actors.services.modelled_work import ModelledWork
from actors.services.work_ledger import TaskWork, WorkError
from actors.services.work_messages import (
    AddRework,
    Clarified,
    Demonstrate,
    Demonstration,
    DisturbanceEffect,
    EffectApplied,
    FinishQuarter,
    InspectWork,
    Interrupt,
    MeasureProgress,
    PauseQuarter,
    Progress,
    QuarterFinished,
    RegisterPlan,
    RegisterStory,
    Respond,
    ReviseWork,
    RunChecks,
    SettleDebt,
    WorkedOff,
    WorkQuarter,
)
from brokers.node.actor import Actor


class Workshop(Actor):
    """Owns the ground truth of one team's work. Modelled here; a git workspace can answer the same messages."""

    refusals: ClassVar[tuple[type[Exception], ...]] = (WorkError,)

    def __init__(self, work: ModelledWork, *, disturber: str) -> None:
        super().__init__()
        self._work = work
        self._disturber = disturber

    def on_receive(self, message: Any) -> Any:
        """Answer what is asked about the work, or done to it."""
        work = self._work
        match message:
            case RegisterStory(story=story):
                work.register(story)
            case RegisterPlan(story_id=story_id, tasks=tasks, sized=sized):
                work.plan(story_id, tasks, sized)
            case WorkQuarter(story_id=story_id, pair=pair):
                return work.next_quarter(story_id, pair)
            case PauseQuarter(story_id=story_id, remaining_minutes=remaining):
                work.pause(story_id, remaining)
            case InspectWork(story_id=story_id, pair=pair, care=care):
                return work.inspect(story_id, pair, care=care)
            case ReviseWork(story_id=story_id, pair=pair):
                return work.revise(story_id, pair)
            case FinishQuarter():
                return self._finish_quarter(message)
            case SettleDebt(story_id=story_id, minutes=minutes, by=by):
                self._settle(story_id, minutes, by)
            case Clarified(story_id=story_id, criterion=criterion, topic=topic):
                work.clarify(story_id, criterion, topic)
            case _:
                return self._on_others(message)
        return None

    def _on_others(self, message: Any) -> Any:
        work = self._work
        match message:
            case RunChecks(story_id=story_id, tester=tester):
                result, ended = work.run_checks(story_id, tester)
                if ended:
                    self._worked_off(ended, story_id, self.context.sender, result.minutes)
                return result
            case AddRework(story_id=story_id, sprint=sprint, reason=reason, criteria=criteria):
                added = work.repair(story_id, sprint=sprint, reason=reason, criteria=criteria)
                self._announce(added, story_id, sprint, reason)
            case Demonstrate(story_id=story_id):
                return Demonstration(deviations=work.deviations(story_id))
            case MeasureProgress(story_id=story_id):
                return self._progress(story_id)
            case DisturbanceEffect():
                minutes, task = apply_effect(work, message)
                if task is not None:
                    self._announce(task, message.story_id, message.sprint, message.type, message.text)
                return EffectApplied(minutes=minutes)
            case Respond():
                respond(work, message)
            case Interrupt():
                interrupt(work, message)
            case CrashActor(reason=reason):
                raise CrashRequestedError(reason)
            case _:
                raise UnexpectedMessageError(message)
        return None

    def _finish_quarter(self, message: FinishQuarter) -> QuarterFinished:
        news, closed = self._work.finish_quarter(message.story_id, message.revision_minutes, message.owed_minutes)
        story = self._work.ledger.work_on(message.story_id)
        for task in story.tasks:
            for setback in story.regained(task):
                self._worked_off(setback.disturbance_id, message.story_id, message.by, setback.minutes)
        if closed is not None and closed.disturbance_id:
            self._worked_off(closed.disturbance_id, message.story_id, message.by, closed.spent_minutes)
        return news

    def _settle(self, story_id: str, minutes: int, by: str) -> None:
        for debt in self._work.ledger.work_on(story_id).settle(minutes):
            if debt.disturbance_id:
                self._worked_off(debt.disturbance_id, story_id, by, debt.minutes)

    def _worked_off(self, disturbance_id: str, story_id: str, by: str, minutes: int) -> None:
        done = WorkedOff(disturbance_id=disturbance_id, story_id=story_id, by=by, minutes=minutes)
        self.context.tell(self._disturber, done)

    def _announce(self, added: TaskWork, story_id: str, sprint: int, reason: str, criterion: str = "") -> None:
        self.context.publish(
            TaskAdded(
                team=self._work.ledger.team,
                sprint=sprint,
                story_id=story_id,
                task=added.task,
                reason=reason,
                criterion=criterion,
            )
        )

    def _progress(self, story_id: str) -> Progress:
        story = self._work.ledger.work_on(story_id)
        return Progress(
            story_id=story_id,
            progress_permille=story.progress_permille,
            expected_permille=story.expected_permille,
            open_hazards=tuple(dict.fromkeys(debt.hazard for debt in story.debts if debt.disturbance_id)),
        )
