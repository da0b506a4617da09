"""What is learned from: decisions of runs, in plain words, in conversations."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from actors.policy.calibration import shipped_calibration
from actors.policy.decisions import DecideHelp, PlanChoice
from actors.policy.prompting.answers import parse, text_of
from actors.policy.prompting.legality import illegal
from actors.policy.prompting.prompts import name_of
from training.house.examples import EXAMPLES, examples
from training.house.gist import gist
from training.house.making import house_prompts
from training.house.plain_words import in_plain_words, shares_of
from training.house.transcripts import Transcript, collect

NUMBERS = dict.fromkeys(EXAMPLES, 20)


def test_transcripts_hold_decisions_of_every_kind_that_is_learned(transcripts: list[Transcript]) -> None:
    kinds = {name_of(type(one.asked.observation)) for one in transcripts}

    assert kinds == set(EXAMPLES)


def test_the_same_seeds_give_the_same_transcripts_over_any_number_of_processes(transcripts: list[Transcript]) -> None:
    assert collect([11, 12], jobs=2) == transcripts


def test_plain_words_change_no_judgement_and_stay_possible(transcripts: list[Transcript]) -> None:
    for one in transcripts:
        plain = in_plain_words(one.answer)

        assert gist(plain) == gist(one.answer)
        assert illegal(one.asked.observation, plain) == ""


def test_plain_words_quote_nothing_that_the_model_cannot_see(transcripts: list[Transcript]) -> None:
    stories = {one.asked.observation.story for one in transcripts if hasattr(one.asked.observation, "story")}
    told = "\n".join(text_of(in_plain_words(one.answer)) for one in transcripts)

    assert not [story.title for story in stories if story.title in told]
    assert not [text for story in stories for text in story.criteria if text in told]


def test_shares_of_a_plan_in_plain_words_are_equal_but_for_the_checks_and_sum_to_a_thousand(
    transcripts: list[Transcript],
) -> None:
    plans = [in_plain_words(one.answer) for one in transcripts if isinstance(one.answer, PlanChoice)]

    assert len(plans) > 10
    assert all(sum(shares_of(plan.tasks)) == 1000 for plan in plans)
    assert {len(set(shares_of(plan.tasks)[:-1])) for plan in plans} == {1}


def test_each_kind_has_its_number_of_examples_however_rare_it_is(transcripts: list[Transcript]) -> None:
    prompts, _ = house_prompts()
    found = examples(transcripts, prompts, shipped_calibration(), seed=1, numbers=NUMBERS)

    assert Counter(one.kind for one in found) == NUMBERS
    assert [one.kind for one in found] != sorted(one.kind for one in found)  # mixed
    assert found == examples(transcripts, prompts, shipped_calibration(), seed=1, numbers=NUMBERS)
    assert found != examples(transcripts, prompts, shipped_calibration(), seed=2, numbers=NUMBERS)


def test_a_repeated_observation_is_judged_afresh(transcripts: list[Transcript]) -> None:
    prompts, _ = house_prompts()
    estimate = next(one for one in transcripts if name_of(type(one.asked.observation)) == "estimate_points")
    found = examples([estimate], prompts, shipped_calibration(), seed=1, numbers={"estimate_points": 40})

    assert len({json.loads(one.answer)["points"] for one in found}) > 1


def test_a_kind_that_no_transcript_has_is_named(transcripts: list[Transcript]) -> None:
    prompts, _ = house_prompts()
    few = [one for one in transcripts if name_of(type(one.asked.observation)) != "plan_story"]

    with pytest.raises(ValueError, match="plan_story"):
        examples(few, prompts, shipped_calibration(), seed=1, numbers=NUMBERS)


def test_conversations_are_short_and_their_answers_can_be_read(transcripts: list[Transcript]) -> None:
    prompts, _ = house_prompts()

    for one in transcripts:
        messages = prompts.messages(one.asked.observation)

        assert sum(len(message.content) for message in messages) < 800
        assert parse(one.asked.observation, text_of(in_plain_words(one.answer))) == in_plain_words(one.answer)


def test_who_knows_most_varies_and_the_policy_is_asked_again(transcripts: list[Transcript]) -> None:
    prompts, _ = house_prompts()
    one = next(
        each
        for each in transcripts
        if isinstance(each.asked.observation, DecideHelp) and max(each.asked.observation.candidate_knowledge) >= 250
    )
    found = examples([one], prompts, shipped_calibration(), seed=1, numbers={"decide_help": 40})
    helpers = {json.loads(example.answer)["helper"] for example in found}

    assert helpers == set(one.asked.observation.candidates)  # type: ignore[attr-defined]
    assert len({example.messages[1].content for example in found}) >= len(helpers)
