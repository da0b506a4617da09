"""What a killed process may leave in a .git, and taking it away. Only for when nobody is at work there."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

from actors.work.workspace.git import LOCK, Git
from actors.work.workspace.layout import PRIVATE, remove_broken_refs
from actors.work.workspace.worktree import discard, places, registered

_INDEX_HASH_BYTES = 20  # at the end of an index: SHA-1 of what is before


def remove(git_dir: Path) -> tuple[str, ...]:
    """Remove lock files, unfinished files, private indexes and a torn index. Returns what went, sorted."""
    gone = list(remove_broken_refs(git_dir))
    unfinished = [
        *(path for path in git_dir.glob("*.lock") if path.name != LOCK),
        *git_dir.glob("*.new"),
        *git_dir.glob("objects/tmp_*"),
        *git_dir.glob("objects/??/tmp_*"),
        *git_dir.glob("objects/pack/tmp_*"),
        *git_dir.glob("objects/pack/*.lock"),
        *(git_dir / PRIVATE).iterdir(),
    ]
    index = git_dir / "index"
    if index.exists() and not _is_whole(index.read_bytes()):
        unfinished.append(index)
    for path in unfinished:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
        gone.append(path.relative_to(git_dir).as_posix())
    return tuple(sorted(gone))


def remove_worktrees(git: Git) -> tuple[str, ...]:
    """Remove every working folder, and what .git knows of folders that are gone. Returns their branches, sorted."""
    known = git.git_dir / "worktrees"
    branches = [*registered(git)]
    for place in places(git):
        discard(place)
    if known.exists():
        shutil.rmtree(known)  # halves that a killed `worktree add` left
    return tuple(sorted(branches))


def remove_objects(git_dir: Path) -> None:
    """Remove every object; for when all of them can be made again."""
    for folder in (git_dir / "objects").iterdir():
        if folder.is_dir() and not folder.is_symlink():
            shutil.rmtree(folder)
        else:
            folder.unlink()
    for name in ("info", "pack"):
        (git_dir / "objects" / name).mkdir()


def _is_whole(index: bytes) -> bool:
    body, digest = index[:-_INDEX_HASH_BYTES], index[-_INDEX_HASH_BYTES:]
    return index.startswith(b"DIRC") and hashlib.sha1(body, usedforsecurity=False).digest() == digest
