"""What a tool says about files, and what it makes of them. Pure: the same files and call give the same answer."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence

from actors.work.messages import FileText, TestsRun
from actors.work.tool_messages import (
    ListFiles,
    ReadFile,
    ReplaceText,
    RunSomeTests,
    SearchText,
    ShowDiff,
    ShowStatus,
    ToolUsed,
    WriteFile,
)
from actors.work.tools.errors import ToolError, UnknownToolError
from actors.work.tools.limits import LIMITS, ToolLimits
from actors.work.workspace.changes import check_no_file_is_a_folder
from actors.work.workspace.errors import InvalidPathError
from actors.work.workspace.names import check_path
from brokers.wire.registry import Message

RunTheTests = Callable[[Mapping[str, str], Sequence[str]], TestsRun]
_NO_NEWLINE = "\\ No newline at end of file\n"


class Desk:
    """The files of a branch as they were committed, and what was made of them since."""

    def __init__(
        self,
        committed: Mapping[str, str],
        edits: Iterable[FileText],
        *,
        kept: Iterable[str] = (),
        limits: ToolLimits = LIMITS,
    ) -> None:
        """`kept`: files that may be shown and not changed."""
        self._committed, self._limits, self._kept = committed, limits, frozenset(kept)
        self._edits = {one.path: one.content or "" for one in edits}

    @property
    def files(self) -> dict[str, str]:
        """Every file as it is now."""
        return {**self._committed, **self._edits}

    @property
    def edits(self) -> tuple[FileText, ...]:
        """What is not as it was committed, sorted by path."""
        return tuple(FileText(path=path, content=self._edits[path]) for path in sorted(self._edits))

    def use(self, call: Message, run_tests: RunTheTests) -> ToolUsed:
        """Use one tool; a refusal is an answer, too.

        Raises:
            UnknownToolError: The call is none of these tools.
        """
        try:
            text, is_refused = self._answer(call, run_tests), False
        except (ToolError, InvalidPathError) as error:
            text, is_refused = str(error), True
        return ToolUsed(text=self._cut(text), is_refused=is_refused, edits=self.edits, files=self._names())

    def _answer(self, call: Message, run_tests: RunTheTests) -> str:
        match call:
            case ListFiles(folder=folder):
                return self._list(folder)
            case ReadFile(path=path, first_line=first, last_line=last):
                return self._read(path, first, last)
            case SearchText(text=text):
                return self._search(text)
            case WriteFile(path=path, text=text):
                return self._write(path, text)
            case ReplaceText(path=path, old=old, new=new):
                return self._replace(path, old, new)
            case RunSomeTests(paths=paths):
                return told(run_tests(self.files, self._checked_tests(paths)))
            case ShowStatus():
                return "".join(f"{self._how(one.path)} {one.path}\n" for one in self.edits) or "nothing was changed"
            case ShowDiff():
                return "".join(self._diff(one.path) for one in self.edits) or "nothing was changed"
            case _:
                raise UnknownToolError(call)

    def _names(self) -> tuple[str, ...]:
        return tuple(sorted(self.files)[: self._limits.names])

    # -- looking ------------------------------------------------------------------------------------------------------

    def _list(self, folder: str) -> str:
        inside = f"{folder.rstrip('/')}/" if folder.strip("./") else ""
        found = [path for path in sorted(self.files) if path.startswith(inside)]
        if not found:
            raise ToolError(f"there is no folder {folder!r}")
        shown, more = found[: self._limits.names], len(found) - self._limits.names
        return "\n".join(shown) + (f"\n… and {more} more; name a folder" if more > 0 else "")

    def _read(self, path: str, first: int, last: int) -> str:
        lines = [f"{line}\n" for line in self._text_of(path).removesuffix("\n").split("\n")]
        if lines == ["\n"]:
            return f"{path} is empty"
        first, last = max(1, first), min(last or len(lines), len(lines))
        if first > len(lines):
            raise ToolError(f"{path} has {len(lines)} lines")
        if last < first:
            raise ToolError(f"line {last} comes before line {first}")
        shown: list[str] = []
        room = self._limits.answer_chars * 3 // 4  # the rest is for the heading
        for line in lines[first - 1 : last]:
            room -= len(line)
            if room < 0 and shown:
                break
            shown.append(line)
        end = first + len(shown) - 1
        more = f"; go on with first_line {end + 1}" if end < last else ""
        return f"{path}, lines {first} to {end} of {len(lines)}{more}\n{''.join(shown)}"

    def _search(self, text: str) -> str:
        if not text or "\n" in text or len(text) > self._limits.needle_chars:
            raise ToolError(f"search for a piece of one line, of 1 to {self._limits.needle_chars} characters")
        hits: list[str] = []
        for path, content in sorted(self.files.items()):
            for number, line in enumerate(content.split("\n"), start=1):
                if text not in line:
                    continue
                if len(hits) == self._limits.hits:
                    return "\n".join([*hits, f"… there may be more than these {self._limits.hits}"])
                hits.append(f"{path}:{number}: {line[: self._limits.line_chars]}")
        return "\n".join(hits) or "no line has this text"

    def _how(self, path: str) -> str:
        return "M" if path in self._committed else "A"

    def _diff(self, path: str) -> str:
        before, after = self._committed.get(path), self._edits[path]
        old = "/dev/null" if before is None else f"a/{path}"
        lines = difflib.unified_diff(_lines(before or ""), _lines(after), old, f"b/{path}")
        return f"diff --git a/{path} b/{path}\n{''.join(lines)}"

    # -- changing -----------------------------------------------------------------------------------------------------

    def _write(self, path: str, text: str) -> str:
        check_path(path)
        self._store(path, text)
        return f"{path} has {len(_lines(text))} lines now"

    def _replace(self, path: str, old: str, new: str) -> str:
        content = self._text_of(path)
        if not old:
            raise ToolError("old is empty: say what is to be replaced")
        at = content.find(old)
        if at < 0:
            raise ToolError(f"{path} does not have this text; it must match to the letter")
        if content.find(old, at + 1) >= 0:
            raise ToolError(f"{path} has this text more than once; take more of what is around it")
        self._store(path, content[:at] + new + content[at + len(old) :])
        return f"{path}: replaced in line {content.count(chr(10), 0, at) + 1}"

    def _store(self, path: str, text: str) -> None:
        """Make a file have this text, within the limits."""
        if path in self._kept:
            raise ToolError(f"{path} is kept as it is: it is not the team's to change")
        if self.files.get(path) == text:
            raise ToolError(f"{path} has this very text already")
        limits, size = self._limits, len(text.encode())
        if size > limits.file_bytes:
            raise ToolError(f"{path} would have {size} bytes, more than {limits.file_bytes}")
        check_no_file_is_a_folder(self.files, [path])
        edits = self._edits | {path: text}
        if self._committed.get(path) == text:
            del edits[path]  # as it was
        total = sum(len(content.encode()) for content in edits.values())
        if total > limits.total_bytes or len(edits) > limits.files:
            raise ToolError(
                f"more than {limits.files} files or {limits.total_bytes} bytes would be changed: commit first"
            )
        self._edits = edits

    # -- details ------------------------------------------------------------------------------------------------------

    def _text_of(self, path: str) -> str:
        check_path(path)
        found = self.files.get(path)
        if found is None:
            raise ToolError(f"there is no file {path!r}")
        return found

    def _checked_tests(self, paths: Sequence[str]) -> Sequence[str]:
        if len(paths) > self._limits.test_paths:
            raise ToolError(f"name at most {self._limits.test_paths} paths; none stands for all tests")
        for path in paths:
            file = path.partition("::")[0].rstrip("/")
            check_path(file)
            if path.startswith("-"):
                raise ToolError(f"{path!r} would be taken for an option")
            if file not in self.files and not any(one.startswith(f"{file}/") for one in self.files):
                raise ToolError(f"there is no file or folder {file!r}")
        return paths

    def _cut(self, text: str) -> str:
        limit = self._limits.answer_chars
        return text if len(text) <= limit else f"{text[:limit]}\n… cut: the answer has {len(text)} characters"


def told(run: TestsRun) -> str:
    """A run of tests in words."""
    head = f"{run.count} tests, {len(run.failing)} not green"
    if run.ended != "completed":
        head += f"; the run was cut short: {run.ended}"
    return "\n".join([head, *(f"{one.outcome.upper()} {one.test}: {one.detail}" for one in run.failing)])


def _lines(text: str) -> list[str]:
    """Lines as a diff shows them: what has no line end says so."""
    lines = text.split("\n")
    last = lines.pop()
    return [f"{line}\n" for line in lines] + ([f"{last}\n{_NO_NEWLINE}"] if last else [])
