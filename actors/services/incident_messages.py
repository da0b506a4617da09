"""What the disturbance generator asks of a workshop in which code is real."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True, kw_only=True)
class StageIncident:
    """Let something on main break in a way that no visible test notices. Answered by IncidentStaged."""

    KIND: ClassVar[str] = "incident.stage/1"
    disturbance_id: str
    sprint: int


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentStaged:
    """A canary found a regression on main; `family` is empty where nothing could break."""

    KIND: ClassVar[str] = "incident.staged/1"
    family: str
    number: int
    criterion: int  # of the exercise
    story_id: str  # whose code it is
    module: str
    specialization: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DefectReported:
    """Told to the product owner: something that was accepted does not do what it should."""

    KIND: ClassVar[str] = "incident.defect_reported/1"
    story_id: str
    family: str
    number: int
    criterion: int  # of the exercise
    text: str  # what does not work
    module: str
    specialization: str


NOTHING_BREAKS = IncidentStaged(family="", number=0, criterion=0, story_id="", module="", specialization="")
