"""What a server in place of a coding model answers: tool calls that read, write, test and commit real code."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from actors.work.katas.bank import FAMILIES
from actors.work.katas.exercise import Exercise, exercise
from actors.work.katas.themes import THEMES
from actors.work.tools.limits import LIMITS
from tests.support.judging import legal

_PLACES = re.compile(r"^Write the code in (\S+); the story's tests are in (\S+)\.$", re.MULTILINE)
_DUE = re.compile(r"^Due when this quarter is over: criteria (.+)\.$", re.MULTILINE)
_LEFT = re.compile(r"^Left in this quarter: (\d+) calls", re.MULTILINE)
_PROBE = """\
import pathlib
import socket

import pytest


def test_the_network_is_out_of_reach():
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", {port}), timeout=5).close()


def test_files_of_the_host_are_out_of_sight():
    assert not pathlib.Path({place!r}).exists()
"""
Body = dict[str, Any]


@cache
def exercise_at(module_path: str) -> Exercise:
    """The exercise whose module is expected there."""
    found = [exercise(family, number) for number in range(len(THEMES)) for family in FAMILIES]
    return next(one for one in found if one.path == module_path)


def wants_code(body: Body) -> bool:
    """Whether it is asked for a tool call, and not for a judgement."""
    return "You write code with tools" in body["messages"][0]["content"]


def honest(body: Body) -> str:
    """The next call of a model that knows what is wanted, also what nobody asked about."""
    shown = next(text for text in _newest_first(body) if _PLACES.search(text))
    module_path, test_path = _found(_PLACES, shown)
    due = [int(number) for number in _found(_DUE, shown)[0].split(", ")]
    step = LIMITS.steps - int(_found(_LEFT, shown)[0])
    one = exercise_at(module_path)
    more = f"tests/{one.kata.domain}/test_{one.name}_more.py"
    calls: tuple[tuple[str, dict[str, Any]], ...] = (
        ("list_files", {"folder": "src"}),
        ("read_file", {"path": test_path}),
        ("write_file", {"path": module_path, "text": one.source(one.wanted, due)}),
        ("write_file", {"path": more, "text": one.tests(one.wanted, due)}),
        ("run_tests", {"paths": [test_path, more]}),
        ("commit", {"message": f"Fulfil criteria 1 to {len(due)}"}),
        ("finish", {"summary": "all green"}),
    )
    tool, arguments = calls[min(step, len(calls) - 1)]
    return json.dumps({"tool": tool, "arguments": arguments}, separators=(",", ":"))


def nonsense(body: Body) -> str:
    """Words where a call is wanted."""
    return "I would rather write a poem."


def stubborn(body: Body) -> str:
    """Writes where it must not, and never says that it is done."""
    test_path = _found(_PLACES, body["messages"][-1]["content"])[1]
    path = ("../../escaped.py", "/tmp/escaped.py", test_path)[body["seed"] % 3]
    return json.dumps({"tool": "write_file", "arguments": {"path": path, "text": "ALL_IS_WELL = True\n"}})


def spying(port: int, place: Path) -> Callable[[Body], str]:
    """Tries from inside of a test to reach a server of this host and a file on it; the test is green where it fails."""
    probe = _PROBE.format(port=port, place=str(place))
    calls: tuple[tuple[str, dict[str, Any]], ...] = (
        ("write_file", {"path": "tests/test_spy.py", "text": probe}),
        ("run_tests", {"paths": ["tests/test_spy.py"]}),
        ("finish", {"summary": "nothing to see"}),
    )

    def next_call(body: Body) -> str:
        step = LIMITS.steps - int(_found(_LEFT, body["messages"][-1]["content"])[0])
        tool, arguments = calls[min(step, len(calls) - 1)]
        return json.dumps({"tool": tool, "arguments": arguments})

    return next_call


def with_hands(hands: Callable[[Body], str]) -> Callable[[Body], str]:
    """A server that judges legally and writes code like this."""
    return lambda body: hands(body) if wants_code(body) else legal(body)


def _newest_first(body: Body) -> list[str]:
    return [message["content"] for message in reversed(body["messages"]) if message["role"] == "user"]


def _found(pattern: re.Pattern[str], text: str) -> tuple[str, ...]:
    match = pattern.search(text)
    assert match is not None, f"{pattern.pattern} is not in the prompt"
    return match.groups()
