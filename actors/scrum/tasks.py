"""The tasks of a planned story, their ids, their order and their share of the effort."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from actors.scrum.errors import DependencyCycleError, DuplicateTaskError, UnknownTaskError

CHECKPOINTS = (25, 50, 75, 100)  # percent of a task at which a pair looks at its work


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One piece of a story, small enough for a pair to see its end."""

    task_id: str  # T-<sprint>-<nnn>
    title: str
    estimated_minutes: int  # of working time
    depends_on: tuple[str, ...] = ()  # task ids of the same story
    specialization: str = ""
    done: bool = False


def task_id(sprint: int, number: int) -> str:
    """Return the id of the n-th task that was planned in a sprint, for instance T-3-007."""
    return f"T-{sprint}-{number:03d}"


def in_dependency_order(tasks: Sequence[Task]) -> tuple[Task, ...]:
    """Return the tasks so that each comes after those it depends on, otherwise as they were given.

    Raises:
        DuplicateTaskError: Two tasks have one id.
        UnknownTaskError: A task depends on one that is not given.
        DependencyCycleError: Some tasks wait for each other.
    """
    waiting = {task.task_id: task for task in tasks}
    if len(waiting) != len(tasks):
        ids = [task.task_id for task in tasks]
        raise DuplicateTaskError(next(id_ for id_ in ids if ids.count(id_) > 1))
    for task in tasks:
        for needed in task.depends_on:
            if needed not in waiting:
                raise UnknownTaskError(needed)
    ordered: list[Task] = []
    while waiting:
        startable = next(
            (task for task in waiting.values() if not any(id_ in waiting for id_ in task.depends_on)), None
        )
        if startable is None:
            raise DependencyCycleError(_on_a_cycle(waiting))
        ordered.append(waiting.pop(startable.task_id))
    return tuple(ordered)


def next_open(tasks: Sequence[Task]) -> Task | None:
    """Return the first task in dependency order that is not done; None when all are."""
    return next((task for task in in_dependency_order(tasks) if not task.done), None)


def shared_minutes(total_minutes: int, shares: Sequence[int]) -> tuple[int, ...]:
    """Split an effort by shares so that not a minute is lost: what rounding leaves goes to the largest fractions.

    Raises:
        ValueError: The total or a share is negative, or no share is above zero.
    """
    whole = sum(shares)
    if total_minutes < 0 or whole <= 0 or min(shares) < 0:
        raise ValueError(f"cannot split {total_minutes} minutes by {tuple(shares)}")
    minutes = [total_minutes * share // whole for share in shares]
    by_fraction = sorted(range(len(shares)), key=lambda n: (-(total_minutes * shares[n] % whole), n))
    for position in by_fraction[: total_minutes - sum(minutes)]:
        minutes[position] += 1
    return tuple(minutes)


def _on_a_cycle(waiting: dict[str, Task]) -> tuple[str, ...]:
    """Walk from the first waiting task to what it waits for, until one comes round again."""
    path: list[str] = []
    here = next(iter(waiting))
    while here not in path:
        path.append(here)
        here = next(id_ for id_ in waiting[here].depends_on if id_ in waiting)
    return tuple(path[path.index(here) :])
