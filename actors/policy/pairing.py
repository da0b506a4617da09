"""Checkpoints of a pair and what follows when the two cannot agree."""

from __future__ import annotations

from actors.policy.arithmetic import clamp, scaled
from actors.policy.calibration import Calibration
from actors.policy.decisions import (
    CheckpointChoice,
    DecideEscalation,
    EscalationChoice,
    HoldCheckpoint,
    ReviewCheckpoint,
    ReviewChoice,
    StoryView,
)
from actors.policy.dice import Dice

ISSUES = ("design", "tests", "naming", "scope", "edge_case", "performance")
_CONCERNS = {
    "design": "I cannot see how this part of {module} will carry “{criterion}”",
    "tests": "nothing checks “{criterion}” yet",
    "naming": "I would not find “{criterion}” in this code by its names",
    "scope": "we are building more than “{criterion}” asks for",
    "edge_case": "I doubt that “{criterion}” holds in the unusual cases",
    "performance": "“{criterion}” will be slow with a lot of data",
}


def hold_checkpoint(observation: HoldCheckpoint, calibration: Calibration, dice: Dice) -> CheckpointChoice:
    """Go on; revise when the navigator's concern convinces or the plan is long overrun; escalate rarely."""
    numbers = calibration.checkpoints
    story, concern = observation.story, observation.concern.rstrip(".")
    if concern:
        readiness = numbers.accept_concern.of(observation.person.seniority)
        if observation.exchange > 2:
            readiness = scaled(readiness, numbers.accept_again)
        if dice.throw().chance(readiness):
            return CheckpointChoice(action="pivot", reason=f"You are right: {concern}.")
        if observation.exchange > 2 and dice.throw().chance(numbers.escalate_chance):
            return CheckpointChoice(action="escalate", reason=f"We do not agree whether {concern}.")
        return CheckpointChoice(action="continue", reason=f"I see it differently, the way we took fits {story.module}.")
    limit = scaled(observation.planned_minutes, numbers.own_pivot_overrun)
    if observation.spent_minutes > limit and dice.throw().chance(numbers.own_pivot_chance):
        overrun = observation.spent_minutes - observation.planned_minutes
        return CheckpointChoice(action="pivot", reason=f"We are {overrun} minutes over plan; a simpler way is needed.")
    return CheckpointChoice(action="continue", reason=f"{observation.percent} % done as we meant to.")


def review_checkpoint(observation: ReviewCheckpoint, calibration: Calibration, dice: Dice) -> ReviewChoice:
    """Raise what looks wrong if there is the nerve for it; after a revision mostly approve."""
    numbers = calibration.reviews
    if observation.exchange > 1:
        revised = observation.driver_action == "pivot"
        chance = numbers.insist_after_revision if revised else numbers.insist_without_revision
    elif observation.suspicious_spots > 0:
        chance = _nerve_permille(observation, calibration)
    else:
        chance = numbers.nitpick_chance
    if not dice.throw().chance(chance):
        return ReviewChoice(approve=True, issue="", reason=_approval(observation))
    issue = dice.throw().pick(ISSUES if observation.suspicious_spots > 0 else ("naming", "design"))
    return ReviewChoice(approve=False, issue=issue, reason=_concern(issue, observation.story, observation.percent))


def decide_escalation(observation: DecideEscalation, calibration: Calibration, dice: Dice) -> EscalationChoice:
    """Pick an option; who knows the module prefers the first, which is the pair's simplest."""
    if not observation.options:
        raise ValueError("there is no option to decide on")
    numbers = calibration.escalations
    sound = scaled(numbers.sound_choice, clamp(observation.knowledge_permille, 0, 1000))
    option = 0 if dice.throw().chance(sound) else dice.throw().below(len(observation.options))
    record = numbers.record_tier_three if observation.tier >= 3 else numbers.record_tier_two
    chosen = observation.options[option]
    return EscalationChoice(
        option=option,
        record=dice.throw().chance(record),
        consequence=(
            f"Work in {observation.story.module} follows “{chosen}” from now on; "
            f"whoever meets {_in_words(observation.issue)} there again starts from this."
        ),
    )


def _nerve_permille(observation: ReviewCheckpoint, calibration: Calibration) -> int:
    numbers = calibration.reviews
    nerve = numbers.raise_chance.of(observation.person.seniority)
    nerve += scaled(nerve, scaled(numbers.knowledge_gain, clamp(observation.knowledge_permille, 0, 1000) - 500))
    nerve += scaled(nerve, scaled(numbers.familiarity_gain, clamp(observation.familiarity_permille, 0, 1000) - 500))
    quiet = 1000 - clamp(nerve, 0, 1000)
    for _ in range(min(observation.suspicious_spots, 5) - 1):  # each further spot is another reason to speak
        quiet = scaled(quiet, numbers.further_spot)
    return 1000 - quiet


def _approval(observation: ReviewCheckpoint) -> str:
    if observation.driver_action == "pivot":
        return f"I approve because the revision of {observation.story.module} settles it."
    return f"I approve because I can follow what we did up to {observation.percent} %."


def _concern(issue: str, story: StoryView, percent: int) -> str:
    """The concern names the criterion that is being built at this point of the task."""
    if not story.criteria:
        return _CONCERNS[issue].format(module=story.module, criterion=story.title)
    position = min(percent * len(story.criteria) // 100, len(story.criteria) - 1)
    return _CONCERNS[issue].format(module=story.module, criterion=story.criteria[position])


def _in_words(name: str) -> str:
    return name.replace("_", " ") or "the same question"
