"""Versions of an adapter are swapped under load: every reply is held against an oracle of its version.

The oracle of each version is a fresh engine that holds the base model and this version only. The engine under test is
full all the time; a third of its requests ask the base model, the others the newest version. A swap loads a version
(verified against its hash) and unloads the one before, whose requests go on.
"""

from __future__ import annotations

import json
import statistics
import tempfile
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from time import perf_counter
from typing import Any

from rich.table import Table

from benchmarks.support import Effort, Target, console
from inference.adapters.messages import AdapterRefused, UnloadAdapter
from inference.adapters.store import AdapterStore, PublishedAdapter
from inference.engines.vllm.core import Core
from inference.engines.vllm.engine import VllmEngine
from inference.engines.vllm.plan import read_vllm_plan
from inference.text import ChatMessage, GenerateText, TextGenerated
from tests.support.tiny_model import Shape, make_adapter, make_tiny_model

MODEL, NAME = "tiny", "reviewer"
SHAPE = Shape(layers=4, hidden=128, heads=4, kv_heads=2, inner=384)
RANK = 16
SWAPS = 300
WEIGHTS = 12  # different ones; version n has those of n modulo this, and is gone long before they come again
SLOTS = 16
REPLIES_BETWEEN = 3  # two swaps
SWAP_MS = 100.0
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

    def wrong(self, oracle: dict[tuple[int, int], str]) -> int:
        """Replies that are not their version's."""
        right = (
            reply.text == oracle[weights_of(version), question] and reply.adapter_version == version
            for (version, question), reply in ((self.sent[ticket], reply) for ticket, reply in self.replies.items())
        )
        return sum(not each for each in right)


def measure(effort: Effort) -> list[Target]:
    """Swap under load, print what it took, and say whether anything was lost or wrong."""
    swaps = effort.count(SWAPS)
    with tempfile.TemporaryDirectory() as place:
        model = make_tiny_model(Path(place) / "model", SHAPE)
        store = AdapterStore(Path(place) / "store")
        published = _publish(store, Path(place), swaps + 1)
        oracle = _oracle(model, published)
        tally = _under_load(model, published)
    _show(tally)
    lost = len(tally.sent) - len(tally.replies) + tally.twice
    return [
        Target(f"dropped requests of {len(tally.sent)} over {swaps} swaps", 0, lost, "", at_least=False),
        Target(f"wrong answers of {len(tally.replies)}", 0, tally.wrong(oracle), "", at_least=False),
        Target("swap under load, median", SWAP_MS, statistics.median(tally.swap_ms), "ms", at_least=False),
    ]


def weights_of(version: int) -> int:
    """Which weights a version has; 0: none."""
    return (version - 1) % WEIGHTS + 1 if version else 0


def _publish(store: AdapterStore, place: Path, versions: int) -> list[PublishedAdapter]:
    sources = {
        seed: make_adapter(place / f"weights-{seed}", seed, shape=SHAPE, rank=RANK) for seed in range(1, WEIGHTS + 1)
    }
    return [store.publish(NAME, sources[weights_of(version)], base=MODEL) for version in range(1, versions + 1)]


def _engine(model: Path, **changes: Any) -> VllmEngine:
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
    engine = VllmEngine(Core(read_vllm_plan(plan | changes)))
    engine.start()
    return engine


def _oracle(model: Path, published: list[PublishedAdapter]) -> dict[tuple[int, int], str]:
    """Texts by weights and question, each of a fresh engine with this one version; 0 for the base model."""
    found: dict[tuple[int, int], str] = {}
    for version in published[:WEIGHTS]:
        engine = _engine(model, adapter_slots=1)
        try:
            _required(engine.load(version.load()))
            for who in (0, version.version) if version.version == 1 else (version.version,):
                for number in range(len(QUESTIONS)):
                    engine.submit(f"{who}-{number}", _request(who, number), 1)
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


def _request(version: int, question: int) -> GenerateText:
    request = QUESTIONS[question]
    return replace(request, adapter=NAME, adapter_version=version) if version else request


def _under_load(model: Path, published: list[PublishedAdapter]) -> Tally:
    engine, tally = _engine(model), Tally()
    numbers = count()
    try:
        _required(engine.load(published[0].load()))
        current, began, done_at_swap = published[0], perf_counter(), 0
        waiting = published[1:]
        while waiting or engine.under_way:
            while waiting and engine.under_way < SLOTS:
                number = next(numbers)
                version = current.version if number % 3 else 0
                ticket = str(number)
                tally.sent[ticket] = (version, number % len(QUESTIONS))
                engine.submit(ticket, _request(*tally.sent[ticket]), number)
            _note(engine, tally)
            if waiting and len(tally.replies) >= done_at_swap + REPLIES_BETWEEN:
                done_at_swap = len(tally.replies)
                tally.swap_ms.append(_swap(engine, current, waiting[0]))
                current = waiting.pop(0)
        tally.seconds = perf_counter() - began
    finally:
        engine.close()
    return tally


def _note(engine: VllmEngine, tally: Tally) -> None:
    for ticket, reply in engine.step(0.0):
        if not isinstance(reply, TextGenerated):
            tally.failed += 1
        elif ticket in tally.replies:
            tally.twice += 1
        else:
            tally.replies[ticket] = reply


def _swap(engine: VllmEngine, old: PublishedAdapter, new: PublishedAdapter) -> float:
    """Wall milliseconds for which nothing else goes on."""
    began = perf_counter()
    _required(engine.load(new.load()))
    _required(engine.unload(UnloadAdapter(base=MODEL, name=NAME, version=old.version)))
    return (perf_counter() - began) * 1_000


def _required(outcome: object) -> None:
    if isinstance(outcome, AdapterRefused):
        raise RuntimeError(f"{outcome.reason}: {outcome.detail}")


def _show(tally: Tally) -> None:
    ordered = sorted(tally.swap_ms)
    tokens = sum(reply.completion_tokens for reply in tally.replies.values())
    versions = {version for version, _ in tally.sent.values()}
    table = Table(
        title=f"{len(ordered)} swaps under load (rank {RANK}, {SLOTS} requests at once)", title_justify="left"
    )
    table.add_column("what")
    table.add_column("measured", justify="right")
    for what, value in (
        ("requests, versions that answered", f"{len(tally.sent):,}, {len(versions)}"),
        ("refused", f"{tally.failed}"),
        ("swap: median, 95th of 100, longest", " / ".join(f"{_at(ordered, share):.1f} ms" for share in (50, 95, 100))),
        ("tokens per second, swaps included", f"{tokens / tally.seconds:,.0f}"),
        ("share of the time spent on swaps", f"{sum(ordered) / 10 / tally.seconds:.1f} %"),
    ):
        table.add_row(what, value)
    console.print(table)


def _at(ordered: list[float], percent: int) -> float:
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]
