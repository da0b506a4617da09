"""A git repository in which every hash follows from what was asked: same requests, same objects, on any machine.

Commits are made with plumbing on a private index, and a branch moves by compare-and-swap only. Asking twice for the
same commit is harmless, so a request that was carried out but not recorded before a crash can simply be repeated.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from actors.work.workspace import layout, worktree
from actors.work.workspace.changes import FileChange
from actors.work.workspace.errors import GitFailedError, RefMovedError, UnknownObjectError
from actors.work.workspace.git import EMPTY_TREE, Git, Place
from actors.work.workspace.merging import Conflict, Merged, Side, Stage, marked, parse_merge
from actors.work.workspace.names import Signature, check_oid, check_ref, is_oid
from actors.work.workspace.objects import Objects, as_text
from actors.work.workspace.worktree import Limits, Worktree

__all__ = [
    "MAIN",
    "Committed",
    "Conflict",
    "FileChange",
    "Limits",
    "Merged",
    "Repository",
    "Side",
    "Signature",
    "Worktree",
]

MAIN = "refs/heads/main"
NOTHING = "0" * 40  # git's name for a ref that does not exist
PATCH_OPTIONS = (
    "--full-index",  # the usual short names grow with the repository
    "--no-renames",
    "--no-ext-diff",
    "--no-textconv",
    "--no-color",
    "--unified=3",
    "--binary",
    "--src-prefix=a/",
    "--dst-prefix=b/",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Committed:
    """A commit that a branch is at."""

    commit: str
    tree: str


class Repository:
    """One repository on disk. Any number of processes may use it at once, each with its own Repository object."""

    def __init__(self, folder: Path, git: Git) -> None:
        """Use `create`, which makes sure that there is something to work with."""
        self.folder = folder
        self.git = git
        self.objects = Objects(git)

    @classmethod
    def create(cls, folder: Path) -> Repository:
        """Open the repository in a folder and make it if it is not there: branch main, no commit.

        Raises:
            GitMissingError, GitTooOldError: This machine cannot do executed work.
            ForeignRepositoryError: The folder holds somebody else's repository.
        """
        folder = folder.absolute()
        git = Git.on(folder / ".git")
        layout.prepare(folder)
        return cls(folder, git)

    # -- making commits -----------------------------------------------------------------------------------------------

    def commit(
        self,
        *,
        ref: str,
        expected: str,
        parents: tuple[str, ...],
        base: str,
        changes: Sequence[FileChange],
        message: str,
        author: Signature,
    ) -> Committed:
        """Commit changed files and move a branch to the commit.

        Args:
            ref: Full name of the branch.
            expected: Where the branch must be; empty: it must not exist.
            base: Commit or tree whose files the changes are made to; empty: none.
        Returns: The commit; also where it was there already and the branch is at it.
        Raises:
            RefMovedError: The branch is elsewhere. Nothing was changed but for objects that nothing refers to.
            InvalidPathError, InvalidRefError, InvalidTextError, UnknownObjectError: The request cannot be right.
        """
        self._check(ref, expected, author)
        tree = self.objects.store_tree(base, changes)
        return self.land(ref=ref, expected=expected, tree=tree, parents=parents, message=message, author=author)

    def land(
        self, *, ref: str, expected: str, tree: str, parents: tuple[str, ...], message: str, author: Signature
    ) -> Committed:
        """Commit exactly this tree and move a branch to the commit. Arguments, result and errors as for `commit`."""
        self._check(ref, expected, author)
        commit = self.objects.store_commit(tree, parents, message, author)
        self._swap(ref, expected, commit)
        return Committed(commit=commit, tree=tree)

    def _check(self, ref: str, expected: str, author: Signature) -> None:
        check_ref(ref)
        author.check()
        if expected:
            check_oid(expected)

    def _swap(self, ref: str, expected: str, commit: str) -> None:
        """Move a branch from where it must be. That it is at the commit already is success."""
        with self.git.alone():
            try:
                self._move(ref, expected, commit)
            except GitFailedError as error:
                found = self.ref(ref)
                if found == commit:
                    return
                if found != expected:
                    raise RefMovedError(ref, expected, found) from error
                # It is where it should be: a killed git left its lock or an unfinished file. No other is at work now.
                if not layout.remove_stale_ref(self.git.git_dir, ref):
                    raise
                self._move(ref, expected, commit)

    def _move(self, ref: str, expected: str, commit: str) -> None:
        self.git.run("update-ref", "--no-deref", ref, commit, expected or NOTHING)

    # -- merging ------------------------------------------------------------------------------------------------------

    def merge(self, ours: str, theirs: str) -> Merged:
        """Work out what merging two commits gives, without changing any branch.

        Where both changed the same place, the tree shows both texts between conflict marks and never one side alone;
        `Merged.is_clean` tells whether it may be landed.

        Raises:
            UnknownObjectError: A commit is not there.
            GitFailedError: They have no common ancestor.
        """
        check_oid(ours)
        check_oid(theirs)
        try:
            code, answer = self.git.run("merge-tree", "--write-tree", "-z", ours, theirs, allowed=(0, 1))
            tree, stages = parse_merge(answer)
            if not is_oid(tree):  # 1 also stands for commits that are not there
                raise GitFailedError("merge-tree", code, answer.decode(errors="replace"))
        except GitFailedError as error:
            raise self.objects.unknown_or(error, ours, theirs) from error
        if code == 0:
            return Merged(tree=tree, conflicts=())
        conflicts = self._conflicts(stages)
        return Merged(tree=self._with_both_sides(tree, conflicts), conflicts=conflicts)

    def _conflicts(self, stages: Sequence[Stage]) -> tuple[Conflict, ...]:
        texts = self.objects.blobs([stage.blob for stage in stages])
        found: dict[str, dict[int, Side]] = {}
        for stage in stages:
            found.setdefault(stage.path, {})[stage.number] = Side(mode=stage.mode, text=as_text(texts[stage.blob]))
        return tuple(
            Conflict(path=path, base=sides.get(1), ours=sides.get(2), theirs=sides.get(3))
            for path, sides in found.items()
        )

    def _with_both_sides(self, tree: str, conflicts: Sequence[Conflict]) -> str:
        """Git leaves one side where it cannot mark both (one removed, the other changed); show both there too."""
        shown = self.objects.files(tree)
        wanted = [
            FileChange(path=one.path, content=marked(one))
            for one in conflicts
            if one.path in shown and not one.is_marked(shown[one.path])
        ]
        return self.objects.store_tree(tree, wanted) if wanted else tree

    # -- reading ------------------------------------------------------------------------------------------------------

    def files(self, treeish: str) -> dict[str, str]:
        """All text files of a commit or tree, by path; what is not text is left out. Raises UnknownObjectError."""
        return self.objects.files(treeish)

    def has(self, oid: str) -> bool:
        """Whether an object is there."""
        return self.objects.has(oid)

    def contains(self, commit: str, earlier: str) -> bool:
        """Whether a commit has another one in its history, or is it. Raises UnknownObjectError."""
        check_oid(commit)
        check_oid(earlier)
        try:
            return self.git.run("merge-base", "--is-ancestor", earlier, commit, allowed=(0, 1))[0] == 0
        except GitFailedError as error:
            raise self.objects.unknown_or(error, commit, earlier) from error

    def ref(self, name: str) -> str:
        """Where one branch is; empty if it does not exist or was left unfinished."""
        check_ref(name)
        code, answer = self.git.run("rev-parse", "--verify", "--quiet", name, allowed=(0, 1, 128))
        found = answer.decode().strip()
        return found if code == 0 and is_oid(found) else ""

    def refs(self) -> dict[str, str]:
        """Where every branch is, by full name."""
        lines = self.git.text("for-each-ref", "--format=%(refname) %(objectname)", "refs/heads").splitlines()
        return {name: oid for name, _, oid in (line.partition(" ") for line in lines)}

    def patch(self, commit: str) -> str:
        """The unified diff of a commit against its first parent, or against nothing. Raises UnknownObjectError."""
        check_oid(commit)
        try:
            _, line = self.git.run("rev-list", "--parents", "-n1", commit)
            before = [*line.decode().split(), EMPTY_TREE][1]
            _, answer = self.git.run("diff-tree", "-r", "-p", *PATCH_OPTIONS, before, commit)
        except GitFailedError as error:
            raise self.objects.unknown_or(error, commit) from error
        return answer.decode(errors="surrogateescape")

    def fsck(self) -> tuple[str, ...]:
        """Everything that git finds wrong, sorted; nothing if all is well. Unreferenced objects are not wrong."""
        code, answer, errors = self.git.complaints("fsck", "--full", "--strict", "--no-dangling", "--no-progress")
        lines = sorted(dict.fromkeys((answer + errors).decode(errors="replace").splitlines()))
        found = tuple(line for line in lines if line and not line.startswith("notice: "))
        return found if found or code == 0 else (f"git fsck ended with {code}",)

    # -- branches and folders -----------------------------------------------------------------------------------------

    def set_refs(self, wanted: Mapping[str, str]) -> None:
        """Make the branches exactly these, whatever was left of others. For repair: nobody else may be at work.

        Raises:
            UnknownObjectError: A commit is not there; no branch was moved.
        """
        for name, oid in wanted.items():
            check_ref(name)
            check_oid(oid)
        lost = self.objects.missing(list(wanted.values()))
        if lost:
            raise UnknownObjectError(lost[0])
        with self.git.alone():
            layout.remove_broken_refs(self.git.git_dir)
            found = self.refs()
            # Removed first and apart: feat/a cannot be made while feat/a/b is there.
            self._update_refs([f"delete {name}\0\0" for name in found if name not in wanted])
            self._update_refs([f"update {name}\0{oid}\0\0" for name, oid in wanted.items() if found.get(name) != oid])

    def _update_refs(self, commands: Sequence[str]) -> None:
        if commands:
            self.git.run("update-ref", "--no-deref", "-z", "--stdin", data="".join(commands).encode())

    def checkout_main(self) -> None:
        """Make the repository's own folder show main's files and nothing else but files that it ignores."""
        with self.git.alone():
            main = self.ref(MAIN)
            layout.remove_main_index(self.git.git_dir)
            place = Place(self.folder, self.git.git_dir)
            # What is strange goes first: a stray .gitattributes would change what is written.
            self.git.run("read-tree", "--reset", main or EMPTY_TREE, place=place)
            self.git.run("clean", "-f", "-d", "-q", place=place)
            self.git.run("checkout-index", "--all", "--force", "--index", place=place)

    def add_worktree(self, folder: Path, commit: str, branch: str, limits: Limits | None = None) -> Worktree:
        """Check a branch out into a folder of its own; the branch is made at `commit` if it does not exist.

        Raises:
            BranchBusyError: The branch is in another working folder, or is main.
            RefMovedError: The branch is not at `commit`.
            UnknownObjectError: The commit is not there.
            WorktreeError: The folder is not empty, or lies inside the repository's own.
        """
        check_oid(commit)
        check_ref(branch)
        with self.git.alone():
            found = self.ref(branch)
            if found not in ("", commit):
                raise RefMovedError(branch, commit, found)
            if not self.has(commit):
                raise UnknownObjectError(commit)
            place = worktree.check_place(self.git, folder.absolute(), branch)
            if not found:
                self._move(branch, "", commit)
            return worktree.add(self.git, self.objects, place, branch, limits or Limits())

    def open_worktree(self, folder: Path, limits: Limits | None = None) -> Worktree:
        """A working folder that was added before, perhaps by another process. Raises WorktreeError if it was not."""
        return worktree.find(self.git, self.objects, folder.absolute(), limits or Limits())

    def worktrees(self) -> dict[str, Path]:
        """The working folders by branch, but for the repository's own."""
        return worktree.registered(self.git)
