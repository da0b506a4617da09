"""A journal alone restores a repository, whatever became of the folder."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from actors.work.workspace.errors import RestoreError
from actors.work.workspace.repository import MAIN, Repository
from actors.work.workspace.restore import Recorded, RecordedCommit, RecordedMerge, restore
from tests.actors.work.workspace.helpers import ADA, S1, S2, History, KilledGit, commit, in_process, performed, put


@pytest.fixture(scope="module")
def truth(tmp_path_factory: pytest.TempPathFactory) -> tuple[Repository, list[Recorded]]:
    """The history as it ends when nothing goes wrong."""
    return performed(tmp_path_factory.mktemp("truth") / "r")


def test_a_journal_alone_restores_everything(truth: tuple[Repository, list[Recorded]], tmp_path: Path) -> None:
    expected, records = truth
    empty = Repository.create(tmp_path / "empty")

    report = restore(empty, records)

    assert report.refs == empty.refs() == expected.refs()
    assert report.rebuilt == len(records)
    assert empty.fsck() == ()
    empty.checkout_main()
    assert (empty.folder / "src/a.py").read_text() == "a = 30\nb = 2\n"


def test_commits_alone_are_enough_because_merges_follow_from_them(
    truth: tuple[Repository, list[Recorded]], tmp_path: Path
) -> None:
    expected, records = truth
    empty = Repository.create(tmp_path / "empty")

    restore(empty, [one for one in records if isinstance(one, RecordedCommit)])

    assert empty.refs() == expected.refs()


def test_a_merged_tree_that_is_not_committed_yet_is_there_for_its_tests(
    truth: tuple[Repository, list[Recorded]], tmp_path: Path
) -> None:
    _, records = truth
    last = next(n for n in reversed(range(len(records))) if isinstance(records[n], RecordedMerge))
    merge = records[last]
    empty = Repository.create(tmp_path / "empty")

    restore(empty, records[: last + 1])

    assert isinstance(merge, RecordedMerge)
    assert empty.files(merge.tree)["src/a.py"] == "a = 30\nb = 2\n"


def test_restoring_what_is_whole_changes_nothing(truth: tuple[Repository, list[Recorded]], tmp_path: Path) -> None:
    repository, records = performed(tmp_path / "r")
    before = repository.refs()

    report = restore(repository, records)

    assert (report.rebuilt, report.leftovers, report.was_damaged, report.refs) == (0, (), False, before)


@pytest.mark.parametrize("kept", range(9))
def test_a_folder_that_ran_ahead_is_set_back_to_the_journal(
    truth: tuple[Repository, list[Recorded]], tmp_path: Path, kept: int
) -> None:
    expected, records = truth
    repository, _ = performed(tmp_path / "r")
    repository.set_refs({**repository.refs(), "refs/heads/stray/branch": repository.ref(MAIN)})

    restore(repository, records[:kept])

    wanted = {one.ref: one.commit for one in records[:kept] if isinstance(one, RecordedCommit)}
    assert repository.refs() == wanted
    History(repository).perform(known=records[:kept])
    assert repository.refs() == expected.refs()
    assert repository.fsck() == ()


def test_the_first_record_that_comes_out_otherwise_is_named(
    truth: tuple[Repository, list[Recorded]], tmp_path: Path
) -> None:
    _, records = truth
    forged = list(records)
    assert isinstance(forged[1], RecordedCommit)
    forged[1] = replace(forged[1], changes=(put("src/a.py", "a = 11\n"),))
    empty = Repository.create(tmp_path / "empty")

    with pytest.raises(RestoreError) as refusal:
        restore(empty, forged)

    assert (refusal.value.number, refusal.value.recorded) == (1, records[1].commit)  # type: ignore[union-attr]
    assert refusal.value.rebuilt not in ("", refusal.value.recorded)
    assert empty.refs() == {}


def test_a_journal_with_a_gap_names_what_is_missing(truth: tuple[Repository, list[Recorded]], tmp_path: Path) -> None:
    _, records = truth

    with pytest.raises(RestoreError, match="record 0"):
        restore(Repository.create(tmp_path / "empty"), records[1:])


def test_leftovers_of_a_killed_process_are_removed_and_named(
    truth: tuple[Repository, list[Recorded]], tmp_path: Path
) -> None:
    repository, records = performed(tmp_path / "r")
    expected = repository.refs()
    repository.checkout_main()
    git_dir = repository.git.git_dir
    (git_dir / "index").write_bytes((git_dir / "index").read_bytes()[:-7])
    for name in ("index.lock", "HEAD.lock", "packed-refs.lock", f"{MAIN}.lock", "refs/heads/feat/eve/S-9.lock"):
        (git_dir / name).parent.mkdir(parents=True, exist_ok=True)
        (git_dir / name).write_text("half")
    (git_dir / S1).write_text(expected[S1][:20])
    (git_dir / S2).write_text("")
    (git_dir / "packed-refs").write_text("# pack-refs with: peeled\nhalf a line")
    (git_dir / "private/tmpabc").mkdir()
    (git_dir / "private/tmpabc/index.lock").write_text("")
    (git_dir / "objects/aa").mkdir(exist_ok=True)
    (git_dir / "objects/aa/tmp_obj_x").write_text("half")

    report = restore(repository, records)

    assert repository.refs() == expected
    assert repository.fsck() == ()
    assert {
        "index",
        "index.lock",
        f"{MAIN}.lock",
        S1,
        S2,
        "packed-refs",
        "private/tmpabc",
        "objects/aa/tmp_obj_x",
    } <= set(report.leftovers)
    assert not [path for path in git_dir.rglob("*.lock") if path.name != "workspace.lock"]
    repository.checkout_main()


def test_working_folders_of_the_dead_go_and_their_branches_are_free(tmp_path: Path) -> None:
    repository, records = performed(tmp_path / "r")
    folder = tmp_path / "pair"
    repository.add_worktree(folder, repository.ref(S1), S1).write("half", "done")
    half = repository.git.git_dir / "worktrees/half"
    half.mkdir()
    (half / "index.lock").write_text("")

    report = restore(repository, records)

    assert report.worktrees == (S1,)
    assert not folder.exists()
    repository.add_worktree(folder, repository.ref(S1), S1)


def _torn(repository: Repository) -> Iterator[Path]:
    for path in sorted(repository.git.git_dir.glob("objects/??/*")):
        path.chmod(0o644)
        yield path


@pytest.mark.parametrize("damage", ["emptied", "cut", "gone", "everything"])
def test_torn_objects_are_made_again(truth: tuple[Repository, list[Recorded]], tmp_path: Path, damage: str) -> None:
    expected, records = truth
    repository, _ = performed(tmp_path / "r")
    for number, path in enumerate(list(_torn(repository))):
        if damage == "everything":
            path.write_bytes(b"garbage")
        elif number % 5 == 0:
            if damage == "gone":
                path.unlink()
            else:
                path.write_bytes(b"" if damage == "emptied" else path.read_bytes()[:-3])

    restore(repository, records)

    assert repository.refs() == expected.refs()
    assert repository.fsck() == ()
    assert repository.files(repository.ref(MAIN)) == expected.files(expected.ref(MAIN))


def test_a_repository_that_was_packed_by_hand_is_as_good(
    truth: tuple[Repository, list[Recorded]], tmp_path: Path
) -> None:
    expected, records = truth
    repository, _ = performed(tmp_path / "r")
    subprocess.run(["git", "gc", "-q", "--prune=now"], cwd=repository.folder, check=True)

    assert not restore(repository, records).was_damaged
    assert repository.refs() == expected.refs()
    (pack,) = repository.git.git_dir.glob("objects/pack/*.pack")
    pack.chmod(0o644)
    pack.write_bytes(pack.read_bytes()[:-30])

    assert restore(repository, records).was_damaged
    assert repository.refs() == expected.refs()
    assert repository.fsck() == ()


@pytest.mark.parametrize(("when", "moments"), [("before", 25), ("locked", 5)])
def test_killed_at_any_git_command_the_history_goes_on_with_the_same_hashes(
    truth: tuple[Repository, list[Recorded]], tmp_path: Path, when: str, moments: int
) -> None:
    _, records = truth
    wanted = {MAIN: records[5].commit, S1: records[1].commit, S2: records[3].commit}  # type: ignore[union-attr]
    for at in range(1, moments + 2):
        folder, journal = tmp_path / f"{at}", tmp_path / f"{at}.journal"
        Repository.create(folder)

        def work(at: int = at, folder: Path = folder, journal: Path = journal) -> None:
            KilledGit(at, when).install()
            with journal.open("w") as file:
                History(Repository.create(folder)).begin(lambda done: print(done, file=file, flush=True))

        code = in_process(work)
        known = records[: len(journal.read_text().splitlines())]
        repository = Repository.create(folder)
        restore(repository, known)
        assert repository.fsck() == ()
        History(repository).begin(known=known)
        assert repository.refs() == wanted
        assert repository.fsck() == ()
        assert code == (-signal.SIGKILL if at <= moments else 0), "it has as many moments as we think"


def test_a_restore_that_is_killed_can_be_repeated(truth: tuple[Repository, list[Recorded]], tmp_path: Path) -> None:
    expected, records = truth
    folder = tmp_path / "r"
    codes = []
    for at in range(1, 50, 10):
        shutil.rmtree(folder, ignore_errors=True)
        repository, _ = performed(folder)
        for path in list(_torn(repository))[::4]:
            path.write_bytes(b"torn")

        def work(at: int = at) -> None:
            KilledGit(at, "before").install()
            restore(Repository.create(folder), records)

        codes.append(in_process(work))
        restore(Repository.create(folder), records)
        assert repository.refs() == expected.refs()
        assert repository.fsck() == ()

    assert codes.count(-signal.SIGKILL) >= 4


def test_killed_with_its_git_at_any_moment_nothing_is_lost(tmp_path: Path) -> None:
    folder = tmp_path / "r"
    Repository.create(folder)

    def work() -> None:
        os.setpgid(0, 0)
        repository = Repository.create(folder)
        for number in range(1_000):
            head = repository.ref(MAIN)
            commit(repository, put(f"f{number}", "x" * 5_000), parent=head, message=f"Step {number}")
            os.write(write, b"x")

    for attempt in range(8):
        shutil.rmtree(folder)
        Repository.create(folder)
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                work()
            finally:
                os._exit(0)
        os.close(write)
        for _ in range(attempt + 1):
            assert os.read(read, 1)
        os.killpg(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(read)
        repository = Repository.create(folder)
        records = _expected_steps(tmp_path / f"expected{attempt}", attempt + 1)

        restore(repository, records)

        assert repository.refs() == {MAIN: records[-1].commit}
        assert repository.fsck() == ()


def _expected_steps(folder: Path, count: int) -> list[RecordedCommit]:
    """What the journal holds after so many commits, worked out in another repository."""
    repository, head, records = Repository.create(folder), "", []
    for number in range(count):
        change, message = put(f"f{number}", "x" * 5_000), f"Step {number}"
        parents, base = ((head,), head) if head else ((), "")
        head = commit(repository, change, parent=head, message=message).commit
        records.append(
            RecordedCommit(
                ref=MAIN, parents=parents, base=base, changes=(change,), message=message, author=ADA, commit=head
            )
        )
    return records
