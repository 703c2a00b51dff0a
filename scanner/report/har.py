"""The requests of a scan as an HTTP Archive (HAR 1.2). Pure.

A scan keeps who asked for what and what came of it, not bodies, headers or times: what HAR demands beyond that is
said to be unknown in the way the format provides (-1, empty lists).
"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlsplit

from policies.observation import ObservedRequest, Scan

Json = dict[str, Any]


def har_of(scan: Scan, version: str = "") -> Json:
    """The archive, ready for `json.dumps`. `version` is the program's own."""
    names = {page.final_url or page.url: f"page_{number}" for number, page in enumerate(scan.pages)}
    names |= {page.url: f"page_{number}" for number, page in enumerate(scan.pages)}
    return {
        "log": {
            "version": "1.2",
            "creator": {"name": "samtykke", "version": version},
            "pages": [
                {
                    "startedDateTime": scan.started,
                    "id": f"page_{number}",
                    "title": page.title or page.url,
                    "pageTimings": {"onContentLoad": -1, "onLoad": -1},
                }
                for number, page in enumerate(scan.pages)
            ],
            "entries": [_entry(request, scan.started, names) for request in scan.requests],
        }
    }


def _entry(request: ObservedRequest, started: str, names: dict[str, str]) -> Json:
    entry: Json = {
        "startedDateTime": started,
        "time": 0,
        "request": {
            "method": "GET",
            "url": request.url,
            "httpVersion": "",
            "cookies": [],
            "headers": [],
            "queryString": _query(request.url),
            "headersSize": -1,
            "bodySize": -1,
        },
        "response": {
            "status": request.status or 0,
            "statusText": "",
            "httpVersion": "",
            "cookies": [],
            "headers": [],
            "content": {"size": -1, "mimeType": ""},
            "redirectURL": "",
            "headersSize": -1,
            "bodySize": -1,
        },
        "cache": {},
        "timings": {"send": -1, "wait": -1, "receive": -1},
        "_resourceType": request.type,
        "_initiator": [frame.model_dump() for frame in request.initiator],
        "_thirdParty": request.third_party,
        "_vendor": request.vendor,
        "_purpose": request.purpose,
    }
    if request.page in names:
        entry["pageref"] = names[request.page]
    if request.redirected_from:
        entry["_redirectedFrom"] = request.redirected_from
    if request.blocked:
        entry["response"]["_error"] = request.blocked
    return entry


def _query(url: str) -> list[Json]:
    try:
        pairs = parse_qsl(urlsplit(url).query, keep_blank_values=True)
    except ValueError:
        return []
    return [{"name": name, "value": value} for name, value in pairs]
