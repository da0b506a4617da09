"""The chance in one decision: a row of draws that nothing but the decision's own key decides."""

from __future__ import annotations

from config.streams import Draw, Stream


class Dice:
    """Hands out the draws of one decision one after another."""

    __slots__ = ("_entity", "_stream", "_thrown")

    def __init__(self, seed: int, agent: str, key: tuple[str, str, int]) -> None:
        stream, entity, n = key
        self._stream = Stream(seed, stream)
        self._entity = f"{agent}/{n}/{entity}"
        self._thrown = 0

    def throw(self) -> Draw:
        """The next draw."""
        found = self._stream.draw(self._entity, self._thrown)
        self._thrown += 1
        return found
