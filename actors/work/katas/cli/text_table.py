"""Tables of text for a terminal: widths, cells, whole tables, and the order of rows."""

from __future__ import annotations

from actors.work.katas.kata import Alternative, Chance, Criterion, Example, Kata, OpenPoint, Told, Variant, call
from actors.work.sandbox.plain import Plain

SOURCE = '''"""Tables of MANY for a terminal; a table is a list of rows, a row a list of texts."""

WIDEST = 20


def widths(rows, widest=WIDEST):
    """How many characters each column needs; none gets more than the widest."""
    columns = max((len(row) for row in rows), default=0)
    <<ragged>>
    return [min(widest, max(len(row[at]) for row in rows)) for at in range(columns)]


def fit(cell, width):
    """A cell at exactly this width."""
    if width < 3:
        raise ValueError("a cell is at least 3 wide")
    if len(cell) > width:
        <<cut>>
    if _is_number(cell):
        return cell.rjust(width)
    return cell.ljust(width)


def _is_number(cell):
    """Whether a cell of a ONE holds a whole number."""
    return cell.removeprefix("-").isdecimal()


def lines(head, rows):
    """The lines of a table with a head, a rule under it, and as many columns as the head."""
    cells = [(row + [""] * len(head))[: len(head)] for row in rows]
    sizes = [max(3, size) for size in widths([head, *cells])]
    rule = "RULE".join("-" * size for size in sizes)
    table = [_line(head, sizes), rule, *(_line(row, sizes) for row in cells)]
    <<empty>>


def _line(row, sizes):
    """One row as a line without blanks at its end."""
    return "GAP".join(fit(cell, size) for cell, size in zip(row, sizes, strict=True)).rstrip()


def ordered(rows, column):
    """The rows by one of their columns, ascending; equal ones stay as they are."""
    if any(column >= len(row) for row in rows):
        raise ValueError(f"not every row has a column {column}")
    return sorted(rows, key=lambda row: _key(row[column]))


def _key(cell):
    """What a cell of a ONE is ordered by."""
    <<order>>
'''


def _ragged() -> OpenPoint:
    def measured(name: str, answer: str, code: str, *results: int) -> Alternative:
        rows: list[Plain] = [["a", "bbb"], ["cccc"], ["dd", "e", "ff"], ["g", "hhh", "i"]]
        example = Example(
            function="widths", arguments=(rows,), result=list[Plain](results), error="" if results else "ValueError"
        )
        return Alternative(name=name, answer=answer, code={"ragged": code}, examples=(example,))

    return OpenPoint(
        criterion=1,
        topic="edge_case",
        question="What if some rows have fewer cells than others?",
        alternatives=(
            measured(
                "filled",
                "The cells that they lack are empty.",
                'rows = [row + [""] * (columns - len(row)) for row in rows]',
                4,
                3,
                2,
            ),
            measured(
                "shortest",
                "Then the table has only the columns that every row has.",
                "columns = min((len(row) for row in rows), default=0)",
                4,
            ),
            measured(
                "left_out",
                "Such rows are broken and do not count.",
                "rows = [row for row in rows if len(row) == columns]",
                2,
                3,
                2,
            ),
            measured(
                "refused",
                "Such a table is refused.",
                'if any(len(row) < columns for row in rows):\n    raise ValueError("some rows are too short")',
            ),
        ),
    )


def _cut() -> OpenPoint:
    def fitted(name: str, answer: str, code: str, text: str, number: str) -> Alternative:
        examples = (
            Example(function="fit", arguments=("blueberry pie", 8), result=text),
            Example(function="fit", arguments=("123456", 4), result=number),
        )
        return Alternative(name=name, answer=answer, code={"cut": code}, examples=examples)

    return OpenPoint(
        criterion=2,
        topic="format",
        question="What becomes of a text that is too long for its cell?",
        alternatives=(
            fitted("plain", "What is too much is cut off.", "return cell[:width]", "blueberr", "1234"),
            fitted("dots", "It is cut and ends with two dots.", 'return cell[: width - 2] + ".."', "bluebe..", "12.."),
            fitted(
                "middle",
                "Beginning and end stay, with a tilde for what is cut between; the beginning gets the odd character.",
                'head, tail = width // 2, (width - 1) // 2\nreturn cell[:head] + "~" + cell[-tail:]',
                "blue~pie",
                "12~6",
            ),
            fitted(
                "numbers_never",
                "It is cut off, but a number that is cut would be wrong: show ### instead.",
                'return "#" * width if _is_number(cell) else cell[:width]',
                "blueberr",
                "####",
            ),
        ),
    )


