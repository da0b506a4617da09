"""What happens to stories whose work is executed: effort by the model, code and everything wrong in it for real.

Pure state and its rules. The time that work takes follows the calibrated model, as in modelled work; what is written,
and what is wrong in it, is code: `StoryCode` says which files a branch has to have, the workshop commits them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from actors.policy.arithmetic import between, clamp, scaled
from actors.policy.calibration import Calibration
from actors.scrum.stories import ExerciseRef, Story
from actors.services.modelled_work import ModelledWork
from actors.services.work_ledger import Defect, StoryWork, TaskWork, WorkError, WorkLedger
from actors.services.work_messages import DisturbanceEffect
from actors.work.effort import Pair, Worker
from actors.work.katas.exercise import Exercise, exercise
from actors.work.katas.oracle import calls_of
from actors.work.messages import CommitFiles, ExerciseJudged, FlawPlanted, PlantFlaw
from actors.work.product import ExerciseKey, Flaw, ModuleCode, ProductCode, index_path, index_text
from actors.work.tools.quarter import ModelQuarter
from actors.work.troubles import (
    CHANGES_PATH,
    FLAKY_KINDS,
    PRODUCT_TEST_PATH,
    VENDORED_PATH,
    FlakyKind,
    changes_text,
    copy_path,
    flaky_path,
    flaky_test,
    product_test,
    vendored,
)
from config.streams import Draw


class NoExerciseError(WorkError):
    """Raised for a story that nobody can execute: it has no exercise."""

    def __init__(self, story_id: str) -> None:
        super().__init__(f"{story_id} has no exercise: its work can only be modelled")
        self.story_id = story_id


PERMILLE = 1000
MOST_BROKEN = 4  # modules in which a regression is looked for


@dataclass(slots=True)
class StoryCode:
    """The code of one story on its branch."""

    story_id: str
    ref: ExerciseRef
    module: ModuleCode
    listed: tuple[str, ...] = ()  # modules of the domain that the branch began with
    branch: str = ""  # empty: not begun since the last landing
    branches: int = 0  # how often it was begun
    base: str = ""  # the commit of main that it began at, or that was merged in last
    head: str = ""
    tree: str = ""
    written: dict[str, str] = field(default_factory=dict)  # what the branch has of the story's files
    pending: CommitFiles | None = None  # asked for, reply not seen: to be asked for again before anything else
    offered: ModuleCode | None = None  # the module as the merge queue was given it
    session_id: str = ""
    worker: str = ""  # who was last at it
    breaks: dict[str, str] = field(default_factory=dict)  # disturbance -> what it does to the code of this story
    vendored: int = 0  # version of the vendored package on this branch; 0: as main has it
    is_adapted: bool = False  # to that version
    announces: bool = False  # in CHANGES.md
    flaky: FlakyKind | None = None
    misread: dict[str, tuple[int, int]] = field(default_factory=dict)  # disturbance -> open point built otherwise
    remarks: tuple[str, ...] = ()  # what was found wrong the last time, in words
    quarter: ModelQuarter | None = None  # what a model is at
    returned: str = ""  # why the merge queue gave it back, until that is put right
    tested: tuple[tuple[int, ...], tuple[str, ...]] = ((), ())  # criteria and incidents whose tests were seen red

    @property
    def exercise(self) -> Exercise:
        """What is built."""
        return self.module.exercise

    def files(self, product: ProductCode) -> dict[str, str]:
        """The files of the story as they are to be."""
        files = self.module.files()
        if not files:
            return files
        one = self.exercise
        files[index_path(one.kata.domain)] = index_text(one.kata.domain, {*self.listed, one.name})
        if self.vendored:
            files[VENDORED_PATH] = vendored(self.vendored)
            files[PRODUCT_TEST_PATH] = product_test(self.vendored if self.is_adapted else self.vendored - 1)
        if self.announces:
            files[CHANGES_PATH] = changes_text([*product.announced, one.kata.title])
        if self.flaky is not None:
            files[flaky_path(one)] = flaky_test(one, self.flaky)
        return files

    def files_before_code(self, product: ProductCode) -> dict[str, str]:
        """The same with the tests of what is new, and without its code."""
        files = self.files(product)
        for path, old in ((self.exercise.path, self.written), (index_path(self.exercise.kata.domain), self.written)):
            if path in old:
                files[path] = old[path]
            else:
                files.pop(path, None)
        return files


class ExecutedWork(ModelledWork):
    """The workshop's trade where code is written. Survives the workshop's restart."""

    def __init__(self, ledger: WorkLedger, product: ProductCode, *, calibration: Calibration, seed: int) -> None:
        super().__init__(ledger, calibration=calibration, seed=seed)
        self.product = product
        self.codes: dict[str, StoryCode] = {}
        self.accepted: dict[ExerciseKey, dict[int, str]] = {}  # criteria that hidden tests found right -> story
        self.copying: dict[str, str] = {}  # change under way -> the disturbance whose copy it brings or removes
        self.incidents: dict[ExerciseKey, tuple[str, ...]] = {}  # canaries that failed in production
        self.escaped: dict[tuple[ExerciseKey, int], int] = {}  # what canaries found wrong all the same -> sprint

    def register(self, story: Story) -> None:
        """A story exists. Raises NoExerciseError for one that cannot be executed."""
        if story.exercise is None:
            raise NoExerciseError(story.story_id)
        super().register(story)
        if story.story_id not in self.codes:
            key = story.exercise.family, story.exercise.number
            module = self.product.landed.get(key) or ModuleCode.begun(*key)
            self.codes[story.story_id] = StoryCode(story_id=story.story_id, ref=story.exercise, module=module)

    def code_of(self, story_id: str) -> StoryCode:
        """The code of a story. Raises UnknownWorkError."""
        self.ledger.work_on(story_id)
        return self.codes[story_id]

    # -- writing ------------------------------------------------------------------------------------------------------

    def write_quarter(self, work: StoryWork, task: TaskWork, pair: Pair) -> tuple[int, ...]:
        """What comes into being in this quarter, as whoever writes it understands it; repairs are made.

        Returns flaws that are gone because what they were in was written anew.
        """
        code = self.codes[work.story.story_id]
        if not code.branch:  # others may have landed in the same module
            code.module = self.product.landed.get(code.module.key, code.module)
        before = work.built
        self.build_criteria(work, pair)
        due = [code.ref.criteria[number - 1] for number in range(before + 1, work.built + 1)]
        rewritten: tuple[int, ...] = ()
        if due and set(due) <= set(code.module.built):  # a story for what another one left undone
            rewritten = code.module.flaws_of(due)
            code.module = code.module.without_flaws(rewritten)
            code.module = code.module.with_regressions(self.incidents.get(code.module.key, ()))
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
        code = self.codes[work.story.story_id]
        for criterion, care in code.module.care:
            more = min(PERMILLE, care + self.calibration.tests.written_for_gates)
            code.module = code.module.with_care((criterion,), more)

    def decide(self, work: StoryWork) -> tuple[int, ...]:
        """Bring the code's choices up to what is understood. Returns flaws that go away with what is written anew."""
        code = self.codes[work.story.story_id]
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

    def flaw_wanted(self, work: StoryWork, task: TaskWork) -> PlantFlaw | None:
        """The request for a mistake in what was worked on; None while there is no code that could be wrong."""
        code = self.codes[work.story.story_id]
        if not code.module.built:
            return None
        entity = f"{work.story.story_id}/{task.task.task_id}"
        chance = self._draw("defect_places", entity, task.done)
        functions = code.exercise.functions(code.module.built)
        first = chance.below(len(functions))
        return PlantFlaw(
            team=self.ledger.team,
            family=code.module.family,
            number=code.module.number,
            choices=code.module.choices,
            built=code.module.built,
            functions=(*functions[first:], *functions[:first]),
            taken=tuple(flaw.site for flaw in code.module.flaws),
            escapes=False,
            seed=chance.bits % 2**62,
        )

    def plant(self, work: StoryWork, task: TaskWork, planted: FlawPlanted) -> Flaw | None:
        """A mistake was found that fits; it is in the code now. None if there was none."""
        if planted.site is None:
            return None
        code = self.codes[work.story.story_id]
        flaw = Flaw(
            number=self.product.next_flaw(),
            site=planted.site,
            incident_class=planted.incident_class,
            severity=planted.severity,
            criteria=planted.criteria,
            noticed_by=planted.noticed_by,
        )
        code.module = code.module.with_flaw(flaw)
        of_story = [1 + code.ref.criteria.index(one) for one in planted.criteria if one in code.ref.criteria]
        defect = Defect(number=flaw.number, criterion=of_story[0] if of_story else 1, task_id=task.task.task_id)
        work.defects.append(defect)
        return flaw

    def mend(self, work: StoryWork, numbers: Iterable[int]) -> tuple[int, ...]:
        """Repair these mistakes. Returns those that were there."""
        code = self.codes[work.story.story_id]
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
        code = self.codes[work.story.story_id]
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
        code = self.codes[story_id]
        self.product.main, code.branch = commit, ""
        offered, code.offered = code.offered, None
        if story_id in self.copying:  # the module itself is as it was
            self._copied(story_id)
            return
        self.product.module_landed(offered or code.module, commit)
        self.product.owners.setdefault(code.module.key, story_id)
        if code.vendored:
            self.product.vendored, code.vendored, code.is_adapted = code.vendored, 0, False
        if code.announces:
            self.product.announced.append(code.exercise.kata.title)
            code.announces = False

    # -- disturbances --------------------------------------------------------------------------------------------------

    def disturb(self, hit: DisturbanceEffect) -> None:
        """Let a disturbance reach the code of a story; the next commit shows it. To be called once for each."""
        code, chance = self.codes[hit.story_id], self._draw("troubles", f"{hit.disturbance_id}/{hit.story_id}", 0)
        match hit.type:
            case "dependency_breaks" if not code.vendored:
                code.vendored, code.is_adapted = self.product.vendored + 1, False
            case "merge_conflict":
                code.announces = True
            case "flaky_test":
                code.flaky = FLAKY_KINDS[chance.below(len(FLAKY_KINDS))]
            case "junior_misunderstanding":
                self._misread(code, hit.disturbance_id, chance)
            case _:
                return
        code.breaks[hit.disturbance_id] = hit.type

    def _misread(self, code: StoryCode, disturbance_id: str, chance: Draw) -> None:
        """Somebody who did not understand builds an open point as nobody wants it."""
        built = code.module.built
        points = code.exercise.kata.open_points
        places = [
            n for n, point in enumerate(points) if point.criterion in built and point.criterion in code.ref.criteria
        ]
        if places:
            position = places[chance.below(len(places))]
            others = [n for n in range(len(points[position].alternatives)) if n != code.module.choices[position]]
            code.misread[disturbance_id] = position, others[chance.bits % len(others)]

    def settle(self, story_id: str, disturbance_id: str) -> None:
        """Somebody has worked a disturbance off; the next commit shows that, too."""
        code = self.codes.get(story_id)
        kind = None if code is None else code.breaks.pop(disturbance_id, None)
        if code is None or kind is None:
            return
        if kind == "dependency_breaks":
            code.is_adapted = True
        elif kind == "flaky_test":
            code.flaky = None
        elif kind == "junior_misunderstanding":
            code.misread.pop(disturbance_id, None)

    def copy_wanted(self, disturbance_id: str) -> StoryCode | None:
        """The change in which somebody copies a module of main instead of using it; None: there is nothing to copy."""
        keys = sorted(self.product.landed)
        if not keys:
            return None
        key = keys[self._draw("troubles", f"{disturbance_id}/copy", 0).below(len(keys))]
        return self._change(key, f"{disturbance_id}-DEBT", disturbance_id)

    def copy_removal(self, disturbance_id: str) -> StoryCode | None:
        """The change that takes the copy away again; None if it never came to main."""
        if disturbance_id not in self.product.copies:
            return None
        path, _ = self.product.copies[disturbance_id]
        key = next(key for key, code in sorted(self.product.landed.items()) if copy_path(code.exercise) == path)
        return self._change(key, f"{disturbance_id}-REFACTOR", disturbance_id)

    def _change(self, key: ExerciseKey, story_id: str, disturbance_id: str) -> StoryCode:
        landed = self.product.landed[key]
        ref = ExerciseRef(family=key[0], number=key[1], criteria=tuple(landed.exercise.criteria))
        code = self.codes.setdefault(story_id, StoryCode(story_id=story_id, ref=ref, module=landed))
        self.copying[story_id] = disturbance_id
        return code

    def _copied(self, story_id: str) -> None:
        disturbance_id, code = self.copying.pop(story_id), self.codes[story_id]
        if disturbance_id in self.product.copies:
            del self.product.copies[disturbance_id]
        else:
            self.product.copies[disturbance_id] = copy_path(code.exercise), code.module.source()

    # -- incidents ----------------------------------------------------------------------------------------------------

    def breakable(self, disturbance_id: str) -> tuple[ExerciseKey, ...]:
        """Modules on main that nobody has a branch for, in drawn order, as many as are worth trying."""
        worked_on = {code.module.key for code in self.codes.values() if code.branch}
        ours = [key for key, code in sorted(self.product.landed.items()) if code.texts is None]  # mutants fit no other
        left = [key for key in ours if key not in worked_on]
        chosen: list[ExerciseKey] = []
        for n in range(min(MOST_BROKEN, len(left))):
            chosen.append(left.pop(self._draw("incidents", disturbance_id, n).below(len(left))))
        return tuple(chosen)

    def regression_wanted(self, key: ExerciseKey, disturbance_id: str) -> PlantFlaw:
        """The request for a mistake in a module on main that only canaries notice."""
        landed = self.product.landed[key]
        return PlantFlaw(
            team=self.ledger.team,
            family=landed.family,
            number=landed.number,
            choices=landed.choices,
            built=landed.built,
            functions=landed.exercise.functions(landed.built),
            taken=tuple(flaw.site for flaw in landed.flaws),
            escapes=True,
            seed=self._draw("incidents", f"{disturbance_id}/{landed.family}/{landed.number}", 0).bits % 2**62,
        )

    def break_module(self, key: ExerciseKey, story_id: str, planted: FlawPlanted) -> tuple[StoryCode, Flaw]:
        """The module as somebody changes it who should not have."""
        assert planted.site is not None
        landed = self.product.landed[key]
        flaw = Flaw(
            number=self.product.next_flaw(),
            site=planted.site,
            incident_class=planted.incident_class,
            severity=planted.severity,
            criteria=planted.criteria,
            noticed_by=planted.noticed_by,
        )
        ref = ExerciseRef(family=key[0], number=key[1], criteria=tuple(landed.exercise.criteria))
        code = StoryCode(story_id=story_id, ref=ref, module=landed.with_flaw(flaw))
        self.codes[story_id] = code
        return code, flaw

    def begin_branch(self, code: StoryCode, agent: str) -> None:
        """Begin a branch at main, with the module as main has it if it is there already."""
        code.branches += 1
        suffix = "" if code.branches == 1 else f"-{code.branches}"
        code.branch = f"refs/heads/feat/{agent}/{code.story_id}{suffix}"
        code.base, code.head, code.tree = self.product.main, "", ""
        code.listed = self.product.modules(code.exercise.kata.domain)
        on_main = self.product.landed.get(code.module.key)
        if on_main is not None and not code.module.built:
            code.module = on_main
        code.written = {}
        if on_main is not None:
            domain = code.exercise.kata.domain
            code.written = {**on_main.files(), index_path(domain): index_text(domain, code.listed)}

    def forget_branch(self, code: StoryCode) -> None:
        """Nothing came of a branch: whoever has something to commit first begins it, and gives it a name."""
        code.branches -= 1
        code.branch = ""


def exercise_of(story: Story) -> Exercise:
    """The exercise of a story. Raises NoExerciseError."""
    if story.exercise is None:
        raise NoExerciseError(story.story_id)
    return exercise(story.exercise.family, story.exercise.number)
