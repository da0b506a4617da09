"""Sessions: visits cut out of a stream of events, counted by day, described by their length."""

from __future__ import annotations

from actors.work.katas.kata import Alternative, Chance, Criterion, Example, Kata, OpenPoint, Told, Variant, call
from actors.work.sandbox.plain import Plain

LONGEST = 120
SOURCE = '''"""Cuts the events of visitors of the %one% pages into sessions and sums them up."""

GAP = %gap%
LONGEST = %longest%
DAY = 1440


def sessions(events):
    """The sessions of events [visitor, minute, what], by their start and then by visitor."""
    found = []
    for visitor in sorted({event[0] for event in events}):
        own = sorted((event[1:] for event in events if event[0] == visitor), key=lambda event: event[0])
        found += [_session(visitor, run) for run in _runs(own)]
    return sorted(found, key=lambda session: session["start"])


def by_day(visits):
    """The days of some sessions as [day, sessions, minutes], in order; day 0 begins at minute 0."""
    days = {}
    for session in visits:
        if session["end"] < session["start"]:
            raise ValueError("a session ends before it starts")
        <<midnight>>
    return [[day, *days[day]] for day in sorted(days)]


def lengths(visits):
    """How many sessions there are, their median length in minutes, permille with a single event."""
    if not visits:
        return {"sessions": 0, "median": None, "single": 0}
    ordered = sorted(session["end"] - session["start"] for session in visits)
    single = sum(len(session["what"]) == 1 for session in visits)
    <<median>>
    return {"sessions": len(ordered), "median": median, "single": single * 1000 // len(ordered)}


def _session(visitor, run):
    what = [event[1] for event in run]
    return {"visitor": visitor, "start": run[0][0], "end": run[-1][0], "what": what}


def _runs(own):
    """The sorted events [minute, what] of one visitor, cut where the pause is longer than GAP."""
    runs = []
    for event in own:
        if not runs or event[0] - runs[-1][-1][0] > GAP:
            runs.append([])
        runs[-1].append(event)
    return [piece for run in runs for piece in _pieces(run)]


def _pieces(run):
    """What becomes of a run of events without a long pause."""
    <<long>>


def _count(days, day, minutes):
    entry = days.setdefault(day, [0, 0])
    entry[0] += 1
    entry[1] += minutes
'''


def _session(visitor: str, start: int, end: int, *what: Plain) -> dict[str, Plain]:
    return {"visitor": visitor, "start": start, "end": end, "what": list(what)}


def _long() -> OpenPoint:
    def cut(name: str, answer: str, code: str, *found: Plain) -> Alternative:
        pages = zip("abcdefgh", range(0, 160, 20), strict=True)  # the last two are later than LONGEST: h at 140
        events: list[Plain] = [["ann", minute, page] for page, minute in pages]
        example = call("sessions", events, result=list(found))
        return Alternative(name=name, answer=answer, code={"long": code}, examples=(example,))

    return OpenPoint(
        criterion=1,
        topic="limits",
        question="May a session go on for ever, as long as somebody keeps clicking?",
        alternatives=(
            cut("no_limit", "Yes, only pauses end a session.", "return [run]", _session("ann", 0, 140, *"abcdefgh")),
            cut(
                "new_one",
                f"After {LONGEST} minutes the next click begins a new session.",
                "pieces = []\n"
                "for event in run:\n"
                "    if not pieces or event[0] - pieces[-1][0][0] > LONGEST:\n"
                "        pieces.append([])\n"
                "    pieces[-1].append(event)\n"
                "return pieces",
                _session("ann", 0, 120, *"abcdefg"),
                _session("ann", 140, 140, "h"),
            ),
            cut(
                "robot",
                f"Whoever clicks for more than {LONGEST} minutes is a robot: leave that session out.",
                "return [run] if run[-1][0] - run[0][0] <= LONGEST else []",
            ),
            cut(
                "cut_off",
                f"What happens more than {LONGEST} minutes after the start of a session is not looked at any more.",
                "return [[event for event in run if event[0] - run[0][0] <= LONGEST]]",
                _session("ann", 0, 120, *"abcdefg"),
            ),
        ),
    )


def _midnight() -> OpenPoint:
    def counted(name: str, answer: str, code: str, *rows: Plain) -> Alternative:
        example = call("by_day", [_session("ann", 1430, 1455, "a", "b")], result=list(rows))
        return Alternative(name=name, answer=answer, code={"midnight": code}, examples=(example,))

    each_day = 'for day in range(session["start"] // DAY, session["end"] // DAY + 1):\n'
    return OpenPoint(
        criterion=2,
        topic="edge_case",
        question="To which day belongs a session that goes on after midnight?",
        alternatives=(
            counted(
                "start",
                "To the day on which it starts.",
                '_count(days, session["start"] // DAY, session["end"] - session["start"])',
                [0, 1, 25],
            ),
            counted(
                "end",
                "To the day on which it ends.",
                '_count(days, session["end"] // DAY, session["end"] - session["start"])',
                [1, 1, 25],
            ),
            counted(
                "both",
                "To each of its days, with all its minutes.",
                f'{each_day}    _count(days, day, session["end"] - session["start"])',
                [0, 1, 25],
                [1, 1, 25],
            ),
            counted(
                "shared",
                "To each of its days, with the minutes that it lasts there.",
                f'{each_day}    begin, end = max(session["start"], day * DAY), min(session["end"], (day + 1) * DAY)\n'
                "    _count(days, day, end - begin)",
                [0, 1, 10],
                [1, 1, 15],
            ),
        ),
    )


