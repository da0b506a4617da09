"""Frames say the same on both sides, and nothing else gets through."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brokers.wire.packing import packer
from inference.pool.aiming import aim_of
from inference.pool.frames import (
    AdapterDone,
    Bye,
    Cancel,
    ChangeAdapter,
    Drain,
    FrameError,
    FromEngine,
    GivenUp,
    Parts,
    Ready,
    Replies,
    Work,
    pack_adapter_done,
    pack_bye,
    pack_control,
    pack_parts,
    pack_ready,
    pack_replies,
    pack_work,
    unpack_from_engine,
    unpack_from_pool,
)
from inference.pool.state import ANYWHERE, Aim, Serves
from inference.text import ChatMessage, GenerateText, TextCounters, text_registry
from tests.inference.engines_for_tests import Ask
from tests.inference.engines_for_tests import registry as other_registry

pack = packer()
BODIES = st.lists(st.tuples(st.text(max_size=9), st.binary(max_size=20)), max_size=4)
NAMES = st.none() | st.lists(st.text(max_size=9), max_size=3).map(tuple)
COUNTERS = st.none() | st.builds(TextCounters, completed=st.integers(0, 1 << 40), prompt_tokens=st.integers(0, 1 << 60))
FROM_ENGINE = st.one_of(
    st.builds(
        Ready,
        st.text(max_size=9),
        st.integers(1, 65_536),
        st.builds(Serves, NAMES, NAMES),
        COUNTERS,
        st.booleans(),
        st.integers(0, 99),
    ),
    st.builds(Replies, st.text(max_size=9), BODIES, COUNTERS),
    st.builds(Parts, st.text(max_size=9), BODIES),
    st.builds(AdapterDone, st.text(max_size=9), st.integers(0, 1 << 40), st.binary(max_size=9)),
    st.builds(Bye, st.text(max_size=9)),
)
FROM_POOL = st.one_of(
    st.lists(st.builds(Work, st.text(max_size=9), st.integers(0, 1 << 63), st.binary(max_size=9)), max_size=3),
    st.builds(Cancel, st.lists(st.text(max_size=9), max_size=3)),
    st.builds(ChangeAdapter, st.integers(0, 1 << 40), st.binary(max_size=9)),
    st.just(Drain()),
    st.just(GivenUp()),
)


def packed(frame: FromEngine) -> bytes:
    match frame:
        case Ready(incarnation, slots, serves, counters, is_starting, ahead):
            return pack_ready(incarnation, slots, serves, counters, is_starting=is_starting, ahead=ahead)
        case Replies(incarnation, replies, counters):
            return pack_replies(incarnation, replies, counters)
        case Parts(incarnation, parts):
            return pack_parts(incarnation, parts)
        case AdapterDone(incarnation, number, body):
            return pack_adapter_done(incarnation, number, body)
        case Bye(incarnation):
            return pack_bye(incarnation)


@given(FROM_ENGINE)
def test_what_an_engine_says_arrives(frame: FromEngine) -> None:
    assert unpack_from_engine(packed(frame)) == frame


@given(FROM_POOL)
def test_what_a_pool_says_arrives(frame: Any) -> None:
    assert unpack_from_pool(pack_work(frame) if isinstance(frame, list) else pack_control(frame)) == frame


@given(st.binary(max_size=60))
def test_garbage_is_refused_and_nothing_worse(data: bytes) -> None:
    for unpack in (unpack_from_engine, unpack_from_pool):
        try:
            unpack(data)
        except FrameError:
            continue


@pytest.mark.parametrize(
    "wrong",
    [
        ["ready", "1", 0],
        ["ready", "1", 4, {"model": ["m"]}],
        ["ready", "1", 4, {"models": "m"}],
        ["ready", "1", 4, {"counters": {"completed": 1}}],
        ["ready", "1", 4, {}, {}],
        ["ready", "1", 4, {"ahead": -1}],
        ["replies", "1", [["t", b""]], {"completed": -1}],
        ["parts", "1", ["t"]],
        ["adapter", "1", 1, "loaded"],
    ],
)
def test_an_engine_that_says_it_wrongly_is_not_understood(wrong: Any) -> None:
    with pytest.raises(FrameError):
        unpack_from_engine(pack(wrong))


@pytest.mark.parametrize("wrong", [["cancel", "t"], ["cancel", [1]], ["drain", 1], ["adapter", 1], {"cancel": ["t"]}])
def test_a_pool_that_says_it_wrongly_is_not_understood(wrong: Any) -> None:
    with pytest.raises(FrameError):
        unpack_from_pool(pack(wrong))


# -- what a request is for ---------------------------------------------------------------------------------------------


def text(**changes: Any) -> bytes:
    fields: dict[str, Any] = {
        "model": "m",
        "adapter": "",
        "adapter_version": 0,
        "messages": (ChatMessage(role="system", content="rules"), ChatMessage(role="user", content="q")),
        "schema": "",
        "max_tokens": 8,
        "temperature_permille": 0,
        "priority": "batch",
    }
    return pack(text_registry().to_body(GenerateText(**(fields | changes))))


def test_a_request_for_text_says_model_adapter_and_urgency() -> None:
    aim = aim_of(text(adapter="x", adapter_version=3))

    assert (aim.model, aim.adapter, aim.priority) == ("m", "x@3", "batch")


def test_prompts_that_begin_alike_share_a_prefix_and_never_over_models_or_versions() -> None:
    other = (ChatMessage(role="system", content="rules"), ChatMessage(role="user", content="something else"))

    assert aim_of(text()).prefix == aim_of(text(messages=other)).prefix
    keys = {aim_of(each).prefix for each in (text(), text(model="n"), text(adapter="x", adapter_version=1))}
    assert len(keys | {aim_of(text(adapter="x", adapter_version=2)).prefix}) == 4
    assert aim_of(text(messages=(), prompt="a" * 9_000)).prefix == aim_of(text(messages=(), prompt="a" * 8_000)).prefix


def test_any_other_request_is_for_any_engine() -> None:
    half = text()[:-3]

    assert aim_of(pack(other_registry().to_body(Ask(text="inference.generate_text/1")))) == ANYWHERE
    assert aim_of(half) == aim_of(b"") == aim_of(pack({"kind": GenerateText.KIND})) == Aim()
