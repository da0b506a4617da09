from __future__ import annotations

import errno
import struct

import pytest

from actors.work.sandbox.inside import seccomp

ALLOWED = seccomp.ALLOW
REFUSED = seccomp.ERRNO | errno.EPERM
UNKNOWN = seccomp.ERRNO | errno.ENOSYS


def run(name: str, number: int, argument: int = 0, audit: int | None = None) -> int:
    """Run the filter as the kernel does, on one call."""
    machine = seccomp.MACHINES[name]
    code = list(struct.iter_unpack("=HBBI", seccomp.program(machine)))
    words = {0: number, 4: machine.audit if audit is None else audit, 16: argument}
    register, place = 0, 0
    while True:
        kind, if_true, if_false, value = code[place]
        place += 1
        if kind == seccomp.RETURN:
            return int(value)
        if kind == seccomp.LOAD:
            register = words[value]
            continue
        holds = {
            seccomp.EQUAL: register == value,
            seccomp.AT_LEAST: register >= value,
            seccomp.ANY_BIT: bool(register & value),
        }[kind]
        place += if_true if holds else if_false


@pytest.mark.parametrize("name", ["x86_64", "aarch64"])
def test_every_listed_call_is_refused_and_others_are_not(name: str) -> None:
    machine = seccomp.MACHINES[name]

    assert {run(name, number) for number in (*machine.denied, *seccomp.COMMON)} == {REFUSED}
    assert {run(name, number) for number in (seccomp.CLONE3, *seccomp.IO_URING)} == {UNKNOWN}
    assert {run(name, number) for number in (63, 64)} == {ALLOWED}


@pytest.mark.parametrize("name", ["x86_64", "aarch64"])
def test_threads_and_forks_are_allowed_and_new_namespaces_are_not(name: str) -> None:
    clone = seccomp.MACHINES[name].clone

    assert run(name, clone, 0x01200011) == ALLOWED  # fork
    assert run(name, clone, 0x003D0F00) == ALLOWED  # thread
    assert {run(name, clone, flag) for flag in (0x10000000, 0x00020000, 0x40000000, 0x20000000)} == {REFUSED}


@pytest.mark.parametrize("name", ["x86_64", "aarch64"])
def test_only_unix_sockets_can_be_made(name: str) -> None:
    number = seccomp.MACHINES[name].socket

    assert run(name, number, 1) == ALLOWED
    assert {run(name, number, family) for family in (2, 10, 16, 17, 40)} == {REFUSED}


def test_calls_of_another_architecture_end_the_process() -> None:
    assert run("x86_64", 0, audit=0x40000003) == seccomp.KILL
    assert run("x86_64", 0x40000000 | 101) == REFUSED
