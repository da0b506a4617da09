"""What a kata is: the story as it is told, what it leaves open, the oracle that knows better, and how it is tested.

A family is a function from a `Variant` to a `Kata`. Interfaces exchange plain data (None, bool, int, str, list, dict),
so that hidden tests can call code in another process. The oracle is one module as text; `<<name>>` in it is replaced by
the code of the alternative that is chosen for an open point, or, for a needed family, by the module to import from.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeVar

from actors.work.katas.themes import THEMES, Theme
from actors.work.sandbox.plain import Plain
from config.streams import Draw, draw

DOMAINS = ("api", "pipeline", "library", "cli", "infra", "frontend")
LEAST_ALTERNATIVES = 4
STREAM = "katas"
T = TypeVar("T")


class Variant:
    """The seeded choices of one variant; the same family and number always give the same."""

    def __init__(self, family: str, number: int) -> None:
        if not 0 <= number < len(THEMES):
            raise ValueError(f"variants are numbered from 0 to {len(THEMES) - 1}, got {number}")
        self.family, self.number = family, number

    @property
    def theme(self) -> Theme:
        """What the product's user handles: no two variants of a family share one."""
        return THEMES[self.number]

    def number_between(self, name: str, low: int, high: int) -> int:
        """A number from `low` to `high`, both included, keyed by `name`."""
        return low + self.chance(name).below(high - low + 1)

    def pick(self, name: str, options: Sequence[T]) -> T:
        """One of the options, keyed by `name`."""
        return options[self.chance(name).below(len(options))]

    def chance(self, name: str) -> Draw:
        """The draw behind a name."""
        return draw(0, STREAM, f"{self.family}/{self.number}/{name}", 0)


class Chance:
    """Successive draws for one generated input."""

    def __init__(self, entity: str) -> None:
        self._entity, self._n = entity, 0

    def below(self, count: int) -> int:
        """A number from 0 to `count - 1`."""
        self._n += 1
        return draw(0, STREAM, self._entity, self._n).below(count)

    def between(self, low: int, high: int) -> int:
        """A number from `low` to `high`, both included."""
        return low + self.below(high - low + 1)

    def pick(self, options: Sequence[T]) -> T:
        """One of the options."""
        return options[self.below(len(options))]


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One call and what must come of it."""

    function: str
    arguments: tuple[Plain, ...]
    result: Plain = None
    error: str = ""  # the exception class that must be raised; `result` means nothing then


def call(function: str, *arguments: Plain, result: Plain = None, error: str = "") -> Example:
    """An example, written as one reads it: the call, and what must come of it."""
    return Example(function=function, arguments=arguments, result=result, error=error)


@dataclass(frozen=True, slots=True, kw_only=True)
class Alternative:
    """One thing that the product owner may mean by an open point."""

    name: str
    answer: str  # what the product owner says when asked
    code: Mapping[str, str]  # placeholder -> source text
    examples: tuple[Example, ...]  # hold whatever is chosen for the other points; each other alternative fails one


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenPoint:
    """What a criterion leaves open. Its first alternative is what one builds without asking."""

    criterion: int  # 1-based
    topic: str  # one of actors.scrum.stories.TOPICS
    question: str
    alternatives: tuple[Alternative, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Criterion:
    """One acceptance criterion, the function that fulfils it, and examples that hold under every alternative."""

    text: str
    function: str
    examples: tuple[Example, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """The description in three degrees of clarity."""

    vague: str
    plain: str
    exact: str

    def at(self, clarity: Literal["vague", "plain", "exact"]) -> str:
        """The description as it is told at this clarity."""
        told: str = getattr(self, clarity)
        return told


@dataclass(frozen=True, slots=True, kw_only=True)
class Kata:
    """One variant of one family, with everything that its author wrote."""

    domain: str
    title: str
    told: Told
    criteria: tuple[Criterion, ...]
    open_points: tuple[OpenPoint, ...]
    source: str
    inputs: Mapping[str, Callable[[Chance], tuple[Plain, ...]]]  # function -> arguments of a generated call
    points: int
    specialization: str
    tags: tuple[str, ...]
    needs: tuple[str, ...] = field(default=())  # families whose modules the source imports


Family = Callable[[Variant], Kata]
