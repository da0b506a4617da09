"""A rate limiter over a fixed window: who may call, when to come back, how a limit is written."""

from __future__ import annotations

from actors.work.katas.kata import Alternative, Chance, Criterion, Example, Kata, OpenPoint, Told, Variant
from actors.work.sandbox.plain import Plain

SOURCE = '''"""Limits how often a client may call: a fixed number of calls in each window of time."""

UNITS = {"s": 1, "m": 60, "h": 3600}


def parse_limit(text):
    """Read a limit such as "10/m" into [calls, seconds]. Raises ValueError for anything else."""
    calls, slash, unit = text.partition("/")
    if not slash or not calls.isdecimal() or unit not in UNITS:
        raise ValueError("a limit looks like 10/m")
    if int(calls) == 0:
        <<zero>>
    return [int(calls), UNITS[unit]]


def decide(limit, calls):
    """Say for each [client, second] in turn whether it may pass under a limit [calls, seconds]."""
    allowed, seconds = limit
    counts = {}
    answers = []
    for client, at in calls:
        key = (client, at // seconds)
        used = counts.get(key, 0)
        passes = used < allowed
        <<count>>
        answers.append(passes)
    return answers


def wait(limit, at):
    """Seconds until a client that is refused at this second may call again."""
    seconds = limit[1]
    <<boundary>>
'''


def _zero() -> OpenPoint:
    def zero(text: str = "0/m", result: Plain = None, error: str = "") -> Example:
        return Example(function="parse_limit", arguments=(text,), result=result, error=error)

    return OpenPoint(
        criterion=1,
        topic="edge_case",
        question="What does a limit of zero calls mean?",
        alternatives=(
            Alternative(
                name="nobody",
                answer="Zero means that nobody may call.",
                code={"zero": "return [0, UNITS[unit]]"},
                examples=(zero(result=[0, 60]),),
            ),
            Alternative(
                name="mistake",
                answer="Zero is a mistake and is refused like any other text that is no limit.",
                code={"zero": 'raise ValueError("a limit of zero lets nobody in")'},
                examples=(zero(error="ValueError"),),
            ),
            Alternative(
                name="unlimited",
                answer="Zero switches the limit off; it is stored as -1 calls.",
                code={"zero": "return [-1, UNITS[unit]]"},
                examples=(zero(result=[-1, 60]),),
            ),
            Alternative(
                name="one",
                answer="Zero is raised to one call, so that nobody is locked out.",
                code={"zero": "return [1, UNITS[unit]]"},
                examples=(zero(result=[1, 60]),),
            ),
        ),
    )


def _counting(one: str) -> OpenPoint:
    def decided(calls: list[Plain], result: list[Plain]) -> Example:
        return Example(function="decide", arguments=([2, 10], calls), result=result)

    def counted(name: str, answer: str, code: str, flood: list[Plain]) -> Alternative:
        calls: list[Plain] = [["a", 0], ["a", 1], ["a", 2], ["a", 3], ["a", 10], ["a", 11], ["a", 12]]
        return Alternative(name=name, answer=answer, code={"count": code}, examples=(decided(calls, flood),))

    return OpenPoint(
        criterion=2,
        topic="limits",
        question=f"Does a refused call count against the {one}'s limit as well?",
        alternatives=(
            counted(
                "only_passed",
                "Only calls that pass count.",
                "if passes:\n    counts[key] = used + 1",
                [True, True, False, False, True, True, False],
            ),
            counted(
                "carries_over",
                "A refused call counts, in the next window: whoever insists waits longer.",
                "late = key if passes else (key[0], key[1] + 1)\ncounts[late] = counts.get(late, 0) + 1",
                [True, True, False, False, False, False, False],
            ),
            counted(
                "half",
                "Only calls that pass count, and the first call of a window is free.",
                "counts[key] = used + 1 if passes and key in counts else used",
                [True, True, True, False, True, True, True],
            ),
            counted(
                "gives_back",
                "A refused call gives one call back, so that a client that waits its turn gets in.",
                "counts[key] = used + 1 if passes else used - 1",
                [True, True, False, True, True, True, False],
            ),
        ),
    )


