"""Messages that every inference engine knows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

FailureReason = Literal[
    "malformed_request",
    "unanswerable_request",
    "malformed_schema",  # not JSON, not a JSON schema, or one that the engine cannot enforce
    "schema_not_honoured",  # the answer was complete and does not satisfy the request's schema
    "unknown_model",
    "unknown_adapter",  # the adapter, or this version of it
    "prompt_too_long",
    "not_recorded",  # a replay was asked for something that its recording does not hold
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """The typed reply to a request that has no answer. It is a reply like any other: journalled, never retried."""

    KIND: ClassVar[str] = "inference.failed/1"
    reason: FailureReason
    detail: str  # for people; the same in every run: no trace, no memory address


@dataclass(frozen=True, slots=True, kw_only=True)
class Expired:
    """No answer came in the time that the asker gave. Only callers in wall time give one; a simulation never does."""

    KIND: ClassVar[str] = "inference.expired/1"
    waited_ms: int
    was_under_way: bool  # an engine was working on it, and was told to stop


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnedAway:
    """The engines of a model keep dying, and nobody is to wait for them. Told to callers in wall time only: where a
    simulation asks, the run stops.
    """

    KIND: ClassVar[str] = "inference.turned_away/1"
    model: str
