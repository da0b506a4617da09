"""Which versions of adapters a pool holds while requests for more come than fit. Pure; one of these for each model.

A version is loaded for the first request that names it. When there is no room, the one that was unused the longest
makes room, of those for which nothing is under way. While somebody waits for room, nobody passes: also requests for
versions that are there wait in line, so that those under way come to an end and nobody waits for ever. Of versions in
line the one with the oldest request is next.
"""

from __future__ import annotations

from typing import NamedTuple


class Load(NamedTuple):
    """Have the engines load a version."""

    version: str


class Unload(NamedTuple):
    """Have the engines forget a version; nothing is under way for it."""

    version: str


class Pass(NamedTuple):
    """Hand a request on."""

    ticket: str


Step = Load | Unload | Pass


class FittingRoom:
    """Owns what is held of one model, and the requests that wait for it."""

    def __init__(self, slots: int) -> None:
        """`slots`: the most versions at once, from 1."""
        if slots < 1:
            raise ValueError(f"versions need at least one slot, not {slots}")
        self._slots = slots
        self._held: dict[str, set[str]] = {}  # tickets under way by version, the version unused the longest first
        self._line: dict[str, list[str]] = {}  # tickets that wait by version, the oldest first
        self._versions: dict[str, str] = {}  # of tickets under way

    @property
    def held(self) -> tuple[str, ...]:
        """The versions that engines have, or are loading, that unused the longest first."""
        return tuple(self._held)

    @property
    def waiting(self) -> int:
        """Requests in line."""
        return sum(len(tickets) for tickets in self._line.values())

    def ask(self, ticket: str, version: str) -> list[Step]:
        """A request names a version; what is to be done now, in this order."""
        self._line.setdefault(version, []).append(ticket)
        return self._let_in()

    def answered(self, ticket: str) -> list[Step]:
        """A request has its reply; nothing where it named no version."""
        version = self._versions.pop(ticket, None)
        if version is None:
            return []
        self._held[version].discard(ticket)
        return self._let_in() if self._line else []

    def _let_in(self) -> list[Step]:
        steps: list[Step] = []
        while self._line:
            version = next(iter(self._line))
            if version not in self._held:
                if len(self._held) >= self._slots:
                    idle = next((each for each, under_way in self._held.items() if not under_way), None)
                    if idle is None:
                        return steps
                    del self._held[idle]
                    steps.append(Unload(idle))
                steps.append(Load(version))
            steps += self._pass(version)
        return steps

    def _pass(self, version: str) -> list[Step]:
        """Everybody in line for a version that is there; it was used last of all."""
        tickets = self._line.pop(version)
        self._held[version] = self._held.pop(version, set()) | set(tickets)
        self._versions |= dict.fromkeys(tickets, version)
        return [Pass(ticket) for ticket in tickets]
