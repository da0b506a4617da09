"""The code of a product as a team knows it: files in a repository, exercises built in them, flaws made on the way.

Pure values. What stands in a file follows from them; a commit only writes it down.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from actors.work.katas import oracle
from actors.work.katas.exercise import Exercise, exercise
from actors.work.katas.kata import DOMAINS
from actors.work.messages import FileText, FlawSite
from actors.work.mutations.operators import Site, apply
from actors.work.troubles import (
    CHANGES_PATH,
    PRODUCT_TEST_PATH,
    VENDORED_PATH,
    changes_text,
    product_test,
    vendored,
)

ExerciseKey = tuple[str, int]  # family and number


@dataclass(frozen=True, slots=True, kw_only=True)
class Flaw:
    """A mistake that somebody made in the code of an exercise."""

    number: int  # unique in the product; of the defect in the ledger of the story, too
    site: FlawSite
    incident_class: str
    severity: int
    criteria: tuple[int, ...]  # the exercise's criteria that it breaks
    noticed_by: str  # acceptance or canary
    fix_lines: int  # changed lines of the smallest repair


@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleCode:
    """The code of one exercise: what was chosen for its open points, which criteria it fulfils, what is wrong in it."""

    family: str
    number: int
    choices: tuple[int, ...]
    built: tuple[int, ...] = ()
    flaws: tuple[Flaw, ...] = ()
    regressions: tuple[str, ...] = ()  # canaries that failed once and are visible tests since
    care: tuple[tuple[int, int], ...] = ()  # criterion -> how many of the possible tests were written, thousandths
    texts: tuple[tuple[str, str], ...] | None = None  # path -> what a model wrote instead; None: nobody but our hands

    @classmethod
    def begun(cls, family: str, number: int) -> ModuleCode:
        """Nothing is built yet, and what nobody has asked about is assumed."""
        return cls(family=family, number=number, choices=exercise(family, number).assumed)

    @property
    def key(self) -> ExerciseKey:
        """Which exercise."""
        return self.family, self.number

    @property
    def exercise(self) -> Exercise:
        """The exercise itself."""
        return exercise(self.family, self.number)

    def source(self) -> str:
        """The module's text; empty while a model has not written it."""
        if self.texts is not None:
            return dict(self.texts).get(self.exercise.path, "")
        clean = self.exercise.source(self.choices, self.built)
        return apply(clean, [site_of(flaw.site) for flaw in self.flaws])

    def files(self) -> dict[str, str]:
        """Module and test file; nothing while no criterion is built.

        A model gets the tests that the story came with, and writes everything else.
        """
        if not self.built:
            return {}
        if self.texts is not None:
            return {**dict(self.texts), self.exercise.test_path: self.exercise.starter_tests(self.built)}
        return {self.exercise.path: self.source(), self.exercise.test_path: self.tests()}

    def tests(self) -> str:
        """The test file: what the team believes."""
        return self.exercise.tests(self.choices, self.built, dict(self.care), self.regressions)

    @property
    def more_tests(self) -> tuple[str, ...]:
        """Test files that a model wrote besides those that the story came with."""
        paths = [path for path, _ in self.texts or ()]
        return tuple(one for one in paths if one.startswith("tests/") and one.rpartition("/")[2].startswith("test_"))

    def with_texts(self, texts: Mapping[str, str]) -> ModuleCode:
        """A model writes this code, and has written these files now."""
        return replace(self, texts=tuple(sorted({**dict(self.texts or ()), **texts}.items())))

    def with_choices(self, choices: Sequence[int]) -> ModuleCode:
        """Decided otherwise. A function that is written anew by that loses its flaws."""
        return self._rewritten(replace(self, choices=tuple(choices)))

    def with_criteria(self, criteria: Iterable[int]) -> ModuleCode:
        """More criteria are built."""
        return replace(self, built=tuple(sorted({*self.built, *criteria})))

    def with_care(self, criteria: Iterable[int], permille: int) -> ModuleCode:
        """Tests for these criteria are written with so much care, if they were not written with more."""
        care = dict(self.care)
        care.update({one: max(permille, care.get(one, 0)) for one in criteria})
        return replace(self, care=tuple(sorted(care.items())))

    def with_regressions(self, case_ids: Iterable[str]) -> ModuleCode:
        """What a canary has found is tested from now on."""
        return replace(self, regressions=tuple(sorted({*self.regressions, *case_ids})))

    def with_flaw(self, flaw: Flaw) -> ModuleCode:
        """Something more is wrong."""
        return replace(self, flaws=(*self.flaws, flaw))

    def without_flaws(self, numbers: Collection[int]) -> ModuleCode:
        """These flaws are repaired."""
        return replace(self, flaws=tuple(flaw for flaw in self.flaws if flaw.number not in numbers))

    def flaws_of(self, criteria: Collection[int]) -> tuple[int, ...]:
        """Numbers of the flaws that break one of these criteria."""
        return tuple(flaw.number for flaw in self.flaws if any(one in criteria for one in flaw.criteria))

    def behaves_otherwise(self, before: ModuleCode, criterion: int) -> bool:
        """Whether a criterion was built, decided, broken or repaired since."""
        points = [n for n, point in enumerate(self.exercise.kata.open_points) if point.criterion == criterion]
        return (
            criterion not in before.built
            or any(self.choices[n] != before.choices[n] for n in points)
            or self._broken_by(criterion) != before._broken_by(criterion)
        )

    def _broken_by(self, criterion: int) -> tuple[int, ...]:
        return tuple(flaw.number for flaw in self.flaws if criterion in flaw.criteria)

    def _rewritten(self, new: ModuleCode) -> ModuleCode:
        before = oracle.function_texts(self.exercise.source(self.choices))
        after = oracle.function_texts(self.exercise.source(new.choices))
        kept = (flaw for flaw in self.flaws if before.get(flaw.site.function) == after.get(flaw.site.function))
        return replace(new, flaws=tuple(kept))


