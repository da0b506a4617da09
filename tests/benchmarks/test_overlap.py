"""Overlap in virtual time: paths by hand, and whole runs whose log does not depend on what engines take."""

from __future__ import annotations

import pytest

from benchmarks.overlap.fleet import independent, noisy, proportional
from benchmarks.overlap.measuring import PROFILE, overlap_of, path_of
from benchmarks.overlap.paths import Issued, LostReplyError, Step, critical_path_us
from benchmarks.overlap.world import World, play

DECIDED = "inference.decided/1"
ONE_TEAM = World(teams=1, has_model_hands=False)
WITH_HANDS = World(teams=1, has_model_hands=True)


def letter(sender: str, seq: int, receiver: str, *, cause: str, at: int = 0, kind: str = "letter/1") -> Step:
    return Step(at, sender, seq, receiver, kind, cause)


def reply(actor: str, seq: int, *, cause: str, at: int) -> Step:
    return letter(actor, seq, actor, cause=cause, at=at, kind=DECIDED)


def test_calls_of_two_actors_who_do_not_hear_of_each_other_lie_beside_each_other() -> None:
    steps = [
        letter("run", 0, "ada", cause=""),
        letter("run", 1, "ben", cause=""),
        reply("ada", 1, cause="run:0", at=10),
        reply("ben", 1, cause="run:1", at=30),
    ]
    effects = [Issued("ada", 0, 10), Issued("ben", 0, 30)]

    assert critical_path_us(steps, effects, {"ada#0#0": 7, "ben#0#0": 5}) == 7


def test_a_letter_joins_the_path_of_its_sender_to_that_of_its_receiver() -> None:
    steps = [
        letter("run", 0, "ada", cause=""),
        letter("run", 1, "ben", cause=""),
        reply("ada", 1, cause="run:0", at=10),
        letter("ada", 2, "ben", cause="ada:1", at=11),
        reply("ben", 1, cause="ada:2", at=30),
    ]
    effects = [Issued("ada", 0, 10), Issued("ben", 0, 30)]

    assert critical_path_us(steps, effects, {"ada#0#0": 7, "ben#0#0": 5}) == 12


def test_an_actor_handles_a_letter_only_after_the_one_before_it() -> None:
    steps = [
        letter("run", 0, "ada", cause=""),
        letter("run", 1, "board", cause=""),
        reply("ada", 1, cause="run:0", at=10),
        letter("ada", 2, "board", cause="ada:1", at=11),
        letter("ben", 1, "board", cause="run:1", at=12),
        reply("board", 1, cause="ben:1", at=20),
    ]
    effects = [Issued("ada", 0, 10), Issued("board", 0, 20)]

    assert critical_path_us(steps, effects, {"ada#0#0": 7, "board#0#0": 1}) == 8


def test_a_path_is_refused_where_the_log_lacks_a_reply() -> None:
    with pytest.raises(LostReplyError, match="ada#0#0"):
        critical_path_us([letter("run", 0, "ada", cause="")], [Issued("ada", 0, 10)], {"ada#0#0": 7})


def test_what_engines_take_decides_how_long_a_run_takes_and_nothing_in_its_log() -> None:
    usual = play(ONE_TEAM, proportional, profile=PROFILE)
    sizes = [call.proportional_tokens for call in usual.calls]
    others = [play(ONE_TEAM, each, profile=PROFILE) for each in (noisy(1), noisy(2), independent(1, sizes))]

    assert {each.digest for each in others} == {usual.digest}
    assert len({usual.makespan_us, *(each.makespan_us for each in others)}) == 4


def test_teams_that_wait_at_different_times_do_not_hold_each_other_up() -> None:
    three = World(teams=3, has_model_hands=False)
    ahead, waiting = (play(three, noisy(1), profile=PROFILE, runs_ahead=runs) for runs in (True, False))

    assert ahead.digest == waiting.digest
    assert path_of(ahead) <= ahead.makespan_us <= 1.1 * path_of(ahead)
    assert waiting.makespan_us > 1.5 * ahead.makespan_us


def test_a_team_of_models_takes_little_more_than_its_critical_path_and_half_of_lock_step() -> None:
    found, _ = overlap_of(WITH_HANDS, proportional)

    assert 1.0 <= found.over_path <= 1.1
    assert 2.0 <= found.under_lock_step <= found.most_under_lock_step
    assert found.lock_step_us <= found.one_by_one_us
