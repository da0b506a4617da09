"""`python -m inference state`: how a running pool stands, or how one that ended stood last."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from inference.pool.running import STATE_FILE
from inference.pool.tables import state_table


def main(argv: Sequence[str]) -> int:
    """Print what a pool wrote last; 2 where there is no pool."""
    parser = argparse.ArgumentParser(prog="python -m inference state", description="Print how a running pool stands.")
    parser.add_argument("folder", type=Path, help="folder of the pool")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    args = parser.parse_args(argv)
    try:
        state = json.loads((args.folder / STATE_FILE).read_text(encoding="utf-8"))
        table = state_table(state)
    except (OSError, ValueError) as error:
        print(f"{args.folder} holds no state of a pool: {error}", file=sys.stderr)
        return 2
    except (KeyError, TypeError, AttributeError):  # JSON, and not what a pool wrote
        print(f"{args.folder} holds no state of a pool: {STATE_FILE} has another form", file=sys.stderr)
        return 2
    if args.json:
        print(json.dumps(state, indent=2, sort_keys=True))
    else:
        Console().print(table)
    return 0
