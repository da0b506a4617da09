"""The same command of the same client is done once and answered alike, however often it arrives."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any, Generic, TypeVar

Waiter = TypeVar("Waiter")
Key = tuple[str, str]  # client, id


class Standing(Enum):
    """How a command stands when it arrives."""

    NEW = auto()  # do it
    WAITING = auto()  # it is being done; the answer will also go to this waiter
    CONFLICT = auto()  # the id was used for another command
    FULL = auto()  # too many are being done


@dataclass(slots=True)
class _Entry(Generic[Waiter]):
    fingerprint: bytes
    since_s: float
    waiters: list[Waiter] = field(default_factory=list)


class AnswerCache(Generic[Waiter]):
    """Remembers the last answers and who waits for one; bounded in both."""

    def __init__(self, *, answers: int = 4096, waiting: int = 1024, waiters_each: int = 16) -> None:
        self._max_answers, self._max_waiting, self._max_waiters = answers, waiting, waiters_each
        self._answers: OrderedDict[Key, tuple[bytes, Mapping[str, Any]]] = OrderedDict()
        self._waiting: dict[Key, _Entry[Waiter]] = {}

    def __len__(self) -> int:
        """How many commands wait for an answer."""
        return len(self._waiting)

    def ask(self, key: Key, fingerprint: bytes, waiter: Waiter, *, now_s: float = 0.0) -> Standing | Mapping[str, Any]:
        """Say how a command stands; the answer itself where it was given before."""
        known = self._answers.get(key)
        if known is not None:
            self._answers.move_to_end(key)
            return known[1] if known[0] == fingerprint else Standing.CONFLICT
        entry = self._waiting.get(key)
        if entry is None:
            if len(self._waiting) >= self._max_waiting:
                return Standing.FULL
            self._waiting[key] = _Entry(fingerprint, now_s, [waiter])
            return Standing.NEW
        if entry.fingerprint != fingerprint:
            return Standing.CONFLICT
        if waiter not in entry.waiters:
            if len(entry.waiters) >= self._max_waiters:
                return Standing.FULL
            entry.waiters.append(waiter)
        return Standing.WAITING

    def answer(self, key: Key, answer: Mapping[str, Any]) -> tuple[Waiter, ...]:
        """Remember an answer and return who waits for it."""
        entry = self._waiting.pop(key, None)
        if entry is None:
            return ()
        self._answers[key] = (entry.fingerprint, answer)
        if len(self._answers) > self._max_answers:
            self._answers.popitem(last=False)
        return tuple(entry.waiters)

    def release(self, key: Key) -> tuple[Waiter, ...]:
        """Forget a command that could not be passed on and return who waits; the same id may be sent again."""
        entry = self._waiting.pop(key, None)
        return () if entry is None else tuple(entry.waiters)

    def give_up(self, *, asked_before_s: float) -> list[tuple[Key, tuple[Waiter, ...]]]:
        """Forget the commands that have waited since before a moment; the same id may be sent again."""
        late = [key for key, entry in self._waiting.items() if entry.since_s < asked_before_s]
        return [(key, tuple(self._waiting.pop(key).waiters)) for key in late]
