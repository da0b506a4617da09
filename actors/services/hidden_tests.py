"""Hidden tests of a story on a tree: what somebody who knows what is wanted, or only what is believed, would see."""

from __future__ import annotations

from typing import Literal

from actors.services.story_code import StoryCode
from actors.services.team_setting import TeamSetting
from actors.work.messages import CodeJudged, ExerciseJudged, ExerciseTested, JudgeCode
from brokers.node.context import Context

JUDGE_US = 60_000_000  # of virtual time
ALL = 1000  # thousandths of the tests that there are


class HiddenTests:
    """Has hidden tests of a story run in the sandbox."""

    def __init__(self, context: Context, team: TeamSetting) -> None:
        self._context, self._team = context, team.team

    async def judge(
        self,
        code: StoryCode,
        tree: str,
        *,
        share: int = ALL,
        choices: tuple[int, ...] | None = None,
        which: Literal["acceptance", "canary"] = "acceptance",
    ) -> ExerciseJudged:
        """Run this share (thousandths) of the tests, with the expectations of `choices`; None: of what is wanted."""
        asked = ExerciseTested(
            family=code.module.family, number=code.module.number, choices=choices, share_permille=share
        )
        request = JudgeCode(team=self._team, tree=tree, which=which, exercises=(asked,))
        judged: CodeJudged = await self._context.effect(request, duration_us=JUDGE_US)
        return judged.exercises[0]


def first_failure(judged: ExerciseJudged, criterion: int) -> str:
    """The first hidden test that shows it, in words."""
    for one in judged.failed:
        if one.case_id.startswith(f"c{criterion}/"):
            return f"{one.case_id}: {one.outcome}" + (f" ({one.detail})" if one.detail else "")
    return "it does not do what the criterion says"
