"""Which message classes exist, and how each becomes a map and comes back.

A message is a frozen dataclass with `KIND: ClassVar[str]`, for instance `board.pull_story/1`. On the wire it is a map
of `kind` and its fields in declaration order. Field types: bool, int, str, bytes, None, unions with None, `Literal`,
`tuple[T, ...]`, fixed tuples, another frozen dataclass (a map without `kind`), or `Message` (a map with `kind`).

    WireError
    +-- UnknownKindError     no class of that name: refused, never guessed
    +-- MalformedBodyError   a field is missing, unknown or of another type
"""

from __future__ import annotations

import dataclasses
import sys
import types
import typing
from collections.abc import Callable, Hashable, Iterable, Mapping
from functools import cache
from types import ModuleType
from typing import Any, ClassVar, Literal, Protocol, TypeVar, get_args, get_origin, runtime_checkable

_T = TypeVar("_T")


class WireError(Exception):
    """Base class for everything that is wrong with bytes from elsewhere."""


class UnknownKindError(WireError):
    """Raised when no message class has the kind that a body names."""

    def __init__(self, kind: object) -> None:
        super().__init__(f"unknown message kind {kind!r}")
        self.kind = kind


class MalformedBodyError(WireError):
    """Raised when a body does not have exactly the fields its kind declares."""

    def __init__(self, kind: str, reason: str) -> None:
        super().__init__(f"{kind}: {reason}")
        self.kind, self.reason = kind, reason


@runtime_checkable
class Message(Protocol):
    """Anything that can be told, asked, published or answered."""

    KIND: ClassVar[str]


Pack = Callable[[Any], Any]
Unpack = Callable[[Any, str], Any]  # value, path -> value; raises ValueError naming the path


