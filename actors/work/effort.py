"""The world's model of modelled work: how long it takes, what goes wrong in it, who notices.

Pure functions over integers: effort in working minutes, shares in thousandths (`permille`). Every chance comes in as a
draw. Nobody's policy reads this module; it is the truth that the workshop keeps and the people only see parts of.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, assert_never

from actors.policy.arithmetic import between, clamp, lognormal_permille, pick_weighted, scaled
from actors.policy.calibration import Calibration
from actors.policy.calibration_sections import FourSeverities
from config.streams import Draw

Fit = Literal["primary", "auxiliary", "none"]
QUARTERS = 4  # a task is done in four pieces, each ending in a checkpoint


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """One person at a piece of work; may travel inside a message."""

    seniority: str  # junior, mid or senior
    knowledge_permille: int  # of the module worked in
    fit: Fit  # of the person's training and the specialization that the work wants


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Who works on a piece of work, and under which conditions; may travel inside a message."""

    driver: Worker
    navigator: Worker | None  # None: alone, as in a spike
    familiarity_permille: int  # of the two with each other; without meaning when alone


# ------------------------------------------------------------------------------------------------------- how long


def estimated_minutes(calibration: Calibration, *, points: int, share_permille: int = 1000) -> int:
    """Minutes that work of this size is planned to take, at standard pace."""
    return max(1, scaled(points * calibration.effort.minutes_per_point, share_permille))


def true_minutes(calibration: Calibration, draw: Draw, *, sized_points: int, share_permille: int) -> int:
    """Minutes that one task really takes at standard pace; drawn once when the task comes into being."""
    numbers = calibration.effort
    factor = lognormal_permille(draw, median_permille=numbers.factor_median, sigma_milli=numbers.factor_sigma)
    nominal = estimated_minutes(calibration, points=sized_points, share_permille=share_permille)
    return max(QUARTERS, scaled(nominal, clamp(factor, numbers.factor_minimum, numbers.factor_maximum)))


