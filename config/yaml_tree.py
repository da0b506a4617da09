"""YAML as a tree whose every value knows the file and line it came from.

Stricter than plain YAML where that protects a user: duplicate keys, keys that are not text, unknown tags and
documents that unfold without end are problems. `17:00` stays text, as nobody means 1020 by it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final, TypeAlias

import yaml

from config.errors import Problem

try:
    from yaml import CSafeLoader as _FastestLoader
except ImportError:  # PyYAML was built without libyaml: the same meaning, ten times slower
    from yaml import SafeLoader as _FastestLoader  # type: ignore[assignment]

Scalar: TypeAlias = "str | int | float | bool | date | None"
Loc: TypeAlias = "tuple[str | int, ...]"

MAX_DEPTH: Final = 40  # far beyond any of our files; protects the recursive composer
MAX_BYTES: Final = 16 * 1024 * 1024
_MAX_VALUES: Final = 500_000  # values after aliases are unfolded
_MAX_DIGITS: Final = 40
_TAG: Final = "tag:yaml.org,2002:"
_TRUE, _FALSE = ("yes", "true", "on"), ("no", "false", "off")


@dataclass(frozen=True, slots=True)
class Located:
    """A value, where it was written, and how it was written (shortened, on one line)."""

    value: Scalar | dict[str, Located] | list[Located]
    file: str
    line: int
    text: str

    def plain(self) -> object:
        """Return the value without places; lists become tuples, as the sections are frozen."""
        if isinstance(self.value, dict):
            return {key: item.plain() for key, item in self.value.items()}
        if isinstance(self.value, list):
            return tuple(item.plain() for item in self.value)
        return self.value

    def at(self, loc: Loc) -> Located:
        """Return the deepest value that exists along a path."""
        return self._along(loc)[0]

    def find(self, loc: Loc) -> Located | None:
        """Return the value at a path, or None where the path does not exist."""
        here, is_whole = self._along(loc)
        return here if is_whole else None

    def _along(self, loc: Loc) -> tuple[Located, bool]:
        here = self
        for part in loc:
            inner = here.value
            match inner, part:
                case dict(), str() if part in inner:
                    here = inner[part]
                case list(), int() if part < len(inner):
                    here = inner[part]
                case _:
                    return here, False
        return here, True


class _Loader(_FastestLoader):
    """Resolves plain scalars as PyYAML does, less numbers to base 60 and octal numbers."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 - PyYAML's own attribute


