"""Columns of a delivery: which kind they are, what a cell is worth, what changed, which rows are loaded."""

from __future__ import annotations

from collections.abc import Callable

from actors.work.katas.kata import Alternative, Chance, Criterion, Example, Kata, OpenPoint, Told, Variant, call
from actors.work.sandbox.plain import Plain

SOURCE = '''"""Learns the kinds of columns from delivered %many% and loads rows by them."""

import re

YES, NO = "%yes%", "%no%"
MOST = %most%
INTEGER = re.compile(r"-?[0-9]+")


def kind_of(texts):
    """The kind of a column with these cells: integer, flag or text; empty cells say nothing."""
    filled = [text for text in texts if text]
    if filled and all(INTEGER.fullmatch(text) for text in filled):
        <<zeros>>
    if filled and all(text in (YES, NO) for text in filled):
        return "flag"
    return "text"


def convert(text, kind):
    """The value of one cell. Raises ValueError if it does not fit the kind, KeyError for an unknown kind."""
    return _value(text.strip(), kind)


def verdict(old, new):
    """What a change of columns [name, kind] means: same, compatible or breaking."""
    kinds = dict(new)
    if any(kinds.get(name) != kind for name, kind in old):
        return "breaking"
    if len(new) == len(old):
        return "same"
    <<added>>


def load(rows, kinds):
    """The values of the rows that fit the kinds, and the positions of rejected rows."""
    loaded, rejected = [], []
    for position, row in enumerate(rows):
        <<width>>
        try:
            loaded.append([_value(cell.strip(), kind) for cell, kind in zip(cells, kinds, strict=True)])
        except ValueError:
            rejected.append(position)
    if len(rejected) > MOST:
        raise ValueError(f"more than {MOST} rows are rejected")
    return {"rows": loaded, "rejected": rejected}


def _is_padded(text):
    digits = text.removeprefix("-")
    return len(digits) > 1 and digits.startswith("0")


def _value(text, kind):
    if kind == "text":
        return text
    read = READERS[kind]
    if not text:
        <<empty>>
    return read(text)


def _integer(text):
    if not INTEGER.fullmatch(text):
        raise ValueError(f"{text} is no integer")
    return int(text)


def _flag(text):
    if text not in (YES, NO):
        raise ValueError(f"{text} is neither {YES} nor {NO}")
    return text == YES


READERS = {"integer": _integer, "flag": _flag}
'''


def _zeros() -> OpenPoint:
    def padded(name: str, answer: str, code: str, same: str, mixed: str) -> Alternative:
        examples = (call("kind_of", ["007", "112", "003"], result=same), call("kind_of", ["007", "12"], result=mixed))
        return Alternative(name=name, answer=answer, code={"zeros": code}, examples=examples)

    return OpenPoint(
        criterion=1,
        topic="format",
        question="Is a column with leading zeros, such as 007, a column of integers?",
        alternatives=(
            padded("integer", "Yes, zeros in front do not matter.", 'return "integer"', "integer", "integer"),
            padded(
                "text",
                "No: one such cell makes it text, or we lose the zeros.",
                'return "text" if any(_is_padded(text) for text in filled) else "integer"',
                "text",
                "text",
            ),
            padded(
                "code",
                "No, that is a kind of its own, code.",
                'return "code" if any(_is_padded(text) for text in filled) else "integer"',
                "code",
                "code",
            ),
            padded(
                "same_length",
                "Only if the cells differ in length; if all have the same, they are article numbers: text.",
                "padded = any(_is_padded(text) for text in filled)\n"
                'return "text" if padded and len({len(text) for text in filled}) == 1 else "integer"',
                "text",
                "integer",
            ),
        ),
    )


def _empty() -> OpenPoint:
    def blank(name: str, answer: str, code: str, integer: Plain, flag: Plain) -> Alternative:
        def example(kind: str, result: Plain) -> Example:
            if result == "refused":
                return call("convert", "", kind, error="ValueError")
            return call("convert", "", kind, result=result)

        examples = (example("integer", integer), example("flag", flag))
        return Alternative(name=name, answer=answer, code={"empty": code}, examples=examples)

    return OpenPoint(
        criterion=2,
        topic="data",
        question="What is an empty cell worth in a column of integers or flags?",
        alternatives=(
            blank("nothing", "Nothing: there is no value.", "return None", None, None),
            blank(
                "zero",
                "In a column of integers zero; a flag has no value.",
                'return 0 if kind == "integer" else None',
                0,
                None,
            ),
            blank(
                "refused",
                "It does not fit: a cell that is not text has to be filled.",
                'raise ValueError("the cell is empty")',
                "refused",
                "refused",
            ),
            blank(
                "negative",
                "A flag that is not set means no; an integer has no value.",
                'return False if kind == "flag" else None',
                None,
                False,
            ),
        ),
    )


