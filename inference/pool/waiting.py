"""Requests that wait, by urgency and by lane. A lane holds what the same engines may answer, in the order of coming.

Pure. A lane whose engines are all busy holds up no other lane.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from inference.pool.state import Aim
from inference.text import PRIORITIES, Priority


class Lane(NamedTuple):
    """Model and version of an adapter: what decides who may answer."""

    model: str
    adapter: str


OPEN_LANE = Lane("", "")  # for any engine


@dataclass(slots=True, eq=False)
class OpenRequest:
    """A request without an answer yet."""

    ticket: str
    seed: int
    body: bytes
    aim: Aim
    lane: Lane  # where it waits
    order: int  # of coming
    submitted_s: float
    engine: str | None = None  # who has it under way
    is_cancelled: bool = False  # its engine was told to stop


class WaitingRoom:
    """All requests that wait for a free slot."""

    def __init__(self) -> None:
        self._lanes: dict[Priority, dict[Lane, deque[OpenRequest]]] = {priority: {} for priority in PRIORITIES}
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def count(self, priority: Priority) -> int:
        """How many of this urgency wait."""
        return sum(len(lane) for lane in self._lanes[priority].values())

    def lanes(self, priority: Priority) -> Iterable[tuple[Lane, deque[OpenRequest]]]:
        """Lanes in which something waits, the one with the oldest request first."""
        lanes = self._lanes[priority]
        if len(lanes) < 2:
            return list(lanes.items())
        return sorted(lanes.items(), key=lambda item: item[1][0].order)

    def add(self, request: OpenRequest) -> None:
        """At the end of its lane."""
        self._lane(request).append(request)
        self._count += 1

    def add_in_front(self, requests: Iterable[OpenRequest]) -> None:
        """Before all others of their lanes, among themselves in the order given."""
        for request in reversed(list(requests)):
            self._lane(request).appendleft(request)
            self._count += 1

    def take(self, request: OpenRequest) -> None:
        """It waits no longer. Raises ValueError if it does not wait."""
        lane = self._lane(request)
        if lane and lane[0] is request:
            lane.popleft()
        else:
            lane.remove(request)
        self._count -= 1
        if not lane:
            del self._lanes[request.aim.priority][request.lane]

    def __iter__(self) -> Iterator[OpenRequest]:
        for lanes in self._lanes.values():
            for lane in lanes.values():
                yield from lane

    def _lane(self, request: OpenRequest) -> deque[OpenRequest]:
        return self._lanes[request.aim.priority].setdefault(request.lane, deque())
