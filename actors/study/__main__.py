"""`python -m actors.study`: 30 seeds with and without learning, and the patterns that hold over them."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import track

from actors.simulation.exit_codes import ExitCode
from actors.study.patterns import Array, Statement, bootstrap, statements
from actors.study.runs import Case, Result, run_cases
from config.errors import ConfigError

SPRINTS = 20
LEARNING, WITHOUT = "all mechanisms", "without familiarity and knowledge"
OFF = ("policy.mechanisms.familiarity=false", "policy.mechanisms.knowledge=false")
MODE = "code_generation.mode"
UNMET = 1


def main(argv: list[str] | None = None) -> int:
    """Run the study and print its verdicts; status 1 when a pattern does not hold."""
    args = _parse(sys.argv[1:] if argv is None else argv)
    seeds = range(args.first_seed, args.first_seed + args.seeds)
    arms = {LEARNING: (), WITHOUT: OFF}
    overrides = with_mode(args.overrides)
    cases = [
        Case(arm, seed, SPRINTS, (*overrides, *off), args.config, args.backlog)
        for seed in seeds
        for arm, off in arms.items()
    ]
    console = Console()
    try:
        results = list(
            track(run_cases(cases, jobs=args.jobs), "runs", len(cases), console=Console(stderr=True), transient=True)
        )
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


def with_mode(overrides: Sequence[str]) -> tuple[str, ...]:
    """The settings, and that no code is written unless they say something about that: a study has very many runs."""
    says = any(override.partition("=")[0].strip() == MODE for override in overrides)
    return tuple(overrides) if says else (f"{MODE}=modelled", *overrides)


def _parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m actors.study",
        description=__doc__,
        epilog="example: python -m actors.study --seeds 30 --output outputs/study.json",
    )
    parser.add_argument("--seeds", type=int, default=30, help="how many seeds (default 30)")
    parser.add_argument("--first-seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes side by side")
    parser.add_argument("--config", type=Path)
    parser.add_argument("--backlog", type=Path)
    parser.add_argument("--output", type=Path, help="write all figures as JSON")
    parser.add_argument("overrides", nargs="*", metavar="key=value", help="settings for both arms")
    return parser.parse_args(argv)


def velocities_of(results: list[Result], arm: str) -> Array:
    """Shape (seeds, sprints), seeds in order. Raises ValueError when a run had fewer sprints (backlog exhausted)."""
    rows = [result for result in results if result.case.arm == arm]
    rows.sort(key=lambda result: result.case.seed)
    short = [result.case.seed for result in rows if len(result.velocities) < SPRINTS]
    if short:
        raise ValueError(f"{arm}: seeds {short} ended before sprint {SPRINTS}")
    return np.array([result.velocities for result in rows], dtype=np.float64)


def show(console: Console, curves: dict[str, Array], verdicts: tuple[Statement, ...]) -> None:
    """Mean curves, then every statement with its interval."""
    for arm, velocities in curves.items():
        seeds = velocities.shape[0]
        total = bootstrap(velocities, lambda c: c.mean(axis=1))
        console.print(f"{arm}: mean velocity over {seeds} seeds, overall {total}", highlight=False)
        console.print("  " + " ".join(f"{value:5.1f}" for value in velocities.mean(axis=0)), highlight=False)
    for verdict in verdicts:
        mark = "holds " if verdict.holds else "FAILS "
        console.print(f"{mark} {verdict.text}: {verdict.figure}", highlight=False, soft_wrap=True)


def write(path: Path, results: list[Result], verdicts: tuple[Statement, ...]) -> None:
    """All figures of all runs, for other tools."""
    ordered = sorted(results, key=lambda result: (result.case.arm, result.case.seed))
    data = {
        "schema_version": 1,
        "runs": [
            {
                "arm": result.case.arm,
                "seed": result.case.seed,
                "velocities": result.velocities,
                "digest": result.digest,
                "metrics": result.metrics,
            }
            for result in ordered
        ],
        "statements": [
            {"text": v.text, "value": v.figure.value, "low": v.figure.low, "high": v.figure.high, "holds": v.holds}
            for v in verdicts
        ],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(data, indent=2, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
