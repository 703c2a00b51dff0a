"""Where a visitor's answer is taken: choices and erasure. The row is committed first, then the answer leaves.

Order: fields parsed, same-site check, rate limit, token, consent settled, cookie written, row committed, answered.
"""

from __future__ import annotations

from dataclasses import replace

from aiohttp import web

from proxy.consent import pages, remembered, token
from proxy.consent.asking import Asking, cookie_header, form_of
from proxy.consent.choice import Choice, ChoiceError, parse, safe_path
from proxy.consent.client import RateLimit
from proxy.consent.log import LogUnavailable
from proxy.consent.office import Office
from proxy.consent.origin import origin_of
from proxy.consent.outcome import Outcome, refused_by, settle
from proxy.consent.own_pages import HOME, is_reference, settings_form
from proxy.consent.remembered import CONFIRM
from proxy.consent.signing import b64, seal, unseal


async def choose(office: Office, asking: Asking, limit: RateLimit) -> web.Response:
    """POST /.samtykke/choice, as the contract has it. Raises ChoiceError (400) for a form that makes no sense."""
    choice = parse(await form_of(asking.request), asking.site)
    shown = token.read(office.signer, asking.site.name, choice.notice)
    language = office.board.language_of(asking.site, shown)
    texts = asking.texts if language is None else office.board.words(language)
    asking = replace(asking, came_from=choice.return_path, texts=texts)
    doubt = _origin_doubted(office, asking, "choice", choice)
    if doubt is not None:
        return doubt
    within = limit.take(asking.client, office.clock().timestamp())
    if not within and not choice.refuses:
        return office.problem(asking, "error.many", 429)
    fresh = shown is not None and language is not None and shown.fresh(office.now())
    match refused_by(choice, shown, fresh=fresh):
        case "forged":
            raise ChoiceError("notice is not a token of ours")
        case "expired":
            return _again(office, asking, choice)
        case None:
            pass
    if _too_young_to_tell(office, choice):
        return _ask_age(office, asking, choice)
    subject = b64(office.randomness(16))
    outcome = settle(choice, asking.visitor, asking.site, now=office.now(), fresh_subject=subject)
    cookies = _cookies(office, asking, outcome)
    logged = within and await _recorded(office, asking, outcome, shown)
    if not logged and not choice.refuses:
        return office.problem(asking, "error.log_down", 503)
    if asking.json:
        content = outcome.as_json(asking.texts, logged=logged) | {"return": choice.return_path}
        return pages.answer(content, 200 if within else 429, cookies)
    if not within:
        return office.problem(asking, "error.many_reject", 429, cookies=cookies)
    return pages.back(choice.return_path, cookies)


async def erase(office: Office, asking: Asking) -> web.Response:
    """POST /.samtykke/erase: withdraws, and removes what ties the record to the visitor. 404 where there is none."""
    fields = dict(reversed(await form_of(asking.request))) if asking.request.body_exists else {}
    path = safe_path(fields.get("return", "/")) or "/"
    withdrawal = Choice("withdraw", return_path=path, confirm=fields.get("confirm", ""))
    doubt = _origin_doubted(office, asking, "erase", withdrawal, strict=True)
    if doubt is not None:
        return doubt
    subject = fields.get("id", "").strip() or asking.visitor.subject or ""
    try:
        erased = await office.log.erase(subject) if is_reference(subject) else 0
    except LogUnavailable:
        return office.problem(asking, "error.log_down", 503)
    if not erased:
        return office.problem(asking, "me.none", 404, title="me.title")
    outcome = settle(withdrawal, asking.visitor, asking.site, now=office.now(), fresh_subject="")
    cookies = _cookies(office, asking, outcome) if asking.visitor.subject in (None, subject) else ()
    if asking.json:
        return pages.answer({"erased": erased, "message": asking.texts("me.erased")}, 200, cookies)
    return pages.back(path, cookies)


def _cookies(office: Office, asking: Asking, outcome: Outcome) -> list[str]:
    try:
        lines = office.remember(asking, outcome.remembered)
    except ValueError as error:
        raise ChoiceError(str(error)) from error
    left = office.board.leftovers(asking.site)
    return [*lines, *outcome.expiries(asking.request, left, secure=asking.visitor.secure)]


