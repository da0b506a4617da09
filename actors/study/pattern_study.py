"""Runs with and without learning over many seeds, and whether velocity rises the way teams do."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import track

from actors.simulation.exit_codes import ExitCode
from actors.study.options import book_of, mode_of, parser_of, seeds_of, without_mode
from actors.study.patterns import Array, Statement, bootstrap, statements
from actors.study.runs import Case, Finished, Record, run_cases
from config.errors import ConfigError

SPRINTS = 20
LEARNING, WITHOUT = "all mechanisms", "without familiarity and knowledge"
OFF = ("policy.mechanisms.familiarity=false", "policy.mechanisms.knowledge=false")
UNMET = 1
Results = Sequence[tuple[Case, Record]]


def main(argv: list[str]) -> int:
    """Run the study and print its verdicts; status 1 when a pattern does not hold."""
    args = _parse(argv)
    arms: dict[str, tuple[str, ...]] = {LEARNING: (), WITHOUT: OFF}
    mode, settings = mode_of(args.overrides, args.mode), without_mode(args.overrides)
    cases = [
        Case(arm, seed, SPRINTS, (*settings, *off), args.config, args.backlog, mode)
        for seed in seeds_of(args)
        for arm, off in arms.items()
    ]
    console = Console()
    runs = run_cases(cases, look, jobs=args.jobs, book=book_of(args.output))
    try:
        results = list(track(runs, "runs", len(cases), console=Console(stderr=True), transient=True))
    except ConfigError as error:
        print(error, file=sys.stderr)
        return ExitCode.BAD_INPUT
    curves = {arm: velocities_of(results, arm) for arm in arms}
    verdicts = statements(curves[LEARNING], curves[WITHOUT])
    show(console, curves, verdicts)
    if args.output is not None:
        write(args.output, results, verdicts)
        print(f"results   {args.output}")
    return ExitCode.OK if all(verdict.holds for verdict in verdicts) else UNMET


def _parse(argv: list[str]) -> argparse.Namespace:
    parser = parser_of(
        "python -m actors.study", __doc__, "python -m actors.study --seeds 30 --output outputs/study.json"
    )
    parser.add_argument(
        "--mode",
        choices=("modelled", "executed"),
        default="modelled",
        help="whether code is written and tested (default modelled: executed takes minutes for each run)",
    )
    return parser.parse_args(argv)


def look(run: Finished) -> Record:
    """What is kept of a run."""
    return {
        "velocities": [int(sprint["velocity"]) for _, sprint in sorted(run.report["sprints"].items())],
        "metrics": dict(run.report["metrics"]),
        "digest": str(run.report["event_digest"]),
    }


def velocities_of(results: Results, arm: str) -> Array:
    """Shape (seeds, sprints), seeds in order. Raises ValueError when a run had fewer sprints (backlog exhausted)."""
    rows = [(case.seed, record["velocities"]) for case, record in results if case.arm == arm]
    rows.sort(key=lambda row: row[0])
    short = [seed for seed, velocities in rows if len(velocities) < SPRINTS]
    if short:
        raise ValueError(f"{arm}: seeds {short} ended before sprint {SPRINTS}")
    return np.array([velocities for _, velocities in rows], dtype=np.float64)


def show(console: Console, curves: dict[str, Array], verdicts: tuple[Statement, ...]) -> None:
    """Mean curves, then every statement with its interval."""
    for arm, velocities in curves.items():
        seeds = velocities.shape[0]
        total = bootstrap(velocities, lambda c: c.mean(axis=1))
        console.print(f"{arm}: mean velocity over {seeds} seeds, overall {total}", highlight=False)
        console.print("  " + " ".join(f"{value:5.1f}" for value in velocities.mean(axis=0)), highlight=False)
    for verdict in verdicts:
        console.print(verdict.line, highlight=False, soft_wrap=True)


def write(path: Path, results: Results, verdicts: tuple[Statement, ...]) -> None:
    """All figures of all runs, for other tools."""
    ordered = sorted(results, key=lambda result: (result[0].arm, result[0].seed))
    data: dict[str, Any] = {
        "schema_version": 1,
        "runs": [{"arm": case.arm, "seed": case.seed, "mode": case.mode, **record} for case, record in ordered],
        "statements": [verdict.as_json() for verdict in verdicts],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(data, indent=2, sort_keys=True) + "\n", encoding="utf-8")
