"""The merge queue, pure: one branch after the other, and onto main only the very tree that was tested there.

It says what is to be done next and is told what came of it; it touches nothing itself. Asking again gives the same
instruction until something is told, so the one who carries them out may be killed at any moment and ask again.
Answers about what is no longer under way are refused with StaleAnswerError, never taken for the present.

StaleAnswerError is the one error of this module.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

Reason = Literal["conflict", "red", "gates"]
Stage = Literal["merge", "test", "land", "return"]
TEST_RUNS = 2  # a red run is made once more: a flaky test is no verdict; red twice is red


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A branch that is to go to main."""

    story_id: str  # one entry for each story
    branch: str
    head: str  # the commit that was approved
    by: str  # who gets it back


# -- what is to be done -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Merge:
    """Merge a head into main, without moving main. Then tell `merged`."""

    entry: Entry
    main: str
    head: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Test:
    """Test what the merge came to. Then tell `tested`."""

    __test__ = False  # pytest would collect it

    entry: Entry
    main: str
    tree: str
    run: int  # 1, or 2 after a red run


@dataclass(frozen=True, slots=True, kw_only=True)
class Land:
    """Commit this tree and move main to it, from `main` only. Then tell `landed`, or `moved` if main was elsewhere."""

    entry: Entry
    main: str
    tree: str
    parents: tuple[str, str]
    flaky: tuple[str, ...]  # tests that failed in one run and passed in the next


@dataclass(frozen=True, slots=True, kw_only=True)
class Return:
    """Give a branch back to its owner. Then tell `returned`."""

    entry: Entry
    reason: Reason
    details: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Idle:
    """Nothing waits."""


Instruction = Merge | Test | Land | Return | Idle


# -- the queue --------------------------------------------------------------------------------------------------------


class StaleAnswerError(Exception):
    """Raised when the queue is told about something that it does not wait for. Nothing was changed."""

    def __init__(self, told: str, waits_for: Instruction) -> None:
        super().__init__(f"told about {told}, but the queue waits for {waits_for}")
        self.told, self.waits_for = told, waits_for


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """The entry under way and how far it is."""

    entry: Entry
    stage: Stage = "merge"
    tree: str = ""  # from stage test on
    red: tuple[tuple[str, ...], ...] = ()  # what failed in each red run
    reason: Reason = "conflict"  # in stage return
    details: tuple[str, ...] = ()


