"""Landlock: a process gives up every file access but reading what is shown and writing its scratch folder.

Source: Linux, Documentation/userspace-api/landlock.rst (ABI 1 to 7). The three calls have the same numbers on every
architecture.
"""

from __future__ import annotations

import ctypes
import os
import struct

from actors.work.sandbox.inside import kernel

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
VERSION_QUESTION = 1
RULE_PATH_BENEATH = 1

WRITE_FILE, READ_FILE, READ_DIR, TRUNCATE = 1 << 1, 1 << 2, 1 << 3, 1 << 14
READ = READ_FILE | READ_DIR
NEVER_IN_SCRATCH = 1 << 0 | 1 << 6 | 1 << 11 | 1 << 15  # execute, make devices, device control
NET_TCP = 0b11  # bind, connect
SCOPES = 0b11  # abstract sockets, signals


def version() -> int:
    """Return the ABI of this kernel.

    Raises:
        OSError: It has no Landlock, or Landlock is switched off.
    """
    return kernel.checked(kernel.libc().syscall(CREATE_RULESET, None, 0, VERSION_QUESTION), "landlock")


def restrict(readable: list[str], writable: list[str], devices: list[str]) -> None:
    """Take every other right from this process and its children. It must not be able to gain privileges any more.

    Raises:
        OSError: The kernel refused.
    """
    abi = version()
    everything = (1 << (13 if abi < 2 else 14 if abi < 3 else 15 if abi < 5 else 16)) - 1
    attributes = struct.pack("QQQ", everything, NET_TCP, SCOPES)[: 8 if abi < 4 else 16 if abi < 6 else 24]
    libc = kernel.libc()
    rules = kernel.checked(libc.syscall(CREATE_RULESET, attributes, len(attributes), 0), "landlock ruleset")
    for paths, rights in (
        (readable, READ),
        (writable, everything & ~NEVER_IN_SCRATCH),
        (devices, (READ_FILE | WRITE_FILE | TRUNCATE) & everything),
    ):
        for path in paths:
            place = os.open(path, os.O_PATH | os.O_CLOEXEC)
            rule = ctypes.create_string_buffer(struct.pack("=Qi", rights, place))
            kernel.checked(libc.syscall(ADD_RULE, rules, RULE_PATH_BENEATH, rule, 0), "landlock rule")
            os.close(place)
    kernel.checked(libc.syscall(RESTRICT_SELF, rules, 0), "landlock restrict")
    os.close(rules)
