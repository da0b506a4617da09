from __future__ import annotations

from typing import Any

import pytest

from brokers.hub.commands import COMMANDS, Refusal, parse_request

HEAD = {"v": 1, "token": "t", "client": "tester", "id": "1"}
CHOICES = {"disturbance.type": frozenset({"flaky_test", "scope_creep"})}


def refusal_of(**fields: Any) -> Refusal:
    with pytest.raises(Refusal) as caught:
        parse_request({**HEAD, **fields}, CHOICES)
    return caught.value


@pytest.mark.parametrize(
    "fields",
    [
        {"command": "status"},
        {"command": "snapshot", "team": "team-1"},
        {"command": "pool"},
        {"command": "events", "from": 1, "limit": 1000},
        {"command": "inject", "disturbance": {"type": "flaky_test", "severity": 4, "story_id": "S-1", "team": "t"}},
        {"command": "inject", "disturbance": {"type": "flaky_test"}, "at_us": 0},
        {"command": "crash", "actor": "agent/ada", "at_us": 5},
        {"command": "pause"},
        {"command": "step"},
        {"command": "step", "windows": 3},
        {"command": "step", "until": "day"},
        {"command": "resume"},
        {"command": "stop"},
    ],
)
def test_every_documented_form_is_taken(fields: dict[str, Any]) -> None:
    request = parse_request({**HEAD, **fields}, CHOICES)
    assert (request.client, request.client_id, request.body) == ("tester", "1", fields)


def test_only_queries_are_asked_anew_each_time() -> None:
    assert [name for name, command in COMMANDS.items() if command.is_query] == [
        "status",
        "snapshot",
        "events",
        "pool",
    ]


def test_an_unknown_command_is_refused_with_the_nearest_one() -> None:
    refusal = refusal_of(command="snapshto")
    assert refusal.error == "unknown_command"
    assert "did you mean 'snapshot'?" in refusal.reason
    assert refusal.allowed == tuple(COMMANDS)


def test_an_unknown_field_is_refused_with_the_nearest_one_also_inside() -> None:
    assert "did you mean 'at_us'?" in refusal_of(command="crash", actor="agent/ada", at_u=1).reason
    inner = refusal_of(command="inject", disturbance={"type": "flaky_test", "severty": 1})
    assert inner.error == "unknown_field"
    assert "'disturbance.severty'; did you mean 'severity'?" in inner.reason


@pytest.mark.parametrize(
    ("fields", "error", "says"),
    [
        ({"command": "crash"}, "missing_field", "actor is missing"),
        ({"command": "inject", "disturbance": {}}, "missing_field", "disturbance.type is missing"),
        ({"command": "inject", "disturbance": "flaky_test"}, "bad_value", "disturbance must be a map"),
        ({"command": "inject", "disturbance": {"type": "flaky_test", "severity": 5}}, "bad_value", "1 to 4, not 5"),
        ({"command": "inject", "disturbance": {"type": "flaky_test", "severity": True}}, "bad_value", "not True"),
        ({"command": "inject", "disturbance": {"type": "scope_crep"}}, "bad_value", "did you mean 'scope_creep'?"),
        ({"command": "crash", "actor": "a", "at_us": -1}, "bad_value", "an integer from 0, not -1"),
        ({"command": "crash", "actor": "a", "at_us": 1.5}, "bad_value", "not 1.5"),
        ({"command": "crash", "actor": "a" * 97}, "bad_value", "1 to 96 characters"),
        ({"command": "crash", "actor": "a\nb"}, "bad_value", "printable"),
        ({"command": "step", "until": "week"}, "bad_value", "until must be 'day'"),
        ({"command": "step", "until": "day", "windows": 1}, "bad_value", "not both"),
        ({"command": "events", "limit": 1001}, "bad_value", "limit must be an integer from 1 to 1000"),
        ({"command": ["status"]}, "unknown_command", "a list of 1"),
        ({}, "unknown_command", "None"),
        ({"command": "status", "id": ""}, "bad_head", "id must be"),
        ({"command": "status", "client": 7}, "bad_head", "client must be"),
    ],
)
def test_what_is_wrong_is_said(fields: dict[str, Any], error: str, says: str) -> None:
    refusal = refusal_of(**fields)
    assert refusal.error == error
    assert says in refusal.reason


def test_a_long_value_makes_no_long_reply() -> None:
    assert len(refusal_of(command="x" * 4000).reason) < 300
    assert len(refusal_of(command="status", **{"y" * 4000: 1}).reason) < 300
