"""What a visitor can read: settings, declaration, his own record. Changes nothing but a `shown` row."""

from __future__ import annotations

from aiohttp import web

from policies.purpose import Consent
from proxy.consent import markup, pages
from proxy.consent.asking import Asking
from proxy.consent.log import LogUnavailable
from proxy.consent.office import Office


async def preferences(office: Office, asking: Asking) -> web.Response:
    """GET /.samtykke/preferences: the page, or with `part` what the script fetches (settings, banner)."""
    texts, visitor = asking.texts, asking.visitor
    part = asking.request.query.get("part", "")
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
    values = {"groups": [necessary, *rest], "site": site, "choosing": False, "answers": {}}
    return office.page(asking, "cookies.html", texts("cookies.title"), values)


async def own_record(office: Office, asking: Asking) -> web.Response:
    """GET /.samtykke/me: the rows of who asks, by cookie or by the reference he was shown; 404 when there are none."""
    texts, query = asking.texts, asking.request.query
    subject = asking.visitor.subject or query.get("id", "")
    try:
        rows = await office.log.rows_of(subject) if is_reference(subject) else []
    except LogUnavailable:
        return office.problem(asking, "error.log_down", 503)
    if not rows:
        return office.problem(asking, "me.none", 404, title="me.title")
    if asking.json or query.get("format") == "json":
        return pages.answer({"subject": subject, "rows": [row.as_dict() for row in rows]})
    told = [
        {
            "time": row.time,
            "event": texts.words.get(f"event.{row.event}", row.event),
            "results": [
                (texts.words[f"purpose.{name}.title"], granted)
                for name, granted in row.purposes.items()
                if f"purpose.{name}.title" in texts.words
            ],
        }
        for row in rows
    ]
    return office.page(asking, "me.html", texts("me.title"), {"subject": subject, "rows": told})


def is_reference(subject: str) -> bool:
    """Does it look like an id that we gave? Keeps nonsense from the database."""
    return 16 <= len(subject) <= 64 and subject.isascii() and subject.replace("-", "").replace("_", "").isalnum()
