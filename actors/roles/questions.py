"""Everybody may ask, and whoever is asked answers or waves the question away."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from actors.policy.decisions import ChooseAnswer, ChooseQuestion, QuestionChoice, StoryView
from actors.roles.duty import Duty, Handler
from actors.scrum.messages import QuestionAnswered, QuestionAsked, ReverseMentorship
from actors.services.ceremony_messages import (
    AnswerQuestion,
    Considered,
    ConsiderStory,
    LookUpWish,
    QuestionReply,
    Wish,
)
from actors.services.pairing_messages import RaiseQuestions

NOTHING_CLEARED = Considered(cleared="")


class Questions(Duty):
    """Asking about stories, and answering colleagues."""

    def handlers(self) -> Mapping[type[Any], Handler]:
        """Questions in refinement and while pairing."""
        return {
            ConsiderStory: self._in_refinement,
            RaiseQuestions: self._while_pairing,
            AnswerQuestion: self._answer,
        }

    async def consider(self, story: StoryView, *, phase: str, addressee: str) -> Considered:
        """Ask the addressee about a story, if there is something to ask."""
        state = self.state
        if not state.mind.mechanisms.asking:
            return NOTHING_CLEARED
        asked_before = state.asked.get(story.story_id, 0)
        observation = ChooseQuestion(
            person=state.person,
            story=story,
            knowledge_permille=self.desk.knowledge(story),
            experience=state.mind.experience(story.module),
            phase=phase,
            asked_before=asked_before,
        )
        choice = await self.desk.decide(observation, "questions", f"{story.story_id}/{phase}")
        if not choice.ask:
            return NOTHING_CLEARED
        state.asked[story.story_id] = asked_before + 1
        reply = await self._ask(story, choice, phase=phase, addressee=addressee)
        if reply is None or reply.dismissed:
            state.diary.note("dismissed_questions", where=addressee)
            return NOTHING_CLEARED
        state.mind.asked(story.module, choice.topic, changed=reply.changed)
        state.diary.note("questions_answered", where=story.module)
        return Considered(cleared=f"{choice.criterion}:{choice.topic}")

    async def _in_refinement(self, order: ConsiderStory) -> Considered:
        return await self.consider(order.story, phase="refinement", addressee=self.team.roster.product_owner.agent)

    async def _while_pairing(self, order: RaiseQuestions) -> Considered:
        return await self.consider(order.story, phase="pairing", addressee=order.partner)

    async def _ask(self, story: StoryView, choice: QuestionChoice, *, phase: str, addressee: str) -> Any:
        state = self.state
        state.questions += 1
        question_id = f"Q-{state.agent}-{state.questions:03d}"
        self.context.publish(
            QuestionAsked(
                team=self.team.team,
                sprint=self.desk.sprint,
                question_id=question_id,
                story_id=story.story_id,
                asker=state.agent,
                asker_seniority=state.person.seniority,
                addressee=addressee,
                criterion=choice.criterion,
                topic=choice.topic,
                category=choice.category,
                text=choice.text,
                phase=phase,
            )
        )
        question = AnswerQuestion(
            question_id=question_id,
            story_id=story.story_id,
            criterion=choice.criterion,
            topic=choice.topic,
            asker=state.agent,
            asker_seniority=state.person.seniority,
            category=choice.category,
            text=choice.text,
            phase=phase,
        )
        return await self.desk.ask_colleague(self.desk.address(addressee), question)

    async def _answer(self, question: AnswerQuestion) -> QuestionReply:
        observation = ChooseAnswer(
            person=self.state.person,
            asker_seniority=question.asker_seniority,
            category=question.category,
            topic=question.topic,
            familiarity_permille=self.state.mind.familiarity_permille(question.asker),
            questions_today=self._answered_today(),
            lessons=self.state.mind.lesson_strength("dismissed_questions"),
        )
        choice = await self.desk.decide(observation, "answers", f"{question.story_id}/{question.asker}")
        if choice.pause_ms > 0:
            await self.context.sleep(choice.pause_ms * 1000)
        wish = None if choice.dismiss else await self._look_up(question)
        reply = self._reply(question, wish)
        self._publish_answer(question, reply, pause_us=choice.pause_ms * 1000)
        return reply

    async def _look_up(self, question: AnswerQuestion) -> Wish | None:
        """What is wanted: the product owner knows; everybody else asks the product owner."""
        look_up = LookUpWish(story_id=question.story_id, criterion=question.criterion, topic=question.topic)
        wish: Wish | None = await self.desk.ask_colleague(self.team.product_owner, look_up)
        return wish

    def _reply(self, question: AnswerQuestion, wish: Wish | None) -> QuestionReply:
        """The answer. A senior learns from a junior whose question changed something."""
        changed = wish is not None and wish.changes
        learned = changed and question.asker_seniority == "junior" and self.state.person.seniority == "senior"
        answer = "" if wish is None else wish.answer
        return QuestionReply(dismissed=wish is None, changed=changed, learned=learned, answer=answer)

    def _publish_answer(self, question: AnswerQuestion, reply: QuestionReply, *, pause_us: int) -> None:
        state = self.state
        self.context.publish(
            QuestionAnswered(
                team=self.team.team,
                sprint=self.desk.sprint,
                question_id=question.question_id,
                story_id=question.story_id,
                asker=question.asker,
                asker_seniority=question.asker_seniority,
                answerer=state.agent,
                answerer_seniority=state.person.seniority,
                category=question.category,
                topic=question.topic,
                answer=reply.answer,
                pause_us=pause_us,
                dismissed=reply.dismissed,
                changed=reply.changed,
                answerer_learned=reply.learned,
            )
        )
        if reply.learned and question.phase == "pairing":
            state.diary.note("learned_from_a_junior", where=question.asker)
            self.context.publish(
                ReverseMentorship(
                    team=self.team.team,
                    sprint=self.desk.sprint,
                    junior=question.asker,
                    senior=state.agent,
                    topic=question.topic,
                    learning_type=question.category,
                )
            )

    def _answered_today(self) -> int:
        """How many questions were answered before this one today."""
        today = (self.desk.sprint - 1) * self.team.calendar.days_per_sprint + self.desk.day
        day, count = self.state.answered
        before = count if day == today else 0
        self.state.answered = (today, before + 1)
        return before
