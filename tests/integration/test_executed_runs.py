"""Runs in which code is written: a product that works, and the same commits whatever the processes and surroundings."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from brokers.journal.reader import JournalReader
from tests.support.live import events
from tests.support.repositories import Product, hostile_home, pytest_in
from tests.support.runs import artifacts, digest, run, simulate

pytestmark = pytest.mark.timeout(400)  # nothing waits so long: the machine may be busy
TWO = ("--sprints", "2", "--seed", "7")
ONE_NODE = ("--nodes", "1", "--metrics-port", "0")


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Read only."""
    folder = tmp_path_factory.mktemp("executed") / "run"
    run(folder, *TWO, "--nodes", "1", executes=True)
    return folder


def is_the_same(folder: Path, reference: Path) -> None:
    assert Product.of(folder).hashes() == Product.of(reference).hashes()
    assert digest(folder) == digest(reference)
    assert artifacts(folder) == artifacts(reference)
    assert Product.of(folder).is_intact()


# -- the product ------------------------------------------------------------------------------------------------------


def test_main_is_a_product_whose_tests_pass_where_it_lies(reference: Path) -> None:
    product = Product.of(reference)
    done = pytest_in(product.folder)
    landed = events(reference, "code.story_landed/1")

    assert done.returncode == 0, done.stdout
    assert f"{landed[-1][1]['tests']} passed" in done.stdout
    assert len(landed) >= 4
    assert product.is_intact()


def test_every_landing_is_a_merge_whose_tree_is_the_one_that_was_tested(reference: Path) -> None:
    product = Product.of(reference)
    tested = {event["tree"] for _, event in events(reference, "code.tests_ran/1") if event["phase"] == "queue"}
    landed = [event for _, event in events(reference, "code.story_landed/1")]
    on_main = product.git("log", "--first-parent", "--format=%H %T", "main").split("\n")[:-2]

    assert [(one["commit"], one["tree"]) for one in reversed(landed)] == [tuple(line.split()) for line in on_main]
    assert {one["tree"] for one in landed} <= tested


def test_only_the_queue_moves_main_and_a_branch_is_named_after_whoever_began_it_and_the_story(reference: Path) -> None:
    product = Product.of(reference)
    mainline = product.git("log", "--first-parent", "--format=%an", "main").split()
    branches = sorted(product.branches())

    assert set(mainline) == {"merge-queue"}
    assert branches.pop() == "refs/heads/main"
    for branch in branches:
        kind, agent, story = branch.removeprefix("refs/heads/").split("/")
        begun = next(one for one in events(reference, "code.committed/1") if one[1]["branch"].endswith(f"/{story}"))[1]
        assert (kind, agent, story) == ("feat", begun["author"], begun["story_id"])


def test_a_commit_names_author_story_session_and_decision_and_has_the_hour_of_its_event(reference: Path) -> None:
    product = Product.of(reference)
    made = {event["commit"]: (row, event) for row, event in events(reference, "code.committed/1")}
    begun = 1_767_571_200  # 2026-01-05 00:00 +0000, the first day of the default profile
    for name, (row, event) in made.items():
        author, zone, at_s, body = product.git(
            "log", "-1", "--format=%an%n%ad%n%at%n%B", "--date=format:%z", name
        ).split("\n", 3)
        assert (author, zone) == (event["author"], "+0000")
        assert 0 <= begun + row.time_us // 1_000_000 - int(at_s) <= 1
        if event["author"] != "platform":
            assert f"\nStory: {event['story_id']}\n" in body
    spoken = "\n".join(one.body for one in product.commits("main"))
    sessions = {event["session_id"] for _, event in made.values()}

    assert any(f"Session: {session}\n" in spoken for session in sessions if session)
    assert "\nDecision: " in spoken


# -- the same everywhere ----------------------------------------------------------------------------------------------


def test_three_processes_make_the_same_commits_as_one(reference: Path, tmp_path: Path) -> None:
    run(tmp_path / "run", *TWO, "--nodes", "3", executes=True)

    is_the_same(tmp_path / "run", reference)


def test_two_processes_in_strange_surroundings_make_the_same_commits(reference: Path, tmp_path: Path) -> None:
    home = hostile_home(tmp_path)
    folder = tmp_path / "ein Ordner mit Ümlaut" / "run"
    folder.parent.mkdir()
    env = {
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home),
        "GIT_CONFIG_GLOBAL": str(home / ".gitconfig"),
        "GIT_DIR": str(tmp_path / "elsewhere.git"),
        "GIT_AUTHOR_NAME": "Mallory",
        "GIT_COMMITTER_DATE": "2001-01-01T00:00:00",
        "GIT_INDEX_FILE": str(tmp_path / "index"),
        "PYTHONHASHSEED": "12345",
        "TZ": "Pacific/Chatham",
        "LC_ALL": "C",
        "LANG": "C",
    }
    run(folder, *TWO, "--nodes", "2", env=env, umask=0o077, executes=True)

    is_the_same(folder, reference)
    assert not (home / "a-hook-ran").exists()


