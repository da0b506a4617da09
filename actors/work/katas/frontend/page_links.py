"""The bar under a long list that leads to its other pages."""

from __future__ import annotations

from actors.work.katas.kata import Alternative, Chance, Criterion, Example, Kata, OpenPoint, Told, Variant
from actors.work.sandbox.plain import Plain

SOURCE = '''"""The page bar under a list: how many pages there are and which of them it shows."""


def page_count(entries, size=SIZE):
    """How many pages a list fills. Raises ValueError if entries or size make no sense."""
    if entries < 0 or size < 1:
        raise ValueError(f"{entries} entries do not fill pages of {size}")
    if entries == 0:
        <<empty>>
    return (entries + size - 1) // size


def page_links(current, last, around=AROUND):
    """What the bar shows, as texts: the first, the last and `around` pages to each side of [current]."""
    if not 1 <= current <= last:
        <<outside>>
    links, before = [], 0
    for page in range(1, last + 1):
        if page in (1, last) or abs(page - current) <= around:
            hidden = page - before - 1
            <<gap>>
            links.append(f"[{page}]" if page == current else str(page))
            before = page
    return links
'''


def _empty() -> OpenPoint:
    def counted(name: str, answer: str, code: str, result: Plain = None, error: str = "") -> Alternative:
        example = Example(function="page_count", arguments=(0, 10), result=result, error=error)
        return Alternative(name=name, answer=answer, code={"empty": code}, examples=(example,))

    return OpenPoint(
        criterion=1,
        topic="edge_case",
        question="How many pages has an empty list?",
        alternatives=(
            counted("none", "None at all, zero.", "return 0", 0),
            counted("one", "One, and it says that there is nothing yet.", "return 1", 1),
            counted("unknown", "It has no number of pages: null, and the bar stays hidden.", "return None", None),
            counted(
                "mistake",
                "The bar must never be asked for then, so refuse it with a LookupError.",
                'raise LookupError("an empty list has no pages")',
                error="LookupError",
            ),
        ),
    )


def _outside() -> OpenPoint:
    def opened(name: str, answer: str, code: str, high: Plain, low: Plain, error: str = "") -> Alternative:
        examples = (
            Example(function="page_links", arguments=(9, 3, 1), result=high, error=error),
            Example(function="page_links", arguments=(0, 3, 1), result=low, error=error),
        )
        return Alternative(name=name, answer=answer, code={"outside": code}, examples=examples)

    return OpenPoint(
        criterion=2,
        topic="errors",
        question="Somebody opens a page that does not exist, such as page 9 of 3. What does the bar show?",
        alternatives=(
            opened(
                "nearest",
                "The page that is nearest to it is current then.",
                "current = max(1, min(current, last))",
                ["1", "2", "[3]"],
                ["[1]", "2", "3"],
            ),
            opened("first", "People start at page 1 again.", "current = 1", ["[1]", "2", "3"], ["[1]", "2", "3"]),
            opened("hidden", "The bar is empty.", "return []", [], []),
            opened(
                "refuse",
                "That is an error, raise ValueError and let the page show its apology.",
                'raise ValueError(f"there is no page {current}")',
                None,
                None,
                error="ValueError",
            ),
        ),
    )


def _gap() -> OpenPoint:
    def shown(name: str, answer: str, code: str, small: list[Plain], wide: list[Plain]) -> Alternative:
        examples = (
            Example(function="page_links", arguments=(4, 5, 1), result=["1", *small, "3", "[4]", "5"]),
            Example(function="page_links", arguments=(5, 6, 1), result=["1", *wide, "4", "[5]", "6"]),
        )
        return Alternative(name=name, answer=answer, code={"gap": code}, examples=examples)

    return OpenPoint(
        criterion=2,
        topic="format",
        question="What stands where pages are left out?",
        alternatives=(
            shown("dots", "Three dots.", 'if hidden:\n    links.append("...")', ["..."], ["..."]),
            shown(
                "dots_or_page",
                "Three dots; but if only a single page is left out, that page itself.",
                'if hidden:\n    links.append("..." if hidden > 1 else str(page - 1))',
                ["2"],
                ["..."],
            ),
            shown(
                "count",
                "How many are left out, in round brackets.",
                'if hidden:\n    links.append(f"({hidden})")',
                ["(1)"],
                ["(2)"],
            ),
            shown(
                "middle",
                "The page in the middle of those left out, of two the lower, so that people can jump.",
                "if hidden:\n    links.append(str((before + page) // 2))",
                ["2"],
                ["2"],
            ),
        ),
    )


def _count(chance: Chance) -> tuple[Plain, ...]:
    size = chance.pick((1, 1, 2, 5, 9, 12))
    entries = size * chance.between(0, 6) + chance.pick((-1, 0, 1))
    if chance.below(3) == 0:
        return (max(1, entries * 5),)
    return (entries, size if chance.below(6) else 0)


def _links(chance: Chance) -> tuple[Plain, ...]:
    last = chance.between(1, 14)
    current = chance.between(0, last + 1) if chance.below(4) == 0 else chance.between(1, last)
    return (current, last) if chance.below(3) == 0 else (current, last, chance.between(0, 3))


def _criteria(size: int, around: int) -> tuple[Criterion, ...]:
    last = 2 * around + 1
    bar: list[Plain] = [f"[{page}]" if page == around + 1 else str(page) for page in range(1, last + 1)]
    return (
        Criterion(
            text=f"A page shows {size} entries, and the last one what remains; impossible numbers are refused",
            function="page_count",
            examples=(
                Example(function="page_count", arguments=(size + 1,), result=2),
                Example(function="page_count", arguments=(size,), result=1),
                Example(function="page_count", arguments=(-1,), error="ValueError"),
                Example(function="page_count", arguments=(5, 0), error="ValueError"),
            ),
        ),
        Criterion(
            text=f"The bar shows the first page, the last, and {around} to each side of the current one in brackets",
            function="page_links",
            examples=(
                Example(function="page_links", arguments=(2, 3, 1), result=["1", "[2]", "3"]),
                Example(function="page_links", arguments=(around + 1, last), result=bar),
                Example(function="page_links", arguments=(1, 1, 2), result=["[1]"]),
                Example(function="page_links", arguments=(2, 4, 2), result=["1", "[2]", "3", "4"]),
            ),
        ),
    )


def make(v: Variant) -> Kata:
    """The family `page_links`."""
    one, many = v.theme.one, v.theme.many
    size, around = v.number_between("size", 6, 60), v.number_between("around", 2, 5)
    return Kata(
        domain="frontend",
        title=f"Page through the list of {many}",
        told=Told(
            vague=f"The list of {many} is endless. I scroll and scroll and never get to the old ones.",
            plain=f"The list of {many} is cut into pages. A bar below it leads to the {many} before and after.",
            exact=(
                f"A page of the {one} list shows {size} entries, the last page those that remain; a negative number of "
                "entries or a page of none is refused (ValueError). The bar is a list of texts: the number of the "
                f"first page, of the last, and of up to {around} pages to each side of the current one, or as many as "
                "asked for; the current one stands in square brackets. Pages in between are left out."
            ),
        ),
        criteria=_criteria(size, around),
        open_points=(_empty(), _outside(), _gap()),
        source=SOURCE.replace("SIZE", str(size)).replace("AROUND", str(around)),
        inputs={"page_count": _count, "page_links": _links},
        points=1,
        specialization="ui_ux",
        tags=("frontend", "navigation"),
    )
