"""The product backlog: reading `backlog.yaml` into stories, and saying what a user's own backlog lacks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from config.backlog_checks import story_problems
from config.backlog_forms import BacklogForm, ClarificationTopic, ProductForm, StoryForm
from config.errors import ConfigError, Problem
from config.validation import validate
from config.yaml_tree import parse_tree, read_text


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """What is built, for whom and why."""

    name: str
    description: str = ""
    mission: str = ""
    vision: str = ""
    goals: tuple[str, ...] = ()
    target_audience: str = ""
    success_metrics: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    tech_stack: tuple[str, ...] = ()
    repository_type: Literal["greenfield", "brownfield"] = "greenfield"
    repository_url: str = ""
    context_documents: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One example of how a story behaves, as given, when and then steps."""

    name: str
    given: tuple[str, ...] = ()
    when: tuple[str, ...] = ()
    then: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Clarification:
    """What a criterion leaves open: what one would assume, what the product owner answers, and whether they differ."""

    criterion: int  # counted from 1
    topic: ClarificationTopic
    question: str
    assumption: str
    answer: str
    changes: bool  # whether the answer changes what has to be built


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """One story as its author wrote it. Empty text and empty tuples mean that the author said nothing."""

    id: str
    title: str
    acceptance_criteria: tuple[str, ...]
    story_points: int  # 1, 2, 3, 5, 8 or 13
    priority: int  # the smallest number is the most urgent
    description: str = ""
    scenarios: tuple[Scenario, ...] = ()
    sprint: int | None = None  # 0: part of the infrastructure sprint
    assigned_specializations: tuple[str, ...] = ()
    domain: str = ""
    tags: tuple[str, ...] = ()
    team_type_hint: str = ""
    depends_on: tuple[str, ...] = ()
    module: str = ""
    family: str = ""
    variant: int | None = None  # of the kata named by `family`, whose code can be written and tested
    generated: bool = False
    clarifications: tuple[Clarification, ...] = ()

    @property
    def area(self) -> str:
        """The part of the product it touches: its module, else its domain, its first tag, or `product`."""
        return self.module or self.domain or next(iter(self.tags), "product")


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """A checked backlog: ids are unique, dependencies exist and lead nowhere in a circle."""

    product: Product | None
    stories: tuple[Story, ...]  # in the order of the file
    file: str
    text: str  # the file as it was read, so that a run can say what it read

    def lacking(self) -> tuple[str, ...]:
        """Say in sentences what this backlog leaves out and what a run does instead; nothing is made up for it."""
        return tuple(_lacks(self))


def load_backlog(path: Path) -> Backlog:
    """Read and check a backlog.

    Raises:
        ConfigError: Something is wrong; it names every problem with its file, line and key.
    """
    problems: list[Problem] = []
    text = read_text(path, problems)
    if text is None:
        raise ConfigError(tuple(problems))
    return parse_backlog(text, file=str(path))


def parse_backlog(text: str, *, file: str) -> Backlog:
    """Check a backlog that was read already; `file` names it in problems. Raises ConfigError."""
    problems: list[Problem] = []
    backlog = _parsed(text, file, problems)
    if backlog is None or problems:
        raise ConfigError(tuple(sorted(dict.fromkeys(problems), key=lambda problem: problem.line)))
    return backlog


def _parsed(text: str, file: str, problems: list[Problem]) -> Backlog | None:
    tree = parse_tree(text, file, problems)
    if tree is None or not isinstance(tree.value, dict):
        if not problems:
            what = "is empty" if tree is None or tree.value is None else f"holds {tree.text}"
            allowed = "a mapping with product and stories"
            problems.append(Problem(file=file, line=tree.line if tree else 0, key="", message=what, allowed=allowed))
        return None
    form, _ = validate(BacklogForm, tree, problems)
    problems.extend(story_problems(tree))
    if form is None or problems:
        return None
    product = _product(form.product) if form.product is not None else None
    return Backlog(product=product, stories=tuple(_story(story) for story in form.stories), file=file, text=text)


def _product(form: ProductForm) -> Product:
    plain = {name: getattr(form, name) for name in ProductForm.model_fields if name != "repository"}
    return Product(**plain, repository_type=form.repository.type, repository_url=form.repository.url)


def _story(form: StoryForm) -> Story:
    nested = {
        "scenarios": tuple(Scenario(**scenario.model_dump()) for scenario in form.scenarios),
        "clarifications": tuple(Clarification(**item.model_dump()) for item in form.clarifications),
    }
    return Story(**{name: getattr(form, name) for name in StoryForm.model_fields} | nested)


def _lacks(backlog: Backlog) -> Iterator[str]:
    stories = backlog.stories
    if backlog.product is None:
        yield "no product: stories are told without its mission, goals and audience"
    unclear = sum(1 for story in stories if not story.clarifications)
    if unclear:
        yield f"no clarifications in {_of(unclear, stories)}: questions about them will be answered 'not decided'"
    homeless = sum(1 for story in stories if not story.module)
    if homeless:
        yield f"no module in {_of(homeless, stories)}: domain or first tag used, or 'product'"
    untold = sum(1 for story in stories if not story.description.strip())
    if untold:
        yield f"no description in {_of(untold, stories)}: the title and the criteria have to do"
    unskilled = sum(1 for story in stories if not story.assigned_specializations)
    if unskilled:
        yield f"no assigned_specializations in {_of(unskilled, stories)}: no specialist is preferred for them"


def _of(count: int, stories: tuple[Story, ...]) -> str:
    noun = "story" if len(stories) == 1 else "stories"
    return f"{count} {noun}" if count == len(stories) else f"{count} of {len(stories)} {noun}"
