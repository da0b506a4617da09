"""Runs that ask several models: each behind a server of its own, each asked by those of its tier and by nobody else."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgpack
import pytest
import zmq

from actors.scrum.messages import TokensSpent
from config.loader import load_config
from tests.brokers.hub.conftest import until
from tests.support.chat_server import SmallChatServer
from tests.support.coding import honest, wants_code
from tests.support.judging import legal
from tests.support.kills import start
from tests.support.live import events, running
from tests.support.runs import MODELLED, artifacts, digest, run, simulate

TIERS = {"large": "big", "medium": "middle", "small": "little"}
ROLES = {
    "leader": "large",
    "developer+leader": "large",
    "tester+leader": "large",
    "developer": "medium",
    "tester": "medium",
    "junior_developer": "small",
}
SMALL = ("--sprints", "1", "--seed", "3", "experiment.num_simulated_days=1")
CODING = ("--sprints", "1", "--seed", "3", "experiment.num_simulated_days=2", "disturbances.enabled=false")
POOLED = ("policy.judgement=model", "models.engine=pool")
IN_ROLES = tuple(f"pool.roles.{role}={tier}" for role, tier in ROLES.items())


@dataclass
class Three:
    """A server for each tier."""

    servers: dict[str, SmallChatServer] = field(default_factory=dict)

    @property
    def settings(self) -> tuple[str, ...]:
        return self.settings_of(TIERS)

    def settings_of(self, models: Mapping[str, str]) -> tuple[str, ...]:
        return tuple(
            setting
            for tier, server in self.servers.items()
            for setting in (
                f"pool.tiers.{tier}.model={models[tier]}",
                f"pool.tiers.{tier}.engine=openai",
                f"pool.tiers.{tier}.endpoint=http://127.0.0.1:{server.port}",
            )
        )

    def asked(self) -> dict[str, Counter[str]]:
        """How often each server was asked for which model."""
        return {tier: Counter(body["model"] for body in server.bodies) for tier, server in self.servers.items()}


class Gate:
    """Answers so many requests, and the others once it is open."""

    def __init__(self, *, after: int) -> None:
        self._left, self._lock, self._is_open = after, threading.Lock(), threading.Event()

    def open(self) -> None:
        self._is_open.set()

    def __call__(self, body: dict[str, Any]) -> str:
        with self._lock:
            self._left -= 1
            may_go = self._left >= 0
        if not may_go:
            self._is_open.wait()
        return legal(body)


def told_until(stream: zmq.Socket[Any], found: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """What the stream tells of the small tier's engine once it is so."""
    while True:
        topic, payload = stream.recv_multipart()
        assert topic == b"live.pool"
        (engine,) = [each for each in msgpack.unpackb(payload)["engines"] if each["name"] == "small-0"]
        if found(engine):
            return dict(engine)


@contextmanager
def three_servers(tiers: Sequence[str] = tuple(TIERS)) -> Iterator[Three]:
    with ExitStack() as stack:
        yield Three({tier: stack.enter_context(SmallChatServer(writes=legal, models=[TIERS[tier]])) for tier in tiers})


@pytest.fixture
def three() -> Iterator[Three]:
    with three_servers() as servers:
        yield servers


@dataclass(frozen=True)
class Undisturbed:
    """A run over two nodes whose servers are gone."""

    folder: Path
    digest: str
    asked: dict[str, Counter[str]]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    folder = tmp_path_factory.mktemp("pooled") / "run"
    with three_servers() as servers:
        run(folder, *SMALL, *POOLED, *servers.settings, *IN_ROLES, "--nodes", "2")
    return Undisturbed(folder, digest(folder), servers.asked())


def test_everybody_asks_the_model_of_the_own_tier_at_its_own_server(undisturbed: Undisturbed) -> None:
    told = [body for _, body in events(undisturbed.folder, "decision.model_asked/2")]
    by_model = Counter(body["model"] for body in told)

    assert undisturbed.asked == {tier: Counter({TIERS[tier]: by_model[TIERS[tier]]}) for tier in TIERS}
    assert all(by_model[model] > 3 for model in TIERS.values())
    assert not events(undisturbed.folder, "decision.failed/1")


