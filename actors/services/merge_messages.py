"""What travels between workshop, merge queue and testers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True, kw_only=True)
class Integrate:
    """Told to the merge queue: a story is approved and may go to main. The tester hears Integrated."""

    KIND: ClassVar[str] = "merge.integrate/1"
    story_id: str
    module: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LandChange:
    """Asked of the merge queue while nobody waits in it: the same without a tester. Answered by Integrated."""

    KIND: ClassVar[str] = "merge.land_change/1"
    story_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Integrated:
    """How it went; told to the tester."""

    KIND: ClassVar[str] = "merge.integrated/1"
    story_id: str
    module: str
    reason: str  # why it did not land: conflict, red or gates; empty if it did
    details: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferBranch:
    """Asked of the workshop: what is to be merged? Answered by BranchOffered."""

    KIND: ClassVar[str] = "merge.offer_branch/1"
    story_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BranchOffered:
    """The head of a story's branch."""

    KIND: ClassVar[str] = "merge.branch_offered/1"
    story_id: str
    branch: str
    head: str
    title: str
    sources: tuple[str, ...]  # files that quality gates look at


@dataclass(frozen=True, slots=True, kw_only=True)
class MainBegun:
    """Asked of the workshop: main has its first commit. Answered with nothing."""

    KIND: ClassVar[str] = "merge.main_begun/1"
    commit: str
    tree: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MainMoved:
    """Asked of the workshop: a story landed. Answered with nothing."""

    KIND: ClassVar[str] = "merge.main_moved/1"
    story_id: str
    commit: str
    tree: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchMain:
    """Asked of the workshop before a sprint review: run the canaries of everything on main. Answered with nothing."""

    KIND: ClassVar[str] = "merge.watch_main/1"
    sprint: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasureMain:
    """Asked of the workshop at the end of a sprint: run every test and every canary on main."""

    KIND: ClassVar[str] = "merge.measure_main/1"
    sprint: int
