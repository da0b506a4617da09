"""What a journal holds: log rows, effects and commands, as plain values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class LogRow(NamedTuple):
    """One handled message or published event. `record` is the canonical msgpack list that the digest is made of."""

    time_us: int
    src: str
    seq: int  # counts what `src` sent
    dst: str
    kind: str
    cause: str
    record: bytes  # msgpack of [time, dst, src, seq, cause, corr, deadline, body]


@dataclass(frozen=True, slots=True)
class StoredEffect:
    """The outside world's answer to the n-th effect of an actor; replayed instead of asking again."""

    actor: str
    n: int
    attempt: int
    request_digest: bytes  # compared on replay, never used to look up
    reply: bytes
    due_us: int  # virtual time at which the reply arrives


@dataclass(frozen=True, slots=True)
class StoredCommand:
    """A command from outside that changed the run, at the virtual time it took effect."""

    number: int  # counts the commands of a run from 1
    time_us: int
    client: str
    client_id: str  # chosen by the client; with `client` it makes the command idempotent
    body: bytes


RECORD_FIELDS = ("time", "dst", "src", "seq", "cause", "corr", "deadline", "body")
