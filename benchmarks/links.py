"""Telling an actor in another process: our links against raw pyzmq with msgpack, xoscar and Ray.

Ours carry the full envelope `[time, dst, src, seq, cause, corr, deadline, body]` in numbered frames and end in an
actor's `on_receive`. Raw pyzmq sends the bare map, one to a frame, and only unpacks it. The targets hold for a plain
map as body, so both sides carry the same. What nodes of a simulation do on top is a row of its own without a target:
building frozen messages and checking them field by field costs more than the link does. The time runs from the first
send until the receiver has said that the last message was handled.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import zmq

from benchmarks import loads
from benchmarks.peers import PEERS, Peer, is_installed
from benchmarks.receiving import HWM
from benchmarks.support import Effort, Target, interleave, rate, show_ratios
from brokers.links.zmq_links import OutLink
from brokers.node.letters import Letter, LetterCodec, tie_breaker
from brokers.processes import start_child, stop_children
from brokers.wire.packing import packer

COUNTS = {"raw": 40_000, "plain": 60_000, "typed": 60_000, "xoscar": 4_000, "ray": 4_000}
NAMES = {
    "raw": "raw pyzmq + msgpack",
    "plain": "our links, plain map",
    "typed": "our links, typed message",
    "xoscar": "xoscar",
    "ray": "Ray actor",
}
WANTED = [("raw", 0.75), ("xoscar", 15.0), ("ray", 50.0)]
PATIENCE_MS = 60_000

Send = Callable[[int], None]


class Receiver:
    """The other process of one case: started once, measured in every round."""

    def __init__(self, case: str, count: int, folder: Path, context: zmq.Context[Any]) -> None:
        self.endpoint = f"ipc://{folder}/{case}.sock"
        self._count = count
        reports = f"ipc://{folder}/{case}-reports.sock"
        self._reports = context.socket(zmq.PULL)
        self._reports.rcvtimeo = PATIENCE_MS
        self._reports.bind(reports)
        arguments = [case, self.endpoint, reports, str(count), str(os.getpid())]
        self.process = start_child([sys.executable, "-m", "benchmarks.receiving", *arguments])
        self._reports.recv()  # it listens

    def measure(self, send: Send) -> float:
        """Messages per wall second, all handled."""

        def work(count: int) -> None:
            send(count)
            self._reports.recv()

        return rate(work, self._count)

    def close(self) -> None:
        self._reports.close(linger=0)
        stop_children([self.process])


def raw_sender(load: str, endpoint: str, context: zmq.Context[Any]) -> Send:
    """One map to a frame."""
    body, pack = loads.body(load), packer()
    push = context.socket(zmq.PUSH)
    push.sndhwm = HWM
    push.connect(endpoint)

    def send(count: int) -> None:
        for _ in range(count):
            push.send(pack(body))

    return send


def plain_sender(load: str, endpoint: str, context: zmq.Context[Any]) -> Send:
    """The envelope around a plain map."""
    body, pack, link = loads.body(load), packer(), OutLink(context, endpoint, 1)

    def send(count: int) -> None:
        for seq in range(count):
            link.send(pack([36_127_250_000 + seq, "counter", "agent/007", seq, "agent/007:41", 0, 0, body]))
        link.flush()

    return send


def typed_sender(load: str, endpoint: str, context: zmq.Context[Any]) -> Send:
    """What a node does: a letter around a message, through the codec."""
    message, codec = loads.LOADS[load], LetterCodec(loads.registry(), tie_breaker(1))
    link = OutLink(context, endpoint, 1)

    def send(count: int) -> None:
        for seq in range(count):
            letter = Letter(36_127_250_000 + seq, 0, "agent/007", seq, "counter", "agent/007:41", 0, 0, message)
            link.send(codec.to_record(letter))
        link.flush()

    return send


SENDERS = {"raw": raw_sender, "plain": plain_sender, "typed": typed_sender}


@contextmanager
def cases(load: str, effort: Effort, peers: dict[str, Peer]) -> Iterator[dict[str, Callable[[], float]]]:
    """All that can be measured here, by name; everything that was started is stopped at the end."""
    context: zmq.Context[Any] = zmq.Context()
    with tempfile.TemporaryDirectory(prefix="scrummage-bench-") as folder, ExitStack() as stack:
        stack.callback(context.destroy, linger=0)
        found: dict[str, Callable[[], float]] = {}
        for case, sender in SENDERS.items():
            receiver = Receiver(case, effort.count(COUNTS[case]), Path(folder), context)
            stack.callback(receiver.close)
            send = sender(load, receiver.endpoint, context)
            found[case] = lambda receiver=receiver, send=send: receiver.measure(send)  # type: ignore[misc]
        body = loads.body(load)
        for name, peer in peers.items():
            count = effort.count(COUNTS[name])
            found[name] = lambda peer=peer, count=count: peer.tell(body, count)  # type: ignore[misc]
        yield found


def measure(effort: Effort) -> list[Target]:
    """Print the tables and return what was to be reached."""
    targets: list[Target] = []
    with ExitStack() as stack:
        peers = {name: stack.enter_context(start()) for name, start in PEERS.items() if is_installed(name)}
        for load in loads.LOADS:
            size = len(packer()(loads.body(load)))
            with cases(load, effort, peers) as found:
                measured = interleave(found, effort)
            shown = {NAMES[case]: value for case, value in measured.items()}
            show_ratios(f"tell to another process, {load} ({size} B)", shown, base=NAMES["raw"])
            targets.extend(_targets(load, measured))
    return targets


def _targets(load: str, measured: dict[str, float]) -> list[Target]:
    found: list[Target] = []
    for other, bound in WANTED:
        ratio = measured["plain"] / measured[other] if other in measured else None
        what = f"{NAMES['plain']} / {NAMES[other]}, {load}"
        found.append(Target(what, bound, ratio, reason="" if ratio else "not installed"))
    return found
