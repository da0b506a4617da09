"""What every text engine does: one suite, held against each of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from inference.engines.schemas import read_schema
from inference.messages import Failed
from inference.text import EngineClosedError, GenerateText, TextEngine, TextGenerated, TicketInUseError
from tests.inference.conformance.benches import BENCHES, DEADLINE_S, ODD_TEXTS, SCHEMA, Bench, asked, unknown
from tests.support.chat_server import ADAPTERS, MODEL


@pytest.fixture(params=BENCHES)
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    with BENCHES[request.param](tmp_path) as made:
        yield made


def slow_of(bench: Bench) -> GenerateText:
    if bench.slow is None:
        pytest.skip("this engine has nothing that stays under way")
    return bench.slow


def test_it_is_a_text_engine(bench: Bench) -> None:
    assert isinstance(bench.engine, TextEngine)
    assert bench.engine.name
    assert bench.engine.slots >= 1


# -- answering ---------------------------------------------------------------------------------------------------------


def test_each_request_is_answered_once_also_when_there_are_more_than_slots(bench: Bench) -> None:
    names = [f"t{number}" for number in range(20)]
    for number, name in enumerate(names):
        bench.engine.submit(name, asked(f"question {number}"), 7)
    assert bench.engine.under_way == 20

    replies = bench.collect(*names)

    assert all(isinstance(reply, TextGenerated) and reply.text for reply in replies)
    assert bench.engine.under_way == 0
    bench.note()
    assert bench.replies.keys() == set(names)


def test_the_same_request_with_the_same_seed_has_the_same_text_whatever_is_beside_it(bench: Bench) -> None:
    alone = bench.text(asked("question 3"))
    for number in range(20):
        bench.engine.submit(f"t{number}", asked(f"question {number}"), 7)

    among_others = bench.collect(*(f"t{number}" for number in range(20)))[3]

    assert isinstance(among_others, TextGenerated)
    assert (among_others.text, among_others.finish) == (alone.text, alone.finish)


def test_seeds_make_a_difference(bench: Bench) -> None:
    assert len({bench.text(asked(), seed).text for seed in range(8)}) > 1


@pytest.mark.parametrize("priority", ["agent", "trainer", "batch"])
def test_every_priority_is_served(bench: Bench, priority: str) -> None:
    assert bench.text(asked(priority=priority)).text


@pytest.mark.parametrize("text", ODD_TEXTS, ids=range(len(ODD_TEXTS)))
def test_odd_texts_are_texts(bench: Bench, text: str) -> None:
    assert bench.text(asked(text)).finish in ("stop", "length")


def test_a_ticket_may_be_used_again_once_it_was_answered(bench: Bench) -> None:
    bench.engine.submit("t", asked(), 1)
    first = bench.collect("t")
    bench.replies.clear()
    bench.engine.submit("t", asked(), 1)

    assert [reply.text for reply in bench.collect("t") if isinstance(reply, TextGenerated)] == [
        reply.text for reply in first if isinstance(reply, TextGenerated)
    ]


def test_a_ticket_under_way_is_refused(bench: Bench) -> None:
    bench.engine.submit("t", asked(), 1)

    with pytest.raises(TicketInUseError):
        bench.engine.submit("t", asked(), 2)
    assert isinstance(bench.collect("t")[0], TextGenerated)
    assert bench.engine.under_way == 0


def test_a_step_with_nothing_under_way_does_not_wait(bench: Bench) -> None:
    began = monotonic()

    assert bench.engine.step(10 * DEADLINE_S) == []
    assert monotonic() - began < DEADLINE_S


# -- many at once ------------------------------------------------------------------------------------------------------


def test_a_late_request_joins_what_is_under_way(bench: Bench) -> None:
    bench.engine.submit("slow", slow_of(bench), 1)
    bench.note()
    bench.engine.submit("late", asked(), 1)

    bench.collect("late")

    assert "slow" not in bench.replies
    bench.release()
    assert isinstance(bench.collect("slow")[0], TextGenerated)


def test_a_cancelled_request_frees_its_slot_at_once(bench: Bench) -> None:
    slow = slow_of(bench)
    for number in range(bench.engine.slots):
        bench.engine.submit(f"slow-{number}", slow, number)
    bench.engine.submit("waiting", asked(), 1)
    bench.note()

    assert bench.engine.cancel("slow-0")
    cancelled, answered = bench.collect("slow-0", "waiting")

    assert isinstance(cancelled, TextGenerated)
    assert cancelled.finish == "cancelled"
    assert isinstance(answered, TextGenerated)
    assert answered.finish == "stop"
    assert bench.engine.under_way == bench.engine.slots - 1 == bench.engine.slots + 1 - len(bench.replies)
    bench.release()
    others = bench.collect(*(f"slow-{number}" for number in range(1, bench.engine.slots)))
    assert all(isinstance(reply, TextGenerated) and reply.finish != "cancelled" for reply in others)


def test_a_cancelled_request_has_one_reply(bench: Bench) -> None:
    bench.engine.submit("t", asked("question 0"), 7)

    assert bench.engine.cancel("t")
    assert bench.engine.cancel("t")
    assert isinstance(bench.collect("t")[0], TextGenerated)
    assert not bench.engine.cancel("t")
    assert not bench.engine.cancel("never")
    bench.note()
    assert bench.engine.under_way == 0


# -- limits ------------------------------------------------------------------------------------------------------------


def test_an_answer_ends_at_max_tokens(bench: Bench) -> None:
    reply = bench.text(asked(max_tokens=2))

    assert (reply.finish, reply.completion_tokens) == ("length", 2)


def test_a_schema_is_honoured_or_refused(bench: Bench) -> None:
    for seed in range(8):
        reply = bench.answer(asked(schema=SCHEMA), seed)
        if bench.enforces_schemas:
            assert isinstance(reply, TextGenerated)
            assert reply.finish == "stop"
            assert read_schema(SCHEMA).problem(reply.text) == ""
        else:
            assert isinstance(reply, Failed)
            assert reply.reason == "unanswerable_request"


@pytest.mark.parametrize(
    "schema",
    [
        "{",
        "[]",
        '"object"',
        '{"type": "objekt"}',
        '{"type": "string", "pattern": "("}',
        '{"$ref": "https://example.org/schema.json"}',
        '{"$ref": "#/$defs/Missing"}',
        "[" * 5_000,
        '{"a":' * 3_000 + "1" + "}" * 3_000,
        '{"minimum": NaN}',
        '{"description": "' + "x" * 70_000 + '"}',
    ],
    ids=["cut", "list", "text", "type", "pattern", "elsewhere", "missing", "lists", "deep", "nan", "long"],
)
def test_a_malformed_schema_gets_a_typed_failure(bench: Bench, schema: str) -> None:
    reply = bench.answer(asked(schema=schema))

    assert isinstance(reply, Failed)
    assert reply.reason == "malformed_schema"
    assert reply.detail


@pytest.mark.parametrize(
    "changes",
    [
        {"messages": ()},
        {"model": ""},
        {"max_tokens": 0},
        {"max_tokens": -1},
        {"max_tokens": 1 << 70},
        {"temperature_permille": -1},
        {"temperature_permille": 2001},
        {"adapter_version": 1},
        {"adapter": "reviewer", "adapter_version": -1},
        {"messages": asked("\ud800").messages},
        {"schema": '{"title": "\udfff"}'},
    ],
    ids=str,
)
def test_a_malformed_request_gets_a_typed_failure(bench: Bench, changes: dict[str, Any]) -> None:
    reply = bench.answer(asked(**changes))

    assert isinstance(reply, Failed)
    assert reply.reason == "malformed_request"
    assert reply.detail


# -- what answered -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("adapter", "version"), [("", 0), *ADAPTERS])
def test_a_reply_names_what_really_answered(bench: Bench, adapter: str, version: int) -> None:
    reply = bench.text(asked(adapter=adapter, adapter_version=version))

    assert (reply.model, reply.adapter, reply.adapter_version) == (MODEL, adapter, version)


@pytest.mark.parametrize(("request_", "reason"), unknown(), ids=["model", "adapter", "version", "no version"])
def test_what_is_not_served_gets_a_typed_failure(bench: Bench, request_: GenerateText, reason: str) -> None:
    reply = bench.answer(request_)

    assert isinstance(reply, Failed)
    assert reply.reason == reason


def test_counters_are_the_sums_of_the_replies(bench: Bench) -> None:
    for number in range(20):
        bench.engine.submit(f"t{number}", asked(f"question {number}"), 7)
    bench.engine.submit("unknown", asked(model="huge"), 7)
    bench.engine.submit("malformed", asked(max_tokens=0), 7)
    bench.engine.submit("cut", asked(max_tokens=2), 7)
    bench.engine.cancel("t19")
    bench.collect(*(f"t{number}" for number in range(20)), "unknown", "malformed", "cut")

    texts = [reply for reply in bench.replies.values() if isinstance(reply, TextGenerated)]
    counters = bench.engine.counters
    assert counters.completed + counters.cancelled == len(texts) == 21
    assert counters.cancelled == sum(reply.finish == "cancelled" for reply in texts)
    assert counters.failed == 2
    assert counters.prompt_tokens == sum(reply.prompt_tokens for reply in texts) > 0
    assert counters.cached_tokens == sum(reply.cached_tokens or 0 for reply in texts)
    assert counters.completion_tokens == sum(reply.completion_tokens for reply in texts) > 0
    assert counters.engine_us == sum(reply.engine_us or 0 for reply in texts)
    for reply in texts:
        assert 0 <= (reply.cached_tokens or 0) <= reply.prompt_tokens
        assert reply.engine_us is not None
        assert reply.engine_us >= 0


# -- the end -----------------------------------------------------------------------------------------------------------


def test_it_may_be_closed_twice_and_takes_nothing_afterwards(bench: Bench) -> None:
    bench.engine.submit("under way", asked(), 1)
    bench.engine.close()
    bench.engine.close()

    assert bench.engine.under_way == 0
    with pytest.raises(EngineClosedError):
        bench.engine.submit("t", asked(), 1)
    with pytest.raises(EngineClosedError):
        bench.engine.step(0.0)
    with pytest.raises(EngineClosedError):
        bench.engine.cancel("t")
