"""The working folder of each pair: it shows the head of the branch that the pair works on, to whoever looks.

These are git worktrees, kept up to date by plumbing: a commit is made without them and shown afterwards. A folder
belongs to the agent who began the branch, so two folders never have one branch; another branch of that agent moves it.
Everything can be repeated, by any process, whatever a killed one left.
"""

from __future__ import annotations

from pathlib import Path

from actors.work.workspace import worktree
from actors.work.workspace.errors import BranchBusyError, WorktreeError
from actors.work.workspace.git import Place
from actors.work.workspace.layout import write_whole
from actors.work.workspace.names import check_ref
from actors.work.workspace.repository import Repository

BRANCHES = "refs/heads/feat/"


class PairFolders:
    """The working folders of one repository."""

    def __init__(self, repository: Repository, folder: Path) -> None:
        """`folder` will hold one folder for each agent; it must not lie in the repository."""
        self._git, self._folder = repository.git, folder.absolute()

    def show(self, ref: str) -> Path | None:
        """Let the folder of a branch show its head.

        Args:
            ref: Full name of the branch.
        Returns: The folder; None for a branch that is no pair's.
        Raises:
            InvalidRefError: It is no name of a branch.
            BranchBusyError: Another working folder has the branch.
            WorktreeError: There is something else where the folder should be.
            GitFailedError: Git cannot write the files.
        """
        check_ref(ref)
        agent, _, rest = ref.removeprefix(BRANCHES).partition("/")
        if not ref.startswith(BRANCHES) or not rest:
            return None
        place = Place(self._folder / agent, self._git.git_dir / "worktrees" / agent)
        with self._git.alone():
            self._check_free(place, ref)
            _connect(place, ref)
            for name in ("index.lock", "HEAD.lock"):  # of a git that was killed: no other is at work now
                (place.git_dir / name).unlink(missing_ok=True)
            # Not `git checkout`, which does more and takes longer. What somebody changed in the folder goes.
            self._git.run("read-tree", "--reset", "-u", ref, place=place)
        return place.folder

    def _check_free(self, own: Place, ref: str) -> None:
        if own.folder.is_symlink() or (own.folder.exists() and not own.folder.is_dir()):
            raise WorktreeError("there is something where the working folder should be")
        if worktree.registered(self._git).get(ref) not in (None, own.folder):
            raise BranchBusyError(ref)


def _connect(place: Place, ref: str) -> None:
    """Write what `git worktree add` would write, where it is not written yet (see gitrepository-layout)."""
    place.folder.mkdir(parents=True, exist_ok=True)
    place.git_dir.mkdir(parents=True, exist_ok=True)
    write_whole(place.folder / ".git", f"gitdir: {place.git_dir}\n")
    write_whole(place.git_dir / "commondir", "../..\n")
    write_whole(place.git_dir / "gitdir", f"{place.folder / '.git'}\n")
    write_whole(place.git_dir / "HEAD", f"ref: {ref}\n")
