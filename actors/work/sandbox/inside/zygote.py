"""A warm interpreter that starts candidates: it forks, waits, sweeps up, and never runs code under test itself.

It serves one judge over one socket. Requests: start (with the candidate's end of a channel), stop. Answers: the process
id of the candidate, and how it ended. When the judge is gone, it ends the candidate and itself.
"""

from __future__ import annotations

import contextlib
import fcntl
import gc
import json
import os
import select
import signal
import socket
import sys
from typing import Any

from actors.work.sandbox.inside import candidate, confinement, kernel
from actors.work.sandbox.wire import ClosedError, receive, send


class Zygote:
    """Starts one candidate at a time."""

    def __init__(self, control: socket.socket, settings: dict[str, Any]) -> None:
        self._control = control
        self._settings = settings
        self._child = 0
        self._bell, self._ringer = socket.socketpair()
        self._ringer.setblocking(False)
        signal.set_wakeup_fd(self._ringer.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)

    def serve(self) -> None:
        """Work until the judge is gone."""
        try:
            while True:
                ready, _, _ = select.select([self._control, self._bell], [], [])
                if self._bell in ready:
                    self._bell.recv(4096)
                    self._reap()
                if self._control in ready:
                    self._handle(*receive(self._control))
        except (ClosedError, OSError):  # the judge ended, perhaps by force
            self._end_child()

    def _handle(self, request: dict[str, Any], descriptors: list[int]) -> None:
        if request["do"] == "stop":
            self._end_child()
            return
        confinement.before_fork(self._settings)
        pid = os.fork()
        if pid == 0:
            self._become_candidate(request, descriptors[0])
        os.close(descriptors[0])
        self._child = pid
        send(self._control, {"pid": pid})

    def _become_candidate(self, request: dict[str, Any], channel: int) -> None:
        """Turn this fork into a candidate; never returns."""
        code = 1
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            os.dup2(channel, candidate.CHANNEL)
            try:
                root = confinement.confine(self._settings, request["cpu_total_s"], keep=candidate.CHANNEL)
                task = json.loads(candidate.take())
                candidate.write_files(task["files"], root)
                candidate.use_project(root, task["source_root"])
            except Exception as error:  # noqa: BLE001 - no foreign code has run; the judge must know
                candidate.give({"failed": f"{type(error).__name__}: {error}"})
                os._exit(1)
            candidate.give({"ready": True})
            run(root, task, request, self._settings)
            code = 0
        finally:
            os._exit(code)

    def _reap(self) -> None:
        """Collect what has ended, and tell the judge when it was the candidate."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid == self._child:
                self._child = 0
                self._sweep(pid)
                send(self._control, {"ended": pid, "status": os.waitstatus_to_exitcode(status)})

    def _end_child(self) -> None:
        if self._child:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._child, signal.SIGKILL)
            pid, status = os.waitpid(self._child, 0)
            self._child = 0
            self._sweep(pid)
            with contextlib.suppress(OSError):
                send(self._control, {"ended": pid, "status": os.waitstatus_to_exitcode(status)})

    def _sweep(self, group: int) -> None:
        """End what a candidate left running, also what left its process group, and remove its folder."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)
        while kernel.kill_children():
            with contextlib.suppress(ChildProcessError):
                os.waitpid(-1, 0)
        confinement.remove_scratch(self._settings)


def run(root: str, task: dict[str, Any], request: dict[str, Any], settings: dict[str, Any]) -> None:
    """Do what is asked with a project that is in place; from here on foreign code may run."""
    if request["work"] == "calls":
        candidate.answer_calls(json.JSONDecoder().decode, settings["limits"]["cpu_s"])
    else:
        settings["run_tests"](root, task, settings["limits"])


def main() -> None:
    """Serve the judge behind the descriptor that the command line names."""
    given = int(sys.argv[1])
    control = socket.socket(fileno=fcntl.fcntl(given, fcntl.F_DUPFD_CLOEXEC, candidate.CHANNEL + 1))
    os.close(given)
    os.dup2(0, candidate.CHANNEL)  # keeps the number free for candidates
    settings, _ = receive(control)
    sys.path[:] = [folder for folder in sys.path if folder != sys.argv[2]]
    sys.argv[:] = sys.orig_argv[:] = [""]
    try:
        if settings["work"] == "tests":
            from actors.work.sandbox.inside import testing  # pytest and coverage.py load with it

            settings["run_tests"] = testing.load(settings["libraries"], settings["base"])
        confinement.prepare(settings)
    except Exception as error:  # noqa: BLE001 - the judge must know
        send(control, {"failed": f"{type(error).__name__}: {error}"})
        return
    for name in [name for name in sys.modules if name.partition(".")[0] == "actors"]:
        del sys.modules[name]  # the code under test finds neither our modules nor, without our folder, their sources
    gc.collect()
    gc.freeze()
    send(control, {"ready": True})
    Zygote(control, settings).serve()
