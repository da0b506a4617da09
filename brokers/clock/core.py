"""Which window comes next: the pure heart of virtual time.

Conservative and barrier-synchronous: a window `[t, t + link_delay)` starts at the earliest thing that is due anywhere.
It ends early where an effect is due whose reply is not known yet, and cannot start before that reply is there. Where
windows begin and end never shows in the log; it only decides who may work at the same time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from typing import NamedTuple, TypeAlias

AHEAD_US = 60_000_000  # virtual time for which a node may be left to itself, so that outsiders are not kept waiting


class DueEffect(NamedTuple):
    """An effect that was issued: who waits for it, and until when."""

    due_us: int
    actor: str
    number: int
    node: str


DueReply: TypeAlias = tuple[DueEffect, bytes]


class Window(NamedTuple):
    """What the clock grants: which nodes work, up to when, and the effect replies each of them gets."""

    start_us: int
    end_us: int
    limit_us: int  # a node that works alone may go on up to here while it keeps to itself
    nodes: tuple[str, ...]
    effects: tuple[DueReply, ...]


@dataclass(frozen=True, slots=True)
class WaitForEffect:
    """Nothing can be granted before this effect has its reply."""

    effect: DueEffect


@dataclass(frozen=True, slots=True)
class Quiet:
    """Nothing is due anywhere: the run is over."""


class ClockCore:
    """Knows when each node has its next letter, and which effects are due. No I/O, no time of its own."""

    def __init__(self, nodes: Iterable[str], *, link_delay_us: int) -> None:
        self.now_us = 0  # everything before was handled, or is being handled
        self.runs_ahead = True  # whether a node that works alone may be left to itself
        self._link_delay_us = link_delay_us
        self._next: dict[str, int | None] = dict.fromkeys(nodes)
        self._due: list[tuple[int, str, int, DueEffect]] = []
        self._replies: dict[tuple[str, int], bytes] = {}

    def node_next(self, node: str, next_us: int | None) -> None:
        """A node tells when its earliest letter is due."""
        self._next[node] = next_us

    def letters_sent(self, node: str, earliest_us: int) -> None:
        """Letters are under way to `node`, the earliest for `earliest_us`."""
        known = self._next[node]
        self._next[node] = earliest_us if known is None else min(known, earliest_us)

    def effect_issued(self, effect: DueEffect) -> None:
        heappush(self._due, (effect.due_us, effect.actor, effect.number, effect))

    def effect_replied(self, actor: str, number: int, reply: bytes) -> None:
        self._replies[(actor, number)] = reply

    def effects_open(self) -> int:
        """Effects that are not delivered yet."""
        return len(self._due)

    def earliest_us(self) -> int | None:
        """When the next thing is due, whatever it is; None when nothing is."""
        earliest = self._due[0][0] if self._due else None
        for time_us in self._next.values():
            if time_us is not None and (earliest is None or time_us < earliest):
                earliest = time_us
        return earliest

    def next_window(self, *, not_after_us: int | None = None) -> Window | WaitForEffect | Quiet:
        """Decide. `not_after_us` cuts the window where something from outside must happen first."""
        start = self.earliest_us()
        if start is None:
            return Quiet()
        end = start + self._link_delay_us
        if not_after_us is not None:
            end = min(end, not_after_us)
        if not self._due or self._due[0][0] >= end:
            return self._grant(start, end, ())
        ready: list[tuple[DueEffect, bytes]] = []
        kept: list[tuple[int, str, int, DueEffect]] = []
        blocked: DueEffect | None = None
        while self._due and self._due[0][0] < end:
            entry = heappop(self._due)
            effect = entry[3]
            reply = self._replies.get((effect.actor, effect.number))
            if reply is None:
                kept.append(entry)
                blocked, end = effect, effect.due_us
                break
            ready.append((effect, reply))
        if blocked is not None and end <= start:
            self._put_back(kept, ready)
            return WaitForEffect(blocked)
        late = [pair for pair in ready if pair[0].due_us >= end]
        self._put_back(kept, late)
        granted = tuple(pair for pair in ready if pair[0].due_us < end)
        return self._grant(start, end, granted)

    def window_ahead(
        self, next_of: Mapping[int, int | None], island_of: Mapping[str, int]
    ) -> tuple[int, Window] | None:
        """The earliest window of an island that need not wait for an effect, while the run as a whole does.

        Args:
            next_of: When the earliest letter of each island is due.
            island_of: The island of each actor. Actors of two islands never write to each other.
        """
        due: dict[int, list[DueEffect]] = {}
        for *_, effect in sorted(self._due):
            due.setdefault(island_of[effect.actor], []).append(effect)
        best: tuple[int, Window] | None = None
        for island, next_us in next_of.items():
            window = self._island_window(next_us, due.get(island, []))
            if window is not None and (best is None or window.start_us < best[1].start_us):
                best = island, window
        if best is not None:
            self._take(effect for effect, _ in best[1].effects)
        return best

    def _island_window(self, next_us: int | None, due: list[DueEffect]) -> Window | None:
        times = [time_us for time_us in (next_us, due[0].due_us if due else None) if time_us is not None]
        if not times:
            return None
        start = min(times)
        end, ready = start + self._link_delay_us, list[DueReply]()
        for effect in due:
            reply = self._replies.get((effect.actor, effect.number))
            if effect.due_us >= end:
                break
            if reply is None:
                end = effect.due_us
                break
            ready.append((effect, reply))
        granted = tuple(pair for pair in ready if pair[0].due_us < end)
        return Window(start, end, end, (), granted) if end > start else None

    def _take(self, effects: Iterable[DueEffect]) -> None:
        """These are delivered."""
        taken = set(effects)
        self._due = [entry for entry in self._due if entry[3] not in taken]
        heapify(self._due)
        for effect in taken:
            del self._replies[(effect.actor, effect.number)]

    def _grant(self, start: int, end: int, granted: tuple[tuple[DueEffect, bytes], ...]) -> Window:
        for effect, _ in granted:
            del self._replies[(effect.actor, effect.number)]
        wanted = {effect.node for effect, _ in granted}
        nodes = tuple(node for node, time in self._next.items() if node in wanted or (time is not None and time < end))
        limit = self._limit(nodes[0], end) if self.runs_ahead and len(nodes) == 1 else end
        self.now_us = limit
        return Window(start, end, limit, nodes, granted)

    def reached(self, end_us: int) -> None:
        """How far the last granted window really went: its end at least, its limit at most."""
        self.now_us = end_us

    def _limit(self, node: str, end: int) -> int:
        """The first instant after `end` at which anybody but `node` has something to do, within `AHEAD_US`."""
        limit = end + AHEAD_US
        for other, time_us in self._next.items():
            if other != node and time_us is not None and time_us < limit:
                limit = time_us
        return max(end, min(limit, self._due[0][0]) if self._due else limit)

    def _put_back(
        self, entries: list[tuple[int, str, int, DueEffect]], pairs: Iterable[tuple[DueEffect, bytes]]
    ) -> None:
        self._due.extend(entries)
        self._due.extend((effect.due_us, effect.actor, effect.number, effect) for effect, _ in pairs)
        heapify(self._due)
