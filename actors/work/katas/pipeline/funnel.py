"""A funnel: how many sessions get how far, where they are lost, which version of a page wins."""

from __future__ import annotations

from actors.work.katas.kata import Alternative, Chance, Criterion, Kata, OpenPoint, Told, Variant, call
from actors.work.sandbox.plain import Plain

SOURCE = '''"""Measures how far visitors get on their way to a %one%."""

from <<sessions>> import sessions

MOST = %most%
LEAST = %least%
FULL = 1000


def reached(steps, events):
    """How many sessions of events [visitor, minute, what] reach each step."""
    if len(steps) > MOST:
        raise ValueError(f"a funnel has at most {MOST} steps")
    counts = [0] * len(steps)
    for session in sessions(events):
        for step in range(_depth(steps, session["what"])):
            counts[step] += 1
    return counts


def losses(counts):
    """For each step but the first how many permille of those at the step before are lost."""
    lost = []
    for before, after in zip(counts, counts[1:], strict=False):
        if after > before:
            raise ValueError("nobody joins a funnel halfway")
        if before == 0:
            <<empty>>
        lost.append((before - after) * FULL // before)
    return lost


def winner(versions):
    """The version, of name -> [entered, finished], with the greatest share of finished visits."""
    if any(finished > entered for entered, finished in versions.values()):
        raise ValueError("more visits finished than entered")
    <<few>>
    return min(rates, key=lambda name: (-rates[name], name), default=None)


def _depth(steps, what):
    """How many of the steps a session reaches that did these things."""
    <<order>>


def _rate(finished, entered):
    return finished * FULL // entered if entered else 0
'''


def _order() -> OpenPoint:
    def ordered(name: str, answer: str, code: str, counts: list[Plain]) -> Alternative:
        ann, bob = ("view", "help", "cart"), ("cart", "view")
        events: list[Plain] = [[who, at, done] for who, did in (("a", ann), ("b", bob)) for at, done in enumerate(did)]
        example = call("reached", ["view", "cart"], events, result=counts)
        return Alternative(name=name, answer=answer, code={"order": code}, examples=(example,))

    in_order = (
        "reached = 0\nfor done in what:\n"
        "    if reached < len(steps) and done == steps[reached]:\n"
        "        reached += 1\n"
    )
    return OpenPoint(
        criterion=1,
        topic="workflow",
        question="Does somebody reach a step who did other things in between, or did things in another order?",
        alternatives=(
            ordered(
                "in_order",
                "The steps must come in their order; what happens in between does not matter.",
                f"{in_order}return reached",
                [2, 1],
            ),
            ordered(
                "any_order",
                "Any order will do: a step is reached if it and all steps before it were done at some time.",
                "reached = 0\nwhile reached < len(steps) and steps[reached] in what:\n    reached += 1\nreturn reached",
                [2, 2],
            ),
            ordered(
                "directly",
                "Only steps that follow one another directly count, beginning anywhere; the longest such row counts.",
                "longest = 0\n"
                "for start in range(len(what)):\n"
                "    fitting = 0\n"
                "    while what[start + fitting : start + fitting + 1] == steps[fitting : fitting + 1] != []:\n"
                "        fitting += 1\n"
                "    longest = max(longest, fitting)\n"
                "return longest",
                [2, 0],
            ),
            ordered(
                "from_the_door",
                "In their order, with anything in between, but only sessions that begin with the first step count.",
                f"{in_order}return reached if what[:1] == steps[:1] else 0",
                [1, 1],
            ),
        ),
    )


def _empty() -> OpenPoint:
    def lost(name: str, answer: str, code: str, *permille: int | None) -> Alternative:
        example = call("losses", [8, 4, 0, 0], result=list(permille))
        return Alternative(name=name, answer=answer, code={"empty": code}, examples=(example,))

    return OpenPoint(
        criterion=2,
        topic="edge_case",
        question="Nobody reached a step. What is lost at the next one?",
        alternatives=(
            lost("nothing", "Nothing: 0.", "lost.append(0)\ncontinue", 500, 1000, 0),
            lost("unknown", "We do not know: no value.", "lost.append(None)\ncontinue", 500, 1000, None),
            lost("all", "Everything: 1000.", "lost.append(FULL)\ncontinue", 500, 1000, 1000),
            lost("stop", "The list ends there.", "break", 500, 1000),
        ),
    )


def _few(least: int) -> OpenPoint:
    def won(name: str, answer: str, code: str, result: str | None) -> Alternative:
        versions: Plain = {"a": [10, 5], "b": [100, 30], "c": [60, 20]}
        example = call("winner", versions, result=result)
        return Alternative(name=name, answer=answer, code={"few": code}, examples=(example,))

    rates = "rates = {name: _rate(finished, entered) for name, (entered, finished) in versions.items()}"
    return OpenPoint(
        criterion=3,
        topic="data",
        question="What about versions that hardly anybody has seen yet?",
        alternatives=(
            won("counted", "They count like any other.", rates, "a"),
            won(
                "left_out",
                f"Versions with fewer than {least} visits are left out.",
                "seen = {name: counts for name, counts in versions.items() if counts[0] >= LEAST}\n"
                "rates = {name: _rate(finished, entered) for name, (entered, finished) in seen.items()}",
                "c",
            ),
            won(
                "wait",
                f"As long as one of them has fewer than {least} visits, there is no winner.",
                f"if any(entered < LEAST for entered, _ in versions.values()):\n    return None\n{rates}",
                None,
            ),
            won(
                "damped",
                f"Every version is taken to have {least} visits more that did not finish.",
                "rates = {name: _rate(finished, entered + LEAST) for name, (entered, finished) in versions.items()}",
                "b",
            ),
        ),
    )


