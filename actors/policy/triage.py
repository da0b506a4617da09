"""Judging what went wrong and what was finished: disturbances, quality, acceptance."""

from __future__ import annotations

from typing import Literal

from actors.policy.arithmetic import clamp, scaled
from actors.policy.calibration import Calibration
from actors.policy.decisions import (
    CriterionChoice,
    JudgeCriterion,
    JudgeQuality,
    QaChoice,
    TriageChoice,
    TriageDisturbance,
)
from actors.policy.dice import Dice

Response = Literal["fix_now", "defer", "escalate"]


def triage_disturbance(observation: TriageDisturbance, calibration: Calibration, dice: Dice) -> TriageChoice:
    """Read the severity off the symptom; knowledge of the module and lessons make the reading less noisy."""
    numbers = calibration.triage
    noise = scaled(numbers.judgement_noise, 1000 - clamp(observation.knowledge_permille, 0, 1000))
    noise = scaled(noise, clamp(1000 - numbers.lesson_relief * max(0, observation.lessons), 0, 1000))
    reading = observation.symptom_permille + dice.throw().normal_milli() * noise // 1000
    severity = clamp(reading // 250 + 1, 1, 4)
    reach = calibration.disturbances.blast_per_severity[severity - 1]
    return TriageChoice(
        severity=severity,
        blast=max(observation.visible_stories, reach),
        response=_response(observation, severity, calibration, dice),
    )


def judge_quality(observation: JudgeQuality, calibration: Calibration, dice: Dice) -> QaChoice:
    """A failing check sends the story back; one that was red once and then green needs judgement."""
    title = observation.story.title
    if observation.failing_checks > 0:
        back = "goes back again" if observation.returned_before > 0 else "goes back"
        return QaChoice(approve=False, text=f"“{title}” {back}: {_checks(observation.failing_checks)} failing.")
    if observation.flaky_checks > 0:
        accepted = dice.throw().chance(calibration.judging.accept_flaky.of(observation.person.seniority))
        seen = f"{_checks(observation.flaky_checks)} red once and green when run again"
        verdict = "is good" if accepted else "goes back until that is understood"
        return QaChoice(approve=accepted, text=f"“{title}” {verdict}: {seen}.")
    return QaChoice(approve=True, text=f"“{title}” does what its {len(observation.story.criteria)} criteria say.")


def judge_criterion(observation: JudgeCriterion, calibration: Calibration, dice: Dice) -> CriterionChoice:
    """Accept what was wanted; of what differs, only what is good enough."""
    criteria = observation.story.criteria
    if not 1 <= observation.criterion <= len(criteria):
        raise ValueError(f"the story has no criterion {observation.criterion}")
    wanted = criteria[observation.criterion - 1]
    if not observation.deviations:
        return CriterionChoice(accept=True, reason=f"Shown as wanted: {wanted}")
    differs = "; ".join(observation.deviations)
    accept = all(dice.throw().chance(calibration.judging.tolerate_deviation) for _ in observation.deviations)
    verdict = "Good enough although it differs" if accept else "Not what was wanted"
    return CriterionChoice(accept=accept, reason=f"{verdict} ({wanted}): {differs}")


def _response(observation: TriageDisturbance, severity: int, calibration: Calibration, dice: Dice) -> Response:
    """Rerun and carry on where it is most likely noise; act on what is bad; call the lead for what is too big."""
    numbers = calibration.triage
    if severity == 4 and dice.throw().chance(numbers.escalate_critical.of(observation.person.seniority)):
        return "escalate"
    if severity >= 3:
        return "fix_now"
    if severity == 1 or observation.hazard == "flaky_test":
        return "defer"
    return "fix_now" if dice.throw().chance(numbers.fix_moderate) else "defer"


def _checks(count: int) -> str:
    return "1 check is" if count == 1 else f"{count} checks are"
