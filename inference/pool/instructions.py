"""What a pool's core wants done now.

Each request gets exactly one of Completed, Refused, TurnedAway, Unsent and Expired.
"""

from __future__ import annotations

from typing import NamedTuple


class Send(NamedTuple):
    """Instruction: give this request to this engine."""

    engine: str
    ticket: str
    seed: int
    request: bytes


class Stop(NamedTuple):
    """Instruction: tell this engine to stop working on a ticket."""

    engine: str
    ticket: str


class Reset(NamedTuple):
    """Instruction: tell this engine that it was given up, so that it begins anew."""

    engine: str


class Completed(NamedTuple):
    """A request was answered."""

    ticket: str
    reply: bytes


class Refused(NamedTuple):
    """No engine of this pool ever serves what a request is for."""

    ticket: str
    model: str


class TurnedAway(NamedTuple):
    """The engines of a model keep dying; nobody answers it until further notice."""

    ticket: str
    model: str


class Unsent(NamedTuple):
    """A request was cancelled, and nothing of an answer is there."""

    ticket: str
    request: bytes


class Expired(NamedTuple):
    """A request was not answered in the time that its asker gave."""

    ticket: str
    waited_s: float
    was_sent: bool  # an engine was working on it


class Late(NamedTuple):
    """A reply came after its request had expired. Its tokens were spent."""

    ticket: str
    reply: bytes


class Overdue(NamedTuple):
    """An engine gave no sign of life for too long and was given up."""

    engine: str
    incarnation: str


Instruction = Send | Stop | Reset | Completed | Refused | TurnedAway | Unsent | Expired | Late | Overdue
