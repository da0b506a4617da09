"""A checkpoint: driver and navigator look at the work until both approve, or somebody above decides."""

from __future__ import annotations

from actors.policy.decisions import CheckpointChoice, HoldCheckpoint, StoryView
from actors.roles.desk import Desk
from actors.scrum.messages import CheckpointHeld
from actors.services.pairing_messages import Escalate, EscalationDecided, ReviewWork, StartWork, WorkReviewed
from actors.services.work_messages import QuarterPlanned, ReviseWork
from actors.work.effort import Pair

SCOPE = "scope"  # the issue that is not for the lead alone


class CheckpointTalk:
    """One checkpoint of one session."""

    def __init__(self, desk: Desk, order: StartWork, story: StoryView, pair: Pair, planned: QuarterPlanned) -> None:
        self._desk, self._order, self._story = desk, order, story
        self._pair, self._planned = pair, planned
        self._entity = f"{story.story_id}/{planned.task_id}/{planned.percent}"
        self._revised_minutes = 0

    async def hold(self, spots: int) -> int:
        """Talk until both approve. Returns the working minutes that changes took."""
        began_us = self._desk.context.now_us
        concern, issue = "", ""
        for exchange in range(1, self._desk.team.max_exchanges + 1):
            choice = await self._hold(exchange, concern)
            if choice.action == "escalate":
                break
            if choice.action == "pivot":
                await self._revise()
                spots = 0
            review = await self._review(choice.action, spots, exchange)
            if review.approve:
                self._publish(choice.action, approved=True, issue=issue, exchanges=exchange, began_us=began_us)
                return self._revised_minutes
            concern, issue = review.reason, review.issue
        await self._escalate(issue or "design", concern)
        self._publish("escalate", approved=False, issue=issue, exchanges=exchange, began_us=began_us)
        return self._revised_minutes

    async def _hold(self, exchange: int, concern: str) -> CheckpointChoice:
        planned, state = self._planned, self._desk.state
        session = state.session
        observation = HoldCheckpoint(
            person=state.person,
            story=self._story,
            percent=planned.percent,
            planned_minutes=planned.estimated_minutes * planned.percent // 100,
            spent_minutes=planned.spent_minutes + (0 if session is None else planned.minutes),
            knowledge_permille=self._desk.knowledge(self._story),
            exchange=exchange,
            concern=concern,
        )
        choice: CheckpointChoice = await self._desk.decide(observation, "checkpoints", self._entity)
        return choice

    async def _review(self, action: str, spots: int, exchange: int) -> WorkReviewed:
        if self._pair.navigator is None:
            return WorkReviewed(approve=True, issue="", reason="alone")
        order = ReviewWork(
            story=self._story,
            percent=self._planned.percent,
            driver=self._desk.state.agent,
            driver_seniority=self._desk.state.person.seniority,
            driver_action=action,
            suspicious_spots=spots,
            exchange=exchange,
            entity=self._entity,
        )
        reviewed = await self._desk.ask_colleague(self._desk.address(self._order.navigator), order)
        if reviewed is None:  # the navigator is gone: the checkpoint passes, the facilitator finds a new pair
            return WorkReviewed(approve=True, issue="", reason="the navigator left")
        found: WorkReviewed = reviewed
        return found

    async def _revise(self) -> None:
        revision = await self._desk.insist(
            self._desk.team.workshop, ReviseWork(story_id=self._story.story_id, pair=self._pair)
        )
        self._revised_minutes += revision.minutes

    async def _escalate(self, issue: str, concern: str) -> None:
        """The lead decides, on scope together with the product owner. The navigator's way means a revision."""
        session = self._desk.state.session
        options = (f"do as the navigator says: {concern or issue}", "go on the way the driver has begun")
        question = Escalate(
            story=self._story,
            session_id="" if session is None else session.session_id,
            issue=issue,
            reason=concern,
            tier=3 if issue == SCOPE else 2,
            options=options,
            entity=self._entity,
        )
        decided: EscalationDecided | None = await self._desk.ask_colleague(self._desk.team.lead, question)
        self._desk.state.diary.note("escalations", where=self._story.story_id)
        if session is not None:
            session.escalated = True
        if decided is not None and decided.option == 0:
            await self._revise()

    def _publish(self, action: str, *, approved: bool, issue: str, exchanges: int, began_us: int) -> None:
        session = self._desk.state.session
        if session is None:
            return
        session.checkpoints += 1
        session.exchanges += exchanges
        session.consensus = session.consensus and approved
        if issue:
            self._desk.state.diary.note("review_remarks", self._revised_minutes, where=self._story.story_id)
        self._desk.context.publish(
            CheckpointHeld(
                team=self._desk.team.team,
                sprint=session.sprint,
                session_id=session.session_id,
                task_id=session.task_id,
                percent=self._planned.percent,
                driver_choice=action,
                approved=approved,
                issue=issue,
                exchanges=exchanges,
                consensus_us=self._desk.context.now_us - began_us,
            )
        )
