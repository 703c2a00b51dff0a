"""What arrived where: the trackers' own record, so that a test can ask what they got to know. In memory, bounded."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web

KEPT = 20_000
"""Hits kept; the oldest go first."""


@dataclass(frozen=True, slots=True)
class Hit:
    """One request. `host` is without port, `path` with query, `body` is empty unless something was posted."""

    host: str
    method: str
    path: str
    cookies: dict[str, str]
    referer: str = ""
    body: str = ""


def hostname(request: web.BaseRequest) -> str:
    """The Host header in lower case, without its port."""
    return request.host.rpartition(":")[0].lower() if ":" in request.host else request.host.lower()


async def read_hit(request: web.Request) -> Hit:
    """Take down one request. Bytes of the body that are no UTF-8 are replaced."""
    body = (await request.read()).decode("utf-8", "replace") if request.can_read_body else ""
    return Hit(
        host=hostname(request),
        method=request.method,
        path=request.raw_path,
        cookies=dict(request.cookies),
        referer=request.headers.get("Referer", ""),
        body=body,
    )


def keep(hits: list[Hit], hit: Hit) -> None:
    """Append, dropping the oldest tenth when full."""
    if len(hits) >= KEPT:
        del hits[: KEPT // 10]
    hits.append(hit)
