"""One seed after another, in processes side by side: each run is the whole simulation in one process."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

from actors.simulation.folders import JOURNAL
from actors.simulation.layout import SERVICES, Assignment
from actors.simulation.preparing import create_run, prepare
from actors.simulation.session import Session
from actors.study.book import RunBook
from actors.work.katas.backlog import backlog_text, kata_stories
from config.backlog_generator import backlog_bytes, expand, load_families

BACKLOG_STORIES = 240  # more than any team finishes in 20 sprints
Mode = Literal["modelled", "executed"]
Record = dict[str, Any]  # what a study keeps of a run, as JSON


@dataclass(frozen=True, slots=True)
class Case:
    """One run of a study."""

    arm: str
    seed: int
    sprints: int
    overrides: tuple[str, ...] = ()
    config: Path | None = None
    backlog: Path | None = None  # None: one generated from the case's seed
    mode: Mode = "modelled"

    def key(self, code: str) -> str:
        """What its figures follow from: settings, files and the code's digest; as text."""
        parts = asdict(self)
        for name in ("config", "backlog"):
            path = parts[name]
            parts[name] = None if path is None else hashlib.sha256(path.read_bytes()).hexdigest()
        return json.dumps({**parts, "code": code}, sort_keys=True)


@dataclass(frozen=True, slots=True)
class Finished:
    """A run that is over, while its folder is still there."""

    case: Case
    report: dict[str, Any]
    journal: Path
    backlog: Path


Look = Callable[[Finished], Record]


def run_case(case: Case, look: Look) -> Record:
    """Simulate one case in this process and return what `look` keeps of it. Raises ConfigError.

    A backlog that all seeds share would give them all the same large stories in the same sprints: a pattern that no
    number of seeds averages out. So each seed has a backlog of its own, of the same families.
    """
    with TemporaryDirectory(prefix="scrummage-study-") as place:
        folder = Path(place)
        backlog = case.backlog or _own_backlog(case, folder / "backlog.yaml")
        settings = (f"code_generation.mode={case.mode}", *case.overrides)
        prepared = prepare(case.config, backlog, overrides=settings, seed=case.seed, sprints=case.sprints)
        create_run(folder / "run", prepared.inputs)
        assignment = Assignment(folder=str(folder / "run"), sockets=place, nodes=1, node=SERVICES)
        report = Session(assignment, say=lambda progress: None).run().report
        return look(Finished(case, report, folder / "run" / JOURNAL, backlog))


def _own_backlog(case: Case, path: Path) -> Path:
    command = f"python -m actors.study, seed {case.seed}"
    if case.mode == "executed":
        path.write_text(backlog_text(kata_stories(case.seed, BACKLOG_STORIES), command=command), encoding="utf-8")
        return path
    families = load_families()
    stories = expand(families, seed=case.seed, count=BACKLOG_STORIES)
    path.write_bytes(backlog_bytes(families, stories, command=command))
    return path


def run_cases(
    cases: Sequence[Case], look: Look, *, jobs: int, book: RunBook | None = None
) -> Iterator[tuple[Case, Record]]:
    """Results as they come; `jobs` processes, and first what `book` has of an earlier try. Raises what a run raised."""
    waiting: list[Case] = []
    for case in cases:
        record = None if book is None else book.find(case.key(book.code))
        if record is None:
            waiting.append(case)
        else:
            yield case, record
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        futures = {pool.submit(run_case, case, look): case for case in waiting}
        for future in as_completed(futures):
            case, record = futures[future], future.result()
            if book is not None:
                book.add(case.key(book.code), record)
            yield case, record