def _added() -> OpenPoint:
    def grown(name: str, answer: str, code: str, at_end: str, between: str) -> Alternative:
        a, b, new = list[Plain](["a", "text"]), list[Plain](["b", "integer"]), list[Plain](["new", "flag"])
        examples = (
            call("verdict", [a, b], [a, b, new], result=at_end),
            call("verdict", [a, b], [a, new, b], result=between),
        )
        return Alternative(name=name, answer=answer, code={"added": code}, examples=examples)

    return OpenPoint(
        criterion=3,
        topic="compatibility",
        question="Is it a problem if somebody adds a column?",
        alternatives=(
            grown(
                "compatible", "No, it is compatible wherever it is.", 'return "compatible"', "compatible", "compatible"
            ),
            grown("breaking", "Yes, that breaks our import: breaking.", 'return "breaking"', "breaking", "breaking"),
            grown(
                "at_end",
                "Only if it comes in front of one that we know; behind all of them it is compatible.",
                "known = [name for name, _ in old]\n"
                'return "compatible" if all(name in known for name, _ in new[: len(old)]) else "breaking"',
                "compatible",
                "breaking",
            ),
            grown("review", 'I want to look at it: the answer is "review".', 'return "review"', "review", "review"),
        ),
    )


def _width() -> OpenPoint:
    good: list[Plain] = [["a", "b"], ["c", "d"], ["e", "f"]]

    def loaded(name: str, answer: str, code: str, result: Plain, error: str = "") -> Alternative:
        rows: list[Plain] = [good[0], ["x"], good[1], ["y", "z", "!"], good[2]]
        example = call("load", rows, ["text", "text"], result=result, error=error)
        return Alternative(name=name, answer=answer, code={"width": code}, examples=(example,))

    return OpenPoint(
        criterion=4,
        topic="errors",
        question="What becomes of rows with too few or too many cells?",
        alternatives=(
            loaded("rejected", "They are rejected.", "cells = row", {"rows": good, "rejected": [1, 3]}),
            loaded(
                "padded",
                "Too few: the missing cells count as empty. Too many: rejected.",
                'cells = row + [""] * (len(kinds) - len(row))',
                {"rows": [good[0], ["x", ""], good[1], good[2]], "rejected": [3]},
            ),
            loaded(
                "stop",
                "Then the delivery is broken: nothing is loaded, and there is a LookupError.",
                'if len(row) != len(kinds):\n    raise LookupError(f"row {position} does not fit")\ncells = row',
                None,
                "LookupError",
            ),
            loaded(
                "fitted",
                "Missing cells count as empty, surplus ones are dropped.",
                'cells = (row + [""] * len(kinds))[: len(kinds)]',
                {"rows": [good[0], ["x", ""], good[1], ["y", "z"], good[2]], "rejected": []},
            ),
        ),
    )


KINDS = ("integer", "flag", "text")


