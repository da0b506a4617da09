"""Search results that show what was found: where words are, which places belong together, and the marked text."""

from __future__ import annotations

from actors.work.katas.kata import Alternative, Chance, Criterion, Example, Kata, OpenPoint, Told, Variant
from actors.work.sandbox.plain import Plain

SOURCE = '''"""Marks in a text what was searched for; places are [start, end], the end is not included."""

import re

from <<comment_markup>> import escape

MARK = ("<mark class='STYLE'>", "</mark>")


def find(text, query):
    """The places in a text where the query is found, in order; capitals do not matter."""
    words = [re.escape(word) for word in query.split()]
    <<which>>
    return sorted(places)


def join(places):
    """Places in order, with those joined that belong together; an empty place is dropped."""
    joined = []
    for start, end in sorted(place for place in places if place[0] < place[1]):
        <<touch>>
            joined[-1][1] = max(joined[-1][1], end)
        else:
            joined.append([start, end])
    return joined


def highlight(text, query, most=MOST):
    """The text as HTML with at most `most` places marked."""
    places = join(find(text, query))
    if not places:
        <<nothing>>
    html, at = "", 0
    for start, end in places[:most]:
        html += escape(text[at:start]) + escape(text[start:end]).join(MARK)
        at = end
    return html + escape(text[at:])


def _places(pattern, text):
    return [list(found.span()) for found in re.finditer(pattern, text, re.IGNORECASE)]
'''


def _which() -> OpenPoint:
    def found(name: str, answer: str, code: str, both: list[Plain], one: list[Plain]) -> Alternative:
        examples = (
            Example(function="find", arguments=("red cat, scared cat", "red cat"), result=both),
            Example(function="find", arguments=("red dog", "red cat"), result=one),
        )
        return Alternative(name=name, answer=answer, code={"which": code}, examples=examples)

    everywhere: list[Plain] = [[0, 3], [4, 7], [12, 15], [16, 19]]
    return OpenPoint(
        criterion=1,
        topic="data",
        question="What is found when somebody types several words?",
        alternatives=(
            found(
                "each",
                "Each of the words, wherever it stands.",
                "places = [place for word in words for place in _places(word, text)]",
                everywhere,
                [[0, 3]],
            ),
            found(
                "phrase",
                "Only the words one after the other, with any space between them.",
                'places = _places(r"\\s+".join(words), text) if words else []',
                [[0, 7], [12, 19]],
                [],
            ),
            found(
                "beginnings",
                "Each of the words, but only at the beginning of a word in the text.",
                'places = [place for word in words for place in _places(rf"(?<!\\w){word}", text)]',
                [[0, 3], [4, 7], [16, 19]],
                [[0, 3]],
            ),
            found(
                "all_or_none",
                "Each of the words wherever it stands, but nothing if one of them is missing in the text.",
                "by_word = [_places(word, text) for word in words]\n"
                "places = [place for one in by_word for place in one] if all(by_word) else []",
                everywhere,
                [],
            ),
        ),
    )


def _touch() -> OpenPoint:
    def joined(name: str, answer: str, code: str, result: list[Plain]) -> Alternative:
        places: list[Plain] = [[0, 2], [2, 4], [5, 7], [9, 12], [11, 14]]
        example = Example(function="join", arguments=(places,), result=result)
        return Alternative(name=name, answer=answer, code={"touch": code}, examples=(example,))

    return OpenPoint(
        criterion=2,
        topic="edge_case",
        question="Do two places belong together that do not overlap but stand side by side?",
        alternatives=(
            joined(
                "touching",
                "Yes, if nothing is between them.",
                "if joined and start <= joined[-1][1]:",
                [[0, 4], [5, 7], [9, 14]],
            ),
            joined(
                "overlapping",
                "No, only if they overlap.",
                "if joined and start < joined[-1][1]:",
                [[0, 2], [2, 4], [5, 7], [9, 14]],
            ),
            joined(
                "one_between",
                "Yes, even with one character between them, as between two words.",
                "if joined and start <= joined[-1][1] + 1:",
                [[0, 7], [9, 14]],
            ),
            joined(
                "as_long",
                "Yes, if what is between them is no longer than the earlier one, with all that was joined to it.",
                "if joined and start - joined[-1][1] <= joined[-1][1] - joined[-1][0]:",
                [[0, 14]],
            ),
        ),
    )


