"""The run's own side of the hub: what outsiders see, and what they may do.

Injections and crashes change the run: they are journalled, with the time they take effect, before they are
acknowledged, so a resumed run meets them again. Pause, step, resume and stop change nothing and are not journalled.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import partial
from itertools import islice
from typing import Any, TypeAlias, get_args

import zmq

from actors.scrum.messages import DisturbanceKind
from actors.services.disturbance_messages import CrashActor, InjectDisturbance
from actors.services.recorder import Snapshot
from actors.simulation.cast import Cast
from actors.simulation.gates import RunGate
from actors.simulation.pool_watch import LOOK_S, PoolWatch
from actors.simulation.recorder_feed import RecorderFeed
from brokers.clock.conductor import Conductor
from brokers.hub.feed import ClientCommand, HubFeed, event_payload
from brokers.journal.journal import Journal
from brokers.journal.reader import JournalReader
from brokers.journal.rows import StoredCommand
from brokers.node.letters import Letter, LetterCodec
from brokers.node.rows import Row
from brokers.wire.packing import packer, unpack

OUTSIDE = "outside"
Answer: TypeAlias = dict[str, Any]


class Outside:
    """Observes the log for the recorder and the hub, and carries commands into the run."""

    def __init__(
        self,
        *,
        cast: Cast,
        journal: Journal,
        gate: RunGate,
        feed: RecorderFeed,
        hub: HubFeed | None,
        say: Callable[[dict[str, Any]], None],
        pool: PoolWatch | None = None,
    ) -> None:
        self.replayed = 0  # rows compared with an earlier life
        self._cast, self._journal, self._gate, self._feed, self._hub, self._say = cast, journal, gate, feed, hub, say
        self._pool = pool
        self._pack = packer()
        self._published = 0  # events so far: the `seq` that subscribers see
        self._commands = 0
        self._postponed: list[ClientCommand] = []  # came while the past was replayed
        self._is_finished = False
        self._conductor: Conductor | None = None
        self._codec: LetterCodec | None = None

    def open(self, conductor: Conductor) -> None:
        """Put the commands of earlier lives back in, and begin to listen."""
        self._conductor, self._codec = conductor, conductor.codec
        conductor.on_caught_up = self._answer_postponed
        for command in self._journal.commands():
            self._commands = max(self._commands, command.number)
            conductor.post_from_outside(self._letter(command))
        if self._hub is not None:
            choices = {
                "disturbance.type": list(get_args(DisturbanceKind)),
                "disturbance.team": list(self._cast.info.teams),
            }
            choices["actor"] = list(self._cast.factories)
            self._hub.hello({"seed": self._cast.seed, "sprints": self._cast.sprints, "choices": choices})
            conductor.waiter.add(self._hub.socket, self._attend)
        if self._pool is not None:
            conductor.waiter.every(LOOK_S, partial(self._pool.look, self._hub))

    # --- observer --------------------------------------------------------------------------------------------------

    def observe(self, first: int, rows: list[Row]) -> None:
        """Pass rows on. Nothing here can change the run."""
        self._feed.observe(first, rows)
        is_past = first <= self._journal.stored_count()
        if is_past:
            self.replayed = first + len(rows) - 1
        for row in rows:
            if row.message is not None:
                self._published += 1
                if self._hub is not None and not is_past:
                    self._publish(row)
        if self._feed.is_due():
            self.sample()
        elif self._hub is not None and self._gate.is_slow:
            self._hub.flush()

    def sample(self) -> None:
        """Bring metrics and progress up to date."""
        sampled = self._feed.sample()
        if self._hub is not None:
            of_pool = b"" if self._pool is None else self._pool.exposition()
            self._hub.sample(sampled.exposition + of_pool)
            self._hub.flush()
        self._say({"progress": sampled.progress})

    def finished(self) -> None:
        """The run is over; outsiders may still look."""
        self._is_finished = True
        self._answer_postponed()
        self.sample()

    def hold(self, seconds: float) -> None:
        """Stay reachable for so long. Raises InterruptedRunError when told to stop."""
        assert self._conductor is not None
        deadline_s = time.monotonic() + seconds
        while (left_s := deadline_s - time.monotonic()) > 0 and not self._gate.is_stopped:
            self._conductor.waiter.wait(round(min(left_s, 0.2) * 1000) + 1)

    def _publish(self, row: Row) -> None:
        assert self._hub is not None
        payload = event_payload(
            seq=self._published,
            time_us=row.time_us,
            src=row.src,
            kind=row.kind,
            cause=row.cause,
            body=self._cast.registry.to_body(row.message),
        )
        self._hub.publish(self._published, f"event.{row.kind}", payload)

    # --- commands --------------------------------------------------------------------------------------------------

    def _attend(self) -> None:
        assert self._hub is not None
        assert self._conductor is not None
        for command in self._hub.poll():
            if self._conductor.is_replaying and command.body["command"] in ("inject", "crash"):
                self._postponed.append(command)
            else:
                self._handle(command)

    def _answer_postponed(self) -> None:
        """Carry out what was asked while the past was replayed."""
        postponed, self._postponed = self._postponed, []
        for command in postponed:
            self._handle(command)

    def _handle(self, command: ClientCommand) -> None:
        assert self._hub is not None
        assert self._conductor is not None
        self._hub.reply(command.request_id, self._answer(command, self._conductor))
        self._hub.flush()

    def _answer(self, command: ClientCommand, conductor: Conductor) -> Answer:
        body = command.body
        match body["command"]:
            case "status":
                return self._status(conductor)
            case "snapshot":
                return {"ok": True, "seq": self._published, "now_us": conductor.now_us, "boards": self._boards(body)}
            case "pool":
                return {"ok": True, "pool": None if self._pool is None else self._pool.answer()}
            case "events":
                return self._history(body)
            case "pause":
                self._gate.pause()
            case "resume":
                self._gate.resume()
            case "step" if body.get("until") == "day":
                self._gate.step_until_next_day(conductor.now_us)
            case "step":
                self._gate.step(windows=body.get("windows", 1))
            case "stop":
                self._gate.stop()
            case "inject" | "crash":
                return self._change(command, conductor)
        return {"ok": True, "now_us": conductor.now_us, "paused": self._gate.is_paused}

    def _status(self, conductor: Conductor) -> Answer:
        return {
            "ok": True,
            "now_us": conductor.now_us,
            "paused": self._gate.is_paused,
            "held": self._gate.is_holding,
            "finished": self._is_finished,
            "replaying": conductor.is_replaying,
            "seq": self._published,
            **self._feed.sample().progress,
        }

    def _boards(self, body: Mapping[str, Any]) -> dict[str, Any]:
        boards: dict[str, Any] = self._feed.ask(Snapshot())
        team = body.get("team")
        return boards if team is None else {name: board for name, board in boards.items() if name == team}

    def _history(self, body: Mapping[str, Any]) -> Answer:
        """Published events from number `from` on, of those that are committed."""
        self._journal.commit()
        first, limit = body.get("from", 1), body.get("limit", 100)
        with JournalReader(self._journal.path) as reader:
            published = (row for _, row in reader.rows() if not row.dst)
            wanted = list(enumerate(islice(published, first - 1, first - 1 + limit), first))
        events = [
            {"seq": seq, "time_us": row.time_us, "src": row.src, "kind": row.kind, "cause": row.cause}
            | {"body": unpack(row.record)[7]}
            for seq, row in wanted
        ]
        return {"ok": True, "events": events, "next": first + len(events)}

    def _change(self, command: ClientCommand, conductor: Conductor) -> Answer:
        dst, message = self._translate(command.body)
        packed = self._pack([dst, self._cast.registry.to_body(message)])
        known = self._journal.find_command(command.client, command.client_id)
        if known is not None and known.body != packed:
            return _refused("id_reused", "this client used this id for another command")
        if known is not None:
            return {"ok": True, "number": known.number, "at_us": known.time_us}
        now_us = conductor.now_of(dst)
        at_us = command.body.get("at_us", now_us)
        if self._is_finished:
            return _refused("finished", "the run is over")
        if at_us < now_us:
            return _refused("too_late", f"{at_us} is over; the run is at {now_us}")
        if at_us >= self._cast.ends_us:
            return _refused("after_the_end", f"the last sprint is over at {self._cast.ends_us}")
        self._commands += 1
        stored = StoredCommand(self._commands, at_us, command.client, command.client_id, packed)
        self._journal.add_command(stored)
        self._journal.commit()
        conductor.post_from_outside(self._letter(stored))
        return {"ok": True, "number": stored.number, "at_us": at_us}

    def _translate(self, body: Mapping[str, Any]) -> tuple[str, Any]:
        if body["command"] == "crash":
            return body["actor"], CrashActor(reason="asked for from outside")
        wish = body["disturbance"]
        team = wish.get("team", self._cast.info.teams[0])
        message = InjectDisturbance(type=wish["type"], severity=wish.get("severity"), story_id=wish.get("story_id"))
        return f"disturber/{team}", message

    def _letter(self, command: StoredCommand) -> Letter:
        assert self._codec is not None
        dst, body = unpack(command.body)
        message = self._cast.registry.from_body(body)
        tie = self._codec.tie(command.time_us, OUTSIDE)
        return Letter(command.time_us, tie, OUTSIDE, command.number, dst, "", 0, 0, message)


def _refused(error: str, reason: str) -> Answer:
    return {"ok": False, "error": error, "reason": reason, "allowed": []}


def connect_hub(context: zmq.Context[Any], endpoint: str | None) -> HubFeed | None:
    """The feed to a hub, if there is one."""
    return None if endpoint is None else HubFeed(context, endpoint)
