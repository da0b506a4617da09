"""Child processes: started to die with their parent, stopped gently, restarted within bounds."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import IO

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True)


def die_with_parent(parent_pid: int | None, *, number: int = signal.SIGTERM) -> None:
    """Have the kernel send this process a signal when the thread that started it ends; call it first in a child.

    Args:
        parent_pid: Who started us, as it told us; we end at once if it is gone already. None: do nothing.
    """
    if parent_pid is None:
        return
    if _LIBC.prctl(_PR_SET_PDEATHSIG, int(number), 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
    if os.getppid() != parent_pid:  # it died before the kernel knew
        os.kill(os.getpid(), number)


def start_child(
    argv: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    stdout: int | IO[bytes] | None = None,
    stderr: int | IO[bytes] | None = None,
    pass_fds: Sequence[int] = (),
) -> subprocess.Popen[bytes]:
    """Start a process in a group of its own, so Ctrl-C reaches the launcher only, which stops its children.

    Call it from a thread that lives as long as the launcher: `die_with_parent` watches the starting thread.
    """
    return subprocess.Popen(  # noqa: S603 - the launcher's own command lines
        list(argv),
        env=None if env is None else dict(env),
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=stderr,
        pass_fds=tuple(pass_fds),
        process_group=0,
    )


def stop_children(children: Iterable[subprocess.Popen[bytes]], *, within_s: float = 2.0) -> list[int]:
    """Ask all to end (SIGTERM), wait for them together, kill those that did not; return their exit statuses."""
    waiting = list(children)
    for child in waiting:
        if child.poll() is None:
            child.terminate()
    deadline_s = time.monotonic() + within_s
    for child in waiting:
        try:
            child.wait(max(0.0, deadline_s - time.monotonic()))
        except subprocess.TimeoutExpired:
            child.kill()
    return [child.wait() for child in waiting]


@dataclass(frozen=True, slots=True)
class RestartPolicy:
    """How often a child may be restarted, and how long to wait each time. Pure."""

    max_restarts: int = 5  # in a row; then the child stays down
    first_wait_s: float = 0.1
    longest_wait_s: float = 5.0
    steady_after_s: float = 30.0  # a child that lived this long starts again from the first wait

    def after_exit(self, restarts: int, *, lived_s: float) -> tuple[int, float] | None:
        """Decide what follows an exit.

        Args:
            restarts: Restarts in a row so far.
            lived_s: How long the child lived this time.
        Returns:
            Restarts in a row with this one, and how long to wait before it; None to give up.
        """
        if lived_s >= self.steady_after_s:
            restarts = 0
        if restarts >= self.max_restarts:
            return None
        return restarts + 1, min(self.longest_wait_s, self.first_wait_s * 2**restarts)


class SupervisedChild:
    """A child that is started again when it ends. The launcher's loop calls `check`; nothing happens between."""

    def __init__(self, start: Callable[[], subprocess.Popen[bytes]], policy: RestartPolicy, *, now_s: float) -> None:
        self._start, self._policy = start, policy
        self.process = start()
        self.restarts = 0  # over the child's whole life
        self.has_given_up = False
        self._in_a_row = 0
        self._started_s = now_s
        self._start_at_s: float | None = None

    def check(self, *, now_s: float) -> bool:
        """Notice an exit, or start again when the wait is over; says whether a new process runs since the last call."""
        if self.has_given_up:
            return False
        if self._start_at_s is None:
            if self.process.poll() is not None:
                self._on_exit(now_s)
            return False
        if now_s < self._start_at_s:
            return False
        self.process, self._start_at_s, self._started_s = self._start(), None, now_s
        self.restarts += 1
        return True

    def try_again(self, *, now_s: float) -> None:
        """Start a child that was given up once more, at the next `check`; it is given up again if it ends too soon."""
        if self.has_given_up:
            self.has_given_up, self._start_at_s = False, now_s

    def stop(self, *, within_s: float = 2.0) -> int:
        """Stop it for good and return its exit status."""
        self.has_given_up = True
        return stop_children([self.process], within_s=within_s)[0]

    def _on_exit(self, now_s: float) -> None:
        decision = self._policy.after_exit(self._in_a_row, lived_s=now_s - self._started_s)
        if decision is None:
            self.has_given_up = True
        else:
            self._in_a_row, wait_s = decision
            self._start_at_s = now_s + wait_s
