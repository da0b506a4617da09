"""The state of main at the end of a sprint: visible tests, coverage, complexity, and canaries for what was accepted."""

from __future__ import annotations

from typing import Any

from actors.scrum.code_messages import CodeMeasured, DefectEscaped, FlawFound
from actors.services.executed_work import ExecutedWork
from actors.services.incident_messages import DefectReported
from actors.services.team_setting import TeamSetting
from actors.work.messages import CodeJudged, ExerciseTested, JudgeCode, RunTests, TestsRun
from actors.work.product import ModuleCode

MEASURE_US = 300_000_000  # of virtual time, at night


class MainMeasurement:
    """Measures and publishes; changes nothing but the book of what has escaped."""

    def __init__(self, context: Any, work: ExecutedWork, team: TeamSetting) -> None:
        self._context, self._work = context, work
        self._team, self._product_owner = team.team, team.product_owner

    async def measure(self, sprint: int) -> None:
        """Publish CodeMeasured, and DefectEscaped for everything that is found now for the first time."""
        product = self._work.product
        codes = [product.landed[key] for key in sorted(product.landed)]
        commit = product.main
        if not commit:
            return
        run: TestsRun = await self._context.effect(
            RunTests(
                team=self._team,
                tree=commit,
                tests=(),
                cover=tuple(code.exercise.path for code in codes),
                hash_seed=0,
                clock_s=0,
                order_seed=0,
            ),
            duration_us=MEASURE_US,
        )
        canaries, failing = await self._run_canaries(sprint, commit, codes)
        self._context.publish(
            CodeMeasured(
                team=self._team,
                sprint=sprint,
                commit=commit,
                tests=run.count,
                failing=len(run.failing),
                files=len(run.coverage),
                lines=sum(one.lines for one in run.coverage),
                lines_hit=sum(one.lines_hit for one in run.coverage),
                branches=sum(one.branches for one in run.coverage),
                branches_hit=sum(one.branches_hit for one in run.coverage),
                complexity=max((one.complexity for one in run.coverage), default=0),
                canaries=canaries,
                canaries_failing=failing,
            )
        )

    async def watch(self, sprint: int) -> None:
        """What is on main is in use: publish DefectEscaped for every mistake in it that a canary runs into."""
        product = self._work.product
        if product.main:
            codes = [product.landed[key] for key in sorted(product.landed)]
            await self._run_canaries(sprint, product.main, codes)

    async def _run_canaries(self, sprint: int, commit: str, codes: list[ModuleCode]) -> tuple[int, int]:
        """Returns how many ran and how many failed of what was accepted; the rest is still being worked on."""
        if not codes:
            return 0, 0
        asked = tuple(ExerciseTested(family=code.family, number=code.number, choices=None) for code in codes)
        request = JudgeCode(team=self._team, tree=commit, which="canary", exercises=asked)
        judged: CodeJudged = await self._context.effect(request, duration_us=MEASURE_US)
        total = failing = 0
        for code, found in zip(codes, judged.exercises, strict=True):
            for criterion in found.failing_criteria:
                cases = sum(1 for one in found.failed if one.case_id.startswith(f"c{criterion}/"))
                self._report(sprint, code, criterion, cases)
            if code.key in self._work.accepted:
                total += sum(found.cases)
                failing += len(found.failed)
        return total, failing

    def _report(self, sprint: int, code: ModuleCode, criterion: int, cases: int) -> None:
        """Something on main does not do what it should, by a mistake or although it was accepted: once for each.

        A wish that nobody asked about is no defect before the sprint review: that is where it is told.
        """
        accepted = self._work.accepted.get(code.key, {}).get(criterion)
        flaws = [flaw for flaw in code.flaws if criterion in flaw.criteria]
        if (accepted is None and not flaws) or (code.key, criterion) in self._work.escaped:
            return
        self._work.escaped[code.key, criterion] = sprint
        story = accepted or self._work.product.owners[code.key]
        for flaw in flaws:
            found = FlawFound(team=self._team, sprint=sprint, story_id=story, number=flaw.number, by="canary")
            self._context.publish(found)
        if accepted is not None:
            self._tell_product_owner(code, criterion, story)
        self._context.publish(
            DefectEscaped(
                team=self._team,
                sprint=sprint,
                story_id=story,
                criterion=criterion,
                cases=cases,
                culprit=self._work.product.culprit(code.key, criterion),
                incident_class=flaws[0].incident_class if flaws else "",
                severity=flaws[0].severity if flaws else 0,
            )
        )

    def _tell_product_owner(self, code: ModuleCode, criterion: int, story: str) -> None:
        """What was accepted becomes a story; the review tells of everything else."""
        kata = code.exercise.kata
        self._context.tell(
            self._product_owner,
            DefectReported(
                story_id=story,
                family=code.family,
                number=code.number,
                criterion=criterion,
                text=kata.criteria[criterion - 1].text,
                module=kata.domain,
                specialization=kata.specialization,
            ),
        )
