"""Estimates, plans, checkpoints, escalations, ceremonies and verdicts of behavioural people."""

from __future__ import annotations

from collections.abc import Callable
from statistics import fmean, pstdev
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.policy.calibration import shipped_calibration
from actors.policy.ceremonies import decide_help, report_standup
from actors.policy.decisions import Experience, PointsChoice
from actors.policy.dice import Dice
from actors.policy.estimating import POINTS, estimate_points, plan_story
from actors.policy.judgements import RULES, judge
from actors.policy.pairing import decide_escalation, hold_checkpoint, review_checkpoint
from actors.policy.reflecting import GOOD, reflect_on_sprint
from actors.policy.thinking import thinking_us
from actors.policy.triage import judge_criterion, judge_quality, triage_disturbance
from actors.scrum.messages import DisturbanceKind
from inference.engine import RequestError
from tests.actors.policy import people

CALIBRATION = shipped_calibration()


def many(rule: Callable[..., Any], observation: Any, count: int = 600) -> list[Any]:
    return [rule(observation, CALIBRATION, Dice(7, "ada", ("test", "S-7", n))) for n in range(count)]


def share(rule: Callable[..., Any], observation: Any, holds: Callable[[Any], bool]) -> float:
    return fmean(holds(answer) for answer in many(rule, observation))


# ------------------------------------------------------------------------------------------------------ estimating


def test_estimates_are_cards_and_centre_on_the_sizing() -> None:
    points = [choice.points for choice in many(estimate_points, people.estimate())]

    assert set(points) <= set(POINTS)
    assert 2.7 < fmean(points) < 3.6


def test_experience_and_seniority_narrow_the_error() -> None:
    def error(seniority: str, seen: int) -> float:
        story = people.story(sized_points=5)
        observation = people.estimate(seniority, story=story, estimates_seen=seen)
        points: list[int] = [choice.points for choice in many(estimate_points, observation)]
        return pstdev(points)

    assert error("mid", 200) < 0.8 * error("mid", 0)
    assert error("senior", 20) < error("junior", 20)


def test_a_second_round_brings_the_votes_together() -> None:
    alone = [choice.points for choice in many(estimate_points, people.estimate())]
    together = [c.points for c in many(estimate_points, people.estimate(round=2, votes=(8, 8, 3, 8)))]

    assert fmean(together) > fmean(alone) + 1.5
    assert pstdev(together) < 1.5


@given(points=st.sampled_from(POINTS), criteria=st.integers(0, 6), n=st.integers(0, 50))
def test_every_plan_can_be_carried_out(points: int, criteria: int, n: int) -> None:
    story = people.story(criteria=tuple(f"criterion {number}" for number in range(criteria)))

    tasks = plan_story(people.plan(points=points, story=story), CALIBRATION, Dice(n, "ada", ("plan", "S", n))).tasks

    assert 2 <= len(tasks) <= 4
    assert sum(task.share_permille for task in tasks) == 1000
    assert all(task.share_permille >= 100 for task in tasks)
    assert all(earlier < position for position, task in enumerate(tasks) for earlier in task.depends_on)
    assert not tasks[0].depends_on


def test_a_larger_story_has_more_tasks_and_a_lesson_is_minded() -> None:
    assert [len(many(plan_story, people.plan(points=points), 1)[0].tasks) for points in (2, 3, 8)] == [2, 3, 4]
    plan = many(plan_story, people.plan(lessons=("merge_conflict",)), 1)[0]
    assert "minding merge conflict" in plan.approach


# --------------------------------------------------------------------------------------------------------- pairing


def test_without_a_concern_and_within_the_plan_work_goes_on() -> None:
    assert share(hold_checkpoint, people.checkpoint(), lambda answer: answer.action == "continue") == 1


def test_a_long_overrun_sometimes_changes_the_approach() -> None:
    late = people.checkpoint(spent_minutes=190)

    assert 0.1 < share(hold_checkpoint, late, lambda answer: answer.action == "pivot") < 0.3


def test_a_concern_mostly_convinces_and_seniors_defend_their_way_more_often() -> None:
    def convinced(seniority: str) -> float:
        worried = people.checkpoint(seniority, concern="nothing checks the last page yet.", exchange=2)
        return share(hold_checkpoint, worried, lambda answer: answer.action == "pivot")

    assert convinced("junior") > convinced("senior") > 0.5
    again = people.checkpoint("junior", concern="nothing checks the last page yet.", exchange=3)
    assert share(hold_checkpoint, again, lambda answer: answer.action == "pivot") < 0.5 * convinced("junior")


def test_drivers_escalate_only_what_they_have_rejected_before() -> None:
    worried = people.checkpoint(concern="this is slow", exchange=3)

    assert 0.2 < share(hold_checkpoint, worried, lambda answer: answer.action == "escalate") < 0.8
    early = people.checkpoint(concern="this is slow", exchange=2)
    assert share(hold_checkpoint, early, lambda answer: answer.action == "escalate") == 0


def raised(**changed: Any) -> float:
    seniority = changed.pop("seniority", "senior")
    return share(review_checkpoint, people.review(seniority, **changed), lambda answer: not answer.approve)


