"""Access rules: what a request needs, what a token grants and for how long, what of a record is shown."""

from __future__ import annotations

from collections.abc import Callable

from actors.work.katas.api import route_match
from actors.work.katas.kata import Alternative, Chance, Criterion, Example, Kata, OpenPoint, Told, Variant, call
from actors.work.sandbox.plain import Plain

SOURCE = '''"""Decides who may do what with a %one%: rules for routes, grants of tokens, guarded fields."""

from <<route_match>> import match

DAY = 1440
GRACE = %grace%
MOST = %most%
RANKS = ["read", "write", "admin"]


def required(rules, method, path):
    """The scope that a request needs by the first rule [method or *, pattern, scope] that fits it."""
    for verb, pattern, scope in rules:
        if verb in ("*", method) and match(pattern, path) is not None:
            return scope
    <<no_rule>>


def holds(granted, scope):
    """Whether granted scopes include one like %many%:read. Raises ValueError for a malformed one."""
    resource, colon, verb = scope.partition(":")
    if not (resource and colon and verb):
        raise ValueError("a scope looks like %many%:read")
    if f"{resource}:*" in granted:
        return True
    <<implied>>


def visible(record, fields, granted):
    """A record as it is shown; `fields` names the scope that a guarded field needs."""
    shown = {}
    for name, value in record.items():
        scope = fields.get(name)
        if scope is None or scope in granted:
            shown[name] = value
        else:
            <<hidden>>
    return shown


def active(grants, at):
    """The scopes of grants [scope, from, until] valid at a minute, each once, in alphabetical order."""
    if len(grants) > MOST or any(begin > until for _, begin, until in grants):
        raise ValueError("too many grants, or one that ends before it begins")
    return sorted({scope for scope, begin, until in grants if begin <= at and <<valid>>})


def _higher(verb):
    """The verbs above one, the next one first; an unknown verb has none."""
    return RANKS[RANKS.index(verb) + 1 :] if verb in RANKS else []
'''


def _no_rule(prefix: str) -> OpenPoint:
    def ruled(name: str, answer: str, code: str, read: str | None, written: str | None) -> Alternative:
        def asked(method: str, scope: str | None) -> Example:
            rules: list[Plain] = [["GET", "/prices", "prices:read"]]
            error = "PermissionError" if scope == "refused" else ""
            return call("required", rules, method, f"{prefix}/files", result=None if error else scope, error=error)

        examples = (asked("GET", read), asked("POST", written))
        return Alternative(name=name, answer=answer, code={"no_rule": code}, examples=examples)

    return OpenPoint(
        criterion=1,
        topic="security",
        question="What does a request need for which there is no rule?",
        alternatives=(
            ruled("open", "Nothing: what has no rule is open to all.", "return None", None, None),
            ruled(
                "closed",
                "It is refused with a PermissionError, whoever asks.",
                'raise PermissionError("no rule allows this")',
                "refused",
                "refused",
            ),
            ruled("admin", "The scope system:admin.", 'return "system:admin"', "system:admin", "system:admin"),
            ruled(
                "reads_open",
                "A GET needs nothing, everything else is refused with a PermissionError.",
                'if method != "GET":\n    raise PermissionError("no rule allows this")\nreturn None',
                None,
                "refused",
            ),
        ),
    )


def _implied() -> OpenPoint:
    def granted(name: str, answer: str, code: str, by_write: bool, by_admin: bool) -> Alternative:
        examples = (
            call("holds", ["files:write"], "files:read", result=by_write),
            call("holds", ["files:admin"], "files:write", result=by_admin),
        )
        return Alternative(name=name, answer=answer, code={"implied": code}, examples=examples)

    return OpenPoint(
        criterion=2,
        topic="permissions",
        question="Does a stronger scope include the weaker ones of the same resource?",
        alternatives=(
            granted("never", "No, every scope stands for itself.", "return scope in granted", False, False),
            granted(
                "ladder",
                "Yes: admin includes write, and both include read.",
                'return any(f"{resource}:{one}" in granted for one in [verb, *_higher(verb)])',
                True,
                True,
            ),
            granted(
                "write_reads",
                "Only write includes read; admin is something else altogether.",
                'return scope in granted or (verb == "read" and f"{resource}:write" in granted)',
                True,
                False,
            ),
            granted(
                "admin_all",
                "Only admin includes everything of its resource; write does not include read.",
                'return scope in granted or f"{resource}:admin" in granted',
                False,
                True,
            ),
        ),
    )


