"""One site's rules, indexed: what a request, cookie, key or script is, before anybody's consent is asked. No I/O.

Order, first hit wins: the operator's overrides, the site's published policy, the site's own hosts (with the
catalogue's first-party endpoints), the catalogue, what the operator has imported, his default for what nobody knows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal, TypeVar
from urllib.parse import urlsplit

from policies.catalogue import Catalogue, Match
from policies.catalogue.names import HostIndex, NameIndex, is_glob
from policies.imports import Fact, Imports
from policies.party import registrable_domain
from policies.purpose import Consent, Purpose
from policies.site_policy import Override, PolicyHost, SitePolicy
from policies.verdict import Request, Verdict

Default = Literal["block", "pass"]
Subject = TypeVar("Subject")
Answer = TypeVar("Answer")

RUNS_CODE = frozenset({"script", "frame", "worker", "object"})
"""Kinds that `unknown_third_party` governs: what runs code in or beside the page."""
PROVING_COOKIE = "samtykke_surface"
"""`prove` carries it, so that the log tells its visits from people's."""
OWN_COOKIES = ("samtykke", "samtykke_purposes", "samtykke_confirm", PROVING_COOKIE)
_REMEMBERED = 8192


@dataclass(frozen=True, slots=True)
class Known:
    """What a subject is. `purpose` None on a tracker: for what is not known, so only full consent lets it through."""

    because: str
    tracker: str | None = None
    vendor: str | None = None
    purpose: Purpose | None = None
    known: bool = True
    passes: bool = False
    """Passes whatever was consented to: the site's own, or unknown where the operator lets that pass."""
    manager: bool = False
    placeholder: str | None = None


_FIRST_PARTY = Known("first party", passes=True)


