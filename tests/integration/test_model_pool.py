"""Runs that ask several models: each behind a server of its own, each asked by those of its tier and by nobody else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.support.chat_server import SmallChatServer
from tests.support.judging import legal
from tests.support.live import events
from tests.support.runs import artifacts, digest, run, simulate

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
POOLED = ("policy.judgement=model", "models.engine=pool")
IN_ROLES = tuple(f"pool.roles.{role}={tier}" for role, tier in ROLES.items())


@dataclass
class Three:
    """A server for each tier."""

    servers: dict[str, SmallChatServer] = field(default_factory=dict)

    @property
    def settings(self) -> tuple[str, ...]:
        return tuple(
            setting
            for tier, server in self.servers.items()
            for setting in (
                f"pool.tiers.{tier}.model={TIERS[tier]}",
                f"pool.tiers.{tier}.engine=openai",
                f"pool.tiers.{tier}.endpoint=http://127.0.0.1:{server.port}",
            )
        )

    def asked(self) -> dict[str, Counter[str]]:
        """How often each server was asked for which model."""
        return {tier: Counter(body["model"] for body in server.bodies) for tier, server in self.servers.items()}


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
    told = [body for _, body in events(undisturbed.folder, "decision.model_asked/1")]
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
