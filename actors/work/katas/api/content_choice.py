"""Content negotiation: what a client accepts, which representation fits best, what the answer says."""

from __future__ import annotations

from actors.work.katas.kata import Alternative, Chance, Criterion, Kata, OpenPoint, Told, Variant, call
from actors.work.sandbox.plain import Plain

SOURCE = '''"""Chooses the representation in which a %one% is sent to a client."""

import re

MOST = %most%
FULL = 1000
QUALITY = re.compile(r"(?:0(?:\\.(\\d{1,3}))?|1(?:\\.0{1,3})?)")


def parse_accept(header):
    """The accepted types of a header as [type, quality in permille]. Raises ValueError for too many."""
    entries = header.split(",")
    if len(entries) > MOST:
        raise ValueError("too many types are accepted")
    accepted = []
    for entry in entries:
        kind, mark, text = entry.strip().partition(";q=")
        quality = _permille(text) if mark else FULL
        if quality is None:
            <<unreadable>>
        accepted.append([kind, quality])
    return accepted


def choose(offers, accepted):
    """The offered type that a client likes best, given [type, permille]; None if it accepts none."""
    liked = [(offer, *_liking(offer, accepted)) for offer in offers]
    best = max((quality for _, quality, _, _ in liked), default=0)
    if best == 0:
        return None
    equal = [entry for entry in liked if entry[1] == best]
    <<tie>>


def respond(chosen, offers):
    """Status and content type of the answer for a chosen type; None if none was acceptable."""
    if chosen is None:
        <<nothing>>
    return {"status": 200, "type": _labelled(chosen)}


def _permille(text):
    """A quality such as 0.25 in permille; None if it is none."""
    found = QUALITY.fullmatch(text)
    if found is None:
        return None
    if text.startswith("1"):
        return FULL
    return int((found[1] or "").ljust(3, "0"))


def _liking(offer, accepted):
    """Quality, exactness (0 to 2) and position of the most exact entry that covers a type."""
    group = offer.partition("/")[0]
    for exactness, kind in ((2, offer), (1, f"{group}/*"), (0, "*/*")):
        for position, (name, quality) in enumerate(accepted):
            if name == kind:
                return quality, exactness, position
    return 0, 0, len(accepted)


def _labelled(kind):
    return f"{kind}; charset=utf-8" if kind.startswith("text/") else kind
'''


def _unreadable() -> OpenPoint:
    def read(name: str, answer: str, code: str, result: Plain = None, error: str = "") -> Alternative:
        example = call("parse_accept", "text/csv;q=2, text/html;q=0.5", result=result, error=error)
        return Alternative(name=name, answer=answer, code={"unreadable": code}, examples=(example,))

    return OpenPoint(
        criterion=1,
        topic="errors",
        question="What if a quality makes no sense, such as q=2 or q=much?",
        alternatives=(
            read(
                "refused",
                "The header is refused as a whole, with a ValueError.",
                'raise ValueError("a quality lies between 0 and 1")',
                error="ValueError",
            ),
            read("dropped", "That entry is dropped, the others count.", "continue", [["text/html", 500]]),
            read(
                "full",
                "The entry counts as if it had no quality.",
                "quality = FULL",
                [["text/csv", 1000], ["text/html", 500]],
            ),
            read(
                "last_choice",
                "The entry becomes the last resort: one permille.",
                "quality = 1",
                [["text/csv", 1], ["text/html", 500]],
            ),
        ),
    )


def _tie() -> OpenPoint:
    def tied(name: str, answer: str, code: str, first: str, second: str) -> Alternative:
        full: list[Plain] = [["text/csv", 900], ["application/json", 900], ["text/plain", 900]]
        examples = (
            call("choose", ["text/plain", "text/csv", "application/json"], full, result=first),
            call("choose", ["text/csv", "text/plain"], [["text/*", 700], ["text/plain", 700]], result=second),
        )
        return Alternative(name=name, answer=answer, code={"tie": code}, examples=examples)

    return OpenPoint(
        criterion=2,
        topic="workflow",
        question="Which one is sent if a client likes several offers equally?",
        alternatives=(
            tied("ours", "The one that we offer first.", "return equal[0][0]", "text/plain", "text/csv"),
            tied(
                "theirs",
                "The one whose entry comes first in what the client accepts; after that, the one we offer first.",
                "return min(equal, key=lambda entry: entry[3])[0]",
                "text/csv",
                "text/csv",
            ),
            tied(
                "exact",
                "The one that the client names most exactly; after that, the one that we offer first.",
                "return max(equal, key=lambda entry: entry[2])[0]",
                "text/plain",
                "text/plain",
            ),
            tied(
                "alphabet",
                "The first in the alphabet, so that caches see the same answer whatever the order.",
                "return min(entry[0] for entry in equal)",
                "application/json",
                "text/csv",
            ),
        ),
    )


