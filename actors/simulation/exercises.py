"""Whether the stories of a backlog can be executed: each names a kata, and tells what the kata tells."""

from __future__ import annotations

from collections.abc import Iterator

from actors.work.katas.backlog import story_of
from actors.work.katas.bank import FAMILIES
from actors.work.katas.exercise import exercise
from actors.work.katas.themes import THEMES
from config.backlog import Backlog, Story
from config.errors import Problem
from config.schema import nearest_name
from config.yaml_tree import Located, parse_tree

HINT = "a kata's family and variant, or code_generation.mode=modelled for stories without code"
TOLD = ("acceptance_criteria", "clarifications")


def exercise_problems(backlog: Backlog) -> Iterator[Problem]:
    """Yield what keeps stories from being executed, each with its line and key."""
    tree = parse_tree(backlog.text, backlog.file, [])
    seen: dict[tuple[str, int], str] = {}
    for index, story in enumerate(backlog.stories):
        for key, message, allowed, nearest in _faults(story, backlog, seen):
            name = f"stories[{index}].{key}"
            line = _line(tree, index, key)
            yield Problem(
                file=backlog.file,
                line=line,
                key=name,
                message=f"{story.id}: {message}",
                allowed=allowed,
                nearest=nearest,
            )


def _faults(story: Story, backlog: Backlog, seen: dict[tuple[str, int], str]) -> Iterator[tuple[str, str, str, str]]:
    if story.variant is None:
        yield "variant", "has no variant, so there is nothing to execute", HINT, ""
        return
    if story.family not in FAMILIES:
        yield (
            "family",
            f"there is no kata {story.family!r}",
            "a family of the bank",
            nearest_name(story.family, FAMILIES),
        )
        return
    if story.variant >= len(THEMES):
        yield "variant", f"{story.variant} is not allowed", f"an integer from 0 to {len(THEMES) - 1}", ""
        return
    before = seen.setdefault((story.family, story.variant), story.id)
    if before != story.id:
        yield "variant", f"{story.family} {story.variant} is {before} already", "each variant once", ""
    one = exercise(story.family, story.variant)
    wanted = story_of(one, number=1, depends_on=(), clarity="plain")
    for key in TOLD:
        if getattr(story, key) != getattr(wanted, key):
            same = f"what {story.family} {story.variant} says; see `python -m actors.work.katas backlog`"
            yield key, "differs from its kata, whose hidden tests would judge something else", same, ""
    yield from _missing(story, backlog, one.kata.needs)


def _missing(story: Story, backlog: Backlog, needs: tuple[str, ...]) -> Iterator[tuple[str, str, str, str]]:
    """The modules that it imports have to be there before it: same variants, among what it waits for."""
    awaited = {(one.family, one.variant) for one in backlog.stories if one.id in story.depends_on}
    for family in needs:
        if (family, story.variant) not in awaited:
            missing = f"imports {family} {story.variant}, but does not wait for it"
            yield "depends_on", missing, "the stories whose code it imports", ""


def _line(tree: Located | None, index: int, key: str) -> int:
    if tree is None:
        return 0
    at = tree.at(("stories", index, key))
    return at.line
