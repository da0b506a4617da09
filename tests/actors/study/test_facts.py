"""What is counted of one run."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from actors.scrum.code_messages import AcceptanceMeasured, DefectEscaped, FlawFound, FlawMade, FoundBy, StoryLanded
from actors.scrum.messages import QuestionAnswered, QuestionAsked, StoryPlanned
from actors.study.facts import COUNTED, Event, Wishes, facts_of

WISHES: Wishes = {"S-1": ((1, "limits"), (2, "data"), (2, "format")), "S-2": ()}


def event(message: Any) -> Event:
    return message.KIND, asdict(message)


def planned(story: str) -> Event:
    return event(
        StoryPlanned(
            team="t", sprint=1, card_id=1, story_id=story, title="", description="", criteria=("a", "b"), module="m",
            points=3, priority=1, story_kind="story", owner="", initial_navigator="", depends_on=(), tasks=(),
        )
    )  # fmt: skip


def asked(number: int, criterion: int, topic: str, *, dismissed: bool = False) -> list[Event]:
    question_id = f"Q-{number}"
    return [
        event(
            QuestionAsked(
                team="t", sprint=1, question_id=question_id, story_id="S-1", asker="a", asker_seniority="mid",
                addressee="b", criterion=criterion, topic=topic, category="", text="", phase="pairing",
            )
        ),
        event(
            QuestionAnswered(
                team="t", sprint=1, question_id=question_id, story_id="S-1", asker="a", asker_seniority="mid",
                answerer="b", answerer_seniority="mid", category="", topic=topic, answer="", pause_us=0,
                dismissed=dismissed, changed=True, answerer_learned=False,
            )
        ),
    ]  # fmt: skip


def shown(story: str, *failed: int) -> Event:
    return event(
        AcceptanceMeasured(team="t", sprint=1, story_id=story, commit="c", cases=(8,) * len(failed), failed=failed)
    )


def landed(story: str, commit: str) -> Event:
    return event(
        StoryLanded(team="t", sprint=1, story_id=story, commit=commit, tree="", tests=1, measured=())
    )  # fmt: skip


def mistake(number: int, story: str) -> Event:
    return event(
        FlawMade(
            team="t", sprint=1, story_id=story, number=number, author="a", function="f", operator="o",
            incident_class="i", severity=1, criteria=(1,), noticed_by="acceptance", fix_lines=1,
        )
    )  # fmt: skip


def found(number: int, by: FoundBy) -> Event:
    return event(FlawFound(team="t", sprint=1, story_id="S-1", number=number, by=by))


def escaped(story: str, culprit: str, incident_class: str = "") -> Event:
    return event(
        DefectEscaped(
            team="t", sprint=1, story_id=story, criterion=1, cases=1, culprit=culprit,
            incident_class=incident_class, severity=1,
        )
    )  # fmt: skip


def test_a_run_without_events_counts_nothing() -> None:
    assert facts_of([], WISHES) == dict.fromkeys(COUNTED, 0)


def test_a_criterion_is_asked_about_when_all_of_its_wishes_were_answered_before_it_was_shown() -> None:
    facts = facts_of([*asked(1, 1, "limits"), *asked(2, 2, "data"), shown("S-1", 0, 3)], WISHES)

    assert (facts["asked_shown"], facts["asked_right"]) == (1, 1)
    assert (facts["unasked_shown"], facts["unasked_right"]) == (1, 0)  # nobody asked about the format


def test_a_question_that_is_waved_away_or_comes_after_the_demonstration_is_no_answer() -> None:
    early = [*asked(1, 1, "limits", dismissed=True)]
    late = [*asked(2, 1, "limits")]

    facts = facts_of([*early, shown("S-1", 0, 0), *late], WISHES)

    assert (facts["asked_shown"], facts["unasked_shown"]) == (0, 2)


def test_only_the_first_demonstration_of_a_story_of_the_backlog_counts() -> None:
    facts = facts_of([shown("S-1", 2, 0), shown("S-1", 0, 0), shown("S-1-F1", 0), shown("S-2", 0, 0)], WISHES)

    assert (facts["stories_shown"], facts["stories_right"]) == (2, 1)
    assert (facts["criteria_shown"], facts["criteria_right"]) == (4, 3)
    assert facts["unasked_shown"] == 2  # S-2 leaves nothing open that would be a surprise


def test_a_story_that_lands_twice_is_one_landed_story() -> None:
    facts = facts_of([planned("S-1"), landed("S-1", "c1"), landed("S-1", "c2")], WISHES)

    assert facts["stories_landed"] == 1


def test_who_finds_a_mistake_first_has_found_it() -> None:
    log = [planned("S-1"), *(mistake(number, "S-1") for number in (1, 2, 3))]
    log += [found(1, "tests"), found(2, "qa"), found(2, "rewrite"), found(3, "review")]

    facts = facts_of(log, WISHES)

    assert facts["mistakes"] == 3
    assert [facts[f"found_by_{by}"] for by in ("tests", "qa", "rewrite", "review")] == [1, 1, 0, 1]
    assert facts["mistakes_on_main"] == 1


def test_what_escapes_is_a_mistake_or_was_misunderstood() -> None:
    facts = facts_of([planned("S-1"), escaped("S-1", "c1", "off-by-one error"), escaped("S-1", "c1")], WISHES)

    assert (facts["escaped"], facts["escaped_mistakes"], facts["mistakes_on_main"]) == (2, 1, 1)


def test_a_story_is_cleared_when_everything_about_it_was_asked() -> None:
    half = [planned("S-1"), *asked(1, 1, "limits"), *asked(2, 2, "data")]
    whole = [*half, *asked(3, 2, "format")]
    then = [shown("S-1", 0, 3), escaped("S-1", "c1")]

    cleared, uncleared = facts_of([*whole, *then], WISHES), facts_of([*half, *then], WISHES)

    names = (
        "cleared_shown",
        "cleared_right",
        "cleared_escaped",
        "uncleared_shown",
        "uncleared_right",
        "uncleared_escaped",
    )
    assert [cleared[name] for name in names] == [1, 0, 1, 0, 0, 0]
    assert [uncleared[name] for name in names] == [0, 0, 0, 1, 0, 1]


def test_what_a_disturbance_breaks_is_nobodys_mistake() -> None:
    log = [
        planned("S-1"),
        landed("S-1", "ours"),
        mistake(1, "D-01-01-CHANGE"),
        landed("D-01-01-CHANGE", "theirs"),
        found(1, "canary"),
        escaped("D-01-01-CHANGE", "theirs"),
        escaped("S-1", "theirs"),  # the same regression, in a second criterion
        escaped("S-1", "ours"),
    ]

    facts = facts_of(log, WISHES)

    assert (facts["stories_landed"], facts["mistakes"], facts["mistakes_on_main"]) == (1, 0, 0)
    assert facts["escaped"] == 1
