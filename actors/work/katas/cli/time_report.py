"""A report on the time that tasks took: sums for each task, and where most of the time went."""

from __future__ import annotations

from actors.work.katas.kata import Alternative, Chance, Criterion, Example, Kata, OpenPoint, Told, Variant
from actors.work.sandbox.plain import Plain

SOURCE = '''"""Reports where the time for MANY went, from lines such as "packing 1h30m"."""

from <<durations>> import read

PLACES = 3


def totals(lines):
    """Seconds of each task, in the order in which tasks first come up."""
    seconds = {}
    for line in lines:
        task, _, length = line.strip().rpartition(" ")
        if not task or not length[0].isdecimal():
            <<broken>>
        seconds[task] = seconds.get(task, 0) + read(length)
    return seconds


def ranking(seconds, places=PLACES):
    """The tasks of a ONE that took longest, as [task, percent of all time]."""
    if places < 1:
        raise ValueError("a ranking has at least one place")
    whole = sum(seconds.values())
    if whole == 0:
        return []
    ranked = sorted(seconds, key=lambda task: -seconds[task])
    <<tie>>
    return [[task, _percent(seconds[task], whole)] for task in best]


def _percent(part, whole):
    """The share of a part in percent."""
    return <<percent>>
'''


def _broken() -> OpenPoint:
    def summed(name: str, answer: str, code: str, result: Plain = None, error: str = "") -> Alternative:
        lines: list[Plain] = ["pack 1m", "lunch", "pack 2m"]
        example = Example(function="totals", arguments=(lines,), result=result, error=error)
        return Alternative(name=name, answer=answer, code={"broken": code}, examples=(example,))

    return OpenPoint(
        criterion=1,
        topic="errors",
        question="What becomes of a line without a length of time at its end?",
        alternatives=(
            summed(
                "refused",
                "The report is refused until the line is corrected.",
                'raise ValueError(f"how long did {line!r} take?")',
                error="ValueError",
            ),
            summed("skipped", "It is left out.", "continue", {"pack": 180}),
            summed(
                "no_time",
                "The whole line is a task that took no time.",
                "seconds.setdefault(line.strip(), 0)\ncontinue",
                {"pack": 180, "lunch": 0},
            ),
            summed("end", "It ends the report: what follows are notes.", "break", {"pack": 60}),
        ),
    )


def _tie() -> OpenPoint:
    def ranked(name: str, answer: str, code: str, result: list[Plain]) -> Alternative:
        seconds: dict[str, Plain] = {"pack": 20, "sort": 24, "count": 50, "wrap": 6, "call": 24, "ask": 76}
        example = Example(function="ranking", arguments=(seconds, 3), result=result)
        return Alternative(name=name, answer=answer, code={"tie": code}, examples=(example,))

    last = "last = seconds[ranked[min(places, len(ranked)) - 1]]"
    head: list[Plain] = [["ask", 38], ["count", 25]]
    return OpenPoint(
        criterion=2,
        topic="limits",
        question="Several tasks took equally long, and there is not a place for each: which are listed?",
        alternatives=(
            ranked("first", "Those that came up first.", "best = ranked[:places]", [*head, ["sort", 12]]),
            ranked(
                "by_name",
                "Those whose names come first by alphabet.",
                "best = sorted(ranked, key=lambda task: [-seconds[task], task])[:places]",
                [*head, ["call", 12]],
            ),
            ranked(
                "all",
                "All of them: the last place is shared.",
                f"{last}\nbest = [task for task in ranked if seconds[task] >= last]",
                [*head, ["sort", 12], ["call", 12]],
            ),
            ranked(
                "none",
                "None of them: the last place stays empty.",
                "limit = seconds[ranked[places]] if len(ranked) > places else -1\n"
                "best = [task for task in ranked if seconds[task] > limit]",
                head,
            ),
        ),
    )


