"""Conditional requests: the tag of a document, and what a request gets that names tags."""

from __future__ import annotations

from actors.work.katas.kata import Alternative, Chance, Criterion, Example, Kata, OpenPoint, Told, Variant, call
from actors.work.sandbox.plain import Plain

SOURCE = '''"""Tags the versions of a %one%, so that clients fetch and change only what they know."""


def tag_of(document):
    """The quoted tag of a document: %one%, version and length, numbers %base%."""
    size = len(document["body"])
    version = document.get("version")
    if version is None:
        <<unversioned>>
    if version < 0:
        raise ValueError("versions count from 0")
    return f'"%one%-{version:%digit%}-{size:%digit%}"'


def decide(method, tag, headers):
    """The status for a request to a document with this tag (None: there is no document)."""
    known, expected = headers.get("If-None-Match"), headers.get("If-Match")
    if method == "GET":
        return 304 if known is not None and _names(known, tag) else 200
    if expected is None:
        <<blind>>
    return 200 if _names(expected, tag) else 412


def _names(header, tag):
    """Whether a header, tags separated by commas or a star for all, names the tag of a document."""
    if tag is None:
        return False
    given = [name.strip() for name in header.split(",")]
    if "*" in given:
        return True
    <<weak>>
'''


def _unversioned(one: str, digit: str) -> OpenPoint:
    def tagged(name: str, answer: str, code: str, result: Plain = None, error: str = "") -> Alternative:
        example = call("tag_of", {"body": "a"}, result=result, error=error)
        return Alternative(name=name, answer=answer, code={"unversioned": code}, examples=(example,))

    return OpenPoint(
        criterion=1,
        topic="edge_case",
        question="Which tag does a document without a version get?",
        alternatives=(
            tagged("zero", "It counts as version 0.", "version = 0", f'"{one}-0-1"'),
            tagged(
                "weak",
                f'A weak one without version: W/ and then "{one}-" with the length.',
                f"return f'W/\"{one}-{{size:{digit}}}\"'",
                f'W/"{one}-1"',
            ),
            tagged("none", "None at all; such documents are never cached.", "return None", None),
            tagged(
                "mistake",
                "There must not be such a document: a KeyError.",
                'raise KeyError("version")',
                error="KeyError",
            ),
        ),
    )


def _blind() -> OpenPoint:
    def written(name: str, answer: str, code: str, *results: int) -> Alternative:
        requests = (("PUT", '"a-1"'), ("DELETE", '"a-1"'), ("PUT", None))
        examples = tuple(
            call("decide", method, tag, {}, result=result)
            for (method, tag), result in zip(requests, results, strict=True)
        )
        return Alternative(name=name, answer=answer, code={"blind": code}, examples=examples)

    return OpenPoint(
        criterion=2,
        topic="workflow",
        question="May somebody write without saying which tag they expect?",
        alternatives=(
            written("allowed", "Yes, the last one wins: 200.", "return 200", 200, 200, 200),
            written("refused", "No, never: 428, come back with a tag.", "return 428", 428, 428, 428),
            written(
                "not_delete",
                "Everything but deleting: a DELETE without a tag gets 428.",
                'return 428 if method == "DELETE" else 200',
                200,
                428,
                200,
            ),
            written(
                "only_new",
                "Only where there is no document yet; otherwise 428.",
                "return 200 if tag is None else 428",
                428,
                428,
                200,
            ),
        ),
    )


def _weak() -> OpenPoint:
    def compared(name: str, answer: str, code: str, strong: int | None, weak: int | None) -> Alternative:
        def read(tag: str, status: int | None) -> Example:
            headers: Plain = {"If-None-Match": 'W/"a-1"'}
            return call("decide", "GET", tag, headers, result=status, error="" if status else "ValueError")

        examples = (read('"a-1"', strong), read('W/"a-1"', weak))
        return Alternative(name=name, answer=answer, code={"weak": code}, examples=examples)

    return OpenPoint(
        criterion=2,
        topic="compatibility",
        question="Some clients send weak tags, with W/ in front. What are they worth?",
        alternatives=(
            compared(
                "literal", "They are tags like any other: equal if all of it is.", "return tag in given", 200, 304
            ),
            compared(
                "same",
                "The mark does not matter, neither on their side nor on ours.",
                'return tag.removeprefix("W/") in [name.removeprefix("W/") for name in given]',
                304,
                304,
            ),
            compared(
                "nothing",
                "A weak tag equals nothing, not even itself.",
                'return tag in given and not tag.startswith("W/")',
                200,
                200,
            ),
            compared(
                "refused",
                "We do not take them: a ValueError for whoever sends one for a document that exists.",
                'if any(name.startswith("W/") for name in given):\n'
                '    raise ValueError("weak tags are not supported")\n'
                "return tag in given",
                None,
                None,
            ),
        ),
    )


