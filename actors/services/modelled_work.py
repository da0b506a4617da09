"""What happens to stories while people work on them, by the calibrated model of effort.

Everything follows from the ledger and from draws keyed by what they are for; the same calls on another day, by another
actor or in another process give the same work.
"""

from __future__ import annotations

from actors.policy.calibration import Calibration
from actors.scrum.messages import PlannedTask
from actors.scrum.stories import Story
from actors.services.work_ledger import Debt, Defect, StoryWork, TaskWork, WorkLedger
from actors.services.work_messages import (
    ChecksRun,
    Deviation,
    Inspection,
    QuarterFinished,
    QuarterPlanned,
    RevisionPlanned,
)
from actors.work import effort
from actors.work.effort import Pair, Worker
from config.streams import Draw, draw

NOTHING_LEFT = QuarterPlanned(
    task_id="", title="", specialization="", percent=0, minutes=0, estimated_minutes=0, spent_minutes=0
)
REPAIRS = {
    "qa": "Repair what the checks found",
    "conflict": "Resolve the conflict with main",
    "red": "Repair what is red on main",
    "gates": "Write the tests that quality gates ask for",
}


class ModelledWork:
    """The workshop's trade: effort, defects, checks. Survives the workshop's restart."""

    def __init__(self, ledger: WorkLedger, *, calibration: Calibration, seed: int) -> None:
        self.ledger = ledger
        self.calibration = calibration
        self._seed = seed

    # -- plans ----------------------------------------------------------------------------------------------------

    def register(self, story: Story) -> None:
        """A story exists; telling it twice changes nothing."""
        self.ledger.stories.setdefault(story.story_id, StoryWork(story=story))

    def plan(self, story_id: str, tasks: tuple[PlannedTask, ...], sized: tuple[int, ...]) -> None:
        """The tasks of a story become work; their sizes, not the plan's minutes, say what each will really take."""
        work = self.ledger.work_on(story_id)
        if work.tasks:
            return
        whole = max(1, sum(sized))
        for position, (task, minutes) in enumerate(zip(tasks, sized, strict=True)):
            standard = effort.true_minutes(
                self.calibration,
                self._draw("effort", story_id, position),
                sized_points=work.story.sized_points,
                share_permille=minutes * 1000 // whole,
            )
            work.tasks.append(TaskWork(task=task, sized_minutes=minutes, standard_minutes=standard))

    def add_task(
        self, story_id: str, title: str, *, sprint: int, standard_minutes: int, first: bool = False
    ) -> TaskWork:
        """Something more is to be done on a story, in one go; `first`: before everything else."""
        work = self.ledger.work_on(story_id)
        task = PlannedTask(
            task_id=self.ledger.next_task_id(sprint),
            title=title,
            estimated_minutes=standard_minutes,
            depends_on=(),
            specialization=work.story.specialization,
        )
        added = TaskWork(task=task, sized_minutes=standard_minutes, standard_minutes=standard_minutes, quarters=1)
        current = work.current
        if first and current is not None:
            place = work.tasks.index(current) + (1 if current.running_minutes is not None else 0)
            work.tasks.insert(place, added)
        else:
            work.tasks.append(added)
        return added

    # -- quarters -------------------------------------------------------------------------------------------------

    def next_quarter(self, story_id: str, pair: Pair) -> QuarterPlanned:
        """What the pair works on now, and how long that really takes."""
        work = self.ledger.work_on(story_id)
        task = work.current
        if task is None:
            return self._only_debts(work)
        if task.running_minutes is None:
            standard = task.standard_minutes
            quarter = task.done + 1
            if task.quarters == effort.QUARTERS:
                minutes = effort.quarter_minutes(standard, quarter, pace=self.pace(work, pair))
            else:
                minutes = effort.minutes_at(standard, pace=self.pace(work, pair))
            task.running_minutes = task.running_total = minutes
        return QuarterPlanned(
            task_id=task.task.task_id,
            title=task.task.title,
            specialization=task.task.specialization,
            percent=100 * (task.done + 1) // task.quarters,
            minutes=task.running_minutes,
            estimated_minutes=task.task.estimated_minutes,
            spent_minutes=task.spent_minutes,
        )

    def pause(self, story_id: str, remaining_minutes: int) -> None:
        """The day ends within a quarter; what is left of it waits for tomorrow."""
        task = self.ledger.work_on(story_id).current
        if task is not None and task.running_minutes is not None:
            task.spent_minutes += task.running_minutes - remaining_minutes
            task.running_minutes = remaining_minutes

    def inspect(self, story_id: str, pair: Pair, *, care: int = 0) -> Inspection:
        """The quarter's work is there: what is wrong in it, and what of that does the navigator see?

        `care` is how firmly the driver keeps earlier remarks in mind.
        """
        work = self.ledger.work_on(story_id)
        task = work.current
        if task is None:
            return Inspection(suspicious_spots=0, owed_minutes=work.owed_minutes)
        if self.is_unseen(work, task):
            if self.slips(work, task, pair, care):
                self.add_defect(work, task)
            self.build_criteria(work, pair)
            self.look(work, task, pair)
        spots = self.suspicious_spots(work, task, pair)
        return Inspection(suspicious_spots=spots, owed_minutes=work.owed_minutes)

    def is_unseen(self, work: StoryWork, task: TaskWork) -> bool:
        """Whether the work of this quarter was not looked at yet; from now on it is."""
        quarter = f"{task.task.task_id}/{task.done}"
        if work.inspected == quarter:
            return False
        work.inspected = quarter
        return True

    def suspicious_spots(self, work: StoryWork, task: TaskWork, pair: Pair) -> int:
        """What looks wrong to the navigator, now and then also something that is right."""
        entity = f"{work.story.story_id}/{task.task.task_id}/{task.done}"
        alarm = pair.navigator is not None and effort.false_alarm(
            self.calibration, self._draw("false_alarms", entity, 0)
        )
        return len(work.spotted) + (1 if alarm else 0)

    def revise(self, story_id: str, pair: Pair) -> RevisionPlanned:
        """What the navigator pointed at is put right."""
        work = self.ledger.work_on(story_id)
        fixed = work.spotted
        pace = self.pace(work, pair)
        minutes = effort.repair_minutes(self.calibration, defects=len(fixed), pace=pace)
        work.defects = [defect for defect in work.defects if defect.number not in fixed]
        work.spotted = ()
        return RevisionPlanned(minutes=max(1, minutes))

    def finish_quarter(
        self, story_id: str, revision_minutes: int, owed_minutes: int = 0
    ) -> tuple[QuarterFinished, TaskWork | None]:
        """A checkpoint was held. Returns the news, and the task if it is finished by it."""
        work = self.ledger.work_on(story_id)
        if owed_minutes > 0:
            work.debts.append(Debt(disturbance_id="", hazard="revision", minutes=owed_minutes))
        task = work.current
        if task is None:
            return _finished(None, work), None
        task.spent_minutes += (task.running_minutes or 0) + revision_minutes
        task.running_minutes = None
        task.done += 1
        work.spotted = ()
        if not task.is_open:
            self._close(work, task)
        return _finished(task, work), None if task.is_open else task

    def pace(self, work: StoryWork, pair: Pair) -> int:
        """How fast this pair gets on with this story, thousandths of the standard pace."""
        debt = self.ledger.debt_permille(work.story.module)
        return effort.pace_permille(self.calibration, pair, debt_permille=debt)

    # -- what is known, and what is wrong --------------------------------------------------------------------------

    def clarify(self, story_id: str, criterion: int, topic: str) -> None:
        """An open point was answered. If it is built wrongly by now, putting it right costs a repair."""
        work = self.ledger.work_on(story_id)
        key = (criterion, topic)
        work.clarified[key] = None
        if key in work.wrong:
            del work.wrong[key]
            minutes = effort.repair_minutes(self.calibration, defects=1, pace=1000)
            work.debts.append(Debt(disturbance_id="", hazard="late_answer", minutes=minutes))

    def run_checks(self, story_id: str, tester: Worker) -> tuple[ChecksRun, str]:
        """Quality assurance tests a story. Returns the result, and the disturbance that a rerun has ended."""
        work = self.ledger.work_on(story_id)
        run = work.check_runs
        work.check_runs += 1
        for defect in work.defects:
            chance = self._draw("checks", f"{story_id}/{defect.number}", run)
            defect.known = defect.known or effort.catches_defect(self.calibration, chance, tester)
        found = [defect for defect in work.defects if defect.known]
        flaky, work.flaky_from = work.flaky_from, ""
        points = work.story.sized_points
        minutes = effort.review_minutes(self.calibration, points=points, findings=len(found), reruns=1 if flaky else 0)
        minutes += work.flaky_minutes
        work.flaky_minutes = 0
        findings = tuple(f"criterion {one.criterion}: {one.task_id} does not do what it says" for one in found)
        return ChecksRun(minutes=minutes, failing=len(found), flaky=1 if flaky else 0, findings=findings), flaky

    def deviations(self, story_id: str) -> tuple[Deviation, ...]:
        """What a demonstration shows to differ from what was wanted."""
        work = self.ledger.work_on(story_id)
        shown: list[Deviation] = []
        for point in work.story.clarifications:
            if (point.criterion, point.topic) in work.wrong:
                text = f"{point.topic}: built as “{point.assumption}”, wanted “{point.answer}”"
                shown.append(Deviation(criterion=point.criterion, text=text))
        shown += [
            Deviation(criterion=one.criterion, text=f"defect in {one.task_id}: it does not do what the criterion says")
            for one in work.defects
        ]
        return tuple(sorted(shown, key=lambda one: one.criterion))

    def repair(self, story_id: str, *, sprint: int, reason: str, criteria: tuple[int, ...]) -> TaskWork:
        """Plan the repair of what quality assurance found, or of the criteria that were rejected."""
        work = self.ledger.work_on(story_id)
        if reason == "qa":
            defects = tuple(defect.number for defect in work.defects if defect.known)
            wrong: tuple[tuple[int, str], ...] = ()
        else:
            defects = tuple(defect.number for defect in work.defects if defect.criterion in criteria)
            wrong = tuple(key for key in work.wrong if key[0] in criteria)
        count = max(1, len(defects) + len(wrong))
        minutes = effort.repair_minutes(self.calibration, defects=count, pace=1000)
        title = REPAIRS.get(reason, "Repair what the review rejected")
        added = self.add_task(story_id, title, sprint=sprint, standard_minutes=minutes)
        added.repairs, added.settles = defects, wrong
        return added

    # -- details ----------------------------------------------------------------------------------------------------

    def _only_debts(self, work: StoryWork) -> QuarterPlanned:
        for debt in work.debts:
            debt.deferred = False
        if not work.owed_minutes or not work.tasks:
            return NOTHING_LEFT
        last = work.tasks[-1]
        return QuarterPlanned(
            task_id=last.task.task_id,
            title="Work off interruptions",
            specialization=last.task.specialization,
            percent=0,
            minutes=work.owed_minutes,
            estimated_minutes=last.task.estimated_minutes,
            spent_minutes=last.spent_minutes,
        )

    def slips(self, work: StoryWork, task: TaskWork, pair: Pair, care: int) -> bool:
        """Whether this quarter leaves a defect behind."""
        entity = f"{work.story.story_id}/{task.task.task_id}"
        chance = self._draw("defects", entity, task.done)
        return effort.defect_slips_in(self.calibration, chance, pair, care=care, is_interrupted=work.owed_minutes > 0)

    def add_defect(self, work: StoryWork, task: TaskWork) -> None:
        """Something is wrong now, in one of the criteria."""
        entity = f"{work.story.story_id}/{task.task.task_id}"
        criteria = len(work.story.criteria)
        criterion = 1 + self._draw("defect_places", entity, task.done).below(criteria)
        work.defects_made += 1
        work.defects.append(Defect(number=work.defects_made, criterion=criterion, task_id=task.task.task_id))

    def build_criteria(self, work: StoryWork, pair: Pair) -> None:
        """Criteria that come into being in this quarter are built as assumed where nobody asked."""
        task = work.current
        assert task is not None
        due = self._due(work, task)
        for point in work.story.clarifications:
            key = (point.criterion, point.topic)
            if not point.changes or point.criterion not in due or key in work.clarified or key in work.wrong:
                continue
            entity = f"{work.story.story_id}/{point.criterion}/{point.topic}"
            if effort.assumes_wrongly(self.calibration, self._draw("assumptions", entity, 0), pair):
                work.wrong[key] = None
        work.built += len(due)

    def _due(self, work: StoryWork, task: TaskWork) -> range:
        is_extra = bool(task.repairs or task.settles or task.disturbance_id)
        return range(0) if is_extra or work.built >= len(work.story.criteria) else work.criteria_due()

    def look(self, work: StoryWork, task: TaskWork, pair: Pair) -> None:
        """The navigator looks at what is there, and sees some of what is wrong."""
        work.spotted = ()
        if pair.navigator is None:
            return
        seen: list[int] = []
        for defect in work.defects:
            entity = f"{work.story.story_id}/{defect.number}/{task.task.task_id}"
            if effort.spots_defect(self.calibration, self._draw("spots", entity, task.done), pair.navigator):
                seen.append(defect.number)
        work.spotted = tuple(seen)

    def _close(self, work: StoryWork, task: TaskWork) -> None:
        work.defects = [defect for defect in work.defects if defect.number not in task.repairs]
        for key in task.settles:
            work.wrong.pop(key, None)
        if task.disturbance_id:
            self.ledger.module_debt.get(work.story.module, {}).pop(task.disturbance_id, None)

    def _draw(self, stream: str, entity: str, n: int) -> Draw:
        return draw(self._seed, stream, entity, n)


def _finished(task: TaskWork | None, work: StoryWork) -> QuarterFinished:
    return QuarterFinished(
        task_id="" if task is None else task.task.task_id,
        task_done=task is None or not task.is_open,
        story_done=not work.is_open,
        estimated_minutes=0 if task is None else task.task.estimated_minutes,
        spent_minutes=0 if task is None else task.spent_minutes,
        sized_minutes=0 if task is None else task.sized_minutes,
    )
