"""Running an oracle in this process, to learn what it makes of a call. Oracles are ours; nothing else is run here."""

from __future__ import annotations

import builtins
import copy
from collections.abc import Sequence
from functools import lru_cache
from types import ModuleType
from typing import TYPE_CHECKING, Any

from actors.work.katas.kata import Example
from actors.work.sandbox.plain import Plain

if TYPE_CHECKING:
    from actors.work.katas.exercise import Exercise


def load(exercise: Exercise, choices: Sequence[int]) -> ModuleType:
    """The oracle as a module; what it imports from the product is what is wanted there."""
    return _loaded(exercise, tuple(choices))


@lru_cache(maxsize=256)
def _loaded(exercise: Exercise, choices: tuple[int, ...]) -> ModuleType:
    return load_source(exercise, exercise.source(choices))


def load_source(exercise: Exercise, source: str) -> ModuleType:
    """Any source of an exercise as a module."""
    needed = {one.module: load(one, one.wanted) for one in exercise.needs}

    def find(name: str, *rest: Any) -> Any:
        return needed[name] if name in needed else builtins.__import__(name, *rest)

    module = ModuleType(exercise.module)
    module.__dict__["__builtins__"] = {**vars(builtins), "__import__": find}
    exec(compile(source, exercise.path, "exec"), module.__dict__)  # noqa: S102 - our own oracle
    return module


def call(module: ModuleType, function: str, arguments: tuple[Plain, ...]) -> Example:
    """What comes of a call, as an example."""
    try:
        result = getattr(module, function)(*copy.deepcopy(arguments))
    except Exception as error:  # noqa: BLE001 - what an oracle raises is what is expected of others
        return Example(function=function, arguments=arguments, error=type(error).__name__)
    return Example(function=function, arguments=arguments, result=result)
