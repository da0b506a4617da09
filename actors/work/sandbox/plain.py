"""Plain data, and a hidden test made of it: all that crosses between judge and candidate."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Union

Plain = Union[None, bool, int, float, str, list["Plain"], dict[str, "Plain"]]  # noqa: UP007 - recursive at run time


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One hidden test: a call with plain data and what must come of it."""

    case_id: str  # unique within a request
    module: str  # dotted name, for instance "product.api.orders_rates"
    function: str
    arguments: tuple[Plain, ...]
    result: Plain = None
    error: str = ""  # name of the exception class that must be raised (a subclass will do); then `result` is not read


def is_plain(value: Any) -> bool:
    """Whether a value consists of exact plain types only: no subclass, no tuple, no infinite number, no half letter."""
    waiting: list[Any] = [value]
    while waiting:
        one = waiting.pop()
        kind = type(one)
        if one is None or kind is bool or kind is int:
            continue
        if kind is float:
            if not math.isfinite(one):
                return False
        elif kind is str:
            if not _is_text(one):
                return False
        elif kind is list:
            waiting += one
        elif kind is dict:
            waiting += one.keys()
            waiting += one.values()
            if any(type(key) is not str for key in one):
                return False
        else:
            return False
    return True


def is_same(left: Plain, right: Plain) -> bool:
    """Whether two plain values are equal and of the same exact types: True is not 1, and 1 is not 1.0.

    The order of keys does not matter, the order of items does.
    """
    waiting: list[tuple[Plain, Plain]] = [(left, right)]
    while waiting:
        one, other = waiting.pop()
        if type(one) is not type(other):
            return False
        if isinstance(one, list) and isinstance(other, list):
            if len(one) != len(other):
                return False
            waiting += zip(one, other, strict=True)
        elif isinstance(one, dict) and isinstance(other, dict):
            if one.keys() != other.keys():
                return False
            waiting += [(one[key], other[key]) for key in one]
        elif one != other:
            return False
    return True


def _is_text(text: str) -> bool:
    """Whether a string can be written as UTF-8; two lone surrogates would come back as one letter."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