DONE = ("home", "view", "cart", "pay", "help")


def _visiting(most: int, chance: Chance) -> tuple[Plain, ...]:
    events = list[Plain]()
    for who in ("ann", "bob", "cy")[: chance.between(1, 3)]:
        at = chance.pick((0, 0, 200))
        for _ in range(chance.between(1, 7)):
            events.append([who, at, chance.pick(DONE)])
            at += chance.between(1, 6)
    steps = (["home", "view", "cart", "pay"], ["view", "cart"], ["home", "cart", "pay"], ["view", "view", "pay"])
    chosen: list[Plain] = [*chance.pick(steps)]
    if chance.below(8) == 0:
        chosen = ["view"] * (most + chance.below(2))
    return (chosen, events)


def _counts(chance: Chance) -> tuple[Plain, ...]:
    left, counts = chance.pick((0, 1, 7, 30, 64)), list[Plain]()
    for _ in range(chance.between(1, 5)):
        counts.append(left)
        left = chance.pick((left, left // 2, left * 2 // 3, left - 1 if left else 0, 0))
    return ([*counts, 65] if chance.below(8) == 0 else counts,)


def _versions(least: int, chance: Chance) -> tuple[Plain, ...]:
    versions: dict[str, Plain] = {}
    for name in ("d", "b", "a", "c")[: chance.between(0, 4)]:
        entered = chance.pick((0, 5, least - 1, least, least + 1, 2 * least, 3 * least))
        versions[name] = [entered, chance.pick((0, entered // 2, entered // 3, entered // 2, entered))]
    if chance.below(10) == 0:
        versions["e"] = [3, 4]
    return (versions,)


def _criteria(one: str, most: int) -> tuple[Criterion, ...]:
    def events(*what: tuple[str, int, str]) -> list[Plain]:
        return [[*event] for event in what]

    twice = events(("ann", 0, "view"), ("ann", 500, "view"), ("ann", 501, "cart"), ("bob", 3, "view"))
    return (
        Criterion(
            text=f"For each step on the way to a {one} we see how many sessions reach it; {most} steps at most",
            function="reached",
            examples=(
                call("reached", ["view", "cart", "pay"], twice, result=[3, 1, 0]),
                call("reached", ["view"], events(("ann", 0, "home")), result=[0]),
                call("reached", ["view"] * most, [], result=[0] * most),
                call("reached", ["view"] * (most + 1), [], error="ValueError"),
            ),
        ),
        Criterion(
            text="From step to step we see how many permille are lost, rounded down; a step cannot gain anybody",
            function="losses",
            examples=(
                call("losses", [9, 6, 6, 3], result=[333, 0, 500]),
                call("losses", [5], result=[]),
                call("losses", [5, 6], error="ValueError"),
            ),
        ),
        Criterion(
            text="Of several versions of a page that one wins whose visits finish most often; equals go by name",
            function="winner",
            examples=(
                call("winner", {"old": [400, 100], "new": [400, 101]}, result="new"),
                call("winner", {"old": [400, 100], "new": [400, 100]}, result="new"),
                call("winner", {}, result=None),
                call("winner", {"old": [400, 401]}, error="ValueError"),
            ),
        ),
    )


def make(v: Variant) -> Kata:
    """The family `funnel`."""
    one, many = v.theme.one, v.theme.many
    least, most = v.number_between("least", 40, 60), v.number_between("most", 5, 12)
    return Kata(
        domain="pipeline",
        title=f"Show where visitors give up on their way to a {one}",
        told=Told(
            vague=f"Everybody looks at our {many} and hardly anybody buys. Where do they all go?",
            plain=(
                f"We want to see how many sessions get how far on their way to a {one}, where we lose them, and which "
                "version of a page loses the fewest."
            ),
            exact=(
                f"Events are cut into sessions as the product already does it. For up to {most} steps (more are a "
                "ValueError) we count the sessions that reach each of them; a loss is the share, in permille "
                "rounded down, of those at the step before, and a count greater than the one before is a "
                "ValueError. A version is judged by its finished visits in permille of those that entered, rounded "
                "down; equals go by name, more finished than entered is a ValueError, and without versions nobody "
                "wins."
            ),
        ),
        criteria=_criteria(one, most),
        open_points=(_order(), _empty(), _few(least)),
        source=SOURCE.replace("%one%", one).replace("%least%", str(least)).replace("%most%", str(most)),
        inputs={
            "reached": lambda chance: _visiting(most, chance),
            "losses": _counts,
            "winner": lambda chance: _versions(least, chance),
        },
        points=3,
        specialization="ui_ux",
        tags=("pipeline", "analytics"),
        needs=("sessions",),
    )
