"""What the recorder cannot record reaches the one who asks it next, and the run ends with the cause."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from actors.reporting.entries import LoggedEvent
from actors.services.recorder import CatchUp, Close, Recorded, Recorder, Sample, Snapshot
from actors.simulation.recorder_feed import MOST_UNREAD, RecorderFeed
from brokers.node.actor import hosting
from brokers.node.pool import Pool
from brokers.node.rows import Row
from tests.actors.reporting import builders as b

BLOCKED = r"kanban\.json"


def events() -> list[LoggedEvent]:
    """One sprint, whose end writes its folder."""
    return b.entries([(0, b.team_formed()), (0, b.sprint_started()), (b.at(1, 5), b.sprint_ended(1, points=0))])


@pytest.fixture
def recorder(tmp_path: Path) -> Iterator[Any]:
    pool = Pool(1)
    token = hosting.set(pool)
    try:
        ref = Recorder.start(tmp_path, b.run_info(), sprints=1)
    finally:
        hosting.reset(token)
    yield ref
    ref.stop()
    pool.close()


@pytest.fixture
def blocked(tmp_path: Path) -> Path:
    """Something is where a file of the sprint is to be written."""
    path = tmp_path / "sprint-01" / "kanban.json"
    path.mkdir(parents=True)
    return path


@pytest.mark.parametrize("question", [CatchUp(), Sample(()), Snapshot(), Close("d" * 64)])
def test_every_question_after_a_failure_is_answered_with_its_cause(recorder: Any, blocked: Path, question: Any) -> None:
    recorder.tell(Recorded(tuple(events())))
    for _ in range(2):
        with pytest.raises(IsADirectoryError, match=BLOCKED):
            recorder.ask(question)


def test_nothing_is_recorded_after_a_failure(recorder: Any, blocked: Path, tmp_path: Path) -> None:
    recorder.tell(Recorded(tuple(events())))
    with pytest.raises(IsADirectoryError):
        recorder.ask(CatchUp())
    blocked.rmdir()

    recorder.tell(
        Recorded(tuple(b.entries([(b.at(2, 1), b.sprint_started(2)), (b.at(2, 5), b.sprint_ended(2, points=0))])))
    )

    with pytest.raises(IsADirectoryError, match="sprint-01"):
        recorder.ask(CatchUp())
    assert not (tmp_path / "sprint-02").exists()


def test_a_question_is_answered_when_all_went_well(recorder: Any, tmp_path: Path) -> None:
    recorder.tell(Recorded(tuple(events())))
    recorder.ask(CatchUp())
    assert (tmp_path / "sprint-01" / "kanban.json").is_file()


def rows() -> list[Row]:
    return [
        Row(one.time_us, one.src, one.seq, dst="", kind="", cause=one.cause, record=b"", message=one.message)
        for one in events()
    ]


def test_a_sample_raises_what_the_recorder_failed_with(recorder: Any, blocked: Path) -> None:
    feed = RecorderFeed(recorder, dict)
    feed.observe(1, rows())
    with pytest.raises(IsADirectoryError, match=BLOCKED):
        feed.sample()


def test_waiting_for_the_recorder_raises_what_it_failed_with(recorder: Any, blocked: Path) -> None:
    feed = RecorderFeed(recorder, dict)
    with pytest.raises(IsADirectoryError, match=BLOCKED):
        feed.observe(1, rows() + rows()[:1] * MOST_UNREAD)
