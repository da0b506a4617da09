"""What was measured is taken out of a reply, and nothing else is."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brokers.wire.packing import packer, unpack
from brokers.wire.registry import Message
from inference.measured import without_measures
from inference.messages import Expired, Failed
from inference.text import LikelyToken, TextDetails, TextGenerated, TextWritten, WrittenToken, text_registry

_likely = st.builds(LikelyToken, token=st.text(), token_id=st.integers(0, 9), logprob_micro=st.integers(-9, 0))
REPLIES = st.builds(
    TextGenerated,
    text=st.text(),
    finish=st.sampled_from(["stop", "length", "cancelled"]),
    model=st.text(),
    adapter=st.text(),
    adapter_version=st.integers(0, 1 << 40),
    prompt_tokens=st.integers(0, 1 << 40),
    cached_tokens=st.none() | st.integers(0, 1 << 40),
    completion_tokens=st.integers(0, 1 << 40),
    details=st.none()
    | st.builds(
        TextDetails,
        token_ids=st.lists(st.integers(0, 9)).map(tuple),
        tokens=st.lists(st.builds(WrittenToken, chosen=_likely, likeliest=st.tuples(_likely))).map(tuple),
    ),
    engine_us=st.none() | st.integers(0, 1 << 60),
)


def packed(message: Message) -> bytes:
    return packer()(text_registry().to_body(message))


@given(REPLIES)
def test_a_text_loses_what_was_measured_and_nothing_else(reply: TextGenerated) -> None:
    found = without_measures()(packed(reply))

    assert text_registry().from_body(unpack(found)) == replace(reply, cached_tokens=None, engine_us=None)


@given(REPLIES, st.none() | st.integers(0, 1 << 40), st.none() | st.integers(0, 1 << 60))
def test_replies_that_differ_in_what_was_measured_have_the_same_bytes_without_it(
    reply: TextGenerated, cached: int | None, engine_us: int | None
) -> None:
    other = replace(reply, cached_tokens=cached, engine_us=engine_us)
    leave_out = without_measures()

    assert leave_out(packed(reply)) == leave_out(packed(other))


@pytest.mark.parametrize(
    "reply",
    [
        Failed(reason="unknown_model", detail="cached_tokens"),
        Expired(waited_ms=5, was_under_way=True),
        TextWritten(text="engine_us", start=0, details=None),
    ],
)
def test_other_replies_stay_what_they_are(reply: Message) -> None:
    body = packed(reply)

    assert without_measures()(body) is body


@pytest.mark.parametrize("body", [b"", b"\x80", b"\xff" * 40])
def test_what_is_no_message_is_left_to_whoever_reads_it(body: bytes) -> None:
    assert without_measures()(body) is body