def test_another_seed_is_another_product(reference: Path, tmp_path: Path) -> None:
    run(tmp_path / "run", "--sprints", "1", "--seed", "8", "--nodes", "1", executes=True)

    assert Product.of(tmp_path / "run").branches()["refs/heads/main"] not in Product.of(reference).hashes()


# -- second lives -----------------------------------------------------------------------------------------------------


def copy_of(reference: Path, tmp_path: Path) -> Path:
    shutil.copytree(reference, tmp_path / "run", symlinks=True)
    return tmp_path / "run"


def test_replay_finds_every_row_equal_and_does_not_touch_the_workspace(reference: Path, tmp_path: Path) -> None:
    folder = copy_of(reference, tmp_path)
    shutil.rmtree(folder / "workspace")
    done = simulate("replay", folder)

    assert (done.code, digest(reference) in done.out) == (0, True), done.err
    assert not (folder / "workspace").exists()


def test_a_workspace_that_is_gone_is_made_again_from_the_journal_alone(reference: Path, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    shutil.copy(reference / "run.sqlite", tmp_path / "run")
    done = simulate("run", "--resume", "--output", tmp_path / "run", *ONE_NODE)

    assert done.code == 0, done.err
    is_the_same(tmp_path / "run", reference)
    assert pytest_in(tmp_path / "run" / "workspace").returncode == 0


def test_a_workspace_that_somebody_damaged_is_repaired(reference: Path, tmp_path: Path) -> None:
    folder = copy_of(reference, tmp_path)
    product = Product.of(folder)
    first = product.git("rev-list", "--max-parents=0", "main").strip()
    (product.folder / "README.md").write_text("mine\n")
    (product.folder / "src" / "left_over.py").write_text("1 / 0\n")
    product.git("update-ref", "refs/heads/feat/ghost/KT-999", first)
    product.git("update-ref", "refs/heads/main", first)
    git_dir = product.folder / ".git"
    (git_dir / "index.lock").touch()
    (git_dir / "refs" / "heads" / "main.lock").touch()
    (git_dir / "index").write_bytes(b"torn")
    loose = sorted(path for path in git_dir.glob("objects/??/*"))
    for path in loose[:: max(1, len(loose) // 20)]:
        path.unlink()
    done = simulate("run", "--resume", "--output", folder, *ONE_NODE)

    assert done.code == 0, done.err
    is_the_same(folder, reference)


def test_a_longer_run_continues_the_same_history(reference: Path, tmp_path: Path) -> None:
    run(tmp_path / "run", "--sprints", "1", "--seed", "7", "--nodes", "1", executes=True)
    done = simulate("run", "--continue", "1", "--output", tmp_path / "run", *ONE_NODE)

    assert done.code == 0, done.err
    is_the_same(tmp_path / "run", reference)


def test_a_fork_has_a_clone_of_its_own_and_leaves_its_parents_alone(reference: Path, tmp_path: Path) -> None:
    before = bytes_of(reference / "workspace")
    struck = [(n, event) for n, event in numbered(reference, "disturbance.struck/1")]
    at, lost = struck[-1]
    with JournalReader(reference / "run.sqlite") as journal:
        middle = journal.count() // 2
    same = simulate("fork", reference, "--at", str(middle), "--output", tmp_path / "same", *ONE_NODE)
    other = simulate(
        "fork",
        reference,
        "--at",
        str(at - 40),
        "--output",
        tmp_path / "other",
        *ONE_NODE,
        f"disturbances.suppress=[{lost['disturbance_id']}]",
    )

    assert (same.code, other.code) == (0, 0), same.err + other.err
    is_the_same(tmp_path / "same", reference)
    assert bytes_of(reference / "workspace") == before
    mine, parents = Product.of(tmp_path / "other"), Product.of(reference)
    assert not (mine.folder / ".git" / "objects" / "info" / "alternates").exists()
    assert mine.is_intact()
    assert mine.git("rev-list", "--max-parents=0", "main") == parents.git("rev-list", "--max-parents=0", "main")
    assert pytest_in(mine.folder).returncode == 0


def numbered(folder: Path, kind: str) -> list[tuple[int, dict[str, str]]]:
    from brokers.wire.packing import unpack

    with JournalReader(folder / "run.sqlite") as journal:
        return [(n, unpack(row.record)[7]) for n, row in journal.rows(kinds=(kind,)) if not row.dst]


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
