"""The product owner: offers and presents stories, knows what is wanted, and judges what was built."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from actors.policy.decisions import JudgeCriterion, StoryView
from actors.roles.desk import Desk
from actors.roles.duty import Duty, Handler
from actors.scrum.acceptance import verdict
from actors.scrum.errors import UnknownStoryError
from actors.scrum.messages import CriterionJudged, StoryJudged, StoryPresented
from actors.scrum.product_backlog import ProductBacklog
from actors.scrum.stories import ExerciseRef, Story, follow_up
from actors.services.ceremony_messages import (
    JudgeStory,
    LookUpWish,
    PresentStory,
    StoriesOffered,
    StoryVerdict,
    TakeStories,
    Wish,
)
from actors.services.incident_messages import DefectReported
from actors.services.work_messages import Clarified, Demonstrate, RegisterStory

Refill = Callable[[int, int], tuple[Story, ...]]  # first number, how many
BUG_POINTS = 1
BEFORE_ALL = 0  # priority of what was accepted and does not work
REFILL_BATCH = 8  # stories that are thought of at a time when the backlog runs short


@dataclass(slots=True)
class ProductState:
    """What a product owner owns; it survives a restart."""

    backlog: ProductBacklog
    refill: Refill | None
    first_new_number: int  # number of the first story that is thought of later
    taken: dict[str, Story] = field(default_factory=dict)  # handed out and not accepted yet
    follow_ups: dict[str, int] = field(default_factory=dict)


class ProductOwnership(Duty):
    """Deciding what is built."""

    refusals: ClassVar[tuple[type[Exception], ...]] = (UnknownStoryError,)

    def __init__(self, desk: Desk, product: ProductState) -> None:
        super().__init__(desk)
        self._product = product

    def handlers(self) -> Mapping[type[Any], Handler]:
        """Refinement, questions about wishes, sprint review."""
        return {
            TakeStories: self._offer,
            PresentStory: self._present,
            LookUpWish: self._look_up,
            JudgeStory: self._judge,
            DefectReported: self._note_defect,
        }

    def _offer(self, order: TakeStories) -> StoriesOffered:
        backlog = self._product.backlog
        done = frozenset(order.known)
        stories = backlog.take_next(done=done, limit_count=order.count)
        while len(stories) < order.count and self._think_of_more():
            stories += backlog.take_next(done=done, limit_count=order.count - len(stories))
        for story in stories:
            self._product.taken[story.story_id] = story
            self.context.tell(self.team.workshop, RegisterStory(story=story))
        exhausted = backlog.is_exhausted and self._product.refill is None
        return StoriesOffered(stories=stories, is_exhausted=exhausted)

    def _think_of_more(self) -> bool:
        """Refill the backlog, if that is wanted. Returns whether there is something new."""
        product = self._product
        if product.refill is None:
            return False
        new = product.refill(product.first_new_number, REFILL_BATCH)
        product.first_new_number += REFILL_BATCH
        for story in new:
            product.backlog.add(story)
        return bool(new)

    def _present(self, order: PresentStory) -> None:
        story = self._story(order.story_id)
        self.context.publish(
            StoryPresented(
                team=self.team.team,
                sprint=self.desk.sprint,
                story_id=story.story_id,
                title=story.title,
                description=story.description,
                criteria=story.criteria,
                module=story.module,
                sized_points=story.sized_points,
                priority=story.priority,
            )
        )

    def _look_up(self, asked: LookUpWish) -> Wish:
        """Say what is wanted. Refused with UnknownStoryError for a story that is not from this backlog."""
        story = self._product.taken.get(asked.story_id)
        point = None if story is None else story.hidden(asked.criterion, asked.topic)
        clarified = Clarified(story_id=asked.story_id, criterion=asked.criterion, topic=asked.topic)
        self.context.tell(self.team.workshop, clarified)
        if point is None:
            return Wish(answer="No special wish: the usual way is right.", changes=False)
        return Wish(answer=point.answer, changes=point.changes)

    async def _judge(self, order: JudgeStory) -> StoryVerdict:
        """Check every criterion of a done story against what the demonstration shows."""
        view = order.story
        shown = await self.desk.insist(self.team.workshop, Demonstrate(story_id=view.story_id))
        rejected: list[int] = []
        for criterion in range(1, len(view.criteria) + 1):
            differs = tuple(one.text for one in shown.deviations if one.criterion == criterion)
            observation = JudgeCriterion(person=self.state.person, story=view, criterion=criterion, deviations=differs)
            choice = await self.desk.decide(observation, "acceptance", f"{view.story_id}/{criterion}")
            self._publish_criterion(view, criterion, choice.accept, choice.reason)
            if not choice.accept:
                rejected.append(criterion)
        return self._conclude(order, tuple(rejected))

    def _publish_criterion(self, view: StoryView, criterion: int, accepted: bool, reason: str) -> None:
        self.context.publish(
            CriterionJudged(
                team=self.team.team,
                sprint=self.desk.sprint,
                story_id=view.story_id,
                criterion=criterion,
                accepted=accepted,
                reason=reason,
            )
        )

    def _conclude(self, order: JudgeStory, rejected: tuple[int, ...]) -> StoryVerdict:
        view = order.story
        count = len(view.criteria)
        result = verdict(count - len(rejected), count)
        followed = self._follow_up(view.story_id, rejected) if result == "accepted_with_notes" else ""
        if result != "rejected":
            self._product.taken.pop(view.story_id, None)
        self.context.publish(
            StoryJudged(
                team=self.team.team,
                sprint=self.desk.sprint,
                story_id=view.story_id,
                verdict=result,
                accepted_criteria=count - len(rejected),
                criteria=count,
                follow_up=followed,
                cycle_us=order.cycle_us,
            )
        )
        return StoryVerdict(verdict=result, rejected_criteria=rejected)

    def _follow_up(self, story_id: str, unmet: tuple[int, ...]) -> str:
        """What was left open becomes a story of its own, at the same priority."""
        story = self._product.taken.get(story_id)
        unmet = tuple(number for number in unmet if story is not None and number <= len(story.criteria))
        if story is None or not unmet:
            return ""
        number = self._product.follow_ups.get(story_id, 0) + 1
        self._product.follow_ups[story_id] = number
        new = follow_up(story, unmet, story_id=f"{story_id}-F{number}")
        self._product.backlog.add(new)
        return new.story_id

    def _note_defect(self, report: DefectReported) -> None:
        """What was accepted and does not work becomes a story before all others."""
        number = self._product.follow_ups.get(report.story_id, 0) + 1
        self._product.follow_ups[report.story_id] = number
        new = Story(
            story_id=f"{report.story_id}-B{number}",
            title=f"Bug: {report.text[:1].lower()}{report.text[1:]}",
            description=f"A customer has found that {report.story_id} does not do what was accepted.",
            criteria=(report.text,),
            sized_points=BUG_POINTS,
            priority=BEFORE_ALL,
            module=report.module,
            specialization=report.specialization,
            family=report.family,
            generated=True,
            exercise=ExerciseRef(family=report.family, number=report.number, criteria=(report.criterion,)),
        )
        self._product.backlog.add(new)

    def _story(self, story_id: str) -> Story:
        story = self._product.taken.get(story_id)
        if story is None:
            raise UnknownStoryError(story_id)
        return story
