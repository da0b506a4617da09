"""Every message class comes back from the wire as it left, and nothing else comes back at all."""

from __future__ import annotations

import dataclasses
import importlib
import pkgutil
import types
import typing
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import actors
import brokers
import inference
from actors.scrum.stories import FIBONACCI, TOPICS, Clarification, ExerciseRef, Story
from brokers.wire.packing import packer, unpack
from brokers.wire.registry import MalformedBodyError, Message, Registry, UnknownKindError, WireError


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """A nested part: no kind of its own."""

    name: str
    weight: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ping:
    """A message with one field."""

    KIND: ClassVar[str] = "test.ping/1"
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Empty:
    """A message without fields."""

    KIND: ClassVar[str] = "test.empty/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Everything:
    """One field of every type that can travel."""

    KIND: ClassVar[str] = "test.everything/1"
    flag: bool
    count: int
    text: str
    data: bytes
    mood: Literal["glad", "sad"]
    level: Literal[1, 2]
    maybe: int | None
    leaf: Leaf
    maybe_leaf: Leaf | None
    leaves: tuple[Leaf, ...]
    pairs: tuple[tuple[str, int], ...]
    mixed: tuple[str, Leaf, int]
    inner: Message
    maybe_inner: Message | None
    inners: tuple[Message, ...]


EVERYTHING = Everything(
    flag=True,
    count=7,
    text="ä",
    data=b"\x00\xff",
    mood="glad",
    level=2,
    maybe=None,
    leaf=Leaf(name="a", weight=1),
    maybe_leaf=None,
    leaves=(Leaf(name="b", weight=2),),
    pairs=(("c", 3),),
    mixed=("d", Leaf(name="e", weight=4), 5),
    inner=Ping(n=1),
    maybe_inner=Empty(),
    inners=(Ping(n=2), Empty()),
)


@pytest.fixture
def registry() -> Registry:
    registry = Registry()
    registry.register(Everything, Ping, Empty)
    return registry


def over_the_wire(registry: Registry, message: Any) -> Any:
    return registry.from_body(unpack(packer()(registry.to_body(message))))


# --- every class of the system ---------------------------------------------------------------------------------------


@cache
def system_registry() -> Registry:
    """All message classes of all packages."""
    registry = Registry()
    for package in (brokers, inference, actors):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if found.name.endswith("messages") or found.name.endswith("decisions"):
                registry.register_module(importlib.import_module(found.name))
    return registry


def values_of(hint: Any, registry: Registry) -> st.SearchStrategy[Any]:
    """Any value that a field of this type may hold."""
    simple = {
        bool: st.booleans(),
        int: st.integers(-(2**63), 2**64 - 1),
        str: st.text(max_size=20),
        bytes: st.binary(max_size=20),
    }
    if hint in simple:
        return simple[hint]
    if hint is Message:
        small = [cls for cls in registry.kinds().values() if not dataclasses.fields(cls)]
        return st.sampled_from([cls() for cls in small])
    if dataclasses.is_dataclass(hint):
        return messages_of(typing.cast("type[Any]", hint), registry)
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is Literal:
        return st.sampled_from(arguments)
    if origin in (typing.Union, types.UnionType):
        return st.one_of(*(st.none() if part is type(None) else values_of(part, registry) for part in arguments))
    assert origin is tuple, f"no values for {hint}"
    if len(arguments) == 2 and arguments[1] is Ellipsis:
        return st.lists(values_of(arguments[0], registry), max_size=3).map(tuple)
    return st.tuples(*(values_of(part, registry) for part in arguments))


STRICTER: dict[type[Any], dict[str, st.SearchStrategy[Any]]] = {  # classes that check more than their types say
    Story: {
        "sized_points": st.sampled_from(FIBONACCI),
        "criteria": st.tuples(st.text(), st.text()),
        "depends_on": st.just(()),
    },
    Clarification: {"criterion": st.integers(1, 2), "topic": st.sampled_from(sorted(TOPICS))},
    ExerciseRef: {"criteria": st.tuples(st.integers(1, 9), st.integers(1, 9))},  # as many as the story has
}


def messages_of(cls: type[Any], registry: Registry) -> st.SearchStrategy[Any]:
    hints = typing.get_type_hints(cls)
    fields = {field.name: values_of(hints[field.name], registry) for field in dataclasses.fields(cls)}
    return st.builds(cls, **(fields | STRICTER.get(cls, {})))


