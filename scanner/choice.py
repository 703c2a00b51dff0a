"""Choose like a visitor on a site behind our own proxy: post its banner's form, keep the cookie it answers with.

The notice token is read from the page's own banner, so the log shows which notice was answered. The answer is
checked: a choice that did not arrive is an error, never an assumption.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urljoin, urlsplit

from bs4 import BeautifulSoup

from policies.cookie import parse_set_cookie
from scanner.browser.plan import State
from scanner.fetch import Fetched, Fetcher, Hop, Terms
from scanner.jar import Jar
from scanner.visit import PageSeen

CHOICE = "/.samtykke/choice"
PREFERENCES = "/.samtykke/preferences"
COOKIE = "samtykke"


class ChoiceError(Exception):
    """The choice could not be made; the text says at which step and why."""


class NotOursError(ChoiceError):
    """The site shows no banner of ours."""


@dataclass(frozen=True, slots=True)
class Form:
    """The banner's form: where it posts to and the token of the notice it belongs to."""

    action: str
    notice: str


@dataclass(frozen=True, slots=True)
class Chosen:
    """What carries the choice from now on: our own cookies as (name, value), or what a site's own banner keeps.
    `shown` is what that banner itself left behind, which belongs to the start page."""

    cookies: tuple[tuple[str, str], ...] = ()
    state: State = field(default_factory=State)
    shown: PageSeen | None = None

    def header(self) -> bytes:
        return "; ".join(f"{name}={value}" for name, value in self.cookies).encode("latin-1", "replace")


def find_form(html: bytes, url: str) -> Form | None:
    """The banner's form in a page; None where the page has no banner of ours."""
    for form in BeautifulSoup(html, "html.parser").find_all("form"):
        action = urljoin(url, str(form.get("action") or ""))
        token = form.find("input", attrs={"name": "notice"})
        if urlsplit(action).path == CHOICE and token is not None:
            return Form(action, str(token.get("value") or ""))
    return None


def fields(consent: str, form: Form, url: str) -> list[tuple[str, str]]:
    """The form's fields for `reject`, `accept` or purposes joined by commas."""
    purposes = [] if consent in ("reject", "accept") else consent.split(",")
    action = "save" if purposes else consent
    return [
        ("action", action),
        *(("purpose", purpose) for purpose in purposes),
        ("notice", form.notice),
        ("return", urlsplit(url).path or "/"),
    ]


async def choose(
    consent: str,
    url: str,
    fetcher: Fetcher,
    terms: Terms,
    now: Callable[[], float],
    *,
    carrying: tuple[str, str] | None = None,
) -> Chosen:
    """Visit `url` undecided, post the choice. `now` gives UTC epoch seconds. Raises ChoiceError.

    `carrying` is a cookie to bring along, as (name, value).

    A page that is the same for everybody carries no form; then the settings page of the same host does.
    """
    jar = Jar(urlsplit(url).hostname or "")
    if carrying:
        jar.feed("=".join(carrying).encode() + b"; Path=/", url, now())

    def on_hop(hop: Hop) -> None:
        for line in hop.set_cookie:
            jar.feed(line, hop.url, now())

    for address in (url, urljoin(url, PREFERENCES)):
        page = await fetcher.get(address, terms, on_hop=on_hop, cookies=jar.header)
        if page.error or page.last is None:
            raise NotOursError(f"{address}: {page.error or 'no answer'}")
        if form := find_form(page.body, page.last.url):
            wanted = fields(consent, form, url)
            return chosen(await fetcher.post(form.action, wanted, terms, cookies=jar.header(form.action)), form.action)
    raise NotOursError(
        f"{url} shows no banner of ours: --consent {consent} needs a site behind the proxy, or a browser"
    )


def chosen(answer: Fetched, url: str) -> Chosen:
    """The choice as the proxy confirmed it. Raises ChoiceError where it did not."""
    if answer.error or answer.last is None:
        raise ChoiceError(f"{url}: {answer.error or 'no answer'}")
    if answer.last.status not in (200, 303):
        said = answer.body[:200].decode("utf-8", "replace")
        try:
            found = json.loads(answer.body)
            said = str(found.get("error") or found) if isinstance(found, dict) else said
        except ValueError:
            pass
        raise ChoiceError(f"{url} answers {answer.last.status}: {' '.join(said.split())}")
    cookies = []
    for line in answer.last.set_cookie:
        found_cookie = parse_set_cookie(line)
        if found_cookie and found_cookie.name.startswith(COOKIE.encode()) and found_cookie.value:
            cookies.append((found_cookie.name.decode("latin-1"), found_cookie.value.decode("latin-1")))
    if not any(name == COOKIE for name, _ in cookies):
        raise ChoiceError(f"{url} took the choice but set no cookie {COOKIE!r}")
    return Chosen(tuple(cookies))
