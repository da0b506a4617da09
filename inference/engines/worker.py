"""The loop of an engine process: announce, answer in order, announce again while idle."""

from __future__ import annotations

import os
import sys
import time

import zmq

from brokers.wire.registry import Registry
from inference.engine import Engine
from inference.engines.answering import Answerer
from inference.pool.frames import (
    HIGH_WATER_MARK,
    MAX_FRAME_BYTES,
    Drain,
    FrameError,
    FromPool,
    GivenUp,
    Work,
    pack_bye,
    pack_ready,
    pack_replies,
    unpack_from_pool,
)
from inference.waking import StopSignal

SLOTS = 64  # requests that an engine without a batcher of its own takes at once
SIGN_OF_LIFE_MS = 1_000
_LINGER_MS = 200
REPLY_BATCH_BYTES = MAX_FRAME_BYTES // 4


def serve(
    engine: Engine, endpoint: str, name: str, registry: Registry, stop: StopSignal, *, slots: int = SLOTS
) -> None:
    """Answer what the pool at `endpoint` asks until `stop` is set or the pool has no more for it; then say goodbye.

    The incarnation comes from process and clock. It tells two lives of one engine apart and enters no log.
    """
    incarnation = f"{os.getpid()}-{time.monotonic_ns()}"
    answerer = Answerer(engine, registry)
    engine.start()
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    pool = connect(context, endpoint, name)
    try:
        pool.send(pack_ready(incarnation, slots))
        poller = zmq.Poller()
        poller.register(pool, zmq.POLLIN)
        poller.register(stop.fileno(), zmq.POLLIN)
        while not stop.is_set():
            ready = dict(poller.poll(SIGN_OF_LIFE_MS))
            if not ready:
                pool.send(pack_ready(incarnation, slots), zmq.NOBLOCK)
            elif pool in ready:
                frame = _received(pool)
                if isinstance(frame, Drain | GivenUp):  # what came before is answered: one after another
                    break
                _answer_all(pool, frame if isinstance(frame, list) else [], answerer, incarnation, stop)
        pool.send(pack_bye(incarnation), zmq.NOBLOCK)
    except zmq.Again:  # nobody has read anything for a very long time
        print(f"{name}: the pool at {endpoint} does not read any more", file=sys.stderr)
    finally:
        pool.close()
        context.term()
        engine.close()


def connect(context: zmq.Context[zmq.Socket[bytes]], endpoint: str, name: str) -> zmq.Socket[bytes]:
    """A socket by which the pool knows an engine under its name."""
    pool = context.socket(zmq.DEALER)
    pool.identity = name.encode()
    pool.linger = _LINGER_MS
    pool.maxmsgsize = MAX_FRAME_BYTES
    pool.sndhwm = pool.rcvhwm = HIGH_WATER_MARK
    pool.connect(endpoint)
    return pool


def _received(pool: zmq.Socket[bytes]) -> FromPool:
    """One frame; one that is malformed says nothing."""
    try:
        return unpack_from_pool(pool.recv())
    except FrameError as error:
        print(f"dropped a frame: {error}", file=sys.stderr)
        return []


def _answer_all(
    pool: zmq.Socket[bytes], work: list[Work], answerer: Answerer, incarnation: str, stop: StopSignal
) -> None:
    """One frame of requests; its replies go back together, in more frames where they are large."""
    replies: list[tuple[str, bytes]] = []
    size = 0
    for part in work:
        if stop.is_set():
            return
        reply = _answer(part, answerer)
        replies.append(reply)
        size += len(reply[1])
        if size > REPLY_BATCH_BYTES:
            pool.send(pack_replies(incarnation, replies))
            replies, size = [], 0
    if replies:
        pool.send(pack_replies(incarnation, replies))


def _answer(part: Work, answerer: Answerer) -> tuple[str, bytes]:
    return part.ticket, answerer.answer(part.request, part.seed)
