"""Prove that nothing leaks: visit the site through the proxy in every consent state, beside the site itself.

Each choice is made by posting the banner's own form, like a visitor. A cell of the answer is one state on one page:
its leaks, what is broken there at two visits that is not broken on the site itself, and third parties that nobody
knows. What a page does not show is read off the answer itself (`scanner.wire`).
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any
from urllib.parse import urljoin, urlsplit, urlunsplit

from policies.observation import PageVisit, Scan
from policies.purpose import ACCEPT, CONSENTABLE, REJECT, UNDECIDED, Consent
from policies.rules import PROVING_COOKIE, Rules
from scanner.addresses import addresses_for, resolver_for
from scanner.breakage import Breakage, broken, broken_twice, third_parties
from scanner.browse import browser_settings
from scanner.browser import Browser, CookieToSet, Visit, VisitPlan
from scanner.choice import Chosen, choose
from scanner.fetch import Fetcher, Terms
from scanner.leaks import Leak, leaks_of
from scanner.settings import ScanSettings
from scanner.wire import Answer, Planted, ask, leaks_on_the_wire, passed_on, plant

AT_ONCE = 2
PROVING = (PROVING_COOKIE, "prove")


@dataclass(frozen=True, slots=True)
class State:
    """One kind of visitor. `choice` is what he posts: reject, accept or a purpose; None posts nothing."""

    name: str
    consent: Consent
    choice: str | None = None
    gpc: bool = False
    javascript: bool = True


STATES: tuple[State, ...] = (
    State("undecided", UNDECIDED),
    State("reject", REJECT, "reject"),
    *(State(purpose.value, Consent.of([purpose]), purpose.value) for purpose in CONSENTABLE),
    State("accept", ACCEPT, "accept"),
    State("gpc", REJECT, gpc=True),
    State("noscript", UNDECIDED, javascript=False),
)


@dataclass(frozen=True, slots=True)
class Looked:
    """What a cell rests on: requests that left, those of them to third parties and to which hosts, cookies stored, how
    many left with requests, keys of storage; header fields of the answer, and trackers' cookies planted to see whether
    they reach the site. `at` is when (UTC, ISO 8601)."""

    at: str = ""
    requests: int = 0
    third_party: int = 0
    hosts: tuple[str, ...] = ()
    cookies: tuple[str, ...] = ()
    sent_cookies: int = 0
    keys: tuple[str, ...] = ()
    fields: int = 0
    planted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Cell:
    """What one state showed on one page."""

    state: str
    page: str
    leaks: tuple[Leak, ...] = ()
    breakage: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    looked: Looked = Looked()


@dataclass(frozen=True, slots=True)
class Proof:
    """The `prove` JSON of the contract. `policy_hash` is None where the catalogue alone was judged by."""

    policy_hash: str | None
    cells: tuple[Cell, ...] = ()
    started: str = ""
    url: str = ""
    direct: str = ""
    notes: tuple[str, ...] = field(default=())

    @property
    def leaks(self) -> bool:
        return any(cell.leaks for cell in self.cells)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def digest(self) -> str:
        """SHA-256 of the JSON in its canonical form (keys sorted, no blanks, UTF-8): what the consent log keeps."""
        text = json.dumps(self.to_json(), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Task:
    """What to prove. `direct` is the site without the proxy; `mapping` is Chromium's --host-resolver-rules for it."""

    settings: ScanSettings
    direct: str
    pages: int = 5
    states: tuple[State, ...] = STATES
    mapping: str = ""


Report = Callable[[str], None]


async def prove(
    task: Task, rules_of: Callable[[Scan], Rules], *, now: Callable[[], datetime], report: Report | None = None
) -> Proof:
    """Visit everything. `rules_of` makes the rules to judge by, given what the site itself showed.

    Raises OSError where the browser does not start or the site cannot be reached, ChoiceError where a choice could
    not be made.
    """
    say = report or (lambda _: None)
    started = now()
    settings = task.settings
    names = resolver_for(settings, None)
    addresses = await addresses_for(settings, names)
    direct_settings = browser_settings(settings)
    if task.mapping:
        direct_settings = direct_settings.model_copy(update={"host_resolver_rules": task.mapping})
    async with await Browser.launch(direct_settings) as browser:
        baseline = await _baseline(browser, task, say)
    seen = _as_scan(task.direct, started, baseline.values())
    rules = rules_of(seen)
    async with AsyncExitStack() as stack:
        fetcher = await stack.enter_async_context(Fetcher(settings, addresses, names))
        browser = await stack.enter_async_context(await Browser.launch(browser_settings(settings)))
        terms = Terms(settings.page_seconds, settings.page_bytes, settings.max_redirects)
        turn = asyncio.Semaphore(AT_ONCE)

        async def look(state: State, chosen: Chosen, path: str, direct: Visit) -> tuple[Cell, Answer | None]:
            async with turn:
                url = urljoin(settings.url, path)
                plan = _plan(state, chosen, settings)
                looks = [await browser.visit(url, plan)]
                breakage = broken(looks[0], direct, rules, state.consent)
                if breakage:
                    looks.append(await browser.visit(url, plan))
                    breakage = broken_twice(breakage, broken(looks[1], direct, rules, state.consent))
                cell = _cell(state, path, looks, breakage, rules)
                planted = plant(_names(direct), rules, state.consent, f"{started.isoformat()} {state.name} {path}")
                carrying = (*chosen.cookies, PROVING)
                answer = await ask(url, fetcher, terms, carrying=carrying, planted=planted, gpc=state.gpc)
                cell = _with_answer(cell, answer, rules, state, planted)
                at = now().isoformat(timespec="seconds")
                cell = replace(cell, looked=replace(cell.looked, at=at))
                say(f"{state.name} {path}: {len(cell.leaks)} leaks, {len(cell.breakage)} broken")
                return cell, answer and replace(answer, body=b"")

        choices = {state: Chosen(()) for state in task.states}
        for state in task.states:
            if state.choice:
                choices[state] = await choose(
                    state.choice, settings.url, fetcher, terms, lambda: now().timestamp(), carrying=PROVING
                )
        looked = await asyncio.gather(
            *(look(state, choices[state], path, direct) for state in task.states for path, direct in baseline.items())
        )
    notes = tuple(f"{path}: {note}" for path, visit in baseline.items() for note in visit.notes)
    return Proof(
        policy_hash=rules.policy_hash,
        cells=_beside_caches(looked),
        started=started.isoformat(timespec="seconds"),
        url=settings.url,
        direct=task.direct,
        notes=notes,
    )


