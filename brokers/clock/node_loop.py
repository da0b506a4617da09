"""The loop of a node that is not the clock's own: wait for a grant, run the window, answer."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import zmq

from brokers.clock.members import CLOCK, control, deliver_effects, pack_log, waiting_for
from brokers.clock.messages import EffectRequest, Finish, Grant, Hello, NodeFailed, Sent, Welcome, WindowDone
from brokers.links.zmq_links import Inbox, OutLink
from brokers.node.errors import NodeError
from brokers.node.letters import Letter, LetterCodec
from brokers.node.partition import Partition
from brokers.node.rows import WindowResult

MOST_WINDOWS = 64  # that a node runs by itself before it reports


class NodeLoop:
    """One node's process. Owns its partition, its inbox, and its links to the other nodes."""

    def __init__(
        self,
        name: str,
        number: int,
        partition: Partition,
        codec: LetterCodec,
        *,
        endpoint: str,
        clock_endpoint: str,
        context: zmq.Context[Any],
    ) -> None:
        self.where: dict[str, str] = {}  # actor -> node, for actors elsewhere
        self._name, self._number, self._partition, self._codec = name, number, partition, codec
        self._endpoint, self._context = endpoint, context
        self._inbox = Inbox(context, endpoint)
        self._clock = OutLink(context, clock_endpoint, number)
        self._links: dict[str, OutLink] = {}
        self._names: dict[int, str] = {}  # node number -> name
        self._received: dict[str, int] = {}
        self._sent: dict[str, int] = {}
        self._grant: Grant | None = None
        self._finished = False

    def run(self, numbers: Mapping[str, int]) -> None:
        """Serve until the clock says `Finish`. Raises what stopped the node, after telling the clock."""
        self._names = {number: name for name, number in numbers.items()}
        hello = Hello(node=self._name, endpoint=self._endpoint, pid=os.getpid(), next_us=self._partition.next_time())
        self._say(hello)
        try:
            while not self._finished:
                self._accept()
                self._work()
        except NodeError as error:
            self._say(NodeFailed(node=self._name, error=f"{type(error).__name__}: {error}"))
            raise
        finally:
            self._close()

    def _accept(self) -> None:
        frame = self._inbox.receive()
        assert frame is not None
        number, letters = frame
        sender = self._names[number]
        for parts in letters:
            letter = self._codec.from_list(parts)
            if letter.dst.startswith("@"):
                self._steer(letter.body)
            else:
                self._partition.deliver(letter)
                self._received[sender] = self._received.get(sender, 0) + 1

    def _steer(self, message: Any) -> None:
        match message:
            case Welcome(peers=peers):
                for peer in peers:
                    if peer.node != self._name:
                        self.where.update(dict.fromkeys(peer.actors, peer.node))
                        self._connect(peer.node, peer.endpoint)
            case Grant():
                self._grant = message
            case Finish():
                self._finished = True
            case _:
                raise TypeError(f"a node does not understand {message.KIND}")

    def _connect(self, node: str, endpoint: str) -> None:
        clock_node = self._names[0]
        self._links[node] = self._clock if node == clock_node else OutLink(self._context, endpoint, self._number)

    def _work(self) -> None:
        grant = self._grant
        if grant is None or waiting_for(grant.expect, self._received):
            return
        self._grant = None
        deliver_effects(self._partition, grant.effects)
        result = self._partition.run_window(grant.end_us)
        end_us = self._go_on(result, grant)
        sent = self._send(result.outgoing)
        self._say(self._done(grant.window, end_us, result, sent))

    def _go_on(self, result: WindowResult, grant: Grant) -> int:
        """Run more windows while nobody else has anything to do and nobody hears of this node; the end of the last."""
        end_us = grant.end_us
        for _ in range(MOST_WINDOWS):
            next_us = self._partition.next_time()
            if result.outgoing or result.effects or next_us is None or next_us >= grant.limit_us:
                break
            end_us = min(next_us + self._partition.link_delay_us, grant.limit_us)
            more = self._partition.run_window(end_us)
            result.groups += more.groups
            result.outgoing, result.effects = more.outgoing, more.effects
        return end_us

    def _send(self, outgoing: list[Letter]) -> tuple[Sent, ...]:
        earliest: dict[str, int] = {}
        for letter in outgoing:
            node = self.where[letter.dst]
            self._links[node].send(self._codec.to_record(letter))
            self._sent[node] = self._sent.get(node, 0) + 1
            earliest[node] = min(letter.time_us, earliest.get(node, letter.time_us))
        for node in earliest:
            if self._links[node] is not self._clock:
                self._links[node].flush()
        return tuple(Sent(node=node, letters=self._sent[node], earliest_us=at) for node, at in earliest.items())

    def _done(self, window: int, end_us: int, result: WindowResult, sent: tuple[Sent, ...]) -> WindowDone:
        effects = tuple(EffectRequest(**effect._asdict()) for effect in result.effects)
        return WindowDone(
            node=self._name,
            window=window,
            end_us=end_us,
            next_us=self._partition.next_time(),
            waiting=self._partition.waiting,
            sent=sent,
            effects=effects,
            log=pack_log(result.groups),
        )

    def _say(self, message: Any) -> None:
        self._clock.send(control(self._codec, CLOCK, message))
        self._clock.flush()

    def _close(self) -> None:
        for link in {id(link): link for link in (self._clock, *self._links.values())}.values():
            link.close()
        self._inbox.close()
