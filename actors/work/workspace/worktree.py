"""The working folder of one pair: a branch checked out in a folder of its own, with limits on what it holds.

What git knows of a folder is kept in the repository's .git/worktrees, out of reach of code that runs in the folder.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from actors.work.workspace import folder_files
from actors.work.workspace.changes import FileChange, content_bytes
from actors.work.workspace.errors import BranchBusyError, DirtyWorktreeError, LimitError, NoFileError, WorktreeError
from actors.work.workspace.git import Git, Place
from actors.work.workspace.objects import Objects

HEADS = "refs/heads/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much a working folder may hold and answer."""

    file_bytes: int = 1_000_000  # of one file
    files: int = 2_000  # that are changed
    total_bytes: int = 20_000_000  # of all changed files
    hits: int = 200  # of one search
    line_chars: int = 400  # of a line that a search shows


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A line that has what was searched for."""

    path: str
    line: int  # from 1
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The answer to a search."""

    hits: tuple[Hit, ...]
    is_complete: bool  # False: the limit was reached, there may be more


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """A file that is not as it was committed."""

    path: str
    how: Literal["added", "changed", "removed"]


class Worktree:
    """One working folder. Ignored files (.gitignore) are not its work: they are not in its status or snapshot."""

    def __init__(self, git: Git, objects: Objects, place: Place, branch: str, limits: Limits) -> None:
        """Use `Repository.add_worktree` or `Repository.open_worktree`."""
        self.folder, self.branch, self.limits = place.folder, branch, limits
        self._git, self._objects, self._place = git, objects, place

    def read(self, path: str) -> str:
        """A file's text. Raises InvalidPathError, NoFileError, LimitError."""
        return folder_files.read_text(self.folder, path, limit=self.limits.file_bytes)

    def write(self, path: str, content: str) -> None:
        """Make or replace a file. Raises InvalidPathError, InvalidTextError, LimitError."""
        data = content_bytes(path, content)
        if len(data) > self.limits.file_bytes:
            raise LimitError(path, len(data), self.limits.file_bytes)
        folder_files.write_text(self.folder, path, data)

    def delete(self, path: str) -> None:
        """Remove a file. Raises InvalidPathError, NoFileError."""
        folder_files.remove_file(self.folder, path)

    def paths(self) -> tuple[str, ...]:
        """The files that are there and not ignored, sorted."""
        listed = self._ask("ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate")
        gone = set(self._ask("ls-files", "-z", "--deleted"))
        return tuple(sorted(path for path in listed if path not in gone))

    def search(self, text: str) -> Found:
        """Find lines with this very text, in the order of paths. Links and what is not text are passed over.

        Plain text and no pattern: a pattern can be made to run for ever.
        """
        hits: list[Hit] = []
        for path in self.paths():
            for hit in self._hits(path, text):
                if len(hits) == self.limits.hits:
                    return Found(hits=tuple(hits), is_complete=False)
                hits.append(hit)
        return Found(hits=tuple(hits), is_complete=True)

    def _hits(self, path: str, text: str) -> Iterator[Hit]:
        try:
            lines = self.read(path).split("\n")
        except (NoFileError, LimitError, ValueError):  # no text, too large, a link: nothing to show
            return
        for number, line in enumerate(lines, 1):
            if text in line:
                yield Hit(path=path, line=number, text=line[: self.limits.line_chars])

    def status(self) -> tuple[Changed, ...]:
        """Every file that is not as it was committed, by path."""
        lines = self._ask("status", "--porcelain=v1", "-z", "--untracked-files=all", "--no-renames")
        return tuple(sorted((_changed(line) for line in lines), key=lambda one: one.path))

    def snapshot(self) -> tuple[FileChange, ...]:
        """All that was changed, as a commit on the branch's head wants it.

        Raises:
            LimitError: It is more than the limits allow.
            InvalidPathError, NoFileError: Something was left there that no commit can hold, such as a link.
        """
        changed = self.status()
        if len(changed) > self.limits.files:
            raise LimitError("the working folder", len(changed), self.limits.files)
        taken, total = [], 0
        for one in changed:
            content = None if one.how == "removed" else self.read(one.path)
            total += len((content or "").encode())
            if total > self.limits.total_bytes:
                raise LimitError("the working folder", total, self.limits.total_bytes)
            taken.append(FileChange(path=one.path, content=content))
        return tuple(taken)

    def remove(self, *, snapshot: tuple[FileChange, ...] = ()) -> None:
        """Remove the folder. The branch stays.

        Args:
            snapshot: What the caller keeps of it; it must be all that was changed.
        Raises:
            DirtyWorktreeError: There are changes that the snapshot does not hold. Nothing was removed.
        """
        with self._git.alone():
            changed = self.status()
            if changed and self.snapshot() != snapshot:
                raise DirtyWorktreeError(tuple(one.path for one in changed))
            discard(self._place)

    def _ask(self, *arguments: str) -> list[str]:
        _, answer = self._git.run(*arguments, place=self._place)
        return answer.decode(errors="surrogateescape").split("\0")[:-1]


