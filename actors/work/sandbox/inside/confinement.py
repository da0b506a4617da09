"""What a zygote does once, and what each candidate does to itself before it runs foreign code.

Layers are applied by name. Those of `trusted` need no privilege and no Linux; the rest are for model-written code.
The order matters: what needs a privilege comes before privileges are dropped, and the filter of system calls is last.
"""

from __future__ import annotations

import os
import resource
import shutil
import sys
from typing import Any

from actors.work.sandbox.inside import kernel, landlock, root, seccomp

OWN_NAMESPACES = {  # once for each zygote: nothing in them outlives a candidate
    "mount-namespace": kernel.CLONE_NEWNS,
    "net-namespace": kernel.CLONE_NEWNET,
    "uts-namespace": kernel.CLONE_NEWUTS,
}
CANDIDATE_NAMESPACES = {"mount-namespace": kernel.CLONE_NEWNS, "ipc-namespace": kernel.CLONE_NEWIPC}
FOLDERS = ("project", "tmp")
PROCESSES_OF_USER = 4096  # for our own code, where the kernel counts every process of the user, not of the candidate


def prepare(settings: dict[str, Any]) -> None:
    """Set the zygote up: once, before the first candidate.

    Raises:
        OSError: The kernel refused a layer.
    """
    kernel.adopt_orphans()
    layers = settings["layers"]
    settings["is_root"] = os.geteuid() == 0
    if not layers:
        return
    settings["proc"] = os.open("/proc", os.O_PATH | os.O_DIRECTORY)
    if not settings["is_root"]:
        gain_rights(settings["proc"], own_pids="pid-namespace" in layers)
    settings["own_pids"] = os.open("self/ns/pid", os.O_RDONLY, dir_fd=settings["proc"])
    settings["filter"] = seccomp.program(seccomp.machine()) if "seccomp" in layers else b""
    flags = sum(flag for name, flag in OWN_NAMESPACES.items() if name in layers)
    if flags:
        kernel.unshare(flags)
    if "mount-namespace" in layers:
        kernel.mount("none", "/", "", kernel.MS_REC | kernel.MS_PRIVATE)
    if "read-only-root" in layers:
        root.build(settings["base"], sorted(set(settings["libraries"].values())))


def gain_rights(proc: int, *, own_pids: bool) -> None:
    """Give a user who is not root the rights of root in a user namespace, so that the other layers can be had.

    A process namespace can only be left again by who owns it, so this process goes on as the first one of its own;
    the process that was there waits for it.

    Args:
        proc: Open folder /proc of the host.
        own_pids: Whether to take a process namespace.
    Raises:
        OSError: The kernel refused.
    """
    enter_user_namespace(proc, inner=0)
    if not own_pids:
        return
    kernel.unshare(kernel.CLONE_NEWPID)
    first = os.fork()
    if first:
        os.closerange(3, 65536)  # the judge hangs up on the one who works
        os._exit(os.waitstatus_to_exitcode(os.waitpid(first, 0)[1]) & 0xFF)
    kernel.die_with_parent()


def before_fork(settings: dict[str, Any]) -> None:
    """Let the next child be the first process of a new process namespace.

    Raises:
        OSError: The kernel refused.
    """
    if "pid-namespace" in settings["layers"]:
        kernel.setns(settings["own_pids"], kernel.CLONE_NEWPID)  # back to our own, or the next step is refused
        kernel.unshare(kernel.CLONE_NEWPID)


def scratch_of(settings: dict[str, Any]) -> str:
    """The folder in which candidates of this zygote work."""
    return root.SCRATCH if "scratch-tmpfs" in settings["layers"] else f"{settings['base']}/run"


def remove_scratch(settings: dict[str, Any]) -> None:
    """Remove what a candidate left in its folder; a scratch file system of its own has gone with it."""
    if "scratch-tmpfs" not in settings["layers"]:
        shutil.rmtree(scratch_of(settings), ignore_errors=True)