for _name, _pattern, _first in (
    ("bool", r"^(?:yes|Yes|YES|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF)$", "yYnNtTfFoO"),
    ("int", r"^[-+]?(?:0|[1-9][0-9_]*|0x[0-9a-fA-F]+)$", "-+0123456789"),
    ("float", r"^[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))(?:[eE][-+]?[0-9]+)?$", "-+0123456789."),
    ("float", r"^(?:[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$", "-+."),
    ("null", r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    ("timestamp", r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$", "0123456789"),
    ("merge", r"^<<$", "<"),
):
    _Loader.add_implicit_resolver(_TAG + _name, re.compile(_pattern), list(_first))


def read_text(path: Path, problems: list[Problem]) -> str | None:
    """Read a file as UTF-8; whatever prevents it becomes a problem."""
    file = str(path)
    try:
        with path.open("rb") as handle:
            raw = handle.read(MAX_BYTES + 1)
    except FileNotFoundError:
        problems.append(Problem(file=file, line=0, key="", message="there is no such file"))
        return None
    except IsADirectoryError:
        problems.append(Problem(file=file, line=0, key="", message="is a folder", allowed="a YAML file"))
        return None
    except (OSError, ValueError) as error:  # ValueError: a path with a null byte
        reason = getattr(error, "strerror", None) or str(error)
        problems.append(Problem(file=shown(file), line=0, key="", message=f"cannot be read: {reason}"))
        return None
    if len(raw) > MAX_BYTES:
        problems.append(Problem(file=file, line=0, key="", message="is too large", allowed="at most 16 MiB"))
        return None
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        problems.append(Problem(file=file, line=line, key="", message="is not UTF-8 text", allowed="UTF-8"))
        return None


def parse_tree(text: str, file: str, problems: list[Problem], *, first_line: int = 1) -> Located | None:
    """Parse one YAML document; None (and a problem) where it is no YAML at all."""
    try:
        _refuse_deep_nesting(text)
        node = yaml.compose(text, Loader=_Loader)
        if node is None:
            return None
        return _TreeReader(file, problems, first_line).read(node, (), 0)
    except _RefusedError as error:
        problems.append(Problem(file=file, line=error.line + first_line, key="", message=error.message))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        what = error.problem or error.context or "broken"
        line = mark.line + first_line if mark else 0
        problems.append(Problem(file=file, line=line, key="", message=f"not valid YAML: {what}"))
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + first_line
        problems.append(Problem(file=file, line=line, key="", message=f"not valid YAML: {error.reason}"))
    except UnicodeEncodeError:  # half of a surrogate pair, which only a command line can carry
        problems.append(Problem(file=file, line=first_line, key="", message="is not UTF-8 text", allowed="UTF-8"))
    return None


def shown(text: str, *, limit: int = 60) -> str:
    """Return text fit for one line of a report: printable and short."""
    visible = "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text[: limit + 1])
    return visible if len(visible) <= limit else visible[: limit - 1] + "…"


def dotted(loc: Loc) -> str:
    """Write a path the way a user would: `teams[0].wip_limits.review`."""
    path = ""
    for part in loc:
        path += f"[{part}]" if isinstance(part, int) else ("." if path else "") + shown(part)
    return path


class _RefusedError(Exception):
    """Raised to give up on a whole document. `line` counts from 0."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line, self.message = line, message


def _refuse_deep_nesting(text: str) -> None:
    """Look at the flat stream of events first: libyaml's composer is recursive and deep input would crash it."""
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                line = event.start_mark.line if event.start_mark else 0
                raise _RefusedError(line, f"nested more than {MAX_DEPTH} levels deep")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


class _TreeReader:
    """Turns YAML nodes into located values, noting what is wrong on the way."""

    def __init__(self, file: str, problems: list[Problem], first_line: int) -> None:
        self._file, self._problems, self._first_line = file, problems, first_line
        self._values = 0

    def read(self, node: yaml.Node, loc: Loc, depth: int, *, line: int | None = None) -> Located:
        self._values += 1
        if self._values > _MAX_VALUES or depth > MAX_DEPTH:  # an anchor inside itself ends here, too
            raise _RefusedError(node.start_mark.line, "its aliases unfold to too many values")
        here = node.start_mark.line if line is None else line
        value: Scalar | dict[str, Located] | list[Located]
        if isinstance(node, yaml.MappingNode):
            value, text = self._mapping(node, loc, depth), "a mapping"
        elif isinstance(node, yaml.SequenceNode):
            value, text = [self.read(item, (*loc, i), depth + 1) for i, item in enumerate(node.value)], "a list"
        else:
            value, text = self._scalar(node, loc), _as_written(node)
        return Located(value, self._file, here + self._first_line, text)

    def _note(self, node: yaml.Node, loc: Loc, message: str, allowed: str = "") -> None:
        line = node.start_mark.line + self._first_line
        self._problems.append(Problem(file=self._file, line=line, key=dotted(loc), message=message, allowed=allowed))

    def _mapping(self, node: yaml.MappingNode, loc: Loc, depth: int) -> dict[str, Located]:
        own: dict[str, Located] = {}
        merged: dict[str, Located] = {}
        for key_node, value_node in node.value:
            if key_node.tag == _TAG + "merge":
                for key, value in self._merged(value_node, loc, depth).items():
                    merged.setdefault(key, value)
            elif key_node.tag != _TAG + "str":
                what = _as_written(key_node) if isinstance(key_node, yaml.ScalarNode) else "a list or mapping"
                self._note(key_node, loc, f"{what} is not allowed as a key", "text")
            elif key_node.value in own:
                first = own[key_node.value].line
                self._note(key_node, (*loc, key_node.value), f"given twice, first in line {first}")
            else:
                line = key_node.start_mark.line
                own[key_node.value] = self.read(value_node, (*loc, key_node.value), depth + 1, line=line)
        return merged | own

    def _merged(self, node: yaml.Node, loc: Loc, depth: int) -> dict[str, Located]:
        """Read what `<<` pulls in; of several mappings the first one wins."""
        parts = node.value if isinstance(node, yaml.SequenceNode) else [node]
        pulled: dict[str, Located] = {}
        for part in parts:
            value = self.read(part, loc, depth + 1).value
            if not isinstance(value, dict):
                self._note(part, loc, "<< cannot merge this", "a mapping or a list of mappings")
                return {}
            pulled = value | pulled
        return pulled

    def _scalar(self, node: yaml.Node, loc: Loc) -> Scalar:
        kind = node.tag.removeprefix(_TAG)
        try:
            return _scalar_value(kind, node.value)
        except KeyError:
            self._note(node, loc, f"the tag {shown(node.tag)} is not allowed", "a plain value")
        except ValueError:
            self._note(node, loc, f"{_as_written(node)} is not a valid {'date' if kind == 'timestamp' else kind}")
        return None


def _scalar_value(kind: str, text: str) -> Scalar:
    """Construct a scalar. Raises KeyError for a kind we do not know, ValueError for text that is not of its kind."""
    match kind:
        case "str":
            return text
        case "null":
            return None
        case "bool":
            return _boolean(text.lower())
        case "int":
            return _integer(text)
        case "float":
            return float(text.replace("_", "").lower().replace(".inf", "inf").replace(".nan", "nan"))
        case "timestamp":
            return date.fromisoformat(text)
        case _:
            raise KeyError(kind)


def _boolean(word: str) -> bool:
    if word not in _TRUE + _FALSE:
        raise ValueError(word)
    return word in _TRUE


def _integer(text: str) -> int:
    digits = text.replace("_", "")
    if len(digits) > _MAX_DIGITS:
        raise ValueError("too long")
    return int(digits, 16 if "x" in digits.lower() else 10)


def _as_written(node: yaml.Node) -> str:
    if node.tag == _TAG + "null":
        return "nothing"
    if isinstance(node, yaml.ScalarNode) and node.style in ("'", '"'):
        return f'"{shown(node.value)}"'
    return shown(node.value)
