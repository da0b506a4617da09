"""What a model is told: a beginning that stays the same, what the person remembers, and all that it observes."""

from __future__ import annotations

import dataclasses
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given, settings

from actors.policy import decisions
from actors.policy.decisions import PointsChoice, ToolChoice, WriteCode
from actors.policy.judgements import RULES
from actors.policy.prompting.errors import PromptError
from actors.policy.prompting.memory import Memory
from actors.policy.prompting.prompts import OBSERVATIONS, SHIPPED, WRONG_CHARS, load_prompts, name_of
from actors.policy.reflecting import GOOD
from actors.work.tools.calls import TOOLS
from inference.engines.refusing import refusal
from inference.text import GenerateText
from tests.actors.policy import people
from tests.actors.policy.prompting import situations

PROMPTS = load_prompts()
READ_AGAIN = load_prompts()
each_kind = pytest.mark.parametrize(
    "observation", situations.one_of_each(), ids=lambda observation: type(observation).__name__
)


def told(observation: Any) -> str:
    return "\n".join(message.content for message in PROMPTS.messages(observation))


# -- the conversation -------------------------------------------------------------------------------------------------


def test_every_kind_of_decision_has_its_template() -> None:
    asked = {cls for cls in vars(decisions).values() if isinstance(cls, type) and hasattr(cls, "ANSWER")}

    assert asked == set(OBSERVATIONS) == {*RULES, WriteCode}
    assert {path.stem for path in SHIPPED.iterdir()} == {name_of(cls) for cls in OBSERVATIONS} | {"system", "repair"}


@each_kind
def test_the_stable_part_stands_first_then_the_memory_then_the_observation(observation: Any) -> None:
    memory = Memory(budget_chars=1000).with_turn(about="How big is S-1?", answer='{"points":3}')
    messages = PROMPTS.messages(observation, memory)

    assert [message.role for message in messages] == ["system", "user", "assistant", "user"]
    assert messages[0].content == PROMPTS.prefix(type(observation), observation.person)
    assert messages[1:3] == memory.messages()
    assert (messages[0], messages[3]) == PROMPTS.messages(observation)


@settings(deadline=None)
@given(situations.observations)
def test_the_beginning_is_the_same_for_one_person_and_kind_whatever_is_observed(observation: Any) -> None:
    usual = next(one for one in situations.one_of_each() if type(one) is type(observation))
    same = replace(observation, person=usual.person)

    assert PROMPTS.messages(same)[0] == READ_AGAIN.messages(usual)[0]


def test_two_kinds_of_one_person_share_who_they_are_and_how_the_team_works() -> None:
    one, other = (PROMPTS.prefix(type(each), people.person()) for each in (people.estimate(), people.plan()))
    shared = next(at for at in range(len(one)) if one[at] != other[at])

    assert shared > 1000
    assert one[:shared].endswith("Your decision now: ")


@each_kind
def test_every_field_of_an_observation_is_told(observation: Any) -> None:
    for name in _paths(observation):
        assert told(_changed(observation, name)) != told(observation), name


def _paths(value: Any) -> list[str]:
    """Every field, also those of the person and the story."""
    found = []
    for field in dataclasses.fields(value):
        inner = getattr(value, field.name)
        found += [f"{field.name}.{one}" for one in _paths(inner)] if dataclasses.is_dataclass(inner) else [field.name]
    return found


def _changed(value: Any, path: str) -> Any:
    name, _, rest = path.partition(".")
    inner = getattr(value, name)
    if rest:
        return replace(value, **{name: _changed(inner, rest)})
    return replace(value, **{name: _other(inner, name)})


def _other(value: Any, name: str) -> Any:
    match value:
        case bool():
            return not value
        case int():
            return value + (100 if name.endswith("permille") else 1)
        case str():
            return f"other_{value}"
        case ():
            return _example_of(name)
        case tuple() if isinstance(value[0], int):
            return tuple(item + 100 for item in value)
        case tuple():
            return value[1:]
    raise AssertionError(name)


def _example_of(name: str) -> tuple[Any, ...]:
    if name == "experience":
        return (decisions.TopicExperience(topic="limits", asked=2, changed=1),)
    return (5,) if name == "votes" else ("merge_conflict",)


@each_kind
def test_names_of_things_are_told_as_they_must_be_written_in_the_answer(observation: Any) -> None:
    choosable = {
        "DecideHelp": people.help_needed().candidates,
        "ReflectOnSprint": (*GOOD, "merge_conflict", "overrun_tasks"),
        "PlanStory": ("backend", "api_design"),
        "WriteCode": tuple(TOOLS),
    }.get(type(observation).__name__, ())

    assert [name for name in choosable if name not in told(observation)] == []