def _nothing(width: int) -> OpenPoint:
    text = "ab" * width

    def shown(name: str, answer: str, code: str, result: Plain) -> Alternative:
        examples = (
            Example(function="highlight", arguments=(text, "xyz"), result=result),
            Example(function="highlight", arguments=(text[:width], "xyz"), result=result and text[:width]),
        )
        return Alternative(name=name, answer=answer, code={"nothing": code}, examples=examples)

    return OpenPoint(
        criterion=3,
        topic="format",
        question="What is shown of a text in which nothing is found?",
        alternatives=(
            shown("whole", "The whole text, without marks.", "return escape(text)", text),
            shown("empty", "No text: an empty line.", 'return ""', ""),
            shown("none", "It is no result at all: null, and the list leaves it out.", "return None", None),
            shown(
                "beginning",
                f"Its first {width} characters and three dots if there are more.",
                f'return escape(text[:{width}]) + ("..." if len(text) > {width} else "")',
                text[:width] + "...",
            ),
        ),
    )


_WORDS = ("open", "Open", "reopen", "the", "theme", "a<b", "R&D", "late", "plate", "100%", "end.")
_QUERIES = ("open", "the", "late", "pen the", "OPEN late", "a<b", "r&d open", "100%", "zebra", "the zebra", "e en")


def _found(chance: Chance) -> tuple[Plain, ...]:
    words = [chance.pick(_WORDS) for _ in range(chance.between(2, 8))]
    return (chance.pick((" ", " ", "  ")).join(words), chance.pick(_QUERIES))


def _join(chance: Chance) -> tuple[Plain, ...]:
    places = list[Plain]()
    for _ in range(chance.between(1, 6)):
        start = chance.below(24)
        places.append([start, start + chance.below(6)])
    return (places,)


def _shown(chance: Chance) -> tuple[Plain, ...]:
    text, query = _found(chance)
    return (text, query, chance.between(0, 3)) if chance.below(2) else (text, query)


def _criteria(one: str, style: str, most: int) -> tuple[Criterion, ...]:
    head, tail = f"<mark class='{style}'>", "</mark>"
    return (
        Criterion(
            text="What is searched for is found whether in capitals or not, also in the middle of a text",
            function="find",
            examples=(
                Example(function="find", arguments=(f"New {one}", one.upper()), result=[[4, 4 + len(one)]]),
                Example(function="find", arguments=("ab. ab", "ab"), result=[[0, 2], [4, 6]]),
                Example(function="find", arguments=("a.b axb", "a.b"), result=[[0, 3]]),
                Example(function="find", arguments=("some text", "  "), result=[]),
            ),
        ),
        Criterion(
            text="Places that overlap are joined into one",
            function="join",
            examples=(
                Example(function="join", arguments=([[20, 24], [0, 5], [22, 30]],), result=[[0, 5], [20, 30]]),
                Example(function="join", arguments=([[0, 9], [2, 4], [3, 3]],), result=[[0, 9]]),
                Example(function="join", arguments=([[3, 3]],), result=[]),
            ),
        ),
        Criterion(
            text=f"The first {most} places are marked in the shown text, which is safe whatever it says",
            function="highlight",
            examples=(
                Example(
                    function="highlight",
                    arguments=(f"a < b: {one}!", one),
                    result=f"a &lt; b: {head}{one}{tail}!",
                ),
                Example(function="highlight", arguments=("x & x", "x", 1), result=f"{head}x{tail} &amp; x"),
                Example(
                    function="highlight",
                    arguments=(" - ".join(["x"] * (most + 1)), "x"),
                    result=" - ".join([f"{head}x{tail}"] * most + ["x"]),
                ),
            ),
        ),
    )


def make(v: Variant) -> Kata:
    """The family `search_highlight`."""
    one, many = v.theme.one, v.theme.many
    style = v.pick("style", ("hit", "found", "match", "glow", "spot", "seek"))
    most, width = v.number_between("most", 2, 7), v.number_between("width", 20, 60)
    return Kata(
        domain="frontend",
        title=f"Show in search results why {many} were found",
        told=Told(
            vague=f"Search gives me forty {many}, and I have no idea why it thinks they fit.",
            plain=f"When people search for {many}, what they searched for is marked in the texts that were found.",
            exact=(
                f"Places in the texts of {many} are pairs of start and end, the end not included, and are given in "
                "order. Words of a query are separated by spaces; capitals do not matter, and no character has a "
                "special meaning. An empty query finds nothing. Places that overlap are joined into one and "
                f"empty ones dropped. In the shown text the first {most} places, or as many as asked for, stand in "
                f"<mark class='{style}'> and </mark>; all else is escaped as comments are."
            ),
        ),
        criteria=_criteria(one, style, most),
        open_points=(_which(), _touch(), _nothing(width)),
        source=SOURCE.replace("STYLE", style).replace("MOST", str(most)),
        inputs={"find": _found, "join": _join, "highlight": _shown},
        points=3,
        specialization="ui_ux",
        tags=("frontend", "search"),
        needs=("comment_markup",),
    )
