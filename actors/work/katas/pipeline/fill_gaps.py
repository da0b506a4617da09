"""Gaps in a series: readings put on a regular grid, what stands in for missing ones, and outages."""

from __future__ import annotations

from actors.work.katas.kata import Alternative, Chance, Criterion, Kata, OpenPoint, Told, Variant, call
from actors.work.sandbox.plain import Plain

SOURCE = '''"""Puts the readings of the %one% counter on a regular grid and finds outages."""

STEP = %step%
LEAST = %least%


def fill(readings):
    """One reading [minute, value] for every STEP minutes. Raises ValueError for one beside the grid."""
    values = _by_minute(readings)
    if not values:
        return []
    first, last = min(values), max(values)
    if any((minute - first) % STEP for minute in values):
        raise ValueError(f"readings are {STEP} minutes apart")
    return [[minute, <<value>>] for minute in range(first, last + 1, STEP)]


def outages(readings):
    """Where at least LEAST readings in a row are missing, as [from, until]."""
    minutes = sorted({minute for minute, _ in readings})
    found = []
    for before, after in zip(minutes, minutes[1:], strict=False):
        missing = (after - before) // STEP - 1
        if missing >= LEAST:
            found.append(<<outage>>)
    return found


def _by_minute(readings):
    values = {}
    for minute, value in readings:
        <<double>>
    return values


def _latest(values, minute):
    """The value at a minute, or the latest one before it."""
    return values[max(known for known in values if known <= minute)]


def _between(values, minute):
    """The value at a minute, or the one on a straight line between its neighbours, rounded down."""
    before = max(known for known in values if known <= minute)
    after = min(known for known in values if known >= minute)
    if before == after:
        return values[minute]
    return values[before] + (values[after] - values[before]) * (minute - before) // (after - before)
'''


def _value(step: int) -> OpenPoint:
    def filled(name: str, answer: str, code: str, *missing: int | None) -> Alternative:
        values = (10, *missing, 21)
        result: list[Plain] = [[place * step, value] for place, value in enumerate(values)]
        example = call("fill", [[0, 10], [3 * step, 21]], result=result)
        return Alternative(name=name, answer=answer, code={"value": code}, examples=(example,))

    return OpenPoint(
        criterion=1,
        topic="data",
        question="Which value stands in for a reading that is missing?",
        alternatives=(
            filled("none", "None at all: we do not invent anything.", "values.get(minute)", None, None),
            filled("latest", "The latest one before it.", "_latest(values, minute)", 10, 10),
            filled("zero", "Zero: where nothing was counted, nothing happened.", "values.get(minute, 0)", 0, 0),
            filled(
                "line",
                "One on a straight line between the neighbours, rounded down.",
                "_between(values, minute)",
                13,
                17,
            ),
        ),
    )


def _double() -> OpenPoint:
    def doubled(name: str, answer: str, code: str, result: int | None) -> Alternative:
        readings: list[Plain] = [[0, 4], [0, 9], [0, 6]]
        if result is None:
            example = call("fill", readings, error="ValueError")
        else:
            example = call("fill", readings, result=[[0, result]])
        return Alternative(name=name, answer=answer, code={"double": code}, examples=(example,))

    return OpenPoint(
        criterion=1,
        topic="edge_case",
        question="Which reading counts if there are several of the same minute?",
        alternatives=(
            doubled("last", "The one that arrived last: it is a correction.", "values[minute] = value", 6),
            doubled(
                "first", "The one that arrived first: the others are repeats.", "values.setdefault(minute, value)", 4
            ),
            doubled(
                "greatest",
                "The greatest: counters only ever grow.",
                "values[minute] = max(value, values.get(minute, value))",
                9,
            ),
            doubled(
                "refused",
                "None: the delivery is broken and is refused with a ValueError.",
                'if minute in values:\n    raise ValueError(f"minute {minute} was read twice")\nvalues[minute] = value',
                None,
            ),
        ),
    )


def _outage(step: int) -> OpenPoint:
    def out(name: str, answer: str, code: str, begin: int, second: int) -> Alternative:
        example = call("outages", [[2 * step, 1], [11 * step, 1]], result=[[begin * step, second * step]])
        return Alternative(name=name, answer=answer, code={"outage": code}, examples=(example,))

    return OpenPoint(
        criterion=2,
        topic="limits",
        question="From when until when was there an outage: with or without the readings around it?",
        alternatives=(
            out("around", "From the last good reading until the next good one.", "[before, after]", 2, 11),
            out(
                "missing",
                "From the first missing reading until the last missing one.",
                "[before + STEP, after - STEP]",
                3,
                10,
            ),
            out(
                "until_good", "From the first missing reading until the next good one.", "[before + STEP, after]", 3, 11
            ),
            out(
                "length",
                "I want to know since when and for how many minutes: the first missing reading, and how long "
                "it took until the next good one.",
                "[before + STEP, after - before - STEP]",
                3,
                8,
            ),
        ),
    )


def _series(step: int, least: int, chance: Chance) -> list[Plain]:
    place, readings = chance.below(4), list[Plain]()
    for _ in range(chance.between(0, 6)):
        readings.append([place * step, chance.below(50)])
        place += chance.pick((0, 1, 1, 1, 2, 3, least, least + 1, least + 2))
    turn = chance.below(len(readings) + 1)
    return [*readings[turn:], *readings[:turn]]


def _delivery(step: int, least: int, chance: Chance) -> tuple[Plain, ...]:
    readings = _series(step, least, chance)
    return ([*readings, [step + 1, 5]] if chance.below(9) == 0 else readings,)


def _criteria(one: str, step: int, least: int) -> tuple[Criterion, ...]:
    row: list[Plain] = [[0, 5], [step, 7], [2 * step, 6]]
    return (
        Criterion(
            text=f"The {one} counter has one reading for every {step} minutes, from the first to the last, in order",
            function="fill",
            examples=(
                call("fill", [row[2], row[0], row[1]], result=row),
                call("fill", [[7, 3]], result=[[7, 3]]),
                call("fill", [], result=[]),
                call("fill", [[0, 5], [step + 1, 7]], error="ValueError"),
            ),
        ),
        Criterion(
            text=f"An outage is reported where {least} or more readings in a row are missing",
            function="outages",
            examples=(call("outages", row, result=[]), call("outages", [[least * step, 3], [0, 3]], result=[])),
        ),
    )


def make(v: Variant) -> Kata:
    """The family `fill_gaps`."""
    one, many = v.theme.one, v.theme.many
    step, least = v.number_between("step", 2, 15), v.number_between("least", 2, 4)
    return Kata(
        domain="pipeline",
        title=f"Close the gaps in the count of {many}",
        told=Told(
            vague=f"The chart of our {many} has holes, and nobody can say since when.",
            plain=(
                f"The counter of {many} is read regularly, but sometimes a reading is missing. The chart needs one for "
                "every step, and we want to hear of longer outages."
            ),
            exact=(
                f"Readings are {step} minutes apart and arrive in any order; one beside the grid that the earliest "
                "reading begins is a ValueError. The grid ends with the latest reading; without readings there is "
                f"none. {least} or more missing readings in a row are an outage; outages are listed in order."
            ),
        ),
        criteria=_criteria(one, step, least),
        open_points=(_value(step), _double(), _outage(step)),
        source=SOURCE.replace("%one%", one).replace("%step%", str(step)).replace("%least%", str(least)),
        inputs={
            "fill": lambda chance: _delivery(step, least, chance),
            "outages": lambda chance: (_series(step, least, chance),),
        },
        points=2,
        specialization="backend",
        tags=("pipeline", "time_series"),
    )
