"""Reading a configuration: default profile, the user's file, the command line; every problem in one report."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from config.acted_on import is_acted_on
from config.cross_checks import findings
from config.errors import ConfigError, Problem
from config.finding import Finding
from config.overrides import COMMAND_LINE, overlay, parse_overrides, put
from config.schema import generic_key
from config.sections import RunConfig
from config.validation import concerns, problem_at, validate
from config.yaml_tree import Loc, Located, dotted, parse_tree, read_text

DEFAULT_PROFILE: Final = Path(__file__).parent / "profiles" / "default.yaml"


@dataclass(frozen=True, slots=True, kw_only=True)
class UnusedKey:
    """A key the user set whose meaning this version does not act on yet."""

    key: str
    line: int
    file: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A text the configuration was made from, kept so that a run can say what it read."""

    file: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedConfig:
    """A checked configuration, what of it has no effect yet, and the texts it was made from."""

    config: RunConfig
    accepted_but_unused: tuple[UnusedKey, ...]  # only keys that the user's file or overrides set
    sources: tuple[Source, ...]  # default profile, the user's file if any, one for each override
    tree: Located  # what the configuration was made from, every value with its place

    def problem_at(self, loc: Loc, message: str, *, allowed: str = "") -> Problem:
        """A problem with the value at a path that shows only now, with the place where it was set."""
        return problem_at(self.tree, loc, message, allowed=allowed)


def load_config(path: Path | None, *, overrides: Sequence[str] = ()) -> LoadedConfig:
    """Read and check a configuration; no environment variable is looked at.

    Args:
        path: The user's file, laid over the default profile; None for the default profile alone. Its `models.agents`
            and its `teams` replace those of the profile.
        overrides: `key=value` settings, laid over both; each value is YAML.
    Raises:
        ConfigError: Something is wrong; it names every problem with its file, line and key.
    """
    problems: list[Problem] = []
    sources: list[Source] = []
    profile = _read_layer(DEFAULT_PROFILE, problems, sources)
    user = _read_layer(path, problems, sources) if path is not None else None
    settings = parse_overrides(overrides, problems)
    sources += [Source(file=COMMAND_LINE, text=override) for override in overrides]
    if profile is None or (path is not None and user is None):
        raise ConfigError(tuple(problems))

    tree = overlay(profile, user) if user is not None else profile
    for loc, leaf in settings:
        tree = put(tree, loc, leaf, problems)
    config = _check(tree, problems)
    if config is None or problems:
        raise ConfigError(_in_reading_order(problems))
    own = ([_set_keys(user)] if user is not None else []) + [_set_keys(leaf, loc) for loc, leaf in settings]
    unused = tuple(key for keys in own for key in _unused(keys, config))
    return LoadedConfig(config=config, accepted_but_unused=unused, sources=tuple(sources), tree=tree)


def override_config(config: RunConfig, overrides: Sequence[str], *, file: str = "recorded configuration") -> RunConfig:
    """Lay `key=value` settings over a configuration that was checked already. Raises ConfigError."""
    problems: list[Problem] = []
    settings = parse_overrides(overrides, problems)
    tree = parse_tree(config.model_dump_json(), file, problems)  # JSON is YAML
    assert tree is not None, "a checked configuration parses"
    for loc, leaf in settings:
        tree = put(tree, loc, leaf, problems)
    checked = _check(tree, problems)
    if checked is None or problems:
        raise ConfigError(_in_reading_order(problems))
    return checked


def _read_layer(path: Path, problems: list[Problem], sources: list[Source]) -> Located | None:
    text = read_text(path, problems)
    if text is None:
        return None
    sources.append(Source(file=str(path), text=text))
    before = len(problems)
    tree = parse_tree(text, str(path), problems)
    if tree is not None and isinstance(tree.value, dict):
        return tree
    if len(problems) == before:
        what = "is empty" if tree is None or tree.value is None else f"holds {tree.text}"
        problems.append(
            Problem(
                file=str(path), line=tree.line if tree else 0, key="", message=what, allowed="a mapping of sections"
            )
        )
    return None


def _check(tree: Located, problems: list[Problem]) -> RunConfig | None:
    config, broken = validate(RunConfig, tree, problems)
    if config is None:
        return None
    for finding in findings(config, chosen=lambda loc: _is_chosen(tree, loc)):
        if any(concerns(bad, loc) for bad in broken for loc in (finding.at, *finding.concluded_from)):
            continue  # concluded from a value that is already reported
        problem = problem_at(tree, finding.at, finding.message, allowed=finding.allowed, nearest=finding.nearest)
        blamed = _first_of_the_user(tree, finding)
        problems.append(replace(problem, file=blamed.file, line=blamed.line) if blamed else problem)
    return config


def _first_of_the_user(tree: Located, finding: Finding) -> Located | None:
    """Return the place to show: the profile is never at fault, so look for what the user set that led here."""
    if tree.at(finding.at).file != str(DEFAULT_PROFILE):
        return None
    causes = (tree.find(loc) for loc in (finding.at, *finding.concluded_from))
    parts = (part for cause in causes if cause is not None for part in _parts(cause))
    return next((part for part in parts if part.file != str(DEFAULT_PROFILE)), None)


def _parts(tree: Located) -> Iterator[Located]:
    yield tree
    if isinstance(tree.value, dict | list):
        for item in tree.value.values() if isinstance(tree.value, dict) else tree.value:
            yield from _parts(item)


def _is_chosen(tree: Located, loc: Loc) -> bool:
    found = tree.find(loc)
    return found is not None and found.file != str(DEFAULT_PROFILE)


def _in_reading_order(problems: list[Problem]) -> tuple[Problem, ...]:
    """Files first, the command line last; each from top to bottom, and nothing twice."""
    unique = dict.fromkeys(problems)
    return tuple(sorted(unique, key=lambda problem: (problem.file == COMMAND_LINE, problem.file, problem.line)))


def _set_keys(tree: Located, loc: Loc = ()) -> Iterator[tuple[Loc, Located]]:
    """Yield every value that a tree sets; a list of plain values is one value."""
    if isinstance(tree.value, dict):
        for key, item in tree.value.items():
            yield from _set_keys(item, (*loc, key))
    elif isinstance(tree.value, list) and any(isinstance(item.value, dict) for item in tree.value):
        for index, item in enumerate(tree.value):
            yield from _set_keys(item, (*loc, index))
    else:
        yield loc, tree


def _unused(keys: Iterator[tuple[Loc, Located]], config: RunConfig) -> Iterator[UnusedKey]:
    for loc, item in keys:
        if not is_acted_on(generic_key(RunConfig, loc), asks_model=config.asks_model, engine=config.models.engine):
            yield UnusedKey(key=dotted(loc), line=item.line, file=item.file)
