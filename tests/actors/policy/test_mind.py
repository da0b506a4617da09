from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.policy.calibration import shipped_calibration
from actors.policy.decisions import Person
from actors.policy.mind import Mechanisms, Mind
from tests.actors.policy.people import person

CALIBRATION = shipped_calibration()
MODULES = {"api": ("api_design", "backend"), "frontend": ("ui_ux",), "operations": ("devops",)}
OFF = Mechanisms(familiarity=False, knowledge=False, estimation_learning=False)


def mind(of: Person | None = None, *, mechanisms: Mechanisms | None = None) -> Mind:
    return Mind(
        of or person(), modules=MODULES, partners=("priya", "jamie"), calibration=CALIBRATION, mechanisms=mechanisms
    )


def test_everybody_begins_almost_without_knowledge_and_the_trained_and_senior_know_a_little_more() -> None:
    junior, senior = mind(person("junior")), mind(person("senior"))

    assert 0 < junior.knowledge_permille("operations") < junior.knowledge_permille("api") < 300
    assert senior.knowledge_permille("operations") > junior.knowledge_permille("operations")
    assert mind(person(specialization="frontend")).knowledge_permille("api") == mind().knowledge_permille("api") - 40


def test_work_in_a_module_teaches_that_module_and_no_other() -> None:
    marcus = mind()
    before = dict(marcus.knowledge())

    marcus.worked("api", 300)

    after = dict(marcus.knowledge())
    assert after["api"] > before["api"] + 100
    assert {name: after[name] for name in ("frontend", "operations")} == {
        name: before[name] for name in ("frontend", "operations")
    }


def test_knowledge_approaches_its_ceiling_ever_more_slowly() -> None:
    marcus, steps = mind(), []
    for _ in range(12):
        marcus.worked("api", 500)
        steps.append(marcus.knowledge_permille("api"))

    gains = [late - early for early, late in pairwise(steps)]
    assert gains == sorted(gains, reverse=True)
    assert gains[-1] < 5
    assert CALIBRATION.knowledge.ceiling - 10 < steps[-1] <= CALIBRATION.knowledge.ceiling


@given(st.lists(st.integers(0, 200), max_size=30))
def test_it_does_not_matter_how_practice_is_cut_into_pieces(pieces: list[int]) -> None:
    whole, cut = mind(), mind()
    whole.worked("api", sum(pieces))
    whole.paired("priya", sum(pieces))
    for piece in pieces:
        cut.worked("api", piece)
        cut.paired("priya", piece)

    assert cut.knowledge() == whole.knowledge()
    assert cut.familiarity_permille("priya") == whole.familiarity_permille("priya")


def test_a_navigator_learns_less_than_a_driver() -> None:
    driver, navigator = mind(), mind()
    driver.worked("api", 400)
    navigator.worked("api", 400, navigating=True)

    assert mind().knowledge_permille("api") < navigator.knowledge_permille("api") < driver.knowledge_permille("api")


def test_what_is_not_used_for_a_sprint_fades_but_not_below_the_start() -> None:
    marcus = mind()
    marcus.worked("api", 600)
    marcus.worked("frontend", 600)
    marcus.paired("priya", 600)
    marcus.end_sprint()  # everything was used in this sprint
    api, frontend, priya = (
        marcus.knowledge_permille("api"),
        marcus.knowledge_permille("frontend"),
        marcus.familiarity_permille("priya"),
    )

    marcus.worked("api", 1)
    marcus.end_sprint()

    assert marcus.knowledge_permille("api") >= api
    assert frontend - 40 < marcus.knowledge_permille("frontend") < frontend
    assert priya - 40 < marcus.familiarity_permille("priya") < priya
    for _ in range(2000):
        marcus.end_sprint()
    assert marcus.knowledge_permille("frontend") == mind().knowledge_permille("frontend")


def test_pairing_builds_familiarity_with_that_partner_only() -> None:
    marcus = mind()
    start = marcus.familiarity_permille("jamie")

    marcus.paired("priya", 900)

    assert marcus.familiarity_permille("priya") > 500
    assert marcus.familiarity_permille("jamie") == start
    assert marcus.mean_familiarity_permille == (marcus.familiarity_permille("priya") + start) // 2


def test_a_mechanism_that_is_off_neither_grows_nor_differs_between_people() -> None:
    junior, senior = mind(person("junior"), mechanisms=OFF), mind(person("senior"), mechanisms=OFF)
    senior.worked("api", 5000)
    senior.paired("priya", 5000)
    senior.asked("api", "limits", changed=True)
    senior.saw_estimate_finish()

    assert junior.knowledge() == senior.knowledge() == tuple((name, 500) for name in sorted(MODULES))
    assert senior.familiarity_permille("priya") == junior.familiarity_permille("priya") == 500
    assert senior.estimates_seen == junior.estimates_seen == CALIBRATION.estimating.neutral_seen
    assert senior.experience("api") == ()


