"""A router: which pattern serves a path, what a method gets, how an address is written."""

from __future__ import annotations

from collections.abc import Callable

from actors.work.katas.kata import Alternative, Chance, Criterion, Example, Kata, OpenPoint, Told, Variant, call
from actors.work.sandbox.plain import Plain

SOURCE = '''"""Finds the route of a request to the %one% service and writes addresses for routes."""

VERSION = "%version%"


def match(pattern, path):
    """The values with which a path fits a pattern such as /%many%/{id}; None if it does not fit."""
    return _captured(pattern, _split(path))


def find(patterns, path):
    """The pattern that serves a path; None if none fits."""
    parts = _split(path)
    fitting = [pattern for pattern in patterns if _captured(pattern, parts) is not None]
    if not fitting:
        return None
    <<choice>>


def answer(routes, method, path):
    """Status and offered methods for a request to routes [method, pattern]."""
    parts = _split(path)
    offered = sorted({verb for verb, pattern in routes if _captured(pattern, parts) is not None})
    if not offered:
        return {"status": 404, "allow": []}
    if method in offered:
        return {"status": 200, "allow": offered}
    <<otherwise>>


def build(pattern, values):
    """The path of a pattern with its values filled in. Raises KeyError for a value that is missing."""
    parts = [VERSION]
    for part in _parts(pattern):
        parts.append(str(values[part[1:-1]]) if _is_open(part) else part)
    path = "/" + "/".join(parts)
    <<spare>>


def _split(path):
    """The parts of a requested path. Raises ValueError if it is no path."""
    if not path.startswith("/"):
        raise ValueError("a path begins with a slash")
    <<slash>>


def _parts(pattern):
    return pattern.strip("/").split("/")


def _is_open(part):
    return part.startswith("{")


def _captured(pattern, parts):
    """The values of the open parts of a pattern; None if it does not fit."""
    wanted = [VERSION, *_parts(pattern)]
    if len(wanted) != len(parts):
        return None
    values = {}
    for want, part in zip(wanted, parts, strict=True):
        if _is_open(want) and part:
            values[want[1:-1]] = part
        elif want != part:
            return None
    return values


def _fixed(pattern):
    """For each part whether it is fixed; of two patterns the greater one is the more exact."""
    return [not _is_open(part) for part in _parts(pattern)]


def _spare(pattern, values):
    """The names of values that have no place in a pattern, in alphabetical order."""
    return [name for name in sorted(values) if "{" + name + "}" not in _parts(pattern)]
'''


def version(number: int) -> str:
    """The part with which all addresses of a variant begin."""
    return f"v{Variant('route_match', number).number_between('version', 1, 9)}"


def _slash(prefix: str) -> OpenPoint:
    def matched(path: str, result: Plain = None, error: str = "") -> Example:
        return call("match", "/files/{id}", prefix + path, result=result, error=error)

    return OpenPoint(
        criterion=1,
        topic="edge_case",
        question="What about an address with a slash too many, at its end or in between?",
        alternatives=(
            Alternative(
                name="last",
                answer="One slash at the end makes no difference; any other makes it another address.",
                code={"slash": 'return path.removesuffix("/").split("/")[1:]'},
                examples=(matched("/files/7/", {"id": "7"}), matched("/files//7", None)),
            ),
            Alternative(
                name="strict",
                answer="It is another address and is served only if somebody defined it like that.",
                code={"slash": 'return path.split("/")[1:]'},
                examples=(matched("/files/7/", None), matched("/files//7", None)),
            ),
            Alternative(
                name="refused",
                answer="A slash at the end is a mistake (ValueError); in between it just does not fit.",
                code={"slash": 'if path.endswith("/"):\n    raise ValueError(path)\nreturn path.split("/")[1:]'},
                examples=(matched("/files/7/", error="ValueError"), matched("/files//7", None)),
            ),
            Alternative(
                name="surplus",
                answer="We are generous: all surplus slashes are ignored, wherever they stand.",
                code={"slash": 'return [part for part in path.split("/") if part]'},
                examples=(matched("/files/7/", {"id": "7"}), matched("/files//7", {"id": "7"})),
            ),
        ),
    )


