"""The engine that drives vLLM: what it does besides what every text engine does. A real vLLM, a tiny model."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tokenizers import Tokenizer

from inference.engines.vllm.core import Core
from inference.engines.vllm.engine import VllmEngine
from inference.engines.vllm.plan import read_vllm_plan
from inference.messages import Failed
from inference.text import ChatMessage, EngineLostError, GenerateText, StreamsText, TextGenerated, Wanted, WrittenToken
from tests.inference.conformance.benches import LONG, SCHEMA, Bench, asked
from tests.support.tiny_model import CHAT_TEMPLATE, Shape, make_adapter, make_tiny_model
from tests.support.vllm_engines import files, lone_engine, plan_of, tiny_engine

pytestmark = pytest.mark.timeout(300)  # a busy machine takes long to load vLLM


@pytest.fixture
def bench() -> Iterator[Bench]:
    engine = tiny_engine()
    yield Bench(engine, None)
    engine.close()


def tokens_of(text: str) -> tuple[int, ...]:
    tokenizer = Tokenizer.from_file(str(files() / "model" / "tokenizer.json"))
    return tuple(tokenizer.encode(text, add_special_tokens=False).ids)


def wanting(text: str = "hello", *, request: GenerateText | None = None, **wanted: Any) -> GenerateText:
    return replace(request or asked(text), wanted=Wanted(**wanted))


PROMPT = "deploy the service and monitor"


def going_on(prompt: str = PROMPT, **wanted: Any) -> GenerateText:
    return asked(messages=(), prompt=prompt, wanted=Wanted(**wanted))


# -- what the model reads ----------------------------------------------------------------------------------------------


def test_a_conversation_is_read_through_the_models_chat_template(bench: Bench) -> None:
    conversation = (
        ChatMessage(role="system", content="Be brief."),
        ChatMessage(role="user", content="deploy"),
        ChatMessage(role="assistant", content="queue"),
        ChatMessage(role="tool", content="done"),
    )
    reply = bench.text(asked(messages=conversation, wanted=Wanted(token_ids=True)))

    lines = "".join(f"<|im_start|>{each.role}\n{each.content}<|im_end|>\n" for each in conversation)
    assert reply.details is not None
    assert reply.details.prompt_token_ids == tokens_of(f"{lines}<|im_start|>assistant\n")
    assert reply.prompt_tokens == len(reply.details.prompt_token_ids)


def test_a_bare_prompt_is_read_as_it_is(bench: Bench) -> None:
    reply = bench.text(going_on(token_ids=True))

    assert reply.details is not None
    assert reply.details.prompt_token_ids == tokens_of(PROMPT)


def test_a_prompt_that_fills_the_context_is_refused_and_a_shorter_one_is_cut_there(bench: Bench) -> None:
    word = tokens_of(" deploy")
    assert len(word) == 1
    refused = bench.answer(going_on(" deploy" * 4_096))
    cut = bench.text(replace(going_on(" deploy" * 4_090), schema=LONG))

    assert isinstance(refused, Failed)
    assert refused.reason == "prompt_too_long"
    assert (cut.finish, cut.prompt_tokens, cut.completion_tokens) == ("length", 4_090, 6)


def test_a_template_that_refuses_a_conversation_is_a_typed_failure(tmp_path: Path) -> None:
    model = make_tiny_model(tmp_path / "model")
    refusing = "{% if messages[0].role != 'user' %}{{ raise_exception('begin with the user') }}{% endif %}"
    (model / "chat_template.jinja").write_text(refusing + CHAT_TEMPLATE)
    with lone_engine(model=str(model), adapter_slots=0) as engine:
        bench = Bench(engine, None)
        refused = bench.answer(asked())
        answered = bench.answer(asked(messages=(ChatMessage(role="user", content="deploy"),)))

    assert isinstance(refused, Failed)
    assert refused.reason == "unanswerable_request"
    assert "begin with the user" in refused.detail
    assert isinstance(answered, TextGenerated)


# -- what is wanted besides the text -----------------------------------------------------------------------------------


def test_a_text_ends_before_the_first_stop(bench: Bench) -> None:
    whole = bench.text(asked("question 3"))
    middle = whole.text[len(whole.text) // 2 :][:2]
    assert len(middle) == 2

    reply = bench.text(wanting("question 3", stop=(middle, "never to be seen")))

    assert (reply.finish, reply.text) == ("stop", whole.text[: whole.text.index(middle)])
    assert reply.completion_tokens <= whole.completion_tokens


def test_a_tiny_top_p_leaves_the_likeliest_token_only(bench: Bench) -> None:
    likeliest = bench.text(asked(temperature_permille=0))

    assert bench.text(wanting(top_p_permille=1), seed=3).text == likeliest.text
    assert bench.text(asked(), seed=3).text != likeliest.text


def test_token_ids_are_those_of_the_text(bench: Bench) -> None:
    reply = bench.text(wanting(token_ids=True))

    assert reply.details is not None
    tokenizer = Tokenizer.from_file(str(files() / "model" / "tokenizer.json"))
    decoded = tokenizer.decode(list(reply.details.token_ids), skip_special_tokens=True)
    assert decoded.rstrip("\ufffd") == reply.text.rstrip("\ufffd")  # vLLM leaves half a character at the end out
    assert len(reply.details.token_ids) == reply.completion_tokens
    assert reply.details.tokens == ()


def test_log_probabilities_are_those_of_the_distribution_that_is_drawn_from(bench: Bench) -> None:
    request = wanting(request=asked(temperature_permille=0), logprobs=5, token_ids=True)
    reply = bench.text(request)

    assert reply.details is not None
    assert len(reply.details.tokens) == reply.completion_tokens
    for token_id, token in zip(reply.details.token_ids, reply.details.tokens, strict=True):
        assert token.chosen == token.likeliest[0]
        assert token.chosen.token_id == token_id
        found = [each.logprob_micro for each in token.likeliest]
        assert len(found) == 5
        assert 0 >= found[0] >= found[-1] == sorted(found)[0]
    assert "".join(each.chosen.token for each in reply.details.tokens).startswith(reply.text[:1])


def test_the_chosen_token_is_told_also_where_it_is_unlikely(bench: Bench) -> None:
    tokens = [
        token
        for seed in range(6)
        for token in (bench.text(wanting(logprobs=1, token_ids=True), seed).details or pytest.fail("none")).tokens
    ]

    assert all(len(token.likeliest) == 1 for token in tokens)
    assert any(token.chosen != token.likeliest[0] for token in tokens)
    assert all(token.chosen.logprob_micro <= token.likeliest[0].logprob_micro for token in tokens)


# -- streaming ---------------------------------------------------------------------------------------------------------


def test_pieces_come_before_their_reply_and_make_up_its_text(bench: Bench) -> None:
    engine = bench.engine
    assert isinstance(engine, StreamsText)
    long = asked(schema=LONG, max_tokens=40)
    whole = bench.text(long)
    engine.submit("streamed", wanting(request=long, stream=True, token_ids=True, logprobs=2, stop=("never",)), 7)
    engine.submit("silent", long, 7)
    text, count = "", 0
    token_ids: list[int] = []
    tokens: list[WrittenToken] = []
    while "streamed" not in bench.replies:
        bench.note(1.0)
        for ticket, written in engine.written():
            assert (ticket, written.start) == ("streamed", len(text))
            assert written.details is not None
            assert (count == 0) == bool(written.details.prompt_token_ids)
            text += written.text
            token_ids += written.details.token_ids
            tokens += written.details.tokens
            count += 1

    reply = bench.collect("streamed", "silent")[0]
    assert isinstance(reply, TextGenerated)
    assert reply.details is not None
    assert text == reply.text == whole.text
    assert (tuple(token_ids), tuple(tokens)) == (reply.details.token_ids, reply.details.tokens)
    assert count > 20
    assert engine.written() == []


def test_no_piece_holds_the_beginning_of_a_stop(bench: Bench) -> None:
    engine = bench.engine
    assert isinstance(engine, StreamsText)
    whole = bench.text(asked("question 3")).text
    stop = whole[6:16]
    engine.submit("t", wanting("question 3", stream=True, stop=(stop,)), 7)
    told = ""
    while "t" not in bench.replies:
        bench.note(1.0)
        told += "".join(piece.written.text for piece in engine.written())
        assert whole[:6].startswith(told)

    assert told == whole[:6]


def test_a_cancelled_request_tells_what_was_written_and_what_it_cost(bench: Bench) -> None:
    whole = bench.text(asked("question 3", schema=LONG))
    bench.engine.submit("t", asked("question 3", schema=LONG), 7)
    bench.engine.submit("waits", asked(max_tokens=1), 7)
    bench.collect("waits")
    for _ in range(10):
        bench.note()
    bench.engine.cancel("t")
    reply = bench.collect("t")[0]

    assert isinstance(reply, TextGenerated)
    assert whole.text.startswith(reply.text)
    assert reply.prompt_tokens == whole.prompt_tokens
    assert 0 < len(reply.text) < len(whole.text)
    assert 10 <= reply.completion_tokens < whole.completion_tokens == 64


def test_what_was_cancelled_before_it_was_read_cost_nothing(bench: Bench) -> None:
    bench.engine.submit("t", asked(), 7)
    bench.engine.cancel("t")
    reply = bench.collect("t")[0]

    assert isinstance(reply, TextGenerated)
    assert (reply.prompt_tokens, reply.cached_tokens, reply.completion_tokens, reply.text) == (0, 0, 0, "")


# -- schemas -----------------------------------------------------------------------------------------------------------


def test_a_schema_leaves_no_room_for_endless_blanks(bench: Bench) -> None:
    for seed in range(4):
        reply = bench.text(asked(schema=SCHEMA), seed)
        assert reply.finish == "stop"
        assert reply.text == json.dumps(json.loads(reply.text), separators=(",", ":"))


def test_a_text_with_a_length_is_json_whatever_the_model_would_write(bench: Bench) -> None:
    schema = json.dumps({"type": "string", "minLength": 40, "maxLength": 60})
    for seed in range(8):
        reply = bench.text(asked(schema=schema, max_tokens=400), seed)
        assert 40 <= len(json.loads(reply.text)) <= 60


@pytest.mark.parametrize(
    "schema",
    [
        '{"type": "integer", "multipleOf": 7}',
        '{"type": "array", "items": {"type": "integer"}, "uniqueItems": true}',
        '{"type": "string", "pattern": "^[a-z ]{200,300}$"}',  # is noticed when the grammar is made, after it was taken
    ],
)
def test_a_schema_that_cannot_be_enforced_is_a_typed_failure(bench: Bench, schema: str) -> None:
    reply = bench.answer(asked(schema=schema))

    assert isinstance(reply, Failed)
    assert reply.reason == "malformed_schema"
    assert bench.text(asked()).text


def test_an_answer_that_slips_past_the_grammar_is_a_typed_failure(bench: Bench) -> None:
    torn = {"enum": ["a", "b"], "not": {"enum": ["a", "b"]}}  # grammars do not know what must not be
    reply = bench.answer(asked(schema=json.dumps(torn)))

    assert isinstance(reply, Failed)
    assert reply.reason == "schema_not_honoured"


def test_tokens_of_an_answer_that_became_a_failure_are_booked(bench: Bench) -> None:
    reply = bench.answer(replace(asked(schema=SCHEMA), wanted=Wanted(stop=(",",))))
    counters = bench.engine.counters

    assert isinstance(reply, Failed)
    assert reply.reason == "schema_not_honoured"
    assert (counters.failed, counters.completed) == (1, 0)
    assert counters.unanswered_prompt_tokens > 0
    assert counters.unanswered_completion_tokens > 0


# -- many at once ------------------------------------------------------------------------------------------------------


def test_the_urgent_goes_first_where_slots_are_short(bench: Bench) -> None:
    for number in range(bench.engine.slots):
        bench.engine.submit(f"first-{number}", asked(schema=LONG, max_tokens=30), number)
    bench.note()
    for priority in ("batch", "trainer", "agent"):
        for number in range(2):
            bench.engine.submit(f"{priority}-{number}", asked(priority=priority, schema=LONG, max_tokens=40), number)
    bench.collect("batch-0", "batch-1")

    order = [ticket.split("-")[0] for ticket in bench.replies if not ticket.startswith("first")]
    assert order == ["agent", "agent", "trainer", "trainer", "batch", "batch"]


def test_a_request_that_has_to_make_room_writes_on_as_if_nothing_had_been(bench: Bench) -> None:
    """There is memory for 2,048 tokens, and four requests that end with 740 each: some are put off, and read again."""
    requests = [asked(f"question {number}", schema=LONG, max_tokens=700) for number in range(4)]
    roomy = [bench.text(request) for request in requests]
    with lone_engine(kv_cache_mib=1, context_tokens=1_024) as engine:
        narrow = Bench(engine, None)
        for number, request in enumerate(requests):
            engine.submit(f"t{number}", request, 7)
        replies = narrow.collect(*(f"t{number}" for number in range(4)))

    for reply, alone in zip(replies, roomy, strict=True):
        assert isinstance(reply, TextGenerated)
        assert replace(reply, cached_tokens=0, engine_us=0) == replace(alone, cached_tokens=0, engine_us=0)


SHAPES = {
    "small": Shape(),
    # Long enough sums that oneDNN adds those of a single row in another order
    "wide": Shape(layers=1, hidden=256, heads=4, kv_heads=2, inner=3_072),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_not_one_bit_depends_on_what_is_beside_a_request_or_cached(tmp_path: Path, shape: str) -> None:
    model = make_tiny_model(tmp_path / "model", SHAPES[shape])
    adapter = {"name": "reviewer", "version": 1, **_adapter(tmp_path / "adapter", SHAPES[shape])}
    with lone_engine(model=str(model), slots=16, adapters=[adapter]) as engine:
        bench = Bench(engine, None)
        requests = [
            asked(
                "memory queue retry " * (3 * number + 1),
                adapter="reviewer" if number % 2 else "",
                adapter_version=number % 2,
                wanted=Wanted(logprobs=3, token_ids=True),
            )
            for number in range(16)
        ]
        alone = [bench.text(request) for request in requests]
        for number, request in enumerate(requests):
            engine.submit(f"beside-{number}", request, 7)
        together = bench.collect(*(f"beside-{number}" for number in range(16)))

    # the first times nothing was cached, the second time the prompts were
    assert [reply.details for reply in alone] == [getattr(reply, "details", None) for reply in together]
    assert sum(reply.cached_tokens or 0 for reply in together if isinstance(reply, TextGenerated)) > 1_000


def _adapter(folder: Path, shape: Shape) -> dict[str, str]:
    from inference.adapters.content import content_hash

    make_adapter(folder, 3, shape=shape)
    return {"path": str(folder), "sha256": content_hash(folder)}


# -- when it cannot go on ----------------------------------------------------------------------------------------------


class Breaking(Core):
    """Breaks after some passes, as a device that is lost does."""

    passes = 0

    def step(self) -> list[Any]:
        self.passes += 1
        if self.passes > 3:
            raise EngineLostError("the device is gone")
        return super().step()


def test_a_lost_engine_says_so_once_its_replies_are_handed_out() -> None:
    with lone_engine(Breaking) as engine:
        bench = Bench(engine, None)
        engine.submit("short", asked(max_tokens=1), 1)
        engine.submit("long", asked(schema=LONG), 1)
        engine.submit("refused", asked(max_tokens=0), 1)

        bench.collect("short", "refused")
        with pytest.raises(EngineLostError, match="the device is gone"):
            bench.collect("long")
        with pytest.raises(EngineLostError):
            engine.submit("later", asked(), 1)
        assert engine.under_way == 1


def test_a_process_has_one_engine_at_a_time() -> None:
    with lone_engine():
        second = VllmEngine(Core(read_vllm_plan(plan_of())))
        with pytest.raises(EngineLostError, match="cannot have two"):
            second.start()
        second.close()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"model": "/no/such/folder"}, "/no/such/folder"),
        ({"cores": [4_000]}, "4000 cannot be used"),
        ({"dtype": "bfloat16"}, "texts depend on what is beside them"),
        ({"context_tokens": 100_000}, "100000"),
    ],
    ids=["model", "core", "dtype", "context"],
)
def test_an_engine_that_cannot_start_says_why(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(EngineLostError, match=said), lone_engine(**changes):
        pytest.fail("it started")
