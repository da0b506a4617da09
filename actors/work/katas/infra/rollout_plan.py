"""A new version goes out in batches: how hosts are split, in which order services go, and when it is stopped."""

from __future__ import annotations

from actors.work.katas.kata import Alternative, Chance, Criterion, Example, Kata, OpenPoint, Told, Variant
from actors.work.sandbox.plain import Plain

SOURCE = '''"""Plans how a new version goes out, host by host, and says when to stop."""

from <<start_order>> import start_order


def batches(hosts, percent=PERCENT):
    """Split hosts into batches of a share of them. Raises ValueError for a share that is none."""
    if not 0 < percent <= 100:
        raise ValueError(f"not a share of the hosts: {percent}")
    if not hosts:
        return []
    size = max(1, len(hosts) * percent // 100)
    sizes, rest = [size] * (len(hosts) // size), len(hosts) % size
    <<leftover>>
    ends = [sum(sizes[: place + 1]) for place in range(len(sizes))]
    return [hosts[end - size : end] for end, size in zip(ends, sizes, strict=True)]


def steps(services, hosts, percent=PERCENT):
    """All steps as [service, hosts], in the order of dependencies; `hosts` are listed by service."""
    planned = []
    for service in start_order(services):
        split = batches(hosts.get(service, []), percent)
        if not split:
            <<homeless>>
        planned += [[service, batch] for batch in split]
    return planned


def stopped_after(outcomes, tolerated=TOLERATED):
    """The number of the batch, counted from 1, after which to stop; 0 if all went well enough."""
    failed = 0
    for number, batch in enumerate(outcomes, start=1):
        <<failures>>
        if failed > tolerated:
            return number
    return 0
'''


def _leftover() -> OpenPoint:
    def split(name: str, answer: str, code: str, *parts: str) -> Alternative:
        example = Example(function="batches", arguments=(list("abcdefgh"), 40), result=[list(part) for part in parts])
        return Alternative(name=name, answer=answer, code={"leftover": code}, examples=(example,))

    return OpenPoint(
        criterion=1,
        topic="limits",
        question="The hosts cannot be split evenly. Where do those go that are left over?",
        alternatives=(
            split(
                "own_batch",
                "Into a last batch of their own, smaller than the others.",
                "sizes += [rest] if rest else []",
                "abc",
                "def",
                "gh",
            ),
            split("last_batch", "Into the last batch, it may be larger.", "sizes[-1] += rest", "abc", "defgh"),
            split(
                "go_first",
                "They go first, in a batch of their own: the fewer hosts break the better.",
                "sizes = [rest, *sizes] if rest else sizes",
                "ab",
                "cde",
                "fgh",
            ),
            split(
                "spread",
                "One more into each batch, from the first on, until none is left.",
                "for turn in range(rest):\n    sizes[turn % len(sizes)] += 1",
                "abcd",
                "efgh",
            ),
        ),
    )


def _homeless() -> OpenPoint:
    def planned(name: str, answer: str, code: str, result: Plain = None, error: str = "") -> Alternative:
        hosts: Plain = {"web": ["b", "a"]}
        arguments: tuple[Plain, ...] = ({"web": ["db"], "db": []}, hosts, 50)
        example = Example(function="steps", arguments=arguments, result=result, error=error)
        return Alternative(name=name, answer=answer, code={"homeless": code}, examples=(example,))

    return OpenPoint(
        criterion=2,
        topic="data",
        question="What happens to a service that runs on no host?",
        alternatives=(
            planned("skip", "It is skipped.", "continue", [["web", ["b"]], ["web", ["a"]]]),
            planned(
                "empty_step",
                "It gets one step without hosts, so that one sees it was thought of.",
                "split = [[]]",
                [["db", []], ["web", ["b"]], ["web", ["a"]]],
            ),
            planned(
                "everywhere",
                "It goes to all hosts we know at once, each host once and by name.",
                "split = [sorted({host for group in hosts.values() for host in group})]",
                [["db", ["a", "b"]], ["web", ["b"]], ["web", ["a"]]],
            ),
            planned(
                "mistake",
                "Somebody forgot it: refuse the plan with a LookupError.",
                'raise LookupError(f"{service} runs nowhere")',
                error="LookupError",
            ),
        ),
    )


def _failures() -> OpenPoint:
    outcomes: list[Plain] = [
        [False, True],
        [True, True],
        [False, True],
        [False, True],
        [False, True, False],
        [False, True, True],
        [True, False],
        [False],
    ]

    def stopped(name: str, answer: str, code: str, result: int) -> Alternative:
        example = Example(function="stopped_after", arguments=(outcomes, 1), result=result)
        return Alternative(name=name, answer=answer, code={"failures": code}, examples=(example,))

    return OpenPoint(
        criterion=3,
        topic="workflow",
        question="Which failures count when we decide whether to stop?",
        alternatives=(
            stopped("all", "All since the beginning.", "failed += batch.count(False)", 3),
            stopped("batch", "Those of the batch that has just run.", "failed = batch.count(False)", 5),
            stopped(
                "two_batches",
                "Those of the batch that has just run and of the one before it.",
                "failed = sum(one.count(False) for one in [*outcomes[max(0, number - 2) : number - 1], batch])",
                4,
            ),
            stopped(
                "in_a_row",
                "The hosts in a row, up to the last one, that have failed; a host that works starts the count anew.",
                "for works in batch:\n    failed = 0 if works else failed + 1",
                8,
            ),
        ),
    )


