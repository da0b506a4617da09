"""Real caps on memory and processes through control groups (v1 or v2), where the host has them.

Source: Linux, Documentation/admin-guide/cgroup-v1/{memory,pids}.rst and cgroup-v2.rst.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import time
from dataclasses import dataclass
from pathlib import Path

from actors.work.sandbox.leftovers import remove_leftover_groups
from actors.work.sandbox.limits import Limits

CAPS = {"memory-cap": "memory", "process-cap": "pids"}
REMOVE_S = 5.0  # a group whose processes have ended is busy for a moment
_numbers = itertools.count()


class Caps:
    """No caps: the resource limits must do. What code of our own gets."""

    def enclose(self, pid: int) -> None:
        """Put a process, and with it all it will start, under the caps."""

    def take_kills(self) -> int:
        """How many processes the kernel ended for want of memory since the last question."""
        return 0

    def close(self) -> None:
        """Remove the groups."""


@dataclass(frozen=True, slots=True)
class Hierarchy:
    """Where a controller is mounted and which group this process is in."""

    folder: Path
    is_v2: bool


class GroupCaps(Caps):
    """A group of its own for each controller, below the group of this process.

    Attributes:
        missing: For each cap why it is missing; empty text where it is in force.
    """

    def __init__(self, limits: Limits, proc: Path = Path("/proc/self")) -> None:
        self._limits = limits
        self._groups: list[Path] = []
        self._kill_counts: list[Path] = []
        self._kills = 0
        self.missing = {name: self._limit(controller, proc) for name, controller in CAPS.items()}

    def enclose(self, pid: int) -> None:
        with contextlib.suppress(ProcessLookupError):  # it could not be confined and has ended: its own word says why
            for group in self._groups:
                (group / "cgroup.procs").write_text(str(pid), encoding="ascii")

    def take_kills(self) -> int:
        total = sum(_count_kills(file) for file in self._kill_counts)
        new, self._kills = total - self._kills, total
        return new

    def close(self) -> None:
        deadline = time.monotonic() + REMOVE_S
        for group in self._groups:
            while group.exists():
                try:
                    group.rmdir()
                except OSError:
                    if time.monotonic() > deadline:
                        raise
                    time.sleep(0.01)  # nothing tells when a group is free
        self._groups.clear()

    def _limit(self, controller: str, proc: Path) -> str:
        """Make a group and set its limit; return why that failed, or nothing."""
        try:
            hierarchy = find_hierarchy(controller, proc)
            group = self._make_group(hierarchy, controller)
        except OSError as error:
            return f"no control group for {controller}: {error.strerror or error}"
        limit = str(self._limits.memory_bytes if controller == "memory" else self._limits.processes)
        v1_name = "memory.limit_in_bytes" if controller == "memory" else "pids.max"
        try:
            (group / (f"{controller}.max" if hierarchy.is_v2 else v1_name)).write_text(limit, encoding="ascii")
            for name in ("memory.memsw.limit_in_bytes", "memory.swap.max"):
                if controller == "memory" and (group / name).exists():
                    with contextlib.suppress(OSError):  # swap may not be counted here
                        (group / name).write_text(limit if hierarchy.is_v2 is False else "0", encoding="ascii")
        except OSError as error:
            return f"the limit on {controller} was refused: {error.strerror}"
        if controller == "memory":
            self._kill_counts.append(group / ("memory.events" if hierarchy.is_v2 else "memory.oom_control"))
        return ""

    def _make_group(self, hierarchy: Hierarchy, controller: str) -> Path:
        remove_leftover_groups(hierarchy.folder)
        group = hierarchy.folder / f"scrummage-{os.getpid()}-{next(_numbers)}"
        group.mkdir()
        self._groups.append(group)
        if hierarchy.is_v2 and not (group / f"{controller}.max").exists():
            (hierarchy.folder / "cgroup.subtree_control").write_text(f"+{controller}", encoding="ascii")
        return group


def find_hierarchy(controller: str, proc: Path) -> Hierarchy:
    """Return the group of this process for a controller.

    Raises:
        OSError: The controller is not mounted.
    """
    mounts = [line.split() for line in (proc / "mounts").read_text(encoding="utf-8").splitlines()]
    for line in (proc / "cgroup").read_text(encoding="utf-8").splitlines():
        number, names, path = line.split(":", 2)
        for _, point, kind, options, *_ in mounts:
            is_v2 = number == "0" and kind == "cgroup2" and _offers(Path(point), controller)
            is_v1 = kind == "cgroup" and controller in names.split(",") and controller in options.split(",")
            if is_v1 or is_v2:
                return Hierarchy(Path(point) / path.strip("/"), is_v2)
    raise OSError(f"the {controller} controller is not mounted")


def _offers(point: Path, controller: str) -> bool:
    return controller in (point / "cgroup.controllers").read_text(encoding="ascii").split()


def _count_kills(file: Path) -> int:
    """Read "oom_kill N" from a file of such lines."""
    for line in file.read_text(encoding="ascii").splitlines():
        name, _, count = line.partition(" ")
        if name == "oom_kill":
            return int(count)
    return 0
