"""When requests are too late: a heap that forgets those that were answered. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from heapq import heapify, heappop, heappush

from inference.pool.waiting import OpenRequest


class Deadlines:
    """The deadlines of open requests. Those that were answered meanwhile are no burden for long."""

    def __init__(self, open_requests: Mapping[str, OpenRequest]) -> None:
        self._open = open_requests
        self._heap: list[tuple[float, int, str]] = []  # when, order, ticket

    @property
    def next_s(self) -> float | None:
        """When the next one may be over; None if none will."""
        return self._heap[0][0] if self._heap else None

    def note(self, request: OpenRequest, deadline_s: float) -> None:
        """This request has one."""
        if len(self._heap) > 2 * len(self._open) + 64:  # most of them are of requests that were answered
            self._heap = [each for each in self._heap if each[2] in self._open]
            heapify(self._heap)
        heappush(self._heap, (deadline_s, request.order, request.ticket))

    def take_due(self, now_s: float) -> list[OpenRequest]:
        """Open requests whose deadline is over, the earliest first; each comes once."""
        due: list[OpenRequest] = []
        while self._heap and self._heap[0][0] <= now_s:
            _, order, ticket = heappop(self._heap)
            request = self._open.get(ticket)
            if request is not None and request.order == order:  # and not a later one under the same ticket
                due.append(request)
        return due
