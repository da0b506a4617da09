"""A pool that runs: the engine processes of a plan, and the dispatcher that they connect to.

An engine that ends is started again, each time a little later; one that is silent for too long is killed first. What it
had under way is asked again. Everything happens in `drain` or `tend`; whoever waits calls one of them at least every
`wait_s` seconds.

    PoolError
    +-- EnginesGivenUpError    requests wait for a model of which every engine keeps dying
    +-- UnknownEngineError     no engine of the pool has this name
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from time import monotonic
from typing import Any

import zmq

from brokers.processes import RestartPolicy, SupervisedChild, start_child, stop_children
from config.environment import environment_with
from inference.adapters.messages import LoadAdapter, UnloadAdapter
from inference.pool.adapting import AdapterChange
from inference.pool.core import PoolCore
from inference.pool.dispatcher import PoolDispatcher
from inference.pool.plan import HERE, PlacementPlan, PlannedEngine
from inference.pool.state import LostWork, PoolState

MEND_S = 0.05  # between two looks at the processes
TELL_S = 1.0  # between two versions of the state file
STATE_FILE = "state.json"
_FIRST_WAIT_S = 0.1
_LONGEST_WAIT_S = 5.0


class PoolError(Exception):
    """Base class of what a running pool raises."""


class EnginesGivenUpError(PoolError):
    """Raised when requests wait for engines that were started again too often."""

    def __init__(self, engines: Iterable[str]) -> None:
        self.engines = tuple(engines)
        super().__init__(f"requests wait, and their engines keep dying: {', '.join(self.engines)}; see their logs")


class UnknownEngineError(PoolError):
    """Raised when an engine is named that the pool has not."""

    def __init__(self, engine: str) -> None:
        super().__init__(f"the pool has no engine {engine!r}")
        self.engine = engine


class _Running:
    """One engine of the plan and its process."""

    def __init__(self, planned: PlannedEngine, child: SupervisedChild) -> None:
        self.planned, self.child = planned, child
        self.is_leaving = False  # it is not started again
        self.successor: PlannedEngine | None = None  # takes its place when it has ended
        self.seen_dead: int | None = None  # the process whose end was noticed

    @property
    def has_ended(self) -> bool:
        return self.child.process.poll() is not None


class EnginePool:
    """Owned and used by one thread, which lives as long as the pool: its engines end with it."""

    def __init__(
        self,
        plan: PlacementPlan,
        folder: Path,
        *,
        host: str = HERE,
        endpoint: str | None = None,
        core: PoolCore | None = None,
        waits_for_work: bool = False,
    ) -> None:
        """Make the pool of a plan; nothing is started yet.

        Args:
            folder: For plans and logs of the engines, made where it is missing.
            host: Where this is; engines of the plan on other hosts are expected to connect by themselves.
            endpoint: Where engines connect; None: a socket in a private folder.
            waits_for_work: No engine is started before the first request: whoever asks nothing needs none.
        """
        self.plan, self._folder, self._host = plan, folder, host
        self._wished_endpoint, self._waits_for_work, self._is_awake = endpoint, waits_for_work, False
        self._core = core or PoolCore(plan.limits)
        self._policy = RestartPolicy(plan.max_restarts, _FIRST_WAIT_S, _LONGEST_WAIT_S)
        self._context: zmq.Context[Any] = zmq.Context()
        self._sockets_folder: Path | None = None
        self._pool: PoolDispatcher | None = None
        self._engines: dict[str, _Running] = {}
        self._elsewhere: dict[str, PlannedEngine] = {}
        self._done: list[tuple[str, bytes]] = []
        self._mended_s = self._told_s = 0.0

    # -- life ----------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Bind, and start every engine of this host unless they wait for work. Raises zmq.ZMQError, OSError."""
        self._pool = PoolDispatcher(self._context, self._wished_endpoint or self._private_endpoint(), self._core)
        self._pool.expect({planned.name: planned.serves for planned in self.plan.engines})
        if not self._waits_for_work:
            self.wake()

    def wake(self) -> None:
        """Start the engines, if they were not started yet."""
        if self._is_awake:
            return
        self._is_awake = True
        self._folder.mkdir(parents=True, exist_ok=True)
        for planned in self.plan.engines:
            self._join(planned)
        self._tell_expected()

    def close(self) -> None:
        """End every engine and the pool; requests that are open stay unanswered. May be called again."""
        stop_children([each.child.process for each in self._engines.values()])
        self._engines.clear()
        if self._pool is not None:
            if self._is_awake:
                self._tell()
            self._pool.close()
            self._pool = None
        self._context.term()
        if self._sockets_folder is not None:
            shutil.rmtree(self._sockets_folder, ignore_errors=True)

    def __enter__(self) -> EnginePool:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def dispatcher(self) -> PoolDispatcher:
        """What dispatches. Raises PoolError before `start` and after `close`."""
        if self._pool is None:
            raise PoolError("the pool is not started, or is closed")
        return self._pool

    @property
    def sockets(self) -> tuple[Any, ...]:
        """Readable when `drain` may have something."""
        return self.dispatcher.sockets

    @property
    def wait_s(self) -> float:
        """The longest time to wait before the next `drain`."""
        waits = self.dispatcher.wait_s
        return MEND_S if waits is None else min(MEND_S, waits)

    @property
    def pids(self) -> dict[str, int]:
        """The present process of each engine of this host."""
        return {name: running.child.process.pid for name, running in sorted(self._engines.items())}

    # -- requests ------------------------------------------------------------------------------------------------------

    def submit(self, ticket: str, request: bytes, seed: int, *, deadline_s: float | None = None) -> None:
        """As `PoolDispatcher.submit`."""
        self.wake()
        self.dispatcher.submit(ticket, request, seed, deadline_s=deadline_s)

    def cancel(self, ticket: str) -> bool:
        """As `PoolDispatcher.cancel`."""
        return self.dispatcher.cancel(ticket)

    def drain(self) -> list[tuple[str, bytes]]:
        """The replies that are there now. Raises EnginesGivenUpError when some will never come."""
        self.tend()
        done, self._done = self._done, []
        return done

    def tend(self) -> None:
        """Look after sockets and engines; replies are kept for `drain`. Raises EnginesGivenUpError."""
        self._done += self.dispatcher.drain()
        now_s = monotonic()
        if self._is_awake and now_s - self._mended_s >= MEND_S:
            self._mended_s = now_s
            self._mend(now_s)

    def drain_parts(self) -> list[tuple[str, bytes]]:
        """As `PoolDispatcher.drain_parts`."""
        return self.dispatcher.drain_parts()

    def drain_late(self) -> list[tuple[str, bytes]]:
        """As `PoolDispatcher.drain_late`."""
        return self.dispatcher.drain_late()

    def lost(self) -> list[LostWork]:
        """As `PoolDispatcher.lost`."""
        return self.dispatcher.lost()

    def state(self) -> PoolState:
        """How things stand."""
        return self.dispatcher.state()

    # -- adapters ------------------------------------------------------------------------------------------------------

    def load_adapter(self, wanted: LoadAdapter) -> None:
        """As `PoolDispatcher.load_adapter`."""
        self.dispatcher.load_adapter(wanted)

    def unload_adapter(self, wanted: UnloadAdapter) -> None:
        """As `PoolDispatcher.unload_adapter`."""
        self.dispatcher.unload_adapter(wanted)

    def drain_adapter_changes(self) -> list[AdapterChange]:
        """As `PoolDispatcher.drain_adapter_changes`."""
        return self.dispatcher.drain_adapter_changes()

    # -- another plan --------------------------------------------------------------------------------------------------

    def add(self, planned: PlannedEngine) -> None:
        """Let one more engine join. Raises ValueError if its name is taken."""
        if planned.name in self._engines or planned.name in self._elsewhere:
            raise ValueError(f"the pool has an engine {planned.name!r}")
        self.wake()
        self._join(planned)
        self._tell_expected()

    def remove(self, engine: str) -> None:
        """Let an engine finish what it has, end, and not come back. Raises UnknownEngineError."""
        self.wake()
        if self._elsewhere.pop(engine, None) is None:
            self._leave(engine).successor = None
        else:
            self.dispatcher.drain_engine(engine)
        self._tell_expected()

    def replace(self, planned: PlannedEngine) -> None:
        """Let an engine finish what it has, and start another one under its name. Raises UnknownEngineError."""
        self.wake()
        self._leave(planned.name).successor = planned
        self._tell_expected()

    # -- inside --------------------------------------------------------------------------------------------------------

    def _private_endpoint(self) -> str:
        self._sockets_folder = Path(tempfile.mkdtemp(prefix="pool-"))  # 0700; short, as paths of sockets must be
        return f"ipc://{self._sockets_folder}/pool"

    def _join(self, planned: PlannedEngine) -> None:
        if planned.host != self._host:
            self._elsewhere[planned.name] = planned
            return
        child = SupervisedChild(lambda: self._start(planned), self._policy, now_s=monotonic())
        self._engines[planned.name] = _Running(planned, child)

    def _leave(self, engine: str) -> _Running:
        running = self._engines.get(engine)
        if running is None or (running.is_leaving and running.successor is None):
            raise UnknownEngineError(engine)
        running.is_leaving = True
        if not self.dispatcher.drain_engine(engine) and not running.has_ended:
            running.child.process.terminate()  # it has not announced itself: there is nothing to finish
        return running

    def _tell_expected(self) -> None:
        """Those that leave for good are expected no more; a successor is, with what it will serve."""
        coming = {name: each.serves for name, each in self._elsewhere.items()}
        for name, running in self._engines.items():
            if not running.is_leaving:
                coming[name] = running.planned.serves
            elif running.successor is not None:
                coming[name] = running.successor.serves
        self.dispatcher.expect(coming)

    def _start(self, planned: PlannedEngine) -> subprocess.Popen[bytes]:
        path = self._folder / f"{planned.name}.json"
        path.write_text(json.dumps(dict(planned.arguments)), encoding="utf-8")
        with (self._folder / f"{planned.name}.log").open("ab") as log:
            return start_child(
                command_line(planned, endpoint=self.dispatcher.endpoint, plan=path, parent=os.getpid()),
                env=environment_with(planned.environment),
                stdout=log,
                stderr=log,
            )

    def _mend(self, now_s: float) -> None:
        for engine, _ in self.dispatcher.drain_overdue():
            running = self._engines.get(engine)
            if running is not None and not running.has_ended:
                running.child.process.kill()  # it may be stopped, and would not hear anything gentler
        for name, running in list(self._engines.items()):
            process = running.child.process
            if running.has_ended and running.seen_dead != process.pid:
                running.seen_dead = process.pid
                self.dispatcher.engine_lost(name)
            if running.is_leaving and running.has_ended:
                del self._engines[name]
                if running.successor is not None:
                    self._join(running.successor)
                self._tell_expected()
            elif not running.is_leaving:
                running.child.check(now_s=now_s)
        if now_s - self._told_s >= TELL_S:
            self._told_s = now_s
            self._tell()
        self._complain()

    def _tell(self) -> None:
        """Leave how things stand in the folder, for whoever looks from outside."""
        path = self._folder / STATE_FILE
        fresh = path.with_suffix(".new")
        fresh.write_text(json.dumps(self.state().to_json(), sort_keys=True), encoding="utf-8")
        fresh.replace(path)

    def _complain(self) -> None:
        """Raise where requests wait that only engines which keep dying could answer."""
        given_up = [name for name, running in self._engines.items() if running.child.has_given_up]
        if not given_up:
            return
        left = [each for each in self._engines.values() if not each.child.has_given_up]
        serves = [each.planned.serves for each in left] + [each.serves for each in self._elsewhere.values()]
        models = self._core.waiting_models()
        if any(not any(each.has_model(model) for each in serves) for model in models):
            raise EnginesGivenUpError(given_up)


def command_line(planned: PlannedEngine, *, endpoint: str, plan: Path, parent: int | None) -> list[str]:
    """How an engine is started, with its builder's arguments in a file."""
    words = [sys.executable, "-m", "inference.engines", "--engine", planned.builder, "--plan", str(plan)]
    words += ["--endpoint", endpoint, "--name", planned.name]
    if parent is not None:
        words += ["--parent", str(parent)]
    if planned.slots is not None:
        words += ["--slots", str(planned.slots)]
    if planned.cores:
        words += ["--cores", ",".join(map(str, planned.cores))]
    return [*words, *(["--load-first"] if planned.loads_first else [])]
