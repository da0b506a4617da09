from __future__ import annotations

from statistics import fmean

import pytest

from actors.policy.asking import CATEGORIES, HINTS, PHRASES, TOPICS, choose_answer, choose_question
from actors.policy.calibration import shipped_calibration
from actors.policy.decisions import ChooseAnswer, ChooseQuestion, QuestionChoice, TopicExperience
from actors.policy.dice import Dice
from tests.actors.policy.people import CRITERIA, answer, question, story

CALIBRATION = shipped_calibration()


def choices(observation: ChooseQuestion, count: int = 400) -> list[QuestionChoice]:
    return [choose_question(observation, CALIBRATION, Dice(7, "ada", ("ask", "S-7", n))) for n in range(count)]


def asked(observation: ChooseQuestion, count: int = 400) -> list[QuestionChoice]:
    return [choice for choice in choices(observation, count) if choice.ask]


def test_juniors_ask_more_than_mid_level_people_and_those_more_than_seniors() -> None:
    junior, mid, senior = (len(asked(question(seniority))) for seniority in ("junior", "mid", "senior"))

    assert junior > mid > senior > 0


def test_a_complaint_taken_to_heart_means_fewer_questions_waved_away() -> None:
    def dismissed(lessons: int) -> float:
        hurried = answer("senior", questions_today=12, lessons=lessons)
        return fmean(
            choose_answer(hurried, CALIBRATION, Dice(7, "ada", ("answer", "S-7", n))).dismiss for n in range(2000)
        )

    assert 0 < dismissed(3) < 0.8 * dismissed(0)


def test_a_question_is_about_one_criterion_and_quotes_it() -> None:
    for choice in asked(question()):
        assert CRITERIA[choice.criterion - 1] in choice.text
        assert choice.text.endswith("?")
        assert choice.category in CATEGORIES[choice.topic]
        assert "Question:" not in choice.text  # the retrospective counts that word


def test_what_was_answered_is_not_asked_again() -> None:
    everything_else = tuple(f"{number}:{topic}" for number in (1, 2, 3) for topic in TOPICS if topic != "data")
    observation = question(story=story(answered=everything_else))

    assert {choice.topic for choice in asked(observation)} == {"data"}


def test_when_all_is_answered_nobody_asks() -> None:
    everything = tuple(f"{number}:{topic}" for number in (1, 2, 3) for topic in TOPICS)

    silent = QuestionChoice(ask=False, criterion=0, topic="", category="", text="")
    assert choices(question(story=story(answered=everything)), 20) == [silent] * 20


def test_a_story_without_criteria_leaves_nothing_to_ask() -> None:
    assert asked(question(story=story(criteria=())), 50) == []


def test_somebody_who_has_asked_twice_is_quieter() -> None:
    assert len(asked(question(asked_before=2))) < len(asked(question())) / 2


def test_experience_with_a_module_draws_people_to_the_topics_that_changed_something() -> None:
    seen = (
        TopicExperience(topic="data", asked=10, changed=6),
        TopicExperience(topic="limits", asked=20, changed=0),
    )
    fresh, taught = asked(question("senior"), 3000), asked(question("senior", experience=seen), 3000)

    def share(choices: list[QuestionChoice], topic: str) -> float:
        return fmean(choice.topic == topic for choice in choices)

    assert share(taught, "data") > 1.7 * share(fresh, "data")
    assert share(taught, "limits") < share(fresh, "limits") / 2


def test_who_knows_the_module_reads_more_out_of_a_criterion() -> None:
    def hinted(knows: int) -> float:
        found = asked(question("senior", knowledge_permille=knows), 3000)
        return fmean(any(word in CRITERIA[c.criterion - 1].lower() for word in HINTS[c.topic]) for c in found)

    assert hinted(950) > 1.2 * hinted(0)


@pytest.mark.parametrize("topic", TOPICS)
def test_every_topic_has_words_for_itself(topic: str) -> None:
    assert len(PHRASES[topic]) == 2
    assert CATEGORIES[topic]
    assert HINTS[topic]


def dismissed(observation: ChooseAnswer) -> float:
    made = [choose_answer(observation, CALIBRATION, Dice(7, "ada", ("answer", "Q", n))) for n in range(1500)]
    assert all(choice.pause_ms == 0 if choice.dismiss else 2000 <= choice.pause_ms <= 5000 for choice in made)
    return fmean(choice.dismiss for choice in made)


def test_fewer_than_a_fifth_of_questions_are_waved_away() -> None:
    assert 0.03 < dismissed(answer()) < 0.2


def test_familiarity_makes_patient_and_many_questions_make_impatient() -> None:
    assert dismissed(answer(familiarity_permille=950)) < dismissed(answer()) < dismissed(answer(questions_today=15))
    assert dismissed(answer(questions_today=500)) < 0.35