def _empty(gap: str, rule: str, many: str) -> OpenPoint:
    def shown(name: str, answer: str, code: str, *result: str) -> Alternative:
        example = Example(function="lines", arguments=(["name", "size"], []), result=list[Plain](result))
        return Alternative(name=name, answer=answer, code={"empty": code}, examples=(example,))

    return OpenPoint(
        criterion=3,
        topic="workflow",
        question="What is shown if there are no rows?",
        alternatives=(
            shown("head", "Head and rule, nothing under them.", "return table", *_head(gap, rule)),
            shown("nothing", "Nothing at all.", "return table if rows else []"),
            shown("word", f"Only the line: no {many}", f'return table if rows else ["no {many}"]', f"no {many}"),
            shown(
                "closed",
                "Head and rule, and a second rule, so that nobody waits for more.",
                "return table if rows else [*table, rule]",
                *_head(gap, rule),
                f"----{rule}----",
            ),
        ),
    )


def _head(gap: str, rule: str) -> tuple[str, str]:
    return f"name{gap}size", f"----{rule}----"


def _order() -> OpenPoint:
    def ordered(name: str, answer: str, code: str, result: str) -> Alternative:
        rows: list[Plain] = [[cell] for cell in ("b", "10", "Ca", "", "9", "a")]
        example = Example(
            function="ordered", arguments=(rows, 0), result=[[cell] for cell in result.replace("_", "").split(",")]
        )
        return Alternative(name=name, answer=answer, code={"order": code}, examples=(example,))

    number = "number = int(cell) if _is_number(cell) else 0"
    return OpenPoint(
        criterion=4,
        topic="data",
        question="How are numbers, words and empty cells of one column ordered?",
        alternatives=(
            ordered("as_text", "All as text, character by character.", "return cell", "_,10,9,Ca,a,b"),
            ordered(
                "numbers_first",
                "Empty cells, then numbers by value, then words without regard to case.",
                f"{number}\nreturn [bool(cell) and not _is_number(cell), bool(cell), number, cell.lower()]",
                "_,9,10,a,b,Ca",
            ),
            ordered(
                "empty_last",
                "Numbers by value, then words without regard to case, and empty cells at the end.",
                f"{number}\nreturn [not cell, not _is_number(cell), number, cell.lower()]",
                "9,10,a,b,Ca,_",
            ),
            ordered(
                "words_first",
                "Words as they are written, then numbers by value, then empty cells.",
                f"{number}\nreturn [not cell, _is_number(cell), number, cell]",
                "Ca,a,b,9,10,_",
            ),
        ),
    )


CELLS = (
    "",
    "7",
    "-12",
    "105",
    "pie",
    "Apple",
    "a b",
    "blueberry",
    "12345678901",
    "rhubarb crumble and cream",
    "-",
    "99",
)


def _rows(chance: Chance, columns: int) -> list[Plain]:
    return [[chance.pick(CELLS) for _ in range(columns)] for _ in range(chance.between(1, 4))]


def _widths(chance: Chance) -> tuple[Plain, ...]:
    rows: list[Plain] = [[chance.pick(CELLS) for _ in range(chance.between(1, 3))] for _ in range(chance.between(0, 4))]
    return (rows,) if chance.below(2) else (rows, chance.between(3, 26))


def _fit(chance: Chance) -> tuple[Plain, ...]:
    cell = chance.pick(CELLS)
    return (cell, chance.pick((2, 3, max(3, len(cell)), max(3, len(cell) - 1), len(cell) + 2, 5, 8)))


