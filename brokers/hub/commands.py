"""What outsiders may ask of a run, and whether a request is well formed. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

WIRE_VERSION = 1
MAX_NAME_CHARS = 96
MAX_EVENTS = 1000
_LARGEST = (1 << 62) - 1

HEAD = ("v", "token", "client", "id", "command")  # fields of every request


class Refusal(Exception):  # noqa: N818 - an answer to the client, not a fault of ours
    """Why a request is not carried out; becomes the reply `{ok: false, error, reason, allowed}`."""

    def __init__(self, error: str, reason: str, allowed: Iterable[str] = ()) -> None:
        super().__init__(f"{error}: {reason}")
        self.error, self.reason, self.allowed = error, reason, tuple(allowed)

    def as_answer(self) -> dict[str, Any]:
        """The map that the client gets, without version and id."""
        return {"ok": False, "error": self.error, "reason": self.reason, "allowed": list(self.allowed)}


Check = Callable[[Any], str | None]  # what is expected, where the value is something else


def _integer(low: int, high: int = _LARGEST) -> Check:
    expected = f"an integer from {low}" + ("" if high == _LARGEST else f" to {high}")
    return lambda value: None if type(value) is int and low <= value <= high else expected


def _text(value: Any) -> str | None:
    is_name = isinstance(value, str) and 0 < len(value) <= MAX_NAME_CHARS and value.isprintable()
    return None if is_name else f"printable text of 1 to {MAX_NAME_CHARS} characters"


def _word(*words: str) -> Check:
    return lambda value: None if isinstance(value, str) and value in words else " or ".join(map(repr, words))


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a request: a plain value, or a map with its own fields."""

    check: Check | None = None
    fields: Mapping[str, Field] | None = None
    required: bool = False


@dataclass(frozen=True, slots=True)
class Command:
    """One thing that can be asked."""

    fields: Mapping[str, Field]
    is_query: bool = False  # changes nothing, so it is answered anew each time
    exclusive: tuple[str, ...] = ()  # at most one of these fields


_AT = Field(_integer(0))
_DISTURBANCE = {
    "type": Field(_text, required=True),
    "severity": Field(_integer(1, 4)),
    "story_id": Field(_text),
    "team": Field(_text),
}

COMMANDS: Mapping[str, Command] = {
    "status": Command({}, is_query=True),
    "snapshot": Command({"team": Field(_text)}, is_query=True),
    "events": Command({"from": Field(_integer(1)), "limit": Field(_integer(1, MAX_EVENTS))}, is_query=True),
    "pool": Command({}, is_query=True),
    "inject": Command({"disturbance": Field(fields=_DISTURBANCE, required=True), "at_us": _AT}),
    "crash": Command({"actor": Field(_text, required=True), "at_us": _AT}),
    "pause": Command({}),
    "step": Command({"windows": Field(_integer(1)), "until": Field(_word("day"))}, exclusive=("windows", "until")),
    "resume": Command({}),
    "stop": Command({}),
}


@dataclass(frozen=True, slots=True)
class Request:
    """A request that may be carried out."""

    client: str
    client_id: str
    command: str
    body: dict[str, Any]  # the command and its fields, without the head

    @property
    def is_query(self) -> bool:
        """Whether it only reads."""
        return COMMANDS[self.command].is_query


def parse_request(fields: Mapping[str, Any], choices: Mapping[str, frozenset[str]]) -> Request:
    """Check everything but the token.

    Args:
        fields: The decoded map of the request.
        choices: Allowed values of text fields by path, for instance `disturbance.type`; what the run told us.
    Raises:
        Refusal: The first thing that is wrong, with what is allowed and the nearest known name.
    """
    for head in ("client", "id"):
        expected = _text(fields.get(head))
        if expected is not None:
            raise Refusal("bad_head", f"{head} must be {expected}")
    name = fields.get("command")
    if not isinstance(name, str) or name not in COMMANDS:
        raise Refusal("unknown_command", f"there is no command {_shown(name)}{_nearest(name, COMMANDS)}", COMMANDS)
    command = COMMANDS[name]
    body = {key: value for key, value in fields.items() if key not in HEAD}
    _check_fields("", body, command.fields, choices)
    if sum(key in body for key in command.exclusive) > 1:
        raise Refusal("bad_value", f"give one of {' and '.join(command.exclusive)}, not both", command.exclusive)
    return Request(fields["client"], fields["id"], name, {"command": name, **body})


def _check_fields(
    path: str, body: Mapping[str, Any], known: Mapping[str, Field], choices: Mapping[str, frozenset[str]]
) -> None:
    for key in body:
        if key not in known:
            raise Refusal("unknown_field", f"there is no field {_shown(path + key)}{_nearest(key, known)}", known)
    for key, spec in known.items():
        if key in body:
            _check_value(path + key, body[key], spec, choices)
        elif spec.required:
            raise Refusal("missing_field", f"{path}{key} is missing", known)


def _check_value(path: str, value: Any, spec: Field, choices: Mapping[str, frozenset[str]]) -> None:
    if spec.fields is not None:
        if not isinstance(value, dict):
            raise Refusal("bad_value", f"{path} must be a map, not {_shown(value)}", spec.fields)
        _check_fields(f"{path}.", value, spec.fields, choices)
        return
    expected = spec.check(value) if spec.check is not None else None
    if expected is not None:
        raise Refusal("bad_value", f"{path} must be {expected}, not {_shown(value)}")
    allowed = choices.get(path)
    if allowed is not None and value not in allowed:
        raise Refusal("bad_value", f"{path} cannot be {_shown(value)}{_nearest(value, allowed)}", sorted(allowed))


def _nearest(name: object, known: Iterable[str]) -> str:
    close = get_close_matches(name[:MAX_NAME_CHARS], sorted(known), n=1) if isinstance(name, str) else []
    return f"; did you mean {close[0]!r}?" if close else ""


def _shown(value: object) -> str:
    """A value from outside, short enough for a reply or a log line."""
    if isinstance(value, (dict, list)):
        return f"a {'map' if isinstance(value, dict) else 'list'} of {len(value)}"
    shown = ascii(value[:MAX_NAME_CHARS] if isinstance(value, (str, bytes)) else value)
    return shown if len(shown) <= MAX_NAME_CHARS else shown[: MAX_NAME_CHARS - 1] + "…"
