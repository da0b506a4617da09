"""Effects between actors and the world: what is journalled, and what of it reaches an actor."""

from __future__ import annotations

from pathlib import Path

from brokers.clock.effects import EffectDesk, NoExecutor
from brokers.journal.journal import Journal
from brokers.node.rows import EffectIssued

EFFECT = EffectIssued("agent/ada", 0, 900, b"how many?")


class Answering:
    """Replies to everything at once, and says how long it took."""

    sockets = ()

    def __init__(self) -> None:
        self._tickets: list[str] = []

    def submit(self, ticket: str, request: bytes, seed: int) -> None:
        self._tickets.append(ticket)

    def drain(self) -> list[tuple[str, bytes]]:
        replies = [(ticket, b"five, after 1234 us") for ticket in self._tickets]
        self._tickets.clear()
        return replies


def without_time(reply: bytes) -> bytes:
    return reply.partition(b",")[0]


def test_a_reply_is_journalled_whole_and_delivered_as_far_as_it_is_of_use(tmp_path: Path) -> None:
    with Journal.create(tmp_path / "run.sqlite", {}) as journal:
        desk = EffectDesk(journal, Answering(), seed=1, of_use=without_time)
        assert desk.issue(EFFECT) is None
        assert desk.collect() == [(EFFECT, b"five")]
        desk.commit()
        stored = journal.effect("agent/ada", 0, 0)
        again = EffectDesk(journal, NoExecutor(), seed=1, of_use=without_time).issue(EFFECT)

    assert stored is not None
    assert stored.reply == b"five, after 1234 us"
    assert again == b"five"
