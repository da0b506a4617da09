"""Free places between ranges that are taken: which there are, and which one is given away next."""

from __future__ import annotations

from actors.work.katas.kata import Alternative, Chance, Criterion, Example, Kata, OpenPoint, Told, Variant
from actors.work.sandbox.plain import Plain

SOURCE = '''"""Free ONE numbers between ranges [first, last] that are taken, both ends included."""

from <<range_set>> import merge

LAST = 99999


def gaps(taken, first=1, last=LAST):
    """The free ranges from first to last. Raises ValueError if last comes before first."""
    found = _free(taken, first, last)
    <<order>>


def _free(taken, first, last):
    """The free ranges in ascending order."""
    if last < first:
        raise ValueError(f"{last} comes before {first}")
    found, free = [], first
    for low, high in merge(taken):
        if free < min(low, last + 1):
            found.append([free, min(low - 1, last)])
        free = max(free, high + 1)
    if free <= last:
        found.append([free, last])
    return found


def place(taken, size, first=1, last=LAST):
    """The first number of a free place for a block of ONE numbers of this size."""
    if size < 1:
        raise ValueError("a block has at least one number")
    fitting = [gap for gap in _free(taken, first, last) if _size(gap) >= size]
    if not fitting:
        <<full>>
    <<choice>>


def _size(gap):
    """How many numbers a range holds."""
    return gap[1] - gap[0] + 1
'''


def _order() -> OpenPoint:
    def listed(name: str, answer: str, code: str, result: list[Plain]) -> Alternative:
        arguments: tuple[Plain, ...] = ([[1, 4], [10, 14], [18, 19], [28, 30]], 3, 33)
        example = Example(function="gaps", arguments=arguments, result=result)
        return Alternative(name=name, answer=answer, code={"order": code}, examples=(example,))

    return OpenPoint(
        criterion=1,
        topic="workflow",
        question="In which order are the free ranges listed?",
        alternatives=(
            listed("ascending", "By number, the lowest first.", "return found", [[5, 9], [15, 17], [20, 27], [31, 33]]),
            listed(
                "descending",
                "The highest numbers first: low ones are for emergencies.",
                "return found[::-1]",
                [[31, 33], [20, 27], [15, 17], [5, 9]],
            ),
            listed(
                "largest",
                "The largest first, equally large ones by number.",
                "return sorted(found, key=_size, reverse=True)",
                [[20, 27], [5, 9], [15, 17], [31, 33]],
            ),
            listed(
                "smallest",
                "The smallest first, equally small ones by number.",
                "return sorted(found, key=_size)",
                [[15, 17], [31, 33], [5, 9], [20, 27]],
            ),
        ),
    )


def _choice(one: str) -> OpenPoint:
    def placed(name: str, answer: str, code: str, result: int) -> Alternative:
        arguments: tuple[Plain, ...] = ([[1, 4], [10, 14], [18, 19], [28, 30], [35, 40]], 3, 1, 44)
        example = Example(function="place", arguments=arguments, result=result)
        return Alternative(name=name, answer=answer, code={"choice": code}, examples=(example,))

    return OpenPoint(
        criterion=2,
        topic="data",
        question=f"Several free places are large enough for the {one} block: which one does it get?",
        alternatives=(
            placed("first", "The one with the lowest numbers.", "return fitting[0][0]", 5),
            placed(
                "tightest",
                "The smallest that is large enough, so that large ones stay whole; of equals the lowest.",
                "return min(fitting, key=_size)[0]",
                15,
            ),
            placed(
                "roomiest",
                "The largest, so that the block has room to grow; of equals the lowest.",
                "return max(fitting, key=_size)[0]",
                20,
            ),
            placed(
                "from_the_top",
                "The one with the highest numbers, and there the upper end.",
                "return fitting[-1][1] - size + 1",
                42,
            ),
        ),
    )


