"""A pool with engine processes: killed, stopped, drained, replaced; what it counts fits what it answered."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from benchmarks.pool import kill_engines
from brokers.wire.packing import packer, unpack
from inference.adapters.messages import AdapterLoaded, AdapterRefused, AdapterUnloaded, LoadAdapter, UnloadAdapter
from inference.messages import Expired, Failed
from inference.pool.errors import EnginesGivenUpError, UnknownEngineError
from inference.pool.plan import PlacementPlan, PlannedEngine
from inference.pool.running import STATE_FILE, EnginePool
from inference.pool.state import PoolLimits, Serves
from inference.pool.state_command import main as show_state
from inference.text import ChatMessage, GenerateText, TextGenerated, Wanted, text_registry
from tests.brokers.hub.conftest import until
from tests.inference.pool.engines import BROKEN, HELD
from tests.support.chat_server import MODEL, SmallChatServer

DEADLINE_S = 30.0
REGISTRY = text_registry()


def engine(name: str, *models: str, **changes: Any) -> PlannedEngine:
    arguments = {"models": list(models)} | changes.pop("arguments", {})
    wanted = {"builder": "tests.inference.pool.engines:build", "slots": 4, "loads_first": False} | changes
    return PlannedEngine(name=name, tier="small", arguments=arguments, serves=Serves(models), **wanted)


def body(text: str, model: str = "m", **changes: Any) -> bytes:
    fields: dict[str, Any] = {
        "model": model,
        "adapter": "",
        "adapter_version": 0,
        "messages": (ChatMessage(role="user", content=text),),
        "schema": "",
        "max_tokens": 64,
        "temperature_permille": 1000,
        "priority": "agent",
    }
    return packer()(REGISTRY.to_body(GenerateText(**(fields | changes))))


class Bench:
    """A pool, and all it ever answered."""

    def __init__(self, pool: EnginePool) -> None:
        self.pool = pool
        self.replies: dict[str, Any] = {}
        self.parts: list[tuple[str, Any]] = []

    def until(self, holds: Callable[[], bool]) -> None:
        ends_s = monotonic() + DEADLINE_S
        while not holds():
            assert monotonic() < ends_s, f"{sorted(self.replies)} were answered; {self.pool.state()}"
            self.look()
            self.pool.sockets[0].poll(1000 * self.pool.wait_s)

    def look(self) -> None:
        done = self.pool.drain()
        self.parts += [(ticket, REGISTRY.from_body(unpack(part))) for ticket, part in self.pool.drain_parts()]
        for ticket, reply in done:
            assert ticket not in self.replies, "one reply for each request"
            self.replies[ticket] = REGISTRY.from_body(unpack(reply))

    def answered(self, *tickets: str) -> list[Any]:
        self.until(lambda: all(ticket in self.replies for ticket in tickets))
        return [self.replies[ticket] for ticket in tickets]

    def under_way(self, count: int) -> None:
        self.until(lambda: sum(each.under_way for each in self.pool.state().engines) == count)

    def status(self, name: str) -> str:
        return next((each.status for each in self.pool.state().engines if each.name == name), "gone")


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Bench]]:
    pools: list[EnginePool] = []

    def start_pool(*engines: PlannedEngine, **changes: Any) -> Bench:
        limits = PoolLimits(reserve=0, lease_s=changes.pop("lease_s", 20.0))
        plan = PlacementPlan(engines=engines, limits=limits, **changes)
        pools.append(EnginePool(plan, tmp_path / "pool"))
        pools[-1].start()
        return Bench(pools[-1])

    yield start_pool
    for pool in pools:
        pids = list(pool.pids.values())
        pool.close()
        assert not any(runs(pid) for pid in pids), "no process outlives its pool"


def runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_requests_go_to_the_engine_of_their_model_and_a_model_of_nobody_is_refused(start: Callable[..., Bench]) -> None:
    bench = start(engine("a", "large"), engine("b", "small"))
    for n, model in enumerate(("large", "small", "large", "none")):
        bench.pool.submit(f"t{n}", body(f"q{n}", model), n)

    replies = bench.answered("t0", "t1", "t2", "t3")
    assert [reply.text for reply in replies[:3]] == ["q0 0 base", "q1 1 base", "q2 2 base"]
    assert replies[3] == Failed(reason="unknown_model", detail="the model 'none' is not served")
    bench.until(lambda: sum(each.counters is not None for each in bench.pool.state().engines) == 2)
    assert {each.name: each.counters.completed for each in bench.pool.state().engines if each.counters} == {
        "a": 2,
        "b": 1,
    }


def test_three_servers_with_a_model_each_are_one_pool(start: Callable[..., Bench]) -> None:
    """One of the three answers; requests for its model alone reach it, as the other two are not even there."""
    builder = {"builder": "inference.engines.openai_serving:build", "loads_first": False}
    with SmallChatServer() as server:
        bench = start(
            *(
                PlannedEngine(
                    name=f"server-{n}",
                    tier=model,
                    arguments={"base_url": url, "token_file": "", "models": [model]},
                    serves=Serves((model,)),
                    **builder,
                )
                for n, (model, url) in enumerate(
                    [("away", "http://127.0.0.1:9/v1"), (MODEL, server.base_url), ("gone", "http://127.0.0.1:9/v1")]
                )
            )
        )
        for n in range(6):
            bench.pool.submit(f"t{n}", body(f"q{n}", MODEL), n)
        assert {reply.model for reply in bench.answered(*(f"t{n}" for n in range(6)))} == {MODEL}
        assert len(server.bodies) == 6


def test_kills_lose_nothing_double_nothing_and_change_no_answer() -> None:
    faults, killed, repeated = kill_engines(120, 4)

    assert (faults, killed) == (0, 4)
    assert repeated > 0


def test_tokens_add_up_over_every_life_of_every_engine(start: Callable[..., Bench]) -> None:
    bench = start(engine("a", "m"), engine("b", "m"))
    for n in range(40):
        bench.pool.submit(f"t{n}", body(f"{HELD if n % 10 == 3 else 'q'}{n}"), n)
    bench.until(lambda: len(bench.replies) >= 36)
    bench.under_way(4)
    os.kill(bench.pool.pids["a"], signal.SIGKILL)
    bench.until(lambda: bench.pool.state().counts.get("lost") == 1)
    bench.under_way(4)
    for n in range(3, 40, 10):
        assert bench.pool.cancel(f"t{n}")
    assert {reply.finish for reply in bench.answered("t3", "t13", "t23", "t33")} == {"cancelled"}
    bench.pool.submit("last", body("last"), 1)
    bench.answered("last")

    told = [each.counters for each in (*bench.pool.state().engines, *bench.pool.lost()) if each.counters is not None]
    replies = list(bench.replies.values())
    assert sum(each.completion_tokens for each in told) == sum(reply.completion_tokens for reply in replies)
    assert sum(each.prompt_tokens for each in told) == sum(reply.prompt_tokens for reply in replies)
    assert sum(each.completed + each.cancelled for each in told) == len(replies) == 41


def test_an_engine_that_hangs_is_killed_and_its_work_done_elsewhere(start: Callable[..., Bench]) -> None:
    bench = start(engine("a", "m", slots=1), engine("b", "m", slots=1), lease_s=2.0)
    bench.until(lambda: bench.status("a") == bench.status("b") == "ready")
    hung = bench.pool.pids["a"]
    os.kill(hung, signal.SIGSTOP)
    bench.pool.submit("t0", body("q0"), 0)
    bench.pool.submit("t1", body("q1"), 1)

    assert [reply.text for reply in bench.answered("t0", "t1")] == ["q0 0 base", "q1 1 base"]
    assert [(each.engine, each.tickets) for each in bench.pool.lost()] == [("a", ("t0",))]
    bench.until(lambda: bench.pool.pids["a"] != hung and bench.status("a") == "ready")


def test_a_deadline_is_kept_while_an_engine_works_and_the_late_reply_is_booked(start: Callable[..., Bench]) -> None:
    bench = start(engine("a", "m"))
    bench.until(lambda: bench.status("a") == "ready")
    bench.pool.submit("t0", body(f"{HELD} on"), 0, deadline_s=0.05)

    (reply,) = bench.answered("t0")
    assert isinstance(reply, Expired)
    assert reply.was_under_way
    late: list[tuple[str, bytes]] = []
    bench.until(lambda: bool(late.extend(bench.pool.drain_late()) or late))
    assert late[0][0] == "t0"
    assert REGISTRY.from_body(unpack(late[0][1])).finish == "cancelled"
    bench.under_way(0)


def test_a_request_that_waits_is_cancelled_without_an_engine(start: Callable[..., Bench]) -> None:
    bench = start(engine("a", "m", arguments={"dies": True}))
    bench.pool.submit("t0", body("q"), 0)

    assert bench.pool.cancel("t0")
    (reply,) = bench.answered("t0")
    assert isinstance(reply, TextGenerated)
    assert (reply.finish, reply.text, reply.completion_tokens, reply.model) == ("cancelled", "", 0, "m")
    assert not bench.pool.cancel("t0")


def test_parts_come_in_order_and_before_their_reply(start: Callable[..., Bench]) -> None:
    bench = start(engine("a", "m"))
    bench.pool.submit("t0", body("one two", wanted=Wanted(stream=True)), 5)
    bench.pool.submit("t1", body("three"), 5)
    bench.answered("t0", "t1")

    assert [(ticket, part.start, part.text) for ticket, part in bench.parts] == [
        ("t0", 0, "one"),
        ("t0", 4, "two"),
        ("t0", 8, "5"),
        ("t0", 10, "base"),
    ]


def test_engines_join_leave_and_are_replaced_while_requests_are_under_way(start: Callable[..., Bench]) -> None:
    bench = start(engine("a", "m"))
    bench.pool.submit("held", body(HELD), 0)
    bench.under_way(1)
    bench.pool.replace(engine("a", "m", "n"))
    bench.pool.submit("new", body("q", "n"), 1)
    bench.until(lambda: bench.status("a") == "draining")
    assert "held" not in bench.replies, "it may finish"
    bench.pool.cancel("held")

    assert bench.answered("held", "new")[1].text == "q 1 base"
    bench.pool.add(engine("b", "o"))
    bench.pool.submit("other", body("q", "o"), 2)
    assert bench.answered("other")[0].model == "o"
    bench.pool.remove("b")
    bench.until(lambda: bench.status("b") == "gone")
    bench.pool.submit("late", body("q", "o"), 3)
    assert bench.answered("late")[0].reason == "unknown_model"
    assert all(each.was_orderly for each in bench.pool.lost())
    with pytest.raises(UnknownEngineError, match="'b'"):
        bench.pool.remove("b")
    with pytest.raises(ValueError, match="has an engine 'a'"):
        bench.pool.add(engine("a", "m"))


def test_engines_that_keep_dying_are_given_up_where_somebody_waits_for_them(start: Callable[..., Bench]) -> None:
    bench = start(engine("a", "m", arguments={"dies": True}), engine("b", "n"), max_restarts=1)
    bench.pool.submit("fine", body("q", "n"), 0)
    bench.answered("fine")
    bench.pool.submit("never", body("q"), 0)

    with pytest.raises(EnginesGivenUpError, match="a; see their logs"):
        bench.answered("never")


def test_an_engine_has_its_environment_and_cores_before_it_starts(start: Callable[..., Bench]) -> None:
    core = min(os.sched_getaffinity(0))
    bench = start(engine("a", "m", cores=(core,), environment={"CUDA_VISIBLE_DEVICES": "GPU-of-a"}))
    bench.until(lambda: bench.status("a") == "ready")

    pid = bench.pool.pids["a"]
    assert os.sched_getaffinity(pid) == {core}
    assert b"CUDA_VISIBLE_DEVICES=GPU-of-a\0" in Path(f"/proc/{pid}/environ").read_bytes()


def test_the_state_is_left_for_whoever_looks(
    start: Callable[..., Bench], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bench = start(engine("a", "m"))
    bench.pool.submit("t0", body("q"), 0)
    bench.answered("t0")
    bench.pool.close()

    state = json.loads((tmp_path / "pool" / STATE_FILE).read_text(encoding="utf-8"))
    assert state["counts"]["completed"] == 1
    assert show_state([str(tmp_path / "pool")]) == 0
    assert "Pool (waiting: 0 agent, 0 trainer, 0 batch)" in capsys.readouterr().out
    assert show_state([str(tmp_path)]) == 2


@pytest.mark.parametrize("text", ["{}", "[]", "3", '{"engines": []}', "no JSON", '{"queued": {}, "engines": [3]}'])
def test_a_file_that_no_pool_wrote_is_told_in_one_line(
    tmp_path: Path, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / STATE_FILE).write_text(text, encoding="utf-8")

    assert show_state([str(tmp_path)]) == 2
    told = capsys.readouterr()
    assert (told.out, told.err.count("\n")) == ("", 1)
    assert told.err.startswith(f"{tmp_path} holds no state of a pool: ")


# -- adapters ----------------------------------------------------------------------------------------------------------


def load(version: int, path: str = "here") -> LoadAdapter:
    return LoadAdapter(base="m", name="x", version=version, path=path, sha256="0" * 64)


def adapted(text: str, version: int) -> bytes:
    return body(text, adapter="x", adapter_version=version)


def test_a_version_is_loaded_by_every_engine_and_requests_for_it_wait_until_then(start: Callable[..., Bench]) -> None:
    bench = start(engine("a", "m"), engine("b", "m"))
    bench.pool.load_adapter(load(1))
    bench.pool.submit("t0", adapted("q", 1), 0)

    assert bench.answered("t0")[0].text == "q 0 x"
    bench.until(lambda: all(each.adapters == ("x@1",) for each in bench.pool.state().engines))
    changes = bench.pool.drain_adapter_changes()
    assert sorted(change.engine for change in changes) == ["a", "b"]
    assert {type(change.outcome) for change in changes} == {AdapterLoaded}


def test_an_engine_that_comes_back_has_its_adapters_again(start: Callable[..., Bench]) -> None:
    bench = start(engine("a", "m"))
    bench.pool.load_adapter(load(1))
    bench.pool.submit("t0", adapted("q", 1), 0)
    bench.answered("t0")
    os.kill(bench.pool.pids["a"], signal.SIGKILL)
    bench.pool.submit("t1", adapted("q", 1), 1)

    assert bench.answered("t1")[0].text == "q 1 x"


def test_what_waits_for_a_version_is_answered_by_it_before_it_is_unloaded(start: Callable[..., Bench]) -> None:
    bench = start(engine("a", "m"))
    bench.pool.load_adapter(load(1))
    bench.pool.submit("first", adapted("q", 1), 0)
    bench.answered("first")
    for n in range(4):
        bench.pool.submit(f"held{n}", body(HELD), 0)
    bench.under_way(4)
    bench.pool.submit("waits", adapted("q", 1), 1)
    bench.pool.unload_adapter(UnloadAdapter(base="m", name="x", version=1))
    for n in range(4):
        bench.pool.cancel(f"held{n}")

    assert bench.answered("waits")[0].text == "q 1 x"
    outcomes: list[type] = []
    bench.until(
        lambda: (
            AdapterUnloaded in outcomes
            or bool(outcomes.extend(type(each.outcome) for each in bench.pool.drain_adapter_changes()))
        )
    )
    bench.pool.submit("late", adapted("q", 1), 2)
    assert bench.answered("late")[0].reason == "unknown_adapter"
    assert outcomes == [AdapterLoaded, AdapterUnloaded]


def test_what_an_engine_has_under_way_when_it_is_killed_is_answered_by_its_version_though_that_was_unloaded(
    start: Callable[..., Bench],
) -> None:
    bench = start(engine("a", "m"), engine("b", "m"))
    bench.pool.load_adapter(load(1))
    bench.until(lambda: [each.adapters for each in bench.pool.state().engines] == [("x@1",), ("x@1",)])
    bench.pool.submit("held", adapted(HELD, 1), 0)
    bench.under_way(1)
    bench.pool.unload_adapter(UnloadAdapter(base="m", name="x", version=1))
    bench.look()
    (busy,) = [each.name for each in bench.pool.state().engines if each.under_way]
    os.kill(bench.pool.pids[busy], signal.SIGKILL)
    bench.until(lambda: bench.pool.state().counts.get("requeued", 0) == 1)
    bench.under_way(1)

    bench.pool.cancel("held")
    assert (bench.answered("held")[0].finish, bench.replies["held"].adapter) == ("cancelled", "x")
    bench.until(lambda: not any(each.adapters for each in bench.pool.state().engines))


def test_a_version_that_no_engine_can_load_is_refused_and_waited_for_no_longer(start: Callable[..., Bench]) -> None:
    bench = start(engine("a", "m"))
    bench.pool.load_adapter(load(2, BROKEN))
    bench.pool.submit("t0", adapted("q", 2), 0)

    assert bench.answered("t0")[0].reason == "unknown_adapter"
    (change,) = bench.pool.drain_adapter_changes()
    assert isinstance(change.outcome, AdapterRefused)
    assert (change.engine, change.outcome.detail) == ("a", "it is broken")


def test_engines_that_wait_for_work_start_with_the_first_request(tmp_path: Path) -> None:
    plan = PlacementPlan(engines=(engine("a", "large"), engine("b", "small")), limits=PoolLimits())
    with EnginePool(plan, tmp_path / "pool", waits_for_work=True) as pool:
        bench = Bench(pool)
        pool.tend()
        assert (pool.pids, (tmp_path / "pool").exists()) == ({}, False)
        assert [(each.name, each.status, each.models) for each in pool.state().engines] == [
            ("a", "away", ("large",)),
            ("b", "away", ("small",)),
        ]
        pool.submit("none", body("q", "none"), 0)
        assert bench.answered("none") == [Failed(reason="unknown_model", detail="the model 'none' is not served")]
        pool.submit("t", body("q", "small"), 1)
        assert bench.answered("t")[0].text == "q 1 base"
        assert pool.pids.keys() == {"a", "b"}


def test_replies_that_come_while_a_pool_is_tended_are_kept(start: Callable[..., Bench]) -> None:
    pool = start(engine("a", "large")).pool
    pool.submit("t", body("q", "large"), 1)

    def is_answered() -> bool:
        pool.tend()
        return pool.state().counts.get("completed") == 1

    until(is_answered)
    pool.tend()

    assert [ticket for ticket, _ in pool.drain()] == ["t"]
    assert pool.drain() == []
