"""Lengths of time as people type them: reading, showing, and what is left of a budget."""

from __future__ import annotations

from actors.work.katas.kata import Alternative, Chance, Criterion, Example, Kata, OpenPoint, Told, Variant
from actors.work.sandbox.plain import Plain

SOURCE = '''"""Lengths of time such as 1h30m, as they are typed in ONE commands; a day has DAY hours."""

import re

PART = re.compile(r"([0-9]+)([dhms])")
UNITS = {"d": 3600 * DAY, "h": 3600, "m": 60, "s": 1}


def read(text):
    """Seconds of a length of time. Raises ValueError for a text that is none."""
    parts = PART.findall(text)
    if text.isdecimal():
        <<bare>>
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError(f"{text!r} is no length of time, such as 1h30m")
    seconds = {}
    for number, unit in parts:
        <<twice>>
    return sum(seconds.values())


def show(seconds):
    """Write seconds with the largest units that fit, for instance 1h30m."""
    if seconds < 0:
        return "-" + show(-seconds)
    parts = []
    for unit, size in UNITS.items():
        number, seconds = divmod(seconds, size)
        if number:
            parts.append(f"{number}{unit}")
    <<detail>>


def left(budget, spent):
    """Seconds that are left of a budget after what was spent; all of it as people type it."""
    rest = read(budget)
    for text in spent:
        used = read(text)
        <<spend>>
    return rest
'''


def _bare() -> OpenPoint:
    def read(name: str, answer: str, code: str, result: Plain = None, error: str = "") -> Alternative:
        example = Example(function="read", arguments=("7",), result=result, error=error)
        return Alternative(name=name, answer=answer, code={"bare": code}, examples=(example,))

    return OpenPoint(
        criterion=1,
        topic="compatibility",
        question="What does a number without a unit mean?",
        alternatives=(
            read("seconds", "Seconds.", "return int(text)", 7),
            read("minutes", "Minutes, as in the old tool.", 'return int(text) * UNITS["m"]', 420),
            read(
                "refused",
                "Nobody knows, so it is refused.",
                'raise ValueError(f"{text} of what?")',
                error="ValueError",
            ),
            read(
                "guessed",
                "Below ten it is hours, from ten on minutes: nobody ever means anything else.",
                'return int(text) * UNITS["h" if int(text) < 10 else "m"]',
                25200,
            ),
        ),
    )


def _twice() -> OpenPoint:
    def read(name: str, answer: str, code: str, *results: int) -> Alternative:
        examples = tuple(
            Example(function="read", arguments=(text,), result=result, error="" if results else "ValueError")
            for text, result in zip(("5m20m", "3h1m1h"), results or (None, None), strict=True)
        )
        return Alternative(name=name, answer=answer, code={"twice": code}, examples=examples)

    size = "int(number) * UNITS[unit]"
    return OpenPoint(
        criterion=1,
        topic="edge_case",
        question="What if a unit comes up twice, as in 5m20m?",
        alternatives=(
            read("added", "Add them up.", f"seconds[unit] = seconds.get(unit, 0) + {size}", 1500, 14460),
            read(
                "refused",
                "That is a mistake and is refused.",
                f'if unit in seconds:\n    raise ValueError(f"{{unit}} comes up twice")\nseconds[unit] = {size}',
            ),
            read("last", "The last one counts: people correct themselves.", f"seconds[unit] = {size}", 1200, 3660),
            read("first", "The first one counts.", f"seconds.setdefault(unit, {size})", 300, 10860),
        ),
    )


def _detail() -> OpenPoint:
    def shown(name: str, answer: str, code: str, *results: str) -> Alternative:
        examples = tuple(
            Example(function="show", arguments=(seconds,), result=result)
            for seconds, result in zip((3661, 7259), results, strict=True)
        )
        return Alternative(name=name, answer=answer, code={"detail": code}, examples=examples)

    return OpenPoint(
        criterion=2,
        topic="format",
        question="How much detail is shown, say for one hour, one minute and one second?",
        alternatives=(
            shown("all", "All of it, 1h1m1s.", 'return "".join(parts) or "0s"', "1h1m1s", "2h59s"),
            shown(
                "two",
                "The two largest parts that are not zero, 1h1m.",
                'return "".join(parts[:2]) or "0s"',
                "1h1m",
                "2h59s",
            ),
            shown(
                "spaced",
                "All of it with blanks between, 1h 1m 1s.",
                'return " ".join(parts) or "0s"',
                "1h 1m 1s",
                "2h 59s",
            ),
            shown(
                "ends",
                "From the second part on only what is not seconds, 1h1m: nobody reads seconds behind hours.",
                'return "".join(one for one in parts if one == parts[0] or not one.endswith("s")) or "0s"',
                "1h1m",
                "2h",
            ),
        ),
    )


