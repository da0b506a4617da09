"""Starts git so that nothing outside the request can change what it does.

No global or system configuration, no hooks, attributes, filters, signing, line-end conversion, pager, prompt, garbage
collection or locale; a fixed umask; an environment of our own instead of the caller's. Every command of ours that moves
a branch holds one lock (`Git.alone`), which the git process inherits. So while the lock is ours, no other git of ours
moves branches, not even one whose parent was killed, and lock files that are left on branches are stale for certain.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from actors.work.workspace.errors import BusyRepositoryError, GitFailedError, GitMissingError, GitTooOldError

NEEDED = (2, 38)  # the first with merge-tree --write-tree
LOCK = "workspace.lock"  # in the repository's .git
LOCK_WAIT_S = 60
EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"

# Given to every command, so that a changed file in .git cannot weaken them.
SETTINGS = {
    "core.hooksPath": "/dev/null",
    "core.attributesFile": "/dev/null",
    "core.excludesFile": "/dev/null",
    "core.autocrlf": "false",
    "core.safecrlf": "false",
    "core.eol": "lf",
    "core.fileMode": "false",
    "core.symlinks": "false",
    "core.ignoreCase": "false",
    "core.precomposeUnicode": "false",
    "core.quotePath": "false",
    "core.fsmonitor": "false",
    "core.untrackedCache": "false",
    "core.splitIndex": "false",
    "core.logAllRefUpdates": "false",
    "core.filesRefLockTimeout": "200",  # milliseconds; ours wait for our own lock, this is for git used by hand
    "core.packedRefsTimeout": "200",
    # The journal can rebuild every object, so nothing here has to survive a power cut; a killed process tears nothing.
    "core.fsync": "none",
    "core.sharedRepository": "umask",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "commit.gpgSign": "false",
    "i18n.commitEncoding": "UTF-8",
    "i18n.logOutputEncoding": "UTF-8",
    "diff.algorithm": "myers",
    "diff.renames": "true",
    "diff.renameLimit": "1000",
    "diff.suppressBlankEmpty": "false",
    "diff.indentHeuristic": "true",
    "merge.renames": "true",
    "merge.renameLimit": "1000",
    "merge.directoryRenames": "false",
    "merge.conflictStyle": "merge",
    "submodule.recurse": "false",
    "protocol.allow": "never",
}


@dataclass(frozen=True, slots=True)
class Place:
    """A working folder, and the part of .git that is about it."""

    folder: Path
    git_dir: Path


class Git:
    """Runs git commands on one repository."""

    def __init__(self, git_dir: Path, program: str) -> None:
        self.git_dir = git_dir
        self._program = program
        self._environment = _environment()
        self._lock: int | None = None  # file descriptor while `alone`

    @classmethod
    def on(cls, git_dir: Path) -> Git:
        """Look git up and check its version. Raises GitMissingError and GitTooOldError."""
        return cls(git_dir.absolute(), find_git())

    def run(
        self,
        *arguments: str,
        data: bytes = b"",
        extra: Mapping[str, str] | None = None,
        place: Place | None = None,
        allowed: tuple[int, ...] = (0,),
    ) -> tuple[int, bytes]:
        """Run one command to its end.

        Args:
            data: What it reads.
            extra: More of its environment, such as GIT_INDEX_FILE.
            place: The working folder that it is about, if any.
            allowed: Exit codes that are answers.
        Returns: Its exit code and what it wrote.
        Raises:
            GitFailedError: Another exit code.
        """
        code, answer, errors = self.complaints(*arguments, data=data, extra=extra, place=place)
        if code not in allowed:
            raise GitFailedError(arguments[0], code, errors.decode(errors="replace"))
        return code, answer

    def complaints(
        self,
        *arguments: str,
        data: bytes = b"",
        extra: Mapping[str, str] | None = None,
        place: Place | None = None,
    ) -> tuple[int, bytes, bytes]:
        """Run one command to its end, whatever it thinks of it: its exit code, what it wrote, what it complained of."""
        environment = {**self._environment, **(extra or {}), "GIT_DIR": str(place.git_dir if place else self.git_dir)}
        if place:
            environment["GIT_WORK_TREE"] = str(place.folder)
        inherited = () if self._lock is None else (self._lock,)
        try:
            done = subprocess.run(  # noqa: S603 - our own arguments, checked before they come here
                (self._program, "--no-pager", *arguments),
                input=data,
                capture_output=True,
                env=environment,
                cwd=place.folder if place else self.git_dir,
                pass_fds=inherited,
                umask=0o022,
                check=False,  # and no timeout: waiting with one polls, which doubles what a command takes
            )
        except OSError as error:
            raise GitFailedError(arguments[0], -1, str(error)) from error
        return done.returncode, done.stdout, done.stderr

    def text(self, *arguments: str, data: bytes = b"", extra: Mapping[str, str] | None = None) -> str:
        """Run a command whose answer is one line."""
        return self.run(*arguments, data=data, extra=extra)[1].decode().strip()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the repository's lock: no other process moves branches or makes working folders meanwhile.

        The kernel frees it when the holder and the git it started are gone, however they died. Nests.

        Raises:
            BusyRepositoryError: It was not free within LOCK_WAIT_S.
        """
        if self._lock is not None:
            yield
            return
        lock = os.open(self.git_dir / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
        try:
            _wait_for(lock)
            self._lock = lock
            yield
        finally:
            self._lock = None
            os.close(lock)


def find_git() -> str:
    """The program, if it is new enough. Raises GitMissingError and GitTooOldError."""
    program = shutil.which("git")
    if program is None:
        raise GitMissingError
    check_version(_version_of(program))
    return program


def check_version(version: tuple[int, ...]) -> None:
    """Raise GitTooOldError below NEEDED."""
    if version < NEEDED:
        raise GitTooOldError(".".join(map(str, version)), ".".join(map(str, NEEDED)))


@cache
def _version_of(program: str) -> tuple[int, ...]:
    try:
        answer = subprocess.run(  # noqa: S603 - a fixed command
            (program, "version"), capture_output=True, env=_environment(), check=True
        ).stdout.decode(errors="replace")
    except (OSError, subprocess.SubprocessError) as error:
        raise GitMissingError from error
    found = re.search(r"git version (\d+)\.(\d+)(?:\.(\d+))?", answer)
    if found is None:
        raise GitMissingError
    return tuple(int(part) for part in found.groups() if part is not None)


def _environment() -> dict[str, str]:
    """All that a git of ours knows of the world."""
    settings = {f"GIT_CONFIG_KEY_{n}": key for n, key in enumerate(SETTINGS)}
    settings.update({f"GIT_CONFIG_VALUE_{n}": value for n, value in enumerate(SETTINGS.values())})
    return {
        "PATH": os.defpath,  # git knows where its own helpers are
        "HOME": "/dev/null",
        "XDG_CONFIG_HOME": "/dev/null",
        "LC_ALL": "C",
        "LANGUAGE": "C",
        "TZ": "UTC",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_CONFIG_SYSTEM": "/dev/null",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_ATTR_SOURCE": EMPTY_TREE,  # from git 2.41: attributes of no tree
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_LITERAL_PATHSPECS": "1",
        "GIT_CONFIG_COUNT": str(len(SETTINGS)),
        **settings,
    }


def _wait_for(lock: int) -> None:
    """Wait for the lock in short steps: a blocking wait could not be given up."""
    end = time.monotonic() + LOCK_WAIT_S
    pause = 0.0005
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() > end:
                raise BusyRepositoryError(LOCK_WAIT_S) from error
            time.sleep(pause)
            pause = min(2 * pause, 0.02)
        else:
            return
