"""The books against the engines' own counters: over histories of kills, swaps and cancels, and with real processes."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brokers.wire.packing import packer, unpack
from inference.adapters.messages import LoadAdapter, UnloadAdapter
from inference.ledger.pool_book import PoolBook
from inference.ledger.reconciling import LostRequest, reconcile
from inference.messages import Expired, Failed
from inference.pool.plan import PlacementPlan, PlannedEngine
from inference.pool.running import EnginePool
from inference.pool.state import LostWork, Serves
from inference.text import ChatMessage, GenerateText, TextCounters, TextGenerated, text_registry
from tests.inference.http.doors import until
from tests.support.word_engine import HOLD, MODEL, FileGate, WordEngine


def request(content: str, *, adapter: str = "", version: int = 0, max_tokens: int = 50) -> GenerateText:
    return GenerateText(
        model=MODEL,
        adapter=adapter,
        adapter_version=version,
        messages=(ChatMessage(role="user", content=content),),
        schema="",
        max_tokens=max_tokens,
        temperature_permille=1000,
        priority="agent",
    )


ANSWER = TextGenerated(
    text="x",
    finish="stop",
    model=MODEL,
    adapter="",
    adapter_version=0,
    prompt_tokens=5,
    cached_tokens=1,
    completion_tokens=2,
    engine_us=40_000,
)


# -- histories ---------------------------------------------------------------------------------------------------------

STEPS = st.lists(
    st.sampled_from(["ask", "ask", "ask", "step", "step", "step", "cancel", "kill", "load", "unload"]), max_size=60
)


class History:
    """An engine with its successors, what was asked of them, and what they told."""

    def __init__(self) -> None:
        self.answers: list[TextGenerated | Failed] = []
        self.counters: dict[tuple[str, str], TextCounters] = {}
        self.lost: list[LostRequest] = []
        self.asked = 0
        self._waiting: dict[str, GenerateText] = {}
        self._life = self._version = 0
        self._engine = self._started()

    def ask(self) -> None:
        """Every other one asks for the newest version of an adapter."""
        self.asked += 1
        name = "tester" if self.asked % 2 else ""
        wanted = request(f"question {self.asked}", adapter=name, version=self._version if name else 0)
        self._waiting[f"t{self.asked}"] = wanted
        self._engine.submit(f"t{self.asked}", wanted, self.asked)

    def step(self) -> None:
        if not self._waiting:
            return
        for ticket, reply in self._engine.step(0.0):
            self.answers.append(reply)
            del self._waiting[ticket]
        self.counters["words", str(self._life)] = self._engine.counters

    def cancel(self) -> None:
        if self._waiting:
            self._engine.cancel(next(iter(self._waiting)))

    def load(self) -> None:
        self._version += 1
        self._engine.load(LoadAdapter(base=MODEL, name="tester", version=self._version, path="", sha256=""))

    def unload(self) -> None:
        if self._version:
            self._engine.unload(UnloadAdapter(base=MODEL, name="tester", version=self._version))

    def kill(self) -> None:
        """Its counters are what it told with its last answers; a successor is asked again."""
        self.lost += [
            LostRequest(
                ticket=ticket,
                engine="words",
                incarnation=str(self._life),
                prompt_tokens_at_most=None,
                completion_tokens_at_most=each.max_tokens,
            )
            for ticket, each in self._waiting.items()
        ]
        self._life += 1
        self._engine = self._started()
        for ticket, each in self._waiting.items():
            self._engine.submit(ticket, each, int(ticket[1:]))

    def end(self) -> None:
        """Step until everything is answered."""
        while self._waiting:
            self.step()

    def _started(self) -> WordEngine:
        engine = WordEngine(slots=3)
        engine.start()
        return engine


@given(STEPS)
def test_books_agree_to_the_token_whatever_is_killed_cancelled_and_swapped(steps: list[str]) -> None:
    history = History()
    for step in steps:
        getattr(history, step)()
    history.end()

    found = reconcile(history.answers, history.counters, history.lost)

    assert found.is_exact, found.differences
    assert found.lost_requests == len(history.lost)
    assert len(history.answers) == history.asked


@pytest.mark.parametrize(("name", "told"), [("completion_tokens", 3), ("cached_tokens", 2), ("engine_us", 40_001)])
def test_a_token_or_a_microsecond_too_many_is_noticed(name: str, told: int) -> None:
    right = TextCounters(completed=1, prompt_tokens=5, cached_tokens=1, completion_tokens=2, engine_us=40_000)

    found = reconcile([ANSWER], {("e", "1"): replace(right, **{name: told})}, [])

    assert reconcile([ANSWER], {("e", "1"): right}, []).is_exact
    assert found.differences == {name: 1}
    assert not found.is_exact


def test_a_bound_that_nobody_knows_is_none_and_not_a_guess() -> None:
    def lost(bound: int | None) -> LostRequest:
        return LostRequest(
            ticket="t", engine="e", incarnation="1", prompt_tokens_at_most=bound, completion_tokens_at_most=7
        )

    assert reconcile([], {}, [lost(5), lost(6)]).lost_prompt_tokens_at_most == 11
    assert reconcile([], {}, [lost(5), lost(None)]).lost_prompt_tokens_at_most is None
    assert reconcile([], {}, [lost(5), lost(None)]).lost_completion_tokens_at_most == 14


def test_the_bound_of_a_request_that_was_lost_and_answered_before_anybody_looked_is_that_of_its_request() -> None:
    book = PoolBook()
    book.asked("t", request("q", max_tokens=9))
    book.lost([LostWork(engine="a", incarnation="1", tickets=("t",), counters=None, was_orderly=False)])
    book.answered("t", ANSWER)

    found = book.reconciliation()
    assert (found.lost_requests, found.lost_prompt_tokens_at_most, found.lost_completion_tokens_at_most) == (1, 5, 9)


# -- processes ---------------------------------------------------------------------------------------------------------


class BookedPool:
    """A real pool of engine processes, and its book."""

    def __init__(self, folder: Path, engines: int) -> None:
        planned = [
            PlannedEngine(
                name=f"words-{number}",
                tier="small",
                builder="tests.support.word_engine:build",
                arguments={"gate": str(folder / "gate")},
                serves=Serves((MODEL,)),
            )
            for number in range(engines)
        ]
        self.gate = FileGate(folder / "gate")
        self.pool = EnginePool(PlacementPlan(engines=tuple(planned)), folder / "pool")
        self.book = PoolBook(context_tokens=4096)
        self.asked: dict[str, GenerateText] = {}
        self.lost: list[str] = []
        self.ends: dict[str, TextGenerated | Failed | Expired] = {}
        self._registry, self._pack = text_registry(), packer()

    def ask(self, ticket: str, asked: GenerateText, *, deadline_s: float | None = None) -> None:
        self.book.asked(ticket, asked)
        self.asked[ticket] = asked
        self.pool.submit(ticket, self._pack(self._registry.to_body(asked)), 7, deadline_s=deadline_s)

    def turn(self) -> bool:
        replies, lost = self.pool.drain(), self.pool.lost()
        self.lost += [ticket for work in lost for ticket in work.tickets]
        self.book.lost(lost)
        for ticket, body in replies:
            reply = self._registry.from_body(unpack(body))
            assert isinstance(reply, TextGenerated | Failed | Expired)
            assert ticket not in self.ends
            self.ends[ticket] = reply
            if not isinstance(reply, Expired):
                self.book.answered(ticket, reply)
        for ticket, body in self.pool.drain_late():
            late = self._registry.from_body(unpack(body))
            assert isinstance(late, TextGenerated | Failed)
            self.book.answered(ticket, late)
        self.book.observe(self.pool.state())
        return True

    @property
    def is_whole(self) -> bool:
        return sum(each.status == "ready" for each in self.pool.state().engines) == 2

    def turn_until(self, ends: int) -> None:
        until(lambda: self.turn() and len(self.ends) >= ends, 60)

    def settle(self) -> None:
        until(lambda: self.turn() and all(each.under_way == 0 for each in self.pool.state().engines), 60)


@pytest.fixture
def booked(tmp_path: Path) -> Iterator[BookedPool]:
    made = BookedPool(tmp_path, 2)
    with made.pool:
        until(lambda: made.turn() and made.is_whole, 60)
        yield made


def test_books_of_real_processes_agree_over_kills_swaps_cancels_and_deadlines(booked: BookedPool) -> None:
    pool = booked.pool
    for number in range(40):
        booked.ask(f"a{number}", request(f"question {number}"))
    booked.turn_until(20)
    for number in range(16):  # all slots of both
        booked.ask(f"held{number}", request(f"{HOLD} {number}", max_tokens=9))
    until(lambda: booked.turn() and len(booked.ends) == 40 and not pool.state().queued["agent"], 60)

    os.kill(pool.pids["words-0"], signal.SIGKILL)
    pool.cancel("held0")
    pool.cancel("held1")
    booked.ask("late", request(f"{HOLD} too late"), deadline_s=0.2)
    booked.ask("nobody", request("x", adapter="tester", version=5))
    pool.load_adapter(LoadAdapter(base=MODEL, name="tester", version=1, path="", sha256=""))
    for number in range(10):
        booked.ask(f"b{number}", request(f"swap {number}", adapter="tester", version=1))
    pool.unload_adapter(UnloadAdapter(base=MODEL, name="tester", version=1))
    until(lambda: booked.turn() and "late" in booked.ends and booked.is_whole, 60)
    booked.gate.set()
    booked.turn_until(40 + 16 + 1 + 1 + 10)
    booked.settle()

    found = booked.book.reconciliation()
    assert found.is_exact, found.differences
    assert found.booked.engine_us > 0
    assert isinstance(booked.ends["late"], Expired)
    assert isinstance(booked.ends["nobody"], Failed)
    whole = [ticket for ticket, end in booked.ends.items() if isinstance(end, TextGenerated) and end.text]
    assert {*whole} >= {ticket for ticket in booked.ends if ticket not in ("held0", "held1", "late", "nobody")}
    assert found.incarnations == 3
    assert found.lost_requests == len(booked.lost) >= 8  # all that the killed one had
    assert found.lost_completion_tokens_at_most == sum(booked.asked[each].max_tokens for each in booked.lost)
    assert found.lost_prompt_tokens_at_most is not None
    assert found.lost_prompt_tokens_at_most <= 8 * 4 + 4 * 4096  # of those that were cancelled nobody counted any
