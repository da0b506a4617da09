"""Live metrics: what a scrape shows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from actors.reporting.catalogue import METRICS
from actors.reporting.metrics import RunMetrics
from actors.scrum.messages import QuestionAnswered
from brokers.node.messages import DeadLettered
from tests.actors.reporting import builders as b
from tests.actors.reporting import code_builders as c


def metrics_after(events: Iterable[Any]) -> RunMetrics:
    metrics = RunMetrics()
    for entry in b.entries((b.at(1, 1), event) for event in events):
        metrics.apply(entry)
    return metrics


def value(metrics: RunMetrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(name, labels)


def test_every_metric_is_announced_before_anything_is_measured() -> None:
    text = RunMetrics().exposition().decode()

    assert all(f"# TYPE {metric.name} {metric.type}\n" in text for metric in METRICS)
    assert "\ntest_coverage_percent{" not in text
    assert "\nevents_total 0.0\n" in text


def test_a_scrape_can_be_parsed_and_knows_no_creation_times() -> None:
    metrics = RunMetrics()
    for entry in b.whole_run(2):
        metrics.apply(entry)

    names = {family.name for family in text_string_to_metric_families(metrics.exposition().decode())}
    assert {"sprint_velocity", "pairing_sessions", "consensus_seconds"} <= names
    assert b"_created" not in metrics.exposition()


def test_velocity_and_finished_stories_follow_the_end_of_a_sprint() -> None:
    metrics = metrics_after([b.sprint_ended(1, points=8, stories=("S-1", "S-2")), b.sprint_ended(2, points=5)])

    assert value(metrics, "sprint_velocity", team=b.TEAM) == 5.0
    assert value(metrics, "stories_finished_total", team=b.TEAM) == 2.0


def test_a_junior_question_counts_when_it_is_answered() -> None:
    labels = {"junior_id": b.JUNIOR, "category": "edge_case"}
    metrics = metrics_after([b.asked(1), b.asked(2), b.asked(3), b.answered(1, changed=True), b.answered(2)])

    assert value(metrics, "junior_questions_total", resulted_in_change="true", **labels) == 1.0
    assert value(metrics, "junior_questions_total", resulted_in_change="false", **labels) == 1.0


def test_the_question_rate_belongs_to_one_sprint_and_may_be_zero() -> None:
    formed = b.team_formed()
    busy = metrics_after([formed, b.asked(1), b.asked(2), b.sprint_ended(1)])
    quiet = metrics_after([formed, b.asked(1), b.sprint_ended(1), b.sprint_ended(2)])

    assert value(busy, "junior_question_rate_per_sprint", junior_id=b.JUNIOR) == 2.0
    assert value(quiet, "junior_question_rate_per_sprint", junior_id=b.JUNIOR) == 0.0


def test_a_dismissed_question_has_no_pause_but_raises_the_dismissal_rate() -> None:
    metrics = metrics_after([b.answered(1, dismissed=True), b.answered(2), b.answered(3), b.answered(4)])

    pause = {"senior_id": b.SENIOR, "question_category": "edge_case"}
    assert value(metrics, "question_dismissal_rate", senior_id=b.SENIOR) == 0.25
    assert value(metrics, "senior_response_pause_seconds_count", **pause) == 3.0
    assert value(metrics, "senior_response_pause_seconds_bucket", le="2.0", **pause) == 0.0
    assert value(metrics, "senior_response_pause_seconds_bucket", le="5.0", **pause) == 3.0
    assert value(metrics, "senior_response_pause_seconds_sum", **pause) == 9.0


def test_what_a_senior_learned_is_counted_by_junior() -> None:
    metrics = metrics_after([b.answered(1, changed=True), b.mentored(1)])

    learned = {"senior_id": b.SENIOR, "junior_id": b.JUNIOR, "learning_type": "edge_case"}
    mentored = {"junior_id": b.JUNIOR, "senior_id": b.SENIOR, "topic": "empty_input"}
    assert value(metrics, "senior_learned_from_junior_total", **learned) == 1.0
    assert value(metrics, "reverse_mentorship_total", **mentored) == 1.0


def test_questions_of_seniors_are_no_junior_questions() -> None:
    senior = QuestionAnswered(
        team=b.TEAM, sprint=1, question_id="Q-9", story_id="S-1", asker=b.MID, asker_seniority="mid",
        answerer=b.PO, answerer_seniority="senior", category="edge_case", topic="x", answer="", pause_us=0,
        dismissed=True, changed=True, answerer_learned=True,
    )  # fmt: skip
    metrics = metrics_after([senior])

    assert b"\njunior_questions_total{" not in metrics.exposition()
    assert value(metrics, "question_dismissal_rate", senior_id=b.PO) is None


def test_tokens_have_no_sample_while_the_policy_has_none() -> None:
    silent = metrics_after([b.decision()])
    talking = metrics_after([b.decision(tokens=20), b.decision(tokens=1)])

    assert b"\ntokens_total{" not in silent.exposition()
    assert value(talking, "tokens_total", agent=b.SENIOR, kind="prompt") == 21.0
    response = {"agent": b.SENIOR, "decision": "plan_story"}
    assert value(silent, "agent_response_seconds_bucket", le="5.0", **response) == 0.0
    assert value(silent, "agent_response_seconds_bucket", le="15.0", **response) == 1.0


def test_disturbances_escalations_and_dead_letters_are_counted_by_their_labels() -> None:
    letter = DeadLettered(actor="board", sender="x", message_kind="y/1", error="e", incarnation=1)
    metrics = metrics_after([b.struck(severity=3), b.escalated(1), letter])

    assert value(metrics, "disturbances_total", type="flaky_test", severity="3", team=b.TEAM) == 1.0
    assert value(metrics, "escalations_total", tier="2") == 1.0
    assert value(metrics, "dead_letters_total", actor="board") == 1.0
    assert value(metrics, "events_total") == 3.0


def test_only_accepted_stories_have_a_cycle_time() -> None:
    metrics = metrics_after([b.judged(1), b.judged(2, verdict="rejected")])

    assert value(metrics, "sprint_cycle_time_seconds_count") == 1.0
    assert value(metrics, "sprint_cycle_time_seconds_sum") == 43200.0


def test_code_has_no_sample_not_even_zero_before_anybody_measured_it() -> None:
    modelled = metrics_after([b.sprint_ended(1)])
    executed = metrics_after([c.main_measured(lines=(0, 0), branches=(0, 0))])

    for name in ("commits_total", "defects_escaped_total"):
        assert value(modelled, name) is None
        assert value(executed, name) == 0.0
    assert value(executed, "test_coverage_percent", team=b.TEAM) is None


def test_coverage_is_that_of_the_latest_main() -> None:
    metrics = metrics_after([c.main_measured(1), c.main_measured(2, lines=(1, 3), branches=(1, 8))])

    assert value(metrics, "test_coverage_percent", team=b.TEAM) == 33.333333
    assert value(metrics, "branch_coverage_percent", team=b.TEAM) == 12.5


def test_commits_runs_and_merges_are_counted_by_what_came_of_them() -> None:
    metrics = metrics_after(
        [
            c.committed("c1"), c.committed("c2"), c.ran_tests("red", "a"), c.ran_tests("queue"),
            c.ran_tests("queue", ended="timeout"), c.landed("m1"), c.returned("conflict"), c.returned("gates"),
        ]
    )  # fmt: skip

    assert value(metrics, "commits_total") == 2.0
    assert value(metrics, "test_runs_total", phase="red", outcome="red") == 1.0
    assert value(metrics, "test_runs_total", phase="queue", outcome="green") == 1.0
    assert value(metrics, "test_runs_total", phase="queue", outcome="red") == 1.0
    assert [value(metrics, "merges_total", outcome=outcome) for outcome in ("landed", "conflict", "gates")] == [1.0] * 3


def test_a_defect_is_found_once_by_whoever_came_first() -> None:
    found = [c.flaw_found(1, "qa"), c.flaw_found(1, "qa"), c.flaw_found(1, "rewrite"), c.flaw_found(1, team="other")]
    metrics = metrics_after([*found, c.escape()])

    assert value(metrics, "defects_found_total", by="qa") == 1.0
    assert value(metrics, "defects_found_total", by="rewrite") is None
    assert value(metrics, "defects_found_total", by="tests") == 1.0
    assert value(metrics, "defects_escaped_total") == 1.0


def test_the_depth_of_mailboxes_is_set_from_outside() -> None:
    metrics = RunMetrics()
    metrics.set_mailbox_depth("agents-1", 3)
    metrics.set_mailbox_depth("agents-1", 2)

    assert value(metrics, "mailbox_depth", node="agents-1") == 2.0


def test_two_runs_in_one_process_do_not_mix() -> None:
    one, other = metrics_after([b.escalated(1)]), RunMetrics()

    assert value(one, "escalations_total", tier="2") == 1.0
    assert value(other, "escalations_total", tier="2") is None


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_counters_are_named_total_and_histograms_have_rising_bounds(metric: Any) -> None:
    assert metric.name.endswith("_total") == (metric.type == "counter")
    assert bool(metric.bounds_s) == (metric.type == "histogram")
    assert list(metric.bounds_s) == sorted(set(metric.bounds_s))