def system_kinds() -> list[str]:
    """Every kind of a run."""
    return list(system_registry().kinds())


@pytest.mark.parametrize("kind", system_kinds())
@given(data=st.data())
@settings(max_examples=15, deadline=None)
def test_every_message_of_the_system_comes_back_as_it_left(kind: str, data: st.DataObject) -> None:
    registry = system_registry()
    message = data.draw(messages_of(registry.kinds()[kind], registry))

    assert over_the_wire(registry, message) == message


def test_the_system_has_messages_of_every_layer() -> None:
    families = {kind.split(".")[0] for kind in system_registry().kinds()}
    assert {"node", "clock", "board"} <= families


def test_every_message_of_the_system_is_frozen_and_names_its_version() -> None:
    for kind, cls in system_registry().kinds().items():
        assert cls.__dataclass_params__.frozen, kind
        name, _, version = kind.partition("/")
        assert "." in name, kind
        assert version.isdigit(), kind


# --- one class that uses every type ----------------------------------------------------------------------------------


def test_a_message_with_every_type_comes_back_as_it_left(registry: Registry) -> None:
    assert over_the_wire(registry, EVERYTHING) == EVERYTHING


@given(data=st.data())
@settings(deadline=None)
def test_any_values_of_every_type_come_back(data: st.DataObject) -> None:
    registry = Registry()
    registry.register(Everything, Ping, Empty)
    message = data.draw(messages_of(Everything, registry))

    assert over_the_wire(registry, message) == message


def test_a_body_is_the_kind_and_then_the_fields_in_declaration_order(registry: Registry) -> None:
    names = [field.name for field in dataclasses.fields(Everything)]

    assert list(registry.to_body(EVERYTHING)) == ["kind", *names]
    assert registry.to_body(Ping(n=3)) == {"kind": "test.ping/1", "n": 3}
    assert registry.to_body(Empty()) == {"kind": "test.empty/1"}


def test_bodies_of_one_class_do_not_share_their_map(registry: Registry) -> None:
    registry.to_body(Empty())["n"] = 1

    assert registry.to_body(Empty()) == {"kind": "test.empty/1"}


# --- deviations ------------------------------------------------------------------------------------------------------

DEVIATIONS: list[tuple[str, Any, str]] = [
    ("flag", 1, "flag must be bool, not int"),
    ("count", True, "count must be int, not bool"),
    ("count", 1.0, "count must be int, not float"),
    ("count", None, "count must be int, not NoneType"),
    ("text", b"a", "text must be str, not bytes"),
    ("data", "a", "data must be bytes, not str"),
    ("mood", "angry", "mood must be one of glad, sad"),
    ("mood", ["glad"], "mood must be one of glad, sad"),
    ("level", True, "level must be one of 1, 2"),
    ("level", 2.0, "level must be one of 1, 2"),
    ("maybe", "x", "maybe must be int, not str"),
    ("leaf", None, "leaf. must be a map, not NoneType"),
    ("leaf", {"name": "a"}, "missing or unknown fields: weight"),
    ("leaf", {"name": "a", "weight": 1, "kind": "leaf/1"}, "missing or unknown fields: kind"),
    ("leaf", {"name": 1, "weight": 1}, "leaf.name must be str, not int"),
    ("leaves", {"name": "a", "weight": 1}, "leaves must be a list, not dict"),
    ("leaves", [1], "must be a map, not int"),
    ("pairs", [["a"]], "pairs[] must have 2 items, not 1"),
    ("pairs", [["a", "b"]], "pairs[][] must be int, not str"),
    ("pairs", "ab", "pairs must be a list, not str"),
    ("mixed", ["d", {"name": "e", "weight": True}, 5], "mixed[].weight must be int, not bool"),
    ("inner", {"kind": "test.ping/1", "n": "1"}, "test.ping/1: n must be int, not str"),
    ("inner", 5, "expected a map, got int"),
]


@pytest.mark.parametrize(("field", "value", "sentence"), DEVIATIONS, ids=lambda part: repr(part)[:40])
def test_a_field_of_another_type_is_refused_by_name(registry: Registry, field: str, value: Any, sentence: str) -> None:
    body = registry.to_body(EVERYTHING) | {field: value}

    with pytest.raises(MalformedBodyError) as refused:
        registry.from_body(body)

    assert sentence in str(refused.value)
    assert str(refused.value).startswith(("test.", "body: "))


