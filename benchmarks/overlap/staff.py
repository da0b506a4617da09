"""Agents whose hands are a model, too: minutes of work are calls of a model that take as long in virtual time.

Judgements alone are seconds between hours, so a run of them has little to overlap. In a team of models the writing is
what takes long: here a stretch of work is a chain of calls (a tool loop), each due when its minutes are over.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any, cast

from actors.roles.agent import Agent
from actors.scrum.calendar import MINUTE_US, SprintCalendar
from actors.simulation.cast import Cast
from benchmarks.overlap.fleet import MODEL, tokens_of
from brokers.node.cell import Factory
from brokers.node.context import Context
from inference.text import ChatMessage, GenerateText

CALL_US = 10 * MINUTE_US  # what one turn of the tool loop takes at most
_TASK = (
    "You write code in the workspace of your team, by calls of tools: read, edit, run the tests. "
    "Small steps, and nothing that was not asked for."
)


class WorkingContext:
    """A context in which an agent's stretches of work are asked of a model; everything else is the context's own."""

    def __init__(self, inner: Context, calendar: SprintCalendar) -> None:
        self._inner, self._calendar = inner, calendar

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def sleep(self, duration_us: int) -> Any:
        """Minutes within one day are work; shorter pauses are talk, and what spans a night is mostly night."""
        now_us = self._inner.now_us
        in_one_day = self._calendar.midnight(1, 1) <= now_us and self._day(now_us) == self._day(now_us + duration_us)
        return self._work(duration_us) if in_one_day and duration_us >= MINUTE_US else self._inner.sleep(duration_us)

    def _day(self, time_us: int) -> tuple[int, int]:
        return self._calendar.sprint_of(time_us), self._calendar.day_of(time_us)

    async def _work(self, duration_us: int) -> None:
        left_us = duration_us
        while left_us:
            part_us = left_us if left_us < CALL_US + MINUTE_US else CALL_US  # no call is left that is too short
            await self._inner.effect(self._call(part_us), duration_us=part_us)
            left_us -= part_us

    def _call(self, duration_us: int) -> GenerateText:
        place = f"{self._inner.name}, at {self._inner.now_us}"
        return GenerateText(
            model=MODEL,
            adapter="",
            adapter_version=0,
            messages=(ChatMessage(role="system", content=_TASK), ChatMessage(role="user", content=place)),
            schema="",
            max_tokens=tokens_of(duration_us),
            temperature_permille=0,
            priority="agent",
        )


class ModelStaff(Agent):
    """An agent whose hands are a model."""

    calendar: SprintCalendar

    def on_start(self) -> None:
        """Work through a model from the beginning."""
        self.context = cast(Context, WorkingContext(self.context, self.calendar))
        super().on_start()


def with_model_hands(cast_: Cast) -> Cast:
    """The same cast; its agents' hands are a model."""
    staff = type("Staff", (ModelStaff,), {"calendar": cast_.calendar})
    return replace(cast_, factories={name: _staffed(each, staff) for name, each in cast_.factories.items()})


def _staffed(factory: Factory, staff: type[ModelStaff]) -> Factory:
    if isinstance(factory, partial) and factory.func is Agent:
        return partial(staff, *factory.args, **factory.keywords)
    return factory
