"""What the run's log hears about the code of a team: commits, test runs, mistakes made and found, what was accepted."""

from __future__ import annotations

from typing import Literal

from actors.scrum.code_messages import (
    AcceptanceMeasured,
    CodeCommitted,
    DefectEscaped,
    FlawFound,
    FlawMade,
    FoundBy,
    TestsRan,
)
from actors.services.story_code import StoryCode
from actors.services.team_setting import TeamSetting
from actors.work.messages import CommitFiles, Committed, ExerciseJudged, TestsRun
from actors.work.product import Flaw
from brokers.node.context import Context

Phase = Literal["red", "green", "repair", "checks"]


class CodeNews:
    """Publishes what has happened to code, with team and sprint."""

    def __init__(self, context: Context, team: TeamSetting) -> None:
        self._context, self._team, self._calendar = context, team.team, team.calendar

    @property
    def sprint(self) -> int:
        """The sprint that it is now."""
        return self._calendar.sprint_of(self._context.now_us)

    def committed(self, code: StoryCode, request: CommitFiles, made: Committed) -> None:
        """A branch has another commit."""
        self._context.publish(
            CodeCommitted(
                team=self._team,
                sprint=self.sprint,
                story_id=code.story_id,
                session_id=code.session_id,
                author=request.author.name,
                branch=request.ref.removeprefix("refs/heads/"),
                commit=made.commit,
                tree=made.tree,
                files=tuple(one.path for one in request.changes),
            )
        )

    def tests_ran(self, code: StoryCode, phase: Phase, made: TestsRun) -> None:
        """Visible tests of a story ran on its branch."""
        self._context.publish(
            TestsRan(
                team=self._team,
                sprint=self.sprint,
                story_id=code.story_id,
                session_id=code.session_id,
                phase=phase,
                tree=code.tree,
                count=made.count,
                failing=made.red,
                ended=made.ended,
            )
        )

    def flaw_made(self, story_id: str, flaw: Flaw, agent: str) -> None:
        """Somebody has made a mistake."""
        self._context.publish(
            FlawMade(
                team=self._team,
                sprint=self.sprint,
                story_id=story_id,
                number=flaw.number,
                author=agent,
                function=flaw.site.function,
                operator=flaw.site.operator,
                incident_class=flaw.incident_class,
                severity=flaw.severity,
                criteria=flaw.criteria,
                noticed_by="acceptance" if flaw.noticed_by == "acceptance" else "canary",
                fix_lines=flaw.fix_lines,
            )
        )

    def flaws_found(self, story_id: str, numbers: tuple[int, ...], by: FoundBy) -> None:
        """Mistakes showed, or went away."""
        for number in numbers:
            found = FlawFound(team=self._team, sprint=self.sprint, story_id=story_id, number=number, by=by)
            self._context.publish(found)

    def acceptance_measured(self, code: StoryCode, judged: ExerciseJudged, commit: str) -> None:
        """Hidden tests of a story ran on main."""
        failed = [sum(1 for one in judged.failed if one.case_id.startswith(f"c{own}/")) for own in code.ref.criteria]
        self._context.publish(
            AcceptanceMeasured(
                team=self._team,
                sprint=self.sprint,
                story_id=code.story_id,
                commit=commit,
                cases=tuple(judged.cases[own - 1] for own in code.ref.criteria),
                failed=tuple(failed),
            )
        )

    def defect_escaped(self, code: StoryCode, criterion: int, judged: ExerciseJudged, culprit: str) -> None:
        """Canaries ran into the last mistake that was made in a module."""
        flaw = code.module.flaws[-1]
        self._context.publish(
            DefectEscaped(
                team=self._team,
                sprint=self.sprint,
                story_id=code.story_id,
                criterion=criterion,
                cases=sum(1 for one in judged.failed if one.case_id.startswith(f"c{criterion}/")),
                culprit=culprit,
                incident_class=flaw.incident_class,
                severity=flaw.severity,
            )
        )
