"""Rewritten documents that are kept: the same body for the same consent under the same policy is rewritten once.

No I/O. Bodies are known by hash (XXH3, 128 bits; the key holds all else that matters). What differs by visitor (guard
tags with the page's nonce, banner with its token) is no part of what is kept: two holes are filled anew each time.
A body is kept when it comes for the second time, so that pages which are never the same push nothing out. Bounded by
bytes; what was not asked for longest goes first. Nothing marked `no-store` is offered here.
"""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field

import xxhash

from proxy.exchange import Tally

LONGEST = 524_288
"""A longer body (bytes, as the site sends it) streams by unremembered."""
LONGEST_PLAIN = 4 * LONGEST
"""The same, decoded."""
_SEEN = 8192
_OVERHEAD = 512
_ENCODINGS = 4
_SEED = secrets.randbits(64)
_secret = secrets.token_hex(16).encode()
HEAD, END = b"<!--samtykke-head-%b-->" % _secret, b"<!--samtykke-end-%b-->" % _secret
"""What stands in the holes' places while a document is rewritten. Made anew by each process and never sent: no page
can contain it."""


Key = tuple[Hashable, ...]
Filling = tuple[bytes, bytes, bytes]
"""A content coding, and what goes into the two holes."""


@dataclass(slots=True, eq=False)
class Rewritten:
    """A document with holes. `tally` is what was stripped from it, `content_type` what it must be announced as."""

    text: tuple[bytes, bytes, bytes]
    has_head: bool
    has_end: bool
    content_type: bytes | None
    tally: Tally
    key: Key | None = None
    """Under which it is kept, if it is."""
    encoded: dict[Filling, bytes] = field(default_factory=dict)
    """The whole, compressed, by coding and what the holes were filled with: decided visitors share it."""

    @classmethod
    def cut(cls, out: bytes, content_type: bytes | None, tally: Tally) -> Rewritten:
        """From the rewriter's output with HEAD and END in it, each at most once."""
        first, head, rest = out.partition(HEAD)
        if not head:
            first, rest = b"", out
        middle, end, last = rest.partition(END)
        return cls((first, middle, last), bool(head), bool(end), content_type, tally)

    def filled(self, head: bytes, end: bytes) -> bytes:
        first, middle, last = self.text
        return b"".join((first, head, middle, end, last))

    @property
    def size(self) -> int:
        encoded = sum(len(one) + len(head) + len(end) for (_, head, end), one in self.encoded.items())
        return sum(map(len, self.text)) + encoded + 100 * len(self.tally.verdicts) + _OVERHEAD


def digest(body: bytes) -> bytes:
    """Seeded: whoever may write into a page cannot work out what makes it another page's like."""
    return xxhash.xxh3_128_digest(body, _SEED)


class Memory:
    """`limit` in bytes. `told` hears of every document that could have been known whether it was."""

    def __init__(self, limit: int, told: Callable[[bool], None]) -> None:
        self._limit = limit
        self._told = told
        self._used = 0
        self._kept: OrderedDict[Hashable, Rewritten | None] = OrderedDict()
        """None: depends on the page's own address, so it stands under the key with the address."""
        self._sizes: dict[Hashable, int] = {}
        self._seen: OrderedDict[Hashable, None] = OrderedDict()

    def __repr__(self) -> str:
        return f"<Memory of {len(self._kept)} documents, {self._used} of {self._limit} bytes>"

    @property
    def on(self) -> bool:
        return self._limit > 0

    @property
    def used(self) -> int:
        return self._used

    def recall(self, key: Key, address: bytes) -> Rewritten | None:
        """The document for this key, or for this key at this address."""
        found = self._find(key)
        if found is None and key in self._kept:
            found = self._find((*key, address))
        self._told(found is not None)
        return found

    def repeated(self) -> None:
        """A document has been sent again without being looked for here."""
        self._told(True)

    def keep(self, key: Key, address: bytes, document: Rewritten, *, bound: bool) -> None:
        """Keep it if it has come before; `bound`: for this address alone."""
        full = (*key, address) if bound else key
        if full not in self._seen:
            self._seen[full] = None
            if len(self._seen) > _SEEN:
                self._seen.popitem(last=False)
            return
        del self._seen[full]
        if bound:
            self._put(key, None, _OVERHEAD)
        document.key = full
        self._put(full, document, document.size)

    def encoded(self, document: Rewritten, fill: Filling, make: Callable[[], bytes]) -> bytes:
        """The document compressed. Made once for each coding and filling; a few of them are kept with it."""
        if (done := document.encoded.get(fill)) is not None:
            return done
        done = make()
        if document.key is not None and self._kept.get(document.key) is document:
            if len(document.encoded) >= _ENCODINGS:
                document.encoded.pop(next(iter(document.encoded)))
            document.encoded[fill] = done
            self._put(document.key, document, document.size)
        return done

    def _find(self, key: Hashable) -> Rewritten | None:
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
        return found

    def _put(self, key: Hashable, document: Rewritten | None, size: int) -> None:
        if key in self._kept:
            self._used -= self._sizes[key]
        self._kept[key] = document
        self._kept.move_to_end(key)
        self._sizes[key] = size
        self._used += size
        while self._used > self._limit:
            gone, _ = self._kept.popitem(last=False)
            self._used -= self._sizes.pop(gone)
