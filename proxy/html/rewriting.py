"""Rewrite one document as it streams by: neutralise what must not load, put our own markup in. No I/O.

`Rewriter` joins the parts: a splicer that knows positions, the table that knows what loads, a judge that decides, and
an injection. Bytes in, bytes out, or `RewriteError`, which carries the bytes that had not left yet. What is stripped
twice is stripped once; injections are put in each time, so give none to a document that has been through already.
"""

from __future__ import annotations

from policies.verdict import Verdict
from proxy.html.editing import NOTHING, Editing, Injection, Mode
from proxy.html.judging import Judge, Page
from proxy.html.memory import TagMemory
from proxy.html.splicer import Splicer
from proxy.html.xml import XmlSplicer

__all__ = ["NOTHING", "Injection", "Judge", "Mode", "Page", "RewriteError", "Rewriter", "TagMemory", "rewrite"]


class RewriteError(Exception):
    """Rewriting failed midway. `rest` holds the bytes that were taken and had not been handed out."""

    def __init__(self, message: str, rest: bytes = b"") -> None:
        super().__init__(message)
        self.rest = rest


class Rewriter:
    """feed/close over one document in an ASCII-transparent charset; see `charset.py` for the others.

    `memory` may be shared by documents whose judge would answer the same: one policy, one consent, one kind of page.
    """

    def __init__(
        self,
        page: Page,
        judge: Judge,
        injection: Injection = NOTHING,
        charset: str = "utf-8",
        *,
        mode: Mode = "html",
        memory: TagMemory | None = None,
        depth: int = 0,
    ) -> None:
        memory = TagMemory() if memory is None else memory

        def nested(content: bytes, inner_charset: str) -> bytes:
            inner = Rewriter(self._editing.judging.page, judge, NOTHING, inner_charset, memory=memory, depth=depth + 1)
            out = inner.feed(content) + inner.close()
            self._editing.elements.stripped += inner.stripped
            if inner._editing.judging.was_page_bound:
                self._editing.judging.page_bound = self._editing.judging.was_page_bound = True
            return out

        self._editing = Editing(page, judge, injection, charset, mode=mode, depth=depth, nested=nested, memory=memory)
        self._splicer = Splicer(self._editing) if mode == "html" else XmlSplicer(self._editing)

    @property
    def stripped(self) -> list[tuple[Verdict, str, str]]:
        """The evidence so far: verdict, kind and address of everything that was neutralised."""
        return self._editing.elements.stripped

    @property
    def language(self) -> str | None:
        """The html element's `lang`, once seen."""
        return self._editing.language

    @property
    def page_bound(self) -> bool:
        """Does what came out depend on the page's own address, not just on its folder?"""
        return self._editing.judging.was_page_bound

    def feed(self, chunk: bytes) -> bytes:
        """The next bytes of the document; answers what may leave. Raises RewriteError, and is then of no more use."""
        try:
            return self._splicer.feed(chunk)
        except Exception as error:
            raise RewriteError(f"the page could not be rewritten: {error!r}", self._splicer.rest()) from error

    def close(self) -> bytes:
        """No more bytes; answers the rest. Raises RewriteError."""
        try:
            return self._splicer.close()
        except Exception as error:
            raise RewriteError(f"the page's end could not be rewritten: {error!r}", self._splicer.rest()) from error


def rewrite(
    data: bytes,
    page: Page,
    judge: Judge,
    injection: Injection = NOTHING,
    charset: str = "utf-8",
    *,
    mode: Mode = "html",
) -> bytes:
    """A whole document at once. Raises RewriteError."""
    rewriter = Rewriter(page, judge, injection, charset, mode=mode)
    return rewriter.feed(data) + rewriter.close()
