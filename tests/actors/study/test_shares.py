"""Shares and rates over seeds, with known answers."""

from __future__ import annotations

import numpy as np
import pytest

from actors.study.shares import Group, difference, figure_of, is_more


def group(parts: list[float], wholes: list[float]) -> Group:
    return Group(np.array(parts, dtype=np.float64), np.array(wholes, dtype=np.float64))


def test_a_share_is_the_sum_over_the_sum_and_not_the_mean_of_shares() -> None:
    found = figure_of(group([1, 9], [10, 10]), is_share=True)
    uneven = figure_of(group([0, 30], [10, 30]), is_share=True)

    assert found is not None
    assert uneven is not None
    assert found.value == 0.5
    assert uneven.value == 0.75


def test_seeds_that_agree_leave_no_spread() -> None:
    found = figure_of(group([3] * 8, [10] * 8), is_share=True)

    assert found is not None
    assert (found.low, found.value, found.high) == pytest.approx((0.3, 0.3, 0.3))


def test_the_interval_of_a_mean_is_as_wide_as_theory_says() -> None:
    parts = list(np.random.default_rng(5).normal(20, 4, size=400))

    found = figure_of(group(parts, [1] * 400), is_share=False)

    assert found is not None
    half = 1.96 * np.std(parts) / np.sqrt(400)
    assert found.high - found.low == pytest.approx(2 * half, rel=0.1)


def test_what_never_happened_is_not_impossible() -> None:
    found = figure_of(group([0] * 5, [20] * 5), is_share=False)

    assert found is not None
    assert (found.value, found.low) == (0, 0)
    assert found.high == pytest.approx(3.689 / 100, rel=1e-3)


def test_what_always_happened_is_not_certain() -> None:
    found = figure_of(group([20] * 5, [20] * 5), is_share=True)

    assert found is not None
    assert (found.value, found.high) == (1, 1)
    assert found.low == pytest.approx(1 - 3.689 / 100, rel=1e-3)


def test_nothing_to_count_has_no_figure_and_supports_nothing() -> None:
    empty, some = group([0, 0], [0, 0]), group([1, 1], [2, 2])

    assert figure_of(empty, is_share=True) is None
    assert difference(some, empty) is None
    assert not is_more("more", some, empty).holds


def test_paired_seeds_take_the_spread_between_seeds_away() -> None:
    hard_and_easy = [2, 8, 5, 9, 1, 7]
    more = group([one + 1 for one in hard_and_easy], [10] * 6)
    less = group([float(one) for one in hard_and_easy], [10] * 6)

    found = difference(more, less)

    assert found is not None
    assert (found.low, found.value, found.high) == pytest.approx((0.1, 0.1, 0.1))
    assert is_more("more", more, less).holds
    assert not is_more("less", less, more).holds


def test_a_difference_that_half_of_the_seeds_deny_does_not_hold() -> None:
    verdict = is_more("more", group([5, 1, 5, 1], [10] * 4), group([1, 5, 1, 4], [10] * 4))

    assert verdict.figure is not None
    assert verdict.figure.value > 0
    assert not verdict.holds


def test_groups_of_different_seeds_are_not_paired() -> None:
    with pytest.raises(ValueError, match="3 seeds cannot be paired with 2"):
        difference(group([1] * 3, [2] * 3), group([1] * 2, [2] * 2))
