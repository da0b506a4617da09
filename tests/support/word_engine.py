"""A small text engine that does everything the protocol has: pieces, stop, log-probabilities, token ids, schemas.

Words follow from model, adapter, prompt and seed; each is a token, and a step writes one of each text. A prompt that
holds HOLD is answered once the engine is released, so that tests can order what happens.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any, Protocol

from inference.adapters.messages import (
    AdapterLoaded,
    AdapterRefused,
    AdapterUnloaded,
    LoadAdapter,
    UnloadAdapter,
)
from inference.engines.refusing import refusal
from inference.engines.tickets import Tickets
from inference.engines.unserved import unknown_adapter, unknown_model
from inference.messages import Failed
from inference.text import (
    Finish,
    Finished,
    GenerateText,
    LikelyToken,
    Piece,
    ServedText,
    TextCounters,
    TextDetails,
    TextGenerated,
    TextWritten,
    Wanted,
    WrittenToken,
)
from tests.support.chat_server import instance

MODEL = "tiny"
HOLD = "hold this"
CONTEXT_TOKENS = 4096
_WORDS = ("ada ", "bob ", "Zoë ", "漢字 ", "one ", "two ", "red ", "blue ")


class Gate(Protocol):
    """What lets go of what is held: a `threading.Event`, or a file for an engine in a process of its own."""

    def is_set(self) -> bool: ...

    def set(self) -> None: ...

    def wait(self, timeout: float) -> bool: ...


class FileGate:
    """Open once a file exists."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def is_set(self) -> bool:
        return self._path.exists()

    def set(self) -> None:
        self._path.touch()

    def wait(self, timeout: float) -> bool:
        threading.Event().wait(timeout)
        return self.is_set()


def build(plan: Mapping[str, Any]) -> ServedText:
    """For an engine process: `gate` is the path of a file."""
    return ServedText(
        make=lambda: WordEngine(gate=FileGate(Path(plan["gate"]))), slots=8, models=(MODEL,), loads_first=True
    )


@dataclass(slots=True)
class _Writing:
    request: GenerateText
    words: list[str]
    finish: Finish
    prompt: list[str]
    cached: int
    written: int = 0
    told: int = 0
    held: bool = False
    text: str = ""
    tokens: list[WrittenToken] = field(default_factory=list)


