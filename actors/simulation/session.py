"""One life of a run, in the process that holds clock and services: from the journal to the final report."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import Any

import zmq

from actors.policy.engine import BehaviouralEngine, build_registry
from actors.reporting.artifact_folder import SCRATCH
from actors.roles.judging import Listener
from actors.services.recorder import Close, Recorder
from actors.simulation.cast import Cast, assemble
from actors.simulation.gates import InterruptedRunError, RunGate
from actors.simulation.inputs import RunInputs, code_digest
from actors.simulation.judges import TEXT_ENGINES, TEXT_POOL
from actors.simulation.layout import SERVICES, Assignment
from actors.simulation.model_pool import FOLDER, pool_of
from actors.simulation.outside import Outside, connect_hub
from actors.simulation.pool_books import BookedPool
from actors.simulation.pool_watch import PoolWatch
from actors.simulation.recorder_feed import RecorderFeed
from actors.simulation.run_adapters import loads_of, slots_of
from actors.simulation.workspaces import rebuild_workspaces, show_workspaces, work_plan
from actors.work import engine as work_engine
from brokers.clock.conductor import Conductor
from brokers.clock.effects import EffectDesk, Executor, JournalEndedError, NoExecutor
from brokers.clock.members import NODE, RemoteMember, control
from brokers.clock.messages import PeerAt, Welcome
from brokers.clock.routing import RoutedExecutor
from brokers.clock.waiting import Waiter
from brokers.journal.errors import DivergedError
from brokers.journal.journal import Journal
from brokers.links.zmq_links import Inbox, OutLink
from brokers.node.actor import hosting
from brokers.node.pool import Pool
from inference.engines.loading import load_engine
from inference.measured import without_measures
from inference.pool.dispatcher import PoolDispatcher
from inference.pool.embedded import EmbeddedPool
from inference.pool.hosted import HostedText
from inference.pool.running import MEND_S
from inference.pool.state import Serves
from inference.pool.versioned import VersionedPool
from inference.text import GenerateText, ServedText
from inference.waking import StopSignal


class CodeChangedError(Exception):
    """Raised when a journal was written by other code: the same log cannot be promised."""

    def __init__(self, was: str, now: str) -> None:
        super().__init__(
            f"this run was recorded by other code ({was[:12]}, now {now[:12]}); "
            "--allow-code-change replays it up to the first differing event"
        )


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a life of a run ended."""

    report: dict[str, Any]
    replayed: int  # rows that were compared with an earlier life
    rows: int
    is_finished: bool = True


Say = Callable[[dict[str, Any]], None]


