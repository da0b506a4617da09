from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from brokers.hub.core import ANSWER_WITHIN_S, MAX_WAITING, Action, HubCore, Publish, ToClient, ToFeed

TOKEN = "s3cret"


def request(command: str = "pause", **fields: Any) -> bytes:
    head = {"v": 1, "token": TOKEN, "client": "tester", "id": "1"}
    return bytes(msgpack.packb({**head, "command": command, **fields}))


def reply_in(actions: Sequence[Action]) -> dict[str, Any]:
    (action,) = actions
    assert isinstance(action, ToClient)
    answer = msgpack.unpackb(action.payload)
    assert isinstance(answer, dict)
    return answer


def command_in(actions: Sequence[Action]) -> ToFeed:
    (action,) = actions
    assert isinstance(action, ToFeed)
    return action


@pytest.fixture
def core() -> HubCore:
    core = HubCore(TOKEN, hub_id=b"12345678")
    core.on_feed([b"run", b"hello", msgpack.packb({"run": "r-1", "choices": {"actor": ["agent/ada"]}})])
    return core


def test_a_command_goes_to_the_run_and_its_reply_to_who_asked(core: HubCore) -> None:
    sent = command_in(core.on_client([b"ann", b"", request("crash", actor="agent/ada")], now_s=0.0))
    kind, number, body = sent.frames
    assert (sent.identity, kind) == (b"run", b"command")
    assert msgpack.unpackb(body) == {
        "client": "tester",
        "id": "1",
        "body": {"command": "crash", "actor": "agent/ada"},
    }
    (action,) = core.on_feed([b"run", b"reply", number, msgpack.packb({"ok": True, "at_us": 5})])
    assert action == ToClient(b"ann", msgpack.packb({"v": 1, "id": "1", "ok": True, "at_us": 5}))


def test_the_token_is_not_passed_on(core: HubCore) -> None:
    sent = command_in(core.on_client([b"ann", b"", request()], now_s=0.0))
    assert TOKEN.encode() not in b"".join(sent.frames)


@pytest.mark.parametrize("token", ["", "s3cre", "s3crets", None, 7, ["s3cret"]])
def test_any_other_token_is_refused_before_anything_is_looked_at(core: HubCore, token: object) -> None:
    answer = reply_in(core.on_client([b"ann", b"", request("nonsense", token=token)], now_s=0.0))
    assert answer["error"] == "unauthorized"
    assert core.refused == {"unauthorized": 1}


def test_a_request_of_another_version_is_refused(core: HubCore) -> None:
    for version in (2, True, "1", None):
        answer = reply_in(core.on_client([b"ann", b"", request(v=version)], now_s=0.0))
        assert (answer["error"], answer["allowed"]) == ("unsupported_version", ["1"])


def test_fields_in_another_order_are_the_same_command(core: HubCore) -> None:
    first = core.on_client([b"ann", b"", request("crash", actor="agent/ada", at_us=5)], now_s=0.0)
    assert core.on_client([b"bob", b"", request("crash", at_us=5, actor="agent/ada")], now_s=0.0) == []
    number = command_in(first).frames[1]
    answers = core.on_feed([b"run", b"reply", number, msgpack.packb({"ok": True})])
    assert [action.identity for action in answers if isinstance(action, ToClient)] == [b"ann", b"bob"]


def test_a_reply_that_comes_too_late_is_not_waited_for(core: HubCore) -> None:
    number = command_in(core.on_client([b"ann", b"", request()], now_s=0.0)).frames[1]
    core.on_client([b"bob", b"", request("status", id="2")], now_s=1.0)
    assert core.on_tick(now_s=ANSWER_WITHIN_S) == []

    actions = core.on_tick(now_s=ANSWER_WITHIN_S + 2)

    assert [msgpack.unpackb(action.payload)["error"] for action in actions if isinstance(action, ToClient)] == [
        "unavailable",
        "unavailable",
    ]
    assert core.on_feed([b"run", b"reply", number, msgpack.packb({"ok": True})]) == []
    assert core.waiting == 0
    command_in(core.on_client([b"ann", b"", request()], now_s=99.0))  # the same id may be sent again


def test_a_command_that_cannot_be_delivered_is_given_back(core: HubCore) -> None:
    sent = command_in(core.on_client([b"ann", b"", request()], now_s=0.0))
    assert reply_in(core.on_undelivered(sent, has_left=True))["error"] == "unavailable"
    assert not core.is_connected


