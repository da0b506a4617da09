"""What of an answer that is still being written is new to a client, also when another engine begins anew."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.http.errors import ContradictionError
from inference.http.writing import Writing
from inference.text import TextDetails, TextGenerated, TextWritten

WORDS = st.lists(st.text(min_size=1, max_size=4), min_size=1, max_size=12)


def whole(words: list[str], *, with_ids: bool = True) -> TextGenerated:
    ids = tuple(range(len(words))) if with_ids else ()
    return TextGenerated(
        text="".join(words),
        finish="stop",
        model="tiny",
        adapter="",
        adapter_version=0,
        prompt_tokens=3,
        cached_tokens=0,
        completion_tokens=len(words),
        details=TextDetails(prompt_token_ids=(7, 8, 9), token_ids=ids),
    )


def pieces(words: list[str]) -> list[TextWritten]:
    return [
        TextWritten(
            text=word,
            start=len("".join(words[:place])),
            details=TextDetails(prompt_token_ids=(7, 8, 9) if place == 0 else (), token_ids=(place,)),
        )
        for place, word in enumerate(words)
    ]


@given(WORDS, st.lists(st.integers(0, 12), max_size=4))
def test_a_client_sees_every_token_once_however_often_an_engine_dies(words: list[str], deaths: list[int]) -> None:
    writing = Writing()
    news = [writing.written(piece) for lived in deaths for piece in pieces(words)[:lived]]
    news += [writing.written(piece) for piece in pieces(words)]
    news.append(writing.finished(whole(words)))

    assert "".join(each.text for each in news) == "".join(words)
    assert [number for each in news for number in each.details.token_ids] == list(range(len(words)))
    assert [number for each in news for number in each.details.prompt_token_ids] == [7, 8, 9]


@given(WORDS)
def test_an_engine_that_tells_nothing_in_between_is_one_piece(words: list[str]) -> None:
    news = Writing().finished(whole(words))

    assert (news.text, news.offset, len(news.details.token_ids)) == ("".join(words), 0, len(words))


def test_an_engine_that_writes_another_text_than_the_one_before_is_noticed() -> None:
    writing = Writing()
    writing.written(TextWritten(text="one ", start=0, details=None))

    with pytest.raises(ContradictionError):
        writing.written(TextWritten(text="two ", start=0, details=None))
    with pytest.raises(ContradictionError):
        writing.finished(whole(["two ", "three"]))
    with pytest.raises(ContradictionError):
        writing.written(TextWritten(text="two ", start=9, details=None))
