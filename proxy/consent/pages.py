"""Answers under /.samtykke/: pages in our own look under a strict policy, and JSON. No I/O.

The pages load nothing from anywhere but this host, run no script and may not be framed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from aiohttp import web

from proxy.consent.bundle import Asset

_POLICY = "; ".join(
    ("default-src 'none'", "style-src 'self'", "form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'")
)
_SAFE = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": _POLICY,
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


def page(html: str, status: int = 200, cookies: Iterable[str] = ()) -> web.Response:
    """A page of ours; `html` complete and escaped, `cookies` Set-Cookie values."""
    return _with(
        web.Response(text=html, status=status, content_type="text/html", charset="utf-8", headers=_SAFE), cookies
    )


def answer(content: Mapping[str, object], status: int = 200, cookies: Iterable[str] = ()) -> web.Response:
    """JSON."""
    text = json.dumps(content, ensure_ascii=False)
    return _with(web.Response(text=text, status=status, content_type="application/json", headers=_SAFE), cookies)


def download(content: Mapping[str, object], name: str, media_type: str) -> web.Response:
    """JSON to be kept as a file of this name."""
    response = answer(content)
    response.headers["Content-Type"] = media_type
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def back(path: str, cookies: Iterable[str] = ()) -> web.Response:
    """303 to a path of this site, already checked."""
    location = path.encode().decode("latin-1") if path.isascii() else _encoded(path)
    return _with(web.Response(status=303, headers={**_SAFE, "Location": location}), cookies)


def asset(found: Asset) -> web.Response:
    """A stylesheet or script that never changes under its name."""
    headers = {"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}
    return web.Response(body=found.content, content_type=found.media_type, charset="utf-8", headers=headers)


def wants_json(accept: str) -> bool:
    """Did the request ask for JSON rather than for a page?"""
    return "application/json" in accept.lower()


def _encoded(path: str) -> str:
    return "".join(
        letter if letter.isascii() else "".join(f"%{byte:02X}" for byte in letter.encode()) for letter in path
    )


def _with(response: web.Response, cookies: Iterable[str]) -> web.Response:
    for line in cookies:
        response.headers.add("Set-Cookie", line)
    return response
