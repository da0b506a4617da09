"""Backups: which are kept as they grow old, when the next is due, and which one brings back a given day."""

from __future__ import annotations

from actors.work.katas.kata import Alternative, Chance, Criterion, Example, Kata, OpenPoint, Told, Variant
from actors.work.sandbox.plain import Plain

SOURCE = '''"""Says which backups are kept and which are used. A day is a number; weeks begin at multiples of seven."""

WEEK = 7


def kept(days, today, daily=DAILY, weekly=WEEKLY):
    """The days whose backups are kept, in order; all others may be deleted."""
    keep = {day for day in days if today - day < daily}
    this_week = today // WEEK
    for week in range(this_week - weekly, this_week):
        of_week = sorted({day for day in days if day // WEEK == week})
        if of_week:
            <<stands>>
    return sorted(keep)


def next_due(days, today, every=EVERY):
    """The day of the next backup: `every` days after the newest, but never in the past."""
    if not days:
        <<never>>
    return max(today, max(days) + every)


def restore_from(days, wanted, oldest=0):
    """The day of the newest backup of a day or before; those from before `oldest` do not count."""
    usable = sorted(day for day in days if day >= oldest)
    if not usable:
        raise LookupError("there is no backup")
    before = [day for day in usable if day <= wanted]
    if not before:
        <<too_early>>
    return before[-1]
'''


def _stands() -> OpenPoint:
    def stands(name: str, answer: str, code: str, result: list[Plain]) -> Alternative:
        days: list[Plain] = [70, 72, 73, 75, 84]
        example = Example(function="kept", arguments=(days, 84, 1, 2), result=result)
        return Alternative(name=name, answer=answer, code={"stands": code}, examples=(example,))

    return OpenPoint(
        criterion=1,
        topic="data",
        question="Several backups were made in a past week. Which of them stands for that week?",
        alternatives=(
            stands("newest", "The newest of the week.", "keep.add(of_week[-1])", [75, 84]),
            stands("oldest", "The oldest of the week.", "keep.add(of_week[0])", [70, 84]),
            stands(
                "both_ends",
                "The oldest and the newest, both are kept.",
                "keep |= {of_week[0], of_week[-1]}",
                [70, 75, 84],
            ),
            stands(
                "middle",
                "The one in the middle, of two in the middle the older.",
                "keep.add(of_week[(len(of_week) - 1) // 2])",
                [72, 84],
            ),
        ),
    )


def _never(every: int) -> OpenPoint:
    def due(name: str, answer: str, code: str, result: Plain = None, error: str = "") -> Alternative:
        example = Example(function="next_due", arguments=([], 50, 9), result=result, error=error)
        return Alternative(name=name, answer=answer, code={"never": code}, examples=(example,))

    return OpenPoint(
        criterion=2,
        topic="edge_case",
        question="When is a backup due if there has never been one?",
        alternatives=(
            due("today", "Today.", "return today", 50),
            due(
                "later",
                f"After the usual time, {every} days from today unless told otherwise.",
                "return today + every",
                59,
            ),
            due("tomorrow", "Tomorrow, when the night's maintenance runs.", "return today + 1", 51),
            due("not_set_up", "Never: backups are not set up then, and the answer is none.", "return None", None),
        ),
    )


def _too_early() -> OpenPoint:
    def restored(name: str, answer: str, code: str, result: Plain = None, error: str = "") -> Alternative:
        example = Example(function="restore_from", arguments=([30, 20, 40], 12), result=result, error=error)
        return Alternative(name=name, answer=answer, code={"too_early": code}, examples=(example,))

    return OpenPoint(
        criterion=3,
        topic="errors",
        question="All backups are from after the wanted day. What is restored?",
        alternatives=(
            restored(
                "refuse",
                "Nothing, we say so: LookupError.",
                'raise LookupError(f"no backup goes back to day {wanted}")',
                error="LookupError",
            ),
            restored("closest", "The oldest there is, it comes closest.", "return usable[0]", 20),
            restored("newest", "The newest there is, people can go back from there.", "return usable[-1]", 40),
            restored("nothing", "Nothing; the answer is none, it is no error.", "return None", None),
        ),
    )


