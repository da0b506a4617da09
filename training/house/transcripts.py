"""Transcripts: what people of the behavioural policy observed in whole runs, and what they decided.

Runs are simulated in this machine's processes side by side, with modelled work, each with a backlog of its own: two of
three have the stories of katas, the third those of an ordinary product. Every other run has more trouble than usual, or
too few disturbances would be judged to learn from.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from actors.policy.decisions import Decide, Decided
from actors.policy.engine import build_registry
from actors.study.runs import BACKLOG_STORIES, Case, Finished, Record, run_cases
from actors.work.katas.backlog import backlog_text, kata_stories
from brokers.journal.reader import JournalReader
from brokers.wire.packing import kind_of, unpack
from brokers.wire.registry import Message

SPRINTS = 4
TROUBLE = tuple(
    f"disturbances.frequencies.{kind}=0.7"
    for kind in (
        "dependency_breaks",
        "production_incident",
        "flaky_test",
        "scope_creep",
        "junior_misunderstanding",
        "architectural_debt_surfaces",
        "merge_conflict",
    )
)


Tell = Callable[[int, int], None]  # runs that are done, of how many


@dataclass(frozen=True, slots=True)
class Transcript:
    """One decision: what was asked, by whom and under which key, and the answer."""

    asked: Decide
    answer: Message


def collect(seeds: Sequence[int], *, jobs: int, tell: Tell | None = None) -> list[Transcript]:
    """Every decision of one run for each seed, by seed; the same list whatever `jobs` is."""
    records: dict[int, Record] = {}
    with TemporaryDirectory(prefix="scrummage-transcripts-") as place:
        cases = [_case(number, seed, Path(place)) for number, seed in enumerate(seeds)]
        for case, record in run_cases(cases, read_decisions, jobs=jobs):
            records[case.seed] = record
            if tell is not None:
                tell(len(records), len(cases))
    return [transcript for seed in seeds for transcript in _unpacked(records[seed])]


def read_decisions(finished: Finished) -> Record:
    """Request and reply of every decision in a journal, packed, in the order of effects."""
    with JournalReader(finished.journal) as journal:
        found = [
            (asked.request, asked.effect.reply) for asked in journal.effects() if kind_of(asked.request) == Decide.KIND
        ]
    return {"decisions": found}


def _unpacked(record: Record) -> list[Transcript]:
    registry = build_registry()
    found = []
    for request, reply in record["decisions"]:
        asked, decided = registry.from_body(unpack(request)), registry.from_body(unpack(reply))
        if isinstance(decided, Decided):  # a refusal teaches nothing
            found.append(Transcript(asked, decided.answer))
    return found


def _case(number: int, seed: int, place: Path) -> Case:
    overrides = TROUBLE if number % 2 else ()
    if number % 3 == 2:
        return Case(arm="house", seed=seed, sprints=SPRINTS, overrides=overrides)
    path = place / f"backlog-{seed}.yaml"
    told = [replace(story, family="", variant=None) for story in kata_stories(seed, BACKLOG_STORIES // 2)]
    path.write_text(backlog_text(told, command="python -m training.house"), encoding="utf-8")
    return Case(arm="house", seed=seed, sprints=SPRINTS, overrides=overrides, backlog=path)
