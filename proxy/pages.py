"""The pages we answer with ourselves when something is wrong: status, plain words, a request id. No I/O.

Nothing of the reason is shown: it is in the log under the same id.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from http import HTTPStatus

_WORDS: dict[int, str] = {
    400: "The request could not be understood.",
    404: "There is nothing at this address.",
    405: "This method is not offered here.",
    408: "The request took too long to arrive.",
    413: "The request is too large.",
    417: "The expectation of the request cannot be met.",
    421: "This server does not answer for that host name.",
    429: "Too many requests. Please wait a moment.",
    431: "The request's header is too large.",
    500: "Something went wrong here.",
    501: "This is not supported here.",
    502: "The site behind this address cannot be reached or did not answer properly.",
    503: "The site behind this address is busy. Please try again in a moment.",
    504: "The site behind this address did not answer in time.",
    505: "This version of HTTP is not spoken here.",
}

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{status} {phrase}</title>
<style>body{{font:1rem/1.5 system-ui,sans-serif;max-width:36rem;margin:15vh auto;padding:0 1rem}}</style></head>
<body><h1>{phrase}</h1><p>{words}</p><p>Request id: <code>{request_id}</code></p></body></html>
"""


@dataclass(frozen=True, slots=True)
class Page:
    status: int
    reason: bytes
    headers: tuple[tuple[str, str], ...]
    body: bytes


def phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Error"


def problem(status: int, request_id: str) -> Page:
    """The page for a status; `request_id` is also sent as X-Request-Id."""
    words = _WORDS.get(status, "The request could not be answered.")
    body = _PAGE.format(
        status=status, phrase=escape(phrase(status)), words=escape(words), request_id=escape(request_id)
    )
    headers = (
        ("Content-Type", "text/html; charset=utf-8"),
        ("Cache-Control", "no-store"),
        ("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'"),
        ("X-Content-Type-Options", "nosniff"),
        ("X-Request-Id", request_id),
    )
    return Page(status, phrase(status).encode(), headers, body.encode())
