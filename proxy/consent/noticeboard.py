"""What is shown on which site in which language, rendered once and kept until the site's notice changes. No I/O."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from proxy.consent import markup, token
from proxy.consent.leftovers import Leftovers
from proxy.consent.notice import Notice, notice_of
from proxy.consent.settings import ControllerSettings
from proxy.consent.site_notice import SiteNotice
from proxy.consent.wording import Texts, choose

_Made = TypeVar("_Made")


class NoticeBoard:
    """Notices and banner templates of all sites of a proxy, in the settings' languages."""

    def __init__(self, texts: dict[str, Texts], controller: ControllerSettings) -> None:
        self.texts = texts
        self.controller = controller
        self._made: dict[tuple[object, ...], tuple[SiteNotice, object]] = {}

    def __repr__(self) -> str:
        return f"<NoticeBoard {', '.join(self.texts)}; {len(self._made)} rendered>"

    def name(self, site: SiteNotice) -> str:
        """Who asks: the controller, the site's own name while none is set."""
        return self.controller.name or site.name

    def told(self, site: SiteNotice) -> SiteNotice:
        """The site with the operator's name where its own entries would carry the configuration's."""
        return self._once(("told",), site, lambda: site.owned_by(self.name(site)))

    def language(self, page_language: str | None, accept_language: str | None) -> str:
        """The language a visitor is spoken to in."""
        return choose(tuple(self.texts), page_language, accept_language)

    def words(self, language: str) -> Texts:
        """The words of the language that comes nearest."""
        return self.texts.get(language) or self.texts[self.language(language, None)]

    def notice(self, site: SiteNotice, language: str) -> Notice:
        """What is shown, as bytes with their hash."""
        return self._once(("notice", language), site, lambda: notice_of(self.texts[language], site, self.name(site)))

    def banner(self, site: SiteNotice, texts: Texts, *, ask: bool, fetched: bool) -> markup.Banner:
        """The banner's template, see `markup.banner`."""
        key = ("banner", texts.language, ask, fetched)
        return self._once(key, site, lambda: markup.banner(texts, site, self.name(site), ask=ask, fetched=fetched))

    def leftovers(self, site: SiteNotice) -> Leftovers:
        """What trackers may have left on this site, ready to be looked up."""
        return self._once(("leftovers",), site, lambda: Leftovers(site))

    def question(self, site: SiteNotice, texts: Texts) -> markup.Banner:
        """The first layer alone."""
        return self._once(("question", texts.language), site, lambda: markup.question(texts, site, self.name(site)))

    def language_of(self, site: SiteNotice, shown: token.NoticeToken | None) -> str | None:
        """The language of the notice that a token names, None where that notice is not in force (any more)."""
        if shown is None:
            return None
        return next((name for name in self.texts if self.notice(site, name).hash == shown.notice), None)

    def _once(self, key: tuple[object, ...], site: SiteNotice, make: Callable[[], _Made]) -> _Made:
        known = self._made.get((site.name, *key))
        if known is not None and (known[0] is site or known[0] == site):
            return known[1]  # type: ignore[return-value]  # what this key was made by
        made = make()
        self._made[site.name, *key] = site, made
        return made
