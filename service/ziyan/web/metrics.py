"""What Prometheus may ask: requests, pages by stage, cache, queue, the reader's memory and temperature."""

from collections.abc import Callable
from functools import partial
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

from ziyan.vitals import THROTTLED_NOW

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10, 30)


class Metrics:
    """The counters of one web program, in a registry of their own."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        self.requests = Counter("ziyan_requests", "Requests by route.", ["route", "status"], registry=registry)
        self.refused = Counter("ziyan_refused", "Pages refused because the queue was full.", registry=registry)
        self.cache_hits = Counter("ziyan_cache_hits", "Pages answered from the cache.", registry=registry)
        self.cache_misses = Counter("ziyan_cache_misses", "Pages that had to be read.", registry=registry)
        self._lines = Counter("ziyan_lines", "Lines of text read.", registry=registry)
        self._stage_seconds = Histogram(
            "ziyan_stage_seconds", "Wall seconds of a page by stage.", ["stage"], buckets=_SECONDS, registry=registry
        )

    def observe_page(self, page: dict[str, Any]) -> None:
        """Counts a page that was read."""
        self._lines.inc(len(page["lines"]))
        for stage, seconds in page["seconds"].items():
            self._stage_seconds.labels(stage).observe(seconds)

    def observe_desk(
        self,
        *,
        in_use: Callable[[], int],
        cache_bytes: Callable[[], int],
        state: Callable[[], dict[str, Any] | None],
    ) -> None:
        """Reads the gauges from these functions whenever Prometheus asks."""

        def gauge(name: str, help: str, read: Callable[[], float]) -> None:
            Gauge(name, help, registry=self._registry).set_function(read)

        def of_reader(key: str) -> Callable[[], float]:
            return lambda: float(value) if (value := (state() or {}).get(key)) is not None else float("nan")

        def second_below() -> float:
            return float((state() or {}).get("second_reader", {}).get("below", "nan"))

        gauge("ziyan_pages_in_use", "Pages being read or waiting.", in_use)
        gauge("ziyan_cache_bytes", "Bytes of answers kept.", cache_bytes)
        gauge("ziyan_reader_up", "1 while the reader answers.", lambda: float(state() is not None))
        gauge("ziyan_reader_pss_megabytes", "Proportional memory of the reader in MB.", of_reader("pss_mb"))
        gauge("ziyan_reader_pages", "Pages read since the reader started.", of_reader("pages"))
        gauge("ziyan_reader_threads", "Threads that read a page: fewer when the box is warm.", of_reader("threads"))
        gauge("ziyan_second_reader_below", "Score below which a line is read again; 0 never.", second_below)
        gauge("ziyan_temperature_celsius", "The hottest sensor in °C.", of_reader("temperature_c"))

        def throttled_by(reason: str) -> float:
            return float(reason in ((state() or {}).get("throttling") or ()))

        throttled = Gauge("ziyan_throttled", "1 while the board holds back.", ["reason"], registry=self._registry)
        for reason in THROTTLED_NOW.values():
            throttled.labels(reason).set_function(partial(throttled_by, reason))

    def observe_jobs(self, *, unfinished: Callable[[], int], size_bytes: Callable[[], int]) -> None:
        """Reads what there is of jobs from these functions whenever Prometheus asks."""
        gauges = {"ziyan_jobs": ("Jobs that wait or run.", unfinished), "ziyan_jobs_bytes": ("Bytes kept.", size_bytes)}
        for name, (help, read) in gauges.items():
            Gauge(name, help, registry=self._registry).set_function(read)

    def render(self) -> bytes:
        """All of it in Prometheus' text format."""
        return generate_latest(self._registry)
