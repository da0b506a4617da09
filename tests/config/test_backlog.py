from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config.backlog import Clarification, Scenario, load_backlog
from config.errors import ConfigError, Problem
from tests.config.helpers import write


def story(story_id: str = "S-1", **changes: str) -> str:
    fields = {"id": story_id, "title": "T", "acceptance_criteria": "[a, b]", "story_points": "3", "priority": "1"}
    body = ", ".join(f"{key}: {value}" for key, value in (fields | changes).items() if value)
    return f"- {{{body}}}\n"


def backlog(*stories: str) -> str:
    return "stories:\n" + "".join(stories)


def clarification(**changes: str) -> str:
    fields = {
        "criterion": "1",
        "topic": "limits",
        "question": "Q?",
        "assumption": "A",
        "answer": "B",
        "changes": "true",
    }
    return "[{" + ", ".join(f"{key}: {value}" for key, value in (fields | changes).items() if value) + "}]"


MALFORMED = [
    ("", 0, "", "is empty; expected a mapping with product and stories"),
    ("- a\n", 1, "", "holds a list; expected a mapping"),
    ("stories: [\n", 2, "", "not valid YAML"),
    ("product: {name: P}\n", 1, "stories", "is missing; expected a list"),
    ("stories: []\n", 1, "stories", "is empty; expected a list"),
    ("stories: 3\n", 1, "stories", "3 is not allowed; expected a list"),
    (backlog("- S-1\n"), 2, "stories[0]", "S-1 is not allowed; expected a mapping"),
    (backlog(story(title="")), 2, "stories[0].title", "is missing; expected text that is not empty"),
    (backlog(story(title="' '")), 2, "stories[0].title", '" " is not allowed; expected text that is not empty'),
    (backlog(story(story_points="")), 2, "stories[0].story_points", "is missing; expected one of 1, 2, 3, 5, 8, 13"),
    (
        backlog(story(story_points="4")),
        2,
        "stories[0].story_points",
        "4 is not allowed; expected one of 1, 2, 3, 5, 8, 13",
    ),
    (backlog(story(story_points="three")), 2, "stories[0].story_points", "three is not allowed"),
    (backlog(story(priority="high")), 2, "stories[0].priority", "high is not allowed; expected an integer"),
    (backlog(story(priority="-1")), 2, "stories[0].priority", "-1 is not allowed; expected an integer from 0"),
    (backlog(story(acceptance_criteria="[]")), 2, "stories[0].acceptance_criteria", "is empty; expected a list"),
    (backlog(story(acceptance_criteria="a")), 2, "stories[0].acceptance_criteria", "a is not allowed; expected a list"),
    (backlog(story(acceptance_criteria="[a, '']")), 2, "stories[0].acceptance_criteria[1]", '"" is not allowed'),
    (backlog(story("1")), 2, "stories[0].id", "1 is not allowed; expected letters, digits"),
    (backlog(story("../x")), 2, "stories[0].id", "../x is not allowed"),
    (backlog(story("")), 2, "stories[0].id", "is missing"),
    (backlog(story("A"), story("B"), story("A")), 4, "stories[2].id", "A is given twice, first in line 2"),
    (
        backlog(story("S-10", depends_on="[S-11]")),
        2,
        "stories[0].depends_on[0]",
        "there is no story S-11 (did you mean S-10?)",
    ),
    (backlog(story(depends_on="S-1")), 2, "stories[0].depends_on", "S-1 is not allowed; expected a list"),
    (
        backlog(story("A", depends_on="[B]"), story("B", depends_on="[C]"), story("C", depends_on="[A]")),
        4,
        "stories[2].depends_on",
        "in a circle: A -> B -> C -> A",
    ),
    (backlog(story("A", depends_on="[A]")), 2, "stories[0].depends_on", "in a circle: A -> A"),
    (
        backlog(story(sprint="-1")),
        2,
        "stories[0].sprint",
        "-1 is not allowed; expected an integer from 0 to 1000, or null",
    ),
    (backlog(story(tags="x")), 2, "stories[0].tags", "x is not allowed; expected a list"),
    (backlog(story(tags="[no]")), 2, "stories[0].tags[0]", "no is not allowed; expected text"),
    (backlog(story(team_type_hint="odd")), 2, "stories[0].team_type_hint", "odd is not allowed; expected one of"),
    (
        backlog(story(story_point="3")),
        2,
        "stories[0].story_point",
        "unknown key (did you mean stories[0].story_points?)",
    ),
    (backlog(story(generated="maybe")), 2, "stories[0].generated", "maybe is not allowed; expected true or false"),
    (backlog(story(scenarios="[{given: [a]}]")), 2, "stories[0].scenarios[0].name", "is missing"),
    (
        backlog(story(scenarios="[{name: n, given: a}]")),
        2,
        "stories[0].scenarios[0].given",
        "a is not allowed; expected a list",
    ),
    (
        backlog(story(clarifications=clarification(criterion="3"))),
        2,
        "stories[0].clarifications[0].criterion",
        "3 is not allowed; expected an integer from 1 to 2, as the story has 2",
    ),
    (
        backlog(story(clarifications=clarification(criterion="0"))),
        2,
        "stories[0].clarifications[0].criterion",
        "0 is not allowed",
    ),
    (
        backlog(story(clarifications=clarification(topic="style"))),
        2,
        "stories[0].clarifications[0].topic",
        "style is not allowed; expected one of limits, errors",
    ),
    (backlog(story(clarifications=clarification(answer=""))), 2, "stories[0].clarifications[0].answer", "is missing"),
    (
        backlog(story(clarifications=clarification(changes="1"))),
        2,
        "stories[0].clarifications[0].changes",
        "1 is not allowed; expected true or false",
    ),
    ("product: {}\n" + backlog(story()), 1, "product.name", "is missing"),
    (
        "product: {name: P, goal: [x]}\n" + backlog(story()),
        1,
        "product.goal",
        "unknown key (did you mean product.goals?)",
    ),
    (
        "product: {name: P, repository: {type: old}}\n" + backlog(story()),
        1,
        "product.repository.type",
        "old is not allowed; expected one of greenfield, brownfield",
    ),
    ("storys: []\n", 1, "storys", "unknown key (did you mean stories?)"),
]