class MergeQueue:
    """The queue of one main. First come, first served."""

    def __init__(self, main: str) -> None:
        """`main`: where main is."""
        self._main = main
        self._waiting: list[Entry] = []
        self._attempt: Attempt | None = None

    @property
    def main(self) -> str:
        """Where main is, as far as the queue was told."""
        return self._main

    @property
    def waiting(self) -> tuple[Entry, ...]:
        """Who waits, the next one first, without the one under way."""
        return tuple(self._waiting)

    @property
    def under_way(self) -> Entry | None:
        """Whose turn it is."""
        return self._attempt.entry if self._attempt else None

    def enqueue(self, entry: Entry) -> None:
        """Add a branch at the end. A story that is here already keeps its place and goes on with the new head.

        While the old head is being landed or given back, its outcome stands and the new head waits at the end.
        """
        attempt = self._attempt
        if attempt and attempt.entry.story_id == entry.story_id and attempt.stage in ("merge", "test"):
            if attempt.entry != entry:
                self._attempt = Attempt(entry=entry)
            return
        for place, waiting in enumerate(self._waiting):
            if waiting.story_id == entry.story_id:
                self._waiting[place] = entry
                return
        self._waiting.append(entry)

    def cancel(self, story_id: str) -> bool:
        """Take a story out. False if it is not here, or if landing or giving back has begun and may have happened."""
        attempt, before = self._attempt, len(self._waiting)
        self._waiting = [entry for entry in self._waiting if entry.story_id != story_id]
        if attempt and attempt.entry.story_id == story_id and attempt.stage in ("merge", "test"):
            self._attempt = None
            return True
        return len(self._waiting) < before

    def next_step(self) -> Instruction:
        """What is to be done now. The same until the queue is told something."""
        if self._attempt is None and self._waiting:
            self._attempt = Attempt(entry=self._waiting.pop(0))
        attempt = self._attempt
        if attempt is None:
            return Idle()
        entry = attempt.entry
        match attempt.stage:
            case "merge":
                return Merge(entry=entry, main=self._main, head=entry.head)
            case "test":
                return Test(entry=entry, main=self._main, tree=attempt.tree, run=len(attempt.red) + 1)
            case "land":
                parents, flaky = (self._main, entry.head), attempt.red[0] if attempt.red else ()
                return Land(entry=entry, main=self._main, tree=attempt.tree, parents=parents, flaky=flaky)
            case "return":
                return Return(entry=entry, reason=attempt.reason, details=attempt.details)

    # -- what came of it ----------------------------------------------------------------------------------------------

    def merged(self, *, main: str, head: str, tree: str, conflicts: tuple[str, ...]) -> None:
        """A merge of `head` into `main` came to this tree, or to conflicts in these files."""
        attempt = self._expect("merge", f"a merge of {head} into {main}", main=main, head=head)
        if conflicts:
            self._attempt = replace(attempt, stage="return", reason="conflict", details=conflicts)
        else:
            self._attempt = replace(attempt, stage="test", tree=tree)

    def tested(self, *, main: str, tree: str, run: int, failing: tuple[str, ...], gates: tuple[str, ...] = ()) -> None:
        """The tests of a tree ran to a verdict. A run that broke off for the machine's sake is none: run it again.

        Args:
            failing: Tests that did not pass; none: green.
            gates: Quality gates that do not let it through; they do not flake, so they count at once.
        """
        attempt = self._expect("test", f"run {run} of the tests of {tree}", main=main, tree=tree, run=run)
        if failing:
            red = (*attempt.red, failing)
            if len(red) < TEST_RUNS:
                self._attempt = replace(attempt, red=red)
            else:
                self._attempt = replace(attempt, stage="return", reason="red", red=red, details=failing)
        elif gates:
            self._attempt = replace(attempt, stage="return", reason="gates", details=gates)
        else:
            self._attempt = replace(attempt, stage="land")

    def landed(self, *, main: str, tree: str, commit: str) -> None:
        """The tree is on main: `commit` follows `main`."""
        self._expect("land", f"{tree} landed on {main}", main=main, tree=tree)
        self._main, self._attempt = commit, None

    def returned(self, *, story_id: str) -> None:
        """The owner has the branch back."""
        self._expect("return", f"{story_id} given back", story_id=story_id)
        self._attempt = None

    def moved(self, main: str, *, has_head: bool = False) -> bool:
        """Somebody else moved main. What was merged or tested on the old one counts for nothing.

        Args:
            has_head: Whether the new main has the head under way in its history. After a crash it may have landed
                without the queue being told; then it is not landed twice.
        Returns: Whether that was so: the entry under way has landed.
        """
        attempt, is_new = self._attempt, main != self._main
        self._main = main
        if attempt and attempt.stage == "land" and has_head:
            self._attempt = None
            return True
        if is_new and attempt and attempt.stage in ("merge", "test", "land"):
            self._attempt = Attempt(entry=attempt.entry)
        return False

    def _expect(self, stage: Stage, told: str, **facts: Any) -> Attempt:
        """The attempt, if it waits for an answer with these facts."""
        step, attempt = self.next_step(), self._attempt
        if attempt is None or attempt.stage != stage:
            raise StaleAnswerError(told, step)
        known = {**asdict(attempt.entry), "main": self._main, "tree": attempt.tree, "run": len(attempt.red) + 1}
        if any(known[name] != value for name, value in facts.items()):
            raise StaleAnswerError(told, step)
        return attempt

    # -- its state ----------------------------------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """All that the queue knows, as plain data."""
        return {
            "main": self._main,
            "waiting": [asdict(entry) for entry in self._waiting],
            "attempt": asdict(self._attempt) if self._attempt else None,
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> MergeQueue:
        """Go on from a state, also after it went through JSON or msgpack."""
        queue = cls(state["main"])
        queue._waiting = [Entry(**entry) for entry in state["waiting"]]
        if state["attempt"] is not None:
            kept = dict(state["attempt"])
            kept["entry"] = Entry(**kept["entry"])
            kept["red"] = tuple(tuple(run) for run in kept["red"])
            kept["details"] = tuple(kept["details"])
            queue._attempt = Attempt(**kept)
        return queue
