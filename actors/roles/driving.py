"""The driver's side of a pair: `work_on` a story, task by task, until it is done or the day is over.

A quarter of a task is worked, then looked at together. Effort elapses in working time only. What a session teaches
is learned when it ends; what was worked since the last checkpoint is lost if the driver crashes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from actors.policy.decisions import StoryView
from actors.roles.checkpoint import CheckpointTalk
from actors.roles.duty import Duty, Handler
from actors.roles.person_state import OpenSession
from actors.roles.questions import Questions
from actors.scrum.calendar import MINUTE_US
from actors.scrum.messages import SessionEnded, SessionStarted, TaskFinished
from actors.services.pairing_messages import (
    JoinPair,
    LeavePair,
    PairJoined,
    RaiseQuestions,
    StartWork,
    StopWork,
    TaskReported,
    WorkStopped,
)
from actors.services.work_messages import (
    FinishQuarter,
    InspectWork,
    PauseQuarter,
    QuarterFinished,
    QuarterPlanned,
    SettleDebt,
    WorkQuarter,
)
from actors.work.effort import Pair


@dataclass(slots=True)
class Turn:
    """One driver's day at one story."""

    order: StartWork
    story: StoryView  # grows by what is clarified
    navigator: PairJoined | None  # None: the navigator did not come, the driver goes on alone
    cleared: list[str] = field(default_factory=list)

    @property
    def story_id(self) -> str:
        """What is worked on."""
        return self.story.story_id


