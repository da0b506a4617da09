"""Whole runs of the simulator in one process, with modelled engines, and what they took in the engines' time.

The run is the real one: real actors, the real clock, effect desk and journal. Only the waiting is calculated: where the
conductor waits for a reply, `EngineWaiter` moves the engines' clock to the next one. The simulator's own work takes no
time there, so what is measured is the clock's rule alone. With `WallClock` the same code really waits.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from actors.policy.prompting.prompts import load_prompts
from actors.simulation.cast import Cast, assemble
from actors.simulation.layout import SERVICES, Layout
from actors.simulation.preparing import prepare
from benchmarks.overlap.fleet import Call, EngineWaiter, Fleet, Sizes
from benchmarks.overlap.paths import Issued, Step
from benchmarks.overlap.staff import with_model_hands
from brokers.clock.conductor import Conductor, Gate, OpenGate
from brokers.clock.effects import EffectDesk
from brokers.clock.messages import EffectRequest
from brokers.journal.journal import Journal
from brokers.node.rows import EffectIssued, Row
from inference.engines.modelled.clock import Clock, VirtualClock
from inference.engines.modelled.profile import EngineProfile

AGENTS_EACH = 11  # in one team of the shipped configuration
OVERRIDES = ("code_generation.mode=modelled", "backlog.refill=seeded")


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What is run."""

    teams: int
    has_model_hands: bool
    seed: int = 7

    @property
    def agents(self) -> int:
        return AGENTS_EACH * self.teams

    @property
    def what(self) -> str:
        return "judgement and hands" if self.has_model_hands else "judgement"


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """A finished run."""

    makespan_us: int  # of the engines' clock
    process_s: float  # of the wall: what this process itself took
    digest: str
    calls: tuple[Call, ...]
    steps: tuple[Step, ...]
    effects: tuple[Issued, ...]


class LockStepGate:
    """Nothing of one tick begins before every call of earlier ticks was answered: simulators with a global tick."""

    is_slow = False

    def __init__(self, fleet: Fleet, *, tick_us: int) -> None:
        self._fleet, self._tick_us, self._tick = fleet, tick_us, 0

    def hold(self, start_us: int, wait: Callable[[int | None], None], *, is_past: bool) -> None:
        """Wait at the border of a tick."""
        if start_us // self._tick_us == self._tick:
            return
        while self._fleet.under_way:
            wait(None)
        self._tick = start_us // self._tick_us

    def passed(self, end_us: int) -> None:
        """Nothing to note."""


class _Desk(EffectDesk):
    """An effect desk that keeps what was asked for."""

    def __init__(self, journal: Journal, fleet: Fleet, *, seed: int) -> None:
        super().__init__(journal, fleet, seed=seed)
        self.issued: list[Issued] = []

    def issue(self, effect: EffectIssued | EffectRequest) -> bytes | None:
        self.issued.append(Issued(effect.actor, effect.number, effect.due_us))
        return super().issue(effect)


class _Steps:
    """Keeps what a path needs of the log."""

    def __init__(self) -> None:
        self.kept: list[Step] = []

    def observe(self, first: int, rows: list[Row]) -> None:
        self.kept += [Step(r.time_us, r.src, r.seq, r.dst, r.kind, r.cause) for r in rows if r.dst]


def play(
    world: World,
    sizes: Sizes,
    *,
    profile: EngineProfile,
    clock: Clock | None = None,
    tick_us: int | None = None,
    runs_ahead: bool = True,
) -> Played:
    """Run one sprint; in lock-step with ticks of `tick_us` where they are given. One engine for each team.

    `runs_ahead`: teams that need not wait go on while others do, as in runs of one process.
    """
    clock = clock or VirtualClock()
    cast = _cast_of(world)
    fleet = Fleet(
        registry=cast.registry,
        seed=cast.seed,
        calibration=cast.calibration,
        prompts=load_prompts(),
        profile=profile,
        engines=world.teams,
        clock=clock,
        sizes=sizes,
    )
    gate = OpenGate() if tick_us is None else LockStepGate(fleet, tick_us=tick_us)
    began_us, steps = clock.now_us(), _Steps()
    with tempfile.TemporaryDirectory() as place, Journal.create(Path(place) / "run.sqlite", {}) as journal:
        desk = _Desk(journal, fleet, seed=cast.seed)
        islands = cast.islands if tick_us is None and runs_ahead else ()
        conductor = _conductor(cast, journal, desk, gate, EngineWaiter(fleet), islands)
        started_s = monotonic()
        conductor.run(steps)
        process_s = monotonic() - started_s
        makespan_us, digest = clock.now_us() - began_us, journal.digest()
    return Played(
        makespan_us=makespan_us,
        process_s=process_s,
        digest=digest,
        calls=tuple(fleet.calls),
        steps=tuple(steps.kept),
        effects=tuple(desk.issued),
    )


def _cast_of(world: World) -> Cast:
    overrides = [*OVERRIDES, f"simulation.replicas={world.teams}"]
    cast = assemble(prepare(None, None, overrides=overrides, seed=world.seed).inputs, sprints=1)
    return with_model_hands(cast) if world.has_model_hands else cast


def _conductor(
    cast: Cast,
    journal: Journal,
    desk: EffectDesk,
    gate: Gate,
    waiter: EngineWaiter,
    islands: tuple[tuple[str, ...], ...],
) -> Conductor:
    partition = cast.partition(Layout(1), SERVICES)
    return Conductor(
        name=SERVICES,
        partition=partition,
        registry=cast.registry,
        codec=cast.codec(partition),
        journal=journal,
        desk=desk,
        link_delay_us=cast.link_delay_us,
        gate=gate,
        waiter=waiter,
        islands=islands,
    )
