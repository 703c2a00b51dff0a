"""Counts: what several processes count in shared memory is added up, and outlives them."""

from __future__ import annotations

import os

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest

from proxy.counts import BUCKETS, Counts
from proxy.metrics import Exposed, MetricsServer


def text(counts: Counts) -> str:
    registry = CollectorRegistry()
    registry.register(Exposed(counts))
    return generate_latest(registry).decode()


def test_seats_are_added_up_and_a_gone_process_leaves_its_counts_but_not_its_gauges():
    counts = Counts(["shop"], seats=3)
    for number in range(3):
        seat = counts.seat(number)
        seat.request("shop", 200, 0.02, 10, {"html": 2, "cookie_set": 1})
        seat.failure("timeout")
        seat.remembered(hit=True)
        seat.gauge(visitor_connections=5)
    counts.leave(1)
    assert counts.requests(1)["2xx"] == 3
    assert counts.stripped(1)["html"] == 6
    assert counts.sent(1) == 30
    assert counts.failures()["timeout"] == 3
    assert counts.gauges()["visitor_connections"] == 10
    buckets, seconds = counts.durations(1)
    assert (sum(buckets), buckets[BUCKETS.index(0.025)]) == (3, 3)
    assert seconds == pytest.approx(0.06)


def test_what_a_forked_process_counts_stays_when_it_is_gone():
    counts = Counts(["shop"], seats=1, shared=True)
    if (pid := os.fork()) == 0:
        counts.seat(0).request("shop", 502, 11.0, 0, {})
        os._exit(0)
    os.waitpid(pid, 0)
    assert counts.requests(1)["5xx"] == 1
    assert counts.durations(1)[0][-1] == 1


def test_another_list_of_sites_keeps_what_was_counted():
    counts = Counts(["a", "b"], seats=2, shared=True)
    counts.seat(0).request("b", 200, 0.1, 7, {"html": 1})
    counts.seat(1).request(None, 421, 0.1, 1, {})
    moved = counts.moved(["c", "b"])
    moved.seat(0).request("b", 200, 0.1, 7, {})
    assert (moved.requests(2)["2xx"], moved.sent(2), moved.stripped(2)["html"]) == (2, 14, 1)
    assert moved.requests(0)["4xx"] == 1
    assert moved.requests(1)["2xx"] == 0


def test_prometheus_reads_what_was_counted():
    counts = Counts(["shop"])
    counts.seat(0).request("shop", 0, 20.0, 0, {"something new": 1})
    said = text(counts)
    assert 'samtykke_requests_total{site="shop",status="broken_off"} 1.0' in said
    assert 'samtykke_request_seconds_bucket{le="10.0",site="shop"} 0.0' in said
    assert 'samtykke_request_seconds_bucket{le="+Inf",site="shop"} 1.0' in said
    assert 'samtykke_stripped_total{site="shop",what="other"} 1.0' in said


async def test_metrics_have_an_address_of_their_own(say):
    server = MetricsServer(Counts(["shop"]))
    await server.start(("127.0.0.1", 0))
    try:
        got = await say(server.address, b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n")
        assert got.status == 200
        assert b"samtykke_requests_total" in got.body
        assert (await say(server.address, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")).status == 404
        assert (await say(server.address, b"POST /metrics HTTP/1.1\r\nHost: a\r\n\r\n")).status == 405
    finally:
        await server.stop()


async def test_choices_are_counted_by_site_and_event(site, start_proxy, say, asking):
    proxy = await start_proxy(site.url, parts=asking)
    rejected = b"action=reject&return=/"
    answer = await say(
        proxy.address,
        b"POST /.samtykke/choice HTTP/1.1\r\nHost: shop.localhost\r\nSec-Fetch-Site: same-origin\r\n"
        b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n" % len(rejected) + rejected,
    )
    assert answer.status == 303
    await proxy.stop(1.0)
    counts = proxy.counted.counts
    assert counts.rows(counts.sites.index("shop"))["reject"] == 1
    assert 'samtykke_consent_rows_total{event="reject",site="shop"} 1.0' in text(counts)