def _choice(prefix: str) -> OpenPoint:
    patterns: list[Plain] = ["/files/{id}", "/files/new", "/{kind}/new"]

    def chosen(name: str, answer: str, code: str, result: Plain = None, error: str = "") -> Alternative:
        example = call("find", patterns, f"{prefix}/files/new", result=result, error=error)
        return Alternative(name=name, answer=answer, code={"choice": code}, examples=(example,))

    return OpenPoint(
        criterion=2,
        topic="workflow",
        question="Which pattern serves a path that several patterns fit?",
        alternatives=(
            chosen("first", "The one that was defined first.", "return fitting[0]", "/files/{id}"),
            chosen(
                "exact",
                "The most exact one: from the left, a fixed part beats an open one.",
                "return max(fitting, key=_fixed)",
                "/files/new",
            ),
            chosen(
                "last",
                "The one that was defined last, so that a customer's routes can replace ours.",
                "return fitting[-1]",
                "/{kind}/new",
            ),
            chosen(
                "refused",
                "None: that is a mistake in our routes, and I want to hear of it at once (LookupError).",
                'if len(fitting) > 1:\n    raise LookupError("several routes fit")\nreturn fitting[0]',
                error="LookupError",
            ),
        ),
    )


def _otherwise(prefix: str) -> OpenPoint:
    refuse = 'return {"status": 405, "allow": offered}'
    no_read: Plain = {"status": 405, "allow": ["GET"]}
    no_write: Plain = {"status": 405, "allow": ["PUT"]}

    def headed(name: str, answer: str, code: str, read: Plain, written: Plain) -> Alternative:
        examples = tuple(
            call("answer", [[verb, "/files"]], "HEAD", f"{prefix}/files", result=result)
            for verb, result in (("GET", read), ("PUT", written))
        )
        return Alternative(name=name, answer=answer, code={"otherwise": code}, examples=examples)

    return OpenPoint(
        criterion=3,
        topic="compatibility",
        question="What does a HEAD request get that no route offers?",
        alternatives=(
            headed("refused", "The same refusal as any other method.", refuse, no_read, no_write),
            headed(
                "like_get",
                "Where GET is offered, HEAD is allowed as well.",
                f'if method == "HEAD" and "GET" in offered:\n    return {{"status": 200, "allow": offered}}\n{refuse}',
                {"status": 200, "allow": ["GET"]},
                no_write,
            ),
            headed(
                "empty",
                "A success without content, on every path that exists: monitors only want to see that we live.",
                f'if method == "HEAD":\n    return {{"status": 204, "allow": offered}}\n{refuse}',
                {"status": 204, "allow": ["GET"]},
                {"status": 204, "allow": ["PUT"]},
            ),
            headed(
                "advertised",
                "It is allowed where GET is, and then listed among the methods in front of the others.",
                'if method == "HEAD" and "GET" in offered:\n'
                '    return {"status": 200, "allow": ["HEAD", *offered]}\n' + refuse,
                {"status": 200, "allow": ["HEAD", "GET"]},
                no_write,
            ),
        ),
    )


def _spare(prefix: str) -> OpenPoint:
    def built(name: str, answer: str, code: str, result: Plain = None, error: str = "") -> Alternative:
        values: Plain = {"sort": "age", "id": 7, "lang": "en"}
        example = call("build", "/files/{id}", values, result=result, error=error)
        return Alternative(name=name, answer=answer, code={"spare": code}, examples=(example,))

    return OpenPoint(
        criterion=4,
        topic="data",
        question="What becomes of values that have no place in the pattern?",
        alternatives=(
            built("ignored", "They are ignored.", "return path", f"{prefix}/files/7"),
            built(
                "query",
                "They follow as a query, in alphabetical order.",
                'query = "&".join(f"{name}={values[name]}" for name in _spare(pattern, values))\n'
                'return f"{path}?{query}" if query else path',
                f"{prefix}/files/7?lang=en&sort=age",
            ),
            built(
                "refused",
                "Somebody mistyped a name: refuse it with a ValueError.",
                'if _spare(pattern, values):\n    raise ValueError("a value has no place")\nreturn path',
                error="ValueError",
            ),
            built(
                "parts",
                "They follow as further parts, name and value, in alphabetical order.",
                'return path + "".join(f"/{name}/{values[name]}" for name in _spare(pattern, values))',
                f"{prefix}/files/7/lang/en/sort/age",
            ),
        ),
    )


