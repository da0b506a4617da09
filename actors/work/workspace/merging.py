"""What a merge came to, and reading git's answer about it. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One of the three versions of a file in conflict."""

    mode: str
    text: str | None  # None: not text


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """A file that both sides changed in ways that do not go together. None: the file is not there on that side."""

    path: str
    base: Side | None
    ours: Side | None
    theirs: Side | None

    def is_marked(self, shown: str | None) -> bool:
        """Whether a text shows both sides between conflict marks."""
        return shown is not None and all(f"\n{mark} " in f"\n{shown}" for mark in ("<<<<<<<", ">>>>>>>"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """The result of a merge. With conflicts its tree shows conflict marks and is not to be landed."""

    tree: str
    conflicts: tuple[Conflict, ...]

    @property
    def is_clean(self) -> bool:
        """Whether nothing is left to decide."""
        return not self.conflicts


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One line of git's list of conflicted files."""

    mode: str
    blob: str
    number: int  # 1 base, 2 ours, 3 theirs
    path: str


def parse_merge(answer: bytes) -> tuple[str, tuple[Stage, ...]]:
    """Read what `git merge-tree --write-tree -z` wrote: the tree, then conflicted files up to an empty entry.

    Source: git-merge-tree(1), "OUTPUT".
    """
    tree, *rest = answer.split(b"\0")
    stages = []
    for entry in rest:
        if not entry:
            break
        about, _, path = entry.partition(b"\t")
        mode, blob, number = about.decode().split(" ")
        stages.append(Stage(mode=mode, blob=blob, number=int(number), path=path.decode()))
    return tree.decode(), tuple(stages)


def marked(conflict: Conflict) -> str:
    """Both sides of a conflict in full, between marks, for where git marks nothing."""
    ours, theirs = (_shown(side) for side in (conflict.ours, conflict.theirs))
    return f"<<<<<<< ours\n{ours}=======\n{theirs}>>>>>>> theirs\n"


def _shown(side: Side | None) -> str:
    if side is None:
        return "(removed)\n"
    if side.text is None:
        return "(not text)\n"
    return side.text if not side.text or side.text.endswith("\n") else side.text + "\n"
