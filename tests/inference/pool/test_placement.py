"""Engines onto devices: a fake driver of 8 GPUs over 2 hosts, and whatever hosts and wishes there are."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.pool_section import PoolSection, TierSection
from inference.engines.vllm.plan import read_vllm_plan
from inference.pool.devices import this_host
from inference.pool.placement import place, place_again
from inference.pool.plan import Gpu, Host, PlacementError, PlacementPlan, PlannedEngine
from inference.pool.plan_command import main
from inference.pool.roles import model_of, tier_of
from tests.inference.pool.fake_nvml import FakeNvml, cards

BIG = {"model": "Qwen/Qwen2.5-72B-Instruct", "tensor_parallel": 2, "memory_share": 0.85}
MIDDLE = {"model": "deepseek-ai/DeepSeek-Coder-V2-Lite-Instruct", "memory_share": 0.85}
LITTLE = {"model": "Qwen/Qwen2.5-Coder-7B-Instruct", "memory_share": 0.4}


@pytest.fixture
def hosts() -> tuple[Host, ...]:
    return tuple(this_host(FakeNvml(cards(name, 4)), name=name) for name in ("a", "b"))


def pool(**tiers: dict[str, Any]) -> PoolSection:
    return PoolSection(tiers={name: TierSection(**tier) for name, tier in tiers.items()})


def devices(plan: PlacementPlan) -> dict[str, tuple[str, ...]]:
    return {engine.name: engine.devices for engine in plan.engines}


def test_the_three_tiers_of_the_experiment_find_their_places(hosts: tuple[Host, ...]) -> None:
    plan = place(pool(large=BIG | {"engines": 2}, medium=MIDDLE | {"engines": 2}, small=LITTLE | {"engines": 4}), hosts)

    assert devices(plan) == {
        "large-0": ("GPU-a-0", "GPU-a-1"),
        "large-1": ("GPU-a-2", "GPU-a-3"),
        "medium-0": ("GPU-b-0",),
        "medium-1": ("GPU-b-1",),
        "small-0": ("GPU-b-2",),
        "small-1": ("GPU-b-2",),
        "small-2": ("GPU-b-3",),
        "small-3": ("GPU-b-3",),
    }
    large = plan.engines[0]
    assert large.environment == {"CUDA_VISIBLE_DEVICES": "GPU-a-0,GPU-a-1", "CUDA_DEVICE_ORDER": "PCI_BUS_ID"}
    assert (large.arguments["tensor_parallel"], large.arguments["devices"]) == (2, ["GPU-a-0", "GPU-a-1"])
    assert large.serves.models == ("Qwen/Qwen2.5-72B-Instruct",)


def test_what_a_tier_says_of_its_engines_is_what_vllm_is_told(
    hosts: tuple[Host, ...], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    told = {"dtype": "bfloat16", "kv_cache_mib": 4096, "batch_tokens": 512, "is_batch_invariant": False}
    usual, own = place(pool(usual=LITTLE, own=LITTLE | told), hosts).engines

    assert read_vllm_plan(usual.arguments) == read_vllm_plan(
        {
            "model": LITTLE["model"],
            "served_name": LITTLE["model"],
            "context_tokens": 8192,
            "devices": list(usual.devices),
            "memory_share": 0.4,
        }
    )
    plan = read_vllm_plan(own.arguments)
    assert {key: getattr(plan, key) for key in told} == told
    path = tmp_path / "own.yaml"
    path.write_text(f"pool: {{tiers: {{own: {json.dumps({'model': 'm', 'cores': 1} | told)}}}}}\n", encoding="utf-8")
    assert main(["--config", str(path)]) == 0
    row = capsys.readouterr().out.splitlines()
    assert any("own │ 8192 │ 512 │ 4096 │ bfloat16 │ 0 │ false" in " ".join(each.split()) for each in row)


# -- a plan that follows another one -----------------------------------------------------------------------------------


def test_engines_that_are_wished_as_before_stay_where_they_are(hosts: tuple[Host, ...]) -> None:
    before = place(pool(medium=MIDDLE | {"engines": 2}, small=LITTLE), hosts)
    after = place_again(pool(large=BIG, medium=MIDDLE | {"engines": 3}, small=LITTLE | {"slots": 8}), before, hosts)

    assert place(pool(large=BIG, medium=MIDDLE), hosts).engines[1].devices != before.engines[0].devices
    assert [each for each in after.engines if each.tier == "medium"][:2] == list(before.engines[:2])
    taken: Counter[str] = Counter()
    for each in after.engines:
        taken.update(dict.fromkeys(each.devices, each.memory_permille))
    assert max(taken.values()) <= 1000


def test_where_there_is_no_room_otherwise_everything_may_move() -> None:
    (host,) = (this_host(FakeNvml(cards("a", 2)), name="a"),)
    before = place(pool(one=LITTLE, two=MIDDLE), (host,))
    moved = place_again(
        pool(
            one=LITTLE | {"memory_share": 0.5}, two=LITTLE | {"memory_share": 0.5}, big=LITTLE | {"memory_share": 1.0}
        ),
        before,
        (host,),
    )

    assert len({each.devices for each in moved.engines if each.tier != "big"}) == 1
    with pytest.raises(PlacementError):
        place_again(pool(one=BIG | {"tensor_parallel": 4}), before, (host,))


def test_cores_stay_too_and_a_host_that_is_gone_keeps_nothing() -> None:
    host, other = Host(name="a", cores=(0, 1, 2, 3)), Host(name="b", cores=(0, 1, 2, 3))
    before = place(pool(one={"model": "m", "cores": 1}, two={"model": "n", "cores": 1}), (host,))
    after = place_again(pool(big={"model": "o", "cores": 2}, two={"model": "n", "cores": 1}), before, (host,))

    assert [each.cores for each in after.engines] == [(0, 2), (1,)]
    moved = place_again(pool(two={"model": "n", "cores": 1}), before, (other,))
    assert [(each.host, each.cores) for each in moved.engines] == [("b", (0,))]


def test_a_group_lies_on_one_board_also_when_another_engine_came_first(hosts: tuple[Host, ...]) -> None:
    a = hosts[0]
    taken = Host(name="a", gpus=(Gpu(**fields(a.gpus[0], free_permille=100)), *a.gpus[1:]), cores=a.cores)

    plan = place(pool(large=BIG), (taken,))

    assert devices(plan) == {"large-0": ("GPU-a-2", "GPU-a-3")}, "1 and 2 are next to each other, and on two boards"


def test_engines_on_processors_have_cores_of_their_own() -> None:
    host = Host(name="laptop", cores=(0, 1, 2, 3))
    plan = place(pool(large={"model": "m", "cores": 2}, small={"model": "n", "cores": 1, "engines": 2}), (host,))

    assert [engine.cores for engine in plan.engines] == [(0, 1), (2,), (3,)]
    assert plan.engines[0].environment == {
        "CUDA_VISIBLE_DEVICES": "",
        "OMP_NUM_THREADS": "2",
        "VLLM_CPU_OMP_THREADS_BIND": "nobind",
    }


def test_servers_need_no_devices() -> None:
    tiers = {
        name: {"model": name, "engine": "openai", "endpoint": f"http://127.0.0.1:{port}"}
        for name, port in (("large", 8000), ("medium", 8001), ("small", 8002))
    }
    plan = place(pool(**tiers), (Host(name="localhost"),))

    assert [engine.arguments["base_url"] for engine in plan.engines] == [
        "http://127.0.0.1:8000/v1",
        "http://127.0.0.1:8001/v1",
        "http://127.0.0.1:8002/v1",
    ]
    assert [engine.serves.models for engine in plan.engines] == [("large",), ("medium",), ("small",)]


def test_every_key_that_asks_for_too_much_is_named_in_one_report(hosts: tuple[Host, ...]) -> None:
    wishes = pool(
        large=BIG | {"tensor_parallel": 8},
        small=LITTLE,
        laptop={"model": "n", "cores": 999, "engines": 2},
    )
    with pytest.raises(PlacementError) as caught:
        place(wishes, hosts)

    large, laptop = caught.value.problems
    assert large.key == ("tiers", "large", "tensor_parallel")
    assert large.message == "8 GPUs of one host are needed, and no host has more than 4"
    assert laptop.key == ("tiers", "laptop", "cores")
    assert laptop.message.startswith("no cores are left for 2 of its engines: all tiers ask for 1998 together")
    assert str(caught.value).startswith("pool.tiers.large.tensor_parallel: 8 GPUs")


def test_what_fits_by_itself_and_not_together_blames_the_tier_that_takes_most(hosts: tuple[Host, ...]) -> None:
    with pytest.raises(
        PlacementError, match=r"pool.tiers.medium.engines: .* medium 6.8, large 1.7, 8.5 in all"
    ) as caught:
        place(pool(medium=MIDDLE | {"engines": 8}, large=BIG), hosts)

    assert [problem.key for problem in caught.value.problems] == [("tiers", "medium", "engines")]


def test_without_gpus_the_report_says_how_to_run_on_processors() -> None:
    with pytest.raises(PlacementError, match=r"no host has more than 0 .allowed: cores, to run on processors"):
        place(pool(small=LITTLE), (Host(name="laptop", cores=(0, 1)),))


def test_shares_that_need_another_order_than_the_largest_first_are_found() -> None:
    """0.6 + 0.4, 0.5 + 0.3 + 0.2: the best fit of one after another would leave the last one out."""
    host = Host(name="a", gpus=tuple(Gpu(uuid=str(n), index=n, name="", memory_mib=1) for n in range(2)))
    tiers = {f"t{n}": {"model": "m", "memory_share": share} for n, share in enumerate((0.4, 0.4, 0.3, 0.3, 0.3, 0.3))}

    plan = place(pool(**tiers), (host,))

    assert sorted(Counter(engine.devices for engine in plan.engines).values()) == [3, 3]


def fields(gpu: Gpu, **changes: Any) -> dict[str, Any]:
    return {name: getattr(gpu, name) for name in gpu.__dataclass_fields__} | changes


# -- whatever there is and whatever is wished --------------------------------------------------------------------------

GPU_TIERS = st.fixed_dictionaries(
    {
        "model": st.sampled_from(("m", "n")),
        "engines": st.integers(1, 4),
        "tensor_parallel": st.sampled_from((1, 1, 2, 4)),
        "memory_share": st.sampled_from((0.2, 0.3, 0.45, 0.5, 0.85, 1.0)),
    }
)
CPU_TIERS = st.fixed_dictionaries({"model": st.just("c"), "engines": st.integers(1, 3), "cores": st.integers(1, 3)})
HOSTS = st.lists(st.tuples(st.integers(0, 8), st.integers(0, 6)), min_size=1, max_size=3)


@given(st.lists(st.one_of(GPU_TIERS, CPU_TIERS), min_size=1, max_size=4), HOSTS)
def test_a_plan_gives_everybody_what_was_asked_and_no_device_more_than_it_has(
    tiers: list[dict[str, Any]], shapes: list[tuple[int, int]]
) -> None:
    found = tuple(
        Host(name=f"h{n}", gpus=this_host(FakeNvml(cards(f"h{n}", gpus))).gpus, cores=tuple(range(cores)))
        for n, (gpus, cores) in enumerate(shapes)
    )
    wishes = pool(**{f"t{n}": tier for n, tier in enumerate(tiers)})
    try:
        plan = place(wishes, found)
    except PlacementError as error:
        blamed = {problem.key[1] for problem in error.problems}
        plan = None
    if plan is None:
        assert blamed
        assert blamed <= set(wishes.tiers)
        return
    assert place(wishes, found) == plan, "the same wishes and hosts make the same plan"
    assert [engine.name for engine in plan.engines] == [
        f"{name}-{n}" for name, tier in wishes.tiers.items() for n in range(tier.engines)
    ]
    for engine in plan.engines:
        hold_what_was_asked(engine, wishes.tiers[engine.tier], found)
    taken = Counter[tuple[str, str]]()
    for engine in plan.engines:
        taken.update({(engine.host, uuid): engine.memory_permille for uuid in engine.devices})
    assert all(share <= 1000 for share in taken.values())
    cores = Counter((engine.host, core) for engine in plan.engines for core in engine.cores)
    assert set(cores.values()) <= {1}


def hold_what_was_asked(engine: PlannedEngine, tier: TierSection, hosts: tuple[Host, ...]) -> None:
    host = next(each for each in hosts if each.name == engine.host)
    if tier.cores is not None:
        assert len(engine.cores) == tier.cores
        assert set(engine.cores) <= set(host.cores)
        return
    assert len(set(engine.devices)) == tier.tensor_parallel
    assert set(engine.devices) <= {gpu.uuid for gpu in host.gpus}
    assert engine.memory_permille == round(1000 * tier.memory_share)
    assert engine.environment["CUDA_VISIBLE_DEVICES"] == ",".join(engine.devices)


@given(st.lists(st.sampled_from((0.2, 0.25, 0.4, 0.5, 1.0)), min_size=1, max_size=10), st.integers(1, 6))
def test_a_plan_of_single_devices_is_refused_only_where_there_is_none(shares: list[float], count: int) -> None:
    host = Host(name="a", gpus=tuple(Gpu(uuid=str(n), index=n, name="", memory_mib=1) for n in range(count)))
    wishes = pool(**{f"t{n}": {"model": "m", "memory_share": share} for n, share in enumerate(shares)})
    sizes = sorted((round(1000 * share) for share in shares), reverse=True)
    try:
        place(wishes, (host,))
        placed = True
    except PlacementError:
        placed = False

    assert placed == packs(sizes, [1000] * count)


def packs(sizes: list[int], room: list[int]) -> bool:
    """Whether sizes fit, by trying everything."""
    if not sizes:
        return True
    for left in set(room):
        if left >= sizes[0]:
            position = room.index(left)
            if packs(sizes[1:], [*room[:position], left - sizes[0], *room[position + 1 :]]):
                return True
    return False


# -- who is served by which tier ---------------------------------------------------------------------------------------

TEAM = """
pool:
  tiers:
    large: {model: big, engine: openai, endpoint: "http://127.0.0.1:8000"}
    medium: {model: middle, engine: openai, endpoint: "http://127.0.0.1:8001"}
    small: {model: little, engine: openai, endpoint: "http://127.0.0.1:8002"}
  roles: {po: large, developer+leader: large, developer: medium, junior_developer: small, tester: medium}
