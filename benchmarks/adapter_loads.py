"""What is asked while versions of an adapter are swapped, and what each version answers: its oracle.

The oracle of each version is a fresh engine that holds the base model and this version only.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from benchmarks.support import console
from inference.adapters.messages import AdapterRefused
from inference.adapters.store import AdapterStore, PublishedAdapter
from inference.engines.vllm.core import Core
from inference.engines.vllm.engine import VllmEngine
from inference.engines.vllm.plan import read_vllm_plan
from inference.messages import Expired, Failed
from inference.text import ChatMessage, GenerateText, TextGenerated
from tests.support.tiny_model import Shape, make_adapter

MODEL, NAME = "tiny", "reviewer"
SHAPE = Shape(layers=4, hidden=128, heads=4, kv_heads=2, inner=384)
RANK = 16
WEIGHTS = 12  # different ones; version n has those of n modulo this, and is gone long before they come again
SLOTS = 16
REPLIES_BETWEEN = 3  # two swaps
Oracle = Mapping[tuple[int, int], str]  # texts by weights (0: the base model) and question
LONG = json.dumps({"type": "string", "minLength": 4_000})  # no answer ends before its last token
QUESTIONS = tuple(
    GenerateText(
        model=MODEL,
        adapter="",
        adapter_version=0,
        messages=(ChatMessage(role="user", content=f"question {number}: " + "deploy the service. " * number),),
        schema=LONG,
        max_tokens=12,
        temperature_permille=0,
        priority="agent",
    )
    for number in range(5)
)


@dataclass
class Tally:
    """What came of the requests, and how long swaps took."""

    sent: dict[str, tuple[int, int]] = field(default_factory=dict)  # version (0: base), question
    replies: dict[str, TextGenerated] = field(default_factory=dict)
    twice: int = 0
    failed: int = 0
    swap_ms: list[float] = field(default_factory=list)
    seconds: float = 0.0
    repeated: int = 0  # requests that were asked again because their engine was killed

    @property
    def lost(self) -> int:
        """Requests without an answer, and answers beyond the first."""
        return len(self.sent) - len(self.replies) + self.twice

    def note(self, ticket: str, reply: TextGenerated | Failed | Expired) -> None:
        """A reply came."""
        if not isinstance(reply, TextGenerated):
            self.failed += 1
        elif ticket in self.replies:
            self.twice += 1
        else:
            self.replies[ticket] = reply

    def wrong(self, oracle: Oracle) -> int:
        """Replies that are not their version's."""
        right = (
            reply.text == oracle[weights_of(version), question] and reply.adapter_version == version
            for (version, question), reply in ((self.sent[ticket], reply) for ticket, reply in self.replies.items())
        )
        return sum(not each for each in right)


def weights_of(version: int) -> int:
    """Which weights a version has; 0: none."""
    return (version - 1) % WEIGHTS + 1 if version else 0


def publish(store: AdapterStore, place: Path, versions: int) -> list[PublishedAdapter]:
    """So many versions, of few different weights."""
    sources = {
        seed: make_adapter(place / f"weights-{seed}", seed, shape=SHAPE, rank=RANK) for seed in range(1, WEIGHTS + 1)
    }
    return [store.publish(NAME, sources[weights_of(version)], base=MODEL) for version in range(1, versions + 1)]


def plan_of(model: Path, **changes: Any) -> dict[str, Any]:
    """The plan of an engine that can hold several versions at once, with some keys changed."""
    plan = {
        "model": str(model),
        "served_name": MODEL,
        "slots": SLOTS,
        "context_tokens": 1_024,
        "kv_cache_mib": 64,
        "batch_tokens": 1_024,
        "max_lora_rank": RANK,
        "adapter_slots": 3,
        "adapters_kept": 8,
    }
    return plan | changes


def started(model: Path, **changes: Any) -> VllmEngine:
    """An engine in this process; to be closed."""
    engine = VllmEngine(Core(read_vllm_plan(plan_of(model, **changes))))
    engine.start()
    return engine


def oracle_of(model: Path, published: list[PublishedAdapter]) -> Oracle:
    """What each version and the base model answer. Raises RuntimeError where two of them could not be told apart."""
    found: dict[tuple[int, int], str] = {}
    for version in published[:WEIGHTS]:
        engine = started(model, adapter_slots=1)
        try:
            required(engine.load(version.load()))
            for who in (0, version.version) if version.version == 1 else (version.version,):
                for number in range(len(QUESTIONS)):
                    engine.submit(f"{who}-{number}", request_of(who, number), 1)
                    while engine.under_way:
                        for _, reply in engine.step(1.0):
                            found[weights_of(who), number] = reply.text if isinstance(reply, TextGenerated) else ""
        finally:
            engine.close()
        console.print(f"oracle {len(found) // len(QUESTIONS)} of {len(published[:WEIGHTS]) + 1}", highlight=False)
    for number in range(len(QUESTIONS)):
        texts = [text for (_, question), text in found.items() if question == number]
        if len(set(texts)) < len(texts):
            raise RuntimeError(f"two versions answer question {number} alike: wrong answers could not be told")
    return found


def request_of(version: int, question: int) -> GenerateText:
    """A question to a version; 0: to the base model."""
    request = QUESTIONS[question]
    return replace(request, adapter=NAME, adapter_version=version) if version else request


def required(outcome: object) -> None:
    """Raises RuntimeError for what an engine refused."""
    if isinstance(outcome, AdapterRefused):
        raise RuntimeError(f"{outcome.reason}: {outcome.detail}")