def _inputs(yes: str, no: str, most: int) -> dict[str, Callable[[Chance], tuple[Plain, ...]]]:
    cells = {"integer": ("0", "12", "-7", "340"), "flag": (yes, no), "text": ("oak", "x1", "-", "12.3")}
    odd = ("maybe", "1-2", "+3", " 8 ", "5.0")

    def column(chance: Chance) -> tuple[Plain, ...]:
        kind = chance.pick((*KINDS, "integer"))
        texts: list[Plain] = [chance.pick((*cells[kind] * 2, "")) for _ in range(chance.between(0, 4))]
        return ([*texts, *chance.pick(((), (), (), ("007",), ("-05", "-12"), odd[:1], ("0",)))],)

    def cell(chance: Chance) -> tuple[Plain, ...]:
        kind = chance.pick((*KINDS, "integer", "flag"))
        return (chance.pick((*cells[kind] * 2, "", *odd, "  ")), chance.pick((*[kind] * 9, "money")))

    def change(chance: Chance) -> tuple[Plain, ...]:
        old = [[name, chance.pick(KINDS)] for name in "abcd"[: chance.between(1, 4)]]
        new = [[name, kind if chance.below(15) else "text"] for name, kind in old if chance.below(15)]
        for name in "xy"[: chance.pick((0, 0, 1, 1, 2))]:
            new.insert(chance.pick((len(new), len(new), chance.below(len(new) + 1))), [name, "text"])
        return ([list[Plain](one) for one in old], [list[Plain](one) for one in new])

    def delivery(chance: Chance) -> tuple[Plain, ...]:
        kinds, rows = [chance.pick(KINDS) for _ in range(chance.between(1, 3))], list[Plain]()
        for _ in range(chance.between(1, 8)):
            row: list[Plain] = [chance.pick((*cells[kind] * 4, "")) for kind in kinds]
            rows.append(chance.pick((*[row] * 12, row[1:], [*row, "more"])))
        rows += [["odd"] * len(kinds)] * chance.pick((0, 0, 1, most, most + 1))
        return (rows, list[Plain](kinds))

    return {"kind_of": column, "convert": cell, "verdict": change, "load": delivery}


def _criteria(yes: str, no: str, most: int) -> tuple[Criterion, ...]:
    a, b, other = list[Plain](["a", "text"]), list[Plain](["b", "integer"]), list[Plain](["b", "text"])
    odd: list[Plain] = [["one"]] * most
    return (
        Criterion(
            text=f"A column is integer, flag ({yes} or {no}) or text; empty cells do not matter",
            function="kind_of",
            examples=(
                call("kind_of", ["12", "", "-7", "0"], result="integer"),
                call("kind_of", [yes, no], result="flag"),
                call("kind_of", ["twelve", "12"], result="text"),
            ),
        ),
        Criterion(
            text="Cells become values, without the spaces around them; what does not fit its kind is refused",
            function="convert",
            examples=(
                call("convert", " -12 ", "integer", result=-12),
                call("convert", no, "flag", result=False),
                call("convert", "12 pcs", "integer", error="ValueError"),
            ),
        ),
        Criterion(
            text="When columns change, we learn whether our import still works; a missing or changed one breaks it",
            function="verdict",
            examples=(
                call("verdict", [a, b], [a, b], result="same"),
                call("verdict", [a, b], [a], result="breaking"),
                call("verdict", [a, b], [a, other], result="breaking"),
            ),
        ),
        Criterion(
            text=f"Rows that fit are loaded, others are listed; if more than {most} do not fit, nothing is loaded",
            function="load",
            examples=(
                call(
                    "load",
                    [["1", yes], ["2", no]],
                    ["integer", "flag"],
                    result={"rows": [[1, True], [2, False]], "rejected": []},
                ),
                call("load", [["1"], *odd], ["integer"], result={"rows": [[1]], "rejected": [*range(1, most + 1)]}),
                call("load", [["1"], *odd, ["two"]], ["integer"], error="ValueError"),
            ),
        ),
    )


def make(v: Variant) -> Kata:
    """The family `type_columns`."""
    one, many = v.theme.one, v.theme.many
    yes, no = v.pick("flags", (("yes", "no"), ("on", "off"), ("y", "n"), ("true", "false"), ("ja", "nein")))
    most = v.number_between("most", 2, 6)
    source = SOURCE.replace("%many%", many).replace("%yes%", yes).replace("%no%", no).replace("%most%", str(most))
    return Kata(
        domain="pipeline",
        title=f"Load the {one} files of our partners by kind of column",
        told=Told(
            vague=f"Every partner sends us {many} in another shape, and every month the import falls over.",
            plain=(
                f"Files with {many} come without any description. We find out what is in each column, notice when the "
                "columns change, and load what fits."
            ),
            exact=(
                f"Cells are text. An integer has digits and maybe a minus, a flag is {yes} or {no}, all else is "
                "text, also a column without any filled cell. Converting drops the spaces around a cell; an unknown "
                "kind is a KeyError. Columns are known by name; if none is missing, changed or new, they are the "
                f"same. Rejected rows are listed by position from 0; more than {most} of them are a ValueError."
            ),
        ),
        criteria=_criteria(yes, no, most),
        open_points=(_zeros(), _empty(), _added(), _width()),
        source=source,
        inputs=_inputs(yes, no, most),
        points=5,
        specialization="database",
        tags=("pipeline", "database", "import"),
    )
