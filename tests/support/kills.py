"""Runs that are killed at chosen moments, and resumed until they end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgpack
import zmq

from tests.support.runs import ROOT, asking, command, patience_s

HELPERS = ("hub", "behavioural-0")
NODES = ("services", "agents-1", "launcher")


@dataclass
class Life:
    """What became of one process tree."""

    victim: str
    code: int
    killed: bool
    err: str = ""


@dataclass
class LiveRun:
    """A run under way, followed through the hub like any outsider would."""

    folder: Path
    process: subprocess.Popen[str]
    lives: list[Life] = field(default_factory=list)

    def live(self) -> dict[str, Any]:
        """`.live/run.json`."""
        return dict(json.loads((self.folder / ".live" / "run.json").read_text()))

    def kill_after(self, victim: str, events: int, *, timeout_ms: int = 20_000) -> bool:
        """Kill one process with -9 once so many events were published. False if the run ended before."""
        assert self.process.stdout is not None
        while not (line := self.process.stdout.readline()).startswith("metrics"):
            if not line:
                return False
        info = self.live()
        context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        socket = context.socket(zmq.SUB)
        socket.linger, socket.rcvtimeo = 0, timeout_ms
        socket.connect(info["endpoints"]["events"])
        socket.subscribe(b"event.")
        try:
            while True:
                _, payload = socket.recv_multipart()
                event = msgpack.unpackb(payload)
                if event["kind"] == "run.ended/1":
                    return False
                if event["seq"] >= events:
                    os.kill(self.live()["pids"][victim], signal.SIGKILL)
                    return True
        except (zmq.Again, FileNotFoundError, ProcessLookupError):
            return False
        finally:
            socket.close()
            context.term()


def start(folder: Path, *arguments: str, executes: bool = False) -> LiveRun:
    """Start a run in processes of its own."""
    process = subprocess.Popen(
        command("run", "--output", folder, "--metrics-port", "0", *asking(*arguments, executes=executes)),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    return LiveRun(folder, process)


def live_through(folder: Path, kills: list[tuple[str, int]], *arguments: str, executes: bool = False) -> list[Life]:
    """Start a run, kill `(victim, after events)` one life after another, resume, and return all lives."""
    lives: list[Life] = []
    resume: tuple[str, ...] = ()
    for victim, events in [*kills, ("", 0)]:
        running = start(folder, *arguments, *resume, executes=executes)
        killed = bool(victim) and running.kill_after(victim, events)
        _, err = running.process.communicate(timeout=patience_s(executes=executes))
        lives.append(Life(victim, running.process.returncode, killed, err))
        resume = ("--resume",)
        if not victim:
            break
    return lives
