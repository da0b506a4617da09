"""A door that goes on: without a model whose engines keep dying, and with a configuration that is read again."""

from __future__ import annotations

import signal
import socket
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

from inference.http.tokens import new_token
from tests.inference.http.doors import until
from tests.inference.http.test_serving import serving
from tests.support.chat_server import HELD, SmallChatServer


class Configuration:
    """A file that a door reads, and reads again; what the door says about it."""

    def __init__(self, folder: Path) -> None:
        self.path, self.pool = folder / "serve.yaml", folder / "pool"
        self.door = "port: 0, retry_s: 0.3"
        self.max_restarts = 1
        self.adapters: dict[str, str] = {}  # what the configuration says of each

    def write(self, **tiers: str) -> None:
        """`model@port`, or `model@port*engines`, by tier."""
        lines = [f"door: {{{self.door}}}", "pool:", f"  max_restarts: {self.max_restarts}", "  tiers:"]
        for tier, written in tiers.items():
            model, _, place = written.partition("@")
            port, _, engines = place.partition("*")
            endpoint = f"http://127.0.0.1:{port}/v1"
            lines += [
                f"    {tier}: {{model: {model}, engine: openai, endpoint: '{endpoint}', engines: {engines or 1}}}"
            ]
        if self.adapters:
            lines += ["  adapters:", *(f"    {name}: {{{told}}}" for name, told in self.adapters.items())]
        self.path.write_text("\n".join(lines) + "\n")


@pytest.fixture
def configuration(tmp_path: Path) -> Configuration:
    return Configuration(tmp_path)


def client(url: str, key: str = "none") -> openai.OpenAI:
    return openai.OpenAI(base_url=url, api_key=key, max_retries=0)


def ask(door: openai.OpenAI, model: str, text: str = "what is next?", **more: Any) -> str:
    answer = door.chat.completions.create(model=model, messages=[{"role": "user", "content": text}], seed=7, **more)
    return answer.choices[0].message.content or ""


def models(door: openai.OpenAI) -> dict[str, str]:
    return {each.id: str((each.model_extra or {})["status"]) for each in door.models.list()}


def read_again(process: subprocess.Popen[str]) -> str:
    """Have it read its configuration again, and return what it says."""
    process.send_signal(signal.SIGHUP)
    return next_line(process)


def next_line(process: subprocess.Popen[str]) -> str:
    assert process.stderr is not None
    return process.stderr.readline().strip()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as reserved:
        return int(reserved.getsockname()[1])


# -- a model whose engines keep dying ----------------------------------------------------------------------------------


def test_one_model_that_is_gone_leaves_the_others_served_and_comes_back(configuration: Configuration) -> None:
    port = free_port()
    with SmallChatServer() as well:
        configuration.write(good=f"tiny@{well.port}", bad=f"gone@{port}")
        with serving(configuration.path) as (process, url), client(url) as door:
            root = url.removesuffix("/v1")
            until(lambda: models(door) == {"tiny": "ready", "gone": "ready"})  # nobody has asked its server
            with pytest.raises(openai.InternalServerError) as first:
                ask(door, "gone")
            told = next_line(process)
            health, metrics = httpx.get(f"{root}/health"), httpx.get(f"{root}/metrics").text

            assert ask(door, "tiny")
            assert told == "serve: gone is unavailable: its engines keep failing; tried again every 0.3 s"
            assert (first.value.status_code, first.value.code, first.value.param) == (503, "model_unavailable", "model")
            assert first.value.response.headers["Retry-After"] == "1"
            assert first.value.response.headers["x-should-retry"] == "false"
            assert (health.status_code, health.json()["status"]) == (200, "degraded")
            assert 'scrummage_model_up{model="tiny"} 1.0' in metrics
            assert 'scrummage_model_up{model="gone"} 0.0' in metrics

            with SmallChatServer(models=["gone"], port=port):
                until(lambda: answers(door, "gone"))
                assert models(door) == {"tiny": "ready", "gone": "ready"}
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0


def answers(door: openai.OpenAI, model: str) -> bool:
    try:
        return bool(ask(door, model))
    except openai.InternalServerError:
        return False


def test_a_stream_for_a_model_that_goes_ends_with_an_error_in_its_form(configuration: Configuration) -> None:
    with SmallChatServer() as well, SmallChatServer(models=["gone"]) as bad:
        configuration.write(good=f"tiny@{well.port}", bad=f"gone@{bad.port}")
        with serving(configuration.path) as (_, url), client(url) as door, ThreadPoolExecutor() as threads:
            asking = threads.submit(ask, door, "gone", HELD)
            bad.wait_for(1)
            bad.stop()

            with pytest.raises(openai.InternalServerError, match="keep failing"):
                asking.result(60)
            assert ask(door, "tiny")


