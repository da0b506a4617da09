from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgpack
import pytest
import zmq

from brokers.hub.live import LiveDirectory, listen_on
from brokers.processes import start_child, stop_children
from tests.brokers.hub.scripted_run import ScriptedRun

WITHIN_MS = 20_000  # a safety net, never the thing waited for


def until(condition: Callable[[], bool]) -> None:
    """Ask until it is so; fails where it never is."""
    deadline = time.monotonic() + WITHIN_MS / 1000
    while not condition():
        assert time.monotonic() < deadline, "it never came to be"


class HubProcess:
    """A hub in a process of its own, as the launcher starts it; `restart` after `kill` keeps port and endpoints."""

    def __init__(self, run_folder: Path, runtime_folder: Path) -> None:
        self.run_folder = run_folder
        self.live = LiveDirectory(run_folder, runtime_folder=runtime_folder)
        self.listening = listen_on(0)
        self.port: int = self.listening.getsockname()[1]
        self.child = self._start()

    def kill(self) -> None:
        self.child.kill()
        self.child.wait()
        self._close_pipe()

    def restart(self) -> None:
        self.child = self._start()

    def stop(self) -> int:
        status = stop_children([self.child])[0]
        self._close_pipe()
        return status

    def _start(self) -> subprocess.Popen[bytes]:
        self.live.write(pids={"launcher": 1}, metrics_port=self.port, run_name="test")
        handle = self.listening.fileno()
        argv = [sys.executable, "-m", "brokers.hub", "--live", str(self.live.folder), "--http-fd", str(handle)]
        child = start_child(argv, stdout=subprocess.PIPE, pass_fds=[handle])
        assert child.stdout is not None
        assert child.stdout.readline().startswith(b"hub: ready")
        return child

    def _close_pipe(self) -> None:
        if self.child.stdout is not None:
            self.child.stdout.close()


class Client:
    """A plain ZeroMQ client."""

    def __init__(self, context: zmq.Context[Any], endpoint: str, token: str, name: str = "tester") -> None:
        self.socket: zmq.Socket[Any] = context.socket(zmq.DEALER)
        self.socket.linger = 0
        self.socket.connect(endpoint)
        self._token, self._name, self._count = token, name, 0

    def send(self, command: str, *, id: str | None = None, **fields: Any) -> None:  # noqa: A002
        self._count += 1
        head = {"v": 1, "token": self._token, "client": self._name, "id": id or f"{self._name}-{self._count}"}
        self.send_map({**head, "command": command, **fields})

    def send_map(self, fields: Any) -> None:
        self.socket.send_multipart([b"", msgpack.packb(fields)])

    def receive(self) -> dict[str, Any]:
        assert self.socket.poll(WITHIN_MS), "no answer"
        empty, payload = self.socket.recv_multipart()
        assert empty == b""
        answer = msgpack.unpackb(payload)
        assert isinstance(answer, dict)
        return answer

    def ask(self, command: str, **fields: Any) -> dict[str, Any]:
        self.send(command, **fields)
        return self.receive()

    def ask_until_connected(self, command: str, **fields: Any) -> dict[str, Any]:
        """Ask again while no simulation has said hello to this hub yet."""
        answers: list[dict[str, Any]] = []

        def is_connected() -> bool:
            answers[:] = [self.ask(command, **fields)]
            return answers[0].get("error") != "unavailable"

        until(is_connected)
        return answers[0]


@pytest.fixture
def context() -> Iterator[zmq.Context[Any]]:
    context: zmq.Context[Any] = zmq.Context()
    yield context
    context.destroy(linger=0)


@pytest.fixture
def hub(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubProcess]:
    run_folder = tmp_path / "run"
    run_folder.mkdir()
    hub = HubProcess(run_folder, tmp_path)
    yield hub
    hub.stop()
    hub.listening.close()
    hub.live.remove()
    assert [entry.name for entry in tmp_path.iterdir()] == ["run"], "sockets were left behind"


@pytest.fixture
def run(hub: HubProcess) -> Iterator[ScriptedRun]:
    with ScriptedRun(hub.live.endpoints.feed) as run:
        yield run


@pytest.fixture
def client(hub: HubProcess, run: ScriptedRun, context: zmq.Context[Any]) -> Client:
    client = Client(context, hub.live.endpoints.clients[0], hub.live.token)
    client.ask_until_connected("status")
    return client
