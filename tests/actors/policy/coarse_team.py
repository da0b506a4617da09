"""A team reduced to the mechanisms of its pace: four pairs, ten modules, no board, no ceremonies, no disturbances.

It answers one question before a whole run can be made: do knowledge and familiarity alone let velocity rise as it
should? What it leaves out (waiting, review, rejection, disturbances) is put into the share of the day that is worked.
"""

from __future__ import annotations

from dataclasses import dataclass

from actors.policy.calibration import Calibration
from actors.policy.decisions import Person
from actors.policy.mind import Mechanisms, Mind
from actors.work import effort
from config.streams import draw

SPRINTS = 20
MODULES = {
    "api": ("api_design", "backend"),
    "auth": ("backend", "security"),
    "boards": ("backend",),
    "frontend": ("frontend", "ui_ux"),
    "integrations": ("api_design", "networking"),
    "notifications": ("backend", "networking"),
    "operations": ("devops", "test_automation"),
    "reports": ("backend", "database"),
    "search": ("backend", "database"),
    "storage": ("database",),
}
DEVELOPERS = (
    ("alex", "senior", "networking", "security"),
    ("priya", "senior", "devops", "cloud_architecture"),
    ("marcus", "mid", "backend", "api_design"),
    ("elena", "mid", "frontend", "ui_ux"),
    ("jamie", "junior", "backend", "frontend"),
    ("jordan", "junior", "backend", "database"),
    ("ahmed", "senior", "backend", "distributed_systems"),
)
TESTERS = (
    ("yuki", "senior", "test_automation", "backend"),
    ("maria", "mid", "test_automation", "frontend"),
    ("sophie", "senior", "quality_engineering", "test_automation"),
)
SIZES = (3, 3, 3, 5, 2, 2, 5, 1, 3, 8, 3, 3, 5, 2)  # on average 3.4 points
WORKED_MINUTES = (190, 370, 370, 370, 235)  # of a pair's five days, what is left after ceremonies and waiting
STEP = 40


@dataclass(slots=True)
class Job:
    points: int
    module: str
    specialization: str
    left_milli: int  # thousandths of a minute at standard pace


class CoarseTeam:
    def __init__(self, seed: int, calibration: Calibration, mechanisms: Mechanisms) -> None:
        self.seed, self.calibration = seed, calibration
        people = [
            Person(agent=name, seniority=seniority, roles=(), specialization=specialization, auxiliaries=(auxiliary,))
            for name, seniority, specialization, auxiliary in (*DEVELOPERS, *TESTERS)
        ]
        names = [person.agent for person in people]
        self.minds = {
            person.agent: Mind(person, modules=MODULES, partners=names, calibration=calibration, mechanisms=mechanisms)
            for person in people
        }
        self.stories = 0
        self.steps = 0
        self.jobs: list[Job | None] = [None] * 4
        self.together: dict[tuple[str, str], int] = {}

    def sprint(self, number: int) -> int:
        """Points finished in one sprint."""
        finished = 0
        for day, minutes in enumerate(WORKED_MINUTES):
            for slot, (driver, navigator) in enumerate(self.pairs(5 * number + day)):
                finished += self.work(slot, driver, navigator, minutes)
        for mind in self.minds.values():
            mind.end_sprint()
        return finished

    def pairs(self, day: int) -> list[tuple[str, str]]:
        developers = [part[0] for part in DEVELOPERS]
        turn = draw(self.seed, "pairs", "day", day).below(len(developers))
        drivers = [developers[(turn + position) % len(developers)] for position in range(4)]
        free = [name for name in (*developers, TESTERS[day % 3][0]) if name not in drivers]
        pairs = []
        for driver in drivers:
            navigator = min(free, key=lambda name: (self.together.get(_both(driver, name), 0), name))
            free.remove(navigator)
            self.together[_both(driver, navigator)] = self.together.get(_both(driver, navigator), 0) + 1
            pairs.append((driver, navigator))
        return pairs

    def work(self, slot: int, driver: str, navigator: str, minutes: int) -> int:
        finished = 0
        while minutes > 0:
            job = self.jobs[slot] or self.next_job()
            pair, pace = self.pair_at(job, driver, navigator)
            step = min(minutes, STEP, -(-job.left_milli // pace))
            minutes -= step
            job.left_milli -= step * pace
            self.learn(job, driver, navigator, step)
            self.steps += 1
            if effort.defect_slips_in(self.calibration, draw(self.seed, "defects", "step", self.steps), pair):
                job.left_milli += 500 * effort.repair_minutes(self.calibration, defects=1, pace=1000)
            self.jobs[slot] = job
            if job.left_milli <= 0:
                finished += job.points
                self.jobs[slot] = None
        return finished

    def pair_at(self, job: Job, driver: str, navigator: str) -> tuple[effort.Pair, int]:
        minds = self.minds
        pair = effort.Pair(
            driver=minds[driver].at_work(job.module, job.specialization),
            navigator=minds[navigator].at_work(job.module, job.specialization),
            familiarity_permille=minds[driver].familiarity_permille(navigator),
        )
        return pair, effort.pace_permille(self.calibration, pair)

    def learn(self, job: Job, driver: str, navigator: str, minutes: int) -> None:
        self.minds[driver].worked(job.module, minutes)
        self.minds[navigator].worked(job.module, minutes, navigating=True)
        self.minds[driver].paired(navigator, minutes)
        self.minds[navigator].paired(driver, minutes)

    def next_job(self) -> Job:
        self.stories += 1
        name = f"S-{self.stories}"
        points = draw(self.seed, "size", name).pick(SIZES)
        module = draw(self.seed, "module", name).pick(tuple(MODULES))
        minutes = sum(
            effort.true_minutes(
                self.calibration, draw(self.seed, "minutes", name, task), sized_points=points, share_permille=share
            )
            for task, share in enumerate((390, 390, 220))
        )
        return Job(points, module, draw(self.seed, "wants", name).pick(MODULES[module]), 1000 * minutes)


def velocities(seed: int, calibration: Calibration, mechanisms: Mechanisms) -> list[int]:
    """Points finished in each of twenty sprints."""
    team = CoarseTeam(seed, calibration, mechanisms)
    return [team.sprint(number) for number in range(SPRINTS)]


def _both(one: str, other: str) -> tuple[str, str]:
    return (one, other) if one < other else (other, one)
