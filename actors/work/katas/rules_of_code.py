"""What an oracle's source must look like under every alternative: size, complexity, purity, documentation."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator

from actors.work.katas.anatomy import Anatomy, complexities, functions, is_docstring, shape
from actors.work.mutations.operators import fix_size

LINES = (25, 70)  # with what is assumed
LONGEST = 80  # with any alternative
MOST_COMPLEX = 6
ALLOWED_IMPORTS = (
    "re",
    "math",
    "itertools",
    "collections",
    "string",
    "bisect",
    "heapq",
    "functools",
    "operator",
    "textwrap",
    "json",
    "datetime",
    "fractions",
    "decimal",
    "unicodedata",
    "hashlib",
    "base64",
)
FORBIDDEN = ("open", "eval", "exec", "input", "print", "__import__", "hash", "id", "globals", "vars")
CLOCKS = ("now", "utcnow", "today")
KEEPING = ("cache", "lru_cache", "cached_property")  # state between calls


def size(anatomy: Anatomy) -> Iterator[str]:
    """The source has an honest length, and every function is short enough to be understood."""
    for choices in anatomy.single:
        source = anatomy.source(choices)
        lines = len(source.splitlines())
        most = LINES[1] if choices == anatomy.exercise.assumed else LONGEST
        if not LINES[0] <= lines <= most:
            yield f"{lines} lines with {choices}, {LINES[0]} to {most} are due"
        for name, found in complexities(source).items():
            if found > MOST_COMPLEX:
                yield f"{name} has McCabe complexity {found} with {choices}, {MOST_COMPLEX} is allowed"


def documentation(anatomy: Anatomy) -> Iterator[str]:
    """The module and its public functions have docstrings, and the public functions are those of the criteria."""
    source = anatomy.source(anatomy.exercise.assumed)
    if not is_docstring(ast.parse(source).body[0]):
        yield "the module has no docstring"
    public = [one for one in functions(source) if not one.name.startswith("_")]
    for one in public:
        if not is_docstring(one.body[0]):
            yield f"{one.name} has no docstring"
    names, due = sorted(one.name for one in public), sorted(anatomy.exercise.functions())
    if names != due:
        yield f"the public functions are {', '.join(names)}; the criteria have {', '.join(due)}"
    unused = sorted(set(anatomy.uses) - {one for function in due for one in anatomy.reach(function)})
    if unused:
        yield f"nothing uses {', '.join(unused)}"


def purity(anatomy: Anatomy) -> Iterator[str]:
    """Only deterministic parts of the standard library, no placeholder left over, and no hidden input or output."""
    needed = [one.module for one in anatomy.exercise.needs]
    for choices in anatomy.single:
        source = anatomy.source(choices)
        if "<<" in source:
            yield f"a placeholder is left over with {choices}"
        for node in ast.walk(ast.parse(source)):
            for module in _imports(node):
                if module not in needed and module.split(".")[0] not in ALLOWED_IMPORTS:
                    yield f"it imports {module}"
            if isinstance(node, ast.Name) and node.id in FORBIDDEN:
                yield f"it uses {node.id}"
            if isinstance(node, ast.Attribute) and node.attr in CLOCKS:
                yield f"it reads a clock: {node.attr}"
            if isinstance(node, ast.Global) or (isinstance(node, ast.alias) and node.name in KEEPING):
                yield "it keeps state between calls"


def _imports(node: ast.AST) -> list[str]:
    match node:
        case ast.Import(names=names):
            return [one.name for one in names]
        case ast.ImportFrom(module=str() as module):
            return [module]
        case _:
            return []


def difference(anatomy: Anatomy) -> Iterator[str]:
    """To change one's mind costs at least a line, and in one open point it changes more than a constant."""
    assumed = anatomy.source(anatomy.exercise.assumed)
    for choices in anatomy.single[1:]:
        if fix_size(assumed, anatomy.source(choices)) < 1:
            yield f"{choices} is written like what is assumed"
    if len({shape(anatomy.source(choices)) for choices in anatomy.single}) < 2:
        yield "all alternatives differ in constants only"


def raised_on_purpose(anatomy: Anatomy) -> frozenset[str]:
    """Names of the builtin errors that an example asks for or that the source, or what it needs, raises by name."""
    kata = anatomy.exercise.kata
    examples = [one for criterion in kata.criteria for one in criterion.examples]
    examples += [one for point in kata.open_points for other in point.alternatives for one in other.examples]
    found = {one.error for one in examples}
    texts = [anatomy.source(choices) for choices in anatomy.single]
    texts += [one.source(one.wanted) for one in anatomy.exercise.needs]
    for text in texts:
        for node in ast.walk(ast.parse(text)):
            match node:
                case ast.Raise(exc=ast.Call(func=ast.Name(id=name))) | ast.Raise(exc=ast.Name(id=name)):
                    found.add(name)
    return frozenset(name for name in found if hasattr(builtins, name))
