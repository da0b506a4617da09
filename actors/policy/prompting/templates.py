"""Prompt templates: Jinja2 that prints, chooses and repeats, and nothing else.

Nothing in a template can be called, and only texts, numbers and truths can be printed, so equal values give equal
text on every machine. A placeholder that does not exist is an error, never an empty place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import CodeType
from typing import Any

from jinja2 import StrictUndefined, Template, TemplateError, TemplateSyntaxError, Undefined, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from actors.policy.prompting.errors import PromptError
from actors.policy.prompting.placeholders import Scope, problems

_FILTERS = ("capitalize", "first", "indent", "join", "last", "length", "lower", "replace", "trim", "unique", "upper")
_AT_RENDERING = (TemplateError, TypeError, ValueError, LookupError, ArithmeticError)


@dataclass(frozen=True, slots=True)
class PromptFile:
    """The text of a template, and what to call it when something is wrong with it."""

    file: str
    text: str


class _Environment(ImmutableSandboxedEnvironment):
    """Values are read, never called."""

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        return not callable(value) and super().is_safe_attribute(obj, attr, value)


class PromptTemplate:
    """A template of some blocks, checked against the placeholders that each block may use."""

    def __init__(self, source: PromptFile, blocks: Mapping[str, Scope]) -> None:
        """Read it. Raises PromptError with everything that is wrong with it."""
        self._file = source.file
        tree = _parsed(source)
        found = _problems(tree, blocks)
        if found:
            raise PromptError(tuple(f"{source.file}:{line}: {text}" for line, text in sorted(found)))
        try:
            code: CodeType = _ENVIRONMENT.compile(source.text, name=source.file, filename=source.file)
        except TemplateSyntaxError as error:
            raise PromptError((f"{source.file}:{error.lineno}: {error.message}",)) from None
        self._template: Template = Template.from_code(_ENVIRONMENT, code, {})

    def render(self, block: str, values: Mapping[str, Any]) -> str:
        """The text of a block, without blank lines around it. Raises PromptError if a value does not fit."""
        write: Callable[[Any], Any] = self._template.blocks[block]
        try:
            text = "".join(write(self._template.new_context(dict(values))))
        except _AT_RENDERING as error:
            raise PromptError((f"{self._file}:{self._line_of(error)}: {error}",)) from error
        return text.strip("\n")

    def _line_of(self, error: BaseException) -> int:
        """The line of the template at which an error was raised."""
        line, at = 0, error.__traceback__
        while at is not None:
            if at.tb_frame.f_code.co_filename == self._file:
                line = self._template.get_corresponding_lineno(at.tb_lineno)
            at = at.tb_next
        return line


def read_folder(folder: Path) -> Mapping[str, PromptFile]:
    """Every template of a folder by its name without the ending. Raises PromptError if it cannot be read."""
    found: dict[str, PromptFile] = {}
    try:
        for path in sorted(folder.iterdir()):
            if path.suffix == ".j2":
                found[path.stem] = PromptFile(str(path), path.read_text(encoding="utf-8"))
    except OSError as error:
        raise PromptError((f"{folder}: cannot be read: {error.strerror}",)) from None
    except UnicodeDecodeError:
        raise PromptError((f"{path}: is no UTF-8 text",)) from None
    return found


def _parsed(source: PromptFile) -> nodes.Template:
    try:
        return _ENVIRONMENT.parse(source.text)
    except TemplateSyntaxError as error:
        raise PromptError((f"{source.file}:{error.lineno}: {error.message}",)) from None


def _problems(tree: nodes.Template, blocks: Mapping[str, Scope]) -> list[tuple[int, str]]:
    present = {block.name: block for block in tree.body if isinstance(block, nodes.Block)}
    found = [(1, f"the block `{name}` is missing") for name in blocks if name not in present]
    for part in tree.body:
        if isinstance(part, nodes.Block) and part.name in blocks:
            found += problems(part.body, blocks[part.name])
        elif isinstance(part, nodes.Block):
            found.append((part.lineno, f"there is no block `{part.name}` here; there are {', '.join(blocks)}"))
        elif not _is_blank(part):
            found.append((part.lineno, "stands outside of every block and would not be used"))
    return found


def _is_blank(part: nodes.Node) -> bool:
    return isinstance(part, nodes.Output) and all(
        isinstance(one, nodes.TemplateData) and not one.data.strip() for one in part.nodes
    )


def _printed(value: Any) -> Any:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (str, int, Undefined)):
        return value
    raise TypeError(f"only texts, numbers and truths can be printed, not a {type(value).__name__}")


def _percent(permille: int) -> str:
    return f"{permille // 10} %"


def _words(name: str) -> str:
    return name.replace("_", " ")


def _environment() -> _Environment:
    environment = _Environment(
        undefined=StrictUndefined,
        autoescape=False,  # the text is read by models, not by browsers
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_printed,
    )
    usual = {name: environment.filters[name] for name in _FILTERS}
    environment.filters = {**usual, "percent": _percent, "words": _words}
    environment.globals = {}
    return environment


_ENVIRONMENT = _environment()