def _nothing() -> OpenPoint:
    def unserved(name: str, answer: str, code: str, some: Plain, none: Plain) -> Alternative:
        examples = (
            call("respond", None, ["text/csv", "image/png"], result=some),
            call("respond", None, [], result=none),
        )
        return Alternative(name=name, answer=answer, code={"nothing": code}, examples=examples)

    refused: Plain = {"status": 406, "type": None}
    return OpenPoint(
        criterion=3,
        topic="errors",
        question="What does a client get that accepts nothing of what we offer?",
        alternatives=(
            unserved(
                "refused", "A refusal, 406, without a type.", 'return {"status": 406, "type": None}', refused, refused
            ),
            unserved(
                "first",
                "Our first offer all the same; only if we offer nothing is it refused with 406 and no type.",
                'if not offers:\n    return {"status": 406, "type": None}\nchosen = offers[0]',
                {"status": 200, "type": "text/csv; charset=utf-8"},
                refused,
            ),
            unserved(
                "menu",
                "A refusal, 406, whose type lists our offers, separated by comma and space.",
                'return {"status": 406, "type": ", ".join(offers)}',
                {"status": 406, "type": "text/csv, image/png"},
                {"status": 406, "type": ""},
            ),
            unserved(
                "choice",
                "300 and our offers as a list under `type`, to choose from; 404 and no type if there are none.",
                'if offers:\n    return {"status": 300, "type": list(offers)}\nreturn {"status": 404, "type": None}',
                {"status": 300, "type": ["text/csv", "image/png"]},
                {"status": 404, "type": None},
            ),
        ),
    )


KINDS = ("text/csv", "text/html", "application/json", "image/png")
RANGES = (*KINDS, "text/*", "application/*", "*/*")


def _header(most: int, chance: Chance) -> tuple[Plain, ...]:
    good = ("", "", ";q=1", ";q=1.0", ";q=0", ";q=0.5", ";q=0.25", ";q=0.125")
    marks = (*good, *good, ";q=1.5", ";q=0.1234")
    count = chance.pick((1, 2, 2, 3, 3, 3, most, most + 1))
    return (chance.pick((", ", ",")).join(chance.pick(RANGES) + chance.pick(marks) for _ in range(count)),)


def _choosing(chance: Chance) -> tuple[Plain, ...]:
    offers: list[Plain] = [chance.pick(KINDS) for _ in range(chance.between(1, 4))]
    levels = (0, 500, 500, 800, 1000)
    accepted: list[Plain] = [[chance.pick(RANGES), chance.pick(levels)] for _ in range(chance.between(1, 5))]
    return (offers, accepted)


def _responding(chance: Chance) -> tuple[Plain, ...]:
    offers: list[Plain] = [chance.pick(KINDS) for _ in range(chance.below(4))]
    return (chance.pick((None, *KINDS)), offers)


def _criteria(one: str, most: int) -> tuple[Criterion, ...]:
    full: Plain = [["text/html", 1000]] * most
    return (
        Criterion(
            text=f'A header such as "text/csv;q=0.5, */*" is read into types and qualities; up to {most} are taken',
            function="parse_accept",
            examples=(
                call("parse_accept", "text/csv;q=0.5, */*", result=[["text/csv", 500], ["*/*", 1000]]),
                call("parse_accept", "image/png;q=0.05,text/*;q=1.00", result=[["image/png", 50], ["text/*", 1000]]),
                call("parse_accept", ",".join(["text/html"] * most), result=full),
                call("parse_accept", ",".join(["text/html"] * (most + 1)), error="ValueError"),
            ),
        ),
        Criterion(
            text=f"A {one} is sent in the offered type that the client likes best; the most exact entry decides",
            function="choose",
            examples=(
                call(
                    "choose",
                    ["text/csv", "image/png"],
                    [["text/*", 900], ["text/csv", 300], ["*/*", 400]],
                    result="image/png",
                ),
                call("choose", ["text/csv", "image/png"], [["text/csv", 0]], result=None),
                call("choose", ["text/csv", "text/html"], [["text/csv", 200], ["text/*", 201]], result="text/html"),
            ),
        ),
        Criterion(
            text="The answer names its type; text types also name their character set, utf-8",
            function="respond",
            examples=(
                call("respond", "image/png", ["image/png"], result={"status": 200, "type": "image/png"}),
                call("respond", "text/csv", ["text/csv"], result={"status": 200, "type": "text/csv; charset=utf-8"}),
            ),
        ),
    )


def make(v: Variant) -> Kata:
    """The family `content_choice`."""
    one, many = v.theme.one, v.theme.many
    most = v.number_between("most", 4, 12)
    return Kata(
        domain="api",
        title=f"Send {many} in the format that the client prefers",
        told=Told(
            vague=f"The finance people get our {many} as web pages again. They never wanted web pages.",
            plain=(
                f"Clients say which formats of {many} they accept and how much they like each of them. We send the one "
                "that they like best."
            ),
            exact=(
                "The header lists types separated by commas, each with an optional ;q= from 0 to 1 with up to three "
                f"decimals (1 if left out), read as permille; more than {most} entries are a ValueError. For each "
                "offer the most exact entry decides (type, then group/*, then */*; of equal ones the first); "
                "quality 0 means never, and an offer without an entry is not acceptable. The answer has status 200 and "
                'the type, with "; charset=utf-8" for text types.'
            ),
        ),
        criteria=_criteria(one, most),
        open_points=(_unreadable(), _tie(), _nothing()),
        source=SOURCE.replace("%one%", one).replace("%most%", str(most)),
        inputs={"parse_accept": lambda chance: _header(most, chance), "choose": _choosing, "respond": _responding},
        points=3,
        specialization="api_design",
        tags=("api", "api_design"),
    )
