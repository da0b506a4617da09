"""A table that people sort: how an order is written, how it is applied, what a click on a heading does."""

from __future__ import annotations

from actors.work.katas.kata import Alternative, Chance, Criterion, Example, Kata, OpenPoint, Told, Variant
from actors.work.sandbox.plain import Plain

SOURCE = '''"""Sorts a table by several columns; an order is a list of [column, "up" or "down"]."""

from operator import itemgetter


def read_order(text):
    """Read an order such as "-price,name"; a minus means down. Raises ValueError for an empty column."""
    order = []
    for part in text.split(","):
        column = part.strip().removeprefix("-")
        if not column:
            raise ValueError(f"a column is missing: {text!r}")
        direction = "down" if part.strip().startswith("-") else "up"
        <<again>>
    return order


def sort_rows(rows, order):
    """The rows in this order; those that are equal in it keep their places among each other."""
    for column, direction in reversed(order):
        filled = [row for row in rows if row.get(column) is not None]
        blank = [row for row in rows if row.get(column) is None]
        filled.sort(key=itemgetter(column), reverse=direction == "down")
        <<blank>>
    return rows


def click(order, column, most=MOST):
    """The order after a click on a heading: its column leads, and `most` columns count at all."""
    others = [one for one in order if one[0] != column]
    direction = "up"
    if order and order[0][0] == column:
        <<turn>>
    return [[column, direction], *others][:most]
'''


def _again() -> OpenPoint:
    def read(name: str, answer: str, code: str, result: list[Plain], error: str = "") -> Alternative:
        arguments: tuple[Plain, ...] = ("-price,name,price",)
        example = Example(function="read_order", arguments=arguments, result=None if error else result, error=error)
        return Alternative(name=name, answer=answer, code={"again": code}, examples=(example,))

    return OpenPoint(
        criterion=1,
        topic="data",
        question="What if the same column is named twice in an order?",
        alternatives=(
            read(
                "kept",
                "It is taken as it is written, with the column in both places.",
                "order.append([column, direction])",
                [["price", "down"], ["name", "up"], ["price", "up"]],
            ),
            read(
                "first",
                "Where it is named first counts, the rest is dropped.",
                "if all(one[0] != column for one in order):\n    order.append([column, direction])",
                [["price", "down"], ["name", "up"]],
            ),
            read(
                "last",
                "Where it is named last counts, what came before is dropped.",
                "order = [*(one for one in order if one[0] != column), [column, direction]]",
                [["name", "up"], ["price", "up"]],
            ),
            read(
                "mistake",
                "The link is broken then, refuse it.",
                "if any(one[0] == column for one in order):\n"
                '    raise ValueError(f"{column} is named twice")\n'
                "order.append([column, direction])",
                [],
                error="ValueError",
            ),
        ),
    )


def _blank(column: str) -> OpenPoint:
    def row(letter: str, value: int | None) -> Plain:
        return {"id": letter, column: value}

    rows: list[Plain] = [row("a", 3), row("b", None), row("c", 1)]

    def placed(name: str, answer: str, code: str, up: str, down: str) -> Alternative:
        by_letter = dict(zip("abc", rows, strict=True))
        examples = tuple(
            Example(
                function="sort_rows",
                arguments=(rows, [[column, direction]]),
                result=[by_letter[letter] for letter in letters],
            )
            for direction, letters in (("up", up), ("down", down))
        )
        return Alternative(name=name, answer=answer, code={"blank": code}, examples=examples)

    return OpenPoint(
        criterion=2,
        topic="edge_case",
        question="Where do rows go that have no value in the column?",
        alternatives=(
            placed("end", "To the end, up or down.", "rows = filled + blank", "cab", "acb"),
            placed(
                "front",
                "To the front, up or down: somebody has to fill them in.",
                "rows = blank + filled",
                "bca",
                "bac",
            ),
            placed(
                "smallest",
                "They count as smaller than any value, so they come first going up and last going down.",
                'rows = filled + blank if direction == "down" else blank + filled',
                "bca",
                "acb",
            ),
            placed(
                "gone",
                "They are not shown while the table is sorted by it, unless there are no others.",
                "rows = filled or blank",
                "ca",
                "ac",
            ),
        ),
    )


def _turn() -> OpenPoint:
    def clicked(name: str, answer: str, code: str, result: list[Plain]) -> Alternative:
        order: list[Plain] = [["price", "down"], ["name", "up"]]
        example = Example(function="click", arguments=(order, "price", 3), result=result)
        return Alternative(name=name, answer=answer, code={"turn": code}, examples=(example,))

    return OpenPoint(
        criterion=3,
        topic="workflow",
        question="The table is sorted down by a column already and somebody clicks on it again. What then?",
        alternatives=(
            clicked(
                "turns",
                "It turns round again and goes up.",
                'direction = "down" if order[0][1] == "up" else "up"',
                [["price", "up"], ["name", "up"]],
            ),
            clicked(
                "leaves",
                "It is no longer sorted by that column, the others remain.",
                'if order[0][1] == "down":\n    return others[:most]\ndirection = "down"',
                [["name", "up"]],
            ),
            clicked(
                "unsorted",
                "All sorting is gone, people get the table as it came.",
                'if order[0][1] == "down":\n    return []\ndirection = "down"',
                [],
            ),
            clicked("stays", "Nothing, it stays down.", 'direction = "down"', [["price", "down"], ["name", "up"]]),
        ),
    )


