"""What comes out of a window: rows of the log, letters for other nodes, effects for the world."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any, NamedTuple

from brokers.node.letters import Key, Letter


class Row(NamedTuple):
    """One line of the log: a handled letter, or an event (`dst` is empty)."""

    time_us: int
    src: str
    seq: int
    dst: str
    kind: str
    cause: str
    record: bytes
    message: Any  # the event itself for readers in this process; None for letters


class Group(NamedTuple):
    """A handled letter with the events it caused; groups sort by their letter's key."""

    key: Key
    rows: tuple[Row, ...]


class EffectIssued(NamedTuple):
    """A request to the outside world (packed body); its reply is due at `due_us`."""

    actor: str
    number: int  # n-th effect of that actor, over all its incarnations
    due_us: int
    request: bytes


@dataclass(slots=True)
class WindowResult:
    """What came out of one window."""

    groups: list[Group] = field(default_factory=list)
    outgoing: list[Letter] = field(default_factory=list)  # to actors of other nodes
    effects: list[EffectIssued] = field(default_factory=list)


def merge(groups: Sequence[Group]) -> list[Row]:
    """The rows of one window in the order of the log."""
    if len(groups) == 1:
        return list(groups[0].rows)
    return [row for group in sorted(groups, key=itemgetter(0)) for row in group.rows]
