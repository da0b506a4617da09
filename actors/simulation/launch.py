"""Starts the processes of a run and watches over them: the composition root of `run`, `replay` and `fork`.

A hub or an engine that dies is started again and the run goes on. A simulation node that dies ends this life of the
run: all others are stopped and the journal is left as it is, ready for `--resume`.
"""

from __future__ import annotations

import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from actors.simulation.exit_codes import ExitCode
from actors.simulation.failures import exit_code_of, sentence_of
from actors.simulation.folders import JOURNAL, held
from actors.simulation.hub_thread import HubThread
from actors.simulation.inputs import RunInputs
from actors.simulation.judges import TEXT_ENGINES, TEXT_POOL, server_plan
from actors.simulation.layout import SERVICES, Assignment
from actors.simulation.session import Session
from actors.simulation.workspaces import work_plan
from brokers.hub.live import LiveDirectory, listen_on
from brokers.journal.reader import JournalReader
from brokers.processes import RestartPolicy, SupervisedChild, start_child, stop_children
from config.environment import runtime_folder
from inference.waking import StopSignal

POLL_S = 0.05
GRACE_S = 10.0  # a node that was told to stop commits first
ENGINE = "behavioural-0"
TEXT = "text-0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """How a run is to be run; nothing of it shows in the log."""

    nodes: int = 2
    paced: bool = False
    paused: bool = False
    metrics_port: int = 8080
    hold_s: float = 0.0
    replay: bool = False
    allow_code_change: bool = False
    model_server: dict[str, Any] | None = None  # where the server of a model is, if no longer where the journal says


@dataclass(frozen=True, slots=True)
class Ended:
    """How it ended."""

    code: ExitCode
    error: str = ""
    replayed: int = 0
    rows: int = 0
    is_finished: bool = True


Show = Callable[[dict[str, Any]], None]


def launch(folder: Path, wishes: Wishes, show: Show) -> Ended:
    """Run the journal in `folder` to its end, or until something ends it. `show` gets progress maps.

    Raises FolderError where another launcher is at it, LiveError where it cannot be made reachable.
    """
    with ExitStack() as stack:
        stack.enter_context(held(folder))
        if wishes.replay:
            assignment = _assignment(folder, folder, wishes, hub=None)
            return _run_here(replace(assignment, nodes=1), show)
        live = LiveDirectory(folder, runtime_folder=runtime_folder())
        stack.callback(live.remove)
        listening = listen_on(wishes.metrics_port)
        stack.callback(listening.close)
        port = listening.getsockname()[1]
        assignment = _assignment(folder, live.sockets, wishes, hub=live.endpoints.feed)
        if wishes.nodes == 1:
            hub = HubThread(live.token, live.endpoints, listening)
            stack.callback(hub.close)
            live.write(pids={"launcher": os.getpid()}, metrics_port=port, run_name=folder.name)

            def take(line: dict[str, Any]) -> None:
                if "engines" in line:
                    pids = {"launcher": os.getpid(), **line["engines"]}
                    live.write(pids=pids, metrics_port=port, run_name=folder.name)
                show(_with_url(line, port))

            return _run_here(assignment, take)
        return _Launcher(assignment, live, listening, show).run()


def _assignment(folder: Path, sockets: Path, wishes: Wishes, *, hub: str | None) -> Assignment:
    return Assignment(
        folder=str(folder),
        sockets=str(sockets),
        nodes=wishes.nodes,
        node=SERVICES,
        parent=os.getpid(),
        replay=wishes.replay,
        hub_endpoint=hub,
        paced=wishes.paced,
        paused=wishes.paused,
        allow_code_change=wishes.allow_code_change,
        hold_s=wishes.hold_s,
        model_server=wishes.model_server,
    )


def _run_here(assignment: Assignment, show: Show) -> Ended:
    """Everything in this process."""
    stop = StopSignal()
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    stop.set_on(*before)
    try:
        outcome = Session(assignment, say=show, stop=stop).run()
    except Exception as error:
        code = exit_code_of(error)
        if code is ExitCode.FAILED:
            raise
        return Ended(code, sentence_of(error))
    finally:
        signal.set_wakeup_fd(-1)
        for number, handler in before.items():
            signal.signal(number, handler)
        stop.close()
    return Ended(ExitCode.OK, "", outcome.replayed, outcome.rows, outcome.is_finished)


class _Launcher:
    """The processes of one life of a run."""

    def __init__(self, assignment: Assignment, live: LiveDirectory, listening: socket.socket, show: Show) -> None:
        self._assignment, self._live, self._listening, self._show = assignment, live, listening, show
        self._folder = assignment.run_folder
        self._logs = self._folder / "logs"
        self._logs.mkdir(exist_ok=True)
        with JournalReader(self._folder / JOURNAL) as journal:
            self._inputs = RunInputs.from_files(journal.inputs())
        self._nodes: dict[str, subprocess.Popen[bytes]] = {}
        self._helpers: dict[str, SupervisedChild] = {}
        self._engines: dict[str, int] = {}  # processes that the services node started
        self._ended: Ended | None = None
        self._is_interrupted = False
        self._unread = b""

    def run(self) -> Ended:
        """Start everything, watch, and stop everything."""
        before = {number: signal.signal(number, self._interrupt) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            self._start()
            return self._watch()
        finally:
            stop_children([*self._nodes.values()], within_s=GRACE_S)
            stop_children([helper.process for helper in self._helpers.values()])
            for number, handler in before.items():
                signal.signal(number, handler)

    def _interrupt(self, number: int, frame: object) -> None:
        self._is_interrupted = True

    def _start(self) -> None:
        live, port = self._live, self._listening.getsockname()[1]
        live.write(pids={}, metrics_port=port, run_name=self._folder.name)
        os.set_inheritable(self._listening.fileno(), True)
        self._nodes[SERVICES] = self._start_node(SERVICES, "actors.simulation.services_process", subprocess.PIPE)
        for name in self._assignment.layout.names[1:]:
            self._nodes[name] = self._start_node(name, "actors.simulation.node_process", None)
        policy, now_s = RestartPolicy(max_restarts=20), time.monotonic()
        self._helpers["hub"] = SupervisedChild(self._start_hub, policy, now_s=now_s)
        self._helpers[ENGINE] = SupervisedChild(self._start_engine, policy, now_s=now_s)
        if self._inputs.config.asks_model and self._inputs.config.models.engine in TEXT_ENGINES:
            self._helpers[TEXT] = SupervisedChild(self._start_text_engine, policy, now_s=now_s)
        if self._inputs.config.code_generation.mode == "executed":
            for number in range(self._inputs.config.code_generation.workers):
                name = f"work-{number}"
                self._helpers[name] = SupervisedChild(partial(self._start_worker, name), policy, now_s=now_s)
        self._write_pids()

    def _start_node(self, name: str, module: str, stdout: int | None) -> subprocess.Popen[bytes]:
        assignment = replace(self._assignment, node=name)
        return self._start_process(name, ["-m", module, assignment.to_argument()], stdout=stdout)

    def _start_hub(self) -> subprocess.Popen[bytes]:
        fd = self._listening.fileno()
        arguments = ["-m", "brokers.hub", "--live", str(self._live.folder), "--http-fd", str(fd)]
        return self._start_process("hub", [*arguments, "--parent", str(os.getpid())], pass_fds=(fd,))

    def _start_engine(self) -> subprocess.Popen[bytes]:
        inputs = self._inputs
        plan = {"seed": inputs.config.simulation.seed, "calibration": inputs.calibration}
        return self._start_served(ENGINE, "actors.policy.engine:build", plan, "pool")

    def _start_text_engine(self) -> subprocess.Popen[bytes]:
        plan = self._assignment.model_server or server_plan(self._inputs.config)
        return self._start_served(TEXT, TEXT_ENGINES[self._inputs.config.models.engine], plan, TEXT_POOL)

    def _start_worker(self, name: str) -> subprocess.Popen[bytes]:
        """A process that runs tests and git; one request at a time, so that the others take the next."""
        teams = tuple(team.id for team in self._inputs.config.resolved_teams())
        plan = work_plan(self._folder, teams, self._inputs.config.code_generation)
        return self._start_served(name, "actors.work.engine:build", plan, "work", slots=1)

    def _start_served(
        self, name: str, builder: str, plan: dict[str, Any], pool: str, *, slots: int | None = None
    ) -> subprocess.Popen[bytes]:
        path = self._live.folder / f"{name}.json"
        path.write_text(json.dumps(plan), encoding="utf-8")
        arguments = ["-m", "inference.engines", "--engine", builder, "--plan", str(path)]
        where = ["--endpoint", self._assignment.endpoint(pool), "--name", name, "--parent", str(os.getpid())]
        return self._start_process(name, [*arguments, *where, *([] if slots is None else ["--slots", str(slots)])])

    def _start_process(
        self, name: str, arguments: list[str], *, stdout: int | None = None, pass_fds: tuple[int, ...] = ()
    ) -> subprocess.Popen[bytes]:
        with (self._logs / f"{name}.log").open("ab") as log:
            return start_child(
                [sys.executable, *arguments],
                stdout=log if stdout is None else stdout,
                stderr=log,
                pass_fds=pass_fds,
            )

    def _write_pids(self) -> None:
        pids = {name: node.pid for name, node in self._nodes.items()}
        pids |= {name: helper.process.pid for name, helper in self._helpers.items()} | self._engines
        port = self._listening.getsockname()[1]
        self._live.write(pids={"launcher": os.getpid(), **pids}, metrics_port=port, run_name=self._folder.name)

    def _watch(self) -> Ended:
        services = self._nodes[SERVICES]
        assert services.stdout is not None
        os.set_blocking(services.stdout.fileno(), False)
        with selectors.DefaultSelector() as selector:
            selector.register(services.stdout, selectors.EVENT_READ)
            while True:
                if selector.select(POLL_S):
                    self._read(services.stdout.fileno())
                if self._is_interrupted:
                    return self._stop_nodes()
                dead = [name for name, node in self._nodes.items() if node.poll() is not None]
                if SERVICES in dead:
                    self._read(services.stdout.fileno())
                    return self._ended_with(services)
                lost = [name for name in dead if self._nodes[name].returncode]
                if lost:
                    return self._lost(lost[0])
                self._mend()

    def _mend(self) -> None:
        """Start helpers again that died. Too often is a fault of the machine: the run stops, resumable."""
        now_s = time.monotonic()
        for helper in self._helpers.values():
            if helper.check(now_s=now_s):
                self._write_pids()
            if helper.has_given_up:
                self._is_interrupted = True
                self._ended = Ended(ExitCode.RESUMABLE, "a helper process keeps dying; see logs/")

    def _read(self, fd: int) -> None:
        while chunk := _read_some(fd):
            *lines, self._unread = (self._unread + chunk).split(b"\n")
            for line in lines:
                self._take(json.loads(line))

    def _take(self, line: dict[str, Any]) -> None:
        if "error" in line:
            self._ended = self._ended or Ended(ExitCode(line["code"]), line["error"])
        elif "engines" in line:
            self._engines = line["engines"]
            self._write_pids()
        elif "done" in line:
            self._ended = Ended(ExitCode.OK, "", line["done"]["replayed"], line["done"]["rows"])
        else:
            self._show(_with_url(line, self._listening.getsockname()[1]))

    def _ended_with(self, services: subprocess.Popen[bytes]) -> Ended:
        if self._ended is not None:
            return self._ended
        return Ended(ExitCode.RESUMABLE, f"{SERVICES} ended with status {services.returncode}; see logs/")

    def _lost(self, name: str) -> Ended:
        """A node ended. It may have told the clock's node why, which then says it to us."""
        status = self._nodes[name].returncode
        stop_children(self._nodes.values(), within_s=GRACE_S)
        stdout = self._nodes[SERVICES].stdout
        assert stdout is not None
        self._read(stdout.fileno())
        if self._ended is not None and self._ended.code not in (ExitCode.OK, ExitCode.INTERRUPTED):
            return self._ended
        return Ended(ExitCode.RESUMABLE, f"{name} ended with status {status}; see logs/")

    def _stop_nodes(self) -> Ended:
        """Let the clock's node commit first; the others have nothing to keep."""
        stop_children([self._nodes[SERVICES]], within_s=GRACE_S)
        stdout = self._nodes[SERVICES].stdout
        assert stdout is not None
        self._read(stdout.fileno())
        return self._ended or Ended(ExitCode.INTERRUPTED, "stopped; everything so far is in the journal")


def _with_url(line: dict[str, Any], port: int) -> dict[str, Any]:
    """Tell where the metrics are once somebody serves them."""
    return {"metrics_url": f"http://127.0.0.1:{port}/metrics"} if "ready" in line else line


def _read_some(fd: int) -> bytes:
    try:
        return os.read(fd, 65536)
    except BlockingIOError:
        return b""
