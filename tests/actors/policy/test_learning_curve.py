"""The constants of knowledge and familiarity give the curve that teams are known for, and only they do."""

from __future__ import annotations

from statistics import fmean, linear_regression, stdev

from actors.policy.calibration import shipped_calibration
from actors.policy.mind import Mechanisms
from tests.actors.policy.coarse_team import velocities

SEEDS = 30
CALIBRATION = shipped_calibration()


def runs(mechanisms: Mechanisms) -> list[list[int]]:
    return [velocities(seed, CALIBRATION, mechanisms) for seed in range(SEEDS)]


def slope(values: list[float]) -> float:
    return float(linear_regression(range(len(values)), values).slope)


def mean_curve(of: list[list[int]]) -> list[float]:
    return [fmean(run[sprint] for run in of) for sprint in range(len(of[0]))]


def test_velocity_starts_low_rises_steeply_and_flattens() -> None:
    curve = mean_curve(runs(Mechanisms()))
    early, mature = fmean(curve[:3]), fmean(curve[10:])

    assert 7 < early < 13
    assert 22 < mature < 30
    assert early <= 0.6 * mature
    assert slope(curve[3:10]) > 3 * abs(slope(curve[10:]))


def test_without_knowledge_and_familiarity_there_is_no_trend() -> None:
    slopes = [slope([float(v) for v in run[3:10]]) for run in runs(Mechanisms(knowledge=False, familiarity=False))]

    half_width = 2.05 * stdev(slopes) / SEEDS**0.5  # 95 % interval, t distribution with 29 degrees of freedom
    assert abs(fmean(slopes)) < half_width


def test_each_mechanism_alone_gives_part_of_the_rise() -> None:
    def rise(mechanisms: Mechanisms) -> float:
        curve = mean_curve([velocities(seed, CALIBRATION, mechanisms) for seed in range(10)])
        return fmean(curve[10:]) / fmean(curve[1:4])

    both, knowledge = rise(Mechanisms()), rise(Mechanisms(familiarity=False))
    familiarity = rise(Mechanisms(knowledge=False))
    assert both > knowledge > 1.15
    assert both > familiarity > 1.05
