"""The engines that the conformance suite is held against. Another one joins with a function and a line in `BENCHES`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import monotonic
from typing import Any

from inference.engines.modelled.clock import Clock, VirtualClock, WallClock
from inference.engines.modelled.engine import ModelledEngine
from inference.engines.modelled.profile import TINY_ON_ONE_CORE
from inference.engines.openai_http import ChatServer, OpenAIEngine
from inference.engines.recorded import RecordedEngine, RecordingEngine, read_recording
from inference.messages import Failed
from inference.text import ChatMessage, GenerateText, TextEngine, TextGenerated
from tests.support.chat_server import ADAPTERS, HELD, MODEL, SmallChatServer, text_pieces
from tests.support.vllm_engines import tiny_engine

DEADLINE_S = 30.0
SCHEMA = json.dumps(
    {
        "type": "object",
        "properties": {
            "severity": {"enum": ["P1", "P2", "P3", "P4"]},
            "points": {"type": "integer", "minimum": 1, "maximum": 13},
            "page": {"type": "boolean"},
        },
        "required": ["severity", "points", "page"],
        "additionalProperties": False,
    }
)


def asked(text: str = "hello", **changes: Any) -> GenerateText:
    """A request that every engine of a bench can answer, with some fields changed."""
    request = GenerateText(
        model=MODEL,
        adapter="",
        adapter_version=0,
        messages=(ChatMessage(role="system", content="Be brief."), ChatMessage(role="user", content=text)),
        schema="",
        max_tokens=64,
        temperature_permille=1000,
        priority="agent",
    )
    return replace(request, **changes)


@dataclass
class Bench:
    """A started engine that serves MODEL and ADAPTERS, and how to keep it busy."""

    engine: TextEngine
    slow: GenerateText | None  # is under way until `release`; None: this engine answers everything at once
    release: Callable[[], None] = lambda: None
    enforces_schemas: bool = True
    replies: dict[str, TextGenerated | Failed] = field(default_factory=dict)  # all it ever gave, by ticket

    def collect(self, *tickets: str) -> list[TextGenerated | Failed]:
        """Step until these are answered; others may be answered on the way. The replies, in the order of the names."""
        deadline = monotonic() + DEADLINE_S
        while not all(ticket in self.replies for ticket in tickets):
            assert monotonic() < deadline, f"no reply to {[each for each in tickets if each not in self.replies]}"
            self.note(1.0)
        return [self.replies[ticket] for ticket in tickets]

    def note(self, timeout_s: float = 0.0) -> None:
        """One step; a second reply to a ticket is an error."""
        for ticket, reply in self.engine.step(timeout_s):
            assert ticket not in self.replies, f"{ticket} was answered twice"
            self.replies[ticket] = reply

    def answer(self, request: GenerateText, seed: int = 7) -> TextGenerated | Failed:
        """The reply to one request."""
        ticket = f"alone-{len(self.replies)}"
        self.engine.submit(ticket, request, seed)
        return self.collect(ticket)[0]

    def text(self, request: GenerateText, seed: int = 7) -> TextGenerated:
        """The reply to one request that has an answer."""
        reply = self.answer(request, seed)
        assert isinstance(reply, TextGenerated), reply
        return reply


def written(request: GenerateText, seed: int) -> str:
    """Texts for a modelled engine: those of the small chat server, whose conversations are known to be answerable."""
    body: dict[str, Any] = {
        "model": [request.model, request.adapter, request.adapter_version],
        "messages": [message.content for message in request.messages],
        "temperature": request.temperature_permille,
        "seed": seed,
    }
    if request.schema:
        body["structured_outputs"] = {"json": json.loads(request.schema)}
    return "".join(text_pieces(body))


@contextmanager
def openai(folder: Path) -> Iterator[Bench]:
    with SmallChatServer(token="s3cret") as server:
        engine = OpenAIEngine(ChatServer(base_url=server.base_url, token="s3cret", slots=4))
        try:
            engine.start()
            yield Bench(engine, asked(HELD), server.release)
        finally:
            engine.close()


def _modelled(clock: Clock, **changes: Any) -> ModelledEngine:
    profile = replace(TINY_ON_ONE_CORE, slots=4, context_tokens=32_768, kv_blocks=8_192)
    return ModelledEngine(profile, clock, model=MODEL, adapters=ADAPTERS, **changes)


SLOW_TOKENS = 30_000  # more than a minute


def _slow_text(request: GenerateText, seed: int) -> str:
    return "slow" * SLOW_TOKENS if request.messages[-1].content == HELD else written(request, seed)


@contextmanager
def modelled(folder: Path) -> Iterator[Bench]:
    engine = _modelled(VirtualClock(), write=_slow_text)
    engine.start()
    yield Bench(engine, asked(HELD, max_tokens=SLOW_TOKENS))
    engine.close()


class _SkippingClock(WallClock):
    """Real time, until a test has waited for long enough."""

    skipped_us = 0

    def now_us(self) -> int:
        return super().now_us() + self.skipped_us

    def skip_an_hour(self) -> None:
        self.skipped_us += 3_600_000_000


@contextmanager
def modelled_in_wall_time(folder: Path) -> Iterator[Bench]:
    clock = _SkippingClock()
    engine = _modelled(clock, write=_slow_text)
    engine.start()
    yield Bench(engine, asked(HELD, max_tokens=SLOW_TOKENS), clock.skip_an_hour)
    engine.close()


@contextmanager
def modelled_filler(folder: Path) -> Iterator[Bench]:
    engine = _modelled(VirtualClock(), filler_tokens=(8, 48))
    engine.start()
    yield Bench(engine, None, enforces_schemas=False)
    engine.close()


@contextmanager
def recorded(folder: Path) -> Iterator[Bench]:
    path = folder / "replies.jsonl"
    with RecordingEngine(_modelled(VirtualClock(), write=written), path) as source:
        source.start()
        bench = Bench(source, None)
        for number, (request, seed) in enumerate([*catalogue()] * 3):
            source.submit(f"{number}", request, seed)
        bench.collect(*(str(number) for number in range(3 * len(catalogue()))))
    engine = RecordedEngine(read_recording(path))
    engine.start()
    yield Bench(engine, None)
    engine.close()


LONG = json.dumps({"type": "string", "minLength": 4_000})  # its answer cannot end by itself within some time


@contextmanager
def vllm(folder: Path) -> Iterator[Bench]:
    engine = tiny_engine()
    try:
        yield Bench(engine, asked(HELD, schema=LONG, max_tokens=300))
    finally:
        engine.close()


def catalogue() -> list[tuple[GenerateText, int]]:
    """Every request with its seed that the suite has answered: what a recording must hold."""
    found = [(asked(f"question {number}"), 7) for number in range(20)]
    found += [(asked(), seed) for seed in range(8)]
    found += [(asked(schema=SCHEMA), seed) for seed in range(8)]
    found += [(asked(max_tokens=2), 7)]
    found += [(asked(priority=priority), 7) for priority in ("agent", "trainer", "batch")]
    found += [(asked(adapter=name, adapter_version=version), 7) for name, version in ADAPTERS]
    found += [(asked(text), 7) for text in ODD_TEXTS]
    found += [(request, 7) for request, _ in unknown()]
    return found


ODD_TEXTS = ("", "\0", "\u202e\U0001f600\u0301", "'\"\\{{}}%s\r\n\t", "<|im_end|>", "ß" * 900)


def unknown() -> list[tuple[GenerateText, str]]:
    """Requests for what is not served, each with the reason of its failure."""
    return [
        (asked(model="huge"), "unknown_model"),
        (asked(adapter="planner", adapter_version=1), "unknown_adapter"),
        (asked(adapter="reviewer", adapter_version=3), "unknown_adapter"),
        (asked(adapter="reviewer", adapter_version=0), "unknown_adapter"),
    ]


BENCHES: dict[str, Callable[[Path], AbstractContextManager[Bench]]] = {
    "openai": openai,
    "modelled": modelled,
    "modelled in wall time": modelled_in_wall_time,
    "modelled filler": modelled_filler,
    "recorded": recorded,
    "vllm": vllm,
}
