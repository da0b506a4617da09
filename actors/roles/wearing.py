"""Which version of an adapter one person's decisions name, by the sprint in which they begin. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from actors.scrum.calendar import SprintCalendar


@dataclass(frozen=True, slots=True)
class Version:
    """A version of an adapter, or the model without one."""

    adapter: str = ""
    number: int = 0  # 0 without an adapter


BASE = Version()


@dataclass(frozen=True, slots=True)
class Wardrobe:
    """From which sprint on which version answers. It follows from virtual time alone, so a resumed run has it again."""

    calendar: SprintCalendar = field(default_factory=SprintCalendar)
    changes: Sequence[tuple[int, Version]] = ()  # sprint and version, sprints ascending

    def at(self, now_us: int) -> Version:
        """What a decision that begins now names, and keeps through its repair."""
        if not self.changes:
            return BASE
        sprint = self.calendar.sprint_of(now_us)
        return next((version for start, version in reversed(self.changes) if start <= sprint), BASE)


NO_ADAPTERS = Wardrobe()
