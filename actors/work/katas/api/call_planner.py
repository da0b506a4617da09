"""The other side of a rate limit: when calls are sent, which limit hurts most, how a limit is shared."""

from __future__ import annotations

from actors.work.katas.kata import Alternative, Chance, Criterion, Kata, OpenPoint, Told, Variant, call
from actors.work.sandbox.plain import Plain

SOURCE = '''"""Plans the calls of the %one% importer, so that no service has to refuse one."""

from <<rate_limit>> import parse_limit

MOST = %most%


def plan(limit, calls):
    """When each call [name, second wanted] is sent, as [name, second]; no window exceeds the limit."""
    allowed, seconds = parse_limit(limit)
    used = {}
    sent = []
    for name, wanted in calls:
        first = window = wanted // seconds
        while used.get(window, 0) >= allowed:
            window += 1
        at = wanted
        if window > first:
            <<postponed>>
        used[window] = used.get(window, 0) + 1
        sent.append([name, at])
    return sent


def tightest(limits, count):
    """The limit that holds up a burst of calls longest. Raises ValueError for a burst of a wrong size."""
    if not 0 < count <= MOST:
        raise ValueError(f"a burst has 1 to {MOST} calls")
    delays = [_delay(limit, count) for limit in limits]
    if not delays:
        return None
    longest = max(delays)
    <<equal>>


def share(limit, weights):
    """How many calls of a window each importer gets, by its weight; never more than the limit together."""
    allowed = parse_limit(limit)[0]
    total = sum(weights.values())
    if total <= 0:
        raise ValueError("somebody needs a weight")
    shares = {name: allowed * weights[name] // total for name in sorted(weights)}
    <<left_over>>


def _delay(limit, count):
    """Seconds from the beginning of a window until the last call of a burst is sent."""
    allowed, seconds = parse_limit(limit)
    return (count - 1) // allowed * seconds
'''


def _postponed() -> OpenPoint:
    def planned(name: str, answer: str, code: str, third: int, fourth: int) -> Alternative:
        calls: list[Plain] = [["a", 5], ["b", 6], ["c", 7], ["d", 8]]
        sent: list[Plain] = [["a", 5], ["b", 6], ["c", third], ["d", fourth]]
        example = call("plan", "2/m", calls, result=sent)
        return Alternative(name=name, answer=answer, code={"postponed": code}, examples=(example,))

    return OpenPoint(
        criterion=1,
        topic="workflow",
        question="A call does not fit into its window. When exactly in the later one is it sent?",
        alternatives=(
            planned("start", "As soon as the window begins.", "at = window * seconds", 60, 60),
            planned(
                "same_place",
                "At the same place in the window as it was wanted, so that they do not all come at once.",
                "at = window * seconds + wanted % seconds",
                67,
                68,
            ),
            planned(
                "spread",
                "Spread over the window: it is cut into as many equal slots as calls are allowed, and the n-th call "
                "of the window is sent when the n-th slot begins.",
                "at = window * seconds + used.get(window, 0) * seconds // allowed",
                60,
                90,
            ),
            planned(
                "end",
                "In the last second of the window: whoever is late must not get in the way of the others.",
                "at = (window + 1) * seconds - 1",
                119,
                119,
            ),
        ),
    )


def _equal() -> OpenPoint:
    def named(name: str, answer: str, code: str, result: Plain) -> Alternative:
        limits: list[Plain] = ["9/s", "5/m", "4/m", "6/m"]  # 7 calls: 0 s, then 60 s each
        examples = (call("tightest", limits, 7, result=result),)
        return Alternative(name=name, answer=answer, code={"equal": code}, examples=examples)

    return OpenPoint(
        criterion=2,
        topic="edge_case",
        question="Which one is named if several limits hold us up equally long?",
        alternatives=(
            named("first", "The one that is listed first.", "return limits[delays.index(longest)]", "5/m"),
            named(
                "fewest",
                "The one that allows the fewest calls; after that, the one that is listed first.",
                "tied = [limit for limit, delay in zip(limits, delays, strict=True) if delay == longest]\n"
                "return min(tied, key=lambda limit: parse_limit(limit)[0])",
                "4/m",
            ),
            named(
                "last",
                "The one that is listed last.",
                "return [limit for limit, delay in zip(limits, delays, strict=True) if delay == longest][-1]",
                "6/m",
            ),
            named(
                "none",
                "None of them: then no single limit is to blame.",
                "return limits[delays.index(longest)] if delays.count(longest) == 1 else None",
                None,
            ),
        ),
    )


