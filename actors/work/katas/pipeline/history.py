"""The history of a value: recorded as it changes, looked up as of a day, tidied up."""

from __future__ import annotations

from collections.abc import Callable

from actors.work.katas.kata import Alternative, Chance, Criterion, Kata, OpenPoint, Told, Variant, call
from actors.work.sandbox.plain import Plain

SOURCE = '''"""Keeps the history of %many%: rows with key, value, from (day included) and until (excluded, or None)."""

BRIDGE = %bridge%
LONGEST = %longest%


def record(history, key, value, day):
    """The history after a key takes a value from a day on; nothing changes if it has that value already."""
    if not 0 < len(key) <= LONGEST:
        raise ValueError(f"a key has 1 to {LONGEST} characters")
    rows = [dict(row) for row in history]
    last = next((row for row in rows if row["key"] == key and row["until"] is None), None)
    if last is not None:
        if last["value"] == value:
            return rows
        if day < last["from"]:
            raise ValueError(f"{key} has changed since day {day}")
        <<close>>
    rows.append({"key": key, "value": value, "from": day, "until": None})
    return rows


def as_of(history, key, day):
    """The value that a key had on a day; None if it had none."""
    rows = sorted((row for row in history if row["key"] == key), key=_start)
    for row in rows:
        if row["from"] <= day and (row["until"] is None or day < row["until"]):
            return row["value"]
    <<before>>


def tidy(history):
    """The history by key and day, rows of one value that follow one another made one."""
    tidied = []
    for row in sorted(history, key=lambda row: (row["key"], row["from"])):
        last = tidied[-1] if tidied and tidied[-1]["key"] == row["key"] else None
        if last is not None and (last["until"] is None or row["from"] < last["until"]):
            raise ValueError(f"{row['key']} has two values on day {row['from']}")
        if last is not None and last["value"] == row["value"] and _follows(last, row):
            last["until"] = row["until"]
        else:
            tidied.append(dict(row))
    return tidied


def _start(row):
    return row["from"]


def _follows(last, row):
    """Whether two rows of one value become one although there may be a gap between them."""
    <<gap>>
'''


def _row(key: str, value: str, begin: int, until: int | None) -> dict[str, Plain]:
    return {"key": key, "value": value, "from": begin, "until": until}


def _close() -> OpenPoint:
    def twice(name: str, answer: str, code: str, *rows: Plain) -> Alternative:
        arguments: tuple[Plain, ...] = ([_row("a", "low", 5, None)], "a", "high", 5)
        result: Plain = list(rows)
        example = call("record", *arguments, result=result) if rows else call("record", *arguments, error="KeyError")
        return Alternative(name=name, answer=answer, code={"close": code}, examples=(example,))

    same_day = 'if day == last["from"]:\n    '
    close = '\nlast["until"] = day'
    return OpenPoint(
        criterion=1,
        topic="edge_case",
        question="What if something changes twice on one day?",
        alternatives=(
            twice(
                "both",
                "Both are kept; the first value then held for no time at all.",
                'last["until"] = day',
                _row("a", "low", 5, 5),
                _row("a", "high", 5, None),
            ),
            twice(
                "replaced",
                "The first was a slip: the second takes its place in the row.",
                f'{same_day}last["value"] = value\n    return rows{close}',
                _row("a", "high", 5, None),
            ),
            twice(
                "ignored",
                "Once a day is enough: the second one is ignored.",
                f"{same_day}return rows{close}",
                _row("a", "low", 5, None),
            ),
            twice(
                "refused",
                "That must not happen: a KeyError, and somebody has to look at it.",
                f'{same_day}raise KeyError(f"{{key}} has changed on day {{day}} already"){close}',
            ),
        ),
    )


def _before() -> OpenPoint:
    def early(name: str, answer: str, code: str, result: str | None) -> Alternative:
        history: list[Plain] = [_row("a", "low", 10, None), _row("*", "base", 0, None)]
        if result == "refused":
            example = call("as_of", history, "a", 5, error="LookupError")
        else:
            example = call("as_of", history, "a", 5, result=result)
        return Alternative(name=name, answer=answer, code={"before": code}, examples=(example,))

    return OpenPoint(
        criterion=2,
        topic="data",
        question="Somebody asks for a day before the first row of a key. Which value was that?",
        alternatives=(
            early("none", "None: we did not know it yet.", "return None", None),
            early(
                "first",
                "The first that we know; it will have been like that before.",
                'return rows[0]["value"] if rows and day < rows[0]["from"] else None',
                "low",
            ),
            early(
                "refused",
                "Nobody may ask that: a LookupError.",
                'if rows and day < rows[0]["from"]:\n    raise LookupError(f"{key} is younger")\nreturn None',
                "refused",
            ),
            early(
                "general",
                'The one that the key "*" had on that day, if any.',
                'if key == "*" or not rows or rows[0]["from"] <= day:\n    return None\n'
                'return as_of(history, "*", day)',
                "base",
            ),
        ),
    )


def _gap(bridge: int) -> OpenPoint:
    def joined(name: str, answer: str, code: str, *spans: tuple[int, int]) -> Alternative:
        given = ((0, 2), (5, 40), (70, 80))  # gaps of 3 and 30 days
        history: list[Plain] = [_row("a", "low", *span) for span in given]
        example = call("tidy", history, result=[_row("a", "low", *span) for span in spans])
        return Alternative(name=name, answer=answer, code={"gap": code}, examples=(example,))

    return OpenPoint(
        criterion=3,
        topic="limits",
        question="Do two rows follow one another if there are days without any value between them?",
        alternatives=(
            joined(
                "adjacent",
                "No, only if the one begins where the other ends.",
                'return last["until"] == row["from"]',
                (0, 2),
                (5, 40),
                (70, 80),
            ),
            joined(
                "short_gap",
                f"Yes, up to {bridge} days; we simply forgot to write them down.",
                'return row["from"] - last["until"] <= BRIDGE',
                (0, 40),
                (70, 80),
            ),
            joined(
                "in_proportion",
                "Yes, if the gap is no longer than the row before it.",
                'return row["from"] - last["until"] <= last["until"] - last["from"]',
                (0, 2),
                (5, 80),
            ),
            joined("always", "Yes, always, as long as no other value was in between.", "return True", (0, 80)),
        ),
    )


