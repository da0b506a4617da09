"""Actors in one process: ours on a pool of two threads against pykka.ThreadingActor, and what 10,000 idle ones cost.

`python -m benchmarks.in_process KIND COUNT` is the fresh process that measures idle actors.
"""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pykka

from benchmarks import loads
from benchmarks.support import Effort, Target, interleave, rate, show_ratios
from brokers.node.actor import Actor, hosting
from brokers.node.pool import Pool

THREADING, OURS = "pykka.ThreadingActor", "our actors on a Pool"
BASES: dict[str, type[Any]] = {THREADING: pykka.ThreadingActor, OURS: Actor}
IDLE = {THREADING: 1_000, OURS: 10_000}  # 10,000 threads would not fit everywhere
IN_FLIGHT = 64
PATIENCE_S = 120.0


def sink(base: type[Any]) -> type[Any]:
    """An actor class that answers, and says when it has handled so many."""

    class Sink(base):  # type: ignore[misc]
        use_daemon_thread = True

        def __init__(self, wanted: int, done: threading.Event) -> None:
            super().__init__()
            self._left, self._done = wanted, done

        def on_receive(self, message: Any) -> Any:
            self._left -= 1
            if self._left == 0:
                self._done.set()
            return message

    return Sink


def player(base: type[Any]) -> type[Any]:
    """An actor class that plays ping-pong."""

    class Player(base):  # type: ignore[misc]
        use_daemon_thread = True

        def __init__(self, returns: int, done: threading.Event) -> None:
            super().__init__()
            self._left, self._done = returns, done

        def on_receive(self, message: Any) -> None:
            self._left -= 1
            if self._left == 0:
                self._done.set()
            elif self._left > 0:
                message.tell(self.actor_ref)

    return Player


def tell(base: type[Any], actors: int, count: int) -> float:
    """One thread tells; the time ends when all messages are handled."""
    each = count // actors
    dones = [threading.Event() for _ in range(actors)]
    refs = [sink(base).start(each, done) for done in dones]
    message = loads.SMALL

    def work(_: int) -> None:
        for _ in range(each):
            for ref in refs:
                ref.tell(message)
        wait_for(*dones)

    return measured_and_stopped(work, each * actors)


def ask(base: type[Any], in_flight: int, count: int) -> float:
    """Asks from outside, so many at once."""
    ref = sink(base).start(0, threading.Event())
    message = loads.SMALL

    def work(number: int) -> None:
        for _ in range(number // in_flight):
            for answer in [ref.ask(message, block=False) for _ in range(in_flight)]:
                answer.get(timeout=PATIENCE_S)

    return measured_and_stopped(work, count // in_flight * in_flight)


def ping_pong(base: type[Any], count: int) -> float:
    """Two actors send one message to and fro."""
    done = threading.Event()
    first, second = player(base).start(count // 2, done), player(base).start(count, done)

    def work(_: int) -> None:
        first.tell(second)
        wait_for(done)

    return measured_and_stopped(work, count)


def wait_for(*events: threading.Event) -> None:
    """Raises TimeoutError rather than hang."""
    for event in events:
        if not event.wait(PATIENCE_S):
            raise TimeoutError(f"the actors were not done within {PATIENCE_S} s")


def measured_and_stopped(work: Callable[[int], None], count: int) -> float:
    """The rate of some work; no actor is left behind."""
    try:
        return rate(work, count)
    finally:
        pykka.ActorRegistry.stop_all(timeout=PATIENCE_S)


@dataclass(frozen=True, slots=True)
class IdleCost:
    """What idle actors cost, each one measured in a fresh process."""

    kib_each: float
    start_ms: float
    threads: int


def resident_kib() -> float:
    """This process's resident memory."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1_024


def measure_idle(kind: str, count: int) -> IdleCost:
    """Start so many actors and look at the memory of this process."""

    base = BASES[kind]

    class Idle(base):  # type: ignore[misc,valid-type]
        use_daemon_thread = True

    hosting.set(Pool(2))
    first = Idle.start()  # what is needed once
    gc.collect()
    before_kib, start_s = resident_kib(), time.perf_counter()
    refs = [Idle.start() for _ in range(count)]
    start_ms = (time.perf_counter() - start_s) * 1e3
    cost = IdleCost((resident_kib() - before_kib) / count, start_ms, threading.active_count())
    assert all(ref.is_alive() for ref in [first, *refs])
    return cost


def idle_cost(kind: str) -> float:
    """KiB of an idle actor, from a fresh process."""
    command = [sys.executable, "-m", "benchmarks.in_process", kind, str(IDLE[kind])]
    finished = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=True)
    return float(json.loads(finished.stdout)["kib_each"])


def measure(effort: Effort) -> list[Target]:
    """Print the tables and return what was to be reached."""
    pool = Pool(2)
    token = hosting.set(pool)
    try:
        targets = _measure_rates(effort)
    finally:
        hosting.reset(token)
        pool.close()
    idle = interleave({kind: (lambda kind=kind: idle_cost(kind)) for kind in BASES}, effort)  # type: ignore[misc]
    counts = ", ".join(f"{IDLE[kind]:,} {kind}" for kind in BASES)
    show_ratios(f"resident memory of an idle actor ({counts})", idle, base=THREADING, unit="KiB")
    return [*targets, Target(f"{IDLE[OURS]:,} idle actors, each", 4, idle[OURS], unit="KiB", at_least=False)]


def _measure_rates(effort: Effort) -> list[Target]:
    works: dict[str, Callable[[type[Any]], float]] = {
        "tell, 1 actor": lambda base: tell(base, 1, effort.count(200_000)),
        "tell, 8 actors": lambda base: tell(base, 8, effort.count(200_000)),
        "ask, one at a time": lambda base: ask(base, 1, effort.count(10_000)),
        f"ask, {IN_FLIGHT} in flight": lambda base: ask(base, IN_FLIGHT, effort.count(40_000)),
        "ping-pong": lambda base: ping_pong(base, effort.count(20_000)),
    }
    targets: list[Target] = []
    for name, work in works.items():
        measured = interleave({kind: (lambda base=base: work(base)) for kind, base in BASES.items()}, effort)  # type: ignore[misc]  # noqa: B023
        show_ratios(f"in one process: {name}", measured, base=THREADING)
        if name.startswith("tell"):
            targets.append(Target(f"{OURS} / {THREADING}, {name}", 2, measured[OURS] / measured[THREADING]))
    return targets


if __name__ == "__main__":
    print(json.dumps(asdict(measure_idle(sys.argv[1], int(sys.argv[2])))), flush=True)
    os._exit(0)  # idle threads need no farewell
