"""What may be chosen in an observed state."""

from __future__ import annotations

from actors.policy.asking import TOPICS
from actors.policy.decisions import ChooseQuestion, PlanStory, ReflectOnSprint, TriageDisturbance, WriteCode
from actors.policy.prompting.forms import ALL_STORIES, MOST_CRITERIA, MOST_STORIES
from actors.policy.reflecting import GOOD
from actors.work.tools.calls import TOOLS

_CHANGES = ("write_file", "replace_text")
_RUNS = ("run_tests",)


def open_topics(observation: ChooseQuestion) -> dict[int, tuple[str, ...]]:
    """Which topics nobody has asked about yet, for each criterion that has any."""
    asked = frozenset(observation.story.answered)
    numbers = range(1, min(len(observation.story.criteria), MOST_CRITERIA) + 1)
    found = {number: tuple(topic for topic in TOPICS if f"{number}:{topic}" not in asked) for number in numbers}
    return {number: topics for number, topics in found.items() if topics}


def specializations(observation: PlanStory) -> tuple[str, ...]:
    """Specializations that a lead may give a task: the story's and those it knows itself."""
    person = observation.person
    return tuple(dict.fromkeys((observation.story.specialization, person.specialization, *person.auxiliaries)))


def praiseworthy(observation: ReflectOnSprint) -> tuple[str, ...]:
    """Topics that went well for this person."""
    return tuple(topic for topic in _lived_through(observation) if topic in GOOD)


def troublesome(observation: ReflectOnSprint) -> tuple[str, ...]:
    """Topics that stood in this person's way."""
    return tuple(topic for topic in _lived_through(observation) if topic not in GOOD)


def reach(observation: TriageDisturbance) -> tuple[int, int]:
    """Fewest and most stories that may be thought affected: no fewer than one sees."""
    fewest = min(max(0, observation.visible_stories), ALL_STORIES)
    return fewest, max(MOST_STORIES, fewest)


def tools(observation: WriteCode) -> tuple[str, ...]:
    """Tools that there is room for."""
    spent = (*(_CHANGES if observation.edits_left <= 0 else ()), *(_RUNS if observation.runs_left <= 0 else ()))
    return tuple(name for name in TOOLS if name not in spent)


def _lived_through(observation: ReflectOnSprint) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one.topic for one in observation.experiences if one.count > 0))
