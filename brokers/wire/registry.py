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
import types
import typing
from collections.abc import Callable, Iterable, Mapping
from operator import attrgetter
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
        self._unpackers: dict[str, Callable[[Mapping[str, Any]], Any]] = {}

    def register(self, *classes: type[Any]) -> None:
        """Add message classes. Raises ValueError if a kind is taken by another class."""
        for cls in classes:
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
        return unpacker(body)

    def _compile_packer(self, cls: type[Any]) -> Callable[[Any], dict[str, Any]]:
        kind = getattr(cls, "KIND", None)
        if not isinstance(kind, str) or self._by_kind.get(kind) is not cls:
            raise UnknownKindError(cls.__qualname__)
        packer = self._fields_packer(cls, head={"kind": kind})
        self._packers[cls] = packer
        return packer

    def _fields_packer(self, cls: type[Any], *, head: dict[str, Any]) -> Callable[[Any], dict[str, Any]]:
        hints = _hints(cls)
        names = tuple(field.name for field in dataclasses.fields(cls))
        special = tuple((name, found) for name in names if (found := self._packer_of(hints[name])) is not None)
        if not names:
            return lambda message: dict(head)
        if len(names) == 1:
            only, get_one = names[0], attrgetter(names[0])

            def pack_one(message: Any) -> dict[str, Any]:
                body = dict(head)
                body[only] = special[0][1](get_one(message)) if special else get_one(message)
                return body

            return pack_one
        get = attrgetter(*names)

        def pack_all(message: Any) -> dict[str, Any]:
            body = dict(head)
            body.update(zip(names, get(message), strict=True))
            for name, convert in special:
                body[name] = convert(body[name])
            return body

        return pack_all

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

    def _compile_unpacker(self, kind: object) -> Callable[[Mapping[str, Any]], Any]:
        cls = self._by_kind.get(kind) if isinstance(kind, str) else None
        if cls is None:
            raise UnknownKindError(kind)
        build = self._fields_unpacker(cls, extra=frozenset({"kind"}))

        def unpack(body: Mapping[str, Any]) -> Any:
            try:
                return build(body, "")
            except ValueError as error:
                raise MalformedBodyError(cls.KIND, str(error)) from None

        self._unpackers[cls.KIND] = unpack
        return unpack

    def _fields_unpacker(self, cls: type[_T], *, extra: frozenset[str] = frozenset()) -> Callable[[Any, str], _T]:
        hints = _hints(cls)
        names = tuple(field.name for field in dataclasses.fields(typing.cast(Any, cls)))
        fields = tuple((name, _plain(hints[name]), self._unpacker_of(hints[name])) for name in names)
        expected = frozenset(names) | extra

        def unpack(body: Any, path: str) -> _T:
            if not isinstance(body, dict):
                raise ValueError(f"{path or 'body'} must be a map, not {type(body).__name__}")
            if body.keys() != expected:
                odd = sorted(map(str, body.keys() ^ expected))
                raise ValueError(f"{path}missing or unknown fields: {', '.join(odd)}")
            values = {}
            for name, plain, convert in fields:
                value = body[name]
                values[name] = value if type(value) is plain else convert(value, f"{path}{name}")
            return cls(**values)

        return unpack

    def _unpacker_of(self, hint: Any) -> Unpack:
        if hint is Message:
            return lambda value, path: self.from_body(value)
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


def _hints(cls: type[Any]) -> dict[str, Any]:
    return typing.get_type_hints(cls)


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
