"""The engine that carries out what work asks of the world: git commits, test runs, judgements. One for each process.

It keeps no state between requests but caches: what it replies follows from the request and the repository's objects,
which are named by their content. So any number of these engines can serve one run, and any of them may be killed.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mccabe import PathGraphingAstVisitor

from actors.work import messages, tool_messages
from actors.work.katas.exercise import Exercise, Which, exercise
from actors.work.katas.mutants import LIMITS
from actors.work.messages import (
    Author,
    CodeJudged,
    CommitFiles,
    Committed,
    Coverage,
    ExerciseJudged,
    ExerciseTested,
    FailedCase,
    FlawPlanted,
    FlawSite,
    JudgeCode,
    LandTree,
    MergeTrees,
    PlantFlaw,
    RunTests,
    TestResult,
    TestsRun,
    TreesMerged,
)
from actors.work.mutations.planting import plant
from actors.work.product import ModuleCode, site_of
from actors.work.sandbox.plain import Case
from actors.work.sandbox.sandbox import Sandbox
from actors.work.sandbox.verdicts import CaseVerdict, FileCoverage, TestRun
from actors.work.tool_messages import ToolUsed, UseTool
from actors.work.tools.errors import UnknownToolError
from actors.work.tools.using import Desk
from actors.work.workspace.pair_folders import PairFolders
from actors.work.workspace.repository import FileChange, Repository, Signature
from brokers.wire.registry import Message, Registry
from config.streams import draw
from inference import messages as inference_messages
from inference.engine import RequestError, Served

SOURCE_ROOT = "src"
MAIN = messages.MAIN
TREES_KEPT = 64
KINDS_OF_CASES: tuple[Which, ...] = ("acceptance", "canary")
MOST_TRIED = 12  # mutants for one flaw
MOST_TRIED_ESCAPES = 40  # those that only canaries notice are rare
TANGLED = 10_000
NO_FLAW = FlawPlanted(site=None, incident_class="", severity=0, criteria=(), noticed_by="", fix_lines=0, discarded=())


class WorkEngine:
    """Answers the requests of `actors.work.messages`."""

    name = "work"

    def __init__(
        self, folders: Mapping[str, Path], sandbox: Sandbox, mutants: Sandbox, worktrees: Path | None = None
    ) -> None:
        """Make an engine; `start` opens everything.

        Args:
            folders: The repository of each team.
            sandbox: Where code of branches runs.
            mutants: A sandbox that gives up soon, to try mistakes in.
            worktrees: Where the working folders of pairs are; None: there are none.
        """
        self._folders, self._worktrees = dict(folders), worktrees
        self._sandbox, self._mutants = sandbox, mutants
        self._pairs: dict[str, PairFolders] = {}
        self._repositories: dict[str, Repository] = {}
        self._trees: dict[tuple[str, str], dict[str, str]] = {}

    def start(self) -> None:
        """Warm the sandbox, open the repositories."""
        self._sandbox.__enter__()
        self._mutants.__enter__()
        self._repositories = {team: Repository.create(folder) for team, folder in self._folders.items()}
        if self._worktrees is not None:
            self._pairs = {team: PairFolders(one, self._worktrees / team) for team, one in self._repositories.items()}

    def answer(self, request: Message, seed: int) -> Message:
        """Carry a request out. Raises RequestError for anything else; a fault of git or sandbox ends the process."""
        match request:
            case CommitFiles():
                return self._commit(request)
            case LandTree():
                return self._land(request)
            case MergeTrees():
                merged = self._repository(request.team).merge(request.ours, request.theirs)
                return TreesMerged(tree=merged.tree, conflicts=tuple(one.path for one in merged.conflicts))
            case RunTests():
                return self._run_tests(request)
            case JudgeCode():
                files = self._files(request.team, request.tree)
                return CodeJudged(exercises=tuple(self._judge(files, one, request) for one in request.exercises))
            case PlantFlaw():
                return self._plant(request)
            case UseTool():
                return self._use_tool(request)
            case _:
                raise RequestError(f"{request.KIND} is not work")

    def close(self) -> None:
        """Stop the sandboxes."""
        self._mutants.__exit__(None, None, None)
        self._sandbox.__exit__(None, None, None)

    # -- git ----------------------------------------------------------------------------------------------------------

    def _commit(self, request: CommitFiles) -> Committed:
        made = self._repository(request.team).commit(
            ref=request.ref,
            expected=request.expected,
            parents=request.parents,
            base=request.base,
            changes=[FileChange(path=one.path, content=one.content) for one in request.changes],
            message=request.message,
            author=signature(request.author),
        )
        if request.team in self._pairs:
            self._pairs[request.team].show(request.ref)
        return Committed(commit=made.commit, tree=made.tree)

    def _land(self, request: LandTree) -> Committed:
        made = self._repository(request.team).land(
            ref=MAIN,
            expected=request.expected,
            tree=request.tree,
            parents=request.parents,
            message=request.message,
            author=signature(request.author),
        )
        return Committed(commit=made.commit, tree=made.tree)

    def _repository(self, team: str) -> Repository:
        found = self._repositories.get(team)
        if found is None:
            raise RequestError(f"team {team} has no repository")
        return found

    def _files(self, team: str, tree: str) -> dict[str, str]:
        found = self._trees.get((team, tree))
        if found is None:
            found = self._repository(team).files(tree)
            while len(self._trees) >= TREES_KEPT:
                del self._trees[next(iter(self._trees))]
            self._trees[team, tree] = found
        return found

    # -- tests --------------------------------------------------------------------------------------------------------

    def _use_tool(self, request: UseTool) -> ToolUsed:
        committed = self._files(request.team, request.base)
        desk = Desk(committed, request.edits, kept=request.kept)
        try:
            return desk.use(request.call, lambda files, tests: self._run_all(files, _as_they_are(request.team, tests)))
        except UnknownToolError as error:
            raise RequestError(str(error)) from error

    def _run_tests(self, request: RunTests) -> TestsRun:
        return self._run_all(self._files(request.team, request.tree), request)

    def _run_all(self, files: Mapping[str, str], request: RunTests) -> TestsRun:
        run: TestRun = self._sandbox.run_tests(
            files,
            tests=request.tests,
            source_root=SOURCE_ROOT,
            cover=request.cover,
            hash_seed=request.hash_seed,
            clock_s=request.clock_s,
            order_seed=request.order_seed,
        )
        measured = {one.path: one for one in run.coverage or ()}
        return TestsRun(
            ended=run.ended,
            count=len(run.tests),
            failing=tuple(
                TestResult(test=one.test, outcome=one.outcome, detail=one.detail)
                for one in run.tests
                if one.outcome not in ("passed", "skipped", "not_run")
            ),
            coverage=tuple(_coverage(path, measured.get(path), files[path]) for path in request.cover if path in files),
        )

    def _judge(self, files: Mapping[str, str], asked: ExerciseTested, request: JudgeCode) -> ExerciseJudged:
        wanted = exercise(asked.family, asked.number)
        cases = _drawn(wanted, asked, request.which)
        failed = [one for one in self._sandbox.judge(files, cases, source_root=SOURCE_ROOT) if one.outcome != "passed"]
        counts = [sum(1 for case in cases if wanted.case_criterion(case.case_id) == one) for one in wanted.criteria]
        return ExerciseJudged(
            family=asked.family,
            number=asked.number,
            cases=tuple(counts),
            failed=tuple(FailedCase(case_id=one.case_id, outcome=one.outcome, detail=one.detail) for one in failed),
        )

    # -- flaws --------------------------------------------------------------------------------------------------------

    def _plant(self, request: PlantFlaw) -> FlawPlanted:
        code = ModuleCode(family=request.family, number=request.number, choices=request.choices, built=request.built)
        one, functions = code.exercise, code.exercise.functions(request.built)
        cases = [
            case for which in KINDS_OF_CASES for case in one.cases(which, request.choices) if case.function in functions
        ]
        around = _surroundings(one)

        def judge(source: str) -> Sequence[CaseVerdict]:
            return self._mutants.judge({**around, one.path: source}, cases, source_root=SOURCE_ROOT)

        planted = plant(
            one.source(request.choices, request.built),
            request.functions,
            judge,
            seed=request.seed,
            entity=f"{request.family}/{request.number}",
            taken=[site_of(site) for site in request.taken],
            noticed_by="canary" if request.escapes else None,
            quiet=[f"c{criterion}/acceptance/01" for criterion in one.criteria],  # starter tests show it at once
            limit=MOST_TRIED_ESCAPES if request.escapes else MOST_TRIED,
        )
        if planted is None:
            return NO_FLAW
        site = FlawSite(function=planted.site.function, operator=planted.site.operator, number=planted.site.number)
        return FlawPlanted(
            site=site,
            incident_class=planted.incident_class,
            severity=planted.severity,
            criteria=planted.criteria,
            noticed_by=planted.noticed_by,
            fix_lines=planted.fix_lines,
            discarded=tuple(f"{tried.operator}: {reason}" for tried, reason in planted.tried),
        )


def _surroundings(one: Exercise) -> dict[str, str]:
    """What an exercise needs around it to be imported: its packages, and what it imports as that is wanted."""
    files = {"src/product/__init__.py": "", f"src/product/{one.kata.domain}/__init__.py": ""}
    for needed in one.needs:
        files |= {**_surroundings(needed), needed.path: needed.source(needed.wanted)}
    return files


def _as_they_are(team: str, tests: Sequence[str]) -> RunTests:
    """The request for tests of files that are in no tree."""
    return RunTests(team=team, tree="", tests=tuple(tests), cover=(), hash_seed=0, clock_s=0, order_seed=0)


def _drawn(wanted: Exercise, asked: ExerciseTested, which: str) -> tuple[Case, ...]:
    cases = wanted.cases("canary" if which == "canary" else "acceptance", asked.choices)
    if asked.share_permille >= 1000:
        return cases
    entity = f"{asked.family}/{asked.number}/{which}"
    return tuple(case for n, case in enumerate(cases) if draw(0, "tester", entity, n).permille() < asked.share_permille)


def signature(author: Author) -> Signature:
    """Who made a commit, as git takes it."""
    return Signature(name=author.name, email=author.email, at_s=author.at_s, zone="+0000")


def _coverage(path: str, found: FileCoverage | None, source: str) -> Coverage:
    complexity = _complexity(source)
    if found is None:  # no test has imported it
        return Coverage(path=path, lines=0, lines_hit=0, branches=0, branches_hit=0, complexity=complexity)
    return Coverage(
        path=path,
        lines=found.lines,
        lines_hit=found.lines_hit,
        branches=found.branches,
        branches_hit=found.branches_hit,
        complexity=complexity,
    )


def _complexity(source: str) -> int:
    """The largest cyclomatic complexity of a function (McCabe 1976); TANGLED for what cannot be parsed at all."""
    visitor = PathGraphingAstVisitor()
    try:
        visitor.preorder(ast.parse(source), visitor)
    except (SyntaxError, ValueError, RecursionError, MemoryError):  # what a model writes can be anything
        return TANGLED
    return max((graph.complexity() for graph in visitor.graphs.values()), default=0)


def build_registry() -> Registry:
    """The messages that travel to and from a work engine."""
    registry = Registry()
    registry.register_module(messages, tool_messages, inference_messages)
    return registry


def build(plan: Mapping[str, Any]) -> Served:
    """Make the engine of a work process.

    Args:
        plan: `folders` gives the repository's folder for each team, `worktrees` the folder for working folders of
            pairs, `trust` who wrote the code ("trusted": we did, "model": anybody), `accept_missing` the names of the
            layers that may be missing where a model did.
    Raises:
        ValueError: The plan has other keys.
        LayerMissingError: This host cannot confine what a model writes.
    """
    if plan.keys() != {"folders", "worktrees", "trust", "accept_missing"} or not isinstance(plan["folders"], dict):
        raise ValueError("the plan of a work engine is {folders: {team: folder}, worktrees, trust, accept_missing}")
    repositories = {str(team): Path(folder) for team, folder in plan["folders"].items()}
    code = Sandbox(trust=plan["trust"], accept_missing=frozenset(plan["accept_missing"]))
    # Mistakes are tried in our own code only.
    engine = WorkEngine(repositories, code, Sandbox(trust="trusted", limits=LIMITS), Path(plan["worktrees"]))
    return Served(engine=engine, registry=build_registry())
