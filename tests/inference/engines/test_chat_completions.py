"""Whatever a server sends is understood or its fault: nothing else comes out of reading it."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.engines.chat_completions import ServerFault, read_completion, read_error, read_models, retry_after_s
from inference.messages import Failed
from inference.text import TextGenerated
from tests.inference.conformance.benches import SCHEMA, asked

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=6,
)
COMPLETIONS = st.fixed_dictionaries(
    {
        "model": st.sampled_from(["tiny", "reviewer@1"]) | JSON,
        "choices": st.lists(
            st.fixed_dictionaries(
                {
                    "message": st.fixed_dictionaries({"content": st.none() | st.text() | JSON}),
                    "finish_reason": st.sampled_from(["stop", "length", "content_filter"]) | JSON,
                }
            ),
            max_size=2,
        )
        | JSON,
        "usage": st.fixed_dictionaries({"prompt_tokens": st.integers(0, 9) | JSON, "completion_tokens": st.just(1)})
        | JSON,
    }
)
ERRORS = st.fixed_dictionaries({"error": st.fixed_dictionaries({"message": st.text() | JSON, "code": JSON})}) | JSON


def encoded(value: object) -> bytes:
    return json.dumps(value).encode()


@given(data=st.binary() | COMPLETIONS.map(encoded) | JSON.map(encoded), schema=st.sampled_from(["", SCHEMA]))
def test_any_200_is_a_reply_or_a_fault(data: bytes, schema: str) -> None:
    for request in (asked(schema=schema), asked(schema=schema, adapter="reviewer", adapter_version=1)):
        with suppress(ServerFault):
            assert isinstance(read_completion(request, data).reply, TextGenerated | Failed)


@given(status=st.integers(100, 599), data=st.binary() | ERRORS.map(encoded), schema=st.sampled_from(["", SCHEMA]))
def test_any_other_status_is_a_failure_or_a_fault(status: int, data: bytes, schema: str) -> None:
    with suppress(ServerFault):
        failed = read_error(asked(schema=schema), status, data)
        assert 400 <= status < 500
        assert failed.detail == failed.detail.strip()


@given(st.binary() | JSON.map(encoded))
def test_any_list_of_models_is_one_or_a_fault(data: bytes) -> None:
    with suppress(ServerFault):
        assert read_models(data) == tuple(sorted(read_models(data)))


@given(st.text())
def test_any_retry_after_is_a_time_or_nothing(header: str) -> None:
    wait_s = retry_after_s(header)
    assert wait_s is None or wait_s >= 0


@pytest.mark.parametrize(
    ("header", "wait_s"),
    [(None, None), ("0", 0.0), (" 120 ", 120.0), ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0), ("soon", None), ("-1", None)],
)
def test_retry_after_is_read(header: str | None, wait_s: float | None) -> None:
    assert retry_after_s(header) == wait_s


def test_half_a_character_is_no_text() -> None:
    data = b'{"model": "m", "choices": [{"message": {"content": "\\ud800"}, "finish_reason": "stop"}], "usage": '

    with pytest.raises(ServerFault, match="no chat completion"):
        read_completion(asked(), data + b'{"prompt_tokens": 1, "completion_tokens": 1}}')
