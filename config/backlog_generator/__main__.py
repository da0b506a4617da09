"""Write a generated backlog: `python -m config.backlog_generator --seed 1 --count 190`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from config.backlog_generator.document import SHIPPED_BACKLOG, backlog_bytes
from config.backlog_generator.expansion import expand
from config.backlog_generator.families import load_families
from config.errors import ConfigError


def main(argv: list[str] | None = None) -> int:
    """Write the backlog and print where it is and how much it holds."""
    args = _parse_arguments(argv)
    try:
        families = load_families()
        stories = expand(families, seed=args.seed, count=args.count, first_number=args.first_number)
        args.output.write_bytes(backlog_bytes(families, stories, command=_command(args)))
    except (ConfigError, OSError) as error:
        print(f"backlog_generator: {error}", file=sys.stderr)
        return 2
    print(f"{args.output}: {len(stories)} stories, {sum(story.story_points for story in stories)} points")
    return 0


def _command(args: argparse.Namespace) -> str:
    """Return the command that makes the same stories again, without the folder it was typed in."""
    rest = f" --first-number {args.first_number}" if args.first_number != 1 else ""
    return f"python -m config.backlog_generator --seed {args.seed} --count {args.count}{rest}"


def _parse_arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m config.backlog_generator",
        description="Expand hand-written story families into a product backlog.",
        epilog="example: python -m config.backlog_generator --seed 2 --count 60 --output my-backlog.yaml",
    )
    parser.add_argument("--seed", type=int, default=1, help="which backlog (default: %(default)s)")
    parser.add_argument("--count", type=_whole, default=190, help="how many stories (default: %(default)s)")
    parser.add_argument("--first-number", type=_from_one, default=1, help="number of the first story")
    parser.add_argument("--output", type=Path, default=SHIPPED_BACKLOG, help="file to write (default: the shipped one)")
    return parser.parse_args(argv)


def _whole(text: str) -> int:
    """Read a count that may be zero."""
    if int(text) < 0:
        raise argparse.ArgumentTypeError("must not be negative")
    return int(text)


def _from_one(text: str) -> int:
    """Read a number counted from one."""
    if int(text) < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
