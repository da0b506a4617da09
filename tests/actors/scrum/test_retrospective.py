from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.scrum.messages import RetroColumn
from actors.scrum.retrospective import MAX_LESSONS, LessonBook, Note, NoteGroup, group_notes


def note(agent: str, column: RetroColumn, topic: str, text: str = "") -> Note:
    return Note(agent=agent, column=column, topic=topic, text=text or topic)


def test_notes_are_grouped_by_column_then_by_how_many_wrote_them_then_by_topic() -> None:
    groups = group_notes(
        [
            note("ada", "drop", "meetings"),
            note("ada", "keep", "tests"),
            note("ben", "drop", "flaky_test", "reruns"),
            note("cy", "drop", "flaky_test", "reruns"),
            note("cy", "drop", "flaky_test", "red again"),
            note("ben", "drop", "builds"),
        ]
    )

    assert [(group.column, group.topic) for group in groups] == [
        ("keep", "tests"),
        ("drop", "flaky_test"),
        ("drop", "builds"),
        ("drop", "meetings"),
    ]
    assert groups[1] == NoteGroup(
        column="drop", topic="flaky_test", agents=("ben", "cy"), texts=("reruns", "red again")
    )


def test_a_lesson_grows_stronger_with_each_sprint_that_confirms_it_up_to_three() -> None:
    book = LessonBook()

    effects = [book.learn("flaky_test", "drop", f"text {sprint}", sprint=sprint).effect for sprint in (1, 2, 3, 4)]

    assert effects == ["new", "strengthened", "strengthened", "confirmed"]
    (lesson,) = book.lessons
    assert (lesson.strength, lesson.learned_sprint, lesson.confirmed_sprint, lesson.text) == (3, 1, 4, "text 4")
    assert (book.strength("flaky_test"), book.strength("builds")) == (3, 0)


def test_a_lesson_heard_twice_in_one_retrospective_counts_once() -> None:
    book = LessonBook()
    book.learn("builds", "drop", "slow", sprint=1)

    assert book.learn("builds", "drop", "slow", sprint=1).effect == "confirmed"
    assert book.strength("builds") == 1


def test_the_same_topic_in_two_columns_is_two_lessons() -> None:
    book = LessonBook()
    book.learn("pairing", "keep", "rotate", sprint=1)
    book.learn("pairing", "puzzle", "with whom?", sprint=1)

    assert [(lesson.topic, lesson.column) for lesson in book.lessons] == [("pairing", "keep"), ("pairing", "puzzle")]


def test_a_lesson_fades_when_nothing_confirms_it_for_eight_sprints() -> None:
    book = LessonBook()
    book.learn("builds", "drop", "slow", sprint=1)
    book.learn("tests", "keep", "early", sprint=1)
    book.learn("tests", "keep", "early", sprint=2)

    assert book.fade(sprint=8) == ()
    assert [lesson.topic for lesson in book.fade(sprint=9)] == ["builds"]
    assert [lesson.topic for lesson in book.lessons] == ["tests"]
    assert book.learn("builds", "drop", "slow again", sprint=10).effect == "new"


def test_a_full_mind_forgets_its_weakest_and_oldest_lesson() -> None:
    book = LessonBook()
    for number in range(MAX_LESSONS):
        book.learn(f"topic-{number:02}", "keep", "", sprint=1 + number // 6)
    book.learn("topic-00", "keep", "", sprint=3)  # the oldest, but confirmed

    learned = book.learn("one more", "keep", "", sprint=3)

    assert learned.forgotten is not None
    assert learned.forgotten.topic == "topic-05"
    assert book.strength("topic-05") == 0
    assert len(book.lessons) == MAX_LESSONS


def test_lessons_are_not_learned_in_the_past() -> None:
    book = LessonBook()
    book.learn("tests", "keep", "early", sprint=3)

    with pytest.raises(ValueError, match="before sprint 3"):
        book.learn("tests", "keep", "early", sprint=2)


@given(
    st.lists(st.tuples(st.integers(0, 30), st.sampled_from(("keep", "drop", "puzzle")), st.integers(0, 3)), max_size=80)
)
def test_lessons_stay_bounded_and_distinct_whatever_is_heard(heard: list[tuple[int, RetroColumn, int]]) -> None:
    book, sprint = LessonBook(), 1
    for topic, column, later in heard:
        sprint += later
        book.learn(f"topic-{topic}", column, "", sprint=sprint)
        book.fade(sprint=sprint)

        keys = [(lesson.topic, lesson.column) for lesson in book.lessons]
        assert len(keys) == len(set(keys)) <= MAX_LESSONS
        assert (f"topic-{topic}", column) in keys
        assert all(1 <= lesson.strength <= 3 and sprint - lesson.confirmed_sprint < 8 for lesson in book.lessons)
