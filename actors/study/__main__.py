"""`python -m actors.study`: patterns over 30 seeds, with and without learning; `… skill`: what skill is worth."""

from __future__ import annotations

import sys

from actors.study import pattern_study, skill_study


def main(argv: list[str] | None = None) -> int:
    """Run the study that was asked for; status 1 when something does not hold."""
    words = sys.argv[1:] if argv is None else argv
    if words[:1] == ["skill"]:
        return skill_study.main(words[1:])
    return pattern_study.main(words)


if __name__ == "__main__":
    sys.exit(main())
