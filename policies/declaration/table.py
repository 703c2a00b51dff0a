"""What a declaration tells, before it has a format: a SitePolicy in one language's words. Pure.

Ordered by purpose, the necessary first and the unclassified last, so that nothing that is stored goes untold.
The catalogue describes cookies in English; other languages say in their own words what is known of a cookie.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from policies.declaration.words import Words, described
from policies.drafting import find_override
from policies.lifetime import DAY
from policies.purpose import Purpose
from policies.site_policy import Override, PolicyCookie, PolicyKey, PolicyVendor, SitePolicy

CHOICE_LIFETIME = 180 * DAY
"""How long the visitor's choice is kept where the operator has not said otherwise, in seconds."""
PREFERENCES_PAGE = "/.samtykke/preferences"
_CONFIRM_LIFETIME = 600

KINDS = ("cookie", "local", "session", "indexeddb", "cache")


@dataclass(frozen=True, slots=True)
class ToldVendor:
    """Who receives data. `country` in the language's words; `code` as ISO 3166; `privacy` an http(s) URL or empty."""

    name: str
    company: str = ""
    country: str = ""
    code: str = ""
    privacy: str = ""

    @property
    def full_name(self) -> str:
        """ "Hotjar, Hotjar Limited (Malta)"."""
        company = f", {self.company}" if self.company and self.company != self.name else ""
        return f"{self.name}{company}" + (f" ({self.country})" if self.country else "")


@dataclass(frozen=True, slots=True)
class Entry:
    """One cookie or key. `lifetime` in seconds as asked for; None with `session` is a session, without is unknown."""

    name: str
    kind: str
    about: str
    vendor: ToldVendor
    lifetime: int | None
    session: bool
    lifetime_words: str
    first_party: bool
    domains: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Section:
    """One purpose: None for what is not classified. `recipients` receive data without storing anything."""

    purpose: Purpose | None
    entries: tuple[Entry, ...]
    recipients: tuple[ToldVendor, ...]

    @property
    def key(self) -> str:
        return f"purpose.{self.purpose or 'unknown'}"


@dataclass(frozen=True, slots=True)
class Told:
    words: Words
    site: str
    policy_hash: str
    sections: tuple[Section, ...]


def tell(policy: SitePolicy, words: Words, choice_lifetime: int) -> Told:
    """Everything the policy knows, per purpose, with our own cookies among the necessary ones."""
    teller = _Teller(policy, words)
    sections = []
    for purpose in (*Purpose, None):
        entries = [teller.cookie(cookie) for cookie in policy.cookies if cookie.purpose is purpose]
        entries += [teller.key(item) for item in policy.storage if item.purpose is purpose]
        if purpose is Purpose.NECESSARY:
            entries = [*teller.own(choice_lifetime), *entries]
        recipients = teller.recipients(purpose, entries)
        if entries or recipients:
            sections.append(Section(purpose, tuple(entries), recipients))
    return Told(words, teller.site, policy.hash, tuple(sections))


class _Teller:
    def __init__(self, policy: SitePolicy, words: Words) -> None:
        self.policy = policy
        self.words = words
        self.site = policy.hosts[0] if policy.hosts else policy.site

    def cookie(self, cookie: PolicyCookie) -> Entry:
        if cookie.session:
            life = self.words("lifetime.session")
        elif cookie.lifetime is None:
            life = self.words("lifetime.unknown")
        else:
            life = self.words.lifetime(cookie.lifetime)
        override = find_override(self.policy.overrides, ("cookie",), cookie.name)
        domains = self.policy.hosts if cookie.first_party else (cookie.domain,) if cookie.domain else ()
        return Entry(
            cookie.name, "cookie",
            self._about(cookie.about, cookie.purpose, override, cookie.vendor, third_party=not cookie.first_party),
            self.vendor(cookie.vendor, first_party=cookie.first_party),
            cookie.lifetime, cookie.session, life, cookie.first_party, domains,
        )  # fmt: skip

    def key(self, item: PolicyKey) -> Entry:
        override = find_override(self.policy.overrides, ("storage",), item.key)
        tab = item.kind == "session"
        life = self.words("lifetime.tab" if tab else "lifetime.kept")
        return Entry(
            item.key, item.kind, self._about("", item.purpose, override, item.vendor),
            self.vendor(item.vendor, first_party=True), None, tab, life, True, self.policy.hosts,
        )  # fmt: skip

    def own(self, choice_lifetime: int) -> Iterator[Entry]:
        """The cookies of the consent tool itself; the site sets them in its own name."""
        own = {"samtykke": choice_lifetime, "samtykke_purposes": choice_lifetime, "samtykke_confirm": _CONFIRM_LIFETIME}
        vendor = ToldVendor(self.words("vendor.self"))
        for name, lifetime in own.items():
            yield Entry(
                name, "cookie", self.words(f"own.{name}"), vendor,
                lifetime, False, self.words.lifetime(lifetime), True, self.policy.hosts,
            )  # fmt: skip

    def recipients(self, purpose: Purpose | None, entries: list[Entry]) -> tuple[ToldVendor, ...]:
        """Who else is contacted for this purpose, each once, by name."""
        told = {entry.vendor for entry in entries}
        found = set()
        for contact in self.policy.contacts:
            if contact.purpose is purpose:
                found.add(self.vendor(contact.vendor, first_party=False, host=contact.host))
        return tuple(sorted(found - told, key=lambda vendor: vendor.full_name))

    def vendor(self, vendor_id: str | None, *, first_party: bool, host: str = "") -> ToldVendor:
        known = self.policy.vendor(vendor_id) if vendor_id else None
        if known is not None:
            return self._known(known)
        if vendor_id or host:
            return ToldVendor(vendor_id or host)
        return ToldVendor(self.words("vendor.self" if first_party else "vendor.unknown"))

    def _known(self, vendor: PolicyVendor) -> ToldVendor:
        privacy = vendor.privacy if urlsplit(vendor.privacy).scheme in {"http", "https"} else ""
        return ToldVendor(vendor.name, vendor.company, self.words.country(vendor.country), vendor.country, privacy)

    def _about(
        self,
        about: str,
        purpose: Purpose | None,
        override: Override | None,
        vendor: str | None,
        *,
        third_party: bool = False,
    ) -> str:
        if override and override.reason:
            return override.reason
        known = self.policy.vendor(vendor) if vendor else None
        name = known.name if known else ""
        return described(self.words, self.words.language, about, purpose, name, third_party=third_party)
