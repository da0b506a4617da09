"""64 clients at once, each with a deadline of its own: everybody gets an answer or a refusal, and nothing is left."""

from __future__ import annotations

import asyncio
import os
import threading
from collections import Counter
from pathlib import Path

import openai
import pytest

from tests.inference.http.doors import open_door, until
from tests.support.word_engine import HOLD, WordEngine

CLIENTS = 64
EACH = 4


def sockets_of_this_process() -> int:
    found = 0
    for each in Path("/proc/self/fd").iterdir():
        try:
            found += os.readlink(each).startswith("socket:")
        except FileNotFoundError:  # the folder's own
            continue
    return found


async def one_client(url: str, number: int, ends: Counter[str]) -> None:
    """Asks plainly, streams, gives up, or has too little time: by its number."""
    async with openai.AsyncOpenAI(base_url=url, api_key="none", max_retries=0) as client:
        for nth in range(EACH):
            kind = (number + nth) % 4
            content = HOLD if kind in (2, 3) else f"client {number}, time {nth}"
            try:
                if kind == 1:
                    stream = await client.chat.completions.create(
                        model="tiny", messages=[{"role": "user", "content": content}], stream=True
                    )
                    text = "".join([chunk.choices[0].delta.content or "" async for chunk in stream])
                    ends["streamed" if text else "nothing"] += 1
                elif kind == 3:
                    held = await client.chat.completions.create(
                        model="tiny", messages=[{"role": "user", "content": content}], stream=True
                    )
                    await anext(aiter(held))
                    await held.close()
                    ends["gave up"] += 1
                else:
                    timeout = 0.05 + 0.01 * (number % 7) if kind == 2 else 60.0
                    await client.chat.completions.create(
                        model="tiny",
                        messages=[{"role": "user", "content": content}],
                        extra_body={"timeout": timeout},
                    )
                    ends["answered"] += 1
            except openai.APIStatusError as error:
                ends[str(error.status_code)] += 1


@pytest.mark.timeout(180)
def test_64_clients_with_mixed_deadlines_leave_nothing_behind() -> None:
    engine = WordEngine(slots=CLIENTS * 2)
    ends: Counter[str] = Counter()

    async def everybody(url: str) -> None:
        await asyncio.gather(*(one_client(url, number, ends) for number in range(CLIENTS)))

    before = sockets_of_this_process()
    with open_door(engine) as door:
        asyncio.run(everybody(door.url))

        quarter = CLIENTS * EACH // 4
        assert ends == {"answered": quarter, "streamed": quarter, "gave up": quarter, "408": quarter}
        until(lambda: door.door.under_way == 0)
        until(lambda: engine.under_way == 0)
        counters = engine.counters
        assert counters.completed + counters.cancelled == CLIENTS * EACH
        assert counters.cancelled == quarter * 2
    until(lambda: sockets_of_this_process() <= before)
    assert not [each.name for each in threading.enumerate() if each.name == "door-backend"]


def test_whoever_has_time_is_answered_though_others_never_stop_asking() -> None:
    engine = WordEngine(slots=4)

    async def crowd(url: str, done: asyncio.Event) -> int:
        asked = 0
        async with openai.AsyncOpenAI(base_url=url, api_key="none", max_retries=0) as client:
            while not done.is_set():
                await client.chat.completions.create(model="tiny", messages=[{"role": "user", "content": f"{asked}"}])
                asked += 1
        return asked

    async def patient(url: str) -> list[str]:
        async with openai.AsyncOpenAI(base_url=url, api_key="none", max_retries=0) as client:
            return [
                (await client.chat.completions.create(model="tiny", messages=[{"role": "user", "content": "me"}])).id
                for _ in range(10)
            ]

    async def both(url: str) -> list[str]:
        done = asyncio.Event()
        crowds = [asyncio.ensure_future(crowd(url, done)) for _ in range(24)]
        answered = await asyncio.wait_for(patient(url), 60)
        done.set()
        await asyncio.gather(*crowds)
        return answered

    with open_door(engine) as door:
        assert len(set(asyncio.run(both(door.url)))) == 10
