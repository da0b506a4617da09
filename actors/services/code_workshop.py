"""The workshop where work is executed: it writes what people do into branches, and lets tests say what it is worth.

Effects take virtual time, so a story may be asked for again before the first answer is there (its driver crashed and
another pair sits down): then the second one hears that the workshop is busy with it, and asks again.
"""

from __future__ import annotations

from collections.abc import Collection, Coroutine
from typing import Any, ClassVar, Literal

from actors.scrum.code_messages import (
    AcceptanceMeasured,
    CodeCommitted,
    DefectEscaped,
    FlawFound,
    FlawMade,
    FoundBy,
    TestsRan,
)
from actors.scrum.stories import Story
from actors.services.asking import insist
from actors.services.executed_work import ExecutedWork, StoryCode
from actors.services.failures import BusyError
from actors.services.incident_messages import NOTHING_BREAKS, IncidentStaged, StageIncident
from actors.services.main_measurement import MainMeasurement
from actors.services.merge_messages import (
    BranchOffered,
    Integrated,
    LandChange,
    MainBegun,
    MainMoved,
    MeasureMain,
    OfferBranch,
    WatchMain,
)
from actors.services.model_hands import Bench, ModelHands, Subjects
from actors.services.team_setting import TeamSetting
from actors.services.work_ledger import StoryWork, WorkError
from actors.services.work_messages import (
    AddRework,
    ChecksRun,
    Demonstrate,
    Demonstration,
    Deviation,
    DisturbanceEffect,
    Inspection,
    InspectWork,
    ReviseWork,
    RevisionPlanned,
    RunChecks,
)
from actors.services.workshop import Workshop
from actors.work import effort
from actors.work.messages import (
    Author,
    CodeJudged,
    CommitFiles,
    Committed,
    ExerciseJudged,
    ExerciseTested,
    FileText,
    FlawPlanted,
    JudgeCode,
    MergeTrees,
    RunTests,
    TestsRun,
    TreesMerged,
)
from actors.work.product import Flaw, changes, index_path, index_text
from actors.work.tools.quarter import ModelQuarter
from actors.work.troubles import PRODUCT_TEST_PATH, copy_path, flaky_path

Hands = Literal["behavioural", "model"]
SECOND_US = 1_000_000
COMMIT_US = 200_000  # what git takes of virtual time
TESTS_US = 20 * SECOND_US  # a run of one story's visible tests
JUDGE_US = 60 * SECOND_US  # hidden tests
MOST_REPAIRS = 4  # rounds of repairing what visible tests show in one quarter
PERMILLE = 1000
MOST_REGRESSIONS = 3  # tests that an incident leaves behind
QUEUE_REMARKS = {  # why the merge queue gives a story back, in words for whoever puts that right
    "conflict": "main has changed in the same places; where both are in a file, they stand between conflict marks",
    "red": "merged with main, tests are red",
    "gates": "the quality gates want more coverage, or less complexity",
}
PLATFORM = "platform"  # who makes changes that are nobody's story


