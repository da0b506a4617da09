"""Floods of rubbish, wrong tokens, other users: the run does not notice, the hub counts them and stays small."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import msgpack
import psutil
import pytest
import zmq

from brokers.hub.core import MAX_MESSAGE_BYTES, MAX_REQUEST_BYTES
from tests.support.live import Running, events, running
from tests.support.runs import artifacts, digest, run

SIX = ("--sprints", "6", "--seed", "7")
REASONS = (
    "bad_head",
    "bad_value",
    "framing",
    "malformed",
    "missing_field",
    "subscription",
    "too_large",
    "unauthorized",
    "unknown_command",
    "unknown_field",
    "unsupported_version",
)
MOST_GROWTH_BYTES = 24 * 1024 * 1024  # of the hub, under all of it


@pytest.fixture(scope="module")
def six_sprints(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("six") / "run"
    run(folder, *SIX, "--nodes", "1")
    return folder


def rubbish(token: str) -> list[list[bytes]]:
    """One multipart of each kind of wrong."""
    head = {"v": 1, "token": token, "client": "c", "id": "1", "command": "status"}
    maps: list[Any] = [
        {**head, "token": "x" * len(token)},
        {key: value for key, value in head.items() if key != "token"},
        {**head, "token": None},
        {**head, "v": 2},
        {**head, "v": "1"},
        {**head, "client": ""},
        {**head, "id": 7},
        {**head, "command": "halt"},
        {**head, "command": ["stop"]},
        {**head, "colour": "red"},
        {**head, "command": "crash"},
        {**head, "command": "crash", "actor": "nobody"},
        {**head, "command": "inject", "disturbance": {"type": "rain"}},
        {**head, "command": "inject", "disturbance": {"type": "flaky_test"}, "at_us": -1},
        {**head, "command": "inject", "disturbance": {"type": "flaky_test"}, "at_us": 1.5},
        {**head, "command": "step", "windows": 0},
        {"a": {"b": {"c": {"d": [[[[[[]]]]]]}}}},
        ["not", "a", "map"],
        "text",
        None,
        {1: 2},
    ]
    payloads = [msgpack.packb(one) for one in maps]
    payloads += [b"", b"\xc1", b"\xdf\xff\xff\xff\xff", b"\xff" * 512, b"\xc6\xff\xff\xff\xff", b"\x81" * 400]
    payloads += [msgpack.packb(head)[:-3], b"x" * (MAX_REQUEST_BYTES + 1)]
    framings = [[b"no delimiter"], [b"", b"a", b"b"], [b""] * 40, [b"x", msgpack.packb(head)]]
    return [[b"", payload] for payload in payloads] + framings


class Flood:
    """Clients that send rubbish as fast as the hub takes it, each round some of every kind."""

    def __init__(self, run: Running) -> None:
        self._run, self._rubbish = run, rubbish(run.live["token"])
        self._talkers = [self._socket(zmq.DEALER, "clients") for _ in range(3)]
        self._listener = self._socket(zmq.XSUB, "events")
        self.sent = 0

    def _socket(self, kind: int, endpoint: str) -> zmq.Socket[Any]:
        made = self._run.context.socket(kind)
        made.linger = 0
        made.connect(self._run.live["endpoints"][endpoint])
        return made

    def round(self) -> None:
        for talker in self._talkers:
            for frames in self._rubbish:
                self._offer(talker, frames)
            while talker.poll(0):
                talker.recv_multipart()
        for wish in (b"\x01" + b"t" * 300, b"\x01\xff\xfe", b"\x02odd", b"", b"\x01event."):
            self._offer(self._listener, [wish])
        while self._listener.poll(0):
            self._listener.recv_multipart()
        self._cut_off()
        self._not_zeromq()

    def _offer(self, to: zmq.Socket[Any], frames: list[bytes]) -> None:
        if to.poll(1000, zmq.POLLOUT):
            to.send_multipart(frames)
            self.sent += 1

    def _cut_off(self) -> None:
        """A message above the limit of the socket; the hub ends the connection."""
        brute = self._socket(zmq.DEALER, "clients")
        self._offer(brute, [b"", b"x" * (MAX_MESSAGE_BYTES + 1)])
        brute.close(0)

    def _not_zeromq(self) -> None:
        """Bytes that are no ZeroMQ at all, and a connection that says nothing and leaves."""
        for words in (b"GET / HTTP/1.1\r\n\r\n" * 50, b"\xff" * 64 + b"\x7f" * 4096, b""):
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as plain:
                plain.settimeout(5)
                plain.connect(self._run.live["endpoints"]["clients"].removeprefix("ipc://"))
                with suppress(BrokenPipeError, ConnectionResetError):  # it was shown the door already
                    plain.sendall(words)

    def last(self, seconds: float) -> None:
        until_s = time.monotonic() + seconds
        while time.monotonic() < until_s:
            self.round()


def endures(six_sprints: Path, folder: Path, *, seconds: float) -> None:
    with running(folder, *SIX, "--nodes", "2", "--paused", "--hold", "90") as run:
        client = run.client("honest")
        hub = psutil.Process(json.loads((folder / ".live" / "run.json").read_text())["pids"]["hub"])
        ended = run.subscribe(b"event.run.ended/1")
        flood = Flood(run)
        flood.last(0.3)
        before = hub.memory_info().rss
        client.ask("resume")
        flood.last(seconds)
        ended.recv_multipart()
        growth = hub.memory_info().rss - before
        metrics = run.metrics()
        counted = {dict(labels)["reason"]: n for (name, labels), n in metrics.items() if name == "hub_refused_total"}
        assert hub.pid == json.loads((folder / ".live" / "run.json").read_text())["pids"]["hub"], "never restarted"
        assert client.ask("stop")["ok"]
        done = run.finish()

    assert done.code == 0, done.err
    assert digest(folder) == digest(six_sprints)
    assert artifacts(folder) == artifacts(six_sprints)
    assert {reason: counted.get(reason, 0) > 0 for reason in REASONS} == dict.fromkeys(REASONS, True), counted
    assert sum(counted.values()) > flood.sent / 4, "most of it arrived, and was counted"
    assert growth < MOST_GROWTH_BYTES, f"{growth} bytes after {flood.sent} messages"


def test_a_run_under_a_flood_of_rubbish_ends_as_if_nobody_had_been_there(six_sprints: Path, tmp_path: Path) -> None:
    endures(six_sprints, tmp_path / "run", seconds=2)


@pytest.mark.soak
@pytest.mark.timeout(600)
def test_ten_seconds_of_rubbish_change_nothing_either(six_sprints: Path, tmp_path: Path) -> None:
    endures(six_sprints, tmp_path / "run", seconds=10)


@contextmanager
def public_folder() -> Iterator[Path]:
    """A folder that every user may enter, so that only our own permissions protect what is in it."""
    folder = Path(tempfile.mkdtemp(prefix="scrum-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="module")
def paused_run() -> Iterator[Running]:
    with public_folder() as folder, running(folder / "run", "--nodes", "2", "--paused", "--sprints", "1") as run:
        run.client()
        yield run


WRONG_TOKENS: dict[str, dict[str, Any]] = {
    "none": {},
    "empty": {"token": ""},
    "wrong": {"token": "wrong"},
    "endless": {"token": "x" * 4000},
    "a number": {"token": 0},
}


@pytest.mark.parametrize("name", WRONG_TOKENS)
def test_without_the_token_nothing_is_done(paused_run: Running, name: str) -> None:
    client = paused_run.connect()
    client.send_map({"v": 1, "client": "c", "id": name, "command": "stop", **WRONG_TOKENS[name]})

    assert client.receive()["error"] == "unauthorized"
    assert paused_run.client().ask("status")["paused"]
    assert paused_run.process.poll() is None


# Runs as root, becomes nobody, and says what it got hold of.
_INTRUDER = """
import json, os, socket, sys
sockets, run_folder, pids, names = sys.argv[1], sys.argv[2], json.loads(sys.argv[3]), json.loads(sys.argv[4])
os.setgroups([]); os.setgid(65534); os.setuid(65534)
got = []
for name in names:
    try:
        socket.socket(socket.AF_UNIX).connect(sockets + '/' + name)
        got.append(name)
    except PermissionError:
        pass
try:
    got += os.listdir(sockets)
except PermissionError:
    pass
os.listdir(run_folder)  # this one is open to everybody
try:
    got.append(open(run_folder + '/.live/run.json').read())
except PermissionError:
    pass
seen = ''.join(open(f'/proc/{pid}/cmdline').read() for pid in pids)
print(json.dumps({'got': got, 'seen': seen}))
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_another_local_user_neither_connects_nor_learns_the_token(paused_run: Running) -> None:
    live = json.loads((paused_run.folder / ".live" / "run.json").read_text())
    names = sorted(path.name for path in Path(live["sockets"]).iterdir())
    pids = list(live["pids"].values())
    intruder = subprocess.run(
        [sys.executable, "-c", _INTRUDER, live["sockets"], str(paused_run.folder), json.dumps(pids), json.dumps(names)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert intruder.returncode == 0, intruder.stderr
    assert {"clients", "events", "feed", "services.sock"} <= set(names)
    found = json.loads(intruder.stdout)
    assert found["got"] == []
    assert live["token"] not in found["seen"]
    assert Path(live["sockets"]).stat().st_mode & 0o777 == 0o700


def test_nothing_but_unix_sockets_and_loopback_listens(paused_run: Running) -> None:
    live = json.loads((paused_run.folder / ".live" / "run.json").read_text())
    listening = [
        connection.laddr.ip
        for pid in live["pids"].values()
        for connection in psutil.Process(pid).net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    ]

    assert set(listening) == {"127.0.0.1"}
    assert not events(paused_run.folder, "run.ended/1")
