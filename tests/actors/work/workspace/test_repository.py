"""Commits, merges and branches of one repository."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import subprocess
import sys
from pathlib import Path

import pytest

from actors.work.workspace import git as git_module
from actors.work.workspace import objects as objects_module
from actors.work.workspace.errors import (
    BusyRepositoryError,
    ForeignRepositoryError,
    GitMissingError,
    GitTooOldError,
    InvalidPathError,
    InvalidTextError,
    RefMovedError,
    UnknownObjectError,
    WorkspaceError,
)
from actors.work.workspace.repository import MAIN, Repository, Signature
from tests.actors.work.workspace.helpers import ADA, S1, S2, commit, gone, in_process, performed, put

ROOT = Path(__file__).resolve().parents[4]
ABSENT = "1" * 40


def named(kind: str, body: bytes) -> str:
    """The name of a git object, computed here."""
    return hashlib.sha1(f"{kind} {len(body)}\0".encode() + body).hexdigest()


# -- hashes -----------------------------------------------------------------------------------------------------------


def test_a_commit_has_the_hash_that_its_request_says(repository: Repository) -> None:
    made = commit(repository, put("a.txt", "tïxt\r\n"), message="Say it")

    blob = named("blob", "tïxt\r\n".encode())
    tree = named("tree", b"100644 a.txt\0" + bytes.fromhex(blob))
    person = "Ada Lovelace <ada@team.example> 1700000000 +0000"
    body = f"tree {tree}\nauthor {person}\ncommitter {person}\n\nSay it\n"
    assert (made.commit, made.tree) == (named("commit", body.encode()), tree)
    assert repository.refs() == {MAIN: made.commit}


def test_the_date_of_a_commit_is_virtual_and_has_its_zone(repository: Repository) -> None:
    author = Signature(name="a", email="b", at_s=5, zone="-0930")

    made = repository.commit(ref=MAIN, expected="", parents=(), base="", changes=(), message="m", author=author)

    assert "author a <b> 5 -0930" in repository.git.text("cat-file", "commit", made.commit)


HOSTILE_CONFIG = """
[core]
    hooksPath = {home}/hooks
    autocrlf = true
    attributesFile = {home}/attributes
    excludesFile = {home}/attributes
    quotePath = true
[init]
    defaultBranch = trunk
    templateDir = {home}/hooks
[commit]
    gpgSign = true
[user]
    name = Mallory
    signingKey = none
[i18n]
    commitEncoding = latin1
[merge]
    conflictStyle = diff3
    renames = false
[diff]
    noprefix = true
    algorithm = patience
    context = 9
    external = /bin/false
[gpg]
    program = /bin/false