_COLUMNS = ("name", "price", "date", "size")


def _text(chance: Chance) -> tuple[Plain, ...]:
    parts = [chance.pick(("", "-", " -", " ")) + chance.pick(_COLUMNS) for _ in range(chance.between(1, 4))]
    if chance.below(5) == 0:
        parts.append(chance.pick(("", "-", "  ")))
    return (",".join(parts),)


def _order(chance: Chance, most: int) -> list[Plain]:
    columns = [column for column in _COLUMNS if chance.below(2)][:most]
    return [[column, chance.pick(("up", "down"))] for column in columns]


def _table(chance: Chance) -> tuple[Plain, ...]:
    rows = list[Plain]()
    for number in range(chance.between(2, 7)):
        row: dict[str, Plain] = {"id": number}
        row.update({column: chance.below(3) for column in _COLUMNS if chance.below(5)})
        if chance.below(6) == 0:
            row["name"] = None
        rows.append(row)
    return (rows, _order(chance, 3) or [["name", "down"]])


def _click(chance: Chance) -> tuple[Plain, ...]:
    order = _order(chance, 4)
    column = chance.pick(_COLUMNS) if chance.below(2) or not order else "name"
    return (order, column) if chance.below(2) else (order, column, chance.between(1, 3))


def _criteria(column: str, most: int) -> tuple[Criterion, ...]:
    columns = ("a", "b", "c", "d", "e")
    order: list[Plain] = [[name, "up"] for name in columns[:most]]
    return (
        Criterion(
            text=f'An order is written like "-{column},name", a minus means down; a missing column is refused',
            function="read_order",
            examples=(
                Example(
                    function="read_order", arguments=(f"-{column},name",), result=[[column, "down"], ["name", "up"]]
                ),
                Example(function="read_order", arguments=("name , -date",), result=[["name", "up"], ["date", "down"]]),
                Example(function="read_order", arguments=("name,",), error="ValueError"),
                Example(function="read_order", arguments=("-",), error="ValueError"),
            ),
        ),
        Criterion(
            text="Rows are sorted by the first column, equal ones by the next, and otherwise stay as they were",
            function="sort_rows",
            examples=(
                Example(
                    function="sort_rows",
                    arguments=(
                        [{"n": "x", "p": 1, "q": 4}, {"n": "y", "p": 2, "q": 4}, {"n": "z", "p": 1, "q": 4}],
                        [["q", "up"], ["p", "down"]],
                    ),
                    result=[{"n": "y", "p": 2, "q": 4}, {"n": "x", "p": 1, "q": 4}, {"n": "z", "p": 1, "q": 4}],
                ),
                Example(
                    function="sort_rows", arguments=([{column: 2}, {column: 1}], []), result=[{column: 2}, {column: 1}]
                ),
            ),
        ),
        Criterion(
            text=f"A click on a heading sorts by it first, up and then down; the last {most} clicked headings count",
            function="click",
            examples=(
                Example(function="click", arguments=([], column), result=[[column, "up"]]),
                Example(function="click", arguments=([[column, "up"]], column), result=[[column, "down"]]),
                Example(
                    function="click",
                    arguments=([["name", "down"], ["date", "up"]], "date", 3),
                    result=[["date", "up"], ["name", "down"]],
                ),
                Example(function="click", arguments=(order, "z"), result=[["z", "up"], *order[:-1]]),
            ),
        ),
    )


def make(v: Variant) -> Kata:
    """The family `table_sort`."""
    one, many = v.theme.one, v.theme.many
    column = v.pick("column", ("price", "amount", "weight", "age", "score", "total"))
    most = v.number_between("most", 2, 4)
    return Kata(
        domain="frontend",
        title=f"Sort the table of {many}",
        told=Told(
            vague=f"I cannot find anything in the table of {many}, it is in no order that I understand.",
            plain=f"People sort the table of {many} with clicks on its headings, and can send others a sorted view.",
            exact=(
                f"An order of the {one} table is written as columns with commas between, a minus before a column means "
                "down; spaces around columns do not matter, and where a column is missing the text is refused "
                "(ValueError). It is read into a list of column and direction, up or down. Rows are sorted by the "
                "first column, rows equal in it by the next, and rows equal in all keep their places, going down as "
                "well. A click on a heading puts its column first, going up; a click on what leads the order, going "
                f"up, turns it down. The other columns follow as before, and only the first {most} count, or as many "
                "as asked for."
            ),
        ),
        criteria=_criteria(column, most),
        open_points=(_again(), _blank(column), _turn()),
        source=SOURCE.replace("MOST", str(most)).replace("a table by", f"the table of {many} by"),
        inputs={"read_order": _text, "sort_rows": _table, "click": _click},
        points=3,
        specialization="frontend",
        tags=("frontend", "tables"),
    )