def _percent() -> OpenPoint:
    def shared(name: str, answer: str, code: str, *shares: int) -> Alternative:
        seconds: dict[str, Plain] = {"pack": 622, "sort": 375, "wrap": 3}
        result: list[Plain] = [[task, share] for task, share in zip(seconds, shares, strict=True)]
        example = Example(function="ranking", arguments=(seconds, 3), result=result)
        return Alternative(name=name, answer=answer, code={"percent": code}, examples=(example,))

    return OpenPoint(
        criterion=2,
        topic="format",
        question="How is a share of the time rounded?",
        alternatives=(
            shared("cut", "Down to a whole percent.", "100 * part // whole", 62, 37, 0),
            shared(
                "half_up",
                "To the nearest percent, half a percent up.",
                "(200 * part + whole) // (2 * whole)",
                62,
                38,
                0,
            ),
            shared("up", "Up to a whole percent.", "-(-100 * part // whole)", 63, 38, 1),
            shared(
                "least_one",
                "Down, but nothing that took time shows as 0.",
                "max(100 * part // whole, min(1, part))",
                62,
                37,
                1,
            ),
        ),
    )


def _lines(chance: Chance) -> tuple[Plain, ...]:
    tasks, lengths = ("pack", "sort all", "wrap", "call"), ("5m", "1h", "90s", "1h30m", "0s", "3x")
    lines: list[Plain] = [f"{chance.pick(tasks)} {chance.pick(lengths[:5])}" for _ in range(chance.between(2, 6))]
    odd = chance.pick(("", "call", "10m", "wrap it", f"wrap {lengths[5]}", " pack 7s "))
    if chance.below(2):
        lines.insert(chance.below(len(lines)), odd)
    return (lines,)


def _seconds(chance: Chance) -> tuple[Plain, ...]:
    names = ("sort", "pack", "wrap", "call", "ask", "file")[: chance.between(1, 6)]
    seconds: dict[str, Plain] = {name: chance.pick((0, 1, 5, 20, 20, 45, 199)) for name in names}
    if chance.below(8) == 0:
        seconds = dict.fromkeys(seconds, 0)
    return (seconds,) if chance.below(3) == 0 else (seconds, chance.pick((0, 1, 1, 2, 2, 3)))


def _criteria(places: int, minutes: int) -> tuple[Criterion, ...]:
    longest = {"pack": 35, "wrap": 25, "sort": 15, "call": 12, "ask": 8, "file": 5}
    shares: list[Plain] = [[task, percent] for task, percent in longest.items()]
    return (
        Criterion(
            text=f"Lines of a task and a time, such as packing {minutes}m, become seconds for each task",
            function="totals",
            examples=(
                Example(function="totals", arguments=([f"packing {minutes}m"],), result={"packing": 60 * minutes}),
                Example(
                    function="totals",
                    arguments=(["pack it 1h1m", "wrap 5s", "pack it 1m"],),
                    result={"pack it": 3720, "wrap": 5},
                ),
            ),
        ),
        Criterion(
            text=f"The tasks that took longest are ranked with their percentage; {places} unless told otherwise",
            function="ranking",
            examples=(
                Example(function="ranking", arguments=({"pack": 1, "wrap": 3}, 2), result=[["wrap", 75], ["pack", 25]]),
                Example(
                    function="ranking",
                    arguments=(dict[str, Plain](longest),),
                    result=shares[:places],
                ),
                Example(function="ranking", arguments=({"pack": 0},), result=[]),
                Example(function="ranking", arguments=({"pack": 1}, 0), error="ValueError"),
            ),
        ),
    )


def make(v: Variant) -> Kata:
    """The family `time_report`."""
    one, many = v.theme.one, v.theme.many
    places, minutes = v.number_between("places", 2, 5), v.number_between("minutes", 2, 50)

    return Kata(
        domain="cli",
        title=f"Report where the time for {many} goes",
        told=Told(
            vague=f"We write down all day how long everything takes for a {one}, and nobody ever adds it up.",
            plain="From lines with a task and a length of time: the sum for each task, and which tasks took longest.",
            exact=(
                f"Each line names a task for {many}, which may be several words, and behind the last blank the time "
                "that it took, as in packing 1h30m. Times of the same task are added up. A ranking lists tasks with "
                f"their share of all time in percent, the longest first; it has {places} places unless another number "
                "is given, at least one, and is empty if no time was spent."
            ),
        ),
        criteria=_criteria(places, minutes),
        open_points=(_broken(), _tie(), _percent()),
        source=SOURCE.replace("PLACES = 3", f"PLACES = {places}").replace("MANY", many).replace("ONE", one),
        inputs={"totals": _lines, "ranking": _seconds},
        points=1,
        specialization="backend",
        tags=("cli", "time"),
        needs=("durations",),
    )
