"""Facts meet history: groups as of the day, totals, what a correction changes, the top of a list."""

from __future__ import annotations

from collections.abc import Callable

from actors.work.katas.kata import Alternative, Chance, Criterion, Kata, OpenPoint, Told, Variant, call
from actors.work.sandbox.plain import Plain

SOURCE = '''"""Reports about %many% by the group that each of them belonged to on its day."""

from <<history>> import as_of

LARGEST = %largest%


def enrich(facts, history):
    """The facts, each with key and day, and the value of its key on its day as its group."""
    enriched = []
    for fact in facts:
        group = as_of(history, fact["key"], fact["day"])
        <<unknown>>
    return enriched


def totals(facts):
    """The sum of the amounts of each group, by name. Raises ValueError for an amount that cannot be true."""
    sums = {}
    for fact in facts:
        group, amount = fact["group"], fact["amount"]
        if abs(amount) > LARGEST:
            raise ValueError(f"{amount} is too much")
        <<refund>>
    return {group: sums[group] for group in sorted(sums)}


def corrections(before, after, facts, closed):
    """The facts whose group a corrected history changes, as [id, day]; days before `closed` are closed."""
    posted = []
    for fact in facts:
        key, day = fact["key"], fact["day"]
        if as_of(before, key, day) == as_of(after, key, day):
            continue
        <<posting>>
    return posted


def top(sums, count):
    """The `count` greatest groups as [group, sum], then ["others", rest] if there is a rest."""
    if count < 1:
        raise ValueError("a list has at least one row")
    ranked = sorted(sums, key=lambda group: (-sums[group], group))
    <<cut>>
    rest = sum(sums.values()) - sum(amount for _, amount in rows)
    return [*rows, ["others", rest]] if rest else rows
'''


def _row(key: str, value: str, begin: int, until: int | None) -> dict[str, Plain]:
    return {"key": key, "value": value, "from": begin, "until": until}


def _unknown() -> OpenPoint:
    def met(name: str, answer: str, code: str, group: str | None) -> Alternative:
        known: dict[str, Plain] = {"key": "a", "day": 4}
        missing: dict[str, Plain] = {"key": "z", "day": 4}
        rows: list[Plain] = [{**known, "group": "north"}]
        if group != "left out":
            rows.append({**missing, "group": group})
        arguments: tuple[Plain, ...] = ([known, missing], [_row("a", "north", 0, None)])
        error = "LookupError" if group == "refused" else ""
        example = call("enrich", *arguments, result=None if error else rows, error=error)
        return Alternative(name=name, answer=answer, code={"unknown": code}, examples=(example,))

    return OpenPoint(
        criterion=1,
        topic="errors",
        question="What about facts whose key belonged to no group on that day?",
        alternatives=(
            met("empty", "They stay, without a group.", 'enriched.append({**fact, "group": group})', None),
            met(
                "left_out",
                "They are left out.",
                'if group is not None:\n    enriched.append({**fact, "group": group})',
                "left out",
            ),
            met(
                "other",
                'They go into the group "other".',
                'enriched.append({**fact, "group": "other" if group is None else group})',
                "other",
            ),
            met(
                "refused",
                "Then the history is not complete: stop with a LookupError.",
                "if group is None:\n"
                "    raise LookupError(f\"{fact['key']} belongs to no group\")\n"
                'enriched.append({**fact, "group": group})',
                "refused",
            ),
        ),
    )


def _refund() -> OpenPoint:
    def summed(name: str, answer: str, code: str, result: dict[str, Plain]) -> Alternative:
        facts: list[Plain] = [{"group": "north", "amount": amount} for amount in (100, -130, 50)]
        example = call("totals", facts, result=result)
        return Alternative(name=name, answer=answer, code={"refund": code}, examples=(example,))

    return OpenPoint(
        criterion=2,
        topic="data",
        question="Some amounts are negative: refunds. How do they count?",
        alternatives=(
            summed("subtracted", "They are subtracted.", "sums[group] = sums.get(group, 0) + amount", {"north": 20}),
            summed(
                "ignored",
                "They do not count; a group with refunds only has a sum of zero.",
                "sums[group] = sums.get(group, 0) + max(amount, 0)",
                {"north": 150},
            ),
            summed(
                "apart",
                'They count as positive amounts of a group of their own, for instance "north refunds".',
                'name = group if amount >= 0 else f"{group} refunds"\nsums[name] = sums.get(name, 0) + abs(amount)',
                {"north": 150, "north refunds": 130},
            ),
            summed(
                "floor",
                "They are subtracted in the order of the facts, but no sum ever falls below zero.",
                "sums[group] = max(sums.get(group, 0) + amount, 0)",
                {"north": 50},
            ),
        ),
    )


