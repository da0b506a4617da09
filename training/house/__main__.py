"""`python -m training.house`: train, evaluate, simulate, judge-run."""

from __future__ import annotations

import sys

from config.installed import lacking

_NEEDED = ("jinja2", "jsonschema", "numpy", "tokenizers", "torch", "transformers")
_REMEDY = "`make simulate-llm` installs them, or pip install --no-deps -r requirements/cpu.lock.txt"


def main(argv: list[str]) -> int:
    """Carry out one command; 2 where something is not installed."""
    if problem := lacking("training.house", _NEEDED, _REMEDY):
        print(problem, file=sys.stderr)
        return 2
    from training.house.commands import main as carry_out

    return carry_out(argv)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
