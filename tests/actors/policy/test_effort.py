from __future__ import annotations

from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.policy.calibration import shipped_calibration
from actors.work import effort
from actors.work.effort import Fit, Pair, Worker
from config.streams import Draw, draw

CALIBRATION = shipped_calibration()
KINDS = (
    "dependency_breaks",
    "production_incident",
    "flaky_test",
    "scope_creep",
    "junior_misunderstanding",
    "architectural_debt_surfaces",
    "merge_conflict",
)


def worker(knows: int = 500, seniority: str = "mid", fit: Fit = "primary") -> Worker:
    return Worker(seniority=seniority, knowledge_permille=knows, fit=fit)


def pair(driver: Worker, navigator: Worker | None, familiar: int = 500) -> Pair:
    return Pair(driver=driver, navigator=navigator, familiarity_permille=familiar)


def pace(driver: Worker, navigator: Worker | None, familiar: int = 500, debt: int = 1000) -> int:
    return effort.pace_permille(CALIBRATION, pair(driver, navigator, familiar), debt_permille=debt)


def draws(count: int, name: str = "x") -> list[Draw]:
    return [draw(1, "test", name, n) for n in range(count)]


def test_strangers_who_know_nothing_work_at_a_fraction_of_the_pace_of_a_settled_pair() -> None:
    early, mature = pace(worker(150), worker(150), familiar=80), pace(worker(900), worker(900), familiar=900)

    assert 0.12 < early / mature < 0.3  # 20 % of capacity is what ramp-up claims begin with
    assert 850 < mature < 1050


def test_each_circumstance_changes_the_pace_in_its_direction() -> None:
    usual = pace(worker(), worker())

    assert pace(worker(700), worker()) > usual
    assert pace(worker(), worker(700)) > usual
    assert pace(worker(), worker(), familiar=800) > usual
    assert pace(worker(seniority="senior"), worker()) > pace(worker(), worker(seniority="senior")) > usual
    assert pace(worker(seniority="junior"), worker()) < usual
    assert pace(worker(fit="none"), worker(fit="none")) < pace(worker(fit="none"), worker()) < usual
    assert pace(worker(), worker(), debt=1300) == usual * 1000 // 1300


def test_two_know_more_than_the_better_one_but_never_everything_twice() -> None:
    together = effort.pair_knowledge_permille(CALIBRATION, pair(worker(400), worker(700)))

    assert 700 < together < 1000
    assert effort.pair_knowledge_permille(CALIBRATION, pair(worker(1000), worker(1000))) == 1000
    assert effort.pair_knowledge_permille(CALIBRATION, pair(worker(400), None)) == 400


@given(st.integers(0, 1000), st.integers(0, 1000), st.integers(0, 1000), st.sampled_from(("junior", "mid", "senior")))
def test_the_pace_stays_within_its_bounds(driver: int, navigator: int, familiar: int, seniority: str) -> None:
    found = pace(worker(driver, seniority), worker(navigator, seniority), familiar)

    assert CALIBRATION.pace.minimum <= found <= CALIBRATION.pace.maximum


@given(st.integers(4, 5000))
def test_the_quarters_of_a_task_are_the_task_at_standard_pace(task_minutes: int) -> None:
    assert sum(effort.quarter_minutes(task_minutes, quarter, pace=1000) for quarter in (1, 2, 3, 4)) == task_minutes


def test_half_the_pace_takes_twice_as_long() -> None:
    assert effort.quarter_minutes(240, 2, pace=500) == 2 * effort.quarter_minutes(240, 2, pace=1000) == 120
    with pytest.raises(ValueError, match="quarter must be from 1 to 4"):
        effort.quarter_minutes(240, 5, pace=1000)


def test_tasks_take_longer_than_planned_by_a_third_on_average() -> None:
    planned = effort.estimated_minutes(CALIBRATION, points=3, share_permille=400)
    true = [
        effort.true_minutes(CALIBRATION, drawn, sized_points=3, share_permille=400) for drawn in draws(3000, "minutes")
    ]

    assert planned == round(3 * CALIBRATION.effort.minutes_per_point * 0.4)
    assert 1.22 < fmean(true) / planned < 1.38
    assert 0.57 < fmean(minutes > planned for minutes in true) < 0.65


def test_knowledge_and_seniority_keep_defects_out() -> None:
    def rate(of: Pair) -> float:
        return fmean(effort.defect_slips_in(CALIBRATION, drawn, of) for drawn in draws(2000, "defects"))

    new, settled = rate(pair(worker(100), worker(100))), rate(pair(worker(900), worker(900)))
    assert 0.18 < new < 0.26
    assert settled < 0.08
    assert rate(pair(worker(100, "junior"), worker(100))) > new
    assert rate(pair(worker(100), None)) > new


def test_who_knows_a_module_guesses_its_wishes_better_and_spots_more() -> None:
    def wrong(knows: int) -> float:
        who = pair(worker(knows), worker(knows))
        return fmean(effort.assumes_wrongly(CALIBRATION, drawn, who) for drawn in draws(2000, "guess"))

    def seen(knows: int, seniority: str = "mid") -> float:
        who = worker(knows, seniority)
        return fmean(effort.spots_defect(CALIBRATION, drawn, who) for drawn in draws(2000, "spot"))

    assert wrong(100) > 0.4 > 0.2 > wrong(900)
    assert seen(100) < seen(900) < seen(900, "senior")


