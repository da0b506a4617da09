"""A pool that runs: the engine processes of a plan, and the dispatcher that they connect to.

An engine that ends is started again, each time a little later; one that is silent for too long is killed first. What it
had under way is asked again. Everything happens in `drain` or `tend`; whoever waits calls one of them at least every
`wait_s` seconds.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from time import monotonic
from typing import Any

import zmq

from inference.adapters.messages import LoadAdapter, UnloadAdapter
from inference.pool.adapting import AdapterChange
from inference.pool.core import PoolCore
from inference.pool.crew import Crew
from inference.pool.dispatcher import PoolDispatcher
from inference.pool.errors import EnginesGivenUpError, PoolError
from inference.pool.plan import HERE, PlacementPlan, PlannedEngine
from inference.pool.state import LostWork, PoolState
from inference.pool.steering import Steering

MEND_S = 0.05  # between two looks at the processes
TELL_S = 1.0  # between two versions of the state file
STATE_FILE = "state.json"


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
        retry_s: float | None = None,
    ) -> None:
        """Make the pool of a plan; nothing is started yet.

        Args:
            folder: For plans and logs of the engines, made where it is missing.
            host: Where this is; engines of the plan on other hosts are expected to connect by themselves.
            endpoint: Where engines connect; None: a socket in a private folder.
            waits_for_work: No engine is started before the first request: whoever asks nothing needs none.
            retry_s: Wall seconds after which an engine that was given up is tried again. Meanwhile requests for a model
                that only such engines serve are turned away, until no model is left. None: nobody is turned away; as
                soon as requests wait for such a model, `tend` raises.
        """
        self.plan, self._folder, self._host = plan, folder, host
        self._wished_endpoint, self._waits_for_work, self._is_awake = endpoint, waits_for_work, False
        self.retry_s = retry_s
        self._core = core or PoolCore(plan.limits)
        self._crew = Crew(folder, lambda: self.dispatcher.endpoint)
        self._steering = Steering(self._crew, host)
        self._steering.want(plan.engines)
        self._context: zmq.Context[Any] = zmq.Context()
        self._sockets_folder: Path | None = None
        self._pool: PoolDispatcher | None = None
        self._done: list[tuple[str, bytes]] = []
        self._mended_s = self._told_s = 0.0

    # -- life ----------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Bind, and start every engine of this host unless they wait for work. Raises zmq.ZMQError, OSError."""
        self._pool = PoolDispatcher(self._context, self._wished_endpoint or self._private_endpoint(), self._core)
        self._pool.expect(self._steering.expected())
        if not self._waits_for_work:
            self.wake()

    def wake(self) -> None:
        """Start the engines, if they were not started yet."""
        if self._is_awake:
            return
        self._is_awake = True
        self._folder.mkdir(parents=True, exist_ok=True)
        self._steer(monotonic())

    def close(self) -> None:
        """End every engine and the pool; requests that are open stay unanswered. May be called again."""
        self._crew.close()
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
        return self._crew.pids

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

    def change_to(self, plan: PlacementPlan) -> None:
        """Become the pool of another plan while requests are under way: see `Steering` for how none is dropped.

        Engines that were given up and stay are tried again.
        """
        self.plan = plan
        self._core.limits = plan.limits
        for name in self._steering.want(plan.engines):
            self.dispatcher.drain_engine(name)
        for running in self._crew:
            if running.child.has_given_up:
                running.try_again(now_s=monotonic())
        self._steer_if_awake()

    def add(self, planned: PlannedEngine) -> None:
        """Let one more engine join. Raises ValueError if its name is taken."""
        self._steering.want_too(planned)
        self._note_wanted()

    def remove(self, engine: str) -> None:
        """Let an engine finish what it has, end, and not come back. Raises UnknownEngineError."""
        if self._steering.want_no_more(engine).host != self._host:
            self.dispatcher.drain_engine(engine)
        self._note_wanted()

    def replace(self, planned: PlannedEngine) -> None:
        """Let an engine finish what it has, and start another one under its name. Raises UnknownEngineError."""
        self._steering.want_instead(planned)
        self._note_wanted()

    # -- inside --------------------------------------------------------------------------------------------------------

    def _private_endpoint(self) -> str:
        self._sockets_folder = Path(tempfile.mkdtemp(prefix="pool-"))  # 0700; short, as paths of sockets must be
        return f"ipc://{self._sockets_folder}/pool"

    def _note_wanted(self) -> None:
        self.plan = replace(self.plan, engines=self._steering.wanted)
        self._steer_if_awake()

    def _steer_if_awake(self) -> None:
        if self._is_awake:
            self._steer(monotonic())
        else:
            self.dispatcher.expect(self._steering.expected())

    def _steer(self, now_s: float) -> None:
        """Take the steps towards the plan that can be taken now."""
        self._steering.leave(self.dispatcher)
        for planned in self._steering.come():
            self._crew.join(planned, self.plan.max_restarts, now_s=now_s)
        if (expected := self._steering.expected()) != self._core.members.expected:
            self.dispatcher.expect(expected)

    def _mend(self, now_s: float) -> None:
        for engine, _ in self.dispatcher.drain_overdue():
            running = self._crew.get(engine)
            if running is not None and not running.has_ended:
                running.child.process.kill()  # it may be stopped, and would not hear anything gentler
        for running in self._crew:
            name = running.planned.name
            if running.notice_end():
                self.dispatcher.engine_lost(name)
            if running.is_leaving and running.has_ended:
                self._crew.forget(name)
            elif not running.is_leaving:
                running.check(now_s=now_s, retry_s=self.retry_s)
        self._steer(now_s)
        self._give_up()
        if now_s - self._told_s >= TELL_S:
            self._told_s = now_s
            self._tell()

    def _tell(self) -> None:
        """Leave how things stand in the folder, for whoever looks from outside."""
        path = self._folder / STATE_FILE
        fresh = path.with_suffix(".new")
        fresh.write_text(json.dumps(self.state().to_json(), sort_keys=True), encoding="utf-8")
        fresh.replace(path)

    def _give_up(self) -> None:
        """What becomes of requests that only engines which keep dying could answer. Raises EnginesGivenUpError."""
        ready = {each.name for each in self._core.members.views() if each.status == "ready"}
        hopeless: list[str] = []
        for running in self._crew:
            running.is_on_trial = running.is_on_trial and running.planned.name not in ready
            hopeless += [running.planned.name] if running.is_hopeless and not running.is_leaving else []
        if not hopeless and not self._core.members.given_up:
            return
        left = [serves for name, serves in self._steering.expected().items() if name not in hopeless]
        if self.retry_s is None:
            if any(not any(each.has_model(model) for each in left) for model in self._core.waiting_models):
                raise EnginesGivenUpError(hopeless)
            return
        if not left and all(running.child.has_given_up for running in self._crew):
            raise EnginesGivenUpError(hopeless, "every engine keeps dying")
        nobodys = [model for model in self._steering.models if not any(each.has_model(model) for each in left)]
        self.dispatcher.give_up(nobodys)