def _left_over() -> OpenPoint:
    # 10 calls over weights 1, 4, 2: 1 (rest 3), 5 (rest 5), 2 (rest 6); two calls are left over
    def shared(name: str, answer: str, code: str, *calls: int) -> Alternative:
        result: dict[str, Plain] = dict(zip(("csv", "mail", "web"), calls, strict=True))
        example = call("share", "10/s", {"web": 2, "csv": 1, "mail": 4}, result=result)
        return Alternative(name=name, answer=answer, code={"left_over": code}, examples=(example,))

    return OpenPoint(
        criterion=3,
        topic="limits",
        question="Who gets the calls that are left over after everybody's share is rounded down?",
        alternatives=(
            shared("nobody", "Nobody; a small reserve does no harm.", "return shares", 1, 5, 2),
            shared(
                "heaviest",
                "All of them go to the one with the greatest weight, among equals the first by name.",
                "heaviest = max(shares, key=lambda name: weights[name])\n"
                "shares[heaviest] += allowed - sum(shares.values())\n"
                "return shares",
                1,
                7,
                2,
            ),
            shared(
                "fair",
                "One each to those whose share lost most by rounding, among equals the first by name.",
                "losers = sorted(shares, key=lambda name: -(allowed * weights[name] % total))\n"
                "for name in losers[: allowed - sum(shares.values())]:\n"
                "    shares[name] += 1\n"
                "return shares",
                1,
                6,
                3,
            ),
            shared(
                "by_name",
                "One each, by name, beginning at the first.",
                "for name in list(shares)[: allowed - sum(shares.values())]:\n    shares[name] += 1\nreturn shares",
                2,
                6,
                2,
            ),
        ),
    )


def _limit(chance: Chance) -> str:
    return f"{chance.between(1, 4)}/{chance.pick(('s', 'm', 'h', 'm'))}"


def _planning(chance: Chance) -> tuple[Plain, ...]:
    at, calls = 0, list[Plain]()
    for name in "abcdefghij"[: chance.between(3, 10)]:
        at += chance.pick((0, 0, 1, 7, 30, 59))
        calls.append([name, at])
    limit = chance.pick((_limit(chance), f"{chance.between(1, 3)}/m", f"{chance.between(1, 3)}/m", "2/s"))
    return ("often" if chance.below(12) == 0 else limit, calls)


def _bursting(most: int, chance: Chance) -> tuple[Plain, ...]:
    limits: list[Plain] = [_limit(chance) for _ in range(chance.pick((0, 2, 3, 3, 4, 5)))]
    return (limits, chance.pick((1, 2, 3, 4, 5, 7, 8, 9, 13, most, most, most + 1, 0)))


def _sharing(chance: Chance) -> tuple[Plain, ...]:
    names = [name for name in ("web", "csv", "mail", "fax") if chance.below(5)]
    weights: dict[str, Plain] = {name: chance.pick((0, 1, 1, 2, 3, 5)) for name in names}
    return (f"{chance.between(1, 40)}/{chance.pick(('s', 'm', 'h'))}", weights)


def _criteria(many: str, most: int) -> tuple[Criterion, ...]:
    return (
        Criterion(
            text="Calls are sent when they are wanted, in the order given; what exceeds a limit waits for a later one",
            function="plan",
            examples=(
                call("plan", "2/m", [["a", 0], ["b", 59], ["c", 60]], result=[["a", 0], ["b", 59], ["c", 60]]),
                call("plan", "1/h", [], result=[]),
                call("plan", "often", [], error="ValueError"),
            ),
        ),
        Criterion(
            text=f"For a burst of up to {most} {many} we see which limit holds us up",
            function="tightest",
            examples=(
                call("tightest", ["5/m", "1/s"], 5, result="1/s"),
                call("tightest", ["5/m", "1/s"], 6, result="5/m"),
                call("tightest", [], most, result=None),
                call("tightest", ["5/m"], most + 1, error="ValueError"),
            ),
        ),
        Criterion(
            text="Several importers share a limit in proportion to their weights, together never more than allowed",
            function="share",
            examples=(
                call("share", "12/m", {"web": 1, "csv": 2}, result={"web": 4, "csv": 8}),
                call("share", "7/m", {"web": 0, "csv": 3}, result={"web": 0, "csv": 7}),
                call("share", "7/m", {"web": 0}, error="ValueError"),
            ),
        ),
    )


def make(v: Variant) -> Kata:
    """The family `call_planner`."""
    one, many = v.theme.one, v.theme.many
    most = v.number_between("most", 20, 60)
    return Kata(
        domain="api",
        title=f"Import {many} without running into limits",
        told=Told(
            vague=f"The {one} import is thrown out by the other side every night. Make it behave.",
            plain=(
                f"When we import {many} from services that limit us, we plan our calls so that none is refused. "
                "Several importers share one limit."
            ),
            exact=(
                "Limits are written as for our own service, such as 10/m, in windows that begin at multiples of their "
                "length. Calls are planned one by one in the order given; each takes the first window with room "
                f"from its own on. A burst of 1 to {most} calls (else a ValueError) begins with a window; what counts "
                "is the time until its last call is sent; without limits there is no answer. Shares are proportional "
                "to weights and rounded down first; without any weight it is a ValueError."
            ),
        ),
        criteria=_criteria(many, most),
        open_points=(_postponed(), _equal(), _left_over()),
        source=SOURCE.replace("%one%", one).replace("%most%", str(most)),
        inputs={"plan": _planning, "tightest": lambda chance: _bursting(most, chance), "share": _sharing},
        points=3,
        specialization="networking",
        tags=("api", "networking", "scheduling"),
        needs=("rate_limit",),
    )