async def _recorded(office: Office, asking: Asking, outcome: Outcome, shown: token.NoticeToken | None) -> bool:
    event = office.rows.event(
        outcome.choice.action,
        asking.visitor,
        asking.site,
        path=outcome.choice.return_path,
        language=asking.texts.language,
        method="script" if asking.json else "form",
        decided=outcome.decided(shown, plain=not asking.json),
    )
    return await office.rows.chosen(event, asking.site)


def _too_young_to_tell(office: Office, choice: Choice) -> bool:
    """Would something be granted by somebody who has not said that he is old enough (GDPR 8)?"""
    grants = choice.action == "accept" or choice.purposes or any(allowed for _, allowed in choice.vendors)
    return bool(office.minimum_age and grants and not choice.refuses and choice.of_age != office.minimum_age)


def _ask_age(office: Office, asking: Asking, choice: Choice) -> web.Response:
    """409: one question more before a yes, with a no beside it that weighs the same. Nothing is changed yet."""
    age = {"age": office.minimum_age}
    if asking.json:
        return pages.answer({"error": asking.texts("age.text", age), "of_age": office.minimum_age}, 409)
    values = {
        "age": office.minimum_age,
        "fields": [*_fields(choice), ("of_age", str(office.minimum_age))],
        "action": f"{HOME}choice",
    }
    return office.page(asking, "age.html", asking.texts("age.title"), values, status=409)


def _fields(choice: Choice) -> list[tuple[str, str]]:
    """A choice as the fields that would make it again."""
    return [
        ("action", choice.action),
        ("notice", choice.notice),
        ("return", choice.return_path),
        *(("purpose", purpose.value) for purpose in sorted(choice.purposes)),
        *(("vendor", vendor if allowed else f"-{vendor}") for vendor, allowed in choice.vendors),
        *((flag, "1") for flag, on in (("keep", choice.keep), ("receipt", choice.receipt)) if on),
    ]


def _again(office: Office, asking: Asking, choice: Choice) -> web.Response:
    """409: nothing is changed, the form is shown again with a fresh token and what the visitor had ticked himself."""
    sealed = office.sealed(asking, "preferences")
    if asking.json:
        return pages.answer({"error": asking.texts("confirm.again_text"), "notice": sealed}, 409)
    ticked = asking.visitor.consent
    if choice.action == "save":
        ticked = settle(choice, asking.visitor, asking.site, now=0, fresh_subject="").remembered.consent
    notes = [asking.texts("confirm.again_text")]
    return settings_form(office, asking, sealed, ticked, notes=notes, status=409, title="confirm.again_title")


def _origin_doubted(
    office: Office, asking: Asking, name: str, choice: Choice, *, strict: bool = False
) -> web.Response | None:
    """None where the request is the visitor's own; else 403, or a page that asks him to confirm.

    A refusal of unknown origin is believed unless `strict`: it can take nothing from the visitor but tracking.
    """
    request = asking.request
    came_from = origin_of(request.headers, request.headers.get("Host", ""), office.cookie_domain)
    if came_from == "own" or (came_from == "unknown" and choice.refuses and not strict):
        return None
    use = f"confirm/{asking.site.name}"
    if came_from == "unknown":
        nonce = unseal(office.signer, use, choice.confirm)
        if nonce is not None and nonce in remembered.values_of(cookie_header(request), CONFIRM):
            return None
        if not asking.json:
            return _confirm(office, asking, name, choice, use)
    return office.problem(asking, "error.foreign", 403)


def _confirm(office: Office, asking: Asking, name: str, choice: Choice, use: str) -> web.Response:
    """The same choice once more, tied to this browser by a short-lived cookie that no other site can set or send."""
    nonce = b64(office.randomness(12))
    said = (("of_age", str(choice.of_age)),) if choice.of_age else ()
    fields = [*_fields(choice), ("confirm", seal(office.signer, use, nonce)), *said]
    cookie = office.jar(asking.visitor.secure).line(CONFIRM, nonce, 600, path=HOME)
    values = {"fields": fields, "action": HOME + name}
    return office.page(asking, "confirm.html", asking.texts("confirm.title"), values, cookies=(cookie,))
