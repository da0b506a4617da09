"""Latency: decisions asked one after another, timed by the wall. A figure of this engine here, not of the model."""

from __future__ import annotations

from actors.policy.prompting.prompts import Prompts
from inference.messages import Failed
from inference.text import TextGenerated
from tests.qualification.candidates import Candidate
from tests.qualification.decisions import ask_of, observed_by
from tests.qualification.intervals import quantile
from tests.qualification.profiles import Latency
from tests.qualification.results import PartResult

WARM_UP = 2  # requests before those that are timed: the first ones compile and fill caches


def qualify_latency(
    candidate: Candidate, wanted: Latency, role: str, prompts: Prompts, *, is_guided: bool = True
) -> PartResult:
    """Ask and time. Passed when every request got an answer within the limits there are. Raises EngineLostError."""
    cases = observed_by(role, wanted.requests + WARM_UP)
    asks = [
        ask_of(one, prompts, seed=seed, max_tokens=wanted.max_tokens, is_guided=is_guided)
        for seed, one in enumerate(cases)
    ]
    timed = candidate.write(asks, at_once=1)[WARM_UP:]
    replies = [one.reply for one in timed if isinstance(one.reply, TextGenerated)]
    failures = [f"{one.reply.reason}: {one.reply.detail}" for one in timed if isinstance(one.reply, Failed)]
    took = [one.took_s for one in timed]
    tokens, seconds = sum(reply.completion_tokens for reply in replies), sum(took)
    p50_s, p99_s = quantile(took, 0.5), quantile(took, 0.99)
    limits = [("p50", p50_s, wanted.p50_s), ("p99", p99_s, wanted.p99_s)]
    over = [f"{name} is over its limit of {limit:g} s" for name, took_s, limit in limits if _is_over(took_s, limit)]
    return PartResult(
        part="latency",
        is_passed=bool(replies) and not over,
        what=f"p50 {p50_s:.3f} s, p99 {p99_s:.3f} s, {tokens / seconds if seconds else 0:,.0f} tokens/s",
        wanted=", ".join(f"{name} <= {limit:g} s" for name, _, limit in limits if limit is not None) or "an answer",
        figures={
            "requests": len(timed),
            "p50_s": round(p50_s, 6),
            "p99_s": round(p99_s, 6),
            "completion_tokens": tokens,
            "seconds": round(seconds, 6),
        },
        failures=[*over, *failures],
    )


def limited(wanted: Latency, *, p99_s: float | None) -> Latency:
    """With another limit from the command line, where there is one."""
    return wanted if p99_s is None else wanted.model_copy(update={"p99_s": p99_s})


def _is_over(took_s: float, limit: float | None) -> bool:
    return limit is not None and took_s > limit
