"""How each kind of disturbance changes the work: visibly, and until somebody has worked it off."""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from actors.services.modelled_work import ModelledWork
from actors.services.work_ledger import Debt, NothingOpenError, Setback, StoryWork, TaskWork
from actors.services.work_messages import DisturbanceEffect, Interrupt, Respond
from actors.work import effort


def apply_effect(work: ModelledWork, hit: DisturbanceEffect) -> tuple[int, TaskWork | None]:
    """Let a disturbance reach a story, once. Returns the minutes it costs there, and a task that came with it now.

    Raises:
        UnknownWorkError: There is no such story.
        NothingOpenError: No work is left that it could disturb.
    """
    story, key = work.ledger.work_on(hit.story_id), (hit.disturbance_id, hit.story_id)
    if key in work.ledger.struck:  # told again by a generator that crashed before it heard the answer
        return work.ledger.struck[key], None
    if hit.type != "flaky_test" and not story.is_open:
        raise NothingOpenError(hit.story_id)
    minutes, task = _apply(work, story, hit)
    work.ledger.struck[key] = minutes
    return minutes, task


def _apply(work: ModelledWork, story: StoryWork, hit: DisturbanceEffect) -> tuple[int, TaskWork | None]:
    match hit.type:
        case "dependency_breaks" | "production_incident" | "merge_conflict":
            return _owe(story, hit), None
        case "flaky_test":
            story.flaky_from, story.flaky_minutes = hit.disturbance_id, hit.minutes
            return hit.minutes, None
        case "junior_misunderstanding":
            return _set_back(story, hit), None
        case "scope_creep":
            task = work.add_task(hit.story_id, f"Also: {hit.text}", sprint=hit.sprint, standard_minutes=hit.minutes)
            task.disturbance_id = hit.disturbance_id
            # No kata tests the wish. Where work is modelled none is used, so the story does without one from here on.
            story.story = replace(story.story, criteria=(*story.story.criteria, hit.text), exercise=None)
            story.built = min(story.built + 1, len(story.story.criteria))
            return hit.minutes, task
        case "architectural_debt_surfaces":
            module = story.story.module
            slowdown = effort.debt_permille(work.calibration, severity=hit.severity)
            work.ledger.module_debt.setdefault(module, {})[hit.disturbance_id] = slowdown
            title = f"Refactor {module}"
            task = work.add_task(hit.story_id, title, sprint=hit.sprint, standard_minutes=hit.minutes, first=True)
            task.disturbance_id = hit.disturbance_id
            return hit.minutes, task
        case _:
            assert_never(hit.type)


def respond(work: ModelledWork, decided: Respond) -> None:
    """Let the response of the person hit change what a disturbance costs, and when."""
    story = work.ledger.work_on(decided.story_id)
    is_deferred = decided.response == "defer"
    for debt in story.debts:
        if debt.disturbance_id == decided.disturbance_id:
            debt.minutes, debt.deferred = max(debt.paid + 1, decided.minutes), is_deferred
    if story.flaky_from == decided.disturbance_id:
        story.flaky_minutes = decided.minutes
    for task in story.tasks:
        if task.disturbance_id == decided.disturbance_id and task.is_open and task.running_minutes is None:
            task.standard_minutes = decided.minutes
            if is_deferred:
                story.tasks.remove(task)
                story.tasks.append(task)
            break


def interrupt(work: ModelledWork, called: Interrupt) -> None:
    """Somebody on a story is called away. Raises NothingOpenError if no work is left that could wait."""
    story = work.ledger.work_on(called.story_id)
    if not story.is_open:
        raise NothingOpenError(called.story_id)
    story.debts.append(Debt(disturbance_id=called.disturbance_id, hazard=called.hazard, minutes=called.minutes))


def _owe(story: StoryWork, hit: DisturbanceEffect) -> int:
    story.debts.append(Debt(disturbance_id=hit.disturbance_id, hazard=hit.type, minutes=hit.minutes))
    return hit.minutes


def _set_back(story: StoryWork, hit: DisturbanceEffect) -> int:
    """Work of the current task was done on a wrong understanding: quarters of it have to be done again."""
    task = story.current
    if task is None or task.done == 0 or task.quarters != effort.QUARTERS:
        return _owe(story, hit)
    lost = min(task.done, 1 if hit.severity <= 2 else 2)
    minutes = task.standard_minutes * lost // task.quarters
    setback = Setback(
        disturbance_id=hit.disturbance_id, task_id=task.task.task_id, until_done=task.done, minutes=minutes
    )
    story.setbacks.append(setback)
    task.done -= lost
    return minutes
