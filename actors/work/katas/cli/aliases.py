"""Aliases of commands: what a line with an alias means, and which aliases would have been shorter."""

from __future__ import annotations

from actors.work.katas.kata import Alternative, Chance, Criterion, Example, Kata, OpenPoint, Told, Variant
from actors.work.sandbox.plain import Plain

SOURCE = '''"""Short names for long ONE commands."""

from <<shell_words>> import split

DEEPEST = 9


def expand(line, aliases):
    """The words that a line means: an alias as first word stands for its text, and so on."""
    words, seen = split(line), []
    while words and words[0] in aliases:
        name, rest = words[0], words[1:]
        if name in seen:
            <<circle>>
        if len(seen) == DEEPEST:
            raise ValueError(f"more than {DEEPEST} aliases stand for each other")
        seen.append(name)
        own = split(aliases[name])
        <<rest>>
    return words


def shorter(line, aliases):
    """The aliases whose words a line begins with."""
    words = split(line)
    found = []
    for name in aliases:
        own = split(aliases[name])
        if own and own == words[: len(own)]:
            found.append(name)
    <<order>>
'''


def _circle() -> OpenPoint:
    def expanded(name: str, answer: str, code: str, *words: str) -> Alternative:
        result: Plain = list[Plain](words)
        aliases: dict[str, Plain] = {"ls": "list", "list": "tree", "tree": "list"}
        example = Example(
            function="expand", arguments=("ls", aliases), result=result, error="" if words else "ValueError"
        )
        return Alternative(name=name, answer=answer, code={"circle": code}, examples=(example,))

    return OpenPoint(
        criterion=1,
        topic="edge_case",
        question="What if an alias leads back to itself?",
        alternatives=(
            expanded("stop", "The second time it is taken for the command of that name.", "break", "list"),
            expanded("refused", "That is refused.", 'raise ValueError(f"{name} leads back to itself")'),
            expanded("as_typed", "Then the line means just what was typed.", "return split(line)", "ls"),
            expanded(
                "one_before",
                "What led there is taken for a command: the word before the circle closes.",
                "return [seen[-1], *rest]",
                "tree",
            ),
        ),
    )


def _rest() -> OpenPoint:
    def expanded(name: str, answer: str, code: str, *results: str) -> Alternative:
        aliases: dict[str, Plain] = {"big": "list --size 9 {} --all", "st": "status --short"}
        examples = tuple(
            Example(function="expand", arguments=(line, aliases), result=list[Plain](result.split()))
            for line, result in zip(("big a b", "st x"), results, strict=True)
        )
        return Alternative(name=name, answer=answer, code={"rest": code}, examples=examples)

    return OpenPoint(
        criterion=1,
        topic="workflow",
        question="Where do the other words of the line go, and does {} in the text of an alias mean anything?",
        alternatives=(
            expanded(
                "behind",
                "Behind the words of the alias; {} is a word like any other.",
                "words = own + rest",
                "list --size 9 {} --all a b",
                "status --short x",
            ),
            expanded(
                "marked",
                "To the place of {}, if the alias has it, and else behind its words.",
                'at = own.index("{}") if "{}" in own else len(own)\nwords = own[:at] + rest + own[at + 1 :]',
                "list --size 9 a b --all",
                "status --short x",
            ),
            expanded(
                "first",
                "Right behind the first word of the alias, before its options; {} is a word like any other.",
                "words = own[:1] + rest + own[1:]",
                "list a b --size 9 {} --all",
                "status x --short",
            ),
            expanded(
                "in_turn",
                "Each {} takes the next of them, and those that are left over go behind.",
                'for at in [at for at, word in enumerate(own) if word == "{}"][: len(rest)]:\n'
                "    own[at] = rest.pop(0)\n"
                "words = own + rest",
                "list --size 9 a --all b",
                "status --short x",
            ),
        ),
    )


def _order() -> OpenPoint:
    def ordered(name: str, answer: str, code: str, *names: str) -> Alternative:
        aliases: dict[str, Plain] = {"li": "list", "bigs": "list --size 9", "all": "list --size"}
        result: Plain = list[Plain](names)
        example = Example(function="shorter", arguments=("list --size 9 x", aliases), result=result)
        return Alternative(name=name, answer=answer, code={"order": code}, examples=(example,))

    return OpenPoint(
        criterion=2,
        topic="format",
        question="Several aliases would have been shorter: which are offered, in which order?",
        alternatives=(
            ordered("as_defined", "All, in the order of their definition.", "return found", "li", "bigs", "all"),
            ordered("alphabetical", "All, by alphabet.", "return sorted(found)", "all", "bigs", "li"),
            ordered(
                "saving",
                "All, those that stand for the most words first.",
                "return sorted(found, key=lambda name: -len(split(aliases[name])))",
                "bigs",
                "all",
                "li",
            ),
            ordered(
                "best",
                "Only the one that stands for the most words; the first of several.",
                "return sorted(found, key=lambda name: -len(split(aliases[name])))[:1]",
                "bigs",
            ),
        ),
    )


