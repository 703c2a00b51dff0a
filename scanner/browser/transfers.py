"""One hop as an HTTP Archive tells it: method, headers, sizes, times. Pure.

DevTools gives times in milliseconds since `requestTime`, which is in seconds of the browser's own clock; -1 where a
step did not happen (a connection that was used again). Credentials are left out: an archive is handed on.
"""

from __future__ import annotations

from policies.observation import Transfer
from scanner.browser.pipe import Json
from scanner.browser.requests import Hop

_SECRET = frozenset({"authorization", "proxy-authorization"})


def transfer_of(hop: Hop) -> Transfer:
    """What is known of a hop; a header that DevTools gives only provisionally is better than none."""
    asked, answered = hop.asked, hop.answered
    sent = _pairs(hop.sent_headers or asked.get("headers") or answered.get("requestHeaders"))
    received = _pairs(hop.headers or answered.get("headers"))
    text = asked.get("postData")
    named = {name.lower(): value for name, value in sent}
    return Transfer(
        method=asked.get("method", "GET"),
        started=hop.at,
        protocol=answered.get("protocol", ""),
        server=answered.get("remoteIPAddress", "").strip("[]"),
        request_headers=sent,
        post_type=named.get("content-type", "") if asked.get("hasPostData") else "",
        post_bytes=_post_bytes(asked, text, named.get("content-length")),
        post_text=text,
        status_text=answered.get("statusText", ""),
        response_headers=received,
        media_type=answered.get("mimeType", ""),
        transfer_bytes=hop.encoded if hop.encoded is not None else -1,
        content_bytes=hop.decoded if hop.ended or hop.decoded else -1,
        **_times(hop, answered.get("timing") or {}),
    )


def _post_bytes(asked: Json, text: str | None, length: str | None) -> int:
    if length and length.isdigit():
        return int(length)
    if text is not None:
        return len(text.encode("utf-8", "surrogatepass"))
    return -1 if asked.get("hasPostData") else 0


def _pairs(headers: Json | None) -> tuple[tuple[str, str], ...]:
    """Repeated lines come joined by line feeds."""
    return tuple(
        (name, line)
        for name, value in (headers or {}).items()
        if name.lower() not in _SECRET
        for line in str(value).split("\n")
    )


def _times(hop: Hop, timing: Json) -> dict[str, float]:
    def between(start: str, end: str) -> float:
        first, last = timing.get(start, -1), timing.get(end, -1)
        return round(max(0.0, last - first), 3) if first >= 0 and last >= 0 else -1.0

    if not timing:
        whole = (hop.ended - hop.sent) * 1000 if hop.ended and hop.sent else -1.0
        return {"wait": round(whole, 3)}
    begins = [timing[key] for key in ("dnsStart", "connectStart", "sendStart") if timing.get(key, -1) >= 0]
    headers = timing["requestTime"] + max(0.0, timing.get("receiveHeadersEnd", 0.0)) / 1000
    return {
        "blocked": round(min(begins, default=-1.0), 3),
        "dns": between("dnsStart", "dnsEnd"),
        "connect": between("connectStart", "connectEnd"),
        "ssl": between("sslStart", "sslEnd"),
        "send": between("sendStart", "sendEnd"),
        "wait": between("sendEnd", "receiveHeadersEnd"),
        "receive": round(max(0.0, hop.ended - headers) * 1000, 3) if hop.ended else -1.0,
    }