class Registry:
    """All message classes of a process by kind; the protocol page is generated from it."""

    def __init__(self) -> None:
        self._by_kind: dict[str, type[Any]] = {}
        self._packers: dict[type[Any], Callable[[Any], dict[str, Any]]] = {}
        self._unpackers: dict[str, Unpack] = {}

    def register(self, *classes: type[Any]) -> None:
        """Add message classes. Raises ValueError if a kind is taken, or if a field would overwrite it on the wire."""
        for cls in classes:
            if any(field.name == "kind" for field in dataclasses.fields(cls)):
                raise ValueError(f"{cls.KIND}: a field cannot be called kind")
            known = self._by_kind.get(cls.KIND)
            if known is not None and known is not cls:
                raise ValueError(f"{cls.KIND} is both {known.__qualname__} and {cls.__qualname__}")
            self._by_kind[cls.KIND] = cls

    def register_module(self, *modules: ModuleType) -> None:
        """Add every message class that a module defines."""
        for module in modules:
            for value in vars(module).values():
                if isinstance(value, type) and value.__module__ == module.__name__ and "KIND" in vars(value):
                    self.register(value)

    def kinds(self) -> Mapping[str, type[Any]]:
        """Every known kind with its class, sorted by kind."""
        return dict(sorted(self._by_kind.items()))

    def require(self, message: Any) -> None:
        """Raises UnknownKindError for a message whose class nobody registered: it could not be sent or logged."""
        if type(message) not in self._packers:
            self._compile_packer(type(message))

    def to_body(self, message: Any) -> dict[str, Any]:
        """The map that goes on the wire. Raises UnknownKindError for a class nobody registered."""
        packer = self._packers.get(type(message))
        if packer is None:
            packer = self._compile_packer(type(message))
        return packer(message)

    def from_body(self, body: Any) -> Any:
        """The message that a map describes. Raises UnknownKindError or MalformedBodyError."""
        if not isinstance(body, dict):
            raise MalformedBodyError("body", f"expected a map, got {type(body).__name__}")
        kind = body.get("kind")
        unpacker = self._unpackers.get(kind) if isinstance(kind, str) else None
        if unpacker is None:
            unpacker = self._compile_unpacker(kind)
        try:
            return unpacker(body, "")
        except ValueError as error:
            raise MalformedBodyError(str(kind), str(error)) from None

    def _compile_packer(self, cls: type[Any]) -> Callable[[Any], dict[str, Any]]:
        kind = getattr(cls, "KIND", None)
        if not isinstance(kind, str) or self._by_kind.get(kind) is not cls:
            raise UnknownKindError(cls.__qualname__)
        packer = self._fields_packer(cls, head={"kind": kind})
        self._packers[cls] = packer
        return packer

    def _fields_packer(self, cls: type[Any], *, head: dict[str, Any]) -> Callable[[Any], dict[str, Any]]:
        hints = _hints(cls)
        names: dict[str, Any] = {}
        items = [f"{key!r}: {value!r}" for key, value in head.items()]
        for place, field in enumerate(dataclasses.fields(cls)):
            value = f"message.{field.name}"
            convert = self._packer_of(hints[field.name])
            if convert is not None:
                names[f"convert_{place}"] = convert
                value = f"convert_{place}({value})"
            items.append(f"{field.name!r}: {value}")
        pack: Callable[[Any], dict[str, Any]] = _compiled(f"lambda message: {{{', '.join(items)}}}", names)
        return pack

    def _packer_of(self, hint: Any) -> Pack | None:
        """A converter for values that msgpack does not carry as they are; None where it does."""
        if hint is Message:
            return self.to_body
        if dataclasses.is_dataclass(hint):
            return self._fields_packer(typing.cast("type[Any]", hint), head={})
        origin, arguments = get_origin(hint), get_args(hint)
        if origin in (typing.Union, types.UnionType):
            inner = [found for part in arguments if (found := self._packer_of(part)) is not None]
            if inner:
                convert = inner[0]
                return lambda value: None if value is None else convert(value)
        if origin is tuple:
            return self._tuple_packer(arguments)
        return None

    def _tuple_packer(self, arguments: tuple[Any, ...]) -> Pack | None:
        if len(arguments) == 2 and arguments[1] is Ellipsis:
            item = self._packer_of(arguments[0])
            return None if item is None else lambda value: [item(part) for part in value]
        items = [self._packer_of(part) for part in arguments]
        if not any(items):
            return None
        return lambda value: [part if pack is None else pack(part) for pack, part in zip(items, value, strict=True)]

    def _compile_unpacker(self, kind: object) -> Unpack:
        cls = self._by_kind.get(kind) if isinstance(kind, str) else None
        if cls is None:
            raise UnknownKindError(kind)
        unpacker = self._fields_unpacker(cls, extra=frozenset({"kind"}))
        self._unpackers[cls.KIND] = unpacker
        return unpacker

    def _fields_unpacker(self, cls: type[_T], *, extra: frozenset[str] = frozenset()) -> Callable[[Any, str], _T]:
        """A quick function for bodies that are as they should be; whatever it does not take, `careful` explains."""
        hints = _hints(cls)
        fields = tuple((f.name, self._unpacker_of(hints[f.name])) for f in dataclasses.fields(typing.cast(Any, cls)))
        expected = frozenset(name for name, _ in fields) | extra

        def careful(body: Any, path: str) -> _T:
            if not isinstance(body, dict):
                raise ValueError(f"{path or 'body'} must be a map, not {type(body).__name__}")
            if body.keys() != expected:
                odd = sorted(map(str, body.keys() ^ expected))
                raise ValueError(f"{path}missing or unknown fields: {', '.join(odd)}")
            return cls(**{name: convert(body[name], f"{path}{name}") for name, convert in fields})

        names: dict[str, Any] = {"cls": cls, "careful": careful}
        checks, values = ["type(body) is dict", f"len(body) == {len(expected)}"], []
        for place, (name, convert) in enumerate(fields):
            checks.append(f"{name!r} in body")
            plain = _plain(hints[name])
            if plain is not None:
                checks.append(f"type(v{place} := body[{name!r}]) is {plain.__name__}")
                values.append(f"{name}=v{place}")
            else:
                names[f"convert_{place}"] = convert
                values.append(f"{name}=convert_{place}(body[{name!r}], path + {name!r})")
        source = f"lambda body, path: cls({', '.join(values)}) if {' and '.join(checks)} else careful(body, path)"
        unpack: Callable[[Any, str], _T] = _compiled(source, names)
        return unpack

    def _unpacker_of(self, hint: Any) -> Unpack:
        if hint is Message:
            return lambda value, _: self.from_body(value)
        if dataclasses.is_dataclass(hint):
            build = self._fields_unpacker(typing.cast("type[Any]", hint))
            return lambda value, path: build(value, f"{path}.")
        origin, arguments = get_origin(hint), get_args(hint)
        if origin is Literal:
            return _one_of(arguments)
        if origin in (typing.Union, types.UnionType):
            parts = [part for part in arguments if part is not type(None)]
            if len(parts) != 1:
                raise TypeError(f"only `X | None` unions can travel, not {hint}")
            inner = self._unpacker_of(parts[0])
            return lambda value, path: None if value is None else inner(value, path)
        if origin is tuple:
            return self._tuple_unpacker(arguments)
        if hint in (bool, int, str, bytes):
            return _exactly(hint)
        raise TypeError(f"{hint} cannot travel in a message")

    def _tuple_unpacker(self, arguments: tuple[Any, ...]) -> Unpack:
        if len(arguments) == 2 and arguments[1] is Ellipsis:
            item = self._unpacker_of(arguments[0])
            return lambda value, path: tuple(item(part, f"{path}[]") for part in _sequence(value, path))
        items = [self._unpacker_of(part) for part in arguments]

        def unpack(value: Any, path: str) -> tuple[Any, ...]:
            parts = _sequence(value, path)
            if len(parts) != len(items):
                raise ValueError(f"{path} must have {len(items)} items, not {len(parts)}")
            return tuple(convert(part, f"{path}[]") for convert, part in zip(items, parts, strict=True))

        return unpack


