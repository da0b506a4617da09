"""Overlap of model calls in virtual time: makespan against the critical path and against lock-step.

`python -m benchmarks.overlap.measuring [--quick]`. Targets: DESIGN section 11. Virtual durations are those of the
calibration; what the engines take is in proportion to them, noisy around them, or has nothing to do with them. Every
run of one world has the same log (compared by digest): latencies decide how long it takes and nothing else.

A world is teams of eleven whose judgements ask a model, and whose hands do, too, or are the behavioural ones.
Lock-step is a simulator with a global tick: every call of one tick of ten virtual seconds is waited for before the next
tick begins (what AI Metropolis, arXiv:2411.03519, compares itself with). The critical path bounds everything that
respects causes and the order in which actors handled their letters.

The engines' time is calculated, not waited for: that is exact, repeatable and independent of this machine, and an hour
of engines takes seconds. That really waiting takes as long is measured once, with the same code and engines made fast.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass, replace

from rich.table import Table

from benchmarks.overlap.fleet import NOISE, Sizes, independent, noisy, proportional
from benchmarks.overlap.paths import critical_path_us
from benchmarks.overlap.world import Played, World, play
from benchmarks.support import QUICK, Effort, Target, console, show_targets
from inference.engines.modelled.clock import WallClock
from inference.engines.modelled.hardware import H100, QWEN_CODER_7B, by_data_sheet
from inference.engines.modelled.profile import EngineProfile

PROFILE = by_data_sheet(H100, QWEN_CODER_7B, context_tokens=32_768)
TICK_US = 10_000_000  # of lock-step; longer ticks have fewer borders to wait at
TEAMS = (1, 5, 10)
SEED = 7
LOCK_STEP_TIMES = 2.0
FASTER = 400  # how many times quicker than the profile the engines are that are really waited for


class DigestChangedError(Exception):
    """Raised when latencies changed a log: then the runs that are compared are not the same run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlap:
    """One line of a table; times are of the engines."""

    world: World
    calls: int
    one_by_one_us: int  # all calls after another
    lock_step_us: int
    makespan_us: int
    critical_path_us: int

    @property
    def over_path(self) -> float:
        """How many times the critical path the run took; 1 is the best there is."""
        return self.makespan_us / self.critical_path_us

    @property
    def under_lock_step(self) -> float:
        """How many times faster than lock-step it was."""
        return self.lock_step_us / self.makespan_us

    @property
    def most_under_lock_step(self) -> float:
        """How many times faster than lock-step anything could be that respects causes."""
        return self.lock_step_us / self.critical_path_us


def overlap_of(world: World, sizes: Sizes, *, digest: str | None = None) -> tuple[Overlap, Played]:
    """Run a world as the clock runs it, and in lock-step. Raises DigestChangedError."""
    played = play(world, sizes, profile=PROFILE)
    stepped = play(world, sizes, profile=PROFILE, tick_us=TICK_US)
    if len({played.digest, stepped.digest, digest or played.digest}) > 1:
        raise DigestChangedError(f"{world.agents} agents, {world.what}: the log depends on what engines take")
    found = Overlap(
        world=world,
        calls=len(played.calls),
        one_by_one_us=sum(call.took_us for call in played.calls),
        lock_step_us=stepped.makespan_us,
        makespan_us=played.makespan_us,
        critical_path_us=path_of(played),
    )
    return found, played


def path_of(played: Played) -> int:
    """The critical path of a run, in microseconds."""
    return critical_path_us(played.steps, played.effects, {call.ticket: call.took_us for call in played.calls})


