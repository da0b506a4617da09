"""Working folders of pairs in a run that is killed: there while people work, and gone when it has come to its end."""

from __future__ import annotations

from pathlib import Path

from tests.support.kills import start
from tests.support.repositories import Product
from tests.support.runs import simulate

SPRINT = ("--sprints", "1", "--seed", "7", "--nodes", "2")


def worktrees(run: Path) -> dict[str, Path]:
    """Branch and folder of each worktree, as git lists them; the first is the repository itself."""
    entries = Product.of(run).git("worktree", "list", "--porcelain").strip().split("\n\n")
    found = [dict(line.partition(" ")[::2] for line in entry.split("\n")) for entry in entries]
    return {one["branch"]: Path(one["worktree"]) for one in found}


def test_pairs_have_worktrees_while_they_work_and_none_afterwards(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    life = start(folder, *SPRINT, executes=True)
    assert life.kill_after("launcher", 330)  # and with it everything that it had started
    life.process.communicate(timeout=60)
    left = worktrees(folder)
    main = left.pop("refs/heads/main")

    assert main == folder / "workspace"
    assert left
    for branch, place in left.items():
        agent = branch.split("/")[3]
        assert place.relative_to(folder).as_posix() == f".tmp/worktrees/team-1/{agent}"
        assert (place / "src/product").is_dir()

    done = simulate("run", "--output", folder, "--metrics-port", "0", *SPRINT, "--resume", timeout_s=120)
    assert done.code == 0, done.err
    assert list(worktrees(folder)) == ["refs/heads/main"]
    assert not (folder / ".tmp").exists()
    assert not (folder / "workspace/.git/worktrees").exists()
    assert Product.of(folder).is_intact()
