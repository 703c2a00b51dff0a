"""What the settled page itself shows: title, language, links, and its picture where asked for."""

from __future__ import annotations

import base64

from policies.observation import PolicyLink
from scanner.browser.observers.base import Draft, Observer
from scanner.browser.scene import Scene
from scanner.policy_links import SUBJECT

_ASK = """({title: document.title.slice(0, 500), language: document.documentElement.lang || null,
  links: [...new Set([...document.querySelectorAll('a[href], area[href]')].slice(0, 5000).map((link) =>
    typeof link.href === 'string' ? link.href : String(link.href.baseVal)))],
  policies: [...document.querySelectorAll('a[href]')].slice(0, 5000)
    .map((link) => [String(link.href), (link.textContent || link.title || '').trim().slice(0, 200)])
    .filter((link) => SUBJECT.test(link.join(' '))).slice(0, 100)})""".replace("SUBJECT", f"/{SUBJECT}/i")
_LONGEST_LINK = 4096
_MARKUP = "document.documentElement.outerHTML.slice(0, 5000000)"


class PageFacts(Observer):
    name = "links, title and language"

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self._title = ""
        self._language: str | None = None
        self._links: list[str] = []
        self._policy_links: list[PolicyLink] = []
        self._markup = ""

    async def look(self) -> None:
        frame = self.scene.top_frame
        found = (await self.scene.evaluate(frame, _ASK) if frame else None) or {}
        self._title, self._language = found.get("title", ""), found.get("language")
        self._policy_links = [PolicyLink(url=url, text=text) for url, text in found.get("policies", ())]
        self._links = [link for link in found.get("links", ()) if 0 < len(link) <= _LONGEST_LINK]
        if frame and self.scene.plan.markup:
            self._markup = str(await self.scene.evaluate(frame, _MARKUP) or "")

    def write(self, draft: Draft) -> None:
        draft.policy_links, draft.markup = self._policy_links, self._markup
        draft.title, draft.language, draft.links = self._title, self._language, self._links


class Picture(Observer):
    name = "screenshot"

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self._picture: bytes | None = None

    async def look(self) -> None:
        if self.scene.plan.screenshot and self.scene.main is not None:
            shot = await self.scene.connection.call(
                "Page.captureScreenshot", {"format": "png"}, self.scene.main.id, seconds=8.0
            )
            self._picture = base64.b64decode(shot["data"])

    def write(self, draft: Draft) -> None:
        draft.screenshot = self._picture
