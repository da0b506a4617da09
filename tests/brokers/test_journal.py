from __future__ import annotations

import fcntl
import hashlib
import os
import subprocess
import sys
from pathlib import Path

import msgpack
import pytest

from brokers.journal.errors import (
    DivergedError,
    DuplicateError,
    JournalExistsError,
    LockedError,
    NotAJournalError,
    VersionError,
)
from brokers.journal.journal import Journal
from brokers.journal.reader import JournalReader
from brokers.journal.rows import LogRow, StoredCommand, StoredEffect

INPUTS = {"config.yaml": b"seed: 7\n", "backlog.yaml": b"stories: []\n" * 100}


def row(n: int, *, points: int = 3, cause: str = "") -> LogRow:
    src = f"agent/{n % 5}"
    body = {"kind": "board.pull_story/1", "story": {"id": f"S-{n}", "points": points}}
    record = msgpack.packb([n * 10, "board/team-1", src, n, cause, 0, None, body])
    return LogRow(n * 10, src, n, "board/team-1", "board.pull_story/1", cause, record)


def rows(first: int, last: int) -> list[LogRow]:
    return [row(n) for n in range(first, last + 1)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run.sqlite"


def test_inputs_and_notes_come_back_after_reopening(path: Path) -> None:
    with Journal.create(path, INPUTS) as journal:
        assert journal.get_state("finished") is None
        journal.set_state("finished", "no")
        journal.set_state("finished", "yes")

    with Journal.open(path) as journal:
        assert journal.inputs() == dict(sorted(INPUTS.items()))
        assert journal.get_state("finished") == "yes"


def test_an_effect_comes_back_with_its_reply_and_an_unknown_one_is_none(path: Path) -> None:
    short = StoredEffect("agent/ada", 1, 0, b"digest-1", b"yes", 500)
    long = StoredEffect("agent/ada", 1, 1, b"digest-2", b"because " * 1000, 900)
    with Journal.create(path, INPUTS) as journal:
        journal.add_effect(short, b"ask")
        journal.add_effect(long, b"ask again")
        assert journal.effect("agent/ada", 1, 0) == short

    with Journal.open(path) as journal:
        assert journal.effect("agent/ada", 1, 1) == long
        assert journal.effect("agent/ada", 2, 0) is None
        assert journal.effects_count() == 2
    assert path.stat().st_size < 100_000, "a repetitive reply is stored compressed"


def test_equal_replies_are_stored_once(path: Path) -> None:
    noise = os.urandom(50_000)
    with Journal.create(path, INPUTS) as journal:
        for n in range(20):
            journal.add_effect(StoredEffect("agent/ada", n, 0, b"digest", noise, n), noise)

    assert path.stat().st_size < 200_000


def test_an_effect_is_answered_only_once(path: Path) -> None:
    with Journal.create(path, INPUTS) as journal:
        journal.add_effect(StoredEffect("agent/ada", 1, 0, b"d", b"yes", 5), b"ask")
        with pytest.raises(DuplicateError, match="agent/ada #1 attempt 0"):
            journal.add_effect(StoredEffect("agent/ada", 1, 0, b"d", b"no", 5), b"ask")


def test_effects_due_later_than_an_instant_can_be_dropped(path: Path) -> None:
    with Journal.create(path, INPUTS) as journal:
        for n in range(10):
            journal.add_effect(StoredEffect("agent/ada", n, 0, b"d", b"reply %d" % n, n * 100), b"ask")
        assert journal.drop_effects_due_after(400) == 5
        assert journal.effects_count() == 5
        assert journal.effect("agent/ada", 4, 0) is not None
        assert journal.effect("agent/ada", 5, 0) is None


def test_commands_keep_their_order_and_are_found_by_the_clients_id(path: Path) -> None:
    first, second = StoredCommand(1, 50, "ops", "a", b"one"), StoredCommand(2, 60, "ops", "b", b"two")
    with Journal.create(path, INPUTS) as journal:
        journal.add_command(first)
        journal.add_command(second)
        with pytest.raises(DuplicateError):
            journal.add_command(StoredCommand(3, 70, "ops", "a", b"other"))

    with Journal.open(path) as journal:
        assert journal.commands() == [first, second]
        assert journal.find_command("ops", "b") == second
        assert journal.find_command("other", "b") is None


def test_the_digest_covers_every_appended_record_in_order(path: Path) -> None:
    log = rows(1, 100)
    with Journal.create(path, INPUTS) as journal:
        journal.append(log[:30])
        journal.append(log[30:])
        expected = hashlib.sha256(b"".join(entry.record for entry in log)).hexdigest()
        assert journal.digest() == expected
        assert (journal.count(), journal.stored_count()) == (100, 0)

    with JournalReader(path) as reader:
        assert reader.digest() == expected
        assert reader.count() == 100


def test_a_replay_is_compared_and_then_carried_on(path: Path) -> None:
    with Journal.create(path, INPUTS) as journal:
        journal.append(rows(1, 5000))
        whole = journal.digest()

    with Journal.open(path) as journal:
        assert (journal.count(), journal.stored_count()) == (0, 5000)
        journal.append(rows(1, 2500))
        journal.append(tuple(rows(2501, 5010)))  # crosses from stored to new rows
        assert journal.count() == 5010
        journal.truncate_after(5010)

    with JournalReader(path) as reader:
        assert [n for n, _ in reader.rows()] == list(range(1, 5011))
        assert [found for _, found in reader.rows(1, 5010)] == rows(1, 5010)
        assert reader.digest() != whole


def test_a_difference_inside_a_body_names_the_row_and_the_field(path: Path) -> None:
    with Journal.create(path, INPUTS) as journal:
        journal.append(rows(1, 3000))

    with Journal.open(path) as journal:
        journal.append(rows(1, 2800))
        with pytest.raises(DivergedError) as caught:
            journal.append([row(2801), row(2802, points=5)])
    error = caught.value
    assert (error.n, error.field, error.expected, error.actual) == (2802, "body.story.points", 3, 5)
    assert str(error) == "diverged at event 2802: body.story.points was 3, is 5"


def test_a_difference_in_the_envelope_or_in_a_column_is_named_too(path: Path) -> None:
    with Journal.create(path, INPUTS) as journal:
        journal.append(rows(1, 3))

    with Journal.open(path) as journal, pytest.raises(DivergedError) as caught:
        journal.append([row(1, cause="agent/9:4")])
    assert (caught.value.field, caught.value.expected, caught.value.actual) == ("cause", "", "agent/9:4")
    with Journal.open(path) as journal, pytest.raises(DivergedError) as caught:
        journal.append([row(1)._replace(kind="board.move/1")])
    assert caught.value.field == "kind"


def test_one_and_true_are_different_values(path: Path) -> None:
    with Journal.create(path, INPUTS) as journal:
        journal.append([row(1, points=1)])
    with Journal.open(path) as journal, pytest.raises(DivergedError) as caught:
        journal.append([row(1, points=True)])
    assert caught.value.field == "body.story.points"


def test_truncating_forgets_stored_rows_but_not_appended_ones(path: Path) -> None:
    with Journal.create(path, INPUTS) as journal:
        journal.append(rows(1, 50))

    with Journal.open(path) as journal:
        journal.truncate_after(20)
        assert journal.stored_count() == 20
        journal.append([*rows(1, 20), row(21, points=8)])
        with pytest.raises(ValueError, match="21 rows were appended"):
            journal.truncate_after(20)

    with JournalReader(path) as reader:
        assert reader.row(21) == row(21, points=8)
        assert reader.row(22) is None


def test_what_was_not_committed_is_gone_when_an_error_ends_the_block(path: Path) -> None:
    def run_and_fail(journal: Journal) -> None:
        journal.append(rows(1, 10))
        journal.commit()
        journal.append(rows(11, 20))
        journal.add_command(StoredCommand(1, 50, "ops", "a", b"one"))
        raise RuntimeError

    with pytest.raises(RuntimeError), Journal.create(path, INPUTS) as journal:
        run_and_fail(journal)

    with JournalReader(path) as reader:
        assert reader.count() == 10
        assert reader.commands() == []


def test_a_second_writer_is_told_who_holds_the_journal(path: Path) -> None:
    with Journal.create(path, INPUTS):
        with pytest.raises(LockedError) as caught:
            Journal.open(path)
        assert caught.value.pid == os.getpid()
        with pytest.raises(LockedError):
            Journal.create(path, INPUTS)
    assert not path.with_name("run.sqlite.lock").exists()
    Journal.open(path).close()


def test_a_lock_file_left_by_a_dead_process_does_not_lock(path: Path) -> None:
    Journal.create(path, INPUTS).close()
    path.with_name("run.sqlite.lock").write_text("1\n")
    Journal.open(path).close()


def test_a_lock_file_removed_while_it_is_being_taken_is_taken_anew(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    take = fcntl.flock
    removals = [path.with_name("run.sqlite.lock")]

    def flock_after_the_last_holder_left(fd: int, operation: int) -> None:
        while removals:
            removals.pop().unlink()
        take(fd, operation)

    monkeypatch.setattr(fcntl, "flock", flock_after_the_last_holder_left)
    with Journal.create(path, INPUTS), pytest.raises(LockedError):
        Journal.open(path)  # would get in if the first writer held a lock on a file that is gone


def test_a_journal_is_never_created_over_a_run_or_over_something_else(path: Path, tmp_path: Path) -> None:
    Journal.create(path, INPUTS).close()
    with pytest.raises(JournalExistsError):
        Journal.create(path, {})
    letter = tmp_path / "letter.txt"
    letter.write_text("dear team " * 200)
    with pytest.raises(JournalExistsError):
        Journal.create(letter, {})
    assert letter.read_text().startswith("dear team")


def test_a_creation_killed_before_its_commit_left_nothing_in_the_way(path: Path) -> None:
    path.touch()
    assert not Journal.exists(path)
    with pytest.raises(NotAJournalError):
        Journal.open(path)
    Journal.create(path, INPUTS).close()
    assert Journal.exists(path)


@pytest.mark.parametrize("content", [b"hello" * 1000, b"SQLite format 3\0" + b"\xff" * 5000])
def test_other_files_are_refused_by_name(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(NotAJournalError, match=r"run\.sqlite is not a journal"):
        Journal.open(path)
    with pytest.raises(NotAJournalError):
        JournalReader(path)


def test_a_missing_journal_is_refused_and_not_created(path: Path) -> None:
    with pytest.raises(NotAJournalError):
        Journal.open(path)
    assert list(path.parent.iterdir()) == []


def test_another_layout_is_refused(path: Path) -> None:
    journal = Journal.create(path, INPUTS)
    journal._db.execute("PRAGMA user_version = 99")
    journal.close()
    with pytest.raises(VersionError) as caught:
        Journal.open(path)
    assert (caught.value.found, caught.value.expected) == (99, 1)


def test_equal_runs_make_equal_files(tmp_path: Path) -> None:
    files = []
    for name in ("a", "b"):
        with Journal.create(tmp_path / name, INPUTS) as journal:
            journal.append(rows(1, 100))
            journal.add_effect(StoredEffect("agent/ada", 1, 0, b"d", b"yes", 5), b"ask")
        files.append((tmp_path / name).read_bytes())
    assert files[0] == files[1]


WRITER = """
import sys
from pathlib import Path
from brokers.journal.journal import Journal
from brokers.journal.rows import StoredCommand, StoredEffect
from tests.brokers.test_journal import rows
path = Path(sys.argv[1])
journal = Journal.open(path)
start = journal.stored_count()
journal.append(rows(1, start))
n, first = start, True
while True:
    journal.append(rows(n + 1, n + 10))
    n += 10
    journal.add_effect(StoredEffect("agent/ada", n // 10, 0, b"d", b"reply", n), b"ask")
    journal.add_command(StoredCommand(n // 10, n, "ops", str(n), b"body"))
    journal.commit()
    if first:
        print(n, flush=True)
        first = False
"""


def test_a_writer_killed_at_any_moment_leaves_whole_windows_ten_times_in_a_row(path: Path) -> None:
    Journal.create(path, INPUTS).close()
    for _ in range(10):
        writer = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE)
        assert writer.stdout is not None
        committed = int(writer.stdout.readline())
        with JournalReader(path) as reader:
            reader.digest()  # lets the writer get into the middle of something
        writer.kill()
        writer.wait()
        writer.stdout.close()
        with JournalReader(path) as reader:
            count = reader.count()
            assert count >= committed
            assert count % 10 == 0
            assert len(reader.commands()) == count // 10 == len(list(reader.effects()))
            assert [found for _, found in reader.rows()] == rows(1, count)
            assert reader.inputs() == dict(sorted(INPUTS.items()))
    Journal.open(path).close()
    assert [entry.name for entry in path.parent.iterdir()] == ["run.sqlite"]
