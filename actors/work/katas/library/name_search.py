"""A search over names that forgives misspelling: terms, scores, and what is found in which order."""

from __future__ import annotations

from actors.work.katas.kata import Alternative, Chance, Criterion, Example, Kata, OpenPoint, Told, Variant
from actors.work.sandbox.plain import Plain

SOURCE = '''"""Finds MANY by words of their names, even if they are slightly misspelt."""

import re

from <<edit_distance>> import distance

EXACT, BEGINS, NEARLY = 9, 5, 1


def terms(text):
    """The words to look for, in small letters, each once."""
    words = re.findall(r"[a-z0-9]+(?:-[a-z0-9]+)*", text.lower())
    found = []
    for word in words:
        <<hyphen>>
    return list(dict.fromkeys(found))


def score(name, term):
    """How well a term fits the best of the words of a ONE name; 0 if it does not fit at all."""
    words = name.lower().split()
    if term in words:
        return EXACT
    if any(word.startswith(term) for word in words):
        return BEGINS
    <<forgiven>>
    return NEARLY if any(distance(word, term) <= most for word in words) else 0


def search(text, names):
    """The names that fit a text, the best first, equally good ones by alphabet."""
    wanted = terms(text)
    if not wanted:
        <<nothing>>
    rows = [[[score(name, term) for term in wanted], name] for name in names]
    <<matching>>
    return [name for scores, name in sorted(rows, key=lambda row: [-sum(row[0]), row[1]])]
'''


def _hyphen() -> OpenPoint:
    def read(name: str, answer: str, code: str, result: list[Plain]) -> Alternative:
        example = Example(function="terms", arguments=("old mid-term",), result=result)
        return Alternative(name=name, answer=answer, code={"hyphen": code}, examples=(example,))

    return OpenPoint(
        criterion=1,
        topic="format",
        question="Is a word with a hyphen, such as mid-term, one term or two?",
        alternatives=(
            read("two", "Two: mid and term.", 'found += word.split("-")', ["old", "mid", "term"]),
            read("one", "One, written with its hyphen.", "found.append(word)", ["old", "mid-term"]),
            read(
                "joined", "One, written without the hyphen.", 'found.append(word.replace("-", ""))', ["old", "midterm"]
            ),
            read(
                "first_part",
                "Only what stands before the hyphen counts.",
                'found.append(word.partition("-")[0])',
                ["old", "mid"],
            ),
        ),
    )


def _forgiven(nearly: int) -> OpenPoint:
    def scored(name: str, answer: str, code: str, *fits: bool) -> Alternative:
        pairs = (("tin", "ton"), ("lamp", "limp"), ("workbench", "workpunch"))
        examples = tuple(
            Example(function="score", arguments=pair, result=nearly if fit else 0)
            for pair, fit in zip(pairs, fits, strict=True)
        )
        return Alternative(name=name, answer=answer, code={"forgiven": code}, examples=examples)

    return OpenPoint(
        criterion=2,
        topic="limits",
        question="How many wrong letters does a term that is nearly right have?",
        alternatives=(
            scored("one", "One at most, however long it is.", "most = 1", True, True, False),
            scored("by_length", "One for every four letters of the term.", "most = len(term) // 4", False, True, True),
            scored(
                "long_only",
                "One, if the term has five letters or more; shorter ones must be right.",
                "most = 1 if len(term) >= 5 else 0",
                False,
                False,
                False,
            ),
            scored(
                "two_in_long",
                "One, and two from eight letters on.",
                "most = 2 if len(term) >= 8 else 1",
                True,
                True,
                True,
            ),
        ),
    )


def _nothing(many: str) -> OpenPoint:
    def searched(name: str, answer: str, code: str, result: Plain = None, error: str = "") -> Alternative:
        example = Example(function="search", arguments=(" ?", ["tool", "lamp", "bolt"]), result=result, error=error)
        return Alternative(name=name, answer=answer, code={"nothing": code}, examples=(example,))

    return OpenPoint(
        criterion=3,
        topic="edge_case",
        question="What is found if the search text holds no word at all?",
        alternatives=(
            searched("nothing", "Nothing.", "return []", []),
            searched(
                "everything",
                f"All {many}, by alphabet: nobody has narrowed them down yet.",
                "return sorted(names)",
                ["bolt", "lamp", "tool"],
            ),
            searched(
                "refused",
                "Such a search is refused.",
                'raise ValueError("there is nothing to search for")',
                error="ValueError",
            ),
            searched("first", "Only the first of the names given, as a suggestion.", "return names[:1]", ["tool"]),
        ),
    )


