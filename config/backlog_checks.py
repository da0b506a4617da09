"""What no story can see alone: ids given twice, dependencies that lead nowhere or in a circle."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from config.errors import Problem
from config.schema import nearest_name
from config.validation import problem_at
from config.yaml_tree import Loc, Located, shown

_LONGEST_PATH = 12  # stories of a circle that are named


def story_problems(tree: Located) -> Iterator[Problem]:
    """Yield the problems between stories. Looks at the tree itself, so one broken story hides nothing in the others."""
    stories = _items(tree, ("stories",))
    places: dict[str, int] = {}
    for index, story in enumerate(stories):
        story_id = _text(story, "id")
        if story_id is None:
            continue
        if story_id in places:
            first = stories[places[story_id]].at(("id",)).line
            at: Loc = ("stories", index, "id")
            yield problem_at(tree, at, f"{shown(story_id)} is given twice, first in line {first}")
        places.setdefault(story_id, index)
    for index, story in enumerate(stories):
        yield from _reference_problems(tree, index, story, places)
    yield from _circle_problems(tree, _dependencies(stories, places), places)


def _reference_problems(tree: Located, index: int, story: Located, places: Mapping[str, int]) -> Iterator[Problem]:
    for place, item in enumerate(_items(story, ("depends_on",))):
        if isinstance(item.value, str) and item.value not in places:
            at: Loc = ("stories", index, "depends_on", place)
            message, near = f"there is no story {shown(item.value)}", nearest_name(item.value, places)
            yield problem_at(tree, at, message, nearest=near)
    criteria = len(_items(story, ("acceptance_criteria",)))
    for place, item in enumerate(_items(story, ("clarifications",))):
        number = item.value.get("criterion") if isinstance(item.value, dict) else None
        if number is not None and type(number.value) is int and criteria and number.value > criteria:
            at = ("stories", index, "clarifications", place, "criterion")
            allowed = f"an integer from 1 to {criteria}, as the story has {criteria} acceptance criteria"
            yield problem_at(tree, at, f"{number.text} is not allowed", allowed=allowed)


def _dependencies(stories: list[Located], places: Mapping[str, int]) -> dict[str, list[str]]:
    return {
        story_id: [item.value for item in _items(stories[index], ("depends_on",)) if isinstance(item.value, str)]
        for story_id, index in places.items()
    }


def _circle_problems(tree: Located, needs: Mapping[str, list[str]], places: Mapping[str, int]) -> Iterator[Problem]:
    """Walk the dependencies depth first, with a stack of our own: chains may be longer than Python's stack."""
    done: set[str] = set()
    for start in needs:
        path: list[str] = []
        stack: list[tuple[str, Iterator[str]]] = []
        if start not in done:
            path, stack = [start], [(start, iter(needs[start]))]
        on_path = set(path)
        while stack:
            story_id, rest = stack[-1]
            needed = next(rest, None)
            if needed is None:
                stack.pop()
                on_path.discard(path.pop())
                done.add(story_id)
            elif needed in on_path:
                circle = [*path[path.index(needed) :], needed]
                at: Loc = ("stories", places[story_id], "depends_on")
                yield problem_at(tree, at, f"stories wait for each other in a circle: {_arrows(circle)}")
            elif needed in needs and needed not in done:
                path.append(needed)
                on_path.add(needed)
                stack.append((needed, iter(needs[needed])))


def _arrows(circle: list[str]) -> str:
    if len(circle) > _LONGEST_PATH:
        circle = [*circle[: _LONGEST_PATH - 1], "…", circle[-1]]
    return " -> ".join(shown(story_id) for story_id in circle)


def _items(tree: Located, loc: Loc) -> list[Located]:
    value: object = tree.value
    for part in loc:
        inner = value.get(part) if isinstance(value, dict) else None
        value = inner.value if isinstance(inner, Located) else None
    return value if isinstance(value, list) else []


def _text(tree: Located, key: str) -> str | None:
    value = tree.value.get(key) if isinstance(tree.value, dict) else None
    return value.value if value is not None and isinstance(value.value, str) else None
