"""Small engines that an engine process of a test loads by their dotted names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from brokers.wire.registry import Message, Registry
from inference.engine import RequestError, Served


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """Repeat this, with the seed."""

    KIND: ClassVar[str] = "test.ask/1"
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What was asked, with the seed."""

    KIND: ClassVar[str] = "test.answer/1"
    text: str


class Echo:
    """Answers with text and seed."""

    name = "echo"

    def __init__(self) -> None:
        self.life: list[str] = []

    def start(self) -> None:
        self.life.append("start")

    def answer(self, request: Message, seed: int) -> Message:
        if not isinstance(request, Ask):
            raise RequestError("only Ask is answered")
        if request.text == "bug":
            raise ZeroDivisionError("a bug of the engine")
        return Answer(text=f"{request.text}/{seed}")

    def close(self) -> None:
        self.life.append("close")


def registry() -> Registry:
    found = Registry()
    found.register(Ask, Answer)
    return found


def build(plan: Mapping[str, Any]) -> Served:
    if plan:
        raise ValueError("an echo needs no plan")
    return Served(engine=Echo(), registry=registry())


def build_nothing(plan: Mapping[str, Any]) -> str:
    return "nothing"
