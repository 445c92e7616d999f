"""What the server has done and what it holds, as Prometheus reads it.

Labels are of a fixed few: never a text, a key, a capture's id, or a model's name, which a visitor may have made up.
"""

from collections.abc import Iterator
from importlib.metadata import version

from prometheus_client import CollectorRegistry, Counter, Histogram, Info, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from ..engine.job import ENDS
from ..engine.runner import Runner

METHODS = {"GET", "HEAD", "POST", "DELETE", "OPTIONS", "PUT", "PATCH"}
OTHER = "other"
# From a window, a millisecond, to the longest run (HEADSCOPE_RUN_SECONDS).
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)


class Metrics:
    """A registry of its own: two applications in one process do not count together."""

    def __init__(self, runner: Runner) -> None:
        self.registry = CollectorRegistry()
        Info("headscope", "This server.", registry=self.registry).info({"version": version("headscope")})
        self.requests = Counter(
            "headscope_requests", "Requests answered.", ("route", "method", "status"), registry=self.registry
        )
        self.seconds = Histogram(
            "headscope_request_seconds",
            "From a request's headers to the last byte of its answer.",
            ("route", "method"),
            registry=self.registry,
            buckets=SECONDS,
        )
        self.registry.register(OfRunner(runner))
        ProcessCollector(registry=self.registry)

    def answered(self, route: str | None, method: str, status: int, seconds: float) -> None:
        """`route` is the template of its path; None where there is no such path, or it was refused at the door."""
        route, method = route or OTHER, method if method in METHODS else OTHER
        self.requests.labels(route, method, status).inc()
        self.seconds.labels(route, method).observe(seconds)

    def text(self) -> bytes:
        return generate_latest(self.registry)


class OfRunner(Collector):
    """What the runner holds, looked at when somebody asks."""

    def __init__(self, runner: Runner) -> None:
        self.runner = runner

    def collect(self) -> Iterator[Metric]:
        runner = self.runner
        yield CounterMetricFamily("headscope_runs_begun", "Texts that a model was to run.", runner.runs_begun)
        ended = CounterMetricFamily("headscope_runs_ended", "How runs ended.", labels=("how",))
        for how in ENDS:
            ended.add_metric((how,), runner.runs_ended[how])
        yield ended
        waiting = GaugeMetricFamily("headscope_waiting", "Requests that wait for a thread.", labels=("for",))
        waiting.add_metric(("model",), runner.slot.waiting)
        waiting.add_metric(("reader",), runner.readers.waiting)
        yield waiting
        yield GaugeMetricFamily("headscope_dumps", "Dumps that are being read.", runner.dumps)
        yield GaugeMetricFamily("headscope_captures", "Captures that are kept.", len(runner.captures))
        yield GaugeMetricFamily("headscope_capture_bytes", "Memory that they take.", runner.captures.bytes)
        loaded = [load for load in runner.shelf.loads.values() if load.ready]
        yield GaugeMetricFamily("headscope_models", "Models that are loaded.", len(loaded))
        yield GaugeMetricFamily("headscope_model_bytes", "Memory that they take.", sum(load.bytes for load in loaded))
