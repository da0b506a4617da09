"""The critical path of a run: what nobody could have been quicker than, with however many engines.

A letter is handled when its cause was handled and its receiver is through with the letter before it; the reply of an
effect comes a call later. Nothing else takes time. Where causes and order are those of the log, the latest of these
times is the longest chain of wall durations.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from brokers.clock.effects import ATTEMPT


class Step(NamedTuple):
    """A letter that was handled; what a path needs of a row of the log."""

    time_us: int  # virtual
    sender: str
    seq: int
    receiver: str
    kind: str
    cause: str

    @property
    def id(self) -> str:
        return f"{self.sender}:{self.seq}"


class Issued(NamedTuple):
    """An effect, in the order in which its actor asked for it."""

    actor: str
    number: int
    due_us: int  # virtual

    @property
    def ticket(self) -> str:
        return f"{self.actor}#{self.number}#{ATTEMPT}"


class LostReplyError(Exception):
    """Raised when log and effects do not fit together: a path would then miss calls."""


def critical_path_us(steps: Sequence[Step], effects: Iterable[Issued], took_us: Mapping[str, int]) -> int:
    """Wall microseconds of the longest chain; `took_us` is what the call behind each ticket took.

    Raises LostReplyError.
    """
    ticket_of = _replies(steps, effects)
    done: dict[str, int] = {}  # letter -> when it is handled at the earliest
    last: dict[str, int] = {}  # actor -> when it is through with what it was given so far
    for step in steps:
        ticket = ticket_of.get(step.id)
        ready_us = done.get(step.cause, 0) + (took_us[ticket] if ticket is not None else 0)
        done[step.id] = last[step.receiver] = max(ready_us, last.get(step.receiver, 0))
    return max(last.values(), default=0)


def _replies(steps: Sequence[Step], effects: Iterable[Issued]) -> dict[str, str]:
    """The ticket behind each reply: an actor's replies have their effects' order among those due at one instant."""
    open_: dict[tuple[str, int], list[Issued]] = defaultdict(list)
    for effect in effects:
        open_[effect.actor, effect.due_us].append(effect)
    found: dict[str, str] = {}
    for step in sorted((each for each in steps if _may_be_reply(each)), key=lambda each: each.seq):
        waiting = open_.get((step.receiver, step.time_us))
        if waiting:
            effect = min(waiting, key=lambda each: each.number)
            waiting.remove(effect)
            found[step.id] = effect.ticket
    lost = [effect for waiting in open_.values() for effect in waiting]
    if lost:
        raise LostReplyError(f"{len(lost)} effects have no reply in the log, the first is {lost[0].ticket}")
    return found


def _may_be_reply(step: Step) -> bool:
    return step.sender == step.receiver and step.kind in REPLIES


REPLIES = ("inference.decided/1", "node.done/1")
