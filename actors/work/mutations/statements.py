"""Mistakes with whole statements: dropped, taken the wrong way, ended too early, defaults that are wrong or shared."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from actors.work.mutations.expressions import exchanged_choices, fallbacks_of
from actors.work.mutations.text import Edit, Place, Scope

_LEAVES = (ast.Raise, ast.Return, ast.Continue, ast.Break)
_EMPTY = ("{}", "[]", "dict()", "list()", "set()")
_STAYS_RIGHT_OF_MINUS = (ast.Name, ast.Constant, ast.Call, ast.Attribute, ast.Subscript)


def dropped_returns(scope: Scope) -> Iterator[Place]:
    """A result is worked out and not handed back."""
    for statement, block in scope.blocks():
        if isinstance(statement, ast.Return) and not _is_none(statement.value):
            if isinstance(statement.value, ast.Constant | ast.Name):
                yield scope.place(statement, scope.source.drop(statement, block))
            else:
                start, _ = scope.source.span(statement)
                word = re.compile(r"return\s*").match(scope.source.text, start)
                assert word is not None
                yield scope.place(statement, Edit(start=start, end=word.end(), text=""))


def _is_none(node: ast.expr | None) -> bool:
    return node is None or (isinstance(node, ast.Constant) and node.value is None)


def removed_guards(scope: Scope) -> Iterator[Place]:
    """A check that leaves early is missing."""
    for statement, block in scope.blocks():
        if isinstance(statement, ast.If) and not statement.orelse and isinstance(statement.body[-1], _LEAVES):
            yield scope.place(statement, scope.source.drop(statement, None if _is_elif(scope, statement) else block))


def _is_elif(scope: Scope, statement: ast.If) -> bool:
    return scope.source.of(statement).startswith("elif")


def dropped_statements(scope: Scope) -> Iterator[Place]:
    """A step is missing. What first gives a name its value is kept: without it nothing would run at all."""
    bound = {argument.arg for argument in ast.walk(scope.function.args) if isinstance(argument, ast.arg)}
    for statement, block in sorted(scope.blocks(), key=lambda pair: scope.source.span(pair[0])):
        if _is_step(statement, bound):
            yield scope.place(statement, scope.source.drop(statement, block))
        bound.update(_bound_by(statement))


def _is_step(statement: ast.stmt, bound: set[str]) -> bool:
    match statement:
        case ast.Expr(value=ast.Call()) | ast.AugAssign() | ast.Delete():
            return True
        case ast.Assign(targets=[ast.Subscript() | ast.Attribute()]):
            return True
        case ast.Assign(targets=[ast.Name(id=name)]):
            return name in bound
        case _:
            return False


def _bound_by(statement: ast.stmt) -> list[str]:
    match statement:
        case ast.Assign(targets=targets):
            stored: list[ast.expr] = targets
        case ast.AnnAssign(target=target) | ast.For(target=target):
            stored = [target]
        case _:
            stored = []
    return [node.id for target in stored for node in ast.walk(target) if isinstance(node, ast.Name)]


def swallowed_exceptions(scope: Scope) -> Iterator[Place]:
    """An error is passed over in silence: not raised, or caught with everything else."""
    for node in scope.nodes:
        match node:
            case ast.Raise():
                yield scope.replace(node, "return None")
            case ast.ExceptHandler(type=ast.expr() as caught) if scope.source.of(caught) != "Exception":
                yield scope.replace(caught, "Exception")


def wrong_branches(scope: Scope) -> Iterator[Place]:
    """Two branches are exchanged, or asked in the wrong order."""
    yield from exchanged_choices(scope)
    for node in scope.nodes:
        match node:
            case ast.If(test=one, orelse=[ast.If(test=two) as other]) if _is_elif(scope, other):
                is_bound = isinstance(one, ast.NamedExpr) or isinstance(two, ast.NamedExpr)
                if ast.dump(one) != ast.dump(two) and not is_bound:
                    yield scope.swap(one, two)
            case ast.If(body=body, orelse=[_, *_] as orelse) if _dump(body) != _dump(orelse):
                if body[0].col_offset == orelse[0].col_offset and body[0].lineno > node.lineno:
                    yield _exchanged(scope, body, orelse)


def _exchanged(scope: Scope, body: list[ast.stmt], orelse: list[ast.stmt]) -> Place:
    text = scope.source.text
    (a, b), (c, d) = _whole(scope, body), _whole(scope, orelse)
    return scope.place(body[0], Edit(start=a, end=b, text=text[c:d]), Edit(start=c, end=d, text=text[a:b]))


def _whole(scope: Scope, block: list[ast.stmt]) -> tuple[int, int]:
    return scope.source.span(block[0])[0], scope.source.span(block[-1])[1]


def _dump(block: list[ast.stmt]) -> list[str]:
    return [ast.dump(statement) for statement in block]


def shortened_loops(scope: Scope) -> Iterator[Place]:
    """The last item is not looked at, or a loop ends where it should go on."""
    for node in scope.nodes:
        if isinstance(node, ast.For | ast.comprehension):
            yield _shortened(scope, node.iter)
        elif isinstance(node, ast.Continue):
            yield scope.replace(node, "break")


def _shortened(scope: Scope, items: ast.expr) -> Place:
    match items:
        case ast.Call(func=ast.Name(id="range"), args=[stop] | [_, stop, *_]):
            is_sum = isinstance(stop, ast.BinOp) and isinstance(stop.op, ast.Add | ast.Sub)
            is_plain = is_sum or isinstance(stop, _STAYS_RIGHT_OF_MINUS)
            return scope.wrap(stop, "" if is_plain else "(", " - 1" if is_plain else ") - 1")
        case ast.Tuple() if not scope.source.of(items).startswith("("):
            return scope.wrap(items, "(", ")[:-1]")
        case _:
            return scope.wrap(items, "list(", ")[:-1]")


def wrong_defaults(scope: Scope) -> Iterator[Place]:
    """What is used when nothing is given or found is another value."""
    arguments = scope.function.args
    defaults = [*arguments.defaults, *(one for one in arguments.kw_defaults if one is not None)]
    defaults += [one for node in scope.nodes for one in fallbacks_of(node)]
    for default in defaults:
        if (other := _other_value(default)) is not None:
            yield scope.replace(default, other)
    for node in scope.nodes:
        match node:
            case ast.Call(func=ast.Attribute(attr="get"), args=[key], keywords=[]):
                yield scope.wrap(key, "", ", 0")


def _other_value(node: ast.expr) -> str | None:
    match node:
        case ast.Constant(value=bool() as flag):
            return str(not flag)
        case ast.Constant(value=int() as number):
            return str(number + 1)
        case ast.Constant(value=str() as text):
            return '""' if text else '"none"'
        case ast.Constant(value=None) | ast.UnaryOp():
            return "0"
        case ast.List() | ast.Dict():
            return "None"
        case _:
            return None


def mutable_defaults(scope: Scope) -> Iterator[Place]:
    """What a call gathers is kept for the next call: an accumulator lives in the signature."""
    for statement, block in scope.blocks():
        if block is scope.function.body:
            match statement:
                case ast.Assign(targets=[ast.Name(id=name)], value=value) if scope.source.of(value) in _EMPTY:
                    if _assignments(scope, name) == 1 and (edit := _new_argument(scope, name, value)) is not None:
                        yield scope.place(statement, edit, scope.source.drop(statement, block))
                case ast.If(test=ast.Compare(left=ast.Name(id=name), ops=[ast.Is()], comparators=[empty])):
                    if _is_none(empty) and (edit := _shared_default(scope, name, statement)) is not None:
                        yield scope.place(statement, edit, scope.source.drop(statement, block))


def _assignments(scope: Scope, name: str) -> int:
    return sum(isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store) and one.id == name for one in scope.nodes)


def _new_argument(scope: Scope, name: str, value: ast.expr) -> Edit | None:
    arguments, text = scope.function.args, f"{name}={scope.source.of(value)}"
    if arguments.vararg or arguments.kwonlyargs or arguments.kwarg:
        return None
    given = [*arguments.posonlyargs, *arguments.args]
    if not given:
        at = scope.source.text.index("(", scope.source.span(scope.function)[0]) + 1
        return Edit(start=at, end=at, text=text)
    last = arguments.defaults[-1] if arguments.defaults else given[-1]
    at = scope.source.span(last)[1]
    return Edit(start=at, end=at, text=f", {text}")


def _shared_default(scope: Scope, name: str, statement: ast.If) -> Edit | None:
    arguments = scope.function.args
    defaults = dict(zip([one.arg for one in reversed(arguments.args)], reversed(arguments.defaults), strict=False))
    match statement.body:
        case [ast.Assign(targets=[ast.Name(id=same)], value=value)] if same == name and not statement.orelse:
            if scope.source.of(value) in _EMPTY and name in defaults and _is_none(defaults[name]):
                start, end = scope.source.span(defaults[name])
                return Edit(start=start, end=end, text=scope.source.of(value))
    return None