def test_one_process_gives_the_same_log(undisturbed: Undisturbed, three: Three, tmp_path: Path) -> None:
    run(tmp_path / "one", *SMALL, *POOLED, *three.settings, *IN_ROLES, "--nodes", "1")

    assert digest(tmp_path / "one") == undisturbed.digest
    assert artifacts(tmp_path / "one") == artifacts(undisturbed.folder)
    assert three.asked() == undisturbed.asked


def test_a_run_is_replayed_and_verified_without_servers_and_engines(undisturbed: Undisturbed) -> None:
    state = undisturbed.folder / "logs" / "pool" / "state.json"
    before = state.read_bytes()
    replayed = simulate("replay", undisturbed.folder)
    verified = simulate("run", "--resume", "--output", undisturbed.folder, "--metrics-port", "0", "--nodes", "1")

    assert replayed.code == verified.code == 0, replayed.err + verified.err
    assert undisturbed.digest in replayed.out
    assert "verified" in verified.out
    assert state.read_bytes() == before  # no pool was started


def test_who_asks_which_model_follows_from_roles(undisturbed: Undisturbed) -> None:
    agents = load_config(None).config.models.agents
    asked = {body["agent"]: body["model"] for _, body in events(undisturbed.folder, "decision.model_asked/2")}

    assert len(asked) == len(agents) == 11
    for agent, model in asked.items():
        section = agents[agent.removeprefix("agent/")]
        is_junior = section.seniority == "junior"
        assert model == TIERS["small" if is_junior else ROLES[section.role_archetype]]


def test_a_server_that_is_killed_and_comes_back_leaves_no_trace_in_the_log(
    undisturbed: Undisturbed, three: Three, tmp_path: Path
) -> None:
    lost = three.servers["medium"]
    lost.writes = Gate(after=5)
    running = start(tmp_path / "run", *SMALL, *POOLED, *three.settings, *IN_ROLES, "--nodes", "1")
    lost.wait_for(6)
    lost.stop()
    log = tmp_path / "run" / "logs" / "pool" / "medium-0.log"
    until(lambda: "engine medium-0: " in log.read_text())
    with SmallChatServer(writes=legal, models=lost.models, port=lost.port) as back:
        _, err = running.process.communicate(timeout=100)

    assert running.process.returncode == 0, err
    assert digest(tmp_path / "run") == undisturbed.digest
    assert len(back.bodies) == undisturbed.asked["medium"]["middle"] - 5


@pytest.mark.parametrize("nodes", ["1", "2"])
def test_engines_are_seen_live_and_one_that_is_killed_is_started_again(
    undisturbed: Undisturbed, three: Three, tmp_path: Path, nodes: str
) -> None:
    gate = three.servers["small"].writes = Gate(after=1)
    options = (*SMALL, *POOLED, *three.settings, *IN_ROLES, "--nodes", nodes, "--paused")
    with running(tmp_path / "run", *options) as live:
        client, stream = live.client(), live.subscribe(b"live.")
        planned = client.ask("pool")["pool"]
        assert [(each["name"], each["tier"], each["models"]) for each in planned["plan"]["engines"]] == [
            (f"{tier}-0", tier, [model]) for tier, model in TIERS.items()
        ]
        assert {each["status"] for each in planned["state"]["engines"]} == {"away"}  # nobody asked yet
        client.ask("resume")
        three.servers["small"].wait_for(2)

        first = told_until(stream, lambda engine: engine["status"] == "ready" and engine["under_way"] > 0)
        metrics = live.metrics()
        small = frozenset({("engine", "small-0"), ("tier", "small")})
        until(lambda: live.metrics()[("pool_engine_up", small)] == 1)
        assert metrics[("pool_engine_slots", small)] in (0, 32)
        pids = json.loads((live.folder / ".live" / "run.json").read_text())["pids"]
        assert pids["small-0"] == first["pid"]
        os.kill(first["pid"], signal.SIGKILL)
        told_until(stream, lambda engine: engine["status"] == "away")
        again = told_until(stream, lambda engine: engine["status"] == "ready")
        asked = client.ask("pool")["pool"]["state"]
        gate.open()
        done = live.finish()

    assert again["incarnation"] != first["incarnation"]
    assert asked["counts"]["requeued"] > 0
    assert done.code == 0, done.err
    books = json.loads((tmp_path / "run" / "logs" / "pool" / "books.json").read_text())
    ledger = json.loads((tmp_path / "run" / "ledger.json").read_text())["total"]
    assert books["is_exact"], books["differences"]
    assert books["incarnations"] == len(TIERS) + 1
    assert books["lost"]["requests"] > 0
    assert [books["booked"][name] for name in ("prompt_tokens", "completion_tokens")] == [
        ledger[name] for name in ("prompt_tokens", "completion_tokens")
    ]
    assert took(measured(tmp_path / "run")["total"]) == booked(books)
    assert digest(tmp_path / "run") == undisturbed.digest


