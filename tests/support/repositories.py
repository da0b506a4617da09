"""The repositories that executed runs leave behind, as a stranger sees them: with git, with pytest, with the judge."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from actors.work.engine import WorkEngine
from actors.work.messages import CodeJudged, ExerciseTested, JudgeCode, RunTests, TestsRun
from actors.work.sandbox.sandbox import Sandbox

_STRANGE = (
    "GIT_",
    "PYTEST_",
    "PYTHONPATH",
    "COVERAGE_",
)  # of the test itself, none of git's business


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_STRANGE)}
    return {**kept, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null", "PYTHONDONTWRITEBYTECODE": "1"}


@dataclass(frozen=True, slots=True)
class Product:
    """The workspace of a run with one team."""

    folder: Path

    @classmethod
    def of(cls, run: Path) -> Product:
        return cls(run / "workspace")

    def git(self, *arguments: str) -> str:
        """What a git command says. Fails where git does."""
        command = ["git", "-C", str(self.folder), *arguments]
        done = subprocess.run(command, env=_environment(), capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, (arguments, done.stderr)
        return done.stdout

    def branches(self) -> dict[str, str]:
        """Every branch and the commit it is at."""
        lines = self.git("for-each-ref", "--format=%(refname)=%(objectname)").split()
        return dict(line.split("=") for line in lines)

    def hashes(self) -> list[str]:
        """Every branch with its commit; every commit with its tree, parents, people, dates and message."""
        refs = self.git("for-each-ref", "--format=%(refname) %(objectname)").splitlines()
        return refs + self.git("log", "--all", "--topo-order", "--format=%H %T %P %an %ae %ad %cn %cd %B").splitlines()

    def is_intact(self) -> bool:
        """Whether git finds nothing wrong, nothing changed and nothing lying about."""
        complaints = self.git("fsck", "--full", "--strict", "--no-dangling")
        return (complaints, self.git("status", "--porcelain=v1", "--ignored", "--branch")) == ("", "## main\n")

    def commits(self, *arguments: str) -> list[Commit]:
        """Commits as `git log` lists them, oldest first."""
        shape = "%x1e%H%x1f%an%x1f%s%x1f%b%x1f"
        text = self.git("log", "--reverse", f"--format={shape}", "--name-status", "--no-renames", *arguments)
        return [_commit(entry) for entry in text.split("\x1e")[1:]]

    def file(self, commit: str, path: str) -> str:
        """A file of a commit."""
        return self.git("show", f"{commit}:{path}")

    def has(self, commit: str, path: str) -> bool:
        return bool(self.git("ls-tree", commit, "--", path))

    def clone(self, place: Path, commit: str = "main") -> Path:
        """A checkout of its own, so that what runs in it leaves no trace here."""
        self.git("clone", "--quiet", "--no-checkout", str(self.folder), str(place))
        Product(place).git("checkout", "--quiet", "--detach", self.name_of(commit))
        return place

    def name_of(self, commit: str) -> str:
        return self.git("rev-parse", f"{commit}^{{commit}}").strip()

    def changed(self, before: str, after: str) -> dict[str, str]:
        """Files that differ between two commits: A, M or D."""
        listed = self.git("diff-tree", "-r", "--no-renames", "--name-status", before, after).splitlines()
        return {path: state for state, path in (line.split("\t") for line in listed)}

    def conflicts(self, ours: str, theirs: str) -> bool:
        """Whether git itself cannot merge two commits."""
        command = ["git", "-C", str(self.folder), "merge-tree", "--write-tree", ours, theirs]
        done = subprocess.run(command, env=_environment(), capture_output=True, timeout=60, check=False)
        assert done.returncode in (0, 1), done.stderr
        return done.returncode == 1

    def tried(self, commit: str, test: str, *, times: int) -> list[bool]:
        """Whether a test file is green, in as many hours, hash seeds and orders."""
        with _judge(self.folder) as engine:
            runs = [
                engine.answer(
                    RunTests(
                        team="",
                        tree=self.name_of(commit),
                        tests=(test,),
                        cover=(),
                        hash_seed=1 + n,
                        clock_s=1_700_000_000 + 3600 * n,
                        order_seed=1 + n,
                    ),
                    0,
                )
                for n in range(times)
            ]
        return [isinstance(one, TestsRun) and one.is_green for one in runs]

    def canaries(self, commit: str, family: str, number: int) -> dict[int, int]:
        """How many canaries fail on a commit, by criterion; the judge itself says so, not the run's log."""
        tree = self.name_of(commit)
        asked = (ExerciseTested(family=family, number=number, choices=None),)
        with _judge(self.folder) as engine:
            judged = engine.answer(JudgeCode(team="", tree=tree, which="canary", exercises=asked), 0)
        assert isinstance(judged, CodeJudged)
        (found,) = judged.exercises
        return {
            criterion: sum(1 for one in found.failed if one.case_id.startswith(f"c{criterion}/"))
            for criterion in range(1, len(found.cases) + 1)
        }


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit: what it says, and which files it added (A), modified (M) or deleted (D)."""

    name: str
    author: str
    subject: str
    body: str
    files: dict[str, str]


def _commit(entry: str) -> Commit:
    name, author, subject, body, listed = entry.split("\x1f")
    pairs = (line.split("\t") for line in listed.splitlines() if line)
    return Commit(name, author, subject, body, {path: state for state, path in pairs})


@contextmanager
def _judge(folder: Path) -> Iterator[WorkEngine]:
    engine = WorkEngine({"": folder}, Sandbox(trust="trusted"), Sandbox(trust="trusted"))
    engine.start()
    try:
        yield engine
    finally:
        engine.close()


def file_of_tests(module: str) -> str:
    """The test file of a module of the product."""
    folder, _, name = module.removeprefix("src/product/").rpartition("/")
    return f"tests/{folder}/test_{name}"


def pytest_in(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run pytest there as its users do."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
    return subprocess.run(
        command, cwd=folder, env=_environment(), capture_output=True, text=True, timeout=100, check=False
    )


def hostile_home(place: Path) -> Path:
    """A home folder whose git configuration changes everything that can be changed."""
    home = place / "home"
    for name in ("hooks", "template/hooks"):
        (home / name).mkdir(parents=True)
    for hook in (
        "pre-commit",
        "commit-msg",
        "post-commit",
        "reference-transaction",
        "pre-merge-commit",
        "post-checkout",
    ):
        for folder in ("hooks", "template/hooks"):
            (home / folder / hook).write_text(f"#!/bin/sh\ntouch {home}/a-hook-ran\nexit 1\n")
            (home / folder / hook).chmod(0o755)
    (home / "attributes").write_text("*.py filter=shout text eol=crlf merge=binary\n")
    (home / "ignore").write_text("*.py\n*.md\n")
    (home / ".gitconfig").write_text(_HOSTILE.format(home=home))
    return home


_HOSTILE = """\
[user]
    name = Mallory
    email = mallory@example.com
    signingKey = none
[init]
    defaultBranch = trunk
    defaultObjectFormat = sha256
    templateDir = {home}/template
[core]
    hooksPath = {home}/hooks
    attributesFile = {home}/attributes
    excludesFile = {home}/ignore
    autocrlf = true
    eol = crlf
    quotePath = true
    abbrev = 4
    pager = false
    fsmonitor = {home}/hooks/pre-commit
    compression = 0
    sharedRepository = world
[commit]
    gpgSign = true
    cleanup = scissors
    template = {home}/ignore
[merge]
    conflictStyle = zdiff3
    ff = only
    renames = false
[diff]
    algorithm = patience
    noprefix = true
    external = false
[i18n]
    commitEncoding = ISO-8859-1
[gc]
    auto = 1
[filter "shout"]
    clean = tr a-z A-Z
    smudge = tr a-z A-Z
    required = true
[safe]
    directory =
[log]
    date = relative
    showSignature = true
"""
