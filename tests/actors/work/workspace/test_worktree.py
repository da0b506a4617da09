"""Working folders: one for a branch, nothing outside is reached, no work is lost."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from actors.work.workspace.errors import (
    BranchBusyError,
    DirtyWorktreeError,
    InvalidPathError,
    LimitError,
    NoFileError,
    RefMovedError,
    WorktreeError,
)
from actors.work.workspace.repository import MAIN, Limits, Repository, Worktree
from actors.work.workspace.worktree import Changed, Hit
from tests.actors.work.workspace.helpers import S1, S2, commit, gone, put


@pytest.fixture
def start(repository: Repository) -> str:
    return commit(
        repository, put("src/a.py", "a = 1\n"), put("src/b.py", "b = 2\n"), put(".gitignore", "*.pyc\n")
    ).commit


@pytest.fixture
def worktree(repository: Repository, start: str, tmp_path: Path) -> Worktree:
    return repository.add_worktree(tmp_path / "pair", start, S1)


def test_a_working_folder_shows_the_branch_and_makes_it(repository: Repository, start: str, worktree: Worktree) -> None:
    assert worktree.paths() == (".gitignore", "src/a.py", "src/b.py")
    assert worktree.read("src/a.py") == "a = 1\n"
    assert worktree.status() == ()
    assert repository.refs() == {MAIN: start, S1: start}
    assert repository.worktrees() == {S1: worktree.folder}


def test_what_changed_can_be_taken_and_committed(repository: Repository, start: str, worktree: Worktree) -> None:
    worktree.write("src/a.py", "a = 3\n")
    worktree.write("new/deep/c.py", "é\r\n")
    worktree.write("ignored.pyc", "x")
    worktree.delete("src/b.py")

    assert worktree.status() == (
        Changed(path="new/deep/c.py", how="added"),
        Changed(path="src/a.py", how="changed"),
        Changed(path="src/b.py", how="removed"),
    )
    snapshot = worktree.snapshot()
    assert snapshot == (put("new/deep/c.py", "é\r\n"), put("src/a.py", "a = 3\n"), gone("src/b.py"))
    made = commit(repository, *snapshot, ref=S1, parent=start)
    assert repository.files(made.commit) == {".gitignore": "*.pyc\n", "new/deep/c.py": "é\r\n", "src/a.py": "a = 3\n"}


def test_a_search_shows_lines_in_order_and_says_when_it_stopped(
    repository: Repository, start: str, tmp_path: Path
) -> None:
    worktree = repository.add_worktree(tmp_path / "pair", start, S1, Limits(hits=2, line_chars=3))
    worktree.write("z.py", "no\na = 1 and more\n")

    found = worktree.search("= ")
    assert found.hits == (Hit(path="src/a.py", line=1, text="a ="), Hit(path="src/b.py", line=1, text="b ="))
    assert not found.is_complete
    assert worktree.search("and").hits == (Hit(path="z.py", line=2, text="a ="),)
    assert worktree.search("(").is_complete


def test_a_branch_is_never_in_two_working_folders(
    repository: Repository, start: str, worktree: Worktree, tmp_path: Path
) -> None:
    for branch in (S1, MAIN):
        with pytest.raises(BranchBusyError) as refusal:
            repository.add_worktree(tmp_path / "other", start, branch)
        assert refusal.value.branch == branch
    assert not (tmp_path / "other").exists()
    assert repository.add_worktree(tmp_path / "other", start, S2).branch == S2


def test_a_branch_that_is_elsewhere_is_not_checked_out(repository: Repository, start: str, tmp_path: Path) -> None:
    head = commit(repository, put("x", ""), ref=S1, parent=start, expected="").commit

    with pytest.raises(RefMovedError):
        repository.add_worktree(tmp_path / "pair", start, S1)

    assert repository.add_worktree(tmp_path / "pair", head, S1).read("x") == ""


def test_a_working_folder_needs_a_place_of_its_own(repository: Repository, start: str, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full/file").write_text("mine")
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")

    for folder in (tmp_path / "full", tmp_path / "link", repository.folder / "inside", repository.folder):
        with pytest.raises(WorktreeError):
            repository.add_worktree(folder, start, S1)

    assert repository.refs() == {MAIN: start}
    assert (tmp_path / "full/file").read_text() == "mine"


def test_a_dirty_folder_goes_only_with_a_snapshot_of_all_of_it(repository: Repository, worktree: Worktree) -> None:
    worktree.write("src/a.py", "first")
    snapshot = worktree.snapshot()
    worktree.write("src/new.py", "second")

    for kept in ((), snapshot):
        with pytest.raises(DirtyWorktreeError, match="snapshot"):
            worktree.remove(snapshot=kept)
    assert worktree.read("src/new.py") == "second"

    worktree.remove(snapshot=worktree.snapshot())

    assert not worktree.folder.exists()
    assert repository.worktrees() == {}
    assert S1 in repository.refs()


def test_a_clean_folder_goes_at_once_and_its_branch_is_free(
    repository: Repository, start: str, worktree: Worktree
) -> None:
    worktree.remove()

    assert repository.add_worktree(worktree.folder, start, S1).status() == ()


def test_a_folder_that_somebody_deleted_does_not_keep_its_branch(
    repository: Repository, start: str, worktree: Worktree, tmp_path: Path
) -> None:
    shutil.rmtree(worktree.folder)

    assert repository.add_worktree(tmp_path / "again", start, S1).read("src/a.py") == "a = 1\n"
    assert repository.worktrees() == {S1: tmp_path / "again"}


def test_another_process_can_open_a_working_folder(repository: Repository, worktree: Worktree) -> None:
    worktree.write("src/a.py", "changed")

    again = Repository.create(repository.folder).open_worktree(worktree.folder)

    assert (again.branch, again.snapshot()) == (S1, (put("src/a.py", "changed"),))
    with pytest.raises(WorktreeError):
        repository.open_worktree(worktree.folder.parent)


def test_nothing_outside_the_folder_is_read_or_written_through_links(worktree: Worktree, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_text("secret")
    (worktree.folder / "folder").symlink_to(outside)
    (worktree.folder / "file").symlink_to(outside / "secret")
    os.link(outside / "secret", worktree.folder / "second_name")
    os.mkfifo(worktree.folder / "pipe")

    for path in ("folder/secret", "file", "second_name", "pipe", "../outside/secret", str(outside / "secret")):
        with pytest.raises(InvalidPathError):
            worktree.read(path)
    with pytest.raises(InvalidPathError):
        worktree.write("folder/new", "x")
    with pytest.raises(InvalidPathError):
        worktree.delete("folder/secret")
    worktree.write("file", "own")
    worktree.write("second_name", "own")
    worktree.delete("second_name")

    assert sorted(path.name for path in outside.iterdir()) == ["secret"]
    assert (outside / "secret").read_text() == "secret"
    assert worktree.read("file") == "own"


def test_a_link_that_is_left_in_the_folder_is_no_work_that_can_be_committed(worktree: Worktree) -> None:
    (worktree.folder / "link").symlink_to("/etc/passwd")

    with pytest.raises(InvalidPathError):
        worktree.snapshot()
    assert worktree.search("root").hits == ()


def test_a_folder_of_git_cannot_be_replaced(worktree: Worktree) -> None:
    for path in (".git", ".git/config", ".gitattributes"):
        with pytest.raises(InvalidPathError):
            worktree.write(path, "x")
    (worktree.folder / ".git").write_text("gitdir: /somewhere/else\n")

    assert worktree.status() == ()


def test_limits_hold(repository: Repository, start: str, tmp_path: Path) -> None:
    limits = Limits(file_bytes=10, files=2, total_bytes=15)
    worktree = repository.add_worktree(tmp_path / "pair", start, S1, limits)

    with pytest.raises(LimitError):
        worktree.write("a", "x" * 11)
    (worktree.folder / "big").write_text("x" * 11)
    with pytest.raises(LimitError):
        worktree.read("big")
    (worktree.folder / "big").unlink()
    worktree.write("a", "x" * 10)
    worktree.write("b", "x" * 10)
    with pytest.raises(LimitError, match="15"):
        worktree.snapshot()
    worktree.write("b", "")
    assert len(worktree.snapshot()) == 2
    worktree.write("c", "")
    with pytest.raises(LimitError, match="3, more than the limit of 2"):
        worktree.snapshot()


def test_a_file_that_is_not_there_is_named(worktree: Worktree) -> None:
    (worktree.folder / "binary").write_bytes(b"\xff\xfe")

    for path in ("nothing", "no/folder/x", "binary"):
        with pytest.raises(NoFileError):
            worktree.read(path)
    with pytest.raises(NoFileError):
        worktree.delete("nothing")
    with pytest.raises(InvalidPathError):
        worktree.write("src", "a folder")
