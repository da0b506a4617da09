"""How a lead learns what the team's minutes are worth: a running mean of what finished tasks took."""

from __future__ import annotations

from dataclasses import dataclass

from actors.policy.arithmetic import clamp, scaled
from actors.policy.calibration_sections import Planning

STANDARD_PERMILLE = 1000  # the belief of somebody who has seen nothing: a minute of sizing takes a minute
_LONGEST_PERMILLE = 20_000  # a single task beyond that is a story of its own, no experience of pace


@dataclass(slots=True)
class PaceExperience:
    """Minutes spent for each thousand minutes of sizing, over the tasks of late; integers only."""

    millionths: int = STANDARD_PERMILLE * 1000
    tasks: int = 0

    @property
    def permille(self) -> int:
        """Minutes that a thousand minutes of sizing took on average."""
        return self.millionths // 1000

    def observe(self, sized_minutes: int, spent_minutes: int, numbers: Planning) -> None:
        """A task was finished. The first belief weighs as much as some tasks, and old ones fade behind new ones."""
        if sized_minutes <= 0:
            return
        self.tasks += 1
        weight = min(numbers.first_belief_tasks + self.tasks, numbers.remembered_tasks)
        seen = min(spent_minutes * STANDARD_PERMILLE // sized_minutes, _LONGEST_PERMILLE)
        self.millionths += (seen * 1000 - self.millionths) // weight

    def planned_permille(self, numbers: Planning, *, lessons: int) -> int:
        """What the next plan counts with: less than was experienced, for plans stay hopeful, yet never below sizing."""
        daring = clamp(numbers.hope + numbers.care_per_lesson * lessons, 0, 1000)
        return max(STANDARD_PERMILLE, scaled(self.permille, daring))
