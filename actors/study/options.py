"""What all studies are told on the command line."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path
from typing import cast

from actors.simulation.inputs import code_digest
from actors.study.book import RunBook
from actors.study.runs import Mode

MODE = "code_generation.mode"


def parser_of(name: str, about: str | None, example: str) -> argparse.ArgumentParser:
    """A parser with the options that all studies share."""
    parser = argparse.ArgumentParser(prog=name, description=about, epilog=f"example: {example}")
    parser.add_argument("--seeds", type=int, default=30, help="how many seeds (default 30)")
    parser.add_argument("--first-seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes side by side")
    parser.add_argument("--config", type=Path)
    parser.add_argument("--backlog", type=Path, help="for all seeds (default: each seed has its own)")
    parser.add_argument(
        "--output", type=Path, help="write all figures as JSON; finished runs are kept beside it, to go on with"
    )
    parser.add_argument("overrides", nargs="*", metavar="key=value", help="settings for all runs")
    return parser


def seeds_of(args: argparse.Namespace) -> range:
    """The seeds that were asked for."""
    return range(args.first_seed, args.first_seed + args.seeds)


def mode_of(overrides: Sequence[str], otherwise: Mode) -> Mode:
    """Whether code is written: as a setting says, the last one if there are several. A wrong value is refused later."""
    named = [value for key, _, value in (one.partition("=") for one in overrides) if key.strip() == MODE]
    return cast(Mode, named[-1].strip()) if named else otherwise


def without_mode(overrides: Sequence[str]) -> tuple[str, ...]:
    """The other settings."""
    return tuple(one for one in overrides if one.partition("=")[0].strip() != MODE)


def book_of(output: Path | None) -> RunBook | None:
    """Where finished runs are kept; None when nothing is to be written."""
    return None if output is None else RunBook(output.with_suffix(".runs.jsonl"), code_digest())