def _boundary() -> OpenPoint:
    def at_the_start(name: str, answer: str, code: str, result: Plain) -> Alternative:
        example = Example(function="wait", arguments=([1, 60], 120), result=result)
        return Alternative(name=name, answer=answer, code={"boundary": code}, examples=(example,))

    return OpenPoint(
        criterion=3,
        topic="workflow",
        question="How long does somebody wait who is refused in the very second in which a window begins?",
        alternatives=(
            at_the_start("whole", "A whole window.", "return seconds - at % seconds", 60),
            at_the_start(
                "not_at_all", "Not at all: ask again at once.", "return (seconds - at % seconds) % seconds", 0
            ),
            at_the_start("one_second", "One second.", "return seconds - at % seconds if at % seconds else 1", 1),
            at_the_start(
                "until_told",
                "Until somebody tells them: nothing is promised.",
                "return seconds - at % seconds if at % seconds else None",
                None,
            ),
        ),
    )


def _calls(chance: Chance) -> tuple[Plain, ...]:
    at, calls = 0, list[Plain]()
    for _ in range(chance.between(6, 14)):
        at += chance.below(4)
        calls.append([chance.pick(("ann", "bob", "cy")), at])
    return ([chance.between(1, 3), chance.between(4, 12)], calls)


def _criteria(one: str, per: int) -> tuple[Criterion, ...]:
    return (
        Criterion(
            text=f'A limit is written as calls and unit, for instance "{per}/m"; anything else is refused',
            function="parse_limit",
            examples=(
                Example(function="parse_limit", arguments=(f"{per}/m",), result=[per, 60]),
                Example(function="parse_limit", arguments=("3/h",), result=[3, 3600]),
                Example(function="parse_limit", arguments=("often",), error="ValueError"),
                Example(function="parse_limit", arguments=("3/d",), error="ValueError"),
            ),
        ),
        Criterion(
            text=f"A client that has used up its calls for the {one} window is refused, others pass",
            function="decide",
            examples=(
                Example(
                    function="decide",
                    arguments=([1, 10], [["a", 0], ["b", 3], ["a", 10], ["b", 15]]),
                    result=[True, True, True, True],
                ),
            ),
        ),
        Criterion(
            text="Whoever is refused learns after how many seconds the next window begins",
            function="wait",
            examples=(
                Example(function="wait", arguments=([1, 60], 59), result=1),
                Example(function="wait", arguments=([1, 60], 75), result=45),
            ),
        ),
    )


def make(v: Variant) -> Kata:
    """The family `rate_limit`."""
    one, many = v.theme.one, v.theme.many
    per = v.number_between("calls", 2, 40)
    return Kata(
        domain="api",
        title=f"Limit how often a client may call the {many} endpoint",
        told=Told(
            vague=f"Some clients hammer the {many} endpoint. Make them slow down.",
            plain=(
                f"A client may call the {many} endpoint only so often in each window of time; others are not affected."
            ),
            exact=(
                f"The {many} endpoint takes a limit such as {per}/m. Calls are counted for each client in windows that "
                "begin at multiples of the window's length; a call over the limit is refused and told when to come "
                "back."
            ),
        ),
        criteria=_criteria(one, per),
        open_points=(_zero(), _counting(one), _boundary()),
        source=SOURCE,
        inputs={
            "parse_limit": lambda chance: (f"{chance.between(1, 99)}/{chance.pick(('s', 'm', 'h'))}",),
            "decide": _calls,
            "wait": lambda chance: ([chance.between(1, 5), chance.between(2, 90)], chance.below(500)),
        },
        points=3,
        specialization="backend",
        tags=("api", "backend"),
    )
