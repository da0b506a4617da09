from __future__ import annotations

from brokers.hub.idempotency import AnswerCache, Standing

KEY = ("ops", "1")


def test_the_first_is_new_and_all_who_ask_meanwhile_get_its_answer() -> None:
    cache: AnswerCache[str] = AnswerCache()
    assert cache.ask(KEY, b"f", "ann") is Standing.NEW
    assert cache.ask(KEY, b"f", "bob") is Standing.WAITING
    assert cache.ask(KEY, b"f", "ann") is Standing.WAITING
    assert cache.answer(KEY, {"ok": True}) == ("ann", "bob")
    assert cache.ask(KEY, b"f", "eve") == {"ok": True}


def test_an_id_cannot_be_used_for_something_else() -> None:
    cache: AnswerCache[str] = AnswerCache()
    cache.ask(KEY, b"f", "ann")
    assert cache.ask(KEY, b"g", "ann") is Standing.CONFLICT
    cache.answer(KEY, {"ok": True})
    assert cache.ask(KEY, b"g", "ann") is Standing.CONFLICT


def test_only_so_many_may_wait() -> None:
    cache: AnswerCache[str] = AnswerCache(waiting=2, waiters_each=2)
    cache.ask(("ops", "1"), b"f", "ann")
    cache.ask(("ops", "2"), b"f", "ann")
    assert cache.ask(("ops", "3"), b"f", "ann") is Standing.FULL
    assert cache.ask(("ops", "2"), b"f", "bob") is Standing.WAITING
    assert cache.ask(("ops", "2"), b"f", "eve") is Standing.FULL


def test_only_the_last_answers_are_remembered() -> None:
    cache: AnswerCache[str] = AnswerCache(answers=2)
    for n in ("1", "2"):
        cache.ask(("ops", n), b"f", "ann")
        cache.answer(("ops", n), {"n": n})
    cache.ask(("ops", "1"), b"f", "ann")  # used again, so it stays
    cache.ask(("ops", "3"), b"f", "ann")
    cache.answer(("ops", "3"), {"n": "3"})
    assert cache.ask(("ops", "1"), b"f", "ann") == {"n": "1"}
    assert cache.ask(("ops", "2"), b"f", "ann") is Standing.NEW


def test_who_waited_too_long_may_ask_anew() -> None:
    cache: AnswerCache[str] = AnswerCache()
    cache.ask(("ops", "1"), b"f", "ann", now_s=1.0)
    cache.ask(("ops", "2"), b"f", "bob", now_s=5.0)
    assert cache.give_up(asked_before_s=5.0) == [(("ops", "1"), ("ann",))]
    assert cache.ask(("ops", "1"), b"f", "ann") is Standing.NEW
    assert cache.release(("ops", "2")) == ("bob",)
    assert cache.answer(("ops", "2"), {"ok": True}) == ()