def _lines(chance: Chance) -> tuple[Plain, ...]:
    columns = chance.between(1, 3)
    head: list[Plain] = list[Plain](("name", "no", "comment")[:columns])
    return (head, _rows(chance, max(1, columns + chance.between(-1, 1))) if chance.below(6) else [])


def _ordered(chance: Chance) -> tuple[Plain, ...]:
    columns = chance.between(1, 3)
    rows: list[Plain] = [[chance.pick(CELLS) for _ in range(columns)] for _ in range(chance.between(3, 7))]
    return (rows, chance.pick((0, columns - 1, columns - 1, columns)))


def _criteria(one: str, widest: int, gap: str, rule: str) -> tuple[Criterion, ...]:
    return (
        Criterion(
            text=f"Each column is as wide as its longest cell, at most {widest} or what is given instead",
            function="widths",
            examples=(
                call("widths", [["a", "bb"], ["ccc", ""]], result=[3, 2]),
                call("widths", [["x" * widest, "x" * (widest + 1)]], result=[widest, widest]),
                call("widths", [["x" * 30]], 28, result=[28]),
                call("widths", [], result=[]),
            ),
        ),
        Criterion(
            text="A cell is filled up with blanks, numbers at the right, texts at the left; it is at least 3 wide",
            function="fit",
            examples=(
                call("fit", one, len(one) + 2, result=f"{one}  "),
                call("fit", "-42", 5, result="  -42"),
                call("fit", "a", 2, error="ValueError"),
            ),
        ),
        Criterion(
            text="A table has its head, a rule under it and a line for each row, without blanks at the end",
            function="lines",
            examples=(
                call(
                    "lines",
                    ["name", "no"],
                    [["pie", "7"], ["", "105"]],
                    result=[f"name{gap}no", f"----{rule}---", f"pie {gap}  7", f"    {gap}105"],
                ),
                call(
                    "lines",
                    ["name", "no"],
                    [["a"], ["b", "1", "2"]],
                    result=[f"name{gap}no", f"----{rule}---", f"a   {gap}".rstrip(), f"b   {gap}  1"],
                ),
            ),
        ),
        Criterion(
            text="Rows are ordered by a column that all of them have; equal ones stay in their order",
            function="ordered",
            examples=(
                call("ordered", [["b", "1"], ["a", "2"], ["b", "0"]], 0, result=[["a", "2"], ["b", "1"], ["b", "0"]]),
                call("ordered", [["1", "b"], ["2", "a"]], 1, result=[["2", "a"], ["1", "b"]]),
                call("ordered", [["a", "b"], ["c"]], 1, error="ValueError"),
            ),
        ),
    )


def make(v: Variant) -> Kata:
    """The family `text_table`."""
    one, many = v.theme.one, v.theme.many
    widest = v.number_between("widest", 12, 24)
    gap, rule = v.pick("gap", (("  ", "  "), (" | ", "-+-"), ("   ", "---"), (" : ", " : ")))
    return Kata(
        domain="cli",
        title=f"List {many} as a table",
        told=Told(
            vague=f"The list of {many} on the terminal is a mess. Nothing is under anything.",
            plain=f"The {many} are shown as a table with a head, in columns of equal width, ordered by any column.",
            exact=(
                f"A column is as wide as its longest cell, but not wider than {widest} unless told otherwise. A cell "
                "is at least 3 wide; whole numbers stand at its right, all else at its left. The head has a rule "
                f'of dashes under it. Between columns stands "{gap}", in the rule "{rule}"; no line ends in blanks. '
                "In a table, rows have as many cells as the head: more are cut, missing ones are empty. Rows can be "
                "ordered by a column, which all of them must have; equal ones stay in their order."
            ),
        ),
        criteria=_criteria(one, widest, gap, rule),
        open_points=(_ragged(), _cut(), _empty(gap, rule, many), _order()),
        source=SOURCE.replace("WIDEST = 20", f"WIDEST = {widest}")
        .replace("RULE", rule)
        .replace("GAP", gap)
        .replace("MANY", many)
        .replace("ONE", one),
        inputs={"widths": _widths, "fit": _fit, "lines": _lines, "ordered": _ordered},
        points=5,
        specialization="frontend",
        tags=("cli", "text"),
    )
