"""Browser mode: real Chromium over its DevTools protocol. All I/O is one pair of pipes and one process.

A visit, in order
    settings         what the operator chooses; `find_chromium`
    launch           the process, its flags and its profile; `disguise` what it says of itself
    gate             the way out for WebSockets, which DevTools cannot hold back
    pipe             the protocol: NUL-ended JSON, answers matched to commands
    browser          one Chromium, a fresh context per visit; start reading here
    plan             what a visit is asked (`VisitPlan`) and brings back (`Visit`)
    targets          what every page, frame and worker is told before it may run
    interception     requests held back: let go, refused, answered with a blank page
    hooks/           the scripts that run before a page's own
    scene            the state of one visit; `bookkeeping` keeps it up to date; `scripts` knows who is to blame
    settling         when the page has come to rest
    consent/         the page's own consent banner: found, and pressed where the plan says so
    observers/       what is looked for, one file each, each failing alone
    lookback         storage of places that no frame shows any more
    requests         one request and its hops; `transfers` what an archive tells of them
    cookies          from writes and jar to rows; `failures` errors in words
"""

from __future__ import annotations

from scanner.browser.browser import Browser
from scanner.browser.pipe import BrowserGone, CommandFailed
from scanner.browser.plan import CookieToSet, FailedRequest, KeyToSet, Pressed, SentCookie, State, Visit, VisitPlan
from scanner.browser.settings import BrowserSettings, find_chromium

__all__ = [
    "Browser",
    "BrowserGone",
    "BrowserSettings",
    "CommandFailed",
    "CookieToSet",
    "FailedRequest",
    "KeyToSet",
    "Pressed",
    "SentCookie",
    "State",
    "Visit",
    "VisitPlan",
    "find_chromium",
]
