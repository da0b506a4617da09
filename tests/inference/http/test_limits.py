"""Limits of callers, in a time that the tests make."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.http.errors import RefusedError
from inference.http.limits import Account, Allowance


def test_a_caller_may_have_so_many_answers_under_way_and_no_more() -> None:
    account = Account(Allowance(under_way=2))
    account.admit(1, 0, now_s=0)
    account.admit(1, 0, now_s=0)

    with pytest.raises(RefusedError) as raised:
        account.admit(1, 0, now_s=0)

    assert (raised.value.status, raised.value.headers) == (429, {"Retry-After": "1"})
    account.settle(1, 0, 0)
    account.admit(1, 0, now_s=0)


def test_more_answers_than_may_ever_be_are_a_bad_request_not_a_busy_door() -> None:
    with pytest.raises(RefusedError) as raised:
        Account(Allowance(under_way=2)).admit(3, 0, now_s=0)

    assert (raised.value.status, raised.value.param) == (400, "n")


def test_tokens_of_a_minute_may_be_used_at_once_and_then_come_back_evenly() -> None:
    account = Account(Allowance(under_way=9, tokens_per_minute=600))
    account.settle(1, account.admit(1, 600, now_s=100), 600)

    with pytest.raises(RefusedError) as raised:
        account.admit(1, 50, now_s=100)

    assert raised.value.retry_after_s == 5
    with pytest.raises(RefusedError):
        account.admit(1, 50, now_s=104.9)
    account.admit(1, 50, now_s=105)


def test_what_was_reserved_and_not_used_comes_back() -> None:
    account = Account(Allowance(under_way=9, tokens_per_minute=600))
    account.settle(1, account.admit(1, 600, now_s=0), 100)

    assert account.admit(1, 500, now_s=0) == 500


def test_a_request_for_more_than_a_minute_holds_is_admitted_and_paid_for_later() -> None:
    account = Account(Allowance(under_way=9, tokens_per_minute=600))
    account.settle(1, account.admit(1, 5_000, now_s=0), 1_200)

    with pytest.raises(RefusedError) as raised:
        account.admit(1, 60, now_s=0)

    assert raised.value.retry_after_s == 66


@given(st.lists(st.tuples(st.integers(0, 900), st.integers(0, 900), st.integers(0, 30)), max_size=30))
def test_no_caller_ever_gets_more_than_one_bucket_and_its_rate(asked: list[tuple[int, int, int]]) -> None:
    account = Account(Allowance(under_way=1, tokens_per_minute=600))
    now_s, spent = 0, 0
    for reserved, used, pause_s in asked:
        now_s += pause_s
        try:
            taken = account.admit(1, reserved, now_s=now_s)
        except RefusedError:
            continue
        account.settle(1, taken, min(used, taken))
        spent += min(used, taken)

    assert spent <= 600 + now_s * 10
    assert account.under_way == 0
