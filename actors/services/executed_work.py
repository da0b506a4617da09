"""What happens to stories whose work is executed: effort by the model, code and everything wrong in it for real.

Pure state and its rules. The time that work takes follows the calibrated model, as in modelled work; what is written,
and what is wrong in it, is code: `StoryCode` says which files a branch has to have, `BranchDesk` commits them.
"""

from __future__ import annotations

from collections.abc import Iterable

from actors.policy.arithmetic import between, clamp, scaled
from actors.policy.calibration import Calibration
from actors.scrum.stories import Story
from actors.services.code_flaws import flaw_made, flaw_request
from actors.services.code_troubles import CodeTroubles
from actors.services.modelled_work import ModelledWork
from actors.services.story_code import Branches, StoryCode
from actors.services.work_ledger import Defect, StoryWork, TaskWork, WorkError, WorkLedger
from actors.work import effort
from actors.work.effort import Pair, Worker
from actors.work.katas.oracle import calls_of
from actors.work.messages import ExerciseJudged, FlawPlanted, PlantFlaw
from actors.work.product import ExerciseKey, Flaw, ModuleCode, ProductCode


class NoExerciseError(WorkError):
    """Raised for a story that nobody can execute: it has no exercise."""

    def __init__(self, story_id: str) -> None:
        super().__init__(f"{story_id} has no exercise: its work can only be modelled")
        self.story_id = story_id


PERMILLE = 1000


