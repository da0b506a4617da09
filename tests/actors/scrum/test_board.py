from __future__ import annotations

from collections.abc import Callable

import pytest

from actors.scrum.board import Board
from actors.scrum.cards import BLOCKED
from actors.scrum.errors import (
    BlockedError,
    DependencyCycleError,
    DuplicateStoryError,
    DuplicateTaskError,
    NotReadyError,
    ScrumError,
    SprintOrderError,
    UnknownStoryError,
    UnknownTaskError,
    WipLimitError,
    WrongColumnError,
)
from actors.scrum.messages import CardMoved, CardTagged
from actors.scrum.tasks import Task
from tests.actors.scrum.builders import ready_board, story


def finish(board: Board, story_id: str) -> None:
    board.pull(story_id, developer="ada", at_us=1)
    board.submit(story_id, by="ada", at_us=2)
    board.approve(story_id, by="sophie", at_us=3)


def task(task_id: str, *depends_on: str) -> Task:
    return Task(task_id=task_id, title=task_id, estimated_minutes=60, depends_on=depends_on)


def test_a_pull_starts_the_story_and_tells_what_moved() -> None:
    board = ready_board(story("US-1"))

    event = board.pull("US-1", developer="ada", at_us=90)

    assert event == CardMoved(
        team="team-1",
        sprint=1,
        card_id=1,
        story_id="US-1",
        from_column="ready",
        to_column="in_progress",
        by="ada",
        at_us=90,
    )
    assert board.column_of("US-1") == "in_progress"
    assert (board.card("US-1").owner, board.card("US-1").pulled_at_us) == ("ada", 90)


def test_a_story_goes_from_the_backlog_to_done_one_column_at_a_time() -> None:
    board = Board("team-1")
    board.add_card(story("US-1"), "backlog", points=3)

    events = (
        board.promote("US-1", by="ahmed", at_us=1),
        board.pull("US-1", developer="ada", at_us=2),
        board.submit("US-1", by="ada", at_us=3),
        board.approve("US-1", by="sophie", at_us=4),
    )

    assert [(event.from_column, event.to_column) for event in events] == [
        ("backlog", "ready"),
        ("ready", "in_progress"),
        ("in_progress", "review"),
        ("review", "done"),
    ]


def test_a_pull_over_the_limit_is_refused_and_names_the_limit() -> None:
    board = ready_board(story("US-1"), story("US-2"), in_progress=1)
    board.pull("US-1", developer="ada", at_us=1)

    with pytest.raises(WipLimitError) as refused:
        board.pull("US-2", developer="ben", at_us=2)

    assert (refused.value.column, refused.value.limit) == ("in_progress", 1)


def test_a_submit_over_the_limit_is_refused() -> None:
    board = ready_board(story("US-1"), story("US-2"), review=1)
    for story_id in ("US-1", "US-2"):
        board.pull(story_id, developer="ada", at_us=1)
    board.submit("US-1", by="ada", at_us=2)

    with pytest.raises(WipLimitError):
        board.submit("US-2", by="ada", at_us=3)

    assert board.column_of("US-2") == "in_progress"


def test_a_story_waits_for_the_unfinished_stories_it_depends_on_and_names_them() -> None:
    board = ready_board(story("US-1"), story("US-2"), story("US-3", depends_on=("US-1", "US-2")))
    finish(board, "US-1")

    with pytest.raises(NotReadyError) as refused:
        board.pull("US-3", developer="ada", at_us=9)

    assert refused.value.waits_for == ("US-2",)
    finish(board, "US-2")
    assert board.pull("US-3", developer="ada", at_us=9).to_column == "in_progress"


def test_a_blocked_story_cannot_be_pulled_until_the_label_is_off() -> None:
    board = ready_board(story("US-1"))
    board.tag("US-1", BLOCKED)

    with pytest.raises(BlockedError) as refused:
        board.pull("US-1", developer="ada", at_us=1)

    assert (refused.value.story_id, refused.value.tag) == ("US-1", BLOCKED)
    assert board.next_ready() is None
    board.untag("US-1", BLOCKED)
    assert board.next_ready() == board.card("US-1")


def test_a_label_is_told_once() -> None:
    board = ready_board(story("US-1"))

    told = (board.tag("US-1", "FLAKY"), board.tag("US-1", "FLAKY"), board.untag("US-1", "FLAKY"))

    expected = {"team": "team-1", "sprint": 1, "card_id": 1, "story_id": "US-1", "tag": "FLAKY"}
    assert told == (CardTagged(**expected, present=True), None, CardTagged(**expected, present=False))  # type: ignore[arg-type]
    assert board.untag("US-1", "FLAKY") is None


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("promote", lambda board: board.promote("US-1", by="x", at_us=1)),
        ("submit", lambda board: board.submit("US-1", by="x", at_us=1)),
        ("approve", lambda board: board.approve("US-1", by="x", at_us=1)),
        ("send_back", lambda board: board.send_back("US-1", by="x", at_us=1)),
        ("reopen", lambda board: board.reopen("US-1", by="x", at_us=1)),
        ("release", lambda board: board.release("US-1", by="x", at_us=1)),
        ("withdraw", lambda board: board.withdraw("US-1")),
    ],
)
def test_a_ready_card_can_only_be_pulled(name: str, command: Callable[[Board], object]) -> None:
    board = ready_board(story("US-1"))

    with pytest.raises(WrongColumnError) as refused:
        command(board)

    assert (refused.value.story_id, refused.value.column) == ("US-1", "ready")


