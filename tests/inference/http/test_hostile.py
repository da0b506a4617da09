"""Strangers who mean harm: what they send is bounded in time and memory, and everybody else is answered meanwhile."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import httpx
import pytest

from inference.http import connections
from inference.http import door as doors_module
from tests.inference.http.doors import OpenDoor, open_door, until
from tests.support.word_engine import HOLD

CHAT: dict[str, Any] = {"model": "tiny", "messages": [{"role": "user", "content": "what is next?"}]}
HEAD = b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections.Connection, "head_s", 0.3)
    monkeypatch.setattr(connections.Connection, "stalled_s", 0.3)


@pytest.fixture
def door(impatient: None) -> Iterator[OpenDoor]:
    with open_door(body_s=0.5, deadline_s=20.0) as opened:
        yield opened
        until(lambda: opened.door.under_way == 0)
        until(lambda: opened.engine.under_way == 0)


def connect(door: OpenDoor) -> socket.socket:
    address = httpx.URL(door.url)
    return socket.create_connection((address.host, address.port or 0), timeout=20)


def is_answered(door: OpenDoor) -> bool:
    return httpx.post(f"{door.url}/chat/completions", json=CHAT, timeout=20).status_code == 200


def everything(raw: socket.socket) -> bytes:
    """All that comes until the other side closes."""
    found = b""
    try:
        while piece := raw.recv(65_536):
            found += piece
    except ConnectionResetError:
        pass
    return found


# -- connections -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("beginning", [b"", b"GET", HEAD, HEAD[:40]], ids=["nothing", "word", "head", "half"])
def test_a_head_that_never_ends_is_not_waited_for(door: OpenDoor, beginning: bytes) -> None:
    with ExitStack() as stack:
        slow = [stack.enter_context(connect(door)) for _ in range(40)]
        for each in slow:
            each.sendall(beginning)
        assert is_answered(door)

        assert {everything(each) for each in slow} == {b""}


def test_nor_is_the_head_of_a_second_request(door: OpenDoor) -> None:
    with connect(door) as raw:
        raw.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\nGET /hea")

        assert everything(raw).count(b"HTTP/1.1 200") == 1


def test_a_connection_that_is_used_again_later_is_kept(door: OpenDoor) -> None:
    with httpx.Client(base_url=door.url) as client:
        assert client.post("/chat/completions", json=CHAT).status_code == 200
        with connect(door) as clock:
            assert everything(clock) == b""  # as long as a head may take
        stream = next(iter(client._transport._pool.connections))  # type: ignore[attr-defined]
        assert client.post("/chat/completions", json=CHAT).status_code == 200
        assert next(iter(client._transport._pool.connections)) is stream  # type: ignore[attr-defined]


def test_bodies_that_trickle_are_refused_together(door: OpenDoor) -> None:
    with ExitStack() as stack:
        slow = [stack.enter_context(connect(door)) for _ in range(40)]
        for each in slow:
            each.sendall(HEAD + b"Content-Length: 4000\r\n\r\n{")
        assert is_answered(door)

        assert all(each.recv(64).startswith(b"HTTP/1.1 408 ") for each in slow)


def test_an_answer_that_nobody_reads_does_not_stay(door: OpenDoor) -> None:
    with connect(door) as raw:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        body = json.dumps(CHAT | {"n": 128, "logprobs": True, "top_logprobs": 20, "return_token_ids": True}).encode()
        for _ in range(8):
            raw.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        until(lambda: door.door.under_way == 0 and len(door.engine.seen) >= 128)
        assert is_answered(door)
        until(lambda: is_reset(raw))


def is_reset(raw: socket.socket) -> bool:
    try:
        raw.sendall(b"x")
    except (ConnectionResetError, BrokenPipeError):
        return True
    return False


@pytest.mark.parametrize(
    "sent",
    [
        b"\x00\x01\x02\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 1_000_000,
        b"GET /health HTTP/1.1\r\n" + b"".join(b"X-%d: y\r\n" % n for n in range(20_000)) + b"\r\n",
        HEAD + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n{}",
        HEAD + b"Content-Length: -1\r\n\r\n{}",
        HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n",
    ],
    ids=["bytes", "hosts", "large", "many", "lengths", "negative", "coding"],
)
def test_what_is_no_http_is_refused_in_the_usual_form(door: OpenDoor, sent: bytes) -> None:
    with connect(door) as raw:
        try:
            raw.sendall(sent)
        except (ConnectionResetError, BrokenPipeError):  # it was refused before all of it was sent
            return
        said = everything(raw)

    head, _, body = said.partition(b"\r\n\r\n")
    assert head.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 501 "))
    assert json.loads(body)["error"].keys() == {"message", "type", "param", "code"}
    assert is_answered(door)


def test_a_client_that_closes_half_of_its_connection_is_gone(door: OpenDoor) -> None:
    body = json.dumps(CHAT | {"messages": [{"role": "user", "content": HOLD}]}).encode()
    with connect(door) as raw:
        raw.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        door.engine.wait_for(1)
        raw.shutdown(socket.SHUT_WR)
        door.engine.wait_for_cancels(1)


# -- requests ----------------------------------------------------------------------------------------------------------


def schema(found: object) -> dict[str, Any]:
    return CHAT | {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": found}}}


def nested(depth: int) -> dict[str, Any]:
    found: dict[str, Any] = {"enum": ["x"]}
    for _ in range(depth):
        found = {"type": "object", "properties": {"a": found}}
    return found


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (CHAT | {"n": 129}, 400),
        (CHAT | {"n": 0}, 400),
        (CHAT | {"max_tokens": 2**40}, 400),
        (CHAT | {"max_tokens": -1}, 400),
        (CHAT | {"stop": ["x"] * 100_000}, 400),
        (CHAT | {"logprobs": True, "top_logprobs": 21}, 400),
        (CHAT | {"tools": [{"type": "function", "function": {"name": "f"}}]}, 400),
        (CHAT | {"tool_choice": "auto"}, 400),
        (CHAT | {"messages": CHAT["messages"] * 5_000}, 400),
        (CHAT | {"metadata": {str(n): "x" for n in range(17)}}, 400),
        (CHAT | {"timeout": 1e400}, 400),
        (schema(nested(60)), 200),
        (schema(nested(250)), 400),
        (schema({"pattern": "^(?!(a+)+b)a{36,40}$"}), 400),
        (schema({"properties": {f"p{n}": {} for n in range(5_000)}}), 400),
        (schema({"anyOf": [{"pattern": f"((a{{1,100}}){{1,90}}){n}"} for n in range(1_500)]}), 400),
        (schema({"$ref": "#/nowhere"}), 400),
        (schema({"$ref": "file:///etc/passwd"}), 400),
    ],
)
def test_more_than_is_sensible_is_a_bad_request(door: OpenDoor, body: dict[str, Any], status: int) -> None:
    text = json.dumps(body) if "1e400" not in str(body) else json.dumps(body).replace("Infinity", "1e400")
    response = httpx.post(
        f"{door.url}/chat/completions", content=text, headers={"Content-Type": "application/json"}, timeout=20
    )

    assert response.status_code == status, response.text
    assert is_answered(door)


def test_the_last_of_equal_keys_counts_as_everywhere(door: OpenDoor) -> None:
    text = json.dumps(CHAT)[:-1] + ', "model": "nobody"}'
    response = httpx.post(
        f"{door.url}/chat/completions", content=text, headers={"Content-Type": "application/json"}, timeout=20
    )

    assert response.status_code == 404


def test_prompts_times_answers_are_bounded(door: OpenDoor) -> None:
    body = {"model": "tiny", "prompt": ["x"] * 128, "n": 128}

    assert httpx.post(f"{door.url}/completions", json=body, timeout=20).status_code == 400


def test_a_large_prompt_with_many_answers_is_refused_before_it_is_copied(door: OpenDoor) -> None:
    large = CHAT | {"messages": [{"role": "user", "content": "x " * 1_500_000}], "n": 100}
    response = httpx.post(f"{door.url}/chat/completions", json=large, timeout=20)

    assert (response.status_code, response.json()["error"]["code"]) == (413, "request_too_large")
    assert door.engine.seen == []


def test_bytes_that_come_in_at_once_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doors_module, "_MAX_HELD_BYTES", 1 << 20)
    with open_door(body_s=20.0) as opened, ExitStack() as stack:
        part = b" " * 300_000
        slow = [stack.enter_context(connect(opened)) for _ in range(8)]
        for each in slow:
            each.sendall(HEAD + b"Content-Length: 400000\r\n\r\n" + part)
        refused = 0
        until(lambda: is_answered_or_busy(opened))
        for each in slow:
            each.settimeout(1.0)
            try:
                refused += each.recv(64).startswith(b"HTTP/1.1 429 ")
            except TimeoutError:
                continue
        assert refused >= 5
        for each in slow:
            each.close()
        until(lambda: is_answered(opened))


def is_answered_or_busy(door: OpenDoor) -> bool:
    return httpx.post(f"{door.url}/chat/completions", json=CHAT, timeout=20).status_code in (200, 429)


def test_while_a_schema_is_looked_at_others_are_answered(door: OpenDoor) -> None:
    heavy = schema(
        {"anyOf": [{"type": "object", "properties": {"a": {"enum": [n]}}} for n in range(240)], "x": "x" * 20_000}
    )
    with ThreadPoolExecutor(8) as threads:
        asking = [
            threads.submit(httpx.post, f"{door.url}/chat/completions", json=heavy | {"seed": n}, timeout=60)
            for n in range(8)
        ]
        assert all(is_answered(door) for _ in range(10))
        assert {each.result(60).status_code for each in asking} == {200}