def _criteria(prefix: str, one: str, many: str) -> tuple[Criterion, ...]:
    routes: list[Plain] = [["POST", f"/{many}"], ["GET", f"/{many}"], ["GET", f"/{many}/{{id}}"]]
    offered: Plain = {"status": 200, "allow": ["GET", "POST"]}
    return (
        Criterion(
            text=f"A path fits a pattern part by part below {prefix}; braces take one part and name it",
            function="match",
            examples=(
                call("match", f"/{many}/{{id}}", f"{prefix}/{many}/12", result={"id": "12"}),
                call("match", f"/{many}", f"{prefix}/{many}", result={}),
                call("match", f"/{many}/{{id}}", f"/{many}/12"),
                call("match", f"/{many}", f"{prefix[1:]}/{many}", error="ValueError"),
            ),
        ),
        Criterion(
            text=f"The pattern that serves a {one} request is found among all patterns, or there is none",
            function="find",
            examples=(
                call("find", [f"/{many}", f"/{many}/{{id}}"], f"{prefix}/{many}/7", result=f"/{many}/{{id}}"),
                call("find", [f"/{many}"], f"{prefix}/{many}/7"),
            ),
        ),
        Criterion(
            text="A request learns whether path and method are offered (200, 404, 405) and which methods there are",
            function="answer",
            examples=(
                call("answer", routes, "GET", f"{prefix}/{many}", result=offered),
                call("answer", routes, "PUT", f"{prefix}/{many}/7", result={"status": 405, "allow": ["GET"]}),
                call("answer", routes, "GET", f"{prefix}/files", result={"status": 404, "allow": []}),
            ),
        ),
        Criterion(
            text=f"The address of a {one} is written from pattern and values; a missing value is an error",
            function="build",
            examples=(
                call("build", f"/{many}/{{id}}", {"id": 7}, result=f"{prefix}/{many}/7"),
                call("build", f"/{many}/{{id}}/notes", {"id": "a"}, result=f"{prefix}/{many}/a/notes"),
                call("build", f"/{many}/{{id}}", {}, error="KeyError"),
            ),
        ),
    )


def _told(prefix: str, one: str, many: str) -> Told:
    return Told(
        vague=f"Half of our {one} links end nowhere. Sort out who answers what.",
        plain=(
            f"Requests to the {many} service find the route that serves them; unknown addresses and methods are told "
            "apart. We also write addresses ourselves and want them to come from the same patterns."
        ),
        exact=(
            f"All addresses begin with {prefix}. A pattern such as /{many}/{{id}} fits a path with as many parts: "
            "braces take any part that is not empty, everything else is literal. Unknown paths get 404, other methods "
            "405, with the offered ones in alphabetical order. Values are text or numbers; what does not begin with "
            "a slash is no path (ValueError), a missing value is a KeyError."
        ),
    )


def _inputs(prefix: str, many: str) -> dict[str, Callable[[Chance], tuple[Plain, ...]]]:
    patterns = (f"/{many}", f"/{many}/{{id}}", f"/{many}/new", "/{kind}/new", "/{kind}/{id}/notes", "/{a}/{b}/{id}")
    methods = ("GET", "POST", "PUT", "HEAD")

    def path(chance: Chance) -> str:
        tail = chance.pick(("", "/new", "/12", "/12/notes", "/12/notes/3", "/new/notes", "/12/", "//12"))
        start = chance.pick((prefix, prefix, prefix, prefix, prefix, prefix, "/v0", prefix[1:]))
        return f"{start}/{chance.pick((many, many, many, 'files'))}{tail}"

    def answered(chance: Chance) -> tuple[Plain, ...]:
        routes: list[Plain] = [[chance.pick(methods), chance.pick(patterns)] for _ in range(chance.between(2, 6))]
        return (routes, chance.pick(methods), path(chance))

    def built(chance: Chance) -> tuple[Plain, ...]:
        names = [name for name in ("sort", "part", "lang", "kind", "id") if chance.below(4)]
        return (chance.pick(patterns), {name: chance.pick((3, 41, "x")) for name in names})

    return {
        "match": lambda chance: (chance.pick(patterns), path(chance)),
        "find": lambda chance: ([chance.pick(patterns) for _ in range(chance.between(1, 5))], path(chance)),
        "answer": answered,
        "build": built,
    }


def make(v: Variant) -> Kata:
    """The family `route_match`."""
    one, many = v.theme.one, v.theme.many
    prefix = f"/{version(v.number)}"
    return Kata(
        domain="api",
        title=f"Route requests to the {many} endpoints",
        told=_told(prefix, one, many),
        criteria=_criteria(prefix, one, many),
        open_points=(_slash(prefix), _choice(prefix), _otherwise(prefix), _spare(prefix)),
        source=SOURCE.replace("%one%", one).replace("%many%", many).replace("%version%", version(v.number)),
        inputs=_inputs(prefix, many),
        points=5,
        specialization="backend",
        tags=("api", "backend", "routing"),
    )
