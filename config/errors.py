"""What was wrong with a configuration or a backlog, all of it at once.

Exception
└── ConfigError      one or more problems; nothing was started and nothing was written
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing wrong at one place. Its text is one line, ready to print."""

    file: str  # as the user typed it; "command line" for an override
    line: int  # counted from 1; the position of an override; 0 where no line can be named
    key: str  # dotted path such as `team.wip_limits.in_progress`; "" for the file as a whole
    message: str
    value: str = ""  # the offending value as it was written, shortened
    allowed: str = ""  # what would have been accepted, in words
    nearest: str = ""  # the known key or name that was probably meant

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        subject = f"{self.key}: " if self.key else ""
        expected = f"; expected {self.allowed}" if self.allowed else ""
        hint = f" (did you mean {self.nearest}?)" if self.nearest else ""
        return f"{place}: {subject}{self.message}{expected}{hint}"


class ConfigError(Exception):
    """Raised when a configuration or a backlog cannot be used. Its text is one line for each problem."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems

    def __reduce__(self) -> tuple[type[ConfigError], tuple[tuple[Problem, ...]]]:
        """Cross from another process with the problems, not with the text that was made of them."""
        return type(self), (self.problems,)
