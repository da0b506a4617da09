"""A small history with everything in it, and ways to perform it, also in a process of its own that is killed."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from actors.work.workspace.changes import FileChange
from actors.work.workspace.git import Git
from actors.work.workspace.names import Signature
from actors.work.workspace.repository import MAIN, Committed, Repository
from actors.work.workspace.restore import Recorded, RecordedCommit, RecordedMerge

ADA = Signature(name="Ada Lovelace", email="ada@team.example", at_s=1_700_000_000)
S1, S2 = "refs/heads/feat/ada/S-1", "refs/heads/feat/bob/S-2"


def put(path: str, content: str) -> FileChange:
    return FileChange(path=path, content=content)


def gone(path: str) -> FileChange:
    return FileChange(path=path, content=None)


def commit(
    repository: Repository,
    *changes: FileChange,
    ref: str = MAIN,
    parent: str = "",
    expected: str | None = None,
    message: str = "Work",
) -> Committed:
    """A commit on top of `parent`; the branch is expected there too, unless told otherwise."""
    return repository.commit(
        ref=ref,
        expected=parent if expected is None else expected,
        parents=(parent,) if parent else (),
        base=parent,
        changes=changes,
        message=message,
        author=ADA,
    )


class History:
    """Two branches that meet in a conflict; performed step by step, each step given the hashes of those before.

    `records` is what a journal would hold after the steps so far.
    """

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self.records: list[Recorded] = []

    def perform(self, told: Callable[[int], None] = lambda _: None, *, known: Sequence[Recorded] = ()) -> None:
        """Perform every step. What is `known` is taken from the journal; `told` hears of each step when it is done."""
        main, two = self.begin(told, known=known)
        torn = self._merge(two, main)
        two = self._commit(S2, two, torn, (put("src/a.py", "a = 30\nb = 2\n"),), parents=(two, main))
        self._land(main, self._merge(main, two), (main, two))

    def begin(self, told: Callable[[int], None] = lambda _: None, *, known: Sequence[Recorded] = ()) -> tuple[str, str]:
        """The first half: commits of every kind, a merge, a landing. Returns the heads of main and of S2."""
        self._known, self._told = known, told
        start = self._commit(MAIN, "", "", (put("src/a.py", "a = 1\nb = 2\n"), put("src/gone.py", "x = 1\n")))
        one = self._commit(S1, "", start, (put("src/a.py", "a = 10\nb = 2\n"),))
        two = self._commit(S2, "", start, (put("src/a.py", "a = 20\nb = 2\n"), put("src/b.py", "é = 'ü'\n")))
        two = self._commit(S2, two, two, (gone("src/gone.py"),))
        return self._land(start, self._merge(start, one), (start, one)), two

    def _replayed(self) -> Recorded | None:
        return self._known[len(self.records)] if len(self.records) < len(self._known) else None

    def _done(self, record: Recorded) -> None:
        self.records.append(record)
        self._told(len(self.records))

    def _commit(
        self, ref: str, expected: str, base: str, changes: tuple[FileChange, ...], parents: tuple[str, ...] = ()
    ) -> str:
        message = f"Step {len(self.records)}\n\nStory: S-1\n"
        parents = parents or ((base,) if base else ())
        known = self._replayed()
        if not isinstance(known, RecordedCommit):
            made = self._repository.commit(
                ref=ref, expected=expected, parents=parents, base=base, changes=changes, message=message, author=ADA
            )
            known = RecordedCommit(
                ref=ref, parents=parents, base=base, changes=changes, message=message, author=ADA, commit=made.commit
            )
        self._done(known)
        return known.commit

    def _merge(self, ours: str, theirs: str) -> str:
        known = self._replayed()
        if not isinstance(known, RecordedMerge):
            known = RecordedMerge(ours=ours, theirs=theirs, tree=self._repository.merge(ours, theirs).tree)
        self._done(known)
        return known.tree

    def _land(self, expected: str, tree: str, parents: tuple[str, str]) -> str:
        known, message = self._replayed(), f"Land {len(self.records)}\n"
        if not isinstance(known, RecordedCommit):
            made = self._repository.land(
                ref=MAIN, expected=expected, tree=tree, parents=parents, message=message, author=ADA
            )
            known = RecordedCommit(
                ref=MAIN, parents=parents, tree=tree, message=message, author=ADA, commit=made.commit
            )
        self._done(known)
        return known.commit


def performed(folder: Path) -> tuple[Repository, list[Recorded]]:
    """A repository with the whole history, and its journal."""
    repository = Repository.create(folder)
    history = History(repository)
    history.perform()
    return repository, history.records


def in_process(work: Callable[[], None]) -> int:
    """Do something in a process of its own; returns how it ended (negative: the signal)."""
    process = multiprocessing.get_context("fork").Process(target=work)
    process.start()
    process.join(timeout=60)
    assert process.exitcode is not None, "the process hangs"
    return process.exitcode


class KilledGit:
    """Makes this process kill itself at one of its git commands. Install it in a process of its own only.

    `before`: at the at-th command, before it; `locked`: in the middle of the at-th move of a branch.
    """

    def __init__(self, at: int, when: str) -> None:
        self._at, self._when, self._count = at, when, 0
        self._complaints = Git.complaints

    def install(self) -> None:
        def complaints(git: Git, *arguments: str, **more: object) -> tuple[int, bytes, bytes]:
            self._count += self._when == "before" or arguments[0] == "update-ref"
            if self._count == self._at and self._when == "before":
                os.kill(os.getpid(), signal.SIGKILL)
            if self._count == self._at:
                # What a git that is killed with its parent leaves: it writes the new value into the lock, then renames.
                lock = git.git_dir / f"{arguments[2]}.lock"
                lock.parent.mkdir(parents=True, exist_ok=True)
                lock.write_text(arguments[3][:17])
                os.kill(os.getpid(), signal.SIGKILL)
            return self._complaints(git, *arguments, **more)  # type: ignore[arg-type]

        Git.complaints = complaints  # type: ignore[method-assign,assignment]


if __name__ == "__main__":  # for other environments: perform the history and print what came of it
    made, _ = performed(Path(sys.argv[1]))
    for name, oid in made.refs().items():
        print(name, oid)
    print(made.patch(made.refs()[S2]).encode("utf-8", "surrogateescape").hex())