def measure(effort: Effort) -> list[Target]:
    """Print the three tables and return what was to be reached."""
    quick = effort.share < 1
    worlds = [
        World(teams=teams, has_model_hands=hands, seed=SEED)
        for hands in (True, False)
        for teams in (TEAMS[:1] if quick else TEAMS)
    ]
    console.print(f"engines, one for each team: {PROFILE.name} ({PROFILE.source})")
    in_proportion = {world: overlap_of(world, proportional) for world in worlds}
    _show("in proportion to the virtual duration", [found for found, _ in in_proportion.values()])
    around = [overlap_of(world, noisy(SEED), digest=run.digest)[0] for world, (_, run) in in_proportion.items()]
    _show(f"noisy around it (log-normal, sigma {NOISE:g})", around)
    unrelated = [
        overlap_of(world, independent(SEED, _sizes_of(run)), digest=run.digest)[0]
        for world, (_, run) in in_proportion.items()
    ]
    _show("independent of it (that of any other call)", unrelated)
    targets = [each for found, _ in in_proportion.values() for each in _targets(found)]
    return [*targets, *_really_waited(worlds[0])]


def _sizes_of(played: Played) -> tuple[int, ...]:
    return tuple(sorted(call.proportional_tokens for call in played.calls))


def _targets(found: Overlap) -> list[Target]:
    """What the proportional case must reach; against lock-step only where anything could be so much faster."""
    name = f"{found.world.agents} agents, {found.world.what}, proportional"
    over_path = Target(f"{name}: makespan / critical path", 1.1, found.over_path, at_least=False)
    if found.most_under_lock_step < LOCK_STEP_TIMES:
        reason = (
            f"no order of calls is more than {found.most_under_lock_step:.2f} x faster: they have nothing to overlap"
        )
        return [over_path, Target(f"{name}: lock-step / makespan", LOCK_STEP_TIMES, None, reason=reason)]
    return [over_path, Target(f"{name}: lock-step / makespan", LOCK_STEP_TIMES, found.under_lock_step)]


def _really_waited(world: World) -> list[Target]:
    """The same run with engines that take wall time: what is calculated must be what is waited for."""
    profile = _faster(PROFILE)
    calculated = play(world, proportional, profile=profile)
    waited = play(world, proportional, profile=profile, clock=WallClock())
    if waited.digest != calculated.digest:
        raise DigestChangedError("waiting changed the log")
    expected_s = calculated.makespan_us / 1e6 + calculated.process_s
    waited_s = waited.makespan_us / 1e6
    console.print(
        f"{world.agents} agents with engines {FASTER} x faster: {calculated.makespan_us / 1e6:.2f} s calculated, the "
        f"simulator's own {calculated.process_s:.2f} s come to it; {waited_s:.2f} s when it really waits"
    )
    return [
        Target("really waited / engines alone", 1.0, waited_s / (calculated.makespan_us / 1e6)),
        Target("really waited / engines and simulator", 1.25, waited_s / expected_s, at_least=False),
    ]


def _faster(profile: EngineProfile) -> EngineProfile:
    return replace(
        profile,
        iteration_ns=profile.iteration_ns // FASTER,
        sequence_ns=profile.sequence_ns // FASTER,
        prompt_token_ns=profile.prompt_token_ns // FASTER,
        context_token_ns=profile.context_token_ns // FASTER,
    )


def _show(what: str, lines: list[Overlap]) -> None:
    table = Table(title=f"Wall latency {what}", title_justify="left")
    for column in ("agents", "calls of a model", "calls", "one by one", "lock-step", "makespan", "critical path"):
        table.add_column(column, justify="left" if column == "calls of a model" else "right")
    table.add_column("makespan / path", justify="right")
    table.add_column("lock-step / makespan", justify="right")
    table.add_column("at most", justify="right")
    for each in lines:
        seconds = (each.one_by_one_us, each.lock_step_us, each.makespan_us, each.critical_path_us)
        table.add_row(
            str(each.world.agents),
            each.world.what,
            f"{each.calls:,}",
            *(f"{value / 1e6:,.0f} s" for value in seconds),
            f"{each.over_path:.2f}",
            f"{each.under_lock_step:.2f}",
            f"{each.most_under_lock_step:.2f}",
        )
    console.print(table)


def main(argv: list[str] | None = None) -> int:
    """Print the tables; status 1 if a target was missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.overlap.measuring", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one team of eleven only")
    return 0 if show_targets(measure(QUICK if parser.parse_args(argv).quick else Effort())) else 1


if __name__ == "__main__":
    sys.exit(main())
