"""The store of published adapters."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from inference.adapters.content import content_hash
from inference.adapters.errors import (
    AdapterNameError,
    UnknownVersionError,
    UnreadableError,
    VersionTakenError,
    WrongContentError,
)
from inference.adapters.messages import LoadAdapter
from inference.adapters.store import AdapterStore


@pytest.fixture
def store(tmp_path: Path) -> AdapterStore:
    return AdapterStore(tmp_path / "store")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    (folder / "deep").mkdir(parents=True)
    (folder / "adapter_config.json").write_text("{}")
    (folder / "deep" / "weights").write_bytes(bytes(1_000))
    return folder


def test_a_published_version_is_found_again_with_its_content(store: AdapterStore, source: Path) -> None:
    published = store.publish("reviewer", source, base="tiny")

    assert store.get("reviewer", 1) == published
    assert published.sha256 == content_hash(source) == content_hash(Path(published.path))
    assert published.load() == LoadAdapter(
        base="tiny", name="reviewer", version=1, path=published.path, sha256=published.sha256
    )


def test_versions_count_up_and_names_are_told(store: AdapterStore, source: Path) -> None:
    for name in ("tester", "reviewer", "reviewer"):
        store.publish(name, source, base="tiny")
    store.publish("reviewer", source, base="tiny", version=12)

    assert store.names() == ("reviewer", "tester")
    assert store.versions("reviewer") == (1, 2, 12)
    assert store.publish("reviewer", source, base="tiny").version == 13
    assert store.versions("nobody") == ()


def test_a_version_never_changes(store: AdapterStore, source: Path) -> None:
    published = store.publish("reviewer", source, base="tiny")
    (source / "deep" / "weights").write_bytes(bytes(999))

    with pytest.raises(VersionTakenError):
        store.publish("reviewer", source, base="tiny", version=1)
    assert store.get("reviewer", 1) == published
    assert store.versions("reviewer") == (1,)


def test_changed_files_are_noticed_when_they_are_taken(store: AdapterStore, source: Path) -> None:
    weights = Path(store.publish("reviewer", source, base="tiny").path) / "deep" / "weights"
    weights.chmod(0o644)
    weights.write_bytes(bytes(999) + b"\x01")

    with pytest.raises(WrongContentError):
        store.get("reviewer", 1)


def test_a_broken_manifest_is_noticed(store: AdapterStore, source: Path) -> None:
    manifest = Path(store.publish("reviewer", source, base="tiny").path).parent / "manifest.json"
    manifest.write_text("{")

    with pytest.raises(UnreadableError, match="manifest"):
        store.get("reviewer", 1)


@pytest.mark.parametrize("name", ["", "..", "a/b", "a@b", "A", ".new-x", "a" * 65, "a\n"])
def test_names_that_are_no_part_of_a_path_are_refused(store: AdapterStore, source: Path, name: str) -> None:
    with pytest.raises(AdapterNameError):
        store.publish(name, source, base="tiny")
    with pytest.raises(UnknownVersionError):
        store.get(name, 1)
    assert store.versions(name) == ()


def test_what_was_never_published_is_unknown(store: AdapterStore, source: Path) -> None:
    store.publish("reviewer", source, base="tiny")

    with pytest.raises(UnknownVersionError) as caught:
        store.get("reviewer", 2)
    assert (caught.value.name, caught.value.version) == ("reviewer", 2)


def test_nothing_is_left_of_what_could_not_be_published(store: AdapterStore, tmp_path: Path, source: Path) -> None:
    store.publish("reviewer", source, base="tiny")
    with pytest.raises(UnreadableError):
        store.publish("reviewer", tmp_path / "missing", base="tiny")

    assert [path.name for path in (tmp_path / "store" / "reviewer").iterdir()] == ["1"]


def test_several_may_publish_at_once(store: AdapterStore, source: Path) -> None:
    gate = threading.Barrier(4)

    def publish() -> None:
        gate.wait()
        for _ in range(5):
            store.publish("reviewer", source, base="tiny")

    threads = [threading.Thread(target=publish) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert store.versions("reviewer") == tuple(range(1, 21))
    assert all(store.get("reviewer", version).version == version for version in range(1, 21))
