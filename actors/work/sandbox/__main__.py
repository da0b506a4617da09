"""`python -m actors.work.sandbox self-test`: what protects this host, and whether it does."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from enum import IntEnum

from rich.console import Console
from rich.table import Table

from actors.work.sandbox.errors import SandboxError
from actors.work.sandbox.layers import Layer, probe
from actors.work.sandbox.self_test import Finding, run_self_test

EXAMPLES = """examples:
  python -m actors.work.sandbox layers
  python -m actors.work.sandbox self-test
  python -m actors.work.sandbox self-test --trust trusted
  python -m actors.work.sandbox self-test --accept-missing landlock --accept-missing memory-cap
"""


class ExitCode(IntEnum):
    """How the command ends."""

    OK = 0
    FAILED = 1  # an attempt was not stopped
    BAD_INPUT = 2  # unknown options, or layers are missing


def main(argv: Sequence[str] | None = None) -> int:
    """Show the layers, and for `self-test` make every attempt."""
    args = parse_arguments(argv)
    console = Console()
    show_layers(console, probe())
    if args.command == "layers":
        return ExitCode.OK
    try:
        findings = list(run_self_test(args.trust, frozenset(args.accept_missing)))
    except (SandboxError, ValueError) as error:
        print(f"sandbox: {error}", file=sys.stderr)
        return ExitCode.BAD_INPUT
    show_findings(console, findings)
    return ExitCode.OK if all(finding.holds for finding in findings) else ExitCode.FAILED


def parse_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m actors.work.sandbox",
        description="Show what confines model-written code on this host, and try to break it.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("command", choices=("layers", "self-test"))
    parser.add_argument("--trust", choices=("model", "trusted"), default="model", help="whose code (default: model)")
    parser.add_argument(
        "--accept-missing", action="append", default=[], metavar="LAYER", help="go on without a layer; may be repeated"
    )
    return parser.parse_args(argv)


def show_layers(console: Console, layers: Sequence[Layer]) -> None:
    """Print which layers this host has."""
    table = Table("layer", "here", "why not")
    for layer in layers:
        table.add_row(layer.name, "yes" if layer.is_present else "MISSING", layer.reason)
    console.print(table)


def show_findings(console: Console, findings: Sequence[Finding]) -> None:
    """Print what came of every attempt."""
    table = Table("attempt", "expected", "seen", "verdict")
    for finding in findings:
        table.add_row(finding.name, finding.expected, finding.seen, finding.verdict)
    console.print(table)
    failed = sum(not finding.holds for finding in findings)
    console.print(f"{len(findings)} checks, {failed} failed")


if __name__ == "__main__":
    sys.exit(main())
