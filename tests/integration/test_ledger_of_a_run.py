"""What a run spends on models, and what happens when its budget is spent: the same over any processes and lives."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.chat_server import SmallChatServer
from tests.support.judging import legal
from tests.support.live import events
from tests.support.runs import artifacts, digest, run, simulate

SMALL = ("--sprints", "1", "--seed", "3", "experiment.num_simulated_days=1", "policy.judgement=model")
TINY = "policy.model=tiny"
PRICED = "prices={currency: EUR, models: {tiny: {input: 0.5, output: 2}}}"
LINK_DELAY_US = 50_000  # until the treasurer hears what was spent
SPENT, EXHAUSTED = "ledger.tokens_spent/2", "ledger.budget_exhausted/1"


@pytest.fixture(scope="module")
def server() -> Iterator[SmallChatServer]:
    with SmallChatServer(writes=legal) as server:
        yield server


def endpoint(server: SmallChatServer) -> str:
    return f"models.vllm_endpoint={server.base_url.removesuffix('/v1')}"


def page(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / "ledger.json").read_text()))


def test_the_ledger_has_every_token_that_the_server_counted(server: SmallChatServer, tmp_path: Path) -> None:
    before = Counter(server.counts)
    done = run(tmp_path / "run", *SMALL, TINY, PRICED, endpoint(server), "--nodes", "2")
    counted = server.counts - before
    ledger = page(tmp_path / "run")

    total = ledger["total"]
    assert (total["answers"], total["prompt_tokens"], total["completion_tokens"]) == (
        counted["answered"],
        counted["prompt_tokens"],
        counted["completion_tokens"],
    )
    price = sum(
        (body["prompt_tokens"] * 500_000 + body["completion_tokens"] * 2_000_000 + 500_000) // 1_000_000
        for _, body in events(tmp_path / "run", SPENT)
    )
    assert total["price"] == f"{price // 1_000_000}.{price % 1_000_000:06d}"
    assert f"{total['price']} EUR" in done.out
    for groups in ledger["by"].values():
        assert sum(group["prompt_tokens"] for group in groups.values()) == total["prompt_tokens"]
        assert sum(group["completion_tokens"] for group in groups.values()) == total["completion_tokens"]
    assert len(ledger["by"]["actor"]) == 11
    assert list(ledger["by"]["model"]) == ["tiny"]
    assert list(ledger["by"]["sprint"]) == ["01"]
    assert len([story for story in ledger["by"]["story"] if story != "none"]) > 3
    assert ledger["budgets_exhausted"] == []


def test_without_a_price_the_ledger_says_so(server: SmallChatServer, tmp_path: Path) -> None:
    run(tmp_path / "run", *SMALL, TINY, "prices.unpriced={tiny: it is ours}", endpoint(server), "--nodes", "1")

    total = page(tmp_path / "run")["total"]
    assert (total["price"], total["price_reason"]) == (None, "tiny: it is ours")


@pytest.fixture(scope="module")
def stopped(server: SmallChatServer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run over three nodes whose budget does not last."""
    folder = tmp_path_factory.mktemp("stopped") / "run"
    run(folder, *SMALL, TINY, "budget.tokens=20000", endpoint(server), "--nodes", "3")
    return folder


def test_nothing_is_asked_any_more_once_the_budget_of_the_run_is_spent(stopped: Path) -> None:
    ((row, exhausted),) = events(stopped, EXHAUSTED)
    at_us = row.time_us
    spent = events(stopped, SPENT)
    late = [each for each, _ in spent if each.time_us > at_us]

    assert exhausted["scope"] == "run"
    assert exhausted["spent_tokens"] >= 20_000
    sent_us = at_us - LINK_DELAY_US  # several may have spent at that instant; one of them was too much
    earlier, then = (
        sum(body["prompt_tokens"] + body["completion_tokens"] for each, body in spent if each.time_us <= until_us)
        for until_us in (sent_us - 1, sent_us)
    )
    assert earlier < 20_000 <= exhausted["spent_tokens"] <= then
    assert len(late) <= 11  # what was under way then, at most one of each person's
    failed = [body for each, body in events(stopped, "decision.failed/1") if each.time_us > at_us]
    assert {body["reason"] for body in failed} == {"budget_exhausted"}
    assert len(failed) > 10
    assert json.loads((stopped / "final_report.json").read_text())["teams"], "the run went on to its end"


def test_the_team_sees_that_the_budget_is_spent(stopped: Path) -> None:
    board = json.loads((stopped / "sprint-01" / "kanban.json").read_text())
    (notice,) = board["notices"]

    assert notice.startswith("the budget of the run for models is spent")
    assert notice in (stopped / "sprint-01" / "retro.md").read_text()
    (told,) = page(stopped)["budgets_exhausted"]
    assert (told["scope"], told["budget_tokens"]) == ("run", 20_000)


def test_a_budget_ends_at_the_same_decision_in_one_process(
    stopped: Path, server: SmallChatServer, tmp_path: Path
) -> None:
    run(tmp_path / "one", *SMALL, TINY, "budget.tokens=20000", endpoint(server), "--nodes", "1")

    assert digest(tmp_path / "one") == digest(stopped)
    assert artifacts(tmp_path / "one") == artifacts(stopped)


def test_a_run_whose_budget_was_spent_is_replayed_and_verified(stopped: Path) -> None:
    replayed = simulate("replay", stopped)
    verified = simulate("run", "--resume", "--output", stopped, "--metrics-port", "0", "--nodes", "2")

    assert replayed.code == verified.code == 0, replayed.err + verified.err
    assert digest(stopped) in replayed.out


@pytest.mark.parametrize("nodes", ["1", "3"])
def test_a_person_whose_budget_is_spent_asks_no_more_and_the_others_do(
    server: SmallChatServer, tmp_path: Path, nodes: str
) -> None:
    folder = tmp_path / "run"
    run(folder, *SMALL, TINY, "budget.per_actor.tokens=3000", endpoint(server), "--nodes", nodes)
    exhausted = {body["agent"]: body for _, body in events(folder, EXHAUSTED)}
    spent: Counter[str] = Counter()
    last: dict[str, int] = {}
    for _, body in events(folder, SPENT):
        assert spent[body["agent"]] < 3000, "nobody asks with an empty purse"
        spent[body["agent"]] += body["prompt_tokens"] + body["completion_tokens"]
        last[body["agent"]] = body["prompt_tokens"] + body["completion_tokens"]

    assert exhausted
    assert {agent for agent, tokens in spent.items() if tokens >= 3000} == set(exhausted)
    assert all(body["scope"] == "actor" for body in exhausted.values())
    board = json.loads((folder / "sprint-01" / "kanban.json").read_text())
    assert len(board["notices"]) == len(exhausted)


def test_money_ends_a_run_too(server: SmallChatServer, tmp_path: Path) -> None:
    run(tmp_path / "run", *SMALL, TINY, PRICED, "budget.price=0.01", endpoint(server), "--nodes", "1")

    ((_, exhausted),) = events(tmp_path / "run", EXHAUSTED)
    assert exhausted["spent_millionths"] >= 10_000
    assert exhausted["budget_millionths"] == 10_000


def test_money_cannot_be_limited_without_a_price(tmp_path: Path) -> None:
    done = simulate("validate", *SMALL[4:], TINY, "budget.price=1")

    assert done.code == 2
    assert "budget.price: money is limited, and tiny has no price" in done.err
