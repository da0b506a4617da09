"""Mistakes inside expressions: constants, comparisons, conditions, operands, calls, keys."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping

from actors.work.mutations.text import Edit, Place, Scope

_COMPARISON = re.compile(r"<=|>=|==|!=|<|>|not\s+in\b|in\b|is\s+not\b|is\b")
_ARITHMETIC = re.compile(r"\*\*|//|<<|>>|[-+*/%&|^@]")
_LOGIC = re.compile(r"\b(?:and|or)\b")
_FLIPPED: Mapping[type[ast.cmpop], str] = {ast.Lt: "<=", ast.LtE: "<", ast.Gt: ">=", ast.GtE: ">"}
_REVERSED: Mapping[type[ast.cmpop], str] = {
    ast.Lt: ">",
    ast.LtE: ">=",
    ast.Gt: "<",
    ast.GtE: "<=",
    ast.Eq: "!=",
    ast.NotEq: "==",
    ast.In: "not in",
    ast.NotIn: "in",
    ast.Is: "is not",
    ast.IsNot: "is",
}
_CHANGED: Mapping[type[ast.operator], str] = {
    ast.Add: "-",
    ast.Sub: "+",
    ast.Mult: "+",
    ast.Div: "*",
    ast.FloorDiv: "%",
    ast.Mod: "//",
    ast.Pow: "*",
    ast.BitAnd: "|",
    ast.BitOr: "&",
    ast.LShift: ">>",
    ast.RShift: "<<",
}
_SWAPPABLE = (ast.Sub, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow)
_TEXT = (ast.JoinedStr, ast.List, ast.ListComp, ast.Tuple)
_NEEDS_PARENTHESES = (ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare, ast.IfExp, ast.Lambda)
_NEVER_MOVED = (ast.NamedExpr, ast.Starred, ast.Yield, ast.YieldFrom, ast.Await)
_BUILTINS = {"min": "max", "max": "min", "any": "all", "all": "any"}
_METHODS = {
    name: other
    for pair in (
        ("startswith", "endswith"),
        ("lstrip", "rstrip"),
        ("lower", "upper"),
        ("find", "rfind"),
        ("partition", "rpartition"),
        ("removeprefix", "removesuffix"),
        ("ljust", "rjust"),
        ("keys", "values"),
        ("pop", "popleft"),
        ("append", "appendleft"),
        ("bisect_left", "bisect_right"),
        ("floor", "ceil"),
    )
    for name, other in (pair, pair[::-1])
    if name not in ("pop", "append")  # lists have no popleft
}
_CLEANING = ("strip", "lstrip", "rstrip", "lower", "upper", "casefold", "title", "removeprefix", "removesuffix")


def off_by_one_constants(scope: Scope) -> Iterator[Place]:
    """A whole number is one too large. Values for what is missing are left to `wrong_defaults`."""
    fallbacks = [one for node in scope.nodes for one in fallbacks_of(node)]
    for node in scope.nodes:
        if isinstance(node, ast.Constant) and type(node.value) is int and node not in fallbacks:
            yield scope.replace(node, str(node.value + 1))


def fallbacks_of(node: ast.AST) -> list[ast.expr]:
    """What a call uses when nothing is found."""
    match node:
        case ast.Call(func=ast.Attribute(attr="get" | "pop" | "setdefault"), args=[_, fallback]):
            return [fallback]
        case ast.Call(func=ast.Name(id="next"), args=[_, fallback]) | ast.keyword(arg="default", value=fallback):
            return [fallback]
        case _:
            return []


def flipped_comparisons(scope: Scope) -> Iterator[Place]:
    """`<` where `<=` is meant and the other way round."""
    return _comparisons(scope, _FLIPPED)


def reversed_comparisons(scope: Scope) -> Iterator[Place]:
    """A comparison says the opposite, or looks the other way."""
    return _comparisons(scope, _REVERSED)


def _comparisons(scope: Scope, other: Mapping[type[ast.cmpop], str]) -> Iterator[Place]:
    for node in scope.nodes:
        if isinstance(node, ast.Compare):
            operands = [node.left, *node.comparators]
            for left, operator, right in zip(operands, node.ops, operands[1:], strict=False):
                if type(operator) in other:
                    yield from _other_operator(scope, left, right, _COMPARISON, other[type(operator)])


def changed_operators(scope: Scope) -> Iterator[Place]:
    """Arithmetic with the wrong operator. Joined texts and lists are left alone: that would be noticed at once."""
    for node in scope.nodes:
        match node:
            case ast.BinOp(left=left, op=operator, right=right) | ast.AugAssign(target=left, op=operator, value=right):
                if type(operator) in _CHANGED and not _is_text(left) and not _is_text(right):
                    yield from _other_operator(scope, left, right, _ARITHMETIC, _CHANGED[type(operator)])


def _other_operator(
    scope: Scope, left: ast.expr, right: ast.expr, pattern: re.Pattern[str], new: str
) -> Iterator[Place]:
    gap, start = scope.source.gap(left, right), scope.source.span(left)[1]
    if "#" not in gap and (found := pattern.search(gap)) is not None:
        edit = Edit(start=start + found.start(), end=start + found.end(), text=new)
        yield Place(line=left.lineno, start=edit.start, edits=(edit,))


def changed_logic(scope: Scope) -> Iterator[Place]:
    """`and` where `or` is meant and the other way round."""
    for node in scope.nodes:
        if isinstance(node, ast.BoolOp):
            new = "or" if isinstance(node.op, ast.And) else "and"
            places = [
                place
                for left, right in zip(node.values, node.values[1:], strict=False)
                for place in _other_operator(scope, left, right, _LOGIC, new)
            ]
            if len(places) == len(node.values) - 1:
                yield scope.place(node, *(edit for place in places for edit in place.edits))


def negated_conditions(scope: Scope) -> Iterator[Place]:
    """A condition, or one part of it, is asked the wrong way round. Simple comparisons are reversed instead."""
    for node in scope.nodes:
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            start, _ = scope.source.span(node)
            blank = len(scope.source.text[start + 3 :]) - len(scope.source.text[start + 3 :].lstrip())
            yield scope.place(node, Edit(start=start, end=start + 3 + blank, text=""))
        yield from (scope.wrap(one, "not ", "") for one in _conditions(node) if _can_be_negated(one))


def _can_be_negated(condition: ast.expr) -> bool:
    match condition:
        case ast.Compare(ops=[_]) | ast.UnaryOp(op=ast.Not()) | ast.BoolOp() | ast.IfExp() | ast.Lambda():
            return False
        case _:
            return not isinstance(condition, (ast.Constant, *_NEVER_MOVED))


def _conditions(node: ast.AST) -> list[ast.expr]:
    match node:
        case ast.If(test=test) | ast.While(test=test) | ast.IfExp(test=test):
            return [test]
        case ast.comprehension(ifs=tests) | ast.BoolOp(values=tests):
            return tests
        case _:
            return []


def swapped_operands(scope: Scope) -> Iterator[Place]:
    """Left and right of an operator that minds are exchanged."""
    for node in scope.nodes:
        if isinstance(node, ast.BinOp) and (isinstance(node.op, _SWAPPABLE) or _joins_text(node)):
            yield from _swapped(scope, node)


def _swapped(scope: Scope, node: ast.BinOp) -> Iterator[Place]:
    source = scope.source
    gap, (start, end) = source.gap(node.left, node.right), source.span(node)
    (left_start, left_end), (right_start, _) = source.span(node.left), source.span(node.right)
    found = _ARITHMETIC.search(gap)
    if found is None or "#" in gap + source.text[start:left_start]:
        return
    # Parentheses belong to neither operand's node, but go where the operand goes.
    left_end += len(gap[: found.start()].rstrip())
    right_start -= len(gap[found.end() :].lstrip())
    left, right = source.text[start:left_end], source.text[right_start:end]
    if left != right:
        yield scope.place(
            node,
            Edit(start=start, end=left_end, text=_as_operand(node.right, right)),
            Edit(start=right_start, end=end, text=_as_operand(node.left, left)),
        )


def _as_operand(node: ast.expr, text: str) -> str:
    return f"({text})" if isinstance(node, _NEEDS_PARENTHESES) and not text.startswith("(") else text


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, _TEXT) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


def _joins_text(node: ast.BinOp) -> bool:
    return isinstance(node.op, ast.Add) and (_is_text(node.left) or _is_text(node.right))


def swapped_arguments(scope: Scope) -> Iterator[Place]:
    """The first two arguments of a call are exchanged."""
    for node in scope.nodes:
        if isinstance(node, ast.Call) and len(node.args) > 1:
            one, other, *_ = node.args
            minds = not (isinstance(node.func, ast.Name) and node.func.id in ("min", "max", "isinstance", "zip"))
            moved = not isinstance(one, _NEVER_MOVED) and not isinstance(other, _NEVER_MOVED)
            if minds and moved and ast.dump(one) != ast.dump(other):
                yield scope.swap(one, other)


def wrong_functions(scope: Scope) -> Iterator[Place]:
    """The sister function is called: `max` for `min`, `endswith` for `startswith`."""
    for node in scope.nodes:
        match node:
            case ast.Call(func=ast.Name(id=name) as called) if name in _BUILTINS:
                yield scope.replace(called, _BUILTINS[name])
            case ast.Call(func=ast.Attribute(attr=name) as method) if name in _METHODS:
                _, end = scope.source.span(method)
                yield scope.place(method, Edit(start=end - len(name), end=end, text=_METHODS[name]))


def skipped_cleaning(scope: Scope) -> Iterator[Place]:
    """Values are used as they come: not stripped, not folded, not sorted."""
    for node in scope.nodes:
        match node:
            case ast.Call(func=ast.Attribute(value=value, attr=name)) if name in _CLEANING:
                _, end = scope.source.span(value)
                gap = scope.source.text[end : scope.source.span(node)[1]]
                if gap.startswith("."):  # otherwise the value stands in parentheses
                    yield scope.place(node, Edit(start=end, end=end + len(gap), text=""))
            case ast.Call(func=ast.Name(id="sorted") as called, args=[_], keywords=keywords):
                _, end = scope.source.span(node)
                rest = [Edit(start=scope.source.span(node.args[0])[1], end=end, text=")")] if keywords else []
                start, stop = scope.source.span(called)
                yield scope.place(node, Edit(start=start, end=stop, text="list"), *rest)


def flipped_flags(scope: Scope) -> Iterator[Place]:
    """`True` where `False` is meant and the other way round. `strict` only watches over code that is right."""
    watching = [node.value for node in scope.nodes if isinstance(node, ast.keyword) and node.arg == "strict"]
    for node in scope.nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, bool) and node not in watching:
            yield scope.replace(node, str(not node.value))


def wrong_keys(scope: Scope) -> Iterator[Place]:
    """A field is read or written under the name of another one."""
    found = [key for node in scope.nodes for key in _keys(node)]
    names = list(dict.fromkeys(str(key.value) for key in found))
    for key in found:
        name = str(key.value)
        text = scope.source.of(key)
        other = names[(names.index(name) + 1) % len(names)] if len(names) > 1 else f"{name}s"
        if text[0] in "\"'":
            yield scope.replace(key, f"{text[0]}{other}{text[0]}" if other.isidentifier() else repr(other))


def _keys(node: ast.AST) -> list[ast.Constant]:
    match node:
        case ast.Subscript(slice=key):
            keys: list[ast.expr | None] = [key]
        case ast.Dict(keys=named):
            keys = list(named)
        case ast.Call(func=ast.Attribute(attr="get" | "pop" | "setdefault"), args=[key, *_]):
            keys = [key]
        case ast.Compare(left=key, ops=[ast.In() | ast.NotIn()], comparators=[right]) if not _is_text(right):
            keys = [key]
        case _:
            keys = []
    return [key for key in keys if isinstance(key, ast.Constant) and isinstance(key.value, str)]


def exchanged_choices(scope: Scope) -> Iterator[Place]:
    """The two results of a conditional expression are exchanged."""
    for node in scope.nodes:
        match node:
            case ast.IfExp(body=one, orelse=other) if ast.dump(one) != ast.dump(other):
                if not isinstance(one, _NEVER_MOVED) and not isinstance(other, _NEVER_MOVED):
                    yield scope.swap(one, other, (_as_choice(scope, one), _as_choice(scope, other)))


def _as_choice(scope: Scope, node: ast.expr) -> str:
    text = scope.source.of(node)
    return f"({text})" if isinstance(node, ast.IfExp | ast.Lambda) else text
