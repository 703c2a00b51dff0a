"""What is remembered changes nothing but the time it takes."""

from __future__ import annotations

from html_judges import BlockTrackers
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.html.memory import TagMemory
from proxy.html.rewriting import NOTHING, Injection, Page, Rewriter

FRAMED = Injection(head=b"<x-head>", body_end=b"<x-end>", placeholder=lambda verdict, kind, own: b"<x-frame>")
PIECES = [
    b"<img src=p.gif>", b"<img src=//ads.test/1>", b"<img src=?q>", b"<script src=t.js></script>",
    b"<script>track(1)</script>", b"<script src=//ads.test/2></script>", b"<script></script>", b"<style></style>",
    b"<style>p{background:url(u)}</style>", b"<noscript><iframe src=//video.test/1></iframe></noscript>",
    b"<iframe src=//video.test/1></iframe>", b"<noscript>", b"<base href=//ads.test/>", b"<base href='/other/'>",
    b"<svg>", b"</svg>", b"<script href=//ads.test/3>", b"</script>", b"<template>", b"</template>",
    b"<link rel=stylesheet href=c.css>", b"<p style='background:url(u)'>", b"<body>", b"</body>", b"<frameset>",
    b"<title>", b"</title>", b"<html lang=en>", b"<head>", b"<a ping=p>", b"</noscript>",
]  # fmt: skip
documents = st.lists(st.sampled_from(PIECES), max_size=10).map(b"".join)
pages = st.sampled_from(
    ["https://shop.test/a/b", "https://shop.test/a/c", "https://shop.test/", "https://ads.test/x", "https://ads.test/y"]
)
visits = st.lists(st.tuples(pages, documents, st.sampled_from([FRAMED, NOTHING])), min_size=1, max_size=5)


def result(url: str, document: bytes, injection: Injection, memory: TagMemory | None) -> object:
    rewriter = Rewriter(Page(url, "shop.test"), BlockTrackers(), injection, memory=memory)
    out = rewriter.feed(document) + rewriter.close()
    return out, rewriter.stripped, rewriter.language


@settings(max_examples=500, deadline=None)
@given(visits=visits, limit=st.sampled_from([0, 900, 1 << 20]))
def test_a_shared_memory_changes_neither_answer_nor_evidence(
    visits: list[tuple[str, bytes, Injection]], limit: int
) -> None:
    memory = TagMemory(limit)
    for url, document, injection in visits:
        assert result(url, document, injection, memory) == result(url, document, injection, None)


def test_memory_is_bounded() -> None:
    memory = TagMemory(limit=50_000)
    for number in range(3_000):
        page = Page(f"https://shop.test/{number}/", "shop.test")
        rewriter = Rewriter(page, BlockTrackers(), memory=memory)
        rewriter.feed(b"".join(b"<img src=/%d/%d.gif>" % (number, each) for each in range(10)))
        rewriter.close()
    entries, used = (int(word) for word in repr(memory).replace(",", "").split() if word.isdigit())
    assert used <= 50_000
    assert entries <= 250
