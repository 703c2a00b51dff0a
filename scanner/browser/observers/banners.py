"""Consent banners that the site itself shows: known tools by their own elements, others by look and words.

Unknown ones: an element that stays in view (fixed, sticky, or a dialog), speaks of cookies or consent in one of ten
languages, and has at least one button.
"""

from __future__ import annotations

from policies.observation import BannerSeen
from scanner.browser.consent import finding
from scanner.browser.consent.closed import reach_closed_roots
from scanner.browser.observers.base import Draft, Observer
from scanner.browser.scene import Report, Scene


class Banners(Observer):
    name = "consent banners"
    hook = "shadow_roots"
    says = frozenset({"closed-root"})

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self._seen: list[BannerSeen] = []

    def report(self, report: Report) -> None:
        self.scene.closed_roots = True

    async def look(self) -> None:
        await reach_closed_roots(self.scene)
        for _, found in await self.scene.evaluate_everywhere(finding()):
            if found:
                seen = BannerSeen(page=self.scene.url, tool=found["tool"], buttons=tuple(found["buttons"]))
                if seen not in self._seen:
                    self._seen.append(seen)

    def write(self, draft: Draft) -> None:
        draft.banners = self._seen
