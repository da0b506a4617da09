"""Formulas over whole numbers: reading them, bringing them into order, calculating them, naming what they use."""

from __future__ import annotations

from actors.work.katas.kata import Alternative, Chance, Criterion, Example, Kata, OpenPoint, Told, Variant
from actors.work.sandbox.plain import Plain

SOURCE = '''"""Formulas over whole numbers, such as ONE*3+fee, in which names stand for values."""

import re
from operator import add, mul, sub

OPERAND = "[0-9]+|[a-z]+"
FORMULA = re.compile(f" *({OPERAND})( *[-+*/^] *({OPERAND}))* *")
RANKS = {"+": 1, "-": 1, "*": 2, "/": 2, "^": 3}


def tokens(text):
    """Split a formula into numbers, names and signs. Raises ValueError for a text that is none."""
    if not FORMULA.fullmatch(text):
        raise ValueError(f"{text!r} is no formula")
    return re.findall(f"{OPERAND}|[^ ]", text)


def postfix(text):
    """The tokens in the order of calculation: each sign stands behind its two operands."""
    done, waiting = [], []
    for token in tokens(text):
        if token in RANKS:
            while waiting and _comes_first(waiting[-1], token):
                done.append(waiting.pop())
            waiting.append(token)
        else:
            done.append(token)
    return done + waiting[::-1]


def _comes_first(before, sign):
    """Whether a sign that waits is calculated before the one that follows."""
    <<power>>


def evaluate(text, values):
    """Calculate a formula; ONE names stand for their values."""
    stack = []
    for token in postfix(text):
        if token in RANKS:
            right = stack.pop()
            stack.append(_calculate(stack.pop(), token, right))
        else:
            stack.append(int(token) if token.isdecimal() else _value(token, values))
    return stack[0]


def _value(name, values):
    """What a name stands for."""
    if name in values:
        return values[name]
    <<unknown>>


def _calculate(left, sign, right):
    """The result of one sign."""
    if sign == "/":
        <<divide>>
    if sign == "^" and not 0 <= right <= 9:
        raise ValueError("a power is from 0 to 9")
    return {"+": add, "-": sub, "*": mul, "^": pow}[sign](left, right)


def names(text):
    """The names that a formula uses, each once."""
    used = [token for token in tokens(text) if token.islower()]
    <<order>>
'''


def _power() -> OpenPoint:
    def ordered(name: str, answer: str, code: str, tower: list[Plain] | None, mixed: list[Plain]) -> Alternative:
        examples = (
            Example(function="postfix", arguments=("2^3^2",), result=tower, error="" if tower else "ValueError"),
            Example(function="postfix", arguments=("5*3^2",), result=mixed),
        )
        return Alternative(name=name, answer=answer, code={"power": code}, examples=examples)

    strong: list[Plain] = ["5", "3", "2", "^", "*"]
    return OpenPoint(
        criterion=2,
        topic="edge_case",
        question="In which order are powers calculated, as in 2^3^2 or 5*3^2?",
        alternatives=(
            ordered(
                "from_the_left",
                "Before everything else, and from the left like the other signs: 2^3^2 is 8^2.",
                "return RANKS[before] >= RANKS[sign]",
                ["2", "3", "^", "2", "^"],
                strong,
            ),
            ordered(
                "from_the_right",
                "Before everything else, and from the right as in a textbook: 2^3^2 is 2^9.",
                'return RANKS[before] > RANKS[sign] or (RANKS[before] == RANKS[sign] and sign != "^")',
                ["2", "3", "2", "^", "^"],
                strong,
            ),
            ordered(
                "refused",
                "Before everything else; two in a row without brackets are refused, too many people get that wrong.",
                'if before == sign == "^":\n    raise ValueError("powers of powers need brackets")\n'
                "return RANKS[before] >= RANKS[sign]",
                None,
                strong,
            ),
            ordered(
                "like_times",
                "Like times and divided by, all three from the left: 5*3^2 is 15^2.",
                "return min(2, RANKS[before]) >= min(2, RANKS[sign])",
                ["2", "3", "^", "2", "^"],
                ["5", "3", "*", "2", "^"],
            ),
        ),
    )


