"""Numbers about the service for Prometheus, at `/metrics`."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, PlatformCollector, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import Response

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_AREAS = {"graphql": "graphql", "images": "images", "healthz": "health", "readyz": "health", "metrics": "health"}


class Metrics:
    """Counts what the service does. Each application has its own."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)
        self._requests = Counter(
            "arete_requests_total", "Requests by part of the service and status.", ("area", "status"),
            registry=self._registry,
        )  # fmt: skip
        self._request_seconds = Histogram(
            "arete_request_seconds", "From a request's first byte to its answer's last.", ("area",),
            buckets=_SECONDS, registry=self._registry,
        )  # fmt: skip
        self._operation_seconds = Histogram(
            "arete_operation_seconds",
            "Time to answer a GraphQL operation of the viewer, or any other.",
            ("operation", "kept"),
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._read_seconds = Histogram(
            "arete_read_seconds", "Time of one read of the database.", ("read",),
            buckets=_SECONDS, registry=self._registry,
        )  # fmt: skip
        self._errors = Counter(
            "arete_errors_total", "Errors that were answered, by code.", ("code",), registry=self._registry
        )
        self.in_flight = Gauge("arete_requests_in_flight", "Requests that are being answered.", registry=self._registry)
        self.warm_up_seconds = Histogram(
            "arete_warm_up_seconds", "Time of one operation that the service asked itself to warm up.",
            buckets=_SECONDS, registry=self._registry,
        )  # fmt: skip
        self.warming_up = Gauge("arete_warming_up", "1 while the service warms up.", registry=self._registry)
        self.kept_bytes = Gauge("arete_kept_answers_bytes", "Memory of kept answers.", registry=self._registry)

    def request(self, path: str, status: int, seconds: float) -> None:
        """Counts a request.

        Args:
            path: Its path.
            status: Of the answer.
            seconds: How long it took.
        """
        area = _AREAS.get(path.lstrip("/").partition("/")[0], "viewer")
        self._requests.labels(area, str(status)).inc()
        self._request_seconds.labels(area).observe(seconds)

    def operation(self, name: str, seconds: float, *, kept: bool) -> None:
        """Counts a GraphQL operation.

        Args:
            name: One of the viewer's, or `other`.
            seconds: How long it took.
            kept: Whether a kept answer was sent.
        """
        self._operation_seconds.labels(name, "yes" if kept else "no").observe(seconds)

    def error(self, code: str) -> None:
        """Counts an error that was answered."""
        self._errors.labels(code).inc()

    @contextmanager
    def reading(self, name: str) -> Iterator[None]:
        """Times one read of the database.

        Args:
            name: The read's name.

        Yields:
            Nothing.
        """
        started = time.perf_counter()
        try:
            yield
        finally:
            self._read_seconds.labels(name).observe(time.perf_counter() - started)

    async def answer(self, _: Request) -> Response:
        """Answers with all numbers as text."""
        return Response(generate_latest(self._registry), media_type=CONTENT_TYPE_LATEST)