class Session:
    """Builds and runs everything of the services node.

    `say` gets `{"ready": True}` once outsiders are served, and `{"progress": …}` maps; `stop` ends the run early;
    `listener` hears every judgement, in a replay too.
    """

    def __init__(
        self, assignment: Assignment, *, say: Say, stop: StopSignal | None = None, listener: Listener | None = None
    ) -> None:
        self._assignment, self._say, self._stop, self._listener = assignment, say, stop, listener
        self._stack = ExitStack()
        self._context: zmq.Context[Any] = zmq.Context()
        self._waiter = Waiter()
        self._watch: PoolWatch | None = None  # of the pool of a run that asks several models

    def run(self) -> Outcome:
        """Raises DivergedError, CodeChangedError, NodeError, ClockError, JournalError, InterruptedRunError."""
        with self._stack as stack:
            journal = stack.enter_context(Journal.open(self._assignment.run_folder / "run.sqlite"))
            stack.callback(self._context.term)
            stack.callback(shutil.rmtree, self._assignment.run_folder / SCRATCH, ignore_errors=True)
            inputs = RunInputs.from_files(journal.inputs())
            if inputs.code != (now := code_digest()) and not self._assignment.allow_code_change:
                raise CodeChangedError(inputs.code, now)
            sprints = int(journal.get_state("sprints") or inputs.config.simulation.sprints)
            try:
                return self._live(journal, inputs, assemble(inputs, sprints=sprints, listener=self._listener))
            except InterruptedRunError:
                journal.commit()
                raise
            except JournalEndedError as ended:
                return _replayed_so_far(journal, ended)

    def _live(self, journal: Journal, inputs: RunInputs, cast: Cast) -> Outcome:
        recorder = self._start_recorder(cast)
        self._stack.callback(recorder.stop)  # before its thread ends, or it stays in the registry of actors
        gate = self._gate(inputs, cast, is_over=journal.get_state("finished") == "yes")
        conductor = self._conductor(journal, cast, gate)
        feed = RecorderFeed(recorder, conductor.waiting_letters)
        hub = connect_hub(self._context, self._assignment.hub_endpoint)
        if hub is not None:
            self._stack.callback(hub.close)
        outside = Outside(cast=cast, journal=journal, gate=gate, feed=feed, hub=hub, say=self._say, pool=self._watch)
        outside.open(conductor)
        self._say({"ready": True})
        conductor.run(outside)
        conductor.dismiss()
        return self._finish(journal, feed, outside)

    def _start_recorder(self, cast: Cast) -> Any:
        pool = Pool(1)
        self._stack.callback(pool.close)
        token = hosting.set(pool)
        folder = self._assignment.run_folder
        if self._assignment.replay:  # a replay that differs must not touch the artifacts of the run
            folder = folder / SCRATCH / "replay"
            folder.mkdir(parents=True, exist_ok=True)
        try:
            return Recorder.start(folder, cast.info, sprints=cast.sprints)
        finally:
            hosting.reset(token)

    def _gate(self, inputs: RunInputs, cast: Cast, *, is_over: bool) -> RunGate:
        """Nothing of a run that is over is held up, not even what comes after its last row."""
        return RunGate.of(
            cast.calendar,
            sprint_minutes=inputs.config.experiment.sprint_duration_minutes,
            paced=self._assignment.paced and not is_over,
            paused=self._assignment.paused and not is_over,
        )

    def _conductor(self, journal: Journal, cast: Cast, gate: RunGate) -> Conductor:
        layout = self._assignment.layout
        partition = cast.partition(layout, SERVICES)
        codec = cast.codec(partition)
        links = {name: OutLink(self._context, self._assignment.endpoint(name), 0) for name in layout.names[1:]}
        for link in links.values():
            self._stack.callback(link.close)
        if self._stop is not None:
            self._waiter.add(self._stop.fileno(), _interrupt)
        conductor = Conductor(
            name=SERVICES,
            partition=partition,
            registry=cast.registry,
            codec=codec,
            journal=journal,
            desk=EffectDesk(journal, self._executor(journal, cast), seed=cast.seed, of_use=without_measures()),
            link_delay_us=cast.link_delay_us,
            remotes={name: RemoteMember(link, codec, SERVICES) for name, link in links.items()},
            where=cast.elsewhere(layout, SERVICES),
            gate=gate,
            waiter=self._waiter,
            islands=() if links else cast.islands,
        )
        if links:
            self._meet(conductor, cast, links)
        return conductor

    def _executor(self, journal: Journal, cast: Cast) -> Executor:
        if self._assignment.replay:
            return NoExecutor()
        if cast.executes:
            rebuild_workspaces(journal.path, self._assignment.run_folder, cast.info.teams)
            self._stack.callback(show_workspaces, self._assignment.run_folder, cast.info.teams)
        if self._assignment.nodes == 1:
            decisions: Executor = EmbeddedPool(BehaviouralEngine(cast.seed, cast.calibration), build_registry())
        else:
            decisions = self._dispatcher("pool")
        routes: dict[str, Executor] = {}
        if cast.executes:
            routes["work"] = self._work_executor(cast)
        if cast.model_server is not None:
            routes[GenerateText.KIND] = self._text_executor(cast.model_engine, cast.model_server)
        return RoutedExecutor(routes, otherwise=decisions) if routes else decisions

    def _text_executor(self, engine: str, plan: dict[str, Any]) -> Executor:
        if engine == "pool":
            return self._pool_executor(self._assignment.model_server or plan)
        served = load_engine(TEXT_ENGINES[engine], self._assignment.model_server or plan)
        assert isinstance(served, ServedText), "the builder of a text engine"
        if self._assignment.nodes > 1:
            dispatcher = self._dispatcher(TEXT_POOL)
            dispatcher.expect({f"{TEXT_POOL}-0": Serves(served.models)})  # another model is refused, not waited for
            return dispatcher
        hosted = HostedText(self._context, self._assignment.endpoint(TEXT_POOL), served)
        self._stack.callback(hosted.close)
        return hosted

    def _pool_executor(self, plan: dict[str, Any]) -> Executor:
        folder = self._assignment.run_folder / "logs" / FOLDER
        pool = pool_of(plan, folder)
        self._stack.callback(pool.close)
        pool.start()
        booked = BookedPool(pool, folder)
        self._stack.callback(booked.close)
        self._watch = PoolWatch(pool, self._say)
        versioned = VersionedPool(pool, booked, loads_of(plan), slots_of(plan))
        self._waiter.every(MEND_S, versioned.tend)
        return versioned

    def _work_executor(self, cast: Cast) -> Executor:
        if self._assignment.nodes > 1:
            return self._dispatcher("work")
        served = work_engine.build(work_plan(self._assignment.run_folder, cast.info.teams, cast.code))
        served.engine.start()
        self._stack.callback(served.engine.close)
        return EmbeddedPool(served.engine, served.registry)

    def _dispatcher(self, name: str) -> PoolDispatcher:
        dispatcher = PoolDispatcher(self._context, self._assignment.endpoint(name))
        self._stack.callback(dispatcher.close)
        return dispatcher

    def _meet(self, conductor: Conductor, cast: Cast, links: dict[str, OutLink]) -> None:
        """Wait for the other nodes, then tell everybody where everybody is."""
        layout = self._assignment.layout
        inbox = Inbox(self._context, self._assignment.endpoint(SERVICES))
        self._stack.callback(inbox.close)
        conductor.listen(inbox)
        conductor.meet(len(links))
        peers = tuple(
            PeerAt(
                node=name,
                endpoint=self._assignment.endpoint(name),
                actors=layout.residents(name, cast.factories),
            )
            for name in layout.names
        )
        for link in links.values():
            link.send(control(conductor.codec, NODE, Welcome(peers=peers)))
            link.flush()

    def _finish(self, journal: Journal, feed: RecorderFeed, outside: Outside) -> Outcome:
        if journal.count() < journal.stored_count():
            raise DivergedError(journal.count() + 1, "end of the run", "more rows", "(nothing)")
        digest = journal.digest()
        report: dict[str, Any] = feed.ask(Close(digest))
        journal.set_state("digest", digest)
        journal.set_state("finished", "yes")
        journal.commit()
        outside.finished()
        if self._assignment.hold_s:
            with suppress(InterruptedRunError):  # the run is finished and written: stopping now only ends the waiting
                outside.hold(self._assignment.hold_s)
        return Outcome(report=report, replayed=outside.replayed, rows=journal.count())


def _replayed_so_far(journal: Journal, ended: JournalEndedError) -> Outcome:
    """A run that was never finished is replayed as far as it got."""
    if journal.get_state("finished") == "yes" or journal.count() < journal.stored_count():
        raise DivergedError(journal.count() + 1, f"effect {ended.ticket}", "(not asked)", "(asked)") from ended
    return Outcome(report={}, replayed=journal.stored_count(), rows=journal.stored_count(), is_finished=False)


def _interrupt() -> None:
    raise InterruptedRunError