def pair_knowledge_permille(calibration: Calibration, pair: Pair) -> int:
    """What the two know together: the better one's knowledge, and part of what is missing from the other's."""
    if pair.navigator is None:
        return pair.driver.knowledge_permille
    low, high = sorted((pair.driver.knowledge_permille, pair.navigator.knowledge_permille))
    filled = scaled((1000 - high) * low // 1000, calibration.knowledge.navigator_fills)
    return clamp(high + filled, 0, 1000)


def pace_permille(calibration: Calibration, pair: Pair, *, debt_permille: int = 1000) -> int:
    """How fast a pair gets on; 1000 is standard pace, at which `true_minutes` is what a task takes.

    Args:
        calibration: The numbers.
        pair: Who works.
        debt_permille: How much slower the module's architectural debt makes all work in it; 1000 without debt.
    """
    numbers = calibration.pace
    knowledge = between(numbers.knowledge_floor, 1000, pair_knowledge_permille(calibration, pair))
    if pair.navigator is None:
        together = numbers.solo
    else:
        together = between(numbers.familiarity_floor, 1000, clamp(pair.familiarity_permille, 0, 1000))
    pace = scaled(scaled(_skill(calibration, pair), knowledge), together)
    pace = scaled(pace, _fit_permille(calibration, pair))
    return clamp(pace * 1000 // max(1, debt_permille), numbers.minimum, numbers.maximum)


def quarter_minutes(task_minutes: int, quarter: int, *, pace: int) -> int:
    """Working minutes that quarter 1 to 4 of a task takes at a pace; the quarters sum to the task at pace 1000.

    Raises:
        ValueError: There is no such quarter.
    """
    if not 1 <= quarter <= QUARTERS:
        raise ValueError(f"quarter must be from 1 to {QUARTERS}, got {quarter}")
    at_standard_pace = task_minutes * quarter // QUARTERS - task_minutes * (quarter - 1) // QUARTERS
    return minutes_at(at_standard_pace, pace=pace)


def minutes_at(standard_minutes: int, *, pace: int) -> int:
    """Working minutes for work that takes `standard_minutes` at standard pace; at least one."""
    return max(1, (standard_minutes * 1000 + pace - 1) // max(1, pace))


# ------------------------------------------------------------------------------------------------ what goes wrong


def defect_slips_in(
    calibration: Calibration, draw: Draw, pair: Pair, *, care: int = 0, is_interrupted: bool = False
) -> bool:
    """Whether a quarter of a task leaves a defect behind.

    Args:
        care: How firmly the driver keeps remarks in mind.
        is_interrupted: Whether somebody was called away in the middle of it.
    """
    numbers = calibration.defects
    known = pair_knowledge_permille(calibration, pair)
    chance = between(numbers.chance_knowing_nothing, numbers.chance_knowing_everything, known)
    chance = scaled(chance, numbers.skill_relief.of(pair.driver.seniority))
    if pair.navigator is None:
        chance = scaled(chance, numbers.solo_factor)
    if is_interrupted:
        chance = scaled(chance, numbers.interrupted_factor)
    chance = scaled(chance, clamp(1000 - numbers.relief_per_lesson * max(0, care), 0, 1000))
    return draw.chance(clamp(chance, 0, 1000))


def is_subtle(calibration: Calibration, draw: Draw, pair: Pair) -> bool:
    """Whether a mistake in code shows in rare cases only, so that tests of what is usual do not notice it."""
    numbers, known = calibration.defects, pair_knowledge_permille(calibration, pair)
    return draw.chance(between(numbers.subtle_knowing_nothing, numbers.subtle_knowing_everything, known))


def assumes_wrongly(calibration: Calibration, draw: Draw, pair: Pair) -> bool:
    """Whether a wish that nobody asked about is built the wrong way, where the obvious assumption is not the wish.

    People who know a module guess more often what is wanted of it, and experienced ones assume less. To be drawn once
    for each such clarification, when the criterion is built.
    """
    numbers = calibration.defects
    known = pair_knowledge_permille(calibration, pair)
    right = between(numbers.guesses_right_knowing_nothing, numbers.guesses_right_knowing_everything, known)
    wrong = scaled(1000 - right, numbers.skill_relief.of(pair.driver.seniority))
    return draw.chance(clamp(wrong, 0, 1000))


def spots_defect(calibration: Calibration, draw: Draw, navigator: Worker) -> bool:
    """Whether a navigator sees that one present defect looks wrong; to be drawn once for each defect and checkpoint."""
    numbers = calibration.defects
    sight = between(numbers.spots_without_knowledge, 1000, navigator.knowledge_permille)
    return draw.chance(clamp(scaled(numbers.navigator_spots.of(navigator.seniority), sight), 0, 1000))


def false_alarm(calibration: Calibration, draw: Draw) -> bool:
    """Whether something looks wrong to a navigator that is right."""
    return draw.chance(calibration.defects.false_alarm)


def repair_minutes(calibration: Calibration, *, defects: int, pace: int) -> int:
    """Working minutes to repair this many known defects."""
    return minutes_at(calibration.defects.repair_minutes * defects, pace=pace) if defects > 0 else 0


# --------------------------------------------------------------------------------------------- quality assurance


def review_minutes(calibration: Calibration, *, points: int, findings: int, reruns: int = 0) -> int:
    """Working minutes that quality assurance spends on one story in Review."""
    numbers = calibration.quality
    fixed = numbers.review_minutes + numbers.review_minutes_per_point * points
    return fixed + numbers.minutes_per_finding * findings + numbers.rerun_minutes * reruns


def catches_defect(calibration: Calibration, draw: Draw, tester: Worker) -> bool:
    """Whether the checks of quality assurance fail because of one defect; to be drawn once for each defect."""
    numbers = calibration.quality
    sight = between(numbers.catches_without_knowledge, 1000, tester.knowledge_permille)
    return draw.chance(clamp(scaled(numbers.catches.of(tester.seniority), sight), 0, 1000))


def flaky_check_is_red(calibration: Calibration, draw: Draw) -> bool:
    """Whether a flaky check of a story tagged FLAKY is red at its first run."""
    return draw.chance(calibration.quality.flaky_red)


# ------------------------------------------------------------------------------------ interruptions, disturbances


def interruption_minutes(calibration: Calibration, draw: Draw) -> int:
    """Working minutes until somebody who was interrupted is back in the work."""
    numbers = calibration.interruptions
    if draw.chance(numbers.quick_resume):
        return 1
    return numbers.resume_minutes_low + draw.below(numbers.resume_minutes_high - numbers.resume_minutes_low + 1)


def switch_minutes(calibration: Calibration) -> int:
    """Working minutes to get into a story that somebody else has started."""
    return calibration.interruptions.switch_story_minutes


def severity(calibration: Calibration, draw: Draw) -> int:
    """How bad a disturbance is: 1 minor to 4 critical."""
    return 1 + pick_weighted(draw, calibration.disturbances.severity_weights)


def blast(calibration: Calibration, *, severity: int) -> int:
    """How many stories a disturbance of this severity may reach."""
    return _at(calibration.disturbances.blast_per_severity, severity)


def disturbance_minutes(
    calibration: Calibration, draw: Draw, kind: str, *, severity: int, lesson_strength: int = 0
) -> int:
    """Working minutes that a disturbance costs where it strikes; lessons about its kind make it cheaper.

    Raises:
        ValueError: There is no such kind.
    """
    typical = _at(_cost_of(calibration, kind), severity)
    spread = calibration.disturbances.cost_spread
    cost = scaled(typical, 1000 - spread + draw.below(2 * spread + 1))
    return max(1, scaled(cost, lesson_permille(calibration, strength=lesson_strength)))


def lesson_permille(calibration: Calibration, *, strength: int) -> int:
    """What remains of a cost for somebody who took a lesson of this strength; 1000 without a lesson."""
    numbers = calibration.lessons
    return clamp(1000 - numbers.relief_per_strength * clamp(strength, 0, numbers.maximum_strength), 0, 1000)


def deferred_minutes(calibration: Calibration, minutes: int) -> int:
    """What a disturbance costs in the end when its repair was put off."""
    return scaled(minutes, calibration.disturbances.defer_growth)


def debt_permille(calibration: Calibration, *, severity: int) -> int:
    """How much longer all work in a module takes while architectural debt of this severity lies open."""
    return _at(calibration.disturbances.debt_slowdown, severity)


def symptom_permille(calibration: Calibration, draw: Draw, *, severity: int) -> int:
    """What a disturbance looks like, 0 to 1000: it grows with the true severity, with noise."""
    noise = draw.normal_milli() * calibration.disturbances.symptom_noise // 1000
    return clamp(severity * 250 - 125 + noise, 0, 1000)


def _skill(calibration: Calibration, pair: Pair) -> int:
    by_seniority = calibration.skill.productivity
    driver = by_seniority.of(pair.driver.seniority)
    if pair.navigator is None:
        return driver
    return between(driver, by_seniority.of(pair.navigator.seniority), calibration.skill.navigator_share)


def _fit_permille(calibration: Calibration, pair: Pair) -> int:
    """The better fit of the two counts; a navigator's as far as a navigator shapes the work."""
    driver = _fit_factor(calibration, pair.driver.fit)
    if pair.navigator is None:
        return driver
    navigator = _fit_factor(calibration, pair.navigator.fit)
    return driver if navigator <= driver else between(driver, navigator, calibration.knowledge.navigator_fills)


def _fit_factor(calibration: Calibration, fit: Fit) -> int:
    match fit:
        case "primary":
            return calibration.pace.primary_fit
        case "auxiliary":
            return calibration.pace.auxiliary_fit
        case "none":
            return calibration.pace.no_fit
        case _:
            assert_never(fit)


def _cost_of(calibration: Calibration, kind: str) -> FourSeverities:
    costs = calibration.disturbances.cost_minutes
    if kind not in type(costs).__slots__:
        raise ValueError(f"unknown disturbance {kind!r}")
    found: FourSeverities = getattr(costs, kind)
    return found


def _at(numbers: Sequence[int], severity: int) -> int:
    if not 1 <= severity <= len(numbers):
        raise ValueError(f"severity must be from 1 to {len(numbers)}, got {severity}")
    return numbers[severity - 1]