ALIASES = {
    "ls": "list",
    "la": "ls --all",
    "co": "copy {} --to 'top shelf'",
    "cc": "co 'red one'",
    "mv": "co {} {}",
    "li": "list",
    "up": "down",
    "down": "up --now",
    "self": "self --quiet",
    "none": "",
}


def _aliases(chance: Chance) -> dict[str, Plain]:
    kept: dict[str, Plain] = {name: text for name, text in ALIASES.items() if chance.below(4)}
    return kept


def _typed(chance: Chance) -> tuple[Plain, ...]:
    name = chance.pick((*ALIASES, "list", "la", "cc", "chain"))
    line = " ".join([name, *(chance.pick(("a", "'b c'", "--all", "{}", "ls")) for _ in range(chance.below(4)))])
    aliases = _aliases(chance)
    if name == "chain":
        links = chance.between(7, 10)
        aliases.update({"chain": "c1", **{f"c{number}": f"c{number + 1} {number}" for number in range(1, links)}})
    return ("" if chance.below(12) == 0 else line, aliases)


def _long(chance: Chance) -> tuple[Plain, ...]:
    lines = ("list --all", "ls --all a", "copy {} --to 'top shelf' b", "co 'red one' x", "down", "list", "lis", "")
    return (chance.pick(lines), _aliases(chance))


def _criteria(many: str, deepest: int, chain: dict[str, str], too_long: dict[str, str]) -> tuple[Criterion, ...]:
    return (
        Criterion(
            text=f"An alias as first word stands for its text, which may begin with one, at most {deepest} times",
            function="expand",
            examples=(
                Example(
                    function="expand",
                    arguments=("la", {"la": "ls", "ls": f"list '{many} here'"}),
                    result=["list", f"{many} here"],
                ),
                Example(function="expand", arguments=("show ls", {"ls": "list"}), result=["show", "ls"]),
                Example(function="expand", arguments=("a0", dict[str, Plain](chain)), result=[f"a{deepest}"]),
                Example(function="expand", arguments=("a0", dict[str, Plain](too_long)), error="ValueError"),
            ),
        ),
        Criterion(
            text="For a line, the aliases are offered whose words it begins with",
            function="shorter",
            examples=(
                Example(
                    function="shorter",
                    arguments=(
                        "list 'a b' c",
                        {"ab": "list 'a b'", "l": "lis", "nil": "", "abcd": "list 'a b' c d"},
                    ),
                    result=["ab"],
                ),
                Example(function="shorter", arguments=("show", {"ls": "list"}), result=[]),
            ),
        ),
    )


def make(v: Variant) -> Kata:
    """The family `aliases`."""
    one, many = v.theme.one, v.theme.many
    deepest = v.number_between("deepest", 6, 9)
    chain = {f"a{number}": f"a{number + 1}" for number in range(deepest)}
    too_long = {**chain, f"a{deepest}": "end"}
    return Kata(
        domain="cli",
        title=f"Give long {one} commands short names",
        told=Told(
            vague=f"I type the same long {one} command forty times a day. Let me give it a short name.",
            plain=f"Users give commands for {many} an alias. Lines with one are expanded, and shorter lines suggested.",
            exact=(
                "An alias is a name for a text, which is split into words like a line. If the first word of a line is "
                "an alias, the words of its text take its place, and that goes on while the first word is an alias "
                f"again, at most {deepest} times in one line. For a line, those aliases are offered whose words it "
                "begins with; an alias for nothing is never offered."
            ),
        ),
        criteria=_criteria(many, deepest, chain, too_long),
        open_points=(_circle(), _rest(), _order()),
        source=SOURCE.replace("DEEPEST = 9", f"DEEPEST = {deepest}").replace("ONE", one),
        inputs={"expand": _typed, "shorter": _long},
        points=2,
        specialization="ui_ux",
        tags=("cli", "commands"),
        needs=("shell_words",),
    )