def _document(chance: Chance) -> tuple[Plain, ...]:
    document: dict[str, Plain] = {"body": "x" * chance.between(0, 40)}
    if chance.below(5):
        document["version"] = chance.pick((-1, 0, 1, 9, 17, 64, 300))
    return (document,)


def _request(chance: Chance) -> tuple[Plain, ...]:
    tags = ('"a-1"', '"b-2"', 'W/"a-1"')
    headers: dict[str, Plain] = {}
    for name in ("If-Match", "If-None-Match"):
        if chance.below(3):
            headers[name] = chance.pick(("*", *tags, f"{tags[1]}, {tags[0]}", f"{tags[0]},{tags[2]}"))
    return (chance.pick(("GET", "GET", "PUT", "DELETE")), chance.pick((None, *tags, tags[0])), headers)


def _criteria(one: str, base: str, digit: str) -> tuple[Criterion, ...]:
    return (
        Criterion(
            text=f"The tag of a document is made of {one}, its version and its length {base}, in double quotes",
            function="tag_of",
            examples=(
                call("tag_of", {"version": 0, "body": ""}, result=f'"{one}-0-0"'),
                call("tag_of", {"body": "x" * 26, "version": 17}, result=f'"{one}-{17:{digit}}-{26:{digit}}"'),
                call("tag_of", {"body": "abc", "version": -1}, error="ValueError"),
                call("tag_of", {"version": 1}, error="KeyError"),
            ),
        ),
        Criterion(
            text="A read that names the current tag gets 304; a write that expects another one gets 412; all else 200",
            function="decide",
            examples=(
                call("decide", "GET", '"a-1"', {"If-None-Match": '"b-2", "a-1"'}, result=304),
                call("decide", "GET", '"a-2"', {"If-None-Match": '"a-1"', "If-Match": '"a-1"'}, result=200),
                call("decide", "PUT", '"a-2"', {"If-Match": '"a-1"'}, result=412),
                call("decide", "PUT", '"a-2"', {"If-Match": "*"}, result=200),
            ),
        ),
    )


def make(v: Variant) -> Kata:
    """The family `conditional`."""
    one, many = v.theme.one, v.theme.many
    base, digit = v.pick("base", (("in hexadecimal", "x"), ("in octal", "o"), ("in decimal", "d"), ("in binary", "b")))
    return Kata(
        domain="api",
        title=f"Let clients name the version of a {one} that they know",
        told=Told(
            vague=f"People overwrite each other's {many}, and the app loads the same things again and again.",
            plain=(
                f"Every version of a {one} has a tag. Who knows the current one need not load it again, and who "
                "expects another one does not overwrite it."
            ),
            exact=(
                f"A tag is made of {one}, the document's version and the length of its body, joined by hyphens, the "
                f"numbers {base}, in double quotes; a version below 0 is a ValueError, a missing body a KeyError. "
                "A GET whose If-None-Match names the current tag gets 304. Other methods write: an If-Match that does "
                "not name the current tag gets 412. Everything else gets 200. A header names tags, separated by "
                "commas, or has a star for any document that exists; if there is none, nothing names it."
            ),
        ),
        criteria=_criteria(one, base, digit),
        open_points=(_unversioned(one, digit), _blind(), _weak()),
        source=SOURCE.replace("%one%", one).replace("%base%", base).replace("%digit%", digit),
        inputs={"tag_of": _document, "decide": _request},
        points=2,
        specialization="backend",
        tags=("api", "caching"),
    )