class ExecutedWork(ModelledWork):
    """The workshop's trade where code is written. Survives the workshop's restart."""

    def __init__(self, ledger: WorkLedger, product: ProductCode, *, calibration: Calibration, seed: int) -> None:
        super().__init__(ledger, calibration=calibration, seed=seed)
        self.product = product
        self.branches = Branches(product)
        self.troubles = CodeTroubles(self.branches, seed=seed)
        self.accepted: dict[ExerciseKey, dict[int, str]] = {}  # criteria that hidden tests found right -> story
        self.escaped: dict[tuple[ExerciseKey, int], int] = {}  # what canaries found wrong all the same -> sprint

    def register(self, story: Story) -> None:
        """A story exists. Raises NoExerciseError for one that cannot be executed."""
        if story.exercise is None:
            raise NoExerciseError(story.story_id)
        super().register(story)
        if not self.branches.has(story.story_id):
            key = story.exercise.family, story.exercise.number
            module = self.product.landed.get(key) or ModuleCode.begun(*key)
            self.branches.add(StoryCode(story_id=story.story_id, ref=story.exercise, module=module))

    def code_of(self, story_id: str) -> StoryCode:
        """The code of a story. Raises UnknownWorkError."""
        self.ledger.work_on(story_id)
        return self.branches.of(story_id)

    # -- writing ------------------------------------------------------------------------------------------------------

    def write_quarter(self, work: StoryWork, task: TaskWork, pair: Pair) -> tuple[int, ...]:
        """What comes into being in this quarter, as whoever writes it understands it; repairs are made.

        Returns flaws that are gone because what they were in was written anew.
        """
        code = self.branches.of(work.story.story_id)
        if not code.branch:  # others may have landed in the same module
            code.module = self.product.landed.get(code.module.key, code.module)
        before = work.built
        self.build_criteria(work, pair)
        due = [code.ref.criteria[number - 1] for number in range(before + 1, work.built + 1)]
        rewritten: tuple[int, ...] = ()
        if due and set(due) <= set(code.module.built):  # a story for what another one left undone
            rewritten = code.module.flaws_of(due)
            code.module = code.module.without_flaws(rewritten)
            code.module = code.module.with_regressions(self.troubles.noticed_in(code.module.key))
        code.module = code.module.with_criteria(due).with_care(due, self.care_of(pair))
        code.module = code.module.without_flaws(task.repairs)
        for key in task.settles:
            work.clarified[key] = None
            work.wrong.pop(key, None)
        return (*rewritten, *self.decide(work))

    def believe_the_obvious(self, work: StoryWork) -> None:
        """Nobody knows what a model takes for granted: until somebody asks, the team believes in the obvious."""
        for point in work.story.clarifications:
            key = (point.criterion, point.topic)
            if point.changes and point.criterion <= work.built and key not in work.clarified:
                work.wrong[key] = None
        self.decide(work)

    def care_of(self, pair: Pair) -> int:
        """How many of the tests that could be written a pair writes, thousandths: the more careful one decides."""
        written = self.calibration.tests.written
        return max(written.of(one.seniority) for one in (pair.driver, pair.navigator or pair.driver))

    def test_more(self, work: StoryWork) -> None:
        """Quality gates ask for tests: some more are written for every criterion, and the gates are asked again."""
        code = self.branches.of(work.story.story_id)
        for criterion, care in code.module.care:
            more = min(PERMILLE, care + self.calibration.tests.written_for_gates)
            code.module = code.module.with_care((criterion,), more)

    def decide(self, work: StoryWork) -> tuple[int, ...]:
        """Bring the code's choices up to what is understood. Returns flaws that go away with what is written anew."""
        code = self.branches.of(work.story.story_id)
        wanted, chosen = code.exercise.wanted, list(code.module.choices)
        for position, point in enumerate(code.exercise.kata.open_points):
            if point.criterion not in code.ref.criteria or point.criterion not in code.module.built:
                continue
            criterion = 1 + code.ref.criteria.index(point.criterion)
            chosen[position] = 0 if (criterion, point.topic) in work.wrong else wanted[position]
        for position, misread in code.misread.values():
            chosen[position] = misread
        before = code.module.flaws
        code.module = code.module.with_choices(chosen)
        gone = tuple(flaw.number for flaw in before if flaw not in code.module.flaws)
        work.defects = [defect for defect in work.defects if defect.number not in gone]
        return gone

    def is_subtle(self, work: StoryWork, task: TaskWork, pair: Pair) -> bool:
        """Whether the mistake that slips in now is one that shows in rare cases only."""
        entity = f"{work.story.story_id}/{task.task.task_id}"
        return effort.is_subtle(self.calibration, self._draw("subtle_mistakes", entity, task.done), pair)

    def flaw_wanted(self, work: StoryWork, task: TaskWork, *, escapes: bool) -> PlantFlaw | None:
        """The request for a mistake in what was worked on, one that only canaries notice if it is to escape.

        None while there is no code that could be wrong.
        """
        code = self.branches.of(work.story.story_id)
        if not code.module.built:
            return None
        entity = f"{work.story.story_id}/{task.task.task_id}"
        chance = self._draw("defect_places", entity, task.done)
        functions = code.exercise.functions(code.module.built)
        first = chance.below(len(functions))
        return flaw_request(
            self.product,
            code.module,
            (*functions[first:], *functions[:first]),
            escapes=escapes,
            seed=chance.bits % 2**62,
        )

    def plant(self, work: StoryWork, task: TaskWork, planted: FlawPlanted) -> Flaw | None:
        """A mistake was found that fits; it is in the code now. None if there was none."""
        flaw = flaw_made(self.product, planted)
        if flaw is None:
            return None
        code = self.branches.of(work.story.story_id)
        code.module = code.module.with_flaw(flaw)
        of_story = [1 + code.ref.criteria.index(one) for one in planted.criteria if one in code.ref.criteria]
        defect = Defect(number=flaw.number, criterion=of_story[0] if of_story else 1, task_id=task.task.task_id)
        work.defects.append(defect)
        return flaw

    def mend(self, work: StoryWork, numbers: Iterable[int]) -> tuple[int, ...]:
        """Repair these mistakes. Returns those that were there."""
        code = self.branches.of(work.story.story_id)
        there = tuple(flaw.number for flaw in code.module.flaws if flaw.number in set(numbers))
        code.module = code.module.without_flaws(there)
        work.defects = [defect for defect in work.defects if defect.number not in there]
        work.spotted = tuple(number for number in work.spotted if number not in there)
        return there

    # -- what tests say -----------------------------------------------------------------------------------------------

    def blamed(self, code: StoryCode, tests: Iterable[str]) -> tuple[int, ...]:
        """Flaws in the functions that failing visible tests call."""
        source = code.exercise.source(code.module.choices, code.module.built)
        public = code.exercise.functions(code.module.built)
        names = [name for name in public if any(f"::test_{name}_" in test for test in tests)]
        called = {one for name in names for one in calls_of(source, name)}
        return tuple(flaw.number for flaw in code.module.flaws if flaw.site.function in called)

    def found_by_checks(self, work: StoryWork, judged: ExerciseJudged) -> tuple[int, ...]:
        """Mark as known what quality assurance ran into. Returns the flaws that it knows now."""
        code = self.branches.of(work.story.story_id)
        numbers = code.module.flaws_of(judged.failing_criteria)
        for defect in work.defects:
            defect.known = defect.known or defect.number in numbers
        return numbers

    def checked_share(self, tester: Worker) -> int:
        """So many of the tests that could be thought of does a tester think of, thousandths."""
        numbers = self.calibration.quality
        sight = between(numbers.catches_without_knowledge, 1000, tester.knowledge_permille)
        return clamp(scaled(self.calibration.tests.thought_of.of(tester.seniority), sight), 0, PERMILLE)

    def demonstrated(self, code: StoryCode, judged: ExerciseJudged) -> None:
        """Remember which criteria were seen to be right."""
        right = self.accepted.setdefault(code.module.key, {})
        for criterion in code.ref.criteria:
            if criterion not in judged.failing_criteria:
                right[criterion] = code.story_id

    # -- landing ------------------------------------------------------------------------------------------------------

    def landed(self, story_id: str, commit: str) -> None:
        """A story is on main now; what comes later begins another branch. Told twice, it is as if told once."""
        if self.product.main == commit:
            return
        code = self.branches.of(story_id)
        self.product.main, code.branch = commit, ""
        offered, code.offered = code.offered, None
        if self.troubles.copy_landed(code):  # the module itself is as it was
            return
        self.product.module_landed(offered or code.module, commit)
        self.product.owners.setdefault(code.module.key, story_id)
        if code.vendored:
            self.product.vendored, code.vendored, code.is_adapted = code.vendored, 0, False
        if code.announces:
            self.product.announced.append(code.exercise.kata.title)
            code.announces = False
