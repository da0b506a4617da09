"""Lessons: who takes which, what they change, and that nothing else is called one."""

from __future__ import annotations

from functools import cache

import pytest

from actors.policy.calibration import shipped_calibration
from actors.roles.lessons import HAZARDS, concerns, effect_of
from actors.scrum.messages import LearningApplied, Member, RetroNote
from actors.scrum.retrospective import FADES_AFTER_SPRINTS
from actors.scrum.team import Roster
from actors.services.ceremony_messages import TakeLessons
from tests.actors.simulation.scenes import config_with, world_of
from tests.support.world import HOUR, VirtualWorld

CALIBRATION = shipped_calibration()


def member(agent: str, seniority: str, *roles: str) -> Member:
    return Member(agent=agent, name=agent, seniority=seniority, roles=roles, specialization="backend", auxiliaries=())


LEAD = member("ahmed_dev_lead", "senior", "developer", "leader")
MID = member("marcus", "mid", "developer")
JUNIOR = member("jamie", "junior", "developer")
TESTER = member("sophie_qa_lead", "senior", "tester", "leader")
OWNER = member("po", "senior", "product_owner")
ROSTER = Roster("red", [LEAD, MID, JUNIOR, TESTER, OWNER])


@cache
def ten_sprints(*overrides: str) -> VirtualWorld:
    world = world_of(config_with(*overrides), sprints=10)
    world.run_until_quiet()
    return world


def concerned(topic: str) -> set[str]:
    return {one.agent for one in ROSTER.members if concerns(topic, one, ROSTER)}


@pytest.mark.parametrize(
    ("topic", "agents"),
    [
        ("merge_conflict", {"marcus", "jamie"}),
        ("production_incident", {"ahmed_dev_lead"}),
        ("flaky_test", {"sophie_qa_lead"}),
        ("scope_creep", {"po"}),
        ("overrun_tasks", {"ahmed_dev_lead", "marcus", "jamie"}),
        ("review_remarks", {"marcus", "jamie"}),
        ("dismissed_questions", {"ahmed_dev_lead", "marcus", "sophie_qa_lead", "po"}),
        ("pairing", set()),
        ("stories_approved", set()),
    ],
)
def test_a_lesson_is_for_those_who_can_change_what_it_is_about(topic: str, agents: set[str]) -> None:
    assert concerned(topic) == agents


@pytest.mark.parametrize("topic", [*HAZARDS, "overrun_tasks", "review_remarks", "dismissed_questions"])
def test_a_stronger_lesson_has_another_effect_for_everybody_whom_it_concerns(topic: str) -> None:
    for one in ROSTER.members:
        if concerns(topic, one, ROSTER):
            effects = [effect_of(topic, one, ROSTER, CALIBRATION, strength=strength) for strength in range(4)]
            assert len(set(effects)) == 4


def test_the_effect_is_stated_in_numbers_of_the_model() -> None:
    def effect(topic: str, of: Member) -> str:
        return effect_of(topic, of, ROSTER, CALIBRATION, strength=2)

    assert effect("merge_conflict", MID).startswith("merge conflict costs 24 % less and is judged with 40 % less error")
    assert effect("overrun_tasks", LEAD) == "plans count with 76 % of the minutes that finished tasks took"
    assert effect("overrun_tasks", MID) == "may ask for help in the stand-up from 17 % behind plan on"
    assert effect("review_remarks", MID) == "puts 10 % fewer defects into what this person drives"
    assert effect("dismissed_questions", OWNER) == "waves 24 % fewer questions away"


def test_lessons_come_from_what_was_to_be_dropped_or_understood_never_from_praise() -> None:
    world = ten_sprints()
    notes = {(event.column, event.topic, event.text) for event in world.events(RetroNote)}
    learned = world.events(LearningApplied)

    assert any(event.column == "keep" for event in world.events(RetroNote))
    assert len(learned) > 20
    assert all(event.column in ("drop", "puzzle") for event in learned)
    assert {(event.column, event.topic, event.text) for event in learned} <= notes


def test_only_what_changes_is_published() -> None:
    strengths: dict[tuple[str, str], int] = {}
    for event in ten_sprints().events(LearningApplied):
        change = event.effect.split(":")[0]
        before = strengths.get((event.agent, event.topic), 0)
        after = {"new": 1, "strengthened": before + 1, "faded": 0}[change]
        assert after != before
        assert (change == "new") == (before == 0)
        assert after <= 3
        strengths[event.agent, event.topic] = after


def note(topic: str, *, by: str = "marcus_mid_backend", sprint: int = 1) -> RetroNote:
    return RetroNote(team="team-1", sprint=sprint, agent=by, column="drop", topic=topic, text=f"{topic} again.")


def learned_by(agent: str, *orders: TakeLessons) -> list[tuple[int, str, str]]:
    """Sprint, topic and kind of every change that one person alone makes of such notes."""
    world = world_of(config_with(), only=(f"agent/{agent}",))
    for place, order in enumerate(orders):
        world.tell(f"agent/{agent}", order, at=HOUR * (place + 1))
    world.run_until_quiet()
    return [(e.sprint, e.topic, e.effect.split(":")[0]) for e in world.events(LearningApplied)]


def take(sprint: int, *notes: RetroNote) -> TakeLessons:
    return TakeLessons(sprint=sprint, accepted=(), notes=notes)


def test_what_nothing_confirms_is_given_up() -> None:
    faded_in = 2 + FADES_AFTER_SPRINTS
    orders = [take(1, note("merge_conflict")), take(2, note("merge_conflict"))]
    orders += [take(sprint) for sprint in range(3, faded_in + 2)]

    assert learned_by("marcus_mid_backend", *orders) == [
        (1, "merge_conflict", "new"),
        (2, "merge_conflict", "strengthened"),
        (faded_in, "merge_conflict", "faded"),
    ]


def test_a_note_of_one_person_is_no_lesson_for_another_and_one_of_three_is() -> None:
    others = ("priya_senior_devops", "elena_mid_frontend", "jamie_junior_fullstack")
    notes = [note("merge_conflict", by=agent) for agent in others]

    assert learned_by("marcus_mid_backend", take(1, *notes[:2])) == []
    assert learned_by("marcus_mid_backend", take(1, *notes)) == [(1, "merge_conflict", "new")]


def test_what_its_authors_cannot_change_is_for_whoever_is_in_charge() -> None:
    suffered = take(1, note("production_incident"))

    assert learned_by("ahmed_senior_dev_lead", suffered) == [(1, "production_incident", "new")]
    assert learned_by("marcus_mid_backend", suffered) == []


def test_while_knowledge_is_off_nobody_takes_a_lesson() -> None:
    world = ten_sprints("policy.mechanisms.knowledge=false")

    assert world.events(RetroNote)
    assert world.events(LearningApplied) == []


def test_the_words_that_count_questions_and_results_stand_in_no_note() -> None:
    assert not [e for e in ten_sprints().events(RetroNote) if "Question:" in e.text or "Result:" in e.text]
