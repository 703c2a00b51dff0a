"""Cookies by script: document.cookie and cookieStore, with the script to blame and who loaded that script."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urlsplit

from policies.cookie import SetCookie, parse_set_cookie
from policies.observation import Setter
from scanner.browser.cookies import CookieWrite, write_of
from scanner.browser.observers.base import Draft, Observer
from scanner.browser.pipe import Json
from scanner.browser.scene import Report, Scene


class ScriptCookies(Observer):
    name = "cookies by script"
    hook = "cookies"
    says = frozenset({"cookie", "cookie-store"})

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self._writes: list[tuple[CookieWrite, str]] = []

    def report(self, report: Report) -> None:
        data = report.data
        asked = _from_store(data) if report.kind == "cookie-store" else _from_text(data["text"])
        if asked is None:
            return
        parts = urlsplit(data["url"])
        host = parts.hostname or ""
        self.scene.learns("cookie", host, asked.name.decode("latin-1"), report.script)
        write = write_of(
            asked,
            host=host,
            path=parts.path or "/",
            secure=parts.scheme == "https" or host == "localhost" or host.endswith(".localhost"),
            at=report.at,
            setter=Setter(kind="js", url=report.script, stack=report.chain),
            kept=data.get("kept"),
            http=False,
        )
        self._writes.append((write, host))

    def write(self, draft: Draft) -> None:
        for write, host in self._writes:
            refused = write.kept is False and not write.blocked and not write.deletes
            if refused and not self.scene.settings.third_party_cookies and self.scene.third_party(host):
                draft.writes.append(replace(write, blocked=("UserPreferences",)))
            else:
                draft.writes.append(write)


def _from_text(text: str) -> SetCookie | None:
    return parse_set_cookie(text.encode("utf-8", "surrogatepass"))


def _from_store(data: Json) -> SetCookie | None:
    """CookieStore's options (Cookie Store API): `expires` is UTC milliseconds, `path` is "/" unless given."""
    expires, max_age = data.get("expires"), data.get("maxAge")
    domain = data.get("domain")
    return SetCookie(
        name=data["name"].encode(),
        value=data["value"].encode(),
        domain=domain.removeprefix(".").lower() if domain else None,
        path=data["path"],
        max_age=int(max_age) if max_age is not None else None,
        expires=round(expires / 1000) if expires is not None else None,
        secure=True,
        same_site=str(data["sameSite"]).capitalize(),
        partitioned=bool(data["partitioned"]),
    )