def _matching() -> OpenPoint:
    def searched(name: str, answer: str, code: str, three: list[Plain], none: list[Plain]) -> Alternative:
        names: list[Plain] = ["red iron lamp", "red lamp", "blue chair", "red iron"]
        examples = (
            Example(function="search", arguments=("iron red lamp", names), result=three),
            Example(function="search", arguments=("chair red iron", names), result=none),
        )
        return Alternative(name=name, answer=answer, code={"matching": code}, examples=examples)

    some = "rows = [row for row in rows if any(row[0])]"
    return OpenPoint(
        criterion=3,
        topic="workflow",
        question="Several terms: must a name fit all of them to be found?",
        alternatives=(
            searched("all", "Yes, all of them.", "rows = [row for row in rows if all(row[0])]", ["red iron lamp"], []),
            searched(
                "any",
                "No, one is enough; those that fit better come first anyway.",
                some,
                ["red iron lamp", "red iron", "red lamp"],
                ["red iron", "red iron lamp", "blue chair", "red lamp"],
            ),
            searched(
                "all_or_else_any",
                "Yes; only if no name does, one term is enough.",
                f"{some}\nrows = [row for row in rows if all(row[0])] or rows",
                ["red iron lamp"],
                ["red iron", "red iron lamp", "blue chair", "red lamp"],
            ),
            searched(
                "all_but_one",
                "All but one, if there are several; a single term must fit.",
                f"{some}\nrows = [row for row in rows if row[0].count(0) <= 1]",
                ["red iron lamp", "red iron", "red lamp"],
                ["red iron", "red iron lamp"],
            ),
        ),
    )


WORDS = ("lamp", "ring", "bolt", "cart", "stove", "brush", "toolbox", "cupboard", "lid")
TYPED = (
    *WORDS,
    "lam",
    "st",
    "tool",
    "limp",
    "rong",
    "stave",
    "brosh",
    "toalbox",
    "cupbaord"[:5],
    "capboard",
    "kid",
    "xyz",
)


def _terms(chance: Chance) -> tuple[Plain, ...]:
    words = [chance.pick(("Lamp", "bolt", "2b", "a-b-c", "TOP-up", "bolt", "-", "x--y", "cart.")) for _ in range(5)]
    return (chance.pick((" ", ", ", "/", "  ")).join(words[: chance.between(1, 5)]),)


def _score(chance: Chance) -> tuple[Plain, ...]:
    words = [chance.pick(WORDS) for _ in range(chance.between(1, 3))]
    term = chance.pick(words)
    change = chance.below(5)
    if change == 0:
        term = term[: chance.between(1, len(term))]
    elif change == 1:
        term = term[:2] + "x" + term[3:]
    elif change == 2:
        term = term[:2] + "xx" + term[4:]
    elif change == 3:
        term = chance.pick(TYPED)
    return (" ".join([words[0].capitalize(), *words[1:]]), term)


def _search(chance: Chance) -> tuple[Plain, ...]:
    names: list[Plain] = [
        " ".join(chance.pick(WORDS) for _ in range(chance.between(1, 3))) for _ in range(chance.between(3, 7))
    ]
    text = " ".join(chance.pick(TYPED) for _ in range(chance.between(1, 3)))
    return ("", names) if chance.below(8) == 0 else (text, names)


def _criteria(one: str, many: str, nearly: int, begins: int, exact: int) -> tuple[Criterion, ...]:
    return (
        Criterion(
            text="A search text becomes terms: words of letters and digits in small letters, each once",
            function="terms",
            examples=(
                Example(function="terms", arguments=("Red lamp, RED!",), result=["red", "lamp"]),
                Example(function="terms", arguments=(f"{one} no. 42",), result=[one, "no", "42"]),
                Example(function="terms", arguments=("?",), result=[]),
            ),
        ),
        Criterion(
            text=f"A term scores {exact} for a whole word, {begins} for a beginning, {nearly} if nearly right",
            function="score",
            examples=(
                Example(function="score", arguments=("Red Lamp", "lamp"), result=exact),
                Example(function="score", arguments=("red lamp", "la"), result=begins),
                Example(function="score", arguments=("red window", "windov"), result=nearly),
                Example(function="score", arguments=("red lamp", "window"), result=0),
            ),
        ),
        Criterion(
            text=f"The {many} that fit a search text are listed, the best first, equally good ones by alphabet",
            function="search",
            examples=(
                Example(
                    function="search",
                    arguments=("lamp", ["window", "lampshade", "lamp", "blue lamp"]),
                    result=["blue lamp", "lamp", "lampshade"],
                ),
                Example(function="search", arguments=("lamp", ["window"]), result=[]),
                Example(function="search", arguments=("lamp", []), result=[]),
            ),
        ),
    )


def make(v: Variant) -> Kata:
    """The family `name_search`."""
    one, many = v.theme.one, v.theme.many
    nearly = v.number_between("nearly", 1, 3)
    begins = nearly + v.number_between("begins", 2, 4)
    exact = 2 * begins
    return Kata(
        domain="library",
        title=f"Search {many} by name",
        told=Told(
            vague=f"The search for {many} finds nothing as soon as one letter is wrong. Do something.",
            plain=f"The {many} are found by words of their names. Whole words count most, misspelt ones least.",
            exact=(
                "A search text is split into words of letters and digits in small letters, each once. A word scores "
                f"{exact} for a name that has it as a whole word, {begins} for one in which a word begins with it, "
                f"{nearly} for one in which a word is nearly the same, otherwise 0. Found {many} are listed by the sum "
                "of their scores, the highest first, and by alphabet if that is equal."
            ),
        ),
        criteria=_criteria(one, many, nearly, begins, exact),
        open_points=(_hyphen(), _forgiven(nearly), _nothing(many), _matching()),
        source=SOURCE.replace("= 9, 5, 1", f"= {exact}, {begins}, {nearly}").replace("MANY", many).replace("ONE", one),
        inputs={"terms": _terms, "score": _score, "search": _search},
        points=3,
        specialization="database",
        tags=("library", "search"),
        needs=("edit_distance",),
    )