def _divide() -> OpenPoint:
    def divided(name: str, answer: str, code: str, *results: int) -> Alternative:
        examples = tuple(
            Example(
                function="evaluate", arguments=("a/2", {"a": a}), result=result, error="" if results else "ValueError"
            )
            for a, result in zip((7, -7), results or (None, None), strict=True)
        )
        return Alternative(name=name, answer=answer, code={"divide": code}, examples=examples)

    return OpenPoint(
        criterion=3,
        topic="data",
        question="What is the result of a division that does not come out even?",
        alternatives=(
            divided("down", "The next lower whole number: 7/2 is 3, and -7/2 is -4.", "return left // right", 3, -4),
            divided(
                "towards_zero",
                "What is behind the point is cut off: 7/2 is 3, and -7/2 is -3.",
                "size = abs(left) // abs(right)\nreturn size if (left < 0) == (right < 0) else -size",
                3,
                -3,
            ),
            divided(
                "nearest",
                "The nearest whole number, the higher one if both are equally near: 7/2 is 4, and -7/2 is -3.",
                "return (2 * left + right) // (2 * right)",
                4,
                -3,
            ),
            divided(
                "refused",
                "There is none: such a formula is refused with a ValueError.",
                'if left % right:\n    raise ValueError(f"{left} cannot be divided by {right}")\nreturn left // right',
            ),
        ),
    )


def _unknown() -> OpenPoint:
    def valued(name: str, answer: str, code: str, result: Plain = None, error: str = "") -> Alternative:
        example = Example(function="evaluate", arguments=("6*rebate+2", {"fee": 3}), result=result, error=error)
        return Alternative(name=name, answer=answer, code={"unknown": code}, examples=(example,))

    return OpenPoint(
        criterion=3,
        topic="errors",
        question="What if nobody has given a value for a name?",
        alternatives=(
            valued(
                "missing", "Then it cannot be looked up: that is a KeyError.", "raise KeyError(name)", error="KeyError"
            ),
            valued("zero", "It counts as 0.", "return 0", 2),
            valued("one", "It counts as 1, so that missing factors change nothing.", "return 1", 8),
            valued(
                "mistake",
                "It was mistyped: the formula is refused with a ValueError, like any other mistake in it.",
                'raise ValueError(f"{name} has no value")',
                error="ValueError",
            ),
        ),
    )


def _order() -> OpenPoint:
    def listed(name: str, answer: str, code: str, result: list[Plain]) -> Alternative:
        example = Example(function="names", arguments=("tax*rate+fee*rate-fee+rate*fine/fee",), result=result)
        return Alternative(name=name, answer=answer, code={"order": code}, examples=(example,))

    return OpenPoint(
        criterion=4,
        topic="format",
        question="In which order are the names listed?",
        alternatives=(
            listed(
                "first_use",
                "In the order in which they come up in the formula.",
                "return list(dict.fromkeys(used))",
                ["tax", "rate", "fee", "fine"],
            ),
            listed(
                "alphabetical", "By alphabet.", "return sorted(dict.fromkeys(used))", ["fee", "fine", "rate", "tax"]
            ),
            listed(
                "most_used",
                "Those used most often first; equally often: as they come up.",
                "return sorted(dict.fromkeys(used), key=lambda name: -used.count(name))",
                ["rate", "fee", "tax", "fine"],
            ),
            listed(
                "shortest",
                "The shortest first; equally short: as they come up.",
                "return sorted(dict.fromkeys(used), key=len)",
                ["tax", "fee", "rate", "fine"],
            ),
        ),
    )


def _text(chance: Chance) -> str:
    leaves = ("fee", "rate", "tax", "2", "3", "7", "10", "0")
    text = chance.pick(leaves)
    for _ in range(chance.between(1, 5)):
        sign = chance.pick(("+", "-", "*", "/", "^"))
        text += sign + (chance.pick(("2", "3", "0", "1")) if sign == "^" else chance.pick(leaves))
    return text


