"""The answer of the skill study from counts, and its figure."""

from __future__ import annotations

from pathlib import Path

import pytest

from actors.study.facts import COUNTED
from actors.study.skill import MEASURES, Answer, answer
from actors.study.skill_figure import save_figure

SEEDS = 6
ARMS = ("all junior", "all mid", "all senior", "all junior, nobody asks", "as usual", "nobody asks")


def run(**counts: int) -> dict[str, int]:
    usual = dict.fromkeys(COUNTED, 10) | {"stories_planned": 20, "stories_landed": 20, "criteria_shown": 20, "runs": 1}
    usual |= {"asked_shown": 10, "unasked_shown": 10, "unasked_right": 7, "stories_accepted": 15}
    usual |= {"cleared_shown": 4, "cleared_right": 4, "uncleared_shown": 9, "uncleared_right": 6}
    return usual | {"points_accepted": 50, "questions": 40} | counts


def answer_of(**arms: dict[str, int]) -> Answer:
    """Arms by their names with underscores; what is not said is as everywhere."""
    return answer({arm: [run(**arms.get(arm.replace(",", "").replace(" ", "_"), {}))] * SEEDS for arm in ARMS})


def verdict(answered: Answer, words: str) -> bool:
    return next(one.holds for one in answered.verdicts if words in one.text)


def test_equal_teams_show_no_effect_of_skill_or_of_asking() -> None:
    answered = answer_of()

    assert not verdict(answered, "senior teams have more of their planned stories accepted")
    assert not verdict(answered, "escaped defects")
    assert not verdict(answered, "teams that ask have more criteria right")
    assert not verdict(answered, "bring more to main")


def test_each_effect_shows_where_it_was_made() -> None:
    assert verdict(answer_of(all_junior={"stories_accepted": 9}), "senior teams have more of their planned stories")
    assert verdict(answer_of(all_senior={"escaped": 1}), "escaped defects")
    assert verdict(answer_of(nobody_asks={"criteria_right": 3}), "teams that ask have more criteria right")
    assert verdict(answer_of(nobody_asks={"criteria_right": 3}), "teams that do not ask bring more to main")
    assert verdict(answer_of(all_junior={"escaped": 19}), "junior teams bring more to main")


def test_an_effect_against_expectation_does_not_hold() -> None:
    assert not verdict(answer_of(all_junior={"stories_accepted": 19}), "senior teams have more of their planned")


def test_criteria_are_told_apart_by_what_was_asked_only_where_people_ask() -> None:
    silent = {"unasked_right": 0, "asked_right": 0, "asked_shown": 0}
    answered = answer_of(nobody_asks=silent, all_junior_nobody_asks=silent)

    assert verdict(answered, "criteria that were asked about are right more often")
    unasked = answered.by_question["criteria right at first showing, wish not as assumed"]["not asked about"]
    assert unasked is not None
    assert unasked.value == pytest.approx(0.7)


def test_stories_without_open_points_left_are_told_apart_from_the_others() -> None:
    text = "stories about which everything was asked"

    assert verdict(answer_of(), text)
    assert not verdict(answer_of(all_junior={"cleared_right": 0}, all_senior={"cleared_right": 0}), text)


def test_the_table_has_every_measure_of_every_team() -> None:
    answered = answer_of()

    assert list(answered.table) == list(ARMS)
    assert all(list(figures) == [measure.text for measure in MEASURES] for figures in answered.table.values())


def test_the_figure_of_an_answer_is_the_same_file_every_time(tmp_path: Path) -> None:
    first = save_figure(tmp_path / "a.svg", answer_of(all_senior={"escaped": 1})).read_bytes()
    second = save_figure(tmp_path / "b.svg", answer_of(all_senior={"escaped": 1})).read_bytes()

    assert first == second
    assert b"<dc:date>" not in first
    assert b"escaped defects per landed story" in first or b"<path" in first
