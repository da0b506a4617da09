"""`python -m benchmarks [NAME…] [--quick]`: measure, print ratios, and say which targets were reached.

Exit status 0 when nothing was missed, 1 when something was, 2 for a name that does not exist.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable

from benchmarks import adapters, in_process, kills, links, pool, simulation
from benchmarks.overlap import measuring as overlap
from benchmarks.support import QUICK, Effort, Target, show_targets

BENCHMARKS: dict[str, Callable[[Effort], list[Target]]] = {
    "links": links.measure,
    "in_process": in_process.measure,
    "simulation": simulation.measure,
    "overlap": overlap.measure,
    "kills": kills.measure,
    "pool": pool.measure,
    "executed_kills": kills.measure_executed,
    "adapters": adapters.measure,
}


def main(argv: list[str] | None = None) -> int:
    """Run benchmarks and print what was reached."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure speed as ratios, side by side.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"{', '.join(BENCHMARKS)} (default: all)")
    parser.add_argument("--quick", action="store_true", help="fewer rounds and messages: a look, not a measurement")
    arguments = parser.parse_args(argv)
    unknown = [name for name in arguments.names if name not in BENCHMARKS]
    if unknown:
        parser.error(f"no benchmark is called {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}")
    effort = QUICK if arguments.quick else Effort()
    targets = [target for name in arguments.names or BENCHMARKS for target in BENCHMARKS[name](effort)]
    return 0 if show_targets(targets) else 1


if __name__ == "__main__":
    sys.exit(main())
