"""What people do and learn in a sprint, read off the log."""

from __future__ import annotations

from functools import cache
from statistics import fmean

from actors.policy.decisions import HoldCheckpoint, ReviewCheckpoint
from actors.scrum.messages import (
    CheckpointHeld,
    CriterionJudged,
    DecisionRecorded,
    Escalated,
    KnowledgeReviewed,
    QuestionAnswered,
    QuestionAsked,
    ReverseMentorship,
    SessionStarted,
    StoryJudged,
    StoryPresented,
    StoryReviewed,
    TaskFinished,
)
from actors.services.disturbance_messages import CrashActor
from tests.actors.simulation.scenes import config_with, world_of
from tests.support.world import MINUTE, VirtualWorld


@cache
def six_sprints() -> VirtualWorld:
    world = world_of(config_with(), sprints=6)
    world.run_until_quiet()
    return world


def test_every_question_is_answered_once_or_dismissed() -> None:
    world = six_sprints()
    asked = [event.question_id for event in world.events(QuestionAsked)]
    answered = [event.question_id for event in world.events(QuestionAnswered)]

    assert len(asked) == len(set(asked)) > 20
    assert sorted(asked) == sorted(answered)
    assert all(event.answer == "" for event in world.events(QuestionAnswered) if event.dismissed)


def test_questions_in_refinement_go_to_the_product_owner_and_while_pairing_to_the_partner() -> None:
    for event in six_sprints().events(QuestionAsked):
        if event.phase == "refinement":
            assert event.addressee == "alex_senior_po"
        else:
            assert event.asker_seniority == "junior"
            assert event.addressee != event.asker


def test_nothing_is_asked_twice_after_it_was_answered() -> None:
    open_points: set[tuple[str, int, str]] = set()
    for asked in six_sprints().events(QuestionAsked):
        answered = next(
            event for event in six_sprints().events(QuestionAnswered) if event.question_id == asked.question_id
        )
        if answered.dismissed:
            continue
        point = (asked.story_id, asked.criterion, asked.topic)
        assert point not in open_points
        open_points.add(point)


def test_a_senior_learns_only_from_a_juniors_question_that_changed_something() -> None:
    world = six_sprints()
    for event in world.events(QuestionAnswered):
        learned = event.changed and event.asker_seniority == "junior" and event.answerer_seniority == "senior"
        assert event.answerer_learned == learned
    taught = {(event.junior, event.senior) for event in world.events(ReverseMentorship)}
    learned_from = {(event.asker, event.answerer) for event in world.events(QuestionAnswered) if event.answerer_learned}
    assert taught <= learned_from


def test_a_task_is_looked_at_four_times_before_it_is_finished() -> None:
    world = six_sprints()
    planned = [event for event in world.events(TaskFinished) if int(event.task_id[-3:]) < 500]
    assert planned
    for done in planned[:20]:
        percents = [event.percent for event in world.events(CheckpointHeld) if event.task_id == done.task_id]
        assert {25, 50, 75, 100} <= set(percents)


def test_the_lead_navigates_and_never_drives() -> None:
    sessions = six_sprints().events(SessionStarted)
    assert any(event.navigator == "ahmed_senior_dev_lead" for event in sessions)
    assert all(event.driver != "ahmed_senior_dev_lead" for event in sessions)


def test_observations_hold_no_ground_truth() -> None:
    world = six_sprints()
    presented = {event.story_id: event for event in world.events(StoryPresented)}
    for request in world.effects:
        story = getattr(request.observation, "story", None)
        if story is not None and story.story_id in presented:
            assert story.criteria[: len(presented[story.story_id].criteria)] == presented[story.story_id].criteria
            assert not hasattr(story, "clarifications")


def test_what_the_navigator_sees_is_not_what_the_driver_is_told() -> None:
    kinds = {type(request.observation) for request in six_sprints().effects}
    assert {HoldCheckpoint, ReviewCheckpoint} <= kinds
    assert "suspicious_spots" not in HoldCheckpoint.__dataclass_fields__


def test_an_escalation_names_who_decided_and_may_become_a_record() -> None:
    world = six_sprints()
    decided = [event.decision for event in world.events(Escalated)]
    assert [event.adr for event in world.events(DecisionRecorded)] == list(
        range(1, len(world.events(DecisionRecorded)) + 1)
    )
    assert all(event.decision in decided for event in world.events(DecisionRecorded))
    assert all(event.tier == (3 if event.issue == "scope" else 2) for event in world.events(Escalated))


def test_a_story_is_judged_by_its_criteria_only() -> None:
    world = six_sprints()
    for judged in world.events(StoryJudged):
        criteria = [
            event.accepted
            for event in world.events(CriterionJudged)
            if (event.story_id, event.sprint) == (judged.story_id, judged.sprint)
        ]
        assert (len(criteria), sum(criteria)) == (judged.criteria, judged.accepted_criteria)
        if judged.verdict == "accepted_with_notes":
            assert judged.follow_up.startswith(f"{judged.story_id}-F")


def test_quality_assurance_sends_back_what_fails_and_names_it() -> None:
    for event in six_sprints().events(StoryReviewed):
        assert event.review_minutes > 0
        assert event.findings


def test_knowledge_grows() -> None:
    world = six_sprints()
    by_sprint: dict[int, int] = {}
    for event in world.events(KnowledgeReviewed):
        by_sprint[event.sprint] = by_sprint.get(event.sprint, 0) + sum(one.permille for one in event.modules)
    assert by_sprint[6] > by_sprint[3] > by_sprint[1]


def test_two_juniors_ask_about_fifteen_to_twenty_questions_in_a_sprint() -> None:
    juniors = [event for event in six_sprints().events(QuestionAsked) if event.asker_seniority == "junior"]

    assert 6 * 12 <= len(juniors) <= 6 * 22


def test_the_first_plans_are_too_short_and_later_ones_learn_from_it() -> None:
    def overrun(sprints: tuple[int, ...]) -> float:
        done = [event for event in six_sprints().events(TaskFinished) if event.sprint in sprints]
        return fmean((event.spent_minutes - event.estimated_minutes) / event.estimated_minutes for event in done)

    assert overrun((1, 2)) > 1
    assert overrun((4, 5, 6)) < 0.7


def reviews(world: VirtualWorld) -> list[tuple[str, str, int]]:
    """Story, reviewer and time of every review."""
    return [
        (row.message.story_id, row.message.reviewer, row.time_us)
        for row in world.rows
        if row.kind == StoryReviewed.KIND and row.message is not None
    ]


def test_the_review_of_a_tester_who_crashes_is_taken_up_again() -> None:
    calm = world_of(config_with("disturbances.enabled=false"), sprints=2)
    calm.run_until_quiet()
    story, tester, ended_us = reviews(calm)[0]
    minutes = calm.events(StoryReviewed)[0].review_minutes

    world = world_of(config_with("disturbances.enabled=false"), sprints=2)
    world.tell(f"agent/{tester}", CrashActor(reason="chaos"), at=ended_us - minutes * MINUTE // 2)
    world.run_until_quiet()

    again = [time_us for of, _, time_us in reviews(world) if of == story]
    assert len(again) == len([of for of, _, _ in reviews(calm) if of == story])
    assert again[0] > ended_us
