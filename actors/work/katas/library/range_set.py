"""Sets of whole numbers kept as ranges: reading them, joining them, taking numbers out."""

from __future__ import annotations

from actors.work.katas.kata import Alternative, Chance, Criterion, Example, Kata, OpenPoint, Told, Variant
from actors.work.sandbox.plain import Plain

SOURCE = '''"""Sets of ONE numbers, kept as ranges [first, last] with both ends included."""

HIGHEST = 9999


def read(text):
    """Read "1-5, 8" into ranges, in the order written. Raises ValueError for anything else."""
    ranges = []
    for part in text.split(","):
        start, dash, end = part.strip().partition("-")
        first = _number(start)
        last = _number(end) if dash else first
        if last < first:
            <<backwards>>
        else:
            ranges.append([first, last])
    return ranges


def _number(text):
    """A ONE number from 1 to HIGHEST."""
    if not text.isdecimal() or not 1 <= int(text) <= HIGHEST:
        raise ValueError(f"a number from 1 to {HIGHEST} is wanted, not {text!r}")
    return int(text)


def merge(ranges):
    """Sort ranges and join those that belong together."""
    merged = []
    for first, last in sorted(ranges):
        if merged and <<touch>>:
            merged[-1][1] = max(merged[-1][1], last)
        else:
            merged.append([first, last])
    return merged


def take(ranges, taken):
    """What is left of ranges when other ranges are taken out, one after the other."""
    left = merge(ranges)
    for first, last in taken:
        after = [piece for one in left for piece in _cut(one, first, last)]
        <<missing>>
    return left


def _cut(one, first, last):
    """What is left of one range without the numbers from first to last."""
    low, high = one
    pieces = [[low, min(high, first - 1)], [max(low, last + 1), high]]
    return [[start, end] for start, end in pieces if start <= end]


def _size(ranges):
    """How many numbers some ranges hold together."""
    return sum(last - first + 1 for first, last in ranges)
'''


def _backwards() -> OpenPoint:
    def read(name: str, answer: str, code: str, result: Plain = None, error: str = "") -> Alternative:
        example = Example(function="read", arguments=("2,9-4",), result=result, error=error)
        return Alternative(name=name, answer=answer, code={"backwards": code}, examples=(example,))

    return OpenPoint(
        criterion=1,
        topic="errors",
        question="What becomes of a range that is written backwards, such as 9-4?",
        alternatives=(
            read(
                "refused",
                "It is a slip of the pen: refuse the whole text.",
                'raise ValueError(f"{last} comes before {first}")',
                error="ValueError",
            ),
            read("turned", "Turn it round: 9-4 means 4-9.", "ranges.append([last, first])", [[2, 2], [4, 9]]),
            read("left_out", "It holds no number, so it is left out.", "continue", [[2, 2]]),
            read(
                "ends_only",
                "Then only the two numbers themselves are meant, in the order written.",
                "ranges += [[first, first], [last, last]]",
                [[2, 2], [9, 9], [4, 4]],
            ),
        ),
    )


def _touch(one: str, block: int) -> OpenPoint:
    def merged(name: str, answer: str, code: str, result: list[Plain]) -> Alternative:
        ranges: list[Plain] = [
            [block, block + 2],
            [block - 5, block - 4],
            [block + 4, block + 5],
            [block - 3, block - 1],
        ]
        example = Example(function="merge", arguments=(ranges,), result=result)
        return Alternative(name=name, answer=answer, code={"touch": code}, examples=(example,))

    return OpenPoint(
        criterion=2,
        topic="edge_case",
        question=f"Two ranges of {one} numbers share no number but lie close together: are they one range or two?",
        alternatives=(
            merged(
                "neighbours",
                "If no number lies between them they are one range.",
                "first <= merged[-1][1] + 1",
                [[block - 5, block + 2], [block + 4, block + 5]],
            ),
            merged(
                "apart",
                "Two. Only ranges that share a number become one.",
                "first <= merged[-1][1]",
                [[block - 5, block - 4], [block - 3, block - 1], [block, block + 2], [block + 4, block + 5]],
            ),
            merged(
                "bridged",
                "They are one range, and a gap of a single number between two ranges is closed as well.",
                "first <= merged[-1][1] + 2",
                [[block - 5, block + 5]],
            ),
            merged(
                "blocks",
                f"If no number lies between them they are one, but at each multiple of {block} a new range begins.",
                f"first <= merged[-1][1] + (1 if first % {block} else 0)",
                [[block - 5, block - 1], [block, block + 2], [block + 4, block + 5]],
            ),
        ),
    )