_CHAIN = ("db", "queue", "api", "web", "edge")


def _hosts(chance: Chance, least: int, most: int) -> list[Plain]:
    return [f"h{number}" for number in range(1, chance.between(least, most) + 1)]


def _batches(chance: Chance) -> tuple[Plain, ...]:
    if chance.below(3) == 0:
        return (_hosts(chance, 40, 99),)
    return (_hosts(chance, 0, 12), chance.pick((0, 1, 1, 25, 30, 40, 60, 75, 99, 100, 100, 101)))


def _steps(chance: Chance) -> tuple[Plain, ...]:
    """Each service depends on the one before it, so that only one order is right."""
    names = _CHAIN[: chance.between(2, 5)]
    services: dict[str, Plain] = {}
    for place in reversed(range(len(names))):
        services[names[place]] = list[Plain](names[max(0, place - 1) : place])
    if chance.below(3) == 0:
        return (services, {name: _hosts(chance, 20, 60) for name in names})
    return (services, {name: _hosts(chance, 1, 7) for name in names if chance.below(8)}, chance.between(15, 90))


def _outcomes(chance: Chance) -> tuple[Plain, ...]:
    outcomes = list[Plain]()
    for _ in range(chance.between(2, 7)):
        outcomes.append([chance.below(4) > 0 for _ in range(chance.between(1, 5))])
    return (outcomes, chance.between(0, 3)) if chance.below(3) else (outcomes,)


def _criteria(one: str, percent: int, tolerated: int) -> tuple[Criterion, ...]:
    four: list[Plain] = ["a", "b", "c", "d"]
    enough: list[Plain] = [True, *([False] * tolerated)]
    return (
        Criterion(
            text=f"Hosts go in batches of {percent} percent of them, but at least one; impossible shares are refused",
            function="batches",
            examples=(
                Example(function="batches", arguments=(four, 50), result=[["a", "b"], ["c", "d"]]),
                Example(function="batches", arguments=(four, 20), result=[["a"], ["b"], ["c"], ["d"]]),
                Example(function="batches", arguments=([],), result=[]),
                Example(function="batches", arguments=(four, 0), error="ValueError"),
            ),
        ),
        Criterion(
            text="All batches of a service go out before those of a service that depends on it",
            function="steps",
            examples=(
                Example(
                    function="steps",
                    arguments=({one: ["db"], "db": []}, {one: ["x", "y"], "db": ["z"]}, 50),
                    result=[["db", ["z"]], [one, ["x"]], [one, ["y"]]],
                ),
                Example(
                    function="steps",
                    arguments=({one: ["db"], "db": [one]}, {one: ["x"], "db": ["z"]}, 50),
                    error="ValueError",
                ),
                Example(
                    function="steps",
                    arguments=({one: []}, {one: ["x", "y"]}),
                    result=[[one, ["x"]], [one, ["y"]]],
                ),
            ),
        ),
        Criterion(
            text=f"When more than {tolerated} hosts have failed after a batch, nothing else goes out",
            function="stopped_after",
            examples=(
                Example(function="stopped_after", arguments=([[True], [True, True]], 0), result=0),
                Example(function="stopped_after", arguments=([[True], [False, False, False]], 2), result=2),
                Example(function="stopped_after", arguments=([enough],), result=0),
                Example(function="stopped_after", arguments=([[*enough, False]],), result=1),
            ),
        ),
    )


def make(v: Variant) -> Kata:
    """The family `rollout_plan`."""
    one, many = v.theme.one, v.theme.many
    percent, tolerated = v.number_between("percent", 20, 44), v.number_between("tolerated", 1, 4)
    return Kata(
        domain="infra",
        title=f"Roll new versions of the {one} services out in batches",
        told=Told(
            vague=f"The last release took every {one} server down at the same time. Never again.",
            plain=(
                f"A new version of the {one} services goes out to a part of the hosts at a time, in the order of what "
                "depends on what. When too many hosts fail, it stops."
            ),
            exact=(
                f"The hosts of a service for {many} are split, in their order, into batches of {percent} percent of "
                "them, rounded down but at least one host; another share may be given, and one that is not above 0 "
                "and at most 100 is refused (ValueError). Without hosts there is no batch. A service goes out after "
                "all it depends on; its steps are the service and the hosts of a batch. Each host of a batch works, "
                "which is true, or has failed, which is false. After each batch failed hosts "
                f"are counted, and with more than {tolerated}, or another number that is given, it stops there; the "
                "answer is the number of that batch, 0 if it never stops."
            ),
        ),
        criteria=_criteria(one, percent, tolerated),
        open_points=(_leftover(), _homeless(), _failures()),
        source=SOURCE.replace("PERCENT", str(percent)).replace("TOLERATED", str(tolerated)),
        inputs={"batches": _batches, "steps": _steps, "stopped_after": _outcomes},
        points=3,
        specialization="devops",
        tags=("infra", "release"),
        needs=("start_order",),
    )
