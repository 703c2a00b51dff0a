"""One page as a visitor's browser shows it: its HTML once scripts have run. For documents that a script writes.

The same guard as in a scan: what leads inwards is refused unless the address itself does.
"""

from __future__ import annotations

from runtime.resolve import LocalhostResolver
from scanner.addresses import addresses_for, resolver_for
from scanner.browse import Guard
from scanner.browser import Browser, BrowserGone, BrowserSettings, VisitPlan
from scanner.browser.gate import WebSocketGate
from scanner.settings import ScanSettings


async def rendered(url: str, settings: BrowserSettings | None = None) -> str:
    """The settled page's HTML. Raises OSError where no browser starts or stays, or where the page cannot be visited."""
    scan = ScanSettings(url=url)
    resolver = resolver_for(scan)
    addresses = await addresses_for(scan, resolver)
    guarded = LocalhostResolver(resolver, guard=addresses.refusal)
    guard, gate = Guard(addresses, guarded), WebSocketGate(guarded)
    try:
        port = await gate.start()
        chosen = (settings or BrowserSettings()).model_copy(update={"websocket_gate": port})
        async with await Browser.launch(chosen) as browser:
            visit = await browser.visit(scan.url, VisitPlan(markup=True, allow=guard.allows))
    except BrowserGone as error:
        raise OSError(f"{url}: the browser ended") from error
    finally:
        await guard.close()
        await gate.close()
        await resolver.close()
    if visit.page.error:
        raise OSError(f"{url}: {visit.page.error}")
    return visit.markup
