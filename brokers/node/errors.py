"""What can go wrong between actors.

NodeError
+-- RefusedError            an asked actor said no (a domain rule), or failed while handling the question
+-- AskTimeoutError         no answer before the deadline
+-- EffectFailedError       the outside world answered with a typed failure
+-- LinkDelayError          a message would arrive earlier than a link may carry it
+-- AskCycleError           a blocking ask would wait for itself
+-- MailboxOverflowError    more messages wait than the run-wide guard allows; stops the run
+-- RestartLimitError       an actor crashed too often; stops the run, which can be resumed
+-- IslandCrossedError      an actor wrote to one that it was said never to write to; stops the run
"""

from __future__ import annotations


class NodeError(Exception):
    """Base class for errors of the actor runtime."""


class RefusedError(NodeError):
    """Raised in the asker: the receiver refused. `error` is the name of the rule's error class."""

    def __init__(self, error: str, text: str, facts: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(f"{error}: {text}")
        self.error, self.text, self.facts = error, text, facts


class AskTimeoutError(NodeError):
    """Raised in the asker when its virtual deadline passed without an answer."""

    def __init__(self, to: str, kind: str, timeout_us: int) -> None:
        super().__init__(f"{to} did not answer {kind} within {timeout_us} us")
        self.to, self.kind, self.timeout_us = to, kind, timeout_us


class EffectFailedError(NodeError):
    """Raised where an effect was awaited: the engine or sandbox replied with a failure."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class LinkDelayError(NodeError):
    """Raised at the sender of something that would arrive before the link could carry it."""

    def __init__(self, what: str, delay_us: int, least_us: int) -> None:
        super().__init__(f"{what}: {delay_us} us is less than the {least_us} us it takes")
        self.what, self.delay_us, self.least_us = what, delay_us, least_us


class AskCycleError(NodeError):
    """Raised instead of a deadlock: the actors in `cycle` would wait for each other."""

    def __init__(self, cycle: tuple[str, ...]) -> None:
        super().__init__(f"ask would wait for itself: {' -> '.join(cycle)}")
        self.cycle = cycle


class MailboxOverflowError(NodeError):
    """Raised when the messages waiting in one node exceed the run-wide guard; names the largest mailbox."""

    def __init__(self, waiting: int, limit: int, largest: str, depth: int) -> None:
        super().__init__(f"{waiting} messages wait (limit {limit}); the largest mailbox is {largest} with {depth}")
        self.waiting, self.limit, self.largest, self.depth = waiting, limit, largest, depth


class RestartLimitError(NodeError):
    """Raised when an actor crashed more often than supervision allows."""

    def __init__(self, actor: str, restarts: int, error: str) -> None:
        super().__init__(f"{actor} crashed {restarts} times, last with {error}")
        self.actor, self.restarts, self.error = actor, restarts, error


class IslandCrossedError(NodeError):
    """Raised when actors of two islands turn out to know each other: one may be ahead of the other already."""

    def __init__(self, sender: str, receiver: str, kind: str) -> None:
        super().__init__(f"{sender} sent {kind} to {receiver}, who is on another island")
        self.sender, self.receiver, self.kind = sender, receiver, kind
