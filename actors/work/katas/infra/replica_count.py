"""How many replicas a service needs: what the load of a moment asks for, and how the number follows it."""

from __future__ import annotations

from actors.work.katas.kata import Alternative, Chance, Criterion, Example, Kata, OpenPoint, Told, Variant
from actors.work.sandbox.plain import Plain

SOURCE = '''"""How many replicas of a service should run, from the requests that wait for it."""


def replicas(load, each=EACH, low=LOW, high=HIGH):
    """The number that a load asks for, from `low` to `high`. Raises ValueError for a negative load."""
    if load < 0:
        raise ValueError("a load is never negative")
    if load == 0:
        <<idle>>
    return min(high, max(low, -(-load // each)))


def follow(loads, running, each=EACH, patience=PATIENCE):
    """The number that runs after each load; loads are measured once a minute."""
    counts, quiet = [], []
    for load in loads:
        wanted = replicas(load, each)
        quiet = [*quiet, wanted] if wanted < running else []
        if wanted > running:
            <<grow>>
        elif len(quiet) >= patience:
            <<shrink>>
            quiet = []
        counts.append(running)
    return counts
'''


def _idle() -> OpenPoint:
    def idle(name: str, answer: str, code: str, result: int) -> Alternative:
        example = Example(function="replicas", arguments=(0, 10, 6, 20), result=result)
        return Alternative(name=name, answer=answer, code={"idle": code}, examples=(example,))

    return OpenPoint(
        criterion=1,
        topic="edge_case",
        question="How many run when there is no load at all?",
        alternatives=(
            idle("least", "The lowest number, as with a small load.", "return low", 6),
            idle("none", "None: we do not pay for nothing.", "return 0", 0),
            idle("one", "A single one, to answer the first caller.", "return min(low, 1)", 1),
            idle("half", "Half of the lowest number, rounded up.", "return (low + 1) // 2", 3),
        ),
    )


def _grow() -> OpenPoint:
    def grown(name: str, answer: str, code: str, counts: list[Plain]) -> Alternative:
        example = Example(function="follow", arguments=([90, 90], 2, 10, 5), result=counts)
        return Alternative(name=name, answer=answer, code={"grow": code}, examples=(example,))

    return OpenPoint(
        criterion=2,
        topic="limits",
        question="How fast may the number grow?",
        alternatives=(
            grown("at_once", "At once to what the load asks for.", "running = wanted", [9, 9]),
            grown("one", "By one a minute.", "running += 1", [3, 4]),
            grown("two", "By at most two a minute.", "running = min(wanted, running + 2)", [4, 6]),
            grown(
                "half",
                "By half of what is missing each minute, rounded up.",
                "running += (wanted - running + 1) // 2",
                [6, 8],
            ),
        ),
    )


def _shrink() -> OpenPoint:
    def shrunk(name: str, answer: str, code: str, last: int) -> Alternative:
        example = Example(function="follow", arguments=([40, 70, 30], 10, 10, 3), result=[10, 10, last])
        return Alternative(name=name, answer=answer, code={"shrink": code}, examples=(example,))

    return OpenPoint(
        criterion=2,
        topic="workflow",
        question="When it has been quiet for long enough, how far does the number go down?",
        alternatives=(
            shrunk("now", "To what the load asks for now.", "running = wanted", 3),
            shrunk("one", "By one.", "running -= 1", 9),
            shrunk("highest", "To the most that was asked for in the quiet time.", "running = max(quiet)", 7),
            shrunk(
                "half",
                "Half of the way to what the load asks for now, a middle is rounded down.",
                "running = (running + wanted) // 2",
                6,
            ),
        ),
    )


def _load(chance: Chance) -> tuple[Plain, ...]:
    if chance.below(7) == 0:
        return (chance.pick((-1, -5, 0)),)
    each, low = chance.between(2, 9), chance.between(1, 4)
    load = each * chance.between(0, 12) + chance.pick((0, 0, 1, -1))
    if chance.below(3) == 0:
        return (max(1, load * 7),)
    return (max(0, load), each, low, low + chance.between(0, 5))


def _follow(chance: Chance) -> tuple[Plain, ...]:
    each, patience = chance.between(3, 8), chance.between(1, 3)
    loads = list[Plain]()
    for _ in range(chance.between(3, 6)):
        level = each * chance.between(1, 9)
        loads += [level + chance.below(2) for _ in range(chance.between(1, 4))]
    running = chance.between(2, 8)
    return (loads, running, each, patience) if chance.below(4) else (loads, running)


def _criteria(each: int, low: int, high: int, patience: int) -> tuple[Criterion, ...]:
    return (
        Criterion(
            text=f"One replica takes {each} waiting requests; no fewer than {low} run and no more than {high}",
            function="replicas",
            examples=(
                Example(function="replicas", arguments=(1,), result=low),
                Example(function="replicas", arguments=(each * 6 + 1,), result=7),
                Example(function="replicas", arguments=(each * high + 1,), result=high),
                Example(function="replicas", arguments=(-1,), error="ValueError"),
            ),
        ),
        Criterion(
            text=f"The number follows the load, and goes down only when fewer were needed {patience} minutes in a row",
            function="follow",
            examples=(
                Example(function="follow", arguments=([40, 50, 50], 4, 10), result=[4, 5, 5]),
                Example(
                    function="follow",
                    arguments=([*([each * 6] * (patience - 1)), each * 5 + 1, each * 6], 7),
                    result=[*([7] * (patience - 1)), 6, 6],
                ),
                Example(function="follow", arguments=([50, 60, 50, 50], 6, 10, 2), result=[6, 6, 6, 5]),
            ),
        ),
    )


def make(v: Variant) -> Kata:
    """The family `replica_count`."""
    one, many = v.theme.one, v.theme.many
    each, patience = v.number_between("each", 11, 60), v.number_between("patience", 2, 5)
    low, high = v.number_between("low", 2, 3), v.number_between("high", 12, 24)
    constants = {"EACH": each, "LOW": low, "HIGH": high, "PATIENCE": patience}
    source = SOURCE
    for name, number in constants.items():
        source = source.replace(name, str(number))
    return Kata(
        domain="infra",
        title=f"Run as many {one} workers as are needed",
        told=Told(
            vague=f"At night ten idle {one} workers cost us money, and on Monday morning the {many} pile up.",
            plain=(
                f"The number of {one} workers should follow the requests that wait for them. It should not jump up and "
                "down with every short lull."
            ),
            exact=(
                f"One {one} worker takes {each} waiting requests, and as many run as the load asks for, rounded up, "
                f"but at least {low} and at most {high}; a negative load is refused (ValueError). The load is measured "
                "each minute. When it asks for more, the number grows in that minute. It goes down only in a minute "
                f"that ends {patience} in a row which asked for fewer than run; then the counting begins anew."
            ),
        ),
        criteria=_criteria(each, low, high, patience),
        open_points=(_idle(), _grow(), _shrink()),
        source=source,
        inputs={"replicas": _load, "follow": _follow},
        points=2,
        specialization="devops",
        tags=("infra", "scaling"),
    )
