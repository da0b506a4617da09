"""Turns the log of a run into its artifacts: sprint folders as sprints end, reports when all is over."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from actors.reporting.artifact_folder import ArtifactFolder
from actors.reporting.card_wall import Codes
from actors.reporting.code_files import code_report, coverage_report
from actors.reporting.code_history import CodeHistory
from actors.reporting.entries import LoggedEvent
from actors.reporting.final_page import final_page
from actors.reporting.final_report import DeadLetters, RunTotals, final_report
from actors.reporting.openmetrics import OpenMetricsRecorder
from actors.reporting.retro import retrospective
from actors.reporting.run_info import RunInfo
from actors.reporting.run_ledger import RunLedger, notices
from actors.reporting.sprint_files import (
    decision_file_name,
    decision_index,
    decision_record,
    meta_learning_diff,
    pairing_log,
)
from actors.reporting.tables import KnowledgeTable, write_tables
from actors.reporting.team_history import TeamHistory
from actors.scrum.messages import BudgetExhausted, DecisionRecorded, KnowledgeReviewed, SprintEnded, TokensSpent
from brokers.node.messages import DeadLettered


class ArtifactWriter:
    """Feed it every entry in log order, then call `finish` once. The same entries give the same bytes."""

    def __init__(self, folder: Path, info: RunInfo) -> None:
        self._info = info
        self._folder = ArtifactFolder(folder)
        self._histories = {team: TeamHistory(team) for team in info.teams}
        self._dead_letters: dict[str, DeadLetters] = {}
        self._decided_at: dict[tuple[str, int], str] = {}  # (team, adr) -> virtual date, until its sprint ends
        self._events = 0
        self._ledger = RunLedger(info)
        self._knowledge = KnowledgeTable(self._folder)
        self._recorder = OpenMetricsRecorder(self._folder, info)

    def apply(self, entry: LoggedEvent) -> None:
        """Take one entry into account; the end of a sprint writes its folder."""
        self._events += 1
        self._recorder.apply(entry)
        message: Any = entry.message
        match message:
            case DeadLettered():
                self._dead_letters.setdefault(message.actor, DeadLetters()).add(message)
                return
            case KnowledgeReviewed():
                self._knowledge.add(message)
            case DecisionRecorded():
                self._decided_at[message.team, message.adr] = self._info.timestamp(entry.time_us)
            case SprintEnded():
                self._write_sprint(message)
                return
            case TokensSpent():
                self._ledger.spent(message, sprint=self._histories[message.team].record.sprint)
            case BudgetExhausted():
                self._ledger.exhausted(message, at=self._info.timestamp(entry.time_us))
                for each in self._histories.values():
                    if message.team in ("", each.team):
                        each.record.budgets.append(message)
                return
        history = self._histories.get(getattr(message, "team", ""))
        if history is not None:
            history.apply(message, entry.time_us)

    def boards(self) -> dict[str, Any]:
        """Every team's board as it is now, by team; `done` holds what waits for the sprint review or just passed it."""
        return {
            team: {
                "sprint": history.record.sprint,
                **notices(history.record.budgets),
                **history.wall.columns(history.record.sprint, _stories(code)),
            }
            for team, history in self._histories.items()
            for code in (self._code(history),)
        }

    def finish(self, *, event_digest: str) -> dict[str, Any]:
        """Write tables, metrics and the final report; returns the report."""
        histories = list(self._histories.values())
        totals = RunTotals(events=self._events, event_digest=event_digest, dead_letters=self._dead_letters)
        report = final_report(self._info, histories, totals)
        if self._info.judgement == "model" or self._info.hands == "llm":
            report["ledger"] = self._ledger.summary()
            self._folder.write_json("ledger.json", self._ledger.page())
        self._knowledge.finish()
        self._recorder.finish()
        write_tables(self._folder, histories, self._info)
        self._folder.write_json("final_report.json", report)
        self._folder.write_text("final_report.md", final_page(report))
        return report

    def _write_sprint(self, ended: SprintEnded) -> None:
        history = self._histories[ended.team]
        record, code = history.record, self._code(history)
        record.sprint = ended.sprint
        place = self._info.sprint_folder(ended.team, ended.sprint)
        write = self._folder.write_text
        board = history.wall.snapshot(ended, _stories(code)) | notices(record.budgets)
        self._folder.write_json(f"{place}/kanban.json", board)
        self._folder.write_json(f"{place}/test_coverage.json", coverage_report(ended.sprint, code))
        if code is not None:
            self._folder.write_json(f"{place}/code.json", code_report(ended, code, history.wall))
        write(f"{place}/pairing_log.jsonl", pairing_log(record, self._info, code))
        write(f"{place}/retro.md", retrospective(record, history.members))
        write(f"{place}/meta_learning_diff.md", meta_learning_diff(record))
        write(f"{place}/adrs/README.md", decision_index(record))
        for decision in record.decisions:
            page = decision_record(decision, self._decided_at.pop((ended.team, decision.adr)))
            write(f"{place}/adrs/{decision_file_name(decision)}", page)
        history.close_sprint(ended)

    def _code(self, history: TeamHistory) -> CodeHistory | None:
        """The code of a team; None where there is none, because work is modelled."""
        return history.code if self._info.executes else None


def _stories(code: CodeHistory | None) -> Codes | None:
    return code.stories if code is not None else None
