"""Why a tool was not used.

ToolsError
+-- CallError          a call is malformed, or a quarter has no room for it; its text is meant for the model
+-- ToolError          a tool refuses; nothing has changed, and its text is meant for the model
+-- UnknownToolError   what was asked for is no use of a tool: a mistake of whoever asked, no model hears of it
"""

from __future__ import annotations

from brokers.wire.registry import Message


class ToolsError(Exception):
    """Base class for everything that keeps a tool from being used."""


class CallError(ToolsError):
    """Raised for a call that is malformed, or refused by a limit of the quarter."""


class ToolError(ToolsError):
    """Raised for a use of a tool that is refused."""


class UnknownToolError(ToolsError):
    """Raised for a message that no desk answers."""

    def __init__(self, call: Message) -> None:
        super().__init__(f"{type(call).__name__} is no use of a tool")
        self.call = call