class WordEngine:
    """Serves MODEL and versions of adapters. `gate` lets go of what is held."""

    name = "words"

    def __init__(
        self,
        *,
        slots: int = 8,
        adapters: Iterable[tuple[str, int]] = (),
        words: int = 12,
        gate: Gate | None = None,
    ) -> None:
        self.slots = slots
        self.gate = gate or threading.Event()
        self.arrived = threading.Condition()
        self.seen: list[str] = []  # tickets, in the order in which they came
        self.cancelled: list[str] = []
        self._words = words
        self._adapters = dict.fromkeys(adapters, "")
        self._tickets = Tickets(self.name)
        self._writings: dict[str, _Writing] = {}
        self._pieces: list[Piece] = []
        self._known_prompts: set[tuple[str, str, int, str]] = set()

    def wait_for(self, requests: int, timeout_s: float = 20.0) -> None:
        """Return when so many requests have arrived."""
        with self.arrived:
            assert self.arrived.wait_for(lambda: len(self.seen) >= requests, timeout_s)

    def wait_for_cancels(self, number: int, timeout_s: float = 20.0) -> None:
        """Return when so many requests were cancelled."""
        with self.arrived:
            assert self.arrived.wait_for(lambda: len(self.cancelled) >= number, timeout_s)

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
        with self.arrived:
            self.seen.append(ticket)
            self.arrived.notify_all()
        refused = refusal(request)
        if refused is None and request.model != MODEL:
            refused = unknown_model(request.model)
        if refused is None and request.adapter and (request.adapter, request.adapter_version) not in self._adapters:
            refused = unknown_adapter(request)
        prompt = _prompt(request)
        if refused is None and len(prompt) >= CONTEXT_TOKENS:
            refused = Failed(reason="prompt_too_long", detail=f"{len(prompt)} tokens do not fit into {CONTEXT_TOKENS}")
        if refused is not None:
            self._tickets.answer(ticket, refused)
            return
        words, finish = self._text(request, seed)
        key = (request.model, request.adapter, request.adapter_version, " ".join(prompt))
        cached = len(prompt) - 1 if key in self._known_prompts else 0
        self._known_prompts.add(key)
        held = any(HOLD in text for text in (request.prompt, *(each.content for each in request.messages)))
        self._writings[ticket] = _Writing(request, words, finish, prompt, cached, held=held)

    def cancel(self, ticket: str) -> bool:
        self._tickets.require_open()
        if ticket not in self._tickets:
            return False
        if ticket in self._writings:
            self._end(ticket, self._writings.pop(ticket), is_cancelled=True)
            with self.arrived:
                self.cancelled.append(ticket)
                self.arrived.notify_all()
        return True

    def step(self, timeout_s: float) -> list[Finished]:
        self._tickets.require_open()
        worked = False
        for ticket, writing in list(self._writings.items())[: self.slots]:
            if writing.held and writing.written >= 1 and not self.gate.is_set():
                continue  # one word, so that a stream has begun
            worked = True
            self._write(ticket, writing)
        if not worked and not self._tickets.has_ready:
            self.gate.wait(timeout_s)
        return self._tickets.hand_out()

    def written(self) -> list[Piece]:
        pieces, self._pieces = self._pieces, []
        return pieces

    def close(self) -> None:
        self._tickets.close()
        self._writings.clear()

    def load(self, wanted: LoadAdapter) -> AdapterLoaded | AdapterRefused:
        if wanted.base != MODEL:
            return _adapter_refused(wanted)
        self._adapters[wanted.name, wanted.version] = wanted.sha256
        return AdapterLoaded(base=wanted.base, name=wanted.name, version=wanted.version, sha256=wanted.sha256)

    def unload(self, wanted: UnloadAdapter) -> AdapterUnloaded | AdapterRefused:
        if self._adapters.pop((wanted.name, wanted.version), None) is None:
            return AdapterRefused(
                base=wanted.base, name=wanted.name, version=wanted.version, reason="unknown_version", detail="not here"
            )
        return AdapterUnloaded(base=wanted.base, name=wanted.name, version=wanted.version)

    def adapters(self) -> tuple[AdapterLoaded, ...]:
        return tuple(
            AdapterLoaded(base=MODEL, name=name, version=version, sha256=sha256)
            for (name, version), sha256 in sorted(self._adapters.items())
        )

    def _text(self, request: GenerateText, seed: int) -> tuple[list[str], Finish]:
        wanted = request.wanted or Wanted()
        shown = json.dumps(
            [request.model, request.adapter, request.adapter_version, _prompt(request), request.temperature_permille]
        )
        digest = blake2b(f"{shown}{seed if request.temperature_permille else 0}".encode(), digest_size=16).digest()
        if request.schema:
            schema = json.loads(request.schema)
            text = json.dumps(instance(schema, digest) if "properties" in schema else {}, separators=(",", ":"))
            words = [text[start : start + 4] for start in range(0, len(text), 4)]
        else:
            words = [_WORDS[(digest[place % 16] + place) % len(_WORDS)] for place in range(self._words)]
        finish: Finish = "stop"
        for stop in wanted.stop:
            whole = "".join(words)
            if stop in whole:
                words = _cut(words, whole.index(stop))
        if len(words) > request.max_tokens:
            words, finish = words[: request.max_tokens], "length"
        return words, finish

    def _write(self, ticket: str, writing: _Writing) -> None:
        wanted = writing.request.wanted or Wanted()
        if writing.written < len(writing.words):
            word = writing.words[writing.written]
            writing.written += 1
            start = len(writing.text)
            writing.text += word
            token = _token(word, wanted.logprobs)
            writing.tokens.append(token)
            if wanted.stream:
                details = self._details(writing, [token], with_prompt=writing.written == 1)
                self._pieces.append(Piece(ticket, TextWritten(text=word, start=start, details=details)))
        if writing.written == len(writing.words):
            self._end(ticket, self._writings.pop(ticket))

    def _details(self, writing: _Writing, tokens: list[WrittenToken], *, with_prompt: bool) -> TextDetails | None:
        wanted = writing.request.wanted or Wanted()
        if wanted.logprobs is None and not wanted.token_ids:
            return None
        return TextDetails(
            prompt_token_ids=tuple(map(_number, writing.prompt)) if wanted.token_ids and with_prompt else (),
            token_ids=tuple(each.chosen.token_id for each in tokens) if wanted.token_ids else (),
            tokens=tuple(tokens) if wanted.logprobs is not None else (),
        )

    def _end(self, ticket: str, writing: _Writing, *, is_cancelled: bool = False) -> None:
        request = writing.request
        self._tickets.answer(
            ticket,
            TextGenerated(
                text=writing.text,
                finish="cancelled" if is_cancelled else writing.finish,
                model=request.model,
                adapter=request.adapter,
                adapter_version=request.adapter_version,
                prompt_tokens=len(writing.prompt),
                cached_tokens=writing.cached,
                completion_tokens=writing.written,
                details=self._details(writing, writing.tokens, with_prompt=True),
            ),
        )


def _prompt(request: GenerateText) -> list[str]:
    text = request.prompt or " ".join(f"{each.role}: {each.content}" for each in request.messages)
    return text.split() or ["empty"]


def _number(word: str) -> int:
    return int.from_bytes(blake2b(word.encode(), digest_size=2).digest(), "big")


def _token(word: str, logprobs: int | None) -> WrittenToken:
    likely = [
        LikelyToken(token=each, token_id=_number(each), logprob_micro=-700_000 * (place + 1))
        for place, each in enumerate((word, "other ", "third ")[: logprobs or 0])
    ]
    return WrittenToken(
        chosen=LikelyToken(token=word, token_id=_number(word), logprob_micro=-700_000), likeliest=tuple(likely)
    )


def _cut(words: list[str], chars: int) -> list[str]:
    found: list[str] = []
    for word in words:
        found.append(word[:chars])
        chars -= len(word)
        if chars <= 0:
            break
    return found


def _adapter_refused(wanted: LoadAdapter) -> AdapterRefused:
    return AdapterRefused(
        base=wanted.base, name=wanted.name, version=wanted.version, reason="unknown_base", detail="not this model"
    )
