"""kill -9 and crashes of actors while code is written: the same log, the same commits, and git finds nothing wrong."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from config.streams import draw
from tests.support.kills import live_through
from tests.support.live import events, running
from tests.support.repositories import Product, pytest_in
from tests.support.runs import artifacts, digest, run, simulate

pytestmark = pytest.mark.timeout(400)  # nothing waits so long: the machine may be busy
SPRINT = ("--sprints", "1", "--seed", "7")
HELPERS = ("hub", "behavioural-0", "work-0", "work-1")
NODES = ("services", "agents-1", "launcher")
EVENTS = 400  # fewer than such a run publishes, so that every kill finds it alive
MILLISECOND = 1_000
MINUTE = 60_000_000


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Read only."""
    folder = tmp_path_factory.mktemp("unkilled") / "run"
    run(folder, *SPRINT, "--nodes", "1", executes=True)
    return folder


def survives(folder: Path, undisturbed: Path, kills: list[tuple[str, int]], *options: str) -> None:
    lives = live_through(folder, kills, *(options or SPRINT), executes=True)

    assert [life.killed for life in lives[:-1]] == [True] * len(kills)
    assert lives[-1].code == 0, lives[-1].err
    for life in lives[:-1]:
        promised = 0 if life.victim in HELPERS else -9 if life.victim == "launcher" else 75
        assert life.code == promised, life
    assert digest(folder) == digest(undisturbed)
    assert artifacts(folder) == artifacts(undisturbed)
    assert Product.of(folder).hashes() == Product.of(undisturbed).hashes()
    assert Product.of(folder).is_intact()


@pytest.mark.parametrize(("victim", "after"), [("work-0", 150), ("services", 250), ("launcher", 350)])
def test_a_process_that_is_killed_while_code_is_written_leaves_no_trace(
    undisturbed: Path, tmp_path: Path, victim: str, after: int
) -> None:
    survives(tmp_path / "run", undisturbed, [(victim, after)])


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_twenty_random_kills_in_five_sprints_leave_no_trace(tmp_path: Path) -> None:
    options = ("--sprints", "5", "--seed", "7")
    run(tmp_path / "undisturbed", *options, "--nodes", "1", executes=True)
    seed = int(os.environ.get("SOAK_SEED", "2"))
    for n in range(20):
        kill = draw(seed, "victim", "", n).pick((*HELPERS, *NODES)), 1 + draw(seed, "moment", "", n).below(EVENTS * 5)
        survives(tmp_path / f"run-{n}", tmp_path / "undisturbed", [kill], *options)


# -- actors -----------------------------------------------------------------------------------------------------------


def crash(folder: Path, actor: str, at_us: int) -> None:
    with running(folder, *SPRINT, "--nodes", "1", "--paused", executes=True) as held:
        client = held.client("chaos")
        answer = client.ask("crash", actor=actor, at_us=at_us)
        assert (answer["ok"], answer["at_us"]) == (True, at_us), answer
        assert client.ask("resume")["ok"]
        done = held.finish(timeout_s=300)
    assert done.code == 0, done.err


MOMENTS = {  # kind of event in the undisturbed run, and so much before it
    "while a commit is made": ("workshop", "code.committed/1", 100 * MILLISECOND),
    "while tests run in the queue": ("merge_queue", "code.tests_ran/1", MINUTE),
    "between the commit on main and its announcement": ("merge_queue", "code.story_landed/1", 60 * MILLISECOND),
    "as main has moved": ("workshop", "code.story_landed/1", 40 * MILLISECOND),
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_an_actor_that_crashes_in_the_middle_of_an_effect_goes_on_with_it(
    undisturbed: Path, tmp_path: Path, moment: str
) -> None:
    actor, kind, before_us = MOMENTS[moment]
    found = [(row, event) for row, event in events(undisturbed, kind) if event.get("phase", "queue") == "queue"]
    row, event = found[len(found) // 2]
    crash(tmp_path / "run", f"{actor}/{event['team']}", row.time_us - before_us)

    asked = [event["message_kind"] for _, event in events(tmp_path / "run", "node.dead_letter/1")]
    assert asked == ["chaos.crash/1"]
    landed = [event["story_id"] for _, event in events(tmp_path / "run", "code.story_landed/1")]
    assert len(landed) == len(set(landed)) >= 2
    assert Product.of(tmp_path / "run").is_intact()
    assert pytest_in(tmp_path / "run" / "workspace").returncode == 0
    replay = simulate("replay", tmp_path / "run")
    assert (replay.code, digest(tmp_path / "run") in replay.out) == (0, True), replay.err
