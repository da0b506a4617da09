"""Sums of money: reading them, splitting them without losing a cent, settling debts, writing them."""

from __future__ import annotations

from actors.work.katas.kata import Alternative, Chance, Criterion, Example, Kata, OpenPoint, Told, Variant
from actors.work.sandbox.plain import Plain

SOURCE = '''"""Sums of money for MANY, as whole cents; no cent is lost or made."""

import re

AMOUNT = re.compile(r"([0-9]+)(?:[.]([0-9]+))?")


def to_cents(text):
    """Read an amount such as "12.50" into cents. Raises ValueError for anything else."""
    match = AMOUNT.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no amount")
    whole, digits = int(match[1]), match[2] or ""
    if len(digits) > 2:
        <<digits>>
    return 100 * whole + int(digits.ljust(2, "0"))


def split(cents, weights):
    """Split a sum for ONE shares by weight; the shares add up to the sum exactly."""
    whole = sum(weights)
    if whole <= 0 or min(weights) < 0:
        raise ValueError("weights must not be negative, nor all be zero")
    shares = [cents * weight // whole for weight in weights]
    left = cents - sum(shares)
    order = list(range(len(weights)))
    <<leftover>>
    for position in order[:left]:
        shares[position] += 1
    return shares


def settle(balances):
    """Who pays whom how many cents, as [from, to, cents]; whoever owes has a balance below zero."""
    owed = sorted([cents, name] for name, cents in balances.items() if cents < 0)
    wanted = sorted([-cents, name] for name, cents in balances.items() if cents > 0)
    difference = sum(balances.values())
    <<difference>>
    paid = []
    while owed and wanted:
        cents = min(-owed[0][0], -wanted[0][0])
        paid.append([owed[0][1], wanted[0][1], cents])
        owed, wanted = _less(owed, cents), _less(wanted, cents)
    return paid


def _less(sums, cents):
    """Open sums after the first has become smaller."""
    rest, name = sums[0][0] + cents, sums[0][1]
    return [[rest, name], *sums[1:]] if rest else sums[1:]


def to_text(cents, mark=","):
    """Write cents as an amount such as 1,234.50, with a mark between thousands."""
    whole, rest = divmod(abs(cents), 100)
    amount = f"{whole:,}".replace(",", mark) + f".{rest:02d}"
    if cents < 0:
        <<below_zero>>
    return amount
'''


def _digits() -> OpenPoint:
    def read(name: str, answer: str, code: str, *results: int) -> Alternative:
        examples = tuple(
            Example(function="to_cents", arguments=(text,), result=result, error="" if results else "ValueError")
            for text, result in zip(("7.015", "7.025"), results or (None, None), strict=True)
        )
        return Alternative(name=name, answer=answer, code={"digits": code}, examples=examples)

    to_even = (
        "cents = 100 * whole + int(digits[:2])\n"
        'half = int(digits[2:].ljust(9, "0")) - 5 * 10 ** (max(9, len(digits) - 2) - 1)\n'
        "return cents + 1 if half > 0 or (half == 0 and cents % 2) else cents"
    )
    return OpenPoint(
        criterion=1,
        topic="format",
        question="What if an amount has more than two digits behind the point?",
        alternatives=(
            read(
                "half_up",
                "Round to whole cents; half a cent is rounded up.",
                'return 100 * whole + int(digits[:2]) + (1 if digits[2] >= "5" else 0)',
                702,
                703,
            ),
            read("cut", "Cut the rest off.", "digits = digits[:2]", 701, 702),
            read("refused", "There is no such amount: refuse it.", 'raise ValueError("too many digits")'),
            read(
                "half_even",
                "Round to whole cents; half a cent goes to the even one, as the bank does it.",
                to_even,
                702,
                702,
            ),
        ),
    )


