"""How far two words are from each other, and which known words are meant by a misspelt one."""

from __future__ import annotations

from actors.work.katas.kata import Alternative, Chance, Criterion, Example, Kata, OpenPoint, Told, Variant
from actors.work.sandbox.plain import Plain

SOURCE = '''"""Compares ONE names letter by letter, to find out which one was meant."""

MOST = 2


def distance(one, other):
    """The least number of letters to insert, drop or replace that turns one word into the other."""
    one, other = _letters(one), _letters(other)
    rows = [list(range(len(other) + 1))]
    for at, letter in enumerate(one):
        row = [at + 1]
        for to, wanted in enumerate(other):
            cost = min(rows[at][to] + (letter != wanted), rows[at][to + 1] + 1, row[to] + 1)
            <<swapped>>
        rows.append(row)
    return rows[-1][-1]


def _letters(word):
    """A word as it is compared."""
    <<letters>>


def closest(word, names, most=MOST):
    """The names that at most this many changes make of a word, those with the fewest changes first."""
    if not word:
        raise ValueError("there is no word to compare")
    if most < 0:
        raise ValueError("the number of changes cannot be negative")
    found = [[distance(word, name), name] for name in names]
    near = [pair for pair in found if pair[0] <= most]
    <<ties>>
    return [name for _, name in near]
'''


def _pairs(*pairs: tuple[str, str, int]) -> tuple[Example, ...]:
    return tuple(Example(function="distance", arguments=(one, other), result=far) for one, other, far in pairs)


def _swapped() -> OpenPoint:
    def counted(name: str, answer: str, price: str, first: int, inner: int) -> Alternative:
        swapped = "at and to and letter == other[to - 1] and wanted == one[at - 1]"
        cheaper = f"if {swapped}:\n    cost = min(cost, rows[at - 1][to - 1]{price})\n"
        code = f"{cheaper if price != ' + 2' else ''}row.append(cost)"
        examples = _pairs(("ogne", "gone", first), ("lamep", "lampe", inner))
        return Alternative(name=name, answer=answer, code={"swapped": code}, examples=examples)

    return OpenPoint(
        criterion=1,
        topic="edge_case",
        question="Two neighbouring letters are in the wrong order: how many changes is that?",
        alternatives=(
            counted("two", "Two, like any other two changes.", " + 2", 2, 2),
            counted("one", "One: it is the most common slip.", " + 1", 1, 1),
            counted(
                "one_inside",
                "One, but two where the first letter is among them: people get the first letter right.",
                " + (2 if min(at, to) == 1 else 1)",
                2,
                1,
            ),
            counted("none", "None at all: such words are the same to us.", "", 0, 0),
        ),
    )


def _letters() -> OpenPoint:
    def compared(name: str, answer: str, code: str, *, first: int, inner: int, shouted: int) -> Alternative:
        examples = _pairs(("Lamp", "lamp", first), ("laMp", "lamp", inner), ("LAMP", "lamp", shouted))
        return Alternative(name=name, answer=answer, code={"letters": code}, examples=examples)

    return OpenPoint(
        criterion=1,
        topic="compatibility",
        question="Are a capital and a small letter different letters?",
        alternatives=(
            compared("different", "Yes, like any others.", "return word", first=1, inner=1, shouted=4),
            compared("same", "No, case does not matter.", "return word.lower()", first=0, inner=0, shouted=0),
            compared(
                "first_only",
                "Only the first letter may be a capital without being another one: that is how a sentence begins.",
                "return word[:1].lower() + word[1:]",
                first=0,
                inner=1,
                shouted=3,
            ),
            compared(
                "shouting",
                "Yes, but a word that is all capitals is read as if it were small.",
                "return word.lower() if word.isupper() else word",
                first=1,
                inner=1,
                shouted=0,
            ),
        ),
    )


