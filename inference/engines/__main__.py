"""Run one engine in this process: `python -m inference.engines --engine PACKAGE.MODULE:BUILDER ...`."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

from brokers.processes import die_with_parent
from inference.engines.loading import EngineLoadError, load_engine, read_plan
from inference.engines.text_worker import serve_text
from inference.engines.worker import SLOTS, serve
from inference.text import EngineLostError, ServedText
from inference.waking import StopSignal

_EXAMPLE = """example:
  python -m inference.engines --engine actors.policy.engine:build --endpoint ipc:///run/user/1000/x/pool \\
      --name behavioural-0 --plan plan.json
"""


def main(argv: list[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT, or until the process that started this one ends; 1: the engine is lost."""
    args = _parse(argv)
    die_with_parent(args.parent, number=signal.SIGKILL)  # also while it answers: nobody waits for it any more
    try:
        if args.cores:
            os.sched_setaffinity(0, args.cores)  # before anything is imported that counts cores
    except OSError as error:
        print(f"engine {args.name}: the cores {args.cores} cannot be used: {error}", file=sys.stderr)
        return 2
    try:
        served = load_engine(args.engine, read_plan(args.plan) if args.plan else {})
    except EngineLoadError as error:
        print(f"engine {args.name}: {error}", file=sys.stderr)
        return 2
    stop = StopSignal()
    stop.set_on(signal.SIGTERM, signal.SIGINT)
    if not isinstance(served, ServedText):
        serve(served.engine, args.endpoint, args.name, served.registry, stop, slots=args.slots or SLOTS)
        return 0
    if args.load_first:
        served = replace(served, loads_first=True)
    try:
        serve_text(served, args.endpoint, args.name, stop, slots=args.slots)
    except EngineLostError as error:
        print(f"engine {args.name}: {error}", file=sys.stderr)
        return 1
    return 0


def _parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m inference.engines",
        description="Run one inference engine.",
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--engine", required=True, help="builder of the engine, as package.module:function")
    parser.add_argument("--endpoint", required=True, help="ZeroMQ endpoint of the pool")
    parser.add_argument("--name", required=True, help="name of this engine, unique in its pool")
    parser.add_argument("--plan", type=Path, help="file with the builder's arguments (.json, else msgpack)")
    parser.add_argument("--slots", type=int, help=f"requests taken at once (default {SLOTS}, or the engine's own)")
    parser.add_argument("--cores", type=_cores, default=(), help="numbers of the processor's cores to stay on: 0,1")
    parser.add_argument("--load-first", action="store_true", help="load the model before the first request comes")
    parser.add_argument(
        "--parent", type=int, default=os.getppid(), help="process id of the parent, if it may end before this starts"
    )
    return parser.parse_args(argv)


def _cores(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(","))


if __name__ == "__main__":
    sys.exit(main())
