"""Which versions of adapters an engine holds, who is being answered by them, and when their weights may go."""

from __future__ import annotations

from dataclasses import dataclass

from inference.adapters.messages import LoadAdapter


@dataclass(eq=False)
class Held:
    """A version in an engine's memory. No two that ever were have the same number."""

    number: int
    wanted: LoadAdapter
    users: int = 0  # requests under way
    is_leaving: bool = False  # no new request may name it

    @property
    def is_done(self) -> bool:
        """Whether its weights may go."""
        return self.is_leaving and not self.users


class Versions:
    """The versions of one engine. Decides only; the engine moves the weights."""

    def __init__(self, room: int) -> None:
        self._room = room
        self._held: dict[tuple[str, int], Held] = {}

    @property
    def is_full(self) -> bool:
        """Whether one more would be too many."""
        return len(self._held) >= self._room

    def all(self) -> list[Held]:
        """What is held, also what is leaving, sorted by name and version."""
        return [held for _, held in sorted(self._held.items())]

    def find(self, name: str, version: int) -> Held | None:
        """What is held, also what is leaving."""
        return self._held.get((name, version))

    def serving(self) -> list[Held]:
        """What new requests may name, sorted by name and version."""
        return [held for held in self.all() if not held.is_leaving]

    def hold(self, held: Held) -> None:
        """Its weights are loaded."""
        self._held[held.wanted.name, held.wanted.version] = held

    def begin(self, name: str, version: int) -> Held | None:
        """A request names a version; None if it may not."""
        held = self.find(name, version)
        if held is None or held.is_leaving:
            return None
        held.users += 1
        return held

    def end(self, held: Held) -> bool:
        """A request is done. True: the weights may go, and are not held any more."""
        held.users -= 1
        return self._forget(held)

    def leave(self, held: Held) -> bool:
        """No new request may name it. True: the weights may go at once, and are not held any more."""
        held.is_leaving = True
        return self._forget(held)

    def _forget(self, held: Held) -> bool:
        if held.is_done:
            del self._held[held.wanted.name, held.wanted.version]
        return held.is_done