def _leftover(one: str) -> OpenPoint:
    def shared(name: str, answer: str, code: str, result: list[Plain]) -> Alternative:
        example = Example(function="split", arguments=(105, [8, 16, 6, 16, 14]), result=result)
        return Alternative(name=name, answer=answer, code={"leftover": code}, examples=(example,))

    return OpenPoint(
        criterion=2,
        topic="data",
        question=f"A few cents of the {one} are left over after everybody's share was rounded down: who gets them?",
        alternatives=(
            shared(
                "in_turn",
                "One each for the first in the list, until none are left.",
                "order.sort()",
                [15, 28, 10, 28, 24],
            ),
            shared(
                "largest_rest",
                "Whoever lost most by rounding; among equals who comes first.",
                "order.sort(key=lambda one: -(cents * weights[one] % whole))",
                [14, 28, 11, 28, 24],
            ),
            shared(
                "heaviest",
                "Whoever has the largest weight; among equals who comes first.",
                "order.sort(key=lambda one: -weights[one])",
                [14, 29, 10, 28, 24],
            ),
            shared(
                "last",
                "One each for the last in the list, from the end.",
                "order.reverse()",
                [14, 28, 10, 28, 25],
            ),
        ),
    )


def _difference(many: str) -> OpenPoint:
    def settled(name: str, answer: str, code: str, result: Plain = None, error: str = "") -> Alternative:
        balances: dict[str, Plain] = {"ann": -30, "bob": 25, "cy": -10, "dee": 20}
        example = Example(function="settle", arguments=(balances,), result=result, error=error)
        return Alternative(name=name, answer=answer, code={"difference": code}, examples=(example,))

    return OpenPoint(
        criterion=3,
        topic="errors",
        question=f"What if the balances of the {many} do not add up to zero?",
        alternatives=(
            settled(
                "refused",
                "Then somebody miscounted, and nothing is settled: that is a ValueError.",
                'if difference:\n    raise ValueError(f"the balances are off by {difference} cents")',
                error="ValueError",
            ),
            settled(
                "as_far_as_it_goes",
                "Settle as far as it goes; what cannot be matched stays open.",
                "if not difference:\n    wanted.sort()",
                [["ann", "bob", 25], ["ann", "dee", 5], ["cy", "dee", 10]],
            ),
            settled(
                "house",
                "The house pays what is missing and takes what is too much, after everybody else.",
                "if difference > 0:\n"
                '    owed.append([-difference, "house"])\n'
                "elif difference:\n"
                '    wanted.append([difference, "house"])',
                [["ann", "bob", 25], ["ann", "dee", 5], ["cy", "dee", 10], ["house", "dee", 5]],
            ),
            settled(
                "put_off",
                "Settle nothing and return an empty list; it is looked at next month.",
                "if difference:\n    return []",
                [],
            ),
        ),
    )


def _below_zero() -> OpenPoint:
    def written(name: str, answer: str, code: str, result: str) -> Alternative:
        example = Example(function="to_text", arguments=(-105,), result=result)
        return Alternative(name=name, answer=answer, code={"below_zero": code}, examples=(example,))

    return OpenPoint(
        criterion=4,
        topic="format",
        question="How is a sum below zero written?",
        alternatives=(
            written("in_front", "With a minus in front.", 'return "-" + amount', "-1.05"),
            written("brackets", "In round brackets, as the accountants do.", 'return f"({amount})"', "(1.05)"),
            written("behind", "With a minus behind it.", 'return amount + "-"', "1.05-"),
            written("word", 'With the word "owed" behind it.', 'return f"{amount} owed"', "1.05 owed"),
        ),
    )


def _amount(chance: Chance) -> tuple[Plain, ...]:
    whole = chance.below(2000)
    digits = chance.pick(
        ("", ".5", ".05", f".{chance.between(10, 99)}", ".4949", ".125", ".135", ".1451", ".", ".9999")
    )
    return (
        chance.pick((f"{whole}{digits}", f"{whole}{digits}", f"0{digits}", f"-{whole}{digits}", f"{whole}{digits}x")),
    )


def _split(chance: Chance) -> tuple[Plain, ...]:
    weights: list[Plain] = [chance.pick((0, 1, 1, 2, 3, 5, 7)) for _ in range(chance.between(2, 6))]
    if chance.below(8) == 0:
        weights[0] = -1
    return (chance.pick((0, 1, 7, 99, 100, 1000, 2503)), weights)


