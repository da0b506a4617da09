"""The base of every configuration section and the kinds of value that sections share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field


class Section(BaseModel):
    """Frozen settings that refuse unknown keys and values of another type.

    Strict on purpose: the text "3" is no number and `yes` is no name, so a slip never turns into a setting.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


@dataclass(frozen=True, slots=True)
class Words:
    """What a kind of value allows, in words for people; put beside the constraint that it describes."""

    text: str


def _in_thousandths(value: float) -> float:
    """Refuse what the simulation cannot honour: chances are drawn as whole thousandths."""
    if round(value, 3) != value:
        raise ValueError("more than three decimals")
    return value


Probability = Annotated[
    float,
    Field(ge=0, le=1),
    AfterValidator(_in_thousandths),
    Words("a number from 0 to 1 with at most three decimals"),
]
Identifier = Annotated[
    str,
    Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$", max_length=64),
    Words("letters, digits, _ and -, at most 64 of them"),
]
Topic = Annotated[
    str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=64), Words("a lower-case name such as test_automation")
]
NonEmptyText = Annotated[str, Field(pattern=r"\S"), Words("text that is not empty")]
ShortText = Annotated[str, Field(max_length=200), Words("text of at most 200 characters")]
Percentage = Annotated[int, Field(ge=0, le=100)]
PortNumber = Annotated[int, Field(ge=1, le=65535)]
TimeOfDay = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$"), Words('a time of day such as "09:00"')]


def minute_of_day(time_of_day: str) -> int:
    """Turn `09:30` into 570, the minutes since midnight."""
    hours, minutes = time_of_day.split(":")
    return int(hours) * 60 + int(minutes)
