"""How far a run is, from its events."""

from __future__ import annotations

from typing import Any

from actors.reporting.entries import LoggedEvent
from actors.scrum.messages import CeremonyHeld, RunEnded, SprintEnded, SprintStarted


class RunProgress:
    """Sprint, day and velocity of the team that is furthest behind; `None` fields are not known yet."""

    def __init__(self, sprints: int) -> None:
        self._sprints = sprints
        self._teams: dict[str, dict[str, Any]] = {}
        self._events = 0

    def apply(self, entry: LoggedEvent) -> None:
        self._events += 1
        match entry.message:
            case SprintStarted(team=team, sprint=sprint, days=days):
                velocity = self._teams.get(team, {}).get("velocity")
                self._teams[team] = {"sprint": sprint, "day": 1, "days": days, "velocity": velocity}
            case CeremonyHeld(team=team, day=day) if team in self._teams:
                self._teams[team]["day"] = day
            case SprintEnded(team=team, finished_points=points) if team in self._teams:
                self._teams[team]["velocity"] = points
                self._teams[team]["day"] = self._teams[team]["days"] + 1
            case RunEnded(team=team) if len(self._teams) > 1:
                self._teams.pop(team, None)

    def as_dict(self) -> dict[str, Any]:
        """What `ProgressReporter.update` takes."""
        behind = min(self._teams.values(), key=lambda team: (team["sprint"], team["day"]), default=None)
        if behind is None:
            return {"sprint": 1, "sprints": self._sprints, "events": self._events}
        return {**behind, "sprints": self._sprints, "events": self._events}