class Rules:
    """Ask `request`, `cookie`, `storage` or `inline` with a consent; each answers with a Verdict."""

    def __init__(
        self,
        catalogue: Catalogue,
        policy: SitePolicy | None = None,
        *,
        hosts: Iterable[str] = (),
        overrides: Iterable[Override] = (),
        unknown_cookies: Default = "pass",
        unknown_third_party: Default = "block",
        exempt_paths: Iterable[str] = (),
        cnames: dict[str, str] | None = None,
        imports: Imports | None = None,
    ) -> None:
        self.catalogue = catalogue
        self.imports = imports or Imports()
        self.policy = policy
        self.hosts = tuple(hosts) or (policy.hosts if policy else ())
        self.policy_hash = policy.hash if policy else None
        self.unknown_cookies: Default = unknown_cookies
        self.unknown_third_party: Default = unknown_third_party
        self.exempt_paths = tuple(exempt_paths)
        self.cnames = dict(cnames or {})
        self._own_sites = frozenset(registrable_domain(host) for host in self.hosts)
        self._override_cookies: NameIndex[Known] = NameIndex()
        self._override_keys: NameIndex[Known] = NameIndex()
        self._override_urls: NameIndex[Known] = NameIndex()
        self._override_hosts: dict[str, HostIndex[Known]] = {kind: HostIndex() for kind in ("host", "script", "frame")}
        self._cookies: NameIndex[Known] = NameIndex()
        self._keys: NameIndex[Known] = NameIndex()
        self._contacts: dict[str, PolicyHost] = {}
        every = (*overrides, *(policy.overrides if policy else ()))
        for override in every:
            self._add_override(override)
        if policy:
            self._add_policy(policy)
        self._requests: dict[tuple[str, str, str, str, bool], Known] = {}
        self._by_imports: dict[tuple[str, str, str], Known | Literal[False]] = {}
        """By the whole address: imported rules read queries, too."""
        self._names: dict[str, Known] = {}
        self._storage: dict[str, Known] = {}

    @classmethod
    def for_site(
        cls,
        policy: SitePolicy | None,
        catalogue: Catalogue,
        *,
        hosts: Iterable[str] = (),
        unknown_cookies: Default = "pass",
        unknown_third_party: Default = "block",
        exempt_paths: Iterable[str] = (),
        overrides: Iterable[Override] = (),
        imports: Imports | None = None,
    ) -> Rules:
        """The rules of one site; without a published policy the catalogue alone speaks."""
        return cls(
            catalogue, policy, hosts=hosts, overrides=overrides, unknown_cookies=unknown_cookies,
            unknown_third_party=unknown_third_party, exempt_paths=exempt_paths, imports=imports,
        )  # fmt: skip

    def _add_override(self, override: Override) -> None:
        because = f"override of {override.kind} {override.match}" + (f": {override.reason}" if override.reason else "")
        known = Known(because, override.match, override.vendor, override.purpose)
        if override.kind == "cookie":
            self._override_cookies.add(override.match, known)
        elif override.kind == "storage":
            self._override_keys.add(override.match, known)
        elif "/" in override.match or is_glob(override.match):
            self._override_urls.add(override.match, known)
        else:
            self._override_hosts[override.kind].add(override.match, known)

    def _add_policy(self, policy: SitePolicy) -> None:
        for cookie in policy.cookies:
            if cookie.purpose is not None:
                self._cookies.add(cookie.name, Known(cookie.because, cookie.name, cookie.vendor, cookie.purpose))
        for item in policy.storage:
            if item.purpose is not None:
                self._keys.add(item.key, Known(item.because, item.key, item.vendor, item.purpose))
        for host in policy.contacts:
            self._contacts[host.host] = host

    # What is it?

    def request(self, request: Request, consent: Consent) -> Verdict:
        """May the page load this?"""
        return judge(self.known_request(request), consent, "block")

    def cookie(self, name: str, consent: Consent, hosts: Iterable[str] = ()) -> Verdict:
        """May a cookie of this name be set or sent?"""
        return judge(self.known_cookie(name, hosts), consent, "strip")

    def storage(self, key: str, consent: Consent) -> Verdict:
        """May this storage key be written?"""
        return judge(self.known_storage(key), consent, "strip")

    def inline(self, text: str, consent: Consent) -> Verdict:
        """May this inline script run?"""
        return judge(self.known_inline(text), consent, "block")

    def known_request(self, request: Request) -> Known:
        path = request.path.partition("?")[0]
        exempt = self._exempt(request.page_path)
        key = (request.host, path, request.page_host, request.kind, exempt)
        known = _remember(self._requests, key, lambda: self._find_request(request, path, exempt=exempt))
        if self.imports and (known is _FIRST_PARTY or not known.known):
            whole = (request.url, request.page_host, request.kind)
            return _remember(self._by_imports, whole, lambda: self._imported(request)) or known
        return known

    def _imported(self, request: Request) -> Known | Literal[False]:
        third_party = not self.is_own(request.host, request.page_host)
        fact = self.imports.request(request, third_party=third_party)
        return self._from_fact(fact) if fact else False

    def _find_request(self, request: Request, path: str, *, exempt: bool) -> Known:
        host = request.host.lower()
        if found := self._overridden(request, host):
            return found
        contact = self._contacts.get(host)
        if contact is not None and (contact.tracker or contact.purpose is not None):
            return self._from_contact(contact)
        alias = self.cnames.get(host)
        if alias and (match := self.catalogue.match_host(alias, path)):
            return self._from_match(match, f"{host} is an alias of {alias}; ")
        if self.is_own(host, request.page_host):
            if match := self.catalogue.match_path(path):
                return self._from_match(match)
            if match := self.catalogue.match_host(host, path):
                return self._from_match(match, own=True)
            return _FIRST_PARTY
        match = self.catalogue.match_host(host, path) or self.catalogue.match_foreign_path(path)
        if match:
            return self._from_match(match)
        return self._unknown_request(request.kind, host, exempt=exempt)

    def _overridden(self, request: Request, host: str) -> Known | None:
        kinds = {"script": ("script", "host"), "frame": ("frame", "host")}.get(request.kind, ("host",))
        if known := next(self._override_urls.find(request.url), None):
            return known
        for kind in kinds:
            if values := next(self._override_hosts[kind].find(host), None):
                return values[0]
        return None

    def _unknown_request(self, kind: str, host: str, *, exempt: bool) -> Known:
        if kind not in RUNS_CODE:
            return Known(f"third party {host}, nothing known about it", host, known=False, passes=True)
        if exempt:
            return Known(f"unknown third party {host}, on an exempt path", host, known=False, passes=True)
        passes = self.unknown_third_party == "pass"
        return Known(f"unknown third-party {kind} of {host}", host, known=False, passes=passes)

    def _from_contact(self, contact: PolicyHost) -> Known:
        vendor = self.catalogue.vendors.get(contact.vendor or "")
        return Known(
            contact.because, contact.host, contact.vendor, contact.purpose,
            manager=bool(vendor and vendor.manager), placeholder=contact.placeholder,
        )  # fmt: skip

    def _from_match(self, match: Match, prefix: str = "", *, own: bool = False) -> Known:
        vendor = self.catalogue.vendors[match.vendor]
        return Known(
            prefix + match.because, match.tracker, match.vendor, match.purpose,
            passes=own and vendor.operator_hosted, manager=vendor.manager, placeholder=match.placeholder,
        )  # fmt: skip

    def _from_fact(self, fact: Fact) -> Known:
        vendor = self.catalogue.match_vendor(fact.vendor)
        return Known(fact.because, fact.tracker, vendor.id if vendor else None, fact.purpose)

    def known_cookie(self, name: str, hosts: Iterable[str] = ()) -> Known:
        seen = tuple(hosts)
        if seen:
            return self._find_cookie(name, seen)
        return _remember(self._names, name, lambda: self._find_cookie(name, ()))

    def _find_cookie(self, name: str, hosts: tuple[str, ...]) -> Known:
        if name in OWN_COOKIES:
            return Known("our own consent cookie", name, purpose=Purpose.NECESSARY)
        for index in (self._override_cookies, self._cookies):
            if found := next(index.find(name), None):
                return found
        for match in self.catalogue.match_cookie(name, hosts):
            if match.confidence != "low":
                return self._from_match(match)
        fact = self.imports.cookie(name, hosts)
        if fact and fact.decides:
            return self._from_fact(fact)
        because = f"unknown cookie {name}" + (f"; {fact.because}, for a purpose it does not tell" if fact else "")
        return Known(because, name, known=False, passes=self.unknown_cookies == "pass")

    def known_storage(self, key: str) -> Known:
        return _remember(self._storage, key, lambda: self._find_storage(key))

    def _find_storage(self, key: str) -> Known:
        for index in (self._override_keys, self._keys):
            if found := next(index.find(key), None):
                return found
        for match in self.catalogue.match_storage(key):
            if match.confidence != "low":
                return self._from_match(match)
        fact = self.imports.storage(key)
        if fact and fact.decides:
            return self._from_fact(fact)
        return Known(f"unknown storage key {key}", key, known=False, passes=True)

    def known_inline(self, text: str) -> Known:
        if match := self.catalogue.match_inline(text):
            return self._from_match(match)
        return Known("inline script without a known signature", known=False, passes=True)

    # Whose is it?

    def is_own(self, host: str, page_host: str) -> bool:
        """Is the host the site's own: one of its names, or the same site as the page?"""
        site = registrable_domain(host)
        return site in self._own_sites or site == registrable_domain(page_host)

    def _exempt(self, page_path: str) -> bool:
        return any(page_path == path or page_path.startswith(path.rstrip("/") + "/") for path in self.exempt_paths)

    # For the CSP and the guard.

    def csp_hosts(self, consent: Consent, *, consentable: bool = False) -> dict[str, tuple[str, ...]]:
        """Third-party hosts that pages may contact, by kind of load. With `consentable` also those that consent
        could open: what an undecided visitor's pages may name, so that an accept works in place."""
        found: dict[str, set[str]] = {}
        for contact in self._contacts.values():
            known = self._from_contact(contact) if contact.tracker or contact.purpose else None
            for kind in contact.kinds:
                verdict_known = known or self._unknown_contact(kind, contact.host)
                if consentable or judge(verdict_known, consent, "block").allowed:
                    found.setdefault(kind, set()).add(contact.host)
        for vendor_id in self._granted_vendors(consent, consentable=consentable):
            for entry in self.catalogue.files[vendor_id].host:
                for kind in ("script", "image", "connect", "frame"):
                    found.setdefault(kind, set()).update((entry.match, "*." + entry.match))
        for override in self.policy.overrides if self.policy else ():
            if override.kind in {"host", "script", "frame"} and not is_glob(override.match):
                known = Known("", override.match, override.vendor, override.purpose)
                if consentable or judge(known, consent, "block").allowed:
                    host = urlsplit(override.match).hostname or override.match.partition("/")[0]
                    kinds = ("script", "image", "connect", "frame") if override.kind == "host" else (override.kind,)
                    for kind in kinds:
                        found.setdefault(kind, set()).add(host)
        return {kind: tuple(sorted(hosts)) for kind, hosts in sorted(found.items())}

    def _unknown_contact(self, kind: str, host: str) -> Known:
        """A third party that neither policy nor catalogue knows: what is imported of all of it, else the default."""
        request = Request(f"https://{host}/", host, "/", next(iter(self.hosts), ""), kind)
        fact = self.imports.request(request, third_party=True) if self.imports else None
        return self._from_fact(fact) if fact else self._unknown_request(kind, host, exempt=False)

    def _granted_vendors(self, consent: Consent, *, consentable: bool) -> Iterable[str]:
        for vendor in self.policy.vendors if self.policy else ():
            known = self.catalogue.vendors.get(vendor.id)
            if known and not known.operator_hosted:
                manager = Known("", vendor.id, vendor.id, known.purpose, manager=known.manager)
                if consentable or judge(manager, consent, "block").allowed:
                    yield vendor.id

    def browser_rules(self) -> dict[str, object]:
        """What the guard needs, ready for JSON: the site's own trackers, or the whole catalogue without a policy."""
        ids = [vendor.id for vendor in self.policy.vendors] if self.policy else list(self.catalogue.files)
        files = {vendor_id: self.catalogue.files[vendor_id] for vendor_id in ids if vendor_id in self.catalogue.files}
        hosts: dict[str, list[str | None]] = {}
        cookies: dict[str, list[str | None]] = {}
        storage: dict[str, list[str | None]] = {}
        paths: list[list[str | None]] = []
        inline: list[list[str | None]] = []
        for vendor_id, file in files.items():
            for host in file.host:
                facts: list[str | None] = [host.purpose or file.purpose, vendor_id]
                if not host.paths:
                    hosts[host.match] = facts
                paths += [[f"{host.match}{path}*", *facts] for path in host.paths]
            for cookie in file.cookie:
                if cookie.sure != "low":
                    cookies.setdefault(cookie.name, [cookie.purpose or file.purpose, vendor_id])
            for key in file.storage:
                if key.sure != "low":
                    storage.setdefault(key.key, [key.purpose or file.purpose, vendor_id])
            paths += [[entry.match, entry.purpose or file.purpose, vendor_id] for entry in file.path]
            inline += [[entry.contains, entry.purpose or file.purpose, vendor_id] for entry in file.inline]
        if self.policy:
            hosts |= {c.host: [c.purpose, c.vendor] for c in self.policy.contacts if c.tracker or c.purpose}
            cookies |= {c.name: [c.purpose, c.vendor] for c in self.policy.cookies if c.purpose}
            storage |= {k.key: [k.purpose, k.vendor] for k in self.policy.storage if k.purpose}
            for override in self.policy.overrides:
                table = {"cookie": cookies, "storage": storage}.get(override.kind, hosts)
                table[override.match] = [override.purpose, override.vendor]
        return {
            "hosts": hosts,
            "paths": paths,
            "cookies": _exact_and_globs(cookies),
            "storage": _exact_and_globs(storage),
            "inline": inline,
            "own": list(self.hosts),
            "unknown": dict.fromkeys(sorted(RUNS_CODE), self.unknown_third_party) | {"cookie": self.unknown_cookies},
            "exempt": False,
            "managers": sorted(v for v in files if self.catalogue.vendors[v].manager),
        }


