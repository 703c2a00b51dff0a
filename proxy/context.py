"""One exchange in progress: the visitor's request, the site asked, what is known, the answer being written.

A plain record, filled by `app` and handed through `asking`, `forward` and `relay`.
"""

from __future__ import annotations

from dataclasses import dataclass

from proxy.consent.visitor import Visitor
from proxy.exchange import Exchange
from proxy.headers import Fields
from proxy.mapping import Mapping
from proxy.recent import Known
from proxy.reply import Reply
from proxy.sites import Site
from proxy.visitor import Received


@dataclass(slots=True)
class Context:
    """`fields` and `target` are the request's as received. Neither `enforcing` nor `observing`: bypassed."""

    request: Received
    fields: Fields
    target: bytes
    site: Site
    exchange: Exchange
    visitor: Visitor | None
    reply: Reply
    mapping: Mapping | None
    enforcing: bool
    observing: bool = False
    """Report mode: everything is judged and noted, nothing is changed."""
    says_request_id: bool = False
    """Is every answer told its request id?"""
    known: Known | None = None
    """What is known of such a request already."""
    page_language: str | None = None
    """`Content-Language` of the site's answer."""

    @property
    def bodyless_request(self) -> bool:
        return self.request.method == "HEAD"

    @property
    def maps_names(self) -> bool:
        """Is the site asked under another name, so that all its links must be turned into ours?"""
        return self.mapping is not None and bool(self.site.settings.upstream_host)
