"""Identifiers leaving: a cookie's or key's value that shows up in a request to another site, or in a link to one; and
links to other sites that carry a parameter which is known to follow visitors.

A value counts as an identifier from eight characters on, without being a date, a number of seconds, an address or a
plain word (Acar and others, "The Web Never Forgets", 2014, section 5). It is looked for as it is, URL-encoded, in
base64, and hashed (MD5, SHA-1, SHA-256). Storage holds settings, texts and versions as well, so that of a key's value
only parts count which look made by chance: four digits or more, no version, no date, no part of the key's own name.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote, unquote

from policies.observation import Technique
from policies.party import same_site
from scanner.browser.observers.base import Draft, Observer
from scanner.browser.requests import Hop
from scanner.browser.scene import host_of

_PARTS = re.compile(r"[&=|:;,!~%\s\"'{}\[\]]+")
_TIME = re.compile(r"1[5-9]\d{8}(\d{3}|\.\d+)?")
_PLAIN = re.compile(r"[A-Za-z]+|[A-Za-z][a-z]+([-_][a-z]+)+|\d{1,7}|https?:.*|/.*|true|false|[\w.-]+\.[a-z]{2,6}")
_ADDRESS = re.compile(r"(?:https?:)?//[^\s\"'?#]*")
"""An address up to its query: what it consists of tells pages apart, not visitors."""
_VERSIONED = re.compile(r"^[A-Za-z]{1,3}\d?\.\d{1,2}\.(.+)$")
"""Google's and Meta's prefixes: GA1.2.<id>, fb.1.<id>."""
SHORTEST = 8


def identifiers(value: str) -> set[str]:
    """The parts of a value that can tell one visitor from another."""
    text = _ADDRESS.sub(" ", unquote(value))
    whole = {text} | ({versioned[1]} if (versioned := _VERSIONED.match(text)) else set())
    parts = whole | {part for each in whole for part in _PARTS.split(each)}
    return {
        part
        for part in parts
        if SHORTEST <= len(part) <= 512 and not _TIME.fullmatch(part) and not _PLAIN.fullmatch(part)
    }


def forms(identifier: str) -> Iterator[tuple[str, str]]:
    """The identifier as it may travel: the text to look for, and how it is hidden."""
    raw = identifier.encode()
    yield identifier, "as it is"
    yield quote(identifier, safe=""), "URL-encoded"
    yield base64.b64encode(raw).decode().rstrip("="), "in base64"
    for name in ("md5", "sha1", "sha256"):
        yield hashlib.new(name, raw, usedforsecurity=False).hexdigest(), f"as {name.upper()}"


_MADE_BY_CHANCE = re.compile(r"(?=(?:\D*\d){4})[\w.=+/-]{8,128}")
_TELLING = re.compile(r"v?\d{1,4}(\.\d{1,5}){1,3}([-+].*)?|\d{4}-\d\d-\d\d.*|[A-Za-z]+/[\d.]+")
"""A version, a date, a product with its version."""
_MOST = 40
"""Parts of one stored value that are looked for."""
_STORAGE = {"local": "localStorage", "session": "sessionStorage"}

DECORATING = frozenset(
    (
        *("gclid", "dclid", "gbraid", "wbraid", "gclsrc", "_gl", "srsltid"),  # Google
        *("fbclid", "igshid", "igsh", "msclkid", "ttclid", "twclid", "li_fat_id", "epik", "rdt_cid", "sccid"),
        *("yclid", "_openstat", "ysclid", "mc_eid", "mkt_tok", "_hsenc", "_hsmi", "__hssc", "__hstc", "__hsfp"),
        *("vero_id", "oly_enc_id", "oly_anon_id", "wickedid", "rb_clickid", "s_cid", "irclickid", "cjevent"),
        *("tblci", "obclickid", "obclid", "_kx", "trk_contact", "ml_subscriber_hash", "ndclid", "qclid"),
    )
)
"""Parameters that carry an identifier of a visitor or a click, lower case, by their owners' documentation."""


@dataclass(frozen=True, slots=True)
class _Held:
    """One value the visitor's browser keeps: what to call it, whose it is, the parts that can tell a visitor."""

    called: str
    place: tuple[str, str, str]
    host: str
    parts: frozenset[str]


class IdSharing(Observer):
    name = "id sharing"

    def write(self, draft: Draft) -> None:
        outgoing = [(hop, host_of(hop.url), hop.url + "\n" + hop.body) for hop in draft.hops]
        links = [link for link in draft.links if self.scene.third_party(link)]
        haystack = "\n".join([sent for _, _, sent in outgoing] + links)
        found: dict[tuple[str, ...], Technique] = {}
        for held in (*_cookies(draft), *_keys(draft)):
            for part in sorted(held.parts):
                for text, how in forms(part):
                    if text not in haystack:
                        continue
                    for hop, host, sent in outgoing:
                        if not same_site(host, held.host) and text in sent:
                            key = ("id_sharing", *held.place, host)
                            found.setdefault(key, self._technique(hop, held, host, how))
                    for link in links:
                        if text in link:
                            host = host_of(link)
                            detail = f"the value of {held.called} is in a link to {host} {how}"
                            found.setdefault(("link", *held.place, host), self._decoration(detail))
        for link in links:
            for name in sorted(_decorations(link)):
                host = host_of(link)
                found.setdefault(("parameter", name, host), self._decoration(f"a link to {host} carries {name}"))
        draft.techniques += found.values()

    def _technique(self, hop: Hop, held: _Held, host: str, how: str) -> Technique:
        return Technique(
            kind="id_sharing",
            script=self.scene.scripts.blame(hop.initiator, fallback=hop.url),
            page=self.scene.url,
            detail=f"the value of {held.called} leaves to {host} {how}",
        )

    def _decoration(self, detail: str) -> Technique:
        return Technique(kind="link_decoration", script="", page=self.scene.url, detail=detail)


def _cookies(draft: Draft) -> Iterator[_Held]:
    held = {cookie.key[:2]: cookie.value for cookie in draft.jar or ()}
    for (name, domain), value in sorted(held.items()):
        called = f"cookie {name} of {domain}"
        yield _Held(called, ("cookie", name, domain), domain, frozenset(identifiers(value)))


def _keys(draft: Draft) -> Iterator[_Held]:
    names = " ".join(key for _, _, key in draft.values)
    for (kind, origin, key), value in sorted(draft.values.items()):
        likely = [part for part in sorted(identifiers(value)) if _likely(part) and part not in names]
        called = f"{_STORAGE[kind]} key {key} of {origin}"
        yield _Held(called, (kind, origin, key), host_of(origin), frozenset(likely[:_MOST]))


def _likely(part: str) -> bool:
    return _MADE_BY_CHANCE.fullmatch(part) is not None and _TELLING.fullmatch(part) is None


def _decorations(link: str) -> set[str]:
    query = link.partition("#")[0].partition("?")[2]
    pairs = (pair.partition("=") for pair in query.split("&"))
    return {name.lower() for name, _, value in pairs if value and name.lower() in DECORATING}
