"""A stand-in for the services node: answers the hub from a script, in a thread of its own."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

import zmq

from brokers.hub.feed import ClientCommand, HubFeed, event_payload

HELLO = {"run": "scripted", "choices": {"disturbance.type": ["flaky_test", "scope_creep"], "actor": ["agent/ada"]}}


class ScriptedRun:
    """Publishes an event for each carried-out change; keeps what it was asked."""

    def __init__(self, endpoint: str) -> None:
        self.commands: list[ClientCommand] = []
        self.seq = 0
        self.holds = threading.Event()  # set: commands are taken but not answered
        self.held: list[ClientCommand] = []
        self._endpoint = endpoint
        self._wake, self._waker = os.pipe()
        self._todo: list[Callable[[HubFeed], None]] = []
        self._stopping = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def do(self, work: Callable[[HubFeed], None]) -> None:
        """Call `work(feed)` in the run's thread."""
        self._todo.append(work)
        os.write(self._waker, b"x")

    def publish(self, count: int) -> None:
        """Publish the next events."""

        def publish(feed: HubFeed) -> None:
            for _ in range(count):
                self._publish(feed)

        self.do(publish)

    def answer_held(self) -> None:
        """Answer what was held back."""
        self.holds.clear()

        def answer(feed: HubFeed) -> None:
            while self.held:
                self._answer(feed, self.held.pop(0))

        self.do(answer)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stopping = True
        os.write(self._waker, b"x")
        self._thread.join(5)
        assert not self._thread.is_alive()
        os.close(self._wake)
        os.close(self._waker)

    def _run(self) -> None:
        context: zmq.Context[Any] = zmq.Context()
        feed = HubFeed(context, self._endpoint)
        feed.hello(HELLO)
        feed.sample(b"# TYPE sprint_velocity gauge\nsprint_velocity 21.0\n")
        poller = zmq.Poller()
        poller.register(feed.socket, zmq.POLLIN)
        poller.register(self._wake, zmq.POLLIN)
        while not self._stopping:
            ready = dict(poller.poll(10_000))
            if self._wake in ready:
                os.read(self._wake, 1)
                while self._todo:
                    self._todo.pop(0)(feed)
            for command in feed.poll():
                self.commands.append(command)
                if self.holds.is_set():
                    self.held.append(command)
                else:
                    self._answer(feed, command)
            feed.flush()
        feed.close()
        context.term()

    def _answer(self, feed: HubFeed, command: ClientCommand) -> None:
        match command.body["command"]:
            case "snapshot":
                answer: dict[str, Any] = {"ok": True, "seq": self.seq, "boards": {"team-1": {"ready": ["S-1"]}}}
            case "inject" if command.body.get("at_us") == 1:
                answer = {"ok": False, "error": "too_late", "reason": "the run is past 1", "allowed": []}
            case "inject":
                self._publish(feed)
                answer = {"ok": True, "at_us": command.body.get("at_us", 50_000), "number": self.seq}
            case _:
                answer = {"ok": True, "time_us": 50_000}
        feed.reply(command.request_id, answer)

    def _publish(self, feed: HubFeed) -> None:
        self.seq += 1
        body = {"kind": "story.moved/1", "n": self.seq}
        payload = event_payload(
            seq=self.seq, time_us=self.seq * 10, src="board/team-1", kind="story.moved/1", cause="", body=body
        )
        feed.publish(self.seq, "event.story.moved/1", payload)
