"""Stand-up and retrospective: what people say there, and what a lead makes of it."""

from __future__ import annotations

from collections.abc import Sequence

from actors.policy.calibration import Calibration
from actors.policy.decisions import (
    DecideHelp,
    Experience,
    HelpChoice,
    ReflectOnSprint,
    ReportChoice,
    ReportStandup,
    RetroChoice,
)
from actors.policy.dice import Dice

_REMEDIES = (
    "say it in the next stand-up instead of waiting",
    "look at it together before the work starts",
    "keep one hour a day free for it",
    "write down the steps that worked",
)
_WONDERS = (
    "how do we notice it a day earlier",
    "is it always the same part of the product",
    "would another way of pairing prevent it",
    "what would it cost to get rid of it for good",
)


def report_standup(observation: ReportStandup, calibration: Calibration, dice: Dice) -> ReportChoice:
    """Name what is in the way, ask for help when far behind, otherwise report progress."""
    numbers, seniority = calibration.standup, observation.person.seniority
    progress = f"{observation.story_id or 'No story'} stands at {observation.progress_permille // 10} %"
    lag = observation.expected_permille - observation.progress_permille
    names_it = bool(observation.open_hazards) and dice.throw().chance(numbers.name_blocker.of(seniority))
    asks = lag >= numbers.lag_for_help and dice.throw().chance(numbers.ask_help.of(seniority))
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


def reflect_on_sprint(observation: ReflectOnSprint, calibration: Calibration, dice: Dice) -> RetroChoice:  # noqa: ARG001
    """Keep what went well, drop what cost most, wonder about the next; only from what really happened.

    An experience that cost no minutes went well; one that did was in the way.
    """
    happened = [experience for experience in observation.experiences if experience.count > 0]
    good = [experience for experience in happened if experience.minutes <= 0]
    bad = sorted((e for e in happened if e.minutes > 0), key=lambda e: (-e.minutes, e.topic))
    kept, dropped = _most_frequent(good), bad[0] if bad else None
    rest = [e for e in bad[1:] if e.topic not in observation.lessons] or bad[1:]
    wondered = dice.throw().pick(rest) if rest else None
    return RetroChoice(
        keep_topic=kept.topic if kept else "",
        keep=f"{_capital(kept.topic)} {_times(kept.count)} in this sprint; let us go on like that." if kept else "",
        drop_topic=dropped.topic if dropped else "",
        drop=_drop_text(dropped, observation.lessons, dice) if dropped else "",
        puzzle_topic=wondered.topic if wondered else "",
        puzzle=f"{_cost_text(wondered)}: {dice.throw().pick(_WONDERS)}?" if wondered else "",
    )


def _most_frequent(experiences: Sequence[Experience]) -> Experience | None:
    return min(experiences, key=lambda experience: (-experience.count, experience.topic), default=None)


def _drop_text(experience: Experience, lessons: Sequence[str], dice: Dice) -> str:
    remedy = dice.throw().pick(_REMEDIES)
    again = "once more " if experience.topic in lessons else ""
    return f"{_cost_text(experience)}; {again}let us {remedy}."


def _cost_text(experience: Experience) -> str:
    return f"{_capital(experience.topic)} {_times(experience.count)} cost me {experience.minutes} minutes"


def _in_words(name: str) -> str:
    return name.replace("_", " ")


def _capital(name: str) -> str:
    words = _in_words(name)
    return words[:1].upper() + words[1:]


def _times(count: int) -> str:
    return "once" if count == 1 else "twice" if count == 2 else f"{count} times"


def _days(count: int) -> str:
    return "1 day" if count == 1 else f"{count} days"
