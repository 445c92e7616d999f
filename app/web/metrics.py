"""Metrics in Prometheus format.

The values of labels come from fixed sets: never a text, a key, a capture id or a model name, which a client can choose.
"""

from collections.abc import Iterator
from importlib.metadata import version

from prometheus_client import CollectorRegistry, Counter, Histogram, Info, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from ..engine.job import KINDS, OUTCOMES
from ..engine.job_queue import JobCounts
from ..engine.ledger import PURPOSES, REFUSALS, Ledger
from ..engine.runner import Runner
from ..engine.worker_pool import WorkerPool
from .connections import Connections

METHODS = {"GET", "HEAD", "POST", "DELETE", "OPTIONS", "PUT", "PATCH"}
OTHER = "other"
# From a window, a millisecond, to the longest run (HEADSCOPE_RUN_SECONDS).
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)


class Metrics:
    """Each application has its own registry, so that two in one process are counted separately."""

    def __init__(self, runner: Runner, connections: Connections) -> None:
        self.registry = CollectorRegistry()
        Info("headscope", "This server.", registry=self.registry).info({"version": version("headscope")})
        self.requests = Counter(
            "headscope_requests", "Requests answered.", ("route", "method", "status"), registry=self.registry
        )
        self.seconds = Histogram(
            "headscope_request_seconds",
            "From the headers of a request to the last byte of its response.",
            ("route", "method"),
            registry=self.registry,
            buckets=BUCKETS,
        )
        self.registry.register(RunnerCollector(runner))
        self.registry.register(ConnectionCollector(connections))
        self.registry.register(LimitCollector(runner, connections))
        ProcessCollector(registry=self.registry)

    def count_response(self, route: str | None, method: str, status: int, seconds: float) -> None:
        """`route` is the template of the path; None if there is no such path or a check refused the request."""
        route, method = route or OTHER, method if method in METHODS else OTHER
        self.requests.labels(route, method, status).inc()
        self.seconds.labels(route, method).observe(seconds)

    def text(self) -> bytes:
        return generate_latest(self.registry)


class RunnerCollector(Collector):
    """Reads the state of the runner at each request for metrics."""

    def __init__(self, runner: Runner) -> None:
        self.runner = runner

    def collect(self) -> Iterator[Metric]:
        runner = self.runner
        yield from jobs_in(runner.counts)
        waiting = GaugeMetricFamily("headscope_waiting", "Requests waiting for a worker.", labels=("for",))
        for purpose, pool in pools_of(runner).items():
            waiting.add_metric((purpose,), pool.waiting)
        yield waiting
        yield GaugeMetricFamily("headscope_dumps", "Dumps being streamed.", runner.pools.open_dumps)
        yield GaugeMetricFamily("headscope_captures", "Captures in memory.", len(runner.captures))
        yield GaugeMetricFamily("headscope_capture_bytes", "Memory of the captures.", runner.captures.bytes)
        yield from held_in(runner.ledger)
        loaded = [load for load in runner.models.loads.values() if load.ready]
        yield GaugeMetricFamily("headscope_models", "Models in memory.", len(loaded))
        # A model that was dropped counts as long as a job uses it.
        yield GaugeMetricFamily("headscope_model_bytes", "Memory of the models.", runner.models.memory.bytes)


class ConnectionCollector(Collector):
    """Reads the number of connections at each request for metrics."""

    def __init__(self, connections: Connections) -> None:
        self.connections = connections

    def collect(self) -> Iterator[Metric]:
        yield GaugeMetricFamily("headscope_connections", "Open connections.", self.connections.open)
        yield CounterMetricFamily(
            "headscope_connections_refused", "Connections over a limit, which got 503.", self.connections.refused
        )


class LimitCollector(Collector):
    """The limits that alarms compare the other numbers with."""

    def __init__(self, runner: Runner, connections: Connections) -> None:
        self.runner, self.connections = runner, connections

    def collect(self) -> Iterator[Metric]:
        settings = self.runner.settings
        limits = {
            "connections": self.connections.total,  # the system may allow fewer than the setting
            "held_bytes": settings.max_capture_bytes,
            "captures": settings.max_captures,
            "model_bytes": settings.max_model_bytes,
        }
        found = GaugeMetricFamily(
            "headscope_limit", "The largest value of headscope_connections and others.", labels=("of",)
        )
        for name, limit in limits.items():
            found.add_metric((name,), limit)
        yield found


def jobs_in(counts: JobCounts) -> Iterator[Metric]:
    """Jobs of each kind by outcome, and the runs among them under the names that they had first."""
    begun = CounterMetricFamily("headscope_jobs_begun", "Jobs that were started, by kind.", labels=("kind",))
    refused = CounterMetricFamily("headscope_jobs_refused", "Jobs that found a full queue.", labels=("kind",))
    ended = CounterMetricFamily("headscope_jobs_ended", "Jobs by kind and outcome.", labels=("kind", "how"))
    for kind in KINDS:
        begun.add_metric((kind,), counts.begun[kind])
        refused.add_metric((kind,), counts.refused[kind])
        for outcome in OUTCOMES:
            ended.add_metric((kind, outcome), counts.ended[kind, outcome])
    yield from (begun, refused, ended)
    yield CounterMetricFamily("headscope_runs_begun", "Runs of a model that were started.", counts.begun["run"])
    runs = CounterMetricFamily("headscope_runs_ended", "Runs by outcome.", labels=("how",))
    for outcome in OUTCOMES:
        runs.add_metric((outcome,), counts.ended["run", outcome])
    yield runs


def held_in(ledger: Ledger) -> Iterator[Metric]:
    """The memory that is held for requests, and what was refused for want of it."""
    size = GaugeMetricFamily("headscope_held_bytes", "Memory held for requests, by purpose.", labels=("for",))
    count = GaugeMetricFamily("headscope_held", "Reservations of memory, by purpose.", labels=("for",))
    for purpose in PURPOSES:
        size.add_metric((purpose,), ledger.bytes(purpose))
        count.add_metric((purpose,), ledger.count(purpose))
    yield size
    yield count
    refused = CounterMetricFamily(
        "headscope_memory_refused", "Requests that did not fit into memory: never, or not now.", labels=("fits",)
    )
    for refusal in REFUSALS:
        refused.add_metric((refusal,), ledger.refusals[refusal])
    yield refused


def pools_of(runner: Runner) -> dict[str, WorkerPool]:
    """Each worker pool by its label."""
    pools, models = runner.pools, runner.models
    return {
        "model": pools.model,
        "reader": pools.readers,
        "thumbnail": pools.thumbnails,
        "converter": pools.converters,
        "tokenizer": pools.tokenizers,
        "memory": pools.memory,
        "analysis": pools.analyses,
        "long_analysis": pools.long_analyses,
        "hub": models.hub,
        "check": models.checks,
        "build": models.builds,
        "load": models.reads,
        "disk": models.listing.disk,
        "folder": models.listing.one_folder,
    }
