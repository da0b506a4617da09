"""The example clients, and any client, against runs that are under way."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.brokers.hub.conftest import until
from tests.integration.conftest import CALM
from tests.support.live import Running, clock_us, events, running
from tests.support.runs import ROOT, artifacts, digest, simulate

EXAMPLES = ROOT / "examples" / "clients"
PAUSED = (*CALM, "--nodes", "1", "--paused")

# Section 7 of reference/team-process-and-training.md
PROMISED_METRICS = {
    "sprint_velocity",
    "test_coverage_percent",
    "branch_coverage_percent",
    "process_coverage_percent",
    "pairing_sessions_total",
    "consensus_seconds",
    "junior_questions_total",
    "reverse_mentorship_total",
    "senior_response_pause_seconds",
    "senior_learned_from_junior_total",
    "junior_question_rate_per_sprint",
    "question_dismissal_rate",
    "specialist_consultations_total",
    "specialist_velocity_penalty_points",
}


def start(name: str, run: Running, *arguments: str) -> subprocess.Popen[str]:
    argv = [sys.executable, "-I", str(EXAMPLES / name), str(run.folder), *arguments]
    return subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish(process: subprocess.Popen[str]) -> str:
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    return out


def step_a_day(run: Running, calm: Path) -> int:
    """Let the first day pass; returns how many events it has."""
    first_day = sum(row.time_us < clock_us(1, 2, 0) for row, _ in events(calm))
    client = run.client("stepper")
    client.ask("step", until="day")
    until(lambda: client.ask("status")["seq"] == first_day)
    return first_day


def test_a_board_has_its_columns_and_a_held_and_stepped_run_the_digest_of_a_calm_one(
    calm: Path, tmp_path: Path
) -> None:
    with running(tmp_path / "run", *PAUSED) as run:
        step_a_day(run, calm)
        shown = json.loads(finish(start("query_board.py", run)))
        told = finish(start("pause_step_resume.py", run))
        done = run.finish()

    assert shown["status"]["paused"] is True
    (board,) = shown["snapshot"]["boards"].values()
    columns = board.get("columns", board)
    assert {"backlog", "ready", "in_progress", "review", "done"} <= set(columns)
    assert [line.split()[0] for line in told.splitlines()] == ["pause", "step", "status", "resume"]
    assert done.code == 0, done.err
    assert digest(run.folder) == digest(calm)
    assert artifacts(run.folder) == artifacts(calm)


def test_a_follower_that_joins_late_loses_nothing(calm: Path, tmp_path: Path) -> None:
    published = events(calm)
    with running(tmp_path / "run", *PAUSED) as run:
        joined_after = step_a_day(run, calm)
        follower = start("follow_events.py", run, str(len(published) - joined_after))
        asked = ("hub_requests_total", frozenset({("command", "snapshot")}))
        until(lambda: run.metrics().get(asked, 0) >= 1)
        run.client("other").ask("resume")
        followed = finish(follower)
        done = run.finish()

    assert done.code == 0, done.err
    assert joined_after > 0
    lines = [line.split(" ", 4)[:4] for line in followed.splitlines()]
    numbered = [[str(seq), str(row.time_us), row.src, row.kind] for seq, (row, _) in enumerate(published, 1)]
    assert lines == numbered[joined_after:]
    assert digest(run.folder) == digest(calm)


def test_an_injected_disturbance_is_acknowledged_strikes_once_is_felt_and_replays(calm: Path, tmp_path: Path) -> None:
    at_us = clock_us(1, 3, 11)
    with running(tmp_path / "run", *PAUSED) as run:
        step_a_day(run, calm)
        told = finish(start("inject_disturbance.py", run, "dependency_breaks", "", "3", str(at_us)))
        client = run.client("chaos")
        wish = {"disturbance": {"type": "flaky_test", "severity": 2}, "at_us": at_us + 1}
        answers = [client.ask("inject", id="same", **wish) for _ in range(3)]
        too_late = client.ask("inject", disturbance={"type": "flaky_test"}, at_us=clock_us(1, 1, 10))
        client.ask("resume")
        done = run.finish()

    assert done.code == 0, done.err
    assert told == f"journalled as command 1, takes effect at {at_us} us\n"
    assert {(one["ok"], one["number"], one["at_us"]) for one in answers} == {(True, 2, at_us + 1)}
    assert (too_late["ok"], too_late["error"]) == (False, "too_late")
    struck = [event for _, event in events(run.folder, "disturbance.struck/1") if event["injected"]]
    assert [(one["disturbance_id"], one["type"]) for one in struck] == [
        ("I-01", "dependency_breaks"),
        ("I-02", "flaky_test"),
    ]
    assert all(one["cost_minutes"] > 0 and one["blast_stories"] for one in struck)
    tagged = {(one["story_id"], one["tag"]) for _, one in events(run.folder, "board.card_tagged/1") if one["present"]}
    assert (struck[0]["story_id"], "BLOCKED") in tagged - {
        (one["story_id"], one["tag"]) for _, one in events(calm, "board.card_tagged/1")
    }
    assert digest(run.folder) != digest(calm)
    again = simulate("replay", run.folder)
    assert (again.code, digest(run.folder) in again.out) == (0, True), again.err


def test_metrics_are_served_while_a_run_is_held_and_two_runs_do_not_collide(calm: Path, tmp_path: Path) -> None:
    with (
        running(tmp_path / "a", *CALM, "--nodes", "1", "--hold", "60") as a,
        running(tmp_path / "b", *CALM, "--nodes", "1", "--hold", "60") as b,
    ):
        clients = [run.client() for run in (a, b)]
        for client in clients:
            until(lambda client=client: client.ask("status")["finished"])
        names = [set(run.metric_names()) for run in (a, b)]
        for client in clients:
            assert client.ask("stop")["ok"]
        ended = [run.finish() for run in (a, b)]

    assert a.live["metrics_url"] != b.live["metrics_url"]
    assert a.live["sockets"] != b.live["sockets"]
    assert a.live["token"] != b.live["token"]
    for found in names:
        assert set() == PROMISED_METRICS - found
    assert [done.code for done in ended] == [0, 0], ended
    assert digest(a.folder) == digest(b.folder) == digest(calm)
