"""Nodes as the clock sees them: one in its own process, others behind a link."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from brokers.clock.core import DueReply, Window
from brokers.clock.messages import Count, EffectReply, Finish, Grant
from brokers.links.zmq_links import OutLink
from brokers.node.letters import Letter, LetterCodec
from brokers.node.partition import Partition
from brokers.node.rows import Group, Row
from brokers.wire.packing import packer, unpack
from brokers.wire.registry import Registry

CLOCK, NODE = "@clock", "@node"  # addresses of the clock and of a node itself; never in the log


class Member(Protocol):
    """One node under the clock."""

    def post(self, letter: Letter) -> None:
        """Hand over a letter of another node or from outside."""
        ...

    def grant(self, number: int, window: Window, effects: Iterable[DueReply]) -> None:
        """Let the node work; its `WindowDone` follows."""
        ...


def control(codec: LetterCodec, dst: str, message: Any) -> bytes:
    """A letter that steers the run."""
    return codec.to_record(Letter(0, 0, "", 0, dst, "", 0, 0, message))


class RemoteMember:
    """A node in another process. Counts what was sent to it, by everyone, so that it knows what to wait for."""

    def __init__(self, link: OutLink, codec: LetterCodec, clock_node: str) -> None:
        self.expect: dict[str, int] = {}  # letters so far by sending node
        self._link, self._codec, self._clock_node = link, codec, clock_node

    def post(self, letter: Letter) -> None:
        self._link.send(self._codec.to_record(letter))
        self.expect[self._clock_node] = self.expect.get(self._clock_node, 0) + 1

    def grant(self, number: int, window: Window, effects: Iterable[DueReply]) -> None:
        granted = tuple(
            EffectReply(actor=due.actor, number=due.number, due_us=due.due_us, reply=reply) for due, reply in effects
        )
        expect = tuple(Count(node=node, letters=letters) for node, letters in self.expect.items())
        grant = Grant(window=number, end_us=window.end_us, limit_us=window.limit_us, expect=expect, effects=granted)
        self._link.send(control(self._codec, NODE, grant))
        self._link.flush()

    def finish(self) -> None:
        self._link.send(control(self._codec, NODE, Finish()))
        self._link.flush()


_pack = packer()


def pack_log(groups: list[Group]) -> bytes:
    """A node's part of the log for the clock."""
    return _pack([[group.key, [row[:7] for row in group.rows]] for group in groups])


def unpack_log(data: bytes, registry: Registry) -> list[Group]:
    """The groups again; events come back as messages for the observers."""
    return [Group(tuple(key), tuple(_row(parts, registry) for parts in rows)) for key, rows in unpack(data)]


def _row(parts: list[Any], registry: Registry) -> Row:
    time_us, src, seq, dst, kind, cause, record = parts
    message = None if dst else registry.from_body(unpack(record)[7])
    return Row(time_us, src, seq, dst, kind, cause, record, message)


def deliver_effects(partition: Partition, effects: tuple[EffectReply, ...]) -> None:
    """Put the replies of a grant into the mailboxes that wait for them."""
    for effect in effects:
        partition.deliver_effect(effect.actor, effect.number, effect.due_us, effect.reply)


def waiting_for(expect: tuple[Count, ...], received: Mapping[str, int]) -> bool:
    """Whether letters that a grant counts on are still under way."""
    return any(received.get(count.node, 0) < count.letters for count in expect)
