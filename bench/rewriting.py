"""How long the rewriter alone takes: a page of 60 KB with 40 rules, as fast as one core goes. Prints milliseconds.

Run `python -m bench.rewriting`. `tokenizer` is the floor: the spec tokenizer's tokens, looked at by nobody. Each
figure is the best of several rounds, for a machine that does other things, too.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from turbohtml import Tokenizer

from policies.purpose import Purpose
from policies.verdict import Verdict
from proxy.html.rewriting import Injection, Page, Rewriter, TagMemory

RULES = 40
SIZE = 60_000
_ALLOW = Verdict("allow", "first party")
_BLOCKED = {
    f"t{rule}.example": Verdict("block", "a rule", f"t{rule}.example", f"vendor-{rule}", Purpose.MARKETING)
    for rule in range(RULES)
}


@dataclass(frozen=True)
class Rules:
    """A judge with 40 hosts."""

    def load(self, url: str, kind: str) -> Verdict:
        return _BLOCKED.get(urlsplit(url).hostname or "", _ALLOW)

    def inline(self, text: str) -> Verdict:
        return _ALLOW


def page(number: int = 0) -> bytes:
    """A shop's page: 40 trackers, some style sheets, then products until it is 60 KB; `number` makes it unique."""
    head = "".join(f'<script src="https://t{rule}.example/x.js" async></script>\n' for rule in range(RULES))
    sheets = "".join(f'<link rel="stylesheet" href="/static/{sheet}.css">\n' for sheet in range(8))
    parts = [
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>Shop {number}</title>\n'
        f"{sheets}{head}<script>window.shop = {{page: {number}}};</script>\n</head>\n<body>\n"
    ]
    length = len(parts[0])
    product = 0
    while length < SIZE:
        product += 1
        parts.append(
            f'<article class="card" id="p{product}-{number}">\n  <a class="link" href="/product/{product}?a=1&amp;b=2">'
            f'<img src="/images/{product}-{number % 7}.jpg" alt="A &amp; B" width="200" loading="lazy"></a>\n'
            f'  <h3 class="title">Product number {product}</h3>\n  <p>Words that describe the product, some of them '
            f"<b>bold</b>, and go on for a while as such texts do; delivery within three days.</p>\n"
            f'  <span class="price">{product * 10} kr</span>\n</article>\n'
        )
        length += len(parts[-1])
    return "".join([*parts, "</body></html>\n"]).encode()


def best(work: Callable[[], object], *, rounds: int = 7, repeats: int = 30) -> float:
    """Milliseconds for one call, in the quickest round."""
    quickest = float("inf")
    for _ in range(rounds):
        began = time.perf_counter()
        for _ in range(repeats):
            work()
        quickest = min(quickest, time.perf_counter() - began)
    return quickest / repeats * 1000


def main() -> None:
    pages = [page(number) for number in range(30)]
    visited = Page("https://shop.example/shelf/", "shop.example")
    injection = Injection(head=b'<script src="/guard.js"></script>', body_end=b'<div id="banner"></div>')
    turn = iter(range(10**9))

    styled = [
        body.replace(b'<span class="price">', b'<span class="price" style="background:url(/i)">') for body in pages
    ]

    def tokens() -> None:
        text = pages[next(turn) % 30].decode("latin-1")
        for _ in Tokenizer(capture_attributes=False).feed(text):
            pass

    def rewritten(step: int, memory: TagMemory | None = None, bodies: list[bytes] = pages) -> Callable[[], None]:
        def work() -> None:
            body = bodies[next(turn) % 30]
            rewriter = Rewriter(visited, Rules(), injection, memory=memory)
            for start in range(0, len(body), step):
                rewriter.feed(body[start : start + step])
            rewriter.close()

        return work

    size, tags = len(pages[0]), pages[0].count(b"<")
    print(f"page: {size} bytes, {tags} tags, {RULES} trackers")
    for name, work in {
        "tokenizer alone": tokens,
        "nothing known yet": rewritten(size),
        "tags known, one piece": rewritten(size, TagMemory()),
        "tags known, CSS in attributes": rewritten(size, TagMemory(), styled),
        "tags known, 16 KB pieces": rewritten(16_384, TagMemory()),
        "tags known, 1400-byte pieces": rewritten(1_400, TagMemory()),
    }.items():
        milliseconds = best(work)
        print(f"{name:28} {milliseconds:6.3f} ms  {size / milliseconds / 1000:6.1f} MB/s")


if __name__ == "__main__":
    main()
