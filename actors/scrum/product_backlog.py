"""The product owner's ordered list of stories that nobody has started yet."""

from __future__ import annotations

from bisect import insort
from collections.abc import Collection, Iterable
from graphlib import CycleError, TopologicalSorter

from actors.scrum.errors import DependencyCycleError, DuplicateStoryError, UnknownStoryError
from actors.scrum.stories import Story, story_order


class ProductBacklog:
    """Stories by priority, then id; each story is handed out once, unless it is put back."""

    def __init__(self, stories: Iterable[Story] = ()) -> None:
        """Raises DuplicateStoryError, and DependencyCycleError when stories wait for each other."""
        self._waiting: list[Story] = []
        self._known: dict[str, bool] = {}  # story id -> whether it waits here; False once taken
        for story in stories:
            self._insert(story)
        _refuse_cycles(self._waiting)

    @property
    def remaining(self) -> tuple[Story, ...]:
        """The stories that wait, in the product owner's order."""
        return tuple(self._waiting)

    @property
    def remaining_points(self) -> int:
        """The product owner's sizing of all that waits."""
        return sum(story.sized_points for story in self._waiting)

    @property
    def is_exhausted(self) -> bool:
        """Whether nothing is left to take."""
        return not self._waiting

    def add(self, story: Story) -> None:
        """Insert a new story, for instance a follow-up.

        Raises:
            DuplicateStoryError: A story of that id is, or was, in the list.
            DependencyCycleError: It would wait for a story that waits for it.
        """
        if story.story_id in self._known:
            raise DuplicateStoryError(story.story_id)
        _refuse_cycles([*self._waiting, story])
        self._insert(story)

    def put_back(self, story: Story) -> None:
        """Return a story that was taken and not started.

        Raises:
            UnknownStoryError: It never was in the list.
            DuplicateStoryError: It waits here already.
        """
        if story.story_id not in self._known:
            raise UnknownStoryError(story.story_id)
        if self._known[story.story_id]:
            raise DuplicateStoryError(story.story_id)
        self._known[story.story_id] = True
        insort(self._waiting, story, key=_order)

    def take_next(
        self, *, done: Collection[str], limit_points: int | None = None, limit_count: int | None = None
    ) -> tuple[Story, ...]:
        """Hand out the next stories, and strike them off.

        Each time the first story is chosen whose dependencies are in `done` or in the same batch. The batch ends before
        the story that would exceed a limit; nothing smaller jumps the queue. A first story that alone exceeds
        `limit_points` is handed out all the same, or it would bar the way for ever.

        Args:
            done: Ids of stories that others may build on; what is on the board may count, if the team wants it so.
            limit_points: Sum of the product owner's sizings; None for no limit.
            limit_count: Number of stories; None for no limit.
        """
        batch: dict[str, Story] = {}
        points = 0
        while limit_count is None or len(batch) < limit_count:
            chosen = self._first_open(done, batch)
            if chosen is None or (batch and limit_points is not None and points + chosen.sized_points > limit_points):
                break
            batch[chosen.story_id] = chosen
            points += chosen.sized_points
        self._waiting = [story for story in self._waiting if story.story_id not in batch]
        self._known.update(dict.fromkeys(batch, False))
        return tuple(batch.values())

    def _first_open(self, done: Collection[str], batch: Collection[str]) -> Story | None:
        for story in self._waiting:
            if story.story_id not in batch and all(needed in done or needed in batch for needed in story.depends_on):
                return story
        return None

    def _insert(self, story: Story) -> None:
        if story.story_id in self._known:
            raise DuplicateStoryError(story.story_id)
        self._known[story.story_id] = True
        insort(self._waiting, story, key=_order)


def _order(story: Story) -> tuple[int, tuple[tuple[str | int, ...], str]]:
    return story.priority, story_order(story.story_id)


def _refuse_cycles(stories: Iterable[Story]) -> None:
    graph = TopologicalSorter({story.story_id: story.depends_on for story in stories})
    try:
        graph.prepare()
    except CycleError as error:
        raise DependencyCycleError(tuple(error.args[1])) from None