async def _baseline(browser: Browser, task: Task, say: Report) -> dict[str, Visit]:
    """The sample of pages as the site itself shows them, by path."""
    first = await browser.visit(task.direct)
    if first.page.error:
        raise ConnectionError(f"{task.direct}: {first.page.error}")
    start = urlsplit(task.settings.url).path or "/"
    visits = {start: first}
    for path in _sample(first, task.pages - 1):
        if path not in visits:
            visit = await browser.visit(urljoin(task.direct, path))
            if visit.page.error is None:
                visits[path] = visit
    say(f"{len(visits)} pages of {task.direct} as they are without the proxy")
    return visits


def _sample(first: Visit, count: int) -> list[str]:
    """Paths of the same host that the page links to, in document order."""
    host = urlsplit(first.page.final_url or first.page.url).netloc
    paths: list[str] = []
    for link in first.links:
        parts = urlsplit(link)
        path = urlunsplit(("", "", parts.path or "/", parts.query, ""))
        if parts.netloc == host and path not in paths and path != (urlsplit(first.page.url).path or "/"):
            paths.append(path)
    return paths[:count]


def _plan(state: State, chosen: Chosen, settings: ScanSettings) -> VisitPlan:
    cookies = tuple(CookieToSet(name, value, settings.url) for name, value in (*chosen.cookies, PROVING))
    return VisitPlan(cookies=cookies, headers=settings.headers, gpc=state.gpc, javascript=state.javascript)


def _cell(state: State, path: str, looks: Sequence[Visit], breakage: Breakage, rules: Rules) -> Cell:
    """What leaked at one look has leaked."""
    judged = [leaks_of(visit, rules, state.consent) for visit in looks]
    shown = next((visit for visit in looks if not visit.page.error), looks[0])
    return Cell(
        state.name,
        path,
        tuple(sorted({leak for leaks, _ in judged for leak in leaks})),
        tuple(sorted(set(breakage.values()))),
        tuple(sorted({host for _, unknown in judged for host in unknown})),
        _looked(shown),
    )


def _names(direct: Visit) -> Iterable[str]:
    return (cookie.name for cookie in direct.cookies if cookie.state == "stored")


def _with_answer(cell: Cell, answer: Answer | None, rules: Rules, state: State, planted: Planted) -> Cell:
    if answer is None:
        return cell
    leaks = {leak for leak in leaks_on_the_wire(answer, rules, state.consent, planted) if not _is_told(leak, cell)}
    looked = replace(cell.looked, fields=len(answer.fields), planted=tuple(name for name, _ in planted.cookies))
    return replace(cell, leaks=tuple(sorted({*cell.leaks, *leaks})), looked=looked)


def _is_told(leak: Leak, cell: Cell) -> bool:
    """Has the browser shown it already?"""
    return any((told.kind, told.subject) == (leak.kind, leak.subject) for told in cell.leaks)


def _beside_caches(looked: Sequence[tuple[Cell, Answer | None]]) -> tuple[Cell, ...]:
    """The cells, each page held against the one that was made for a visitor without any choice."""
    bare = {cell.page: answer for cell, answer in looked if cell.state == "undecided" and answer is not None}
    found = []
    for cell, answer in looked:
        if answer is not None and cell.page in bare and (leak := passed_on(answer, bare[cell.page])):
            cell = replace(cell, leaks=tuple(sorted({*cell.leaks, leak})))
        found.append(cell)
    return tuple(found)


def _looked(visit: Visit) -> Looked:
    left = [request for request in visit.requests if not request.blocked]
    return Looked(
        requests=len(left),
        third_party=sum(request.third_party for request in left),
        hosts=tuple(sorted(third_parties(visit))),
        cookies=tuple(sorted({cookie.name for cookie in visit.cookies if cookie.state == "stored"})),
        sent_cookies=len(visit.sent_cookies),
        keys=tuple(sorted({key.key for key in visit.storage})),
    )


def _as_scan(url: str, started: datetime, visits: Iterable[Visit]) -> Scan:
    seen: Sequence[Visit] = tuple(visits)
    return Scan(
        site=url,
        started=started.isoformat(timespec="seconds"),
        mode="browser",
        pages=tuple(PageVisit(url=visit.page.url, status=visit.page.status) for visit in seen),
        cookies=tuple(cookie for visit in seen for cookie in visit.cookies),
        storage=tuple(key for visit in seen for key in visit.storage),
        requests=tuple(request for visit in seen for request in visit.requests),
        techniques=tuple(technique for visit in seen for technique in visit.techniques),
    )
