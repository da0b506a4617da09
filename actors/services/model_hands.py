"""Hands of a model: it decides on one tool call after another, until it says that the quarter is done or has no more.

What it writes is committed as everybody's work is, with the same author and trailers, and judged by the same tests.
Whatever is wrong with a call comes back to the model as text. Without a valid decision nothing more is written.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from actors.policy.decisions import Person, StoryView, ToolChoice, WriteCode
from actors.policy.thinking import thinking_us
from actors.roles.judging import Judge, NoJudgement, Question
from actors.roles.purse import Purse
from actors.scrum.code_messages import ToolCalled
from actors.scrum.messages import DecisionFailed, DecisionTaken
from actors.services.branch_desk import TESTS_US, BranchDesk
from actors.services.executed_work import ExecutedWork
from actors.services.story_code import StoryCode
from actors.services.team_setting import TeamSetting
from actors.services.work_ledger import StoryWork
from actors.work.effort import Worker
from actors.work.product import index_path
from actors.work.tool_messages import CommitWork, Finish, ListFiles, RunSomeTests, ToolUsed, UseTool
from actors.work.tools.calls import TOOLS, Call, parse_call
from actors.work.tools.errors import CallError
from actors.work.tools.limits import LIMITS, ToolLimits
from actors.work.tools.quarter import ModelQuarter
from actors.work.troubles import CHANGES_PATH, PRODUCT_TEST_PATH, VENDORED_PATH, flaky_path
from brokers.node.context import Context

STREAM = "write_code"
TOOL_US = 1_000_000  # of virtual time
PROJECT_FILE = "pyproject.toml"
UNKNOWN = "unknown"  # the name under which calls of tools that do not exist are counted


@dataclass(frozen=True, slots=True)
class Subjects:
    """What commits of this quarter say."""

    tests: str
    work: str
    trailer: str


class ModelHands:
    """Carries out what a model decides. Its state is the story's `quarter`, so another one can go on."""

    def __init__(
        self,
        context: Context,
        desk: BranchDesk,
        work: ExecutedWork,
        team: TeamSetting,
        writers: Mapping[str, Judge],
        purses: Mapping[str, Purse],
        limits: ToolLimits = LIMITS,
    ) -> None:
        """`writers`: who decides on the calls, by the agent that drives; `purses`: what that is paid from."""
        self._context, self._desk = context, desk
        self._work, self._team, self._limits = work, team, limits
        self._writers, self._purses = writers, purses

    async def write(self, work: StoryWork, agent: str, worker: Worker, subjects: Subjects) -> None:
        """Write until the quarter is finished; then commit what is there and run the visible tests.

        While no criterion is due nothing is asked of a model, as nothing is written by other hands.
        """
        code = self._work.code_of(work.story.story_id)
        quarter = code.quarter
        if quarter is None or not code.module.built:
            return
        await self._desk.finish_pending(code)
        if await self._desk.commit(code, agent, subjects.tests, subjects.trailer, tests_only=True):
            await self._desk.run_tests(code, "red")
        quarter.files = (await self._use(code, quarter, ListFiles())).files
        while not quarter.is_finished and quarter.steps < self._limits.steps:
            await self._step(work, code, quarter, agent, worker, subjects)
        await self._commit(code, quarter, agent, subjects.work, subjects.trailer)
        code.remarks = ()
        if code.head:
            run = await self._desk.run_tests(code, "green")
            code.remarks = tuple(f"{one} is red" for one in run.red)
        code.quarter = None

    async def _step(
        self,
        work: StoryWork,
        code: StoryCode,
        quarter: ModelQuarter,
        agent: str,
        worker: Worker,
        subjects: Subjects,
    ) -> None:
        """One decision and one call."""
        choice = await self._decide(self._observation(work, code, quarter, agent, worker), quarter, agent)
        if choice is None:
            quarter.is_finished = True
            return
        try:
            call = parse_call(choice.tool, choice.arguments, self._limits)
            quarter.allow(call, self._limits)
        except CallError as error:
            quarter.note(choice.tool[:40], str(error), is_refused=True)
        else:
            await self._carry_out(call, code, quarter, agent, subjects)
        self._tell_of_call(code, quarter, agent)

    async def _carry_out(
        self, call: Call, code: StoryCode, quarter: ModelQuarter, agent: str, subjects: Subjects
    ) -> None:
        match call:
            case Finish(summary=summary):
                quarter.is_finished = True
                quarter.note("finish", summary, is_refused=False)
            case CommitWork(message=message):
                quarter.commits += 1
                await self._commit(code, quarter, agent, message, subjects.trailer)
                quarter.note("commit", f"committed as {code.head[:12]}", is_refused=False, about=message)
            case _:
                quarter.take(call, await self._use(code, quarter, call))

    def _tell_of_call(self, code: StoryCode, quarter: ModelQuarter, agent: str) -> None:
        self._context.publish(
            ToolCalled(
                team=self._team.team,
                sprint=self._team.calendar.sprint_of(self._context.now_us),
                story_id=code.story_id,
                session_id=code.session_id,
                agent=agent,
                tool=quarter.last_tool if quarter.last_tool in TOOLS else UNKNOWN,
                is_refused=quarter.last_is_refused,
            )
        )

    async def _decide(self, observation: WriteCode, quarter: ModelQuarter, agent: str) -> ToolChoice | None:
        """Ask for the next call; None where there is no valid answer, which is published."""
        question = Question(
            context=self._context,
            agent=agent,
            keeper=quarter,
            team=self._team.team,
            key=(STREAM, quarter.entity, quarter.steps),
            observation=observation,
            duration_us=thinking_us(observation, self._team.calibration),
            purse=self._purses.get(agent) or Purse(),
        )
        found = await self._writers[agent].judge(question)
        if isinstance(found, NoJudgement):
            self._context.publish(
                DecisionFailed(
                    team=self._team.team,
                    agent=agent,
                    decision=WriteCode.KIND,
                    reason=found.reason,
                    cautious_choice="stop_writing",
                )
            )
            return None
        self._context.publish(
            DecisionTaken(
                team=self._team.team,
                agent=agent,
                decision=WriteCode.KIND,
                duration_us=found.duration_us,
                prompt_tokens=found.prompt_tokens,
                completion_tokens=found.completion_tokens,
            )
        )
        assert isinstance(found.answer, ToolChoice), "a judge answers in kind"
        return found.answer

    async def _use(self, code: StoryCode, quarter: ModelQuarter, call: Call) -> ToolUsed:
        request = UseTool(
            team=self._team.team,
            base=(code.head or code.base) if code.branch else self._work.product.main,
            edits=quarter.edits,
            kept=_kept(code),
            call=call,
        )
        duration_us = TESTS_US if isinstance(call, RunSomeTests) else TOOL_US
        used: ToolUsed = await self._context.effect(request, duration_us=duration_us)
        return used

    async def _commit(self, code: StoryCode, quarter: ModelQuarter, agent: str, subject: str, trailer: str) -> None:
        """Commit the edits. They are handed over before anything is waited for: a crash repeats none."""
        edits, quarter.edits = {one.path: one.content or "" for one in quarter.edits}, ()
        code.module = code.module.with_texts(edits)
        await self._desk.commit(code, agent, subject, trailer, edited=tuple(edits))

    def _observation(
        self, work: StoryWork, code: StoryCode, quarter: ModelQuarter, agent: str, worker: Worker
    ) -> WriteCode:
        member, task, story, limits = self._team.roster.member(agent), work.current, work.story, self._limits
        return WriteCode(
            person=Person(
                agent=member.agent,
                seniority=member.seniority,
                roles=member.roles,
                specialization=member.specialization,
                auxiliaries=member.auxiliaries,
            ),
            story=StoryView(
                story_id=story.story_id,
                title=story.title,
                criteria=story.criteria,
                module=story.module,
                specialization=story.specialization,
                sized_points=story.sized_points,
                answered=tuple(f"{criterion}:{topic}" for criterion, topic in work.clarified),
            ),
            knowledge_permille=worker.knowledge_permille,
            task="" if task is None else task.task.title,
            due=tuple(range(1, work.built + 1)),
            answers=_answers(work),
            remarks=code.remarks,
            module_path=code.exercise.path,
            test_path=code.exercise.test_path,
            files=quarter.files,
            earlier=tuple(quarter.earlier),
            last_tool=quarter.last_tool,
            last_result=quarter.last_result,
            last_is_refused=quarter.last_is_refused,
            steps_left=limits.steps - quarter.steps,
            edits_left=limits.edits - quarter.edited,
            runs_left=limits.runs - quarter.runs,
        )


def _kept(code: StoryCode) -> tuple[str, ...]:
    """Files that are written for the team, by the product owner or by what happens to it."""
    one = code.exercise
    paths = (one.test_path, index_path(one.kata.domain), flaky_path(one), PRODUCT_TEST_PATH, VENDORED_PATH)
    return tuple(sorted((*paths, CHANGES_PATH, PROJECT_FILE)))


def _answers(work: StoryWork) -> tuple[str, ...]:
    """What the product owner has said about the story."""
    points = [(key, work.story.hidden(*key)) for key in work.clarified]
    return tuple(f"criterion {key[0]}, {key[1]}: {point.answer}" for key, point in points if point is not None)
