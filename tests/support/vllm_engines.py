"""Engines of vLLM with the tiny model, for tests; those of one process share what is loaded, as that takes seconds."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from inference.adapters.content import content_hash
from inference.adapters.messages import LoadAdapter, UnloadAdapter
from inference.engines.vllm.core import Core
from inference.engines.vllm.engine import VllmEngine
from inference.engines.vllm.plan import VllmPlan, read_vllm_plan
from tests.support.chat_server import ADAPTERS, MODEL
from tests.support.tiny_model import make_adapter, make_tiny_model

_FOLDERS: list[tempfile.TemporaryDirectory[str]] = []  # are removed when the process ends


@cache
def files() -> Path:
    """A folder of this process with the model in `model`; adapters join when they are asked for."""
    _FOLDERS.append(tempfile.TemporaryDirectory(prefix="tiny-model-"))
    folder = Path(_FOLDERS[-1].name)
    make_tiny_model(folder / "model")
    return folder


@cache
def adapter_files(seed: int) -> Path:
    """An adapter that writes other texts than those of other seeds."""
    return make_adapter(files() / f"adapter-{seed}", seed)


def load_of(name: str, version: int, seed: int = 0) -> LoadAdapter:
    """Loads an adapter; its weights come from the seed, or from name and version."""
    folder = adapter_files(seed or version * 1_000 + sum(name.encode()))
    return LoadAdapter(base=MODEL, name=name, version=version, path=str(folder), sha256=content_hash(folder))


def unload_of(name: str, version: int) -> UnloadAdapter:
    return UnloadAdapter(base=MODEL, name=name, version=version)


def plan_of(**changes: Any) -> dict[str, Any]:
    """The plan of a small engine, with some keys changed."""
    return {
        "model": str(files() / "model"),
        "served_name": MODEL,
        "slots": 4,
        "context_tokens": 4_096,
        "kv_cache_mib": 16,
        "batch_tokens": 512,
        "max_lora_rank": 8,
        "adapter_slots": 2,
        "adapters_kept": 4,
    } | changes


class KeptCore(Core):
    """Stays loaded when its engine is closed, so that the next test's engine has it at once."""

    def start(self) -> None:
        if not self.is_started:
            super().start()

    def close(self) -> None:
        """The engine has ended its requests and taken its adapters with it; the model stays."""

    def let_go(self) -> None:
        super().close()


_KEPT: dict[VllmPlan, KeptCore] = {}  # one at most: a process has room for one engine


def tiny_engine(*, adapters: tuple[tuple[str, int], ...] = ADAPTERS, **changes: Any) -> VllmEngine:
    """A started engine; to be closed. Those of one plan share what is loaded."""
    plan = read_vllm_plan(plan_of(**changes))
    if plan not in _KEPT:
        let_go()
        _KEPT[plan] = KeptCore(plan)
    engine = VllmEngine(_KEPT[plan])
    engine.start()
    for name, version in adapters:
        engine.load(load_of(name, version))
    return engine


@contextmanager
def lone_engine(core: type[Core] = Core, **changes: Any) -> Iterator[VllmEngine]:
    """A started engine that shares nothing."""
    let_go()
    engine = VllmEngine(core(read_vllm_plan(plan_of(**changes))))
    try:
        engine.start()
        yield engine
    finally:
        engine.close()


def let_go() -> None:
    """Free the process for another engine."""
    while _KEPT:
        _KEPT.popitem()[1].let_go()
