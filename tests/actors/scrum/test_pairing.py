from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.scrum.pairing import Pair, PairCounts, PairDraw, PairRules, form_pairs
from tests.actors.scrum.builders import member, roster

TEAM = roster(
    member("ahmed_dev_lead", "senior", ("developer", "leader")),
    member("priya", "senior"),
    member("marcus", "mid"),
    member("elena", "mid"),
    member("jamie", "junior"),
    member("jordan", "junior"),
    member("yuki", "senior", ("tester",)),
    member("maria", "mid", ("tester",)),
)
EVERYBODY = tuple(one.agent for one in TEAM.engineers)
NO_TESTER = PairDraw(tester_permille=999, pick=0, seat=0)
TESTER = PairDraw(tester_permille=0, pick=0, seat=0)

some_draws = st.lists(
    st.builds(PairDraw, tester_permille=st.integers(0, 999), pick=st.integers(0, 99), seat=st.integers(0, 99)),
    min_size=len(EVERYBODY),
    max_size=len(EVERYBODY),
)


def pair_up(
    owners: list[str],
    candidates: list[str],
    *,
    counts: PairCounts | None = None,
    draw: PairDraw = NO_TESTER,
    rules: PairRules | None = None,
) -> tuple[Pair, ...]:
    draws = [draw] * len(owners)
    return form_pairs(owners, candidates, roster=TEAM, counts=counts or PairCounts(), draws=draws, rules=rules)


def test_the_more_senior_of_the_two_navigates() -> None:
    assert pair_up(["jamie"], ["priya"]) == (Pair(owner="jamie", driver="jamie", navigator="priya"),)
    assert pair_up(["priya"], ["jamie"]) == (Pair(owner="priya", driver="jamie", navigator="priya"),)


def test_between_equals_the_draw_decides_who_drives() -> None:
    even, odd = (PairDraw(tester_permille=999, pick=0, seat=seat) for seat in (2, 3))

    assert pair_up(["jamie"], ["jordan"], draw=even)[0].driver == "jamie"
    assert pair_up(["jamie"], ["jordan"], draw=odd)[0].driver == "jordan"


def test_the_lead_navigates_even_next_to_another_senior() -> None:
    for seat in (0, 1):
        draw = PairDraw(tester_permille=999, pick=0, seat=seat)
        assert pair_up(["priya"], ["ahmed_dev_lead"], draw=draw)[0].navigator == "ahmed_dev_lead"
        assert pair_up(["ahmed_dev_lead"], ["priya"], draw=draw)[0].navigator == "ahmed_dev_lead"


def test_the_lead_is_preferred_among_those_who_paired_equally_often() -> None:
    assert pair_up(["jamie"], ["priya", "ahmed_dev_lead", "marcus"])[0].partner == "ahmed_dev_lead"


def test_who_paired_least_often_with_the_owner_comes_first() -> None:
    counts = PairCounts()
    counts.record("jamie", "ahmed_dev_lead", day=1)
    counts.record("priya", "jamie", day=2)

    assert pair_up(["jamie"], ["ahmed_dev_lead", "priya", "elena"], counts=counts)[0].partner == "elena"


def test_a_draw_picks_among_equally_suited_navigators() -> None:
    partners = [
        pair_up(["jamie"], ["priya", "marcus", "elena"], draw=PairDraw(tester_permille=999, pick=pick, seat=0))[
            0
        ].partner
        for pick in range(4)
    ]

    assert partners == ["elena", "marcus", "priya", "elena"]


def test_people_without_work_of_their_own_help_first() -> None:
    counts = PairCounts()
    for day in range(1, 5):
        counts.record("jamie", "marcus", day=day)

    pairs = pair_up(["jamie", "elena"], ["elena", "marcus", "jamie", "priya"], counts=counts)

    assert [pair.partner for pair in pairs] == ["priya", "marcus"]


def test_an_owner_who_helps_a_more_urgent_story_gets_no_pair() -> None:
    assert pair_up(["jamie", "elena"], ["jamie", "elena"]) == (Pair(owner="jamie", driver="jamie", navigator="elena"),)


def test_an_owner_for_whom_nobody_is_left_gets_no_pair() -> None:
    assert [pair.owner for pair in pair_up(["jamie", "elena"], ["priya"])] == ["jamie"]


