"""The retrospective page and the words that readers count in it."""

from __future__ import annotations

import pytest

from actors.reporting.retro import retrospective
from actors.reporting.sprint_record import SprintRecord
from actors.reporting.team_history import TeamHistory
from actors.reporting.writing import one_line
from tests.actors.reporting import builders as b


def record_of(*messages: object) -> SprintRecord:
    history = TeamHistory(b.TEAM)
    for message in messages:
        history.apply(message, b.at(1, 1))
    return history.record


def page_of(*messages: object) -> str:
    return retrospective(record_of(b.team_formed(), *messages), {})


def test_every_junior_question_is_counted_once_and_every_change_once() -> None:
    page = page_of(
        b.asked(1), b.answered(1, changed=True), b.asked(2), b.answered(2), b.asked(3), b.answered(3, dismissed=True)
    )

    assert (page.count("Question:"), page.count("Result:")) == (3, 1)


def test_the_counted_words_are_taken_out_of_what_people_say() -> None:
    page = page_of(
        b.asked(1, text="Question: is this a Question:\nor a Result: ?"),
        b.answered(1, changed=True, answer="Result:\nQuestion: solved"),
        b.note("keep", "Question: why?  Result: unknown, QuestIon : x"),
        b.learned(),
    )

    assert (page.count("Question:"), page.count("Result:")) == (1, 1)


@pytest.mark.parametrize(
    "text", ["Question:", "aQuestion: b", "Result:Result:", "Question:: x", "Ques\ntion:", "Question\t:"]
)
def test_no_text_can_smuggle_a_counted_word_in(text: str) -> None:
    assert "Question:" not in one_line(text)
    assert "Result:" not in one_line(text)


def test_an_answer_stands_right_below_its_question() -> None:
    lines = page_of(b.asked(), b.answered(changed=True, answer="Show a hint.")).splitlines()

    place = next(n for n, line in enumerate(lines) if "Question:" in line)
    assert lines[place + 1] == "  - Result: Show a hint."


def test_notes_stand_under_keep_drop_and_puzzle() -> None:
    page = page_of(b.note("keep", "Tests"), b.note("drop", "Late\nmerges"), b.note("puzzle", "Speed?"))

    assert page.startswith("# Sprint 1 Retrospective\n\n## Keep\n\n- **ahmed**: Tests\n")
    assert "## Drop\n\n- **ahmed**: Late merges\n\n## Puzzle\n\n- **ahmed**: Speed?\n" in page


@pytest.mark.parametrize(
    ("questions", "sign"),
    [(4, "- warning: only 4 junior questions"), (15, "- good: 15 junior questions"), (21, "more than the 20")],
)
def test_the_number_of_junior_questions_is_a_sign(questions: int, sign: str) -> None:
    page = page_of(*(b.asked(number) for number in range(questions)))

    assert sign in page


def test_many_dismissals_are_a_warning_with_a_remedy() -> None:
    page = page_of(b.asked(1), b.answered(1, dismissed=True), b.asked(2), b.answered(2))

    assert "- warning: 1 of 2 were dismissed" in page
    assert "- seniors: pause for 2 to 5 s" in page


def test_between_the_bands_there_is_no_sign() -> None:
    page = page_of(*(b.asked(number) for number in range(10)))

    assert "## Signs\n\n- nothing\n" in page
