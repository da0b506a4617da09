"""The hash of an adapter's files."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.adapters.content import content_hash, verify
from inference.adapters.errors import UnreadableError, WrongContentError


def written(folder: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


def test_the_hash_is_over_lengths_names_and_bytes_in_the_order_of_names(tmp_path: Path) -> None:
    folder = written(tmp_path, {"b/c": b"\x01\x02", "a": b"hello"})

    def length(number: int) -> bytes:
        return number.to_bytes(8, "big")

    expected = length(1) + b"a" + length(5) + b"hello" + length(3) + b"b/c" + length(2) + b"\x01\x02"
    assert content_hash(folder) == hashlib.sha256(expected).hexdigest()


def test_times_and_modes_do_not_count(tmp_path: Path) -> None:
    folder = written(tmp_path, {"a": b"hello"})
    before = content_hash(folder)
    os.utime(folder / "a", (0, 0))
    (folder / "a").chmod(0o400)

    assert content_hash(folder) == before


NAMES = st.text("abz", min_size=1, max_size=3)
FILES = st.dictionaries(NAMES, st.binary(max_size=4), min_size=1, max_size=4)


@given(one=FILES, other=FILES)
def test_different_files_have_different_hashes(
    tmp_path_factory: pytest.TempPathFactory, one: dict[str, bytes], other: dict[str, bytes]
) -> None:
    hashes = [content_hash(written(tmp_path_factory.mktemp("adapter"), files)) for files in (one, other)]

    assert (hashes[0] == hashes[1]) == (one == other)


def test_another_content_is_noticed(tmp_path: Path) -> None:
    folder = written(tmp_path, {"a": b"hello"})
    wanted = content_hash(folder)
    (folder / "a").write_bytes(b"hellp")

    with pytest.raises(WrongContentError) as caught:
        verify(folder, wanted)
    assert (caught.value.wanted, caught.value.found) == (wanted, content_hash(folder))


@pytest.mark.parametrize("kind", ["missing", "empty", "a file", "a link", "a pipe"])
def test_what_is_no_folder_of_files_is_refused(tmp_path: Path, kind: str) -> None:
    folder = tmp_path / "adapter"
    match kind:
        case "empty":
            folder.mkdir()
        case "a file":
            folder.write_bytes(b"")
        case "a link":
            written(folder, {"a": b""})
            (folder / "b").symlink_to(tmp_path)
        case "a pipe":
            written(folder, {"a": b""})
            os.mkfifo(folder / "b")

    with pytest.raises(UnreadableError):
        content_hash(folder)
