"""What a story family is, and the checks that make a book of families fit for expansion."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from itertools import product
from math import prod
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import Field, JsonValue, ValidationError, model_validator

from config.backlog_forms import ClarificationTopic
from config.errors import ConfigError, Problem
from config.section import Identifier, NonEmptyText, Section, Topic

SHIPPED_FAMILIES = Path(__file__).resolve().parent.parent / "profiles" / "backlog" / "families.yaml"

Specialization = Literal[
    "backend",
    "frontend",
    "devops",
    "networking",
    "database",
    "security",
    "api_design",
    "ui_ux",
    "test_automation",
]
Points = Literal[1, 2, 3, 5, 8]
Scalar = str | int | float
Value = Scalar | dict[str, Scalar]
Choice = tuple[tuple[str, Value], ...]  # one value for each of some parameters, in order of declaration

_PLACEHOLDER = re.compile(r"\{([a-z_]+(?:\.[a-z_]+)?)\}")


class Clarification(Section):
    """One thing a story leaves open, and what the product owner says when somebody asks about it."""

    criterion: Annotated[int, Field(ge=1, le=4)]  # which acceptance criterion it is about, counted from 1
    topic: ClarificationTopic
    question: NonEmptyText
    assumption: NonEmptyText  # what a developer takes for granted without asking
    answer: NonEmptyText  # what the product owner wants
    changes: bool  # the answer differs from the assumption

    def filled(self, words: Mapping[str, str]) -> Clarification:
        """Return the clarification of one story, with the story's values in its texts."""
        texts = {name: fill(getattr(self, name), words) for name in ("question", "assumption", "answer")}
        return self.model_copy(update=texts)


class Module(Section):
    """A part of the product that has stories of its own."""

    domain: Topic


class Family(Section):
    """Stories of one kind, told once with parameters.

    Parameters named in the title are the facets: each combination of their values is one variant, so titles differ.
    The others are settings such as limits, of which every story draws one combination.
    """

    id: Identifier
    module: Topic
    specialization: Specialization
    band: Annotated[int, Field(ge=1, le=3)]
    points: Points
    tags: Annotated[tuple[Identifier, ...], Field(min_length=1)]
    title: NonEmptyText
    parameters: Annotated[dict[Topic, Annotated[tuple[Value, ...], Field(min_length=2)]], Field(min_length=1)]
    description: NonEmptyText
    acceptance_criteria: Annotated[tuple[NonEmptyText, ...], Field(min_length=2, max_length=4)]
    needs: tuple[Identifier, ...] = ()  # families of which an earlier story may have to be finished first
    clarifications: Annotated[tuple[Clarification, ...], Field(min_length=2, max_length=5)]

    @cached_property
    def variants(self) -> tuple[Choice, ...]:
        """Every combination of facet values; the stories of one phase use each once."""
        return tuple(_choices({name: self.parameters[name] for name in self.parameters if name in self._facets}))

    @cached_property
    def settings(self) -> tuple[Choice, ...]:
        """Every combination of the values that the title does not name."""
        return tuple(_choices({name: self.parameters[name] for name in self.parameters if name not in self._facets}))

    @property
    def texts(self) -> tuple[str, ...]:
        """Every template of the family."""
        asked = tuple(text for c in self.clarifications for text in (c.question, c.assumption, c.answer))
        return (self.title, self.description, *self.acceptance_criteria, *asked)

    @cached_property
    def _facets(self) -> frozenset[str]:
        return frozenset(name.partition(".")[0] for name in placeholders(self.title))

    @model_validator(mode="after")
    def _check(self) -> Self:
        problems = [*_placeholder_problems(self), *_value_problems(self)]
        problems += [
            f"clarification {number} is about criterion {clarification.criterion} of {len(self.acceptance_criteria)}"
            for number, clarification in enumerate(self.clarifications, start=1)
            if clarification.criterion > len(self.acceptance_criteria)
        ]
        if not any(placeholders(criterion) for criterion in self.acceptance_criteria):
            problems.append("no acceptance criterion carries a parameter")
        if problems:
            raise ValueError("; ".join(problems))
        return self


