"""Tries each layer in a process of its own and says, as JSON on standard output, which work here and why not."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

from actors.work.sandbox.inside import confinement, kernel, landlock, root, seccomp


def _as_root(attempt: Callable[[], None]) -> Callable[[], None]:
    """Make an attempt with the rights that a zygote has."""

    def with_rights() -> None:
        if os.geteuid() != 0:
            confinement.gain_rights(os.open("/proc", os.O_PATH | os.O_DIRECTORY), own_pids=False)
        attempt()

    return with_rights


def _try(attempt: Callable[[], None]) -> str:
    """Run one attempt in a child and return why it failed, or nothing."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            attempt()
            os._exit(0)
        except BaseException as error:  # noqa: BLE001 - whatever it is, it is the answer
            os.write(writer, str(getattr(error, "strerror", None) or error or type(error).__name__).encode())
        finally:
            os._exit(1)
    os.close(writer)
    with os.fdopen(reader, "rb") as answer:
        reason = answer.read(4096).decode(errors="replace")
    _, status = os.waitpid(pid, 0)
    return "" if status == 0 else reason or "the attempt was ended"


def _new_root(base: str) -> None:
    kernel.unshare(kernel.CLONE_NEWNS)
    kernel.mount("none", "/", "", kernel.MS_REC | kernel.MS_PRIVATE)
    root.build(base, [])


def _scratch(base: str) -> None:
    kernel.unshare(kernel.CLONE_NEWNS)
    kernel.mount("none", "/", "", kernel.MS_REC | kernel.MS_PRIVATE)
    kernel.mount("tmpfs", base, "tmpfs", kernel.MS_NOSUID, "size=1m")


def _pid_namespace() -> None:
    proc = os.open("/proc", os.O_PATH | os.O_DIRECTORY)
    if os.geteuid() != 0:
        confinement.gain_rights(proc, own_pids=True)
    own = os.open("self/ns/pid", os.O_RDONLY, dir_fd=proc)
    for _ in range(2):
        kernel.setns(own, kernel.CLONE_NEWPID)
        kernel.unshare(kernel.CLONE_NEWPID)
        child = os.fork()
        if child == 0:
            os._exit(0 if os.getpid() == 1 else 1)
        if os.waitpid(child, 0)[1] != 0:
            raise OSError("the first child was not process 1")


def _user_namespace() -> None:
    proc = os.open("/proc", os.O_PATH | os.O_DIRECTORY)
    if os.geteuid() == 0:
        os.setresgid(root.NOBODY, root.NOBODY, root.NOBODY)
        os.setresuid(root.NOBODY, root.NOBODY, root.NOBODY)
    confinement.enter_user_namespace(proc, inner=root.NOBODY)


def _dropped() -> None:
    proc = os.open("/proc", os.O_PATH | os.O_DIRECTORY)
    settings = {"layers": ["dropped-privileges", "user-namespace"], "proc": proc, "is_root": os.geteuid() == 0}
    if not settings["is_root"]:
        confinement.gain_rights(proc, own_pids=False)
    confinement.drop_privileges(settings, os.getcwd())


def _no_new_privileges() -> None:
    kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)


def _landlock() -> None:
    kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
    landlock.restrict(["/"], [], [])


def _seccomp() -> None:
    kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
    seccomp.restrict(seccomp.program(seccomp.machine()))
    try:
        kernel.unshare(kernel.CLONE_NEWUTS)
    except PermissionError:
        return
    raise OSError("the filter did not refuse a call")


def main() -> None:
    """Probe; the command line names an empty folder of ours."""
    base = sys.argv[1]
    for name in ("project", "tmp"):
        Path(base, name).mkdir()
    os.chdir(base)
    attempts: dict[str, Callable[[], None]] = {
        "user-namespace": _user_namespace,
        "mount-namespace": _as_root(lambda: kernel.unshare(kernel.CLONE_NEWNS)),
        "pid-namespace": _pid_namespace,
        "net-namespace": _as_root(lambda: kernel.unshare(kernel.CLONE_NEWNET)),
        "ipc-namespace": _as_root(lambda: kernel.unshare(kernel.CLONE_NEWIPC)),
        "uts-namespace": _as_root(lambda: kernel.unshare(kernel.CLONE_NEWUTS)),
        "read-only-root": _as_root(lambda: _new_root(base)),
        "scratch-tmpfs": _as_root(lambda: _scratch(base)),
        "dropped-privileges": _dropped,
        "no-new-privileges": _no_new_privileges,
        "seccomp": _seccomp,
        "landlock": _landlock,
    }
    sys.stdout.write(json.dumps({name: _try(attempt) for name, attempt in attempts.items()}))
