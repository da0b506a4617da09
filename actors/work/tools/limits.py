"""How much a model may do in one quarter of a task, and how much one answer of a tool may hold."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolLimits:
    """Limits of answers and files, and of what is counted over a quarter."""

    steps: int = 40  # tool calls of a quarter, refused ones and finish included
    edits: int = 30  # changes of files in a quarter
    runs: int = 8  # runs of tests in a quarter
    commits: int = 8  # commits in a quarter
    arguments_chars: int = 300_000  # of one call, as the model wrote it
    answer_chars: int = 16_000  # of the text that comes back
    names: int = 500  # files that one answer lists
    hits: int = 50  # lines that one search finds
    line_chars: int = 400  # of a line that a search shows
    needle_chars: int = 200  # of the text that is searched for
    test_paths: int = 50  # that one run of tests is given
    file_bytes: int = 100_000  # of one file that is written
    total_bytes: int = 1_000_000  # of all files that are not as they were committed
    files: int = 100  # that are not as they were committed
    message_chars: int = 120  # of the subject of a commit


LIMITS = ToolLimits()
