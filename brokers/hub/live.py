"""Where a running simulation can be reached: a private folder for sockets, and `.live/` in the run's folder.

<run>/.live/run.json         0600: endpoints, token, pids, where the metrics are
<run>/.live/prometheus.json  scrape target, in the form of Prometheus' file discovery
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from brokers.hub.server import Endpoints

SCHEMA_VERSION = 1
MAX_SOCKET_PATH_BYTES = 107  # of a Unix socket's path on Linux
_PREFIX = "scrummage-"
_RANDOM_CHARS = 8  # that mkdtemp adds
_LONGEST_NAME = "services-000.in"  # room for the sockets of nodes and engines beside the hub's


class LiveError(Exception):
    """Raised when a run cannot be made reachable, or a run's `.live` cannot be read."""


@dataclass(frozen=True, slots=True)
class LiveRun:
    """What `.live/run.json` says."""

    token: str
    endpoints: Endpoints
    metrics_url: str
    pids: Mapping[str, int]


class LiveDirectory:
    """Created by the launcher, removed by it; a new one clears away what a killed launcher left."""

    def __init__(
        self, run_folder: Path, *, runtime_folder: Path | None = None, tcp: tuple[int, int] | None = None
    ) -> None:
        """Make the folders.

        Args:
            run_folder: The run's own folder, which exists.
            runtime_folder: XDG_RUNTIME_DIR, read by the caller; the system's temporary folder where it is None.
            tcp: Loopback ports for clients and events, where outsiders need tcp.
        Raises:
            LiveError: Socket paths would be too long.
        """
        self.folder = run_folder / ".live"
        _remove_leftovers(self.folder)
        self.sockets = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=runtime_folder))
        if len(os.fsencode(self.sockets / _LONGEST_NAME)) > MAX_SOCKET_PATH_BYTES:
            self.sockets.rmdir()
            raise LiveError(f"{self.sockets} is too long for sockets: {MAX_SOCKET_PATH_BYTES} bytes with their names")
        self.folder.mkdir(exist_ok=True)
        self.token = secrets.token_urlsafe(24)
        over_tcp = [f"tcp://127.0.0.1:{port}" for port in tcp or ()]
        self.endpoints = Endpoints(
            clients=(self.ipc("clients"), *over_tcp[:1]),
            events=(self.ipc("events"), *over_tcp[1:]),
            feed=self.ipc("feed"),
        )

    def ipc(self, name: str) -> str:
        """The endpoint of a socket in the private folder."""
        return f"ipc://{self.sockets / name}"

    def write(self, *, pids: Mapping[str, int], metrics_port: int, run_name: str) -> None:
        """Write or rewrite both files; whoever reads sees all of the old or all of the new."""
        target = f"127.0.0.1:{metrics_port}"
        run = {
            "schema_version": SCHEMA_VERSION,
            "token": self.token,
            "endpoints": {
                "clients": self.endpoints.clients[0],
                "events": self.endpoints.events[0],
                "feed": self.endpoints.feed,
                "clients_tcp": next(iter(self.endpoints.clients[1:]), None),
                "events_tcp": next(iter(self.endpoints.events[1:]), None),
            },
            "metrics_url": f"http://{target}/metrics",
            "pids": dict(sorted(pids.items())),
            "sockets": str(self.sockets),
        }
        _write(self.folder / "run.json", run, mode=0o600)
        targets = [{"targets": [target], "labels": {"job": "scrummage", "run": run_name}}]
        _write(self.folder / "prometheus.json", targets, mode=0o644)

    def remove(self) -> None:
        """Leave nothing. Does nothing the second time."""
        shutil.rmtree(self.sockets, ignore_errors=True)
        shutil.rmtree(self.folder, ignore_errors=True)


def check_room(runtime_folder: Path | None) -> None:
    """Raises LiveError where the sockets of a run would have too long a path; creates nothing."""
    place = runtime_folder or Path(tempfile.gettempdir())
    longest = place / f"{_PREFIX}{'x' * _RANDOM_CHARS}" / _LONGEST_NAME
    if len(os.fsencode(longest)) > MAX_SOCKET_PATH_BYTES:
        raise LiveError(f"{place} is too long for sockets: {MAX_SOCKET_PATH_BYTES} bytes with their names")


def read_live_run(folder: Path) -> LiveRun:
    """Read `.live/run.json` of a folder `.live`. Raises LiveError."""
    try:
        run = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        if run["schema_version"] != SCHEMA_VERSION:
            raise LiveError(f"{folder} is of schema version {run['schema_version']}, this is {SCHEMA_VERSION}")
        found = run["endpoints"]
        clients = tuple(found[name] for name in ("clients", "clients_tcp") if found[name] is not None)
        events = tuple(found[name] for name in ("events", "events_tcp") if found[name] is not None)
        endpoints = Endpoints(clients=clients, events=events, feed=found["feed"])
        return LiveRun(run["token"], endpoints, run["metrics_url"], run["pids"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise LiveError(f"no run is live in {folder}: {error}") from None


def listen_on(preferred_port: int, *, host: str = "127.0.0.1") -> socket.socket:
    """A listening socket on this port if it is free, on another one otherwise.

    The launcher keeps it and hands it to each hub it starts, so the port outlives a hub.
    """
    for port in (preferred_port, 0):
        listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((host, port))
            listening.listen(64)
        except OSError:
            listening.close()
            if port == 0:
                raise
        else:
            return listening
    raise AssertionError("unreachable: port 0 binds or raises")


def _write(path: Path, content: Any, *, mode: int) -> None:
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
    with os.fdopen(fd, "w", encoding="utf-8") as out:
        os.fchmod(fd, mode)
        json.dump(content, out, indent=2, sort_keys=True)
        out.write("\n")
    draft.replace(path)


def _remove_leftovers(folder: Path) -> None:
    """Remove the sockets folder that an earlier, killed launcher of this run named, and its `.live`."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        sockets = Path(json.loads((folder / "run.json").read_text(encoding="utf-8"))["sockets"])
        if sockets.name.startswith(_PREFIX) and not sockets.is_symlink() and sockets.stat().st_uid == os.getuid():
            shutil.rmtree(sockets, ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)
