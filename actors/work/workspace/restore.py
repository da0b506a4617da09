"""Makes a repository hold exactly what a journal recorded, from whatever is left of it: all, nothing, or too much.

The journal is the truth. Branches that it does not know are removed, branches that ran ahead are set back, commits and
merged trees that are missing are made again from their requests and must get the recorded hashes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from actors.work.workspace import leftovers
from actors.work.workspace.changes import FileChange
from actors.work.workspace.errors import GitFailedError, RestoreError, UnknownObjectError
from actors.work.workspace.names import Signature
from actors.work.workspace.repository import Repository


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedCommit:
    """A commit that was asked for, and the hash that it got: `Repository.commit`, or `land` if `tree` is given."""

    ref: str
    parents: tuple[str, ...]
    message: str
    author: Signature
    commit: str  # the recorded hash
    base: str = ""
    changes: tuple[FileChange, ...] = ()
    tree: str = ""  # exactly this tree, instead of base and changes


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedMerge:
    """A merge that was asked for, and the tree that it got: `Repository.merge`. What follows may want the tree."""

    ours: str
    theirs: str
    tree: str  # the recorded hash


Recorded = RecordedCommit | RecordedMerge


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreReport:
    """What had to be done."""

    refs: dict[str, str]  # where every branch is now
    rebuilt: int  # commits and merged trees that were made again
    leftovers: tuple[str, ...]  # what a killed process had left and was removed, relative to .git
    worktrees: tuple[str, ...]  # branches whose working folders were removed
    was_damaged: bool  # objects were torn, so all of them were made again


def restore(repository: Repository, recorded: Iterable[Recorded]) -> RestoreReport:
    """Make the repository hold what was recorded, and its branches stand where they were last recorded to be.

    Nobody else may be at work in the repository. Killed in between, it can be repeated.

    Args:
        recorded: Everything that succeeded, in an order in which it can be repeated.
    Raises:
        RestoreError: The first record that is made again with another hash; no branch was moved.
        GitFailedError: Objects stay damaged after all of them were made again.
    """
    records = tuple(recorded)
    wanted = {one.ref: one.commit for one in records if isinstance(one, RecordedCommit)}
    with repository.git.alone():
        worktrees = leftovers.remove_worktrees(repository.git)
        removed = leftovers.remove(repository.git.git_dir)
        rebuilt = _attempt(repository, records, wanted)
        was_damaged = rebuilt is None
        if rebuilt is None:
            # Something is torn. Rather than guess what hangs on it, make everything again: the journal holds it all.
            leftovers.remove_objects(repository.git.git_dir)
            rebuilt = _rebuild_missing(repository, records)
            repository.set_refs(wanted)
            problems = repository.fsck()
            if problems:
                raise GitFailedError("fsck", 1, "\n".join(problems))
    return RestoreReport(
        refs=dict(sorted(wanted.items())),
        rebuilt=rebuilt,
        leftovers=removed,
        worktrees=worktrees,
        was_damaged=was_damaged,
    )


def _attempt(repository: Repository, records: Sequence[Recorded], wanted: dict[str, str]) -> int | None:
    """Make again what is missing and set the branches. Returns how much that was; None where objects are damaged."""
    try:
        rebuilt = _rebuild_missing(repository, records)
        repository.set_refs(wanted)
    except GitFailedError:
        return None
    except RestoreError as error:
        if isinstance(error.__cause__, UnknownObjectError):  # a commit is there, and what it consists of is not
            return None
        raise
    return None if repository.fsck() else rebuilt


def _rebuild_missing(repository: Repository, records: Sequence[Recorded]) -> int:
    """Make again what is not there, in the order recorded. Returns how much that was."""
    missing = set(repository.objects.missing([_name(one) for one in records]))
    done = 0
    for number, one in enumerate(records):
        if _name(one) not in missing:
            continue
        _rebuild(repository, number, one)
        done += 1
    return done


def _name(record: Recorded) -> str:
    return record.tree if isinstance(record, RecordedMerge) else record.commit


def _rebuild(repository: Repository, number: int, record: Recorded) -> None:
    """Make one commit or merged tree again and compare."""
    try:
        if isinstance(record, RecordedMerge):
            what, made = "a merge", repository.merge(record.ours, record.theirs).tree
        else:
            what, made = f"a commit on {record.ref}", _rebuild_commit(repository, record)
    except UnknownObjectError as error:
        raise RestoreError(number, f"needs {error.oid}", _name(record), "") from error
    if made != _name(record):
        raise RestoreError(number, what, _name(record), made)


def _rebuild_commit(repository: Repository, record: RecordedCommit) -> str:
    objects = repository.objects
    source = record.tree or record.base
    if source and len(record.parents) == 2 and not objects.has(source):
        # The tree came of a merge that was not recorded itself; it can only be the one of these parents.
        repository.merge(*record.parents)
    tree = record.tree or objects.store_tree(record.base, record.changes)
    return objects.store_commit(tree, record.parents, record.message, record.author)
