"""A duty: one part of what a role brings, with the messages it takes care of."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

from actors.roles.desk import Desk

Handler = Callable[[Any], Any]  # a plain or a coroutine function of the message


class Duty(ABC):
    """Base class: handles some kinds of message for the person at the desk."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.context, self.state, self.team = desk.context, desk.state, desk.team

    @abstractmethod
    def handlers(self) -> Mapping[type[Any], Handler]:
        """Which messages this duty takes care of, and how."""
