"""Changes of main that are nobody's story: regressions that only canaries notice, and copies of modules."""

from __future__ import annotations

from actors.services.asking import insist
from actors.services.branch_desk import COMMIT_US, BranchDesk
from actors.services.code_news import CodeNews
from actors.services.executed_work import ExecutedWork
from actors.services.hidden_tests import HiddenTests
from actors.services.incident_messages import NOTHING_BREAKS, IncidentStaged
from actors.services.merge_messages import Integrated, LandChange
from actors.services.story_code import StoryCode
from actors.services.team_setting import TeamSetting
from actors.work.messages import ExerciseJudged, FlawPlanted
from brokers.node.context import Context

MOST_REGRESSIONS = 3  # tests that an incident leaves behind
PLATFORM = "platform"  # who makes these changes


class TroubleStaging:
    """Brings troubles to main, through the merge queue as everything. Whatever it has begun it can go on with."""

    def __init__(
        self,
        context: Context,
        desk: BranchDesk,
        hidden: HiddenTests,
        news: CodeNews,
        work: ExecutedWork,
        team: TeamSetting,
    ) -> None:
        self._context, self._desk, self._hidden, self._news = context, desk, hidden, news
        self._work, self._merge_queue = work, team.merge_queue

    async def stage_incident(self, disturbance_id: str) -> IncidentStaged:
        """Break something on main that visible tests do not notice, and see a canary find it."""
        code = await self._break_something(disturbance_id)
        if code is None:
            return NOTHING_BREAKS
        landed: Integrated = await insist(self._context, self._merge_queue, LandChange(story_id=code.story_id))
        if landed.reason:
            self._was_prevented(code)
            return NOTHING_BREAKS
        judged = await self._hidden.judge(code, self._work.product.main, which="canary")
        self._news.flaws_found(code.story_id, (code.module.flaws[-1].number,), "canary")
        self._work.troubles.noticed(code.module.key, tuple(one.case_id for one in judged.failed[:MOST_REGRESSIONS]))
        broken = [one for one in judged.failing_criteria if one in code.module.flaws[-1].criteria]
        if not broken:
            return NOTHING_BREAKS
        self._tell_of_escape(code, broken[0], judged)
        kata = code.exercise.kata
        return IncidentStaged(
            family=code.module.family,
            number=code.module.number,
            criterion=broken[0],
            story_id=code.story_id,
            module=kata.domain,
            specialization=kata.specialization,
        )

    async def land_copy(self, code: StoryCode, *, is_there: bool) -> None:
        """Bring a copied module to main, or take it away from there."""
        if not code.branch:
            subject = "Copy what could have been used" if is_there else "Use what was copied"
            await self._desk.commit_copy(code, PLATFORM, subject, is_there=is_there)
        await insist(self._context, self._merge_queue, LandChange(story_id=code.story_id))

    async def _break_something(self, disturbance_id: str) -> StoryCode | None:
        """Commit a regression in something that is on main and that nobody works on."""
        branches, troubles, story_id = self._work.branches, self._work.troubles, f"{disturbance_id}-CHANGE"
        if branches.has(story_id):
            return branches.of(story_id)
        for key in troubles.breakable(disturbance_id):
            request = troubles.regression_wanted(key, disturbance_id)
            planted: FlawPlanted = await self._context.effect(request, duration_us=COMMIT_US)
            if planted.site is None:
                continue
            code, flaw = troubles.break_module(key, story_id, planted)
            self._news.flaw_made(story_id, flaw, PLATFORM)
            await self._desk.commit(code, PLATFORM, "Change what nobody asked to change", "")
            return code
        return None

    def _was_prevented(self, code: StoryCode) -> None:
        """Tests of an earlier incident have kept a change from main; nobody goes on with it."""
        if code.branch:
            code.branch = ""
            self._news.flaws_found(code.story_id, (code.module.flaws[-1].number,), "tests")

    def _tell_of_escape(self, code: StoryCode, criterion: int, judged: ExerciseJudged) -> None:
        key = code.module.key
        self._work.escaped[key, criterion] = self._news.sprint
        self._news.defect_escaped(code, criterion, judged, self._work.product.culprit(key, criterion))
