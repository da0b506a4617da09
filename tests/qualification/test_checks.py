"""The checks themselves: intervals, tasks that accept their own answers, random play within its schemas."""

from __future__ import annotations

import json

import jsonschema
import pytest

from actors.policy.prompting.narrowing import schema_of
from config.rosters import PRODUCT_OWNER
from tests.qualification.candidates import RandomCandidate
from tests.qualification.decisions import held_out, observed_by
from tests.qualification.instructions import MAKERS, tasks
from tests.qualification.intervals import Share, quantile
from tests.qualification.katas import code_in, exercises, told
from tests.qualification.profiles import known_roles

TASKS = tasks(("a risk",), 10 * len(MAKERS))


@pytest.mark.parametrize(
    ("passed", "tried", "low", "high"),
    [(0, 10, 0.0, 0.2775), (5, 10, 0.2366, 0.7634), (10, 10, 0.7225, 1.0), (190, 200, 0.9104, 0.9726)],
)
def test_a_share_has_the_interval_of_wilson(passed: int, tried: int, low: float, high: float) -> None:
    assert Share(passed, tried).interval == pytest.approx((low, high), abs=1e-4)


def test_nothing_tried_says_nothing() -> None:
    assert Share(0, 0).interval == (0.0, 1.0)


def test_quantiles_are_values_that_were_measured() -> None:
    values = [float(number) for number in range(100, 0, -1)]

    assert (quantile(values, 0.5), quantile(values, 0.99), quantile([3.0], 0.99)) == (50.0, 99.0, 3.0)


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.kind)
def test_every_instruction_accepts_its_right_answer_and_refuses_chatter(task: object) -> None:
    assert task.is_met(task.right)  # type: ignore[attr-defined]
    assert not task.is_met("")  # type: ignore[attr-defined]
    assert not task.is_met(f"Sure! Here is what you asked for: {task.right} Let me know. " + "?" * 200)  # type: ignore[attr-defined]


def test_instructions_are_the_same_each_time_and_of_every_kind() -> None:
    again = tasks(("a risk",), len(TASKS))

    assert [task.text for task in again] == [task.text for task in TASKS]
    assert len({task.kind for task in TASKS}) == len(MAKERS)
    assert len({task.text for task in TASKS}) > len(TASKS) * 3 // 4


def test_random_play_stays_within_the_schema_of_every_state() -> None:
    for seed, one in enumerate(held_out()[::5]):
        answer = RandomCandidate().text(one.decide, seed)
        jsonschema.validate(json.loads(answer), schema_of(one.decide.observation))


def test_every_role_of_the_shipped_team_is_asked_what_its_people_decide() -> None:
    playing = {role for one in held_out() for role in one.roles}

    assert playing == set(known_roles())
    assert "judge_criterion" in {one.kind for one in observed_by(PRODUCT_OWNER, 50)}
    assert len(observed_by("developer", 50)) == 50


def test_code_is_the_last_block_or_everything() -> None:
    assert code_in("x\n```python\na = 1\n```\n```\nb = 2\n```") == "b = 2\n"
    assert code_in("a = 1\n") == "a = 1\n"


def test_katas_differ_and_tell_their_functions_and_answers() -> None:
    several = exercises(50)

    assert len({one.module for one in several}) == 50
    for one in several:
        text = told(one)
        assert all(f"def {name}(" in text for name in one.functions())
        assert all(
            point.alternatives[chosen].answer in text
            for point, chosen in zip(one.kata.open_points, one.wanted, strict=True)
        )
