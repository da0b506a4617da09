"""The repositories of a run: where they lie, and how they are made to hold what the journal holds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from actors.work.engine import build_registry, signature
from actors.work.messages import MAIN, CommitFiles, Committed, LandTree, MergeTrees, TreesMerged
from actors.work.workspace.git import find_git
from actors.work.workspace.repository import FileChange, Repository
from actors.work.workspace.restore import Recorded, RecordedCommit, RecordedMerge, restore
from brokers.journal.reader import JournalReader
from brokers.wire.packing import kind_of, unpack
from config.sections import RunConfig

FOLDER = "workspace"
GIT = (CommitFiles.KIND, LandTree.KIND, MergeTrees.KIND)


def workspace(run: Path, teams: Sequence[str], team: str) -> Path:
    """The repository of a team: the folder itself where there is one team only."""
    return run / FOLDER if len(teams) == 1 else run / FOLDER / team


def check_tools(config: RunConfig) -> None:
    """Raises WorkspaceError where work is to be executed and git is missing or too old."""
    if config.code_generation.mode == "executed":
        find_git()


def work_plan(run: Path, teams: Sequence[str]) -> dict[str, Any]:
    """What a work engine is told."""
    return {"folders": {team: str(workspace(run, teams, team).absolute()) for team in teams}}


def rebuild_workspaces(journal: Path, run: Path, teams: Sequence[str]) -> None:
    """Make every repository hold exactly what the journal says: what a killed run left over is undone, what is missing
    is made again. Raises RestoreError where that gives another commit than the journal has.
    """
    recorded: dict[str, list[Recorded]] = {team: [] for team in teams}
    for team, one in _recorded(journal):
        recorded[team].append(one)
    for team in teams:
        restore(Repository.create(workspace(run, teams, team)), recorded[team])


def show_workspaces(run: Path, teams: Sequence[str]) -> None:
    """Let each folder show the files of its main."""
    for team in teams:
        Repository.create(workspace(run, teams, team)).checkout_main()


def _recorded(journal: Path) -> Iterator[tuple[str, Recorded]]:
    """Every commit and merge that the journal holds, parents first: what is due later was asked for later."""
    registry = build_registry()
    with JournalReader(journal) as reader:
        asked = [one for one in reader.effects() if kind_of(one.request) in GIT]
    for one in sorted(asked, key=lambda each: (each.effect.due_us, each.effect.actor, each.effect.n)):
        request, reply = registry.from_body(unpack(one.request)), registry.from_body(unpack(one.effect.reply))
        match request, reply:
            case CommitFiles(), Committed(commit=commit):
                yield request.team, _commit(request, commit)
            case LandTree(), Committed(commit=commit):
                yield request.team, _landing(request, commit)
            case MergeTrees(), TreesMerged(tree=tree):
                yield request.team, RecordedMerge(ours=request.ours, theirs=request.theirs, tree=tree)


def _commit(request: CommitFiles, commit: str) -> RecordedCommit:
    return RecordedCommit(
        ref=request.ref,
        parents=request.parents,
        message=request.message,
        author=signature(request.author),
        commit=commit,
        base=request.base,
        changes=tuple(FileChange(path=one.path, content=one.content) for one in request.changes),
    )


def _landing(request: LandTree, commit: str) -> RecordedCommit:
    return RecordedCommit(
        ref=MAIN,
        parents=request.parents,
        message=request.message,
        author=signature(request.author),
        commit=commit,
        tree=request.tree,
    )
