"""The tools with which a model works on a branch, and the request that uses one of them.

A request carries the commit that the work began at and everything that was edited since, so its reply follows from it
alone: asked again after a crash, by another process, on a workspace that was rebuilt from the journal, it is the same.
Committing is no request of this kind: it is a `work.commit_files`, as everybody's commits are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from actors.work.messages import FileText
from brokers.wire.registry import Message


@dataclass(frozen=True, slots=True, kw_only=True)
class ListFiles:
    """List the files of the project, or of one of its folders."""

    KIND: ClassVar[str] = "tool.list_files/1"
    folder: str = ""  # empty: all of them


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadFile:
    """Read a file, or some of its lines."""

    KIND: ClassVar[str] = "tool.read_file/1"
    path: str
    first_line: int = 1  # counted from 1
    last_line: int = 0  # included; 0: as far as one answer reaches


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchText:
    """Find the lines that contain this very text, in all files."""

    KIND: ClassVar[str] = "tool.search/1"
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteFile:
    """Make a file, or replace all of it."""

    KIND: ClassVar[str] = "tool.write_file/1"
    path: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplaceText:
    """Replace a piece of a file; it must be there exactly once."""

    KIND: ClassVar[str] = "tool.replace_text/1"
    path: str
    old: str
    new: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSomeTests:
    """Run the visible tests as the files are now, committed or not."""

    KIND: ClassVar[str] = "tool.run_tests/1"
    paths: tuple[str, ...] = ()  # files, folders or tests; empty: everything


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowStatus:
    """List the files that are not as they were committed."""

    KIND: ClassVar[str] = "tool.git_status/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowDiff:
    """Show what was changed since the last commit."""

    KIND: ClassVar[str] = "tool.git_diff/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitWork:
    """Commit everything that was changed."""

    KIND: ClassVar[str] = "tool.commit/1"
    message: str  # one line


@dataclass(frozen=True, slots=True, kw_only=True)
class Finish:
    """Say that the work of this quarter is done; what is not committed yet is committed."""

    KIND: ClassVar[str] = "tool.finish/1"
    summary: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UseTool:
    """Use one tool. Answered by ToolUsed, also where the tool refuses."""

    KIND: ClassVar[str] = "work.use_tool/1"
    team: str
    base: str  # the commit that the work goes on from
    edits: tuple[FileText, ...]  # made since, sorted by path
    kept: tuple[str, ...]  # files that the tools may show and not change
    call: Message  # one of those above, but for CommitWork and Finish


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolUsed:
    """What a tool said, and the edits as they are after it."""

    KIND: ClassVar[str] = "work.tool_used/1"
    text: str
    is_refused: bool
    edits: tuple[FileText, ...]  # what is not as it was committed, sorted by path
    files: tuple[str, ...]  # the paths that there are now, sorted; as many as one answer lists