def test_navigators_raise_what_looks_wrong_and_little_else() -> None:
    assert raised(suspicious_spots=0) < 0.06
    assert raised(suspicious_spots=1) > 0.6
    assert raised(suspicious_spots=3) > raised(suspicious_spots=1)
    assert raised(seniority="junior") < raised()
    assert raised(knowledge_permille=100) < raised(knowledge_permille=900)
    assert raised(familiarity_permille=100) < raised(familiarity_permille=900)


def test_a_revision_settles_most_concerns() -> None:
    assert raised(exchange=2, driver_action="pivot") < 0.15
    assert 0.4 < raised(exchange=2, driver_action="continue") < 0.7


def test_an_issue_names_the_criterion_in_work() -> None:
    answers = [answer for answer in many(review_checkpoint, people.review(percent=100)) if not answer.approve]

    assert {answer.issue for answer in answers} == {"design", "tests", "naming", "scope", "edge_case", "performance"}
    assert all(people.CRITERIA[2] in answer.reason for answer in answers)
    assert all(
        not answer.issue and "I approve because" in answer.reason
        for answer in many(review_checkpoint, people.review(suspicious_spots=0))
        if answer.approve
    )


def test_a_lead_picks_an_option_on_the_table_and_says_what_follows() -> None:
    observation = people.escalation()

    answers = many(decide_escalation, observation)
    assert {answer.option for answer in answers} == {0, 1}
    assert all(observation.options[answer.option] in answer.consequence for answer in answers)
    tier_three = share(decide_escalation, people.escalation(tier=3), lambda answer: answer.record)
    assert tier_three > fmean(answer.record for answer in answers) > 0.2


def test_an_escalation_without_options_is_refused() -> None:
    with pytest.raises(RequestError, match="no option"):
        judge(people.escalation(options=()), CALIBRATION, Dice(1, "ada", ("a", "b", 0)))


# ------------------------------------------------------------------------------------------------------ ceremonies


def test_a_stand_up_names_what_is_in_the_way_and_juniors_hesitate() -> None:
    def named(seniority: str) -> float:
        held_up = people.report(seniority, open_hazards=("merge_conflict", "flaky_test"))
        return share(report_standup, held_up, lambda answer: answer.raise_blocker)

    assert named("senior") > named("junior") > 0.5
    assert share(report_standup, people.report(), lambda answer: answer.raise_blocker or answer.ask_help) == 0
    texts = {answer.text for answer in many(report_standup, people.report(open_hazards=("merge_conflict",)))}
    assert "S-7 stands at 40 %; held up by merge conflict." in texts


def test_who_is_far_behind_may_ask_for_help() -> None:
    behind = people.report("junior", progress_permille=100, expected_permille=600)

    assert 0.6 < share(report_standup, behind, lambda answer: answer.ask_help) < 0.8


def test_who_took_overruns_to_heart_asks_for_help_sooner() -> None:
    def asks(lessons: int) -> float:
        a_little = people.report("junior", progress_permille=300, expected_permille=500, lessons=lessons)
        return share(report_standup, a_little, lambda answer: answer.ask_help)

    assert asks(0) == asks(1) == 0
    assert asks(2) > 0.6


def test_the_free_colleague_who_knows_most_helps() -> None:
    assert many(decide_help, people.help_needed(), 1)[0].helper == "bob"
    nobody = people.help_needed(candidate_knowledge=(100, 80, 20))
    assert many(decide_help, nobody, 1)[0].helper == ""
    assert many(decide_help, people.help_needed(candidates=(), candidate_knowledge=()), 1)[0].helper == ""


def test_candidates_without_their_knowledge_are_refused() -> None:
    with pytest.raises(RequestError, match="decide_help"):
        judge(people.help_needed(candidate_knowledge=(1,)), CALIBRATION, Dice(1, "ada", ("a", "b", 0)))


def reflected(**changed: Any) -> Any:
    return many(reflect_on_sprint, people.reflection(**changed), 1)[0]


def test_a_reflection_cites_what_happened() -> None:
    answer = reflected()

    assert (answer.keep_topic, answer.drop_topic) == ("questions_answered", "merge_conflict")
    assert answer.puzzle_topic == "overrun_tasks"
    assert answer.keep == "Three of my questions were answered, most about api; asking first beats guessing."
    assert answer.drop == "Two merge conflicts cost me 95 minutes; let us merge every day."
    assert answer.puzzle.startswith("One of my tasks took 40 minutes longer than planned, in S-7: what did we not see")


def test_what_was_praised_last_time_gives_way_to_something_else() -> None:
    assert reflected(praised="questions_answered").keep_topic == "pairing"
    only = (Experience(topic="pairing", count=1, minutes=60, where="jamie"),)
    assert reflected(praised="pairing", experiences=only).keep_topic == "pairing"


def test_a_remedy_that_did_not_suffice_is_not_proposed_again() -> None:
    assert reflected().drop != reflected(lessons=("merge_conflict",)).drop


