"""Did this request come from our own pages? No I/O.

`Sec-Fetch-Site` is believed first (no page can forge it), else `Origin`. A page under `Referrer-Policy: no-referrer`
sends `Origin: null`; old browsers send neither: then the visitor is asked to confirm.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal
from urllib.parse import urlsplit

Origin = Literal["own", "foreign", "unknown"]


def origin_of(headers: Mapping[str, str], host: str, cookie_domain: str = "") -> Origin:
    """`host` is the request's own, with its port. Sibling subdomains count as own only where they share the choice."""
    claimed = headers.get("Origin", "").strip().lower()
    match headers.get("Sec-Fetch-Site", "").strip().lower():
        case "same-origin" | "none":
            return "own"
        case "same-site":
            return "own" if cookie_domain and _within(claimed, cookie_domain) else "foreign"
        case "cross-site":
            return "foreign"
        case _:
            pass
    if claimed in ("", "null"):
        return "unknown"
    try:
        netloc = urlsplit(claimed).netloc
    except ValueError:
        return "foreign"
    if netloc and netloc == host.lower():
        return "own"
    return "own" if cookie_domain and _within(claimed, cookie_domain) else "foreign"


def _within(origin: str, domain: str) -> bool:
    try:
        name = urlsplit(origin).hostname or ""
    except ValueError:
        return False
    return name == domain or name.endswith("." + domain)
