"""A pool whose one text engine is served by a thread of the asking process: for runs in a single process.

The thread connects to the pool as an engine's process would and is started again alike, so both give the same replies.
"""

from __future__ import annotations

import sys
import threading
import time
from typing import Any

import zmq

from brokers.processes import RestartPolicy
from inference.engines.text_worker import serve_text
from inference.pool.dispatcher import PoolDispatcher
from inference.pool.state import Serves
from inference.text import EngineLostError, ServedText
from inference.waking import StopSignal

POLICY = RestartPolicy(max_restarts=20)


class HostedText:
    """Has the `submit`, `drain` and `sockets` of a pool. Owned and used by one thread, beside its own."""

    def __init__(
        self,
        context: zmq.Context[Any],
        endpoint: str,
        served: ServedText,
        *,
        name: str = "text-0",
        policy: RestartPolicy = POLICY,
    ) -> None:
        """Bind and start the thread. Raises zmq.ZMQError if the endpoint cannot be bound."""
        self._pool = PoolDispatcher(context, endpoint)
        self._pool.expect({name: Serves(served.models)})  # a model that it has not is refused, not waited for
        self._served, self._name, self._policy = served, name, policy
        self._stop, self._given_up = StopSignal(), StopSignal()
        self._wake = threading.Event()  # set when the waiting between two lives is to end
        self._lost: Exception | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    @property
    def sockets(self) -> tuple[Any, ...]:
        """The pool's, and one that becomes readable when the engine is given up."""
        return (*self._pool.sockets, self._given_up.fileno())

    def submit(self, ticket: str, request: bytes, seed: int) -> None:
        """Take a request on."""
        self._pool.submit(ticket, request, seed)

    def drain(self) -> list[tuple[str, bytes]]:
        """Replies that are there now. Raises EngineLostError once the engine was lost too often in a row."""
        if self._lost is not None:
            raise self._lost
        return self._pool.drain()

    def close(self) -> None:
        """End the thread and close the pool; requests that are open stay unanswered."""
        self._stop.set()
        self._wake.set()
        self._thread.join()
        self._pool.close()
        self._stop.close()
        self._given_up.close()

    def _run(self) -> None:
        try:
            self._live()
        except Exception as error:  # noqa: BLE001 - raised again where the run waits, for ever otherwise
            self._lost = error
            self._given_up.set()

    def _live(self) -> None:
        """One life of the engine after another. Raises EngineLostError when it is to be given up."""
        restarts = 0
        while not self._stop.is_set():
            began_s = time.monotonic()
            try:
                serve_text(self._served, self._pool.endpoint, self._name, self._stop)
            except EngineLostError as error:
                print(f"engine {self._name}: {error}", file=sys.stderr)
                again = self._policy.after_exit(restarts, lived_s=time.monotonic() - began_s)
                if again is None:
                    raise
                restarts, wait_s = again
                self._wake.wait(wait_s)
