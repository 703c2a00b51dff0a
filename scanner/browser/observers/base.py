"""What an observer is. It hears every event of one visit, may look at the live page once at the end, then writes its
own columns of the draft. Whatever it raises costs those columns only, with the reason in the visit's notes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from policies.observation import BannerSeen, ObservedKey, ObservedRequest, PolicyLink, Setter, Technique
from policies.party import same_site
from scanner.browser.cookies import CookieWrite, JarCookie, Key
from scanner.browser.pipe import Json
from scanner.browser.plan import FailedRequest, SentCookie
from scanner.browser.requests import Hop
from scanner.browser.scene import Place, Report, Scene, Session, host_of


@dataclass(slots=True)
class Draft:
    """The visit being written. Later observers may read what earlier ones wrote; None means: could not be seen."""

    writes: list[CookieWrite] = field(default_factory=list)
    jar: list[JarCookie] | None = None
    suspects: dict[Key, Setter] = field(default_factory=dict)
    """Who must have set a cookie whose setting nobody saw."""
    hops: list[Hop] = field(default_factory=list)
    requests: list[ObservedRequest] = field(default_factory=list)
    failed: list[FailedRequest] = field(default_factory=list)
    sent: list[SentCookie] = field(default_factory=list)
    storage: list[ObservedKey] = field(default_factory=list)
    values: dict[tuple[str, str, str], str] = field(default_factory=dict)
    """What keys of web storage hold, cut short, by kind, origin and key."""
    techniques: list[Technique] = field(default_factory=list)
    banners: list[BannerSeen] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    policy_links: list[PolicyLink] = field(default_factory=list)
    console_errors: list[str] = field(default_factory=list)
    title: str = ""
    markup: str = ""
    language: str | None = None
    screenshot: bytes | None = None

    def existed(self, write: CookieWrite) -> bool:
        """Was this cookie in the jar for a while? It left in a request, or its site then had its cookies cleared."""
        name, domain, *_ = write.key
        return any((sent.name, sent.domain, sent.value) == (name, domain, write.value) for sent in self.sent) or any(
            hop.at >= write.at and _clears(hop) and same_site(host_of(hop.url), domain) for hop in self.hops
        )


def _clears(hop: Hop) -> bool:
    """Does the answer ask for cookies to go (Clear-Site-Data)?"""
    asked = hop.header("clear-site-data") or ""
    return '"cookies"' in asked or '"*"' in asked


class Observer:
    """Base of all observers; each method does nothing until overridden."""

    name: ClassVar[str]
    hook: ClassVar[str | None] = None
    """The script under hooks/ that speaks to this observer."""
    hears: ClassVar[frozenset[str]] = frozenset()
    """Methods of DevTools events it wants."""
    says: ClassVar[frozenset[str]] = frozenset()
    """Kinds of hook reports it wants."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene

    def event(self, session: Session, method: str, params: Json) -> None:
        """One DevTools event of one of the visit's targets."""

    def report(self, report: Report) -> None:
        """One message of a hook."""

    async def look(self) -> None:
        """Ask the page, once it has settled."""

    async def look_back(self, past: Scene, places: frozenset[Place]) -> None:
        """Ask blank pages at places that no frame shows any more; frames of `past` elsewhere are not to be asked."""

    def write(self, draft: Draft) -> None:
        """Put what was seen into the draft."""
