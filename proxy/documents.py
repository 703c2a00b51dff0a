"""Documents opened for rewriting: what of ours goes in, in which charset they are, judged by whose consent. No I/O.

The guard goes into pages and frames, the banner only into pages, nothing into markup that a script fetched.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from urllib.parse import urljoin

from policies.verdict import Verdict
from proxy.consent.desk import ConsentDesk
from proxy.consent.site_notice import SiteNotice
from proxy.context import Context
from proxy.csp import admit_written
from proxy.exchange import Exchange
from proxy.guard import guard_of
from proxy.html.charset import PRESCAN, Transcoding, charset_of
from proxy.html.rewriting import Injection, Page, RewriteError, Rewriter
from proxy.html.sniff import Grammar, essence, grammar, kind_of
from proxy.judges import RulesJudge
from proxy.remembered import END, HEAD, Key, digest
from proxy.settings import ProxySettings

_OURS = 512
"""Pieces of our own markup that are kept."""
_TYPES: dict[Grammar, str] = {"html": "text/html", "xml": "application/xhtml+xml"}


class Documents:
    """Opens documents. `desk` None: no banner; `guarded` False: no guard."""

    def __init__(self, settings: ProxySettings, desk: ConsentDesk | None, *, guarded: bool) -> None:
        self._settings = settings
        self._desk = desk
        self._guarded = guarded
        self._ours: dict[tuple[object, ...], tuple[SiteNotice, tuple[bytes, bytes]]] = {}
        self._languages: dict[tuple[str | None, bytes | None], str] = {}

    def script_hashes(self, exchange: Exchange) -> tuple[str, ...]:
        """Of our scripts, as a policy names them."""
        if not self._guarded:
            return ()
        return tuple(asset.integrity for asset in guard_of(exchange.rules).assets.values())

    def open(
        self, context: Context, content_type: bytes | None, head: bytes, *, holes: bool = False
    ) -> RewrittenDocument:
        """`head` holds the document's first bytes, decoded of their content coding. `holes` puts HEAD and END where
        our own markup goes."""
        exchange = context.exchange
        said = content_type.decode("latin-1") if content_type is not None else None
        mode = grammar(said, head) or "html"
        charset = charset_of(said, head, xml=mode == "xml")
        judge = context.site.judge(exchange)
        url = exchange.origin + _return_path(context)
        if "/." in url:
            # Joined by way of "/.", since a path may begin with two slashes and is no host's name even then.
            url = urljoin(exchange.origin, "/." + _return_path(context))
        placeholder = self._placeholder(context, judge, url)
        ours = (HEAD, b"", END) if holes else (self.first(context), b"", self.last(context))
        injection = Injection(*ours, placeholder, self._policy(exchange))
        page = Page(url, exchange.page_host, exchange.role == "page")
        rewriter = Rewriter(page, judge, injection, charset.spliced, mode=mode, memory=judge.memory)
        if not charset.transcoded:
            return RewrittenDocument(rewriter, placeholder)
        kind = essence(said) or _TYPES[mode]
        announced = f"{kind}; charset={charset.label}".encode("latin-1")
        return RewrittenDocument(rewriter, placeholder, Transcoding(charset), announced)

    def key(self, context: Context, content_type: bytes | None, applied: list[bytes], body: bytes) -> Key | None:
        """Everything that decides what this body becomes, its own address left aside. None: not to be remembered,
        since our markup has to be well-formed by itself in XML."""
        exchange, target = context.exchange, context.target
        kind = kind_of(content_type)
        said = content_type.decode("latin-1") if content_type is not None else None
        if (grammar(said, b"" if applied else body[:PRESCAN]) if kind.needs_body else kind.certain) != "html":
            return None
        folder = target.partition(b"?")[0].rpartition(b"/")[0]
        return (
            digest(body), content_type, tuple(applied), exchange.rules, exchange.consent, exchange.origin,
            exchange.role, exchange.exempt, exchange.render, context.maps_names, self._language(context), folder,
        )  # fmt: skip

    def _policy(self, exchange: Exchange) -> Callable[[str], str]:
        """Lets us into a policy that the document itself declares; of a fragment it may be put into a page."""
        hashes = self.script_hashes(exchange)
        return lambda text: admit_written(text, exchange.origin, hashes)

    def ours(self, context: Context, *, head: bool, end: bool) -> tuple[bytes, bytes]:
        """What goes first into the head, and to the end of the body, of those there are. The same for all who have
        chosen the same."""
        exchange, visitor, notice = context.exchange, context.visitor, context.site.notice
        if not is_common(context):
            return self.first(context) if head else b"", self.last(context) if end else b""
        key = (
            head, end, exchange.rules, exchange.consent, exchange.role, exchange.method, exchange.nonce,
            self._language(context), _return_path(context), visitor.confirmed if visitor is not None else None,
        )  # fmt: skip
        found = self._ours.get(key)
        if found is None or found[0] is not notice:
            if len(self._ours) >= _OURS:
                self._ours.clear()
            made = self.first(context) if head else b"", self.last(context) if end else b""
            found = self._ours[key] = notice, made
        return found[1]

    def first(self, context: Context) -> bytes:
        """What goes first into the head."""
        exchange = context.exchange
        if exchange.role not in {"page", "frame"}:
            return b""
        style = b""
        if self._desk is not None:
            style = self._desk.stylesheet(context.site.notice, nonce=exchange.nonce)
        if not self._guarded:
            return style
        guard = guard_of(exchange.rules)
        if exchange.render == "shared":
            return guard.shared_tags(nonce=exchange.nonce, consent_mode=self._settings.consent_mode) + style
        return guard.tags(exchange.consent, nonce=exchange.nonce, consent_mode=self._settings.consent_mode) + style

    def last(self, context: Context) -> bytes:
        """What goes to the end of the body. To make it counts as having shown it."""
        exchange, visitor = context.exchange, context.visitor
        if self._desk is None or visitor is None or exchange.role != "page" or exchange.method == "HEAD":
            return b""
        return self._desk.banner(
            visitor,
            context.site.notice,
            language=self._language(context),
            return_path=_return_path(context),
            nonce=exchange.nonce,
            shared=exchange.render == "shared",
        )

    def _placeholder(self, context: Context, judge: RulesJudge, url: str) -> Placeholder | None:
        if self._desk is None or context.exchange.role not in {"page", "frame"}:
            return None
        return Placeholder(self._desk, judge, context, url, self._language(context))

    def _language(self, context: Context) -> str:
        if self._desk is None:
            return "en"
        wished = context.fields.get(b"accept-language")
        key = context.page_language, wished
        if (found := self._languages.get(key)) is None:
            if len(self._languages) >= _OURS:
                self._languages.clear()
            found = self._desk.language(context.page_language, (wished or b"").decode("latin-1"))
            self._languages[key] = found
        return found


def is_common(context: Context) -> bool:
    """Is what of ours goes into this document the same for all who have chosen the same?"""
    exchange, visitor = context.exchange, context.visitor
    own = visitor is None or visitor.prompt or exchange.nonce is not None
    return exchange.render == "shared" or not own


class Placeholder:
    """What stands in for a blocked frame of one page."""

    def __init__(self, desk: ConsentDesk, judge: RulesJudge, context: Context, url: str, language: str) -> None:
        self._desk = desk
        self._judge = judge
        self._site = context.site
        self._url = url
        self._language = language
        self._return = _return_path(context)
        self.used = False

    def __call__(self, verdict: Verdict, kind: str, attributes: Mapping[str, str]) -> bytes:
        source = attributes.get("src") or attributes.get("data") or ""
        if is_unseen(attributes):
            return b""
        known = self._judge.placeholder(urljoin(self._url, source)) if source else None
        if known is None:
            return b""
        self.used = True
        return self._desk.placeholder(
            verdict, known, attributes, language=self._language, site=self._site.notice, return_path=self._return
        )


def is_unseen(attributes: Mapping[str, str]) -> bool:
    """A frame that nobody was meant to see (a pixel in a frame) needs nothing in its place."""
    style = "".join(attributes.get("style", "").split()).lower()
    tiny = any(attributes.get(side, "").strip().rstrip("px") in ("0", "1") for side in ("width", "height"))
    return tiny or "hidden" in attributes or "display:none" in style or "visibility:hidden" in style


class RewrittenDocument:
    """A rewriter, behind a transcoding where the charset needs one: feed/close."""

    def __init__(
        self,
        rewriter: Rewriter,
        placeholder: Placeholder | None,
        transcoding: Transcoding | None = None,
        content_type: bytes | None = None,
    ) -> None:
        self._rewriter = rewriter
        self._placeholder = placeholder
        self._transcoding = transcoding
        self.content_type = content_type
        """What the answer must say instead, where the charset has changed."""

    def feed(self, data: bytes) -> bytes:
        """Raises RewriteError."""
        return self._rewriter.feed(self._transcoding.feed(data) if self._transcoding else data)

    def close(self) -> bytes:
        """Raises RewriteError."""
        tail = self._transcoding.close() if self._transcoding else b""
        return (self._rewriter.feed(tail) if tail else b"") + self._rewriter.close()

    def onward(self, data: bytes) -> bytes:
        """Bytes that pass unread after a failure, in the charset that the answer has announced."""
        return self._transcoding.feed(data) if self._transcoding else data

    def rest(self, error: Exception) -> bytes:
        """After feed or close raised: what was taken in and not given out, as it came."""
        return error.rest if isinstance(error, RewriteError) else b""

    @property
    def bound(self) -> bool:
        """A placeholder's form says where to come back to."""
        return self._rewriter.page_bound or (self._placeholder is not None and self._placeholder.used)

    def notes(self) -> Iterable[Verdict]:
        """What was neutralised."""
        return [verdict for verdict, _, _ in self._rewriter.stripped]


def _return_path(context: Context) -> str:
    return context.target.decode("latin-1") if context.target.startswith(b"/") else "/"