class FamilyBook(Section):
    """All families of one product, with the product they belong to."""

    schema_version: Literal[1]
    product: dict[str, JsonValue]
    modules: dict[Topic, Module]
    families: Annotated[tuple[Family, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _check(self) -> Self:
        problems = list(_book_problems(self))
        if problems:
            raise ValueError("; ".join(problems))
        return self


def load_families(path: Path = SHIPPED_FAMILIES) -> FamilyBook:
    """Read and check a book of families.

    Raises:
        ConfigError: The file is no YAML or breaks a rule; every problem is listed.
    """
    try:
        # By way of JSON, because a strict model accepts a list as a tuple only there.
        return FamilyBook.model_validate_json(json.dumps(yaml.safe_load(path.read_text(encoding="utf-8"))))
    except yaml.YAMLError as error:
        raise ConfigError((Problem(file=str(path), line=0, key="", message=str(error)),)) from error
    except ValidationError as error:
        raise ConfigError(tuple(_problem(path, detail) for detail in error.errors())) from error


def placeholders(template: str) -> frozenset[str]:
    """Return the names a template refers to, such as `limit` or `source.unit`."""
    return frozenset(_PLACEHOLDER.findall(template))


def fill(template: str, words: Mapping[str, str]) -> str:
    """Put words in the place of a template's names; the text starts with a capital letter."""
    text = _PLACEHOLDER.sub(lambda found: words[found[1]], template)
    return text[:1].upper() + text[1:]


def words_of(choice: Choice) -> dict[str, str]:
    """Spell out chosen values under the names that templates use for them."""
    words: dict[str, str] = {}
    for name, value in choice:
        if isinstance(value, dict):
            words.update({f"{name}.{field}": str(part) for field, part in value.items()})
        else:
            words[name] = str(value)
    return words


def _choices(parameters: Mapping[str, tuple[Value, ...]]) -> Iterator[Choice]:
    for values in product(*parameters.values()):
        yield tuple(zip(parameters, values, strict=True))


def _placeholder_problems(family: Family) -> Iterator[str]:
    """Yield what templates and parameters disagree about."""
    used = {name for text in family.texts for name in placeholders(text)}
    declared = {name for each in family.parameters for name in words_of(((each, family.parameters[each][0]),))}
    for name in sorted(used - declared):
        yield f"{{{name}}} is used but not declared"
    for name in sorted(declared - used):
        yield f"{{{name}}} is declared but not used"
    for text in family.texts:
        if re.search(r"[{}]", _PLACEHOLDER.sub("", text)):
            yield f"a brace in {text!r} belongs to no parameter"


def _value_problems(family: Family) -> Iterator[str]:
    """Yield parameters whose values repeat or do not have the same fields, and titles that would repeat."""
    for name, values in family.parameters.items():
        if len({repr(value) for value in values}) < len(values):
            yield f"parameter {name} lists a value twice"
        if len({frozenset(words_of(((name, value),))) for value in values}) > 1:
            yield f"the values of parameter {name} have different fields"
    facets = [family.parameters[name] for name in family.parameters if name in family._facets]
    if prod(map(len, facets)) < 2:
        yield "the title names no parameter, so all stories would have the same title"


def _book_problems(book: FamilyBook) -> Iterator[str]:
    """Yield what no family can see alone: repeated ids, unknown modules, needs that could not be met earlier."""
    bands: dict[str, int] = {}
    for family in book.families:
        if family.id in bands:
            yield f"family {family.id} is listed twice"
        bands[family.id] = family.band
        if family.module not in book.modules:
            yield f"family {family.id} is in the unknown module {family.module}"
    for family in book.families:
        for need in family.needs:
            if need not in bands:
                yield f"family {family.id} needs the unknown family {need}"
            elif bands[need] >= family.band:
                yield f"family {family.id} needs {need}, which is not of a lower band"


def _problem(path: Path, detail: Any) -> Problem:
    """Describe one finding of pydantic in our words."""
    key = ".".join(str(part) for part in detail["loc"])
    return Problem(file=str(path), line=0, key=key, message=detail["msg"].removeprefix("Value error, "))