def test_queries_that_wait_are_bounded(core: HubCore) -> None:
    for n in range(MAX_WAITING):
        command_in(core.on_client([b"ann", b"", request("status", id=str(n))], now_s=0.0))
    assert reply_in(core.on_client([b"ann", b"", request("status")], now_s=0.0))["error"] == "busy"


def test_choices_of_the_run_are_enforced(core: HubCore) -> None:
    answer = reply_in(core.on_client([b"ann", b"", request("crash", actor="agent/adam")], now_s=0.0))
    assert answer["allowed"] == ["agent/ada"]


def test_a_gap_between_events_is_counted(core: HubCore) -> None:
    events = [[seq, "event.k/1", b"x"] for seq in (7, 8, 12)]
    actions = core.on_feed([b"run", b"events", msgpack.packb(events)])
    assert actions == [Publish(b"event.k/1", b"x")] * 3
    assert core.counts["missing_events"] == 3


def test_facts_of_the_moment_are_passed_on_under_topics_of_their_own(core: HubCore) -> None:
    assert core.on_feed([b"run", b"live", b"live.pool", b"x"]) == [Publish(b"live.pool", b"x")]
    assert core.on_feed([b"run", b"live", b"event.k/1", b"x"]) == []
    assert (core.counts["malformed_feed"], core.counts["events"]) == (1, 0)
    assert core.on_subscription(b"\x01live.") == []
    assert core.refused == {}


def test_a_sync_topic_is_echoed_once_and_odd_topics_are_counted(core: HubCore) -> None:
    assert core.on_subscription(b"\x01sync/abc") == [Publish(b"sync/abc", b"")]
    assert core.on_subscription(b"\x00sync/abc") == []
    for fine in (b"\x01", b"\x01event.", b"\x01event.story.moved/1", b"\x00event."):
        assert core.on_subscription(fine) == []
    assert core.refused == {}
    for odd in (b"\x01secrets", b"", b"user message", b"\x01" + b"e" * 500):
        assert core.on_subscription(odd) == []
    assert core.refused == {"topic": 1, "subscription": 3}


# A given alphabet: all of Unicode takes Hypothesis seconds to tabulate in a fresh checkout.
TEXT = st.text("ab/_.0 \n\x00é€😀", max_size=9)
FRAMES = st.lists(st.binary(max_size=40) | st.just(b"") | st.just(b"hello"), max_size=5)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | TEXT | st.binary(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
KEYS = st.sampled_from(["command", "disturbance", "at_us", "actor", "windows", "until", "id", "client"])


@given(FRAMES)
def test_no_frames_from_anywhere_break_the_hub(frames: list[bytes]) -> None:
    core = HubCore(TOKEN, hub_id=b"12345678")
    core.on_client(frames, now_s=0.0)
    core.on_feed(frames)
    for frame in frames:
        core.on_subscription(frame)


@given(st.dictionaries(KEYS, VALUES | st.sampled_from(["inject", "step", "events"]), max_size=6))
def test_every_map_with_a_token_is_forwarded_or_refused_with_a_reason(fields: dict[str, Any]) -> None:
    core = HubCore(TOKEN, hub_id=b"12345678")
    core.on_feed([b"run", b"hello", msgpack.packb({})])
    payload = msgpack.packb({"v": 1, "token": TOKEN, **fields})
    (action,) = core.on_client([b"ann", b"", payload], now_s=0.0)
    if isinstance(action, ToClient):
        answer = msgpack.unpackb(action.payload, strict_map_key=False)
        assert answer["ok"] is False
        assert answer["error"]
        assert answer["reason"]
    else:
        assert isinstance(action, ToFeed)


@given(VALUES)
def test_no_hello_or_reply_or_event_list_breaks_the_hub(value: Any) -> None:
    core = HubCore(TOKEN, hub_id=b"12345678")
    packed = msgpack.packb(value)
    core.on_feed([b"run", b"hello", packed])
    core.on_feed([b"run", b"events", packed])
    core.on_feed([b"run", b"hello", msgpack.packb({"choices": value})])
    core.on_feed([b"run", b"hello", msgpack.packb({})])
    number = command_in(core.on_client([b"ann", b"", request()], now_s=0.0)).frames[1]
    core.on_feed([b"run", b"reply", number, packed])