def test_a_story_that_is_in_progress_cannot_be_pulled_again() -> None:
    board = ready_board(story("US-1"))
    board.pull("US-1", developer="ada", at_us=1)

    with pytest.raises(WrongColumnError) as refused:
        board.pull("US-1", developer="ben", at_us=2)

    assert (refused.value.column, refused.value.expected) == ("in_progress", "ready")


def test_a_story_nobody_put_on_the_board_is_unknown() -> None:
    with pytest.raises(UnknownStoryError):
        Board("team-1").pull("US-9", developer="ada", at_us=1)


def test_a_story_is_on_the_board_once() -> None:
    board = ready_board(story("US-1"))

    with pytest.raises(DuplicateStoryError):
        board.add_card(story("US-1"), "backlog", points=1)


def test_a_card_starts_in_backlog_or_ready() -> None:
    with pytest.raises(WrongColumnError):
        Board("team-1").add_card(story("US-1"), "done", points=1)


def test_the_next_story_is_the_expedited_one_then_the_smallest_priority_number_then_the_oldest() -> None:
    board = ready_board(story("US-1", priority=2), story("US-2", priority=1), story("US-3", priority=1))
    board.add_card(story("HF-1", priority=9), "ready", points=3, expedite=True)

    assert [card.story_id for card in board.may_start()] == ["HF-1", "US-2", "US-3", "US-1"]


def test_a_developer_is_offered_own_stories_and_those_without_an_owner() -> None:
    board = Board("team-1")
    for story_id, owner in (("US-1", "ben"), ("US-2", ""), ("US-3", "ada")):
        board.add_card(story(story_id, priority=int(story_id[-1])), "ready", points=1, owner=owner)

    assert [board.next_ready(owners) for owners in (["ada"], ["ben"])] == [board.card("US-2"), board.card("US-1")]
    board.pull("US-2", developer="cy", at_us=1)
    assert board.next_ready(["ada"]) == board.card("US-3")
    assert board.next_ready(["cy"]) is None


def test_nothing_may_start_while_in_progress_is_full() -> None:
    board = ready_board(story("US-1"), story("US-2"), in_progress=1)
    board.pull("US-1", developer="ada", at_us=1)

    assert board.next_ready() is None


def test_a_returned_story_goes_on_at_once_where_there_is_room() -> None:
    board = ready_board(story("US-1"))
    board.pull("US-1", developer="ada", at_us=1)
    board.submit("US-1", by="ada", at_us=2)

    assert board.send_back("US-1", by="sophie", at_us=3).to_column == "in_progress"
    assert not board.card("US-1").expedite


def test_a_returned_story_is_next_in_line_while_in_progress_is_full() -> None:
    board = ready_board(story("US-1", priority=9), story("US-2"), story("US-3"), in_progress=1)
    board.pull("US-1", developer="ada", at_us=1)
    board.submit("US-1", by="ada", at_us=2)
    board.pull("US-2", developer="ben", at_us=3)

    assert board.send_back("US-1", by="sophie", at_us=4).to_column == "ready"

    board.submit("US-2", by="ben", at_us=5)
    assert board.next_ready() == board.card("US-1")
    board.pull("US-1", developer="ada", at_us=6)
    assert not board.card("US-1").expedite


def test_cycle_time_counts_from_the_first_pull_of_a_rejected_story() -> None:
    board = ready_board(story("US-1"))
    finish(board, "US-1")

    assert board.reopen("US-1", by="po", at_us=50).to_column == "ready"

    assert not board.card("US-1").expedite
    board.pull("US-1", developer="ben", at_us=60)
    assert (board.card("US-1").pulled_at_us, board.card("US-1").owner) == (1, "ben")


def test_a_rejected_story_can_be_put_first_in_line() -> None:
    board = ready_board(story("US-1", priority=9), story("US-2"))
    finish(board, "US-1")

    board.reopen("US-1", by="po", at_us=50, expedite=True)

    assert board.next_ready() == board.card("US-1")


def test_a_story_whose_pair_is_gone_is_next_in_line() -> None:
    board = ready_board(story("US-1", priority=9), story("US-2"))
    board.pull("US-1", developer="ada", at_us=1)

    assert board.release("US-1", by="ahmed", at_us=2).to_column == "ready"
    assert board.next_ready() == board.card("US-1")


