"""`python -m training.house`: train, evaluate, simulate, judge-run."""

from __future__ import annotations

import sys

from training.house.commands import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
