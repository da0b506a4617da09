"""Two worlds to run merge queues in: one simulated, one with real git. The same schedule must go the same way in both.

A story writes its name into a shared place (two stories of one place conflict), and says in a file of its own what it
brings. Main is green unless somebody brought a fault, or two stories brought things that do not go together although
they merge: exactly what a queue has to test for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from actors.work.workspace.changes import FileChange
from actors.work.workspace.errors import RefMovedError
from actors.work.workspace.repository import MAIN, Repository
from tests.actors.work.workspace.helpers import ADA

Files = Mapping[str, str]


def failing(files: Files) -> tuple[str, ...]:
    """The tests that a tree fails."""
    brought = [text.strip() for path, text in sorted(files.items()) if path.startswith("stories/")]
    faults = ["no_fault"] if "fault" in brought else []
    clashes = ["goes_together"] if {"left", "right"} <= set(brought) else []
    return (*faults, *clashes)


class World(Protocol):
    """Where branches, trees and main are."""

    def main(self) -> str: ...
    def branch(self, story: str, version: int, base: str, changes: Files) -> str: ...
    def merge(self, main: str, head: str) -> tuple[str, tuple[str, ...]]: ...
    def files(self, tree: str) -> Files: ...
    def land(self, main: str, tree: str, parents: tuple[str, str]) -> str: ...
    def hotfix(self, number: int) -> str: ...
    def contains(self, commit: str, head: str) -> bool: ...


@dataclass(frozen=True)
class _Commit:
    tree: str
    base: str  # for a branch: the commit of main that it began at


class ModelWorld:
    """Commits and trees as names in a dictionary."""

    def __init__(self) -> None:
        self._trees: dict[str, dict[str, str]] = {}
        self._commits: dict[str, _Commit] = {}
        self._landed: list[str] = []  # heads
        self._main = self._commit(self._tree({"readme": "begun\n"}), "")

    def main(self) -> str:
        return self._main

    def branch(self, story: str, version: int, base: str, changes: Files) -> str:
        return self._commit(self._tree({**self.files(self._commits[base].tree), **changes}), base)

    def merge(self, main: str, head: str) -> tuple[str, tuple[str, ...]]:
        base = self._commits[self._commits[head].base].tree
        before, ours, theirs = (self.files(one) for one in (base, self._commits[main].tree, self._commits[head].tree))
        merged, conflicts = dict(ours), []
        for path in sorted({*ours, *theirs}):
            if theirs.get(path) == before.get(path) or theirs.get(path) == ours.get(path):
                continue
            if ours.get(path) != before.get(path):
                conflicts.append(path)
            merged[path] = theirs[path]
        return ("", tuple(conflicts)) if conflicts else (self._tree(merged), ())

    def files(self, tree: str) -> Files:
        return self._trees[tree]

    def land(self, main: str, tree: str, parents: tuple[str, str]) -> str:
        made = f"land({main},{tree},{parents[1]})"
        if self._main == made:
            return made
        if self._main != main:
            raise RefMovedError(MAIN, main, self._main)
        self._commits[made] = _Commit(tree, main)
        self._main = made
        self._landed.append(parents[1])
        return made

    def hotfix(self, number: int) -> str:
        files = {**self.files(self._commits[self._main].tree), f"hotfix/{number}": "done\n"}
        self._main = self._commit(self._tree(files), self._main)
        return self._main

    def contains(self, commit: str, head: str) -> bool:
        return commit == self._main and head in self._landed

    def _tree(self, files: dict[str, str]) -> str:
        name = f"tree{len(self._trees)}"
        for known, other in self._trees.items():
            if other == files:
                return known
        self._trees[name] = files
        return name

    def _commit(self, tree: str, base: str) -> str:
        name = f"commit{len(self._commits)}"
        self._commits[name] = _Commit(tree, base)
        return name


class RealWorld:
    """The same with git."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._commit(MAIN, "", "", {"readme": "begun\n"}, "Begin")

    def main(self) -> str:
        return self._repository.ref(MAIN)

    def branch(self, story: str, version: int, base: str, changes: Files) -> str:
        return self._commit(f"refs/heads/feat/dev/{story}.{version}", "", base, changes, f"{story}, version {version}")

    def merge(self, main: str, head: str) -> tuple[str, tuple[str, ...]]:
        merged = self._repository.merge(main, head)
        return merged.tree, tuple(sorted(one.path for one in merged.conflicts))

    def files(self, tree: str) -> Files:
        return self._repository.files(tree)

    def land(self, main: str, tree: str, parents: tuple[str, str]) -> str:
        landed = self._repository.land(ref=MAIN, expected=main, tree=tree, parents=parents, message="Land", author=ADA)
        assert landed.tree == tree
        return landed.commit

    def hotfix(self, number: int) -> str:
        main = self.main()
        return self._commit(MAIN, main, main, {f"hotfix/{number}": "done\n"}, f"Hotfix {number}")

    def contains(self, commit: str, head: str) -> bool:
        return self._repository.contains(commit, head)

    def _commit(self, ref: str, expected: str, base: str, changes: Files, message: str) -> str:
        return self._repository.commit(
            ref=ref,
            expected=expected,
            parents=(base,) if base else (),
            base=base,
            changes=[FileChange(path=path, content=text) for path, text in changes.items()],
            message=message,
            author=ADA,
        ).commit