@pytest.mark.parametrize("field", [field.name for field in dataclasses.fields(Everything)])
def test_a_missing_field_is_refused_by_name(registry: Registry, field: str) -> None:
    body = registry.to_body(EVERYTHING)
    del body[field]

    with pytest.raises(MalformedBodyError, match=rf"^test\.everything/1: missing or unknown fields: {field}$"):
        registry.from_body(body)


def test_an_unknown_field_is_refused_by_name(registry: Registry) -> None:
    with pytest.raises(MalformedBodyError, match="missing or unknown fields: colour"):
        registry.from_body(registry.to_body(EVERYTHING) | {"colour": "red"})


@pytest.mark.parametrize("kind", ["test.ping/2", "", None, 5, ["test.ping/1"], b"test.ping/1"])
def test_an_unknown_kind_is_refused_by_name(registry: Registry, kind: Any) -> None:
    with pytest.raises(UnknownKindError) as refused:
        registry.from_body({"kind": kind, "n": 1})

    assert repr(kind) in str(refused.value)


def test_an_unknown_kind_inside_a_message_is_refused(registry: Registry) -> None:
    with pytest.raises(UnknownKindError, match="other"):
        registry.from_body(registry.to_body(EVERYTHING) | {"inner": {"kind": "other"}})


@pytest.mark.parametrize("body", [None, 5, "x", [], b"", ["kind"]])
def test_what_is_no_map_is_refused(registry: Registry, body: Any) -> None:
    with pytest.raises(MalformedBodyError, match="expected a map"):
        registry.from_body(body)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text() | st.floats(),
        _nested := lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(st.sampled_from(["kind", "n", "flag", "leaf"]), inner, max_size=4)
        ),
    ),
    st.sampled_from(["test.everything/1", "test.ping/1", "test.empty/1"]),
)
def test_no_value_raises_anything_but_a_wire_error(value: Any, kind: str) -> None:
    registry = Registry()
    registry.register(Everything, Ping, Empty)
    body = {**value, "kind": kind} if isinstance(value, dict) else value

    try:
        message = registry.from_body(body)
    except WireError:
        return
    assert registry.to_body(message) == body


def test_a_class_that_nobody_registered_is_not_sent(registry: Registry) -> None:
    with pytest.raises(UnknownKindError, match="Leaf"):
        registry.to_body(Leaf(name="a", weight=1))
    with pytest.raises(UnknownKindError, match="str"):
        registry.to_body("a message that is none")


def test_a_namesake_of_a_registered_class_is_not_sent(registry: Registry) -> None:
    impostor = dataclasses.make_dataclass("Ping", [("n", int)], namespace={"KIND": "test.ping/1"}, frozen=True)
    with pytest.raises(UnknownKindError):
        registry.to_body(impostor(n=1))


def test_one_kind_has_one_class(registry: Registry) -> None:
    registry.register(Ping)  # again is no conflict
    other = dataclasses.make_dataclass("Pong", [], namespace={"KIND": "test.ping/1"}, frozen=True)
    with pytest.raises(ValueError, match=r"test\.ping/1 is both Ping and Pong"):
        registry.register(other)


@pytest.mark.parametrize("hint", [float, dict[str, int], list[int], set[int], int | str, Any])
def test_a_type_that_cannot_travel_is_named(hint: Any) -> None:
    cls = dataclasses.make_dataclass("Odd", [("odd", hint)], namespace={"KIND": "test.odd/1"}, frozen=True)
    registry = Registry()
    registry.register(cls)
    with pytest.raises(TypeError, match="travel"):
        registry.from_body({"kind": "test.odd/1", "odd": 1})


def test_a_module_gives_the_messages_it_defines_and_no_imported_ones() -> None:
    module = types.ModuleType("made_up")
    own = dataclasses.make_dataclass("Own", [], namespace={"KIND": "test.own/1"}, frozen=True)
    own.__module__ = "made_up"
    module.__dict__.update(Own=own, Ping=Ping, something=5)
    registry = Registry()
    registry.register_module(module)

    assert list(registry.kinds()) == ["test.own/1"]
