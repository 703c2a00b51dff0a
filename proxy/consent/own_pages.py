"""What a visitor can read: settings, declaration, his own record. Changes nothing but a `shown` row."""

from __future__ import annotations

import re

from aiohttp import web

from policies.purpose import CONSENTABLE, Consent, Purpose
from proxy.consent import markup, pages
from proxy.consent.asking import Asking
from proxy.consent.choice import ChoiceError
from proxy.consent.log import LogUnavailable, Row
from proxy.consent.log.receipt import Controller, Terms, iso27560, kantara
from proxy.consent.office import Office

HOME = "/.samtykke/"
RECEIPTS = {"iso27560": iso27560, "kantara": kantara}
STANDARDS = {"iso27560": "ISO/IEC TS 27560", "kantara": "Kantara 1.1"}
FILES = {
    "iso27560": ("consent-receipt.jsonld", "application/ld+json"),
    "kantara": ("consent-receipt-kantara.json", "application/json"),
}
"""Name and media type of each receipt's file."""
FORMATS = ("json", *RECEIPTS)
_HOST = re.compile(r"[a-z0-9.-]{1,253}(:\d{1,5})?|\[[0-9a-f:.]{2,45}\]", re.ASCII)


async def preferences(office: Office, asking: Asking) -> web.Response:
    """GET /.samtykke/preferences: the page, or with `part` what scripts fetch."""
    texts, visitor = asking.texts, asking.visitor
    part = asking.request.query.get("part", "")
    if part == "placeholder":
        return placeholder(asking)
    if part == "answers":
        granted = [purpose.value for purpose in CONSENTABLE if purpose in visitor.consent.purposes]
        return pages.answer({"purposes": granted, "vendors": dict(visitor.consent.vendors)})
    if part == "banner" and not visitor.prompt:
        return pages.page("")
    record = asking.request.method == "GET"
    sealed = office.sealed(asking, "banner" if part == "banner" else "preferences", record=record)
    if part == "banner":
        question = office.board.question(asking.site, texts)
        return pages.page(question.filled(token=sealed, return_path=asking.return_path).decode())
    if part == "settings":
        dialog = markup.dialog(texts, asking.site, visitor.consent, token=sealed, return_path=asking.return_path)
        return pages.page(dialog)
    notes = [texts("done.gpc")] if visitor.gpc and not _grants(asking, visitor.consent) else []
    return settings_form(office, asking, sealed, visitor.consent, notes=notes)


def placeholder(asking: Asking) -> web.Response:
    """What stands where the guard holds a frame that a script made: the same as in a page that comes through us.

    Says nothing of any visitor. Query: `kind`, `purpose`, `vendor` and `host` of the frame, each may be empty.
    """
    query = asking.request.query
    purpose = query.get("purpose", "")
    host = query.get("host", "")
    html = markup.placeholder(
        asking.texts,
        asking.site.vendor(query.get("vendor", "")),
        Purpose(purpose) if purpose in CONSENTABLE else None,
        query.get("kind", ""),
        {"src": f"https://{host}/"} if _HOST.fullmatch(host) else {},
        token="",
        return_path="/",
    )
    response = pages.page(html.decode())
    response.headers["Cache-Control"] = "private, max-age=3600"
    return response


def settings_form(
    office: Office,
    asking: Asking,
    sealed: str,
    ticked: Consent,
    *,
    notes: list[str],
    status: int = 200,
    title: str = "settings.title",
) -> web.Response:
    """The settings as a page of their own, with what `ticked` grants ticked."""
    values = markup.settings_values(
        asking.texts, asking.site, ticked, token=sealed, return_path=asking.return_path, level=1
    )
    values |= {"paragraphs": notes, "consents": _grants(asking, asking.visitor.consent)}
    return office.page(asking, "preferences.html", asking.texts(title), values, status=status)


def _grants(asking: Asking, consent: Consent) -> bool:
    purposes, vendors = asking.site.outcome(consent)
    return any(purposes.values()) or any(vendors.values())


async def declaration(office: Office, asking: Asking) -> web.Response:
    """GET /.samtykke/cookies: every cookie with its recipient and lifetime, ours included."""
    site, texts = asking.site, asking.texts
    first, *rest = markup.groups(site, asking.visitor.consent)
    ours = markup.own_vendor(texts, office.board.name(site), office.lifetime)
    necessary = markup.Group(first.purpose, (*first.vendors, ours), asked=False, granted=True)
    host = asking.request.host.rpartition("@")[2].partition(":")[0] or office.board.name(site)
    values = {"groups": [necessary, *rest], "host": host, "choosing": False, "answers": {}}
    return office.page(asking, "cookies.html", texts("cookies.title"), values)


async def own_record(office: Office, asking: Asking) -> web.Response:
    """GET /.samtykke/me: the rows of who asks, by the reference he names or his cookie's; 404 when there are none.

    `format` is json (all rows), iso27560 or kantara (a receipt of the newest choice, to download).
    """
    texts, query = asking.texts, asking.request.query
    subject = query.get("id", "").strip() or asking.visitor.subject or ""
    form = query.get("format", "")
    if form and form not in FORMATS:
        raise ChoiceError(f"format must be one of {', '.join(FORMATS)}")
    try:
        rows = await office.log.rows_of(subject) if is_reference(subject) else []
    except LogUnavailable:
        return office.problem(asking, "error.log_down", 503)
    rows = [row for row in rows if row.site == asking.site.name]
    if not rows:
        return _no_record(office, asking)
    if form in RECEIPTS:
        return _receipt(office, asking, form, rows)
    if asking.json or form == "json":
        return pages.answer({"subject": subject, "rows": [row.as_dict() for row in rows]})
    told = [
        {
            "time": row.time,
            "event": texts.words.get(f"event.{row.event}", row.event),
            "results": [
                (texts.words[f"purpose.{name}.title"], granted)
                for name in Purpose
                if (granted := row.purposes.get(name)) is not None
            ],
        }
        for row in rows
    ]
    values = {"subject": subject, "rows": told, "standards": STANDARDS}
    return office.page(asking, "me.html", texts("me.title"), values)


def _no_record(office: Office, asking: Asking) -> web.Response:
    if asking.json:
        return office.problem(asking, "me.none", 404)
    return office.page(asking, "no_record.html", asking.texts("me.title"), {}, status=404)


def _receipt(office: Office, asking: Asking, form: str, rows: list[Row]) -> web.Response:
    """The newest choice as a receipt. Erased or merely shown rows hold none: 404."""
    site, texts, told = asking.site, asking.texts, office.board.controller
    declaration = f"{'https' if asking.visitor.secure else 'http'}://{asking.request.host}{HOME}cookies"
    controller = Controller(office.board.name(site), told.org_number, told.contact, declaration)
    terms = Terms(
        office.lifetime,
        purposes={purpose.value: texts(f"purpose.{purpose}.title") for purpose in site.purposes},
        vendors={vendor.id: vendor.name for vendor in site.vendors if vendor.id},
        vendor_purposes={vendor.id: vendor.purpose.value for vendor in site.vendors if vendor.id},
    )
    try:
        receipt = RECEIPTS[form](rows, controller, terms)
    except ValueError:
        return _no_record(office, asking)
    return pages.download(receipt, *FILES[form])


def is_reference(subject: str) -> bool:
    """Does it look like an id that we gave? Keeps nonsense from the database."""
    return 16 <= len(subject) <= 64 and subject.isascii() and subject.replace("-", "").replace("_", "").isalnum()
