"""Replies that were recorded, replayed without the engine that gave them.

A recording is a file of JSON lines: first `{"format": "scrummage.recorded_replies/2"}`, then one line for each reply:
the digest of its request, the seed, the how-manieth time these two were asked (from 1), and the reply. What is asked
and not in there gets a typed failure, never a text. The times in it are those of its engine; a replay measures its own.

    RecordingError   the file is not a recording, or holds two replies for one request
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from hashlib import blake2b
from pathlib import Path
from types import TracebackType
from typing import IO, NamedTuple

from brokers.wire.packing import packer
from brokers.wire.registry import WireError
from inference.engines.refusing import refusal
from inference.engines.tickets import Tickets
from inference.messages import Failed
from inference.text import Finished, GenerateText, TextCounters, TextEngine, TextGenerated, text_registry, unwritten

FORMAT = "scrummage.recorded_replies/2"
_registry = text_registry()


class RecordingError(ValueError):
    """Raised for a file that is no recording; names file and line."""


class Asked(NamedTuple):
    """Which reply is meant."""

    digest: str
    seed: int
    nth: int  # from 1


class Asking:
    """Counts how often the same request came with the same seed."""

    def __init__(self) -> None:
        self._times: Counter[tuple[str, int]] = Counter()

    def next(self, request: GenerateText, seed: int) -> Asked:
        """Take one more."""
        digest = request_digest(request)
        self._times[digest, seed] += 1
        return Asked(digest, seed, self._times[digest, seed])


def request_digest(request: GenerateText) -> str:
    """What identifies a request: 32 hexadecimal digits of a hash of its bytes on the wire."""
    return blake2b(packer()(_registry.to_body(request)), digest_size=16).hexdigest()


def read_recording(path: Path) -> dict[Asked, TextGenerated | Failed]:
    """All replies of a recording. A last line that was never finished, as a kill leaves it, is not counted as one.

    Raises:
        RecordingError: Anything else is not as it should be.
    """
    try:
        *lines, _unfinished = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise RecordingError(f"{path} cannot be read: {error}") from error
    if not lines or _parsed(path, 1, lines[0]) != {"format": FORMAT}:
        raise RecordingError(f"{path}, line 1: no recording of format {FORMAT}")
    replies: dict[Asked, TextGenerated | Failed] = {}
    for number, line in enumerate(lines[1:], start=2):
        asked, reply = _entry(path, number, line)
        if asked in replies:
            raise RecordingError(f"{path}, line {number}: a second reply to the same request")
        replies[asked] = reply
    return replies


class RecordedEngine:
    """Gives each request the reply it had in a recording, at the next step."""

    name = "recorded"

    def __init__(self, replies: Mapping[Asked, TextGenerated | Failed], *, slots: int = 64) -> None:
        self.slots = slots
        self._replies = replies
        self._tickets = Tickets(self.name)
        self._asking = Asking()
        self._asked: dict[str, tuple[GenerateText, Asked]] = {}
        self._cancelled: set[str] = set()

    @property
    def under_way(self) -> int:
        return len(self._tickets)

    @property
    def counters(self) -> TextCounters:
        return self._tickets.counters

    def start(self) -> None:
        self._tickets.open()

    def submit(self, ticket: str, request: GenerateText, seed: int) -> None:
        self._tickets.take(ticket)
        refused = refusal(request)
        if refused is not None:
            self._tickets.answer(ticket, refused)
        else:
            self._asked[ticket] = (request, self._asking.next(request, seed))

    def cancel(self, ticket: str) -> bool:
        self._tickets.require_open()
        if ticket not in self._tickets:
            return False
        self._cancelled.add(ticket)
        return True

    def step(self, timeout_s: float) -> list[Finished]:
        self._tickets.require_open()
        for ticket, (request, asked) in self._asked.items():
            self._tickets.answer(ticket, self._reply(request, asked, is_cancelled=ticket in self._cancelled))
        self._asked.clear()
        self._cancelled.clear()
        return self._tickets.hand_out()

    def close(self) -> None:
        self._tickets.close()
        self._asked.clear()

    def _reply(self, request: GenerateText, asked: Asked, *, is_cancelled: bool) -> TextGenerated | Failed:
        reply = self._replies.get(asked)
        if isinstance(reply, TextGenerated) and reply.finish == "cancelled" and not is_cancelled:
            return Failed(reason="not_recorded", detail=f"{_words(asked)} was cancelled when it was recorded")
        if reply is not None:
            return reply
        if is_cancelled:
            return unwritten(request)
        return Failed(reason="not_recorded", detail=f"{_words(asked)} is not in the recording")


class RecordingEngine:
    """Another engine, and a file that gets every reply it gives. To be used in a `with`, or closed."""

    def __init__(self, engine: TextEngine, path: Path) -> None:
        """Make the file. Raises FileExistsError: a recording is never overwritten or continued."""
        self._engine = engine
        self._asking = Asking()
        self._asked: dict[str, Asked] = {}
        self._file: IO[str] = path.open("x", encoding="utf-8")
        self._write({"format": FORMAT})

    @property
    def name(self) -> str:
        return self._engine.name

    @property
    def slots(self) -> int:
        return self._engine.slots

    @property
    def under_way(self) -> int:
        return self._engine.under_way

    @property
    def counters(self) -> TextCounters:
        return self._engine.counters

    def start(self) -> None:
        self._engine.start()

    def submit(self, ticket: str, request: GenerateText, seed: int) -> None:
        self._engine.submit(ticket, request, seed)
        if refusal(request) is None:  # what every engine refuses, a replay refuses by itself
            self._asked[ticket] = self._asking.next(request, seed)

    def cancel(self, ticket: str) -> bool:
        return self._engine.cancel(ticket)

    def step(self, timeout_s: float) -> list[Finished]:
        finished = self._engine.step(timeout_s)
        for ticket, reply in finished:
            asked = self._asked.pop(ticket, None)
            if asked is not None:
                digest, seed, nth = asked
                self._write({"request": digest, "seed": seed, "nth": nth, "reply": _registry.to_body(reply)})
        return finished

    def close(self) -> None:
        self._engine.close()
        self._file.close()

    def __enter__(self) -> RecordingEngine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _write(self, entry: Mapping[str, object]) -> None:
        self._file.write(json.dumps(entry, separators=(",", ":")) + "\n")
        self._file.flush()


def _entry(path: Path, number: int, line: str) -> tuple[Asked, TextGenerated | Failed]:
    match _parsed(path, number, line):
        case {"request": str() as digest, "seed": int() as seed, "nth": int() as nth, "reply": dict() as body, **rest}:
            if not rest:
                try:
                    reply = _registry.from_body(body)
                except WireError as error:
                    raise RecordingError(f"{path}, line {number}: {error}") from None
                if isinstance(reply, TextGenerated | Failed):
                    return Asked(digest, seed, nth), reply
    raise RecordingError(f"{path}, line {number}: not a recorded reply")


def _parsed(path: Path, number: int, line: str) -> object:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        raise RecordingError(f"{path}, line {number}: not JSON") from None


def _words(asked: Asked) -> str:
    return f"request {asked.digest}, seed {asked.seed}, time {asked.nth}"
