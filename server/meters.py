"""Meters in Prometheus' form: requests and their times, rows written, counts, journal positions, what is warm."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from prometheus_client import CollectorRegistry, Counter, Gauge, GCCollector, Histogram, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from dsl.parse import read
from engine.caches import Cache
from engine.questions import Directory

SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class Routed(Protocol):
    """What of an operation a meter needs."""

    @property
    def path(self) -> str: ...


class Workspaces(Collector):
    """Reads the state of every workspace when it is asked, not before."""

    def __init__(self, directory: Directory) -> None:
        self.directory = directory

    def describe(self) -> Iterator[GaugeMetricFamily]:
        yield from ()

    def collect(self) -> Iterator[GaugeMetricFamily | CounterMetricFamily]:
        seq = GaugeMetricFamily("tamis_journal_seq", "Sequence number of the newest change", labels=["workspace"])
        healthy = GaugeMetricFamily("tamis_accepts_writes", "1 while writes are accepted", labels=["workspace"])
        types = GaugeMetricFamily("tamis_event_types", "Event types declared", labels=["workspace"])
        for name in self.directory.workspaces():
            workspace = self.directory.workspace(name)
            seq.add_metric([name], workspace.seq)
            healthy.add_metric([name], workspace.healthy is None)
            types.add_metric([name], len(workspace.schema.events))
        yield from (seq, healthy, types)
        yield from self._caches()

    def _caches(self) -> Iterator[GaugeMetricFamily | CounterMetricFamily]:
        """What was remembered, and how often that served. Readings of texts belong to the whole server."""
        by = ["workspace", "cache"]
        hits = CounterMetricFamily("tamis_cache_hits", "Times that something was remembered", labels=by)
        misses = CounterMetricFamily("tamis_cache_misses", "Times that nothing was remembered", labels=by)
        entries = GaugeMetricFamily("tamis_cache_entries", "Things remembered", labels=by)
        size = GaugeMetricFamily("tamis_cache_bytes", "Bytes that remembered answers take", labels=["workspace"])
        for name in self.directory.workspaces():
            for cache, use in self.directory.workspace(name).caches.uses:
                hits.add_metric([name, cache], use.hits)
                misses.add_metric([name, cache], use.misses)
                entries.add_metric([name, cache], use.entries)
                if cache is Cache.ANSWER:
                    size.add_metric([name], use.size)
        texts = read.cache_info()
        hits.add_metric(["", Cache.PARSE], texts.hits)
        misses.add_metric(["", Cache.PARSE], texts.misses)
        entries.add_metric(["", Cache.PARSE], texts.currsize)
        yield from (hits, misses, entries, size)


class Meters:
    """The meters of one server, in a registry of its own."""

    def __init__(self, directory: Directory) -> None:
        self.registry = CollectorRegistry()
        self.registry.register(Workspaces(directory))
        ProcessCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        self.requests = Counter(
            "tamis_requests", "Requests answered", ["method", "route", "status"], registry=self.registry
        )
        self.seconds = Histogram(
            "tamis_request_seconds", "Time to answer", ["method", "route"], buckets=SECONDS, registry=self.registry
        )
        self._of_answers: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}
        self._counts = Counter("tamis_counts", "Expressions counted", ["workspace"], registry=self.registry)
        self._counts_of: dict[str, Counter] = {}
        self._rows = Counter("tamis_rows_accepted", "Rows written", ["workspace", "kind"], registry=self.registry)
        self._warm = Gauge(
            "tamis_warm",
            "1 once what first questions need is made, as far as warm_bytes allow; 0 while it is being made",
            ["workspace"],
            registry=self.registry,
        )
        self._warming_bytes = Gauge(
            "tamis_warming_bytes",
            "Memory by which the process grew when it was last made",
            ["workspace"],
            registry=self.registry,
        )
        self._warming_seconds = Counter(
            "tamis_warming_seconds", "Time that making it took, without rests", ["workspace"], registry=self.registry
        )

    def request(self, operation: Routed | None, method: str, status: int, seconds: float) -> None:
        """Notes one request; addresses that lead nowhere share one name, as do unknown methods."""
        route = "none" if operation is None else operation.path
        method = "none" if operation is None else method
        found = self._of_answers.get((method, route, status))
        if found is None:
            found = self.requests.labels(method, route, status), self.seconds.labels(method, route)
            self._of_answers[method, route, status] = found
        requests, times = found
        requests.inc()
        times.observe(seconds)

    def accepted(self, workspace: str, kind: str, rows: int) -> None:
        """Notes rows written."""
        self._rows.labels(workspace, kind).inc(rows)

    def counted(self, workspace: str, expressions: int) -> None:
        """Notes expressions that are counted."""
        found = self._counts_of.get(workspace)
        if found is None:
            found = self._counts_of[workspace] = self._counts.labels(workspace)
        found.inc(expressions)

    def warming(self, workspace: str, *, done: bool) -> None:
        """Notes that what first questions need begins to be made, or is."""
        self._warm.labels(workspace).set(done)

    def warmed(self, workspace: str, size: int, seconds: float) -> None:
        """Notes by how many bytes the process has grown since it began, and the time that a step took."""
        self._warming_bytes.labels(workspace).set(size)
        self._warming_seconds.labels(workspace).inc(seconds)
