"""kill -9 at twenty moments of processes that the seed chooses: helpers heal, the rest is resumed, the log is the same.

`python -m benchmarks.kills [--quick] [--executed]`, one line for each kill. A run is killed and resumed until it ends.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.support import QUICK, Effort, Target, console, show_targets
from config.streams import draw
from tests.support.kills import HELPERS, NODES, Life, start
from tests.support.runs import artifacts, digest, run

OPTIONS = ("--sprints", "3", "--seed", "7")
STEP = 300  # a kill comes at most so many events after the one before
WORKERS = ("work-0", "work-1")
TIMEOUT_S = 300
KILLS = 20


def measure(effort: Effort) -> list[Target]:
    """How many of the kills left another log, other artifacts, or another exit code than they should."""
    return _measure(effort.count(KILLS), executes=False)


def measure_executed(effort: Effort) -> list[Target]:
    """The same where code is written, with git: also the hashes of all branches must be the same, and fsck clean."""
    return _measure(effort.count(KILLS), executes=True)


def _measure(wanted: int, *, executes: bool) -> list[Target]:
    with tempfile.TemporaryDirectory() as place:
        undisturbed = Path(place) / "undisturbed"
        run(undisturbed, *OPTIONS, "--nodes", "1", executes=executes)
        done = wrong = runs = 0
        while done < wanted:
            runs += 1
            folder = Path(place) / f"run-{runs}"
            kills, faults = _until_it_ends(folder, done, wanted, executes=executes)
            done += kills
            is_same = digest(folder) == digest(undisturbed) and artifacts(folder) == artifacts(undisturbed)
            is_same = is_same and (not executes or _branches(folder) == _branches(undisturbed))
            what = "log, artifacts and branches" if executes else "log and artifacts"
            console.print(f"run {runs}: {kills} kills, {what} {'equal' if is_same else 'DIFFER'}", highlight=False)
            wrong += faults + (0 if is_same else 1)
    mode = "executed" if executes else "modelled"
    what = f"faults after {done} kills in {runs} {mode} runs"
    return [Target(what, bound=0, measured=wrong, unit="", at_least=False)]


def _branches(folder: Path) -> str:
    """Every branch with its hash; raises where git finds the repository damaged."""
    git = ["git", "-C", str(folder / "workspace")]
    subprocess.run([*git, "fsck", "--strict"], check=True, capture_output=True)
    listed = [*git, "for-each-ref", "--format=%(objectname) %(refname)"]
    return subprocess.run(listed, check=True, capture_output=True, text=True).stdout


def _until_it_ends(folder: Path, done: int, wanted: int, *, executes: bool) -> tuple[int, int]:
    """Kill and resume one run until it ends; its kills, and how many of those lives did not end as promised."""
    kills = faults = events = 0
    resume: tuple[str, ...] = ()
    while True:
        number = done + kills
        victims = (*NODES, *HELPERS, *(WORKERS if executes else ()))
        victim = draw(7, "victim", "", number).pick(victims) if number < wanted else ""
        events += 1 + draw(7, "moment", "", number).below(STEP)
        life, wall_s = _one_life(folder, victim, events, resume, executes=executes)
        resume = ("--resume",)
        if life.killed:
            kills += 1
            faults += _report(number + 1, life, events, wall_s)
        if life.code == 0:
            return kills, faults
        if not life.killed:
            raise RuntimeError(f"{folder.name} ended with {life.code} without being killed: {life.err}")


def _one_life(folder: Path, victim: str, events: int, resume: tuple[str, ...], *, executes: bool) -> tuple[Life, float]:
    started_s = time.monotonic()
    running = start(folder, *OPTIONS, *resume, executes=executes)
    killed = bool(victim) and running.kill_after(victim, events)
    _, err = running.process.communicate(timeout=TIMEOUT_S)
    return Life(victim, running.process.returncode, killed, err), time.monotonic() - started_s


def _report(number: int, life: Life, events: int, wall_s: float) -> int:
    promised = 0 if life.victim in (*HELPERS, *WORKERS) else -9 if life.victim == "launcher" else 75
    as_promised = life.code == promised
    what = "went on" if life.code == 0 else "stopped, resumable"
    exit_code = f"exit {life.code:3}" + ("" if as_promised else f", NOT {promised}")
    console.print(f"kill {number:2}: {life.victim:<14} after {events:5} events: {exit_code}, {what}, {wall_s:.1f} s")
    return 0 if as_promised else 1


def main(argv: list[str] | None = None) -> int:
    """Print a line for each kill; status 1 if anything was lost."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.kills", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two kills")
    parser.add_argument("--executed", action="store_true", help="kill runs in which code is written")
    arguments = parser.parse_args(argv)
    effort = QUICK if arguments.quick else Effort()
    return 0 if show_targets((measure_executed if arguments.executed else measure)(effort)) else 1


if __name__ == "__main__":
    sys.exit(main())
