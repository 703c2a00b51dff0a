"""What one visit proves: which trackers got through without consent. Pure: a visit, the rules and the consent in.

A request that was blocked on its way (guard, CSP) is no leak. A third party that nobody knows is listed as unknown,
unless the rules would have stopped it: then it is a leak, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit

from policies.attribution import RECOGNISES_BROWSERS
from policies.drafting import KIND_OF_TYPE
from policies.observation import ObservedRequest, Setter
from policies.purpose import Consent
from policies.rules import OWN_COOKIES, Rules
from policies.verdict import Request, Verdict
from scanner.browser import Visit

LeakKind = Literal["request", "cookie_set", "cookie_sent", "storage", "technique"]
WEB = ("http", "https", "ws", "wss")


@dataclass(frozen=True, slots=True, order=True)
class Leak:
    """One tracker that got through. `subject` is a URL, cookie name or storage key; `by` whoever did it first: a script
    with its line, an answer, a field of it, or where it was sent. Two that differ in that alone are one."""

    kind: LeakKind
    subject: str
    because: str
    by: str = field(default="", compare=False)


def leaks_of(visit: Visit, rules: Rules, consent: Consent) -> tuple[tuple[Leak, ...], tuple[str, ...]]:
    """(leaks, unknown third-party hosts that were contacted), each sorted and without repeats."""
    page = urlsplit(visit.page.final_url or visit.page.url)
    host, path = page.hostname or "", page.path or "/"
    leaks: set[Leak] = set()
    unknown: set[str] = set()
    for request in visit.requests:
        if request.blocked or not request.url.startswith(WEB):
            continue
        verdict = _judge_request(request, host, path, rules, consent)
        if not verdict.allowed:
            leaks.add(Leak("request", request.url, verdict.because, _from(request)))
        elif not verdict.known:
            unknown.add(urlsplit(request.url).hostname or request.url)
    for cookie in visit.cookies:
        if cookie.state in {"stored", "overwritten"} and cookie.name not in OWN_COOKIES:
            verdict = rules.cookie(cookie.name, consent, _hosts(cookie.set_by))
            leaks |= _refused("cookie_set", cookie.name, verdict, _by(cookie.set_by))
    for sent in visit.sent_cookies:
        if sent.name not in OWN_COOKIES:
            leaks |= _refused("cookie_sent", sent.name, rules.cookie(sent.name, consent), f"to {_short(sent.url)}")
    for key in visit.storage:
        leaks |= _refused("storage", key.key, rules.storage(key.key, consent), _by(key.set_by))
    leaks |= set(_techniques(visit, host, path, rules, consent))
    return tuple(sorted(leaks)), tuple(sorted(unknown))


def _judge_request(request: ObservedRequest, host: str, path: str, rules: Rules, consent: Consent) -> Verdict:
    parts = urlsplit(request.url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    kind = KIND_OF_TYPE.get(request.type, "connect")
    if request.type == "document" and parts.hostname == host:
        kind = "document"
    return rules.request(Request(request.url, parts.hostname or "", target, host, kind, path), consent)


def _techniques(visit: Visit, host: str, path: str, rules: Rules, consent: Consent) -> Iterable[Leak]:
    for technique in visit.techniques:
        script = urlsplit(technique.script)
        if technique.kind in RECOGNISES_BROWSERS and script.hostname:
            asked = Request(technique.script, script.hostname, script.path or "/", host, "script", path)
            verdict = rules.request(asked, consent)
            if not verdict.allowed:
                yield Leak("technique", technique.script, f"{technique.kind}: {verdict.because}")


def _refused(kind: LeakKind, subject: str, verdict: Verdict, by: str) -> set[Leak]:
    return set() if verdict.allowed else {Leak(kind, subject, verdict.because, by)}


def _from(request: ObservedRequest) -> str:
    if request.redirected_from:
        return f"redirected from {_short(request.redirected_from)}"
    frame = next((frame for frame in request.initiator if frame.url), None)
    return f"by {_short(frame.url)}:{frame.line}" if frame else "by the document"


def _by(setters: Sequence[Setter]) -> str:
    setter = next(iter(setters), None)
    if setter is None:
        return ""
    return f"by {'the answer of ' if setter.kind == 'http' else ''}{_short(setter.url)}"


def _short(url: str) -> str:
    """Without its query, which says nothing about who."""
    return url.partition("?")[0]


def _hosts(setters: Iterable[Setter]) -> tuple[str, ...]:
    return tuple(host for setter in setters if (host := urlsplit(setter.url).hostname))
