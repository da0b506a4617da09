"""A quarter of a task where code is written: tests, code, slips and repairs, by behavioural hands or by a model's."""

from __future__ import annotations

from actors.services.branch_desk import COMMIT_US, BranchDesk
from actors.services.code_news import CodeNews
from actors.services.commit_texts import trailer, what, work_subject
from actors.services.executed_work import ExecutedWork
from actors.services.model_hands import ModelHands, Subjects
from actors.services.work_ledger import StoryWork, TaskWork
from actors.services.work_messages import Inspection, InspectWork, ReviseWork, RevisionPlanned
from actors.work import effort
from actors.work.effort import Pair
from actors.work.messages import FlawPlanted
from actors.work.tools.quarter import ModelQuarter
from brokers.node.context import Context

MOST_REPAIRS = 4  # rounds of repairing what visible tests show in one quarter
QUEUE_REMARKS = {  # why the merge queue gives a story back, in words for whoever puts that right
    "conflict": "main has changed in the same places; where both are in a file, they stand between conflict marks",
    "red": "merged with main, tests are red",
    "gates": "the quality gates want more coverage, or less complexity",
}


class QuarterWriting:
    """Writes what a pair does in a quarter into the story's branch. Its state is the story's code."""

    def __init__(
        self,
        context: Context,
        desk: BranchDesk,
        news: CodeNews,
        work: ExecutedWork,
        model: ModelHands | None,
    ) -> None:
        """`model`: its hands write instead of behavioural ones."""
        self._context, self._desk, self._news, self._work, self._model = context, desk, news, work, model

    async def inspect(self, message: InspectWork, agent: str) -> Inspection:
        """The quarter's work is written now, if it was not yet; what does the navigator see of what is wrong in it?"""
        work = self._work.ledger.work_on(message.story_id)
        task, code = work.current, self._work.code_of(message.story_id)
        if task is None:
            return Inspection(suspicious_spots=0, owed_minutes=work.owed_minutes)
        code.session_id, code.worker = message.session_id, agent
        repaired = 0
        if self._model is not None:
            await self._write_by_model(self._model, work, task, message, agent)
        elif self._work.is_unseen(work, task):
            repaired = await self._write(work, task, message, agent)
        pace = self._work.pace(work, message.pair)
        return Inspection(
            suspicious_spots=self._work.suspicious_spots(work, task, message.pair),
            owed_minutes=work.owed_minutes,
            repair_minutes=effort.repair_minutes(self._work.calibration, defects=repaired, pace=pace),
        )

    async def revise(self, message: ReviseWork, agent: str) -> RevisionPlanned:
        """What the navigator pointed at is put right."""
        work = self._work.ledger.work_on(message.story_id)
        spotted = work.spotted
        planned = self._work.revise(message.story_id, message.pair)
        self._news.flaws_found(message.story_id, self._work.mend(work, spotted), "navigator")
        await self._desk.commit(self._work.code_of(message.story_id), agent, f"Revise {what(work)}", "")
        return planned

    # -- behavioural hands --------------------------------------------------------------------------------------------

    async def _write(self, work: StoryWork, task: TaskWork, message: InspectWork, agent: str) -> int:
        """Returns how much was repaired on the way."""
        gone = self._work.write_quarter(work, task, message.pair)
        self._news.flaws_found(message.story_id, gone, "rewrite")
        await self._answer_queue(work, message, agent)
        if self._work.slips(work, task, message.pair, message.care):
            await self._slip(work, message.pair, agent)
        repaired = await self._write_and_test(work, message, agent)
        self._work.look(work, task, message.pair)
        return repaired

    async def _slip(self, work: StoryWork, pair: Pair, agent: str) -> None:
        """Somebody makes a mistake that hidden tests can notice; a subtle one is noticed by canaries only.

        Where a subtle one is wanted and none fits, it is an ordinary one.
        """
        task = work.current
        assert task is not None
        for escapes in (True, False) if self._work.is_subtle(work, task, pair) else (False,):
            request = self._work.flaw_wanted(work, task, escapes=escapes)
            if request is None:
                return
            planted: FlawPlanted = await self._context.effect(request, duration_us=COMMIT_US)
            flaw = self._work.plant(work, task, planted)
            if flaw is not None:
                self._news.flaw_made(work.story.story_id, flaw, agent)
                return

    async def _write_and_test(self, work: StoryWork, message: InspectWork, agent: str) -> int:
        """Tests first, then code, then repairs until the visible tests are green. Returns how much was repaired."""
        code, about = self._work.code_of(message.story_id), trailer(message)
        due = (code.module.built, code.module.regressions)
        if code.module.built and due != code.tested:
            if await self._desk.commit(code, agent, f"Test {what(work)}", about, tests_only=True):
                await self._desk.run_tests(code, "red")
            code.tested = due
        if not await self._desk.commit(code, agent, work_subject(work), about):
            return 0
        repaired = 0
        for _ in range(MOST_REPAIRS):
            run = await self._desk.run_tests(code, "repair" if repaired else "green")
            blamed = self._work.blamed(code, [one.test for one in run.failing])
            mended = self._work.mend(work, blamed)
            if not mended:
                break
            repaired += len(mended)
            self._news.flaws_found(work.story.story_id, mended, "tests")
            await self._desk.commit(code, agent, f"Repair {what(work)}", about)
        return repaired

    # -- a model's hands ----------------------------------------------------------------------------------------------

    async def _write_by_model(
        self, model: ModelHands, work: StoryWork, task: TaskWork, message: InspectWork, agent: str
    ) -> None:
        """A model writes the quarter with tools; one that a crash interrupted goes on where it was."""
        code = self._work.code_of(message.story_id)
        if self._work.is_unseen(work, task):
            code.module = code.module.with_texts({})
            self._work.write_quarter(work, task, message.pair)
            self._work.believe_the_obvious(work)
            code.quarter = ModelQuarter(entity=f"{message.story_id}/{task.task.task_id}/{task.done}")
            await self._answer_queue(work, message, agent)
        subjects = Subjects(f"Test {what(work)}", work_subject(work), trailer(message))
        await model.write(work, agent, message.pair.driver, subjects)

    # -- both ---------------------------------------------------------------------------------------------------------

    async def _answer_queue(self, work: StoryWork, message: InspectWork, agent: str) -> None:
        """Put right what the merge queue gave the story back for."""
        code = self._work.code_of(message.story_id)
        reason, code.returned = code.returned, ""
        if reason:
            code.remarks = (QUEUE_REMARKS[reason],)
        if reason == "gates":
            self._work.test_more(work)
        elif reason:
            await self._desk.merge_main(code, agent, f"Take main into {what(work)}", trailer(message))
