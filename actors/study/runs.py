"""One seed after another, in processes side by side: each run is the whole simulation in one process."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

from actors.simulation.layout import SERVICES, Assignment
from actors.simulation.preparing import create_run, prepare
from actors.simulation.session import Session
from config.backlog_generator import backlog_bytes, expand, load_families

BACKLOG_STORIES = 240  # more than any team finishes in 20 sprints


@dataclass(frozen=True, slots=True)
class Case:
    """One run of a study."""

    arm: str
    seed: int
    sprints: int
    overrides: tuple[str, ...] = ()
    config: Path | None = None
    backlog: Path | None = None  # None: one generated from the case's seed


@dataclass(frozen=True, slots=True)
class Result:
    """What a study keeps of a run."""

    case: Case
    velocities: tuple[int, ...]
    metrics: dict[str, float | None]
    digest: str


def run_case(case: Case) -> Result:
    """Simulate one case in this process and keep its figures. Raises ConfigError.

    A backlog that all seeds share would give them all the same large stories in the same sprints: a pattern that no
    number of seeds averages out. So each seed has a backlog of its own, of the same families.
    """
    with TemporaryDirectory(prefix="scrummage-study-") as place:
        folder = Path(place)
        backlog = case.backlog or _own_backlog(case.seed, folder / "backlog.yaml")
        prepared = prepare(case.config, backlog, overrides=case.overrides, seed=case.seed, sprints=case.sprints)
        create_run(folder / "run", prepared.inputs)
        assignment = Assignment(folder=str(folder / "run"), sockets=place, nodes=1, node=SERVICES)
        report = Session(assignment, say=lambda progress: None).run().report
    velocities = tuple(int(sprint["velocity"]) for _, sprint in sorted(report["sprints"].items()))
    return Result(case, velocities, dict(report["metrics"]), str(report["event_digest"]))


def _own_backlog(seed: int, path: Path) -> Path:
    families = load_families()
    stories = expand(families, seed=seed, count=BACKLOG_STORIES)
    path.write_bytes(backlog_bytes(families, stories, command=f"python -m actors.study, seed {seed}"))
    return path


def run_cases(cases: Sequence[Case], *, jobs: int) -> Iterator[Result]:
    """Results as they come; `jobs` processes. Raises what a run raised."""
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        futures = [pool.submit(run_case, case) for case in cases]
        for future in as_completed(futures):
            yield future.result()