class Driving(Duty):
    """Working on stories at the keyboard."""

    def __init__(self, desk: Any, questions: Questions) -> None:
        super().__init__(desk)
        self._questions = questions

    def handlers(self) -> Mapping[type[Any], Handler]:
        """Begin and stop."""
        return {StartWork: self.work_on, StopWork: self._stop}

    def resume_after_crash(self) -> None:
        """Close the session that the crashed incarnation left open, and tell that the pair is free."""
        session = self.state.session
        if session is not None:
            self._end_session("interrupted")
            self._report_stopped(session.story_id, finished=False, cleared=())

    async def work_on(self, order: StartWork) -> None:
        """Work on a story until it is done, the day is over, or the facilitator calls the pair off."""
        turn = Turn(order=order, story=order.story, navigator=await self._invite(order))
        self.state.stop_story = ""
        finished = False
        while True:
            planned = await self.desk.insist(
                self.team.workshop, WorkQuarter(story_id=turn.story_id, pair=self._pair(turn))
            )
            if not planned.task_id:
                finished = True
                break
            self._sit_down(turn, planned)
            if not await self._work_quarter(turn, planned):
                break
        self._end_session("completed" if finished else "continues")
        self._report_stopped(turn.story_id, finished=finished, cleared=tuple(turn.cleared))

    def _stop(self, order: StopWork) -> None:
        self.state.stop_story = order.story_id

    async def _invite(self, order: StartWork) -> PairJoined | None:
        invitation = JoinPair(
            story_id=order.story.story_id,
            module=order.story.module,
            specialization=order.story.specialization,
            partner=self.state.agent,
        )
        joined: PairJoined | None = await self.desk.ask_colleague(self.desk.address(order.navigator), invitation)
        return joined

    def _pair(self, turn: Turn) -> Pair:
        """The two at work, as the effort model sees them at this moment."""
        mind, navigator = self.state.mind, turn.navigator
        driver = mind.at_work(turn.story.module, turn.story.specialization)
        if navigator is None:
            return Pair(driver=driver, navigator=None, familiarity_permille=0)
        own = mind.familiarity_permille(turn.order.navigator)
        together = (own + navigator.familiarity_permille) // 2
        return Pair(driver=driver, navigator=navigator.worker, familiarity_permille=together)

    # -- one quarter ----------------------------------------------------------------------------------------------

    async def _work_quarter(self, turn: Turn, planned: QuarterPlanned) -> bool:
        """Work a quarter and look at it together. False: the day ended first, or the pair was called off."""
        if not await self._work(turn, planned.minutes):
            return False
        if planned.percent == 0:
            self._settle(turn, planned.minutes)
            return True
        inspection = await self.desk.insist(self.team.workshop, self._inspect(turn))
        await self._raise_questions(turn)
        talk = CheckpointTalk(self.desk, turn.order, turn.story, self._pair(turn), planned)
        revised = inspection.repair_minutes + await talk.hold(inspection.suspicious_spots)
        today = await self._revise(turn, revised)
        await self._finish_quarter(turn, planned, today, owed=revised - today)
        if inspection.owed_minutes:
            await self._pay(turn, inspection.owed_minutes)
        return self._may_go_on(turn)

    def _inspect(self, turn: Turn) -> InspectWork:
        session = self.state.session
        return InspectWork(
            story_id=turn.story_id,
            session_id="" if session is None else session.session_id,
            navigator="" if turn.navigator is None else turn.order.navigator,
            decision=self.state.last_decision,
            pair=self._pair(turn),
            care=self._care,
        )

    async def _work(self, turn: Turn, minutes: int) -> bool:
        """Let so many working minutes pass. False: the day ended first; the workshop keeps what is left."""
        left_us = turn.order.ends_us - self.context.now_us
        if minutes * MINUTE_US <= left_us:
            await self.context.sleep(minutes * MINUTE_US)
            self._worked(minutes)
            return True
        today = max(0, left_us) // MINUTE_US
        if left_us > 0:
            await self.context.sleep(left_us)
            self._worked(today)
        pause = PauseQuarter(story_id=turn.story_id, remaining_minutes=minutes - today)
        await self.desk.insist(self.team.workshop, pause)
        return False

    async def _revise(self, turn: Turn, revised: int) -> int:
        """Change what was agreed on. Returns the minutes of it that fit into today."""
        today = min(revised, max(0, turn.order.ends_us - self.context.now_us) // MINUTE_US)
        if today > 0:
            await self.context.sleep(today * MINUTE_US)
            self._worked(today)
        return today

    async def _finish_quarter(self, turn: Turn, planned: QuarterPlanned, revised: int, *, owed: int) -> None:
        finish = FinishQuarter(story_id=turn.story_id, by=self.state.agent, revision_minutes=revised, owed_minutes=owed)
        news: QuarterFinished = await self.desk.insist(self.team.workshop, finish)
        if not news.task_done:
            return
        self._note_task(turn, news)
        self.context.publish(
            TaskFinished(
                team=self.team.team,
                sprint=turn.order.sprint,
                story_id=turn.story_id,
                task_id=planned.task_id,
                driver=self.state.agent,
                estimated_minutes=news.estimated_minutes,
                spent_minutes=news.spent_minutes,
            )
        )

    def _note_task(self, turn: Turn, news: QuarterFinished) -> None:
        """Remember a finished task, and tell the lead what it took."""
        self.state.diary.note("finished_tasks", where=turn.story.module)
        overrun = news.spent_minutes - news.estimated_minutes
        if overrun * 1000 > news.estimated_minutes * self.team.calibration.planning.noticed_overrun:
            self.state.diary.note("overrun_tasks", overrun, where=turn.story_id)
        took = TaskReported(task_id=news.task_id, sized_minutes=news.sized_minutes, spent_minutes=news.spent_minutes)
        self.context.tell(self.team.lead, took)

    @property
    def _care(self) -> int:
        return self.state.mind.lesson_strength("review_remarks")

    async def _pay(self, turn: Turn, owed: int) -> None:
        """Work off what interruptions cost; what does not fit into today stays owed."""
        today = max(0, turn.order.ends_us - self.context.now_us) // MINUTE_US
        minutes = min(owed, today)
        if minutes > 0:
            await self.context.sleep(minutes * MINUTE_US)
            self._worked(minutes)
            self._settle(turn, minutes)

    def _settle(self, turn: Turn, minutes: int) -> None:
        paid = SettleDebt(story_id=turn.story_id, minutes=minutes, by=self.state.agent)
        self.context.tell(self.team.workshop, paid)

    def _may_go_on(self, turn: Turn) -> bool:
        if self.state.stop_story == turn.story_id:
            return False
        return self.context.now_us < turn.order.ends_us

    # -- questions --------------------------------------------------------------------------------------------------

    async def _raise_questions(self, turn: Turn) -> None:
        """Juniors ask while pairing: the driver the navigator, the navigator the driver."""
        if turn.navigator is None:
            return
        navigator = turn.order.navigator
        if self.state.person.seniority == "junior":
            considered = await self._questions.consider(turn.story, phase="pairing", addressee=navigator)
        elif turn.navigator.seniority == "junior":
            asked = RaiseQuestions(story=turn.story, partner=self.state.agent)
            considered = await self.desk.ask_colleague(self.desk.address(navigator), asked)
        else:
            return
        if considered is not None and considered.cleared:
            turn.cleared.append(considered.cleared)
            turn.story = _with_answer(turn.story, considered.cleared)

    # -- sessions ---------------------------------------------------------------------------------------------------

    def _sit_down(self, turn: Turn, planned: QuarterPlanned) -> None:
        """One session for each pair, task and day."""
        session = self.state.session
        if session is not None and session.task_id == planned.task_id and session.story_id == turn.story_id:
            return
        self._end_session("completed")
        order, navigator = turn.order, "" if turn.navigator is None else turn.order.navigator
        stamp = f"{planned.task_id}-{self.state.agent}-d{order.day}"
        number = self.state.turn("sessions", stamp)
        session = OpenSession(
            session_id=f"P-{order.sprint}-{stamp}-{number + 1}",
            sprint=order.sprint,
            day=order.day,
            story_id=turn.story_id,
            task_id=planned.task_id,
            title=planned.title,
            module=turn.story.module,
            navigator=navigator,
            started_us=self.context.now_us,
        )
        self.state.session = session
        self.context.publish(
            SessionStarted(
                team=self.team.team,
                sprint=order.sprint,
                day=order.day,
                session_id=session.session_id,
                story_id=turn.story_id,
                task_id=planned.task_id,
                driver=self.state.agent,
                navigator=navigator,
                module=turn.story.module,
            )
        )

    def _worked(self, minutes: int) -> None:
        if self.state.session is not None:
            self.state.session.worked_minutes += minutes

    def _end_session(self, outcome: str) -> None:
        """Publish the end of the open session, and learn from it."""
        session, self.state.session = self.state.session, None
        if session is None:
            return
        if self.state.stop_story == session.story_id and outcome == "continues":
            outcome = "interrupted"
        elif session.escalated and outcome == "completed":
            outcome = "escalated"
        self._learn_from(session)
        self.context.publish(
            SessionEnded(
                team=self.team.team,
                sprint=session.sprint,
                day=session.day,
                session_id=session.session_id,
                story_id=session.story_id,
                task_id=session.task_id,
                driver=self.state.agent,
                navigator=session.navigator,
                started_us=session.started_us,
                ended_us=self.context.now_us,
                worked_minutes=session.worked_minutes,
                checkpoints=session.checkpoints,
                exchanges=session.exchanges,
                consensus_reached=session.consensus,
                outcome=outcome,
                approach=session.title,
            )
        )

    def _learn_from(self, session: OpenSession) -> None:
        mind = self.state.mind
        mind.worked(session.module, session.worked_minutes)
        if not session.navigator:
            return
        mind.paired(session.navigator, session.worked_minutes)
        self.state.diary.note("pairing", session.worked_minutes, where=session.navigator)
        leave = LeavePair(
            story_id=session.story_id,
            module=session.module,
            partner=self.state.agent,
            minutes=session.worked_minutes,
        )
        self.context.tell(self.desk.address(session.navigator), leave)

    def _report_stopped(self, story_id: str, *, finished: bool, cleared: tuple[str, ...]) -> None:
        stopped = WorkStopped(story_id=story_id, driver=self.state.agent, finished=finished, cleared=cleared)
        self.context.tell(self.team.facilitator, stopped)


def _with_answer(story: StoryView, cleared: str) -> StoryView:
    return StoryView(
        story_id=story.story_id,
        title=story.title,
        criteria=story.criteria,
        module=story.module,
        specialization=story.specialization,
        sized_points=story.sized_points,
        answered=(*story.answered, cleared),
    )