def _days(chance: Chance, today: int) -> list[Plain]:
    days: list[Plain] = [day for day in range(today - 34, today + 1) if chance.below(3)]
    return days[::-1] if chance.below(2) else days


def _kept(chance: Chance) -> tuple[Plain, ...]:
    today = chance.between(50, 70)
    if chance.below(3) == 0:
        return (_days(chance, today), today)
    return (_days(chance, today), today, chance.between(0, 8), chance.between(0, 4))


def _due(chance: Chance) -> tuple[Plain, ...]:
    today = chance.between(40, 60)
    newest = today - chance.below(12)
    days: list[Plain] = [newest - 9, newest, newest - 4] if chance.below(8) else []
    return (days, today) if chance.below(2) else (days, today, chance.between(1, 9))


def _restored(chance: Chance) -> tuple[Plain, ...]:
    days = list[Plain]([chance.between(0, 22) for _ in range(chance.between(0, 6))])
    wanted, oldest = chance.between(0, 22), chance.between(1, 12)
    return (days, wanted) if chance.below(2) else (days, wanted, oldest)


def _criteria(daily: int, weekly: int, every: int) -> tuple[Criterion, ...]:
    monday = 210  # day 0 of a week
    recent: list[Plain] = [monday - day for day in range(daily)]
    return (
        Criterion(
            text=(
                f"The backups of the last {daily} days are kept, and from each of the {weekly} calendar weeks before "
                "this one what stands for the week"
            ),
            function="kept",
            examples=(
                Example(function="kept", arguments=(recent, monday, daily, 0), result=recent[::-1]),
                Example(function="kept", arguments=([82, 80, 83, 81], 83, 2, 1), result=[82, 83]),
                Example(
                    function="kept",
                    arguments=([monday, monday - 7 * weekly, monday - 7 * weekly - 1], monday),
                    result=[monday - 7 * weekly, monday],
                ),
            ),
        ),
        Criterion(
            text=f"The next backup is due {every} days after the newest; an overdue one is due today",
            function="next_due",
            examples=(
                Example(function="next_due", arguments=([93, 100, 95], 100), result=100 + every),
                Example(function="next_due", arguments=([60], 100, 5), result=100),
            ),
        ),
        Criterion(
            text="A day is restored from the newest backup that was made on it or before",
            function="restore_from",
            examples=(
                Example(function="restore_from", arguments=([30, 20, 40], 30), result=30),
                Example(function="restore_from", arguments=([40, 20, 30], 29, 20), result=20),
                Example(function="restore_from", arguments=([20, 30], 35, 31), error="LookupError"),
            ),
        ),
    )


def make(v: Variant) -> Kata:
    """The family `backup_retention`."""
    one, many = v.theme.one, v.theme.many
    daily, weekly = v.number_between("daily", 3, 10), v.number_between("weekly", 2, 5)
    every = v.number_between("every", 2, 6)
    source = SOURCE
    for name, number in {"DAILY": daily, "WEEKLY": weekly, "EVERY": every}.items():
        source = source.replace(name, str(number))
    return Kata(
        domain="infra",
        title=f"Keep the right backups of the {one} database",
        told=Told(
            vague=f"The backups of the {many} fill our disks, and last time the one we needed had been deleted.",
            plain=(
                f"Recent backups of the {one} database are all kept, of the older ones a few, the rest can go. We want "
                "to know when the next is due and from which one to restore a day."
            ),
            exact=(
                f"Days of {one} backups are numbers, in any order; calendar weeks begin at multiples of 7. Kept are "
                f"the backups of the last {daily} days, today included, and what stands for each of the {weekly} "
                "calendar weeks before this one; the answer is in order, each day once. The next backup is due "
                f"{every} days after the newest one, or today if that is past. A day is restored from the newest "
                "backup of that day or before; backups from before an optional oldest day do not count. If none "
                "counts at all that is a LookupError. All three numbers can be given otherwise in a call."
            ),
        ),
        criteria=_criteria(daily, weekly, every),
        open_points=(_stands(), _never(every), _too_early()),
        source=source,
        inputs={"kept": _kept, "next_due": _due, "restore_from": _restored},
        points=3,
        specialization="database",
        tags=("infra", "operations"),
    )
