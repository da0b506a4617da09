"""Bytes from elsewhere: one msgpack value within limits, or a WireError."""

from __future__ import annotations

from typing import Any

import msgpack
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from brokers.wire.packing import packer, unpack
from brokers.wire.registry import WireError

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(VALUES)
def test_what_was_packed_comes_back(value: Any) -> None:
    assert unpack(packer()(value)) == value


@given(st.lists(VALUES, min_size=2, max_size=5))
def test_one_packer_packs_many_values_independently(values: list[Any]) -> None:
    pack = packer()

    assert [pack(value) for value in values] == [msgpack.packb(value) for value in values]


@pytest.mark.parametrize("wrong", [{"a": object()}, 2**64, ["ok", "\ud800"]])
def test_a_value_that_cannot_be_packed_leaves_nothing_behind(wrong: Any) -> None:
    pack = packer()
    with pytest.raises((TypeError, OverflowError, ValueError)):
        pack(["a part that was packed already", wrong])

    assert unpack(pack("next")) == "next"


@given(st.binary(max_size=200))
@example(b"")
@example(b"\xc1")  # never used by msgpack
@example(b"\xdd\x03\xff\xff\xff")  # a list of 67 million that is not there
@example(b"\xdf\x01\xff\xff\xff")  # a map of 33 million that is not there
@example(b"\xc6\x7f\xff\xff\xff")  # 2 GB of bytes that are not there
@example(b"\xd6\xff\x00\x00\x00\x00")  # a timestamp: an extension
@example(b"\xc7\x00\x05")  # an empty extension
@example(b"\x91" * 100_000)  # lists in lists in lists
@example(b"\xa1\xff")  # not UTF-8
@example(b"\x81\x01\x02")  # a map whose key is a number
@example(b"\x81\x90\x02")  # a map whose key is a list
@example(b"\x01\x02")  # two values
def test_random_bytes_are_a_value_or_a_wire_error(data: bytes) -> None:
    try:
        value = unpack(data)
    except WireError:
        return
    assert not isinstance(value, (msgpack.ExtType, msgpack.Timestamp))


@given(VALUES, st.data())
def test_a_truncated_value_is_a_wire_error(value: Any, data: st.DataObject) -> None:
    packed = packer()(value)
    cut = data.draw(st.integers(0, len(packed) - 1))

    with pytest.raises(WireError):
        unpack(packed[:cut])


@pytest.mark.parametrize("value", ["x" * 101, b"x" * 101, [1] * 101, {str(n): n for n in range(60)}])
def test_what_is_larger_than_the_limit_is_refused(value: Any) -> None:
    with pytest.raises(WireError, match="limit of 100"):
        unpack(packer()(value), limit=100)


@pytest.mark.parametrize("value", ["x" * 90, b"x" * 90, [1] * 90])
def test_what_is_within_the_limit_is_taken(value: Any) -> None:
    assert unpack(packer()(value), limit=100) == value


def test_a_view_is_unpacked_without_a_copy_of_it() -> None:
    packed = b"header" + packer()(["a", 1])

    assert unpack(memoryview(packed)[6:]) == ["a", 1]
