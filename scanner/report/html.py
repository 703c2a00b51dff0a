"""One self-contained page about a scan: no script, nothing loaded from anywhere. Pure; the template is packaged.

Names and texts in it come from web pages, so everything is escaped, and the page's own policy forbids scripts.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from urllib.parse import urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined

from policies.catalogue import Catalogue
from policies.findings import Finding
from policies.lifetime import in_words, safari_note
from policies.observation import BannerSeen, ObservedCookie, Scan, Technique
from scanner.changes import Changes
from scanner.report.charts import BAR, LABEL, WIDTH, chart
from scanner.report.states import broken_promises, side_by_side
from scanner.report.summary import (
    by_host,
    by_lifetime,
    by_purpose,
    needs_consent,
    sentences,
    state_of,
    third_parties,
    vendor_name,
)

_PICTURES = ((b"\x89PNG", "image/png"), (b"\xff\xd8", "image/jpeg"), (b"RIFF", "image/webp"))


def render_html(
    scan: Scan,
    *,
    generated: datetime,
    catalogue: Catalogue | None = None,
    findings: Sequence[Finding] = (),
    changes: Changes | None = None,
    screenshots: Mapping[str, bytes] | None = None,
    others: Sequence[Scan] = (),
    other_screenshots: Sequence[Mapping[str, bytes]] = (),
) -> str:
    """The report as HTML. `others` are scans of the same site in other consent states, set side by side;
    `screenshots` are pictures by page (`other_screenshots` those of the others, in order); `generated` is the time
    printed at the foot."""
    states = (scan, *others)
    return (
        _environment()
        .get_template("page.html.j2")
        .render(
            scan=scan,
            host=urlsplit(scan.site).hostname,
            state=state_of(scan.consent),
            sentences=sentences(scan, findings, catalogue),
            charts=[
                chart("Cookies by purpose", by_purpose(scan)),
                chart("Cookies by lifetime asked for", by_lifetime(scan)),
                chart("Requests to other sites", by_host(scan)),
            ],
            size={"width": WIDTH, "label": LABEL, "bar": BAR},
            findings=sorted(findings, key=lambda f: (("high", "medium", "low").index(f.severity), f.kind, f.subject)),
            changes=changes,
            cookies=sorted(scan.cookies, key=lambda cookie: (not _tracks(cookie), cookie.state, cookie.name)),
            tracks=_tracks,
            vendor=lambda vendor: vendor_name(vendor, catalogue),
            lifetime=lifetime,
            safari=_safari,
            who=lambda thing: sorted({setter.url for setter in thing.set_by}),
            hosts=_hosts(scan, catalogue),
            techniques=_by_script(scan),
            states=[(state_of(one.consent), one) for one in states],
            matrix=side_by_side(states) if others else (),
            promises=broken_promises(states, catalogue) if others else (),
            banners=[(state_of(one.consent), banner) for one in states for banner in _told_once(one)],
            pictures=[
                (page, state_of(one.consent), _data_url(image))
                for one, shots in zip(states, (screenshots or {}, *other_screenshots), strict=False)
                for page, image in sorted(shots.items())
            ],
            failed=[page for page in scan.pages if page.error],
            generated=generated.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        )
    )


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("scanner.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def lifetime(cookie: ObservedCookie) -> str:
    """What was asked for, and what a browser makes of it where that differs."""
    if cookie.declared_lifetime is None:
        return "session" if cookie.session else "unknown"
    asked, kept = in_words(cookie.declared_lifetime), cookie.effective_lifetime
    return asked if kept is None or kept >= cookie.declared_lifetime else f"{asked} (kept {in_words(kept)})"


def _by_script(scan: Scan) -> list[tuple[Technique, int]]:
    """Each technique of each script once, with the number of pages it was seen on."""
    found: dict[tuple[str, str], list[Technique]] = {}
    for technique in scan.techniques:
        found.setdefault((technique.kind, technique.script), []).append(technique)
    return [(seen[0], len({one.page for one in seen})) for _, seen in sorted(found.items())]


def _told_once(scan: Scan) -> list[BannerSeen]:
    """Each banner once, not once a page; one that was pressed says more than one that was seen."""
    found: dict[tuple[str | None, tuple[str, ...]], BannerSeen] = {}
    for banner in scan.banners:
        found.setdefault((banner.tool, banner.pressed or banner.buttons), banner)
    return list(found.values())


def _tracks(cookie: ObservedCookie) -> bool:
    return needs_consent(cookie.purpose, cookie.vendor)


def _safari(cookie: ObservedCookie) -> str:
    by_script = any(setter.kind == "js" for setter in cookie.set_by)
    return safari_note(cookie.declared_lifetime, script_written=by_script and cookie.first_party) or ""


def _hosts(scan: Scan, catalogue: Catalogue | None) -> list[tuple[str, int, str, str]]:
    labels: dict[str, tuple[str, str]] = {}
    for request in scan.requests:
        labels.setdefault(
            urlsplit(request.url).hostname or "", (vendor_name(request.vendor, catalogue), request.purpose or "")
        )
    found = sorted(third_parties(scan).items(), key=lambda item: (-item[1], item[0]))
    return [(host, number, *labels[host]) for host, number in found]


def _data_url(image: bytes) -> str:
    kind = next((kind for start, kind in _PICTURES if image.startswith(start)), "application/octet-stream")
    return f"data:{kind};base64,{base64.b64encode(image).decode()}"
