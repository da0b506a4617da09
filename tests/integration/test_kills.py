"""kill -9 at random moments of random processes: helpers heal, the rest is resumed, the digest never changes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from config.streams import draw
from tests.support.kills import HELPERS, NODES, live_through
from tests.support.runs import artifacts, digest, run

OPTIONS = ("--sprints", "2", "--seed", "7")
EVENTS = 700  # fewer than such a run publishes, so that every kill finds it alive


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("undisturbed") / "run"
    run(folder, *OPTIONS, "--nodes", "1")
    return folder


def random_kills(count: int, seed: int, *, victims: tuple[str, ...], events: int) -> list[tuple[str, int]]:
    return [
        (draw(seed, "victim", "", n).pick(victims), 1 + draw(seed, "moment", "", n).below(events)) for n in range(count)
    ]


@pytest.mark.parametrize("victim", HELPERS)
def test_a_killed_helper_is_replaced_and_the_run_ends_by_itself(undisturbed: Path, tmp_path: Path, victim: str) -> None:
    first, last = live_through(tmp_path / "run", [(victim, 300)], *OPTIONS)

    assert (first.killed, first.code) == (True, 0), first.err
    assert last.code == 0
    assert digest(tmp_path / "run") == digest(undisturbed)
    assert artifacts(tmp_path / "run") == artifacts(undisturbed)


@pytest.mark.parametrize("victim", NODES)
def test_a_killed_node_or_launcher_is_resumed_to_the_same_digest(
    undisturbed: Path, tmp_path: Path, victim: str
) -> None:
    first, last = live_through(tmp_path / "run", [(victim, 300)], *OPTIONS)

    assert first.killed
    assert first.code == (75 if victim != "launcher" else -9), first.err
    if victim != "launcher":
        assert "--resume" in first.err
    assert last.code == 0, last.err
    assert digest(tmp_path / "run") == digest(undisturbed)
    assert artifacts(tmp_path / "run") == artifacts(undisturbed)


def survives(folder: Path, undisturbed: Path, kills: list[tuple[str, int]]) -> None:
    lives = live_through(folder, kills, *OPTIONS)

    assert lives[-1].code == 0, lives[-1].err
    for life in lives:
        if life.victim in HELPERS:
            assert life.code == 0, life.err
    assert digest(folder) == digest(undisturbed)
    assert artifacts(folder) == artifacts(undisturbed)


def test_random_kills_in_a_row_change_nothing(undisturbed: Path, tmp_path: Path) -> None:
    survives(tmp_path / "run", undisturbed, random_kills(3, 1, victims=(*HELPERS, *NODES), events=EVENTS))


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_twenty_random_kills_change_nothing(undisturbed: Path, tmp_path: Path) -> None:
    seed = int(os.environ.get("SOAK_SEED", "2"))
    for n, kill in enumerate(random_kills(20, seed, victims=(*HELPERS, *NODES), events=EVENTS)):
        survives(tmp_path / f"run-{n}", undisturbed, [kill])
