"""What every engine process does, whatever is in it: answers once, the same in every life, refuses with a reason, ends.

Decisions by rules and texts by models come from the same kind of process, over the same frames. Another engine joins by
a line in `KINDS`.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from actors.policy import engine as behavioural_engine
from actors.policy.decisions import Decide
from brokers.wire.packing import packer, unpack
from brokers.wire.registry import Message, Registry
from inference.messages import Failed
from inference.pool.plan import PlacementPlan, PlannedEngine
from inference.pool.running import EnginePool
from inference.pool.state import PoolLimits, Serves
from inference.text import GenerateText, TextGenerated, text_registry
from tests.actors.policy.people import one_of_each
from tests.inference.conformance.benches import asked
from tests.support.chat_server import MODEL, SmallChatServer
from tests.support.timeless import timeless
from tests.support.vllm_engines import plan_of

DEADLINE_S = 90.0
REQUESTS = 12


@dataclass(frozen=True)
class Kind:
    """An engine process, what it can be asked, and how that and its answers are written."""

    planned: PlannedEngine
    registry: Registry
    requests: tuple[Message, ...]


class Bench:
    """A pool with one engine, and all that was answered."""

    def __init__(self, kind: Kind, folder: Path) -> None:
        self.kind, self._pack = kind, packer()
        self.pool = EnginePool(PlacementPlan(engines=(kind.planned,), limits=PoolLimits(lease_s=60.0)), folder)
        self.replies: dict[str, Message] = {}

    def ask(self, *, life: str) -> list[str]:
        """Every request of this kind; the tickets. Seeds are the same each time."""
        tickets = [f"{life}{number}" for number in range(len(self.kind.requests))]
        for number, (ticket, request) in enumerate(zip(tickets, self.kind.requests, strict=True)):
            self.pool.submit(ticket, self.packed(request), number)
        return tickets

    def packed(self, message: Message) -> bytes:
        return self._pack(self.kind.registry.to_body(message))

    def answers(self, tickets: list[str]) -> list[Message]:
        self.until(lambda: all(ticket in self.replies for ticket in tickets))
        return [self.replies[ticket] for ticket in tickets]

    def until(self, holds: Callable[[], bool]) -> None:
        ends_s = monotonic() + DEADLINE_S
        while not holds():
            assert monotonic() < ends_s, f"{sorted(self.replies)} were answered; {self.pool.state()}"
            for ticket, body in self.pool.drain():
                assert ticket not in self.replies, f"{ticket} was answered twice"
                self.replies[ticket] = _timeless(self.kind.registry.from_body(unpack(body)))
            self.pool.sockets[0].poll(round(1000 * self.pool.wait_s))


def _timeless(reply: Message) -> Message:
    return timeless(reply) if isinstance(reply, TextGenerated | Failed) else reply


def _planned(builder: str, arguments: dict[str, Any], *, serves: Serves) -> PlannedEngine:
    return PlannedEngine(name="engine", tier="small", builder=builder, arguments=arguments, serves=serves)


TEXTS: tuple[GenerateText, ...] = tuple(asked(f"question {number}") for number in range(REQUESTS))


@contextmanager
def behavioural(folder: Path) -> Iterator[Kind]:
    decisions = tuple(
        Decide(agent=f"dev-{number}", key=("estimates", f"S-{number}", 0), observation=observation)
        for number, observation in enumerate(one_of_each()[:REQUESTS])
    )
    planned = _planned("actors.policy.engine:build", {"seed": 3}, serves=Serves())
    yield Kind(planned, behavioural_engine.build_registry(), decisions)


@contextmanager
def openai(folder: Path) -> Iterator[Kind]:
    with SmallChatServer() as server:
        arguments = {"base_url": server.base_url, "token_file": "", "models": [MODEL]}
        yield Kind(
            _planned("inference.engines.openai_serving:build", arguments, serves=Serves((MODEL,))),
            text_registry(),
            TEXTS,
        )


@contextmanager
def modelled(folder: Path) -> Iterator[Kind]:
    arguments = {"model": MODEL, "filler_tokens": [4, 8]}
    planned = _planned("inference.engines.modelled.serving:build", arguments, serves=Serves((MODEL,)))
    yield Kind(planned, text_registry(), TEXTS)


@contextmanager
def vllm(folder: Path) -> Iterator[Kind]:
    planned = _planned(
        "inference.engines.vllm.serving:build", plan_of(adapter_slots=0, slots=REQUESTS), serves=Serves((MODEL,))
    )
    yield Kind(planned, text_registry(), TEXTS)


KINDS: dict[str, Callable[[Path], AbstractContextManager[Kind]]] = {
    "behavioural": behavioural,
    "openai": openai,
    "modelled": modelled,
    "vllm": vllm,
}


@pytest.fixture(params=KINDS)
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    with KINDS[request.param](tmp_path) as kind:
        made = Bench(kind, tmp_path / "pool")
        with made.pool:
            yield made


def test_what_is_under_way_when_a_process_is_killed_is_answered_as_in_an_undisturbed_life(bench: Bench) -> None:
    undisturbed = bench.answers(bench.ask(life="first"))
    assert [each for each in undisturbed if isinstance(each, Failed)] == []
    assert len({repr(each) for each in undisturbed}) > 1, "requests make a difference"

    killed = bench.pool.pids["engine"]
    os.kill(killed, signal.SIGSTOP)  # so that it has them, and answers none
    again = bench.ask(life="second")
    bench.pool.tend()
    os.kill(killed, signal.SIGKILL)

    assert bench.answers(again) == undisturbed
    assert bench.pool.pids["engine"] != killed
    assert bench.pool.state().counts["requeued"] == len(again)


def test_what_cannot_be_answered_is_refused_with_its_reason_and_what_is_beside_it_is_answered(bench: Bench) -> None:
    bench.pool.submit("garbage", b"\xc1", 0)
    bench.pool.submit("no question", bench.packed(Failed(reason="not_recorded", detail="")), 0)
    good = bench.ask(life="")

    assert [each for each in bench.answers(good) if isinstance(each, Failed)] == []
    reasons = [reply.reason for reply in bench.answers(["garbage", "no question"]) if isinstance(reply, Failed)]
    assert reasons == ["malformed_request", "unanswerable_request"]


def test_an_engine_that_is_taken_out_finishes_what_it_has_and_ends_by_itself(bench: Bench) -> None:
    bench.answers(bench.ask(life="first"))
    last = bench.ask(life="last")
    bench.pool.tend()
    process = bench.pool.pids["engine"]
    bench.pool.remove("engine")

    assert [each for each in bench.answers(last) if isinstance(each, Failed)] == []
    bench.until(lambda: not bench.pool.pids)
    assert bench.pool.state().engines == ()
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)
