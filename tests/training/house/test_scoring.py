"""How judgements are scored: beside the behavioural policy, beside random play, with intervals."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace

import jsonschema
import pytest

from actors.policy.calibration import shipped_calibration
from actors.policy.decisions import EstimatePoints, PlanChoice, PlanStory, PointsChoice
from actors.policy.prompting.answers import text_of
from actors.policy.prompting.narrowing import schema_of
from training.house.examples import EXAMPLES, SecondOpinion
from training.house.intervals import mean_interval, share_interval
from training.house.random_play import Dealer, play
from training.house.scoring import Score, Scorer, table
from training.house.showing import lines_of
from training.house.transcripts import Transcript


def test_random_play_fits_the_schema_of_every_observation(transcripts: list[Transcript]) -> None:
    for number, one in enumerate(transcripts[::7]):
        schema = schema_of(one.asked.observation)

        jsonschema.validate(json.loads(play(schema, Dealer(number, "here"))), schema)


def test_random_play_is_as_likely_to_speak_as_to_be_silent_and_repeats_itself(transcripts: list[Transcript]) -> None:
    schema = {
        "anyOf": [
            {"type": "object", "properties": {"ask": {"const": False}}},
            {"type": "object", "properties": {"ask": {"const": True}, "of": {"type": "string", "enum": ["a", "b"]}}},
        ]
    }
    plays = Counter(play(schema, Dealer(1, f"play {n}")) for n in range(2000))

    assert 900 < plays['{"ask":false}'] < 1100
    assert 400 < plays['{"ask":true,"of":"a"}'] < 600
    assert play(schema, Dealer(1, "x")) == play(schema, Dealer(1, "x"))


def test_the_behavioural_policy_agrees_with_itself_as_far_as_it_can(transcripts: list[Transcript]) -> None:
    scorer, opinion = Scorer(shipped_calibration()), SecondOpinion(shipped_calibration())
    scores = [scorer.score(one.asked, opinion.of(one.asked, 99)) for one in transcripts[::3]]
    total = table(scores)[-1]

    assert total.legal == total.valid == total.decisions
    assert total.agreement.low < total.self_agreement < total.agreement.high
    assert total.is_above_random


def test_random_play_is_no_better_than_random_play(transcripts: list[Transcript]) -> None:
    scorer = Scorer(shipped_calibration())
    scores = [
        scorer.score(one.asked, play(schema_of(one.asked.observation), Dealer(12345, str(n))))
        for n, one in enumerate(transcripts)
        if not isinstance(one.asked.observation, PlanStory)  # hardly a random plan is legal, and so none agrees
    ]

    assert abs(table(scores)[-1].advantage.value) < 0.05


def test_an_answer_that_is_malformed_or_impossible_agrees_with_nobody(transcripts: list[Transcript]) -> None:
    one = next(each for each in transcripts if isinstance(each.answer, PlanChoice))
    assert isinstance(one.answer, PlanChoice)
    spoilt = replace(one.answer, tasks=(*one.answer.tasks[:-1], replace(one.answer.tasks[-1], share_permille=1)))
    scorer = Scorer(shipped_calibration())

    right, wrong = scorer.score(one.asked, text_of(one.answer)), scorer.score(one.asked, text_of(spoilt))
    assert right.is_legal
    assert right.agreement > 0
    assert (wrong.is_valid, wrong.is_legal, wrong.agreement) == (True, False, 0.0)
    for text in (None, "", "{}"):
        score = scorer.score(one.asked, text)
        assert (score.is_valid, score.is_legal, score.agreement) == (False, False, 0.0)


def test_agreement_is_the_share_of_the_policys_answers_that_decide_the_same(transcripts: list[Transcript]) -> None:
    one = next(each for each in transcripts if isinstance(each.asked.observation, EstimatePoints))
    scorer = Scorer(shipped_calibration())
    shares = [scorer.score(one.asked, PointsChoice(points=points)).agreement for points in (1, 2, 3, 5, 8, 13)]

    assert sum(shares) == pytest.approx(1)


def score_of(kind: str, agreement: float, *, is_legal: bool = True) -> Score:
    return Score(
        kind=kind,
        is_valid=True,
        is_legal=is_legal,
        agreement=agreement,
        random_agreement=0.5,
        random_legal=1.0,
        self_agreement=0.9,
    )


def test_a_line_for_each_kind_and_one_for_all_with_a_verdict_where_there_is_enough() -> None:
    scores = [
        *(score_of("judge_quality", 1.0) for _ in range(20)),
        *(score_of("decide_help", 0.5, is_legal=n > 0) for n in range(20)),
        score_of("plan_story", 1.0),
    ]
    title, _, *rows = lines_of(table(scores), "a run")
    shown = {row[:18].strip(): row[18:] for row in rows}

    assert title == "a run"
    assert list(shown) == [*sorted(kind.replace("_", " ") for kind in EXAMPLES), "all"]  # also what was never asked
    assert shown["decide help"].endswith("+0 [+0 +0] no")
    assert "95 [76 99]" in shown["decide help"]
    assert shown["judge quality"].endswith("+50 [+50 +50] yes")
    assert shown["plan story"].endswith("too few")
    assert shown["hold checkpoint"].split() == ["0", "none"]
    assert shown["all"].split()[0] == "41"


def test_intervals_are_those_of_the_books() -> None:
    nothing, half = share_interval(0, 10), share_interval(50, 100)

    assert (nothing.low, round(nothing.high, 4)) == (0.0, 0.2775)
    assert (round(half.low, 4), round(half.high, 4)) == (0.4038, 0.5962)
    coin = mean_interval([0.0, 1.0] * 200)
    assert coin.low == pytest.approx(0.5 - 1.96 * 0.025, abs=0.005)
    assert coin == mean_interval([0.0, 1.0] * 200)
    with pytest.raises(ValueError, match="nothing"):
        share_interval(0, 0)
