"""The command that opens the door, and an orderly end of it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import openai
import pytest

from inference.__main__ import main
from tests.inference.http.doors import open_door, until
from tests.support.chat_server import HELD, SmallChatServer
from tests.support.word_engine import HOLD

ROOT = Path(__file__).resolve().parents[3]


def config_file(folder: Path, base_url: str) -> Path:
    path = folder / "serve.yaml"
    path.write_text(
        f'door: {{port: 0}}\npool:\n  tiers:\n    small: {{model: tiny, engine: openai, endpoint: "{base_url}"}}\n'
    )
    return path


@contextmanager
def serving(config: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The command in a process of its own, once it has told its address."""
    folder = ["--folder", str(config.parent / "pool")]
    command = [sys.executable, "-m", "inference", "serve", "--config", str(config), *folder]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process, process.stdout.readline().strip()
    finally:
        process.kill()
        process.communicate()


def test_the_command_serves_what_its_engine_has(tmp_path: Path) -> None:
    with SmallChatServer() as behind, serving(config_file(tmp_path, behind.base_url)) as (process, url):
        with openai.OpenAI(base_url=url, api_key="none", max_retries=0) as client:
            answer = client.chat.completions.create(
                model="tiny", messages=[{"role": "user", "content": "what is next?"}], seed=7
            )
            assert answer.choices[0].message.content
            assert answer.usage is not None
            assert answer.usage.prompt_tokens_details is None  # the server behind does not tell
            with pytest.raises(openai.BadRequestError, match="logprobs"):
                client.chat.completions.create(model="tiny", messages=[{"role": "user", "content": "x"}], logprobs=True)
        process.send_signal(signal.SIGTERM)

        assert process.wait(30) == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_end_waits_for_what_is_under_way(tmp_path: Path, number: signal.Signals) -> None:
    with (
        SmallChatServer() as behind,
        serving(config_file(tmp_path, behind.base_url)) as (process, url),
        ThreadPoolExecutor() as threads,
        openai.OpenAI(base_url=url, api_key="none", max_retries=0) as client,
    ):
        asking = threads.submit(
            client.chat.completions.create, model="tiny", messages=[{"role": "user", "content": HELD}]
        )
        behind.wait_for(1)
        process.send_signal(number)
        address = httpx.URL(url)
        while True:  # until it takes nothing new
            try:
                socket.create_connection((address.host, address.port or 0), timeout=20).close()
            except ConnectionError:
                break
        assert not asking.done()
        behind.release()

        assert asking.result(30).choices[0].message.content
        assert process.wait(30) == 0


def test_an_end_that_takes_too_long_is_cut(tmp_path: Path) -> None:
    with open_door(shutdown_s=1) as door, openai.OpenAI(base_url=door.url, api_key="none", max_retries=0) as client:
        stream = client.chat.completions.create(model="tiny", messages=[{"role": "user", "content": HOLD}], stream=True)
        next(iter(stream))
        threading.Timer(0, door.stop).start()

        with pytest.raises((openai.APIError, httpx.HTTPError)):
            list(stream)
    assert door.door.under_way == 0


def test_a_port_that_is_taken_is_told_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        status = main(["serve", "--config", str(config_file(tmp_path, "http://127.0.0.1:1/v1")), "--port", str(port)])

    assert status == 2
    assert capsys.readouterr().err == f"serve: 127.0.0.1:{port} cannot be listened on: Address already in use\n"


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])
def test_another_host_needs_tokens(tmp_path: Path, capsys: pytest.CaptureFixture[str], host: str) -> None:
    assert main(["serve", "--config", str(config_file(tmp_path, "http://127.0.0.1:1/v1")), "--host", host]) == 2
    assert "door.token_file is needed" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("port: 0", "prt: 0"), "serve.yaml:1: door.prt: unknown key (did you mean door.port?)"),
        (("port: 0", "port: 70000"), "serve.yaml:1: door.port: 70000 is not allowed"),
        (("engine: openai", "engine: oracle"), "serve.yaml:4: pool.tiers.small.engine: oracle is not allowed"),
        (("pool:", "pol:"), "serve.yaml:2: pol: unknown key"),
        (("door: {port: 0}", "door: {port: 0, token_file: nowhere.yaml}"), "nowhere.yaml: there is no such file"),
    ],
)
def test_a_slip_in_the_configuration_is_told_with_its_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], change: tuple[str, str], told: str
) -> None:
    path = config_file(tmp_path, "http://127.0.0.1:1/v1")
    path.write_text(path.read_text().replace(*change))

    assert main(["serve", "--config", str(path)]) == 2
    assert told in capsys.readouterr().err


def test_a_configuration_without_a_pool_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "--port", "0"]) == 2
    assert "pool.tiers: is empty" in capsys.readouterr().err


def test_an_engine_that_comes_late_answers_what_was_asked_before(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as reserved:
        port = reserved.getsockname()[1]
    with (
        serving(config_file(tmp_path, f"http://127.0.0.1:{port}/v1")) as (_, url),
        ThreadPoolExecutor() as threads,
        openai.OpenAI(base_url=url, api_key="none", max_retries=0) as client,
    ):
        asking = threads.submit(
            client.chat.completions.create, model="tiny", messages=[{"role": "user", "content": "later"}]
        )
        log = tmp_path / "pool" / "small-0.log"
        until(lambda: log.exists() and "no connection" in log.read_text())
        with SmallChatServer(port=port):
            assert asking.result(60).choices[0].message.content


def test_there_is_no_other_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sing"]) == 2
    assert "no command 'sing'" in capsys.readouterr().err
    assert main([]) == 0
    assert "serve" in capsys.readouterr().out


def test_nothing_of_this_is_loaded_for_a_run() -> None:
    probe = "import sys, actors.simulation.__main__; print([n for n in ('fastapi', 'uvicorn') if n in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", probe], cwd=ROOT, capture_output=True, text=True, check=True, env={**os.environ}
    )

    assert done.stdout.strip() == "[]"
