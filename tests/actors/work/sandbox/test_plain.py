from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.work.sandbox.plain import is_plain, is_same

LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
PLAIN = st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=12)


class Text(str):
    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = str.__hash__


@given(PLAIN)
def test_a_plain_value_survives_json_and_is_the_same_afterwards(value: object) -> None:
    assert is_plain(value)
    assert is_same(json.loads(json.dumps(value)), value)


@pytest.mark.parametrize(
    "value",
    [(1,), {1: 2}, {1}, b"x", float("nan"), float("inf"), Text("x"), [Text("x")], {Text("x"): 1}, object(), "\ud83d"],
)
def test_what_is_not_exactly_plain_is_not_plain(value: object) -> None:
    assert not is_plain(value)


@pytest.mark.parametrize(
    ("one", "other"), [(True, 1), (1, 1.0), ([1], [True]), ({"a": 0}, {"a": False}), ([], [0]), ("1", 1)]
)
def test_equal_values_of_other_types_are_not_the_same(one: object, other: object) -> None:
    assert not is_same(one, other)  # type: ignore[arg-type]


def test_the_order_of_keys_does_not_matter_and_the_order_of_items_does() -> None:
    assert is_same({"a": 1, "b": [1, 2]}, {"b": [1, 2], "a": 1})
    assert not is_same([1, 2], [2, 1])