def site_of(site: FlawSite) -> Site:
    """The place as the mutation operators know it."""
    return Site(function=site.function, operator=site.operator, number=site.number)


@dataclass(slots=True)
class ProductCode:
    """What is on main, as far as it is known."""

    team: str
    main: str = ""  # commit; empty until the first one is made
    landed: dict[ExerciseKey, ModuleCode] = field(default_factory=dict)
    flaws_made: int = 0
    owners: dict[ExerciseKey, str] = field(default_factory=dict)  # the story that a module on main belongs to
    vendored: int = 1  # version of the vendored package
    announced: list[str] = field(default_factory=list)  # lines of CHANGES.md
    copies: dict[str, tuple[str, str]] = field(default_factory=dict)  # disturbance -> path and text of a copied module
    culprits: dict[tuple[ExerciseKey, int], str] = field(default_factory=dict)  # criterion -> see `culprit`

    def next_flaw(self) -> int:
        """A number for a flaw, unique in the product."""
        self.flaws_made += 1
        return self.flaws_made

    def module_landed(self, module: ModuleCode, commit: str) -> None:
        """A module is on main as it is here."""
        before = self.landed.get(module.key)
        for criterion in module.built:
            if before is None or module.behaves_otherwise(before, criterion):
                self.culprits[module.key, criterion] = commit
        self.landed[module.key] = module

    def culprit(self, key: ExerciseKey, criterion: int) -> str:
        """The commit on main since which a criterion behaves as it does."""
        return self.culprits[key, criterion]

    def modules(self, domain: str) -> tuple[str, ...]:
        """Names of the modules of a domain that are on main."""
        codes = (code.exercise for code in self.landed.values())
        return tuple(sorted(one.name for one in codes if one.kata.domain == domain))


def index_path(domain: str) -> str:
    """The file that lists a domain's modules; two branches that add neighbours conflict in it."""
    return f"src/product/{domain}/__init__.py"


def index_text(domain: str, modules: Iterable[str]) -> str:
    """Its text."""
    lines = "".join(f'    "{name}",\n' for name in sorted(modules))
    return (
        f'"""The {domain} part of the product."""\n\nMODULES = (\n{lines})\n'
        if lines
        else (f'"""The {domain} part of the product."""\n\nMODULES = ()\n')
    )


def skeleton(team: str) -> dict[str, str]:
    """The files of an empty product."""
    files = {
        "README.md": f"# The product of {team}\n\nRun its tests with `pytest`.\n",
        "pyproject.toml": (
            '[project]\nname = "product"\nversion = "0"\nrequires-python = ">=3.11"\n\n'
            '[tool.pytest.ini_options]\npythonpath = ["src"]\ntestpaths = ["tests"]\n'
        ),
        ".gitignore": "__pycache__/\n.pytest_cache/\n.coverage\n",
        "src/product/__init__.py": '"""The product: one package for each domain."""\n',
        "src/vendored/__init__.py": '"""Packages of others, copied here."""\n',
        VENDORED_PATH: vendored(1),
        PRODUCT_TEST_PATH: product_test(1),
        CHANGES_PATH: changes_text(()),
    }
    return files | {index_path(domain): index_text(domain, ()) for domain in DOMAINS}


def changes(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[FileText, ...]:
    """What turns one set of files into another, sorted by path."""
    changed = [FileText(path=path, content=text) for path, text in after.items() if before.get(path) != text]
    gone = [FileText(path=path, content=None) for path in before if path not in after]
    return tuple(sorted([*changed, *gone], key=lambda one: one.path))