@pytest.mark.parametrize(
    ("specialization", "fit"), [("backend", "primary"), ("api_design", "auxiliary"), ("ui_ux", "none")]
)
def test_the_fit_is_that_of_specialization_and_work(specialization: str, fit: str) -> None:
    assert mind().fit_for(specialization) == fit
    assert mind().at_work("api", specialization).fit == fit


def test_questions_are_remembered_by_module_and_topic() -> None:
    marcus = mind()
    marcus.asked("api", "limits", changed=False)
    marcus.asked("api", "limits", changed=True)
    marcus.asked("api", "errors", changed=False)
    marcus.asked("frontend", "format", changed=True)

    assert [(seen.topic, seen.asked, seen.changed) for seen in marcus.experience("api")] == [
        ("errors", 1, 0),
        ("limits", 2, 1),
    ]


def test_a_lesson_grows_stronger_up_to_its_limit_and_can_be_forgotten() -> None:
    marcus = mind()

    for strength in (1, 2, 3):
        marcus.take_to_heart("merge_conflict", strength)
        assert marcus.lesson_strength("merge_conflict") == strength
    marcus.take_to_heart("merge_conflict", 5)
    assert (marcus.lessons, marcus.lesson_strength("merge_conflict")) == (("merge_conflict",), 3)
    marcus.take_to_heart("merge_conflict", 0)
    marcus.take_to_heart("never_learned", 0)
    assert (marcus.lessons, marcus.lesson_strength("merge_conflict")) == ((), 0)


def test_while_knowledge_is_off_no_lesson_is_learned() -> None:
    marcus = mind(mechanisms=Mechanisms(knowledge=False))
    marcus.take_to_heart("merge_conflict", 3)

    assert (marcus.lessons, marcus.lesson_strength("merge_conflict")) == ((), 0)


def test_plans_follow_what_tasks_took_and_stay_hopeful() -> None:
    ahmed = mind()
    plans = []
    for _ in range(60):
        plans.append(ahmed.planned_pace_permille)
        ahmed.saw_task_finish(sized_minutes=200, spent_minutes=400)

    assert plans[0] == 1000
    assert plans == sorted(plans)
    hope = CALIBRATION.planning.hope
    assert 1.95 * hope < plans[-1] <= 2 * hope
    ahmed.take_to_heart("overrun_tasks", 3)
    assert ahmed.planned_pace_permille > plans[-1]
    assert ahmed.planned_pace_permille < 2000


def test_plans_forget_the_pace_of_old_tasks() -> None:
    ahmed, zoe = mind(), mind()
    for _ in range(200):
        ahmed.saw_task_finish(sized_minutes=100, spent_minutes=800)
    for _ in range(100):
        ahmed.saw_task_finish(sized_minutes=100, spent_minutes=200)
        zoe.saw_task_finish(sized_minutes=100, spent_minutes=200)

    assert abs(ahmed.planned_pace_permille - zoe.planned_pace_permille) < 40


def test_while_estimation_learning_is_off_plans_stay_with_the_sizing() -> None:
    ahmed = mind(mechanisms=Mechanisms(estimation_learning=False))
    ahmed.take_to_heart("overrun_tasks", 3)
    for _ in range(30):
        ahmed.saw_task_finish(sized_minutes=100, spent_minutes=300)

    assert ahmed.planned_pace_permille == 1000


def test_order_of_modules_and_partners_makes_no_difference() -> None:
    one = mind()
    other = Mind(
        person(), modules=dict(reversed(MODULES.items())), partners=("jamie", "priya"), calibration=CALIBRATION
    )

    assert one.knowledge() == other.knowledge()
    assert one.mean_familiarity_permille == other.mean_familiarity_permille


def test_nobody_is_a_partner_of_oneself() -> None:
    alone = Mind(person(), modules=MODULES, partners=(person().agent,), calibration=CALIBRATION)

    assert alone.mean_familiarity_permille == 0


def test_another_calibration_teaches_at_another_speed() -> None:
    slow = replace(CALIBRATION, knowledge=replace(CALIBRATION.knowledge, learning_minutes=9000))
    learner = Mind(person(), modules=MODULES, partners=(), calibration=slow)
    learner.worked("api", 500)
    usual = mind()
    usual.worked("api", 500)

    assert learner.knowledge_permille("api") < usual.knowledge_permille("api")