def _hidden() -> OpenPoint:
    def shown(name: str, answer: str, code: str, result: Plain = None, error: str = "") -> Alternative:
        record: Plain = {"id": 4, "cost": 95, "tags": ["a"]}
        example = call("visible", record, {"cost": "prices:read"}, ["files:read"], result=result, error=error)
        return Alternative(name=name, answer=answer, code={"hidden": code}, examples=(example,))

    return OpenPoint(
        criterion=3,
        topic="data",
        question="What does somebody see in place of a field that they may not see?",
        alternatives=(
            shown("left_out", "Nothing: the field is left out.", "continue", {"id": 4, "tags": ["a"]}),
            shown("empty", "The field without a value.", "shown[name] = None", {"id": 4, "cost": None, "tags": ["a"]}),
            shown(
                "named",
                "The fields are left out, but their names are listed, in their order, under `hidden`.",
                'shown["hidden"] = [*shown.get("hidden", []), name]',
                {"id": 4, "hidden": ["cost"], "tags": ["a"]},
            ),
            shown(
                "refused",
                "Then they do not get the record at all, but a PermissionError.",
                'raise PermissionError(f"{name} needs another scope")',
                error="PermissionError",
            ),
        ),
    )


def _valid(grace: int) -> OpenPoint:
    def ending(name: str, answer: str, code: str, *valid: bool) -> Alternative:
        examples = tuple(
            call("active", [["files:read", 10, 100]], at, result=["files:read"] if one else [])
            for at, one in zip((100, 100 + grace, 1439), valid, strict=True)
        )
        return Alternative(name=name, answer=answer, code={"valid": code}, examples=examples)

    return OpenPoint(
        criterion=4,
        topic="limits",
        question="How long exactly is a grant valid that ends at some minute?",
        alternatives=(
            ending("included", "Through that minute.", "at <= until", True, False, False),
            ending("excluded", "Until that minute begins.", "at < until", False, False, False),
            ending(
                "grace",
                f"Through that minute and {grace} more, because clocks differ.",
                "at <= until + GRACE",
                True,
                True,
                False,
            ),
            ending(
                "day",
                "To the end of the day; days have 1440 minutes and begin at minute 0.",
                "at // DAY <= until // DAY",
                True,
                True,
                True,
            ),
        ),
    )


def _inputs(prefix: str, many: str, grace: int, most: int) -> dict[str, Callable[[Chance], tuple[Plain, ...]]]:
    patterns = (f"/{many}", f"/{many}/{{id}}", f"/{many}/{{id}}/notes", "/prices", "/{kind}/{id}")
    paths = tuple(
        prefix + path for path in (f"/{many}", f"/{many}/3", f"/{many}/3/notes", "/prices", "/prices/9", "/x")
    )
    scopes = tuple(f"{resource}:{verb}" for resource in (many, "prices") for verb in ("read", "write", "admin"))
    guarded = ("cost", "margin", "owner")

    def requiring(chance: Chance) -> tuple[Plain, ...]:
        rules: list[Plain] = [
            [chance.pick(("*", "GET", "GET", "POST")), chance.pick(patterns), chance.pick(scopes)]
            for _ in range(chance.between(2, 6))
        ]
        return (rules, chance.pick(("GET", "GET", "POST")), chance.pick(paths))

    def holding(chance: Chance) -> tuple[Plain, ...]:
        granted: list[Plain] = [chance.pick((*scopes, f"{many}:*")) for _ in range(chance.between(0, 3))]
        return (granted, chance.pick((*scopes, *scopes, f"{many}:sell", "", f"{many}:", ":read", many)))

    def seeing(chance: Chance) -> tuple[Plain, ...]:
        names = [name for name in ("id", "cost", "owner", "margin", "note") if chance.below(4)]
        fields: dict[str, Plain] = {name: chance.pick(scopes[:4]) for name in guarded if chance.below(3)}
        granted: list[Plain] = [chance.pick(scopes[:4]) for _ in range(chance.between(0, 4))]
        return ({name: chance.below(100) for name in names}, fields, granted)

    def lasting(chance: Chance) -> tuple[Plain, ...]:
        at, grants = chance.between(1400, 3000), list[Plain]()
        for _ in range(chance.pick((1, 2, 3, 4, 4, most, most + 1))):
            until = at + chance.pick((-700, -grace - 1, -grace, -1, 0, 0, 1, 200))
            begin = chance.pick((at, at, at + 1, at - 1, until, until - 900))
            grants.append([chance.pick(scopes), begin if chance.below(6) == 0 else min(begin, until), until])
        return (grants, at)

    return {"required": requiring, "holds": holding, "visible": seeing, "active": lasting}


