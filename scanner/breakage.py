"""What is broken behind the proxy and not on the site itself: script errors, failed requests, trackers that stay away.

A page may stumble once, so what seems broken is looked at twice. The words for one fault may differ between two looks
(a reason, a number in an address); each fault has a key that does not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

from policies.purpose import ACCEPT, REJECT, Consent
from policies.rules import OWN_COOKIES, Rules
from scanner.browser import Visit

Breakage = Mapping[str, str]
"""Faults in words, by key."""

STOPPED = ("Content Security Policy", "ERR_BLOCKED_BY", "net::ERR_FAILED")
"""Words of console messages that only say that something was stopped, as it should be."""
_PAGE = "page"


def broken(visit: Visit, direct: Visit, rules: Rules, consent: Consent) -> Breakage:
    """What this visit lacks of what the site itself showed at `direct`."""
    found = {**_errors(visit, direct), **_failed(visit, direct)}
    if visit.page.error:
        found[_PAGE] = f"the page failed: {visit.page.error}"
    if consent == ACCEPT:
        found |= _missing(visit, direct, rules)
    return found


def broken_twice(first: Breakage, again: Breakage) -> Breakage:
    """What was so at both looks. A page that failed at one of them was looked at once only: the other one counts; one
    that failed at the second look or at both is told."""
    if _PAGE in again:
        return {**first, **again}
    if _PAGE in first:
        return again
    return {key: words for key, words in first.items() if key in again}


def third_parties(visit: Visit) -> set[str]:
    """The hosts of other parties that were reached."""
    loaded = (request for request in visit.requests if request.third_party and not request.blocked)
    return {urlsplit(request.url).hostname or "" for request in loaded}


def _errors(visit: Visit, direct: Visit) -> Breakage:
    known = {_words(error) for error in direct.console_errors}
    told = (error for error in visit.console_errors if not any(mark in error for mark in STOPPED))
    return {
        f"error {re.sub(r'[0-9]+', '', _words(error))}": f"script error: {error}"
        for error in told
        if _words(error) not in known
    }


def _failed(visit: Visit, direct: Visit) -> Breakage:
    """First-party requests that failed or were answered by an error."""
    host = urlsplit(visit.page.final_url or visit.page.url).hostname
    before = {urlsplit(failed.url).path for failed in direct.failed_requests} | {path for path, *_ in _refused(direct)}
    found = {}
    for failed in visit.failed_requests:
        parts = urlsplit(failed.url)
        stopped = any(mark in failed.reason for mark in (*STOPPED, "csp", "inspector"))
        if parts.hostname == host and parts.path not in before and not stopped:
            found[f"failed {parts.path}"] = f"failed: {failed.url} ({failed.reason})"
    for path, url, status in _refused(visit):
        if path not in before:
            found[f"failed {path}"] = f"failed: {url} (answers {status})"
    return found


def _refused(visit: Visit) -> Iterable[tuple[str, str, int]]:
    """First-party requests that were answered by an error: path, address, status."""
    for request in visit.requests:
        if not request.third_party and not request.blocked and (request.status or 0) >= 400:
            yield urlsplit(request.url).path, request.url, request.status or 0


def _missing(visit: Visit, direct: Visit, rules: Rules) -> Breakage:
    """Trackers of the site itself that stay away although everything was accepted."""
    absent = sorted(third_parties(direct) - third_parties(visit))
    names = {cookie.name for cookie in visit.cookies}
    for cookie in direct.cookies:
        gone = cookie.state == "stored" and cookie.name not in names and cookie.name not in OWN_COOKIES
        if gone and not rules.cookie(cookie.name, REJECT).allowed:
            absent.append(f"cookie {cookie.name}")
    return {f"missing {one}": f"missing after accept: {one}" for one in absent}


def _words(error: str) -> str:
    """An error without the addresses in it, which differ between the site and the proxy."""
    return " ".join(word for word in error.split() if "://" not in word)
