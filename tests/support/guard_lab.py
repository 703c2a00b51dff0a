"""Pages with the guard in them, served to one browser: for the guard's tests and for what it costs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from guard_page import ChromiumPages, Page, Site

from policies.purpose import UNDECIDED, Consent
from proxy.guard import ConsentMode, Guard


@dataclass
class Lab:
    """Pages with the guard in them. `T` in a body is the tracker's folder for that page's name."""

    browser: ChromiumPages
    site: Site
    guard: Guard
    served: int = 0
    tab: Page | None = None
    tabs: list[Page] = field(default_factory=list)

    def serve(
        self,
        body: str,
        *,
        consent: Consent = UNDECIDED,
        mode: ConsentMode = "strip",
        nonce: str | None = None,
        headers: dict[str, str] | None = None,
        head: str = "",
        guard: Guard | None = None,
        bare: bool = False,
        times: int = 1,
    ) -> tuple[str, str]:
        """Serve a page; its name and address."""
        self.served += 1
        name = f"page{self.served}"
        guard = guard or self.guard
        for path, asset in guard.assets.items():
            self.site.pages[path] = ({"Content-Type": asset.content_type}, asset.body)
        tags = b"" if bare else guard.tags(consent, nonce=nonce, consent_mode=mode) * times
        text = body.replace("%T%", f"{self.site.tracker}/t/{name}/").replace(
            "%ADS%", f"{self.site.tracker}/t/{name}/".replace("tracker.", "ads.")
        )
        self.site.pages[f"/{name}"] = (
            headers or {},
            b"<!DOCTYPE html><head><title>t</title>" + tags + f"{head}</head><body>{text}</body>".encode(),
        )
        return name, f"{self.site.shop}/{name}"

    async def open(self, body: str, **options: Any) -> tuple[str, Page]:
        """Serve a page and open it in the tab that tests share, with nothing stored."""
        name, url = self.serve(body, **options)
        if self.tab is None:
            self.tab = await self.browser.page()
        await self.tab.open("about:blank")
        await self.tab.call("Network.clearBrowserCookies")
        await self.tab.call("Storage.clearDataForOrigin", origin=self.site.shop, storageTypes="all")
        self.tab.errors.clear()
        await self.tab.open(url)
        return name, self.tab
