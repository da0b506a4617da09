"""The families are sound, and what is expanded from them is a backlog a team can be measured on."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from statistics import linear_regression, mean
from typing import Any

import pytest
import yaml

from config.backlog import load_backlog
from config.backlog_generator import (
    SHIPPED_BACKLOG,
    SHIPPED_FAMILIES,
    FamilyBook,
    Story,
    backlog_story,
    expand,
    load_families,
)
from config.backlog_generator.__main__ import main
from config.backlog_generator.families import placeholders
from config.errors import ConfigError

REPOSITORY = Path(__file__).resolve().parents[2]
STORIES_PER_SPRINT = 8


@pytest.fixture(scope="module")
def book() -> FamilyBook:
    return load_families()


@pytest.fixture(scope="module")
def stories(book: FamilyBook) -> tuple[Story, ...]:
    return expand(book, seed=1, count=190)


# The shipped file


@pytest.mark.parametrize(
    "environment",
    [
        {"PYTHONHASHSEED": "0", "LC_ALL": "C", "PYTHONUTF8": "0", "TZ": "UTC"},
        {"PYTHONHASHSEED": "4711", "LC_ALL": "C.UTF-8", "TZ": "Asia/Tokyo"},
    ],
)
def test_the_command_writes_exactly_the_shipped_bytes_anywhere(tmp_path: Path, environment: dict[str, str]) -> None:
    command = [sys.executable, "-m", "config.backlog_generator", "--seed", "1", "--count", "190", "--output", "it.yaml"]
    variables = {**os.environ, **environment, "PYTHONPATH": str(REPOSITORY)}
    subprocess.run(command, cwd=tmp_path, env=variables, check=True, capture_output=True)

    assert (tmp_path / "it.yaml").read_bytes() == SHIPPED_BACKLOG.read_bytes()


def test_the_shipped_file_says_how_it_was_made() -> None:
    header = SHIPPED_BACKLOG.read_text(encoding="utf-8").partition("product:")[0]

    assert "python -m config.backlog_generator --seed 1 --count 190" in header
    assert "generated: true" in header


def test_every_story_of_the_shipped_file_is_labelled_as_generated() -> None:
    document = yaml.load(SHIPPED_BACKLOG.read_bytes(), Loader=yaml.CSafeLoader)

    assert list(document) == ["product", "stories"]
    assert document["product"]["name"] == "TaskFlow"
    assert [story["id"] for story in document["stories"]] == [f"TF-{number:03d}" for number in range(1, 191)]
    assert all(story["generated"] is True for story in document["stories"])


def test_the_shipped_file_loads_as_a_backlog_of_the_expanded_stories(stories: tuple[Story, ...]) -> None:
    backlog = load_backlog(SHIPPED_BACKLOG)

    assert backlog.stories == tuple(backlog_story(story) for story in stories)
    assert backlog.product is not None


def test_a_refused_output_is_reported_without_a_traceback(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--count", "1", "--output", str(tmp_path / "missing" / "it.yaml")]) == 2
    assert capsys.readouterr().err.startswith("backlog_generator: ")


@pytest.mark.parametrize("arguments", [["--count", "-1"], ["--first-number", "0"], ["--count", "many"]])
def test_a_number_out_of_range_is_a_usage_error(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2


# The families


def test_every_module_has_a_family_in_every_band(book: FamilyBook) -> None:
    assert len(book.families) >= 24
    assert {(family.module, family.band) for family in book.families} == {
        (module, band) for module in book.modules for band in (1, 2, 3)
    }


def test_every_specialization_of_the_team_finds_work(book: FamilyBook) -> None:
    assert len({family.specialization for family in book.families}) == 9


def test_about_half_of_the_clarifications_change_something(book: FamilyBook) -> None:
    assert 0.4 <= mean(c.changes for family in book.families for c in family.clarifications) <= 0.6


def test_each_family_has_questions_that_change_something_and_some_that_do_not(book: FamilyBook) -> None:
    assert all({c.changes for c in family.clarifications} == {True, False} for family in book.families)


def test_no_question_is_asked_by_two_families(book: FamilyBook) -> None:
    questions = Counter(c.question for family in book.families for c in family.clarifications)

    assert [question for question, times in questions.items() if times > 1] == []


Change = Callable[[dict[str, Any]], object]

BROKEN: dict[str, tuple[Change, str]] = {
    "a template uses an undeclared parameter": (lambda f: f.update(title="{action} {nobody}"), "{nobody} is used"),
    "a parameter is not used": (lambda f: f["parameters"].update(spare=[1, 2]), "{spare} is declared but not used"),
    "a brace is left open": (lambda f: f.update(description="A {action} {"), "a brace in"),
    "a value is listed twice": (lambda f: f["parameters"].update(milliseconds=[5, 5]), "lists a value twice"),
    "values differ in their fields": (
        lambda f: f["parameters"].update(action=["undo", {"name": "redo"}]),
        "different fields",
    ),
    "the title has no parameter": (lambda f: f.update(title="Shortcut"), "the title names no parameter"),
    "no criterion has a parameter": (lambda f: f.update(acceptance_criteria=["A", "B", "C"]), "carries a parameter"),
    "a clarification is about a missing criterion": (
        lambda f: f["clarifications"][0].update(criterion=4),
        "clarification 1 is about criterion 4 of 3",
    ),
    "a topic is unknown": (lambda f: f["clarifications"][0].update(topic="weather"), "Input should be 'limits'"),
    "the module is unknown": (lambda f: f.update(module="kitchen"), "unknown module kitchen"),
    "a needed family is unknown": (lambda f: f.update(needs=["nobody"]), "needs the unknown family nobody"),
    "a needed family comes no earlier": (lambda f: f.update(needs=["frontend-access"]), "not of a lower band"),
    "a key is misspelt": (lambda f: f.update(titel="x"), "Extra inputs"),
}


@pytest.mark.parametrize(("change", "message"), BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_family_is_refused_with_the_reason(tmp_path: Path, change: Change, message: str) -> None:
    document = yaml.load(SHIPPED_FAMILIES.read_bytes(), Loader=yaml.CSafeLoader)
    change(next(family for family in document["families"] if family["id"] == "frontend-shortcut"))
    broken = tmp_path / "families.yaml"
    broken.write_text(yaml.safe_dump(document), encoding="utf-8")

    with pytest.raises(ConfigError) as refused:
        load_families(broken)
    assert message in str(refused.value)


def test_a_family_listed_twice_is_refused(tmp_path: Path) -> None:
    document = yaml.load(SHIPPED_FAMILIES.read_bytes(), Loader=yaml.CSafeLoader)
    document["families"].append(document["families"][0])
    broken = tmp_path / "families.yaml"
    broken.write_text(yaml.safe_dump(document), encoding="utf-8")

    with pytest.raises(ConfigError, match="listed twice"):
        load_families(broken)


def test_a_file_that_is_no_yaml_is_refused(tmp_path: Path) -> None:
    broken = tmp_path / "families.yaml"
    broken.write_text("families: [", encoding="utf-8")

    with pytest.raises(ConfigError):
        load_families(broken)


# The expansion


def test_the_backlog_feeds_twenty_sprints_of_28_points(stories: tuple[Story, ...]) -> None:
    points = [story.story_points for story in stories]

    assert sum(points) >= 600
    assert 3.1 <= mean(points) <= 3.5
    assert set(points) == {1, 2, 3, 5, 8}


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_no_two_stories_share_a_title_or_their_parameters(book: FamilyBook, seed: int) -> None:
    stories = expand(book, seed=seed, count=240)

    assert len({story.title for story in stories}) == len(stories)
    assert len({(story.family, repr(story.parameters)) for story in stories}) == len(stories)


def test_no_text_has_an_unfilled_parameter(stories: tuple[Story, ...]) -> None:
    for story in stories:
        asked = [text for c in story.clarifications for text in (c.question, c.assumption, c.answer)]
        for text in (story.title, story.description, *story.acceptance_criteria, *asked):
            assert not placeholders(text)
            assert text[0] == text[0].upper()


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_dependencies_are_earlier_stories_of_needed_families(book: FamilyBook, seed: int) -> None:
    stories = expand(book, seed=seed, count=240)
    needs = {family.id: family.needs for family in book.families}
    family_of: dict[str, str] = {}
    for story in stories:
        # Only stories already met are known here, so a pass without a miss also proves that there is no cycle.
        assert {family_of[needed] for needed in story.depends_on} <= set(needs[story.family])
        family_of[story.id] = story.family


def test_an_export_waits_only_for_the_report_of_the_same_measure(book: FamilyBook) -> None:
    by_id = {story.id: story for story in expand(book, seed=1, count=240)}
    exports = [story for story in by_id.values() if story.family == "reports-export" and story.depends_on]

    assert exports
    for story in exports:
        reports = [by_id[needed] for needed in story.depends_on]
        assert all(dict(report.parameters)["metric"] == dict(story.parameters)["metric"] for report in reports)


@pytest.mark.parametrize("seed", range(1, 6))
def test_about_three_stories_in_ten_depend_on_another(book: FamilyBook, seed: int) -> None:
    assert 0.25 <= mean(bool(story.depends_on) for story in expand(book, seed=seed, count=190)) <= 0.35


def test_priorities_follow_the_numbers_so_that_dependencies_come_first(stories: tuple[Story, ...]) -> None:
    assert [story.priority for story in stories] == list(range(1, 191))


def test_stories_have_two_or_more_clarifications_of_existing_criteria(stories: tuple[Story, ...]) -> None:
    for story in stories:
        assert 2 <= len(story.clarifications) <= 5
        assert all(1 <= c.criterion <= len(story.acceptance_criteria) for c in story.clarifications)


# The backlog itself has no trend


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_first_sixty_stories_are_of_the_same_kinds_as_the_last(book: FamilyBook, seed: int) -> None:
    stories = expand(book, seed=seed, count=190)

    assert Counter(story.family for story in stories[:60]) == Counter(story.family for story in stories[-60:])


def test_the_shipped_backlog_has_no_trend_in_points(stories: tuple[Story, ...]) -> None:
    first, last = (mean(story.story_points for story in part) for part in (stories[:60], stories[-60:]))

    assert abs(last - first) < 0.3  # the standard error of such a difference is about 0.2


def test_points_have_no_trend_over_many_seeds(book: FamilyBook) -> None:
    slopes = []
    for seed in range(40):
        points = [story.story_points for story in expand(book, seed=seed, count=180)]
        slopes.append(linear_regression(range(180), points).slope)

    assert abs(mean(slopes)) * 180 < 0.1  # points gained or lost by an average story over the whole backlog


def test_open_questions_have_no_trend_over_many_seeds(book: FamilyBook) -> None:
    differences = []
    for seed in range(40):
        asked = [len(story.clarifications) for story in expand(book, seed=seed, count=180)]
        differences.append(mean(asked[-60:]) - mean(asked[:60]))

    assert abs(mean(differences)) < 0.1


def test_every_sprint_touches_several_modules(stories: tuple[Story, ...]) -> None:
    starts = range(len(stories) - STORIES_PER_SPRINT + 1)

    assert min(len({story.module for story in stories[at : at + STORIES_PER_SPRINT]}) for at in starts) >= 4


# Seeds and refills


def test_the_same_seed_gives_the_same_stories_and_another_seed_others(book: FamilyBook) -> None:
    assert expand(book, seed=1, count=60) == expand(book, seed=1, count=60)
    assert expand(book, seed=1, count=60) != expand(book, seed=2, count=60)


def test_a_longer_backlog_begins_like_a_shorter_one(book: FamilyBook) -> None:
    assert expand(book, seed=1, count=190)[:40] == expand(book, seed=1, count=40)


def test_a_refill_continues_where_the_backlog_ended(book: FamilyBook) -> None:
    refill = expand(book, seed=1, count=40, first_number=181)

    assert refill == expand(book, seed=1, count=220)[180:]
    assert refill[0].id == "TF-181"


def test_used_up_families_go_on_in_a_later_phase_with_other_figures(book: FamilyBook) -> None:
    stories = expand(book, seed=1, count=600)
    later = [story for story in stories if story.phase > 1]
    by_title = {story.title: story for story in stories}

    assert later
    assert len(by_title) == len(stories)
    for story in later:
        assert story.title.endswith(f" (phase {story.phase})")
        if story.phase == 2:
            assert story.parameters != by_title[story.title.removesuffix(" (phase 2)")].parameters


def test_a_first_phase_uses_every_variant_once(book: FamilyBook) -> None:
    stories = expand(book, seed=1, count=600)
    first = Counter(story.family for story in stories if story.phase == 1)

    assert first == {family.id: len(family.variants) for family in book.families}


def test_an_empty_expansion_is_empty_and_impossible_numbers_are_refused(book: FamilyBook) -> None:
    assert expand(book, seed=1, count=0) == ()
    with pytest.raises(ValueError, match="cannot make"):
        expand(book, seed=1, count=-1)
    with pytest.raises(ValueError, match="from number 0"):
        expand(book, seed=1, count=1, first_number=0)
