"""What is possible in an observed state; and that people who follow the behavioural rules never do anything else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.policy.calibration import shipped_calibration
from actors.policy.decisions import (
    AnswerChoice,
    CheckpointChoice,
    CriterionChoice,
    Decide,
    Decided,
    EscalationChoice,
    HelpChoice,
    PlanChoice,
    PointsChoice,
    QuestionChoice,
    ReportChoice,
    RetroChoice,
    ReviewChoice,
    TaskChoice,
    ToolChoice,
    TriageChoice,
)
from actors.policy.dice import Dice
from actors.policy.engine import build_registry
from actors.policy.judgements import RULES, judge
from actors.policy.prompting.answers import parse, text_of
from actors.policy.prompting.legality import illegal
from actors.policy.prompting.narrowing import schema_of
from actors.policy.prompting.schemas import schema_text
from actors.roles.cautious import cautious_choice
from brokers.journal.reader import JournalReader
from brokers.wire.packing import unpack
from inference.engines.schemas import read_schema
from tests.actors.policy import people
from tests.actors.policy.prompting import situations
from tests.support import runs

CALIBRATION = shipped_calibration()
ASKED = QuestionChoice(ask=True, criterion=2, topic="limits", category="edge_case", text="How many?")
RETRO = RetroChoice(
    keep_topic="pairing",
    keep="Pairing went well.",
    drop_topic="merge_conflict",
    drop="Let us merge daily.",
    puzzle_topic="overrun_tasks",
    puzzle="Why so long?",
)


def task(**changed: Any) -> TaskChoice:
    fields: dict[str, Any] = {"title": "Build", "share_permille": 500, "depends_on": (), "specialization": "backend"}
    return TaskChoice(**(fields | changed))


def plan(*tasks: TaskChoice, approach: str = "One by one.") -> PlanChoice:
    return PlanChoice(tasks=tasks or (task(), task(depends_on=(0,))), approach=approach)


# -- the behavioural policy -------------------------------------------------------------------------------------------


@settings(deadline=None)
@given(situations.judged, st.integers(0, 1_000_000))
def test_whatever_people_observe_the_behavioural_rules_answer_within_form_schema_and_legality(
    observation: Any, seed: int
) -> None:
    answer = judge(observation, CALIBRATION, Dice(seed, "ada", ("a", "b", 0)))

    assert illegal(observation, answer) == ""
    assert parse(observation, text_of(answer)) == answer
    assert read_schema(schema_text(schema_of(observation))).problem(text_of(answer)) == ""


@settings(deadline=None)
@given(situations.judged)
def test_the_cautious_choice_is_legal(observation: Any) -> None:
    _, answer = cautious_choice(observation)

    assert illegal(observation, answer) == "" or cautious_is_about_nothing(observation)


def cautious_is_about_nothing(observation: Any) -> bool:
    """Two things cannot be chosen well: a title too long for a task, stories seen that are more than one."""
    return getattr(observation, "visible_stories", 0) > 1


def test_every_decision_of_two_sprints_is_legal_as_people_took_it(tmp_path: Path) -> None:
    runs.run(tmp_path / "run", "--sprints", "2", "--seed", "7", "--nodes", "1")
    registry, kinds = build_registry(), set()
    with JournalReader(tmp_path / "run" / "run.sqlite") as journal:
        for asked in journal.effects():
            body = unpack(asked.request)
            if body["kind"] != Decide.KIND or asked.effect.reply is None:
                continue
            request, reply = registry.from_body(body), registry.from_body(unpack(asked.effect.reply))
            assert isinstance(reply, Decided)
            kinds.add(type(request.observation))
            assert illegal(request.observation, reply.answer) == ""
            assert parse(request.observation, text_of(reply.answer)) == reply.answer

    assert len(kinds) >= len(RULES) - 2  # escalations are rare


# -- each rule --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("observation", "answer"),
    [
        (people.question(), ASKED),
        (people.answer(), AnswerChoice(dismiss=True, pause_ms=0)),
        (people.estimate(), PointsChoice(points=13)),
        (people.plan(), plan()),
        (people.plan(), plan(task(specialization="api_design"), task(share_permille=499), task(share_permille=1))),
        (people.checkpoint(concern="slow"), CheckpointChoice(action="escalate", reason="No.")),
        (people.review(), ReviewChoice(approve=False, issue="scope", reason="Too much.")),
        (people.escalation(), EscalationChoice(option=1, record=False, consequence="So be it.")),
        (people.report(open_hazards=("flaky_test",)), ReportChoice(raise_blocker=True, ask_help=True, text="Help.")),
        (people.help_needed(), HelpChoice(helper="", text="Nobody.")),
        (people.disturbance(visible_stories=70), TriageChoice(severity=1, blast=70, response="defer")),
        (people.criterion(), CriterionChoice(accept=False, reason="I do not like it.")),
        (people.reflection(), RETRO),
        (people.reflection(), replace(RETRO, keep_topic="", keep="", puzzle_topic="", puzzle="")),
        (situations.writing(), ToolChoice(tool="read_file", arguments='{"path":"src/pages.py"}')),
    ],
)
def test_these_are_legal(observation: Any, answer: Any) -> None:
    assert illegal(observation, answer) == ""


@pytest.mark.parametrize(
    ("observation", "answer", "says"),
    [
        (people.question(), replace(ASKED, criterion=4), "there is no criterion 4"),
        (people.question(), replace(ASKED, criterion=0), "criterion: Input should be"),
        (people.question(), replace(ASKED, topic="weather"), "topic: Input should be"),
        (people.question(), replace(ASKED, text=" \n"), "text is blank"),
        (people.question(), replace(ASKED, ask=False), "Input should be"),
        (people.question(story=people.story(answered=("2:limits",))), ASKED, "asked and answered before"),
        (people.question(story=people.story(criteria=())), ASKED, "has 0 criteria"),
        (people.answer(), AnswerChoice(dismiss=True, pause_ms=9), "pause_ms: Input should be 0"),
        (people.answer(), AnswerChoice(dismiss=False, pause_ms=99_999), "pause_ms: Input should be less"),
        (people.estimate(), PointsChoice(points=4), "points: Input should be"),
        (people.plan(), plan(task(share_permille=999)), "tasks: List should have at least 2"),
        (people.plan(), plan(task(), task(share_permille=499)), "the shares sum to 999"),
        (people.plan(), plan(task(), task(depends_on=(1,))), "tasks[1].depends_on: a task depends on earlier ones"),
        (people.plan(), plan(task(depends_on=(0,)), task()), "tasks[0].depends_on: a task depends on earlier ones"),
        (people.plan(), plan(task(), task(depends_on=(0, 0))), "names a task twice"),
        (people.plan(), plan(task(), task(specialization="cooking")), "must be one of backend, api_design"),
        (people.plan(), plan(task(title=" "), task()), "tasks[0].title is blank"),
        (people.plan(), plan(approach=" "), "approach is blank"),
        (people.checkpoint(), CheckpointChoice(action="escalate", reason="No."), "nothing to escalate"),
        (people.review(), ReviewChoice(approve=True, issue="scope", reason="Fine."), "issue: Input should be"),
        (people.review(), ReviewChoice(approve=False, issue="", reason="Hm."), "issue: Input should be"),
        (people.escalation(), EscalationChoice(option=2, record=True, consequence="So."), "there are 2 options"),
        (people.escalation(options=()), EscalationChoice(option=0, record=True, consequence="So."), "are 0 options"),
        (people.report(), ReportChoice(raise_blocker=True, ask_help=False, text="Stuck."), "nothing holds up"),
        (people.help_needed(), HelpChoice(helper="zoe", text="Zoe."), "must be empty or one of ada, bob, cyd"),
        (people.disturbance(visible_stories=3), TriageChoice(severity=1, blast=2, response="defer"), "from 3 to 50"),
        (people.disturbance(), TriageChoice(severity=5, blast=2, response="defer"), "severity: Input should be"),
        (people.reflection(), replace(RETRO, keep_topic="merge_conflict"), "keep_topic: must be empty or one of"),
        (people.reflection(), replace(RETRO, drop_topic="scope_creep"), "drop_topic: must be empty or one of"),
        (people.reflection(), replace(RETRO, puzzle_topic="merge_conflict"), "another topic than drop_topic"),
        (people.reflection(), replace(RETRO, keep=""), "keep: a topic needs words"),
        (people.reflection(), replace(RETRO, drop_topic=""), "drop: a topic needs words"),
        (people.reflection(experiences=()), RETRO, "one of nothing: there is none"),
        (situations.writing(), ToolChoice(tool="fly", arguments="{}"), "there is no tool 'fly'"),
        (situations.writing(), ToolChoice(tool="read_file", arguments="{}"), "read_file needs path"),
        (situations.writing(runs_left=0), ToolChoice(tool="run_tests", arguments="{}"), "used up in this quarter"),
        (people.estimate(), ASKED, "is decision.points_choice/1, not decision.question_choice/1"),
        (PointsChoice(points=1), PointsChoice(points=1), "is no observation"),
    ],
)
def test_these_are_not_and_the_reason_says_why(observation: Any, answer: Any, says: str) -> None:
    assert says in illegal(observation, answer)
