"""The books of a run's pool: every answer is booked as it passes, and held against what the engines counted.

What engines do twice because one was lost, and what their caches had, follows from wall time and not from the seed. So
the books are no artifact: they are written beside the engines' logs, when the run ends. Books are of one life of a run;
those of earlier lives that ended in good order, and asked anything, are kept in the same file.
"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

from brokers.wire.packing import unpack
from inference.ledger.pool_book import PoolBook
from inference.ledger.reconciling import Reconciliation
from inference.messages import Failed
from inference.pool.running import EnginePool
from inference.text import GenerateText, TextGenerated, text_registry

BOOKS = "books.json"


class BookedPool:
    """Carries requests to a pool and its replies back. Owned by the thread that owns the pool."""

    def __init__(self, pool: EnginePool, folder: Path) -> None:
        """`folder`: where the books are written."""
        self._pool, self._path = pool, folder / BOOKS
        self._book, self._registry = PoolBook(), text_registry()
        self._has_asked = False

    @property
    def sockets(self) -> tuple[Any, ...]:
        return self._pool.sockets

    def submit(self, ticket: str, request: bytes, seed: int) -> None:
        asked = self._registry.from_body(unpack(request))
        assert isinstance(asked, GenerateText), "only texts are asked of a pool of text engines"
        self._has_asked = True
        self._book.asked(ticket, asked)
        self._pool.submit(ticket, request, seed)

    def drain(self) -> list[tuple[str, bytes]]:
        replies = self._pool.drain()
        self._book.lost(self._pool.lost())
        for ticket, body in (*replies, *self._pool.drain_late()):
            reply = self._registry.from_body(unpack(body))
            if isinstance(reply, TextGenerated | Failed):
                self._book.answered(ticket, reply)
        return replies

    def close(self) -> None:
        """Write the books as they stand; a life that asked nothing leaves those of the life before."""
        self._book.lost(self._pool.lost())
        self._book.observe(self._pool.state())
        if not self._has_asked:
            return
        told = {**_told(self._book.reconciliation()), "earlier_lives": self._earlier()}
        fresh = self._path.with_suffix(".new")
        fresh.write_text(json.dumps(told, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        fresh.replace(self._path)  # whole or not at all: the next life reads it

    def _earlier(self) -> list[dict[str, Any]]:
        """The books of earlier lives, the first one first."""
        if not self._path.exists():
            return []
        last: dict[str, Any] = json.loads(self._path.read_text(encoding="utf-8"))
        earlier: list[dict[str, Any]] = last.pop("earlier_lives")
        return [*earlier, last]


def _told(found: Reconciliation) -> dict[str, Any]:
    return {
        "booked": dataclasses.asdict(found.booked),
        "counted": dataclasses.asdict(found.counted),
        "is_exact": found.is_exact,
        "differences": found.differences,
        "incarnations": found.incarnations,
        "lost": {
            "requests": found.lost_requests,
            "prompt_tokens_at_most": found.lost_prompt_tokens_at_most,
            "completion_tokens_at_most": found.lost_completion_tokens_at_most,
        },
    }
