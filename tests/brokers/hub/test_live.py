from __future__ import annotations

import json
import socket
import stat
from pathlib import Path

import pytest

from brokers.hub.live import LiveDirectory, LiveError, listen_on, read_live_run


def test_the_files_say_how_to_reach_the_run_and_only_its_owner_reads_the_token(tmp_path: Path) -> None:
    live = LiveDirectory(tmp_path, runtime_folder=tmp_path, tcp=(5001, 5002))
    live.write(pids={"launcher": 7}, metrics_port=8080, run_name="r-1")

    run = read_live_run(live.folder)
    assert run.token == live.token
    assert run.endpoints == live.endpoints
    assert run.endpoints.clients == (f"ipc://{live.sockets}/clients", "tcp://127.0.0.1:5001")
    assert run.pids == {"launcher": 7}
    assert stat.S_IMODE((live.folder / "run.json").stat().st_mode) == 0o600
    assert stat.S_IMODE(live.sockets.stat().st_mode) == 0o700
    assert json.loads((live.folder / "prometheus.json").read_text()) == [
        {"labels": {"job": "scrummage", "run": "r-1"}, "targets": ["127.0.0.1:8080"]}
    ]
    live.remove()
    live.remove()
    assert list(tmp_path.iterdir()) == []


def test_two_runs_never_share_a_token_or_a_folder(tmp_path: Path) -> None:
    runs = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        runs.append(LiveDirectory(tmp_path / name, runtime_folder=tmp_path))
    assert runs[0].token != runs[1].token
    assert runs[0].sockets != runs[1].sockets
    for run in runs:
        run.remove()


def test_what_a_killed_launcher_left_is_cleared_away(tmp_path: Path) -> None:
    killed = LiveDirectory(tmp_path, runtime_folder=tmp_path)
    killed.write(pids={}, metrics_port=1, run_name="r")
    (killed.sockets / "clients").touch()

    live = LiveDirectory(tmp_path, runtime_folder=tmp_path)

    assert not killed.sockets.exists()
    assert not (live.folder / "run.json").exists()
    live.remove()


def test_a_run_file_cannot_make_us_remove_another_folder(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (tmp_path / ".live").mkdir()
    (tmp_path / ".live" / "run.json").write_text(json.dumps({"sockets": str(precious)}))
    LiveDirectory(tmp_path, runtime_folder=tmp_path).remove()
    assert precious.exists()


def test_a_folder_too_deep_for_sockets_is_refused_and_not_left_behind(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 100)
    deep.mkdir()
    with pytest.raises(LiveError, match="107 bytes"):
        LiveDirectory(tmp_path, runtime_folder=deep)
    assert list(deep.iterdir()) == []


@pytest.mark.parametrize("content", [None, "", "[]", "{}", '{"schema_version": 2}'])
def test_a_folder_without_a_live_run_is_refused(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "run.json").write_text(content)
    with pytest.raises(LiveError):
        read_live_run(tmp_path)


def test_a_taken_port_gives_another(tmp_path: Path) -> None:
    with listen_on(0) as first:
        port = first.getsockname()[1]
        with listen_on(port) as second:
            assert second.getsockname()[1] != port
    with listen_on(port) as again:
        assert again.getsockname()[1] == port
        assert isinstance(again, socket.socket)
