"""Messages that every inference engine knows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

FailureReason = Literal["malformed_request", "unanswerable_request"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """The typed reply to a request that has no answer. It is a reply like any other: journalled, never retried."""

    KIND: ClassVar[str] = "inference.failed/1"
    reason: FailureReason
    detail: str  # for people; the same in every run: no trace, no memory address
