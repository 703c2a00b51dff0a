"""ConsentDesk: what the proxy calls to recognise, ask and remember visitors. The one place here that does I/O.

Each answer is decided by the plain functions around it; the desk reads the body, writes the row, then answers. An
accept leaves only after its row is committed; a reject is honoured with the log down, the token expired or the
client over its limit.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Protocol

import structlog
from aiohttp import web

from policies.verdict import Verdict
from proxy.consent import bundle, markup, pages, remembered, token
from proxy.consent.asking import Asking, cookie_header, form_of
from proxy.consent.choice import Choice, ChoiceError, parse, safe_path
from proxy.consent.client import RateLimit, coarse_agent, is_robot, truncated
from proxy.consent.log import Event, LogUnavailable, Row
from proxy.consent.notice import MEDIA_TYPE, Notice, notice_of
from proxy.consent.origin import origin_of
from proxy.consent.outcome import Outcome, refused_by, settle
from proxy.consent.remembered import CONFIRM, DAY, Jar
from proxy.consent.settings import ConsentSettings, ControllerSettings
from proxy.consent.signing import Signer, b64, seal, unseal
from proxy.consent.site_notice import SiteNotice
from proxy.consent.visitor import Connection, Visitor, recognise
from proxy.consent.wording import Texts, choose, load

_log = structlog.get_logger(__name__)

HOME = "/.samtykke/"
_MOST_WAITING = 2000
"""Rows of `shown` that may wait for the log; beyond that they are dropped and counted, never a visitor's page."""


class Log(Protocol):
    """What the desk needs of the consent log."""

    async def append(self, event: Event) -> Row: ...
    async def keep_notice(self, hash: str, content: bytes, media_type: str) -> None: ...  # noqa: A002  the log's word
    async def rows_of(self, subject: str) -> list[Row]: ...
    async def erase(self, subject: str) -> int: ...


class KeyRing(Protocol):
    """What the desk needs of the key file."""

    @property
    def hmac(self) -> Signer: ...