def _full() -> OpenPoint:
    def asked(name: str, answer: str, code: str, result: Plain = None, error: str = "") -> Alternative:
        example = Example(function="place", arguments=([[1, 6], [9, 10]], 5, 1, 14), result=result, error=error)
        return Alternative(name=name, answer=answer, code={"full": code}, examples=(example,))

    return OpenPoint(
        criterion=2,
        topic="limits",
        question="What if no free place is large enough?",
        alternatives=(
            asked("none", "Then there is no place: return nothing.", "return None"),
            asked(
                "refused",
                "Somebody has to clean up first: that is a LookupError.",
                'raise LookupError(f"no place for {size} numbers")',
                error="LookupError",
            ),
            asked(
                "behind",
                "Then it goes behind the last allowed number, and we extend the list.",
                "return last + 1",
                15,
            ),
            asked(
                "tail",
                "It gets what is free behind the highest taken number and may run over the end.",
                "return max([first, *(high + 1 for _, high in taken)])",
                11,
            ),
        ),
    )


def _taken(chance: Chance) -> list[Plain]:
    first, ranges = chance.pick((1, 3, 6)), list[Plain]()
    for _ in range(chance.between(1, 5)):
        last = first + chance.below(7)
        ranges.append([first, last])
        first = chance.pick((last, last + 3, last + 4, last + 6, last + 9))
    if chance.below(2):
        ranges.append(ranges.pop(0))
    return ranges


def _bounds(chance: Chance, taken: list[Plain]) -> tuple[Plain, Plain]:
    edges = sorted(edge for one in taken if isinstance(one, list) for edge in one if isinstance(edge, int))
    first = chance.pick(edges[: 1 + len(edges) // 2]) + chance.between(-1, 1)
    last = chance.pick(edges[len(edges) // 2 :]) + chance.pick((-1, -1, 0, 1, 2, 7))
    return first, last


def _gaps(chance: Chance) -> tuple[Plain, ...]:
    taken = _taken(chance)
    return (taken,) if chance.below(8) == 0 else (taken, *_bounds(chance, taken))


def _place(chance: Chance) -> tuple[Plain, ...]:
    taken, size = _taken(chance), chance.pick((0, 1, 1, 2, 2, 3, 3, 4, 5, 9))
    return (taken, size) if chance.below(8) == 0 else (taken, size, *_bounds(chance, taken))


def make(v: Variant) -> Kata:
    """The family `free_gaps`."""
    one, many = v.theme.one, v.theme.many
    last = v.number_between("last", 500, 9999)
    return Kata(
        domain="library",
        title=f"Find free {one} numbers",
        told=Told(
            vague=f"Nobody knows which {one} numbers are still free, so everybody takes one behind the end.",
            plain=f"The taken {one} numbers are known. List the free ones, and give a block of new {many} a place.",
            exact=(
                f"Taken {one} numbers come as ranges [first, last], both ends included, in any order. Free ranges are "
                f"looked for from 1 to {last} unless other bounds are given; bounds in the wrong order are refused. A "
                f"block of {many} is placed wholly inside one free range; it has at least "
                "one number."
            ),
        ),
        criteria=(
            Criterion(
                text=f"All free ranges of {one} numbers between two bounds, by default 1 and {last}, are listed",
                function="gaps",
                examples=(
                    Example(function="gaps", arguments=([[8, 12], [3, 5]], 4, 12), result=[[6, 7]]),
                    Example(function="gaps", arguments=([[1, 7]],), result=[[8, last]]),
                    Example(function="gaps", arguments=([[2, 5], [5, 9]], 2, 9), result=[]),
                    Example(function="gaps", arguments=([], 5, 4), error="ValueError"),
                ),
            ),
            Criterion(
                text=f"A block of {many} gets a place where all its numbers are free",
                function="place",
                examples=(
                    Example(function="place", arguments=([[1, 3], [7, 9]], 3, 1, 9), result=4),
                    Example(function="place", arguments=([[1, last - 2]], 2), result=last - 1),
                    Example(function="place", arguments=([], 0), error="ValueError"),
                ),
            ),
        ),
        open_points=(_order(), _choice(one), _full()),
        source=SOURCE.replace("99999", str(last)).replace("ONE", one),
        inputs={"gaps": _gaps, "place": _place},
        points=2,
        specialization="backend",
        tags=("library", "ranges"),
        needs=("range_set",),
    )
