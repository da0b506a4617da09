"""The engine processes of this host: who runs, who leaves, who was given up. Owned and used by one thread.

An engine that ends is started again, each time a little later, and given up after too many times in a row. One that was
given up may be tried again: it is on trial until it takes requests, and given up at once if it ends before.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from brokers.processes import RestartPolicy, SupervisedChild, start_child, stop_children
from config.environment import environment_with
from inference.pool.plan import PlannedEngine

_FIRST_WAIT_S = 0.1
_LONGEST_WAIT_S = 5.0


class Running:
    """One engine and its process."""

    def __init__(self, planned: PlannedEngine, child: SupervisedChild) -> None:
        self.planned, self.child = planned, child
        self.is_leaving = False  # it is not started again
        self.is_on_trial = False  # it was given up, is started once more, and takes no requests yet
        self.given_up_s: float | None = None  # since when; None: it was not
        self._seen_dead: int | None = None  # the process whose end was noticed

    @property
    def pid(self) -> int:
        """Of the present process, or of the last one."""
        return self.child.process.pid

    @property
    def has_ended(self) -> bool:
        """Whether there is no process just now."""
        return self.child.process.poll() is not None

    @property
    def is_hopeless(self) -> bool:
        """Whether nobody should wait for it."""
        return self.child.has_given_up or self.is_on_trial

    def notice_end(self) -> bool:
        """Whether the process has ended and nobody noticed before."""
        if not self.has_ended or self._seen_dead == self.pid:
            return False
        self._seen_dead = self.pid
        return True

    def check(self, *, now_s: float, retry_s: float | None) -> None:
        """Start it again when that is due."""
        self.child.check(now_s=now_s)
        if not self.child.has_given_up:
            self.given_up_s = None
        elif self.given_up_s is None:
            self.given_up_s = now_s
        elif retry_s is not None and now_s - self.given_up_s >= retry_s:
            self.try_again(now_s=now_s)

    def try_again(self, *, now_s: float) -> None:
        """Start an engine once more that was given up."""
        self.child.try_again(now_s=now_s)
        self.is_on_trial, self.given_up_s = True, None


class Crew:
    """All engines of this host, by name."""

    def __init__(self, folder: Path, endpoint: Callable[[], str]) -> None:
        """`endpoint`: where engines connect, asked whenever one is started."""
        self._folder, self._endpoint = folder, endpoint
        self._engines: dict[str, Running] = {}

    def __contains__(self, engine: object) -> bool:
        return engine in self._engines

    def __iter__(self) -> Iterator[Running]:
        return iter(list(self._engines.values()))

    def get(self, engine: str) -> Running | None:
        """An engine, unless there is none of this name."""
        return self._engines.get(engine)

    @property
    def pids(self) -> dict[str, int]:
        """The present process of each."""
        return {name: self._engines[name].pid for name in sorted(self._engines)}

    def join(self, planned: PlannedEngine, max_restarts: int, *, now_s: float) -> None:
        """Start one. Raises OSError."""
        policy = RestartPolicy(max_restarts, _FIRST_WAIT_S, _LONGEST_WAIT_S)
        child = SupervisedChild(lambda: self._start(planned), policy, now_s=now_s)
        self._engines[planned.name] = Running(planned, child)

    def forget(self, engine: str) -> None:
        """It has left."""
        del self._engines[engine]

    def close(self) -> None:
        """End all."""
        stop_children([each.child.process for each in self._engines.values()])
        self._engines.clear()

    def has_room_for(self, planned: PlannedEngine) -> bool:
        """Whether no engine that still leaves holds memory of the devices that this one will fill."""
        return not any(
            set(planned.devices) & set(each.planned.devices) for each in self._engines.values() if each.is_leaving
        )

    def _start(self, planned: PlannedEngine) -> subprocess.Popen[bytes]:
        path = self._folder / f"{planned.name}.json"
        path.write_text(json.dumps(dict(planned.arguments)), encoding="utf-8")
        with (self._folder / f"{planned.name}.log").open("ab") as log:
            return start_child(
                command_line(planned, endpoint=self._endpoint(), plan=path, parent=os.getpid()),
                env=environment_with(planned.environment),
                stdout=log,
                stderr=log,
            )


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
