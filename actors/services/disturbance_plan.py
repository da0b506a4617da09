"""Which disturbances strike in a sprint, when and how hard: all drawn beforehand, each from its own key.

Ids follow the fixed order of the kinds, so leaving one out renames no other and shifts no other draw.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import get_args

from actors.policy.calibration import Calibration
from actors.scrum.calendar import SprintCalendar
from actors.scrum.messages import DisturbanceKind
from actors.services.incident_messages import IncidentStaged
from actors.work import effort
from config.streams import draw

KINDS: tuple[DisturbanceKind, ...] = get_args(DisturbanceKind)
STREAM = "disturbances"
INJECTED_FROM = 1_000_000  # draw numbers of injected ones, beyond those of any sprint


@dataclass(frozen=True, slots=True, kw_only=True)
class DisturbanceRules:
    """How often and how hard; from the configuration."""

    frequencies: Mapping[str, int]  # permille for each kind and sprint
    suppress: frozenset[str]  # ids
    max_velocity_impact_permille: int


@dataclass(slots=True)
class Disturbance:
    """One disturbance, from its draw to its end."""

    id: str
    kind: DisturbanceKind
    sprint: int
    n: int  # number of its draws
    strikes_us: int
    severity: int
    wanted_story: str = ""  # injected for this story
    injected: bool = False
    struck: bool = False
    resolved: bool = False
    story_id: str = ""
    tag: str = ""
    spent_minutes: int = 0
    staged: IncidentStaged | None = None  # what really broke, where work is executed
    waits_for: list[str] = field(default_factory=list)  # stories that still pay for it


@dataclass(slots=True)
class DisturbanceLedger:
    """All disturbances of a run; survives the restart of the generator."""

    team: str
    seed: int
    by_id: dict[str, Disturbance] = field(default_factory=dict)
    sprint: int = 0
    committed_points: int = 0
    points_at_risk: int = 0
    injected: int = 0
    wishes: int = 0  # that came up without a plan

    def cap_points(self, permille: int) -> int:
        """Points of this sprint that disturbances may put at risk together."""
        return self.committed_points * permille // 1000


def plan_sprint(
    sprint: int, *, team: str, seed: int, rules: DisturbanceRules, calendar: SprintCalendar, calibration: Calibration
) -> tuple[Disturbance, ...]:
    """Draw the disturbances of one sprint."""
    planned: list[Disturbance] = []
    for position, kind in enumerate(KINDS, start=1):
        disturbance_id = f"D-{sprint:02d}-{position:02d}"
        entity = f"{team}/{kind}"
        strikes = draw(seed, STREAM, f"{entity}/strikes", sprint).chance(rules.frequencies.get(kind, 0))
        if not strikes:
            continue
        whole_us = calendar.development_per_sprint_us()
        after_us = draw(seed, STREAM, f"{entity}/when", sprint).below(whole_us * 9 // 10)
        started_us = calendar.development(sprint, 1).start_us
        planned.append(
            Disturbance(
                id=disturbance_id,
                kind=kind,
                sprint=sprint,
                n=sprint,
                strikes_us=calendar.add_working_time(started_us, after_us + 1),
                severity=effort.severity(calibration, draw(seed, STREAM, f"{entity}/severity", sprint)),
            )
        )
    return tuple(planned)
