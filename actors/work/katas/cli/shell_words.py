"""Command lines and their words: splitting at blanks outside quotes, quoting, filling in values."""

from __future__ import annotations

from actors.work.katas.kata import Alternative, Chance, Criterion, Example, Kata, OpenPoint, Told, Variant
from actors.work.sandbox.plain import Plain

SOURCE = r'''"""Splits ONE command lines into words and writes words so that they can be split again."""

import re

PIECE = re.compile(r"""'([^']*)'|"([^"]*)"|\\(.)|([^ '"\\]+)| +""")
SPECIAL = re.compile(r"""[ '"\\]""")
NAME = re.compile(r"MARK([a-z]+)")


def split(line):
    """The words of a line: quotes hold blanks together, a backslash takes the next character as it is."""
    words, word = [], None
    for piece in _pieces(line):
        if piece is not None:
            word = (word or "") + piece
        elif word is not None:
            words.append(word)
            word = None
    return words if word is None else [*words, word]


def _pieces(line):
    """The parts of words in turn, without their quotes; None stands for blanks."""
    pieces, at = [], 0
    while at < len(line):
        match = PIECE.match(line, at)
        if match is None:
            <<unclosed>>
        pieces.append(match[match.lastindex] if match.lastindex else None)
        at = match.end()
    return pieces


def quote(word):
    """Write a word so that split gives it back; one that needs no quotes stays as it is."""
    if word and not SPECIAL.search(word):
        return word
    <<style>>


def fill(words, values):
    """Replace each MARKname in words by its value; all names are ONE settings."""
    filled, given = [], dict(values)
    for word in words:
        missing = [name for name in NAME.findall(word) if name not in given]
        if missing:
            <<missing>>
        filled.append(NAME.sub(lambda match: given[match[1]], word))
    return filled
'''


def _unclosed() -> OpenPoint:
    def read(name: str, answer: str, code: str, *words: str) -> Alternative:
        result: Plain = list[Plain](words)
        example = Example(
            function="split", arguments=("say 'hello you",), result=result, error="" if words else "ValueError"
        )
        return Alternative(name=name, answer=answer, code={"unclosed": code}, examples=(example,))

    return OpenPoint(
        criterion=1,
        topic="errors",
        question="What if a quote is opened and never closed?",
        alternatives=(
            read("refused", "The line is refused.", 'raise ValueError(f"{line[at]} is not finished")'),
            read(
                "to_the_end",
                "It is closed at the end of the line.",
                "return [*pieces, line[at + 1 :]]",
                "say",
                "hello you",
            ),
            read(
                "a_letter",
                "Then it is no quote but an ordinary character, as in it's.",
                "pieces.append(line[at])\nat += 1\ncontinue",
                "say",
                "'hello",
                "you",
            ),
            read(
                "dropped",
                "Everything from there on is dropped; the words before it stand.",
                "return pieces",
                "say",
            ),
        ),
    )


def _style() -> OpenPoint:
    def quoted(name: str, answer: str, code: str, *results: str) -> Alternative:
        examples = tuple(
            Example(function="quote", arguments=(word,), result=result)
            for word, result in zip(("two words", "it's"), results, strict=True)
        )
        return Alternative(name=name, answer=answer, code={"style": code}, examples=examples)

    single = 'return "\'" + word.replace("\'", "\'\\\\\'\'") + "\'"'
    return OpenPoint(
        criterion=2,
        topic="format",
        question="Which quotes are put around a word that needs them?",
        alternatives=(
            quoted(
                "single", "Single ones; one inside the word is written as '\\''.", single, "'two words'", "'it'\\''s'"
            ),
            quoted(
                "double",
                'Double ones; one inside the word is written as "\\"".',
                "return '\"' + word.replace('\"', '\"\\\\\"\"') + '\"'",
                '"two words"',
                '"it\'s"',
            ),
            quoted(
                "backslash",
                "None: a backslash is put in front of each blank, quote and backslash. Only an empty word is ''.",
                'return SPECIAL.sub(r"\\\\\\g<0>", word) or "\'\'"',
                "two\\ words",
                "it\\'s",
            ),
            quoted(
                "by_need",
                "Single ones, but double ones around a word that has a single quote and no double one.",
                f"if \"'\" in word and '\"' not in word:\n    return f'\"{{word}}\"'\n{single}",
                "'two words'",
                '"it\'s"',
            ),
        ),
    )


