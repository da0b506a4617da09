"""The stand-up: what people say there, and what a lead makes of it."""

from __future__ import annotations

from actors.policy.calibration import Calibration
from actors.policy.decisions import (
    DecideHelp,
    HelpChoice,
    ReportChoice,
    ReportStandup,
)
from actors.policy.dice import Dice


def report_standup(observation: ReportStandup, calibration: Calibration, dice: Dice) -> ReportChoice:
    """Name what is in the way, ask for help when far behind, otherwise report progress."""
    numbers, seniority = calibration.standup, observation.person.seniority
    progress = f"{observation.story_id or 'No story'} stands at {observation.progress_permille // 10} %"
    lag = observation.expected_permille - observation.progress_permille
    names_it = bool(observation.open_hazards) and dice.throw().chance(numbers.name_blocker.of(seniority))
    tolerated = max(0, numbers.lag_for_help - numbers.earlier_per_lesson * max(0, observation.lessons))
    asks = lag >= tolerated and dice.throw().chance(numbers.ask_help.of(seniority))
    if names_it:
        hazards = " and ".join(_in_words(hazard) for hazard in observation.open_hazards)
        text = f"{progress}; held up by {hazards}."
    elif asks:
        text = f"{progress}, {lag // 10} points behind plan with {_days(observation.days_left)} left; I could use help."
    else:
        text = f"{progress}; going on with it today."
    return ReportChoice(raise_blocker=names_it, ask_help=asks, text=text)


def decide_help(observation: DecideHelp, calibration: Calibration, dice: Dice) -> HelpChoice:  # noqa: ARG001
    """Send the free colleague who knows the module best, if anybody knows enough of it to be of help."""
    known = dict(zip(observation.candidates, observation.candidate_knowledge, strict=True))
    blocker = _in_words(observation.blocker) or "being behind plan"
    helper = max(observation.candidates, key=lambda name: known[name], default="")
    if not helper or known[helper] < calibration.standup.helper_knowledge:
        return HelpChoice(helper="", text=f"Go on with {observation.story_id}; nobody free knows {observation.module}.")
    return HelpChoice(helper=helper, text=f"{helper} joins {observation.story_id} today because of {blocker}.")


def _in_words(name: str) -> str:
    return name.replace("_", " ")


def _days(count: int) -> str:
    return "1 day" if count == 1 else f"{count} days"
