from __future__ import annotations

from pathlib import Path

import pytest

from actors.work.sandbox.caps import GroupCaps, find_hierarchy
from actors.work.sandbox.limits import Limits


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="ascii")


def test_a_controller_of_version_one_is_found_below_our_own_group(tmp_path: Path) -> None:
    write(tmp_path / "mounts", "cgroup /groups/memory cgroup rw,memory 0 0\ncgroup2 /groups/unified cgroup2 rw 0 0\n")
    write(tmp_path / "cgroup", "4:memory:/a/b\n0::/\n")

    found = find_hierarchy("memory", tmp_path)

    assert (found.folder, found.is_v2) == (Path("/groups/memory/a/b"), False)


def test_a_controller_of_version_two_is_found_when_it_is_offered(tmp_path: Path) -> None:
    write(tmp_path / "unified/cgroup.controllers", "cpu memory pids\n")
    write(tmp_path / "mounts", f"cgroup2 {tmp_path}/unified cgroup2 rw 0 0\n")
    write(tmp_path / "cgroup", "0::/user.slice\n")

    found = find_hierarchy("pids", tmp_path)

    assert (found.folder, found.is_v2) == (tmp_path / "unified/user.slice", True)


def test_a_host_without_the_controller_says_so(tmp_path: Path) -> None:
    write(tmp_path / "unified/cgroup.controllers", "cpu\n")
    write(tmp_path / "mounts", f"cgroup2 {tmp_path}/unified cgroup2 rw 0 0\n")
    write(tmp_path / "cgroup", "0::/\n")

    caps = GroupCaps(Limits(), proc=tmp_path)

    assert caps.missing == {
        "memory-cap": "no control group for memory: the memory controller is not mounted",
        "process-cap": "no control group for pids: the pids controller is not mounted",
    }
    with pytest.raises(OSError, match="not mounted"):
        find_hierarchy("memory", tmp_path)
