"""Choosing rows of a sorted table: ranges, single rows with a limit, and the line that says what is chosen."""

from __future__ import annotations

from actors.work.katas.kata import Alternative, Chance, Criterion, Example, Kata, OpenPoint, Told, Variant
from actors.work.sandbox.plain import Plain

SOURCE = '''"""Which rows of a sorted table are selected; rows are known by their "id"."""

from <<table_sort>> import sort_rows


def select_range(rows, order, anchor, target):
    """The ids from one row to another as the sorted table shows them, both included."""
    shown = [row["id"] for row in sort_rows(rows, order)]
    if target not in shown:
        raise LookupError(f"row {target} is not shown")
    if anchor not in shown:
        <<lost>>
    low, high = sorted([shown.index(anchor), shown.index(target)])
    return shown[low : high + 1]


def toggle(selected, row, most=MOST):
    """The selected ids after a click on the box of a row; they are in the order of the clicks."""
    if row in selected:
        return [one for one in selected if one != row]
    if len(selected) >= most:
        <<full>>
    return [*selected, row]


def summary(rows, selected):
    """The box of the heading, "all", "some" or "none", and the text beside it."""
    shown = [row["id"] for row in rows]
    seen = [one for one in selected if one in shown]
    box = "some" if seen else "none"
    if seen and len(seen) == len(shown):
        box = "all"
    <<text>>
    return {"box": box, "text": text}
'''


def _lost() -> OpenPoint:
    def selected(name: str, answer: str, code: str, result: Plain = None, error: str = "") -> Alternative:
        rows: list[Plain] = [{"id": "c", "n": 3}, {"id": "a", "n": 1}, {"id": "b", "n": 2}, {"id": "d", "n": 4}]
        arguments: tuple[Plain, ...] = (rows, [["n", "up"]], "x", "c")
        example = Example(function="select_range", arguments=arguments, result=result, error=error)
        return Alternative(name=name, answer=answer, code={"lost": code}, examples=(example,))

    return OpenPoint(
        criterion=1,
        topic="edge_case",
        question="The row where the range should begin is no longer in the table. What is selected?",
        alternatives=(
            selected("target", "Only the row that was clicked.", "anchor = target", ["c"]),
            selected(
                "top",
                "All from the top of the table to the row that was clicked.",
                "anchor = shown[0]",
                ["a", "b", "c"],
            ),
            selected("nothing", "Nothing, the click is lost.", "return []", []),
            selected(
                "refuse",
                "Say so: it is a LookupError, like a clicked row that is not there.",
                'raise LookupError(f"row {anchor} is not shown")',
                error="LookupError",
            ),
        ),
    )


def _full() -> OpenPoint:
    def clicked(name: str, answer: str, code: str, result: Plain = None, error: str = "") -> Alternative:
        example = Example(function="toggle", arguments=(["b", "c", "a"], "d", 3), result=result, error=error)
        return Alternative(name=name, answer=answer, code={"full": code}, examples=(example,))

    return OpenPoint(
        criterion=2,
        topic="limits",
        question="As many rows as allowed are selected, and somebody clicks on one more. What happens?",
        alternatives=(
            clicked(
                "refuse",
                "It is refused with a ValueError, and the page explains the limit.",
                'raise ValueError(f"no more than {most} rows can be selected")',
                error="ValueError",
            ),
            clicked("ignore", "Nothing, the box stays empty.", "return list(selected)", ["b", "c", "a"]),
            clicked(
                "oldest_goes",
                "The row that was selected first makes room for it.",
                "selected = selected[1:]",
                ["c", "a", "d"],
            ),
            clicked("anew", "A new selection begins with it.", "selected = []", ["d"]),
        ),
    )


def _text(many: str) -> OpenPoint:
    def told(name: str, answer: str, code: str, text: str) -> Alternative:
        rows: list[Plain] = [{"id": "a"}, {"id": "b"}, {"id": "c"}, {"id": "d"}]
        result: Plain = {"box": "some", "text": text}
        example = Example(function="summary", arguments=(rows, ["b", "x", "d"]), result=result)
        return Alternative(name=name, answer=answer, code={"text": code}, examples=(example,))

    return OpenPoint(
        criterion=3,
        topic="format",
        question="A selected row has left the table, because of a filter. Does the text count it?",
        alternatives=(
            told(
                "shown_only",
                "No, only rows that can be seen count.",
                f'text = f"{{len(seen)}} of {{len(shown)}} {many} selected"',
                f"2 of 4 {many} selected",
            ),
            told(
                "all_selected",
                "Yes, whatever is selected counts, even if it cannot be seen.",
                f'text = f"{{len(selected)}} of {{len(shown)}} {many} selected"',
                f"3 of 4 {many} selected",
            ),
            told(
                "apart",
                'It is counted apart, as in "2 of 4 selected, 1 hidden", if there is one.',
                f'text = f"{{len(seen)}} of {{len(shown)}} {many} selected"\n'
                "if len(selected) > len(seen):\n"
                '    text += f", {len(selected) - len(seen)} hidden"',
                f"2 of 4 {many} selected, 1 hidden",
            ),
            told(
                "both_sides",
                "Yes, and then it counts among all rows as well: three of five, say.",
                "known = len(shown) + len(selected) - len(seen)\n"
                f'text = f"{{len(selected)}} of {{known}} {many} selected"',
                f"3 of 5 {many} selected",
            ),
        ),
    )


