"""Running ahead: while some actors wait for an effect, those who never hear of them go on.

Actors who never write to each other (the teams of a run) form islands. The clock's rule holds within each of them, so
an island may be ahead of the others: nothing that happens there later in virtual time can reach it. The log stays in
one order: what an island did ahead is held back until everybody is past it. None of this shows in the log.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from heapq import heappop, heappush

from brokers.clock.core import ClockCore, Window
from brokers.node.partition import Partition
from brokers.node.rows import Group

MOST_HELD = 50_000  # handled letters that may be held back, so that memory stays flat


class Islands:
    """Which islands there are, how far each one is, and what they did ahead of the others."""

    def __init__(self, groups: Sequence[Collection[str]], partition: Partition) -> None:
        """Raises ValueError unless each actor of the partition is on exactly one island."""
        self._of = partition.separate(groups)
        self._partition, self._count = partition, len(groups)
        self._ends = [0] * len(groups)  # up to where each one ran ahead
        self._next: dict[int, int | None] = {}  # when the next letter of an island is due, as far as looked up
        self._held: list[Group] = []

    @property
    def is_ahead(self) -> bool:
        """Whether something is held back."""
        return bool(self._held)

    def now_of(self, actor: str) -> int:
        """Everything of this actor's island before this time was handled; the whole run may be further."""
        island = self._of.get(actor)
        return 0 if island is None else self._ends[island]

    def changed(self) -> None:
        """Letters were handled or delivered beside what is done here."""
        self._next.clear()

    def window(self, core: ClockCore) -> tuple[int, Window] | None:
        """The next window of an island that need not wait, and which one it is; None if all wait."""
        if self._count < 2 or len(self._held) > MOST_HELD:
            return None
        for island in range(self._count):
            if island not in self._next:
                self._next[island] = self._partition.next_of(island)
        found = core.window_ahead(self._next, self._of)
        if found is not None:
            self._ends[found[0]] = found[1].end_us
        return found

    def ran(self, island: int, groups: Sequence[Group]) -> None:
        """An island went through its window."""
        self._next.pop(island)
        for group in groups:
            heappush(self._held, group)

    def released(self, before_us: int | None) -> list[Group]:
        """What is no longer ahead of anybody, now that everything before a time was handled; None: everything was."""
        groups: list[Group] = []
        while self._held and (before_us is None or self._held[0].key[0] < before_us):
            groups.append(heappop(self._held))
        return groups
