"""What is wrong with prompt templates.

PromptError      everything that is wrong with a set of templates, each problem with its file and line
"""

from __future__ import annotations


class PromptError(ValueError):
    """Raised when prompts cannot be used. Its text is one line for each problem, `file:line: what is wrong`."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems
