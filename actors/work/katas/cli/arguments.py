"""The arguments of a command: what it declares, how they are read, short forms, and the line that explains them."""

from __future__ import annotations

from actors.work.katas.kata import Alternative, Chance, Criterion, Example, Kata, OpenPoint, Told, Variant, call
from actors.work.sandbox.plain import Plain

SOURCE = '''"""Reads the arguments of ONE commands."""

import re

OPTION = re.compile(r"--([a-z]+(?:-[a-z]+)*)(?:=(flag|number|text))?")


def declare(text):
    """Read "--all --size=number" into the kind of each option: flag, number or text."""
    kinds = {}
    for word in text.split():
        match = OPTION.fullmatch(word)
        if match is None or match[1] in kinds:
            raise ValueError(f"{word} declares no option")
        kinds[match[1]] = match[2] or "flag"
    return kinds


def read(kinds, words):
    """Sort words into options with their values and the rest; everything behind -- is rest."""
    options, rest, waiting = {}, [], list(words)
    while waiting and waiting[0] != "--":
        word = waiting.pop(0)
        if not word.startswith("--"):
            rest.append(word)
            continue
        given, equals, value = word[2:].partition("=")
        name = _known(kinds, given)
        if not equals and kinds[name] != "flag":
            value = waiting.pop(0) if waiting else ""
        result = _value(kinds[name], name, value)
        <<again>>
    return {"options": options, "rest": rest + waiting[1:]}


def _known(kinds, given):
    """The declared option that is meant."""
    if given in kinds:
        return given
    <<unknown>>


def _value(kind, name, text):
    """What an option is set to."""
    if kind == "flag" and not text:
        return True
    if kind == "number" and re.fullmatch("-?[0-9]+", text):
        return int(text)
    if kind == "text" and text:
        return text
    raise ValueError(f"--{name} cannot be {text!r}")


def lengthen(word, letters):
    """Write a word such as -an5 with the long names of its letters; digits behind a letter are its value."""
    if not re.fullmatch("-([a-z][0-9]*)+", word):
        return [word]
    long = []
    for letter, number in re.findall("([a-z])([0-9]*)", word):
        if letter not in letters:
            <<letter>>
        long.append(f"--{letters[letter]}={number}" if number else f"--{letters[letter]}")
    return long


def usage(command, kinds):
    """The line that explains a command, for instance: ONE [--all] [--size NUMBER]."""
    names = <<order>>
    shown = [name if kinds[name] == "flag" else f"{name} {kinds[name].upper()}" for name in names]
    return " ".join([command, *(f"[--{one}]" for one in shown)])
'''


KINDS: dict[str, Plain] = {"size": "number", "size-limit": "number", "all": "flag", "name": "text"}


def _sorted(words: list[Plain], options: dict[str, Plain] | None) -> Example:
    result: Plain = {"options": options or {}, "rest": []}
    return Example(function="read", arguments=(KINDS, words), result=result, error="" if options else "ValueError")


def _again() -> OpenPoint:
    def given(name: str, answer: str, code: str, options: dict[str, Plain] | None) -> Alternative:
        example = _sorted(["--size=3", "--name", "a", "--size=4", "--name=b"], options)
        return Alternative(name=name, answer=answer, code={"again": code}, examples=(example,))

    return OpenPoint(
        criterion=2,
        topic="edge_case",
        question="What if an option is given twice?",
        alternatives=(
            given("last", "The last one counts.", "options[name] = result", {"size": 4, "name": "b"}),
            given("first", "The first one counts.", "options.setdefault(name, result)", {"size": 3, "name": "a"}),
            given(
                "refused",
                "That is a mistake and is refused.",
                'if name in options:\n    raise ValueError(f"--{name} is given twice")\noptions[name] = result',
                None,
            ),
            given(
                "added",
                "Numbers are added up; of anything else the last one counts.",
                'options[name] = options.get(name, 0) + result if kinds[name] == "number" else result',
                {"size": 7, "name": "b"},
            ),
        ),
    )


def _unknown() -> OpenPoint:
    def known(name: str, answer: str, code: str, *examples: Example) -> Alternative:
        return Alternative(name=name, answer=answer, code={"unknown": code}, examples=examples)

    refuse = 'raise ValueError(f"there is no option --{given}")'
    fitting = "fitting = [name for name in kinds if given and name.startswith(given)]"
    return OpenPoint(
        criterion=2,
        topic="compatibility",
        question="Does an option count that is not written exactly as it was declared?",
        alternatives=(
            known("exact", "No, it is unknown.", refuse, _sorted(["--al"], None), _sorted(["--ALL"], None)),
            known(
                "clear_beginning",
                "Its beginning is enough, if no other option begins in the same way.",
                f"{fitting}\nif len(fitting) != 1:\n    {refuse}\nreturn fitting[0]",
                _sorted(["--al"], {"all": True}),
                _sorted(["--siz=3"], None),
            ),
            known(
                "any_beginning",
                "Its beginning is enough; if several options begin like that, the one declared first is meant.",
                f"{fitting}\nif not fitting:\n    {refuse}\nreturn fitting[0]",
                _sorted(["--siz=3"], {"size": 3}),
            ),
            known(
                "spelling",
                "Capitals and underscores do not matter: --Size_Limit is --size-limit. Everything else is unknown.",
                f'name = given.lower().replace("_", "-")\nif name not in kinds:\n    {refuse}\nreturn name',
                _sorted(["--ALL", "--Size_Limit", "3"], {"all": True, "size-limit": 3}),
                _sorted(["--al"], None),
            ),
        ),
    )


def _letter() -> OpenPoint:
    def written(name: str, answer: str, code: str, *words: str) -> Alternative:
        example = Example(
            function="lengthen",
            arguments=("-axn5", {"a": "all", "n": "number"}),
            result=list[Plain](words),
            error="" if words else "ValueError",
        )
        return Alternative(name=name, answer=answer, code={"letter": code}, examples=(example,))

    return OpenPoint(
        criterion=3,
        topic="errors",
        question="What becomes of -axn5 if nobody knows the letter x?",
        alternatives=(
            written("refused", "It is refused.", 'raise ValueError(f"there is no -{letter}")'),
            written("dropped", "The x is dropped, the others count.", "continue", "--all", "--number=5"),
            written(
                "kept_letter",
                "The x stays as -x, the others count.",
                'long.append(f"-{letter}{number}")\ncontinue',
                "--all",
                "-x",
                "--number=5",
            ),
            written("kept_word", "Then it was not meant as letters: it stays as it is.", "return [word]", "-axn5"),
        ),
    )


def _order() -> OpenPoint:
    def explained(name: str, answer: str, code: str, result: str) -> Alternative:
        kinds: dict[str, Plain] = {"size": "number", "list": "flag", "name": "text", "all": "flag"}
        example = Example(function="usage", arguments=("show", kinds), result=f"show {result}")
        return Alternative(name=name, answer=answer, code={"order": code}, examples=(example,))

    return OpenPoint(
        criterion=4,
        topic="format",
        question="In which order are the options explained?",
        alternatives=(
            explained("declared", "As they were declared.", "kinds", "[--size NUMBER] [--list] [--name TEXT] [--all]"),
            explained(
                "alphabetical", "By alphabet.", "sorted(kinds)", "[--all] [--list] [--name TEXT] [--size NUMBER]"
            ),
            explained(
                "flags_first",
                "Those without a value first, each group as declared.",
                'sorted(kinds, key=lambda name: kinds[name] != "flag")',
                "[--list] [--all] [--size NUMBER] [--name TEXT]",
            ),
            explained(
                "by_kind",
                "By the kind of their value, flag, number, text, and by alphabet within a kind.",
                "sorted(kinds, key=lambda name: [kinds[name], name])",
                "[--all] [--list] [--size NUMBER] [--name TEXT]",
            ),
        ),
    )


def _declaration(chance: Chance) -> tuple[Plain, ...]:
    words = ["--all", "--size=number", "--name=text", "--max-size=number", "--quiet=flag"][chance.below(3) :]
    odd = ("--Size", "-s", "--size=int", "--size-", "--a--b", words[0], "all", "--x")
    if chance.below(2):
        words.insert(chance.below(len(words)), chance.pick(odd))
    return ("  ".join(words),)


def _words(chance: Chance) -> tuple[Plain, ...]:
    parts = ("--all", "--size=7", "--name=bob", "a", "-", "b", "--size-limit=-2", "--name=x=y", "--", "--all", "c")
    odd = (
        "--size",
        "--al",
        "--na=z",
        "--none",
        "--all=1",
        "--size=x",
        "--name=",
        "--Name=Q",
        "--size-limit",
        "--size=2",
    )
    words: list[Plain] = [chance.pick(parts) for _ in range(chance.between(1, 5))]
    if chance.below(2):
        words.insert(chance.below(len(words) + 1), chance.pick(odd))
    return (KINDS, words)


