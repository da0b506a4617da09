"""A message under way, and the one key that orders everything.

The key is `(time, tie, sender, seq)` with `tie = blake2b(seed, time, sender)`: the hash keeps any sender's name from
winning every tie, and `(sender, seq)` makes the key unique. Starts and restarts have a tie before all hashes; letters
that wait for a restart get its time, and ties just behind it that keep them in their order.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, TypeAlias

from brokers.wire.packing import packer, unpack
from brokers.wire.registry import Registry

Key: TypeAlias = tuple[int, int, str, int]
Tie: TypeAlias = Callable[[int, str], int]


@dataclass(slots=True)
class Letter:
    """One message with its addresses. `corr` > 0 asks (and is unique per asker), < 0 answers, 0 does neither."""

    time_us: int
    tie: int
    src: str
    seq: int
    dst: str
    cause: str  # "src:seq" of the message whose handling sent this one; empty for the run and for outsiders
    corr: int
    deadline_us: int  # 0: none
    body: Any

    @property
    def key(self) -> Key:
        return (self.time_us, self.tie, self.src, self.seq)

    @property
    def id(self) -> str:
        return f"{self.src}:{self.seq}"


def tie_breaker(seed: int) -> Tie:
    """The tie hash of one run. Source: DESIGN section 5; blake2b as in RFC 7693."""
    base = blake2b(seed.to_bytes(8, "big"), digest_size=8)

    def tie(time_us: int, sender: str) -> int:
        hasher = base.copy()
        hasher.update(time_us.to_bytes(8, "big"))
        hasher.update(sender.encode())
        return int.from_bytes(hasher.digest(), "big") >> 1  # 63 bits: fits every store

    return tie


class LetterCodec:
    """Letters to wire lists `[time, dst, src, seq, cause, corr, deadline, body]` and back. One per thread."""

    def __init__(self, registry: Registry, tie: Tie) -> None:
        self._registry, self.tie = registry, tie
        self._pack, self._to_body = packer(), registry.to_body

    def to_record(self, letter: Letter) -> bytes:
        """The bytes that go over a link, into the log and into the digest."""
        return self._pack(
            [
                letter.time_us,
                letter.dst,
                letter.src,
                letter.seq,
                letter.cause,
                letter.corr,
                letter.deadline_us,
                self._to_body(letter.body),
            ]
        )

    def to_body_bytes(self, message: Any) -> bytes:
        """One message without an envelope: what engines get."""
        return self._pack(self._registry.to_body(message))

    def from_body_bytes(self, data: bytes) -> Any:
        """The message of packed bytes. Raises WireError when they are not one."""
        return self._registry.from_body(unpack(data))

    def from_list(self, parts: Any) -> Letter:
        """The letter of a decoded wire list. Raises WireError on a body that is not known."""
        time_us, dst, src, seq, cause, corr, deadline_us, body = parts
        message = self._registry.from_body(body)
        return Letter(time_us, self.tie(time_us, src), src, seq, dst, cause, corr, deadline_us, message)
