"""What a measured pool is asked, and engines for it: modelled ones in wall time, or vLLM where it is installed."""

from __future__ import annotations

import json
import math
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple

from brokers.wire.packing import packer, unpack
from config.streams import draw
from inference.engines.modelled.clock import WallClock
from inference.engines.modelled.engine import TOKEN_CHARS, ModelledEngine
from inference.engines.modelled.profile import TINY_ON_ONE_CORE
from inference.messages import Expired, Failed
from inference.pool.plan import PlannedEngine
from inference.pool.state import Serves
from inference.text import ChatMessage, GenerateText, Priority, ServedText, TextGenerated, text_registry

MODEL = "tiny"
MODELLED = "benchmarks.pool_loads:build"
ENDLESS = json.dumps({"type": "string", "minLength": 4_000})  # no answer under it ends before its last token
_registry, _pack = text_registry(), packer()


class Asked(NamedTuple):
    """One request of a load."""

    ticket: str
    body: bytes
    seed: int
    tokens: int
    at_s: float = 0.0  # after the load began


def build(plan: Mapping[str, Any]) -> ServedText:
    """A modelled engine of some slots whose texts follow from request and seed, as long as `max_tokens` says."""
    profile = replace(TINY_ON_ONE_CORE, slots=plan["slots"])

    def make() -> ModelledEngine:
        return ModelledEngine(profile, WallClock(), model=MODEL, write=written)

    return ServedText(make=make, slots=profile.slots, models=(MODEL,), loads_first=True)


def written(request: GenerateText, seed: int) -> str:
    """Hexadecimal digits that nobody can guess who has not request and seed; more than are asked for."""
    key = f"{seed}/{request.messages[-1].content}".encode()
    digits = blake2b(key).hexdigest()
    return (digits * (request.max_tokens * TOKEN_CHARS // len(digits) + 1))[: request.max_tokens * TOKEN_CHARS]


def modelled(count: int, slots: int) -> tuple[PlannedEngine, ...]:
    """Some engines, each on a core of its own as far as there are."""
    return tuple(
        PlannedEngine(
            name=f"modelled-{number}",
            tier="small",
            builder=MODELLED,
            arguments={"slots": slots},
            serves=Serves((MODEL,)),
        )
        for number in range(count)
    )


@contextmanager
def vllm(count: int, slots: int) -> Iterator[tuple[PlannedEngine, ...]]:
    """As many engines of vLLM with a tiny model, each on a core of its own as far as there are."""
    from tests.support.tiny_model import make_tiny_model

    cores = sorted(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory(prefix="model-") as folder:
        make_tiny_model(Path(folder) / "model")
        yield tuple(
            PlannedEngine(
                name=f"vllm-{number}",
                tier="small",
                builder="inference.engines.vllm.serving:build",
                arguments={
                    "model": f"{folder}/model",
                    "served_name": MODEL,
                    "slots": slots,
                    "context_tokens": 1_024,
                    "kv_cache_mib": 64,
                    "cores": [cores[number % len(cores)]],
                },
                serves=Serves((MODEL,)),
            )
            for number in range(count)
        )


def request(text: str, *, tokens: int, schema: str = "", priority: Priority = "agent") -> bytes:
    """A packed request for an answer of so many tokens; of a model also with ENDLESS, else it may end sooner."""
    asked = GenerateText(
        model=MODEL,
        adapter="",
        adapter_version=0,
        messages=(ChatMessage(role="system", content="Be brief."), ChatMessage(role="user", content=text)),
        schema=schema,
        max_tokens=tokens,
        temperature_permille=1000,
        priority=priority,
    )
    return _pack(_registry.to_body(asked))


def reply(body: bytes) -> TextGenerated | Failed | Expired:
    """A reply as a message."""
    found = _registry.from_body(unpack(body))
    assert isinstance(found, TextGenerated | Failed | Expired)
    return found


def even(count: int, *, name: str, low: int = 32, high: int = 96, schema: str = "") -> list[Asked]:
    """Requests that are all there at the beginning."""
    tokens = [low + draw(7, "tokens", name, n).below(high - low + 1) for n in range(count)]
    return [
        Asked(f"{name}-{n}", request(f"{name} {n}", tokens=size, schema=schema), n, size)
        for n, size in enumerate(tokens)
    ]


def skewed(count: int, *, name: str, gap_s: float, short: int, long: int, long_permille: int) -> list[Asked]:
    """Requests that come at random, independently of each other (Poisson), few of them long."""
    asked: list[Asked] = []
    at_s = 0.0
    for n in range(count):
        at_s += gap_s * -math.log((1 + draw(7, "gap", name, n).below(1_000_000)) / 1_000_000)
        tokens = long if draw(7, "size", name, n).chance(long_permille) else short
        asked.append(Asked(f"{name}-{n}", request(f"{name} {n}", tokens=tokens), n, tokens, at_s))
    return asked
