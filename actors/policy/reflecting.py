"""The retrospective: what somebody would keep, drop and wonder about, from nothing but what happened to them."""

from __future__ import annotations

from actors.policy.calibration import Calibration
from actors.policy.decisions import Experience, ReflectOnSprint, RetroChoice
from actors.policy.dice import Dice
from actors.policy.retro_words import drop_text, keep_text, puzzle_text

GOOD = (
    "learned_from_a_junior",
    "questions_answered",
    "stories_approved",
    "finished_tasks",
    "pairing",
)  # what one is glad about; the rarer comes first where two happened equally often


def reflect_on_sprint(observation: ReflectOnSprint, calibration: Calibration, dice: Dice) -> RetroChoice:  # noqa: ARG001
    """Keep what went well, drop what cost most, wonder about something else that was in the way."""
    happened = [experience for experience in observation.experiences if experience.count > 0]
    kept = _praise([experience for experience in happened if experience.topic in GOOD], observation.praised)
    bad = sorted((e for e in happened if e.topic not in GOOD), key=lambda e: (-e.minutes, -e.count, e.topic))
    dropped = bad[0] if bad else None
    rest = [e for e in bad[1:] if e.topic not in observation.lessons] or bad[1:]
    wondered = dice.throw().pick(rest) if rest else None
    return RetroChoice(
        keep_topic=kept.topic if kept else "",
        keep=keep_text(kept) if kept else "",
        drop_topic=dropped.topic if dropped else "",
        drop=drop_text(dropped, again=dropped.topic in observation.lessons) if dropped else "",
        puzzle_topic=wondered.topic if wondered else "",
        puzzle=puzzle_text(wondered) if wondered else "",
    )


def _praise(good: list[Experience], praised: str) -> Experience | None:
    """What happened most often; nobody praises the same thing in two sprints running while there is something else."""
    order = {topic: position for position, topic in enumerate(GOOD)}
    return min(good, key=lambda e: (e.topic == praised, -e.count, order[e.topic]), default=None)