def test_without_any_model_that_works_the_command_ends(configuration: Configuration) -> None:
    configuration.write(one=f"gone@{free_port()}")
    with serving(configuration.path) as (process, url), client(url) as door:
        with pytest.raises(openai.InternalServerError) as raised:
            ask(door, "gone")

        assert raised.value.status_code == 503
        assert process.wait(30) == 1
        told = [next_line(process) for _ in range(2)]
        assert "serve: every engine keeps dying: one-0; see their logs" in told


# -- another configuration ---------------------------------------------------------------------------------------------


def test_tiers_and_engines_come_and_go_and_no_request_is_dropped(configuration: Configuration) -> None:
    with SmallChatServer() as first, SmallChatServer(models=["other"]) as second, ThreadPoolExecutor() as threads:
        configuration.write(small=f"tiny@{first.port}")
        with serving(configuration.path) as (process, url), client(url) as door:
            held = [threads.submit(ask, door, "tiny", f"{HELD} {n}") for n in range(8)]
            first.wait_for(8)
            configuration.write(small=f"tiny@{first.port}*2", large=f"other@{second.port}")

            assert read_again(process) == "serve: the configuration was read again; engines: 3, of other, tiny"
            assert ask(door, "other")
            assert models(door) == {"other": "ready", "tiny": "ready"}
            until(lambda: (configuration.pool / "small-1.log").exists())
            configuration.write(large=f"other@{second.port}")
            assert read_again(process) == "serve: the configuration was read again; engines: 1, of other"
            with pytest.raises(openai.NotFoundError):
                ask(door, "tiny")
            first.release()
            assert all(each.result(60) for each in held)
            assert models(door) == {"other": "ready"}
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0


def test_versions_of_adapters_come_and_go_with_the_configuration(configuration: Configuration) -> None:
    configuration.adapters = {"reviewer@1": "model: tiny"}
    with SmallChatServer() as server:
        small = f"tiny@{server.port}"
        configuration.write(small=small)
        with serving(configuration.path) as (process, url), client(url) as door:
            assert list(models(door)) == ["tiny", "reviewer@1"]
            first = ask(door, "reviewer@1")
            configuration.adapters = {"reviewer@2": "model: tiny"}
            configuration.write(small=small)
            read_again(process)

            assert list(models(door)) == ["tiny", "reviewer@2"]
            assert first not in (ask(door, "reviewer@2"), ask(door, "tiny"))
            with pytest.raises(openai.NotFoundError):
                ask(door, "reviewer@1")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("tiers:", "tyres:"), "pool.tyres: unknown key (did you mean pool.tiers?)"),
        (("openai, endpoint: 'http", "vllm, cores: 4096, path: 'http"), "no cores are left for 1 of its engines"),
        (("port: 0", "port: 1"), "door.host and door.port cannot change while the door is open"),
        (("port: 0", "port: 0, token_file: nowhere.yaml"), "nowhere.yaml: there is no such file"),
    ],
)
def test_a_configuration_that_cannot_be_used_changes_nothing(
    configuration: Configuration, change: tuple[str, str], told: str
) -> None:
    with SmallChatServer() as server:
        configuration.write(small=f"tiny@{server.port}")
        written = configuration.path.read_text()
        with serving(configuration.path) as (process, url), client(url) as door:
            configuration.path.write_text(written.replace(*change))
            said = read_again(process)
            assert said.startswith("serve: the configuration stays as it was: ")
            assert told in said
            assert ask(door, "tiny")
            configuration.path.write_text(written)
            assert read_again(process) == "serve: the configuration was read again; engines: 1, of tiny"
            assert ask(door, "tiny")


def test_tokens_and_limits_are_read_again_too(configuration: Configuration, tmp_path: Path) -> None:
    (ada, ada_hash), (bob, bob_hash) = new_token(), new_token()
    tokens = tmp_path / "tokens.yaml"
    tokens.touch(mode=0o600)
    tokens.write_text(f"tokens: [{{name: ada, sha256: {ada_hash}}}]\n")
    configuration.door += f", token_file: {tokens}"
    with SmallChatServer() as server:
        configuration.write(small=f"tiny@{server.port}")
        with serving(configuration.path) as (process, url), client(url, ada) as hers, client(url, bob) as his:
            assert ask(hers, "tiny")
            tokens.write_text(f"tokens: [{{name: bob, sha256: {bob_hash}, under_way: 1}}]\n")
            configuration.door += ", max_body_kib: 1"
            configuration.write(small=f"tiny@{server.port}")
            read_again(process)

            with pytest.raises(openai.AuthenticationError):
                ask(hers, "tiny")
            assert ask(his, "tiny")
            with pytest.raises(openai.BadRequestError, match="2 answers at once; at most 1 are allowed"):
                ask(his, "tiny", n=2)
            with pytest.raises(openai.APIStatusError) as raised:
                ask(his, "tiny", "x" * 2000)
            assert raised.value.status_code == 413