def _criteria(prefix: str, one: str, many: str, most: int) -> tuple[Criterion, ...]:
    rules: list[Plain] = [["GET", "/prices/{id}", "prices:read"], ["*", "/prices/{id}", "prices:admin"]]
    grants: list[Plain] = [["b:read", 10, 100], ["a:read", 0, 50], ["b:read", 11, 90]]
    return (
        Criterion(
            text="The first rule that fits method and path says which scope is needed; a star stands for any method",
            function="required",
            examples=(
                call("required", rules, "GET", f"{prefix}/prices/8", result="prices:read"),
                call("required", rules, "PUT", f"{prefix}/prices/8", result="prices:admin"),
            ),
        ),
        Criterion(
            text=f"A token holds the scopes that it was granted; {many}:* grants every scope of the {many}",
            function="holds",
            examples=(
                call("holds", [f"{many}:read"], f"{many}:read", result=True),
                call("holds", [f"{many}:*"], f"{many}:write", result=True),
                call("holds", ["prices:*", f"{many}:read"], f"{many}:write", result=False),
                call("holds", [f"{many}:"], f"{many}:", error="ValueError"),
            ),
        ),
        Criterion(
            text=f"Fields of a {one} that need a scope are shown only to tokens with that very scope",
            function="visible",
            examples=(
                call(
                    "visible",
                    {"id": 1, "cost": 5},
                    {"cost": "prices:read"},
                    ["prices:read"],
                    result={"id": 1, "cost": 5},
                ),
                call("visible", {"id": 1}, {"cost": "prices:read"}, [], result={"id": 1}),
            ),
        ),
        Criterion(
            text=f"Of up to {most} grants those count that are valid at the given minute",
            function="active",
            examples=(
                call("active", grants, 10, result=["a:read", "b:read"]),
                call("active", grants, 9, result=["a:read"]),
                call("active", [["a:read", 0, 50]] * (most + 1), 30, error="ValueError"),
                call("active", [["a:read", 7, 6]], 3, error="ValueError"),
            ),
        ),
    )


def make(v: Variant) -> Kata:
    """The family `access_rules`."""
    one, many = v.theme.one, v.theme.many
    prefix = f"/{route_match.version(v.number)}"
    grace, most = v.number_between("grace", 2, 30), v.number_between("most", 4, 12)
    return Kata(
        domain="api",
        title=f"Give access to {many} by scopes",
        told=Told(
            vague=f"Anybody with a token can do anything to our {many}. The auditors were not amused.",
            plain=(
                f"What a token may do with {many} depends on the scopes that it was granted and for how long. Some "
                "fields are not for everybody."
            ),
            exact=(
                "Rules name a method or a star, a pattern of our router and a scope; the first that fits counts. A "
                f"scope has a resource, a colon and a verb, such as {many}:read, or it is a ValueError; {many}:* is "
                "for all verbs. A guarded field needs exactly its scope. Grants run from a minute until a minute; "
                f"one that ends before it begins, or more than {most} at once, are a ValueError. Active scopes are "
                "listed once, in alphabetical order."
            ),
        ),
        criteria=_criteria(prefix, one, many, most),
        open_points=(_no_rule(prefix), _implied(), _hidden(), _valid(grace)),
        source=SOURCE.replace("%one%", one)
        .replace("%many%", many)
        .replace("%grace%", str(grace))
        .replace("%most%", str(most)),
        inputs=_inputs(prefix, many, grace, most),
        points=8,
        specialization="security",
        tags=("api", "security"),
        needs=("route_match",),
    )
