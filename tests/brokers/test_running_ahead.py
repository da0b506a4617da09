"""How far a node may be left to itself, and which replies must be durable before they are delivered."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from brokers.clock.core import AHEAD_US, ClockCore, DueEffect, Window
from brokers.clock.effects import EffectDesk
from brokers.journal.journal import Journal
from brokers.node.rows import EffectIssued


def granted(core: ClockCore) -> Window:
    window = core.next_window()
    assert isinstance(window, Window)
    return window


@pytest.fixture
def core() -> ClockCore:
    core = ClockCore(["a", "b"], link_delay_us=50)
    core.node_next("a", 100)
    return core


def test_a_node_that_works_alone_may_go_on_until_another_has_something_to_do(core: ClockCore) -> None:
    core.node_next("b", 1_000)

    assert granted(core) == Window(100, 150, 1_000, ("a",), ())


def test_it_may_not_go_beyond_an_effect_that_is_due(core: ClockCore) -> None:
    core.node_next("b", 1_000)
    core.effect_issued(DueEffect(700, "x", 0, "b"))

    assert granted(core).limit_us == 700


def test_it_is_not_left_to_itself_for_longer_than_outsiders_can_wait(core: ClockCore) -> None:
    assert granted(core).limit_us == 150 + AHEAD_US


def test_two_nodes_at_work_stop_at_the_end_of_the_window(core: ClockCore) -> None:
    core.node_next("b", 149)

    assert granted(core) == Window(100, 150, 150, ("a", "b"), ())


def test_nobody_runs_ahead_while_every_window_must_pass_the_gate(core: ClockCore) -> None:
    core.runs_ahead = False

    assert granted(core).limit_us == 150


def test_a_command_cannot_take_effect_in_time_that_a_node_may_already_have_handled(core: ClockCore) -> None:
    window = granted(core)
    assert core.now_us == window.limit_us

    core.reached(400)
    assert core.now_us == 400


class Echo:
    """Replies with what it is asked."""

    sockets = ()

    def __init__(self) -> None:
        self._done: list[tuple[str, bytes]] = []

    def submit(self, ticket: str, request: bytes, seed: int) -> None:
        self._done.append((ticket, request))

    def drain(self) -> list[tuple[str, bytes]]:
        done, self._done = self._done, []
        return done


class Commits:
    """Counts how often a journal makes effects durable."""

    def __init__(self, journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count, self._commit = 0, journal.commit_effects
        monkeypatch.setattr(journal, "commit_effects", self)

    def __call__(self) -> None:
        self.count += 1
        self._commit()


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal.create(tmp_path / "run.sqlite", {}) as journal:
        yield journal


def test_a_reply_is_durable_before_it_is_delivered_and_takes_the_others_along(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk, commits = EffectDesk(journal, Echo(), seed=7), Commits(journal, monkeypatch)
    for number in (0, 1):
        desk.issue(EffectIssued("x", number, 100, b"\xc0"))
    desk.collect()

    desk.make_durable([DueEffect(100, "x", 0, "a")])
    desk.make_durable([DueEffect(100, "x", 1, "a")])
    assert commits.count == 1

    journal.abandon()
    with Journal.open(journal.path) as reopened:
        assert reopened.effects_count() == 2


def test_an_effect_with_its_reply_in_the_journal_needs_no_commit(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk, commits = EffectDesk(journal, Echo(), seed=7), Commits(journal, monkeypatch)
    desk.issue(EffectIssued("x", 0, 100, b"\xc0"))
    desk.collect()

    desk.make_durable([DueEffect(90, "y", 0, "a")])  # another effect, of an earlier life
    assert commits.count == 0
