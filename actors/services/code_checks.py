"""Looking at what a story has become: the tester's checks on its branch, and the demonstration of what is on main."""

from __future__ import annotations

from collections.abc import Callable

from actors.services.branch_desk import BranchDesk
from actors.services.code_news import CodeNews
from actors.services.commit_texts import what
from actors.services.executed_work import ExecutedWork
from actors.services.hidden_tests import HiddenTests, first_failure
from actors.services.story_code import StoryCode
from actors.services.work_ledger import StoryWork
from actors.services.work_messages import ChecksRun, Demonstration, Deviation
from actors.work import effort
from actors.work.effort import Worker
from actors.work.messages import ExerciseJudged

WorkedOff = Callable[[str, str, str, int], None]  # disturbance, story, by whom, minutes


class CodeChecks:
    """Lets hidden tests say what people would see. Its state is the story's code."""

    def __init__(
        self, desk: BranchDesk, hidden: HiddenTests, news: CodeNews, work: ExecutedWork, worked_off: WorkedOff
    ) -> None:
        self._desk, self._hidden, self._news, self._work, self._worked_off = desk, hidden, news, work, worked_off

    async def check(self, story_id: str, tester: Worker, agent: str) -> ChecksRun:
        """The tester tries what comes to mind, by what the team believes is wanted."""
        work, code = self._work.ledger.work_on(story_id), self._work.code_of(story_id)
        await self._write_late(work, code, agent)
        share = self._work.checked_share(tester)
        judged = await self._hidden.judge(code, code.tree, share=share, choices=code.module.choices)
        if code.module.texts is not None and judged.failed:  # what nobody asked about, a model may have guessed right
            judged = judged.also_in(await self._hidden.judge(code, code.tree, share=share))
        self._news.flaws_found(story_id, self._work.found_by_checks(work, judged), "qa")
        failing = [1 + code.ref.criteria.index(one) for one in judged.failing_criteria if one in code.ref.criteria]
        findings = [f"criterion {one}: {first_failure(judged, code.ref.criteria[one - 1])}" for one in failing]
        red = await self._desk.run_tests(code, "checks", run=1)
        again = await self._desk.run_tests(code, "checks", run=2) if red.red else red
        steady = again.red
        flaky = [test for test in red.red if test not in steady]
        findings += [f"{test} is red" for test in sorted(steady)]
        code.remarks = tuple(findings)
        minutes = self._checking_minutes(work, findings=len(failing) + len(steady), reruns=len(flaky))
        await self._make_reliable(work, code)
        return ChecksRun(
            minutes=minutes, failing=len(failing) + len(steady), flaky=len(flaky), findings=tuple(findings)
        )

    async def demonstrate(self, story_id: str) -> Demonstration:
        """Hidden tests on main say what was wanted and is not there."""
        work, code = self._work.ledger.work_on(story_id), self._work.code_of(story_id)
        main = self._work.product.main
        judged = await self._hidden.judge(code, main)
        self._work.demonstrated(code, judged)
        self._news.acceptance_measured(code, judged, main)
        self._news.flaws_found(code.story_id, code.module.flaws_of(judged.failing_criteria), "review")
        shown = _deviations(work, code, judged)
        code.remarks = tuple(f"criterion {one.criterion}: {one.text}" for one in shown)
        return Demonstration(deviations=tuple(shown))

    def _checking_minutes(self, work: StoryWork, *, findings: int, reruns: int) -> int:
        points = work.story.sized_points
        minutes = effort.review_minutes(self._work.calibration, points=points, findings=findings, reruns=reruns)
        return minutes + work.flaky_minutes

    async def _make_reliable(self, work: StoryWork, code: StoryCode) -> None:
        """A test that is known to be unreliable is put right before anybody merges it."""
        disturbance_id, work.flaky_from = work.flaky_from, ""
        minutes, work.flaky_minutes = work.flaky_minutes, 0
        if disturbance_id:
            self._worked_off(disturbance_id, code.story_id, code.worker, minutes)
            await self._desk.commit(code, code.worker, f"Make the tests of {what(work)} reliable", "")

    async def _write_late(self, work: StoryWork, code: StoryCode, agent: str) -> None:
        """What was answered after the last quarter is put right before anybody tests it."""
        gone = self._work.decide(work)
        self._news.flaws_found(code.story_id, gone, "rewrite")
        await self._desk.commit(code, agent, f"Put right {what(work)}", "")
        await self._desk.commit(code, code.worker, f"Leave as it is: {what(work)}", "", always=True)


def _deviations(work: StoryWork, code: StoryCode, judged: ExerciseJudged) -> list[Deviation]:
    """What the review shows, criterion by criterion: wishes that nobody asked about, or what else does not work."""
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
        ] or [Deviation(criterion=criterion, text=first_failure(judged, own))]
    return shown
