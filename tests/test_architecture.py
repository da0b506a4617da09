"""Who may import whom, and what has no place in actors: held over every module of the five packages."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
RANKS = {"config": 0, "brokers": 1, "inference": 2, "actors": 3, "training": 4}
MODULES = sorted(path for package in RANKS for path in (ROOT / package).rglob("*.py"))
NAMES = [path.relative_to(ROOT).as_posix() for path in MODULES]

PURE = ("brokers/hub/core.py", "brokers/hub/commands.py", "brokers/clock/core.py", "inference/pool/core.py")
SHELL = {"zmq", "socket", "threading", "time", "subprocess", "sqlite3", "selectors", "signal", "os", "pathlib"}

DETERMINISTIC = ("actors/scrum/", "actors/roles/", "actors/policy/", "actors/work/", "actors/services/")
EXEMPT = ("actors/services/recorder.py", "actors/services/run_progress.py")
# Shells around the deterministic core: command lines print; the sandbox has to do with the kernel, wall clocks and
# processes that may hang; the workspace starts git. What comes out of them is proved equal by tests of their own.
SHELLS = ("actors/work/sandbox/", "actors/work/workspace/git.py", "actors/work/workspace/folder_files.py")
NONDETERMINISTIC = {"random", "time", "uuid", "secrets", "os", "datetime", "threading", "asyncio", "socket", "platform"}
PICKLES = {"pickle", "cPickle", "dill", "cloudpickle", "marshal", "shelve", "joblib"}
HEAVY = ("torch", "vllm", "trl", "peft", "transformers", "ray")
ONLY_WHERE_USED = ("matplotlib", "numpy", "scipy", "pandas")


def tree_of(name: str) -> ast.Module:
    return ast.parse((ROOT / name).read_text(encoding="utf-8"))


def imports_of(tree: ast.AST) -> Iterator[str]:
    """Dotted names of every import of a module, also those inside functions."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield node.module or ""


def top(dotted: str) -> str:
    return dotted.partition(".")[0]


def in_deterministic_part(name: str) -> bool:
    is_shell = name.startswith(SHELLS) or (name.startswith("actors/work/") and name.endswith("/__main__.py"))
    return name.startswith(DETERMINISTIC) and name not in EXEMPT and not is_shell


# -- who may import whom ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_imports_point_one_way(name: str) -> None:
    own = RANKS[name.split("/")[0]]
    upwards = [found for found in imports_of(tree_of(name)) if RANKS.get(top(found), 0) > own]

    assert upwards == []


@pytest.mark.parametrize("name", NAMES)
def test_no_module_imports_what_is_not_shipped(name: str) -> None:
    assert not {top(found) for found in imports_of(tree_of(name))} & {"tests", "benchmarks", "examples", "docs"}


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("actors/scrum/")])
def test_the_domain_imports_the_standard_library_only(name: str) -> None:
    foreign = [
        found
        for found in imports_of(tree_of(name))
        if top(found) not in sys.stdlib_module_names and not found.startswith("actors.scrum")
    ]

    assert foreign == []


@pytest.mark.parametrize("name", PURE)
def test_a_pure_core_imports_no_shell(name: str) -> None:
    assert not {top(found) for found in imports_of(tree_of(name))} & SHELL


@pytest.mark.parametrize("name", NAMES)
def test_no_module_can_unpickle(name: str) -> None:
    tree = tree_of(name)
    calls = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}

    assert not {top(found) for found in imports_of(tree)} & PICKLES
    assert not calls & {"recv_pyobj", "send_pyobj", "unsafe_load", "full_load"}


@pytest.mark.parametrize("name", [name for name in NAMES if name != "config/environment.py"])
def test_environment_variables_are_read_in_one_place(name: str) -> None:
    tree = tree_of(name)
    read = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    read |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names}

    assert not read & {"environ", "environb", "getenv", "getenvb"}


# -- what is loaded when ----------------------------------------------------------------------------------------------


def loaded_by(statements: str, watched: tuple[str, ...]) -> list[str]:
    """Which of these packages a fresh interpreter has loaded after some statements."""
    probe = f"import sys\n{statements}\nprint(*(name for name in {watched!r} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", probe], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_importing_every_module_loads_no_model_library() -> None:
    dotted = [name.removesuffix(".py").removesuffix("/__init__").replace("/", ".") for name in NAMES]

    assert loaded_by("\n".join(f"import {name}" for name in dotted), HEAVY) == []


def test_the_command_line_of_a_run_loads_no_statistics_and_no_figures() -> None:
    assert loaded_by("import actors.simulation.__main__", (*HEAVY, *ONLY_WHERE_USED)) == []


# -- determinism ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in NAMES if in_deterministic_part(name)])
def test_actors_know_no_clock_no_chance_and_no_environment_of_their_own(name: str) -> None:
    tree = tree_of(name)
    called = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}

    assert not {top(found) for found in imports_of(tree)} & NONDETERMINISTIC
    assert not called & {"hash", "id", "input", "open", "print"}


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("actors/")])
def test_actors_never_depend_on_the_order_of_a_set(name: str) -> None:
    assert [f"{name}:{line}" for line in lines_that_order_a_set(tree_of(name))] == []