def judge(known: Known, consent: Consent, refuse: Literal["block", "strip"]) -> Verdict:
    """Consent applied to what a subject is. An unknown that does not pass needs every purpose."""
    if known.passes:
        return Verdict("allow", known.because, known.tracker, known.vendor, known.purpose, known.known)
    allowed = consent.allows(known.purpose, known.vendor)
    if known.manager and not allowed and not consent.refuses(known.vendor):
        allowed = bool(consent.purposes)
    if known.purpose is Purpose.NECESSARY:
        reason = known.because
    else:
        wanted = f"needs consent to {known.purpose}" if known.purpose else "needs consent to every purpose"
        reason = f"{known.because}; {wanted}: {'given' if allowed else 'not given'}"
    action = "allow" if allowed else refuse
    return Verdict(action, reason, known.tracker, known.vendor, known.purpose, known.known)


def _exact_and_globs(table: dict[str, list[str | None]]) -> dict[str, object]:
    return {
        "exact": {name: facts for name, facts in table.items() if not is_glob(name)},
        "globs": [[name, *facts] for name, facts in table.items() if is_glob(name)],
    }


def _remember(memory: dict[Subject, Answer], key: Subject, find: Callable[[], Answer]) -> Answer:
    """A bounded memo: emptied when full, since what a site meets is a short list that fills again at once."""
    if (found := memory.get(key)) is None:
        if len(memory) >= _REMEMBERED:
            memory.clear()
        found = memory[key] = find()
    return found
