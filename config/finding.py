"""What a check of a configuration found, and who says where it stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from config.errors import Problem
from config.yaml_tree import Loc


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A contradiction, the path to blame, and every path it was concluded from."""

    at: Loc
    message: str
    allowed: str = ""
    nearest: str = ""
    concluded_from: tuple[Loc, ...] = ()


class ProblemAt(Protocol):
    """Makes a problem of what is wrong with the value at a path."""

    def __call__(self, loc: Loc, message: str, *, allowed: str = "") -> Problem: ...