class ConsentDesk:
    """One desk for all sites of a proxy. `clock` yields the UTC time, `randomness` so many random bytes.

    Raises ValueError where a language of the settings has no texts.
    """

    def __init__(
        self,
        settings: ConsentSettings,
        controller: ControllerSettings,
        keys: KeyRing,
        log: Log,
        clock: Callable[[], datetime],
        randomness: Callable[[int], bytes],
    ) -> None:
        self._settings = settings
        self._controller = controller
        self._signer = keys.hmac
        self._log = log
        self._clock = clock
        self._randomness = randomness
        self._texts = load(settings.languages, settings.texts)
        self._lifetime = settings.lifetime_days * DAY
        self._limit = RateLimit(settings.choices_per_minute)
        self._signals = RateLimit(settings.choices_per_minute)
        self._notices: dict[tuple[str, str], tuple[SiteNotice, Notice]] = {}
        self._banners: dict[tuple[str, str, bool, bool], tuple[SiteNotice, markup.Banner]] = {}
        self._kept: set[str] = set()
        self._waiting: set[asyncio.Task[None]] = set()
        self.unrecorded = 0
        """Rows of `shown` and `gpc` that never reached the log since the start."""

    def __repr__(self) -> str:
        return f"<ConsentDesk {', '.join(self._texts)}; {len(self._waiting)} rows waiting, {self.unrecorded} dropped>"

    async def close(self) -> None:
        """Wait for the rows under way. The log itself is the caller's to close, afterwards."""
        while self._waiting:
            await asyncio.gather(*self._waiting)

    # -- recognising -------------------------------------------------------------------------------------------------

    def visitor(
        self,
        cookie_header: bytes | None,
        *,
        gpc: bool,
        site: SiteNotice,
        secure: bool = False,
        address: str | None = None,
        agent: str | None = None,
    ) -> Visitor:
        """Who this is. `secure` when the visitor came by TLS; `address` and `agent` as received, cut here."""
        keep_address, keep_agent = self._settings.record_ip != "none", self._settings.record_agent != "none"
        connection = Connection(
            secure,
            truncated(address) if keep_address else None,
            coarse_agent(agent) if keep_agent else None,
            is_robot(agent),
        )
        return recognise(
            self._signer,
            cookie_header,
            site,
            gpc=gpc,
            now=self._clock().timestamp(),
            lifetime=self._lifetime,
            jar=self._jar(secure),
            connection=connection,
        )

    def language(self, page_language: str | None, accept_language: str | None) -> str:
        """The language a visitor is spoken to in, one of the settings'."""
        return choose(tuple(self._texts), page_language, accept_language)

    def notice(self, site: SiteNotice, language: str) -> Notice:
        """What is shown on this site in this language, remembered until the site's notice changes."""
        known = self._notices.get((site.name, language))
        if known is None or (known[0] is not site and known[0] != site):
            known = site, notice_of(self._texts[language], site, self._name(site))
            self._notices[site.name, language] = known
        return known[1]

    # -- what goes into pages ----------------------------------------------------------------------------------------

    def banner(
        self,
        visitor: Visitor,
        site: SiteNotice,
        *,
        language: str,
        return_path: str,
        nonce: str | None = None,
        shared: bool = False,
    ) -> bytes:
        """Markup for the end of a page's body, and a `shown` row for who is asked. Empty where there is nothing to ask.

        With `shared` the same bytes are for everybody: no token, no row; the script fetches the question.
        """
        if not site.purposes:
            return b""
        texts = self._texts[self.language(language, None)]
        ask = visitor.prompt and not shared
        template = self._banner(site, texts, ask=ask, fetched=shared)
        issued = self._token(site, texts.language, "banner") if ask else None
        if issued is not None:
            self._shown(visitor, site, issued, return_path, texts.language)
        confirmed = visitor.confirmed if not shared else None
        return template.filled(
            token=token.issue(self._signer, issued) if issued else "",
            return_path=return_path,
            nonce=nonce,
            message=texts(f"done.{confirmed}") if confirmed in ("accept", "reject", "save", "withdraw") else "",
        )

    def placeholder(
        self,
        verdict: Verdict,
        kind: str,
        attributes: Mapping[str, str],
        *,
        language: str,
        site: SiteNotice,
        return_path: str = "/",
    ) -> bytes:
        """What stands where a blocked frame was. `kind` is video, map, social, form, audio, chat or anything else."""
        vendor = site.vendor(verdict.vendor) if verdict.vendor else None
        texts = self._texts[self.language(language, None)]
        return markup.placeholder(
            texts,
            vendor,
            verdict.purpose,
            kind,
            attributes,
            token="",
            return_path=return_path,
        )

    async def seen_gpc(self, visitor: Visitor, site: SiteNotice, *, path: str, language: str) -> None:
        """Write the `gpc` row where the signal has just decided; once per session, and never in a page's way."""
        if visitor.gpc_first and not visitor.robot:
            if self._signals.take(visitor.address or "", self._clock().timestamp()):
                purposes, vendors = site.outcome(visitor.consent)
                event = self._event("gpc", visitor, site, path=path, language=language, method="Sec-GPC")
                self._later(replace(event, purposes=purposes, vendors=vendors))
            else:
                self.unrecorded += 1

    # -- answering ---------------------------------------------------------------------------------------------------

    async def handle(
        self, request: web.BaseRequest, site: SiteNotice, visitor: Visitor, *, client: str | None = None
    ) -> web.Response:
        """Answer a request under /.samtykke/. `client` is the visitor's address where the proxy knows better."""
        name = request.path.removeprefix(HOME) if request.path.startswith(HOME) else ""
        asking = Asking(request, site, visitor, self._words(request), client or request.remote or "")
        if name.startswith("assets/"):
            found = bundle.by_path().get(request.path)
            return pages.asset(found) if found and _reads(request) else self._problem(asking, "missing", 404)
        methods, act = {
            "choice": (("POST",), self._choose),
            "erase": (("POST",), self._erase),
            "preferences": (("GET", "HEAD"), self._preferences),
            "cookies": (("GET", "HEAD"), self._cookies),
            "me": (("GET", "HEAD"), self._me),
        }.get(name, ((), None))
        if act is None:
            return self._problem(asking, "missing", 404)
        if request.method not in methods:
            response = self._problem(asking, "method", 405)
            response.headers["Allow"] = ", ".join(methods)
            return response
        try:
            return await act(asking)
        except ChoiceError as error:
            return self._problem(asking, "malformed", 400, reason=str(error))

    async def _choose(self, asking: Asking) -> web.Response:
        choice = parse(await form_of(asking.request), asking.site)
        doubt = self._origin(asking, "choice", choice)
        if doubt is not None:
            return doubt
        now = self._clock()
        within = self._limit.take(asking.client, now.timestamp())
        shown = token.read(self._signer, asking.site.name, choice.notice)
        known = self._shown_here(asking.site, shown)
        reason = refused_by(
            choice, shown, fresh=shown is not None and known is not None and shown.fresh(now.timestamp())
        )
        if reason == "forged":
            raise ChoiceError("notice is not a token of ours")
        if not within and not choice.refuses:
            return self._problem(asking, "many", 429)
        if reason == "expired":
            return self._again(asking, choice)
        outcome = settle(
            choice,
            asking.visitor,
            asking.site,
            now=int(now.timestamp()),
            fresh_subject=b64(self._randomness(16)),
        )
        language = known or asking.texts.language
        event = outcome.event(
            self._event(
                choice.action,
                asking.visitor,
                asking.site,
                path=choice.return_path,
                language=language,
                method="script" if asking.json else "form",
            ),
            shown,
            plain=not asking.json,
        )
        logged = within and await self._recorded(event, asking.site, language, must=not choice.refuses)
        if not logged and not choice.refuses:
            return self._problem(asking, "log_down", 503)
        return self._settled(asking, choice, outcome, logged=logged, within=within)

    def _settled(self, asking: Asking, choice: Choice, outcome: Outcome, *, logged: bool, within: bool) -> web.Response:
        try:
            lines = self._jar(asking.visitor.secure).lines(
                self._signer, asking.site.name, outcome.remembered, self._lifetime
            )
        except ValueError as error:
            raise ChoiceError(str(error)) from error
        cookies = [*lines, *outcome.expiries(asking.request, asking.visitor.secure)]
        if asking.json:
            content = outcome.as_json(asking.texts, logged=logged) | {"return": choice.return_path}
            return pages.answer(content, 200 if within else 429, cookies)
        if not within:
            return self._problem(asking, "many_reject", 429, cookies=cookies)
        return pages.back(choice.return_path, cookies)

    async def _erase(self, asking: Asking) -> web.Response:
        fields = await form_of(asking.request) if asking.request.can_read_body else []
        first = dict(reversed(fields))
        path = safe_path(first.get("return", "/")) or "/"
        choice = Choice("withdraw", return_path=path, confirm=first.get("confirm", ""))
        doubt = self._origin(asking, "erase", choice, strict=True)
        if doubt is not None:
            return doubt
        subject = asking.visitor.subject or first.get("id", "")
        try:
            erased = await self._log.erase(subject) if _is_id(subject) else 0
        except LogUnavailable:
            return self._problem(asking, "log_down", 503)
        if not erased:
            return self._problem(asking, "missing", 404, text="me.none")
        outcome = settle(choice, asking.visitor, asking.site, now=int(self._clock().timestamp()), fresh_subject="")
        lines = self._jar(asking.visitor.secure).lines(
            self._signer, asking.site.name, outcome.remembered, self._lifetime
        )
        cookies = [*lines, *outcome.expiries(asking.request, asking.visitor.secure)]
        if asking.json:
            return pages.answer({"erased": erased, "message": asking.texts("me.erased")}, 200, cookies)
        return pages.back(path, cookies)

    async def _preferences(self, asking: Asking) -> web.Response:
        site, texts, visitor = asking.site, asking.texts, asking.visitor
        part = asking.request.query.get("part", "")
        issued = self._token(site, texts.language, "banner" if part == "banner" else "preferences")
        if asking.request.method == "GET":
            self._shown(visitor, site, issued, asking.return_path, texts.language)
        sealed = token.issue(self._signer, issued)
        if part == "banner":
            question = markup.question(texts, site, self._name(site)).filled(
                token=sealed, return_path=asking.return_path
            )
            return pages.page(question.decode() if visitor.prompt else "")
        if part == "settings":
            return pages.page(markup.dialog(texts, site, visitor.consent, token=sealed, return_path=asking.return_path))
        notes = [texts("done.gpc")] if visitor.gpc and not any(site.outcome(visitor.consent)[0].values()) else []
        return self._settings_page(asking, sealed, notes, visitor)

    def _settings_page(
        self, asking: Asking, sealed: str, notes: list[str], visitor: Visitor, status: int = 200, title: str = ""
    ) -> web.Response:
        site, texts = asking.site, asking.texts
        values = markup.settings_values(
            texts, site, visitor.consent, token=sealed, return_path=asking.return_path, level=1
        )
        purposes, vendors = site.outcome(visitor.consent)
        return self._page(
            asking,
            "preferences.html",
            title or texts("settings.title"),
            values | {"paragraphs": notes, "consents": any(purposes.values()) or any(vendors.values())},
            status=status,
        )

    async def _cookies(self, asking: Asking) -> web.Response:
        site, texts = asking.site, asking.texts
        groups = markup.groups(site, asking.visitor.consent)
        ours = markup.own_vendor(texts, self._name(site), self._lifetime)
        first = groups[0]
        necessary = markup.Group(first.purpose, (*first.vendors, ours), asked=False, granted=True)
        values = {"groups": [necessary, *groups[1:]], "site": site, "choosing": False, "answers": {}}
        return self._page(asking, "cookies.html", texts("cookies.title"), values)

    async def _me(self, asking: Asking) -> web.Response:
        texts, query = asking.texts, asking.request.query
        subject = asking.visitor.subject or query.get("id", "")
        try:
            rows = await self._log.rows_of(subject) if _is_id(subject) else []
        except LogUnavailable:
            return self._problem(asking, "log_down", 503)
        if not rows:
            return self._problem(asking, "missing", 404, text="me.none")
        if asking.json or query.get("format") == "json":
            return pages.answer({"subject": subject, "rows": [row.as_dict() for row in rows]})
        told = [
            {
                "time": row.time,
                "event": texts(f"event.{row.event}") if f"event.{row.event}" in texts.words else row.event,
                "results": [
                    (texts(f"purpose.{name}.title"), granted)
                    for name, granted in row.purposes.items()
                    if f"purpose.{name}.title" in texts.words
                ],
            }
            for row in rows
        ]
        return self._page(asking, "me.html", texts("me.title"), {"subject": subject, "rows": told})

    # -- parts of answers --------------------------------------------------------------------------------------------

    def _origin(self, asking: Asking, name: str, choice: Choice, *, strict: bool = False) -> web.Response | None:
        """None where the request is the visitor's own; else 403, or the page that asks him to confirm."""
        request, domain = asking.request, self._settings.cookie_domain
        came_from = origin_of(request.headers, request.headers.get("Host", ""), domain)
        if came_from == "own" or (came_from == "unknown" and choice.refuses and not strict):
            return None
        use = f"confirm/{asking.site.name}"
        if came_from == "unknown":
            nonce = unseal(self._signer, use, choice.confirm)
            mine = remembered.values_of(cookie_header(request), CONFIRM)
            if nonce is not None and nonce in mine:
                return None
            if not asking.json:
                return self._confirm(asking, name, choice, use)
        return self._problem(asking, "foreign", 403)

    def _confirm(self, asking: Asking, name: str, choice: Choice, use: str) -> web.Response:
        nonce = b64(self._randomness(12))
        fields = [
            ("action", choice.action),
            ("notice", choice.notice),
            ("return", choice.return_path),
            ("confirm", seal(self._signer, use, nonce)),
            *(("purpose", purpose.value) for purpose in sorted(choice.purposes)),
            *(("vendor", vendor if allowed else f"-{vendor}") for vendor, allowed in choice.vendors),
            *((flag, "1") for flag, on in (("keep", choice.keep), ("receipt", choice.receipt)) if on),
        ]
        cookie = self._jar(asking.visitor.secure).line(CONFIRM, nonce, 600, path=HOME)
        values = {"fields": fields, "action": HOME + name}
        return self._page(asking, "confirm.html", asking.texts("confirm.title"), values, cookies=(cookie,))

    def _again(self, asking: Asking, choice: Choice) -> web.Response:
        """409: nothing is changed, the form is shown again with a fresh token and what the visitor had ticked."""
        site, texts = asking.site, asking.texts
        issued = self._token(site, texts.language, "preferences")
        self._shown(asking.visitor, site, issued, choice.return_path, texts.language)
        sealed = token.issue(self._signer, issued)
        if asking.json:
            return pages.answer({"error": texts("confirm.again_text"), "notice": sealed}, 409)
        wished = settle(choice, asking.visitor, site, now=0, fresh_subject="").remembered.consent
        before = asking.visitor if choice.action == "accept" else replace(asking.visitor, consent=wished)
        again = Asking(asking.request, site, before, texts, asking.client, choice.return_path)
        return self._settings_page(
            again, sealed, [texts("confirm.again_text")], before, 409, texts("confirm.again_title")
        )

    def _problem(
        self,
        asking: Asking,
        key: str,
        status: int,
        *,
        reason: str = "",
        text: str = "",
        cookies: list[str] | None = None,
    ) -> web.Response:
        words = asking.texts(text or f"error.{key}", {"reason": reason})
        if asking.json:
            return pages.answer({"error": words}, status, cookies or ())
        title = asking.texts("me.title" if text == "me.none" else "error.title")
        return self._page(asking, "page.html", title, {"paragraphs": [words]}, status=status, cookies=cookies or ())

    def _page(
        self,
        asking: Asking,
        template: str,
        title: str,
        values: Mapping[str, object],
        *,
        status: int = 200,
        cookies: tuple[str, ...] | list[str] = (),
    ) -> web.Response:
        controller = self._controller
        named = ", ".join(part for part in (controller.name, controller.org_number, controller.contact) if part)
        common = {
            "t": asking.texts,
            "title": title,
            "controller": self._name(asking.site),
            "contact_line": asking.texts("cookies.controller", {"controller": named}) if named else "",
            "css": bundle.banner_css().path,
            "page_css": bundle.page_css().path,
            "return_path": asking.return_path,
            "return_url": markup.quoted(asking.return_path),
        }
        return pages.page(markup.render(template, common | dict(values)), status, cookies)

    # -- rows --------------------------------------------------------------------------------------------------------

    def _event(self, event: str, visitor: Visitor, site: SiteNotice, *, path: str, language: str, method: str) -> Event:
        return Event(
            event,
            self._clock(),
            site.name,
            path=path.partition("?")[0],
            subject=visitor.subject,
            language=language,
            method=method,
            policy=site.policy or None,
            ip=visitor.address,
            agent=visitor.agent,
        )

    def _shown(self, visitor: Visitor, site: SiteNotice, issued: token.NoticeToken, path: str, language: str) -> None:
        """The `shown` row, linked to a later choice by the nonce and to no visitor by an id."""
        if visitor.robot:
            return
        event = self._event("shown", visitor, site, path=path, language=language, method="page")
        self._later(
            replace(event, subject=None, surface=issued.surface, notice=issued.notice, nonce=issued.nonce),
            site,
        )
        if visitor.lapsed:
            ended = self._event(visitor.lapsed, visitor, site, path=path, language=language, method="page")
            purposes, vendors = site.outcome(visitor.consent)
            self._later(replace(ended, purposes=purposes, vendors=vendors))

    def _later(self, event: Event, site: SiteNotice | None = None) -> None:
        if len(self._waiting) >= _MOST_WAITING:
            self.unrecorded += 1
            return
        task = asyncio.get_running_loop().create_task(self._quietly(event, site))
        self._waiting.add(task)
        task.add_done_callback(self._waiting.discard)

    async def _quietly(self, event: Event, site: SiteNotice | None) -> None:
        if not await self._recorded(event, site, event.language, must=False):
            self.unrecorded += 1

    async def _recorded(self, event: Event, site: SiteNotice | None, language: str, *, must: bool) -> bool:
        """Keep the notice, append the row. False where the log is down; `must` says whether that changes the answer."""
        try:
            if site is not None and event.notice is not None:
                notice = self.notice(site, language)
                if notice.hash == event.notice and notice.hash not in self._kept:
                    await self._log.keep_notice(notice.hash, notice.content, MEDIA_TYPE)
                    self._kept.add(notice.hash)
            await self._log.append(event)
        except LogUnavailable as error:
            _log.error("row not written", event_kind=event.event, refused=must, because=str(error))
            return False
        return True

    # -- small things ------------------------------------------------------------------------------------------------

    def _banner(self, site: SiteNotice, texts: Texts, *, ask: bool, fetched: bool) -> markup.Banner:
        key = site.name, texts.language, ask, fetched
        known = self._banners.get(key)
        if known is None or (known[0] is not site and known[0] != site):
            known = site, markup.banner(texts, site, self._name(site), ask=ask, fetched=fetched)
            self._banners[key] = known
        return known[1]

    def _token(self, site: SiteNotice, language: str, surface: token.Surface) -> token.NoticeToken:
        shown = self.notice(site, language).hash
        return token.NoticeToken(site.name, shown, b64(self._randomness(12)), int(self._clock().timestamp()), surface)

    def _shown_here(self, site: SiteNotice, shown: token.NoticeToken | None) -> str | None:
        """The language of the notice a token names, None where that notice is not in force any more."""
        if shown is None:
            return None
        return next((name for name in self._texts if self.notice(site, name).hash == shown.notice), None)

    def _jar(self, secure: bool) -> Jar:
        return Jar(secure, self._settings.cookie_domain)

    def _name(self, site: SiteNotice) -> str:
        return self._controller.name or site.name

    def _words(self, request: web.BaseRequest) -> Texts:
        wished = request.query.get("lang", "")[:20]
        return self._texts[self.language(wished, request.headers.get("Accept-Language"))]


def _reads(request: web.BaseRequest) -> bool:
    return request.method in ("GET", "HEAD")


def _is_id(subject: str) -> bool:
    return 16 <= len(subject) <= 64 and subject.isascii() and subject.replace("-", "").replace("_", "").isalnum()