_IDS = ("a", "b", "c", "d", "e", "f", "g")


def _ids(chance: Chance, most: int) -> list[Plain]:
    ids = list(_IDS)
    for place in range(len(ids)):
        other = chance.between(place, len(ids) - 1)
        ids[place], ids[other] = ids[other], ids[place]
    return list[Plain](ids[: chance.between(1, most)])


def _range(chance: Chance) -> tuple[Plain, ...]:
    rows = [{"id": one, "n": chance.below(3), "size": chance.below(4)} for one in [*_ids(chance, 7), "h"]]
    orders: tuple[Plain, ...] = ([["n", "up"]], [["n", "down"], ["size", "up"]], [["size", "down"]], [])
    ends: list[Plain] = [row["id"] if chance.below(6) else "z" for row in (chance.pick(rows), chance.pick(rows))]
    return ([*rows], chance.pick(orders), *ends)


def _toggle(chance: Chance, most: int) -> tuple[Plain, ...]:
    if chance.below(4) == 0:
        return ([f"r{number}" for number in range(most - chance.below(2))], chance.pick(("r1", "z")))
    selected = _ids(chance, 6)[chance.below(2) :]
    row = chance.pick(_IDS)
    return (selected, row, chance.between(2, 5))


def _summary(chance: Chance) -> tuple[Plain, ...]:
    shown = _ids(chance, 4)
    selected = shown[chance.below(2) :] if chance.below(3) == 0 else _ids(chance, 4)[chance.below(2) :]
    return ([{"id": one} for one in shown] if chance.below(6) else [], selected)


def _criteria(many: str, most: int) -> tuple[Criterion, ...]:
    rows: list[Plain] = [{"id": "a", "n": 2}, {"id": "b", "n": 1}, {"id": "c", "n": 3}, {"id": "d", "n": 0}]
    letters: list[Plain] = [f"r{number}" for number in range(most - 1)]
    return (
        Criterion(
            text="A range goes from one row to another in the order in which the table is shown",
            function="select_range",
            examples=(
                Example(function="select_range", arguments=(rows, [["n", "up"]], "b", "c"), result=["b", "a", "c"]),
                Example(function="select_range", arguments=(rows, [["n", "down"]], "b", "a"), result=["a", "b"]),
                Example(function="select_range", arguments=(rows, [["n", "up"]], "d", "d"), result=["d"]),
                Example(function="select_range", arguments=(rows, [["n", "up"]], "a", "x"), error="LookupError"),
            ),
        ),
        Criterion(
            text=f"A click selects a row or takes it out again; no more than {most} are selected",
            function="toggle",
            examples=(
                Example(function="toggle", arguments=(letters, "z"), result=[*letters, "z"]),
                Example(function="toggle", arguments=(["a", "b", "c"], "b", 3), result=["a", "c"]),
            ),
        ),
        Criterion(
            text="The heading shows whether all rows are selected, some or none, and how many",
            function="summary",
            examples=(
                Example(
                    function="summary",
                    arguments=([{"id": "a"}, {"id": "b"}], ["b"]),
                    result={"box": "some", "text": f"1 of 2 {many} selected"},
                ),
                Example(
                    function="summary",
                    arguments=([{"id": "a"}, {"id": "b"}], ["b", "a"]),
                    result={"box": "all", "text": f"2 of 2 {many} selected"},
                ),
                Example(
                    function="summary", arguments=([], []), result={"box": "none", "text": f"0 of 0 {many} selected"}
                ),
            ),
        ),
    )


def make(v: Variant) -> Kata:
    """The family `row_selection`."""
    one, many = v.theme.one, v.theme.many
    most = v.number_between("most", 4, 30)
    return Kata(
        domain="frontend",
        title=f"Select several {many} at once",
        told=Told(
            vague=f"To archive twenty {many} I click twenty times. There must be a better way.",
            plain=(
                f"People select {many} in the table one by one or a whole range, and see how many they have selected."
            ),
            exact=(
                f"Rows of the {one} table have an id. A range holds the ids from the row where it begins to the row "
                "that is clicked, both included, from top to bottom of the table as it is sorted; a clicked row that "
                "is not in the table is refused (LookupError). A click on a row's box appends its id to those "
                f"selected or takes it out; no more than {most} are selected, or as many as asked for. The heading "
                "says all if every shown row is selected, some if one is, else none, and beside it how many are "
                f'selected as in "1 of 2 {many} selected"; an empty table has none.'
            ),
        ),
        criteria=_criteria(many, most),
        open_points=(_lost(), _full(), _text(many)),
        source=SOURCE.replace("MOST", str(most)),
        inputs={"select_range": _range, "toggle": lambda chance: _toggle(chance, most), "summary": _summary},
        points=3,
        specialization="test_automation",
        tags=("frontend", "tables"),
        needs=("table_sort",),
    )
