"""What a check of a whole configuration found."""

from __future__ import annotations

from dataclasses import dataclass

from config.yaml_tree import Loc


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A contradiction, the path to blame, and every path it was concluded from."""

    at: Loc
    message: str
    allowed: str = ""
    nearest: str = ""
    concluded_from: tuple[Loc, ...] = ()