def test_a_tester_joins_below_the_configured_share_and_navigates() -> None:
    rules = PairRules(tester_permille=200)
    just_below, at_share = (PairDraw(tester_permille=drawn, pick=0, seat=0) for drawn in (199, 200))

    assert pair_up(["priya"], ["maria", "elena"], draw=just_below, rules=rules) == (
        Pair(owner="priya", driver="priya", navigator="maria"),
    )
    assert pair_up(["priya"], ["maria", "elena"], draw=at_share, rules=rules)[0].partner == "elena"


def test_a_tester_drives_where_the_configuration_says_so() -> None:
    (pair,) = pair_up(["jamie"], ["yuki"], draw=TESTER, rules=PairRules(tester_seat="driver"))

    assert (pair.driver, pair.navigator) == ("yuki", "jamie")


def test_whoever_develops_and_tests_pairs_as_a_developer() -> None:
    team = roster(member("ada"), member("both", roles=("developer", "tester")))

    assert form_pairs(["ada"], ["both"], roster=team, counts=PairCounts(), draws=[NO_TESTER])[0].partner == "both"


def test_a_developer_joins_when_a_tester_is_wanted_and_none_is_free() -> None:
    assert pair_up(["jamie"], ["priya"], draw=TESTER)[0].partner == "priya"


def test_testers_fill_in_for_missing_developers_only_where_that_is_allowed() -> None:
    assert pair_up(["jamie"], ["yuki"]) == ()
    assert pair_up(["jamie"], ["yuki"], rules=PairRules(testers_fill_in=True))[0].partner == "yuki"


def test_a_pair_counts_once_a_day_whoever_is_named_first() -> None:
    counts = PairCounts()
    for one, other, day in (("ada", "ben", 1), ("ben", "ada", 1), ("ben", "ada", 2), ("ada", "cy", 2)):
        counts.record(one, other, day=day)

    assert counts.as_rows() == (("ada", "ben", 2), ("ada", "cy", 1))
    assert counts.count("ben", "ada") == 2
    assert counts.count("ben", "cy") == 0


def test_nobody_pairs_alone_or_in_the_past() -> None:
    counts = PairCounts()
    counts.record("ada", "ben", day=2)

    with pytest.raises(ValueError, match="cannot pair"):
        counts.record("ada", "ada", day=2)
    with pytest.raises(ValueError, match="cannot pair"):
        counts.record("ada", "ben", day=1)


def test_owners_are_named_once_and_have_a_draw_each() -> None:
    with pytest.raises(ValueError, match="draws"):
        pair_up(["jamie", "jamie"], ["priya"])
    with pytest.raises(ValueError, match="draws"):
        form_pairs(["jamie"], ["priya"], roster=TEAM, counts=PairCounts(), draws=[])


@given(
    st.lists(st.sampled_from(EVERYBODY), unique=True),
    st.lists(st.sampled_from(EVERYBODY), unique=True),
    some_draws,
    st.booleans(),
)
def test_nobody_is_in_two_pairs_and_no_helper_stays_idle(
    owners: list[str], candidates: list[str], draws: list[PairDraw], fill_in: bool
) -> None:
    pairs = form_pairs(
        owners,
        candidates,
        roster=TEAM,
        counts=PairCounts(),
        draws=draws,
        rules=PairRules(testers_fill_in=fill_in),
    )

    seated = [agent for pair in pairs for agent in (pair.driver, pair.navigator)]
    assert len(seated) == len(set(seated))
    assert [pair.owner for pair in pairs] == [owner for owner in owners if owner in {pair.owner for pair in pairs}]
    assert all(pair.partner in candidates for pair in pairs)
    unpaired = [owner for owner in owners if owner not in seated]
    idle = [agent for agent in candidates if agent not in seated and (fill_in or agent not in ("yuki", "maria"))]
    assert not [agent for agent in idle if agent not in owners] or not unpaired


@given(st.integers(2, 12), some_draws)
def test_over_the_days_an_owner_pairs_with_everybody_about_equally_often(days: int, draws: list[PairDraw]) -> None:
    counts = PairCounts()
    helpers = ["priya", "marcus", "elena", "jordan"]
    for day in range(1, days + 1):
        (pair,) = form_pairs(
            ["jamie"],
            helpers,
            roster=TEAM,
            counts=counts,
            draws=[draws[day % len(draws)]],
        )
        counts.record(pair.driver, pair.navigator, day=day)

    paired = [counts.count("jamie", helper) for helper in helpers]
    assert sum(paired) == days
    assert max(paired) - min(paired) <= 1
