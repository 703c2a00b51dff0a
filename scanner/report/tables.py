"""The scan as CSV, one line per cookie and storage key. Pure.

A name from a web page must not become a formula in somebody's spreadsheet: texts that begin like one get a `'`.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence

from policies.observation import Scan, Setter

COLUMNS = (
    "kind", "name", "domain", "path", "state", "first_party", "session", "declared_lifetime", "effective_lifetime",
    "secure", "http_only", "same_site", "partitioned", "vendor", "purpose", "because", "set_by", "blocked_reasons",
    "pages", "example_page",
)  # fmt: skip
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def cookies_csv(scan: Scan) -> str:
    """Cookies and storage keys as CSV text (RFC 4180). Lifetimes are seconds."""
    return write_csv(COLUMNS, _rows(scan))


def write_csv(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(columns)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return out.getvalue()


def _rows(scan: Scan) -> Iterator[Sequence[object]]:
    for cookie in scan.cookies:
        yield (
            "cookie", cookie.name, cookie.domain, cookie.path, cookie.state, cookie.first_party, cookie.session,
            cookie.declared_lifetime, cookie.effective_lifetime, cookie.secure, cookie.http_only, cookie.same_site,
            cookie.partitioned, cookie.vendor, cookie.purpose, cookie.because, _who(cookie.set_by),
            " ".join(cookie.blocked_reasons), len(cookie.pages), next(iter(cookie.pages), ""),
        )  # fmt: skip
    for key in scan.storage:
        yield (
            f"{key.kind} storage", key.key, key.origin, "", "stored", "", "", None, None, "", "", "", "",
            key.vendor, key.purpose, key.because, _who(key.set_by), "", len(key.pages), next(iter(key.pages), ""),
        )  # fmt: skip


def _who(setters: Iterable[Setter]) -> str:
    return " ".join(dict.fromkeys(setter.url for setter in setters))


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = str(value).replace("\x00", "\ufffd")
    return f"'{text}" if text.startswith(_FORMULA) else text