# -- what .git knows of working folders -------------------------------------------------------------------------------


def registered(git: Git) -> dict[str, Path]:
    """The working folders by branch, but for the repository's own."""
    return {_branch_of(place.git_dir): place.folder for place in places(git)}


def places(git: Git) -> tuple[Place, ...]:
    """Every working folder that .git knows in full, by the name that git gave it."""
    known = sorted((git.git_dir / "worktrees").glob("*"))
    pairs = ((_line(one / "gitdir"), one) for one in known)
    return tuple(Place(Path(line).parent, one) for line, one in pairs if line and _line(one / "HEAD"))


def check_place(git: Git, folder: Path, branch: str) -> Path:
    """Raise BranchBusyError or WorktreeError if this branch cannot have this folder. The caller holds `Git.alone`."""
    if folder.resolve().is_relative_to(git.git_dir.parent.resolve()):
        raise WorktreeError("a working folder cannot lie inside the repository's own")
    if folder.is_symlink() or (folder.exists() and (not folder.is_dir() or any(folder.iterdir()))):
        raise WorktreeError("there is something where the working folder should be")
    for place in places(git):
        if not (place.folder / ".git").exists():
            discard(place)  # somebody removed the folder, or was killed while doing so
    busy = registered(git)
    if branch in busy or branch == _branch_of(git.git_dir):
        raise BranchBusyError(branch)
    return folder


def add(git: Git, objects: Objects, folder: Path, branch: str, limits: Limits) -> Worktree:
    """Check a branch out. The caller holds `Git.alone` and has checked the place."""
    git.run("worktree", "add", "--quiet", str(folder), branch.removeprefix(HEADS))
    return find(git, objects, folder, limits)


def find(git: Git, objects: Objects, folder: Path, limits: Limits) -> Worktree:
    """The working folder that lies there. Raises WorktreeError if there is none."""
    for place in places(git):
        if place.folder == folder or place.folder == folder.resolve():
            return Worktree(git, objects, place, _branch_of(place.git_dir), limits)
    raise WorktreeError("there is no working folder of this repository")


def discard(place: Place) -> None:
    """Remove a folder and what .git knows of it, in an order that leaves nothing unknown when killed in between."""
    if place.folder.is_dir() and not place.folder.is_symlink():
        shutil.rmtree(place.folder)
    shutil.rmtree(place.git_dir)


def _branch_of(git_dir: Path) -> str:
    return _line(git_dir / "HEAD").removeprefix("ref: ")


def _line(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="surrogateescape").removesuffix("\n")
    except (FileNotFoundError, NotADirectoryError):
        return ""


def _changed(line: str) -> Changed:
    """One entry of `git status --porcelain=v1 -z`: two letters, a blank, the path. Nothing of ours is ever staged."""
    letters, path = line[:2], line[3:]
    how: Literal["added", "changed", "removed"] = "added" if letters == "??" else "changed"
    return Changed(path=path, how="removed" if "D" in letters else how)
