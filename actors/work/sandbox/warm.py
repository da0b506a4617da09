"""A warm interpreter seen from the judge's side: start it, let it start candidates, end it."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

from actors.work.sandbox import wire
from actors.work.sandbox.caps import Caps
from actors.work.sandbox.channel import Channel, TurnEndedError, wait_for
from actors.work.sandbox.errors import InfrastructureError
from actors.work.sandbox.limits import Limits
from actors.work.sandbox.watching import Patience, descendants

ROOT = Path(__file__).resolve().parents[3]
BOOT = "import sys; sys.path.insert(0, sys.argv[2]); from actors.work.sandbox.inside.zygote import main; main()"
FLAGS = (
    "-S",
    "-s",
    "-B",
    "-P",
    "-X",
    "utf8",
)  # no site: no .pth, no sitecustomize; no folder of the caller on the path
START_S = 60.0
Work = Literal["calls", "tests"]


class Warm:
    """One zygote and, at times, one candidate of it."""

    def __init__(self, settings: dict[str, Any], limits: Limits, caps: Caps, hash_seed: int = 0) -> None:
        self.limits = limits
        self._caps = caps
        self._control, theirs = socket.socketpair()
        environment = {
            "PYTHONHASHSEED": str(hash_seed),
            "TZ": "UTC",
            "LC_ALL": "C.UTF-8",
            "LANG": "C.UTF-8",
            "PATH": "/usr/bin:/bin",
            "HOME": "/nonexistent",
            "COLUMNS": "120",
            "TMPDIR": settings["tmp"],
        }
        command = [str(Path(sys.executable).resolve()), *FLAGS, "-c", BOOT, str(theirs.fileno()), str(ROOT)]
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter with our own code
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=environment,
                cwd="/",
                pass_fds=[theirs.fileno()],
            )
        self._say({**settings, "limits": asdict(limits)})
        self._is_running = False
        started = self._hear()
        if "ready" not in started:
            self.close()
            raise InfrastructureError(f"the warm interpreter did not start: {started.get('failed', 'it ended')}")

    @property
    def control(self) -> socket.socket:
        """Speaks when the candidate has ended."""
        return self._control

    def watch(self, cpu_s: float) -> Patience:
        """Begin to watch a turn."""
        return Patience(self._process.pid, self.limits, cpu_s)

    def start(self, work: Work, project: dict[str, Any], cpu_total_s: int, most_bytes: int) -> Channel:
        """Start a candidate with a project in place and return the line to it.

        Raises:
            InfrastructureError: It could not be confined or started.
        """
        channel = Channel(most_bytes)
        self._say({"do": "start", "work": work, "cpu_total_s": cpu_total_s}, [channel.theirs.fileno()])
        channel.give_away()
        answer = self._hear()
        if "pid" not in answer:
            raise InfrastructureError(f"no candidate could be started: {answer.get('failed', 'the interpreter ended')}")
        self._is_running = True
        self._caps.enclose(self._host_pid(answer["pid"]))
        self._caps.take_kills()  # what an earlier candidate came to is no matter of this one
        try:
            watch = self.watch(START_S)
            with contextlib.suppress(TurnEndedError):  # then its last word says why
                channel.send(project, watch)
            first = channel.receive(watch, self._control)
        except TurnEndedError as error:
            first = {"failed": error.why}
        if "ready" not in first:
            self.stop(channel)
            raise InfrastructureError(f"no candidate could be confined: {first.get('failed')}")
        return channel

    def stop(self, channel: Channel) -> int:
        """End the candidate with all it started; return its exit status (negative: the signal that ended it)."""
        if not self._is_running:
            return 0
        self._say({"do": "stop"})
        channel.close()
        ended = self._hear()
        self._is_running = False
        return int(ended.get("status", 0))

    def ran_out_of_memory(self) -> bool:
        """Whether the kernel ended something in the candidate's group since the last question."""
        return self._caps.take_kills() > 0

    def close(self) -> None:
        """End the interpreter and whatever it runs."""
        self._control.close()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _host_pid(self, pid: int) -> int:
        """The candidate's number on this host; a zygote without root's rights counts in a namespace of its own."""
        below = descendants(self._process.pid)
        return pid if pid in below or not below else below[-1]

    def _say(self, message: dict[str, Any], descriptors: list[int] | None = None) -> None:
        try:
            wire.send(self._control, message, descriptors or ())
        except OSError as error:
            raise InfrastructureError("the warm interpreter is gone") from error

    def _hear(self) -> dict[str, Any]:
        try:
            if not wait_for(START_S, self._control):
                raise InfrastructureError("the warm interpreter does not answer")
            return wire.receive(self._control)[0]
        except (wire.ClosedError, OSError) as error:
            raise InfrastructureError("the warm interpreter is gone") from error
