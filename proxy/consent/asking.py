"""One request at the desk, with what is known about who asks. Reads the body, bounded; decides nothing."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web

from proxy.consent.choice import MAX_BODY, ChoiceError, fields_of, safe_path
from proxy.consent.pages import wants_json
from proxy.consent.site_notice import SiteNotice
from proxy.consent.visitor import Visitor
from proxy.consent.wording import Texts


@dataclass(frozen=True, slots=True)
class Asking:
    """`client` is the visitor's full address, for the rate limit only; `came_from` a path that a form named."""

    request: web.BaseRequest
    site: SiteNotice
    visitor: Visitor
    texts: Texts
    client: str
    came_from: str | None = None

    @property
    def return_path(self) -> str:
        """Where the visitor came from on this site, "/" where nothing safe was said."""
        return self.came_from or safe_path(self.request.query.get("return", "/")) or "/"

    @property
    def json(self) -> bool:
        """Is JSON wanted instead of a page?"""
        return wants_json(self.request.headers.get("Accept", ""))


def cookie_header(request: web.BaseRequest) -> bytes:
    """Every Cookie line of a request as one, raw."""
    return b"; ".join(value for name, value in request.raw_headers if name.lower() == b"cookie")


async def form_of(request: web.BaseRequest) -> list[tuple[str, str]]:
    """The fields of a posted form. Raises ChoiceError for one that is too large or no form."""
    body = bytearray()
    async for piece in request.content.iter_any():
        body += piece
        if len(body) > MAX_BODY:
            raise ChoiceError(f"the form is larger than {MAX_BODY} bytes")
    return fields_of(bytes(body), request.headers.get("Content-Type", ""))
