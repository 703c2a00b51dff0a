"""The one canonical document that the proxy enforces. Pure: scans, catalogue and overrides in, a document out.

`compile_policy` makes a draft; `in_force` turns a draft into what is published, given what it replaces. The hash
covers what the document says about the site and nothing else (no time, no file name), so the same knowledge is
the same hash. `material` names the last version whose change asks for consent again: a new purpose, vendor or
tracker, or a longer lifetime. Anything else is cosmetic and keeps the older `material`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from policies.catalogue import Catalogue, Vendor
from policies.lifetime import difference
from policies.purpose import Purpose

SCHEMA = 1
PlaceholderKind = Literal["video", "map", "social", "form", "audio", "chat", "frame"]
OverrideKind = Literal["cookie", "host", "script", "storage", "frame"]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Override(_Part):
    """The operator's own word: beats everything the program knows."""

    kind: OverrideKind
    match: str
    """A name, host or URL; `*` and `?` are wildcards. A host covers what is below it."""
    purpose: Purpose
    reason: str = ""
    vendor: str | None = None
    placeholder: PlaceholderKind | None = None
    """What stands where a blocked frame was; any frame that is overridden gets one."""
    site: str | None = None
    """Only for the site of this name; None: for all."""


class PolicyVendor(_Part):
    id: str
    name: str
    company: str = ""
    country: str = ""
    privacy: str = ""
    purpose: Purpose | None = None
    manager: bool = False


class PolicyCookie(_Part):
    """A cookie by name or pattern. `lifetime` in seconds as asked for; see the contract for null."""

    name: str
    domain: str = ""
    vendor: str | None = None
    purpose: Purpose | None = None
    lifetime: int | None = None
    session: bool = False
    first_party: bool = True
    http_only: bool = False
    because: str = ""
    about: str = ""


class PolicyKey(_Part):
    kind: Literal["local", "session", "indexeddb", "cache"]
    key: str
    vendor: str | None = None
    purpose: Purpose | None = None
    because: str = ""


class PolicyHost(_Part):
    """A host that pages of the site contact. `kinds`: what it serves, in `policies.verdict.Request` words."""

    host: str
    vendor: str | None = None
    purpose: Purpose | None = None
    tracker: bool = False
    """Known to track, by catalogue or by what it was seen to do; False: a third party of unknown purpose."""
    kinds: tuple[str, ...] = ()
    because: str = ""
    placeholder: str | None = None


class SitePolicy(_Part):
    """Everything known about one site. Sorted, so that equal knowledge is equal bytes."""

    schema_version: int = SCHEMA
    site: str
    hosts: tuple[str, ...] = ()
    """The site's own host names."""
    catalogue: str = ""
    vendors: tuple[PolicyVendor, ...] = ()
    cookies: tuple[PolicyCookie, ...] = ()
    storage: tuple[PolicyKey, ...] = ()
    contacts: tuple[PolicyHost, ...] = ()
    overrides: tuple[Override, ...] = ()
    hash: str = ""
    material: str = ""

    def purposes(self) -> tuple[Purpose, ...]:
        """The purposes that something on the site is for, in the order they are shown."""
        found = {cookie.purpose for cookie in self.cookies}
        found |= {item.purpose for item in self.storage}
        found |= {host.purpose for host in self.contacts}
        return tuple(purpose for purpose in Purpose if purpose in found)

    def vendor(self, vendor_id: str | None) -> PolicyVendor | None:
        return next((vendor for vendor in self.vendors if vendor.id == vendor_id), None)

    def to_json(self) -> str:
        """The published document: canonical, readable, one trailing newline."""
        return json.dumps(self.model_dump(mode="json"), indent=1, sort_keys=True, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str, *, source: str = "site policy") -> SitePolicy:
        """Read a published document. Raises ValueError naming `source` and the key, also where the hash is wrong."""
        try:
            policy = cls.model_validate_json(text)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"]) or "document"
            raise ValueError(f"{source}: {where}: {first['msg']}") from error
        if policy.hash and policy.hash != content_hash(policy):
            raise ValueError(f"{source}: the document was changed after it was published (hash does not match)")
        return policy


def content_hash(policy: SitePolicy) -> str:
    """SHA-256 over the canonical JSON of what the document says, without its own hash and `material`."""
    content = policy.model_dump(mode="json", exclude={"hash", "material"})
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def in_force(draft: SitePolicy, previous: SitePolicy | None) -> SitePolicy:
    """The draft as it is published in place of `previous`: hashed, with `material` carried over or renewed."""
    digest = content_hash(draft)
    material = digest if previous is None or is_material(previous, draft) else previous.material
    return draft.model_copy(update={"hash": digest, "material": material})


def is_material(old: SitePolicy, new: SitePolicy) -> bool:
    """Does the change ask for consent again? New purpose, vendor or tracker, or a longer lifetime."""
    before, after = trackers(old), trackers(new)
    return any(key not in before or outlives(lifetime, before[key]) for key, lifetime in after.items())


TrackerKey = tuple[str, ...]
_SESSION_FIRST = -1
_UNKNOWN_LIFETIME = 0


def tracker_key(part: PolicyCookie | PolicyKey | PolicyHost) -> TrackerKey | None:
    """What a consent to this part covers; None where it needs none, or nobody knows whether it does."""
    if part.purpose is Purpose.NECESSARY:
        return None
    match part:
        case PolicyHost():
            return ("host", part.vendor or part.host, part.purpose or "") if part.tracker else None
        case PolicyCookie():
            return ("cookie", part.name, part.vendor or "", part.purpose) if part.purpose else None
        case PolicyKey():
            return ("storage", part.key, part.vendor or "", part.purpose) if part.purpose else None


def trackers(policy: SitePolicy) -> dict[TrackerKey, int]:
    """Whatever needs consent, with how long it lives (`lived`)."""
    found: dict[TrackerKey, int] = {}
    parts: tuple[PolicyCookie | PolicyKey | PolicyHost, ...] = (*policy.cookies, *policy.storage, *policy.contacts)
    for part in parts:
        if key := tracker_key(part):
            lifetime = lived(part) if isinstance(part, PolicyCookie) else _UNKNOWN_LIFETIME
            found[key] = max(lifetime, found.get(key, lifetime))
    return found


def lived(cookie: PolicyCookie) -> int:
    """Seconds, in an order that puts a session first and what is unknown before every known lifetime."""
    return _SESSION_FIRST if cookie.session else cookie.lifetime or _UNKNOWN_LIFETIME


def outlives(new: int, old: int) -> bool:
    """Is it noticeably longer? A second more in every scan, as dates make it, is no news to a visitor."""
    return new > old and (old <= _UNKNOWN_LIFETIME or difference(new, old) is not None)


def named_vendors(ids: Iterable[str | None], catalogue: Catalogue) -> tuple[PolicyVendor, ...]:
    """The vendors behind these ids, sorted; an id that the catalogue does not know (an override's) names itself."""
    wanted = sorted({vendor_id for vendor_id in ids if vendor_id})
    return tuple(_vendor(vendor_id, catalogue.vendors.get(vendor_id)) for vendor_id in wanted)


def _vendor(vendor_id: str, known: Vendor | None) -> PolicyVendor:
    if known is None:
        return PolicyVendor(id=vendor_id, name=vendor_id)
    return PolicyVendor(
        id=vendor_id,
        name=known.name,
        company=known.company,
        country=known.country,
        privacy=known.privacy,
        purpose=known.purpose,
        manager=known.manager,
    )