"""


def hostile(home: Path) -> dict[str, str]:
    """A home and an environment that try everything to change what git does."""
    hooks = home / "hooks"
    hooks.mkdir(parents=True)
    for name in ("pre-commit", "reference-transaction", "post-checkout", "post-index-change"):
        (hooks / name).write_text(f"#!/bin/sh\ntouch {home}/hooked\nexit 1\n")
        (hooks / name).chmod(0o755)
    (home / ".gitconfig").write_text(HOSTILE_CONFIG.format(home=home))
    (home / "attributes").write_text("* text=auto eol=crlf merge=union\n*.py filter=none\n")
    return {
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home),
        "TZ": "Asia/Kathmandu",
        "LC_ALL": "C.UTF-8",
        "LANGUAGE": "de",
        "PYTHONHASHSEED": "77",
        "GIT_DIR": "/nowhere",
        "GIT_WORK_TREE": "/nowhere",
        "GIT_INDEX_FILE": "/nowhere",
        "GIT_OBJECT_DIRECTORY": "/nowhere",
        "GIT_TEMPLATE_DIR": str(hooks),
        "GIT_AUTHOR_DATE": "2001-01-01T00:00:00",
        "GIT_COMMITTER_NAME": "Mallory",
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "core.autocrlf",
        "GIT_CONFIG_VALUE_0": "true",
        "GIT_CONFIG_PARAMETERS": "'merge.renames'='false'",
        "GIT_NAMESPACE": "elsewhere",
        "GIT_TRACE": "2",
        "GIT_DIFF_OPTS": "--unified=9",
        "GIT_EXTERNAL_DIFF": "/bin/false",
    }


def test_hashes_and_patches_are_the_same_whatever_surrounds_git(tmp_path: Path) -> None:
    module = [sys.executable, "-m", "tests.actors.work.workspace.helpers"]
    home = tmp_path / "home"

    plain = subprocess.run([*module, tmp_path / "a"], cwd=ROOT, capture_output=True, text=True, check=True)
    other = subprocess.run(
        [*module, tmp_path / "somewhere else/ü/b"],
        cwd=ROOT,
        env={**os.environ, **hostile(home)},
        umask=0o077,
        capture_output=True,
        text=True,
        check=True,
    )

    assert plain.stdout == other.stdout
    assert len(plain.stdout.splitlines()) == 4
    assert not (home / "hooked").exists()


def test_hooks_and_attributes_inside_the_repository_have_no_effect(tmp_path: Path) -> None:
    expected, _ = performed(tmp_path / "plain")
    repository = Repository.create(tmp_path / "hooked")
    hostile(tmp_path / "home")
    (tmp_path / "home/hooks").rename(repository.git.git_dir / "hooks")
    (repository.folder / ".gitattributes").write_text("* merge=union eol=crlf\n")

    again, _ = performed(tmp_path / "hooked")
    again.checkout_main()

    assert again.refs() == expected.refs()
    assert not (tmp_path / "home/hooked").exists()
    assert b"\r" not in (again.folder / "src/a.py").read_bytes()


# -- moving branches --------------------------------------------------------------------------------------------------


def test_a_commit_on_a_branch_that_moved_is_refused_and_says_where_it_is(repository: Repository) -> None:
    first = commit(repository, put("a", "1"))
    second = commit(repository, put("a", "2"), parent=first.commit)

    with pytest.raises(RefMovedError) as refusal:
        commit(repository, put("a", "3"), parent=first.commit)

    assert (refusal.value.ref, refusal.value.expected, refusal.value.found) == (MAIN, first.commit, second.commit)
    assert repository.refs() == {MAIN: second.commit}


def test_a_branch_that_must_not_exist_is_not_overwritten(repository: Repository) -> None:
    first = commit(repository, put("a", "1"))

    with pytest.raises(RefMovedError):
        commit(repository, put("a", "2"), expected="")

    assert repository.refs() == {MAIN: first.commit}


def test_a_branch_that_must_exist_is_not_made(repository: Repository) -> None:
    first = commit(repository, put("a", "1"))

    with pytest.raises(RefMovedError) as refusal:
        commit(repository, put("a", "2"), ref=S1, parent=first.commit)

    assert refusal.value.found == ""
    assert S1 not in repository.refs()


def test_the_same_request_twice_is_one_commit(repository: Repository) -> None:
    first = commit(repository, put("a", "1"))
    second = commit(repository, put("a", "2"), parent=first.commit)

    assert commit(repository, put("a", "2"), parent=first.commit) == second
    assert repository.refs() == {MAIN: second.commit}


def test_landing_commits_exactly_the_tree_and_may_be_repeated(repository: Repository) -> None:
    base = commit(repository, put("a", "1\n"))
    head = commit(repository, put("b", "2\n"), ref=S1, parent=base.commit, expected="")
    merged = repository.merge(base.commit, head.commit)

    landed = [
        repository.land(
            ref=MAIN,
            expected=base.commit,
            tree=merged.tree,
            parents=(base.commit, head.commit),
            message="Land S-1",
            author=ADA,
        )
        for _ in range(2)
    ]

    assert landed[0] == landed[1]
    assert landed[0].tree == merged.tree == repository.objects.tree_of(repository.refs()[MAIN])
    assert repository.files(repository.ref(MAIN)) == {"a": "1\n", "b": "2\n"}


def test_processes_that_race_for_a_branch_lose_no_commit(tmp_path: Path) -> None:
    repository = Repository.create(tmp_path / "shared")
    commit(repository, put("start", ""))
    turns = 12

    def count(name: str) -> None:
        own = Repository.create(tmp_path / "shared")
        done = 0
        while done < turns:
            head = own.ref(MAIN)
            try:
                commit(own, put(f"{name}/{done}", ""), parent=head)
            except RefMovedError:
                continue
            done += 1

    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=count, args=(name,)) for name in ("ada", "bob")]
    for process in processes:
        process.start()
    for process in processes:
        process.join(timeout=60)

    assert [process.exitcode for process in processes] == [0, 0]
    assert len(repository.files(repository.ref(MAIN))) == 1 + 2 * turns
    assert repository.git.text("rev-list", "--count", MAIN) == str(1 + 2 * turns)
    assert repository.fsck() == ()


def test_a_lock_that_a_killed_git_left_on_a_branch_is_no_obstacle(repository: Repository) -> None:
    first = commit(repository, put("a", "1"))
    (repository.git.git_dir / f"{MAIN}.lock").write_text(first.commit[:9])

    second = commit(repository, put("a", "2"), parent=first.commit)

    assert repository.refs() == {MAIN: second.commit}


def test_the_lock_of_a_killed_process_is_free_again(tmp_path: Path) -> None:
    repository = Repository.create(tmp_path / "shared")

    def die() -> None:
        with Repository.create(tmp_path / "shared").git.alone():
            os.kill(os.getpid(), 9)

    assert in_process(die) == -9
    assert commit(repository, put("a", "1"))


def test_one_process_at_a_time_moves_branches(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(git_module, "LOCK_WAIT_S", 0)

    with Repository.create(repository.folder).git.alone(), pytest.raises(BusyRepositoryError):
        commit(repository, put("a", "1"))

    assert commit(repository, put("a", "1"))


def test_while_a_git_outlives_its_killed_parent_the_lock_stays_taken(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started, end = tmp_path / "started", tmp_path / "end"
    os.mkfifo(started)
    os.mkfifo(end)
    slow = tmp_path / "slow-git"
    slow.write_text(f"#!/bin/sh\necho > {started}\nread line < {end}\n")
    slow.chmod(0o755)

    def work() -> None:
        git = git_module.Git(repository.git.git_dir, str(slow))
        with git.alone():
            git.run("update-ref")

    parent = multiprocessing.get_context("fork").Process(target=work)
    parent.start()
    started.read_text()  # waits until the git of the other process runs
    assert parent.pid
    os.kill(parent.pid, 9)
    parent.join()

    monkeypatch.setattr(git_module, "LOCK_WAIT_S", 0)
    with pytest.raises(BusyRepositoryError):
        commit(repository, put("a", "1"))
    end.write_text("\n")
    monkeypatch.setattr(git_module, "LOCK_WAIT_S", 60)
    assert commit(repository, put("a", "1"))


def test_a_strict_umask_makes_no_difference_to_what_is_shown(repository: Repository) -> None:
    before = os.umask(0o077)
    try:
        commit(repository, put("a", "1"))
        repository.checkout_main()
    finally:
        os.umask(before)

    assert (repository.folder / "a").stat().st_mode & 0o777 == 0o644


# -- changes ----------------------------------------------------------------------------------------------------------


def test_changes_add_replace_and_remove_and_leave_the_rest(repository: Repository) -> None:
    first = commit(repository, put("keep/me", "k"), put("b", "1"), put("c/d", "2"), put("c/e", "3"))

    second = commit(repository, put("b", "new"), gone("c/d"), put("f/g/h", "4"), parent=first.commit)

    assert repository.files(second.tree) == {"b": "new", "c/e": "3", "f/g/h": "4", "keep/me": "k"}
    assert repository.files(first.commit) == {"b": "1", "c/d": "2", "c/e": "3", "keep/me": "k"}


def test_a_commit_may_have_no_files_and_change_nothing(repository: Repository) -> None:
    first = commit(repository)
    second = commit(repository, gone("never/there"), parent=first.commit)

    assert first.tree == second.tree == git_module.EMPTY_TREE
    assert repository.files(second.commit) == {}


def test_contents_are_kept_to_the_byte(repository: Repository) -> None:
    texts = {"crlf": "a\r\nb\r\n", "empty": "", "no end": "x", "ünï": "\ufeffé\t\x0b ", "long": "0123456789\n" * 20_000}

    made = commit(repository, *(put(path, text) for path, text in texts.items()))

    assert repository.files(made.commit) == texts


def test_a_folder_may_become_a_file_when_its_files_go(repository: Repository) -> None:
    first = commit(repository, put("a/b", "1"))

    second = commit(repository, gone("a/b"), put("a", "2"), parent=first.commit)

    assert repository.files(second.commit) == {"a": "2"}


@pytest.mark.parametrize("changes", [(put("a/b", ""),), (put("x", ""), put("x/y", "")), (put("d", ""),)])
def test_no_file_silently_takes_the_place_of_another(repository: Repository, changes: tuple[object, ...]) -> None:
    first = commit(repository, put("a", "1"), put("d/e", "2"))

    with pytest.raises(InvalidPathError, match="file and a folder"):
        commit(repository, *changes, parent=first.commit)  # type: ignore[arg-type]


def test_a_path_that_is_changed_twice_is_refused(repository: Repository) -> None:
    with pytest.raises(InvalidPathError, match="twice"):
        commit(repository, put("a", "1"), gone("a"))


def test_text_that_git_would_change_is_refused(repository: Repository) -> None:
    with pytest.raises(InvalidTextError):
        commit(repository, put("a", "\ud800"))
    for message in ("", " \n", "a\0b"):
        with pytest.raises(InvalidTextError):
            commit(repository, put("a", ""), message=message)
    assert repository.refs() == {}


def test_what_is_not_there_is_named(repository: Repository) -> None:
    first = commit(repository, put("a", "1"))

    requests = [
        lambda: repository.files(ABSENT),
        lambda: repository.patch(ABSENT),
        lambda: repository.merge(first.commit, ABSENT),
        lambda: repository.set_refs({MAIN: ABSENT}),
        lambda: commit(repository, parent=ABSENT),
    ]
    for request in requests:
        with pytest.raises(UnknownObjectError) as refusal:
            request()
        assert refusal.value.oid == ABSENT
    assert not repository.has(ABSENT)
    assert repository.has(first.commit)
    assert repository.refs() == {MAIN: first.commit}


def test_only_full_object_names_reach_git(repository: Repository) -> None:
    commit(repository, put("a", "1"))

    for name in ("HEAD", "main", "--all", "@{0}", ""):
        with pytest.raises(UnknownObjectError):
            repository.files(name)


# -- merging ----------------------------------------------------------------------------------------------------------


def test_changes_in_different_places_merge(repository: Repository) -> None:
    lines = [f"{n}\n" for n in range(20)]
    base = commit(repository, put("a", "".join(lines)))
    ours = commit(repository, put("a", "".join(["first\n", *lines[1:]])), parent=base.commit)
    theirs = commit(repository, put("a", "".join([*lines[:-1], "last\n"])), ref=S1, parent=base.commit, expected="")

    merged = repository.merge(ours.commit, theirs.commit)

    assert merged.is_clean
    assert repository.files(merged.tree) == {"a": "".join(["first\n", *lines[1:-1], "last\n"])}
    assert repository.refs() == {MAIN: ours.commit, S1: theirs.commit}


def test_a_conflict_gives_all_three_texts_and_takes_no_side(repository: Repository) -> None:
    base = commit(repository, put("a", "0\n"), put("b", "same\n"))
    ours = commit(repository, put("a", "1\n"), parent=base.commit)
    theirs = commit(repository, put("a", "2\n"), put("b", "new\n"), ref=S1, parent=base.commit, expected="")

    merged = repository.merge(ours.commit, theirs.commit)

    (conflict,) = merged.conflicts
    sides = [conflict.base, conflict.ours, conflict.theirs]
    assert (conflict.path, [side and side.text for side in sides]) == ("a", ["0\n", "1\n", "2\n"])
    shown = repository.files(merged.tree)
    assert shown["a"] == f"<<<<<<< {ours.commit}\n1\n=======\n2\n>>>>>>> {theirs.commit}\n"
    assert shown["b"] == "new\n"


@pytest.mark.parametrize("who_removes", ["ours", "theirs"])
def test_a_file_that_one_removed_and_the_other_changed_shows_both(repository: Repository, who_removes: str) -> None:
    base = commit(repository, put("a", "0\n"), put("b", ""))
    changes = [gone("a"), put("a", "1\n")] if who_removes == "ours" else [put("a", "1\n"), gone("a")]
    ours = commit(repository, changes[0], parent=base.commit)
    theirs = commit(repository, changes[1], ref=S1, parent=base.commit, expected="")

    merged = repository.merge(ours.commit, theirs.commit)

    (conflict,) = merged.conflicts
    assert (conflict.ours is None, conflict.theirs is None) == (who_removes == "ours", who_removes == "theirs")
    parts = ("(removed)\n", "1\n") if who_removes == "ours" else ("1\n", "(removed)\n")
    assert repository.files(merged.tree)["a"] == f"<<<<<<< ours\n{parts[0]}=======\n{parts[1]}>>>>>>> theirs\n"


def test_histories_without_a_common_ancestor_do_not_merge(repository: Repository) -> None:
    one = commit(repository, put("a", "1"))
    other = commit(repository, put("b", "1"), ref=S1, expected="")

    with pytest.raises(WorkspaceError, match="unrelated"):
        repository.merge(one.commit, other.commit)


# -- reading ----------------------------------------------------------------------------------------------------------


def test_a_patch_is_against_the_first_parent_with_full_names(tmp_path: Path) -> None:
    repository, _ = performed(tmp_path / "r")
    first = repository.git.text("rev-list", "--max-parents=0", MAIN)

    assert repository.patch(first).startswith(
        "diff --git a/src/a.py b/src/a.py\nnew file mode 100644\nindex " + "0" * 40
    )
    patch = repository.patch(repository.ref(MAIN))
    assert "-a = 10\n+a = 30\n" in patch
    assert "+é = 'ü'\n" in patch
    assert "deleted file mode 100644" in patch


def test_what_is_not_text_is_left_out_of_the_files(repository: Repository) -> None:
    made = commit(repository, put("nul", "a\0b"), put("text", "a"))

    assert repository.files(made.commit) == {"text": "a"}


def test_branches_can_be_made_exactly_what_is_wanted(tmp_path: Path) -> None:
    repository, _ = performed(tmp_path / "r")
    main, s1 = repository.ref(MAIN), repository.ref(S1)

    repository.set_refs({MAIN: s1, "refs/heads/feat/ada": main, "refs/heads/feat/bob/S-2/again": main})

    assert repository.refs() == {MAIN: s1, "refs/heads/feat/ada": main, "refs/heads/feat/bob/S-2/again": main}
    assert repository.fsck() == ()


def test_branches_that_a_killed_git_left_unfinished_are_set_all_the_same(tmp_path: Path) -> None:
    repository, _ = performed(tmp_path / "r")
    wanted = repository.refs()
    (repository.git.git_dir / S1).write_text("")
    (repository.git.git_dir / S2).write_text(wanted[S2][:9])

    repository.set_refs(wanted)

    assert repository.refs() == wanted


def test_the_folder_shows_main_and_is_clean(tmp_path: Path) -> None:
    repository, _ = performed(tmp_path / "r")
    (repository.folder / "stray").write_text("x")
    (repository.folder / "src").mkdir()
    (repository.folder / "src/a.py").write_text("changed by hand")

    repository.checkout_main()

    shown = {
        path.relative_to(repository.folder).as_posix(): path.read_text()
        for path in repository.folder.rglob("*")
        if path.is_file() and ".git" not in path.parts
    }
    assert shown == repository.files(repository.ref(MAIN))
    status = subprocess.run(["git", "status", "--porcelain"], cwd=repository.folder, capture_output=True, check=True)
    assert status.stdout == b""


def test_a_folder_without_commits_shows_nothing(repository: Repository) -> None:
    repository.checkout_main()

    assert [path.name for path in repository.folder.iterdir()] == [".git"]


# -- opening ----------------------------------------------------------------------------------------------------------


def test_opening_twice_changes_nothing(tmp_path: Path) -> None:
    repository, _ = performed(tmp_path / "r")

    assert Repository.create(tmp_path / "r").refs() == repository.refs()
    assert S2 in repository.refs()


def test_several_processes_may_open_a_new_repository_at_once(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=Repository.create, args=(tmp_path / "new",)) for _ in range(6)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(timeout=60)

    assert [process.exitcode for process in processes] == [0] * 6
    assert Repository.create(tmp_path / "new").refs() == {}


def test_reading_keeps_a_bounded_part_in_memory(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(objects_module, "BLOB_CACHE_BYTES", 25)
    made = commit(repository, *(put(f"{n}", f"{n}" * 10) for n in range(9)))

    for _ in range(3):
        assert repository.files(made.commit) == {f"{n}": f"{n}" * 10 for n in range(9)}
    assert len(repository.objects._kept) == 2


def test_somebody_elses_repository_is_left_alone(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", tmp_path / "theirs"], check=True)
    before = (tmp_path / "theirs/.git/config").read_text()

    with pytest.raises(ForeignRepositoryError):
        Repository.create(tmp_path / "theirs")

    assert (tmp_path / "theirs/.git/config").read_text() == before


def test_a_machine_without_git_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(GitMissingError, match="not installed"):
        Repository.create(tmp_path / "r")


def test_a_git_that_is_too_old_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = tmp_path / "git"
    old.write_text("#!/bin/sh\necho git version 2.37.9\n")
    old.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

    with pytest.raises(GitTooOldError, match=r"2\.37\.9 is too old"):
        Repository.create(tmp_path / "r")

    assert not (tmp_path / "r").exists()
