"""What runs in the visitor's browser against what pages do at run time. Packaged scripts are read once, at load.

Reading order
    tables       one site's rules as the guard reads them: grouped by purpose and vendor, as short as can be
    guard.js     first script in `head`: refuses what was not agreed to (its opening comment: how each call ends)
    corners.js   second: the same for markup as text, sockets, workers, style sheets, cookies, keys, databases
    activate.js  with it: brings back what is agreed to now, takes back what no longer is, Consent Mode, the page's API
    frames.js    with it: what stands in for a held frame with content
    shorten      shorter names, after rjsmin has taken comments and blank space out

`guard_assets` is what to serve for ever under hash-named addresses, `guard_tags` what to write into `head`.
"""

from __future__ import annotations

import json
from base64 import b64encode
from dataclasses import dataclass
from functools import cache, lru_cache
from hashlib import sha256
from html import escape
from importlib.resources import files
from typing import Literal, Protocol

import rjsmin

from policies.purpose import CONSENTABLE, Consent
from proxy.guard.shorten import shorten
from proxy.guard.tables import tables

FOLDER = "/.samtykke/assets/"
_RULES_PLACE = "'RULES'"


ConsentMode = Literal["strip", "signals"]


class HasBrowserRules(Protocol):
    """Anything that can say one site's rules as JSON-ready data: `policies.rules.Rules`."""

    def __hash__(self) -> int: ...

    def browser_rules(self) -> dict[str, object]:
        """Hosts, paths, cookies, storage keys, inline signatures, own hosts, defaults and tag managers."""


@dataclass(frozen=True, slots=True)
class Asset:
    """One file served as immutable; `integrity` is its Subresource Integrity value, a CSP source as well."""

    body: bytes
    content_type: str
    integrity: str


@dataclass(frozen=True, slots=True)
class Guard:
    """One site's guard, ready to serve: two addresses with their files."""

    guard_path: str
    activate_path: str
    assets: dict[str, Asset]

    def tags(self, consent: Consent, *, nonce: str | None, consent_mode: ConsentMode) -> bytes:
        """The two script elements, first in `head`. `nonce` is the page's own CSP nonce, or ours."""
        granted = [purpose.value for purpose in CONSENTABLE if purpose in consent.purposes]
        state = json.dumps({"purposes": granted, "vendors": dict(consent.vendors)}, separators=(",", ":"))
        more = f" data-mode={consent_mode} data-state='{escape(state, quote=False).replace(chr(39), '&#39;')}'"
        return self._tags(nonce, more)

    def shared_tags(self, *, nonce: str | None, consent_mode: ConsentMode) -> bytes:
        """The same for a page that every visitor gets: the guard asks what was granted, where the visitor chose."""
        return self._tags(nonce, f" data-mode={consent_mode}")

    def _tags(self, nonce: str | None, more: str) -> bytes:
        both = self._tag(self.guard_path, nonce, more) + self._tag(self.activate_path, nonce, "")
        return both.encode("ascii", "xmlcharrefreplace")

    def _tag(self, path: str, nonce: str | None, more: str) -> str:
        allowed = f' nonce="{escape(nonce)}"' if nonce else ""
        return f'<script src="{path}" integrity="{self.assets[path].integrity}"{more}{allowed}></script>'


@lru_cache(maxsize=32)  # one for each site's policy in force, and those that are just being replaced
def guard_of(rules: HasBrowserRules) -> Guard:
    """Compile one site's guard; remembered as long as its rules are in use."""
    first, second = tables(rules.browser_rules(), _exempt_paths(rules))
    guard_path, guard = _asset("guard", _source("guard.js").replace(_RULES_PLACE, first, 1))
    corners = _source("corners.js").replace(_RULES_PLACE, second, 1)
    activate_path, activate = _asset("activate", "\n".join((corners, _source("activate.js"), _source("frames.js"))))
    return Guard(guard_path, activate_path, {guard_path: guard, activate_path: activate})


def guard_tags(rules: HasBrowserRules, consent: Consent, *, nonce: str | None, consent_mode: ConsentMode) -> bytes:
    """What to write first into `head` for a visitor with this consent. `consent_mode` is strip or signals."""
    return guard_of(rules).tags(consent, nonce=nonce, consent_mode=consent_mode)


def guard_assets(rules: HasBrowserRules) -> dict[str, Asset]:
    """The files that those tags name, by path: to be served as immutable."""
    return guard_of(rules).assets


def _exempt_paths(rules: HasBrowserRules) -> tuple[str, ...]:
    return tuple(getattr(rules, "exempt_paths", ()))


def _asset(stem: str, text: str) -> tuple[str, Asset]:
    body = text.encode()
    digest = sha256(body)
    integrity = f"sha256-{b64encode(digest.digest()).decode()}"
    return f"{FOLDER}{stem}.{digest.hexdigest()[:16]}.js", Asset(body, "text/javascript; charset=utf-8", integrity)


@cache
def _source(name: str) -> str:
    minified = rjsmin.jsmin(files("proxy.guard").joinpath(name).read_text(encoding="utf-8"))
    return shorten(minified if isinstance(minified, str) else minified.decode())
