"""Which versions are held: never more than fit, none taken away under anybody, and everybody passes in the end."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.pool.fitting_room import FittingRoom, Load, Pass, Step, Unload

VERSIONS = ("a@1", "a@2", "a@3", "b@1")


class Engines:
    """Carries steps out, and holds them against what engines could do."""

    def __init__(self, slots: int) -> None:
        self.room, self.slots = FittingRoom(slots), slots
        self.asked: dict[str, str] = {}
        self.held: list[str] = []  # that unused the longest first
        self.under_way: dict[str, str] = {}
        self.passed: list[str] = []
        self.loads = 0

    def ask(self, version: str) -> None:
        ticket = f"t{len(self.asked)}"
        self.asked[ticket] = version
        self.carry_out(self.room.ask(ticket, version))

    def answer(self, place: int) -> None:
        ticket = list(self.under_way)[place % len(self.under_way)]
        del self.under_way[ticket]
        self.carry_out(self.room.answered(ticket))

    def carry_out(self, steps: list[Step]) -> None:
        for step in steps:
            match step:
                case Load(version):
                    assert version not in self.held
                    self.held.append(version)
                    self.loads += 1
                case Unload(version):
                    assert version not in self.under_way.values(), "nothing is taken away under anybody"
                    idle = [each for each in self.held if each not in self.under_way.values()]
                    assert version == idle[0], "the one that was unused the longest makes room"
                    self.held.remove(version)
                case Pass(ticket):
                    version = self.asked[ticket]
                    assert version in self.held, "nobody passes without the version"
                    self.held.append(self.held.pop(self.held.index(version)))
                    self.under_way[ticket] = version
                    self.passed.append(ticket)
            assert len(self.held) <= self.slots
        assert self.room.held == tuple(self.held)
        assert self.room.waiting == len(self.asked) - len(self.passed)


@given(st.integers(1, 3), st.lists(st.one_of(st.sampled_from(VERSIONS), st.integers(0, 9)), max_size=60))
def test_whatever_is_asked_and_answered_in_whatever_order(slots: int, deeds: list[str | int]) -> None:
    engines = Engines(slots)
    for deed in deeds:
        if isinstance(deed, str):
            engines.ask(deed)
        elif engines.under_way:
            engines.answer(deed)
    while engines.under_way:
        engines.answer(0)

    assert Counter(engines.passed) == Counter(list(engines.asked)), "everybody passes, and once"
    for version in VERSIONS:
        tickets = [ticket for ticket, each in engines.asked.items() if each == version]
        assert [ticket for ticket in engines.passed if ticket in tickets] == tickets, "in the order of asking"


def test_nothing_is_swapped_while_all_versions_fit() -> None:
    engines = Engines(2)
    for version in ("a@1", "a@2", "a@1", "a@2", "a@1"):
        engines.ask(version)

    assert (engines.loads, len(engines.passed)) == (2, 5)


def test_a_stream_of_requests_for_what_is_there_does_not_keep_another_version_out() -> None:
    engines = Engines(1)
    engines.ask("a@1")
    engines.ask("a@2")
    for _ in range(5):
        engines.ask("a@1")
    assert engines.passed == ["t0"]
    engines.answer(0)

    assert (engines.passed, engines.held) == (["t0", "t1"], ["a@2"])
    engines.answer(0)
    assert engines.passed == ["t0", "t1", "t2", "t3", "t4", "t5", "t6"]


def test_a_reply_to_what_named_no_version_changes_nothing() -> None:
    assert FittingRoom(1).answered("t") == []


def test_a_room_without_slots_would_keep_everybody_waiting() -> None:
    with pytest.raises(ValueError, match="at least one slot"):
        FittingRoom(0)