def test_every_topic_has_words_of_its_own_for_once_and_for_several_times() -> None:
    texts: list[str] = []
    for topic in (*GOOD, *get_args(DisturbanceKind), "overrun_tasks", "review_remarks", "dismissed_questions"):
        for count in (1, 3, 14):
            experience = Experience(topic=topic, count=count, minutes=400, where="api")
            answer = reflected(experiences=(experience,))
            texts.append(answer.keep or answer.drop)
            assert not texts[-1][0].islower()
            assert texts[-1].endswith(".")

    assert len(set(texts)) == len(texts)
    assert not [text for text in texts if "Question:" in text or "Result:" in text or "{" in text or "_" in text]


def test_who_lived_through_nothing_has_nothing_to_say() -> None:
    never = Experience(topic="merge_conflict", count=0, minutes=0, where="")
    answer = reflected(experiences=(never,))

    assert (answer.keep_topic, answer.keep, answer.drop_topic, answer.drop, answer.puzzle_topic, answer.puzzle) == (
        "",
    ) * 6


# ---------------------------------------------------------------------------------------------------------- verdicts


def test_triage_follows_the_symptom_and_knowledge_makes_it_sharper() -> None:
    def accuracy(knows: int, lessons: int = 0) -> float:
        seen = people.disturbance(symptom_permille=625, knowledge_permille=knows, lessons=lessons)
        return share(triage_disturbance, seen, lambda answer: answer.severity == 3)

    assert accuracy(1000) == 1
    assert 0.5 < accuracy(0) < accuracy(0, lessons=2) < 1


def test_bad_trouble_is_fixed_minor_trouble_waits_and_juniors_call_the_lead() -> None:
    def response(symptom: int, seniority: str = "mid", hazard: str = "merge_conflict") -> set[str]:
        seen = people.disturbance(seniority, symptom_permille=symptom, knowledge_permille=1000, hazard=hazard)
        return {answer.response for answer in many(triage_disturbance, seen, 200)}

    assert response(100) == {"defer"}
    assert response(375) == {"fix_now", "defer"}
    assert response(375, hazard="flaky_test") == {"defer"}  # run it again first
    assert response(625) == {"fix_now"}
    assert "escalate" in response(900, "junior")


def test_the_blast_is_never_judged_smaller_than_what_is_seen() -> None:
    assert all(answer.blast >= 4 for answer in many(triage_disturbance, people.disturbance(visible_stories=4), 50))


def test_quality_assurance_sends_back_what_fails_and_thinks_about_flaky_checks() -> None:
    assert share(judge_quality, people.quality(), lambda answer: answer.approve) == 1
    assert share(judge_quality, people.quality(failing_checks=2, flaky_checks=1), lambda answer: answer.approve) == 0
    flaky = [
        share(judge_quality, people.quality(of, flaky_checks=1), lambda a: a.approve) for of in ("junior", "senior")
    ]
    assert 0.3 < flaky[0] < flaky[1] < 0.95
    again = many(judge_quality, people.quality(failing_checks=1, returned_before=1), 1)[0]
    assert again.text == "“Page through tasks” goes back again: 1 check is failing."


def test_a_product_owner_accepts_what_was_wanted_and_little_that_was_not() -> None:
    def accepted(*deviations: str) -> float:
        return share(judge_criterion, people.criterion(deviations=deviations), lambda answer: answer.accept)

    assert accepted() == 1
    assert 0.3 < accepted("it is an empty field") < 0.5
    assert accepted("it is an empty field", "errors are silent") < accepted("it is an empty field") - 0.1
    reason = many(judge_criterion, people.criterion(deviations=("errors are silent",)), 1)[0].reason
    assert people.CRITERIA[1] in reason
    assert "errors are silent" in reason


def test_a_criterion_that_the_story_lacks_is_refused() -> None:
    with pytest.raises(RequestError, match="no criterion 9"):
        judge(people.criterion(criterion=9), CALIBRATION, Dice(1, "ada", ("a", "b", 0)))


# ---------------------------------------------------------------------------------------------------------- all kinds


@pytest.mark.parametrize("observation", people.one_of_each(), ids=lambda part: type(part).__name__)
def test_every_observation_gets_an_answer_of_its_class_and_some_thought(observation: Any) -> None:
    answer = judge(observation, CALIBRATION, Dice(1, "ada", ("a", "b", 0)))

    assert type(answer) is observation.ANSWER
    assert thinking_us(observation, CALIBRATION) >= 50_000


def test_the_table_of_rules_is_complete() -> None:
    assert set(RULES) == {type(observation) for observation in people.one_of_each()}


def test_what_is_no_observation_is_refused() -> None:
    with pytest.raises(RequestError, match=r"no rule answers decision\.points_choice/1"):
        judge(PointsChoice(points=3), CALIBRATION, Dice(1, "ada", ("a", "b", 0)))
    with pytest.raises(ValueError, match="is no observation"):
        thinking_us(PointsChoice(points=3), CALIBRATION)


def test_larger_stories_take_more_thought() -> None:
    small, large = people.story(sized_points=1), people.story(sized_points=13)

    assert thinking_us(people.estimate(story=large), CALIBRATION) > thinking_us(
        people.estimate(story=small), CALIBRATION
    )
