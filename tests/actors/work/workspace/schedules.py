"""Seeded schedules for a merge queue: stories, conflicts, faults, flakes, cancellations, new heads, crashes."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass

from actors.work.workspace.errors import RefMovedError
from actors.work.workspace.merge_queue import Entry, Idle, Instruction, Land, Merge, MergeQueue, Return, Test
from config.streams import Draw, draw
from tests.actors.work.workspace.worlds import Files, World, failing

BRINGS = ("feature", "feature", "feature", "left", "right", "fault")
PLACES = 3
MOST_TICKS = 2_000


@dataclass
class Story:
    """What its owner knows of a story."""

    name: str
    changes: dict[str, str]
    version: int = 0
    ended: str = ""  # landed, cancelled, or why it was given back for good
    ticket: int = -1  # when it was queued at the end


class Schedule:
    """Runs one seeded schedule to its end and checks after every step that main is as it must be."""

    def __init__(self, seed: int, world: World, *, stories: int = 8) -> None:
        self._seed, self._world, self._draws = seed, world, 0
        self._queue = MergeQueue(world.main())
        self._to_come = [self._story(number) for number in range(stories)]
        self._stories = {story.name: story for story in self._to_come}
        self._entries: dict[str, Entry] = {}
        self._green: set[tuple[str, str]] = set()  # (main, tree) of every green test run
        self._tickets, self._served = 0, -1
        self.seen: Counter[str] = Counter()
        self.log: list[tuple[str, ...]] = []  # outcomes, in terms that every world shares

    def run(self) -> None:
        """Until every story has ended."""
        for _ in range(MOST_TICKS):
            if not self._to_come and isinstance(self._queue.next_step(), Idle):
                break
            self._tick()
        self._check_the_end()

    def _tick(self) -> None:
        chance = self._draw().below(100)
        if chance < 20 and self._to_come:
            self._offer(self._to_come.pop(0))
        elif chance < 24:
            self._cancel()
        elif chance < 28:
            self._replace()
        elif chance < 31:
            self.seen["hotfix"] += 1
            self._world.hotfix(self.seen["hotfix"])  # the queue hears of it only when it wants to land
        elif chance < 38:
            self.seen["restart"] += 1
            self._queue = MergeQueue.from_state(json.loads(json.dumps(self._queue.state())))
        else:
            self._carry_out(self._queue.next_step())

    # -- owners -------------------------------------------------------------------------------------------------------

    def _story(self, number: int) -> Story:
        name = f"S-{number}"
        place, brings = self._draw().below(2 * PLACES), self._draw().pick(BRINGS)
        changes = {f"stories/{name}": f"{brings}\n"}
        if place < PLACES:
            changes[f"places/{place}"] = f"{name}\n"
        return Story(name=name, changes=changes)

    def _offer(self, story: Story) -> None:
        """Commit the story on today's main and queue it."""
        story.version += 1
        head = self._world.branch(story.name, story.version, self._world.main(), self._with_version(story))
        entry = Entry(story_id=story.name, branch=f"feat/dev/{story.name}.{story.version}", head=head, by="dev")
        here = [self._queue.under_way, *self._queue.waiting]
        if not any(one and one.story_id == story.name for one in here):
            story.ticket, self._tickets = self._tickets, self._tickets + 1
        self._entries[story.name] = entry
        self._queue.enqueue(entry)

    def _with_version(self, story: Story) -> Files:
        return {**story.changes, f"versions/{story.name}": f"{story.version}\n"}

    def _cancel(self) -> None:
        here = [one.story_id for one in (self._queue.under_way, *self._queue.waiting) if one]
        if here and self._queue.cancel(name := self._draw().pick(here)):
            self._end(name, "cancelled")

    def _replace(self) -> None:
        """Its owner commits again while a story waits or is being tried, but not once its outcome is being made."""
        here = [*self._queue.waiting]
        if isinstance(self._queue.next_step(), Merge | Test) and self._queue.under_way:
            here.insert(0, self._queue.under_way)
        if here:
            self.seen["replaced"] += 1
            self._offer(self._stories[self._draw().pick(here).story_id])

    # -- whoever carries out what the queue says ----------------------------------------------------------------------

    def _carry_out(self, step: Instruction) -> None:
        is_told = self._draw().below(100) >= 8  # or killed after doing it and before saying so
        assert self._queue.next_step() == step
        match step:
            case Merge(main=main, head=head, entry=entry):
                self._check_turn(entry)
                tree, conflicts = self._world.merge(main, head)
                if is_told:
                    self._queue.merged(main=main, head=head, tree=tree, conflicts=conflicts)
            case Test(main=main, tree=tree, run=run):
                red = self._run_tests(tree)
                if not red:
                    self._green.add((main, tree))
                if is_told:
                    self._queue.tested(main=main, tree=tree, run=run, failing=red, gates=self._gates())
            case Land():
                self._land(step, is_told=is_told)
            case Return(entry=entry, reason=reason, details=details):
                assert details, "whoever gets it back is told why"
                if is_told:
                    self._queue.returned(story_id=entry.story_id)
                    self._give_back(entry, reason)
            case Idle():
                return
        self.seen["killed before telling"] += not is_told

    def _run_tests(self, tree: str) -> tuple[str, ...]:
        red = failing(self._world.files(tree))
        if not red and self._draw().below(100) < 15:
            self.seen["flake"] += 1
            return ("flaky",)
        return red

    def _gates(self) -> tuple[str, ...]:
        return ("coverage",) if self._draw().below(100) < 5 else ()

    def _land(self, step: Land, *, is_told: bool) -> None:
        assert (step.main, step.tree) in self._green, "a tree lands that was not green on this very main"
        assert step.parents == (step.main, self._entries[step.entry.story_id].head)
        try:
            commit = self._world.land(step.main, step.tree, step.parents)
        except RefMovedError as refusal:
            self.seen["moved"] += 1
            has_head = self._world.contains(refusal.found, step.entry.head)
            if self._queue.moved(refusal.found, has_head=has_head):
                self.seen["landed unnoticed"] += 1
                self._end(step.entry.story_id, "landed")
            return
        files = self._world.files(step.tree)
        assert failing(files) == (), "main is red"
        for path, text in self._with_version(self._stories[step.entry.story_id]).items():
            assert files[path] == text, "work was lost in landing"
        if is_told:
            self._queue.landed(main=step.main, tree=step.tree, commit=commit)
            self._end(step.entry.story_id, "landed")

    def _give_back(self, entry: Entry, reason: str) -> None:
        story = self._stories[entry.story_id]
        self.log.append((story.name, reason))
        self.seen[reason] += 1
        if reason == "conflict" and story.version < 4:
            self._offer(story)  # its owner makes it anew on today's main
        else:
            self._end(story.name, reason)

    def _check_turn(self, entry: Entry) -> None:
        ticket = self._stories[entry.story_id].ticket
        assert ticket >= self._served, "somebody was overtaken"
        assert all(self._stories[one.story_id].ticket > ticket for one in self._queue.waiting)
        self._served = ticket

    # -- the books ----------------------------------------------------------------------------------------------------

    def _end(self, name: str, how: str) -> None:
        story = self._stories[name]
        assert story.ended == "", "a story ended twice"
        story.ended = how
        self.seen[how] += how in ("landed", "cancelled")
        self.log.append((name, how))

    def _check_the_end(self) -> None:
        assert isinstance(self._queue.next_step(), Idle), "the queue hangs"
        assert not [story.name for story in self._stories.values() if not story.ended], "work was lost"

    def _draw(self) -> Draw:
        self._draws += 1
        return draw(self._seed, "merge schedule", "", self._draws)
