"""The messages that are sent: a small and a big one, as plain maps and as typed messages of the same fields."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from brokers.wire.registry import Registry
from config.streams import draw

_ALPHABET = "abcdefghij klmnopqrst uvwxyz\n"
_PROMPT = "".join(draw(7, "prompt", "", n).pick(_ALPHABET) for n in range(1_024))


@dataclass(frozen=True, slots=True, kw_only=True)
class CardWent:
    """The small one: five fields, as when a card moves on the board."""

    KIND: ClassVar[str] = "bench.card_went/1"
    card: str
    source: str
    to: str
    at_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Think:
    """The big one: twelve fields, one of them a prompt of 1,024 characters."""

    KIND: ClassVar[str] = "bench.think/1"
    version: int
    id: int
    src: str
    dst: str
    at_us: int
    deadline_us: int
    trace: str
    temperature_milli: int
    max_tokens: int
    stop: tuple[str, ...]
    prompt: str


SMALL = CardWent(
    card="SIM-1042-frontend-login-form", source="in_progress", to="review by 2nd dev", at_us=36_127_250_000
)
BIG = Think(
    version=1,
    id=918_273_645,
    src="agent/007",
    dst="inference",
    at_us=36_127_250_000,
    deadline_us=36_130_250_000,
    trace="9f86d081884c7d65",
    temperature_milli=700,
    max_tokens=256,
    stop=("\n\n", "</act>"),
    prompt=_PROMPT,
)
LOADS: dict[str, CardWent | Think] = {"small": SMALL, "big": BIG}


def registry() -> Registry:
    """A registry of both."""
    registry = Registry()
    registry.register(CardWent, Think)
    return registry


def body(load: str) -> dict[str, Any]:
    """The plain map of a load."""
    return registry().to_body(LOADS[load])
