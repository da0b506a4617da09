"""Starting services in the order of what they depend on: reading, ordering, restarting, and how long it all takes."""

from __future__ import annotations

from actors.work.katas.kata import Alternative, Chance, Criterion, Example, Kata, OpenPoint, Told, Variant
from actors.work.sandbox.plain import Plain

SOURCE = '''"""Starts services in an order in which each finds what it depends on already running."""


def read_services(lines):
    """Read lines such as "web: db, cache" into {service: [dependencies]}. Raises ValueError otherwise."""
    services = {}
    for line in lines:
        name, colon, rest = line.partition(":")
        name = name.strip()
        if not colon or not name:
            raise ValueError(f"not a service: {line!r}")
        needs = [one.strip() for one in rest.split(",") if one.strip()]
        <<twice>>
    return services


def start_order(services):
    """All services, each after its dependencies. Raises ValueError if some could never start."""
    waiting, order = dict(services), []
    while waiting:
        ready = [name for name in waiting if all(one in order for one in waiting[name])]
        if not ready:
            raise ValueError(f"these could never start: {sorted(waiting)}")
        <<pick>>
        order.append(name)
        del waiting[name]
    return order


def restarted_with(services, name):
    """A service and all that depend on it, directly or not, by name."""
    if name not in services:
        <<unknown>>
    found, waiting = [name], [name]
    while waiting:
        fresh = [one for one in _dependents(services, waiting.pop()) if one not in found]
        found += fresh
        waiting += fresh
    return sorted(found)


def up_after(services, seconds):
    """Seconds until each service is up; one without a figure takes DEFAULT."""
    up = {}
    for name in start_order(services):
        begins = max([up[one] for one in services[name]], default=0)
        up[name] = begins + seconds.get(name, DEFAULT)
    return up


def _dependents(services, name):
    return [one for one, needs in services.items() if name in needs]
'''


def _twice() -> OpenPoint:
    def listed(name: str, answer: str, code: str, result: Plain = None, error: str = "") -> Alternative:
        arguments: tuple[Plain, ...] = (["web: db", "web: cache"],)
        example = Example(function="read_services", arguments=arguments, result=result, error=error)
        return Alternative(name=name, answer=answer, code={"twice": code}, examples=(example,))

    return OpenPoint(
        criterion=1,
        topic="data",
        question="What if a service is listed on two lines?",
        alternatives=(
            listed("last", "The later line replaces the earlier one.", "services[name] = needs", {"web": ["cache"]}),
            listed(
                "first",
                "The first line counts, later ones are passed over.",
                "services.setdefault(name, needs)",
                {"web": ["db"]},
            ),
            listed(
                "both",
                "Both count: it depends on what either line names, in that order and each once.",
                "services[name] = list(dict.fromkeys([*services.get(name, []), *needs]))",
                {"web": ["db", "cache"]},
            ),
            listed(
                "mistake",
                "That is a mistake in the list, refuse it.",
                'if name in services:\n    raise ValueError(f"{name} is listed twice")\nservices[name] = needs',
                error="ValueError",
            ),
        ),
    )


def _pick() -> OpenPoint:
    def picked(name: str, answer: str, code: str, result: list[Plain]) -> Alternative:
        services: Plain = {"db": [], "web": ["db"], "audit": ["db", "cron"], "cron": []}
        example = Example(function="start_order", arguments=(services,), result=result)
        return Alternative(name=name, answer=answer, code={"pick": code}, examples=(example,))

    return OpenPoint(
        criterion=2,
        topic="workflow",
        question="Several services could start next. Which one does?",
        alternatives=(
            picked("alphabet", "By the alphabet.", "name = min(ready)", ["cron", "db", "audit", "web"]),
            picked("listed", "The one that is listed first.", "name = ready[0]", ["db", "web", "cron", "audit"]),
            picked(
                "wanted",
                "The one on which most services depend directly; by the alphabet if that is the same.",
                "name = min(ready, key=lambda one: (-len(_dependents(services, one)), one))",
                ["db", "cron", "audit", "web"],
            ),
            picked(
                "simple",
                "The one with the fewest dependencies of its own; by the alphabet if that is the same.",
                "name = min(ready, key=lambda one: (len(services[one]), one))",
                ["cron", "db", "web", "audit"],
            ),
        ),
    )


def _unknown() -> OpenPoint:
    def asked(name: str, answer: str, code: str, result: Plain = None, error: str = "") -> Alternative:
        arguments: tuple[Plain, ...] = ({"web": ["db"], "db": []}, "mail")
        example = Example(function="restarted_with", arguments=arguments, result=result, error=error)
        return Alternative(name=name, answer=answer, code={"unknown": code}, examples=(example,))

    return OpenPoint(
        criterion=3,
        topic="errors",
        question="What is restarted if the service is not in the list at all?",
        alternatives=(
            asked("refuse", "Nothing, the request is refused: KeyError.", "raise KeyError(name)", error="KeyError"),
            asked("nothing", "Nothing, and nobody needs to hear of it.", "return []", []),
            asked("itself", "That one alone: somebody may have started it by hand.", "return [name]", ["mail"]),
            asked("all", "Everything, to be on the safe side.", "return sorted(services)", ["db", "web"]),
        ),
    )


_NAMES = ("auth", "cache", "db", "mail", "queue", "web")


