"""A visitor of the consent desk alone, over HTTP: with a cookie jar, sending what browsers send."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from aiohttp import ClientResponse, ClientSession
from aiohttp.test_utils import RawTestServer
from consent_site import Shop

from proxy.consent.log import Row

JSON = {"Accept": "application/json"}


class Browser:
    """A visitor with a cookie jar who sends what browsers send."""

    def __init__(self, server: RawTestServer, session: ClientSession) -> None:
        self.server, self.session = server, session

    async def get(self, path: str, **headers: str) -> tuple[ClientResponse, str]:
        async with self.session.get(self.server.make_url(path), headers=headers, allow_redirects=False) as answer:
            return answer, await answer.text()

    async def post(
        self, path: str = "/.samtykke/choice", headers: Mapping[str, str] | None = None, **fields: object
    ) -> tuple[ClientResponse, str]:
        sent = {"Sec-Fetch-Site": "same-origin"} if headers is None else headers
        pairs = [
            (name.rstrip("_"), each)
            for name, value in fields.items()
            for each in (value if isinstance(value, list) else [str(value)])
        ]
        url = self.server.make_url(path)
        async with self.session.post(url, data=pairs, headers=sent, allow_redirects=False) as answer:
            return answer, await answer.text()

    async def token(self, path: str = "/") -> str:
        return token_of((await self.get(path))[1])

    async def choose(self, **fields: object) -> dict[str, object]:
        headers = {"Sec-Fetch-Site": "same-origin", **JSON}
        answer, text = await self.post(
            headers=headers, **{"notice": await self.token("/.samtykke/preferences"), **fields}
        )
        return {"status": answer.status, **json.loads(text)}

    def cookies(self) -> dict[str, str]:
        return {cookie.key: cookie.value for cookie in self.session.cookie_jar}


def token_of(html: str) -> str:
    found = re.search(r'name="notice" value="([^"]*)"', html)
    assert found, html
    return found[1]


async def rows(shop: Shop) -> list[Row]:
    await shop.desk.close()
    return [row async for row in shop.log.export()]