def _posting() -> OpenPoint:
    def posted(name: str, answer: str, code: str, *rows: list[Plain]) -> Alternative:
        before: list[Plain] = [_row("a", "north", 0, None)]
        after: list[Plain] = [_row("a", "south", 0, None)]
        facts: list[Plain] = [{"id": 1, "key": "a", "day": 9}, {"id": 2, "key": "a", "day": 11}]
        arguments: tuple[Plain, ...] = (before, after, facts, 10)
        result: list[Plain] = [*rows]
        error = "" if rows else "PermissionError"
        example = call("corrections", *arguments, result=result if rows else None, error=error)
        return Alternative(name=name, answer=answer, code={"posting": code}, examples=(example,))

    return OpenPoint(
        criterion=3,
        topic="workflow",
        question="A correction reaches back to days whose books are closed. What happens to those facts?",
        alternatives=(
            posted(
                "own_day",
                "They are corrected on their own day like all others.",
                'posted.append([fact["id"], day])',
                [1, 9],
                [2, 11],
            ),
            posted(
                "left_out", "They stay as they are.", 'if day >= closed:\n    posted.append([fact["id"], day])', [2, 11]
            ),
            posted(
                "first_open",
                "They are posted on the first day that is open.",
                'posted.append([fact["id"], max(day, closed)])',
                [1, 10],
                [2, 11],
            ),
            posted(
                "refused",
                "Then the whole correction is refused with a PermissionError.",
                'if day < closed:\n    raise PermissionError(f"day {day} is closed")\nposted.append([fact["id"], day])',
            ),
        ),
    )


def _cut() -> OpenPoint:
    def listed(name: str, answer: str, code: str, result: list[Plain]) -> Alternative:
        example = call("top", {"c": 30, "d": 10, "a": 50, "b": 30}, 2, result=result)
        return Alternative(name=name, answer=answer, code={"cut": code}, examples=(example,))

    return OpenPoint(
        criterion=4,
        topic="edge_case",
        question="Two groups are equal, and only one of them still fits into the list. Which one is shown?",
        alternatives=(
            listed(
                "by_name",
                "The first by name.",
                "rows = [[group, sums[group]] for group in ranked[:count]]",
                [["a", 50], ["b", 30], ["others", 40]],
            ),
            listed(
                "both",
                "Both: then the list is longer.",
                "places = {group: sum(other > sums[group] for other in sums.values()) for group in ranked}\n"
                "rows = [[group, sums[group]] for group in ranked if places[group] < count]",
                [["a", 50], ["b", 30], ["c", 30], ["others", 10]],
            ),
            listed(
                "neither",
                "Neither: that would not be fair, so both are among the others.",
                "places = {group: sum(other >= sums[group] for other in sums.values()) for group in ranked}\n"
                "rows = [[group, sums[group]] for group in ranked if places[group] <= count]",
                [["a", 50], ["others", 70]],
            ),
            listed(
                "shared",
                "Equal groups always share a row: their names, by name, joined by a plus, and their sums added.",
                "rows = []\n"
                "for amount in sorted(set(sums.values()), reverse=True)[:count]:\n"
                "    equal = [group for group in ranked if sums[group] == amount]\n"
                '    rows.append(["+".join(equal), amount * len(equal)])',
                [["a", 50], ["b+c", 60], ["others", 10]],
            ),
        ),
    )


GROUPS = ("north", "south", "west")


def _history(chance: Chance) -> list[Plain]:
    """From day 0 on, so that nobody asks for a day before a history begins."""
    rows = list[Plain]()
    for key in ("a", "b", "c")[: chance.between(1, 3)]:
        turn = chance.between(5, 9)
        rows.append(_row(key, chance.pick(GROUPS), 0, turn))
        rows.append(_row(key, chance.pick(GROUPS), turn, chance.pick((None, None, 12))))
    return rows


def _facts(chance: Chance) -> list[Plain]:
    keys = ("a", "a", "b", "b", "c", "a", "b", "z") if chance.below(3) == 0 else ("a",)
    return [{"id": one, "key": chance.pick(keys), "day": chance.between(0, 13)} for one in range(chance.between(0, 6))]


