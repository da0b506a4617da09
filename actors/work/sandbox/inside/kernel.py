"""System calls that Python does not offer, by ctypes. Each says what failed; none is made without need on this host."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import signal
import sys

PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_SET_SECCOMP = 22
PR_CAPBSET_DROP = 24
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38
PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL = 47, 4

CLONE_NEWNS = 0x00020000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC = 1, 2, 4, 8
MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = 32, 4096, 16384, 1 << 18
MNT_DETACH = 2

_CAPABILITY_VERSION_3 = 0x20080522
_HIGHEST_CAPABILITY = 63


def libc() -> ctypes.CDLL:
    """Return the C library of this process."""
    return ctypes.CDLL(None, use_errno=True)


def prctl(option: int, *arguments: int) -> int:
    """Call prctl(2).

    Raises:
        OSError: The kernel refused.
    """
    padded = [ctypes.c_ulong(each) for each in (*arguments, 0, 0, 0, 0)][:4]
    return checked(libc().prctl(option, *padded), f"prctl {option}")


def checked(result: int, what: str) -> int:
    """Pass a result on, or raise what went wrong."""
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def unshare(flags: int) -> None:
    """Leave namespaces for new ones.

    Raises:
        OSError: The kernel refused.
    """
    checked(libc().unshare(flags), "unshare")


def setns(descriptor: int, kind: int) -> None:
    """Join a namespace.

    Raises:
        OSError: The kernel refused.
    """
    checked(libc().setns(descriptor, kind), "setns")


def mount(source: str, target: str, kind: str, flags: int, data: str = "") -> None:
    """Call mount(2).

    Raises:
        OSError: The kernel refused.
    """
    arguments = [each.encode() or None for each in (source, target, kind)]
    result = libc().mount(*arguments, ctypes.c_ulong(flags), data.encode() or None)
    checked(result, f"mount {kind or 'bind'}")


def pivot_root(new: str, old: str) -> None:
    """Make a folder the root and put the old root under it.

    Raises:
        OSError: The kernel refused.
    """
    checked(libc().pivot_root(new.encode(), old.encode()), "pivot_root")


def detach(target: str) -> None:
    """Unmount a folder with all below it.

    Raises:
        OSError: The kernel refused.
    """
    checked(libc().umount2(target.encode(), MNT_DETACH), "umount")


def drop_bounding_set() -> None:
    """Make sure that no capability can be gained by running a program.

    Raises:
        OSError: The kernel refused.
    """
    for number in range(_HIGHEST_CAPABILITY + 1):
        try:
            prctl(PR_CAPBSET_DROP, number)
        except OSError as error:
            if error.errno != errno.EINVAL:  # this kernel knows no capability of so high a number
                raise
            break


def drop_capabilities() -> None:
    """Empty every capability set that this process has, for good.

    Raises:
        OSError: The kernel refused.
    """
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL)
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    none = (ctypes.c_uint32 * 6)()
    checked(libc().capset(header, none), "capset")


def adopt_orphans() -> None:
    """Become the parent of whatever a candidate leaves behind (Linux only; elsewhere its process group must do)."""
    if sys.platform == "linux":
        prctl(PR_SET_CHILD_SUBREAPER, 1)


def die_with_parent() -> None:
    """Let the kernel end this process when the zygote ends (Linux only)."""
    if sys.platform == "linux":
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def kill_children() -> int:
    """Send SIGKILL to every child of this process; return how many there are (0 where the kernel cannot tell)."""
    try:
        with open(f"/proc/self/task/{os.getpid()}/children", encoding="ascii") as file:
            children = [int(each) for each in file.read().split()]
    except OSError:
        return 0
    for child in children:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
    return len(children)
