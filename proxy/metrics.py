"""Prometheus metrics, on an address of their own that no visitor reaches. Off unless `[proxy] metrics` names one.

Any worker answers for all of them, since the counts are shared. No label holds anything of a visitor.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate

from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from proxy.counts import BUCKETS, Counts

PATH = "/metrics"
_GAUGES = {
    "visitor_connections": "Visitors' connections open now.",
    "upstream_connections": "Connections to sites in use now.",
    "consent_rows_dropped": "Rows of shown and gpc that never reached the consent log since the workers started.",
    "ledger_waiting": "Counts of enforcement not yet written to the ledger.",
    "bypass": "Workers that enforce nothing because the kill switch is on.",
}


class Exposed(Collector):
    """Counts as Prometheus reads them."""

    def __init__(self, counts: Counts) -> None:
        self._counts = counts

    def collect(self) -> Iterable[Metric]:
        counts = self._counts
        yield from self._of_sites()
        failures = CounterMetricFamily(
            "samtykke_failures", "Exchanges that failed, by what was at fault.", labels=["of"]
        )
        for name, number in counts.failures().items():
            failures.add_metric([name], number)
        yield failures
        remembered = CounterMetricFamily("samtykke_remembered", "Documents by memory of rewriting.", labels=["result"])
        for name, number in counts.remembered().items():
            remembered.add_metric([name], number)
        yield remembered
        for name, number in counts.gauges().items():
            yield GaugeMetricFamily(f"samtykke_{name}", _GAUGES[name], value=number)

    def _of_sites(self) -> Iterator[Metric]:
        counts = self._counts
        requests = CounterMetricFamily("samtykke_requests", "Requests answered, by status.", labels=["site", "status"])
        stripped = CounterMetricFamily("samtykke_stripped", "What was not let through.", labels=["site", "what"])
        rows = CounterMetricFamily(
            "samtykke_consent_rows", "Rows written to the consent log.", labels=["site", "event"]
        )
        sent = CounterMetricFamily("samtykke_sent_bytes", "Bytes of bodies sent to visitors.", labels=["site"])
        seconds = HistogramMetricFamily(
            "samtykke_request_seconds", "From a request's head to its answer's end.", labels=["site"]
        )
        ends = [*map(str, BUCKETS), "+Inf"]
        for place, site in enumerate(counts.sites):
            for status, number in counts.requests(place).items():
                requests.add_metric([site, status], number)
            for what, number in counts.stripped(place).items():
                stripped.add_metric([site, what], number)
            for event, number in counts.rows(place).items():
                rows.add_metric([site, event], number)
            sent.add_metric([site], counts.sent(place))
            buckets, total = counts.durations(place)
            upto = list(zip(ends, map(float, accumulate(buckets)), strict=True))
            seconds.add_metric([site], upto, total)
        yield from (requests, seconds, sent, stripped, rows)


class MetricsServer:
    """`start`, then `stop`. Answers GET /metrics and nothing else."""

    def __init__(self, counts: Counts) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(Exposed(counts))
        self._front = web.Server(self._answer, access_log=None)
        self._servers: list[asyncio.Server] = []

    @property
    def address(self) -> tuple[str, int]:
        """Raises RuntimeError before `start`."""
        if not self._servers:
            raise RuntimeError("no metrics are served")
        host, port = self._servers[0].sockets[0].getsockname()[:2]
        return host, port

    async def start(self, address: tuple[str, int], sockets: Sequence[socket.socket] = ()) -> None:
        """Listen at the address, or on sockets that do already. Raises OSError."""
        loop = asyncio.get_running_loop()
        if sockets:
            self._servers = [await loop.create_server(self._front, sock=one) for one in sockets]
        else:
            self._servers = [await loop.create_server(self._front, *address)]

    async def stop(self) -> None:
        for server in self._servers:
            server.close()
        await self._front.shutdown(0.5)
        for server in self._servers:
            await server.wait_closed()

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.path != PATH:
            return web.Response(status=404, text=f"metrics are at {PATH}\n")
        if request.method not in {"GET", "HEAD"}:
            return web.Response(status=405, headers={"Allow": "GET, HEAD"})
        return web.Response(body=generate_latest(self._registry), headers={"Content-Type": CONTENT_TYPE_LATEST})