def confine(settings: dict[str, Any], cpu_total_s: int, *, keep: int) -> str:
    """Give up what this process could do, keep one descriptor, and return the root of the project.

    Raises:
        OSError: The kernel refused a layer.
    """
    os.setsid()
    kernel.die_with_parent()
    layers, scratch = settings["layers"], scratch_of(settings)
    if not layers:
        os.closerange(keep + 1, 65536)
        _make_scratch(scratch)
        limit_resources(settings["limits"], cpu_total_s, PROCESSES_OF_USER)
        return f"{scratch}/project"
    flags = sum(flag for name, flag in CANDIDATE_NAMESPACES.items() if name in layers)
    if flags:
        kernel.unshare(flags)
    if "scratch-tmpfs" in layers:
        data = f"size={settings['limits']['scratch_bytes']},nr_inodes=8192,mode=755"
        kernel.mount("tmpfs", scratch, "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_NOEXEC, data)
    _make_scratch(scratch)
    drop_privileges(settings, scratch)
    limit_resources(settings["limits"], cpu_total_s, settings["limits"]["processes"])
    if "landlock" in layers:
        landlock.restrict(["/"], [scratch], ["/dev/null"])
    os.closerange(keep + 1, 65536)
    if "seccomp" in layers:
        seccomp.restrict(settings["filter"])
    return f"{scratch}/project"


def _make_scratch(scratch: str) -> None:
    for name in FOLDERS:
        os.makedirs(f"{scratch}/{name}")


def drop_privileges(settings: dict[str, Any], scratch: str) -> None:
    """Become nobody, in a user namespace of its own, without any capability and without a way to gain one.

    Raises:
        OSError: The kernel refused.
    """
    layers = settings["layers"]
    if "dropped-privileges" in layers and settings["is_root"]:
        for folder in (scratch, *(f"{scratch}/{name}" for name in FOLDERS)):
            os.chown(folder, root.NOBODY, root.NOBODY)
        kernel.drop_bounding_set()
        os.setgroups([])
        os.setresgid(root.NOBODY, root.NOBODY, root.NOBODY)
        os.setresuid(root.NOBODY, root.NOBODY, root.NOBODY)
        kernel.die_with_parent()  # a change of user had switched it off
    if "user-namespace" in layers:
        enter_user_namespace(settings["proc"], inner=root.NOBODY)
        kernel.drop_bounding_set()  # a new namespace gives every capability within it
    if "dropped-privileges" in layers:
        kernel.drop_capabilities()
    if "no-new-privileges" in layers:
        kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
    kernel.prctl(kernel.PR_SET_DUMPABLE, 0)


def enter_user_namespace(proc: int, *, inner: int) -> None:
    """Move into a new user namespace that knows this user and nobody else.

    Args:
        proc: Open folder /proc of the host; the namespace's own may not be there.
        inner: Number of the user and the group inside.
    Raises:
        OSError: The kernel refused.
    """
    user, group = os.geteuid(), os.getegid()
    kernel.prctl(kernel.PR_SET_DUMPABLE, 1)  # or the maps would belong to root
    kernel.unshare(kernel.CLONE_NEWUSER)
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{inner} {user} 1"),
        ("gid_map", f"{inner} {group} 1"),
    ):
        place = os.open(f"self/{name}", os.O_WRONLY, dir_fd=proc)
        os.write(place, text.encode())
        os.close(place)


def limit_resources(limits: dict[str, Any], cpu_total_s: int, processes: int) -> None:
    """Lower what the kernel gives this process; a limit that this kernel does not know is left."""
    wanted = {
        "RLIMIT_CORE": 0,
        "RLIMIT_AS": limits["memory_bytes"],
        "RLIMIT_FSIZE": limits["file_bytes"],
        "RLIMIT_NOFILE": limits["open_files"],
        "RLIMIT_NPROC": processes,
        "RLIMIT_CPU": cpu_total_s,
    }
    for name, most in wanted.items():
        number = getattr(resource, name, None)
        if number is None:
            continue
        hard = resource.getrlimit(number)[1]
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        try:
            resource.setrlimit(number, (most, most))
        except (ValueError, OSError):
            if sys.platform == "linux":  # elsewhere some can be read but not set
                raise
