"""A decision asked of a model: an answer, or one repair, or a typed failure."""

from __future__ import annotations

from typing import Any

from actors.policy.decisions import HelpChoice, PointsChoice
from actors.policy.prompting.dialogue import Dialogue, NoDecision, Settled, begin
from actors.policy.prompting.memory import Memory
from actors.policy.prompting.prompts import load_prompts
from tests.actors.policy import people

PROMPTS = load_prompts()


def asked_again(outcome: Any) -> Dialogue:
    assert isinstance(outcome, Dialogue)
    assert outcome.is_repair
    return outcome


def test_a_good_answer_settles_it_at_once() -> None:
    dialogue = begin(PROMPTS, people.estimate())

    assert dialogue.messages == PROMPTS.messages(people.estimate())
    assert dialogue.take(PROMPTS, '{"points":5}') == Settled(PointsChoice(points=5), is_repaired=False)


def test_memory_is_part_of_the_question() -> None:
    memory = Memory(budget_chars=100).with_turn(about="How big?", answer='{"points":3}')

    assert begin(PROMPTS, people.estimate(), memory).messages == PROMPTS.messages(people.estimate(), memory)


def test_a_wrong_answer_is_repaired_once_and_the_repair_counts() -> None:
    repair = asked_again(begin(PROMPTS, people.estimate()).take(PROMPTS, "Five."))

    assert repair.messages[:2] == PROMPTS.messages(people.estimate())
    assert repair.messages[2].content == "Five."
    assert "the answer is no JSON" in repair.messages[3].content
    assert repair.take(PROMPTS, '{"points":5}') == Settled(PointsChoice(points=5), is_repaired=True)


def test_there_is_no_second_repair() -> None:
    repair = asked_again(begin(PROMPTS, people.estimate()).take(PROMPTS, "Five."))
    outcome = repair.take(PROMPTS, '{"points":4}')

    assert isinstance(outcome, NoDecision)
    assert outcome.cause == "malformed"
    assert outcome.text == "malformed answer: points: Input should be 1, 2, 3, 5, 8 or 13"


def test_an_answer_that_is_not_possible_here_is_told_why_and_then_fails_as_illegal() -> None:
    text = '{"helper":"zoe","text":"Zoe helps."}'
    repair = asked_again(begin(PROMPTS, people.help_needed()).take(PROMPTS, text))

    assert "helper: must be empty or one of ada, bob, cyd" in repair.messages[-1].content
    outcome = repair.take(PROMPTS, text)
    assert outcome == NoDecision("illegal", "helper: must be empty or one of ada, bob, cyd")
    settled = repair.take(PROMPTS, '{"helper":"bob","text":"Bob helps."}')
    assert settled == Settled(HelpChoice(helper="bob", text="Bob helps."), is_repaired=True)


def test_an_answer_that_was_cut_off_is_told_to_be_shorter() -> None:
    text = '{"helper":"bob","text":"Bob helps, and'
    repair = asked_again(begin(PROMPTS, people.help_needed()).take(PROMPTS, text, "length"))

    assert "too long" in repair.messages[-1].content
    outcome = repair.take(PROMPTS, text, "length")
    assert isinstance(outcome, NoDecision)
    assert outcome.cause == "cut_off"


def test_an_answer_that_happens_to_end_where_it_was_cut_is_an_answer() -> None:
    outcome = begin(PROMPTS, people.estimate()).take(PROMPTS, '{"points":5}', "length")

    assert outcome == Settled(PointsChoice(points=5), is_repaired=False)
