"""What a simulation costs: CPU of whole commands, cost per event over teams, memory over sprints, start, replay.

`python -m benchmarks.simulation [--quick]`. Targets: DESIGN section 11. Repetitions of what is compared alternate.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.measured_run import Cost, rows_of, run, simulate
from benchmarks.support import QUICK, Effort, Target, console, show_targets

SEED = ("--seed", "7")
REFILL = "backlog.refill=seeded"
MORE_SPRINTS = 30  # of one team; fewer of more teams


class _Folders:
    """A new run folder each time."""

    def __init__(self, place: str) -> None:
        self._place, self._count = Path(place), 0

    def new(self) -> Path:
        self._count += 1
        return self._place / f"run-{self._count}"


def measure(effort: Effort) -> list[Target]:
    """All targets of the simulation; a quick look takes fewer repetitions, sprints and teams."""
    quick = effort.share < 1
    with tempfile.TemporaryDirectory() as place:
        folders = _Folders(place)
        run(folders.new(), "--sprints", "1", *SEED)  # fills the caches of compiled modules
        targets = [
            *_whole_runs(folders, rounds=1 if quick else effort.rounds),
            *_over_teams(folders, (1, 10) if quick else (1, 10, 100)),
            *_over_sprints(folders, last=15 if quick else 50),
        ]
        _replay(folders, rounds=1 if quick else 3)
    return targets


def _whole_runs(folders: _Folders, *, rounds: int) -> Iterator[Target]:
    """Twenty sprints in one process and in the default ones, and the three sprints of `make simulate`."""
    one, default, short = list[Cost](), list[Cost](), list[Cost]()
    for _ in range(rounds):
        one.append(run(folders.new(), "--sprints", "20", "--nodes", "1", *SEED))
        default.append(run(folders.new(), "--sprints", "20", *SEED))
        short.append(run(folders.new(), "--sprints", "3", *SEED))
    for name, costs, limit_s in (("1 node", one, 5.0), ("default nodes", default, 10.0)):
        yield _at_most(f"20 sprints x 11 agents, {name}: CPU", limit_s, _middle(name, [c.cpu_s for c in costs]), "s")
    _middle("3 sprints, default nodes (make simulate), wall", [cost.wall_s for cost in short])
    firsts = [cost.first_progress_s for cost in short if cost.first_progress_s is not None]
    yield _at_most("first progress on screen: wall", 1.5, _middle("first progress", firsts), "s")


def _over_teams(folders: _Folders, teams: tuple[int, ...]) -> Iterator[Target]:
    """CPU for each further row of the log: more sprints against one, so that starting does not count.

    One team gets as many more sprints as make the difference seconds rather than a tenth of one, which is noise.
    """
    per_row: dict[int, float] = {}
    for count in teams:
        cpu, rows = list[float](), list[int]()
        for sprints in ("1", str(2 + MORE_SPRINTS // count)):
            folder = folders.new()
            replicas = f"simulation.replicas={count}"
            cpu.append(run(folder, "--sprints", sprints, "--nodes", "1", *SEED, replicas, REFILL).cpu_s)
            rows.append(rows_of(folder))
        per_row[count] = (cpu[1] - cpu[0]) / (rows[1] - rows[0])
        more = rows[1] - rows[0]
        console.print(f"{count} teams of 11: {per_row[count] * 1e6:.1f} us of CPU for each of {more} further rows")
    for count in teams[1:]:
        yield _at_most(f"CPU for one row, {count} teams against 1", 1.5, per_row[count] / per_row[teams[0]], "x")


def _over_sprints(folders: _Folders, *, last: int) -> Iterator[Target]:
    """Peak memory of each process after 5 sprints and after many."""
    peaks = []
    for sprints in (5, last):
        cost = run(folders.new(), "--sprints", str(sprints), *SEED, REFILL, watch=True)
        peaks.append(cost.peak_rss_kib)
    for name, first in peaks[0].items():
        latest = peaks[1].get(name, 0)
        console.print(
            f"peak memory of {name}: {first / 1024:.1f} MiB after 5 sprints, {latest / 1024:.1f} after {last}"
        )
        yield _at_most(f"peak memory of {name}, {last} sprints against 5", 1.1, latest / first, "x")


def _replay(folders: _Folders, *, rounds: int) -> None:
    """A finished run again from its journal. The target of 20 x is for runs that wait for a model, not for this one."""
    played, replayed = list[float](), list[float]()
    for _ in range(rounds):
        folder = folders.new()
        played.append(run(folder, "--sprints", "20", *SEED).wall_s)
        replayed.append(simulate("replay", folder).wall_s)
    _middle("20 sprints, default nodes, wall", played)
    _middle("their replay, wall", replayed)
    console.print(f"replay takes {statistics.median(replayed) / statistics.median(played):.2f} x the run")


def _middle(name: str, values: list[float]) -> float:
    """The median, printed with the repetitions behind it."""
    found = float(statistics.median(values))
    console.print(f"{name}: {found:.2f} s, median of {len(values)} from {min(values):.2f} to {max(values):.2f}")
    return found


def _at_most(what: str, bound: float, measured: float, unit: str) -> Target:
    return Target(what, bound=bound, measured=measured, unit=unit, at_least=False)


def main(argv: list[str] | None = None) -> int:
    """Print the table; status 1 if a target was missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.simulation", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer repetitions, sprints and teams")
    return 0 if show_targets(measure(QUICK if parser.parse_args(argv).quick else Effort())) else 1


if __name__ == "__main__":
    sys.exit(main())
