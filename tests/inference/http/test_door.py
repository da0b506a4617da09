"""What the door says to requests that no client of OpenAI would send: never a 5xx, always OpenAI's form of errors."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inference.http.bodies import ChatBody
from tests.inference.http.doors import OpenDoor, open_door, until

CHAT: dict[str, Any] = {"model": "tiny", "messages": [{"role": "user", "content": "what is next?"}]}
PATHS = ("/chat/completions", "/completions", "/load_lora_adapter", "/unload_lora_adapter")


@pytest.fixture(scope="module")
def door() -> Iterator[OpenDoor]:
    with open_door(max_body_kib=64, body_s=1.0) as opened:
        yield opened


@pytest.fixture(scope="module")
def http(door: OpenDoor) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=door.url, trust_env=False) as client:
        yield client


def error_of(response: httpx.Response) -> dict[str, Any]:
    found: dict[str, Any] = response.json()
    assert found.keys() == {"error"}
    assert found["error"].keys() == {"message", "type", "param", "code"}
    assert found["error"]["message"]
    inner: dict[str, Any] = found["error"]
    return inner


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b"5", b'"x"', b"\xff\xfe", b'{"model": NaN}', b"[" * 50_000, b'{"a": "\\ud800"}'],
)
def test_a_body_that_is_no_request_is_refused(http: httpx.Client, path: str, body: bytes) -> None:
    response = http.post(path, content=body, headers={"Content-Type": "application/json"})

    assert response.status_code == 400
    error_of(response)


@pytest.mark.parametrize("path", PATHS)
def test_a_body_of_another_kind_is_refused(http: httpx.Client, path: str) -> None:
    response = http.post(path, content=json.dumps(CHAT), headers={"Content-Type": "text/plain"})

    assert response.status_code == 415
    error_of(response)


@pytest.mark.parametrize("path", PATHS)
def test_a_body_that_is_too_large_is_refused(http: httpx.Client, path: str) -> None:
    large = CHAT | {"messages": [{"role": "user", "content": "x" * 200_000}]}

    response = http.post(path, json=large)

    assert response.status_code == 413
    assert error_of(response)["code"] == "request_too_large"
    assert http.post("/chat/completions", json=CHAT).status_code == 200


def test_a_body_that_does_not_say_how_large_it_is_is_limited_too(http: httpx.Client) -> None:
    def parts() -> Iterator[bytes]:
        yield from [b"x" * 10_000] * 20

    response = http.post("/chat/completions", content=parts(), headers={"Content-Type": "application/json"})

    assert response.status_code == 413


def test_a_body_that_never_comes_is_not_waited_for(door: OpenDoor) -> None:
    address = httpx.URL(door.url)
    with socket.create_connection((address.host, address.port or 0), timeout=20) as slow:
        slow.sendall(
            b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            b"Content-Length: 100\r\n\r\n{"
        )
        assert slow.recv(64).startswith(b"HTTP/1.1 408 ")


def test_a_path_or_method_that_is_not_there_is_refused_in_the_same_form(http: httpx.Client) -> None:
    for response, status in (
        (http.get("/nothing"), 404),
        (http.post("/embeddings", json={}), 404),
        (http.get("/chat/completions"), 405),
        (http.request("DELETE", "/models/tiny"), 405),
    ):
        assert response.status_code == status
        error_of(response)


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:80", "10.0.0.1", "[2001:db8::1]:80", "localhost.evil.example"]
)
def test_without_tokens_nobody_comes_by_another_name(http: httpx.Client, host: str) -> None:
    response = http.post("/chat/completions", json=CHAT, headers={"Host": host})

    assert response.status_code == 403
    error_of(response)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:1", "[::1]:9", "LOCALHOST"])
def test_this_machine_has_several_names(http: httpx.Client, host: str) -> None:
    assert http.get("/models", headers={"Host": host}).status_code == 200


def test_health_says_whether_there_is_an_engine(http: httpx.Client, door: OpenDoor) -> None:
    response = httpx.get(door.url.removesuffix("/v1") + "/health")

    assert (response.status_code, response.json()["status"]) == (200, "ok")


def test_measures_are_those_of_the_engine(door: OpenDoor) -> None:
    root = door.url.removesuffix("/v1")
    with httpx.Client(trust_env=False) as client:
        client.post(f"{door.url}/chat/completions", json=CHAT)
        counters = door.engine.counters
        until(lambda: door.door.under_way == 0)

        def told() -> str:
            return client.get(f"{root}/metrics").text

        until(lambda: f'what="completed"}} {counters.completed}.0' in told())
        text = told()

    (engine,) = door.door.state().engines
    names = f'engine="{engine.name}",incarnation="{engine.incarnation}"'
    assert f'scrummage_engine_total{{{names},what="prompt_tokens"}} {counters.prompt_tokens}.0' in text
    assert (
        f'scrummage_door_tokens_total{{caller="anybody",kind="prompt",model="tiny"}} {counters.prompt_tokens}.0' in text
    )
    assert (
        f'scrummage_door_tokens_total{{caller="anybody",kind="completion",model="tiny"}} {counters.completion_tokens}.0'
        in text
    )


# -- whatever comes ----------------------------------------------------------------------------------------------------

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
FIELDS = sorted({*ChatBody.model_fields, "prompt", "lora_name", "lora_path", "version", "tools", "x"})
MESSAGES = [
    [{"role": "user", "content": "x"}],
    [{"role": "user"}],
    [{"role": "tool", "content": [{"type": "text", "text": ""}]}],
]
FORMS = [
    {"type": "json_schema"},
    {"type": "json_schema", "json_schema": {"name": "a", "schema": {"$ref": "#"}}},
    {"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "object", "properties": {}}}},
]
VALUES = ["tiny", "reviewer@1", "", {}, [], 0, 1, -1, 2**63, 1e308, True, None, "text", {"include_usage": True}]
LIKELY = st.sampled_from([*VALUES, *MESSAGES, *FORMS])
BODIES = st.dictionaries(st.sampled_from(FIELDS), LIKELY | JSON, max_size=8) | JSON


@settings(max_examples=300, deadline=None)
@given(path=st.sampled_from(PATHS), body=BODIES, is_usable=st.booleans())
def test_whatever_json_comes_is_answered_or_refused(http: httpx.Client, path: str, body: Any, is_usable: bool) -> None:
    if is_usable and isinstance(body, dict):
        body = body | {"model": "tiny", "messages" if path.startswith("/chat") else "prompt": CHAT["messages"]}
        body |= {} if path.startswith("/chat") else {"prompt": "once"}

    response = http.post(path, json=body)

    assert response.status_code < 500, response.text
    if response.status_code != 200:
        error_of(response)


@settings(max_examples=150, deadline=None)
@given(path=st.sampled_from(PATHS), data=st.binary(max_size=200))
def test_whatever_bytes_come_are_refused(http: httpx.Client, path: str, data: bytes) -> None:
    response = http.post(path, content=data, headers={"Content-Type": "application/json"})

    assert 400 <= response.status_code < 500
    error_of(response)


@settings(max_examples=100, deadline=None)
@given(
    path=st.text(st.characters(codec="latin-1", exclude_characters="\r\n #?"), max_size=30),
    value=st.text(st.characters(codec="latin-1", exclude_categories=["Cc"]), max_size=30),
)
def test_whatever_head_comes_is_answered_below_500(door: OpenDoor, path: str, value: str) -> None:
    address = httpx.URL(door.url)
    head = f"GET /v1/models/{path} HTTP/1.1\r\nHost: {value}\r\nAuthorization: {value}\r\nConnection: close\r\n\r\n"
    with socket.create_connection((address.host, address.port or 0), timeout=20) as raw:
        raw.sendall(head.encode("latin-1"))
        said = raw.recv(64)

    assert said[9:10] in (b"2", b"4"), said


def test_nothing_is_left_of_all_that(door: OpenDoor) -> None:
    until(lambda: door.door.under_way == 0)

    assert door.engine.under_way == 0
