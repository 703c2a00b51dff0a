"""ConsentDesk: what the proxy calls to recognise, ask and remember visitors.

An accept leaves only after its row is committed; a reject is honoured with the log down, the token expired or the
client over its limit. What the desk does not answer itself it hands to the counter (choices) and the own pages.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Protocol

from aiohttp import web

from policies.verdict import Verdict
from proxy.consent import bundle, counter, markup, own_pages, pages, takeover, token
from proxy.consent.asking import Asking
from proxy.consent.choice import ChoiceError
from proxy.consent.client import RateLimit, coarse_agent, is_robot, truncated
from proxy.consent.notice import Notice
from proxy.consent.noticeboard import NoticeBoard
from proxy.consent.office import Office
from proxy.consent.remembered import DAY
from proxy.consent.rows import Log, Rows
from proxy.consent.settings import ConsentSettings, ControllerSettings
from proxy.consent.signing import Signer
from proxy.consent.site_notice import SiteNotice
from proxy.consent.visitor import Connection, Visitor, recognise
from proxy.consent.wording import load

HOME = own_pages.HOME
_READ = ("GET", "HEAD")


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
        self._board = NoticeBoard(load(settings.languages, settings.texts), controller)
        self._rows = Rows(log, self._board, clock)
        self._limit = RateLimit(settings.choices_per_minute)
        self._signals = RateLimit(settings.choices_per_minute)
        lifetime = settings.lifetime_days * DAY
        self._office = Office(
            keys.hmac,
            self._board,
            self._rows,
            log,
            clock,
            randomness,
            lifetime,
            settings.cookie_domain,
            settings.minimum_age,
        )

    def __repr__(self) -> str:
        return f"<ConsentDesk {self._board!r}, {self._rows!r}>"

    @property
    def dropped(self) -> int:
        """Rows of `shown` and `gpc` that never reached the log since the start: for health and metrics."""
        return self._rows.dropped

    def written(self) -> Counter[tuple[str, str]]:
        """Rows written since this was last asked, by site and event: for metrics."""
        told, self._rows.written = self._rows.written, Counter()
        return told

    async def close(self) -> None:
        """Wait for the rows under way. The log itself is the caller's to close, afterwards."""
        await self._rows.close()

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
        connection = Connection(
            secure,
            truncated(address) if self._settings.record_ip != "none" else None,
            coarse_agent(agent) if self._settings.record_agent != "none" else None,
            is_robot(agent),
        )
        return recognise(
            self._office.signer,
            cookie_header,
            site,
            gpc=gpc,
            now=self._office.clock().timestamp(),
            lifetime=self._office.lifetime,
            jar=self._office.jar(secure),
            connection=connection,
        )

    async def taken_over(
        self, visitor: Visitor, site: SiteNotice, cookie_header: bytes | None, *, path: str, accept_language: str | None
    ) -> Visitor:
        """Who this is, with what he decided in another tool; to be asked once for each page, before it is rendered.

        Waits for the log only where `import_from` names a tool whose cookie is there and nothing of ours is.
        """
        tools = self._settings.import_from
        if not tools or not takeover.concerns(visitor, cookie_header):
            return visitor
        language = self.language(None, accept_language)
        return await takeover.taken_over(
            self._office, visitor, site, cookie_header, tools, path=path, language=language
        )

    def language(self, page_language: str | None, accept_language: str | None) -> str:
        """The language a visitor is spoken to in, one of the settings'."""
        return self._board.language(page_language, accept_language)

    def notice(self, site: SiteNotice, language: str) -> Notice:
        """Exactly what is shown on this site in one of the settings' languages."""
        return self._board.notice(self._board.told(site), language)

    def stylesheet(self, site: SiteNotice, *, nonce: str | None = None) -> bytes:
        """The link for the beginning of `head`: of two cascade layers the one named first has the last important word,
        so a site's own layers cannot bend the banner either. Empty where there is nothing to ask.
        """
        return markup.stylesheet(nonce) if site.purposes else b""

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
        site = self._board.told(site)
        texts = self._board.words(language)
        ask = visitor.prompt and not shared
        sealed, message = "", ""
        if ask:
            issued = self._office.token(site, texts.language, "banner")
            self._rows.shown(visitor, site, issued, path=return_path, language=texts.language)
            sealed = token.issue(self._office.signer, issued)
        elif not shared and f"done.{visitor.confirmed}" in texts.words:
            message = texts(f"done.{visitor.confirmed}")
        template = self._board.banner(site, texts, ask=ask, fetched=shared)
        return template.filled(token=sealed, return_path=return_path, nonce=nonce, message=message)

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
        texts = self._board.words(language)
        return markup.placeholder(texts, vendor, verdict.purpose, kind, attributes, token="", return_path=return_path)

    async def seen_gpc(self, visitor: Visitor, site: SiteNotice, *, path: str, language: str) -> None:
        """Write the `gpc` row where the signal has just decided: once per session, and never in a page's way."""
        if not visitor.gpc_first or visitor.robot:
            return
        if self._signals.take(visitor.address or "", self._office.clock().timestamp()):
            spoken = self._board.language(language, None)
            event = self._rows.event("gpc", visitor, site, path=path, language=spoken, method="Sec-GPC")
            self._rows.later(event, site)

    async def handle(
        self, request: web.BaseRequest, site: SiteNotice, visitor: Visitor, *, client: str | None = None
    ) -> web.Response:
        """Answer a request under /.samtykke/. `client` is the visitor's address where the proxy knows better."""
        wished = request.query.get("lang", "")[:20]
        texts = self._board.words(self._board.language(wished, request.headers.get("Accept-Language")))
        asking = Asking(request, self._board.told(site), visitor, texts, client or request.remote or "")
        name = request.path.removeprefix(HOME)
        if name.startswith("assets/") and request.method in _READ:
            found = bundle.by_path().get(request.path)
            return pages.asset(found) if found else self._office.problem(asking, "error.missing", 404)
        doors: dict[str, tuple[tuple[str, ...], Callable[[], Awaitable[web.Response]]]] = {
            "choice": (("POST",), lambda: counter.choose(self._office, asking, self._limit)),
            "erase": (("POST",), lambda: counter.erase(self._office, asking)),
            "preferences": (_READ, lambda: own_pages.preferences(self._office, asking)),
            "cookies": (_READ, lambda: own_pages.declaration(self._office, asking)),
            "me": (_READ, lambda: own_pages.own_record(self._office, asking)),
        }
        if name not in doors:
            return self._office.problem(asking, "error.missing", 404)
        methods, answer = doors[name]
        if request.method not in methods:
            refused = self._office.problem(asking, "error.method", 405)
            refused.headers["Allow"] = ", ".join(methods)
            return refused
        try:
            return await answer()
        except ChoiceError as error:
            return self._office.problem(asking, "error.malformed", 400, reason=str(error))
