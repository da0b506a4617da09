"""An engine over real HTTP, with a server that is busy, refuses, drops connections and talks nonsense on demand."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from email.utils import formatdate
from pathlib import Path
from time import time
from typing import Any

import pytest

from inference.engines import openai_http
from inference.engines.openai_http import ChatServer, OpenAIEngine, read_token
from inference.messages import Failed
from inference.text import ChatMessage, EngineClosedError, EngineLostError, TextGenerated
from tests.inference.conformance.benches import SCHEMA, Bench, asked
from tests.support.chat_server import HELD, MODEL, Fault, SmallChatServer, error_body

Connect = Callable[..., Bench]


@pytest.fixture
def server() -> Iterator[SmallChatServer]:
    with SmallChatServer() as server:
        yield server


@pytest.fixture
def connect(server: SmallChatServer) -> Iterator[Connect]:
    engines: list[OpenAIEngine] = []

    def connected(**changes: Any) -> Bench:
        engine = OpenAIEngine(replace(ChatServer(base_url=server.base_url, slots=4), **changes))
        engines.append(engine)
        engine.start()
        return Bench(engine, None)

    yield connected
    for engine in engines:
        engine.close()
    assert not [thread.name for thread in threading.enumerate() if thread.name == "openai-engine"]


def completion(**changes: Any) -> bytes:
    body: dict[str, Any] = {
        "model": MODEL,
        "choices": [{"message": {"role": "assistant", "content": "yes"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 5, "completion_tokens": 1},
    }
    return json.dumps(body | changes).encode()


# -- what goes out -----------------------------------------------------------------------------------------------------


def test_a_request_is_sent_as_servers_expect_it(server: SmallChatServer, connect: Connect) -> None:
    connect().answer(
        asked("how much?", adapter="reviewer", adapter_version=2, temperature_permille=250), seed=2**64 + 5
    )

    assert server.bodies == [
        {
            "model": "reviewer@2",
            "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "how much?"}],
            "max_tokens": 64,
            "temperature": 0.25,
            "seed": 5,
            "n": 1,
            "stream": False,
        }
    ]


def test_a_schema_goes_out_in_the_form_that_the_server_takes(server: SmallChatServer, connect: Connect) -> None:
    connect().text(asked(schema=SCHEMA))
    connect(guided="structured_outputs").text(asked(schema=SCHEMA))

    by_openai, by_vllm = server.bodies
    assert by_openai["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "answer", "strict": True, "schema": json.loads(SCHEMA)},
    }
    assert by_vllm["structured_outputs"] == {"json": json.loads(SCHEMA)}
    assert "response_format" not in by_vllm


def test_a_server_that_enforces_no_schema_is_not_asked_for_one(server: SmallChatServer, connect: Connect) -> None:
    reply = connect(guided="none").answer(asked(schema=SCHEMA))

    assert isinstance(reply, Failed)
    assert reply.reason == "unanswerable_request"
    assert server.bodies == []


def test_tool_messages_have_the_id_that_the_format_wants(server: SmallChatServer, connect: Connect) -> None:
    connect().text(asked(messages=(ChatMessage(role="tool", content="3 passed"),)))

    assert server.bodies[0]["messages"] == [{"role": "tool", "content": "3 passed", "tool_call_id": "call-0"}]


def test_no_more_requests_than_slots_are_sent_at_once(server: SmallChatServer, connect: Connect) -> None:
    bench = connect(slots=3)
    for number in range(12):
        bench.engine.submit(f"t{number}", asked(HELD), number)
    server.wait_for(3)
    server.release()
    bench.collect(*(f"t{number}" for number in range(12)))

    assert server.most_at_once == 3
    assert server.counts["connections"] <= 3 + 1  # the one that asked for the models may be open still


def test_connections_are_used_again(server: SmallChatServer, connect: Connect) -> None:
    bench = connect()
    for number in range(10):
        bench.text(asked(f"question {number}"))

    assert server.counts["connections"] == 1


def test_proxies_of_the_environment_are_not_used(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")

    assert connect().text(asked()).text


def test_the_models_of_a_server_are_known(connect: Connect) -> None:
    engine = connect().engine

    assert isinstance(engine, OpenAIEngine)
    assert engine.models == ("reviewer@1", "reviewer@2", "tiny")


# -- busy servers ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [408, 425, 429, 502, 503, 504])
def test_a_busy_server_is_asked_again(server: SmallChatServer, connect: Connect, status: int) -> None:
    server.faults.extend([Fault(status, headers={"Retry-After": "0"}), Fault(status, b"later")])
    bench = connect()

    assert bench.text(asked()).text
    assert len(server.bodies) == 3
    assert server.bodies[0] == server.bodies[2]
    assert bench.engine.counters.repeated == 0  # nothing got lost


@pytest.mark.parametrize(
    "retry_after", ["1", formatdate(time() + 3600, usegmt=True), "9" * 400], ids=["seconds", "date", "for ever"]
)
def test_a_server_that_is_busy_for_longer_than_is_waited_is_lost(
    server: SmallChatServer, connect: Connect, retry_after: str
) -> None:
    server.faults.append(Fault(429, headers={"Retry-After": retry_after}))
    bench = connect(busy_s=0.9)

    with pytest.raises(EngineLostError, match="still busy"):
        bench.answer(asked())


def test_a_server_that_is_always_busy_is_lost_in_the_end(server: SmallChatServer, connect: Connect) -> None:
    server.faults.extend([Fault(503, headers={"Retry-After": "0"})] * 50)
    bench = connect(busy_s=0.4)

    with pytest.raises(EngineLostError, match="still busy"):
        bench.answer(asked())
    assert 2 <= len(server.bodies) <= 5  # waits double


# -- what is wrong with a request --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Fault(400, error_body("This model's maximum context length is 1024 tokens.")), "prompt_too_long"),
        (Fault(400, error_body("too long", code="context_length_exceeded")), "prompt_too_long"),
        (Fault(413, b""), "prompt_too_long"),
        (Fault(400, error_body("no such type", param="response_format.json_schema")), "malformed_schema"),
        (Fault(422, error_body("no\n  good")), "unanswerable_request"),
        (
            Fault(400, json.dumps({"object": "error", "message": "no good", "code": 400}).encode()),
            "unanswerable_request",
        ),
        (Fault(400, b"<html>"), "unanswerable_request"),
        (Fault(404, error_body("no such model")), "unknown_model"),
        (Fault(200, completion(choices=[{"message": {}, "finish_reason": "content_filter"}])), "unanswerable_request"),
    ],
)
def test_a_refused_request_gets_a_typed_failure(
    server: SmallChatServer, connect: Connect, fault: Fault, reason: str
) -> None:
    server.faults.append(fault)
    bench = connect()

    reply = bench.answer(asked(schema=SCHEMA))

    assert isinstance(reply, Failed)
    assert reply.reason == reason
    assert reply.detail
    assert "\n" not in reply.detail
    assert bench.text(asked()).text  # the engine lives on


def test_a_schema_that_the_server_did_not_honour_is_noticed_and_its_tokens_are_booked(
    server: SmallChatServer, connect: Connect
) -> None:
    server.enforces_schemas = False
    bench = connect()

    reply = bench.answer(asked(schema=SCHEMA))
    answered = bench.text(asked())

    assert isinstance(reply, Failed)
    assert reply.reason == "schema_not_honoured"
    counters = bench.engine.counters
    assert counters.prompt_tokens == answered.prompt_tokens
    assert counters.unanswered_prompt_tokens + counters.prompt_tokens == server.counts["prompt_tokens"]
    assert counters.unanswered_completion_tokens + counters.completion_tokens == server.counts["completion_tokens"]


def test_an_answer_with_a_schema_that_was_cut_is_given_as_it_is(connect: Connect) -> None:
    reply = connect().text(asked(schema=SCHEMA, max_tokens=3))

    assert (reply.finish, reply.text[:1]) == ("length", "{")


def test_cached_tokens_are_told_where_the_server_tells_them(server: SmallChatServer, connect: Connect) -> None:
    usage = {"prompt_tokens": 5, "completion_tokens": 1, "prompt_tokens_details": {"cached_tokens": 4}}
    server.faults.append(Fault(200, completion(usage=usage)))
    bench = connect()

    assert bench.text(asked()).cached_tokens == 4
    assert bench.text(asked()).cached_tokens is None
    assert bench.engine.counters.cached_tokens == 4


def test_a_server_that_calls_its_model_otherwise_is_quoted(server: SmallChatServer, connect: Connect) -> None:
    server.faults.append(Fault(200, completion(model="tiny-2026-01-01")))

    assert connect().text(asked()).model == "tiny-2026-01-01"


# -- lost servers ------------------------------------------------------------------------------------------------------


def test_a_connection_that_breaks_once_is_made_again(server: SmallChatServer, connect: Connect) -> None:
    server.faults.append(Fault())
    bench = connect()

    assert bench.text(asked()).text
    assert bench.engine.counters.repeated == 1
    assert server.bodies[0] == server.bodies[1]


def test_an_idle_connection_that_the_server_closed_is_no_loss(server: SmallChatServer, connect: Connect) -> None:
    bench = connect()
    bench.text(asked("question 1"))
    server.hang_up()

    assert bench.text(asked("question 2")).text


def test_a_lost_server_is_told_once_what_came_before_is_handed_out(server: SmallChatServer, connect: Connect) -> None:
    bench = connect()
    bench.engine.submit("refused", asked(max_tokens=0), 1)
    server.faults.extend([Fault(), Fault()])
    bench.engine.submit("lost", asked(), 1)
    server.wait_for(2)

    with pytest.raises(EngineLostError, match="connection broke twice"):
        bench.collect("lost")

    assert bench.replies.keys() == {"refused"}
    with pytest.raises(EngineLostError):
        bench.engine.step(0.0)
    with pytest.raises(EngineLostError):
        bench.engine.submit("more", asked(), 1)
    bench.engine.close()
    with pytest.raises(EngineClosedError):
        bench.engine.submit("more", asked(), 1)


def test_a_server_that_does_not_answer_in_time_is_lost(connect: Connect) -> None:
    bench = connect(answer_s=0.3)

    with pytest.raises(EngineLostError, match=r"no answer within 0\.3 s"):
        bench.answer(asked(HELD))


def test_a_server_that_is_not_there_is_lost_at_the_start(server: SmallChatServer, connect: Connect) -> None:
    with SmallChatServer() as gone:
        address = gone.base_url

    with pytest.raises(EngineLostError, match="no connection"):
        connect(base_url=address)


def test_a_server_that_ends_is_lost(connect: Connect) -> None:
    with SmallChatServer() as other:
        bench = connect(base_url=other.base_url)
        bench.text(asked())
    other.hang_up()

    with pytest.raises(EngineLostError):
        bench.answer(asked())


@pytest.mark.parametrize("path", ["", "/v2"])
def test_another_address_than_that_of_the_version_is_noticed_at_the_start(
    server: SmallChatServer, connect: Connect, path: str
) -> None:
    with pytest.raises(EngineLostError, match="status 404"):
        connect(base_url=server.base_url.removesuffix("/v1") + path)


@pytest.mark.parametrize(
    "fault",
    [
        Fault(200, b"yes"),
        Fault(200, b"[]"),
        Fault(200, completion(choices=[])),
        Fault(200, completion(usage=None)),
        Fault(200, completion(usage={"prompt_tokens": -1, "completion_tokens": 1})),
        Fault(200, completion(choices=[{"message": {"content": "x"}, "finish_reason": "tool_calls"}])),
        Fault(200, completion(choices=[{"message": {"content": "x"}, "finish_reason": None}])),
        Fault(204),
        Fault(302, headers={"Location": "http://127.0.0.1:9/"}),
        Fault(404, b"<html>"),
        Fault(500, error_body("EngineDeadError")),
        Fault(401, error_body("who are you?")),
    ],
)
def test_nonsense_is_the_servers_fault_and_never_an_answer(
    server: SmallChatServer, connect: Connect, fault: Fault
) -> None:
    server.faults.append(fault)

    with pytest.raises(EngineLostError, match=server.base_url):
        connect().answer(asked())


def test_an_answer_of_another_adapter_is_never_taken(server: SmallChatServer, connect: Connect) -> None:
    server.faults.append(Fault(200, completion(model="reviewer@1")))

    with pytest.raises(EngineLostError, match="'reviewer@2' was asked, 'reviewer@1' answered"):
        connect().answer(asked(adapter="reviewer", adapter_version=2))


def test_an_endless_answer_is_cut_off(
    server: SmallChatServer, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(openai_http, "MAX_ANSWER_BYTES", 1_000)
    server.faults.append(Fault(200, b" " * 2_000))

    with pytest.raises(EngineLostError, match="more than 1000 bytes"):
        connect().answer(asked())


# -- cancelling --------------------------------------------------------------------------------------------------------


def test_the_server_is_told_of_a_cancelled_request(server: SmallChatServer, connect: Connect) -> None:
    bench = connect()
    bench.engine.submit("t", asked(HELD), 1)
    server.wait_for(1)
    bench.engine.cancel("t")

    reply = bench.collect("t")[0]

    assert isinstance(reply, TextGenerated)
    assert reply.finish == "cancelled"
    assert bench.engine.counters.unmetered == 1
    server.wait_for_count("given_up", 1)


def test_closing_ends_what_is_under_way(server: SmallChatServer, connect: Connect) -> None:
    bench = connect()
    for number in range(6):
        bench.engine.submit(f"t{number}", asked(HELD), 1)
    server.wait_for(4)
    bench.engine.close()

    server.wait_for_count("given_up", 4)
    assert len(server.bodies) == 4


# -- settings ----------------------------------------------------------------------------------------------------------


def test_a_wrong_token_is_noticed_at_the_start_and_no_token_is_ever_told(connect: Connect) -> None:
    with SmallChatServer(token="right") as guarded:
        with pytest.raises(EngineLostError, match="status 401") as caught:
            connect(base_url=guarded.base_url, token="wrong-0815")
        assert connect(base_url=guarded.base_url, token="right").text(asked()).text

    assert "0815" not in str(caught.value) + repr(ChatServer(base_url="http://x/v1", token="wrong-0815"))


def test_a_token_is_read_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("abc.DEF\n")

    assert read_token(tmp_path / "token") == "abc.DEF"


@pytest.mark.parametrize("content", [b"", b"\n", b"two words", b"line\nline", b"\xff\xfe"])
def test_a_file_without_one_token_is_refused_without_telling_it(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "token").write_bytes(content)

    with pytest.raises(ValueError, match="token") as caught:
        read_token(tmp_path / "token")
    assert "words" not in str(caught.value)
    with pytest.raises(ValueError, match="FileNotFoundError"):
        read_token(tmp_path / "missing")


@pytest.mark.parametrize(
    "changes",
    [
        {"base_url": "ftp://x/v1"},
        {"base_url": "127.0.0.1:8000"},
        {"base_url": "http://"},
        {"base_url": "http://[::1"},
        {"base_url": "http://x:port/v1"},
        {"slots": 0},
        {"answer_s": 0.0},
        {"connect_s": -1.0},
        {"busy_s": -1.0},
        {"token": "two\nlines"},
        {"token": "ü"},
    ],
    ids=str,
)
def test_settings_that_cannot_be_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"base_url|slots|token"):
        ChatServer(**({"base_url": "http://127.0.0.1:8000/v1"} | changes))


def test_an_engine_that_was_never_started_can_be_closed() -> None:
    engine = OpenAIEngine(ChatServer(base_url="http://127.0.0.1:9/v1"))
    with pytest.raises(EngineClosedError):
        engine.submit("t", asked(), 1)
    engine.close()
