"""The clients of the soak: each function is one visit of one kind of client. It returns the statuses that it got."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from .http_client import STREAM, Client, Response
from .models import text

CAPTURES = "/api/v1/captures"
HEALTH = "/healthz"
LOADS = "/api/v1/models/load"
RELOADS = "/api/v1/models/reload"
# Bodies of POST requests, which the server has to refuse.
HOSTILE: tuple[bytes, ...] = (
    b"",
    b"{",
    b"[" * 40_000,
    b'{"text": "\\ud800"}',
    b'{"text": NaN}',
    b'{"text": ' + b"9" * 5000 + b"}",
    b'{"text": "a", "text": "b"}',
    b'{"text": "a", "layers": [' + b"[]," * 100_000 + b"[]]}",
    b'{"text": "\xff\xfe"}',
    b'{"text": "' + b"x" * 900_000 + b'"}',
    b'{"text": "a", "model": "local:../../etc"}',
    b" " * 2**21,
)


@dataclass(frozen=True)
class Visit:
    """What a client needs: the connection, and the models that the server has."""

    client: Client
    models: tuple[str, ...]

    def prompt(self, longest: int = 400) -> dict[str, str]:
        """A text that was probably never sent before."""
        return {"text": text(random.randint(5, longest)), "model": random.choice(self.models)}

    async def capture(self, longest: int = 400) -> Response:
        return await self.client.ask(CAPTURES, self.prompt(longest))


async def reader(visit: Visit) -> list[int]:
    """Opens a capture as the page does."""
    made = await visit.capture()
    if made.status not in (200, 201):
        return [made.status]
    where, found = made.headers["location"], made.json()
    head = f"{random.randrange(found['model']['layers'])}/{random.randrange(found['model']['heads'])}"
    paths = [f"heads/{head}?format=npy", f"heads/{head}?quantity=norm", f"overview?cells={random.choice((4, 48))}"]
    paths += ["words", f"norms/{head.split('/')[0]}?cells=8"]
    return [made.status, *[(await visit.client.ask(f"{where}/{path}")).status for path in paths]]


async def analyst(visit: Visit) -> list[int]:
    """Requests every analysis of a capture, with progress or without."""
    made = await visit.capture()
    if made.status not in (200, 201):
        return [made.status]
    where, statuses = made.headers["location"], [made.status]
    for path in ("scores?roles=true", "roles", "similarity", "rollout"):
        headers = random.choice(({}, STREAM))
        statuses.append((await visit.client.ask(f"{where}/{path}", headers=headers)).status)
    if len(made.json()["tokens"]) <= 128:
        statuses.append((await visit.client.ask(f"{where}/flow", {"queries": [2]})).status)
    return statuses


async def follower(visit: Visit) -> list[int]:
    """Follows a run to its end."""
    return [(await visit.client.ask(f"{CAPTURES}?cells=32", visit.prompt(), STREAM)).status]


async def leaver(visit: Visit) -> list[int]:
    """Disconnects in the middle of a run."""
    async with visit.client.connected() as (incoming, outgoing):
        outgoing.write(visit.client.request(f"{CAPTURES}?cells=64", visit.prompt(1500), STREAM))
        first = await incoming.read(200)
        await asyncio.sleep(random.random() / 2)
    return [int(first.split()[1])] if first else []


async def dumper(visit: Visit) -> list[int]:
    """Reads a whole dump, and all patterns of a text in one answer."""
    made = await visit.capture(200)
    if made.status not in (200, 201):
        return [made.status]
    dumped = await visit.client.ask(f"{made.headers['location']}/dump?format={random.choice(('npz', 'npy'))}")
    whole = await visit.client.ask("/api/v1/attention?format=npz", visit.prompt(100))
    return [made.status, dumped.status, whole.status]


async def verifier(visit: Visit) -> list[int]:
    asked = {**visit.prompt(300), "layers": [0], "verify": True}
    return [(await visit.client.ask("/api/v1/attention?format=npz", asked)).status]


async def slow_reader(visit: Visit) -> list[int]:
    """Reads a large dump slowly, and gives up or is disconnected."""
    made = await visit.capture(600)
    if made.status not in (200, 201):
        return [made.status]
    async with visit.client.connected(4096) as (incoming, outgoing):
        outgoing.write(visit.client.request(f"{made.headers['location']}/dump?format=npy"))
        for _ in range(random.randint(10, 40)):
            if not await incoming.read(4096):
                break
            await asyncio.sleep(0.2)
    return [made.status]


async def non_reader(visit: Visit) -> list[int]:
    """Pipelines requests and reads none of the answers."""
    async with visit.client.connected(4096) as (_, outgoing):
        outgoing.write(visit.client.request(HEALTH, headers={"Connection": "keep-alive"}) * 280)
        await asyncio.sleep(random.randint(1, 15))
    return []


async def half_sender(visit: Visit) -> list[int]:
    """Sends half a request and waits until the server closes the connection."""
    sent = visit.client.request(CAPTURES, visit.prompt())
    async with visit.client.connected() as (incoming, outgoing):
        outgoing.write(sent[: random.randrange(len(sent))])
        await incoming.read()
    return []


async def crowd(visit: Visit) -> list[int]:
    """Opens more connections than one client may, and leaves them idle for a moment."""

    async def one() -> None:
        async with visit.client.connected() as (incoming, _):
            await asyncio.wait_for(incoming.read(), 3)

    await asyncio.gather(*(one() for _ in range(100)), return_exceptions=True)
    return []


async def intruder(visit: Visit) -> list[int]:
    """Has no key, or a wrong one."""
    sent = {"Authorization": random.choice(("", "Bearer wrong", "Basic abc"))}
    return [(await visit.client.ask(CAPTURES, visit.prompt(), sent)).status]


async def attacker(visit: Visit) -> list[int]:
    """Sends bodies and paths that the server has to refuse."""
    path = random.choice((CAPTURES, "/api/v1/attention", "/api/v1/estimate", LOADS))
    answers = [await visit.client.ask(path, random.choice(HOSTILE))]
    answers.append(await visit.client.ask(f"{CAPTURES}/{'0' * 32}/heads/99/-1?rows=5:1&cells=0"))
    return [answer.status for answer in answers]


async def loader(visit: Visit) -> list[int]:
    """Loads models in turn, so that each drops another one from memory."""
    loaded = await visit.client.ask(LOADS, {"model": random.choice(visit.models)}, random.choice(({}, STREAM)))
    again = await visit.client.ask(RELOADS, {"model": random.choice(visit.models)})
    return [loaded.status, again.status]


Behaviour = Callable[[Visit], Awaitable[list[int]]]
# How many clients of each kind there are at the same time.
BEHAVIOURS: dict[Behaviour, int] = {
    reader: 3,
    analyst: 1,
    follower: 2,
    leaver: 2,
    dumper: 1,
    verifier: 1,
    slow_reader: 3,
    non_reader: 5,
    half_sender: 3,
    crowd: 1,
    intruder: 1,
    attacker: 1,
    loader: 1,
}