def _rows(chance: Chance, bridge: int) -> list[Plain]:
    """A history without overlaps; the last row of a key may be open."""
    rows = list[Plain]()
    for key in ("b", "a", "*")[: chance.between(1, 3)]:
        day, count = chance.pick((0, 3, 9)), chance.between(1, 4)
        for place in range(count):
            until = day + chance.pick((1, 2, 5, bridge))
            is_open = place == count - 1 and chance.below(3) > 0
            rows.append(_row(key, chance.pick(("low", "low", "high")), day, None if is_open else until))
            day = until + chance.pick((0, 0, 0, 1, bridge, bridge + 1))
    return rows


def _inputs(bridge: int, longest: int) -> dict[str, Callable[[Chance], tuple[Plain, ...]]]:
    def change(chance: Chance) -> tuple[Plain, ...]:
        rows = _rows(chance, bridge)
        last = rows[-1]
        assert isinstance(last, dict)
        assert isinstance(last["from"], int)
        key = chance.pick(
            (str(last["key"]), str(last["key"]), str(last["key"]), "a", "c" * longest, "c" * (longest + 1), "")
        )
        return (rows, key, chance.pick(("low", "high", "top")), last["from"] + chance.pick((-1, 0, 0, 1, 4)))

    def asked(chance: Chance) -> tuple[Plain, ...]:
        rows = _rows(chance, bridge)
        turn = chance.below(len(rows))
        days = [one[name] for one in rows if isinstance(one, dict) for name in ("from", "until")]
        day = chance.pick([one for one in days if isinstance(one, int)]) + chance.pick((0, 0, -1, 1))
        return ([*rows[turn:], *rows[:turn]], chance.pick(("a", "b", "b", "*", "c")), day)

    def messy(chance: Chance) -> tuple[Plain, ...]:
        rows = _rows(chance, bridge)
        turn = chance.below(len(rows))
        surplus: list[Plain] = [_row("b", "low", 4, 5)] if chance.below(6) == 0 else []
        return ([*rows[turn:], *surplus, *rows[:turn]],)

    return {"record": change, "as_of": asked, "tidy": messy}


def _criteria(one: str, longest: int) -> tuple[Criterion, ...]:
    low, high = _row("a", "low", 3, None), _row("a", "high", 8, None)
    closed, other = _row("a", "low", 3, 8), _row("b", "low", 0, 5)
    return (
        Criterion(
            text=f"A change of a {one} ends the current row and begins a new one; keys have 1 to {longest} characters",
            function="record",
            examples=(
                call("record", [], "x" * (longest + 1), "low", 3, error="ValueError"),
                call("record", [low, other], "a", "high", 8, result=[closed, other, high]),
                call("record", [low], "a", "low", 8, result=[low]),
                call("record", [low], "a", "high", 2, error="ValueError"),
            ),
        ),
        Criterion(
            text="For any day we can tell the value that held then; the day on which a row ends belongs to the next",
            function="as_of",
            examples=(
                call("as_of", [high, closed, other], "a", 7, result="low"),
                call("as_of", [high, closed, other], "a", 8, result="high"),
                call("as_of", [closed, other], "b", 5, result=None),
                call("as_of", [closed, other], "c", 5, result=None),
            ),
        ),
        Criterion(
            text="Rows of the same value that follow one another are made one, in the order of keys and days",
            function="tidy",
            examples=(
                call(
                    "tidy",
                    [_row("b", "x", 0, 4), _row("a", "x", 7, None), _row("a", "x", 2, 7)],
                    result=[_row("a", "x", 2, None), _row("b", "x", 0, 4)],
                ),
                call("tidy", [closed, high], result=[closed, high]),
                call("tidy", [closed, _row("a", "high", 7, None)], error="ValueError"),
            ),
        ),
    )


def make(v: Variant) -> Kata:
    """The family `history`."""
    one, many = v.theme.one, v.theme.many
    bridge, longest = v.number_between("bridge", 4, 20), v.number_between("longest", 4, 20)
    return Kata(
        domain="pipeline",
        title=f"Remember what a {one} was on any day",
        told=Told(
            vague=f"The report for March shows today's {many}. March is over; I want to see March.",
            plain=(
                f"When something about a {one} changes, we keep what was there before, so that old reports stay as "
                "they were. The history should be short and without contradictions."
            ),
            exact=(
                "A row has key, value, the day from which it holds and the day until which it does, which is not "
                f"part of it any more; the current row has none. Keys have 1 to {longest} characters, or it is a "
                "ValueError. To record the value that a key has already changes nothing, and a change before the "
                "current row began is a ValueError. A history may arrive in any order; two values of one key on one "
                "day are a ValueError when it is tidied. A key that is not known has no value."
            ),
        ),
        criteria=_criteria(one, longest),
        open_points=(_close(), _before(), _gap(bridge)),
        source=SOURCE.replace("%many%", many).replace("%bridge%", str(bridge)).replace("%longest%", str(longest)),
        inputs=_inputs(bridge, longest),
        points=3,
        specialization="database",
        tags=("pipeline", "database"),
    )
