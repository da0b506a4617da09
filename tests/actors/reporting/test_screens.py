"""What a person sees while a run goes on and when it ends."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from actors.reporting.entries import LoggedEvent
from actors.reporting.progress import ProgressReporter
from actors.reporting.summary import show_summary
from actors.reporting.writer import ArtifactWriter
from tests.actors.reporting.builders import entries, run_info, whole_run
from tests.actors.reporting.code_builders import executed_run, main_measured


def report_of(folder: Path, sprints: int) -> dict[str, Any]:
    writer = ArtifactWriter(folder, run_info())
    for entry in whole_run(sprints):
        writer.apply(entry)
    return writer.finish(event_digest="abc")


def plain_console() -> tuple[Console, io.StringIO]:
    out = io.StringIO()
    return Console(file=out, width=80, force_terminal=False), out


@pytest.mark.parametrize("sprints", [1, 20, 35])
def test_the_summary_fits_one_screen_and_says_where_the_results_are(tmp_path: Path, sprints: int) -> None:
    console, out = plain_console()
    show_summary(report_of(tmp_path, sprints), tmp_path, console)

    assert len(out.getvalue().splitlines()) <= 28
    assert "\x1b" not in out.getvalue()
    assert f"results   {tmp_path}" in out.getvalue()


def test_bars_grow_with_velocity(tmp_path: Path) -> None:
    console, out = plain_console()
    show_summary(report_of(tmp_path, 3), tmp_path, console)

    lengths = [line.count("█") for line in out.getvalue().splitlines() if "█" in line]
    assert lengths == [30, 35, 40]


def summary_of(folder: Path, log: list[LoggedEvent]) -> str:
    writer = ArtifactWriter(folder, run_info(executes=True))
    for entry in log:
        writer.apply(entry)
    console, out = plain_console()
    show_summary(writer.finish(event_digest="abc"), folder, console)
    return out.getvalue()


def test_executed_work_has_one_line_more_and_says_where_its_repository_is(tmp_path: Path) -> None:
    shown = summary_of(tmp_path, executed_run(20))

    line = (
        "code      100 tests green on main, 90 % of lines, 75 % of branches; 60 commits, 40 merges, 20 returned; "
        "0 defects escaped"
    )
    assert line in shown.splitlines()
    assert f"workspace {tmp_path / 'workspace'}" in shown
    assert len(shown.splitlines()) <= 30


def test_red_tests_on_main_are_not_called_green(tmp_path: Path) -> None:
    log = entries([(0, main_measured(failing=2, lines=(999, 1000), branches=(0, 0)))])

    assert "code      14 tests on main, 2 of them red, 99 % of lines, – of branches" in summary_of(tmp_path, log)


def test_an_empty_run_has_a_summary_too(tmp_path: Path) -> None:
    console, out = plain_console()
    writer = ArtifactWriter(tmp_path, run_info())
    show_summary(writer.finish(event_digest="abc"), tmp_path, console)

    assert "delivered 0 stories, 0 points in 0 sprints" in out.getvalue()


def test_without_a_terminal_each_sprint_is_one_plain_line() -> None:
    console, out = plain_console()
    with ProgressReporter(console) as progress:
        progress.update({"sprint": 1, "sprints": 3, "day": 1, "days": 5})
        progress.update({"sprint": 1, "sprints": 3, "day": 4, "days": 5})
        progress.update({"sprint": 2, "sprints": 3, "day": 1, "days": 5, "velocity": 9, "events": 812, "eta_s": 3.6})
        progress.update({"sprint": 1, "sprints": 3})  # a report that was overtaken

    assert out.getvalue() == ("sprint 1/3, day 1\nsprint 2/3, day 1, last velocity 9, 812 events, about 4 s left\n")


def test_on_a_terminal_there_is_a_bar_that_follows_the_days() -> None:
    out = io.StringIO()
    console = Console(file=out, width=120, force_terminal=True)
    with ProgressReporter(console) as progress:
        progress.update({"sprint": 2, "sprints": 2, "day": 1, "days": 5})
        halfway = progress._bar.tasks[0].percentage
        progress.update({"sprint": 2, "sprints": 2, "day": 6, "days": 5})
        full = progress._bar.tasks[0].percentage
        progress.finish()

    assert (halfway, full) == (50.0, 100.0)
    assert "sprint 2/2" in out.getvalue()
