"""What a server in place of a model answers to judgements: legal answers from the schema, and spoilt ones."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import Any, TypeVar

T = TypeVar("T")
SHARES = 1000


def legal(body: dict[str, Any]) -> str:
    """A legal answer that follows from conversation and seed."""
    schema = body["response_format"]["json_schema"]["schema"]
    known = json.dumps([body["messages"], body["seed"]])
    answer = _instance(schema, blake2b(known.encode(), digest_size=16).digest())
    if "tasks" in answer:
        _share_out(answer["tasks"])
    if answer.get("drop_topic") and answer["drop_topic"] == answer.get("puzzle_topic"):
        answer |= {"puzzle_topic": "", "puzzle": ""}
    return json.dumps(answer, separators=(",", ":"))


def spoilt(one_in: int, how: str = "this is no JSON") -> Callable[[dict[str, Any]], str]:
    """Legal answers, but one in so many is spoilt. Which ones follows from the seed, whatever the order of requests."""
    return lambda body: how if body["seed"] % one_in == 0 else legal(body)


def _instance(schema: dict[str, Any], digest: bytes) -> Any:
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return _pick(schema["enum"], digest)
    if "anyOf" in schema:
        return _instance(_pick(schema["anyOf"], digest), _deeper(digest, "anyOf"))
    match schema["type"]:
        case "object":
            return {name: _instance(part, _deeper(digest, name)) for name, part in schema["properties"].items()}
        case "array":
            parts = schema.get("prefixItems") or [schema["items"]] * schema.get("minItems", 0)
            return [_instance(part, _deeper(digest, str(place))) for place, part in enumerate(parts)]
        case "integer":
            return schema["minimum"] + _number(digest) % (schema["maximum"] - schema["minimum"] + 1)
        case "boolean":
            return _number(digest) % 2 == 0
        case "string":
            return f"words {digest.hex()[:4]}"[: schema.get("maxLength", 100)]
    raise ValueError(f"no instance for {schema}")


def _share_out(tasks: list[dict[str, Any]]) -> None:
    for task in tasks:
        task["share_permille"] = SHARES // len(tasks)
    tasks[0]["share_permille"] += SHARES - sum(task["share_permille"] for task in tasks)


def _pick(options: Sequence[T], digest: bytes) -> T:
    return options[_number(digest) % len(options)]


def _number(digest: bytes) -> int:
    return int.from_bytes(digest[:4], "big")


def _deeper(digest: bytes, name: str) -> bytes:
    return blake2b(digest + name.encode(), digest_size=16).digest()