def measured(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / "logs" / "ledger_measured.json").read_text()))


def took(*rows: Mapping[str, Any]) -> list[int]:
    """What rows of the measured ledger have in common with books, added up."""
    names = ("prompt_tokens", "cached_tokens", "completion_tokens")
    seconds = sum(round(row["engine_seconds"] * 1_000_000) for row in rows)
    return [*(sum(row[name] or 0 for row in rows) for name in names), seconds, sum(row["answers"] for row in rows)]


def booked(books: Mapping[str, Any]) -> list[int]:
    names = ("prompt_tokens", "cached_tokens", "completion_tokens", "engine_us", "completed")
    return [books["booked"][name] for name in names]


def test_what_a_run_took_of_engines_is_what_they_counted_to_the_microsecond(three: Three, tmp_path: Path) -> None:
    for number, server in enumerate(three.servers.values()):
        server.caches = lambda body, number=number: 10 * number  # type: ignore[misc]
    run(tmp_path / "run", *SMALL, *POOLED, *three.settings, *IN_ROLES, "--nodes", "1")
    books = json.loads((tmp_path / "run" / "logs" / "pool" / "books.json").read_text())
    page = measured(tmp_path / "run")

    assert books["is_exact"], books["differences"]
    assert books["counted"]["engine_us"] == books["booked"]["engine_us"] > 0
    assert books["booked"]["cached_tokens"] > 0
    assert took(*page["entries"]) == took(page["total"]) == booked(books)
    for rows in page["by"].values():
        assert took(*rows.values()) == booked(books)
    assert set(page["by"]["model"]) == set(TIERS.values())


def test_each_life_of_a_run_leaves_its_books_and_together_they_are_the_ledger(three: Three, tmp_path: Path) -> None:
    folder, gate = tmp_path / "run", Gate(after=20)
    three.servers["large"].caches = lambda body: 3
    three.servers["large"].writes = gate
    running = start(folder, *SMALL, *POOLED, *three.settings, *IN_ROLES, "--nodes", "1")
    three.servers["large"].wait_for(21)
    running.process.send_signal(signal.SIGINT)
    _, err = running.process.communicate(timeout=100)
    interrupted = measured(folder)
    gate.open()
    resume = ("run", "--resume", "--output", folder, "--metrics-port", "0", "--nodes", "1")
    resumed, verified = simulate(*resume), simulate(*resume)
    last = json.loads((folder / "logs" / "pool" / "books.json").read_text())
    lives = [*last["earlier_lives"], last]

    assert (running.process.returncode, resumed.code, verified.code) == (130, 0, 0), err + resumed.err + verified.err
    assert len(lives) == 2  # the one that only verified asked nobody
    assert all(life["is_exact"] for life in lives), lives
    assert took(interrupted["total"], interrupted["unpaid"]) == booked(lives[0])
    both = [sum(each) for each in zip(*map(booked, lives), strict=True)]
    assert took(measured(folder)["total"]) == both


def test_a_killed_run_goes_on_with_a_server_elsewhere(undisturbed: Undisturbed, three: Three, tmp_path: Path) -> None:
    folder, gate = tmp_path / "run", Gate(after=3)
    three.servers["large"].writes = gate
    running = start(folder, *SMALL, *POOLED, *three.settings, *IN_ROLES, "--nodes", "2")
    three.servers["large"].wait_for(4)
    os.kill(running.live()["pids"]["services"], signal.SIGKILL)
    running.process.communicate(timeout=100)
    with three_servers(["large"]) as other:
        three.servers["large"].stop()
        settings = ("--output", folder, "--metrics-port", "0", "--nodes", "1", "pool.tiers.large.engines=2")
        other_model = simulate("run", "--resume", *settings, "pool.tiers.large.model=huge")
        moved = tmp_path / "moved.yaml"
        endpoint = f"http://127.0.0.1:{other.servers['large'].port}"
        moved.write_text(f"pool:\n  tiers:\n    large:\n      endpoint: {endpoint}\n")
        given = (MODELLED, *SMALL, *POOLED, *three.settings[:2], *three.settings[3:], *IN_ROLES)
        resumed = simulate("run", "--resume", "--config", moved, *given, *settings)

    assert running.process.returncode == 75
    assert (other_model.code, "pool.tiers.large.model: was big, is huge" in other_model.err) == (2, True)
    assert resumed.code == 0, resumed.err
    assert digest(folder) == undisturbed.digest
    assert 0 < len(other.servers["large"].bodies) <= undisturbed.asked["large"]["big"]


