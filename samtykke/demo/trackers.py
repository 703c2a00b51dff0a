"""Everybody who watches the shop's visitors: small imitations of well-known trackers on other `.localhost` hosts.

One table says what each address answers. A request is recorded before it is answered; nothing is cached, so that each
load is seen. The scripts find their own origin by where they were loaded from.
"""

from __future__ import annotations

import base64
from dataclasses import asdict, dataclass
from importlib.resources import files

from aiohttp import web

from samtykke.demo.received import Hit, hostname, keep, read_hit

_GIF = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")


@dataclass(frozen=True, slots=True)
class ThirdPartyCookie:
    """Set by header in the tracker's own name; `lifetime` in seconds."""

    name: str
    value: str
    lifetime: int
    http_only: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What one address sends back."""

    content_type: str
    body: bytes = b""
    status: int = 200
    cookie: ThirdPartyCookie | None = None


def _file(folder: str, name: str) -> bytes:
    return files(__package__).joinpath(folder, name).read_bytes()


def _script(name: str) -> Answer:
    return Answer("text/javascript", _file("scripts", name))


def _frame(name: str, cookie: ThirdPartyCookie | None = None) -> Answer:
    return Answer("text/html", _file("frames", name), cookie=cookie)


_PIXEL = Answer("image/gif", _GIF)
_NOTED = Answer("text/plain", status=204)
_YEAR = 31_536_000

ANSWERS: dict[tuple[str, str], Answer] = {
    ("stats.localhost", "/ga.js"): _script("ga.js"),
    ("stats.localhost", "/__utm.gif"): _PIXEL,
    ("social.localhost", "/fbevents.js"): _script("fbevents.js"),
    ("social.localhost", "/tr"): _PIXEL,
    ("social.localhost", "/plugins/like"): _frame(
        "like.html", ThirdPartyCookie("datr", "h7Qk0pV3sXw2Lr8Tn5Yc6BzA", 2 * _YEAR, http_only=True)
    ),
    ("matomo.localhost", "/matomo.js"): _script("matomo.js"),
    ("matomo.localhost", "/matomo.php"): _NOTED,
    ("ads.localhost", "/pagead/viewthroughconversion/10472901/"): Answer(
        "image/gif", _GIF, cookie=ThirdPartyCookie("IDE", "AHWqTUk5n0rZ8vXbJ2pYc1dQeLm7", 33_696_000, http_only=True)
    ),
    ("ads.localhost", "/pagead/conversion.js"): _script("conversion.js"),
    ("ads.localhost", "/pagead/conversion/10472901/"): _NOTED,
    ("tags.localhost", "/gtm.js"): _script("gtm.js"),
    ("tags.localhost", "/ns.html"): Answer("text/html", b"<!doctype html><title>tags</title>"),
    ("prints.localhost", "/p.js"): _script("prints.js"),
    ("prints.localhost", "/collect"): _NOTED,
    ("video.localhost", "/embed/jotunheimen"): _frame("video.html"),
    ("video.localhost", "/player.js"): _script("player.js"),
    ("video.localhost", "/poster.svg"): Answer("image/svg+xml", _file("assets/art", "ridge.svg")),
    ("video.localhost", "/api/stats/playback"): _NOTED,
    ("pay.localhost", "/card"): _frame("card.html"),
}

HOSTS: tuple[str, ...] = tuple(dict.fromkeys(host for host, _ in ANSWERS))


def trackers_app(received: list[Hit]) -> web.Application:
    """An application for every host but the shop's; it writes into `received`."""

    async def answer(request: web.Request) -> web.Response:
        found = ANSWERS.get((hostname(request), request.path))
        keep(received, await read_hit(request))
        response = _response(request, found) if found else web.Response(status=404, text="Nothing here.\n")
        response.headers["Cache-Control"] = "no-store"
        return response

    async def show(_: web.Request) -> web.Response:
        return web.json_response([asdict(hit) for hit in received])

    async def forget(_: web.Request) -> web.Response:
        received.clear()
        return web.Response(status=204)

    app = web.Application()
    app.router.add_get("/_received", show)
    app.router.add_delete("/_received", forget)
    app.router.add_route("*", "/{path:.*}", answer)
    return app


def _response(request: web.Request, answer: Answer) -> web.Response:
    response = web.Response(status=answer.status, body=answer.body, content_type=answer.content_type)
    if answer.content_type.startswith("text/"):
        response.charset = "utf-8"
    if origin := request.headers.get("Origin"):
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Access-Control-Allow-Credentials"] = "true"
    if cookie := answer.cookie:
        response.set_cookie(
            cookie.name,
            request.cookies.get(cookie.name, cookie.value),
            max_age=cookie.lifetime,
            httponly=cookie.http_only,
            secure=True,
            samesite="None",
        )
    return response
