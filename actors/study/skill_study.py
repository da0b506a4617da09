"""What skill and questions are worth: teams of juniors, mids and seniors, and teams in which nobody asks."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import track

from actors.simulation.exit_codes import ExitCode
from actors.study.facts import KINDS, Event, facts_of
from actors.study.options import book_of, mode_of, parser_of, seeds_of, without_mode
from actors.study.patterns import Statement
from actors.study.runs import Case, Finished, Record, run_cases
from actors.study.skill import JUNIOR, MEASURES, SILENT, SILENT_JUNIOR, USUAL, Answer, answer
from actors.study.skill_figure import save_figure
from brokers.journal.reader import JournalReader
from brokers.wire.packing import unpack
from config.backlog import load_backlog
from config.errors import ConfigError
from config.loader import load_config

SPRINTS = 4
NO_QUESTIONS = "policy.mechanisms.asking=false"
UNMET = 1
Runs = dict[str, dict[int, Record]]  # arm -> seed -> counts


def main(argv: list[str]) -> int:
    """Run the study, print table and verdicts; status 1 when something is not as expected."""
    args = _parse(argv)
    book = book_of(args.output)
    try:
        cases = list(_cases(args))
        found = run_cases(cases, look, jobs=args.jobs, book=book)
        results = list(track(found, "runs", len(cases), console=Console(stderr=True), transient=True))
    except ConfigError as error:
        print(error, file=sys.stderr)
        return ExitCode.BAD_INPUT
    runs: Runs = {}
    for case, record in sorted(results, key=lambda result: cases.index(result[0])):
        runs.setdefault(case.arm, {})[case.seed] = record
    answered = answer({arm: list(of_seed.values()) for arm, of_seed in runs.items()})
    show(Console(), answered, args.seeds)
    if args.output is not None:
        write(args.output, runs, answered, sprints=args.sprints)
        print(f"results   {args.output}\nfigure    {save_figure(args.output.with_suffix('.svg'), answered)}")
    return ExitCode.OK if all(verdict.holds for verdict in answered.verdicts) else UNMET


def _parse(argv: list[str]) -> argparse.Namespace:
    parser = parser_of(
        "python -m actors.study skill",
        f"{__doc__} Code is written and tested: each run takes minutes of processor time.",
        "python -m actors.study skill --seeds 30 --jobs 2 --output outputs/skill.json",
    )
    parser.add_argument("--sprints", type=int, default=SPRINTS, help=f"of each run (default {SPRINTS})")
    return parser.parse_args(argv)


def _cases(args: argparse.Namespace) -> Iterator[Case]:
    """Six teams for each seed, on the same backlog. Raises ConfigError."""
    config = load_config(args.config, overrides=args.overrides).config
    developers = [agent for agent, one in config.models.agents.items() if "developer" in one.roles]
    mode, common = mode_of(args.overrides, "executed"), without_mode(args.overrides)
    arms: dict[str, tuple[str, ...]] = {
        f"all {seniority}": tuple(f"models.agents.{agent}.seniority={seniority}" for agent in developers)
        for seniority in ("junior", "mid", "senior")
    }
    arms |= {SILENT_JUNIOR: (*arms[JUNIOR], NO_QUESTIONS), USUAL: (), SILENT: (NO_QUESTIONS,)}
    for seed in seeds_of(args):
        for arm, settings in arms.items():
            yield Case(arm, seed, args.sprints, (*common, *settings), args.config, args.backlog, mode)


def look(run: Finished) -> Record:
    """What is kept of a run: counts."""
    backlog = load_backlog(run.backlog)
    wishes = {
        story.id: tuple((point.criterion, str(point.topic)) for point in story.clarifications if point.changes)
        for story in backlog.stories
    }
    with JournalReader(run.journal) as journal:
        facts = facts_of(_events(journal), wishes)
    metrics = run.report["metrics"]
    return {
        **facts,
        "stories_planned": metrics["planned_stories"],
        "stories_accepted": metrics["accepted_planned_stories"],
        "points_accepted": metrics["total_points"],
        "questions": metrics["questions"],
        "runs": 1,
    }


def _events(journal: JournalReader) -> Iterator[Event]:
    for _, row in journal.rows(kinds=KINDS):
        if not row.dst:  # published
            yield row.kind, unpack(row.record)[7]


def show(console: Console, answered: Answer, seeds: int) -> None:
    """Every figure of every group, what was asked about, then every verdict."""
    console.print(f"{seeds} seeds, 95 % intervals", highlight=False)
    width = max(len(arm) for arm in answered.table)
    for measure in MEASURES:
        console.print(measure.text, highlight=False)
        for arm, figures in answered.table.items():
            console.print(f"    {arm:<{width}}  {figures[measure.text] or '-'}", highlight=False)
    for text, groups in answered.by_question.items():
        console.print(text, highlight=False)
        for group, figure in groups.items():
            console.print(f"    {group:<{width}}  {figure or '-'}", highlight=False)
    for verdict in answered.verdicts:
        console.print(verdict.line, highlight=False, soft_wrap=True)
    for one in answered.comparisons:
        console.print(f"beside  {one.text}: {one.figure or 'nothing to compare'}", highlight=False, soft_wrap=True)


def write(path: Path, runs: Runs, answered: Answer, *, sprints: int) -> None:
    """All figures of all runs, for other tools."""
    data = {
        "schema_version": 1,
        "sprints": sprints,
        "runs": [
            {"arm": arm, "seed": seed, **record} for arm, of_seed in runs.items() for seed, record in of_seed.items()
        ],
        **as_json(answered),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(data, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def as_json(answered: Answer) -> dict[str, Any]:
    """The answer for other tools."""
    return {
        "table": {arm: _figures(figures) for arm, figures in answered.table.items()},
        "by_question": {text: _figures(groups) for text, groups in answered.by_question.items()},
        "statements": [_statement(verdict) for verdict in answered.verdicts],
        "comparisons": {one.text: None if one.figure is None else one.figure.as_json() for one in answered.comparisons},
    }


def _figures(figures: Mapping[str, Any]) -> dict[str, Any]:
    return {name: None if figure is None else figure.as_json() for name, figure in figures.items()}


def _statement(verdict: Statement) -> dict[str, Any]:
    return dict(verdict.as_json())