def test_unfinished_cards_are_carried_into_the_next_sprint_and_done_ones_are_not() -> None:
    board = ready_board(story("US-1"), story("US-2"), story("US-3"))
    finish(board, "US-1")
    board.pull("US-2", developer="ada", at_us=4)

    carried = board.carry_over(2)

    assert [card.story_id for card in carried] == ["US-3", "US-2"]
    assert [board.card(id_).sprint for id_ in ("US-1", "US-2", "US-3")] == [1, 2, 2]
    assert board.submit("US-2", by="ada", at_us=5).sprint == 2


def test_time_does_not_run_backwards_on_the_board() -> None:
    board = ready_board(story("US-1"))
    board.carry_over(2)

    with pytest.raises(SprintOrderError):
        board.carry_over(2)


def test_stories_build_on_archived_ones_and_on_those_of_other_teams() -> None:
    board = ready_board(story("US-1"), story("US-2", depends_on=("US-1", "US-9")))
    finish(board, "US-1")
    assert [card.story_id for card in board.archive()] == ["US-1"]
    assert board.waits_for("US-2") == ("US-9",)

    board.finish_elsewhere("US-9")

    assert board.next_ready() == board.card("US-2")
    assert board.cards("done") == ()
    with pytest.raises(DuplicateStoryError):
        board.add_card(story("US-1"), "ready", points=1)
    with pytest.raises(DuplicateStoryError):
        board.finish_elsewhere("US-2")


def test_a_stretch_story_is_promoted_by_priority_once_its_dependencies_are_done() -> None:
    board = ready_board(story("US-1"))
    board.add_card(story("US-2", priority=1, depends_on=("US-1",)), "backlog", points=1)
    board.add_card(story("US-3", priority=2), "backlog", points=1)
    assert board.next_to_promote() == board.card("US-3")

    finish(board, "US-1")

    assert board.next_to_promote() == board.card("US-2")


def test_a_withdrawn_story_can_come_back_as_a_new_card() -> None:
    board = Board("team-1")
    board.add_card(story("US-1"), "backlog", points=3)

    assert board.withdraw("US-1").story == story("US-1")

    assert board.add_card(story("US-1"), "ready", points=5).card_id == 2


def test_tasks_are_kept_in_dependency_order_and_ticked_off() -> None:
    board = Board("team-1")
    card = board.add_card(story("US-1"), "ready", points=3, tasks=(task("T-1-002", "T-1-001"), task("T-1-001")))
    assert [one.task_id for one in card.tasks] == ["T-1-001", "T-1-002"]

    board.finish_task("US-1", "T-1-001")
    board.add_task("US-1", task("T-1-003"))

    assert [(one.task_id, one.done) for one in board.card("US-1").tasks] == [
        ("T-1-001", True),
        ("T-1-002", False),
        ("T-1-003", False),
    ]


@pytest.mark.parametrize(
    ("command", "error"),
    [
        (lambda board: board.finish_task("US-1", "T-9-999"), UnknownTaskError),
        (lambda board: board.add_task("US-1", task("T-1-001")), DuplicateTaskError),
        (lambda board: board.add_task("US-1", task("T-1-002", "T-1-009")), UnknownTaskError),
        (lambda board: board.add_task("US-1", task("T-1-002", "T-1-002")), DependencyCycleError),
        (
            lambda board: board.add_card(story("US-2"), "ready", points=1, tasks=(task("a"), task("a"))),
            DuplicateTaskError,
        ),
    ],
)
def test_tasks_that_make_no_sense_are_refused_and_leave_no_trace(
    command: Callable[[Board], object], error: type[ScrumError]
) -> None:
    board = Board("team-1")
    board.add_card(story("US-1"), "ready", points=3, tasks=(task("T-1-001"),))
    before = board.snapshot()

    with pytest.raises(error):
        command(board)

    assert board.snapshot() == before
    assert board.add_card(story("US-3"), "ready", points=1).card_id == 2


def test_a_pair_can_be_renamed_one_seat_at_a_time() -> None:
    board = ready_board(story("US-1"))

    board.reassign("US-1", owner="ada", navigator="ben")
    board.reassign("US-1", navigator="cy")
    assert (board.card("US-1").owner, board.card("US-1").navigator) == ("ada", "cy")

    board.reassign("US-1", navigator="")
    assert (board.card("US-1").owner, board.card("US-1").navigator) == ("ada", "")


def test_a_snapshot_stays_as_it_is_while_the_board_moves_on() -> None:
    board = Board("team-1")
    for story_id in ("US-1", "US-2"):
        board.add_card(story(story_id), "ready", points=3)
    view = board.snapshot()

    board.pull("US-1", developer="ada", at_us=1)

    assert [card.story_id for card in view.in_column("ready")] == ["US-1", "US-2"]
    assert [card.story_id for card in board.snapshot().in_column("in_progress")] == ["US-1"]
    assert (view.wip_in_progress, view.wip_review) == (4, 2)


def test_a_board_without_room_for_any_story_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="limit below one"):
        Board("team-1", review=0)
