"""The navigator's side of a pair: join, review at checkpoints, learn from the session."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from actors.policy.decisions import ReviewCheckpoint
from actors.roles.duty import Duty, Handler
from actors.services.pairing_messages import JoinPair, LeavePair, PairJoined, ReviewWork, WorkReviewed


class Navigating(Duty):
    """Sitting beside a driver. Developers and testers do it."""

    def handlers(self) -> Mapping[type[Any], Handler]:
        """What a driver asks of a navigator."""
        return {JoinPair: self._join, ReviewWork: self._review, LeavePair: self._leave}

    def _join(self, call: JoinPair) -> PairJoined:
        mind = self.state.mind
        return PairJoined(
            worker=mind.at_work(call.module, call.specialization),
            seniority=self.state.person.seniority,
            familiarity_permille=mind.familiarity_permille(call.partner),
        )

    async def _review(self, order: ReviewWork) -> WorkReviewed:
        observation = ReviewCheckpoint(
            person=self.state.person,
            story=order.story,
            percent=order.percent,
            driver_seniority=order.driver_seniority,
            driver_action=order.driver_action,
            knowledge_permille=self.desk.knowledge(order.story),
            familiarity_permille=self.state.mind.familiarity_permille(order.driver),
            suspicious_spots=order.suspicious_spots,
            exchange=order.exchange,
        )
        choice = await self.desk.decide(observation, "reviews", order.entity)
        return WorkReviewed(approve=choice.approve, issue=choice.issue, reason=choice.reason)

    def _leave(self, news: LeavePair) -> None:
        self.state.mind.worked(news.module, news.minutes, navigating=True)
        self.state.mind.paired(news.partner, news.minutes)
        self.state.diary.note("pairing", news.minutes, where=news.partner)
