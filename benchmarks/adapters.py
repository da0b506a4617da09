"""Versions of an adapter are swapped under load: every reply is held against an oracle of its version.

Once in one engine, step by step, and once in a pool of two engine processes, some of which are killed meanwhile. The
engines are full all the time; a third of the requests ask the base model, the others the newest version. A swap loads a
version (verified against its hash) and unloads the one before, whose requests go on.
"""

from __future__ import annotations

import statistics
import tempfile
from itertools import count
from pathlib import Path
from time import perf_counter

from rich.table import Table

from benchmarks.adapter_loads import (
    MODEL,
    NAME,
    QUESTIONS,
    RANK,
    REPLIES_BETWEEN,
    SHAPE,
    SLOTS,
    Oracle,
    Tally,
    oracle_of,
    publish,
    request_of,
    required,
    started,
)
from benchmarks.pooled_adapters import KILLS, swap_in_a_pool
from benchmarks.support import Effort, Target, console
from inference.adapters.messages import UnloadAdapter
from inference.adapters.store import AdapterStore, PublishedAdapter
from inference.engines.vllm.engine import VllmEngine
from tests.support.tiny_model import make_tiny_model

SWAPS = 300
SWAP_MS = 100.0


def measure(effort: Effort) -> list[Target]:
    """Swap under load, print what it took, and say whether anything was lost or wrong."""
    swaps = effort.count(SWAPS)
    with tempfile.TemporaryDirectory() as place:
        model = make_tiny_model(Path(place) / "model", SHAPE)
        published = publish(AdapterStore(Path(place) / "store"), Path(place), swaps + 1)
        oracle = oracle_of(model, published)
        one = _in_one_engine(model, published)
        _show(f"one engine, {SLOTS} requests at once", one)
        pooled = swap_in_a_pool(model, published, Path(place) / "pool")
        _show(f"a pool of two engines, {KILLS} of them killed", pooled)
    return [*_targets("one engine", one, oracle), *_targets("pool, kills", pooled, oracle)]


def _targets(where: str, tally: Tally, oracle: Oracle) -> list[Target]:
    swaps, wrong = len(tally.swap_ms), tally.wrong(oracle)
    return [
        Target(f"{where}: dropped of {len(tally.sent)} over {swaps} swaps", 0, tally.lost, "", at_least=False),
        Target(f"{where}: wrong of {len(tally.replies)} answers", 0, wrong, "", at_least=False),
        Target(f"{where}: swap, median", SWAP_MS, statistics.median(tally.swap_ms), "ms", at_least=False),
    ]


def _in_one_engine(model: Path, published: list[PublishedAdapter]) -> Tally:
    engine, tally = started(model), Tally()
    numbers = count()
    try:
        required(engine.load(published[0].load()))
        current, began, done_at_swap = published[0], perf_counter(), 0
        waiting = published[1:]
        while waiting or engine.under_way:
            while waiting and engine.under_way < SLOTS:
                number = next(numbers)
                version = current.version if number % 3 else 0
                ticket = str(number)
                tally.sent[ticket] = (version, number % len(QUESTIONS))
                engine.submit(ticket, request_of(*tally.sent[ticket]), number)
            for ticket, reply in engine.step(0.0):
                tally.note(ticket, reply)
            if waiting and len(tally.replies) >= done_at_swap + REPLIES_BETWEEN:
                done_at_swap = len(tally.replies)
                tally.swap_ms.append(_swap(engine, current, waiting[0]))
                current = waiting.pop(0)
        tally.seconds = perf_counter() - began
    finally:
        engine.close()
    return tally


def _swap(engine: VllmEngine, old: PublishedAdapter, new: PublishedAdapter) -> float:
    """Wall milliseconds for which nothing else goes on."""
    began = perf_counter()
    required(engine.load(new.load()))
    required(engine.unload(UnloadAdapter(base=MODEL, name=NAME, version=old.version)))
    return (perf_counter() - began) * 1_000


def _show(where: str, tally: Tally) -> None:
    ordered = sorted(tally.swap_ms)
    tokens = sum(reply.completion_tokens for reply in tally.replies.values())
    versions = {version for version, _ in tally.sent.values()}
    table = Table(title=f"{len(ordered)} swaps under load (rank {RANK}): {where}", title_justify="left")
    table.add_column("what")
    table.add_column("measured", justify="right")
    for what, value in (
        ("requests, versions that answered", f"{len(tally.sent):,}, {len(versions)}"),
        ("refused", f"{tally.failed}"),
        ("asked again after a kill", f"{tally.repeated}"),
        ("swap: median, 95th of 100, longest", " / ".join(f"{_at(ordered, share):.1f} ms" for share in (50, 95, 100))),
        ("tokens per second, swaps included", f"{tokens / tally.seconds:,.0f}"),
    ):
        table.add_row(what, value)
    console.print(table)


def _at(ordered: list[float], percent: int) -> float:
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]
