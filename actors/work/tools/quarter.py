"""What a model has done in one quarter of a task, and what it may still do. Pure state."""

from __future__ import annotations

from dataclasses import dataclass, field

from actors.policy.prompting.memory import Memory
from actors.work.messages import FileText
from actors.work.tool_messages import CommitWork, ReplaceText, RunSomeTests, ToolUsed, WriteFile
from actors.work.tools.calls import Call, name_of
from actors.work.tools.errors import CallError
from actors.work.tools.limits import LIMITS, ToolLimits

_ABOUT = ("path", "folder", "text", "message", "paths")  # what names the subject of a call, in this order
_LINE_CHARS = 120


@dataclass(slots=True)
class ModelQuarter:
    """A quarter under way. It survives a crash of whoever carries it out."""

    entity: str  # names its decisions
    edits: tuple[FileText, ...] = ()  # not committed yet
    files: tuple[str, ...] = ()
    steps: int = 0
    edited: int = 0
    runs: int = 0
    commits: int = 0
    is_finished: bool = False
    earlier: list[str] = field(default_factory=list)  # a line for each call
    last_tool: str = ""
    last_result: str = ""
    last_is_refused: bool = False
    memory: Memory | None = None  # calls and what came of them, as the model is shown them again

    def allow(self, call: Call, limits: ToolLimits = LIMITS) -> None:
        """Raises CallError for what this quarter has no room for any more, or what makes no commit."""
        match call:
            case WriteFile() | ReplaceText() if self.edited >= limits.edits:
                raise CallError(f"all {limits.edits} changes of this quarter are made; commit, or finish")
            case RunSomeTests() if self.runs >= limits.runs:
                raise CallError(f"all {limits.runs} runs of tests of this quarter are used")
            case CommitWork() if self.commits >= limits.commits:
                raise CallError(f"all {limits.commits} commits of this quarter are made; finish commits the rest")
            case CommitWork() if not self.edits:
                raise CallError("nothing was changed since the last commit")
            case CommitWork(message=message):
                if not message.strip() or not message.isprintable() or len(message) > limits.message_chars:
                    raise CallError(f"the message of a commit is one line of 1 to {limits.message_chars} characters")

    def take(self, call: Call, used: ToolUsed) -> None:
        """A tool has answered."""
        if not used.is_refused:
            self.edited += isinstance(call, WriteFile | ReplaceText)
            self.runs += isinstance(call, RunSomeTests)
        self.edits, self.files = used.edits, used.files
        self.note(name_of(call), used.text, is_refused=used.is_refused, about=_subject(call))

    def note(self, tool: str, result: str, *, is_refused: bool, about: str = "") -> None:
        """A call is over."""
        self.steps += 1
        self.last_tool, self.last_result, self.last_is_refused = tool, result, is_refused
        line = f"{tool} {about}".rstrip() + f": {'refused, ' if is_refused else ''}{result.partition(chr(10))[0]}"
        self.earlier.append(line[:_LINE_CHARS].replace("\n", " "))


def _subject(call: Call) -> str:
    for name in _ABOUT:
        value = getattr(call, name, "")
        if value:
            return value if isinstance(value, str) else " ".join(value)
    return ""
