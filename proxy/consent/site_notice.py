"""What must be told about one site before anyone can consent: who, what for, which cookies, how long. No I/O.

Consent covers only what was described here (GDPR 4(11)): accepting grants the purposes of this notice, no others.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from policies.purpose import CONSENTABLE, Consent, Purpose


@dataclass(frozen=True, slots=True)
class CookieNotice:
    """One cookie or storage key. `name` may be a glob; `lifetime` is seconds, None with `session` False is unknown."""

    name: str
    lifetime: int | None = None
    session: bool = False
    about: str = ""
    kind: Literal["cookie", "storage"] = "cookie"


@dataclass(frozen=True, slots=True)
class VendorNotice:
    """One recipient for one purpose. `country` is ISO 3166-1 alpha-2, `privacy` a URL or empty.

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


@dataclass(frozen=True, slots=True)
class SiteNotice:
    """One site. `policy` is the SitePolicy's hash; `material` changes only when consenters must be asked again.

    `asks` names the purposes to ask for where no inventory says so (a site enforced from the catalogue alone).
    """

    name: str
    vendors: tuple[VendorNotice, ...] = ()
    policy: str = ""
    material: str = ""
    asks: tuple[Purpose, ...] = ()

    @property
    def purposes(self) -> tuple[Purpose, ...]:
        """The purposes that need consent here, in the order they are shown. Empty: nothing to ask, no banner."""
        wanted = {vendor.purpose for vendor in self.vendors} | set(self.asks)
        return tuple(purpose for purpose in CONSENTABLE if purpose in wanted)

    def of(self, purpose: Purpose) -> Iterator[VendorNotice]:
        """The vendors of one purpose, in the document's order."""
        return (vendor for vendor in self.vendors if vendor.purpose is purpose)

    def vendor(self, vendor_id: str) -> VendorNotice | None:
        """The first entry of a vendor that needs consent, None for an unknown or a necessary one."""
        entries = (vendor for vendor in self.vendors if vendor.id == vendor_id)
        return next((vendor for vendor in entries if vendor.purpose is not Purpose.NECESSARY), None)

    def outcome(self, consent: Consent) -> tuple[dict[str, bool], dict[str, bool]]:
        """What a consent means here, refusals included: (purpose -> granted, vendor id -> granted)."""
        purposes = {purpose.value: purpose in consent.purposes for purpose in self.purposes}
        vendors: dict[str, bool] = {}
        for vendor in self.vendors:
            if vendor.purpose is not Purpose.NECESSARY:
                granted = consent.allows(vendor.purpose, vendor.id)
                vendors[vendor.id] = vendors.get(vendor.id, True) and granted
        return purposes, vendors