def _median() -> OpenPoint:
    def halved(name: str, answer: str, code: str, median: int, other: int) -> Alternative:
        def example(end: int, result: int) -> Example:
            visits: list[Plain] = [_session("ann", 0, 10, "a", "b"), _session("bob", 0, end, "a", "b")]
            return call("lengths", visits, result={"sessions": 2, "median": result, "single": 0})

        examples = (example(15, median), example(19, other))
        return Alternative(name=name, answer=answer, code={"median": code}, examples=examples)

    middle = "low, high = ordered[(len(ordered) - 1) // 2], ordered[len(ordered) // 2]\n"
    return OpenPoint(
        criterion=3,
        topic="format",
        question="Lengths are whole minutes. What is the median of an even number of sessions?",
        alternatives=(
            halved("upper", "The longer one of the two in the middle.", "median = ordered[len(ordered) // 2]", 15, 19),
            halved(
                "lower",
                "The shorter one of the two in the middle.",
                "median = ordered[(len(ordered) - 1) // 2]",
                10,
                10,
            ),
            halved("mean_down", "Their mean; half a minute is dropped.", f"{middle}median = (low + high) // 2", 12, 14),
            halved(
                "mean_up",
                "Their mean; half a minute counts as a whole one.",
                f"{middle}median = (low + high + 1) // 2",
                13,
                15,
            ),
        ),
    )


def _events(gap: int, chance: Chance) -> tuple[Plain, ...]:
    at, events = chance.below(50), list[Plain]()
    for _ in range(chance.between(1, 12)):
        events.append([chance.pick(("bob", "ann", "ann")), at, chance.pick(("home", "list", "buy"))])
        at += chance.pick((1, 10, gap - 5, gap, gap + 1, gap - 1))
    turn = chance.below(len(events))
    return ([*events[turn:], *events[:turn]],)


def _visits(chance: Chance) -> tuple[Plain, ...]:
    visits = list[Plain]()
    for visitor in "abcdefg"[: chance.between(0, 7)]:
        start = chance.pick((0, 10, 700, 1410, 1430, 1439, 1440, 2870))
        end = start + chance.pick((0, 0, 1, 9, 10, 30, 31, 45))
        what = "abc"[: 1 if start == end else chance.between(2, 3)]
        visits.append(_session(visitor, start, end, *what))
    if chance.below(12) == 0:
        visits.append(_session("z", 9, 8, "a"))
    return (visits,)


def _lasting(chance: Chance) -> tuple[Plain, ...]:
    visits = list[Plain]()
    for visitor in "abcdef"[: chance.between(0, 6)]:
        minutes = chance.pick((0, 0, 4, 9, 30, 31, 45, 80))
        visits.append(_session(visitor, 100, 100 + minutes, *"abc"[: chance.between(2, 3) if minutes else 1]))
    return (visits,)


def _criteria(one: str, gap: int) -> tuple[Criterion, ...]:
    events: list[Plain] = [["bob", 7, "buy"], ["ann", gap + 9, "list"], ["ann", 5, "home"], ["ann", 8, "list"]]
    first, second = _session("ann", 5, 8, "home", "list"), _session("ann", gap + 9, gap + 9, "list")
    alone = _session("bob", 7, 7, "buy")
    return (
        Criterion(
            text=f"A visitor's events on the {one} pages form sessions; a pause of more than {gap} minutes ends one",
            function="sessions",
            examples=(
                call("sessions", events, result=[first, alone, second]),
                call("sessions", [["a", 0, "x"], ["a", gap, "y"]], result=[_session("a", 0, gap, "x", "y")]),
                call("sessions", [], result=[]),
            ),
        ),
        Criterion(
            text="For each day we see the number of sessions and their minutes",
            function="by_day",
            examples=(
                call("by_day", [_session("a", 1500, 1510, "x", "y"), first, alone], result=[[0, 2, 3], [1, 1, 10]]),
                call("by_day", [_session("a", 9, 8, "x")], error="ValueError"),
            ),
        ),
        Criterion(
            text="We see the number of sessions, the median of their lengths and the share of those with one event",
            function="lengths",
            examples=(
                call("lengths", [], result={"sessions": 0, "median": None, "single": 0}),
                call("lengths", [first, alone, second], result={"sessions": 3, "median": 0, "single": 666}),
            ),
        ),
    )


def make(v: Variant) -> Kata:
    """The family `sessions`."""
    one, many = v.theme.one, v.theme.many
    gap = v.number_between("gap", 25, 40)
    return Kata(
        domain="pipeline",
        title=f"Cut the clicks on {many} into sessions",
        told=Told(
            vague=f"We count clicks on {many}, but nobody can tell me how many visits that were.",
            plain=(
                f"Clicks of one visitor on the {many} pages belong together until the visitor pauses. We want to see "
                "such sessions, how many there are each day and how long they last."
            ),
            exact=(
                f"Events arrive in any order. A visitor's session goes on until more than {gap} minutes pass without "
                "an event; it has visitor, start, end and what was done, and sessions are listed by start, then by "
                "visitor. A day has 1440 minutes; a session that ends before it starts is a ValueError. The median "
                "is taken over whole minutes and is nothing without sessions; the share of single events is in "
                "permille, rounded down."
            ),
        ),
        criteria=_criteria(one, gap),
        open_points=(_long(), _midnight(), _median()),
        source=SOURCE.replace("%one%", one).replace("%gap%", str(gap)).replace("%longest%", str(LONGEST)),
        inputs={"sessions": lambda chance: _events(gap, chance), "by_day": _visits, "lengths": _lasting},
        points=3,
        specialization="backend",
        tags=("pipeline", "events"),
    )
