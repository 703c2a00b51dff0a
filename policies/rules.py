"""One site's rules, indexed: what a request, cookie, key or script is, before anybody's consent is asked. No I/O.

Order, first hit wins: the operator's overrides, the site's published policy, the site's own hosts (with the
catalogue's first-party endpoints), the catalogue, what the operator has imported, his default for what nobody knows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, TypeVar

from policies.browser_rules import browser_rules, csp_hosts, is_address, url_glob
from policies.catalogue import Catalogue, Match
from policies.catalogue.names import HostIndex, NameIndex
from policies.imports import Fact, Imports
from policies.known import Known, judge
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
_FIRST_PARTY = Known("first party", passes=True)


@dataclass(frozen=True, slots=True)
class CookieName:
    name: str


@dataclass(frozen=True, slots=True)
class StorageKey:
    key: str


@dataclass(frozen=True, slots=True)
class InlineScript:
    text: str


def decide(subject: Request | CookieName | StorageKey | InlineScript, consent: Consent, rules: Rules) -> Verdict:
    """May this be loaded, stored, sent or run, given what the visitor has agreed to?"""
    match subject:
        case CookieName(name):
            return rules.cookie(name, consent)
        case StorageKey(key):
            return rules.storage(key, consent)
        case InlineScript(text):
            return rules.inline(text, consent)
        case _:
            return rules.request(subject, consent)


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
        signalling: Iterable[str] = (),
    ) -> None:
        self.catalogue = catalogue
        self.signalling = frozenset(signalling)
        """Vendors whose tags may load without consent, since they hold back by themselves; what they store may not."""
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
        self.overrides = (*overrides, *(policy.overrides if policy else ()))
        for override in self.overrides:
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
        signalling: Iterable[str] = (),
    ) -> Rules:
        """The rules of one site; without a published policy the catalogue alone speaks."""
        return cls(
            catalogue, policy, hosts=hosts, overrides=overrides, unknown_cookies=unknown_cookies,
            unknown_third_party=unknown_third_party, exempt_paths=exempt_paths, imports=imports,
            signalling=signalling,
        )  # fmt: skip

    def _add_override(self, override: Override) -> None:
        because = f"override of {override.kind} {override.match}" + (f": {override.reason}" if override.reason else "")
        placeholder = override.placeholder or ("frame" if override.kind == "frame" else None)
        known = Known(because, override.match, override.vendor, override.purpose, placeholder=placeholder)
        if override.kind == "cookie":
            self._override_cookies.add(override.match, known)
        elif override.kind == "storage":
            self._override_keys.add(override.match, known)
        elif is_address(override):
            self._override_urls.add(url_glob(override.match), known)
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
        placeholder = "frame" if kind == "frame" else None
        because = f"unknown third-party {kind} of {host}"
        return Known(because, host, known=False, passes=passes, placeholder=placeholder)

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
        """Third-party hosts that pages may contact, by kind of load; see `policies.browser_rules`."""
        return csp_hosts(self.policy, self.catalogue, self._contacted(), consent, consentable=consentable)

    def browser_rules(self) -> dict[str, object]:
        """What the guard needs, ready for JSON; see `policies.browser_rules`."""
        unknown = dict.fromkeys(sorted(RUNS_CODE), self.unknown_third_party) | {"cookie": self.unknown_cookies}
        return browser_rules(self.policy, self.catalogue, own=self.hosts, unknown=unknown, overrides=self.overrides)

    def _contacted(self) -> Iterator[tuple[str, str, Known]]:
        """(kind of load, host, what it is) of everything that the policy has pages contact."""
        for contact in self._contacts.values():
            known = self._from_contact(contact) if contact.tracker or contact.purpose else None
            for kind in contact.kinds:
                yield kind, contact.host, known or self._unknown_contact(kind, contact.host)

    def _unknown_contact(self, kind: str, host: str) -> Known:
        """A third party that neither policy nor catalogue knows: what is imported of all of it, else the default."""
        request = Request(f"https://{host}/", host, "/", next(iter(self.hosts), ""), kind)
        fact = self.imports.request(request, third_party=True) if self.imports else None
        return self._from_fact(fact) if fact else self._unknown_request(kind, host, exempt=False)


def _remember(memory: dict[Subject, Answer], key: Subject, find: Callable[[], Answer]) -> Answer:
    """A bounded memo: emptied when full, since what a site meets is a short list that fills again at once."""
    if (found := memory.get(key)) is None:
        if len(memory) >= _REMEMBERED:
            memory.clear()
        found = memory[key] = find()
    return found
