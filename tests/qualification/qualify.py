"""`python -m tests.qualification.qualify --model … --role …`: may this model play this role? See `qualifying`."""

from __future__ import annotations

import sys

from config.installed import lacking

_NEEDED = ("httpx", "jinja2", "jsonschema")
_REMEDY = "pip install -r requirements/llm.txt"


def main() -> int:
    """Qualify; 2 where something is not installed."""
    if problem := lacking("qualify", _NEEDED, _REMEDY):
        print(problem, file=sys.stderr)
        return 2
    from tests.qualification.qualifying import main as carry_out

    return int(carry_out())


if __name__ == "__main__":
    sys.exit(main())
