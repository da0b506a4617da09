from __future__ import annotations

import math
from statistics import fmean, median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.policy.arithmetic import between, clamp, exp_millionths, lognormal_permille, pick_weighted, scaled
from config.streams import draw


@given(st.integers(-16_000, 8_000))
def test_the_exponential_agrees_with_the_real_one(exponent_milli: int) -> None:
    exact = 1_000_000 * math.exp(exponent_milli / 1000)

    assert abs(exp_millionths(exponent_milli) - exact) <= 1 + exact / 100_000


def test_an_estimate_s_factor_has_the_overrun_of_the_literature() -> None:
    factors = [
        lognormal_permille(draw(1, "factor", "task", n), median_permille=1150, sigma_milli=500) for n in range(4000)
    ]

    assert abs(median(factors) - 1150) < 35
    assert abs(fmean(factors) - 1303) < 40  # 1150 * exp(0.5 ** 2 / 2): a mean overrun of 30 %
    assert 0.58 < fmean(factor > 1000 for factor in factors) < 0.64  # items late


def test_a_weighted_pick_follows_its_weights() -> None:
    picked = [pick_weighted(draw(1, "pick", "x", n), (0, 300, 700)) for n in range(3000)]

    assert picked.count(0) == 0
    assert 0.27 < picked.count(1) / 3000 < 0.33


def test_a_pick_without_weight_is_refused() -> None:
    with pytest.raises(ValueError, match="k must be"):
        pick_weighted(draw(1, "pick", "x", 0), (0, 0))


def test_thousandths_are_rounded_half_up() -> None:
    assert [scaled(1, 499), scaled(1, 500), scaled(3, 1500), scaled(-1, 500)] == [0, 1, 5, 0]
    assert [between(200, 1000, permille) for permille in (0, 500, 1000)] == [200, 600, 1000]
    assert [clamp(value, 2, 5) for value in (1, 3, 9)] == [2, 3, 5]
