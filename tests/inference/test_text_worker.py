"""A text engine behind a pool: in a thread that is started again, and in a process that is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from time import monotonic
from typing import Any, Protocol

import pytest
import zmq

from brokers.processes import RestartPolicy
from brokers.wire.packing import packer, unpack
from inference.engines.openai_serving import build, served_models
from inference.messages import Failed
from inference.pool.dispatcher import PoolDispatcher
from inference.pool.hosted import HostedText
from inference.text import (
    ChatMessage,
    EngineLostError,
    GenerateText,
    ServedText,
    TextEngine,
    TextGenerated,
    text_registry,
)
from tests.support.chat_server import HELD, MODEL, Fault, SmallChatServer

ROOT = Path(__file__).resolve().parents[2]
DEADLINE_S = 20.0
QUICK = RestartPolicy(max_restarts=3, first_wait_s=0.01, longest_wait_s=0.01)
REGISTRY = text_registry()


class Pool(Protocol):
    @property
    def sockets(self) -> tuple[Any, ...]: ...

    def submit(self, ticket: str, request: bytes, seed: int) -> None: ...

    def drain(self) -> list[tuple[str, bytes]]: ...


@pytest.fixture
def server() -> Iterator[SmallChatServer]:
    with SmallChatServer() as server:
        yield server


@pytest.fixture
def context() -> Iterator[zmq.Context[Any]]:
    context: zmq.Context[Any] = zmq.Context()
    yield context
    context.destroy(linger=0)


@pytest.fixture
def endpoint() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="pool-") as folder:
        yield f"ipc://{folder}/text"


def plan(server: SmallChatServer, **changes: Any) -> dict[str, Any]:
    return {"base_url": server.base_url, "token_file": "", "models": [MODEL], **changes}


def body(text: str, model: str = MODEL) -> bytes:
    request = GenerateText(
        model=model,
        adapter="",
        adapter_version=0,
        messages=(ChatMessage(role="user", content=text),),
        schema="",
        max_tokens=32,
        temperature_permille=1000,
        priority="agent",
    )
    return packer()(REGISTRY.to_body(request))


def replies(pool: Pool, count: int) -> dict[str, Any]:
    """So many replies; fails when they do not come."""
    poller, deadline_s = zmq.Poller(), monotonic() + DEADLINE_S
    for socket in pool.sockets:
        poller.register(socket, zmq.POLLIN)
    found: dict[str, Any] = {}
    while len(found) < count:
        for ticket, reply in pool.drain():
            assert ticket not in found, "one reply for each request"
            found[ticket] = REGISTRY.from_body(unpack(reply))
        assert monotonic() < deadline_s, f"only {sorted(found)} were answered"
        if len(found) < count:
            poller.poll(50)
    return found


def let_arrive(pool: Pool, server: SmallChatServer, requests: int) -> None:
    """Carry requests until so many have reached the server; none is answered meanwhile."""
    deadline_s = monotonic() + DEADLINE_S
    poller = zmq.Poller()
    for socket in pool.sockets:
        poller.register(socket, zmq.POLLIN)
    while len(server.bodies) < requests:
        assert pool.drain() == []
        assert monotonic() < deadline_s, f"only {len(server.bodies)} arrived"
        poller.poll(20)


@pytest.fixture
def hosted(context: zmq.Context[Any], endpoint: str, server: SmallChatServer) -> Iterator[HostedText]:
    pool = HostedText(context, endpoint, build(plan(server)), policy=QUICK)
    yield pool
    pool.close()


def test_requests_that_come_while_others_are_under_way_are_answered_before_them(
    hosted: HostedText, server: SmallChatServer
) -> None:
    hosted.submit("slow", body(HELD), 1)
    let_arrive(hosted, server, 1)
    hosted.submit("late", body("quick"), 2)
    assert set(replies(hosted, 1)) == {"late"}

    server.release()
    assert set(replies(hosted, 1)) == {"slow"}


def test_what_was_under_way_when_the_engine_was_lost_is_asked_again_with_its_seed(
    hosted: HostedText, server: SmallChatServer
) -> None:
    hosted.submit("slow", body(HELD), 7)
    let_arrive(hosted, server, 1)
    server.faults.append(Fault(500))
    hosted.submit("unlucky", body("quick"), 8)
    found = replies(hosted, 1)
    let_arrive(hosted, server, 4)
    server.release()
    found |= replies(hosted, 1)

    assert sorted(found) == ["slow", "unlucky"]
    assert all(isinstance(reply, TextGenerated) for reply in found.values())
    assert sorted(each["seed"] for each in server.bodies) == [7, 7, 8, 8]


def test_an_engine_that_is_lost_again_and_again_is_given_up_where_the_run_waits(
    hosted: HostedText, server: SmallChatServer
) -> None:
    server.faults.extend([Fault(500)] * 4)
    hosted.submit("t0", body("quick"), 1)

    with pytest.raises(EngineLostError, match="status 500"):
        replies(hosted, 1)


def test_a_bug_of_an_engine_is_raised_where_the_run_waits(context: zmq.Context[Any], endpoint: str) -> None:
    def make() -> TextEngine:
        raise ZeroDivisionError("a bug")

    pool = HostedText(context, endpoint, ServedText(make=make, slots=1), policy=QUICK)
    pool.submit("t0", body("quick"), 1)
    with pytest.raises(ZeroDivisionError):
        replies(pool, 1)
    pool.close()


def test_no_server_is_asked_before_there_is_a_request(context: zmq.Context[Any], endpoint: str) -> None:
    nowhere = {"base_url": "http://127.0.0.1:9/v1", "token_file": "/nowhere", "models": []}
    pool = HostedText(context, endpoint, build(nowhere), policy=RestartPolicy(max_restarts=0))
    assert pool.drain() == []

    pool.submit("t0", body("quick"), 1)
    with pytest.raises(EngineLostError, match="no token can be read from /nowhere"):
        replies(pool, 1)
    pool.close()


def test_a_server_without_a_model_that_will_be_asked_is_lost_and_says_what_it_has(
    context: zmq.Context[Any], endpoint: str, server: SmallChatServer
) -> None:
    pool = HostedText(context, endpoint, build(plan(server, models=["big"])), policy=RestartPolicy(max_restarts=0))
    pool.submit("t0", body("quick", "big"), 1)

    with pytest.raises(EngineLostError, match=r"big not served; it serves .*tiny"):
        replies(pool, 1)
    pool.close()
    assert not server.bodies


def test_what_is_no_request_for_text_gets_a_typed_failure(hosted: HostedText, server: SmallChatServer) -> None:
    failed = Failed(reason="unknown_model", detail="x")
    hosted.submit("other", packer()(REGISTRY.to_body(failed)), 1)
    hosted.submit("broken", packer()({"kind": "inference.generate_text/1"}), 2)
    found = replies(hosted, 2)

    assert found["other"].reason == "unanswerable_request"
    assert found["broken"].reason == "malformed_request"
    assert server.counts["connections"] == 0


def test_a_killed_engine_process_is_replaced_and_no_reply_is_lost_or_doubled(
    context: zmq.Context[Any], endpoint: str, server: SmallChatServer, tmp_path: Path
) -> None:
    path = tmp_path / "plan.msgpack"
    path.write_bytes(packer()(plan(server)))
    words = ["--engine", "inference.engines.openai_serving:build", "--plan", str(path), "--endpoint", endpoint]
    command = [sys.executable, "-m", "inference.engines", *words, "--name", "text-0"]
    pool = PoolDispatcher(context, endpoint)
    first = subprocess.Popen(command, cwd=ROOT)
    pool.submit("slow", body(HELD), 1)
    pool.submit("quick", body("quick"), 2)
    assert set(replies(pool, 1)) == {"quick"}
    os.kill(first.pid, signal.SIGKILL)
    first.wait()

    second = subprocess.Popen(command, cwd=ROOT)
    server.release()
    assert set(replies(pool, 1)) == {"slow"}
    second.terminate()
    assert second.wait(DEADLINE_S) == 0
    pool.close()


def test_a_process_whose_engine_is_lost_ends_with_one_clear_line(
    context: zmq.Context[Any], endpoint: str, tmp_path: Path
) -> None:
    path = tmp_path / "plan.msgpack"
    path.write_bytes(packer()({"base_url": "http://127.0.0.1:9/v1", "token_file": "", "models": []}))
    words = ["--engine", "inference.engines.openai_serving:build", "--plan", str(path), "--endpoint", endpoint]
    pool = PoolDispatcher(context, endpoint)
    pool.submit("t0", body("quick"), 1)
    command = [sys.executable, "-m", "inference.engines", *words, "--name", "text-0"]
    engine = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    deadline_s = monotonic() + DEADLINE_S
    while engine.poll() is None and monotonic() < deadline_s:
        pool.socket.poll(50)
        assert pool.drain() == []
    _, err = engine.communicate(timeout=DEADLINE_S)

    assert engine.returncode == 1
    assert err == "engine text-0: http://127.0.0.1:9/v1: no connection: ConnectError\n"
    pool.close()


@pytest.mark.parametrize(
    "wrong", [{}, {"base_url": "x", "token_file": "", "models": []}, {"base_url": 1, "token_file": "", "models": []}]
)
def test_a_plan_that_makes_no_sense_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"plan|base_url"):
        build(wrong)


def test_the_models_of_a_server_are_asked_for_once(server: SmallChatServer) -> None:
    assert MODEL in served_models(server.base_url, "")
    assert server.counts["connections"] == 1
