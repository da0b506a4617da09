"""The working folders of pairs, seen with git itself: each shows its branch, whoever was killed in between."""

from __future__ import annotations

import multiprocessing
import subprocess
from pathlib import Path

import pytest

from actors.work.workspace.errors import BranchBusyError, GitFailedError, InvalidRefError, WorktreeError
from actors.work.workspace.pair_folders import PairFolders
from actors.work.workspace.repository import MAIN, Repository
from actors.work.workspace.restore import RecordedCommit, restore
from tests.actors.work.workspace.helpers import ADA, S1, S2, commit, gone, put

S3 = "refs/heads/feat/ada/S-3"


@pytest.fixture
def folders(repository: Repository, tmp_path: Path) -> PairFolders:
    return PairFolders(repository, tmp_path / "worktrees")


def git(folder: Path, *arguments: str) -> str:
    """What a stranger's git says there."""
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


def is_clean(folder: Path) -> bool:
    return git(folder, "status", "--porcelain=v1", "--ignored") == ""


def listed(repository: Repository) -> dict[str, str]:
    """Branch and folder of every worktree but the repository's own."""
    entries = git(repository.folder, "worktree", "list", "--porcelain").strip().split("\n\n")[1:]
    found = (dict(line.partition(" ")[::2] for line in entry.split("\n")) for entry in entries)
    return {one["branch"]: one["worktree"] for one in found}


def test_a_folder_is_a_git_worktree_that_shows_the_head_of_its_branch(
    repository: Repository, folders: PairFolders, tmp_path: Path
) -> None:
    first = commit(repository, put("src/a.py", "a = 1\n"), put("old.md", "x"), ref=S1)
    folder = folders.show(S1)
    second = commit(repository, put("src/a.py", "a = 2\n"), gone("old.md"), ref=S1, parent=first.commit)
    folders.show(S1)

    assert folder == tmp_path / "worktrees/ada"
    assert git(folder, "rev-parse", "HEAD", "--symbolic-full-name", "HEAD").split() == [second.commit, S1]
    assert (folder / "src/a.py").read_text() == "a = 2\n"
    assert not (folder / "old.md").exists()
    assert is_clean(folder)
    assert listed(repository) == {S1: str(folder)}
    assert repository.fsck() == ()


def test_another_branch_of_the_agent_moves_the_folder_and_no_branch_is_in_two(
    repository: Repository, folders: PairFolders
) -> None:
    first = commit(repository, put("a.py", "1"), put("both.py", "1"), ref=S1)
    commit(repository, put("c.py", "3"), put("both.py", "3"), ref=S3)
    commit(repository, put("b.py", "2"), ref=S2)
    ada, bob = folders.show(S1), folders.show(S2)
    assert folders.show(S3) == ada

    assert ada is not None
    assert sorted(path.name for path in ada.iterdir()) == [".git", "both.py", "c.py"]
    assert is_clean(ada)
    assert listed(repository) == {S3: str(ada), S2: str(bob)}
    commit(repository, put("a.py", "2"), ref=S1, parent=first.commit)  # the first branch is free for work again
    folders.show(S1)
    assert (ada / "a.py").read_text() == "2"


def test_main_and_branches_of_nobody_have_no_folder(
    repository: Repository, folders: PairFolders, tmp_path: Path
) -> None:
    commit(repository, put("a.py", "1"))

    assert [folders.show(ref) for ref in (MAIN, "refs/heads/fix/ada/S-1", "refs/heads/feat/S-1")] == [None] * 3
    assert not (tmp_path / "worktrees").exists()
    for ref in ("refs/heads/feat/../S-1", "feat/ada/S-1", "refs/heads/feat/./S-1"):
        with pytest.raises(InvalidRefError):
            folders.show(ref)


def test_what_somebody_did_in_the_folder_does_not_stay(repository: Repository, folders: PairFolders) -> None:
    first = commit(repository, put("a.py", "1"), put("b.py", "1"), put("c.py", "1"), ref=S1)
    folder = folders.show(S1)
    assert folder is not None
    (folder / "a.py").write_text("mine")
    (folder / "b.py").unlink()
    (folder / "b.py").mkdir()
    (folder / "d.py").write_text("in the way of a file to come")
    commit(repository, put("d.py", "2"), ref=S1, parent=first.commit)
    folders.show(S1)

    assert [(folder / name).read_text() for name in ("a.py", "b.py", "c.py", "d.py")] == ["1", "1", "1", "2"]
    assert is_clean(folder)


