"""What files, branches, authors may be called."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.work.workspace.errors import InvalidPathError, InvalidRefError, InvalidTextError
from actors.work.workspace.names import Signature, check_path, check_ref
from actors.work.workspace.repository import MAIN, Repository
from tests.actors.work.workspace.helpers import commit, put

BAD_PATHS = [
    "",
    "/etc/passwd",
    "//x",
    "../x",
    "a/../../x",
    "a/..",
    ".",
    "./a",
    "a/./b",
    "a//b",
    "a/",
    ".git/config",
    "a/.git/hooks/x",
    ".GIT/config",
    ".Git",
    ".git ",
    ".git.",
    ".git . .",
    ".git::$INDEX_ALLOCATION",
    "git~1",
    "GIT~2/x",
    ".g\u200cit/config",
    ".git\u200d",
    ".gitattributes",
    "a/.gitattributes",
    ".gitmodules",
    "a\0b",
    "a\nb",
    "a\tb",
    "a\x7fb",
    "a\x9bb",
    "a\u2028b",
    "a\u202eb",
    "C:\\x",
    "a\\b",
    "\ud800",
    "e\u0301",
    "x" * 256,
    "/".join(["abcdefgh"] * 200),
]


@pytest.mark.parametrize("path", BAD_PATHS)
def test_a_path_that_could_reach_elsewhere_is_refused_before_anything_happens(
    repository: Repository, path: str
) -> None:
    with pytest.raises(InvalidPathError) as refusal:
        commit(repository, put("good", "1"), put(path, "2"))

    assert refusal.value.path == path
    assert repository.refs() == {}


@pytest.mark.parametrize("path", ["a", "a b/c", "-x", "--all", "ünï/ß", "日本.py", "a:b", ":(top)x", "*.py", "x" * 255])
def test_a_path_that_only_looks_odd_is_kept_as_it_is(repository: Repository, path: str) -> None:
    made = commit(repository, put(path, "1"))

    assert repository.files(made.commit) == {path: "1"}
    assert repository.fsck() == ()


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="a.g iGtT/~1\\:\u200c\0-", min_size=1, max_size=12))
def test_whatever_passes_stays_below_its_folder_and_out_of_git(path: str) -> None:
    try:
        check_path(path)
    except InvalidPathError:
        return
    parts = Path(path).parts
    assert "/".join(parts) == path
    assert not {"..", ".", "/"} & set(parts)
    assert not any(part.lower().rstrip(" .") == ".git" for part in parts)


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet="ab.-/@{~^:?*[\\ \x7f\u00e9lock", min_size=1, max_size=10))
def test_whatever_passes_as_a_branch_passes_with_git_too(name: str) -> None:
    try:
        check_ref(f"refs/heads/{name}")
    except InvalidRefError:
        return
    assert subprocess.run(["git", "check-ref-format", "--branch", name], capture_output=True).returncode == 0


@pytest.mark.parametrize(
    "ref", ["main", "refs/tags/x", "HEAD", "refs/heads/", "refs/heads/../x", "refs/heads/a.lock", "refs/heads/-d", ""]
)
def test_a_name_that_is_no_branch_is_refused(repository: Repository, ref: str) -> None:
    with pytest.raises(InvalidRefError):
        commit(repository, put("a", ""), ref=ref)


@pytest.mark.parametrize(
    "author",
    [
        Signature(name="", email="a@b", at_s=0),
        Signature(name="a\nb", email="a@b", at_s=0),
        Signature(name="a <x>", email="a@b", at_s=0),
        Signature(name="a.", email="a@b", at_s=0),
        Signature(name="a", email=" ", at_s=0),
        Signature(name="a", email="a@b", at_s=-1),
        Signature(name="a", email="a@b", at_s=10**12),
        Signature(name="a", email="a@b", at_s=0, zone="UTC"),
        Signature(name="a", email="a@b", at_s=0, zone="+2500"),
    ],
)
def test_an_author_that_git_would_store_otherwise_is_refused(repository: Repository, author: Signature) -> None:
    with pytest.raises(InvalidTextError):
        repository.commit(ref=MAIN, expected="", parents=(), base="", changes=(), message="m", author=author)