def _with_slips(chance: Chance) -> tuple[Plain, ...]:
    text = _text(chance)
    slip = chance.pick((f"{text}+", f"-{text}", f"{text} 2", f"{text}%2", f"{text}+Fee", f" {text} ", f"({text})", ""))
    return (chance.pick((text, text, slip)),)


def _evaluation(chance: Chance, most: int) -> tuple[Plain, ...]:
    values: dict[str, Plain] = {name: chance.pick((-7, -3, -1, 2, 5, 9, 13)) for name in ("fee", "rate", "tax")}
    if chance.below(6) == 0:
        del values["tax"]
    powers = (f"2^{most + 1}", "fee^rate", "fee^0", f"rate^{most}", "7-2^1", "3^")
    return (chance.pick(powers) if chance.below(3) == 0 else _text(chance), values)


def _criteria(one: str, most: int, count: int, price: int) -> tuple[Criterion, ...]:
    return (
        Criterion(
            text=f"A formula such as {one}*{count} is split into numbers, names and signs; all else is refused",
            function="tokens",
            examples=(
                Example(function="tokens", arguments=(f"{one}*{count}",), result=[one, "*", f"{count}"]),
                Example(function="tokens", arguments=("a - 10^b",), result=["a", "-", "10", "^", "b"]),
                Example(function="tokens", arguments=("2 3",), error="ValueError"),
                Example(function="tokens", arguments=("Fee",), error="ValueError"),
            ),
        ),
        Criterion(
            text="The order of calculation is given as tokens, each sign behind its two operands",
            function="postfix",
            examples=(
                Example(function="postfix", arguments=("1+2*3",), result=["1", "2", "3", "*", "+"]),
                Example(function="postfix", arguments=("9-4+2*3-6/2",), result=list[Plain]("94-23*+62/-")),
                Example(function="postfix", arguments=("1+",), error="ValueError"),
            ),
        ),
        Criterion(
            text=f"A formula is calculated with the values of a {one}; powers go up to {most}",
            function="evaluate",
            examples=(
                Example(function="evaluate", arguments=(f"{one}*{count}-1", {one: price}), result=price * count - 1),
                Example(function="evaluate", arguments=(f"2^{most}-2^0", {}), result=2**most - 1),
                Example(function="evaluate", arguments=(f"2^{most + 1}", {}), error="ValueError"),
                Example(function="evaluate", arguments=("4/0", {}), error="ZeroDivisionError"),
            ),
        ),
        Criterion(
            text="The names that a formula uses are listed, each once",
            function="names",
            examples=(
                Example(function="names", arguments=(f"{one}+2*{one}",), result=[one]),
                Example(function="names", arguments=("1+2",), result=[]),
            ),
        ),
    )


def make(v: Variant) -> Kata:
    """The family `formula`."""
    one, many = v.theme.one, v.theme.many
    most = v.number_between("most", 8, 12)
    count, price = v.number_between("count", 2, 9), v.number_between("price", 11, 99)
    return Kata(
        domain="library",
        title=f"Let users write formulas for {many}",
        told=Told(
            vague=f"Every month somebody wants {many} calculated differently, and every month we change code for it.",
            plain=(
                f"Users write formulas over whole numbers for their {many}, with names for values and the usual signs. "
                "We calculate them and say which values they need."
            ),
            exact=(
                "A formula has whole numbers and names of small letters as operands, with one of the signs + - * / ^ "
                "between two of them; blanks around them do not matter, all else is refused. Times and divided by "
                "come before plus and minus, equals from the left. The order of calculation is given as tokens with "
                f"each sign behind its operands. A power is from 0 to {most}. Dividing by zero is an error. The names "
                "that a formula uses are listed, each once."
            ),
        ),
        criteria=_criteria(one, most, count, price),
        open_points=(_power(), _divide(), _unknown(), _order()),
        source=SOURCE.replace("<= 9", f"<= {most}").replace("to 9", f"to {most}").replace("ONE", one),
        inputs={
            "tokens": _with_slips,
            "postfix": _with_slips,
            "evaluate": lambda chance: _evaluation(chance, most),
            "names": _with_slips,
        },
        points=8,
        specialization="backend",
        tags=("library", "language"),
    )
