"""Proof that what was booked is what the engines did: exactly over answers, within bounds for what was lost. Pure.

Each incarnation of an engine counts its own answers and tells its counters with them. Their last words, over all
incarnations, must be the sums over the answers that came. What an engine did after its last word, for requests that it
never answered, is in no counter: it is booked as lost, from nothing up to the most that it can have been.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields

from inference.messages import Failed
from inference.text import TextCounters, TextGenerated

COMPARED = ("completed", "cancelled", "failed", "prompt_tokens", "cached_tokens", "completion_tokens", "engine_us")


@dataclass(frozen=True, slots=True, kw_only=True)
class LostRequest:
    """A request that an engine had when it was lost; asked again elsewhere, unless nobody wanted it any more."""

    ticket: str
    engine: str
    incarnation: str
    prompt_tokens_at_most: int | None  # exact where another engine answered it; None: nobody knows a bound
    completion_tokens_at_most: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciliation:
    """Booked against counted."""

    booked: TextCounters  # sums over the answers that came
    counted: TextCounters  # sums over the last words of all incarnations
    incarnations: int
    lost_requests: int
    lost_prompt_tokens_at_most: int | None  # None: one of them has no known bound
    lost_completion_tokens_at_most: int

    @property
    def differences(self) -> dict[str, int]:
        """Counted less booked, where they differ."""
        found = {name: getattr(self.counted, name) - getattr(self.booked, name) for name in COMPARED}
        return {name: value for name, value in found.items() if value}

    @property
    def is_exact(self) -> bool:
        """Whether the books agree to the token and to the microsecond."""
        return not self.differences


def reconcile(
    answers: Iterable[TextGenerated | Failed],
    counters: Mapping[tuple[str, str], TextCounters],
    lost: Iterable[LostRequest],
) -> Reconciliation:
    """Hold what was booked against what was counted.

    Args:
        answers: Every reply of an engine, also those that came too late for their askers. Not what a pool answers by
            itself (a cancel before any engine had the request, an unknown model, an expiry).
        counters: The last that each engine told, by its name and incarnation.
        lost: What incarnations had under way when they ended.
    """
    booked = sum_of_answers(answers)
    counted = add_counters(counters.values())
    unanswered = list(lost)
    bounds = [each.prompt_tokens_at_most for each in unanswered]
    return Reconciliation(
        booked=booked,
        counted=counted,
        incarnations=len(counters),
        lost_requests=len(unanswered),
        lost_prompt_tokens_at_most=None if None in bounds else sum(each or 0 for each in bounds),
        lost_completion_tokens_at_most=sum(each.completion_tokens_at_most for each in unanswered),
    )


def sum_of_answers(answers: Iterable[TextGenerated | Failed]) -> TextCounters:
    """What engines would count that gave these answers."""
    totals = dict.fromkeys(COMPARED, 0)
    for answer in answers:
        if isinstance(answer, Failed):
            totals["failed"] += 1
            continue
        totals["cancelled" if answer.finish == "cancelled" else "completed"] += 1
        totals["prompt_tokens"] += answer.prompt_tokens
        totals["cached_tokens"] += answer.cached_tokens or 0
        totals["completion_tokens"] += answer.completion_tokens
        totals["engine_us"] += answer.engine_us or 0
    return TextCounters(**totals)


def add_counters(counters: Iterable[TextCounters]) -> TextCounters:
    """The sum, count by count."""
    all_of_them = list(counters)
    return TextCounters(
        **{each.name: sum(getattr(one, each.name) for one in all_of_them) for each in fields(TextCounters)}
    )