def _compiled(source: str, names: dict[str, Any]) -> Any:
    """A function from source that is made of field names (identifiers) only: half the time of a loop over fields."""
    return eval(source, names)  # noqa: S307 - see above


def _hints(cls: type[Any]) -> dict[str, Any]:
    """The types of a dataclass' fields."""
    if cls.__mro__[1:] != (object,):
        return typing.get_type_hints(cls)
    return {field.name: _hint(cls.__module__, typing.cast(Hashable, field.type)) for field in dataclasses.fields(cls)}


@cache
def _hint(module: str, annotation: Hashable) -> Any:
    """What an annotation means in a module; few of them are used by many fields, and reading one is slow."""
    return eval(annotation, vars(sys.modules[module])) if isinstance(annotation, str) else annotation  # noqa: S307


def _plain(hint: Any) -> type[Any] | None:
    """The type of a field whose value needs no more than to be of that type; most are (this is the hot path)."""
    return hint if hint in (bool, int, str, bytes) else None


def _exactly(kind: type[Any]) -> Unpack:
    def check(value: Any, path: str) -> Any:
        if type(value) is not kind:  # a bool is not an int here
            raise ValueError(f"{path} must be {kind.__name__}, not {type(value).__name__}")
        return value

    return check


def _one_of(allowed: Iterable[Any]) -> Unpack:
    choices = tuple(allowed)

    def check(value: Any, path: str) -> Any:
        if not any(value == choice and type(value) is type(choice) for choice in choices):  # True is not 1 here
            raise ValueError(f"{path} must be one of {', '.join(map(str, choices))}")
        return value

    return check


def _sequence(value: Any, path: str) -> Any:
    if not isinstance(value, (list, tuple)):
        raise ValueError(f"{path} must be a list, not {type(value).__name__}")
    return value