def _balances(chance: Chance) -> tuple[Plain, ...]:
    names = ("fay", "ann", "eve", "bob", "dee", "cy")[: chance.between(2, 6)]
    balances: dict[str, Plain] = {}
    total = 0
    for name in names[1:]:
        cents = chance.pick((-45, -20, -2, -1, 0, 1, 2, 15, 20, 45))
        balances[name] = cents
        total += cents
    balances[names[0]] = chance.pick((1, -1, 10, -10)) - total if chance.below(4) == 0 else -total
    return (balances,)


def _cents(chance: Chance) -> tuple[Plain, ...]:
    cents = chance.pick((0, 7, 99, 100, 101, 99999, 100000, 123456789, -1, -250, -1234567, chance.below(10_000_000)))
    return chance.pick(((cents,), (cents, chance.pick(("'", " ", ".", "")))))


def _criteria(one: str, whole: int, thousands: int, mark: str) -> tuple[Criterion, ...]:
    return (
        Criterion(
            text=f"An amount such as {whole}.50 or {whole} is read as cents; what is no amount is refused",
            function="to_cents",
            examples=(
                Example(function="to_cents", arguments=(f"{whole}.50",), result=100 * whole + 50),
                Example(function="to_cents", arguments=(f"{whole}.5",), result=100 * whole + 50),
                Example(function="to_cents", arguments=("0.07",), result=7),
                Example(function="to_cents", arguments=("-3",), error="ValueError"),
            ),
        ),
        Criterion(
            text=f"The sum for a {one} is split by weight, and the shares add up to it",
            function="split",
            examples=(
                Example(function="split", arguments=(100, [1, 3]), result=[25, 75]),
                Example(function="split", arguments=(10 * whole, [4, 0, 6]), result=[4 * whole, 0, 6 * whole]),
                Example(function="split", arguments=(100, [0, 0]), error="ValueError"),
                Example(function="split", arguments=(100, [2, -1]), error="ValueError"),
            ),
        ),
        Criterion(
            text="Debts are settled: whoever owes most pays whoever is owed most, and so on",
            function="settle",
            examples=(
                Example(
                    function="settle",
                    arguments=({"ann": 10, "bob": -40, "cy": 30},),
                    result=[["bob", "cy", 30], ["bob", "ann", 10]],
                ),
                Example(function="settle", arguments=({"ann": 0},), result=[]),
            ),
        ),
        Criterion(
            text=f"Cents are written as an amount, for instance {thousands}{mark}000.05, or with another mark",
            function="to_text",
            examples=(
                Example(function="to_text", arguments=(100_000 * thousands + 5,), result=f"{thousands}{mark}000.05"),
                Example(function="to_text", arguments=(123_450, "."), result="1.234.50"),
                Example(function="to_text", arguments=(0,), result="0.00"),
            ),
        ),
    )


def make(v: Variant) -> Kata:
    """The family `money_split`."""
    one, many = v.theme.one, v.theme.many
    whole, thousands = v.number_between("whole", 3, 90), v.number_between("thousands", 2, 99)
    mark = v.pick("mark", (",", "'", " ", "_"))
    return Kata(
        domain="library",
        title=f"Split and settle sums of money for {many}",
        told=Told(
            vague=f"Splitting the bill for {many} loses cents every time, and then nobody knows who owes whom.",
            plain=(
                f"Sums for {many} are read, split by weight, settled between people and written again. "
                "No cent may be lost on the way."
            ),
            exact=(
                f"Amounts such as {whole}.50 are kept as whole cents; signs, blanks and other characters are refused. "
                "A sum is split by weights that are not negative and not all zero, and the shares add up to the sum. "
                "When debts are settled, whoever owes most pays whoever is owed most, by name if they are equal, until "
                "one of the two is even, and so on. Amounts are written with two digits behind the point and the mark "
                f'"{mark}" between thousands, unless another mark is given.'
            ),
        ),
        criteria=_criteria(one, whole, thousands, mark),
        open_points=(_digits(), _leftover(one), _difference(many), _below_zero()),
        source=SOURCE.replace('mark=","', f'mark="{mark}"').replace("MANY", many).replace("ONE", one),
        inputs={"to_cents": _amount, "split": _split, "settle": _balances, "to_text": _cents},
        points=5,
        specialization="backend",
        tags=("library", "money"),
    )
