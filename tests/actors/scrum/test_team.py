from __future__ import annotations

import pytest

from actors.scrum.errors import IncompleteTeamError, UnknownMemberError
from actors.scrum.team import Roster, owner_for
from tests.actors.scrum.builders import member, roster


def test_the_lead_is_the_leading_developer_whose_id_says_so() -> None:
    team = roster(
        member("alex_senior_networking", "senior", ("developer", "leader")),
        member("ahmed_senior_dev_lead", "senior", ("developer", "leader")),
    )

    assert team.lead.agent == "ahmed_senior_dev_lead"


@pytest.mark.parametrize(
    ("others", "lead"),
    [
        ([member("b", "mid", ("developer", "leader")), member("c", "senior")], "b"),
        ([member("b", "mid"), member("c", "senior"), member("d", "senior")], "c"),
        ([], "a_dev_lead"),
    ],
)
def test_without_a_titled_leader_a_leader_leads_then_the_most_senior(others: list[object], lead: str) -> None:
    team = roster(member("a_dev_lead", "junior"), *others)  # type: ignore[arg-type]

    assert team.lead.agent == lead


def test_quality_assurance_is_led_by_the_leading_tester() -> None:
    team = roster(
        member("ada"), member("yuki", "senior", ("tester",)), member("sophie_qa_lead", "senior", ("tester", "leader"))
    )

    assert team.qa_lead is not None
    assert team.qa_lead.agent == "sophie_qa_lead"
    assert roster(member("ada")).qa_lead is None


def test_the_product_owner_is_no_engineer() -> None:
    team = roster(member("ada"), member("yuki", roles=("tester",)))

    assert team.product_owner.agent == "po"
    assert [one.agent for one in team.engineers] == ["ada", "yuki"]


def test_a_team_needs_a_developer_and_a_product_owner() -> None:
    with pytest.raises(IncompleteTeamError) as without_developer:
        roster(member("yuki", roles=("tester",)))
    with pytest.raises(IncompleteTeamError) as without_owner:
        Roster("team-1", [member("ada")])

    assert (without_developer.value.missing, without_owner.value.missing) == ("developer", "product owner")


def test_who_is_not_in_the_team_is_unknown() -> None:
    with pytest.raises(UnknownMemberError):
        roster(member("ada")).member("zoe")


def test_ids_and_seniorities_are_checked() -> None:
    with pytest.raises(ValueError, match="two members"):
        roster(member("ada"), member("ada"))
    with pytest.raises(ValueError, match="wizard"):
        roster(member("ada", "wizard"))


def test_the_owner_matches_by_primary_then_auxiliary_specialization() -> None:
    primary = member("zoe", "junior", specialization="frontend")
    auxiliary = member("ada", "senior", specialization="backend", auxiliaries=("frontend",))
    neither = member("ben", "senior", specialization="devops")

    assert owner_for("frontend", [neither, auxiliary, primary], {"zoe": 9}) == primary
    assert owner_for("frontend", [neither, auxiliary], {"ada": 9}) == auxiliary


def test_of_equal_matches_the_least_loaded_owns_then_the_most_senior_then_the_first_by_id() -> None:
    junior, senior, other = member("ada", "junior"), member("cy", "senior"), member("ben", "senior")

    assert owner_for("backend", [senior, other, junior], {"cy": 1, "ben": 1}) == junior
    assert owner_for("backend", [senior, junior], {}) == senior
    assert owner_for("backend", [senior, other], {}) == other


def test_work_needs_somebody_to_own_it() -> None:
    with pytest.raises(ValueError, match="nobody"):
        owner_for("backend", [], {})
