"""Effects between the actors that ask for them and the world that replies: journalled before they are used.

A reply that is in the journal is used again; its request must be the same, or the run has diverged from what it
replays. Otherwise the executor is asked. The seed of a request comes from the effect's id, so that the same request has
the same answer whoever gives it, and however often. What a reply tells of the machinery that gave it stays in the
journal: `of_use` takes it out before an actor can see it, since nothing in a log may follow from wall time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from hashlib import blake2b
from typing import Any, Protocol

from brokers.clock.core import DueEffect
from brokers.clock.messages import EffectRequest
from brokers.journal.errors import DivergedError
from brokers.journal.journal import Journal
from brokers.journal.rows import StoredEffect
from brokers.node.rows import EffectIssued

ATTEMPT = 0  # infrastructure faults are retried below this level and never seen by actors


class Executor(Protocol):
    """Carries requests to engines and brings replies; loses none."""

    @property
    def sockets(self) -> tuple[Any, ...]:
        """One is readable when replies may be there; none if `submit` answers at once."""
        ...

    def submit(self, ticket: str, request: bytes, seed: int) -> None: ...

    def drain(self) -> list[tuple[str, bytes]]:
        """Replies that are there now, as (ticket, packed body)."""
        ...


class JournalEndedError(Exception):
    """Raised in a replay for a request that the journal has no reply to: the recorded run had got no further."""

    def __init__(self, ticket: str) -> None:
        super().__init__(f"the journal ends before the reply to effect {ticket}")
        self.ticket = ticket


class NoExecutor:
    """For `replay`: every reply must come from the journal."""

    sockets = ()

    def submit(self, ticket: str, request: bytes, seed: int) -> None:
        """Raises JournalEndedError."""
        raise JournalEndedError(ticket)

    def drain(self) -> list[tuple[str, bytes]]:
        return []


class EffectDesk:
    """Owns the effects that are under way."""

    def __init__(
        self, journal: Journal, executor: Executor, *, seed: int, of_use: Callable[[bytes], bytes] | None = None
    ) -> None:
        """`of_use`: what actors get of a packed reply; None: all of it."""
        self._of_use = of_use or _all_of_it
        self.asked = 0  # how many the executor got; the others came from the journal
        self._journal, self._executor, self._seed = journal, executor, seed
        self._has_past = journal.effects_count() > 0  # a fresh run needs not look into its journal
        self._open: dict[str, EffectIssued | EffectRequest] = {}
        self._fresh: set[tuple[str, int]] = set()  # journalled, not committed yet

    @property
    def sockets(self) -> tuple[Any, ...]:
        """One is readable when replies may be there; none if they are there at once."""
        return self._executor.sockets

    def issue(self, effect: EffectIssued | EffectRequest) -> bytes | None:
        """Take an effect on; returns its reply if the journal has it. Raises DivergedError for another request."""
        stored = self._journal.effect(effect.actor, effect.number, ATTEMPT) if self._has_past else None
        if stored is not None:
            digest = digest_of(effect.request)
            if stored.request_digest != digest:
                name = f"request of effect {effect.actor}/{effect.number}"
                raise DivergedError(self._journal.count(), name, stored.request_digest.hex(), digest.hex())
            return self._of_use(stored.reply)
        ticket = f"{effect.actor}#{effect.number}#{ATTEMPT}"
        self._open[ticket] = effect
        self.asked += 1
        self._executor.submit(ticket, effect.request, self._seed_of(ticket))
        return None

    @property
    def is_asking(self) -> bool:
        """Whether a reply is still to come."""
        return bool(self._open)

    def make_durable(self, effects: Iterable[DueEffect]) -> None:
        """Commit unless every one of these replies is durable already: only then may they be delivered."""
        fresh = self._fresh
        if fresh and any((effect.actor, effect.number) in fresh for effect in effects):
            self._journal.commit_effects()
            fresh.clear()

    def collect(self) -> list[tuple[EffectIssued | EffectRequest, bytes]]:
        """Replies that have come, journalled (not yet committed), as far as they are of use."""
        done: list[tuple[EffectIssued | EffectRequest, bytes]] = []
        for ticket, reply in self._executor.drain():
            effect = self._open.pop(ticket)
            stored = StoredEffect(effect.actor, effect.number, ATTEMPT, digest_of(effect.request), reply, effect.due_us)
            self._journal.add_effect(stored, effect.request)
            self._fresh.add((effect.actor, effect.number))
            done.append((effect, self._of_use(reply)))
        return done

    def commit(self) -> None:
        """Make replies and log durable."""
        self._journal.commit()
        self._fresh.clear()

    def _seed_of(self, ticket: str) -> int:
        digest = blake2b(f"{self._seed}|{ticket}".encode(), digest_size=8).digest()
        return int.from_bytes(digest, "big") >> 1


def _all_of_it(reply: bytes) -> bytes:
    return reply


def digest_of(request: bytes) -> bytes:
    """What is kept of a request to compare a replay with."""
    return blake2b(request, digest_size=16).digest()
