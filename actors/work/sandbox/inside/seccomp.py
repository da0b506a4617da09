"""A seccomp filter: system calls with which code could reach beyond its process are refused by the kernel.

Source: Linux, Documentation/userspace-api/seccomp_filter.rst; numbers from arch/x86/entry/syscalls/syscall_64.tbl and
include/uapi/asm-generic/unistd.h.
"""

from __future__ import annotations

import ctypes
import errno
import platform
import struct
from dataclasses import dataclass

from actors.work.sandbox.inside import kernel

# BPF: load a word of the call, compare it, return.
LOAD, EQUAL, AT_LEAST, ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
ALLOW, KILL, ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
AT_NUMBER, AT_ARCHITECTURE, AT_FIRST_ARGUMENT = 0, 4, 16
X32_BIT = 0x40000000
MODE_FILTER = 2
AF_UNIX = 1
# New namespaces of every kind, and CLONE_VFORK, whose parent would look as if it waited for a disk.
CLONE_DENIED = 0x00020000 | 0x02000000 | 0x04000000 | 0x08000000 | 0x10000000 | 0x20000000 | 0x40000000 | 0x00004000

# open_tree … mount_setattr, io_uring_*, pidfd_getfd, quotactl_fd, memfd_secret, process_mrelease: the same everywhere
COMMON = (428, 429, 430, 431, 432, 433, 438, 440, 442, 443, 447, 448)
IO_URING = (425, 426, 427)
CLONE3 = 435


@dataclass(frozen=True, slots=True)
class Machine:
    """Numbers of one architecture."""

    audit: int
    clone: int
    socket: int
    vfork: int | None
    denied: tuple[int, ...]


# ptrace, mount, umount2, pivot_root, chroot, swapon, swapoff, reboot, sethostname, setdomainname, init_module,
# delete_module, finit_module, quotactl, acct, settimeofday, clock_settime, clock_adjtime, adjtimex, add_key,
# request_key, keyctl, unshare, setns, kexec_load, kexec_file_load, perf_event_open, process_vm_readv,
# process_vm_writev, bpf, userfaultfd, name_to_handle_at, open_by_handle_at, syslog, vhangup, personality,
# lookup_dcookie, kcmp, fanotify_init, execve, execveat
MACHINES = {
    "x86_64": Machine(
        audit=0xC000003E,
        clone=56,
        socket=41,
        vfork=58,
        denied=(
            *(101, 165, 166, 155, 161, 167, 168, 169, 170, 171, 175, 176, 313, 179, 163, 164, 227, 305, 159, 248, 249),
            *(250, 272, 308, 246, 320, 298, 310, 311, 321, 323, 303, 304, 103, 153, 135, 212, 312, 300, 59, 322),
            *(154, 172, 173),  # modify_ldt, iopl, ioperm
        ),
    ),
    "aarch64": Machine(
        audit=0xC00000B7,
        clone=220,
        socket=198,
        vfork=None,
        denied=(
            *(117, 40, 39, 41, 51, 224, 225, 142, 161, 162, 105, 106, 273, 60, 89, 170, 112, 266, 171, 217, 218, 219),
            *(97, 268, 104, 294, 241, 270, 271, 280, 282, 264, 265, 116, 58, 92, 18, 272, 262, 221, 281),
        ),
    ),
}


def program(machine: Machine) -> bytes:
    """Return the filter as BPF instructions of eight bytes."""
    lines = [
        (LOAD, 0, 0, AT_ARCHITECTURE),
        (EQUAL, 1, 0, machine.audit),
        (RETURN, 0, 0, KILL),
        (LOAD, 0, 0, AT_NUMBER),
        (AT_LEAST, 0, 1, X32_BIT),
        (RETURN, 0, 0, ERRNO | errno.EPERM),
    ]
    missing = [CLONE3, *IO_URING, *([machine.vfork] if machine.vfork is not None else [])]
    for number in missing:  # "not implemented" makes libraries take the way that we can look into
        lines += [(EQUAL, 0, 1, number), (RETURN, 0, 0, ERRNO | errno.ENOSYS)]
    for number in (*machine.denied, *COMMON):
        lines += [(EQUAL, 0, 1, number), (RETURN, 0, 0, ERRNO | errno.EPERM)]
    lines += [
        (EQUAL, 0, 4, machine.clone),
        (LOAD, 0, 0, AT_FIRST_ARGUMENT),
        (ANY_BIT, 0, 1, CLONE_DENIED),
        (RETURN, 0, 0, ERRNO | errno.EPERM),
        (RETURN, 0, 0, ALLOW),
        (EQUAL, 0, 3, machine.socket),
        (LOAD, 0, 0, AT_FIRST_ARGUMENT),
        (EQUAL, 1, 0, AF_UNIX),
        (RETURN, 0, 0, ERRNO | errno.EPERM),
        (RETURN, 0, 0, ALLOW),
    ]
    return b"".join(struct.pack("=HBBI", *line) for line in lines)


def machine() -> Machine:
    """Return the numbers of this machine.

    Raises:
        OSError: We have none for it.
    """
    name = platform.machine()
    if name not in MACHINES:
        raise OSError(errno.ENOSYS, f"no list of system calls for {name}")
    return MACHINES[name]


def restrict(code: bytes) -> None:
    """Install a filter in this process for good; it must not be able to gain privileges any more.

    Raises:
        OSError: The kernel refused.
    """
    instructions = ctypes.create_string_buffer(code, len(code))
    whole = struct.pack("@HP", len(code) // 8, ctypes.addressof(instructions))
    holder = ctypes.create_string_buffer(whole, len(whole))
    kernel.prctl(kernel.PR_SET_SECCOMP, MODE_FILTER, ctypes.addressof(holder))
