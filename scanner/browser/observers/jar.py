"""The jar at the end: what the browser really kept, of this visit's own context and no other."""

from __future__ import annotations

from typing import Any

from scanner.browser.cookies import JarCookie
from scanner.browser.observers.base import Draft, Observer
from scanner.browser.scene import Scene


class Jar(Observer):
    name = "cookie jar"

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self._cookies: list[JarCookie] | None = None

    async def look(self) -> None:
        # Asked of the browser itself: asked of a page's session, it answers with another context's jar.
        answer = await self.scene.connection.call(
            "Storage.getCookies", {"browserContextId": self.scene.context}, seconds=15.0
        )
        self._cookies = [_jar_cookie(cookie) for cookie in answer["cookies"]]

    def write(self, draft: Draft) -> None:
        draft.jar = self._cookies


def _jar_cookie(cookie: dict[str, Any]) -> JarCookie:
    domain = cookie["domain"]
    partitioned = "partitionKey" in cookie or bool(cookie.get("partitionKeyOpaque"))
    return JarCookie(
        key=(cookie["name"], domain.removeprefix("."), not domain.startswith("."), cookie["path"], partitioned),
        value=cookie["value"],
        expires=None if cookie.get("session") else float(cookie["expires"]),
        secure=cookie["secure"],
        http_only=cookie["httpOnly"],
        same_site=cookie.get("sameSite"),
    )
