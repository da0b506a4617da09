"""Adapters that come and go over HTTP, as vLLM has it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

from inference.adapters.content import content_hash
from inference.adapters.messages import AdapterLoaded, AdapterRefused, LoadAdapter
from inference.http.backend import ServedModel
from tests.inference.http.doors import OneEnginePool, OpenDoor, open_door, open_pool, until
from tests.support.word_engine import MODEL, WordEngine


class ChoosyEngine(WordEngine):
    """Refuses one version."""

    def load(self, wanted: LoadAdapter) -> AdapterLoaded | AdapterRefused:
        if wanted.version == 13:
            return AdapterRefused(base=wanted.base, name=wanted.name, version=13, reason="no_room", detail="it is full")
        return super().load(wanted)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("mine", "mine/tester", "elsewhere"):
        (tmp_path / name).mkdir()
    (tmp_path / "mine" / "tester" / "adapter.safetensors").write_bytes(b"weights")
    (tmp_path / "mine" / "empty").mkdir()
    (tmp_path / "mine" / "way-out").symlink_to(tmp_path / "elsewhere")
    return tmp_path


@pytest.fixture
def door(folder: Path) -> Iterator[OpenDoor]:
    with open_door(ChoosyEngine(), adapter_folders=(str(folder / "mine"),)) as opened:
        yield opened


def post(door: OpenDoor, path: str, **body: Any) -> httpx.Response:
    return httpx.post(f"{door.url}/{path}", json=body)


def models(door: OpenDoor) -> list[str]:
    return [each["id"] for each in httpx.get(f"{door.url}/models").json()["data"]]


def test_a_version_is_loaded_answers_and_is_unloaded(door: OpenDoor, folder: Path) -> None:
    path = str(folder / "mine" / "tester")
    first = post(door, "load_lora_adapter", lora_name="tester", lora_path=path)
    second = post(door, "load_lora_adapter", lora_name="tester", lora_path=path)
    ninth = post(door, "load_lora_adapter", lora_name="tester", lora_path=path, version=9)

    assert [each.json()["model"] for each in (first, second, ninth)] == ["tester@1", "tester@2", "tester@9"]
    assert models(door) == ["tiny", "tester@1", "tester@2", "tester@9"]
    assert {each.sha256 for each in door.engine.adapters()} == {content_hash(Path(path))}
    with openai.OpenAI(base_url=door.url, api_key="none", max_retries=0) as client:
        answer = client.chat.completions.create(model="tester@2", messages=[{"role": "user", "content": "x"}])
        assert answer.model == "tester@2"
        assert post(door, "unload_lora_adapter", lora_name="tester", version=2).status_code == 200
        assert post(door, "unload_lora_adapter", lora_name="tester@9").status_code == 200
        assert models(door) == ["tiny", "tester@1"]
        with pytest.raises(openai.NotFoundError):
            client.chat.completions.create(model="tester@2", messages=[{"role": "user", "content": "x"}])
    assert post(door, "unload_lora_adapter", lora_name="tester").status_code == 200
    assert models(door) == ["tiny"]


def test_what_the_engines_refuse_is_a_conflict_and_changes_nothing(door: OpenDoor, folder: Path) -> None:
    path = str(folder / "mine" / "tester")
    response = post(door, "load_lora_adapter", lora_name="tester", lora_path=path, version=13)

    assert (response.status_code, response.json()["error"]["code"]) == (409, "no_room")
    assert models(door) == ["tiny"]


@pytest.mark.parametrize(
    "path", ["elsewhere", "mine/way-out", "mine/../elsewhere", "/etc", "mine/tester/../../elsewhere"]
)
def test_nothing_is_loaded_from_elsewhere(door: OpenDoor, folder: Path, path: str) -> None:
    response = post(door, "load_lora_adapter", lora_name="tester", lora_path=str(folder / path))

    assert (response.status_code, response.json()["error"]["code"]) == (403, "folder_not_allowed")


def test_a_door_without_folders_loads_nothing(folder: Path) -> None:
    with open_door() as opened:
        response = post(opened, "load_lora_adapter", lora_name="tester", lora_path=str(folder / "mine" / "tester"))

    assert response.status_code == 403


@pytest.mark.parametrize(
    ("body", "status", "param"),
    [
        ({"lora_name": "a/b", "lora_path": "x"}, 400, "lora_name"),
        ({"lora_name": "tester"}, 400, "lora_path"),
        ({"lora_name": "tester", "lora_path": "mine/no-folder"}, 400, "lora_path"),
        ({"lora_name": "tester", "lora_path": "mine/tester", "base_model_name": "other"}, 404, "model"),
        ({"lora_name": "tester", "lora_path": "mine/tester", "version": 0}, 400, "version"),
        ({"lora_name": "tester", "lora_path": "mine/tester", "sha256": "x"}, 400, "sha256"),
        ({"lora_name": "tester", "lora_path": "mine/tester", "load_inplace": True}, 400, "load_inplace"),
        ({"lora_name": "tester", "lora_path": "mine/empty"}, 400, "lora_path"),
        ({"lora_name": "tester", "lora_path": "a\x00b"}, 400, "lora_path"),
        ({"lora_name": "tester", "lora_path": "mine/" + "a" * 300}, 400, "lora_path"),
    ],
)
def test_a_slip_names_the_parameter(
    door: OpenDoor, folder: Path, body: dict[str, Any], status: int, param: str
) -> None:
    if "lora_path" in body and "\x00" not in body["lora_path"]:
        body = body | {"lora_path": str(folder / body["lora_path"])}

    response = post(door, "load_lora_adapter", **body)

    assert (response.status_code, response.json()["error"]["param"]) == (status, param)


@pytest.mark.parametrize("name", ["nobody", "reviewer@3", "reviewer@", "reviewer@x", "@1", "tiny"])
def test_what_is_not_loaded_cannot_be_unloaded(name: str) -> None:
    with open_door() as opened:
        assert post(opened, "unload_lora_adapter", lora_name=name).status_code == 404


def test_which_of_several_versions_is_meant_must_be_said() -> None:
    with open_door() as opened:
        response = post(opened, "unload_lora_adapter", lora_name="reviewer")

    assert (response.status_code, response.json()["error"]["param"]) == (400, "version")


def test_a_version_keeps_its_content_whoever_loads_it_again(door: OpenDoor, folder: Path) -> None:
    other = folder / "mine" / "other"
    other.mkdir()
    (other / "adapter.safetensors").write_bytes(b"other weights")
    path = str(folder / "mine" / "tester")
    loaded = [post(door, "load_lora_adapter", lora_name="tester", lora_path=path, version=1) for _ in range(2)]
    taken = post(door, "load_lora_adapter", lora_name="tester", lora_path=str(other), version=1)

    assert [each.status_code for each in loaded] == [200, 200]
    assert (taken.status_code, taken.json()["error"]["code"]) == (409, "version_taken")
    assert {each.sha256 for each in door.engine.adapters()} == {content_hash(Path(path))}
    assert models(door) == ["tiny", "tester@1"]


def test_many_who_load_at_once_all_have_an_answer(door: OpenDoor, folder: Path) -> None:
    path = str(folder / "mine" / "tester")
    with ThreadPoolExecutor(32) as threads:
        answers = [
            threads.submit(post, door, "load_lora_adapter", lora_name="tester", lora_path=path, version=n % 16 + 1)
            for n in range(64)
        ]
        found = Counter(each.result(60).status_code for each in answers)

    assert found == {200: 60, 409: 4}  # the version that its engine refuses
    assert models(door) == ["tiny", *(f"tester@{n}" for n in range(1, 17) if n != 13)]


def test_versions_of_the_configuration_are_there_at_once_and_one_that_is_refused_is_told(tmp_path: Path) -> None:
    said: list[str] = []
    adapters = {
        ServedModel(MODEL, "coach", version): LoadAdapter(
            base=MODEL, name="coach", version=version, path=str(tmp_path), sha256="0" * 64
        )
        for version in (3, 13)
    }
    engine = ChoosyEngine()
    with open_pool(lambda: OneEnginePool(engine), 1, engine, adapters=adapters, say=said.append) as door:
        until(lambda: bool(said))
        until(lambda: models(door) == ["tiny", "coach@3"])
        with openai.OpenAI(base_url=door.url, api_key="none", max_retries=0) as client:
            answer = client.chat.completions.create(model="coach@3", messages=[{"role": "user", "content": "x"}])
            assert answer.model == "coach@3"
            with pytest.raises(openai.NotFoundError):
                client.chat.completions.create(model="coach@13", messages=[{"role": "user", "content": "x"}])
    assert said == ["coach@13 is not served: words-0 does not load it, it is full"]
