"""The command line of `python -m actors.simulation`."""

from __future__ import annotations

import argparse
from pathlib import Path

from inference.ledger.entries import DIMENSIONS

COMMANDS = ("run", "fork", "replay", "diff", "validate", "export", "ledger")

_EXAMPLES = """examples:
  python -m actors.simulation --sprints 3 --seed 7
  python -m actors.simulation run --backlog backlog.yaml --output outputs/mine team.wip_limits.in_progress=3
  python -m actors.simulation run --resume --output outputs/mine
  python -m actors.simulation run --continue 5 --output outputs/mine
  python -m actors.simulation replay outputs/mine
  python -m actors.simulation fork outputs/mine --at 1200 --output outputs/fork disturbances.suppress=[D-02-03]
  python -m actors.simulation diff outputs/mine outputs/fork
  python -m actors.simulation validate --config config.yaml --backlog backlog.yaml
  python -m actors.simulation export outputs/mine --format jsonl
  python -m actors.simulation ledger outputs/mine --by story

exit status: 0 done, 1 a fault of ours, 2 bad input, 3 diverged from the journal, 75 can be resumed, 130 interrupted
"""


_LOOK = argparse.ArgumentDefaultsHelpFormatter


def parse_arguments(argv: list[str]) -> argparse.Namespace:
    """Raises SystemExit(2) with a usage line for what makes no sense."""
    if not argv or (argv[0] not in COMMANDS and argv[0] not in ("-h", "--help")):
        argv = ["run", *argv]
    parser = _parser()
    args, rest = parser.parse_known_args(argv)  # argparse takes positionals in one piece only; settings may be anywhere
    strangers = [word for word in rest if word.startswith("-") or "=" not in word]
    if strangers or (rest and "overrides" not in args):
        parser.error(f"unrecognized arguments: {' '.join(strangers or rest)}")
    if "overrides" in args:
        args.overrides = [*args.overrides, *rest]
    return args


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m actors.simulation",
        description="Simulate sprints of a software team, replayable to the byte. Without a command: run.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="{" + ",".join(COMMANDS) + "}")
    _add_run(commands.add_parser("run", help="run sprints, or go on with a run", formatter_class=_LOOK))
    _add_fork(
        commands.add_parser("fork", help="take the beginning of a run and go on differently", formatter_class=_LOOK)
    )
    replay = commands.add_parser(
        "replay", help="run a journal again without engines and compare", formatter_class=_LOOK
    )
    replay.add_argument("run", type=Path, help="folder of the run")
    replay.add_argument("--allow-code-change", action="store_true", help="replay up to the first difference")
    diff = commands.add_parser(
        "diff", help="name the first event in which two runs differ, and its causes", formatter_class=_LOOK
    )
    diff.add_argument("a", type=Path)
    diff.add_argument("b", type=Path)
    validate = commands.add_parser(
        "validate", help="check configuration and backlog, write nothing", formatter_class=_LOOK
    )
    _add_inputs(validate)
    export = commands.add_parser("export", help="write log, effects and commands as tables", formatter_class=_LOOK)
    export.add_argument("run", type=Path, help="folder of the run")
    export.add_argument("--output", type=Path, help="folder for the tables (default: RUN/export)")
    export.add_argument("--format", choices=("csv", "jsonl"), default="jsonl")
    ledger = commands.add_parser(
        "ledger", help="print what models took: tokens, cached ones, engine seconds, price", formatter_class=_LOOK
    )
    ledger.add_argument("run", type=Path, help="folder of a run, also of one that was killed")
    ledger.add_argument("--by", choices=DIMENSIONS, default="actor", help="what a line of the table is")
    ledger.add_argument("--json", action="store_true", help="all of it, for programs")
    return parser


def _add_inputs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", type=Path, help="your configuration, laid over the default profile")
    parser.add_argument("--backlog", type=Path, help="your product backlog (default: the shipped one)")
    parser.add_argument("--seed", type=int, help="seed of every draw (simulation.seed)")
    parser.add_argument("--sprints", type=int, help="how many sprints (simulation.sprints)")
    parser.add_argument("overrides", nargs="*", metavar="key=value", help="settings over both files")


def _add_place(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--output", type=Path, help="folder of the run (default: the next free outputs/run-NNN)")
    parser.add_argument("--nodes", type=int, default=2, help="simulation processes; 1 puts everything into one")
    parser.add_argument("--metrics-port", type=int, help="preferred port of /metrics (monitoring.prometheus_port)")
    parser.add_argument("--hold", type=float, default=0.0, metavar="S", help="stay reachable for S seconds at the end")


def _add_run(parser: argparse.ArgumentParser) -> None:
    _add_inputs(parser)
    _add_place(parser)
    parser.add_argument("--resume", action="store_true", help="go on with the run in --output, or verify it")
    parser.add_argument(
        "--continue", dest="more", type=int, metavar="N", help="N more sprints for the finished run in --output"
    )
    parser.add_argument("--paced", action="store_true", help="one sprint takes experiment.sprint_duration_minutes")
    parser.add_argument("--paused", action="store_true", help="begin paused; a client resumes or steps")
    parser.add_argument("--allow-code-change", action="store_true", help="resume a run that other code recorded")


def _add_fork(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", type=Path, help="folder of the run to fork")
    parser.add_argument("--at", required=True, metavar="EVENT", help="number of an event in the log, or its src:seq")
    _add_place(parser)
    parser.add_argument("overrides", nargs="*", metavar="key=value", help="what to change from there on")
