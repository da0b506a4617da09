"""What lies in a repository's .git: making it, and taking away what a killed process left there.

Everything is pinned here (format 0, SHA-1, branches as files) instead of being left to the defaults of `git init`,
which change with its version, templates and configuration.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

from actors.work.workspace.errors import ForeignRepositoryError

PRIVATE = "private"  # in .git: indexes and contents of commits under way
HEAD = "ref: refs/heads/main\n"
OURS = "[scrummage]\n\tworkspace = 1\n"
CONFIG = (
    OURS + "[core]\n\trepositoryformatversion = 0\n\tfilemode = false\n\tbare = false\n\tlogallrefupdates = false\n"
    "\tsymlinks = false\n\tautocrlf = false\n\thooksPath = /dev/null\n"
    "[gc]\n\tauto = 0\n[maintenance]\n\tauto = false\n[commit]\n\tgpgSign = false\n"
)
FOLDERS = ("objects/info", "objects/pack", "refs/heads", "refs/tags", "info", PRIVATE)
_REF = re.compile(rb"[0-9a-f]{40}\n")
_PACKED = re.compile(rb"(#[^\n]*|\^[0-9a-f]{40}|[0-9a-f]{40} refs/[^\n]+)")


def prepare(folder: Path) -> None:
    """Make what is missing of a repository. The configuration comes first, whole or not at all: it marks it as ours.

    Raises:
        ForeignRepositoryError: There is a repository without our mark.
    """
    git_dir = folder / ".git"
    config = git_dir / "config"
    if git_dir.is_symlink() or git_dir.is_file():
        raise ForeignRepositoryError
    # In this order: another process may be at the same right now, and writes the configuration before it makes objects.
    has_objects = (git_dir / "objects").exists()
    if (has_objects or config.exists()) and OURS not in _read(config):
        raise ForeignRepositoryError
    git_dir.mkdir(parents=True, exist_ok=True)
    write_whole(config, CONFIG)
    for name in FOLDERS:
        (git_dir / name).mkdir(parents=True, exist_ok=True)
    (git_dir / "info/attributes").unlink(missing_ok=True)  # the one source of attributes that no setting turns off
    write_whole(git_dir / "HEAD", HEAD)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return ""


def write_whole(path: Path, text: str) -> None:
    """Write a file whole, or leave it as it was."""
    if _read(path) == text:
        return
    with tempfile.NamedTemporaryFile("w", dir=path.parent, suffix=".new", delete=False, encoding="utf-8") as new:
        new.write(text)
    Path(new.name).chmod(0o644)
    Path(new.name).replace(path)


def remove_stale_ref(git_dir: Path, ref: str) -> bool:
    """Remove what a killed git left of one ref. The caller holds `Git.alone`. Returns whether there was something."""
    found = [path for path in (git_dir / f"{ref}.lock", git_dir / "packed-refs.lock") if path.exists()]
    if _is_broken(git_dir / ref):
        found.append(git_dir / ref)
    for path in found:
        path.unlink(missing_ok=True)
    return bool(found)


def remove_broken_refs(git_dir: Path) -> tuple[str, ...]:
    """Remove lock files and unfinished files of all refs. The caller holds `Git.alone`. Returns what went, sorted."""
    gone = [path for path in _files(git_dir / "refs") if path.suffix == ".lock" or _is_broken(path)]
    packed = git_dir / "packed-refs"
    if packed.exists() and not all(_PACKED.fullmatch(line) for line in packed.read_bytes().splitlines()):
        gone.append(packed)
    if (git_dir / "packed-refs.lock").exists():
        gone.append(git_dir / "packed-refs.lock")
    for path in gone:
        path.unlink(missing_ok=True)
    return tuple(sorted(path.relative_to(git_dir).as_posix() for path in gone))


def remove_main_index(git_dir: Path) -> None:
    """Remove the index of the repository's own folder, which follows from main. The caller holds `Git.alone`."""
    for name in ("index", "index.lock", "HEAD.lock"):
        (git_dir / name).unlink(missing_ok=True)


def _is_broken(ref: Path) -> bool:
    return ref.is_file() and not ref.is_symlink() and _REF.fullmatch(ref.read_bytes()) is None


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file() or path.is_symlink())
