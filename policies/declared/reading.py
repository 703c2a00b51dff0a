"""A document to everything it declares: the one place where the rooms meet. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from policies.catalogue import Catalogue
from policies.declared.checklist import checklist_of
from policies.declared.claims import claims_made
from policies.declared.device_storage import read_device_storage
from policies.declared.languages import language_of
from policies.declared.model import Declared, DeclaredCookie
from policies.declared.prose import cookies_in_prose
from policies.declared.site import site_of
from policies.declared.sources import read_document
from policies.declared.tables import cookies_in_tables
from policies.declared.vendors import vendors_named

MOST_COOKIES = 5_000


def read_policy(data: bytes | str, *, content_type: str = "", catalogue: Catalogue) -> Declared:
    """Read a policy: HTML, Markdown, a page template, plain text, text taken from a PDF, or a disclosure as JSON.

    `content_type` is what the server or the file's name says ("text/html; charset=utf-8"); the text decides where it
    says nothing. Lifetimes come in seconds. Any bytes give a `Declared`, if an empty one; nothing raises.
    """
    if disclosed := read_device_storage(data, content_type):
        return disclosed
    document = read_document(data, content_type)
    site = site_of(document)
    cookies = _merged(
        [*cookies_in_tables(document, catalogue, site), *cookies_in_prose(document, catalogue, site)][:MOST_COOKIES]
    )
    return Declared(
        language=language_of(document.text, document.lang),
        cookies=cookies,
        vendors=vendors_named(document, catalogue, site, cookies),
        claims=claims_made(document),
        checklist=checklist_of(document, cookies),
    )


def _merged(found: Iterable[DeclaredCookie]) -> tuple[DeclaredCookie, ...]:
    """One entry for each name; several only where they contradict each other about the lifetime."""
    kept: dict[str, list[DeclaredCookie]] = {}
    for cookie in found:
        same = kept.setdefault(cookie.name, [])
        for number, other in enumerate(same):
            if _silent(cookie) or _silent(other) or _life(cookie) == _life(other):
                same[number] = _joined(other, cookie)
                break
        else:
            same.append(cookie)
    return tuple(sorted((cookie for same in kept.values() for cookie in same), key=lambda cookie: cookie.position))


def _life(cookie: DeclaredCookie) -> tuple[int | None, bool]:
    return cookie.lifetime, cookie.session


def _silent(cookie: DeclaredCookie) -> bool:
    return cookie.lifetime is None and not cookie.session


def _joined(first: DeclaredCookie, second: DeclaredCookie) -> DeclaredCookie:
    facts: dict[str, object] = {}
    if _silent(first) and (not _silent(second) or (first.lifetime_text is None and second.lifetime_text)):
        facts = {"lifetime": second.lifetime, "session": second.session, "lifetime_text": second.lifetime_text}
        facts |= {"quote": second.quote, "position": second.position}
    for key in ("vendor", "purpose"):
        if getattr(first, key) is None and getattr(second, key) is not None:
            facts[key] = getattr(second, key)
    if first.kind == "cookie" and second.kind != "cookie":
        facts["kind"] = second.kind
    return first.model_copy(update=facts)
