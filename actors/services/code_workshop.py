"""The workshop where work is executed: it writes what people do into branches, and lets tests say what it is worth.

Effects take virtual time, so a story may be asked for again before the first answer is there (its driver crashed and
another pair sits down): then the second one hears that the workshop is busy with it, and asks again.
"""

from __future__ import annotations

from collections.abc import Coroutine, Mapping
from typing import Any, ClassVar

from actors.roles.judging import Judge
from actors.roles.purse import Purse
from actors.services.branch_desk import BranchDesk
from actors.services.code_checks import CodeChecks
from actors.services.code_news import CodeNews
from actors.services.executed_work import ExecutedWork
from actors.services.failures import BusyError
from actors.services.hidden_tests import HiddenTests
from actors.services.incident_messages import StageIncident
from actors.services.main_measurement import MainMeasurement
from actors.services.merge_messages import MainBegun, MainMoved, MeasureMain, OfferBranch, WatchMain
from actors.services.model_hands import ModelHands
from actors.services.quarter_writing import QUEUE_REMARKS, QuarterWriting
from actors.services.team_setting import TeamSetting
from actors.services.treasury_messages import StopAsking
from actors.services.trouble_staging import TroubleStaging
from actors.services.work_ledger import WorkError
from actors.services.work_messages import AddRework, Demonstrate, DisturbanceEffect, InspectWork, ReviseWork, RunChecks
from actors.services.workshop import Workshop


class CodeWorkshop(Workshop):
    """Owns the code of one team's stories; git and the sandbox carry out what it asks for."""

    refusals: ClassVar[tuple[type[Exception], ...]] = (WorkError, BusyError)

    def __init__(
        self,
        work: ExecutedWork,
        team: TeamSetting,
        *,
        start_s: int,
        writers: Mapping[str, Judge] | None = None,
        purses: Mapping[str, Purse] | None = None,
    ) -> None:
        """Make one incarnation.

        Args:
            writers: A model's hands, by the agent that drives; None: calibrated hands write.
            purses: What such hands may spend, likewise; apart from the agents' own, which may live on other nodes.
        """
        super().__init__(work, disturber=team.disturber)
        self._executed, self._team, self._start_s, self._writers = work, team, start_s, writers
        self._purses = purses or {}
        self._busy: dict[str, None] = {}  # of this incarnation

    def on_start(self) -> None:
        """Furnish the workshop; nothing in it has state of its own."""
        work, team, context = self._executed, self._team, self.context
        news, hidden = CodeNews(context, team), HiddenTests(context, team)
        self._desk = BranchDesk(context, work.branches, team, news, start_s=self._start_s)
        model = None if self._writers is None else self._hands(self._writers)
        self._writing = QuarterWriting(context, self._desk, news, work, model)
        self._checks = CodeChecks(self._desk, hidden, news, work, self._worked_off)
        self._staging = TroubleStaging(context, self._desk, hidden, news, work, team)
        self._measurement = MainMeasurement(context, work, team)

    def _hands(self, writers: Mapping[str, Judge]) -> ModelHands:
        return ModelHands(self.context, self._desk, self._executed, self._team, writers, self._purses)

    def on_receive(self, message: Any) -> Any:
        """Answer what is asked about the work, or done to it."""
        match message:
            case InspectWork(story_id=story_id):
                return self._alone(story_id, self._writing.inspect(message, self._agent()))
            case ReviseWork(story_id=story_id):
                return self._alone(story_id, self._writing.revise(message, self._agent()))
            case RunChecks(story_id=story_id, tester=tester):
                return self._alone(story_id, self._checks.check(story_id, tester, self._agent()))
            case Demonstrate(story_id=story_id):
                return self._alone(story_id, self._checks.demonstrate(story_id))
            case OfferBranch(story_id=story_id):
                return self._alone(story_id, self._desk.offer(self._executed.branches.of(story_id)))
            case StageIncident(disturbance_id=disturbance_id):
                return self._alone(disturbance_id, self._staging.stage_incident(disturbance_id))
            case MainBegun(commit=commit):
                self._executed.product.main = commit
            case MainMoved(story_id=story_id, commit=commit):
                self._executed.landed(story_id, commit)
            case AddRework(story_id=story_id, reason=reason) if reason in QUEUE_REMARKS:
                self._executed.code_of(story_id).returned = reason
                return super().on_receive(message)
            case DisturbanceEffect():
                return self._disturb(message)
            case StopAsking(agent=agent):
                for name, purse in self._purses.items():
                    purse.is_stopped = purse.is_stopped or agent in ("", name)
            case WatchMain(sprint=sprint):
                return self._measurement.watch(sprint)
            case MeasureMain(sprint=sprint):
                return self._measurement.measure(sprint)
            case _:
                return super().on_receive(message)
        return None

    async def _alone(self, story_id: str, work: Coroutine[Any, Any, Any]) -> Any:
        """One thing at a time for each story. Raises BusyError."""
        if story_id in self._busy:
            work.close()
            raise BusyError(story_id)
        self._busy[story_id] = None
        try:
            return await work
        finally:
            self._busy.pop(story_id, None)

    def _disturb(self, hit: DisturbanceEffect) -> Any:
        """What a disturbance costs follows the model; what it does to code is real."""
        is_new = (hit.disturbance_id, hit.story_id) not in self._executed.ledger.struck
        applied = super().on_receive(hit)
        if is_new:
            self._executed.troubles.disturb(hit)
            if hit.type == "architectural_debt_surfaces":
                copy = self._executed.troubles.copy_wanted(hit.disturbance_id)
                if copy is not None:
                    self.context.spawn(self._staging.land_copy(copy, is_there=True))
        return applied

    def _worked_off(self, disturbance_id: str, story_id: str, by: str, minutes: int) -> None:
        super()._worked_off(disturbance_id, story_id, by, minutes)
        self._executed.troubles.settle(story_id, disturbance_id)
        removal = self._executed.troubles.copy_removal(disturbance_id)
        if removal is not None:
            self.context.spawn(self._staging.land_copy(removal, is_there=False))

    def _agent(self) -> str:
        return self.context.sender.removeprefix("agent/")
