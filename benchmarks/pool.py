"""A pool of engine processes against the same processes driven directly, against round robin, and under kills.

throughput   both arms have the same processes and the same requests. Directly driven, an engine gets its half of
             them at once and needs nobody any more; the pool gives it one for each one answered
latency      requests come at random at 0.7 of what the engines can do, few of them long; once they go to the engine
             with free slots, once to the next one in turn, whatever it has to do
kills        engines are killed (SIGKILL) while they work; every request is answered once, as without kills
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.pool_loads import ENDLESS, Asked, even, modelled, reply, skewed, vllm
from benchmarks.support import QUICK, Effort, Target, console, interleave, show_ratios, show_targets
from config.streams import draw
from inference.engines.modelled.profile import TINY_ON_ONE_CORE
from inference.pool.core import PoolCore
from inference.pool.frames import Replies, Work, pack_work, unpack_from_engine
from inference.pool.members import Member, Members
from inference.pool.plan import PlacementPlan, PlannedEngine
from inference.pool.running import EnginePool
from inference.pool.state import PoolLimits
from inference.pool.waiting import OpenRequest
from inference.text import TextGenerated

ENGINES = 2
PATIENCE_S = 120.0  # safety net of every wait
REQUESTS = 600  # of one round of throughput
SLOTS = 16
ARRIVALS = 600  # of one round of latency
LATENCY_SLOTS = 1
SHORT, LONG, LONG_PERMILLE = 8, 80, 50  # tokens; the skew
LOAD = 0.7
KILLED_REQUESTS, KILLS = 500, 20


def measure(effort: Effort) -> list[Target]:
    """All three with modelled engines in wall time, and throughput with vLLM, too."""
    with vllm(ENGINES, SLOTS) as engines:
        real = measure_throughput(effort, engines)
    return [*measure_throughput(effort), *real, *measure_latency(effort), *measure_kills(effort)]


def measure_vllm(effort: Effort) -> list[Target]:
    """Throughput and kills with vLLM."""
    with vllm(ENGINES, SLOTS) as engines:
        return [*measure_throughput(effort, engines), *measure_kills(effort, engines)]


# -- throughput --------------------------------------------------------------------------------------------------------


def measure_throughput(effort: Effort, engines: Sequence[PlannedEngine] | None = None) -> list[Target]:
    """Requests per second, in turns through the pool and directly."""
    kind, schema = ("modelled", "") if engines is None else ("vLLM", ENDLESS)
    engines = engines or modelled(ENGINES, SLOTS)
    load = even(max(200, effort.count(REQUESTS)), name="even", schema=schema)
    with tempfile.TemporaryDirectory(prefix="pool-") as folder:
        plan = PlacementPlan(engines=tuple(engines), limits=PoolLimits())
        with running(plan, Path(folder)) as pool:
            answer_all(pool, even(4 * ENGINES, name="warm"))

            def through_pool() -> float:
                return _rate(load, lambda: answer_all(pool, load))

            def directly() -> float:
                return ask_directly(pool, [each.name for each in engines], load)

            measured = interleave({"directly": directly, "pool": through_pool}, effort)
    title = f"{len(load)} requests of 32 to 96 tokens, {ENGINES} engines ({kind}) of {engines[0].slots or SLOTS} slots"
    show_ratios(title, measured, base="directly", unit="requests per s")
    ratio = measured["pool"] / measured["directly"]
    return [Target(f"pool throughput against the same engines driven directly, {kind}", bound=0.95, measured=ratio)]


def _rate(load: Sequence[Asked], work: Callable[[], object]) -> float:
    started_s = time.perf_counter()
    work()
    return len(load) / (time.perf_counter() - started_s)


def ask_directly(pool: EnginePool, names: Sequence[str], load: Sequence[Asked]) -> float:
    """Over the pool's own socket, past everything that dispatches: each engine gets its share in one frame.

    Returns the requests per second of all engines together, each measured until it is done with its own share: that one
    of them was done earlier is nobody's fault here.
    """
    socket = pool.dispatcher.socket
    left: dict[str, int] = {}
    rates: list[float] = []
    started_s = time.perf_counter()
    for number, name in enumerate(names):
        own = [Work(each.ticket, each.seed, each.body) for each in load[number :: len(names)]]
        left[name] = len(own)
        socket.send_multipart([name.encode(), pack_work(own)])
    shares = dict(left)
    while any(left.values()):
        name, frame = _received(socket)
        if isinstance(frame, Replies):
            left[name] -= len(frame.replies)
            if not left[name]:
                rates.append(shares[name] / (time.perf_counter() - started_s))
    return sum(rates)


def _received(socket: Any) -> tuple[str, Any]:
    if not socket.poll(PATIENCE_S * 1000):
        raise TimeoutError("an engine that is driven directly says nothing")
    name, data = socket.recv_multipart()
    return name.decode(), unpack_from_engine(data)


# -- latency -----------------------------------------------------------------------------------------------------------


class RoundRobin(Members):
    """Engines in turn, whatever they have to do; what they have no slot for waits inside them."""

    def __init__(self) -> None:
        super().__init__()
        self._turn = 0

    def choose(self, request: OpenRequest, reserve: int) -> Member | None:
        able = self.able(request.lane)
        if not able:
            return None
        self._turn += 1
        return able[self._turn % len(able)]


def measure_latency(effort: Effort) -> list[Target]:
    """The 99th percentile of the time from arrival to answer, by credits and by round robin."""
    mean_tokens = (SHORT * (1000 - LONG_PERMILLE) + LONG * LONG_PERMILLE) / 1000
    gap_s = mean_tokens * _token_s() / ENGINES / LATENCY_SLOTS / LOAD
    count = ARRIVALS  # fewer would make the percentile a handful of requests
    effort = Effort(rounds=1 if effort.share < 1 else effort.rounds)
    load = skewed(count, name="skewed", gap_s=gap_s, short=SHORT, long=LONG, long_permille=LONG_PERMILLE)
    plan = PlacementPlan(engines=modelled(ENGINES, LATENCY_SLOTS), limits=PoolLimits())

    def arm(members: Callable[[], Members]) -> Callable[[], float]:
        def p99_ms() -> float:
            core = PoolCore(plan.limits, members())
            with tempfile.TemporaryDirectory(prefix="pool-") as folder, running(plan, Path(folder), core=core) as pool:
                waits = sorted(arrive(pool, load).values())
            return 1000 * waits[len(waits) * 99 // 100]

        return p99_ms

    measured = interleave({"round robin": arm(RoundRobin), "credits": arm(Members)}, effort)
    title = f"{count} requests of {SHORT} tokens, {LONG_PERMILLE / 10:g} % of {LONG}, at {LOAD:g} load: 99th percentile"
    show_ratios(title, measured, base="round robin", unit="ms")
    ratio = measured["credits"] / measured["round robin"]
    return [Target("p99 at 0.7 load, credits against round robin", bound=0.7, measured=ratio, at_least=False)]


def _token_s() -> float:
    """How long one token of one sequence takes with every slot taken, for the profile of the modelled engines."""
    return (TINY_ON_ONE_CORE.iteration_ns + LATENCY_SLOTS * TINY_ON_ONE_CORE.sequence_ns) / 1e9


def arrive(pool: EnginePool, load: Sequence[Asked]) -> dict[str, float]:
    """Submit each request at its time; the seconds that each took."""
    began_s = time.monotonic()
    waits: dict[str, float] = {}
    due = {each.ticket: began_s + each.at_s for each in load}
    position = 0
    while len(waits) < len(load):
        now_s = time.monotonic()
        while position < len(load) and due[load[position].ticket] <= now_s:
            pool.submit(load[position].ticket, load[position].body, load[position].seed)
            position += 1
        for ticket, _ in pool.drain():
            waits[ticket] = time.monotonic() - due[ticket]
        left_s = due[load[position].ticket] - time.monotonic() if position < len(load) else pool.wait_s
        pool.sockets[0].poll(max(0, int(1000 * min(left_s, pool.wait_s))))
        if now_s - began_s > load[-1].at_s + PATIENCE_S:
            raise TimeoutError(f"only {len(waits)} of {len(load)} were answered: {pool.state()}")
    return waits


# -- kills -------------------------------------------------------------------------------------------------------------


def measure_kills(effort: Effort, engines: Sequence[PlannedEngine] | None = None) -> list[Target]:
    """Requests that were lost, answered twice or answered otherwise, while engines are killed."""
    count, kills = effort.count(KILLED_REQUESTS), effort.count(KILLS)
    faults, killed, repeated = kill_engines(count, kills, engines)
    console.print(f"{count} requests, {killed} kills: {repeated} requests repeated, {faults} faults", highlight=False)
    return [
        Target(f"requests lost, doubled or changed by {killed} kills", 0, faults, unit="", at_least=False),
        Target("engines killed while they worked", kills, killed, unit=""),
    ]


def kill_engines(count: int, kills: int, engines: Sequence[PlannedEngine] | None = None) -> tuple[int, int, int]:
    """Faults, kills that hit an engine at work, and requests that were asked again."""
    load = even(count, name="killed", low=16, high=48)
    engines = tuple(engines or modelled(ENGINES, 4))
    plan = PlacementPlan(engines=engines, limits=PoolLimits(), max_restarts=kills + 1)
    with tempfile.TemporaryDirectory(prefix="pool-") as folder:
        with running(plan, Path(folder)) as pool:
            expected = {ticket: comparable(body) for ticket, body in answer_all(pool, load).items()}
        with running(plan, Path(folder)) as pool:
            killer = _Killer(pool, kills, every=max(1, count // (kills + 1)))
            found = answer_all(pool, load, watch=killer.look)
            lost = pool.lost()
            repeated = pool.state().counts.get("requeued", 0)
    changed = sum(comparable(body) != expected[ticket] for ticket, body in found.items())
    unseen = repeated - sum(len(each.tickets) for each in lost)  # every repetition is booked
    return changed + len(load) - len(found) + abs(unseen), killer.done, repeated


class _Killer:
    """Kills an engine that has something under way, each time so many more requests were answered."""

    def __init__(self, pool: EnginePool, kills: int, *, every: int) -> None:
        self._pool, self._kills, self._every = pool, kills, every
        self.done = 0

    def look(self, answered: int) -> None:
        if self.done >= self._kills or answered < (self.done + 1) * self._every:
            return
        at_work = [each.name for each in self._pool.state().engines if each.status == "ready" and each.under_way]
        if at_work:
            victim = draw(7, "victim", "", self.done).pick(at_work)
            os.kill(self._pool.pids[victim], signal.SIGKILL)
            self.done += 1


def comparable(body: bytes) -> tuple[object, ...]:
    """What may not depend on who answered, or when: everything but what came from a cache."""
    found = reply(body)
    if isinstance(found, TextGenerated):
        return found.text, found.finish, found.model, found.prompt_tokens, found.completion_tokens
    return (found,)


# -- driving -----------------------------------------------------------------------------------------------------------


@contextmanager
def running(plan: PlacementPlan, folder: Path, *, core: PoolCore | None = None) -> Iterator[EnginePool]:
    """A pool whose engines are all there."""
    with EnginePool(plan, folder / "engines", core=core) as pool:
        _wait(pool, lambda: all(each.status == "ready" for each in pool.state().engines))
        yield pool


def answer_all(
    pool: EnginePool, load: Sequence[Asked], *, watch: Callable[[int], None] = lambda _: None
) -> dict[str, bytes]:
    """Submit everything and wait for it; a second reply to a ticket is an error."""
    _wait(pool, lambda: all(each.status == "ready" for each in pool.state().engines))
    for each in load:
        pool.submit(each.ticket, each.body, each.seed)
    found: dict[str, bytes] = {}
    ends_s = time.monotonic() + PATIENCE_S
    while len(found) < len(load):
        for ticket, body in pool.drain():
            if ticket in found:
                raise RuntimeError(f"{ticket} was answered twice")
            found[ticket] = body
        watch(len(found))
        if len(found) < len(load):
            pool.sockets[0].poll(max(1, int(1000 * pool.wait_s)))
        if time.monotonic() > ends_s:
            raise TimeoutError(f"only {len(found)} of {len(load)} were answered: {pool.state()}")
    return found


def _wait(pool: EnginePool, holds: Callable[[], bool]) -> None:
    ends_s = time.monotonic() + PATIENCE_S
    pool.drain()
    while not holds():
        pool.sockets[0].poll(max(1, int(1000 * pool.wait_s)))
        pool.drain()
        if time.monotonic() > ends_s:
            raise TimeoutError(f"the engines do not come: {pool.state()}")


def main(argv: list[str] | None = None) -> int:
    """Status 1 if a target was missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pool", description="Measure a pool of two engines.")
    parser.add_argument("--quick", action="store_true", help="fewer rounds and requests: a look, not a measurement")
    parser.add_argument("--engine", choices=("modelled", "vllm"), default="modelled")
    arguments = parser.parse_args(argv)
    effort = QUICK if arguments.quick else Effort()
    return 0 if show_targets((measure_vllm if arguments.engine == "vllm" else measure)(effort)) else 1


if __name__ == "__main__":
    sys.exit(main())
