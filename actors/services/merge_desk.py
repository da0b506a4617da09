"""The merge queue of a team: one story after the other, and on main only what was tested just as it lands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from actors.scrum.code_messages import MeasuredFile, MergeReturned, StoryLanded, TestsRan
from actors.services.asking import insist
from actors.services.disturbance_messages import CrashActor
from actors.services.failures import BusyError, CrashRequestedError, UnexpectedMessageError
from actors.services.merge_messages import (
    BranchOffered,
    Integrate,
    Integrated,
    LandChange,
    MainBegun,
    MainMoved,
    OfferBranch,
)
from actors.services.team_setting import TeamSetting
from actors.work.messages import (
    MAIN,
    Author,
    CommitFiles,
    Committed,
    Coverage,
    FileText,
    LandTree,
    MergeTrees,
    RunTests,
    TestsRun,
    TreesMerged,
)
from actors.work.product import skeleton
from actors.work.workspace.merge_queue import Entry, Idle, Land, Merge, MergeQueue, Return, Test
from brokers.node.actor import Actor

SECOND_US = 1_000_000
DAY_S = 86_400
GIT_US = 200_000  # of virtual time
QUEUE_TESTS_US = 120 * SECOND_US  # all visible tests
KEEPER = "merge-queue"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gates:
    """What code must keep to before it lands; a percentage of 0 switches a gate off."""

    min_line_percent: int
    min_branch_percent: int
    max_complexity: int

    def faults(self, measured: Sequence[Coverage]) -> tuple[str, ...]:
        """Everything in these files that a gate does not let through."""
        faults: list[str] = []
        for one in measured:
            if one.lines_hit * 100 < self.min_line_percent * one.lines or (self.min_line_percent and not one.lines):
                faults.append(f"{one.path}: {one.lines_hit} of {one.lines} lines run, {self.min_line_percent} % wanted")
            if one.branches_hit * 100 < self.min_branch_percent * one.branches:
                wanted = f"{self.min_branch_percent} % wanted"
                faults.append(f"{one.path}: {one.branches_hit} of {one.branches} branches run, {wanted}")
            if one.complexity > self.max_complexity:
                faults.append(f"{one.path}: complexity {one.complexity}, at most {self.max_complexity} wanted")
        return tuple(faults)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """What the queue was told about a story that waits."""

    story_id: str
    module: str
    tester: str  # address; empty: whoever asked looks into `outcomes`


@dataclass(slots=True)
class MergeState:
    """What the desk owns; it survives a restart."""

    queue: MergeQueue | None = None  # None until main has its first commit
    arrived: list[Ticket] = field(default_factory=list)  # told of, and not in the queue yet
    tickets: dict[str, tuple[Ticket, BranchOffered]] = field(default_factory=dict)  # of those in the queue
    outcomes: dict[str, Integrated] = field(default_factory=dict)  # of changes that are nobody's story
    runs: dict[str, TestsRun] = field(default_factory=dict)  # the last of each story under way
    pending: CommitFiles | LandTree | None = None  # asked for, and the queue does not know yet that main has moved


class MergeDesk(Actor):
    """Owns main: carries out what the queue says, and lets main move to nothing but what the queue had tested."""

    refusals: ClassVar[tuple[type[Exception], ...]] = (BusyError,)

    def __init__(self, state: MergeState, team: TeamSetting, *, gates: Gates, start_s: int) -> None:
        super().__init__()
        self._state, self._team, self._gates, self._start_s = state, team, gates, start_s
        self._is_running = False  # in this incarnation

    def on_start(self) -> None:
        """Make the first commit; after a crash, go on with whoever is first."""
        self._go_on()

    def on_receive(self, message: Any) -> Any:
        """Queue a story."""
        match message:
            case Integrate(story_id=story_id, module=module):
                ticket = Ticket(story_id=story_id, module=module, tester=self.context.sender)
                self._state.arrived.append(ticket)
                self._go_on()
            case LandChange(story_id=story_id):
                return self._land_change(story_id)
            case CrashActor(reason=reason):
                raise CrashRequestedError(reason)
            case _:
                raise UnexpectedMessageError(message)
        return None

    def _go_on(self) -> None:
        if not self._is_running:
            self._is_running = True
            self.context.spawn(self._run())

    async def _land_change(self, story_id: str) -> Integrated:
        """Merge what is nobody's story. Raises BusyError until that is done."""
        if story_id in self._state.outcomes:
            return self._state.outcomes[story_id]
        if self._is_running:
            raise BusyError(story_id)
        self._state.arrived.append(Ticket(story_id=story_id, module="", tester=""))
        self._is_running = True
        await self._run()
        return self._state.outcomes[story_id]

    async def _run(self) -> None:
        """Do what the queue says until nothing waits."""
        queue = self._state.queue or await self._begin_main()
        while True:
            await self._admit(queue)
            step = queue.next_step()
            match step:
                case Merge():
                    await self._merge(queue, step)
                case Test():
                    await self._test(queue, step)
                case Land():
                    await self._land(queue, step)
                case Return():
                    self._give_back(queue, step)
                case Idle():
                    break
        self._is_running = False

    async def _admit(self, queue: MergeQueue) -> None:
        """Let those in who have arrived, with the head that their branch has now."""
        while self._state.arrived:
            ticket = self._state.arrived[0]
            branch: BranchOffered = await insist(
                self.context, self._team.workshop, OfferBranch(story_id=ticket.story_id)
            )
            self._state.tickets[ticket.story_id] = ticket, branch
            queue.enqueue(Entry(story_id=ticket.story_id, branch=branch.branch, head=branch.head, by=ticket.tester))
            self._state.arrived.remove(ticket)

    async def _begin_main(self) -> MergeQueue:
        files = tuple(FileText(path=path, content=text) for path, text in sorted(skeleton(self._team.team).items()))
        request = CommitFiles(
            team=self._team.team,
            ref=MAIN,
            expected="",
            parents=(),
            base="",
            changes=files,
            message="Begin the product\n",
            author=self._author(),
        )
        made = await self._carry_out(request)
        await insist(self.context, self._team.workshop, MainBegun(commit=made.commit, tree=made.tree))
        self._state.queue, self._state.pending = MergeQueue(made.commit), None
        return self._state.queue

    async def _merge(self, queue: MergeQueue, step: Merge) -> None:
        request = MergeTrees(team=self._team.team, ours=step.main, theirs=step.head)
        merged: TreesMerged = await self.context.effect(request, duration_us=GIT_US)
        queue.merged(main=step.main, head=step.head, tree=merged.tree, conflicts=merged.conflicts)

    async def _test(self, queue: MergeQueue, step: Test) -> None:
        """Run every visible test of the merged tree, and look at the gates."""
        story_id = step.entry.story_id
        _, branch = self._state.tickets[story_id]
        request = RunTests(
            team=self._team.team,
            tree=step.tree,
            tests=(),
            cover=branch.sources,
            hash_seed=0,
            clock_s=self._clock_s(story_id, step.run),
            order_seed=0,
        )
        run: TestsRun = await self.context.effect(request, duration_us=QUEUE_TESTS_US)
        self.context.publish(
            TestsRan(
                team=self._team.team,
                sprint=self._sprint,
                story_id=story_id,
                session_id="",
                phase="queue",
                tree=step.tree,
                count=run.count,
                failing=run.red,
                ended=run.ended,
            )
        )
        self._state.runs[story_id] = run
        faults = self._gates.faults(run.coverage)
        queue.tested(main=step.main, tree=step.tree, run=step.run, failing=run.red, gates=faults)

    def _clock_s(self, story_id: str, run: int) -> int:
        """The hour at which tests run: what depends on it shows."""
        chance = self.context.draw("test_clock", f"{self._team.team}/{story_id}/queue/{self.context.now_us}", run)
        return self._start_s + chance.below(DAY_S)

    async def _land(self, queue: MergeQueue, step: Land) -> None:
        story_id = step.entry.story_id
        _, branch = self._state.tickets[story_id]
        request = LandTree(
            team=self._team.team,
            expected=step.main,
            tree=step.tree,
            parents=step.parents,
            message=f"Merge {story_id}: {branch.title}\n\nStory: {story_id}\nBranch: {branch.branch}\n",
            author=self._author(),
        )
        made = await self._carry_out(request)
        moved = MainMoved(story_id=story_id, commit=made.commit, tree=made.tree)
        await insist(self.context, self._team.workshop, moved)
        run = self._state.runs.pop(story_id)
        self.context.publish(
            StoryLanded(
                team=self._team.team,
                sprint=self._sprint,
                story_id=story_id,
                commit=made.commit,
                tree=made.tree,
                tests=run.count,
                measured=tuple(_measured(one) for one in run.coverage),
            )
        )
        queue.landed(main=step.main, tree=step.tree, commit=made.commit)
        self._state.pending = None
        self._tell(story_id, reason="", details=())

    def _give_back(self, queue: MergeQueue, step: Return) -> None:
        self.context.publish(
            MergeReturned(
                team=self._team.team,
                sprint=self._sprint,
                story_id=step.entry.story_id,
                reason=step.reason,
                details=step.details,
            )
        )
        queue.returned(story_id=step.entry.story_id)
        self._tell(step.entry.story_id, reason=step.reason, details=step.details)

    def _tell(self, story_id: str, *, reason: str, details: tuple[str, ...]) -> None:
        ticket, _ = self._state.tickets.pop(story_id)
        outcome = Integrated(story_id=story_id, module=ticket.module, reason=reason, details=details)
        if ticket.tester:
            self.context.tell(ticket.tester, outcome)
        else:
            self._state.outcomes[story_id] = outcome

    async def _carry_out(self, request: CommitFiles | LandTree) -> Committed:
        """Have main moved. After a crash the same request is made again: it can only have the same outcome."""
        self._state.pending = self._state.pending or request
        made: Committed = await self.context.effect(self._state.pending, duration_us=GIT_US)
        return made

    @property
    def _sprint(self) -> int:
        return self._team.calendar.sprint_of(self.context.now_us)

    def _author(self) -> Author:
        at_s = self._start_s + self.context.now_us // SECOND_US
        return Author(name=KEEPER, email=f"{KEEPER}@{self._team.team}.example", at_s=at_s)


def _measured(one: Coverage) -> MeasuredFile:
    return MeasuredFile(
        path=one.path,
        lines=one.lines,
        lines_hit=one.lines_hit,
        branches=one.branches,
        branches_hit=one.branches_hit,
        complexity=one.complexity,
    )