ORDERED_BY = {"list", "tuple", "iter", "enumerate", "zip", "map", "filter", "reversed", "dict", "next", "str", "repr"}
ORDER_FREE = {"sorted", "set", "frozenset", "any", "all", "sum", "min", "max", "len"}
OF_SETS = {"union", "intersection", "difference", "symmetric_difference", "copy"}


def own_nodes(scope: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a module or function, without those of functions inside it."""
    waiting = list(ast.iter_child_nodes(scope))
    while waiting:
        node = waiting.pop(0)
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            waiting = [*ast.iter_child_nodes(node), *waiting]


def names_of_sets(scope: ast.AST, inherited: set[str]) -> set[str]:
    """Names that hold a set: assigned from one, or annotated as one."""
    names = set(inherited)
    if isinstance(scope, ast.FunctionDef | ast.AsyncFunctionDef):
        arguments = [*scope.args.posonlyargs, *scope.args.args, *scope.args.kwonlyargs]
        names -= {each.arg for each in arguments}
        names |= {each.arg for each in arguments if each.annotation is not None and annotates_set(each.annotation)}
    for node in own_nodes(scope):
        match node:
            case ast.Assign(targets=targets, value=value):
                held = {target.id for target in targets if isinstance(target, ast.Name)}
                names = names | held if is_set(value, names) else names - held
            case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation):
                names = names | {name} if annotates_set(annotation) else names - {name}
    return names


def annotates_set(annotation: ast.expr) -> bool:
    return ast.unparse(annotation).split("[")[0] in {"set", "frozenset", "AbstractSet", "Set"}


def is_set(node: ast.expr, names: set[str]) -> bool:
    """Whether an expression is a set as far as one can see."""
    match node:
        case ast.Set() | ast.SetComp():
            return True
        case ast.Call(func=ast.Name(id="set" | "frozenset")):
            return True
        case ast.Call(func=ast.Attribute(value=value, attr=attr)):
            return attr in OF_SETS and is_set(value, names)
        case ast.BinOp(op=ast.BitOr() | ast.BitAnd() | ast.Sub() | ast.BitXor(), left=left, right=right):
            return any(is_set(side, names) or is_keys(side) for side in (left, right))
        case ast.IfExp(body=body, orelse=orelse):
            return is_set(body, names) or is_set(orelse, names)
        case ast.Name(id=name):
            return name in names
    return False


def is_keys(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "keys"


def lines_that_order_a_set(scope: ast.AST, inherited: frozenset[str] = frozenset()) -> list[int]:
    """Where the items of a set come out one after another, and something may follow from their order."""
    names = names_of_sets(scope, set(inherited))
    harmless = [argument for call in own_nodes(scope) if calls(call, ORDER_FREE) for argument in call.args]
    lines: list[int] = []
    for node in own_nodes(scope):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines += lines_that_order_a_set(node, frozenset(names))
        if node not in harmless:
            lines += [node.lineno for source in iterated_by(node) if is_set(source, names)]
    return lines


def iterated_by(node: ast.AST) -> list[ast.expr]:
    """The expressions whose items a node takes one after another, in their order."""
    match node:
        case ast.For(iter=source) | ast.Starred(value=source):
            return [source]
        case ast.ListComp(generators=found) | ast.DictComp(generators=found) | ast.GeneratorExp(generators=found):
            return [each.iter for each in found]
        case ast.Call(args=args) if calls(node, ORDERED_BY):
            return args
        case ast.Call(func=ast.Attribute(attr="join" | "extend" | "fromkeys"), args=args):
            return args
    return []


def calls(node: ast.AST, names: set[str]) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names


@pytest.mark.parametrize(
    "code",
    [
        "for name in {'a', 'b'}: pass",
        "for name in set(names): pass",
        "for name in {each for each in names}: pass",
        "names = [name for name in frozenset(others)]",
        "taken = set(names)\nfor name in taken: pass",
        "def tell(taken: set[str]):\n    return [name for name in taken]",
        "text = ', '.join(set(names))",
        "first = next(iter(set(names)))",
        "order = [*set(names)]",
        "order = tuple(was.keys() | now.keys())",
        "order = list(set(names) - taken)",
        "order = dict.fromkeys(set(names))",
        "order = [name for name in set(a).union(b)]",
        "async def tell(names):\n    taken = set(names)\n    for name in taken: pass",
    ],
)
def test_the_order_of_a_set_is_noticed(code: str) -> None:
    assert lines_that_order_a_set(ast.parse(code)) != []


@pytest.mark.parametrize(
    "code",
    [
        "for name in sorted(set(names)): pass",
        "known = set(names)\nfound = [name for name in names if name in known]",
        "best = min(rank for rank in set(ranks))",
        "some = any(name in others for name in set(names))",
        "both = {name for name in set(names)}",
        "for key in sorted(was.keys() | now.keys()): pass",
        "for key in was.keys(): pass",
        "count = len(set(names))",
        "def one():\n    names = {1}\n\ndef other(names: list[int]):\n    for name in names: pass",
        "total = 3 | 4\nfor part in range(total): pass",
    ],
)
def test_a_set_whose_order_does_not_matter_is_fine(code: str) -> None:
    assert lines_that_order_a_set(ast.parse(code)) == []