def _services(chance: Chance) -> dict[str, Plain]:
    names = list(_NAMES)
    for place in range(len(names)):  # the order in which they are listed, and that of who depends on whom
        other = chance.between(place, len(names) - 1)
        names[place], names[other] = names[other], names[place]
    services: dict[str, Plain] = {}
    for place, name in enumerate(names[: chance.between(3, 6)]):
        services[name] = [one for one in names[:place] if chance.below(3) == 0]
    if chance.below(2):
        services = dict(reversed(services.items()))
    return services


def _broken(chance: Chance) -> dict[str, Plain]:
    services = _services(chance)
    if chance.below(8) == 0:
        services["loop"] = [chance.pick(("loop", "moon"))]
    return services


def _lines(chance: Chance) -> tuple[Plain, ...]:
    lines = list[Plain]()
    for _ in range(chance.between(1, 4)):
        name, first, second = chance.pick(_NAMES), chance.pick(_NAMES[:3]), chance.pick(_NAMES[3:])
        lines.append(chance.pick((f"{name}:", f"{name}: {first}", f" {name} : {first}, {second}", f"{name}:{first},")))
    if chance.below(5) == 0:
        lines.append(chance.pick(("web", ": db", " : db")))
    return (lines,)


def _restarts(chance: Chance) -> tuple[Plain, ...]:
    return (_services(chance), chance.pick(_NAMES))


def _timed(chance: Chance) -> tuple[Plain, ...]:
    seconds: dict[str, Plain] = {name: chance.between(0, 30) for name in _NAMES if chance.below(3)}
    return (_broken(chance), seconds)


def _criteria(one: str, default: int) -> tuple[Criterion, ...]:
    return (_reading(one), _ordering(one), _restarting(one), _timing(one, default))


def _chain(one: str) -> dict[str, Plain]:
    return {f"{one}-web": [f"{one}-api"], f"{one}-api": ["db"], "db": []}


def _reading(one: str) -> Criterion:
    return Criterion(
        text='A line names a service and what it depends on, such as "web: db, cache"; other lines are refused',
        function="read_services",
        examples=(
            Example(
                function="read_services",
                arguments=([f"{one}-web: db, cache", "db:"],),
                result={f"{one}-web": ["db", "cache"], "db": []},
            ),
            Example(function="read_services", arguments=(["db cache"],), error="ValueError"),
            Example(function="read_services", arguments=([": db"],), error="ValueError"),
        ),
    )


def _ordering(one: str) -> Criterion:
    return Criterion(
        text="A service starts after all that it depends on; lists that could never start are refused",
        function="start_order",
        examples=(
            Example(function="start_order", arguments=(_chain(one),), result=["db", f"{one}-api", f"{one}-web"]),
            Example(function="start_order", arguments=({"web": ["db"], "db": ["web"]},), error="ValueError"),
            Example(function="start_order", arguments=({"web": ["db"]},), error="ValueError"),
        ),
    )


def _restarting(one: str) -> Criterion:
    return Criterion(
        text="When a service restarts, so does everything that depends on it, directly or not",
        function="restarted_with",
        examples=(
            Example(
                function="restarted_with",
                arguments=({"web": [f"{one}-api"], f"{one}-api": ["a"], "a": [], "zoo": []}, "a"),
                result=["a", f"{one}-api", "web"],
            ),
            Example(function="restarted_with", arguments=(_chain(one), f"{one}-web"), result=[f"{one}-web"]),
        ),
    )


def _timing(one: str, default: int) -> Criterion:
    return Criterion(
        text=f"It is known when each service is up, at {default} seconds for one that nobody has measured",
        function="up_after",
        examples=(
            Example(
                function="up_after",
                arguments=(_chain(one), {"db": 20, f"{one}-web": 3}),
                result={"db": 20, f"{one}-api": 20 + default, f"{one}-web": 23 + default},
            ),
            Example(function="up_after", arguments=({"a": [], "b": []}, {"a": 1, "b": 2}), result={"a": 1, "b": 2}),
        ),
    )


def make(v: Variant) -> Kata:
    """The family `start_order`."""
    one, many = v.theme.one, v.theme.many
    default = v.number_between("default", 4, 25)
    return Kata(
        domain="infra",
        title=f"Start the services around {many} in the right order",
        told=Told(
            vague=f"After every power cut somebody starts the {one} services by hand until nothing crashes any more.",
            plain=(
                f"Each of the {one} services names what it depends on. From that we want the order in which they "
                "start, what to restart together, and how long a start takes."
            ),
            exact=(
                f'The {one} services are listed one a line as "name: dependency, dependency"; the part after the colon '
                "may be empty or end in a comma, spaces do not matter, and a line without a colon or a name is refused "
                "(ValueError). A service starts once all its dependencies run; if some can never start, since they "
                "wait for each other or for one that is not listed, the start is refused (ValueError). A restart takes "
                "along all that depend on the service, directly or not, sorted by name. All that can start do so at "
                f"once, so a service is up its own seconds after the last of its dependencies; unmeasured ones take "
                f"{default}."
            ),
        ),
        criteria=_criteria(one, default),
        open_points=(_twice(), _pick(), _unknown()),
        source=SOURCE.replace("DEFAULT", str(default)),
        inputs={
            "read_services": _lines,
            "start_order": lambda chance: (_broken(chance),),
            "restarted_with": _restarts,
            "up_after": _timed,
        },
        points=5,
        specialization="devops",
        tags=("infra", "graphs"),
    )
