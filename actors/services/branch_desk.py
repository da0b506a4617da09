"""The desk at which branches are written: commits, merges with main, and runs of a story's visible tests.

A commit that was asked for is remembered until its reply is there, so that after a crash the same one is asked for.
"""

from __future__ import annotations

from collections.abc import Collection

from actors.services.code_news import CodeNews, Phase
from actors.services.merge_messages import BranchOffered
from actors.services.story_code import Branches, StoryCode
from actors.services.team_setting import TeamSetting
from actors.work.messages import (
    Author,
    CommitFiles,
    Committed,
    FileText,
    MergeTrees,
    RunTests,
    TestsRun,
    TreesMerged,
)
from actors.work.product import changes, index_path, index_text
from actors.work.troubles import PRODUCT_TEST_PATH, copy_path, flaky_path
from brokers.node.context import Context

SECOND_US = 1_000_000
DAY_S = 86_400
COMMIT_US = 200_000  # what git takes of virtual time
TESTS_US = 20 * SECOND_US  # a run of one story's visible tests


class BranchDesk:
    """Writes what a story's code says into its branch; git and the sandbox carry it out."""

    def __init__(
        self, context: Context, branches: Branches, team: TeamSetting, news: CodeNews, *, start_s: int
    ) -> None:
        self._context, self._branches, self._product = context, branches, branches.product
        self._team, self._news, self._start_s = team.team, news, start_s

    async def commit(
        self,
        code: StoryCode,
        agent: str,
        subject: str,
        trailer: str,
        *,
        tests_only: bool = False,
        always: bool = False,
        edited: Collection[str] = (),
    ) -> bool:
        """Make the branch have the files of the story. Returns whether there was anything to commit.

        `always`: a branch without any commit gets one, so that there is something to test and to merge. `edited`: files
        that somebody changed who saw the branch itself; it may have them otherwise than was written here.
        """
        await self.finish_pending(code)
        begins = not code.branch
        if begins:  # before anything is written: it is written on top of what main has
            self._branches.begin(code, agent)
        files = code.files_before_code(self._product) if tests_only else code.files(self._product)
        changed = changes({path: text for path, text in code.written.items() if path not in edited}, files)
        if not changed and not (always and not code.head):
            if begins:
                self._branches.forget(code)
            return False
        parent = code.head or code.base
        body = f"{subject}\n\n{trailer}Story: {code.story_id}\n"
        await self._ask_for(code, files, parent, (parent,), changed, body, agent)
        return True

    async def commit_copy(self, code: StoryCode, agent: str, subject: str, *, is_there: bool) -> None:
        """Put a copy of the module beside it, or take it away from there, on a branch of its own."""
        copied = {copy_path(code.exercise): code.module.source()}
        before, after = ({}, copied) if is_there else (copied, {})
        self._branches.begin(code, agent)
        code.written = before
        main = self._product.main
        body = f"{subject}\n\nStory: {code.story_id}\n"
        await self._ask_for(code, after, main, (main,), changes(before, after), body, agent)

    async def merge_main(self, code: StoryCode, agent: str, subject: str, trailer: str) -> None:
        """Take main into the branch; the list of modules, where two branches meet, is written anew."""
        await self.finish_pending(code)
        main, domain = self._product.main, code.exercise.kata.domain
        merged: TreesMerged = await self._context.effect(
            MergeTrees(team=self._team, ours=code.head, theirs=main), duration_us=COMMIT_US
        )
        code.listed = self._product.modules(domain)
        files = code.files(self._product)
        index = index_text(domain, {*code.listed, code.exercise.name})
        written = dict(code.module.texts or ())  # conflicts in these stay marked: who wrote them puts them right
        rendered = [path for path in merged.conflicts if path not in written]
        resolved = tuple(FileText(path=path, content=files.get(path, index)) for path in rendered)
        if index_path(domain) not in merged.conflicts:
            resolved += (FileText(path=index_path(domain), content=index),)
        parents = (code.head, main)
        code.base = main
        await self._ask_for(code, files, merged.tree, parents, resolved, f"{subject}\n\n{trailer}", agent)

    async def offer(self, code: StoryCode) -> BranchOffered:
        """The branch as it is now, for the merge queue."""
        await self.finish_pending(code)
        code.offered = code.module
        return BranchOffered(
            story_id=code.story_id,
            branch=code.branch,
            head=code.head,
            title=code.exercise.kata.title,
            sources=(code.exercise.path,),
        )

    async def finish_pending(self, code: StoryCode) -> None:
        """Ask for the commit that is due; a workshop that was restarted asks for the same one again."""
        request = code.pending
        if request is None:
            return
        made: Committed = await self._context.effect(request, duration_us=COMMIT_US)
        code.pending, code.head, code.tree = None, made.commit, made.tree
        self._news.committed(code, request, made)

    async def run_tests(self, code: StoryCode, phase: Phase, *, run: int = 0) -> TestsRun:
        """Run the story's visible tests; hour, hash seed and order of tests are drawn where a test depends on them."""
        own = (code.exercise.test_path, *code.module.more_tests, flaky_path(code.exercise), PRODUCT_TEST_PATH)
        draws = [self._context.draw("test_circumstances", f"{code.story_id}/{code.tree}/{run}", n) for n in range(3)]
        request = RunTests(
            team=self._team,
            tree=code.tree,
            tests=tuple(path for path in own if path in code.written),
            cover=(),
            hash_seed=1 + draws[0].below(1000) if code.flaky == "hash" else 0,
            clock_s=self._start_s + draws[1].below(DAY_S) if code.flaky == "clock" else 0,
            order_seed=1 + draws[2].below(1000) if code.flaky == "order" else 0,
        )
        made: TestsRun = await self._context.effect(request, duration_us=TESTS_US)
        self._news.tests_ran(code, phase, made)
        return made

    async def _ask_for(
        self,
        code: StoryCode,
        files: dict[str, str],
        base: str,
        parents: tuple[str, ...],
        changed: tuple[FileText, ...],
        message: str,
        agent: str,
    ) -> None:
        code.pending = CommitFiles(
            team=self._team,
            ref=code.branch,
            expected=code.head,
            parents=parents,
            base=base,
            changes=changed,
            message=message,
            author=self._author(agent),
        )
        code.written = dict(files)
        await self.finish_pending(code)

    def _author(self, agent: str) -> Author:
        at_s = self._start_s + self._context.now_us // SECOND_US
        return Author(name=agent, email=f"{agent}@{self._team}.example", at_s=at_s)