class CodeWorkshop(Workshop):
    """Owns the code of one team's stories; git and the sandbox carry out what it asks for."""

    refusals: ClassVar[tuple[type[Exception], ...]] = (WorkError, BusyError)

    def __init__(self, work: ExecutedWork, team: TeamSetting, *, start_s: int, hands: Hands = "behavioural") -> None:
        super().__init__(work, disturber=team.disturber)
        self._executed, self._team, self._start_s, self._hands = work, team, start_s, hands
        self._product = work.product
        self._busy: dict[str, None] = {}  # of this incarnation

    def on_receive(self, message: Any) -> Any:
        """Answer what is asked about the work, or done to it."""
        match message:
            case InspectWork(story_id=story_id):
                return self._alone(story_id, self._inspect(message))
            case ReviseWork(story_id=story_id):
                return self._alone(story_id, self._revise(message))
            case RunChecks(story_id=story_id):
                return self._alone(story_id, self._check(message))
            case Demonstrate(story_id=story_id):
                return self._alone(story_id, self._demonstrate(message))
            case OfferBranch(story_id=story_id):
                return self._alone(story_id, self._offer(message))
            case MainBegun(commit=commit):
                self._product.main = commit
            case MainMoved(story_id=story_id, commit=commit):
                self._executed.landed(story_id, commit)
            case AddRework(story_id=story_id, reason=reason) if reason in QUEUE_REMARKS:
                self._executed.code_of(story_id).returned = reason
                return super().on_receive(message)
            case DisturbanceEffect():
                return self._disturb(message)
            case StageIncident(disturbance_id=disturbance_id):
                return self._alone(disturbance_id, self._stage(message))
            case WatchMain(sprint=sprint):
                return MainMeasurement(self.context, self._executed, self._team).watch(sprint)
            case MeasureMain(sprint=sprint):
                return MainMeasurement(self.context, self._executed, self._team).measure(sprint)
            case _:
                return super().on_receive(message)
        return None

    async def _alone(self, story_id: str, work: Coroutine[Any, Any, Any]) -> Any:
        """One thing at a time for each story. Raises BusyError."""
        if story_id in self._busy:
            work.close()
            raise BusyError(story_id)
        self._busy[story_id] = None
        try:
            return await work
        finally:
            self._busy.pop(story_id, None)

    # -- a quarter of a task ------------------------------------------------------------------------------------------

    async def _inspect(self, message: InspectWork) -> Inspection:
        work = self._executed.ledger.work_on(message.story_id)
        task, code = work.current, self._executed.code_of(message.story_id)
        if task is None:
            return Inspection(suspicious_spots=0, owed_minutes=work.owed_minutes)
        code.session_id, code.worker, agent = message.session_id, self._agent(), self._agent()
        repaired = 0
        if self._hands == "model":
            await self._write_by_model(work, message, agent)
        elif self._executed.is_unseen(work, task):
            gone = self._executed.write_quarter(work, task, message.pair)
            self._found(message.story_id, gone, "rewrite")
            await self._answer_queue(work, message, agent)
            if self._executed.slips(work, task, message.pair, message.care):
                await self._slip(work, agent)
            repaired = await self._write_and_test(work, message, agent)
            self._executed.look(work, task, message.pair)
        return Inspection(
            suspicious_spots=self._executed.suspicious_spots(work, task, message.pair),
            owed_minutes=work.owed_minutes,
            repair_minutes=self._minutes(repaired, work, message),
        )

    async def _answer_queue(self, work: StoryWork, message: InspectWork, agent: str) -> None:
        """Put right what the merge queue gave the story back for."""
        code = self._executed.code_of(message.story_id)
        reason, code.returned = code.returned, ""
        if reason:
            code.remarks = (QUEUE_REMARKS[reason],)
        if reason == "gates":
            self._executed.test_more(work)
        elif reason:
            await self.merge_main(code, agent, f"Take main into {_what(work)}", _trailer(message))

    def _minutes(self, repaired: int, work: StoryWork, message: InspectWork) -> int:
        pace = self._executed.pace(work, message.pair)
        return effort.repair_minutes(self._executed.calibration, defects=repaired, pace=pace)

    async def _slip(self, work: StoryWork, agent: str) -> None:
        """Somebody makes a mistake: one that hidden tests can notice."""
        task = work.current
        assert task is not None
        request = self._executed.flaw_wanted(work, task)
        if request is None:
            return
        planted: FlawPlanted = await self.context.effect(request, duration_us=COMMIT_US)
        flaw = self._executed.plant(work, task, planted)
        if flaw is not None:
            self._publish_flaw(work.story.story_id, flaw, agent)

    async def _write_and_test(self, work: StoryWork, message: InspectWork, agent: str) -> int:
        """Tests first, then code, then repairs until the visible tests are green. Returns how much was repaired."""
        code, trailer = self._executed.code_of(message.story_id), _trailer(message)
        due = (code.module.built, code.module.regressions)
        if code.module.built and due != code.tested:
            if await self._commit(code, agent, f"Test {_what(work)}", trailer, tests_only=True):
                await self._run_tests(code, "red")
            code.tested = due
        if not await self._commit(code, agent, f"{_verb(work)} {_what(work)}", trailer):
            return 0
        repaired = 0
        for _ in range(MOST_REPAIRS):
            run = await self._run_tests(code, "repair" if repaired else "green")
            blamed = self._executed.blamed(code, [one.test for one in run.failing])
            mended = self._executed.mend(work, blamed)
            if not mended:
                break
            repaired += len(mended)
            self._found(work.story.story_id, mended, "tests")
            await self._commit(code, agent, f"Repair {_what(work)}", trailer)
        return repaired

    async def _write_by_model(self, work: StoryWork, message: InspectWork, agent: str) -> None:
        """A model writes the quarter with tools; one that a crash interrupted goes on where it was."""
        task, code = work.current, self._executed.code_of(message.story_id)
        assert task is not None
        if self._executed.is_unseen(work, task):
            code.module = code.module.with_texts({})
            self._executed.write_quarter(work, task, message.pair)
            self._executed.believe_the_obvious(work)
            code.quarter = ModelQuarter(entity=f"{message.story_id}/{task.task.task_id}/{task.done}")
            await self._answer_queue(work, message, agent)
        bench = Bench(self.context, self._finish_pending, self._commit, self._run_tests)
        subjects = Subjects(f"Test {_what(work)}", f"{_verb(work)} {_what(work)}", _trailer(message))
        await ModelHands(bench, self._executed, self._team).write(work, agent, message.pair.driver, subjects)

    async def _revise(self, message: ReviseWork) -> RevisionPlanned:
        work = self._executed.ledger.work_on(message.story_id)
        spotted = work.spotted
        planned = self._executed.revise(message.story_id, message.pair)
        self._found(message.story_id, self._executed.mend(work, spotted), "navigator")
        code = self._executed.code_of(message.story_id)
        await self._commit(code, self._agent(), f"Revise {_what(work)}", "")
        return planned

    # -- quality assurance --------------------------------------------------------------------------------------------

    async def _check(self, message: RunChecks) -> ChecksRun:
        """The tester tries what comes to mind, by what the team believes is wanted."""
        work, code = self._executed.ledger.work_on(message.story_id), self._executed.code_of(message.story_id)
        await self._write_late(work, code)
        share = self._executed.checked_share(message.tester)
        judged = await self._judge(code, code.tree, share=share, choices=code.module.choices)
        if code.module.texts is not None and judged.failed:  # what nobody asked about, a model may have guessed right
            judged = judged.also_in(await self._judge(code, code.tree, share=share, choices=None))
        self._found(message.story_id, self._executed.found_by_checks(work, judged), "qa")
        failing = [1 + code.ref.criteria.index(one) for one in judged.failing_criteria if one in code.ref.criteria]
        findings = [f"criterion {one}: {_first(judged, code.ref.criteria[one - 1])}" for one in failing]
        red = await self._run_tests(code, "checks", run=1)
        again = await self._run_tests(code, "checks", run=2) if red.red else red
        steady = again.red
        flaky = [test for test in red.red if test not in steady]
        findings += [f"{test} is red" for test in sorted(steady)]
        code.remarks = tuple(findings)
        minutes = self._checking_minutes(work, findings=len(failing) + len(steady), reruns=len(flaky))
        await self._make_reliable(work, code)
        return ChecksRun(
            minutes=minutes, failing=len(failing) + len(steady), flaky=len(flaky), findings=tuple(findings)
        )

    def _checking_minutes(self, work: StoryWork, *, findings: int, reruns: int) -> int:
        minutes = effort.review_minutes(
            self._executed.calibration, points=work.story.sized_points, findings=findings, reruns=reruns
        )
        minutes += work.flaky_minutes
        return minutes

    async def _make_reliable(self, work: StoryWork, code: StoryCode) -> None:
        """A test that is known to be unreliable is put right before anybody merges it."""
        disturbance_id, work.flaky_from = work.flaky_from, ""
        minutes, work.flaky_minutes = work.flaky_minutes, 0
        if disturbance_id:
            self._worked_off(disturbance_id, code.story_id, code.worker, minutes)
            await self._commit(code, code.worker, f"Make the tests of {_what(work)} reliable", "")

    async def _write_late(self, work: StoryWork, code: StoryCode) -> None:
        """What was answered after the last quarter is put right before anybody tests it."""
        gone = self._executed.decide(work)
        self._found(code.story_id, gone, "rewrite")
        await self._commit(code, self._agent(), f"Put right {_what(work)}", "")
        await self._commit(code, code.worker, f"Leave as it is: {_what(work)}", "", always=True)

    async def _demonstrate(self, message: Demonstrate) -> Demonstration:
        """Hidden tests on main say what was wanted and is not there."""
        work, code = self._executed.ledger.work_on(message.story_id), self._executed.code_of(message.story_id)
        main = self._product.main
        judged = await self._judge(code, main, share=PERMILLE, choices=None)
        self._executed.demonstrated(code, judged)
        self._publish_acceptance(code, judged, main)
        self._found(code.story_id, code.module.flaws_of(judged.failing_criteria), "review")
        shown: list[Deviation] = []
        for criterion, own in enumerate(code.ref.criteria, start=1):
            if own not in judged.failing_criteria:
                continue
            wishes = [
                point
                for point in work.story.clarifications
                if (point.criterion, point.topic) in work.wrong and point.criterion == criterion
            ]
            shown += [
                Deviation(criterion=criterion, text=f"{one.topic}: built as “{one.assumption}”, wanted “{one.answer}”")
                for one in wishes
            ] or [Deviation(criterion=criterion, text=_first(judged, own))]
        code.remarks = tuple(f"criterion {one.criterion}: {one.text}" for one in shown)
        return Demonstration(deviations=tuple(shown))

    def _publish_acceptance(self, code: StoryCode, judged: ExerciseJudged, main: str) -> None:
        failed = [sum(1 for one in judged.failed if one.case_id.startswith(f"c{own}/")) for own in code.ref.criteria]
        self.context.publish(
            AcceptanceMeasured(
                team=self._team.team,
                sprint=self._sprint,
                story_id=code.story_id,
                commit=main,
                cases=tuple(judged.cases[own - 1] for own in code.ref.criteria),
                failed=tuple(failed),
            )
        )

    async def _judge(
        self, code: StoryCode, tree: str, *, share: int, choices: tuple[int, ...] | None, which: str = "acceptance"
    ) -> ExerciseJudged:
        asked = ExerciseTested(
            family=code.module.family, number=code.module.number, choices=choices, share_permille=share
        )
        request = JudgeCode(team=self._team.team, tree=tree, which=which, exercises=(asked,))
        judged: CodeJudged = await self.context.effect(request, duration_us=JUDGE_US)
        return judged.exercises[0]

    # -- disturbances --------------------------------------------------------------------------------------------------

    def _disturb(self, hit: DisturbanceEffect) -> Any:
        """What a disturbance costs follows the model; what it does to code is real."""
        is_new = (hit.disturbance_id, hit.story_id) not in self._executed.ledger.struck
        applied = super().on_receive(hit)
        if is_new:
            self._executed.disturb(hit)
            if hit.type == "architectural_debt_surfaces":
                self.context.spawn(self._land_copy(self._executed.copy_wanted(hit.disturbance_id), is_there=True))
        return applied

    def _worked_off(self, disturbance_id: str, story_id: str, by: str, minutes: int) -> None:
        super()._worked_off(disturbance_id, story_id, by, minutes)
        self._executed.settle(story_id, disturbance_id)
        removal = self._executed.copy_removal(disturbance_id)
        if removal is not None:
            self.context.spawn(self._land_copy(removal, is_there=False))

    async def _land_copy(self, code: StoryCode | None, *, is_there: bool) -> None:
        """Bring a copied module to main, or take it away from there."""
        if code is None:
            return
        copied = {copy_path(code.exercise): code.module.source()}
        before, after = ({}, copied) if is_there else (copied, {})
        if not code.branch:
            self._executed.begin_branch(code, PLATFORM)
            code.written = before
            subject = "Copy what could have been used" if is_there else "Use what was copied"
            changed, main = changes(before, after), self._product.main
            body = f"{subject}\n\nStory: {code.story_id}\n"
            await self._ask_for(code, after, main, (main,), changed, body, PLATFORM)
        await insist(self.context, self._team.merge_queue, LandChange(story_id=code.story_id))

    # -- incidents ----------------------------------------------------------------------------------------------------

    async def _stage(self, order: StageIncident) -> IncidentStaged:
        """Break something on main that visible tests do not notice, and see a canary find it."""
        code = await self._break_something(order)
        if code is None:
            return NOTHING_BREAKS
        landed: Integrated = await insist(self.context, self._team.merge_queue, LandChange(story_id=code.story_id))
        if landed.reason:
            self._was_prevented(code)
            return NOTHING_BREAKS
        judged = await self._judge(code, self._product.main, share=PERMILLE, choices=None, which="canary")
        self._found(code.story_id, (code.module.flaws[-1].number,), "canary")
        self._executed.incidents[code.module.key] = tuple(one.case_id for one in judged.failed[:MOST_REGRESSIONS])
        broken = [one for one in judged.failing_criteria if one in code.module.flaws[-1].criteria]
        if not broken:
            return NOTHING_BREAKS
        self._publish_escape(code, broken[0], judged)
        kata = code.exercise.kata
        return IncidentStaged(
            family=code.module.family,
            number=code.module.number,
            criterion=broken[0],
            story_id=code.story_id,
            module=kata.domain,
            specialization=kata.specialization,
        )

    def _was_prevented(self, code: StoryCode) -> None:
        """Tests of an earlier incident have kept a change from main; nobody goes on with it."""
        if code.branch:
            code.branch = ""
            self._found(code.story_id, (code.module.flaws[-1].number,), "tests")

    def _publish_escape(self, code: StoryCode, criterion: int, judged: ExerciseJudged) -> None:
        key, flaw = code.module.key, code.module.flaws[-1]
        self._executed.escaped[key, criterion] = self._sprint
        self.context.publish(
            DefectEscaped(
                team=self._team.team,
                sprint=self._sprint,
                story_id=code.story_id,
                criterion=criterion,
                cases=sum(1 for one in judged.failed if one.case_id.startswith(f"c{criterion}/")),
                culprit=self._product.culprit(key, criterion),
                incident_class=flaw.incident_class,
                severity=flaw.severity,
            )
        )

    async def _break_something(self, order: StageIncident) -> StoryCode | None:
        """Commit a regression in something that is on main and that nobody works on."""
        work, story_id = self._executed, f"{order.disturbance_id}-CHANGE"
        if story_id in work.codes:
            return work.codes[story_id]
        for key in work.breakable(order.disturbance_id):
            request = work.regression_wanted(key, order.disturbance_id)
            planted: FlawPlanted = await self.context.effect(request, duration_us=COMMIT_US)
            if planted.site is None:
                continue
            code, flaw = work.break_module(key, story_id, planted)
            self._publish_flaw(story_id, flaw, PLATFORM)
            await self._commit(code, PLATFORM, "Change what nobody asked to change", "")
            return code
        return None

    # -- branches -----------------------------------------------------------------------------------------------------

    async def _offer(self, message: OfferBranch) -> BranchOffered:
        """The branch as it is now goes into the merge queue."""
        code = self._executed.codes[message.story_id]
        await self._finish_pending(code)
        code.offered = code.module
        return BranchOffered(
            story_id=code.story_id,
            branch=code.branch,
            head=code.head,
            title=code.exercise.kata.title,
            sources=(code.exercise.path,),
        )

    async def _commit(
        self,
        code: StoryCode,
        agent: str,
        subject: str,
        trailer: str,
        *,
        tests_only: bool = False,
        always: bool = False,
        edited: Collection[str] = (),
    ) -> bool:
        """Make the branch have the files of the story. Returns whether there was anything to commit.

        `always`: a branch without any commit gets one, so that there is something to test and to merge. `edited`: files
        that somebody changed who saw the branch itself; it may have them otherwise than was written here.
        """
        await self._finish_pending(code)
        begins = not code.branch
        if begins:  # before anything is written: it is written on top of what main has
            self._executed.begin_branch(code, agent)
        files = code.files_before_code(self._product) if tests_only else code.files(self._product)
        changed = changes({path: text for path, text in code.written.items() if path not in edited}, files)
        if not changed and not (always and not code.head):
            if begins:
                self._executed.forget_branch(code)
            return False
        parent = code.head or code.base
        body = f"{subject}\n\n{trailer}Story: {code.story_id}\n"
        await self._ask_for(code, files, parent, (parent,), changed, body, agent)
        return True

    async def _ask_for(
        self,
        code: StoryCode,
        files: dict[str, str],
        base: str,
        parents: tuple[str, ...],
        changed: tuple[FileText, ...],
        message: str,
        agent: str,
    ) -> None:
        code.pending = CommitFiles(
            team=self._team.team,
            ref=code.branch,
            expected=code.head,
            parents=parents,
            base=base,
            changes=changed,
            message=message,
            author=self._author(agent),
        )
        code.written = dict(files)
        await self._finish_pending(code)

    async def _finish_pending(self, code: StoryCode) -> None:
        """Ask for the commit that is due; a workshop that was restarted asks for the same one again."""
        request = code.pending
        if request is None:
            return
        made: Committed = await self.context.effect(request, duration_us=COMMIT_US)
        code.pending, code.head, code.tree = None, made.commit, made.tree
        self.context.publish(
            CodeCommitted(
                team=self._team.team,
                sprint=self._sprint,
                story_id=code.story_id,
                session_id=code.session_id,
                author=request.author.name,
                branch=request.ref.removeprefix("refs/heads/"),
                commit=made.commit,
                tree=made.tree,
                files=tuple(one.path for one in request.changes),
            )
        )

    async def _run_tests(self, code: StoryCode, phase: Any, *, run: int = 0) -> TestsRun:
        """Run the story's visible tests; hour, hash seed and order of tests are drawn where a test depends on them."""
        own = (code.exercise.test_path, *code.module.more_tests, flaky_path(code.exercise), PRODUCT_TEST_PATH)
        draws = [self.context.draw("test_circumstances", f"{code.story_id}/{code.tree}/{run}", n) for n in range(3)]
        request = RunTests(
            team=self._team.team,
            tree=code.tree,
            tests=tuple(path for path in own if path in code.written),
            cover=(),
            hash_seed=1 + draws[0].below(1000) if code.flaky == "hash" else 0,
            clock_s=self._start_s + draws[1].below(86_400) if code.flaky == "clock" else 0,
            order_seed=1 + draws[2].below(1000) if code.flaky == "order" else 0,
        )
        made: TestsRun = await self.context.effect(request, duration_us=TESTS_US)
        self.context.publish(
            TestsRan(
                team=self._team.team,
                sprint=self._sprint,
                story_id=code.story_id,
                session_id=code.session_id,
                phase=phase,
                tree=code.tree,
                count=made.count,
                failing=made.red,
                ended=made.ended,
            )
        )
        return made

    async def merge_main(self, code: StoryCode, agent: str, subject: str, trailer: str) -> None:
        """Take main into the branch; the list of modules, where two branches meet, is written anew."""
        await self._finish_pending(code)
        main, domain = self._product.main, code.exercise.kata.domain
        merged: TreesMerged = await self.context.effect(
            MergeTrees(team=self._team.team, ours=code.head, theirs=main), duration_us=COMMIT_US
        )
        code.listed = self._product.modules(domain)
        files = code.files(self._product)
        index = index_text(domain, {*code.listed, code.exercise.name})
        written = dict(code.module.texts or ())  # conflicts in these stay marked: who wrote them puts them right
        rendered = [path for path in merged.conflicts if path not in written]
        resolved = tuple(FileText(path=path, content=files.get(path, index)) for path in rendered)
        if index_path(domain) not in merged.conflicts:
            resolved += (FileText(path=index_path(domain), content=index),)
        parents = (code.head, main)
        code.base = main
        await self._ask_for(code, files, merged.tree, parents, resolved, f"{subject}\n\n{trailer}", agent)

    # -- details ------------------------------------------------------------------------------------------------------

    @property
    def _sprint(self) -> int:
        return self._team.calendar.sprint_of(self.context.now_us)

    def _agent(self) -> str:
        return self.context.sender.removeprefix("agent/")

    def _author(self, agent: str) -> Author:
        at_s = self._start_s + self.context.now_us // SECOND_US
        return Author(name=agent, email=f"{agent}@{self._team.team}.example", at_s=at_s)

    def _publish_flaw(self, story_id: str, flaw: Flaw, agent: str) -> None:
        self.context.publish(
            FlawMade(
                team=self._team.team,
                sprint=self._sprint,
                story_id=story_id,
                number=flaw.number,
                author=agent,
                function=flaw.site.function,
                operator=flaw.site.operator,
                incident_class=flaw.incident_class,
                severity=flaw.severity,
                criteria=flaw.criteria,
                noticed_by="acceptance" if flaw.noticed_by == "acceptance" else "canary",
            )
        )

    def _found(self, story_id: str, numbers: tuple[int, ...], by: FoundBy) -> None:
        for number in numbers:
            found = FlawFound(team=self._team.team, sprint=self._sprint, story_id=story_id, number=number, by=by)
            self.context.publish(found)


def _trailer(message: InspectWork) -> str:
    paired = f"Paired-with: {message.navigator}\n" if message.navigator else ""
    return f"{paired}Session: {message.session_id}\nDecision: {message.decision}\n"


def _what(work: StoryWork) -> str:
    story: Story = work.story
    return story.title[:1].lower() + story.title[1:]


def _verb(work: StoryWork) -> str:
    task = work.current
    return "Work on" if task is None or not task.repairs else "Repair"


def _first(judged: ExerciseJudged, criterion: int) -> str:
    """The first hidden test that shows it, in words."""
    for one in judged.failed:
        if one.case_id.startswith(f"c{criterion}/"):
            return f"{one.case_id}: {one.outcome}" + (f" ({one.detail})" if one.detail else "")
    return "it does not do what the criterion says"
