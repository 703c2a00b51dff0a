"""What a remembered document costs beside one that is rewritten: microseconds for a page of 60 KB with 40 trackers.

Run `python -m bench.remembered`. A miss is hash and rewriting, a hit is hash, look-up and the filling of two holes.
A hit is compressed anew for each visitor who still sees the banner, and once for all who have decided.
"""

from __future__ import annotations

from bench.rewriting import Rules, best, page
from proxy.coding import encoder
from proxy.exchange import Tally
from proxy.html.rewriting import Injection, Page, Rewriter, TagMemory
from proxy.remembered import END, HEAD, Memory, Rewritten, digest

_BANNER = b"<div>" + b"words of the banner " * 300 + b"</div>"
_GUARD = b'<script src="/.samtykke/assets/guard.js"></script>'


def main() -> None:
    body, tags, memory = page(), TagMemory(), Memory(1 << 26, lambda hit: None)
    visited = Page("https://shop.example/shelf/", "shop.example")

    def rewritten() -> Rewritten:
        rewriter = Rewriter(visited, Rules(), Injection(HEAD, b"", END), memory=tags)
        out = rewriter.feed(body) + rewriter.close()
        return Rewritten.cut(out, None, Tally("html", tuple(verdict for verdict, _, _ in rewriter.stripped)))

    def key() -> tuple[bytes, str]:
        return digest(body), "html"

    def miss() -> None:
        memory.recall((*key(), "miss"), b"/")
        rewritten().filled(_GUARD, _BANNER)

    for _ in range(2):
        memory.keep(key(), b"/", rewritten(), bound=False)

    def hit() -> Rewritten:
        found = memory.recall(key(), b"/")
        if found is None:
            raise RuntimeError("the document is not remembered")
        return found

    def compressed(coding: bytes) -> bytes:
        by = encoder(coding)
        return by.feed(hit().filled(_GUARD, _BANNER)) + by.close() if by else b""

    for name, work in {
        "hash alone": lambda: digest(body),
        "miss: hash, rewritten, filled": miss,
        "hit: hash, found, filled": lambda: hit().filled(_GUARD, _BANNER),
        "hit, gzip for this visitor alone": lambda: compressed(b"gzip"),
        "hit, br for this visitor alone": lambda: compressed(b"br"),
        "hit, zstd for this visitor alone": lambda: compressed(b"zstd"),
        "hit, gzip shared by the decided": lambda: memory.encoded(
            hit(), (b"gzip", _GUARD, b""), lambda: compressed(b"gzip")
        ),
    }.items():
        print(f"{name:34} {best(work) * 1000:8.1f} us")


if __name__ == "__main__":
    main()
