"""A pool over real ZeroMQ, with engines in threads and in processes that are killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import zmq

from actors.policy.decisions import Decide
from actors.policy.engine import build
from brokers.wire.packing import packer
from inference.engines.worker import serve
from inference.pool.core import DuplicateTicketError
from inference.pool.dispatcher import MAX_REQUEST_BYTES, PoolDispatcher
from inference.pool.embedded import EmbeddedPool
from inference.pool.frames import Work, pack_ready, pack_replies, unpack_work
from inference.waking import StopSignal
from tests.actors.policy.people import one_of_each
from tests.inference.engines_for_tests import Answer, Ask, Echo, registry

ROOT = Path(__file__).resolve().parents[2]
DEADLINE_S = 20.0
PARENT_OF_AN_ENGINE = """
import subprocess, sys
engine = subprocess.Popen([sys.executable, "-m", "inference.engines", *sys.argv[1:]])
print(engine.pid, flush=True)
engine.wait()
"""
pack = packer()


@pytest.fixture
def context() -> Iterator[zmq.Context[Any]]:
    context: zmq.Context[Any] = zmq.Context()
    yield context
    context.destroy(linger=0)


@pytest.fixture
def endpoint() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="pool-") as folder:  # short: a path of ipc has 107 bytes at most
        yield f"ipc://{folder}/pool"


@pytest.fixture
def pool(context: zmq.Context[Any], endpoint: str) -> Iterator[PoolDispatcher]:
    pool = PoolDispatcher(context, endpoint)
    yield pool
    pool.close()


@pytest.fixture
def start(endpoint: str, tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    started: list[subprocess.Popen[bytes]] = []

    def start_engine(name: str = "echo-0", engine: str = "tests.inference.engines_for_tests:build", **plan: Any) -> Any:
        argv = [sys.executable, "-m", "inference.engines", "--engine", engine, "--endpoint", endpoint, "--name", name]
        if plan:
            file = tmp_path / f"{name}.msgpack"
            file.write_bytes(pack(plan))
            argv += ["--plan", str(file)]
        process = subprocess.Popen([*argv, "--parent", str(os.getpid())], cwd=ROOT, stderr=subprocess.PIPE)
        started.append(process)
        return process

    yield start_engine
    for process in started:
        process.kill()
        process.wait()
        assert process.stderr is not None
        process.stderr.close()


def until(pool: PoolDispatcher, holds: Callable[[list[tuple[str, bytes]]], bool]) -> list[tuple[str, bytes]]:
    """Drain until enough has come; the deadline is a safety net."""
    ends = time.monotonic() + DEADLINE_S
    found = pool.drain()
    while not holds(found):
        assert time.monotonic() < ends, f"gave up after {len(found)} replies, {pool.core.counts}"
        pool.socket.poll(50)
        found += pool.drain()
    return found


def body(text: str) -> bytes:
    return pack(registry().to_body(Ask(text=text)))


def reply(text: str) -> bytes:
    return pack(registry().to_body(Answer(text=text)))


class PuppetEngine:
    """An engine whose frames the test writes by hand."""

    def __init__(self, context: zmq.Context[Any], endpoint: str, name: str) -> None:
        self.socket = context.socket(zmq.DEALER)
        self.socket.identity = name.encode()
        self.socket.linger = 0
        self.socket.connect(endpoint)

    def received(self) -> list[Work]:
        assert self.socket.poll(DEADLINE_S * 1000), "nothing came"
        return unpack_work(self.socket.recv())


def test_what_is_submitted_together_travels_in_one_frame(
    pool: PoolDispatcher, context: zmq.Context[Any], endpoint: str
) -> None:
    puppet = PuppetEngine(context, endpoint, "puppet")
    puppet.socket.send(pack_ready("1", 64))
    until(pool, lambda _: bool(pool.core.engines))

    for n in range(50):
        pool.submit(f"t{n}", body("x"), n)
    pool.flush()

    assert [(work.ticket, work.seed) for work in puppet.received()] == [(f"t{n}", n) for n in range(50)]
    assert puppet.socket.poll(0) == 0


def test_a_large_batch_is_cut_into_frames_that_may_be_received(
    pool: PoolDispatcher, context: zmq.Context[Any], endpoint: str
) -> None:
    puppet = PuppetEngine(context, endpoint, "puppet")
    puppet.socket.send(pack_ready("1", 64))
    until(pool, lambda _: bool(pool.core.engines))
    for n in range(4):
        pool.submit(f"t{n}", bytes(3 * 1024 * 1024), n)
    pool.flush()

    frames = [puppet.received() for _ in range(4)]

    assert [[work.ticket for work in frame] for frame in frames] == [["t0"], ["t1"], ["t2"], ["t3"]]
    with pytest.raises(ValueError, match="over the limit"):
        pool.submit("huge", bytes(MAX_REQUEST_BYTES + 1), 0)


def test_duplicate_late_and_malformed_frames_harm_nobody(
    pool: PoolDispatcher, context: zmq.Context[Any], endpoint: str
) -> None:
    puppet = PuppetEngine(context, endpoint, "puppet")
    puppet.socket.send(pack_ready("1", 4))
    until(pool, lambda _: bool(pool.core.engines))
    pool.submit("a", body("x"), 1)
    pool.flush()
    puppet.received()

    puppet.socket.send(b"\xc1 garbage")
    puppet.socket.send_multipart([b"too", b"many", b"parts"])
    puppet.socket.send(pack_replies("0", [("a", b"of an earlier life")]))
    puppet.socket.send(pack_replies("1", [("a", b"A"), ("a", b"again"), ("b", b"never asked")]))
    puppet.socket.send(pack_replies("1", [("a", b"and again")]))

    found = until(pool, lambda _: pool.core.counts["dropped_not_under_way"] == 3)
    assert found == [("a", b"A")]
    assert (pool.core.counts["malformed_frames"], pool.core.counts["dropped_dead_incarnation"]) == (2, 1)


def test_a_ticket_that_is_open_is_refused(pool: PoolDispatcher) -> None:
    pool.submit("a", body("x"), 1)

    with pytest.raises(DuplicateTicketError):
        pool.submit("a", body("x"), 1)


def test_an_engine_that_went_away_unseen_gets_its_work_taken_back(
    pool: PoolDispatcher, context: zmq.Context[Any], endpoint: str
) -> None:
    gone, other = PuppetEngine(context, endpoint, "a-gone"), PuppetEngine(context, endpoint, "b-other")
    gone.socket.send(pack_ready("1", 4))
    until(pool, lambda _: "a-gone" in pool.core.engines)
    gone.socket.close()
    other.socket.send(pack_ready("1", 4))
    until(pool, lambda _: "b-other" in pool.core.engines)

    pool.submit("t", body("x"), 1)
    until(pool, lambda _: pool.core.engines == {"b-other": 1} or not pool.socket.poll(20))
    if "a-gone" in pool.core.engines:  # the socket had not noticed yet: whoever watches the process says so
        pool.engine_lost("a-gone")

    assert other.received()[0].ticket == "t"


def test_an_engine_serves_in_a_thread_until_it_is_told_to_stop(pool: PoolDispatcher, endpoint: str) -> None:
    stop, echo = StopSignal(), Echo()
    thread = threading.Thread(target=serve, args=(echo, endpoint, "echo", registry(), stop))
    thread.start()
    for n in range(200):
        pool.submit(f"t{n}", body(f"hello {n}"), n)

    found = until(pool, lambda found: len(found) == 200)
    stop.set()
    until(pool, lambda _: not pool.core.engines)  # it says goodbye
    thread.join(DEADLINE_S)

    assert not thread.is_alive()
    assert found == [(f"t{n}", reply(f"hello {n}/{n}")) for n in range(200)]
    assert echo.life == ["start", "close"]
    stop.close()


def test_a_killed_engine_process_loses_no_request_and_changes_no_answer(
    pool: PoolDispatcher, start: Callable[..., subprocess.Popen[bytes]]
) -> None:
    requests = [(f"t{n}", body(f"question {n}"), n) for n in range(600)]
    expected = EmbeddedPool(Echo(), registry())
    for ticket, request, seed in requests:
        expected.submit(ticket, request, seed)

    process = start()
    until(pool, lambda _: bool(pool.core.engines))
    for ticket, request, seed in requests:
        pool.submit(ticket, request, seed)
    found: list[tuple[str, bytes]] = []
    for _ in range(3):  # three times in the middle of the work
        found += until(pool, lambda some: bool(some))
        process.kill()
        process.wait()
        process = start()
    found += until(pool, lambda more: len(found) + len(more) == 600)

    assert sorted(found) == sorted(expected.drain())
    assert len(dict(found)) == 600
    assert pool.core.counts["lost"] >= 1


def test_two_processes_share_the_work_and_one_may_die(
    pool: PoolDispatcher, start: Callable[..., subprocess.Popen[bytes]]
) -> None:
    first, _ = start("echo-0"), start("echo-1")
    until(pool, lambda _: len(pool.core.engines) == 2)
    for n in range(300):
        pool.submit(f"t{n}", body(f"q{n}"), n)
    pool.flush()
    first.kill()
    first.wait()
    pool.engine_lost("echo-0")

    found = until(pool, lambda found: len(found) == 300)

    assert dict(found) == {f"t{n}": reply(f"q{n}/{n}") for n in range(300)}


def test_sigterm_ends_an_engine_quickly_and_in_good_order(
    pool: PoolDispatcher, start: Callable[..., subprocess.Popen[bytes]]
) -> None:
    process = start()
    until(pool, lambda _: bool(pool.core.engines))

    asked = time.monotonic()
    process.send_signal(signal.SIGTERM)

    assert process.wait(DEADLINE_S) == 0
    assert time.monotonic() - asked < 2.0
    until(pool, lambda _: not pool.core.engines)


def test_an_engine_dies_with_its_parent(pool: PoolDispatcher, endpoint: str) -> None:
    middle = subprocess.Popen(
        [
            sys.executable,
            "-c",
            PARENT_OF_AN_ENGINE,
            *("--engine", "tests.inference.engines_for_tests:build", "--endpoint", endpoint, "--name", "orphan"),
        ],
        cwd=ROOT,
        stdout=subprocess.PIPE,
    )
    assert middle.stdout is not None
    engine = int(middle.stdout.readline())
    until(pool, lambda _: bool(pool.core.engines))

    middle.kill()
    middle.wait()
    middle.stdout.close()

    ends = time.monotonic() + DEADLINE_S
    while runs(engine):
        assert time.monotonic() < ends, "the engine outlived its parent"
        pool.socket.poll(20)
        pool.drain()


def test_an_engine_whose_parent_is_gone_does_not_start(endpoint: str) -> None:
    argv = ["--engine", "tests.inference.engines_for_tests:build", "--endpoint", endpoint, "--name", "late"]

    done = subprocess.run(
        [sys.executable, "-m", "inference.engines", *argv, "--parent", "1"], cwd=ROOT, timeout=DEADLINE_S
    )

    assert done.returncode == -signal.SIGKILL


def test_an_engine_that_cannot_be_made_ends_with_a_sentence(start: Callable[..., subprocess.Popen[bytes]]) -> None:
    process = start(engine="actors.policy.engine:build", seed="seven")

    assert process.wait(DEADLINE_S) == 2
    assert process.stderr is not None
    told = process.stderr.read().decode()
    assert told.startswith("engine echo-0: actors.policy.engine:build refuses its plan: the plan of")
    assert "Traceback" not in told


def test_the_behavioural_engine_answers_alike_in_its_process_and_embedded(
    pool: PoolDispatcher, start: Callable[..., subprocess.Popen[bytes]]
) -> None:
    served = build({"seed": 11})
    embedded = EmbeddedPool(served.engine, served.registry)
    start("behavioural-0", "actors.policy.engine:build", seed=11)
    for n in range(130):
        observation = one_of_each()[n % 13]
        request = pack(served.registry.to_body(Decide(agent="ada", key=("test", "S-1", n), observation=observation)))
        embedded.submit(f"t{n}", request, n)
        pool.submit(f"t{n}", request, n)

    assert until(pool, lambda found: len(found) == 130) == embedded.drain()


def runs(pid: int) -> bool:
    """Whether a process lives; one that is dead and not yet reaped by init does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