@pytest.mark.parametrize("nodes", ["1", "2"])
def test_engines_end_with_a_launcher_that_is_killed_and_the_run_goes_on(
    undisturbed: Undisturbed, three: Three, tmp_path: Path, nodes: str
) -> None:
    folder, gate = tmp_path / "run", Gate(after=3)
    three.servers["large"].writes = gate
    running = start(folder, *SMALL, *POOLED, *three.settings, *IN_ROLES, "--nodes", nodes)
    three.servers["large"].wait_for(4)  # an engine works, and will for ever
    pids = running.live()["pids"]
    engines = {name: pid for name, pid in pids.items() if name.removesuffix("-0") in TIERS}
    running.process.kill()  # -9
    running.process.communicate(timeout=100)
    until(lambda: not any(is_running(pid) for pid in pids.values()))
    gate.open()
    done = simulate("run", "--resume", "--output", folder, "--metrics-port", "0", "--nodes", nodes)

    assert "large-0" in engines
    assert done.code == 0, done.err
    assert digest(folder) == undisturbed.digest


def is_running(pid: int) -> bool:
    """Whether there is such a process, and it is not merely waited for by nobody."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def test_only_tiers_that_somebody_asks_need_to_be_there(three: Three, tmp_path: Path) -> None:
    three.servers["large"].stop()
    three.servers["medium"].stop()
    run(tmp_path / "run", *SMALL, *POOLED, *three.settings, "policy.model=little", "--nodes", "1")

    assert set(three.asked()["small"]) == {"little"}


def test_judgements_and_code_come_from_different_servers(tmp_path: Path) -> None:
    with (
        SmallChatServer(writes=legal, models=["judge"]) as judge,
        SmallChatServer(writes=honest, models=["coder"]) as coder,
    ):
        tiers = Three({"lead": judge, "hands": coder})
        options = (*CODING, *POOLED, "code_generation.hands=llm", "pool.roles.senior=lead")
        models = ("policy.model=judge", "code_generation.model=coder")
        named = tiers.settings_of({"lead": "judge", "hands": "coder"})
        run(tmp_path / "run", *options, *models, *named, "--nodes", "1", executes=True)

    assert not any(wants_code(body) for body in judge.bodies)
    assert all(wants_code(body) for body in coder.bodies)
    assert {body["model"] for body in judge.bodies} == {"judge"}
    assert {body["model"] for body in coder.bodies} == {"coder"}
    assert simulate("replay", tmp_path / "run").code == 0


def test_a_budget_holds_over_judgement_and_hands_together(tmp_path: Path) -> None:
    with (
        SmallChatServer(writes=legal, models=["judge"]) as judge,
        SmallChatServer(writes=honest, models=["coder"]) as coder,
    ):
        tiers = Three({"lead": judge, "hands": coder})
        named = tiers.settings_of({"lead": "judge", "hands": "coder"})
        models = ("policy.model=judge", "code_generation.model=coder", "code_generation.hands=llm")
        options = (*CODING, *POOLED, *models, "pool.roles.senior=lead", *named)
        run(tmp_path / "free", *options, "--nodes", "1", executes=True)
        free = spent(tmp_path / "free")
        budget = sum(spent(tmp_path / "free", until_us=middle_of_the_hands(tmp_path / "free")).values())
        asked = len(judge.bodies) + len(coder.bodies)
        run(tmp_path / "stopped", *options, f"budget.tokens={budget}", "--nodes", "1", executes=True)
        asked_again = len(judge.bodies) + len(coder.bodies) - asked

    ((exhausted, told),) = events(tmp_path / "stopped", "ledger.budget_exhausted/1")
    by_then = spent(tmp_path / "stopped", until_us=exhausted.time_us)
    assert min(free.values()) > 0
    assert max(by_then.values()) < budget <= told["spent_tokens"] <= sum(by_then.values())  # neither had spent it alone
    failed = [body for _, body in events(tmp_path / "stopped", "decision.failed/1")]
    assert {body["reason"] for body in failed} == {"budget_exhausted"}
    assert {"decision.write_code/1"} < {body["decision"] for body in failed}
    assert asked_again < asked
    assert simulate("replay", tmp_path / "stopped").code == 0


def middle_of_the_hands(folder: Path) -> int:
    """When half of what the hands asked was answered."""
    told = [row.time_us for row, body in events(folder, TokensSpent.KIND) if body["model"] == "coder"]
    return told[len(told) // 2]


def spent(folder: Path, until_us: int | None = None) -> Counter[str]:
    """Tokens by model."""
    found: Counter[str] = Counter()
    for row, body in events(folder, TokensSpent.KIND):
        if until_us is None or row.time_us <= until_us:
            found[body["model"]] += body["prompt_tokens"] + body["completion_tokens"]
    return found


# -- what is wrong is said before anything is written -----------------------------------------------------------------


def refused(folder: Path, *arguments: str) -> str:
    done = simulate("run", "--output", folder, *POOLED, *arguments)
    assert done.code == 2, done.out + done.err
    assert not folder.exists()
    return done.err


def test_each_tier_that_cannot_be_used_is_named_with_file_and_line(three: Three, tmp_path: Path) -> None:
    three.servers["large"].stop()
    three.servers["small"].models = ("something-else",)
    config = tmp_path / "team.yaml"
    tiers = "".join(
        f"    {tier}:\n      model: {TIERS[tier]}\n      engine: openai\n      endpoint: http://127.0.0.1:{server.port}\n"
        for tier, server in three.servers.items()
    )
    roles = "".join(f"    {role}: {tier}\n" for role, tier in ROLES.items())
    config.write_text(f"pool:\n  tiers:\n{tiers}  roles:\n{roles}")
    lines = refused(tmp_path / "run", "--config", str(config)).splitlines()

    assert len(lines) == 2
    assert lines[0].startswith(f"{config}:6: pool.tiers.large.endpoint: cannot be asked, ")
    assert lines[1].startswith(f"{config}:12: pool.tiers.small.model: little is not served by ")
    assert "something-else" in lines[1]


def test_a_model_that_no_tier_serves_is_named_with_those_that_are(three: Three, tmp_path: Path) -> None:
    one = refused(tmp_path / "run", *three.settings, "policy.model=littel")
    own = refused(tmp_path / "run", *three.settings, *IN_ROLES[1:])
    none = refused(tmp_path / "run")

    assert "policy.model: littel is served by no tier of pool.tiers" in one
    assert "big, middle, little" in one
    assert "did you mean little" in one
    assert "Qwen/Qwen2.5-72B-Instruct is served by no tier, and pool.roles names none for " in own
    assert own.count("\n") == none.count("\n") == 1
    assert "pool.tiers: is empty while models.engine is pool" in none


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (("engine=modelled",), "pool.tiers.own.engine: modelled engines write filler"),
        (("cores=1", "path=nowhere"), "pool.tiers.own.path: nowhere is no folder with a model"),
        (("cores=4096", "path=nowhere"), "pool.tiers.own.cores: no cores are left for 1 of its engines"),
        (("engine=openai", "endpoint=http://h:1", "token_file=nowhere"), "pool.tiers.own.token_file: "),
    ],
)
def test_an_engine_that_cannot_be_started_is_told(tmp_path: Path, settings: tuple[str, ...], message: str) -> None:
    own = (f"pool.tiers.own.{setting}" for setting in ("model=m", *settings))

    assert message in refused(tmp_path / "run", "policy.model=m", *own)


def test_an_engine_that_would_have_to_run_elsewhere_is_told(tmp_path: Path) -> None:
    settings = ("policy.model=m", "pool.tiers.own.model=m", "pool.tiers.own.memory_share=0.3", "pool.hosts.far.gpus=8")

    assert "pool.hosts.far: engines would have to run on far" in refused(tmp_path / "run", *settings)
