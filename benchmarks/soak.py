"""A shared server for half an hour under mixed clients, polite and hostile: nothing that it uses may grow."""

import asyncio
import json
import secrets
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

from .http_client import Client
from .measurements import Row
from .models import small_foreign, small_gpt2
from .paths import CACHE
from .samples import Sample, growth, sample
from .server import server_process
from .soak_clients import BEHAVIOURS, Behaviour, Visit

MINUTES = 30.0
EVERY = 5.0  # seconds between two samples
SAMPLES = CACHE / "soak.json"
# Small limits, so that caches are full and limits are met from the first minutes on.
LIMITS = {
    "max_capture_bytes": 64 * 2**20,
    "max_model_bytes": 96 * 2**20,
    "max_characters": 2000,
    "max_cells": 2_000_000,
    "max_json_cells": 200_000,
    "max_waiting": 8,
    "run_seconds": 20,
    "capture_seconds": 120,
    "socket_seconds": 4,
    "connections_per_client": 40,
    "max_connections": 200,
    "requests_per_minute": 3000,
}
# Answers under load: done, gone, no single array, too large, model refused, too many requests, not now, too long.
EXPECTED = {200, 201, 304, 400, 401, 404, 405, 406, 409, 413, 422, 429, 503, 504}
MORE_MEMORY = 0.05  # growth that counts as none
MORE = {"threads": 2, "files": 5, "processes": 0}


@dataclass
class Soak:
    """What has happened so far; written to SAMPLES with each sample."""

    samples: list[Sample] = field(default_factory=list)
    answers: Counter[str] = field(default_factory=Counter)
    visits: Counter[str] = field(default_factory=Counter)
    surprises: list[str] = field(default_factory=list)

    def save(self) -> None:
        facts = {"visits": self.visits, "answers": self.answers, "surprises": self.surprises[:100]}
        SAMPLES.write_text(json.dumps({**facts, "samples": [one.to_dict() for one in self.samples]}) + "\n")

    def series(self, name: str) -> tuple[list[float], list[float]]:
        """Times in seconds, and values of an attribute or a metric."""
        values = [one.metrics.get(name, getattr(one, name, 0.0)) for one in self.samples]
        return [one.seconds for one in self.samples], values


async def repeat(behaviour: Behaviour, visit: Visit, soak: Soak, end: float) -> None:
    name = behaviour.__name__
    while monotonic() < end:
        try:
            statuses = await asyncio.wait_for(behaviour(visit), 120)
        except (OSError, asyncio.IncompleteReadError):
            statuses = []  # the server closed the connection, as it may under load
        except Exception as error:  # noqa: BLE001 - reported in the verdict
            statuses = []
            soak.surprises.append(f"{name}: {error!r}")
        soak.visits[name] += 1
        soak.answers.update(str(status) for status in statuses)
        soak.surprises += [f"{name}: status {status}" for status in statuses if status not in EXPECTED]
        await asyncio.sleep(0.2)


async def watch(soak: Soak, process: int, client: Client, end: float) -> None:
    began = monotonic()
    while monotonic() < end:
        try:
            soak.samples.append(await sample(monotonic() - began, process, client))
        except OSError as error:
            soak.surprises.append(f"no sample: {error!r}")
        soak.save()
        await asyncio.sleep(EVERY)


async def run(url: str, key: str, process: int, models: tuple[str, ...], minutes: float) -> Soak:
    """Each kind of client has an address of its own."""
    soak, end = Soak(), monotonic() + 60 * minutes
    work = [watch(soak, process, Client(url, key), end)]
    for number, (behaviour, count) in enumerate(BEHAVIOURS.items(), start=2):
        visit = Visit(Client(url, key, f"127.0.0.{number}"), models)
        work += [repeat(behaviour, visit, soak, end) for _ in range(count)]
    await asyncio.gather(*work)
    return soak


def rows(quick: bool, minutes: float | None = None) -> Iterator[Row]:
    """The verdict."""
    folders = [*(small_gpt2(layers) for layers in (2, 3, 4)), *small_foreign()]
    models = ("gpt2-mini", "minilm", *(f"local:{folder.name}" for folder in folders))
    key = secrets.token_hex(16)
    environment = {f"HEADSCOPE_{name.upper()}": str(value) for name, value in LIMITS.items()}
    environment |= {"HEADSCOPE_API_KEY": key, "FORWARDED_ALLOW_IPS": "127.255.255.254"}  # no client is a proxy
    options = ["--shared", "--model=gpt2-mini", f"--models-dir={folders[0].parent}"]
    minutes = minutes or (3 if quick else MINUTES)
    with server_process(*options, **environment) as (url, process):
        soak = asyncio.run(run(url, key, process.pid, models, minutes))
        ended = process.poll()
    yield from verdict(soak, minutes, ended)


def verdict(soak: Soak, minutes: float, ended: int | None) -> Iterator[Row]:
    """Each measurement with its target, then all of them in one word. `ended` is None if the server still runs."""
    what = f"soak of {minutes:g} minutes"
    targets = list(used(soak, what))
    wrong = "; ".join(f"{surprise} ({times} x)" for surprise, times in Counter(soak.surprises).most_common(3))
    targets.append(row_of(what, "server errors and other surprises", "none", wrong or "none", not wrong))
    targets.append(row_of(what, "the server", "runs until the end", "yes" if ended is None else "no", ended is None))
    yield from targets
    missed = [row.what.removeprefix(f"{what}: ") for row in targets if not row.reached]
    told = ", ".join(f"{status}: {count:,}" for status, count in sorted(soak.answers.items()))
    visits, answers = sum(soak.visits.values()), sum(soak.answers.values())
    yield Row(f"{what}: requests", f"{visits:,} visits, {answers:,} answers", comparison=told)
    for name in ("headscope_connections", "headscope_capture_bytes", "headscope_captures"):
        yield Row(f"{what}: {name}", peak(soak, name))
    yield Row(f"{what}: verdict", f"not reached: {', '.join(missed)}" if missed else "flat")


def used(soak: Soak, what: str) -> Iterator[Row]:
    grown = {name: growth(*soak.series(name)) for name in ("rss", "children", "threads", "files", "processes")}
    for name, title in (("rss", "memory"), ("children", "memory of its processes for checks")):
        memory = grown.pop(name)
        yield row_of(what, title, "grows by <= 5 %", memory.megabytes(), memory.share <= MORE_MEMORY)
    for name, one in grown.items():
        yield row_of(what, name, f"<= {MORE[name]} more", one.count(), one.last <= one.first + MORE[name])


def row_of(what: str, name: str, target: str, measured: str, reached: bool) -> Row:
    return Row(f"{what}: {name}", measured, target, reached=reached)


def peak(soak: Soak, name: str) -> str:
    _, values = soak.series(name)
    return f"at most {max(values):,.0f}, at the end {values[-1]:,.0f}"


def draw(path: Path) -> None:
    """The plot of the last soak's samples."""
    from .plot import draw_figure, soak_figure

    samples = [Sample(**one) for one in json.loads(SAMPLES.read_text())["samples"]]
    draw_figure(soak_figure(samples), path)
