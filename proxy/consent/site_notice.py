"""What must be told about one site before anyone can consent: who, what for, which cookies, how long. No I/O.

Consent covers only what was described here (GDPR 4(11)): accepting grants the purposes of this notice, no others.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

from policies.purpose import CONSENTABLE, Consent, Purpose
from policies.rules import RUNS_CODE
from policies.site_policy import PolicyVendor, SitePolicy


@dataclass(frozen=True, slots=True)
class CookieNotice:
    """One cookie or storage key. `name` may be a glob; `lifetime` is seconds, None with `session` False is unknown.

    A `third_party` cookie is another host's: it is told, but cannot be expired from here.
    """

    name: str
    lifetime: int | None = None
    session: bool = False
    about: str = ""
    kind: Literal["cookie", "storage", "third_party"] = "cookie"


@dataclass(frozen=True, slots=True)
class VendorNotice:
    """One recipient for one purpose. `id` is the catalogue's, empty for the site itself or a host nobody knows: there
    only the purpose can be answered for. `country` is ISO 3166-1 alpha-2, `privacy` a URL or empty.

    `because` says why a necessary one needs no consent (WP29 04/2012); `own` marks our own cookies.
    """

    id: str
    name: str
    company: str
    country: str
    privacy: str
    purpose: Purpose
    cookies: tuple[CookieNotice, ...] = ()
    because: str = ""
    own: bool = False


@dataclass(frozen=True)
class SiteNotice:
    """One site. `policy` is the SitePolicy's hash; `material` changes only when consenters must be asked again.

    `asks` names the purposes to ask for where no inventory says so (a site enforced from the catalogue alone). What
    every choice needs of a notice is worked out once.
    """

    name: str
    vendors: tuple[VendorNotice, ...] = ()
    policy: str = ""
    material: str = ""
    asks: tuple[Purpose, ...] = ()

    @cached_property
    def purposes(self) -> tuple[Purpose, ...]:
        """The purposes that need consent here, in the order they are shown. Empty: nothing to ask, no banner."""
        wanted = {vendor.purpose for vendor in self.vendors} | set(self.asks)
        return tuple(purpose for purpose in CONSENTABLE if purpose in wanted)

    def owned_by(self, operator: str) -> SiteNotice:
        """The same notice with its own entries, which carry the site's name, under the operator's."""
        vendors = tuple(
            replace(vendor, name=operator) if vendor.name == self.name and not vendor.id else vendor
            for vendor in self.vendors
        )
        return replace(self, vendors=vendors)

    def of(self, purpose: Purpose) -> Iterator[VendorNotice]:
        """The vendors of one purpose, in the document's order."""
        return (vendor for vendor in self.vendors if vendor.purpose is purpose)

    def vendor(self, vendor_id: str) -> VendorNotice | None:
        """The first entry of a vendor that needs consent, None for an unknown or a necessary one."""
        entries = (vendor for vendor in self.vendors if vendor_id and vendor.id == vendor_id)
        return next((vendor for vendor in entries if vendor.purpose is not Purpose.NECESSARY), None)

    def outcome(self, consent: Consent) -> tuple[dict[str, bool], dict[str, bool]]:
        """What a consent means here, refusals included: (purpose -> granted, vendor id -> granted)."""
        granted, answers = consent.purposes, dict(consent.vendors)
        purposes = {purpose.value: purpose in granted for purpose in self.purposes}
        vendors = {vendor: answers.get(vendor, granted.issuperset(asked)) for vendor, asked in self._asked.items()}
        return purposes, vendors

    @cached_property
    def _asked(self) -> dict[str, frozenset[Purpose]]:
        """Vendor id -> the purposes that consent is asked for on his behalf."""
        asked: dict[str, frozenset[Purpose]] = {}
        for vendor in self.vendors:
            if vendor.id and vendor.purpose is not Purpose.NECESSARY:
                asked[vendor.id] = asked.get(vendor.id, frozenset()) | {vendor.purpose}
        return asked


def unscanned(name: str) -> SiteNotice:
    """A site that is enforced from the catalogue alone: nothing can be listed yet, every purpose is asked for."""
    return SiteNotice(name, material="unscanned", asks=CONSENTABLE)


def of_policy(policy: SitePolicy, *, owner: str = "") -> SiteNotice:
    """What a published SitePolicy says, grouped by purpose and recipient. `owner` names the site's own entries.

    Things of unknown purpose are left out: nobody can consent to what cannot be described. What runs code for a
    purpose that nobody knows passes once everything is granted, so then everything is asked for.
    """
    names = {vendor.id: vendor for vendor in policy.vendors}
    found: dict[tuple[Purpose, str, str], VendorNotice] = {}

    def add(purpose: Purpose | None, vendor: str | None, named: str, cookie: CookieNotice | None, because: str) -> None:
        if purpose is None:
            return
        known = names.get(vendor or "")
        key = purpose, known.id if known else "", "" if known else named
        entry = found.get(key) or _entry(known, named, purpose)
        cookies = (*entry.cookies, cookie) if cookie and cookie not in entry.cookies else entry.cookies
        reason = entry.because or (because if purpose is Purpose.NECESSARY else "")
        found[key] = replace(entry, cookies=cookies, because=reason)

    own = owner or policy.site
    for each in policy.cookies:
        kind: Literal["cookie", "third_party"] = "cookie" if each.first_party else "third_party"
        told = CookieNotice(each.name, each.lifetime, each.session, each.about, kind)
        add(each.purpose, each.vendor, own if each.first_party else each.domain, told, each.because)
    for item in policy.storage:
        session = item.kind == "session"
        add(item.purpose, item.vendor, own, CookieNotice(item.key, session=session, kind="storage"), item.because)
    for host in policy.contacts:
        add(host.purpose, host.vendor, host.host, None, host.because)
    unknown = any(host.purpose is None and RUNS_CODE.intersection(host.kinds) for host in policy.contacts)
    order = list(Purpose)
    entries = sorted(found.values(), key=lambda entry: (order.index(entry.purpose), entry.name.casefold(), entry.id))
    asks = CONSENTABLE if unknown else ()
    return SiteNotice(policy.site, tuple(entries), policy.hash, policy.material, asks)


def _entry(known: PolicyVendor | None, named: str, purpose: Purpose) -> VendorNotice:
    if known is None:
        return VendorNotice("", named, "", "", "", purpose)
    return VendorNotice(known.id, known.name, known.company, known.country, known.privacy, purpose)
