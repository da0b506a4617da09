"""What is said about the budget of a run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True, kw_only=True)
class Spend:
    """Somebody spent something on a model. Told to the treasurer."""

    KIND: ClassVar[str] = "treasury.spend/1"
    team: str
    agent: str
    tokens: int
    price_millionths: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StopAsking:
    """A budget is spent: ask no model any more. Told to whoever asks."""

    KIND: ClassVar[str] = "treasury.stop_asking/1"
    agent: str  # for whom; empty: for nobody
