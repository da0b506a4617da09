"""Estimates and plans: how big a story is, and which tasks it falls into."""

from __future__ import annotations

from actors.policy.arithmetic import between, clamp, lognormal_permille, scaled
from actors.policy.calibration import Calibration
from actors.policy.decisions import EstimatePoints, PlanChoice, PlanStory, PointsChoice, StoryView, TaskChoice
from actors.policy.dice import Dice

POINTS = (1, 2, 3, 5, 8, 13)


def estimate_points(observation: EstimatePoints, calibration: Calibration, dice: Dice) -> PointsChoice:
    """The sizing as this person sees it; from the second round on drawn towards the others' votes."""
    numbers = calibration.estimating
    sigma = scaled(numbers.sigma.of(observation.person.seniority), _error_left(observation, calibration))
    factor = lognormal_permille(dice.throw(), median_permille=numbers.optimism, sigma_milli=sigma)
    view_milli = max(1, observation.story.sized_points) * factor
    if observation.round > 1 and observation.votes:
        votes = sorted(observation.votes)
        view_milli = between(view_milli, 1000 * votes[len(votes) // 2], numbers.convergence)
    return PointsChoice(points=_nearest_points(view_milli))


def plan_story(observation: PlanStory, calibration: Calibration, dice: Dice) -> PlanChoice:
    """Build the criteria one after another or side by side, then check the whole story."""
    story, numbers = observation.story, calibration.planning
    parts = 1 + (observation.points > numbers.two_tasks_up_to) + (observation.points > numbers.three_tasks_up_to)
    side_by_side = parts > 1 and dice.throw().chance(numbers.side_by_side)
    shares = _shares(parts, calibration, dice)
    tasks = [
        TaskChoice(
            title=_task_title(story, number, parts),
            share_permille=shares[number],
            depends_on=() if number == 0 or side_by_side else (number - 1,),
            specialization=story.specialization,
        )
        for number in range(parts)
    ]
    checking = TaskChoice(
        title=f"Check {_shortened(story.title)} as a whole and close the gaps",
        share_permille=1000 - sum(shares),
        depends_on=tuple(range(parts)) if side_by_side else (parts - 1,),
        specialization=story.specialization,
    )
    return PlanChoice(tasks=(*tasks, checking), approach=_approach(observation, side_by_side))


def _error_left(observation: EstimatePoints, calibration: Calibration) -> int:
    """What is left of the error of a newcomer, in thousandths: experience and knowledge of the module take away."""
    numbers = calibration.estimating
    avoidable = 1000 * numbers.experience_half // (numbers.experience_half + max(0, observation.estimates_seen))
    known = clamp(observation.knowledge_permille, 0, 1000)
    avoidable = scaled(avoidable, 1000 - scaled(numbers.knowledge_relief, known))
    return between(numbers.sigma_floor, 1000, avoidable)


def _nearest_points(view_milli: int) -> int:
    return min(POINTS, key=lambda points: (abs(1000 * points - view_milli), -points))


def _shares(parts: int, calibration: Calibration, dice: Dice) -> list[int]:
    """Shares of the building tasks; what they leave to 1000 is for checking."""
    numbers = calibration.planning
    spread = numbers.share_spread
    weights = [1000 - spread + dice.throw().below(2 * spread + 1) for _ in range(parts)]
    building = 1000 - numbers.test_share
    return [building * weight // sum(weights) for weight in weights]


def _task_title(story: StoryView, number: int, parts: int) -> str:
    """Each building task takes its share of the criteria, in their order."""
    count = len(story.criteria)
    mine = story.criteria[number * count // parts : (number + 1) * count // parts]
    return f"Build: {_shortened(mine[0] if mine else story.title)}"


def _approach(observation: PlanStory, side_by_side: bool) -> str:
    order = "its parts side by side" if side_by_side else "its parts one after another"
    care = f", minding {observation.lessons[0].replace('_', ' ')}" if observation.lessons else ""
    return f"Extend {observation.story.module} in small steps, {order}, and check the whole at the end{care}."


def _shortened(text: str) -> str:
    return text if len(text) <= 80 else f"{text[:79].rstrip()}…"
