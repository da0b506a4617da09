"""Which engine goes onto which devices: from a pool's wishes and its hosts to a plan. Pure.

Large groups are placed first, then large shares. A group of devices lies on one host, neighbours first (one board or
switch, then the order of the bus), where the least is left over. If that leaves somebody out, other places are tried in
turn, up to a bound; so a plan that is refused has hardly any other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from config.pool_section import PoolSection, TierSection
from inference.pool.building import cpu_environment, engine_of, gpu_environment
from inference.pool.plan import Gpu, Host, PlacementError, PlacementPlan, PlacementProblem, PlannedEngine
from inference.pool.state import PoolLimits

MAX_TRIES = 20_000  # places that are looked at before a plan is called impossible


@dataclass(frozen=True, slots=True)
class _Wish:
    """One engine to be placed."""

    tier: str
    number: int
    section: TierSection

    @property
    def name(self) -> str:
        return f"{self.tier}-{self.number}"

    @property
    def permille(self) -> int:
        return max(1, round(1000 * self.section.memory_share))


@dataclass(slots=True)
class _Room:
    """What is left of the hosts."""

    hosts: tuple[Host, ...]
    memory: dict[tuple[str, str], int] = field(default_factory=dict)  # permille free, by host and device
    cores: dict[str, list[int]] = field(default_factory=dict)  # free ones, by host

    def __post_init__(self) -> None:
        for host in self.hosts:
            self.cores[host.name] = sorted(host.cores)
            for gpu in host.gpus:
                self.memory[host.name, gpu.uuid] = gpu.free_permille

    def keep(self, wish: _Wish, there: PlannedEngine) -> bool:
        """Whether an engine that is there is just what is wished; then it keeps its devices and cores."""
        if not _is_as_wished(wish, there, self.hosts):
            return False
        for device in there.devices:
            self.memory[there.host, device] -= wish.permille
        for core in there.cores:
            self.cores[there.host].remove(core)
        return True


def place(pool: PoolSection, hosts: Sequence[Host]) -> PlacementPlan:
    """Give every engine its host, devices and cores. The same wishes and hosts make the same plan.

    Raises:
        PlacementError: Something does not fit; one problem for each key that is to blame.
    """
    return _place(pool, hosts, {})


def place_again(pool: PoolSection, before: PlacementPlan, hosts: Sequence[Host]) -> PlacementPlan:
    """Place a pool whose wishes changed while it runs: engines that are wished as before stay where they are.

    Only where that leaves somebody out everything may move. Raises PlacementError.
    """
    try:
        return _place(pool, hosts, {each.name: each for each in before.engines})
    except PlacementError:
        return _place(pool, hosts, {})


def _place(pool: PoolSection, hosts: Sequence[Host], before: Mapping[str, PlannedEngine]) -> PlacementPlan:
    room = _Room(tuple(hosts))
    wishes = [_Wish(tier, number, each) for tier, each in pool.tiers.items() for number in range(each.engines)]
    order = {each.name: position for position, each in enumerate(wishes)}
    stay = [each for wish in wishes if (each := before.get(wish.name)) is not None and room.keep(wish, each)]
    wishes = [wish for wish in wishes if wish.name not in {each.name for each in stay}]
    on_gpus = [each for each in wishes if needs_gpus(each.section)]
    on_cores = [each for each in wishes if each.section.cores is not None and not needs_gpus(each.section)]
    elsewhere = [each for each in wishes if each not in on_gpus and each not in on_cores]
    problems = [*_too_large(on_gpus, room), *_lacking_cores(on_cores, room)]
    groups = {} if problems else _groups(on_gpus, room)
    if groups is None:
        problems = [_no_room(on_gpus, room)]
    if problems or groups is None:
        raise PlacementError(tuple(problems))
    engines = [*(_on_gpus(each, *groups[each.name]) for each in on_gpus), *_with_cores(on_cores, room)]
    engines += [engine_of(each.name, each.tier, each.section) for each in elsewhere] + stay
    return PlacementPlan(
        engines=tuple(sorted(engines, key=lambda each: order[each.name])),
        hosts=tuple(hosts),
        limits=PoolLimits(reserve=pool.reserve, lease_s=pool.lease_s),
        max_restarts=pool.max_restarts,
    )


def _is_as_wished(wish: _Wish, there: PlannedEngine, hosts: Sequence[Host]) -> bool:
    if not there.devices and not there.cores:
        return there == engine_of(wish.name, wish.tier, wish.section)
    host = next((each for each in hosts if each.name == there.host), None)
    if host is None or not set(there.cores) <= set(host.cores) or len(there.cores) != (wish.section.cores or 0):
        return False
    if there.cores:
        return there == _on_cores(wish, host, there.cores)
    gpus = tuple(gpu for uuid in there.devices for gpu in host.gpus if gpu.uuid == uuid)
    fits = len(gpus) == len(there.devices) == wish.section.tensor_parallel
    return fits and there == _on_gpus(wish, host, gpus)


def needs_gpus(tier: TierSection) -> bool:
    """Whether engines of a tier run on GPUs: those that hold a model, unless they were given cores."""
    return tier.engine == "vllm" and tier.cores is None


# -- GPUs --------------------------------------------------------------------------------------------------------------


def _too_large(wishes: Sequence[_Wish], room: _Room) -> Iterator[PlacementProblem]:
    """Tiers of which not even one engine fits, whatever the others take."""
    for wish in (each for each in wishes if not each.number):
        width, most = wish.section.tensor_parallel, max((len(host.gpus) for host in room.hosts), default=0)
        if width > most:
            yield PlacementProblem(
                ("tiers", wish.tier, "tensor_parallel"),
                f"{width} GPUs of one host are needed, and no host has more than {most}",
                f"at most {most}" if most else "cores, to run on processors",
            )
            continue
        best = max(_shares(wish, room), default=0)
        if wish.permille > best:
            yield PlacementProblem(
                ("tiers", wish.tier, "memory_share"),
                f"{wish.permille / 1000:g} of each of {width} GPUs is needed, and at most {best / 1000:g} is free",
                f"at most {best / 1000:g}",
            )


def _shares(wish: _Wish, room: _Room) -> Iterator[int]:
    for host in room.hosts:
        free = sorted((room.memory[host.name, gpu.uuid] for gpu in host.gpus), reverse=True)
        if len(free) >= wish.section.tensor_parallel:
            yield free[wish.section.tensor_parallel - 1]


def _groups(wishes: Sequence[_Wish], room: _Room) -> dict[str, tuple[Host, tuple[Gpu, ...]]] | None:
    """Host and devices of each engine; None if no way was found to place all."""
    order = sorted(wishes, key=lambda each: (-each.section.tensor_parallel, -each.permille, each.name))
    placed: dict[str, tuple[Host, tuple[Gpu, ...]]] = {}
    tries = 0

    def place_from(position: int) -> bool:
        nonlocal tries
        if position == len(order):
            return True
        wish = order[position]
        for host, gpus in _candidates(wish, room):
            tries += 1
            if tries > MAX_TRIES:
                return False
            for gpu in gpus:
                room.memory[host.name, gpu.uuid] -= wish.permille
            placed[wish.name] = (host, gpus)
            if place_from(position + 1):
                return True
            for gpu in gpus:
                room.memory[host.name, gpu.uuid] += wish.permille
        return False

    return placed if place_from(0) else None


def _candidates(wish: _Wish, room: _Room) -> list[tuple[Host, tuple[Gpu, ...]]]:
    """Where an engine fits, the best first; of places that differ in nothing that counts, only the first."""
    found: dict[tuple[object, ...], tuple[tuple[int, ...], Host, tuple[Gpu, ...]]] = {}
    for number, host in enumerate(room.hosts):
        for gpus in _neighbours(host, wish, room):
            left = sum(room.memory[host.name, gpu.uuid] - wish.permille for gpu in gpus)
            rank = (_distance(gpus), left, number, gpus[0].index)
            alike: tuple[object, ...] = gpus  # what a group leaves over depends on where it lies
            if len(gpus) == 1:
                alike = (number, gpus[0].group, left)
            if alike not in found or rank < found[alike][0]:
                found[alike] = (rank, host, gpus)
    return [(host, gpus) for _, host, gpus in sorted(found.values(), key=lambda each: each[0])]


def _neighbours(host: Host, wish: _Wish, room: _Room) -> Iterator[tuple[Gpu, ...]]:
    """Groups of devices that have room for an engine: next to each other, as far as full ones between them allow."""
    free = [gpu for gpu in host.gpus if room.memory[host.name, gpu.uuid] >= wish.permille]
    width = wish.section.tensor_parallel
    ordered = sorted(free, key=lambda gpu: gpu.index)
    windows = [tuple(ordered[start : start + width]) for start in range(len(ordered) - width + 1)]
    groups: dict[int, list[Gpu]] = {}
    for gpu in ordered:
        groups.setdefault(gpu.group, []).append(gpu)
    for members in groups.values():
        windows += [tuple(members[start : start + width]) for start in range(len(members) - width + 1)]
    yield from dict.fromkeys(windows)


def _distance(gpus: tuple[Gpu, ...]) -> int:
    """How far the devices of a group lie apart: over boards or switches first, then along the bus."""
    return sum(1000 * (one.group != other.group) + abs(other.index - one.index) - 1 for one, other in pairwise(gpus))


def _no_room(wishes: Sequence[_Wish], room: _Room) -> PlacementProblem:
    """Everything fits by itself and not together: blame the tier that takes most."""
    asked: dict[str, int] = {}
    for wish in wishes:
        asked[wish.tier] = asked.get(wish.tier, 0) + wish.permille * wish.section.tensor_parallel
    largest = max(asked, key=lambda tier: (asked[tier], tier))
    total = sum(gpu.free_permille for host in room.hosts for gpu in host.gpus)
    gpus = sum(len(host.gpus) for host in room.hosts)
    needs = ", ".join(f"{tier} {share / 1000:g}" for tier, share in asked.items())
    return PlacementProblem(
        ("tiers", largest, "engines"),
        f"the engines do not fit on {gpus} GPUs with {total / 1000:g} of their memory free together; "
        f"asked for, in GPUs: {needs}, {sum(asked.values()) / 1000:g} in all",
        "fewer engines, smaller shares, or more GPUs",
    )


def _on_gpus(wish: _Wish, host: Host, gpus: tuple[Gpu, ...]) -> PlannedEngine:
    devices = tuple(gpu.uuid for gpu in gpus)
    engine = engine_of(wish.name, wish.tier, wish.section, devices=devices)
    return replace(engine, host=host.name, memory_permille=wish.permille, environment=gpu_environment(devices))


# -- processors --------------------------------------------------------------------------------------------------------


def _lacking_cores(wishes: Sequence[_Wish], room: _Room) -> list[PlacementProblem]:
    free = {host: len(cores) for host, cores in room.cores.items()}
    asked: dict[str, int] = {}
    for wish in _by_cores(wishes):
        needed = wish.section.cores or 0
        best = max(free, key=lambda host: free[host], default="")
        if free.get(best, 0) < needed:
            asked[wish.tier] = asked.get(wish.tier, 0) + 1
        else:
            free[_tightest(free, needed)] -= needed
    there = sum(len(host.cores) for host in room.hosts)
    wanted = sum(wish.section.cores or 0 for wish in wishes)
    return [
        PlacementProblem(
            ("tiers", tier, "cores"),
            f"no cores are left for {count} of its engines: all tiers ask for {wanted} together, there are {there}",
            "fewer cores for each engine, or fewer engines",
        )
        for tier, count in asked.items()
    ]


def _with_cores(wishes: Sequence[_Wish], room: _Room) -> Iterator[PlannedEngine]:
    for wish in _by_cores(wishes):
        needed = wish.section.cores or 0
        name = _tightest({name: len(cores) for name, cores in room.cores.items()}, needed)
        cores = tuple(room.cores[name][:needed])
        del room.cores[name][:needed]
        yield _on_cores(wish, next(each for each in room.hosts if each.name == name), cores)


def _on_cores(wish: _Wish, host: Host, cores: tuple[int, ...]) -> PlannedEngine:
    engine = engine_of(wish.name, wish.tier, wish.section, cores=cores)
    return replace(engine, host=host.name, cores=cores, environment=cpu_environment(cores))


def _by_cores(wishes: Sequence[_Wish]) -> list[_Wish]:
    return sorted(wishes, key=lambda each: -(each.section.cores or 0))


def _tightest(free: dict[str, int], needed: int) -> str:
    """The host with the fewest free cores that are enough; the first of them."""
    return min((host for host in free if free[host] >= needed), key=lambda host: free[host])
