"""After success, failure, Ctrl-C and SIGTERM: no process, no socket, no `.live`, no lock; and a run can go on."""

from __future__ import annotations

import json
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest

from tests.integration.conftest import CALM
from tests.support.live import Running, running
from tests.support.runs import artifacts, digest, simulate

STOPPING = {"Ctrl-C": signal.SIGINT, "SIGTERM": signal.SIGTERM}


@pytest.fixture
def sockets() -> Iterator[Path]:
    """A runtime folder of this test alone; its path is short, as paths of sockets must be."""
    folder = Path(tempfile.mkdtemp(prefix="rt-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def env_of(sockets: Path) -> dict[str, str]:
    return {"XDG_RUNTIME_DIR": str(sockets)}


def processes_of(run: Running) -> list[psutil.Process]:
    """Every process of a run: the launcher, its descendants, and whom `.live` names."""
    launcher = psutil.Process(run.process.pid)
    named = json.loads((run.folder / ".live" / "run.json").read_text())["pids"]
    found = {one.pid: one for one in (launcher, *launcher.children(recursive=True))}
    assert set(named.values()) <= set(found), "whoever is named is a child of ours"
    return list(found.values())


def nothing_is_left(folder: Path, sockets: Path, processes: list[psutil.Process]) -> None:
    _, alive = psutil.wait_procs(processes, timeout=10)

    assert alive == []
    assert list(sockets.iterdir()) == []
    names = {path.name for path in folder.iterdir()}
    assert not {".live", "run.sqlite.lock", "run.sqlite-wal", "run.sqlite-shm"} & names, names
    assert not (folder / ".tmp").exists() or not any((folder / ".tmp").iterdir())


def interrupted(folder: Path, sockets: Path, number: int, *options: str) -> tuple[int, str, list[psutil.Process]]:
    """Stop a run once its first story moved; its status, what it said, and its processes."""
    with running(folder, *CALM, *options, "--paused", env=env_of(sockets)) as run:
        moved = run.subscribe(b"event.board.card_moved/1")
        run.client().ask("resume")
        moved.recv_multipart()
        processes = processes_of(run)
        os.kill(run.process.pid, number)
        done = run.finish()
    return done.code, done.err, processes


@pytest.mark.parametrize("nodes", ["1", "2"])
@pytest.mark.parametrize("how", STOPPING)
def test_a_stopped_run_leaves_nothing_and_goes_on_to_the_same_digest(
    calm: Path, tmp_path: Path, sockets: Path, how: str, nodes: str
) -> None:
    folder = tmp_path / "run"
    code, said, processes = interrupted(folder, sockets, STOPPING[how], "--nodes", nodes)

    assert code == 130
    assert f"python -m actors.simulation run --resume --output {folder}" in said
    assert "Traceback" not in said
    nothing_is_left(folder, sockets, processes)

    resumed = simulate(
        "run", "--resume", "--output", folder, "--nodes", "1", "--metrics-port", "0", env=env_of(sockets)
    )
    assert resumed.code == 0, resumed.err
    assert digest(folder) == digest(calm)
    assert artifacts(folder) == artifacts(calm)
    nothing_is_left(folder, sockets, [])


def test_a_second_ctrl_c_does_no_harm(calm: Path, tmp_path: Path, sockets: Path) -> None:
    with running(tmp_path / "run", *CALM, "--nodes", "2", "--paused", env=env_of(sockets)) as run:
        run.client()
        processes = processes_of(run)
        for _ in range(3):
            os.kill(run.process.pid, signal.SIGINT)
        done = run.finish()

    assert done.code == 130, done.err
    assert "Traceback" not in done.err
    nothing_is_left(tmp_path / "run", sockets, processes)


def test_success_leaves_nothing(calm: Path, tmp_path: Path, sockets: Path) -> None:
    with running(tmp_path / "run", *CALM, "--nodes", "2", "--hold", "90", env=env_of(sockets)) as run:
        ended = run.client()
        processes = processes_of(run)
        assert len(list(sockets.iterdir())) == 1
        assert len(processes) == 5, "launcher, services, agents, engine, hub"
        assert ended.ask("stop")["ok"]
        done = run.finish()

    assert done.code in (0, 130), done.err  # stopped before its end, or held
    nothing_is_left(tmp_path / "run", sockets, processes)


def test_a_failing_node_takes_everything_with_it_and_leaves_nothing(tmp_path: Path, sockets: Path) -> None:
    with running(tmp_path / "run", *CALM, "--nodes", "3", "--paused", env=env_of(sockets)) as run:
        run.client()
        processes = processes_of(run)
        os.kill(json.loads((run.folder / ".live" / "run.json").read_text())["pids"]["agents-2"], signal.SIGKILL)
        done = run.finish()

    assert done.code == 75, done.err
    assert "agents-2" in done.err
    assert "--resume" in done.err
    nothing_is_left(tmp_path / "run", sockets, processes)


def test_a_run_that_cannot_have_sockets_says_so_and_leaves_none(tmp_path: Path, sockets: Path) -> None:
    far = sockets / ("x" * 100)
    far.mkdir()
    done = simulate("run", *CALM, "--nodes", "2", "--output", tmp_path / "run", "--metrics-port", "0", env=env_of(far))

    assert done.code == 2
    assert "is too long for sockets" in done.err
    assert "Traceback" not in done.err
    assert list(far.iterdir()) == []
    assert not (tmp_path / "run" / ".live").exists()


def test_two_at_once_in_one_folder_are_told_apart(tmp_path: Path, sockets: Path) -> None:
    """Whoever comes second is refused; the first neither notices nor loses what is live."""
    with ExitStack() as stack:
        first = stack.enter_context(running(tmp_path / "run", *CALM, "--nodes", "2", "--paused", env=env_of(sockets)))
        client = first.client()
        second = simulate(
            "run", "--resume", "--output", tmp_path / "run", "--nodes", "1", "--metrics-port", "0", env=env_of(sockets)
        )
        assert second.code == 2, second.out
        assert f"{first.folder} is in use by another process" in second.err
        assert (first.folder / ".live" / "run.json").exists()
        assert client.ask("stop")["ok"]
        assert first.finish().code == 130


def test_a_runtime_folder_without_room_for_sockets_is_named_before_anything_is_written(tmp_path: Path) -> None:
    deep = tmp_path / ("x" * 100)
    deep.mkdir()
    done = simulate("run", "--output", tmp_path / "run", *CALM, env={"XDG_RUNTIME_DIR": str(deep)})

    assert done.code == 2
    assert f"{deep} is too long for sockets" in done.err
    assert not (tmp_path / "run").exists()
