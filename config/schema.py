"""What the sections allow, in words: for error reports and for the page of all keys."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from config.section import Words
from config.yaml_tree import Loc, dotted


@dataclass(frozen=True, slots=True)
class Kind:
    """The kind of value a key takes: its type and the constraints beside it."""

    type: Any
    constraints: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class KnownKey:
    """One key of the schema; ids are written `<id>` and list items `[]`."""

    key: str
    kind: Kind
    default: object  # PydanticUndefined where the key is required


def kind_at(root: type[BaseModel], loc: Loc) -> Kind | None:
    """Return what a path takes; None where the schema has no such path."""
    kind = Kind(root)
    if loc and loc[-1] == "[key]":  # how pydantic names the id of a map's entry, rather than the entry
        holder = kind_at(root, loc[:-2])
        return _unwrapped(get_args(holder.type)[0]) if holder else None
    for part in loc:
        inner = _without_none(kind)
        origin = get_origin(inner.type)
        if _is_section(inner.type) and part in inner.type.model_fields:
            kind = _of_field(inner.type.model_fields[part])
        elif origin is dict:
            kind = _unwrapped(get_args(inner.type)[1])
        elif origin is tuple and isinstance(part, int):
            kind = _unwrapped(get_args(inner.type)[0])
        else:
            return None
    return kind


def generic_key(root: type[BaseModel], loc: Loc) -> str:
    """Write a path as the schema names it: `models.agents.<id>.name`, `teams[].id`."""
    key = ""
    for depth, part in enumerate(loc):
        parent = kind_at(root, loc[:depth])
        if isinstance(part, int):
            key += "[]"
            continue
        held_by_id = parent is not None and get_origin(_without_none(parent).type) is dict
        key += ("." if key else "") + ("<id>" if held_by_id else part)
    return key


def known_keys(root: type[BaseModel], prefix: str = "") -> Iterator[KnownKey]:
    """Yield every key of a schema that takes a value, in the order of the sections."""
    for name, field in root.model_fields.items():
        kind = _of_field(field)
        key, section = _inside(f"{prefix}{name}", _without_none(kind).type)
        if section is not None:
            yield from known_keys(section, f"{key}.")
        else:
            yield KnownKey(key, kind, field.get_default(call_default_factory=True))


def nearest_key(root: type[BaseModel], loc: Loc) -> str:
    """Return the full known key that an unknown one was probably meant to be, or ""."""
    *parents, given = loc
    if not isinstance(given, str):
        return ""
    everywhere = {known.key for known in known_keys(root)}
    everywhere |= {key.rpartition(".")[0] for key in everywhere if "." in key}
    misplaced = [key for key in sorted(everywhere) if key.rpartition(".")[2] == given]
    if misplaced:
        return get_close_matches(dotted(loc), misplaced, n=1, cutoff=0.0)[0]
    parent = kind_at(root, tuple(parents))
    section = _without_none(parent).type if parent else None
    close = nearest_name(given, section.model_fields) if section and _is_section(section) else ""
    return dotted((*parents, close)) if close else ""


def nearest_name(given: str, known: Iterable[str]) -> str:
    """Return the known name most like the given one, or ""."""
    return next(iter(get_close_matches(given, list(known), n=1)), "")


def words(kind: Kind) -> str:
    """Say what a kind of value allows."""
    own = next((c.text for c in kind.constraints if isinstance(c, Words)), None)
    inner = _without_none(kind)
    if inner is not kind and inner.type is not kind.type:
        return f"{words(inner)}, or null"
    if own is not None:
        return str(own)
    if get_origin(kind.type) is Literal:
        return _choices([str(choice) or '""' for choice in get_args(kind.type)])
    if get_origin(kind.type) is tuple:
        return f"a list; each: {words(_unwrapped(get_args(kind.type)[0]))}"
    if get_origin(kind.type) is dict or _is_section(kind.type):
        return "a mapping"
    return _simple_words(kind)


def _choices(choices: list[str]) -> str:
    return choices[0] if len(choices) == 1 else "one of " + ", ".join(choices)


def _simple_words(kind: Kind) -> str:
    if kind.type is bool:
        return "true or false"
    if kind.type in (int, float):
        return ("an integer" if kind.type is int else "a number") + _range(kind)
    if kind.type is date:
        return "a date"
    longest = _bound(kind, "max_length")
    return "text" if longest is None else f"text of at most {longest} characters"


def _range(kind: Kind) -> str:
    low, high = _bound(kind, "ge"), _bound(kind, "le")
    above = _bound(kind, "gt")
    if low is None and isinstance(above, int | float):
        if kind.type is float:
            return f" above {above}" if high is None else f" above {above}, up to {high}"
        low = above + 1  # of whole numbers
    if low is None:
        return "" if high is None else f" of at most {high}"
    return f" of at least {low}" if high is None else f" from {low} to {high}"


def _bound(kind: Kind, name: str) -> Any:
    """A limit of a value, a number or a date; None where there is none."""
    return next((getattr(c, name) for c in kind.constraints if getattr(c, name, None) is not None), None)


def _inside(key: str, type_: Any) -> tuple[str, type[BaseModel] | None]:
    """Return the section that a key leads to, if any, with the key extended by `.<id>` or `[]`."""
    origin = get_origin(type_)
    if origin is dict:
        key, type_ = f"{key}.<id>", _unwrapped(get_args(type_)[1]).type
    elif origin is tuple and _is_section(_unwrapped(get_args(type_)[0]).type):
        key, type_ = f"{key}[]", _unwrapped(get_args(type_)[0]).type
    return key, type_ if _is_section(type_) else None


def _is_section(type_: Any) -> bool:
    return isinstance(type_, type) and issubclass(type_, BaseModel)


def _of_field(field: FieldInfo) -> Kind:
    return Kind(field.annotation, tuple(field.metadata))


def _unwrapped(type_: Any) -> Kind:
    if get_origin(type_) is not Annotated:
        return Kind(type_)
    inner, *annotations = get_args(type_)
    constraints: list[Any] = []
    for annotation in annotations:
        constraints += annotation.metadata if isinstance(annotation, FieldInfo) else [annotation]
    return Kind(inner, tuple(constraints))


def _without_none(kind: Kind) -> Kind:
    if get_origin(kind.type) not in (Union, UnionType):
        return kind
    return next(_unwrapped(option) for option in get_args(kind.type) if option is not NoneType)
