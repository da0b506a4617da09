"""What a report says about judgements of a model: counted from the log, tokens of failed decisions included."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from actors.reporting.final_page import final_page
from actors.reporting.final_report import RunTotals, final_report
from actors.reporting.measures import Measures
from actors.reporting.series import POSITION
from actors.reporting.team_history import TeamHistory
from actors.scrum.code_messages import ToolCalled
from actors.scrum.messages import DecisionTaken, ModelAsked
from tests.actors.reporting.builders import MID, SENIOR, TEAM, decision, entries, run_info

MODEL_RUN = replace(run_info(), judgement="model")
NOTHING = RunTotals(events=0, event_digest="", dead_letters={})


def asked(outcome: Any, *, kind: str = "estimate_points", unmetered: int = 0, model: str = "tiny") -> ModelAsked:
    attempts = 1 if outcome == "settled" else 2
    return ModelAsked(
        team=TEAM,
        agent=MID,
        decision=f"decision.{kind}/1",
        model=model,
        outcome=outcome,
        attempts=attempts,
        prompt_tokens=100 * (attempts - unmetered),
        completion_tokens=10 * (attempts - unmetered),
        unmetered=unmetered,
    )


def report_of(*events: Any, info: Any = MODEL_RUN) -> dict[str, Any]:
    history = TeamHistory(TEAM)
    for event in events:
        history.apply(event, 0)
    return final_report(info, [history], NOTHING)


def test_decisions_are_counted_by_kind_and_by_the_model_that_answered() -> None:
    plan = asked("repaired", kind="plan_story", model="other")
    found = report_of(asked("settled"), asked("malformed"), asked("refused", unmetered=2), plan)["judgement"]

    assert found == {
        "by": "model",
        "models": {"other": 1, "tiny": 3},
        "adapters": {},
        "asked": 4,
        "repaired": 1,
        "failed": 2,
        "prompt_tokens": 500,
        "completion_tokens": 50,
        "answers_without_tokens": 2,
        "decisions": {
            "estimate_points": {"asked": 3, "repaired": 0, "failed": 2},
            "plan_story": {"asked": 1, "repaired": 1, "failed": 0},
        },
    }


def test_versions_of_adapters_that_answered_are_counted_beside_their_model() -> None:
    worn = [replace(asked("settled", kind=kind), adapter="coach", adapter_version=3) for kind in ("plan_story", "x")]
    code = replace(asked("settled", kind="write_code"), adapter="coder", adapter_version=1)
    report = report_of(asked("settled"), *worn, code, info=replace(MODEL_RUN, hands="llm"))

    assert (report["judgement"]["models"], report["judgement"]["adapters"]) == ({"tiny": 3}, {"coach@3": 2})
    assert report["hands"]["adapters"] == {"coder@1": 1}
    assert "tiny (3); of these through adapters: coach@3 (2)" in final_page(report)


def called(tool: str, *, is_refused: bool = False) -> ToolCalled:
    return ToolCalled(
        team=TEAM, sprint=1, story_id="US-1", session_id="P-1", agent=MID, tool=tool, is_refused=is_refused
    )


def test_what_a_model_wrote_with_is_told_apart_from_what_it_judged() -> None:
    written = [asked("settled", kind="write_code", model="coder"), asked("repaired", kind="write_code", model="coder")]
    calls = [called("write_file"), called("commit", is_refused=True), called("commit")]
    report = report_of(asked("settled"), *written, *calls, info=replace(MODEL_RUN, hands="llm"))

    assert report["hands"] == {
        "by": "llm",
        "models": {"coder": 2},
        "adapters": {},
        "asked": 2,
        "repaired": 1,
        "failed": 0,
        "prompt_tokens": 300,
        "completion_tokens": 30,
        "answers_without_tokens": 0,
        "tools": {"commit": {"used": 1, "refused": 1}, "write_file": {"used": 1, "refused": 0}},
    }
    assert report["judgement"]["models"] == {"tiny": 1}
    assert report["judgement"]["decisions"].keys() == {"estimate_points"}
    assert report["judgement"]["prompt_tokens"] == 100


def test_hands_of_a_model_are_reported_where_rules_judge_and_the_other_way_round() -> None:
    hands = report_of(asked("malformed", kind="write_code"), info=replace(run_info(), hands="llm"))
    lost = report_of(asked("refused", kind="write_code", unmetered=2), info=replace(run_info(), hands="llm"))

    assert hands["judgement"] == {"by": "behavioural"}
    assert (hands["hands"]["failed"], hands["hands"]["prompt_tokens"]) == (1, 200)
    assert (lost["hands"]["answers_without_tokens"], lost["hands"]["prompt_tokens"]) == (2, None)
    assert lost["unmeasured"]["prompt_tokens"] == "no answer of a model came with its tokens"
    assert report_of(asked("settled"))["hands"] == {"by": "behavioural"}


def test_the_page_for_people_has_a_table_of_tools() -> None:
    info = replace(run_info(), hands="llm")
    page = final_page(report_of(asked("settled", kind="write_code"), called("read_file"), info=info))

    assert "## Hands" in page
    assert "read file | 1 | 0" in page
    assert "100 prompt and 10 completion tokens" in page
    assert "## Hands" not in final_page(report_of(info=run_info()))


def test_the_page_for_people_has_a_table_of_decisions() -> None:
    page = final_page(report_of(asked("settled"), asked("malformed")))

    assert "## Judgement" in page
    assert "tiny (2)" in page
    assert "estimate points | 2 | 0 | 1" in page
    assert "## Judgement" not in final_page(report_of(info=run_info()))


def test_tokens_are_those_of_decisions_that_were_taken_and_of_those_that_failed() -> None:
    taken: DecisionTaken = decision(tokens=50)
    events = [taken, asked("settled"), asked("illegal"), asked("refused", unmetered=2)]
    metrics = report_of(*events)["metrics"]
    measures = Measures()
    for entry in entries((0, event) for event in events):
        measures.apply(entry)

    assert metrics["prompt_tokens"] == (taken.prompt_tokens or 0) + 200
    assert metrics["completion_tokens"] == (taken.completion_tokens or 0) + 20
    counted = measures.store.numbers
    assert counted[POSITION["tokens_total"], (SENIOR, "prompt")] == 50
    assert counted[POSITION["tokens_total"], (MID, "prompt")] == 200


def test_tokens_that_nobody_told_are_null_and_say_so() -> None:
    report = report_of(asked("refused", unmetered=2))

    assert report["metrics"]["prompt_tokens"] is None
    assert report["unmeasured"]["prompt_tokens"] == "no answer of a model came with its tokens"


def test_where_rules_judge_there_is_nothing_to_count() -> None:
    report = report_of(decision(SENIOR), info=run_info())

    assert report["judgement"] == {"by": "behavioural"}
    assert report["unmeasured"]["prompt_tokens"] == "the policy has no tokens"
