"""How well a run's model judged, from nothing but the run's journal.

The journal has what was asked and answered, but not what people observed: that is derived again, by replaying a copy of
the journal without any engine and listening to every judgement.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from actors.policy.calibration import parse_calibration
from actors.policy.decisions import Decide
from actors.roles.judging import Judgement, NoJudgement, Question
from actors.scrum.messages import ModelAsked
from actors.simulation.folders import JOURNAL
from actors.simulation.layout import SERVICES, Assignment
from actors.simulation.run_command import read_run
from actors.simulation.session import Session
from brokers.journal.reader import JournalReader
from training.house.folder import HouseModelError
from training.house.progress import Advance
from training.house.scoring import Score, Scorer


@dataclass(frozen=True, slots=True)
class Heard:
    """A judgement of a run. `first` is the answer, if the first attempt gave it."""

    asked: Decide
    first: object | None


def judgements_of(folder: Path, *, allow_code_change: bool = False) -> list[Heard]:
    """Every judgement that a model was asked for, in the order in which they ended.

    Raises:
        HouseModelError: No model was asked in this run.
        FolderError, JournalError: There is no run, or its replay differs.
        CodeChangedError: Other code recorded it, and that was not allowed for.
    """
    inputs, _ = read_run(folder)
    if not inputs.config.policy.asks_model:
        raise HouseModelError(f"{folder}: no model was asked in this run (policy.judgement)")
    heard: list[Heard] = []

    def listen(question: Question, found: Judgement | NoJudgement) -> None:
        asked = Decide(agent=question.agent, key=question.key, observation=question.observation)
        heard.append(Heard(asked, _first_answer(question, found)))

    with TemporaryDirectory(prefix="scrummage-judgements-") as place:
        shutil.copy(folder / JOURNAL, place)
        assignment = Assignment(
            folder=place, sockets=place, nodes=1, node=SERVICES, replay=True, allow_code_change=allow_code_change
        )
        Session(assignment, say=lambda progress: None, listener=listen).run()
    return heard


def scores_of(folder: Path, *, allow_code_change: bool = False) -> list[Score]:
    """Score every judgement of a run. Raises as `judgements_of` does."""
    inputs, _ = read_run(folder)
    heard = judgements_of(folder, allow_code_change=allow_code_change)
    _check_complete(folder, len(heard))
    scorer = Scorer(parse_calibration(inputs.calibration))
    scores = []
    with Advance("judgements") as advance:
        for number, one in enumerate(heard, start=1):
            scores.append(scorer.score(one.asked, one.first))
            advance.show(number, len(heard))
    return scores


def _first_answer(question: Question, found: Judgement | NoJudgement) -> object | None:
    """The answer, if the first attempt gave it: each attempt takes the time of the decision once."""
    is_first = isinstance(found, Judgement) and found.duration_us == question.duration_us
    return found.answer if is_first and isinstance(found, Judgement) else None


def _check_complete(folder: Path, heard: int) -> None:
    with JournalReader(folder / JOURNAL) as journal:
        asked = sum(1 for _ in journal.rows(kinds=(ModelAsked.KIND,)))
    if asked != heard:
        raise HouseModelError(f"{folder}: the log has {asked} decisions of a model, its replay {heard}")