@each_kind
def test_the_form_of_the_answer_is_told_in_words(observation: Any) -> None:
    told_first = PROMPTS.prefix(type(observation), observation.person)
    for field in dataclasses.fields(observation.ANSWER):
        assert f'- "{field.name}": ' in told_first
        for value in get_args(field.type) if not isinstance(field.type, str) else ():
            assert f'"{value}"' in told_first


@each_kind
def test_an_engine_takes_every_conversation_and_nothing_is_left_open_in_it(observation: Any) -> None:
    messages = PROMPTS.messages(observation)
    request = GenerateText(
        model="house",
        adapter="",
        adapter_version=0,
        messages=messages,
        schema="",
        max_tokens=100,
        temperature_permille=700,
        priority="agent",
    )

    assert refusal(request) is None
    assert not [
        one for one in messages if {"{{", "}}", "{%"} & {one.content[i : i + 2] for i in range(len(one.content))}
    ]
    assert all(one.content == one.content.strip() and "\n\n\n" not in one.content for one in messages)


def test_what_people_write_is_told_as_it_stands() -> None:
    odd = "<b>“5 & 6”</b> {{ person.agent }} {% raw %}"

    assert f"1. {odd}\n" in told(people.estimate(story=people.story(criteria=(odd,))))


# -- memory and repair ------------------------------------------------------------------------------------------------


def test_a_decision_is_remembered_as_its_question_in_a_line_and_the_answer_as_it_is_written() -> None:
    memory = PROMPTS.remembered(Memory(budget_chars=1000), people.estimate(), PointsChoice(points=5))

    (turn,) = memory.turns
    assert turn.about == "How big is S-7, “Page through tasks”, in round 1?"
    assert turn.answer == '{"points":5}'


@pytest.mark.parametrize("observation", people.one_of_each(), ids=lambda observation: type(observation).__name__)
def test_every_judgement_is_remembered_in_one_line(observation: Any) -> None:
    template = PROMPTS.remembered(Memory(budget_chars=10_000), observation, PointsChoice(points=1)).turns[0].about

    assert "\n" not in template
    assert 10 < len(template) < 250


def test_a_tool_call_is_remembered_with_what_came_before_it() -> None:
    """So that a model reads again what it has read, until the budget is used up."""
    one, call = situations.writing(), ToolChoice(tool="finish", arguments='{"summary":"done"}')
    (turn,) = PROMPTS.remembered(Memory(budget_chars=1000), one, call).turns
    (first,) = PROMPTS.remembered(Memory(budget_chars=1000), replace(one, last_tool=""), call).turns

    assert turn.about == f"{one.last_tool} said:\n{one.last_result}\nWhat is your next call?"
    assert turn.answer == '{"tool":"finish","arguments":{"summary":"done"}}'
    assert one.module_path in first.about


def test_a_repair_goes_on_with_the_wrong_answer_and_says_what_is_wrong() -> None:
    asked = PROMPTS.messages(people.estimate())
    messages = PROMPTS.repair_messages(asked, '{"points":4}', "points: Input should be 1, 2, 3, 5, 8 or 13")

    assert messages[:2] == asked
    assert [(one.role, one.content) for one in messages[2:3]] == [("assistant", '{"points":4}')]
    assert "points: Input should be 1, 2, 3, 5, 8 or 13" in messages[3].content
    assert messages[3].role == "user"


def test_a_repair_is_bounded_and_can_be_sent_whatever_the_model_wrote() -> None:
    asked = PROMPTS.messages(people.estimate())
    messages = PROMPTS.repair_messages(asked, "\ud800" + "x" * 100_000, "a \ud800 problem")

    assert len(messages[2].content) == WRONG_CHARS
    assert all(one.content.encode() for one in messages)


def test_what_is_no_observation_is_refused() -> None:
    with pytest.raises(ValueError, match="is no observation"):
        PROMPTS.messages(PointsChoice(points=3))


# -- templates of one's own -------------------------------------------------------------------------------------------

OWN = """{% block task %}Say a number.{% endblock %}
{% block observation %}Size of {{ story.title }}?{% endblock %}
{% block recall %}{{ story.title }}?{% endblock %}
"""


def own(folder: Path, text: str, name: str = "estimate_points.j2") -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder


def problems(folder: Path) -> tuple[str, ...]:
    with pytest.raises(PromptError) as caught:
        load_prompts(folder)
    assert str(caught.value) == "\n".join(caught.value.problems)
    return caught.value.problems


