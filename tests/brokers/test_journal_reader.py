from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import msgpack
import pytest

from brokers.journal.errors import JournalExistsError, NotAJournalError
from brokers.journal.export import export
from brokers.journal.journal import Journal
from brokers.journal.prefix import copy_prefix
from brokers.journal.reader import JournalReader
from brokers.journal.rows import LogRow, StoredCommand, StoredEffect
from tests.brokers.test_journal import INPUTS, row, rows


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run.sqlite"


@pytest.fixture
def finished(path: Path) -> Path:
    with Journal.create(path, INPUTS) as journal:
        journal.append(rows(1, 100))
        for n in range(1, 11):
            reply = msgpack.packb({"kind": "decision.estimate/1", "points": n})
            request = msgpack.packb({"kind": "decide/1", "n": n})
            journal.add_effect(StoredEffect("agent/ada", n, 0, b"\x01\x02", reply, n * 100), request)
            body = msgpack.packb({"command": "inject", "n": n})
            journal.add_command(StoredCommand(n, n * 100, "ops", f"c{n}", body))
        journal.set_state("sprints", "3")
    return path


def test_a_reader_sees_a_live_run_as_far_as_it_was_committed(path: Path) -> None:
    with Journal.create(path, INPUTS) as journal, JournalReader(path) as reader:
        journal.append(rows(1, 10))
        assert reader.count() == 0
        journal.commit()
        assert reader.count() == 10
        assert reader.find("agent/3", 3) == (3, row(3))
        journal.append(rows(11, 20))
        journal.commit()
        assert reader.find("agent/3", 13) == (13, row(13))
        assert reader.find("agent/3", 14) is None


def test_a_reader_in_another_process_sees_a_live_run(path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from brokers.journal.reader import JournalReader\n"
        "print(JournalReader(Path(sys.argv[1])).digest())"
    )
    with Journal.create(path, INPUTS) as journal:
        journal.append(rows(1, 10))
        journal.commit()
        said = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=True)
        assert said.stdout.strip() == journal.digest()


def test_rows_can_be_narrowed_by_number_and_kind(path: Path) -> None:
    log = [found._replace(kind="even/1" if found.seq % 2 == 0 else "odd/1") for found in rows(1, 6000)]
    with Journal.create(path, INPUTS) as journal:
        journal.append(log)

    with JournalReader(path) as reader:
        assert [n for n, _ in reader.rows(10, 14, kinds=["even/1"])] == [10, 12, 14]
        assert [n for n, _ in reader.rows(kinds=["even/1", "none/1"])] == list(range(2, 6001, 2))
        assert list(reader.rows(kinds=[])) == []
        assert next(iter(reader.rows(5999))) == (5999, log[5998])


def test_a_finished_run_is_one_file_and_reading_leaves_nothing_beside_it(finished: Path) -> None:
    with JournalReader(finished) as reader:
        assert len(list(reader.rows())) == 100
        assert reader.state("sprints") == "3"
        assert reader.states() == {"sprints": "3"}
        assert [asked.effect.n for asked in reader.effects()] == list(range(1, 11))
        assert list(reader.replies()) == [asked.effect for asked in reader.effects()]
        assert msgpack.unpackb(next(reader.effects()).request) == {"kind": "decide/1", "n": 1}
    assert [entry.name for entry in finished.parent.iterdir()] == ["run.sqlite"]


def test_a_prefix_has_everything_up_to_its_instant_and_nothing_later(finished: Path, tmp_path: Path) -> None:
    target = tmp_path / "fork.sqlite"

    assert copy_prefix(finished, target, 500) == 50

    with Journal.open(target) as journal:
        assert journal.inputs() == dict(sorted(INPUTS.items()))
        assert [command.number for command in journal.commands()] == [1, 2, 3, 4, 5]
        assert journal.effects_count() == 5
        assert journal.effect("agent/ada", 5, 0) is not None
        assert journal.get_state("sprints") is None
        assert journal.stored_count() == 50
        journal.append([*rows(1, 50), row(51, points=13)])  # a fork is compared first and differs after


def test_a_prefix_up_to_the_end_is_the_whole_log(finished: Path, tmp_path: Path) -> None:
    assert copy_prefix(finished, tmp_path / "all.sqlite", 10**12, inputs={"config.yaml": b"other"}) == 100
    with JournalReader(tmp_path / "all.sqlite") as copy, JournalReader(finished) as original:
        assert copy.digest() == original.digest()
        assert copy.inputs() == {"config.yaml": b"other"}


def test_a_prefix_replaces_no_run_and_needs_one(finished: Path, tmp_path: Path) -> None:
    with pytest.raises(JournalExistsError):
        copy_prefix(finished, finished, 500)
    with pytest.raises(NotAJournalError):
        copy_prefix(tmp_path / "missing.sqlite", tmp_path / "fork.sqlite", 500)
    assert [entry.name for entry in tmp_path.iterdir()] == ["run.sqlite"]


def test_an_export_as_json_lines_decodes_every_body(finished: Path, tmp_path: Path) -> None:
    files = export(finished, tmp_path / "out", "jsonl")

    log, effects, commands = ([json.loads(line) for line in file.read_text().splitlines()] for file in files)
    assert [file.name for file in files] == ["log.jsonl", "effects.jsonl", "commands.jsonl"]
    assert len(log) == 100
    assert log[6] == {
        "n": 7,
        "time_us": 70,
        "src": "agent/2",
        "seq": 7,
        "dst": "board/team-1",
        "kind": "board.pull_story/1",
        "cause": "",
        "corr": 0,
        "deadline": None,
        "body": {"kind": "board.pull_story/1", "story": {"id": "S-7", "points": 3}},
    }
    assert effects[1]["reply"] == {"kind": "decision.estimate/1", "points": 2}
    assert effects[1]["request_digest"] == "0102"
    assert commands[0]["body"] == {"command": "inject", "n": 1}


def test_an_export_as_csv_has_json_in_its_cells(finished: Path, tmp_path: Path) -> None:
    files = export(finished, tmp_path / "out", "csv")
    with files[0].open(newline="") as text:
        log = list(csv.DictReader(text))
    assert json.loads(log[99]["body"])["story"] == {"id": "S-100", "points": 3}


def test_bytes_that_are_no_message_are_exported_as_hexadecimal(path: Path, tmp_path: Path) -> None:
    with Journal.create(path, {}) as journal:
        journal.append(
            [LogRow(1, "a", 1, "b", "k/1", "", msgpack.packb([1, "b", "a", 1, "", 0, None, {"raw": b"\xff"}]))]
        )
        journal.add_effect(StoredEffect("a", 1, 0, b"d", b"\xc1\xff", 5), b"\xc1")
    export(path, tmp_path / "out", "jsonl")
    assert json.loads((tmp_path / "out/log.jsonl").read_text())["body"] == {"raw": {"hex": "ff"}}
    assert json.loads((tmp_path / "out/effects.jsonl").read_text())["reply"] == {"hex": "c1ff"}
