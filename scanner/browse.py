"""Look at a page with Chromium, and hand it over in the crawl's shape. A browser that dies is started again.

Names that a page asks for are resolved by ourselves beforehand where they can be; what leads inwards is refused
before the browser asks for it.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Protocol
from urllib.parse import urlsplit

from aiohttp.abc import AbstractResolver

from policies.catalogue import Catalogue
from policies.observation import PageVisit
from runtime.resolve import AddressRefusedError, LocalhostResolver
from scanner.addresses import Addresses
from scanner.aliases import Aliases
from scanner.browser.gate import WebSocketGate
from scanner.browser.plan import CookieToSet, Visit, VisitPlan
from scanner.browser.settings import BrowserSettings
from scanner.choice import Chosen
from scanner.pressing import choose_by_banner
from scanner.settings import ScanSettings
from scanner.visit import PageSeen, Seen, for_the_moment


class Driven(Protocol):
    """A running browser."""

    async def visit(self, url: str, plan: VisitPlan) -> Visit: ...

    async def close(self) -> None: ...


PRESSING = 30.0
"""Seconds that answering a banner may take beyond the visit itself."""

Launch = Callable[[BrowserSettings], Awaitable[Driven]]


def browser_settings(settings: ScanSettings) -> BrowserSettings:
    return BrowserSettings(
        executable=settings.chromium or "",
        third_party_cookies=settings.third_party_cookies == "allowed",
        extra_arguments=settings.chromium_arguments,
        thorough=settings.thorough,
    )


async def browser_visitor(
    settings: ScanSettings,
    addresses: Addresses,
    resolver: AbstractResolver,
    chosen: Chosen,
    launch: Launch | None,
    aliases: Aliases | None = None,
) -> BrowserVisitor:
    """Start the browser. Raises FileNotFoundError or OSError where it does not start."""
    if launch is None:
        from scanner.browser import Browser

        launch = Browser.launch
    guarded = LocalhostResolver(resolver, guard=addresses.refusal)
    visitor = BrowserVisitor(
        settings, Guard(addresses, guarded), chosen, launch, aliases=aliases, gate=WebSocketGate(guarded)
    )
    await visitor.start()
    return visitor


class Guard:
    """Says which addresses the browser may ask for. Host names are resolved once and remembered for the scan."""

    def __init__(self, addresses: Addresses, resolver: AbstractResolver) -> None:
        self._addresses = addresses
        self._resolver = resolver
        self._lookups: dict[str, asyncio.Task[str | None]] = {}

    async def look_up(self, url: str) -> str | None:
        """Why this address must not be visited; None where it may, or where the name is dead anyway."""
        if refusal := self._addresses.refusal_of_url(url):
            return refusal
        host = urlsplit(url).hostname or ""
        if host not in self._lookups:
            self._lookups[host] = asyncio.create_task(self._resolve(host))
        return await asyncio.shield(self._lookups[host])

    def allows(self, url: str) -> bool | Awaitable[bool]:
        """At once where the URL or what is known of its host tells; else something to await."""
        if not url.startswith(("http:", "https:", "ws:", "wss:")):
            return True
        if self._addresses.refusal_of_url(url):
            return False
        known = self._lookups.get(urlsplit(url).hostname or "")
        return known.result() is None if known is not None and known.done() else self._permits(url)

    async def close(self) -> None:
        """Leave no look-up running."""
        for task in self._lookups.values():
            task.cancel()
        await asyncio.gather(*self._lookups.values(), return_exceptions=True)

    async def _permits(self, url: str) -> bool:
        return await self.look_up(url) is None

    async def _resolve(self, host: str) -> str | None:
        try:
            await self._resolver.resolve(host, 0, socket.AF_UNSPEC)
        except AddressRefusedError as error:
            return str(error)
        except OSError:
            return None
        return None


class BrowserVisitor:
    """Visits with one browser, a fresh context each."""

    def __init__(
        self,
        settings: ScanSettings,
        guard: Guard,
        chosen: Chosen,
        launch: Launch,
        *,
        aliases: Aliases | None = None,
        gate: WebSocketGate | None = None,
        patience: float | None = None,
    ) -> None:
        """`patience` is how many seconds one visit may take in all; by default what the settings add up to."""
        self._settings = settings
        self._guard = guard
        self._chosen = chosen
        self._launch = launch
        self._aliases = aliases
        self._gate = gate
        self._wanted = browser_settings(settings)
        self._browser: Driven | None = None
        self._starting = asyncio.Lock()
        idle = self._wanted.idle_seconds * 2 if self._wanted.thorough else 0.0
        self._patience = patience or settings.page_seconds + self._wanted.ceiling_seconds + idle

    async def start(self) -> None:
        """Start the gate, once, and the browser. Raises FileNotFoundError or OSError where one does not start."""
        if self._gate is not None and self._wanted.websocket_gate is None:
            self._wanted = self._wanted.model_copy(update={"websocket_gate": await self._gate.start()})
        self._browser = await self._launch(self._wanted)

    async def close(self) -> None:
        if self._browser is not None:
            await self._browser.close()
        if self._gate is not None:
            await self._gate.close()
        await self._guard.close()

    async def choose(self, consent: str, catalogue: Catalogue) -> None:
        """Press the start page's own banner; later visits come from a visitor who has chosen. Raises ChoiceError."""
        self._chosen = await choose_by_banner(consent, self._settings.url, self._visit, catalogue)

    async def visit(self, url: str) -> Seen:
        own = tuple(CookieToSet(name, value, self._settings.url) for name, value in self._chosen.cookies)
        start = url == self._settings.url
        state = self._chosen.state
        plan = VisitPlan(
            cookies=(*own, *state.cookies), keys=state.keys, screenshot=start, transfers=self._settings.transfers
        )
        seen = seen_of(await self._visit(url, plan))
        return with_banner(seen, self._chosen.shown) if start and self._chosen.shown else seen

    async def _visit(self, url: str, plan: VisitPlan) -> Visit:
        """One visit within the scan's limits; whatever goes wrong is a page with a reason."""
        if refusal := await self._guard.look_up(url):
            return Visit(PageVisit(url=url, error=f"refused: {refusal}"))
        aliases = self._aliases.of if self._aliases is not None else None
        plan = replace(plan, headers=self._settings.headers, allow=self._guard.allows, aliases=aliases)
        browser = self._browser
        patience = self._patience + (PRESSING if plan.press else 0.0)
        try:
            if browser is None:
                raise ConnectionError("the browser is gone")
            return await asyncio.wait_for(browser.visit(url, plan), patience)
        except TimeoutError:
            return Visit(PageVisit(url=url, error=f"timed out: no whole visit within {patience:g} s"))
        except OSError as error:  # BrowserGone among them
            await self._restart(browser)
            return Visit(PageVisit(url=url, error=f"the browser crashed: {error}"))

    async def _restart(self, dead: Driven | None) -> None:
        """Start a new browser, once for all the pages that lost the old one."""
        async with self._starting:
            if self._browser is not dead:
                return
            if dead is not None:
                await dead.close()
            self._browser = None
            await self.start()


def with_banner(seen: Seen, shown: PageSeen) -> Seen:
    """The start page together with what its banner left behind when it was pressed."""
    here = seen.result
    told = {(cookie.name, cookie.domain, cookie.path) for cookie in here.cookies}
    kept = {(key.kind, key.origin, key.key) for key in here.storage}
    result = here.model_copy(
        update={
            "cookies": (*here.cookies, *(c for c in shown.cookies if (c.name, c.domain, c.path) not in told)),
            "storage": (*here.storage, *(k for k in shown.storage if (k.kind, k.origin, k.key) not in kept)),
            "banners": (*here.banners, *shown.banners),
        }
    )
    return replace(seen, result=result)


def seen_of(visit: Visit) -> Seen:
    """The crawl's shape of a browser's visit."""
    return Seen(
        PageSeen(
            page=visit.page,
            cookies=visit.cookies,
            storage=visit.storage,
            requests=visit.requests,
            techniques=visit.techniques,
            banners=visit.banners,
            policy_links=visit.policy_links,
        ),
        links=visit.links,
        screenshot=visit.screenshot,
        for_the_moment=for_the_moment(visit.page),
    )
