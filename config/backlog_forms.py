"""What a `backlog.yaml` may say: the sections its stories are checked against before they become stories."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from config.section import NonEmptyText, Section, ShortText, Topic, Words

ClarificationTopic = Literal[
    "limits",
    "errors",
    "permissions",
    "format",
    "performance",
    "edge_case",
    "compatibility",
    "data",
    "workflow",
    "security",
]
StoryPoints = Literal[1, 2, 3, 5, 8, 13]
StoryId = Annotated[
    str,
    Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+)*$", max_length=64),
    Words("letters, digits, _, - and inner dots, at most 64 of them"),
]


class RepositoryForm(Section):
    """Where the product's code is (`product.repository:`)."""

    type: Literal["greenfield", "brownfield"] = "greenfield"
    url: str = ""


class ProductForm(Section):
    """What is built, for whom and why (`product:`)."""

    name: NonEmptyText
    description: str = ""
    mission: str = ""
    vision: str = ""
    goals: tuple[NonEmptyText, ...] = ()
    target_audience: str = ""
    success_metrics: tuple[NonEmptyText, ...] = ()
    languages: tuple[NonEmptyText, ...] = ()
    tech_stack: tuple[NonEmptyText, ...] = ()
    repository: RepositoryForm = RepositoryForm()
    context_documents: tuple[NonEmptyText, ...] = ()


class ScenarioForm(Section):
    """One example of how the story behaves (`stories[].scenarios[]:`)."""

    name: NonEmptyText
    given: tuple[NonEmptyText, ...] = ()
    when: tuple[NonEmptyText, ...] = ()
    then: tuple[NonEmptyText, ...] = ()


class ClarificationForm(Section):
    """What the product owner answers when asked about a criterion (`stories[].clarifications[]:`)."""

    criterion: Annotated[int, Field(ge=1, le=1000)]  # counted from 1
    topic: ClarificationTopic
    question: NonEmptyText
    assumption: NonEmptyText
    answer: NonEmptyText
    changes: bool


class StoryForm(Section):
    """One story (`stories[]:`)."""

    id: StoryId
    title: NonEmptyText
    description: str = ""
    acceptance_criteria: Annotated[tuple[NonEmptyText, ...], Field(min_length=1)]
    story_points: StoryPoints
    priority: Annotated[int, Field(ge=0, le=1_000_000)]  # the smallest number is the most urgent
    scenarios: tuple[ScenarioForm, ...] = ()
    sprint: Annotated[int, Field(ge=0, le=1000)] | None = None
    assigned_specializations: tuple[Topic, ...] = ()
    domain: ShortText = ""
    tags: tuple[NonEmptyText, ...] = ()
    team_type_hint: Literal["", "stream_aligned", "platform", "enabling", "complicated_subsystem"] = ""
    depends_on: tuple[StoryId, ...] = ()
    module: ShortText = ""
    family: ShortText = ""
    variant: Annotated[int, Field(ge=0, le=999)] | None = None  # of the kata `family`; None: cannot be executed
    generated: bool = False
    clarifications: tuple[ClarificationForm, ...] = ()


class BacklogForm(Section):
    """A whole backlog file."""

    product: ProductForm | None = None
    stories: Annotated[tuple[StoryForm, ...], Field(min_length=1)]
