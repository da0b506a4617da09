"""Token files, and what a door does for whom."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

from config.errors import ConfigError
from inference.__main__ import main
from inference.http.token_command import main as draw_token
from inference.http.tokens import new_token, read_token_file
from tests.inference.http.doors import OpenDoor, open_door, until
from tests.support.word_engine import HOLD

GOOD = f"""
tokens:
  - name: ada
    sha256: {sha256(b"secret-of-ada").hexdigest()}
    scopes: [generate, metrics]
    under_way: 1
  - name: batch
    sha256: {sha256(b"secret-of-batch").hexdigest()}
    tokens_per_minute: 40
    priority: batch
  - name: ops
    sha256: {sha256(b"secret-of-ops").hexdigest()}
    scopes: [adapters]
"""
CHAT: dict[str, Any] = {"model": "tiny", "messages": [{"role": "user", "content": "what is next?"}]}


def token_file(folder: Path, text: str = GOOD, mode: int = 0o600) -> Path:
    path = folder / "tokens.yaml"
    path.write_text(text)
    path.chmod(mode)
    return path


def refusal_of(path: Path) -> str:
    with pytest.raises(ConfigError) as raised:
        read_token_file(path)
    return str(raised.value)


# -- the file ----------------------------------------------------------------------------------------------------------


def test_a_file_is_read(tmp_path: Path) -> None:
    found = read_token_file(token_file(tmp_path))

    assert [(each.name, each.scopes, each.priority) for each in found] == [
        ("ada", ("generate", "metrics"), "agent"),
        ("batch", ("generate",), "batch"),
        ("ops", ("adapters",), "agent"),
    ]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o777])
def test_a_file_that_others_may_use_is_refused(tmp_path: Path, mode: int) -> None:
    assert "chmod 600" in refusal_of(token_file(tmp_path, mode=mode))


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (("name: ada", "nam: ada"), "tokens.yaml:3: tokens[0].nam"),
        (("scopes: [adapters]", "scopes: [all]"), "tokens.yaml:13: tokens[2].scopes[0]"),
        (("under_way: 1", "under_way: 0"), "tokens.yaml:6: tokens[0].under_way"),
        (("name: batch", "name: ada"), "tokens.yaml:7: tokens[1].name: is there twice"),
        (("priority: batch", "priority: high"), "tokens.yaml:10: tokens[1].priority"),
    ],
)
def test_a_slip_is_told_with_its_place(tmp_path: Path, change: tuple[str, str], place: str) -> None:
    assert place in refusal_of(token_file(tmp_path, GOOD.replace(*change)))


@pytest.mark.parametrize("text", ["", "tokens: []", "tokens: secret-of-ada", "{", "- 1"])
def test_a_file_without_tokens_is_refused(tmp_path: Path, text: str) -> None:
    assert "tokens.yaml" in refusal_of(token_file(tmp_path, text))


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    assert "no such file" in refusal_of(tmp_path / "tokens.yaml")


def test_a_drawn_token_is_known_by_what_the_command_prints(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["token", "--name", "ada", "--scope", "metrics"])
    assert ended.value.code == 0
    shown = capsys.readouterr()
    token = shown.err.split()[-1]

    (entry,) = read_token_file(token_file(tmp_path, "tokens:\n" + shown.out))

    assert (entry.name, entry.scopes, entry.sha256) == ("ada", ("metrics",), sha256(token.encode()).hexdigest())
    assert token not in shown.out


def test_two_tokens_are_never_the_same() -> None:
    assert len({new_token()[0] for _ in range(100)}) == 100


# -- the door ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def door(tmp_path: Path) -> Iterator[OpenDoor]:
    with open_door(token_file=str(token_file(tmp_path)), under_way=4) as opened:
        yield opened


def client_of(door: OpenDoor, name: str) -> openai.OpenAI:
    return openai.OpenAI(base_url=door.url, api_key=f"secret-of-{name}", max_retries=0)


def test_nobody_asks_without_a_known_token(door: OpenDoor) -> None:
    with pytest.raises(openai.AuthenticationError) as raised:
        client_of(door, "nobody").chat.completions.create(**CHAT)

    assert raised.value.code == "invalid_api_key"
    headers: tuple[dict[str, str], ...] = (
        {},
        {"Authorization": "secret-of-ada"},
        {"Authorization": "Basic c2VjcmV0"},
        {"Authorization": "Bearer"},
    )
    for header in headers:
        response = httpx.post(f"{door.url}/chat/completions", json=CHAT, headers=header)
        assert (response.status_code, response.headers["www-authenticate"]) == (401, "Bearer")
        assert httpx.get(f"{door.url}/models", headers=header).status_code == 401


def test_a_token_does_what_its_scopes_say(door: OpenDoor) -> None:
    assert client_of(door, "ada").chat.completions.create(**CHAT).choices
    for name in ("batch", "ops"):
        head = {"Authorization": f"Bearer secret-of-{name}"}
        assert httpx.get(door.url.removesuffix("/v1") + "/metrics", headers=head).status_code == 403
    with pytest.raises(openai.PermissionDeniedError) as raised:
        client_of(door, "ops").chat.completions.create(**CHAT)
    assert raised.value.code == "missing_scope"


def test_anybody_may_ask_after_the_doors_health(door: OpenDoor) -> None:
    assert httpx.get(door.url.removesuffix("/v1") + "/health").status_code == 200


def test_too_many_under_way_are_told_when_to_come_again(door: OpenDoor) -> None:
    ada = client_of(door, "ada")
    with ada.chat.completions.create(model="tiny", messages=[{"role": "user", "content": HOLD}], stream=True) as stream:
        next(iter(stream))
        with pytest.raises(openai.RateLimitError) as raised:
            ada.chat.completions.create(**CHAT)
        assert raised.value.response.headers["retry-after"] == "1"
        assert client_of(door, "batch").chat.completions.create(**CHAT, max_tokens=1).choices  # another caller

    until(lambda: door.door.under_way == 0)
    assert ada.chat.completions.create(**CHAT).choices


def test_the_door_as_a_whole_is_limited_too(door: OpenDoor) -> None:
    batch = client_of(door, "batch")
    with pytest.raises(openai.BadRequestError) as raised:
        batch.chat.completions.create(**CHAT, n=5)

    assert raised.value.param == "n"
    assert door.door.under_way == 0


def test_tokens_per_minute_are_counted_as_they_are_used(door: OpenDoor) -> None:
    batch = client_of(door, "batch")
    for _ in range(2):  # 4 + 12 tokens each, of 40
        batch.chat.completions.create(**CHAT, max_tokens=12)

    with pytest.raises(openai.RateLimitError) as raised:
        batch.chat.completions.create(**CHAT, max_tokens=12)

    assert raised.value.code == "tokens_per_minute"
    assert 1 <= int(raised.value.response.headers["retry-after"]) <= 60


def test_nobody_asks_with_a_higher_priority_than_their_token_allows(door: OpenDoor) -> None:
    with pytest.raises(openai.PermissionDeniedError) as raised:
        client_of(door, "batch").chat.completions.create(**CHAT, max_tokens=1, extra_body={"priority": "agent"})
    assert raised.value.param == "priority"
    assert client_of(door, "ada").chat.completions.create(**CHAT, extra_body={"priority": "batch"}).choices


@pytest.mark.parametrize("name", ["", "a b", "a\nb", "ünï", "a" * 65])
def test_a_name_that_the_file_may_not_have_draws_no_token(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        draw_token(["--name", name])

    told = capsys.readouterr()
    assert (ended.value.code, told.out) == (2, "")
    assert "is not allowed; expected letters, digits, _ and -, at most 64 of them" in told.err