def _inputs(largest: int) -> dict[str, Callable[[Chance], tuple[Plain, ...]]]:
    def summing(chance: Chance) -> tuple[Plain, ...]:
        amounts = (10, 25, 0, -7, -40, 99, largest, -largest)
        facts: list[Plain] = [
            {"group": chance.pick(GROUPS), "amount": chance.pick(amounts)} for _ in range(chance.between(0, 7))
        ]
        if chance.below(8) == 0:
            facts.append({"group": "west", "amount": chance.pick((largest + 1, -largest - 1))})
        return (facts,)

    def ranking(chance: Chance) -> tuple[Plain, ...]:
        sums: dict[str, Plain] = {group: chance.pick((5, 10, 10, 20, 30)) for group in "ebdac"[: chance.between(0, 5)]}
        return (sums, chance.pick((0, 1, 1, 2, 2, 2, 3, 3, 4, 6)))

    return {
        "enrich": lambda chance: (_facts(chance), _history(chance)),
        "totals": summing,
        "corrections": lambda chance: (_history(chance), _history(chance), _facts(chance), chance.between(4, 8)),
        "top": ranking,
    }


def _criteria(many: str, largest: int) -> tuple[Criterion, ...]:
    moved: list[Plain] = [_row("a", "north", 0, 5), _row("a", "south", 5, None)]
    facts: list[Plain] = [{"id": 7, "key": "a", "day": 4}, {"id": 8, "key": "a", "day": 5}]
    stayed: list[Plain] = [_row("a", "north", 0, None)]
    groups: list[Plain] = [
        {"id": 7, "key": "a", "day": 4, "group": "north"},
        {"id": 8, "key": "a", "day": 5, "group": "south"},
    ]
    amounts: list[Plain] = [
        {"group": group, "amount": amount} for group, amount in (("b", 5), ("a", 9), ("b", largest))
    ]
    return (
        Criterion(
            text="Every fact is reported in the group that its key belonged to on that day",
            function="enrich",
            examples=(call("enrich", facts, moved, result=groups), call("enrich", [], moved, result=[])),
        ),
        Criterion(
            text=f"The amounts of each group are summed up; nothing beyond {largest} is believed",
            function="totals",
            examples=(
                call("totals", amounts, result={"a": 9, "b": largest + 5}),
                call("totals", [{"group": "a", "amount": largest + 1}], error="ValueError"),
            ),
        ),
        Criterion(
            text=f"After a correction of the history we see which {many} change their group, and when that is posted",
            function="corrections",
            examples=(
                call("corrections", moved, stayed, facts, 0, result=[[8, 5]]),
                call("corrections", moved, moved, facts, 9, result=[]),
            ),
        ),
        Criterion(
            text="The greatest groups are listed, the others in one row below",
            function="top",
            examples=(
                call("top", {"a": 10, "b": 40, "c": 30, "d": 5}, 2, result=[["b", 40], ["c", 30], ["others", 15]]),
                call("top", {"a": 10, "b": 40}, 2, result=[["b", 40], ["a", 10]]),
                call("top", {"a": 10}, 0, error="ValueError"),
            ),
        ),
    )


def make(v: Variant) -> Kata:
    """The family `enrich`."""
    many = v.theme.many
    largest = v.number_between("largest", 300, 9000)
    return Kata(
        domain="pipeline",
        title=f"Report {many} by the group that they belonged to",
        told=Told(
            vague=f"Every time somebody moves {many} to another region, last year's figures change. Stop that.",
            plain=(
                f"Reports about {many} use the group of that day, not of today. When the history itself was wrong, we "
                "want to know what has to be corrected."
            ),
            exact=(
                "The group of a fact is the value that its key had on its day by our history. Sums are listed by name; "
                f"an amount beyond {largest}, in either direction, is a ValueError. A corrected history changes the "
                "facts whose group differs, in the order of the facts. The list of the greatest sums has at least one "
                "row (else a ValueError), and below it the rest as others, unless that is zero."
            ),
        ),
        criteria=_criteria(many, largest),
        open_points=(_unknown(), _refund(), _posting(), _cut()),
        source=SOURCE.replace("%many%", many).replace("%largest%", str(largest)),
        inputs=_inputs(largest),
        points=8,
        specialization="backend",
        tags=("pipeline", "reporting"),
        needs=("history",),
    )