def test_a_template_of_one_s_own_takes_the_place_of_the_shipped_one(tmp_path: Path) -> None:
    prompts = load_prompts(own(tmp_path, OWN))

    assert prompts.messages(people.estimate())[1].content == "Size of Page through tasks?"
    assert "Say a number." in prompts.prefix(type(people.estimate()), people.person())
    assert prompts.messages(people.plan()) == PROMPTS.messages(people.plan())


@pytest.mark.parametrize(
    ("was", "now", "says"),
    [
        ("story.title }}?{% e", "stroy.title }}?{% e", ":2: there is no placeholder `stroy` here; there are person, "),
        ("story.title }}?{% e", "stroy.title }}?{% e", " (did you mean story?)"),
        ("Size of {{ story.title", "\n\n{{ story.titel", ":4: there is no placeholder `titel` here; there are "),
        ("Size", "{% if False %}{{ story.person.agent }}{% endif %}", ":2: there is no placeholder `person` here"),
        ("Size", "{{ story.title.upper }}", ":2: `upper` is asked of a value that has no parts"),
        ("Size", "{{ story.title.upper() }}", ":2: a template may not use call"),
        ("Size", "{% include 'other.j2' %}", ":2: a template may not use include"),
        ("Size", "{% macro f() %}{% endmacro %}", ":2: a template may not use macro"),
        ("Size", "{% for one in story.criteria %}{{ one.text }}{% endfor %}", ":2: `text` is asked of a value"),
        ("Size", "{{ criterion }}{% for criterion in story.criteria %}{% endfor %}", "no placeholder `criterion`"),
        ("Size", "{{ story | shuffled }}", ":2: No filter named 'shuffled'"),
        ("Size", "{{ story", ":2: "),
        ("Size", "{% for one in votes %}", ":2: "),
        ("Say", "{{ story.title }}", ":1: there is no placeholder `story` here; there are person"),
        ("{% block recall %}", "{% block remember %}", ":3: there is no block `remember` here"),
        ("{% block recall %}", "{% block remember %}", ":1: the block `recall` is missing"),
        ("{% block recall %}", "lost words {% block recall %}", ":3: stands outside of every block"),
    ],
)
def test_a_slip_in_a_template_is_one_line_with_file_and_line_before_anything_starts(
    was: str, now: str, says: str, tmp_path: Path
) -> None:
    assert was in OWN
    found = problems(own(tmp_path, OWN.replace(was, now, 1)))

    assert any(line.startswith(f"{tmp_path}/estimate_points.j2:") and says in line for line in found), found


def test_names_that_a_template_makes_are_known_to_it(tmp_path: Path) -> None:
    fine = "{% set one = story.criteria[0] %}{{ one }}{% for (a, b) in [(1, 2)] %}{{ a }}{{ b }}{% endfor %}"
    prompts = load_prompts(own(tmp_path, OWN.replace("Size of", fine, 1)))
    assert prompts.messages(people.estimate())[1].content.startswith(f"{people.CRITERIA[0]}12")

    slip = problems(own(tmp_path, OWN.replace("Size of", "{% set one = story %}{{ one.titel }}{{ votes[0].size }}", 1)))
    assert len(slip) == 2
    assert "no placeholder `titel`" in slip[0] + slip[1]


def test_all_problems_of_all_files_come_at_once(tmp_path: Path) -> None:
    own(tmp_path, OWN.replace("story", "tale"))
    own(tmp_path, OWN, name="plan_storry.j2")

    found = problems(tmp_path)
    assert len(found) == 3
    assert found[0] == f"{tmp_path}/plan_storry.j2: no decision is called plan_storry (did you mean plan_story.j2?)"


def test_a_folder_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    assert problems(tmp_path / "nowhere") == (f"{tmp_path}/nowhere: cannot be read: No such file or directory",)
    (tmp_path / "system.j2").write_bytes(b"\xff")
    assert problems(tmp_path) == (f"{tmp_path}/system.j2: is no UTF-8 text",)


@pytest.mark.parametrize(
    ("now", "says"),
    [
        ("{{ votes }}", ":2: only texts, numbers and truths can be printed, not a tuple"),
        ("\n\n{{ votes[7] }}", ":4: "),
        ("{{ story }}", ":2: only texts, numbers and truths can be printed, not a StoryView"),
        ("{{ knowledge_permille + story.title }}", ":2: "),
        ("{{ 1 // (round - 1) }}", ":2: "),
        ("{{ (story | first).title }}", ":2: "),
    ],
)
def test_what_only_shows_when_it_is_printed_names_file_and_line_too(now: str, says: str, tmp_path: Path) -> None:
    prompts = load_prompts(own(tmp_path, OWN.replace("Size of", now, 1)))

    with pytest.raises(PromptError, match=r"estimate_points\.j2:") as caught:
        prompts.messages(people.estimate())
    assert says in str(caught.value)