def _overspent() -> OpenPoint:
    def over(name: str, answer: str, code: str, result: Plain = None, error: str = "") -> Alternative:
        example = Example(function="left", arguments=("10m", ["8m", "3m", "1m"]), result=result, error=error)
        return Alternative(name=name, answer=answer, code={"spend": code}, examples=(example,))

    return OpenPoint(
        criterion=3,
        topic="limits",
        question="What is left if more was spent than there was?",
        alternatives=(
            over("negative", "Less than nothing: show how much is missing.", "rest -= used", -120),
            over("nothing", "Nothing, 0.", "rest = max(0, rest - used)", 0),
            over(
                "refused",
                "That cannot be booked: it is a ValueError.",
                'if used > rest:\n    raise ValueError(f"{text} is more than what is left")\nrest -= used',
                error="ValueError",
            ),
            over(
                "skipped",
                "An entry that no longer fits is not booked; smaller ones behind it still are.",
                "if used <= rest:\n    rest -= used",
                60,
            ),
        ),
    )


def _length(chance: Chance) -> str:
    parts = [f"{chance.pick((0, 1, 2, 9, 30, 75))}{unit}" for unit in "dhms" if chance.below(2)]
    return "".join(parts) or "40s"


def _typed(chance: Chance) -> tuple[Plain, ...]:
    text = _length(chance)
    slip = chance.pick((f"{text} ", f"{text}x", f"-{text}", "", "h", f"2{text}", f"{text}4m", "9", "10", "90", "1h1h"))
    return (slip if chance.below(2) else text,)


def _budget(chance: Chance) -> tuple[Plain, ...]:
    spent: list[Plain] = [f"{chance.pick((1, 5, 10, 20, 30))}m" for _ in range(chance.between(0, 4))]
    return (chance.pick(("30m", "1h", "20m", "1d", "90s")), spent)


def _criteria(one: str, day: int, hours: int) -> tuple[Criterion, ...]:
    return (
        Criterion(
            text=f"A length such as {hours}h30m is read as seconds, a day has {day} hours; other texts are refused",
            function="read",
            examples=(
                Example(function="read", arguments=(f"{hours}h30m",), result=3600 * hours + 1800),
                Example(function="read", arguments=("2d5s",), result=7200 * day + 5),
                Example(function="read", arguments=("1h 30m",), error="ValueError"),
                Example(function="read", arguments=("soon",), error="ValueError"),
            ),
        ),
        Criterion(
            text="Seconds are shown with the largest units that fit; parts that are zero are left out",
            function="show",
            examples=(
                Example(function="show", arguments=(59,), result="59s"),
                Example(function="show", arguments=(3600 * day,), result="1d"),
                Example(function="show", arguments=(-120,), result="-2m"),
                Example(function="show", arguments=(0,), result="0s"),
            ),
        ),
        Criterion(
            text=f"For a {one} with a budget of time it is known how many seconds are left after what was spent",
            function="left",
            examples=(
                Example(function="left", arguments=("1h", ["20m", "30s"]), result=2370),
                Example(function="left", arguments=("20m", ["20m"]), result=0),
                Example(function="left", arguments=("1h", ["a bit"]), error="ValueError"),
            ),
        ),
    )


def make(v: Variant) -> Kata:
    """The family `durations`."""
    one, many = v.theme.one, v.theme.many
    day = v.pick("day", (6, 7, 8, 10, 12, 24))
    hours = v.number_between("hours", 1, 5)
    return Kata(
        domain="cli",
        title=f"Type lengths of time in the {one} command",
        told=Told(
            vague=f"Typing 5400 seconds into the {one} command is no way to treat people.",
            plain=f"Lengths of time for {many} are typed and shown as 1h30m, and so are budgets of time.",
            exact=(
                "A length of time is typed as whole numbers with the units d, h, m and s, in any order, without "
                f"blanks; a day has {day} hours. It is shown from the largest unit down, without parts that are zero; "
                "nothing is 0s, and below zero there is a minus in front. A budget is counted in seconds."
            ),
        ),
        criteria=_criteria(one, day, hours),
        open_points=(_bare(), _twice(), _detail(), _overspent()),
        source=SOURCE.replace("DAY", str(day)).replace("ONE", one),
        inputs={
            "read": _typed,
            "show": lambda chance: (chance.pick((-1, 1)) * chance.pick((0, 1, 60, 3600)) * day + chance.below(90_000),),
            "left": _budget,
        },
        points=3,
        specialization="backend",
        tags=("cli", "time"),
    )
