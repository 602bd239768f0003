"""What a process counts by itself: requests, streams, connections, memory."""

from collections.abc import Callable, Iterator, Mapping

from prometheus_client import CollectorRegistry, Histogram, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from storage.database import Database

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Pools(Collector):
    """Connections of this process to the database, by role."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def collect(self) -> Iterator[Metric]:
        """In use, and how many there can be."""
        used = GaugeMetricFamily("ruhu_db_connections_in_use", "Connections in use", labels=["role"])
        limit = GaugeMetricFamily(
            "ruhu_db_connections_limit", "Connections that can be in use at once", labels=["role"]
        )
        for role, engine in list(self.database.engines.items()):
            used.add_metric([role.value], engine.pool.checkedout())  # type: ignore[attr-defined]  # a queue pool has it
            limit.add_metric([role.value], 2 * self.database.pool_size)
        yield used
        yield limit


class Counts(Collector):
    """A dictionary that somebody counts in: each name is a label's value."""

    def __init__(self, name: str, text: str, label: str, read: Callable[[], Mapping[str, float]]) -> None:
        self.name, self.text, self.label, self.read = name, text, label, read

    def collect(self) -> Iterator[Metric]:
        """All of them."""
        family = CounterMetricFamily(self.name, self.text, labels=[self.label])
        for name, count in sorted(self.read().items()):
            family.add_metric([name], count)
        yield family


class Number(Collector):
    """One number that somebody knows."""

    def __init__(self, name: str, text: str, read: Callable[[], float]) -> None:
        self.name, self.text, self.read = name, text, read

    def collect(self) -> Iterator[Metric]:
        """It."""
        yield GaugeMetricFamily(self.name, self.text, value=self.read())


class Metrics:
    """The registry of one app or worker: its own, so that several apps in a process do not meet."""

    def __init__(self, database: Database) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.registry.register(Pools(database))
        self.requests = Histogram(
            "ruhu_http_request_duration_seconds", "Requests of people by route template and status",
            ["method", "route", "status"], buckets=BUCKETS, registry=self.registry,
        )  # fmt: skip

    def count(self, name: str, text: str, label: str, read: Callable[[], Mapping[str, float]]) -> None:
        """Shows a dictionary of counts."""
        self.registry.register(Counts(name, text, label, read))

    def number(self, name: str, text: str, read: Callable[[], float]) -> None:
        """Shows a number."""
        self.registry.register(Number(name, text, read))