def test_experienced_drivers_assume_wrongly_less_often_whoever_sits_beside_them() -> None:
    def wrong(driver: str, navigator: str = "mid", knows: int = 300) -> float:
        who = pair(worker(knows, driver), worker(knows, navigator))
        return fmean(effort.assumes_wrongly(CALIBRATION, drawn, who) for drawn in draws(2000, "assume"))

    assert wrong("senior") < wrong("mid") < wrong("junior")
    assert wrong("junior") > 2 * wrong("senior")
    assert wrong("mid", "junior") == wrong("mid", "senior")
    assert 0.6 < wrong("mid", knows=0) < 0.73, "two of three wishes that are not the obvious one"
    assert wrong("junior", knows=0) == 1.0


def test_who_is_interrupted_makes_twice_the_mistakes() -> None:
    def rate(*, is_interrupted: bool) -> float:
        who = pair(worker(300), worker(300))
        return fmean(
            effort.defect_slips_in(CALIBRATION, drawn, who, is_interrupted=is_interrupted)
            for drawn in draws(2000, "interrupted")
        )

    assert 1.8 < rate(is_interrupted=True) / rate(is_interrupted=False) < 2.2


def test_mistakes_of_those_who_know_a_module_are_seldom_subtle() -> None:
    def subtle(knows: int) -> float:
        who = pair(worker(knows), None)
        return fmean(effort.is_subtle(CALIBRATION, drawn, who) for drawn in draws(2000, "subtle"))

    numbers = CALIBRATION.defects
    assert subtle(0) > subtle(500) > subtle(1000)
    assert abs(subtle(0) * 1000 - numbers.subtle_knowing_nothing) < 40
    assert abs(subtle(1000) * 1000 - numbers.subtle_knowing_everything) < 40


def test_a_senior_tester_catches_most_defects_but_not_all() -> None:
    caught = fmean(effort.catches_defect(CALIBRATION, drawn, worker(800, "senior")) for drawn in draws(2000, "catch"))

    assert 0.65 < caught < 0.85


def test_most_red_checks_of_a_flaky_story_and_few_false_alarms() -> None:
    assert 0.80 < fmean(effort.flaky_check_is_red(CALIBRATION, drawn) for drawn in draws(2000, "red")) < 0.88
    assert 0.02 < fmean(effort.false_alarm(CALIBRATION, drawn) for drawn in draws(2000, "alarm")) < 0.06


def test_an_interruption_costs_ten_to_fifteen_minutes_nine_times_in_ten() -> None:
    costs = [effort.interruption_minutes(CALIBRATION, drawn) for drawn in draws(2000, "torn")]

    assert 0.07 < costs.count(1) / len(costs) < 0.13
    assert {cost for cost in costs if cost != 1} == set(range(10, 16))


def test_review_takes_longer_for_large_stories_findings_and_reruns() -> None:
    usual = effort.review_minutes(CALIBRATION, points=3, findings=0)

    assert effort.review_minutes(CALIBRATION, points=5, findings=0) > usual
    assert effort.review_minutes(CALIBRATION, points=3, findings=2) == usual + 24
    assert effort.review_minutes(CALIBRATION, points=3, findings=0, reruns=1) == usual + 28


def test_repair_grows_with_defects_and_costs_nothing_without() -> None:
    assert effort.repair_minutes(CALIBRATION, defects=0, pace=500) == 0
    assert effort.repair_minutes(CALIBRATION, defects=2, pace=500) == 4 * CALIBRATION.defects.repair_minutes


@pytest.mark.parametrize("kind", KINDS)
def test_a_worse_disturbance_costs_more_and_a_lesson_makes_it_cheaper(kind: str) -> None:
    def mean_cost(severity: int, strength: int = 0) -> float:
        return fmean(
            effort.disturbance_minutes(CALIBRATION, drawn, kind, severity=severity, lesson_strength=strength)
            for drawn in draws(200, kind)
        )

    costs = [mean_cost(severity) for severity in (1, 2, 3, 4)]
    assert costs == sorted(costs)
    assert mean_cost(3, strength=3) < mean_cost(3, strength=1) < costs[2]
    assert 0.6 < mean_cost(3, strength=3) / costs[2] < 0.7


def test_unknown_disturbances_and_severities_are_refused() -> None:
    with pytest.raises(ValueError, match="unknown disturbance 'earthquake'"):
        effort.disturbance_minutes(CALIBRATION, draw(1, "a", "b", 0), "earthquake", severity=1)
    with pytest.raises(ValueError, match="severity must be from 1 to 4, got 5"):
        effort.blast(CALIBRATION, severity=5)


def test_mild_disturbances_are_the_rule() -> None:
    severities = [effort.severity(CALIBRATION, drawn) for drawn in draws(3000, "severity")]

    counts = [severities.count(severity) for severity in (1, 2, 3, 4)]
    assert counts == sorted(counts, reverse=True)
    assert min(counts) > 0


def test_symptoms_grow_with_severity_in_spite_of_noise() -> None:
    means = [
        fmean(effort.symptom_permille(CALIBRATION, drawn, severity=severity) for drawn in draws(500, "symptom"))
        for severity in (1, 2, 3, 4)
    ]

    assert [abs(mean - (250 * severity - 125)) < 25 for severity, mean in enumerate(means, start=1)] == [True] * 4


def test_putting_off_is_dearer_and_debt_slows() -> None:
    assert effort.deferred_minutes(CALIBRATION, 100) > 100
    slowdowns = [effort.debt_permille(CALIBRATION, severity=severity) for severity in (1, 2, 3, 4)]
    assert slowdowns == sorted(slowdowns)
    assert slowdowns[0] > 1000
    assert effort.switch_minutes(CALIBRATION) > 0