def _missing() -> OpenPoint:
    def taken(name: str, answer: str, code: str, result: Plain = None, error: str = "") -> Alternative:
        arguments: tuple[Plain, ...] = ([[1, 10], [20, 30]], [[2, 3], [8, 12], [30, 30]])
        example = Example(function="take", arguments=arguments, result=result, error=error)
        return Alternative(name=name, answer=answer, code={"missing": code}, examples=(example,))

    some_missing = "if _size(left) - _size(after) < last - first + 1:"
    return OpenPoint(
        criterion=3,
        topic="data",
        question="What if some of the numbers to be taken out are not there?",
        alternatives=(
            taken(
                "ignored",
                "Take those that are there and say nothing about the rest.",
                "left = after",
                [[1, 1], [4, 7], [20, 29]],
            ),
            taken(
                "refused",
                "Somebody counted wrong: that is a LookupError.",
                f'{some_missing}\n    raise LookupError(f"not all of {{first}} to {{last}} are there")\nleft = after',
                error="LookupError",
            ),
            taken(
                "whole_ranges",
                "A range goes as a whole or not at all; go on with the next one.",
                f"{some_missing}\n    continue\nleft = after",
                [[1, 1], [4, 10], [20, 29]],
            ),
            taken(
                "stop",
                "Stop there: neither that range nor the ones after it are taken.",
                f"{some_missing}\n    break\nleft = after",
                [[1, 1], [4, 10], [20, 30]],
            ),
        ),
    )


def _text(chance: Chance, highest: int) -> tuple[Plain, ...]:
    parts = []
    for _ in range(chance.between(1, 4)):
        first = chance.between(1, 60)
        last = first + chance.below(6)
        parts.append(chance.pick((f"{first}", f"{first}-{last}", f" {first}-{last} ")))
    odd = ("0", "0-4", f"{highest}", f"{highest + 1}", f"7-{highest}", "3-", "x", "5-5", "8-3")
    if chance.below(2) == 0:
        parts.append(chance.pick(odd))
    return (",".join(parts),)


def _ranges(chance: Chance, count: int) -> list[Plain]:
    ranges = list[Plain]()
    for _ in range(count):
        first = chance.between(1, 40)
        ranges.append([first, first + chance.below(6)])
    return ranges


def _apart(chance: Chance) -> list[Plain]:
    first, ranges = chance.between(1, 5), list[Plain]()
    for _ in range(chance.between(1, 4)):
        last = first + chance.between(2, 9)
        ranges.append([first, last])
        first = last + chance.between(3, 8)
    return ranges


def _criteria(many: str, highest: int) -> tuple[Criterion, ...]:
    return (
        Criterion(
            text=f"A text such as 1-5, 8 becomes ranges of {many} from 1 to {highest}; other texts are refused",
            function="read",
            examples=(
                Example(function="read", arguments=("1-5, 8",), result=[[1, 5], [8, 8]]),
                Example(function="read", arguments=(f"8-8,3-{highest}",), result=[[8, 8], [3, highest]]),
                Example(function="read", arguments=(f"{highest + 1}",), error="ValueError"),
                Example(function="read", arguments=("4,,5",), error="ValueError"),
            ),
        ),
        Criterion(
            text="Joined ranges are sorted, and those that overlap have become one",
            function="merge",
            examples=(
                Example(function="merge", arguments=([[30, 40], [1, 5], [3, 9]],), result=[[1, 9], [30, 40]]),
                Example(function="merge", arguments=([[1, 9], [2, 4]],), result=[[1, 9]]),
                Example(function="merge", arguments=([],), result=[]),
            ),
        ),
        Criterion(
            text="Ranges can be taken out of others; what is left is given as ranges again",
            function="take",
            examples=(
                Example(function="take", arguments=([[1, 9]], [[4, 6]]), result=[[1, 3], [7, 9]]),
                Example(function="take", arguments=([[1, 9], [20, 22]], [[1, 4], [20, 22]]), result=[[5, 9]]),
            ),
        ),
    )


def make(v: Variant) -> Kata:
    """The family `range_set`."""
    one, many = v.theme.one, v.theme.many
    highest = v.number_between("highest", 1000, 9999)
    block = v.pick("block", (10, 20, 50, 100))
    return Kata(
        domain="library",
        title=f"Keep sets of {one} numbers as ranges",
        told=Told(
            vague=f"The lists of {one} numbers are endless. Write them as ranges like everybody else.",
            plain=f"Sets of {one} numbers are read from ranges, joined and cut. A range has a first and a last number.",
            exact=(
                f'A text such as "1-5, 8" lists {one} numbers from 1 to {highest}; blanks around commas do not matter, '
                "a single number is a range of its own. Ranges are pairs [first, last], both ends included. Joined "
                "ranges are sorted and share no number. Ranges may be taken out of others, one after the other, which "
                "may split a range in two."
            ),
        ),
        criteria=_criteria(many, highest),
        open_points=(_backwards(), _touch(one, block), _missing()),
        source=SOURCE.replace("9999", str(highest)).replace("ONE", one),
        inputs={
            "read": lambda chance: _text(chance, highest),
            "merge": lambda chance: (_ranges(chance, chance.between(2, 7)),),
            "take": lambda chance: (_apart(chance), _ranges(chance, chance.between(1, 3))),
        },
        points=3,
        specialization="backend",
        tags=("library", "ranges"),
    )
