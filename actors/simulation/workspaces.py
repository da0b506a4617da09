"""The repositories of a run: where they lie, and how they are made to hold what the journal holds."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from actors.reporting.artifact_folder import SCRATCH
from actors.simulation.judges import recorded_problem
from actors.work.engine import build_registry, signature
from actors.work.messages import MAIN, CommitFiles, Committed, LandTree, MergeTrees, TreesMerged
from actors.work.sandbox.errors import LayerMissingError
from actors.work.sandbox.layers import Layer, probe, require
from actors.work.workspace.git import find_git
from actors.work.workspace.leftovers import remove_worktrees
from actors.work.workspace.repository import FileChange, Repository
from actors.work.workspace.restore import Recorded, RecordedCommit, RecordedMerge, restore
from brokers.journal.reader import JournalReader
from brokers.wire.packing import kind_of, unpack
from config.errors import ConfigError, Problem
from config.finding import ProblemAt
from config.sections import RunConfig
from config.tool_sections import CodeGenerationSection

FOLDER = "workspace"
WORKTREES = "worktrees"  # in the scratch folder
GIT = (CommitFiles.KIND, LandTree.KIND, MergeTrees.KIND)


def workspace(run: Path, teams: Sequence[str], team: str) -> Path:
    """The repository of a team: the folder itself where there is one team only."""
    return run / FOLDER if len(teams) == 1 else run / FOLDER / team


def check_tools(
    config: RunConfig, problem_at: ProblemAt = recorded_problem, layers: Callable[[], tuple[Layer, ...]] = probe
) -> None:
    """See whether this machine can execute work as it is configured. Touches nothing.

    Args:
        config: The run's configuration.
        problem_at: Makes a problem of what is wrong with a setting.
        layers: Says what the machine can confine code with.
    Raises:
        WorkspaceError: Git is missing or too old.
        ConfigError: What a model writes could not be confined as the configuration wants.
    """
    section = config.code_generation
    if section.mode != "executed":
        return
    find_git()
    if section.asks_model:
        try:
            require(layers(), frozenset(section.sandbox.accept_missing))
        except LayerMissingError as error:
            raise ConfigError((_unconfined(error, problem_at),)) from error


def _unconfined(error: LayerMissingError, problem_at: ProblemAt) -> Problem:
    names = sorted(error.missing)
    reasons = "; ".join(f"{name} ({error.missing[name]})" for name in names)
    return problem_at(
        ("code_generation", "hands"),
        f"llm is refused on this machine, where layers of the sandbox are missing: {reasons}",
        allowed=f"behavioural, or code_generation.sandbox.accept_missing: [{', '.join(names)}]",
    )


def work_plan(run: Path, teams: Sequence[str], section: CodeGenerationSection) -> dict[str, Any]:
    """What a work engine is told."""
    return {
        "folders": {team: str(workspace(run, teams, team).absolute()) for team in teams},
        "worktrees": str(_worktrees(run)),
        "trust": "model" if section.asks_model else "trusted",
        "accept_missing": list(section.sandbox.accept_missing),
    }


def _worktrees(run: Path) -> Path:
    """Where the working folders of pairs are, below the name of their team."""
    return run.absolute() / SCRATCH / WORKTREES


def rebuild_workspaces(journal: Path, run: Path, teams: Sequence[str]) -> None:
    """Make every repository hold exactly what the journal says: what a killed run left over is undone, what is missing
    is made again. Raises RestoreError where that gives another commit than the journal has.
    """
    recorded: dict[str, list[Recorded]] = {team: [] for team in teams}
    for team, one in _recorded(journal):
        recorded[team].append(one)
    for team in teams:
        restore(Repository.create(workspace(run, teams, team)), recorded[team])
    shutil.rmtree(_worktrees(run), ignore_errors=True)  # halves that git knows nothing of; commits make them again


def show_workspaces(run: Path, teams: Sequence[str]) -> None:
    """Let each folder show the files of its main. The working folders of pairs go: nobody is at work any more."""
    for team in teams:
        repository = Repository.create(workspace(run, teams, team))
        with repository.git.alone():
            remove_worktrees(repository.git)
        repository.checkout_main()


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