def _letters(chance: Chance) -> tuple[Plain, ...]:
    parts = ("-a", "-an3", "-n12", "a", "-", "--all", "-na", "-ax", "-x4", "-5", "-aA", "-a n", "-n1a2", "-aan0", "5-a")
    return (chance.pick(parts), {"a": "all", "n": "number"})


def _kinds(chance: Chance) -> tuple[Plain, ...]:
    kinds: dict[str, Plain] = {}
    for _ in range(chance.between(0, 5)):
        kinds[chance.pick(("all", "size", "name", "quiet", "max-size"))] = chance.pick(("flag", "number", "text"))
    return (chance.pick(("show", "list")), kinds)


def _criteria(one: str, noun: str, number: int) -> tuple[Criterion, ...]:
    return (
        Criterion(
            text=f"A declaration such as --all --{noun}=number gives the kind of each option: flag, number or text",
            function="declare",
            examples=(
                call("declare", f"--all --max-{noun}=number", result={"all": "flag", f"max-{noun}": "number"}),
                call("declare", "--all --all", error="ValueError"),
                call("declare", f"--{noun}=float", error="ValueError"),
            ),
        ),
        Criterion(
            text="Words are sorted into options with their values and the rest; everything behind -- is rest",
            function="read",
            examples=(
                call(
                    "read",
                    {noun: "number", "all": "flag"},
                    ["a", f"--{noun}", f"-{number}", "--all", "b"],
                    result={"options": {noun: -number, "all": True}, "rest": ["a", "b"]},
                ),
                call("read", {}, ["a", "--", "--x", "--"], result={"options": {}, "rest": ["a", "--x", "--"]}),
                call("read", {noun: "number"}, [f"--{noun}=x"], error="ValueError"),
                call("read", {"name": "text"}, ["--name"], error="ValueError"),
            ),
        ),
        Criterion(
            text=f"In a word such as -a{noun[0]}{number} every letter becomes a long option, digits its value",
            function="lengthen",
            examples=(
                call(
                    "lengthen",
                    f"-b{noun[0]}{number}",
                    {"b": "brief", noun[0]: noun},
                    result=["--brief", f"--{noun}={number}"],
                ),
                call("lengthen", "--b", {"b": "brief"}, result=["--b"]),
            ),
        ),
        Criterion(
            text="The usage line shows the command and its options, those with a value with their kind",
            function="usage",
            examples=(
                call("usage", one, {"all": "flag"}, result=f"{one} [--all]"),
                call("usage", one, {noun: "number"}, result=f"{one} [--{noun} NUMBER]"),
                call("usage", one, {}, result=one),
            ),
        ),
    )


def make(v: Variant) -> Kata:
    """The family `arguments`."""
    one, many = v.theme.one, v.theme.many
    noun = v.pick("noun", ("limit", "count", "page", "depth"))
    number = v.number_between("number", 3, 60)
    return Kata(
        domain="cli",
        title=f"Read the arguments of the {one} commands",
        told=Told(
            vague=f"Every {one} command wants its options in another way. I want one way for all of them.",
            plain=(
                f"Commands for {many} declare their options. Arguments are sorted into options with values and the "
                "rest; single letters stand for options, and a usage line explains them."
            ),
            exact=(
                "Options have long names of small letters and single hyphens, each declared once as flag, number or "
                "text; without a kind it is a flag. A value follows behind = or as the next word; a flag takes none, "
                "numbers may be negative, texts must not be empty. Words without -- in front, and all behind a word "
                "--, are the rest. In a word such as -an5 every letter stands for an option, digits behind it for its "
                "value; other words stay. The usage line has the command and each option in square brackets, with its "
                "kind in capitals if it takes a value."
            ),
        ),
        criteria=_criteria(one, noun, number),
        open_points=(_again(), _unknown(), _letter(), _order()),
        source=SOURCE.replace("ONE", one),
        inputs={"declare": _declaration, "read": _words, "lengthen": _letters, "usage": _kinds},
        points=8,
        specialization="backend",
        tags=("cli", "commands"),
    )
