from __future__ import annotations

import os
from pathlib import Path

from actors.work.sandbox.leftovers import WorkFolder, remove_leftover_folders, remove_leftover_groups

LONG_AGO = (1_000_000_000, 1_000_000_000)


def test_a_folder_whose_owner_was_killed_is_removed_by_the_next_sandbox(tmp_path: Path) -> None:
    left = tmp_path / "scrummage-12345-abc"
    (left / "run").mkdir(parents=True)
    os.utime(left, LONG_AGO)

    folder = WorkFolder(tmp_path)

    assert list(tmp_path.iterdir()) == [folder.path]
    folder.close()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_held_or_young_or_not_ours_stays(tmp_path: Path) -> None:
    held = WorkFolder(tmp_path)
    os.utime(held.path, LONG_AGO)
    young = tmp_path / "scrummage-12345-abc"
    young.mkdir()
    other = tmp_path / "scrummage-notes"
    other.mkdir()
    os.utime(other, LONG_AGO)

    remove_leftover_folders(tmp_path)

    assert sorted(tmp_path.iterdir()) == sorted([held.path, young, other])
    held.close()


def test_only_groups_of_processes_that_are_gone_are_removed(tmp_path: Path) -> None:
    gone, ours = tmp_path / "scrummage-999999999-0", tmp_path / f"scrummage-{os.getpid()}-0"
    gone.mkdir()
    ours.mkdir()

    remove_leftover_groups(tmp_path)

    assert list(tmp_path.iterdir()) == [ours]
