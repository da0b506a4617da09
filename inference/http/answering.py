"""All answers of one request on their way: the exchanges behind it, and what comes of them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any

from inference.http.answers import Heading, answered_model, chunk, piece, usage
from inference.http.asking import Asked
from inference.http.backend import Backend, Event, Exchange, Expired, ServedModel, TurnedAway, Unavailable
from inference.http.errors import ContradictionError, RefusedError, model_unavailable, refused, too_late, unavailable
from inference.http.writing import News, Writing
from inference.messages import Failed
from inference.text import TextDetails, TextGenerated, TextWritten

Steps = list[tuple[int, TextWritten | TextGenerated]]  # what came, by choice


class Answering:
    """To be used in `async with`; what is not answered when it is left is cancelled."""

    def __init__(self, backend: Backend, asked: Asked, *, deadline_s: float, is_own_deadline: bool) -> None:
        self.asked = asked
        self.replies: dict[int, TextGenerated] = {}
        self.failed: set[int] = set()
        self._backend, self._deadline_s, self._is_own = backend, deadline_s, is_own_deadline
        self._stack = AsyncExitStack()
        self._waiting: dict[asyncio.Task[Event], tuple[int, Exchange]] = {}

    async def __aenter__(self) -> Answering:
        try:
            for place, choice in enumerate(self.asked.choices):
                exchange = self._backend.ask(choice.request, choice.seed, deadline_s=self._deadline_s)
                self._wait_for(place, await self._stack.enter_async_context(exchange))
        except BaseException:
            await self._close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._close()

    @property
    def spent_tokens(self) -> int:
        """What the answers took; of one that nobody waited for, all that it could have taken."""
        spent = sum(reply.prompt_tokens + reply.completion_tokens for reply in self.replies.values())
        given_up = [
            choice
            for place, choice in enumerate(self.asked.choices)
            if place not in self.replies and place not in self.failed
        ]
        return spent + sum(choice.most_tokens for choice in given_up)

    async def whole(self) -> list[TextGenerated]:
        """Every answer, in the order of the choices. Raises RefusedError."""
        while self._waiting:
            await self.next()
        return [self.replies[place] for place in range(len(self.asked.choices))]

    async def next(self) -> Steps:
        """What came next, by choice. Raises RefusedError where one of the answers will not come."""
        done, _ = await asyncio.wait(self._waiting, return_when=asyncio.FIRST_COMPLETED)
        news: Steps = []
        for task in sorted(done, key=lambda each: self._waiting[each][0]):
            place, exchange = self._waiting.pop(task)
            event = self._accepted(place, task.result())
            news.append((place, event))
            if isinstance(event, TextWritten):
                self._wait_for(place, exchange)
        return news

    @property
    def is_done(self) -> bool:
        """Whether every answer is there."""
        return not self._waiting

    def _wait_for(self, place: int, exchange: Exchange) -> None:
        self._waiting[asyncio.ensure_future(exchange.next())] = (place, exchange)

    def _accepted(self, place: int, event: Event) -> TextWritten | TextGenerated:
        match event:
            case TextWritten():
                return event
            case TextGenerated(finish="cancelled"):
                raise unavailable("the answer was cancelled by the engines")
            case TextGenerated():
                self.replies[place] = event
                return event
            case Failed():
                self.failed.add(place)
                raise refused(event, self.asked.asked_model)
            case Expired():
                raise too_late(self._deadline_s, is_own=self._is_own)
            case Unavailable(detail):
                raise unavailable(detail)
            case TurnedAway(model, retry_s):
                self.failed.add(place)
                raise model_unavailable(model, retry_s)

    async def _close(self) -> None:
        tasks = list(self._waiting)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._stack.aclose()


async def stream(answering: Answering, heading: Heading, first: Steps) -> AsyncGenerator[bytes]:
    """The lines of a stream; an error that comes after its beginning is its last piece.

    Args:
        first: What came before the stream was begun, so that a request which has no answer got a status of its own.
    """
    asked = answering.asked
    telling = Telling(asked, heading)
    steps = first
    try:
        while True:
            for place, event in steps:
                for body in telling.bodies(place, event):
                    yield _line(body)
            if answering.is_done:
                break
            steps = await answering.next()
        if asked.wants_usage:
            replies = [answering.replies[place] for place in range(len(asked.choices))]
            yield _line(telling.chunk([]) | {"usage": usage(asked, replies)})
    except RefusedError as error:
        yield _line(error.body)
    except ContradictionError as error:
        yield _line(unavailable(str(error)).body)
    yield b"data: [DONE]\n\n"


class Telling:
    """The pieces of a stream, one choice beside the other."""

    def __init__(self, asked: Asked, heading: Heading) -> None:
        request = asked.choices[0].request
        self._asked, self._heading = asked, heading
        self._model = ServedModel(request.model, request.adapter, request.adapter_version).name
        self._writings = [Writing() for _ in asked.choices]
        self._begun: set[int] = set()

    def bodies(self, place: int, event: TextWritten | TextGenerated) -> list[dict[str, Any]]:
        """What goes out for one event: nothing new, a piece, or a last piece and the reason of the end."""
        writing = self._writings[place]
        if isinstance(event, TextWritten):
            news = writing.written(event)
            return [self._piece(place, news)] if news.text or news.details.token_ids or news.details.tokens else []
        self._model = answered_model(event)
        news = writing.finished(event)
        ended = News("", TextDetails(), news.offset + len(news.text))
        bodies = [self._piece(place, news)] if news.text or place not in self._begun else []
        return [*bodies, self._piece(place, ended, finish=event.finish)]

    def chunk(self, choices: list[dict[str, Any]]) -> dict[str, Any]:
        """One piece around its choices."""
        return chunk(self._asked, self._heading, self._model, choices)

    def _piece(self, place: int, news: News, finish: str | None = None) -> dict[str, Any]:
        is_first = place not in self._begun
        body = self.chunk([piece(self._asked, place, news, finish=finish, is_first=is_first)])
        if self._asked.is_chat and news.details.prompt_token_ids:
            body["prompt_token_ids"] = list(news.details.prompt_token_ids)
        self._begun.add(place)
        return body


def _line(body: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(body, separators=(",", ":")).encode() + b"\n\n"
