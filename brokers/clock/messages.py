"""What clock and nodes say to each other; these letters steer the run and are not part of its log."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True, kw_only=True)
class Hello:
    """A node is up, its actors are placed, and its earliest letter is due at `next_us`."""

    KIND: ClassVar[str] = "clock.hello/1"
    node: str
    endpoint: str
    pid: int
    next_us: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerAt:
    """Where a node listens, and which actors live there."""

    node: str
    endpoint: str
    actors: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Welcome:
    """The clock has met every node; links can be made."""

    KIND: ClassVar[str] = "clock.welcome/1"
    peers: tuple[PeerAt, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """Letters on the link to or from one node, counted since the run began."""

    node: str
    letters: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectReply:
    """The reply of an effect that falls into the granted window; `reply` is a packed body."""

    actor: str
    number: int
    due_us: int
    reply: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """Handle everything that is due before `end_us`, once the expected letters are there.

    Nobody else has anything to do before `limit_us`: up to there the node may go on by itself, window by window, until
    it says something to another node or asks something of the world.
    """

    KIND: ClassVar[str] = "clock.grant/1"
    window: int
    end_us: int
    limit_us: int
    expect: tuple[Count, ...]  # letters received from each node so far
    effects: tuple[EffectReply, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """Letters that one window sent to another node."""

    node: str
    letters: int  # since the run began
    earliest_us: int  # of this window's


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectRequest:
    """An effect that a window issued; `request` is a packed body."""

    actor: str
    number: int
    due_us: int
    request: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowDone:
    """A node handled its window: what it sent, what it asked of the world, and its part of the log."""

    KIND: ClassVar[str] = "clock.done/1"
    node: str
    window: int
    end_us: int  # it handled everything before
    next_us: int | None
    waiting: int  # letters in all mailboxes of the node
    sent: tuple[Sent, ...]
    effects: tuple[EffectRequest, ...]
    log: bytes  # packed groups: [[key, [row, ...]], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeFailed:
    """A node cannot go on: the run must stop, resumable."""

    KIND: ClassVar[str] = "clock.node_failed/1"
    node: str
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finish:
    """The run is over: close links and exit."""

    KIND: ClassVar[str] = "clock.finish/1"