def _ties() -> OpenPoint:
    def ordered(name: str, answer: str, code: str, result: list[Plain]) -> Alternative:
        names: list[Plain] = ["crate", "gate", "late", "date", "gates"]
        example = Example(function="closest", arguments=("gate", names, 1), result=result)
        return Alternative(name=name, answer=answer, code={"ties": code}, examples=(example,))

    return OpenPoint(
        criterion=2,
        topic="workflow",
        question="Several names need equally many changes: in which order are they offered?",
        alternatives=(
            ordered(
                "as_listed",
                "In the order in which the names were given.",
                "near.sort(key=lambda pair: pair[0])",
                ["gate", "late", "date", "gates"],
            ),
            ordered("alphabetical", "By alphabet.", "near.sort()", ["gate", "date", "gates", "late"]),
            ordered(
                "longest",
                "The longest first, equally long ones as they were given.",
                "near.sort(key=lambda pair: [pair[0], -len(pair[1])])",
                ["gate", "gates", "late", "date"],
            ),
            ordered(
                "newest",
                "Those given last come first: they are the newest.",
                "near = sorted(near[::-1], key=lambda pair: pair[0])",
                ["gate", "gates", "date", "late"],
            ),
        ),
    )


WORDS = ("lamp", "lamps", "clamp", "stamp", "damp", "limp", "mole", "mule", "male", "smile", "tile", "tiles", "ample")


def _two_words(chance: Chance) -> tuple[Plain, ...]:
    one, other = chance.pick(WORDS), chance.pick(WORDS)
    if chance.below(3) == 0:
        other = chance.pick(("", one[::-1], one[1:], one[:-1], one + "s", one.upper()))
    if chance.below(4) == 0:
        other = one[:1] + one[2:3] + one[1:2] + one[3:]
    return (one, other)


def _closest(chance: Chance) -> tuple[Plain, ...]:
    names: list[Plain] = list(dict.fromkeys(chance.pick(WORDS) for _ in range(9)))
    word = chance.pick(("lump", "mile", "amp", "tale", "stile", "lamp"))
    return (word, names) if chance.below(3) == 0 else (word, names, chance.pick((-1, 0, 0, 1, 1, 2, 3, 4)))


def make(v: Variant) -> Kata:
    """The family `edit_distance`."""
    one, many = v.theme.one, v.theme.many
    most = v.number_between("most", 2, 4)
    letters = v.pick("word", ("stone", "brick", "chair", "spoon", "cloud"))
    return Kata(
        domain="library",
        title=f"Guess which {one} name was meant",
        told=Told(
            vague=f"People cannot spell the names of their {many}, and all we tell them is that we found nothing.",
            plain=f"For a misspelt {one} name the nearest known names are offered. Nearness is counted in letters.",
            exact=(
                "The distance of two words is the least number of letters that must be inserted, dropped or replaced "
                f"to turn one into the other. For a word, those {one} names are offered that are at most {most} away, "
                "unless another number is given, the nearest first; an empty word or a negative number is refused."
            ),
        ),
        criteria=(
            Criterion(
                text="The distance of two words is the least number of letters inserted, dropped or replaced",
                function="distance",
                examples=(
                    *_pairs((letters, letters[1:], 1), ("mouse", "house", 1), ("", letters, len(letters))),
                    Example(function="distance", arguments=("sitten", "kitting"), result=3),
                ),
            ),
            Criterion(
                text=f"For a word the {many} within {most} changes, or another number, are listed, the nearest first",
                function="closest",
                examples=(
                    Example(function="closest", arguments=("bold", ["window", "bolt"]), result=["bolt"]),
                    Example(function="closest", arguments=("bold", ["gold", "bread", "bold"], 0), result=["bold"]),
                    Example(function="closest", arguments=("", ["bold"]), error="ValueError"),
                    Example(function="closest", arguments=("bold", [], -1), error="ValueError"),
                ),
            ),
        ),
        open_points=(_swapped(), _letters(), _ties()),
        source=SOURCE.replace("MOST = 2", f"MOST = {most}").replace("ONE", one),
        inputs={"distance": _two_words, "closest": _closest},
        points=2,
        specialization="backend",
        tags=("library", "search"),
    )
