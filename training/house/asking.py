"""Asks an engine that writes text for the first answer to many observations at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from actors.policy.prompting.narrowing import schema_of
from actors.policy.prompting.prompts import Prompts
from actors.policy.prompting.schemas import schema_text
from brokers.wire.registry import Message
from inference.messages import Failed
from inference.text import GenerateText, ServedText, TextGenerated

SERVED_NAME = "house"
CONTEXT_TOKENS = 1024
ANSWER_TOKENS = 400
KV_CACHE_MIB = 64  # a token takes 2 KiB
SLOTS = 16
_STEP_S = 5.0

Reply = TextGenerated | Failed
Tell = Callable[[int, int], None]  # answered, of


def engine_plan(model: Path) -> dict[str, Any]:
    """What vLLM is told to serve the house model from a folder."""
    return {
        "model": str(model),
        "served_name": SERVED_NAME,
        "slots": SLOTS,
        "context_tokens": CONTEXT_TOKENS,
        "kv_cache_mib": KV_CACHE_MIB,
        "batch_tokens": CONTEXT_TOKENS,
    }


def request_for(prompts: Prompts, observation: Message, temperature_permille: int) -> GenerateText:
    """The first request of a decision, as a run makes it for somebody who remembers nothing."""
    return GenerateText(
        model=SERVED_NAME,
        adapter="",
        adapter_version=0,
        messages=prompts.messages(observation),
        schema=schema_text(schema_of(observation)),
        max_tokens=ANSWER_TOKENS,
        temperature_permille=temperature_permille,
        priority="batch",
    )


def ask_all(served: ServedText, requests: Sequence[GenerateText], tell: Tell) -> list[Reply]:
    """The reply to each request, in their order; each has its place as seed. Raises EngineLostError."""
    engine = served.make()
    engine.start()
    try:
        for place, request in enumerate(requests):
            engine.submit(str(place), request, place)
        found: dict[int, Reply] = {}
        while len(found) < len(requests):
            for finished in engine.step(_STEP_S):
                found[int(finished.ticket)] = finished.reply
            tell(len(found), len(requests))
        return [found[place] for place in range(len(requests))]
    finally:
        engine.close()


def text_in(reply: Reply) -> str | None:
    """What was answered, if anything was."""
    return reply.text if isinstance(reply, TextGenerated) and reply.finish == "stop" else None


def reasons(replies: Sequence[Reply]) -> Mapping[str, int]:
    """How answers ended, counted, by name."""
    ends = [reply.finish if isinstance(reply, TextGenerated) else reply.reason for reply in replies]
    return {end: ends.count(end) for end in sorted(set(ends))}
