"""The modelled engine: its times against what was measured, its cache and limits, and that stepping changes nothing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from time import monotonic

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from inference.engines.modelled.batch import Batch
from inference.engines.modelled.clock import VirtualClock, WallClock
from inference.engines.modelled.engine import ModelledEngine, prompt_tokens
from inference.engines.modelled.hardware import A100, DEEPSEEK_LITE, H100, QWEN_72B, QWEN_CODER_7B, by_data_sheet
from inference.engines.modelled.profile import TINY_ON_ONE_CORE, EngineProfile
from inference.messages import Failed
from inference.text import ChatMessage, GenerateText, TextGenerated
from tests.inference.conformance.benches import SCHEMA, Bench, asked
from tests.support.chat_server import ADAPTERS, MODEL

PROFILE = TINY_ON_ONE_CORE
SMALL = replace(  # everything runs out soon
    PROFILE, slots=3, batch_tokens=24, block_tokens=4, kv_blocks=20, context_tokens=64, context_token_ns=1_000
)


def bench(profile: EngineProfile = PROFILE, **changes: object) -> Bench:
    engine = ModelledEngine(profile, VirtualClock(), model=MODEL, adapters=ADAPTERS, **changes)  # type: ignore[arg-type]
    engine.start()
    return Bench(engine, None)


def modelled(of: Bench) -> ModelledEngine:
    assert isinstance(of.engine, ModelledEngine)
    return of.engine


def letters(request: GenerateText, seed: int) -> str:
    """As many tokens as the seed says."""
    return "abcd" * seed


class RunningClock(VirtualClock):
    """Time that passes between any two looks at it, as that of the wall does."""

    def now_us(self) -> int:
        self.wait_until_us(super().now_us() + 40_000)
        return super().now_us()


# -- times -------------------------------------------------------------------------------------------------------------


def test_a_text_that_is_done_while_another_is_submitted_is_answered_like_any_other() -> None:
    engine = ModelledEngine(PROFILE, RunningClock(), model=MODEL, write=letters)
    engine.start()
    for number in range(40):
        engine.submit(f"t{number}", asked(f"question {number}"), 1 + number % 30)
        engine.cancel(f"t{number - 3}")

    done = Bench(engine, None).collect(*(f"t{number}" for number in range(40)))

    assert len(done) == 40
    assert engine.under_way == 0


@pytest.mark.parametrize(
    ("requests", "adapter", "tokens_s"), [(1, 0, 359), (8, 0, 2_693), (32, 0, 7_384), (32, 1, 2_880)]
)
def test_the_shipped_profile_is_as_quick_as_what_was_measured(requests: int, adapter: int, tokens_s: int) -> None:
    clock = VirtualClock()
    engine = ModelledEngine(PROFILE, clock, model=MODEL, adapters=ADAPTERS, write=letters)
    engine.start()
    request = asked("deploy service", adapter="reviewer" if adapter else "", adapter_version=adapter, max_tokens=128)
    for number in range(requests):
        engine.submit(f"t{number}", request, 128)

    Bench(engine, None).collect(*(f"t{number}" for number in range(requests)))

    assert requests * 128 * 1_000_000 / clock.now_us() == pytest.approx(tokens_s, rel=0.1)


def test_a_prompt_that_is_cached_takes_less_time() -> None:
    of = bench(write=letters)
    long = asked("x" * 1_500, max_tokens=1)

    began = modelled(of)._clock.now_us()
    first = of.text(long, 1)
    between = modelled(of)._clock.now_us()
    second = of.text(long, 1)
    end = modelled(of)._clock.now_us()

    assert (first.cached_tokens, second.cached_tokens) == (0, second.prompt_tokens // 16 * 16)
    assert end - between < (between - began) / 2


def test_wall_time_passes_as_the_model_says() -> None:
    engine = ModelledEngine(PROFILE, WallClock(), model=MODEL, write=letters)
    engine.start()
    began = monotonic()
    Bench(engine, None).text(asked(), 32)

    assert monotonic() - began >= 32 * 0.002_786  # iterations of one sequence


def test_engines_that_share_a_clock_are_driven_by_their_next_changes() -> None:
    clock = VirtualClock()
    benches = [Bench(ModelledEngine(PROFILE, clock, model=MODEL, write=letters), None) for _ in range(2)]
    for of, tokens in zip(benches, (40, 10), strict=True):
        of.engine.start()
        of.engine.submit("t", asked(), tokens)
    order: list[int] = []
    while len(order) < 2:
        clock.wait_until_us(min(change for of in benches if (change := modelled(of).next_change_us) is not None))
        for place, of in enumerate(benches):
            before = len(of.replies)
            of.note()
            order += [place] * (len(of.replies) - before)

    assert order == [1, 0]
    assert clock.now_us() == pytest.approx(40 * 2_786, rel=0.05)  # side by side, not one after the other
    assert modelled(benches[0]).next_change_us is None


Answered = tuple[int, TextGenerated | Failed]  # when, in microseconds, and how
ARRIVALS = st.lists(
    st.tuples(
        st.integers(0, 60_000),  # when, us
        st.integers(1, 30),  # tokens of the answer
        st.integers(0, 12),  # words of the prompt
        st.sampled_from(["agent", "trainer", "batch"]),
        st.sampled_from([0, 1, 2]),  # version of the adapter
        st.none() | st.integers(0, 60_000),  # when it is cancelled
    ),
    min_size=1,
    max_size=12,
)


def played(arrivals: Iterable[tuple[int, int, int, str, int, int | None]], *, step_us: int) -> dict[str, Answered]:
    """When each request was answered and how, with a host that steps in such portions."""
    clock = VirtualClock()
    engine = ModelledEngine(SMALL, clock, model=MODEL, adapters=ADAPTERS, write=letters)
    engine.start()
    seen: dict[str, Answered] = {}
    events: list[tuple[int, int, str, int]] = []
    for number, (at_us, _, _, _, _, cancelled_us) in enumerate(arrivals):
        events.append((at_us, 0, f"t{number}", number))
        if cancelled_us is not None and cancelled_us > at_us:
            events.append((cancelled_us, 1, f"t{number}", number))

    def go_on(until_us: int) -> None:
        while clock.now_us() < until_us and engine.under_way:
            portion = min(step_us, until_us - clock.now_us())
            for ticket, reply in engine.step(portion / 1_000_000):
                seen[ticket] = (clock.now_us(), reply)
            assert modelled_blocks(engine) <= SMALL.kv_blocks
        clock.wait_until_us(until_us)

    for at_us, is_cancel, ticket, number in sorted(events):
        go_on(at_us)
        _, tokens, words, priority, version, _ = list(arrivals)[number]
        if is_cancel:
            engine.cancel(ticket)
            seen.update({ticket: (clock.now_us(), reply) for ticket, reply in engine.step(0.0)})
        else:
            adapter = "reviewer" if version else ""
            request = asked("word " * words, priority=priority, adapter=adapter, adapter_version=version)
            engine.submit(ticket, request, tokens)
    go_on(10_000_000)
    assert engine.under_way == 0
    assert modelled_blocks(engine) == 0
    return seen


def modelled_blocks(engine: ModelledEngine) -> int:
    return engine._batch.cache.used


@settings(max_examples=60, deadline=None)
@given(arrivals=ARRIVALS, step_us=st.sampled_from([700, 2_000, 7_919]))
def test_when_something_is_done_does_not_depend_on_how_it_is_stepped(
    arrivals: list[tuple[int, int, int, str, int, int | None]], step_us: int
) -> None:
    assert played(arrivals, step_us=10_000_000) == played(arrivals, step_us=step_us)


@settings(max_examples=40, deadline=None)
@given(arrivals=ARRIVALS)
@example(  # two that write the same share full blocks, but each has its own last one
    arrivals=[
        (0, 1, 0, "trainer", 0, None),
        (0, 1, 1, "agent", 0, None),
        (0, 10, 0, "agent", 2, None),
        (0, 18, 6, "agent", 1, None),
        (0, 17, 6, "agent", 1, None),
        (0, 8, 0, "agent", 1, None),
    ]
)
def test_iterations_that_are_calculated_together_take_as_long_as_one_by_one(
    arrivals: list[tuple[int, int, int, str, int, int | None]],
) -> None:
    together = played(arrivals, step_us=10_000_000)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Batch, "_steady_iterations", lambda self: 0)
        one_by_one = played(arrivals, step_us=10_000_000)

    assert together == one_by_one


@settings(max_examples=60, deadline=None)
@given(arrivals=ARRIVALS)
def test_every_request_gets_all_its_tokens_even_if_it_has_to_make_room_meanwhile(
    arrivals: list[tuple[int, int, int, str, int, int | None]],
) -> None:
    for number, (at_us, tokens, *_) in enumerate(arrivals):
        done_us, reply = played(arrivals, step_us=10_000_000)[f"t{number}"]
        assert done_us >= at_us
        if isinstance(reply, TextGenerated):
            assert reply.engine_us == done_us - at_us
        if isinstance(reply, TextGenerated) and reply.finish != "cancelled":
            assert reply.text == "abcd" * min(tokens, 64 - reply.prompt_tokens)


# -- prefix cache and memory -------------------------------------------------------------------------------------------


def test_a_conversation_that_goes_on_finds_prompt_and_answer_in_the_cache() -> None:
    of = bench(write=letters)
    first = asked("x" * 400)
    answer = of.text(first, 40)
    more = (ChatMessage(role="assistant", content=answer.text), ChatMessage(role="user", content="and now?"))

    second = of.text(replace(first, messages=first.messages + more), 3)

    whole = answer.prompt_tokens + answer.completion_tokens - 1  # the last token was never computed
    assert second.cached_tokens == whole // 16 * 16


def test_versions_of_an_adapter_never_share_what_is_cached() -> None:
    of = bench(write=letters)
    plain = asked("x" * 400)
    of.text(plain, 1)
    for name, version in ADAPTERS:
        assert of.text(replace(plain, adapter=name, adapter_version=version), 1).cached_tokens == 0
        assert (of.text(replace(plain, adapter=name, adapter_version=version), 1).cached_tokens or 0) > 0


def test_what_was_not_used_for_longest_makes_room_first() -> None:
    profile = replace(PROFILE, kv_blocks=70, context_tokens=1_024)
    of = bench(profile, write=letters)
    prompts = [asked(letter * 2_000) for letter in "abc"]  # about 32 blocks each
    for prompt in prompts[:2]:
        of.text(prompt, 1)
    of.text(prompts[0], 1)
    of.text(prompts[2], 1)

    assert (of.text(prompts[0], 1).cached_tokens or 0) > 300
    assert (of.text(prompts[1], 1).cached_tokens or 0) < 300  # its end went; its beginning may be there


def test_a_sequence_gives_its_blocks_back_when_memory_runs_out() -> None:
    of = bench(SMALL, write=letters)
    for number in range(3):
        of.engine.submit(f"t{number}", asked(f"{number}" * 20, max_tokens=40), 30)

    replies = of.collect("t0", "t1", "t2")

    assert modelled(of).figures.preemptions > 0
    assert [reply.completion_tokens for reply in replies if isinstance(reply, TextGenerated)] == [30, 30, 30]
    assert modelled(of).figures.peak_blocks <= SMALL.kv_blocks


def test_what_is_urgent_is_admitted_first() -> None:
    of = bench(replace(PROFILE, slots=1), write=letters)
    for name, priority in (("first", "batch"), ("batch", "batch"), ("trainer", "trainer"), ("agent", "agent")):
        of.engine.submit(name, asked(priority=priority), 5)
        of.note(0.001)

    of.collect("first", "batch", "trainer", "agent")

    assert list(of.replies) == ["first", "agent", "trainer", "batch"]


def test_figures_say_what_time_and_memory_went_into() -> None:
    of = bench(replace(PROFILE, slots=2), write=letters)
    for number in range(4):
        of.engine.submit(f"t{number}", asked(f"{number}"), 10)
    of.collect(*(f"t{number}" for number in range(4)))

    figures = modelled(of).figures
    assert (figures.admitted, figures.peak_sequences, figures.iterations) == (4, 2, 20)
    assert figures.busy_ns == pytest.approx(modelled(of)._clock.now_us() * 1000, abs=1_000_000)
    assert figures.waited_us == pytest.approx(figures.busy_ns / 1000, rel=0.05)  # two waited for half of it
    assert figures.computed_tokens + modelled(of).counters.cached_tokens == modelled(of).counters.prompt_tokens


# -- texts and limits --------------------------------------------------------------------------------------------------


@given(seed=st.integers(0, 1_000), size=st.tuples(st.integers(1, 40), st.integers(0, 40)))
@settings(max_examples=30, deadline=None)
def test_filler_says_so_and_has_as_many_tokens_as_are_counted(seed: int, size: tuple[int, int]) -> None:
    reply = bench(filler_tokens=(size[0], sum(size))).text(asked(), seed)

    assert size[0] <= reply.completion_tokens <= sum(size)
    assert len(reply.text) == 4 * reply.completion_tokens
    assert reply.text[:15] == "modelled filler"[: len(reply.text)]


def test_a_prompt_that_does_not_fit_gets_a_typed_failure() -> None:
    reply = bench().answer(asked("x" * 5_000))

    assert isinstance(reply, Failed)
    assert reply.reason == "prompt_too_long"


def test_an_answer_ends_where_the_context_ends() -> None:
    reply = bench(write=letters).text(asked("x" * 3_000, max_tokens=900), 900)

    assert reply.finish == "length"
    assert reply.prompt_tokens + reply.completion_tokens == PROFILE.context_tokens
    assert reply.prompt_tokens == len(prompt_tokens(asked("x" * 3_000)))


def test_a_given_text_that_misses_the_schema_is_a_typed_failure() -> None:
    reply = bench(write=letters).answer(asked(schema=SCHEMA), 3)

    assert isinstance(reply, Failed)
    assert reply.reason == "schema_not_honoured"


def test_a_cancelled_request_tells_what_was_done_for_it() -> None:
    of = bench(replace(PROFILE, slots=1), write=letters)
    for name in ("running", "waiting"):
        of.engine.submit(name, asked(), 60)
    of.engine.step(0.030)
    for name in ("running", "waiting"):
        of.engine.cancel(name)

    running, waiting = of.collect("running", "waiting")

    assert isinstance(running, TextGenerated)
    assert isinstance(waiting, TextGenerated)
    assert running.text == "abcd" * running.completion_tokens
    assert 5 < running.completion_tokens < 15
    assert (waiting.text, waiting.prompt_tokens, waiting.completion_tokens) == ("", 0, 0)


# -- profiles ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"iteration_ns": 0}, "takes time"),
        ({"sequence_ns": -1}, "negative"),
        ({"slots": 0}, "slots"),
        ({"batch_tokens": 31}, "batch_tokens"),
        ({"kv_blocks": 63}, "wait for ever"),
    ],
)
def test_a_profile_that_cannot_be_is_refused(changes: dict[str, int], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        replace(PROFILE, **changes)  # type: ignore[arg-type]


def test_every_number_of_a_profile_has_a_unit_and_a_meaning() -> None:
    for name, value, unit, what in PROFILE.parameters():
        assert getattr(PROFILE, name) == value
        assert unit in ("ns", "sequences", "tokens", "blocks")
        assert what
    assert len(PROFILE.parameters()) == 10
    assert PROFILE.source


def test_a_data_sheet_gives_a_first_answer() -> None:
    profile = by_data_sheet(A100, QWEN_72B, devices=4)

    assert profile.iteration_ns == pytest.approx(145.4e9 / (4 * 2_039e9 * 0.5) * 1e9, rel=1e-6)  # all weights, once
    assert profile.prompt_token_ns == pytest.approx(2 * 72.7e9 / (4 * 312e12 * 0.5) * 1e9, rel=0.01)
    assert profile.context_token_ns == pytest.approx(80 * 2 * 8 * 128 * 2 / (4 * 2_039e9 * 0.5) * 1e9, rel=0.02)
    assert profile.kv_blocks * 16 == pytest.approx((4 * 72e9 - 145.4e9) / (80 * 2 * 8 * 128 * 2), rel=0.01)
    assert "assumed: 50 %" in profile.source
    assert by_data_sheet(H100, QWEN_72B, devices=4).iteration_ns < profile.iteration_ns
    assert by_data_sheet(H100, DEEPSEEK_LITE).prompt_token_ns < by_data_sheet(H100, QWEN_CODER_7B).prompt_token_ns


def test_a_model_that_does_not_fit_is_told() -> None:
    with pytest.raises(ValueError, match="do not fit on 1 x A100"):
        by_data_sheet(A100, QWEN_72B)