def problems_of(path: Path) -> tuple[Problem, ...]:
    with pytest.raises(ConfigError) as caught:
        load_backlog(path)
    return caught.value.problems


@pytest.mark.parametrize(
    ("text", "line", "key", "said"), MALFORMED, ids=[f"{i}-{row[2]}" for i, row in enumerate(MALFORMED)]
)
def test_a_malformed_backlog_is_reported_with_its_line_and_key(
    tmp_path: Path, text: str, line: int, key: str, said: str
) -> None:
    path = write(tmp_path, text, "backlog.yaml")

    found = [problem for problem in problems_of(path) if problem.key == key]

    assert found
    assert said in str(found[0])
    assert str(found[0]).startswith(f"{path}:{line}: " if line else f"{path}: ")


def test_a_missing_backlog_is_reported(tmp_path: Path) -> None:
    assert "there is no such file" in str(problems_of(tmp_path / "backlog.yaml")[0])


def test_all_problems_of_a_backlog_come_in_one_report(tmp_path: Path) -> None:
    path = write(tmp_path, backlog(story("A", title=""), story("A", depends_on="[Z]"), story("C", story_points="7")))

    assert [(problem.line, problem.key) for problem in problems_of(path)] == [
        (2, "stories[0].title"),
        (3, "stories[1].id"),
        (3, "stories[1].depends_on[0]"),
        (4, "stories[2].story_points"),
    ]


def test_a_story_keeps_everything_its_author_wrote(tmp_path: Path) -> None:
    extras = {
        "scenarios": "[{name: n, given: [g], when: [w], then: [t]}]",
        "depends_on": "[S-2]",
        "tags": "[x, y]",
        "module": "auth",
        "sprint": "0",
        "clarifications": clarification(criterion="2"),
    }

    loaded = load_backlog(write(tmp_path, "product: {name: P}\n" + backlog(story(**extras), story("S-2"))))

    one, two = loaded.stories
    assert loaded.product is not None
    assert loaded.product.name == "P"
    assert one.scenarios == (Scenario(name="n", given=("g",), when=("w",), then=("t",)),)
    assert (one.depends_on, one.tags, one.module, one.sprint) == (("S-2",), ("x", "y"), "auth", 0)
    assert one.clarifications == (
        Clarification(criterion=2, topic="limits", question="Q?", assumption="A", answer="B", changes=True),
    )
    assert (two.description, two.sprint, two.clarifications, two.generated) == ("", None, (), False)


def test_the_area_of_a_story_is_its_module_domain_first_tag_or_the_product(tmp_path: Path) -> None:
    stories = [
        story("A", module="m", domain="d", tags="[t]"),
        story("B", domain="d", tags="[t]"),
        story("C", tags="[t, u]"),
        story("D"),
    ]

    loaded = load_backlog(write(tmp_path, backlog(*stories)))

    assert [one.area for one in loaded.stories] == ["m", "d", "t", "product"]


def test_what_a_backlog_lacks_is_said_and_not_made_up(tmp_path: Path) -> None:
    stories = [story("A", description="d", clarifications=clarification()), story("B", description="d")]

    lacking = load_backlog(write(tmp_path, backlog(*stories))).lacking()

    assert "no clarifications in 1 of 2 stories: questions about them will be answered 'not decided'" in lacking
    assert "no module in 2 stories: domain or first tag used, or 'product'" in lacking
    assert not any("description" in sentence for sentence in lacking)


def test_a_long_chain_of_dependencies_is_no_problem(tmp_path: Path) -> None:
    stories = [story(f"S-{n}", depends_on=f"[S-{n + 1}]" if n < 2999 else "") for n in range(3000)]

    assert len(load_backlog(write(tmp_path, backlog(*stories))).stories) == 3000


def test_a_long_circle_is_named_in_one_short_line(tmp_path: Path) -> None:
    stories = [story(f"S-{n}", depends_on=f"[S-{(n + 1) % 300}]") for n in range(300)]

    (problem,) = problems_of(write(tmp_path, backlog(*stories)))

    assert "S-0 -> S-1 -> " in str(problem)
    assert len(str(problem)) < 400


PARTS = st.sampled_from(
    [
        "stories:\n",
        "- id: A\n",
        "  title: x\n",
        "  depends_on: [A]\n",
        "  acceptance_criteria: [",
        "]\n",
        "  story_points: 3\n",
        "  priority: 1\n",
        "product: 3\n",
        "  clarifications: [{criterion: 9}]\n",
        "- 3\n",
        "  - {}\n",
        "&x ",
        "*x",
        "\x00",
    ]
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=300)
@given(parts=st.lists(PARTS, max_size=15))
def test_no_backlog_raises_anything_but_a_configuration_error(tmp_path: Path, parts: list[str]) -> None:
    path = write(tmp_path, "".join(parts), "backlog.yaml")
    with contextlib.suppress(ConfigError):
        assert load_backlog(path).stories