@pytest.mark.parametrize("left", ["index.lock", "HEAD.lock"])
def test_the_lock_of_a_killed_git_does_not_stop_the_next_one(
    left: str, repository: Repository, folders: PairFolders
) -> None:
    first = commit(repository, put("a.py", "1"), ref=S1)
    folder = folders.show(S1)
    assert folder is not None
    (repository.git.git_dir / "worktrees/ada" / left).write_text("")
    commit(repository, put("a.py", "2"), ref=S1, parent=first.commit)
    folders.show(S1)

    assert (folder / "a.py").read_text() == "2"


@pytest.mark.parametrize("lost", [".git", "a.py", "HEAD", "commondir", "gitdir", "index"])
def test_what_is_missing_of_a_folder_is_made_again(lost: str, repository: Repository, folders: PairFolders) -> None:
    commit(repository, put("a.py", "1"), ref=S1)
    folder = folders.show(S1)
    assert folder is not None
    about = repository.git.git_dir / "worktrees/ada"
    (folder / lost if lost in (".git", "a.py") else about / lost).unlink()
    folders.show(S1)

    assert (folder / "a.py").read_text() == "1"
    assert is_clean(folder)
    assert listed(repository) == {S1: str(folder)}


def test_a_branch_that_is_in_another_working_folder_is_refused(
    repository: Repository, folders: PairFolders, tmp_path: Path
) -> None:
    made = commit(repository, put("a.py", "1"), ref=S1)
    repository.add_worktree(tmp_path / "by hand", made.commit, S1)

    with pytest.raises(BranchBusyError):
        folders.show(S1)


@pytest.mark.parametrize("obstacle", ["file", "link"])
def test_a_folder_is_never_made_where_something_else_is(
    obstacle: str, repository: Repository, folders: PairFolders, tmp_path: Path
) -> None:
    commit(repository, put("a.py", "1"), ref=S1)
    place = tmp_path / "worktrees/ada"
    place.parent.mkdir()
    if obstacle == "file":
        place.write_text("")
    else:
        (tmp_path / "elsewhere").mkdir()
        place.symlink_to(tmp_path / "elsewhere")

    with pytest.raises(WorktreeError):
        folders.show(S1)
    assert not any(tmp_path.glob("elsewhere/*"))


def test_a_branch_without_a_commit_is_a_failure(folders: PairFolders) -> None:
    with pytest.raises(GitFailedError):
        folders.show(S1)


def test_restoring_removes_the_folders_and_commits_make_them_again(
    repository: Repository, folders: PairFolders
) -> None:
    made = commit(repository, put("a.py", "1"), ref=S1)
    folder = folders.show(S1)
    assert folder is not None
    record = RecordedCommit(
        ref=S1, parents=(), message="Work", author=ADA, commit=made.commit, changes=(put("a.py", "1"),)
    )
    report = restore(repository, [record])

    assert report.worktrees == (S1,)
    assert not folder.exists()
    assert listed(repository) == {}
    commit(repository, put("a.py", "2"), ref=S1, parent=made.commit)
    assert folders.show(S1) == folder
    assert (folder / "a.py").read_text() == "2"


def _work(repository_folder: Path, worktrees: Path, agent: str, other: str, count: int) -> None:
    """Commit to two branches in turn and show each, beside another process that does the same."""
    repository = Repository.create(repository_folder)
    folders = PairFolders(repository, worktrees)
    heads = {f"refs/heads/feat/{agent}/S-1": "", f"refs/heads/feat/{agent}/S-2": ""}
    for number in range(count):
        for ref, head in heads.items():
            heads[ref] = commit(repository, put("n.py", f"{ref} {number}"), ref=ref, parent=head).commit
            folders.show(ref)
        folders.show(f"refs/heads/feat/{other}/shared")


def test_two_processes_at_once_show_what_each_has_committed(repository: Repository, tmp_path: Path) -> None:
    for agent in ("ada", "bob"):
        commit(repository, put("s.py", agent), ref=f"refs/heads/feat/{agent}/shared")
    context = multiprocessing.get_context("spawn")
    workers = [
        context.Process(target=_work, args=(repository.folder, tmp_path / "worktrees", one, other, 12))
        for one, other in (("cy", "ada"), ("dee", "ada"))
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)

    assert [worker.exitcode for worker in workers] == [0, 0]
    assert sorted(listed(repository)) == [f"refs/heads/feat/{one}" for one in ("ada/shared", "cy/S-2", "dee/S-2")]
    assert all(is_clean(tmp_path / "worktrees" / agent) for agent in ("ada", "cy", "dee"))
    assert repository.fsck() == ()
