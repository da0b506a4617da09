"""What a person remembers of earlier decisions: turns of a conversation, within a budget of characters.

A memory is a plain frozen value: it is kept in a person's state, survives the restart of an actor, and can be compared.
When it is full, the oldest turns go until it is down to a share of the budget, not one at a time: the beginning of the
conversation then stays the same over many requests, and a prefix cache serves it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from inference.text import ChatMessage

TURN_CHARS = 16  # what chat templates add around the two messages of a turn, roughly
ELLIPSIS = "…"


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One earlier decision: what it was about, and the answer as it was written."""

    about: str
    answer: str

    @property
    def chars(self) -> int:
        """What it takes of a budget."""
        return len(self.about) + len(self.answer) + TURN_CHARS


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """The newest turns of one person, oldest first. A token has a character or more in all usual tokenizers."""

    budget_chars: int
    kept_permille: int = 500  # of the budget, once the oldest have to go
    turns: tuple[Turn, ...] = ()

    def __post_init__(self) -> None:
        """Raises ValueError for a budget or share that makes no sense."""
        if self.budget_chars < 0 or not 0 <= self.kept_permille <= 1000:
            raise ValueError(f"a memory of {self.budget_chars} characters, {self.kept_permille} permille kept")

    @property
    def chars(self) -> int:
        """What is used of the budget; never more than there is."""
        return sum(turn.chars for turn in self.turns)

    def with_turn(self, *, about: str, answer: str) -> Memory:
        """The memory after one more decision.

        The newest is kept whatever goes: its subject is shortened where it would not fit; an answer that alone is
        larger than the budget empties the memory, since half an answer would be an example of a wrong one.
        """
        newest = _shortened(Turn(about=about, answer=answer), self.budget_chars)
        if newest is None:
            return replace(self, turns=())
        if self.chars + newest.chars <= self.budget_chars:
            return replace(self, turns=(*self.turns, newest))
        return replace(self, turns=(*self._newest_within(newest.chars), newest))

    def messages(self) -> tuple[ChatMessage, ...]:
        """The turns as a conversation."""
        return tuple(
            message
            for turn in self.turns
            for message in (
                ChatMessage(role="user", content=turn.about),
                ChatMessage(role="assistant", content=turn.answer),
            )
        )

    def _newest_within(self, taken: int) -> tuple[Turn, ...]:
        """The newest turns that, with so many characters more, are within the share that is kept."""
        room = self.budget_chars * self.kept_permille // 1000 - taken
        first = len(self.turns)
        while first > 0 and self.turns[first - 1].chars <= room:
            first -= 1
            room -= self.turns[first].chars
        return self.turns[first:]


def _shortened(turn: Turn, budget: int) -> Turn | None:
    room = budget - len(turn.answer) - TURN_CHARS
    if len(turn.about) <= room:
        return turn
    if room < len(ELLIPSIS):
        return None
    return replace(turn, about=turn.about[: room - len(ELLIPSIS)] + ELLIPSIS)
