"""Identifiers leaving: a cookie's or key's value that shows up in a request to another site, or in a link to one.

A value counts as an identifier from eight characters on, without being a date, a number of seconds, an address or a
plain word (Acar and others, "The Web Never Forgets", 2014, section 5). It is looked for as it is, URL-encoded, in
base64, and hashed (MD5, SHA-1, SHA-256).
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator
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


class IdSharing(Observer):
    name = "id sharing"

    def write(self, draft: Draft) -> None:
        held = {cookie.key[:2]: cookie.value for cookie in draft.jar or ()}
        outgoing = [(hop, host_of(hop.url), hop.url + "\n" + hop.body) for hop in draft.hops]
        leaving_links = [link for link in draft.links if self.scene.third_party(link)]
        found: dict[tuple[str, str, str, str], Technique] = {}
        for (name, domain), value in sorted(held.items()):
            for identifier in sorted(identifiers(value)):
                for text, how in forms(identifier):
                    for hop, host, sent in outgoing:
                        if not same_site(host, domain) and text in sent:
                            key = ("id_sharing", name, domain, host)
                            found.setdefault(key, self._technique(hop, name, domain, host, how))
                    for link in leaving_links:
                        if text in link:
                            host = host_of(link)
                            detail = f"the value of cookie {name} of {domain} is in a link to {host} {how}"
                            found.setdefault(
                                ("link_decoration", name, domain, host),
                                Technique(kind="link_decoration", script="", page=self.scene.url, detail=detail),
                            )
        draft.techniques += found.values()

    def _technique(self, hop: Hop, name: str, domain: str, host: str, how: str) -> Technique:
        return Technique(
            kind="id_sharing",
            script=self.scene.scripts.blame(hop.initiator, fallback=hop.url),
            page=self.scene.url,
            detail=f"the value of cookie {name} of {domain} leaves to {host} {how}",
        )
