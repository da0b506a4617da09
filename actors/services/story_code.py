"""The code of a team's stories: which files each branch has to have, and where branches begin."""

from __future__ import annotations

from dataclasses import dataclass, field

from actors.scrum.stories import ExerciseRef
from actors.work.katas.exercise import Exercise
from actors.work.messages import CommitFiles
from actors.work.product import ModuleCode, ProductCode, index_path, index_text
from actors.work.tools.quarter import ModelQuarter
from actors.work.troubles import (
    CHANGES_PATH,
    PRODUCT_TEST_PATH,
    VENDORED_PATH,
    FlakyKind,
    changes_text,
    flaky_path,
    flaky_test,
    product_test,
    vendored,
)


@dataclass(slots=True)
class StoryCode:
    """The code of one story on its branch."""

    story_id: str
    ref: ExerciseRef
    module: ModuleCode
    listed: tuple[str, ...] = ()  # modules of the domain that the branch began with
    branch: str = ""  # empty: not begun since the last landing
    branches: int = 0  # how often it was begun
    base: str = ""  # the commit of main that it began at, or that was merged in last
    head: str = ""
    tree: str = ""
    written: dict[str, str] = field(default_factory=dict)  # what the branch has of the story's files
    pending: CommitFiles | None = None  # asked for, reply not seen: to be asked for again before anything else
    offered: ModuleCode | None = None  # the module as the merge queue was given it
    session_id: str = ""
    worker: str = ""  # who was last at it
    breaks: dict[str, str] = field(default_factory=dict)  # disturbance -> what it does to the code of this story
    vendored: int = 0  # version of the vendored package on this branch; 0: as main has it
    is_adapted: bool = False  # to that version
    announces: bool = False  # in CHANGES.md
    flaky: FlakyKind | None = None
    misread: dict[str, tuple[int, int]] = field(default_factory=dict)  # disturbance -> open point built otherwise
    remarks: tuple[str, ...] = ()  # what was found wrong the last time, in words
    quarter: ModelQuarter | None = None  # what a model is at
    returned: str = ""  # why the merge queue gave it back, until that is put right
    tested: tuple[tuple[int, ...], tuple[str, ...]] = ((), ())  # criteria and incidents whose tests were seen red

    @property
    def exercise(self) -> Exercise:
        """What is built."""
        return self.module.exercise

    def files(self, product: ProductCode) -> dict[str, str]:
        """The files of the story as they are to be."""
        files = self.module.files()
        if not files:
            return files
        one = self.exercise
        files[index_path(one.kata.domain)] = index_text(one.kata.domain, {*self.listed, one.name})
        if self.vendored:
            files[VENDORED_PATH] = vendored(self.vendored)
            files[PRODUCT_TEST_PATH] = product_test(self.vendored if self.is_adapted else self.vendored - 1)
        if self.announces:
            files[CHANGES_PATH] = changes_text([*product.announced, one.kata.title])
        if self.flaky is not None:
            files[flaky_path(one)] = flaky_test(one, self.flaky)
        return files

    def files_before_code(self, product: ProductCode) -> dict[str, str]:
        """The same with the tests of what is new, and without its code."""
        files = self.files(product)
        for path, old in ((self.exercise.path, self.written), (index_path(self.exercise.kata.domain), self.written)):
            if path in old:
                files[path] = old[path]
            else:
                files.pop(path, None)
        return files


class Branches:
    """The code of every story of a team, and of every change that is nobody's story."""

    def __init__(self, product: ProductCode) -> None:
        self.product = product
        self._codes: dict[str, StoryCode] = {}

    def has(self, story_id: str) -> bool:
        """Whether this story or change is known."""
        return story_id in self._codes

    def of(self, story_id: str) -> StoryCode:
        """The code of a story or change that is known."""
        return self._codes[story_id]

    def add(self, code: StoryCode) -> StoryCode:
        """Know this code from now on. Returns what is known by that name: the first that was added."""
        return self._codes.setdefault(code.story_id, code)

    def worked_on(self) -> set[tuple[str, int]]:
        """Exercises for which there is a branch now."""
        return {code.module.key for code in self._codes.values() if code.branch}

    def begin(self, code: StoryCode, agent: str) -> None:
        """Begin a branch at main, with the module as main has it if it is there already."""
        code.branches += 1
        suffix = "" if code.branches == 1 else f"-{code.branches}"
        code.branch = f"refs/heads/feat/{agent}/{code.story_id}{suffix}"
        code.base, code.head, code.tree = self.product.main, "", ""
        code.listed = self.product.modules(code.exercise.kata.domain)
        on_main = self.product.landed.get(code.module.key)
        if on_main is not None and not code.module.built:
            code.module = on_main
        code.written = {}
        if on_main is not None:
            domain = code.exercise.kata.domain
            code.written = {**on_main.files(), index_path(domain): index_text(domain, code.listed)}

    def forget(self, code: StoryCode) -> None:
        """Nothing came of a branch: whoever has something to commit first begins it, and gives it a name."""
        code.branches -= 1
        code.branch = ""
