"""The merge queue as an actor: one story after the other onto main, and a crash at any moment changes nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest

from actors.scrum.code_messages import MergeReturned, StoryLanded
from actors.scrum.code_messages import TestsRan as QueueRan
from actors.services.disturbance_messages import CrashActor
from actors.services.merge_desk import Gates, MergeDesk, MergeState
from actors.services.merge_messages import (
    BranchOffered,
    Integrate,
    Integrated,
    LandChange,
    MainBegun,
    MainMoved,
    OfferBranch,
)
from actors.simulation.build import build_registry
from actors.work.messages import (
    MAIN,
    CommitFiles,
    Committed,
    Coverage,
    LandTree,
    MergeTrees,
    RunTests,
    TreesMerged,
)
from actors.work.messages import TestResult as Failure
from actors.work.messages import TestsRun as Run
from brokers.node.actor import Actor
from brokers.node.messages import DeadLettered
from tests.actors.services.teams import executing_team
from tests.support.world import MILLISECOND, SECOND, VirtualWorld, minutes

GATES = Gates(min_line_percent=85, min_branch_percent=80, max_complexity=10)
FAILED = Failure(test="tests/test_a.py::test_it", outcome="failed", detail="")
RED = Run(ended="completed", count=2, failing=(FAILED,), coverage=())


def green(*, lines_hit: int = 10, complexity: int = 3) -> Run:
    measured = Coverage(
        path="src/a.py", lines=10, lines_hit=lines_hit, branches=4, branches_hit=4, complexity=complexity
    )
    return Run(ended="completed", count=2, failing=(), coverage=(measured,))


@dataclass
class World:
    """Git and the sandbox, scripted. A branch moves by compare-and-swap; the same request may come twice."""

    conflicts: tuple[str, ...] = ()  # heads that conflict with whatever main is
    runs: Mapping[str, list[Run]] = field(default_factory=dict)  # of the merge with a head, in order
    refs: dict[str, str] = field(default_factory=dict)
    history: list[str] = field(default_factory=list)  # trees of main, oldest first
    tested: list[str] = field(default_factory=list)  # trees that were green

    def answer(self, request: Any, seed: int) -> Any:
        match request:
            case CommitFiles(ref=ref, expected=expected):
                return self._move(ref, expected, "begun", repr(request))
            case LandTree(expected=expected, tree=tree):
                return self._move(MAIN, expected, tree, repr(request))
            case MergeTrees(ours=ours, theirs=theirs):
                return TreesMerged(
                    tree=f"{ours}+{theirs}", conflicts=("CHANGES.md",) if theirs in self.conflicts else ()
                )
            case RunTests(tree=tree):
                head = tree.partition("+")[2]
                outcomes = self.runs.get(head) or [green()]
                run = outcomes.pop(0) if len(outcomes) > 1 else outcomes[0]
                self.tested += [tree] if run.is_green else []
                return run
        raise AssertionError(request)

    def _move(self, ref: str, expected: str, tree: str, words: str) -> Committed:
        commit = hashlib.sha256(words.encode()).hexdigest()[:12]
        if self.refs.get(ref, "") != commit:
            assert self.refs.get(ref, "") == expected, "the branch is elsewhere"
            self.refs[ref] = commit
            self.history.append(tree)
        return Committed(commit=commit, tree=tree)


class Workshop(Actor):
    """Offers branches, and hears where main is."""

    def __init__(self, heard: list[Any]) -> None:
        super().__init__()
        self._heard = heard

    def on_receive(self, message: Any) -> Any:
        match message:
            case OfferBranch(story_id=story_id):
                return BranchOffered(
                    story_id=story_id,
                    branch=f"refs/heads/feat/ada/{story_id}",
                    head=f"head-{story_id}",
                    title=story_id,
                    sources=("src/a.py",),
                )
            case MainBegun() | MainMoved():
                self._heard.append(message)
        return None


class Quality(Actor):
    """Hands stories in on request, and hears what became of them."""

    def __init__(self, heard: list[Integrated], queue: str) -> None:
        super().__init__()
        self._heard, self._queue = heard, queue

    def on_receive(self, message: Any) -> None:
        if isinstance(message, Integrate):
            self.context.tell(self._queue, message)
        else:
            self._heard.append(message)


@dataclass
class Scene:
    world: VirtualWorld
    outside: World
    main: list[Any]  # what the workshop heard of main
    outcomes: list[Integrated]
    state: MergeState

    def hand_in(self, *stories: str, at: int = minutes(1)) -> None:
        for story in stories:
            self.world.tell("agent/tess", Integrate(story_id=story, module="api"), at=at)

    @property
    def landed(self) -> list[str]:
        return [event.story_id for event in self.world.events(StoryLanded)]


def scene(outside: World | None = None, *, gates: Gates = GATES) -> Scene:
    outside, team = outside or World(), executing_team()
    heard_main, heard, state = list[Any](), list[Integrated](), MergeState()
    world = VirtualWorld(registry=build_registry(), engine=outside)
    world.start(team.workshop, partial(Workshop, heard_main))
    world.start(team.merge_queue, partial(MergeDesk, state, team, gates=gates, start_s=0))
    world.start("agent/tess", partial(Quality, heard, team.merge_queue))
    return Scene(world, outside, heard_main, heard, state)


# -- the usual way ----------------------------------------------------------------------------------------------------


def test_main_has_its_first_commit_before_anything_lands_and_stories_land_in_the_order_of_their_approval() -> None:
    play = scene()
    play.hand_in("S-1", "S-2", "S-3", at=0)
    play.world.run_until_quiet()

    assert play.outside.history[0] == "begun"
    assert play.landed == ["S-1", "S-2", "S-3"]
    assert [one.reason for one in play.outcomes] == ["", "", ""]
    assert [type(one).__name__ for one in play.main] == ["MainBegun", "MainMoved", "MainMoved", "MainMoved"]
    assert [one.commit for one in play.main[1:]] == [event.commit for event in play.world.events(StoryLanded)]


def test_only_trees_that_were_tested_green_land() -> None:
    play = scene(World(runs={"head-S-2": [RED, RED], "head-S-3": [RED, green()]}))
    play.hand_in("S-1", "S-2", "S-3")
    play.world.run_until_quiet()

    assert play.landed == ["S-1", "S-3"], "a red run is repeated once: the second time it was green"
    assert set(play.outside.history[1:]) <= set(play.outside.tested)
    (returned,) = play.world.events(MergeReturned)
    assert (returned.story_id, returned.reason, returned.details) == ("S-2", "red", ("tests/test_a.py::test_it",))
    assert [one.reason for one in play.outcomes] == ["", "red", ""]
    assert [len(event.failing) for event in play.world.events(QueueRan) if event.story_id == "S-3"] == [1, 0]


def test_a_conflict_goes_back_without_a_test_run_and_names_the_files() -> None:
    play = scene(World(conflicts=("head-S-1",)))
    play.hand_in("S-1", "S-2")
    play.world.run_until_quiet()

    assert play.landed == ["S-2"]
    assert (play.outcomes[0].reason, play.outcomes[0].details) == ("conflict", ("CHANGES.md",))
    assert [event.story_id for event in play.world.events(QueueRan)] == ["S-2"]


@pytest.mark.parametrize(
    ("run", "said"),
    [
        (green(lines_hit=8), "src/a.py: 8 of 10 lines run, 85 % wanted"),
        (green(complexity=11), "src/a.py: complexity 11, at most 10 wanted"),
        (
            Run(
                ended="completed",
                count=2,
                failing=(),
                coverage=(Coverage(path="src/a.py", lines=10, lines_hit=10, branches=4, branches_hit=3, complexity=1),),
            ),
            "src/a.py: 3 of 4 branches run, 80 % wanted",
        ),
        (
            Run(
                ended="completed",
                count=2,
                failing=(),
                coverage=(Coverage(path="src/a.py", lines=0, lines_hit=0, branches=0, branches_hit=0, complexity=1),),
            ),
            "src/a.py: 0 of 0 lines run, 85 % wanted",
        ),
    ],
)
def test_quality_gates_give_back_what_does_not_keep_to_them(run: Run, said: str) -> None:
    play = scene(World(runs={"head-S-1": [run]}))
    play.hand_in("S-1")
    play.world.run_until_quiet()

    assert play.landed == []
    assert (play.outcomes[0].reason, play.outcomes[0].details) == ("gates", (said,))


def test_gates_that_are_switched_off_let_everything_through() -> None:
    off = Gates(min_line_percent=0, min_branch_percent=0, max_complexity=100)
    nothing = Coverage(path="src/a.py", lines=0, lines_hit=0, branches=4, branches_hit=0, complexity=99)
    run = Run(ended="completed", count=1, failing=(), coverage=(nothing,))
    play = scene(World(runs={"head-S-1": [run]}), gates=off)
    play.hand_in("S-1")
    play.world.run_until_quiet()

    assert play.landed == ["S-1"]


@pytest.mark.parametrize(("ended", "count"), [("cpu_limit", 2), ("collection_error", 0), ("completed", 0)])
def test_a_run_that_was_cut_short_or_ran_nothing_is_not_green(ended: str, count: int) -> None:
    run = Run(ended=ended, count=count, failing=(), coverage=())
    play = scene(World(runs={"head-S-1": [run]}))
    play.hand_in("S-1")
    play.world.run_until_quiet()

    assert play.landed == []
    assert play.outcomes[0].details == (f"({ended})",)


def test_a_story_that_was_given_back_lands_when_it_comes_again() -> None:
    play = scene(World(runs={"head-S-1": [RED, RED, green()]}))
    play.hand_in("S-1")
    play.hand_in("S-1", at=minutes(60))
    play.world.run_until_quiet()

    assert [one.reason for one in play.outcomes] == ["red", ""]
    assert play.landed == ["S-1"]


def test_what_is_nobodys_story_is_answered_when_it_has_landed_and_lands_once() -> None:
    play = scene()
    team = executing_team()
    play.world.run_until_quiet()
    first = play.world.ask(team.merge_queue, LandChange(story_id="D-1-CHANGE"))
    second = play.world.ask(team.merge_queue, LandChange(story_id="D-1-CHANGE"))

    assert first == second == Integrated(story_id="D-1-CHANGE", module="", reason="", details=())
    assert play.landed == ["D-1-CHANGE"]


# -- crashes ----------------------------------------------------------------------------------------------------------


def moments() -> list[int]:
    """Just after every moment at which something happens while two stories land, one of them after a red run."""
    play = crashed_at(None)
    times = sorted({row.time_us for row in play.world.rows} | {minutes(1) + 10 * MILLISECOND})
    return [time_us + later for time_us in times for later in (1, 60 * MILLISECOND, 10 * SECOND)]


def crashed_at(at_us: int | None, *, who: str = "merge_queue/red") -> Scene:
    play = scene(World(runs={"head-S-2": [RED, green()]}))
    play.hand_in("S-1", "S-2")
    if at_us is not None:
        play.world.tell(who, CrashActor(reason="a test"), at=at_us)
    play.world.run_until_quiet()
    return play


def test_a_crash_at_any_moment_loses_no_story_and_lands_none_twice() -> None:
    times = moments()
    for at_us in times:
        play = crashed_at(at_us)
        assert len(play.world.events(DeadLettered)) == 1, at_us
        assert play.landed == ["S-1", "S-2"], at_us
        assert [one.reason for one in play.outcomes] == ["", ""], at_us
        assert len(play.outside.history) == 3, at_us
        assert set(play.outside.history[1:]) <= set(play.outside.tested), at_us
        assert play.outside.refs[MAIN] == play.world.events(StoryLanded)[-1].commit, at_us
        assert dict.fromkeys(play.main), at_us
    assert len(times) > 30
