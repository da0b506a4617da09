"""Engines that processes of these tests load by their dotted names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from inference.adapters.messages import AdapterLoaded, AdapterRefused, AdapterUnloaded, LoadAdapter, UnloadAdapter
from inference.engines.tickets import Tickets
from inference.engines.unserved import unknown_adapter
from inference.text import (
    EngineLostError,
    Finished,
    GenerateText,
    Piece,
    ServedText,
    TextCounters,
    TextGenerated,
    TextWritten,
)

HELD = "hold"  # requests that begin so stay under way until they are cancelled
BROKEN = "broken"  # versions of adapters from this path cannot be loaded


class Repeater:
    """Repeats the last message word by word, with seed and adapter; loads adapters, streams."""

    name = "repeater"
    slots = 4

    def __init__(self) -> None:
        self._tickets = Tickets(self.name)
        self._asked: dict[str, tuple[GenerateText, int]] = {}
        self._loaded: dict[tuple[str, int], LoadAdapter] = {}
        self._pieces: list[Piece] = []

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
        if request.adapter and (request.adapter, request.adapter_version) not in self._loaded:
            self._tickets.answer(ticket, unknown_adapter(request))
            return
        self._asked[ticket] = (request, seed)

    def cancel(self, ticket: str) -> bool:
        if ticket not in self._tickets:
            return False
        if ticket in self._asked:
            request, _ = self._asked.pop(ticket)
            self._tickets.answer(ticket, replace(generated(request, "partly"), finish="cancelled"))
        return True

    def step(self, timeout_s: float) -> list[Finished]:
        for ticket, (request, seed) in list(self._asked.items()):
            text = f"{request.messages[-1].content} {seed} {request.adapter or 'base'}"
            if text.startswith(HELD):
                continue
            if request.wanted is not None and request.wanted.stream:
                self._stream(ticket, text)
            del self._asked[ticket]
            self._tickets.answer(ticket, generated(request, text))
        return self._tickets.hand_out()

    def written(self) -> list[Piece]:
        pieces, self._pieces = self._pieces, []
        return pieces

    def load(self, wanted: LoadAdapter) -> AdapterLoaded | AdapterRefused:
        known = {"base": wanted.base, "name": wanted.name, "version": wanted.version}
        if wanted.path == BROKEN:
            return AdapterRefused(**known, reason="unreadable", detail="it is broken")
        self._loaded[wanted.name, wanted.version] = wanted
        return AdapterLoaded(**known, sha256=wanted.sha256)

    def unload(self, wanted: UnloadAdapter) -> AdapterUnloaded | AdapterRefused:
        del self._loaded[wanted.name, wanted.version]
        return AdapterUnloaded(base=wanted.base, name=wanted.name, version=wanted.version)

    def adapters(self) -> tuple[AdapterLoaded, ...]:
        return tuple(
            AdapterLoaded(base=each.base, name=each.name, version=each.version, sha256=each.sha256)
            for _, each in sorted(self._loaded.items())
        )

    def close(self) -> None:
        self._tickets.close()

    def _stream(self, ticket: str, text: str) -> None:
        start = 0
        for word in text.split(" "):
            self._pieces.append(Piece(ticket, TextWritten(text=word, start=start, details=None)))
            start += len(word) + 1


def generated(request: GenerateText, text: str) -> TextGenerated:
    return TextGenerated(
        text=text,
        finish="stop",
        model=request.model,
        adapter=request.adapter,
        adapter_version=request.adapter_version,
        prompt_tokens=len(request.messages[-1].content),
        cached_tokens=0,
        completion_tokens=len(text),
    )


def build(plan: Mapping[str, Any]) -> ServedText:
    """`models` that it serves; `dies`: it never comes up; `dies_without`: nor does it before this file is there."""
    if plan.get("dies") or not Path(plan.get("dies_without", "/")).exists():
        return ServedText(make=_dies, slots=1, models=tuple(plan["models"]), loads_first=True)
    return ServedText(make=Repeater, slots=4, models=tuple(plan["models"]))


def _dies() -> Repeater:
    raise EngineLostError("it never comes up")
