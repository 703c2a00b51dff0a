"""The requests of a scan as an HTTP Archive (HAR 1.2). Pure.

A scan that was told to keep transfers knows method, headers, sizes and times; bodies are never kept. Whatever is not
known is said so in the way the format provides (-1, empty lists).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from policies.cookie import parse_set_cookie
from policies.observation import ObservedRequest, Scan, Transfer

Json = dict[str, Any]
Leads = dict[tuple[str, str], str]
"""Where an address of a page redirects to."""
Headers = tuple[tuple[str, str], ...]


def har_of(scan: Scan, version: str = "") -> Json:
    """The archive, ready for `json.dumps`, in the order of time. `version` is the program's own."""
    names = {page.final_url or page.url: f"page_{number}" for number, page in enumerate(scan.pages)}
    names |= {page.url: f"page_{number}" for number, page in enumerate(scan.pages)}
    leads: Leads = {(one.page, one.redirected_from): one.url for one in scan.requests if one.redirected_from}
    entries = [_entry(request, scan.started, names, leads) for request in scan.requests]
    entries.sort(key=lambda entry: entry["startedDateTime"])
    return {
        "log": {
            "version": "1.2",
            "creator": {"name": "samtykke", "version": version},
            "pages": [
                {
                    "startedDateTime": _first(scan.requests, page.url) or scan.started,
                    "id": f"page_{number}",
                    "title": page.title or page.url,
                    "pageTimings": {"onContentLoad": -1, "onLoad": -1},
                }
                for number, page in enumerate(scan.pages)
            ],
            "entries": entries,
        }
    }


def _first(requests: Iterable[ObservedRequest], page: str) -> str | None:
    moments = [one.transfer.started for one in requests if one.page == page and one.transfer and one.transfer.started]
    return _moment(min(moments)) if moments else None


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _entry(request: ObservedRequest, started: str, names: dict[str, str], leads: Leads) -> Json:
    transfer = request.transfer or Transfer(started=0)
    timings = _timings(transfer)
    sent, received = transfer.request_headers, transfer.response_headers
    entry: Json = {
        "startedDateTime": _moment(transfer.started) if transfer.started else started,
        # HAR 1.2: the sum of all known times, of which `ssl` is a part of `connect`.
        "time": round(sum(value for name, value in timings.items() if name != "ssl" and value > 0), 3),
        "request": {
            "method": transfer.method,
            "url": request.url,
            "httpVersion": transfer.protocol,
            "cookies": _cookies_sent(sent),
            "headers": _headers(sent),
            "queryString": _query(request.url),
            "headersSize": -1,
            "bodySize": transfer.post_bytes if request.transfer else -1,
        },
        "response": {
            "status": request.status or 0,
            "statusText": transfer.status_text,
            "httpVersion": transfer.protocol,
            "cookies": _cookies_set(received),
            "headers": _headers(received),
            "content": {"size": transfer.content_bytes, "mimeType": transfer.media_type},
            "redirectURL": leads.get((request.page, request.url), ""),
            "headersSize": -1,
            "bodySize": transfer.transfer_bytes,
        },
        "cache": {},
        "timings": timings,
        "_resourceType": request.type,
        "_initiator": [frame.model_dump() for frame in request.initiator],
        "_thirdParty": request.third_party,
        "_vendor": request.vendor,
        "_purpose": request.purpose,
    }
    if transfer.post_text is not None or transfer.post_bytes > 0:
        entry["request"]["postData"] = {"mimeType": transfer.post_type, "text": transfer.post_text or ""}
    if transfer.server:
        entry["serverIPAddress"] = transfer.server
    if request.page in names:
        entry["pageref"] = names[request.page]
    if request.redirected_from:
        entry["_redirectedFrom"] = request.redirected_from
    if request.blocked:
        entry["response"]["_error"] = request.blocked
    return entry


def _timings(transfer: Transfer) -> dict[str, float]:
    """`send`, `wait` and `receive` are obligatory and must not be negative once anything is known."""
    known = {name: getattr(transfer, name) for name in ("blocked", "dns", "connect", "ssl")}
    obligatory = {name: getattr(transfer, name) for name in ("send", "wait", "receive")}
    if any(value >= 0 for value in obligatory.values()):
        obligatory = {name: max(0.0, value) for name, value in obligatory.items()}
    return known | obligatory


def _headers(pairs: Headers) -> list[Json]:
    return [{"name": name, "value": value} for name, value in pairs]


def _cookies_sent(pairs: Headers) -> list[Json]:
    found = []
    for line in (value for name, value in pairs if name.lower() == "cookie"):
        for pair in line.split(";"):
            name, _, value = pair.strip().partition("=")
            found.append({"name": name, "value": value})
    return found


def _cookies_set(pairs: Headers) -> list[Json]:
    lines = [value for name, value in pairs if name.lower() == "set-cookie"]
    parsed = [parse_set_cookie(line.encode("utf-8", "surrogateescape")) for line in lines]
    found = []
    for cookie in filter(None, parsed):
        one: Json = {"name": cookie.name.decode("utf-8", "replace"), "value": cookie.value.decode("utf-8", "replace")}
        one |= {"path": cookie.path} if cookie.path else {}
        one |= {"domain": cookie.domain} if cookie.domain else {}
        one |= {"expires": _moment(cookie.expires)} if cookie.expires is not None else {}
        found.append(one | {"httpOnly": cookie.http_only, "secure": cookie.secure})
    return found


def _query(url: str) -> list[Json]:
    try:
        pairs = parse_qsl(urlsplit(url).query, keep_blank_values=True)
    except ValueError:
        return []
    return [{"name": name, "value": value} for name, value in pairs]