def _missing(mark: str) -> OpenPoint:
    def filled(name: str, answer: str, code: str, *words: str) -> Alternative:
        result: Plain = list[Plain](words)
        arguments: tuple[Plain, ...] = (["go", f"to-{mark}place", f"{mark}place{mark}name"], {"name": "x"})
        example = Example(function="fill", arguments=arguments, result=result, error="" if words else "KeyError")
        return Alternative(name=name, answer=answer, code={"missing": code}, examples=(example,))

    return OpenPoint(
        criterion=3,
        topic="data",
        question="What is filled in for a name that has no value?",
        alternatives=(
            filled(
                "empty",
                "Nothing, an empty text.",
                'given.update(dict.fromkeys(missing, ""))',
                "go",
                "to-",
                "x",
            ),
            filled(
                "as_typed",
                "The name stays as it was typed.",
                f'given.update({{name: f"{mark}{{name}}" for name in missing}})',
                "go",
                f"to-{mark}place",
                f"{mark}placex",
            ),
            filled("refused", "Nothing can be: it is a KeyError.", "raise KeyError(missing[0])"),
            filled("left_out", "Then the whole word is left out.", "continue", "go"),
        ),
    )


def _line(chance: Chance) -> tuple[Plain, ...]:
    parts = ("go", "'a b'", '"a b"', "a\\ b", "x'y z'", "''", '"it\'s"', " ", "\\'", "'a\"b'", "\\\\", "go'on'", "end")
    line = " ".join(chance.pick(parts) for _ in range(chance.between(1, 5)))
    return (chance.pick((line, line, f"{line} ", f"{line} 'x y", f'{line}"', f"{line}\\")),)


def _word(chance: Chance) -> tuple[Plain, ...]:
    return ("".join(chance.pick(("a", "b c", " ", "'", '"', "\\", "-")) for _ in range(chance.between(0, 4))),)


def _fill(chance: Chance, mark: str) -> tuple[Plain, ...]:
    parts = ("go", f"{mark}name", f"{mark}place", f"in{mark}name", f"{mark}name-{mark}place", mark, f"{mark}{mark}name")
    words: list[Plain] = [chance.pick(parts) for _ in range(chance.between(1, 4))]
    values: dict[str, Plain] = {"name": "ann", "place": "top"}
    if chance.below(2):
        del values[chance.pick(("name", "place"))]
    return (words, values)


def _criteria(one: str, many: str, mark: str) -> tuple[Criterion, ...]:
    return (
        Criterion(
            text="A line is split into words at blanks; quotes and backslashes keep blanks in a word",
            function="split",
            examples=(
                Example(function="split", arguments=(f"  show '{one} 7' on",), result=["show", f"{one} 7", "on"]),
                Example(function="split", arguments=('a"b c"d e\\ f',), result=["ab cd", "e f"]),
                Example(function="split", arguments=("''",), result=[""]),
                Example(function="split", arguments=("",), result=[]),
            ),
        ),
        Criterion(
            text="A word is written so that splitting gives it back; one without special characters stays as it is",
            function="quote",
            examples=(
                Example(function="quote", arguments=(many,), result=many),
                Example(function="quote", arguments=("a-b",), result="a-b"),
            ),
        ),
        Criterion(
            text=f"Settings such as {mark}name are replaced by their values in every word",
            function="fill",
            examples=(
                Example(
                    function="fill",
                    arguments=(["go", f"{mark}name!", f"{mark}a{mark}b"], {"name": one, "a": "1", "b": "2"}),
                    result=["go", f"{one}!", "12"],
                ),
                Example(function="fill", arguments=([f"{mark} {mark}7"], {}), result=[f"{mark} {mark}7"]),
            ),
        ),
    )


def make(v: Variant) -> Kata:
    """The family `shell_words`."""
    one, many = v.theme.one, v.theme.many
    mark = v.pick("mark", ("@", "%", ":", "#", "~"))
    return Kata(
        domain="cli",
        title=f"Split {one} command lines into words",
        told=Told(
            vague=f"As soon as a {one} has a blank in its name, our command line falls apart.",
            plain=(
                f"Command lines about {many} are split into words. Quotes hold blanks together, words can be quoted "
                "again, and settings are filled in."
            ),
            exact=(
                "Words are separated by blanks. Between two single or two double quotes every character stands for "
                "itself; outside, a backslash takes the next character as it is; parts with no blank between them are "
                "one word. Only a word that is empty or has a blank, quote or backslash in it is quoted, and splitting "
                f"gives it back. In words, {mark} and a name of small letters stand for the value of the {one} setting."
            ),
        ),
        criteria=_criteria(one, many, mark),
        open_points=(_unclosed(), _style(), _missing(mark)),
        source=SOURCE.replace("MARK", mark).replace("ONE", one),
        inputs={"split": _line, "quote": _word, "fill": lambda chance: _fill(chance, mark)},
        points=3,
        specialization="ui_ux",
        tags=("cli", "text"),
    )
