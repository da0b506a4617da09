"""What a person remembers: the newest, within a budget, in pieces that let a prefix cache work."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.policy.prompting.memory import TURN_CHARS, Memory, Turn

turns = st.lists(st.tuples(st.text(max_size=30), st.text(max_size=30)), max_size=30)


def filled(memory: Memory, count: int, first: int = 0) -> Memory:
    """With turns of 30 characters each."""
    for n in range(first, first + count):
        memory = memory.with_turn(about=f"about {n:03d}", answer="12345")
    return memory


TURN = len("about 000") + len("12345") + TURN_CHARS


@settings(deadline=None)
@given(turns, st.integers(0, 300), st.integers(0, 1000))
def test_the_budget_holds_and_the_newest_are_kept_in_their_order(
    said: list[tuple[str, str]], budget: int, kept: int
) -> None:
    memory = Memory(budget_chars=budget, kept_permille=kept)
    for about, answer in said:
        memory = memory.with_turn(about=about, answer=answer)
        assert memory.chars <= budget
        if len(about) + len(answer) + TURN_CHARS <= budget:
            assert memory.turns[-1] == Turn(about=about, answer=answer)

    answers = [turn.answer for turn in memory.turns]
    assert answers == [answer for _, answer in said][len(said) - len(answers) :]


def test_a_turn_is_a_question_and_an_answer() -> None:
    (question, answer) = Memory(budget_chars=100).with_turn(about="How big?", answer="5").messages()

    assert (question.role, question.content) == ("user", "How big?")
    assert (answer.role, answer.content) == ("assistant", "5")


def test_the_beginning_stays_the_same_over_many_turns_because_the_oldest_go_in_pieces() -> None:
    memory, changes, longest = Memory(budget_chars=20 * TURN), 0, 0
    for n in range(200):
        after = filled(memory, 1, first=n)
        changes += after.turns[: len(memory.turns)] != memory.turns
        longest = max(longest, len(after.turns))
        memory = after

    assert longest == 20
    assert changes == 17  # of 200; one at a time it would be 180


def test_when_it_is_full_it_goes_down_to_its_share() -> None:
    memory = filled(Memory(budget_chars=10 * TURN, kept_permille=300), 10)
    assert len(memory.turns) == 10

    after = filled(memory, 1, first=10)
    assert [turn.about for turn in after.turns] == ["about 008", "about 009", "about 010"]


def test_what_a_turn_is_about_is_shortened_and_an_answer_never() -> None:
    memory = Memory(budget_chars=TURN_CHARS + 10).with_turn(about="a long question", answer="12345")
    assert memory.turns == (Turn(about="a lo…", answer="12345"),)

    too_long = memory.with_turn(about="?", answer="x" * 11)
    assert too_long.turns == ()


def test_a_memory_without_room_remembers_nothing() -> None:
    assert filled(Memory(budget_chars=0), 5) == Memory(budget_chars=0)


def test_a_memory_is_a_value() -> None:
    memory = Memory(budget_chars=1000)

    assert filled(memory, 3) == filled(memory, 3)
    assert hash(filled(memory, 3)) == hash(filled(memory, 3))
    assert memory.turns == ()


@pytest.mark.parametrize(("budget", "kept"), [(-1, 500), (10, -1), (10, 1001)])
def test_a_budget_that_makes_no_sense_is_refused(budget: int, kept: int) -> None:
    with pytest.raises(ValueError, match="a memory of"):
        Memory(budget_chars=budget, kept_permille=kept)