models:
  agents:
    kim_po: {name: K, seniority: senior, primary_specialization: backend, role_archetype: leader, model: middle}
    lee_lead: {name: L, seniority: senior, primary_specialization: backend, role_archetype: developer+leader}
    mo: {name: M, seniority: mid, primary_specialization: backend, role_archetype: developer}
    nia: {name: N, seniority: junior, primary_specialization: backend, role_archetype: developer}
    oz: {name: O, seniority: mid, primary_specialization: test_automation, role_archetype: tester}
    pat: {name: P, seniority: mid, primary_specialization: backend, role_archetype: tester+developer, model: little}
"""


@pytest.fixture
def team(tmp_path: Path) -> Path:
    path = tmp_path / "team.yaml"
    path.write_text(TEAM, encoding="utf-8")
    return path


def test_the_plan_says_who_is_served_by_which_tier(team: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--config", str(team), "--json"]) == 0

    shown = json.loads(capsys.readouterr().out)
    assert shown["roles"] == {
        "kim_po": "large",
        "lee_lead": "large",
        "mo": "medium",
        "nia": "small",
        "oz": "medium",
        "pat": "small",
    }
    assert [engine["models"] for engine in shown["engines"]] == [["big"], ["middle"], ["little"]]


def test_the_plan_says_who_wears_which_version_from_when(team: Path, capsys: pytest.CaptureFixture[str]) -> None:
    worn = (
        "pool.adapters={coach@1: {model: middle}, coach@2: {model: middle}}",
        "pool.rollout=[{adapter: coach@1, roles: [mid]}, {adapter: coach@2, roles: [mo], from_sprint: 3}]",
    )
    assert main(["--config", str(team), *worn, "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["adapters"]["coach@2"] == {"model": "middle", "path": None}
    assert [(each["agent"], each["from_sprint"], each["adapter"]) for each in shown["rollout"]] == [
        ("mo", 1, "coach@1"),
        ("mo", 3, "coach@2"),
        ("oz", 1, "coach@1"),
    ]  # pat is in the middle, too, and asks another model

    assert main(["--config", str(team), *worn]) == 0
    told = capsys.readouterr().out
    assert "coach@2" in told
    assert "(its server has it)" in told


def test_an_agent_that_no_tier_serves_keeps_its_own_model() -> None:
    from config.team_sections import AgentSection

    agent = AgentSection(name="A", seniority="mid", role_archetype="developer", model="own")
    wishes = pool(small={"model": "m", "engine": "modelled"})

    assert tier_of(wishes, "a", agent) is None
    assert model_of(wishes, "a", agent) == "own"


def test_the_plan_is_shown_as_tables(team: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--config", str(team)]) == 0

    shown = capsys.readouterr().out
    assert "http://127.0.0.1:8001/v1" in shown
    assert "lee_lead" in shown


@pytest.mark.parametrize(
    ("setting", "wrong"),
    [
        ("pool.roles.tester=middle", "pool.roles.tester: there is no tier middle; expected large, medium, small"),
        ("pool.tiers.large.endpoint=here", "pool.tiers.large.endpoint: is no address, and engine is openai"),
        ("pool.tiers.large.engine=modelled", "pool.tiers.large.endpoint: is of no use while engine is modelled"),
        ("pool.tiers.large.slot=3", "pool.tiers.large.slot"),
        ("pool.tiers.large.dtype=bfloat16", "pool.tiers.large.dtype: is of no use while engine is openai"),
        ("pool.tiers.large.adapter_slots=2", "pool.tiers.large.adapter_slots: is of no use while engine is openai"),
        ("pool.tiers.large.max_lora_rank=8", "pool.tiers.large.max_lora_rank: is of no use while engine is openai"),
        ("pool.lease_s=0", "pool.lease_s: 0 is not allowed; expected a number above 0"),
        ("pool.tiers.small.cores=0", "pool.tiers.small.cores: 0 is not allowed; expected an integer of at least 1"),
        ("pool.tiers.large.dtype=int4", "pool.tiers.large.dtype: int4 is not allowed"),
        ("pool.tiers.large.batch_tokens=31", "31 tokens in one pass are fewer than slots, which is 32"),
        ("pool.reserve=-1", "pool.reserve"),
    ],
)
def test_a_slip_is_named_with_its_key(team: Path, setting: str, wrong: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--config", str(team), setting]) == 2
    assert wrong in capsys.readouterr().err


def test_an_impossible_plan_names_key_file_and_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "wide.yaml"
    path.write_text("pool:\n  tiers:\n    large:\n      model: m\n      cores: 4096\n", encoding="utf-8")

    assert main(["--config", str(path)]) == 2
    assert f"{path}:5: pool.tiers.large.cores: no cores are left" in capsys.readouterr().err


def test_a_configuration_without_a_pool_is_told_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert (
        capsys.readouterr().err
        == "command line: pool.tiers: is empty; expected at least one tier, for instance small\n"
    )
