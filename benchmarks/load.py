"""200 texts at once: how soon the server refuses those that it cannot queue, and answers health checks meanwhile."""

import asyncio
import math
import time as clock
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from .http_client import Client, Response, parsed
from .measurements import Row, milliseconds, time
from .models import text
from .server import running_server

AT_ONCE = 200
TOKENS = 200
PAUSE = 0.02  # seconds between two health checks
REFUSED_TARGET, HEALTH_TARGET = 0.05, 0.1


@dataclass
class Crowd:
    """The answers to texts that were sent at once: status and seconds; seconds of the health checks meanwhile."""

    answers: list[tuple[int, float]] = field(default_factory=list)
    health: list[float] = field(default_factory=list)

    def seconds(self, *statuses: int) -> list[float]:
        return [seconds for status, seconds in self.answers if status in statuses]


async def timed(client: Client, ready: asyncio.Event, path: str, body: object = None) -> tuple[Response, float]:
    """The response, and the seconds from sending the request to its last byte. The connection is open before."""
    async with client.connected() as (reader, writer):
        await ready.wait()
        began = clock.perf_counter()
        writer.write(client.request(path, body))
        received = await reader.read()
        return parsed(received), clock.perf_counter() - began


async def crowd(url: str) -> Crowd:
    client, ready, found = Client(url), asyncio.Event(), Crowd()
    texts = [timed(client, ready, "/api/v1/captures", {"text": text(TOKENS)}) for _ in range(AT_ONCE)]
    tasks = [asyncio.create_task(one) for one in texts]
    await asyncio.sleep(1)  # all are connected
    ready.set()
    while not all(task.done() for task in tasks):
        found.health.append((await timed(client, ready, "/healthz"))[1])
        await asyncio.sleep(PAUSE)
    found.answers = [(task.result()[0].status, task.result()[1]) for task in tasks]
    return found


def percentile(values: list[float], share: float) -> float:
    """The smallest value that at least this share of the values does not exceed."""
    return sorted(values)[math.ceil(share * len(values)) - 1]


def rows(quick: bool) -> Iterator[Row]:
    """Of several crowds one after another, each of new texts."""
    with running_server("gpt2-mini") as url:
        asyncio.run(crowd(url))  # the first one starts threads and fills caches
        crowds = [asyncio.run(crowd(url)) for _ in range(2 if quick else 5)]
    statuses = Counter(status for one in crowds for status, _ in one.answers)
    refused = [seconds for one in crowds for seconds in one.seconds(503)]
    health = [seconds for one in crowds for seconds in one.health]
    slowest = max(seconds for one in crowds for seconds in one.seconds(200, 201))
    what = f"{AT_ONCE} texts at once"
    told = ", ".join(f"{status}: {count}" for status, count in sorted(statuses.items()))
    finished = set(statuses) <= {200, 201, 503}
    yield Row(f"{what}: accepted texts", told, "all finish", f"the last after {time(slowest)}", finished)
    for name, values, target in (("refusals", refused, REFUSED_TARGET), ("health checks", health, HEALTH_TARGET)):
        worst = percentile(values, 0.99)
        yield Row(
            f"{what}: {name}, 99th percentile", milliseconds(worst), f"<= {milliseconds(target)}",
            f"median {milliseconds(percentile(values, 0.5))}, {len(values)} measured", worst <= target,
        )  # fmt: skip
