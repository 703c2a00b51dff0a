"""What every part of the desk works with: signer, notices, rows, clock; and how a page of ours is put together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from aiohttp import web

from proxy.consent import bundle, markup, pages
from proxy.consent.asking import Asking
from proxy.consent.noticeboard import NoticeBoard
from proxy.consent.remembered import Jar, Remembered
from proxy.consent.rows import Log, Rows
from proxy.consent.signing import Signer, b64
from proxy.consent.site_notice import SiteNotice
from proxy.consent.token import NoticeToken, Surface, issue


@dataclass(frozen=True, slots=True)
class Office:
    """`lifetime` is a choice's in seconds, `cookie_domain` empty where each host keeps its own choice,
    `minimum_age` in years, 0 where nobody is asked."""

    signer: Signer
    board: NoticeBoard
    rows: Rows
    log: Log
    clock: Callable[[], datetime]
    randomness: Callable[[int], bytes]
    lifetime: int
    cookie_domain: str
    minimum_age: int = 0

    def now(self) -> int:
        """Seconds since 1970 UTC."""
        return int(self.clock().timestamp())

    def jar(self, secure: bool) -> Jar:
        """How our cookies are written to this visitor."""
        return Jar(secure, self.cookie_domain)

    def remember(self, asking: Asking, remembered: Remembered) -> tuple[str, ...]:
        """Set-Cookie values for one choice. Raises ValueError where it is too large to keep."""
        jar = self.jar(asking.visitor.secure)
        return jar.lines(self.signer, asking.site.name, remembered, self.lifetime)

    def token(self, site: SiteNotice, language: str, surface: Surface) -> NoticeToken:
        """A fresh token for what is shown now."""
        shown = self.board.notice(site, language).hash
        return NoticeToken(site.name, shown, b64(self.randomness(12)), self.now(), surface)

    def sealed(self, asking: Asking, surface: Surface, *, record: bool = True) -> str:
        """A fresh token for a form of our own page, with its `shown` row."""
        issued = self.token(asking.site, asking.texts.language, surface)
        if record:
            language = asking.texts.language
            self.rows.shown(asking.visitor, asking.site, issued, path=asking.return_path, language=language)
        return issue(self.signer, issued)

    def page(
        self,
        asking: Asking,
        template: str,
        title: str,
        values: Mapping[str, object],
        *,
        status: int = 200,
        cookies: Iterable[str] = (),
    ) -> web.Response:
        """One of our own pages in the visitor's language."""
        controller = self.board.controller
        named = ", ".join(part for part in (controller.name, controller.org_number, controller.contact) if part)
        common: dict[str, object] = {
            "t": asking.texts,
            "title": title,
            "controller": self.board.name(asking.site),
            "contact_line": asking.texts("cookies.controller", {"controller": named}) if named else "",
            "css": bundle.banner_css().path,
            "page_css": bundle.page_css().path,
            "return_path": asking.return_path,
            "return_url": markup.quoted(asking.return_path),
        }
        return pages.page(markup.render(template, common | dict(values)), status, cookies)

    def problem(
        self,
        asking: Asking,
        key: str,
        status: int,
        *,
        title: str = "error.title",
        reason: str = "",
        cookies: Iterable[str] = (),
    ) -> web.Response:
        """Say what is wrong in the visitor's own language, as page or JSON. `key` names the text."""
        words = asking.texts(key, {"reason": reason})
        if asking.json:
            return pages.answer({"error": words}, status, cookies)
        values = {"paragraphs": [words]}
        return self.page(asking, "page.html", asking.texts(title), values, status=status, cookies=cookies)
