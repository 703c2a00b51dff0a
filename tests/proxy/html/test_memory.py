"""What is remembered changes nothing but the time it takes."""

from __future__ import annotations

from html_judges import BlockTrackers
from hypothesis import example, given, settings
from hypothesis import strategies as st

from policies.verdict import Verdict
from proxy.html.memory import TagMemory
from proxy.html.rewriting import NOTHING, Injection, Page, Rewriter

XHTML = b"http://www.w3.org/1999/xhtml"
FRAMED = Injection(head=b"<x-head>", body_end=b"<x-end>", placeholder=lambda verdict, kind, own: b"<x-frame>")
PIECES = [
    b"<img src=p.gif>", b"<img src=//ads.test/1>", b"<img src=?q>", b"<script src=t.js></script>",
    b"<script>track(1)</script>", b"<script src=//ads.test/2></script>", b"<script></script>", b"<style></style>",
    b"<style>p{background:url(u)}</style>", b"<noscript><iframe src=//video.test/1></iframe></noscript>",
    b"<iframe src=//video.test/1></iframe>", b"<noscript>", b"<base href=//ads.test/>", b"<base href='/other/'>",
    b"<svg>", b"</svg>", b"<script href=//ads.test/3>", b"</script>", b"<template>", b"</template>",
    b"<link rel=stylesheet href=c.css>", b"<p style='background:url(u)'>", b"<body>", b"</body>", b"<frameset>",
    b"<title>", b"</title>", b"<html lang=en>", b"<head>", b"<a ping=p>", b"</noscript>", b"</p>", b"</div>", b"text",
    b"<!--", b"-->", b'"', b"<p title='", b"</head>", b"<iframe srcdoc='<img src=//ads.test/4>'></iframe>", b"<math>",
    b"<textarea>", b"</textarea>", b"<plaintext>", b"\r\n", b"<![CDATA[", b"]]>",
    b"<meta http-equiv=refresh content='0;#'>",
]  # fmt: skip
documents = st.lists(st.sampled_from(PIECES), max_size=10).map(b"".join)
pages = st.sampled_from(
    ["https://shop.test/a/b", "https://shop.test/a/c", "https://shop.test/", "https://ads.test/x", "https://ads.test/y"]
)
MANY = b"".join(b"<div id=%d><img src=//ads.test/%d><img src=/%d></div>" % (each, each, each) for each in range(200))
visits = st.lists(st.tuples(pages, documents, st.sampled_from([FRAMED, NOTHING])), min_size=1, max_size=5)


def result(url: str, document: bytes, injection: Injection, memory: TagMemory | None) -> tuple[object, ...]:
    rewriter = Rewriter(Page(url, "shop.test"), BlockTrackers(), injection, memory=memory)
    out = rewriter.feed(document) + rewriter.close()
    return out, rewriter.stripped, rewriter.language


@settings(max_examples=400, deadline=None)
@given(visits=visits, limit=st.sampled_from([0, 900, 1 << 20]), stretch=st.sampled_from([1, 20, 1024]))
def test_a_shared_memory_changes_neither_answer_nor_evidence(
    visits: list[tuple[str, bytes, Injection]], limit: int, stretch: int
) -> None:
    memory = TagMemory(limit, stretch=stretch)
    for _ in range(3):
        for url, document, injection in visits:
            assert result(url, document, injection, memory) == result(url, document, injection, None)


@settings(max_examples=250, deadline=None)
@given(begins=documents, between=documents, ends=documents)
@example(
    begins=b"<noscript>" * 2, between=b"", ends=b"<noscript>" * 3 + b"<iframe src=//video.test/1></iframe></noscript>"
)
@example(begins=b"<base href=//ads.test/>", between=b"", ends=b"<script src=t.js></script><img src=p.gif>")
def test_a_stretch_met_before_is_taken_for_itself_only_where_it_means_the_same(
    begins: bytes, between: bytes, ends: bytes
) -> None:
    memory = TagMemory(stretch=1)
    for document in (between + ends, between + ends, begins + between + ends):
        for page in (document, b"<body>" + document):
            got, wanted = (result("https://shop.test/", page, FRAMED, each) for each in (memory, None))
            assert got == wanted


def test_a_tag_is_not_known_from_a_document_of_another_grammar() -> None:
    prefixed = b'<a:script src="//ads.test/1"></a:script>'
    page = Page("https://shop.test/", "shop.test")
    memory = TagMemory()
    Rewriter(page, BlockTrackers(), memory=memory).feed(b"<body><p style='background:url(u)'>" + prefixed)
    xml = Rewriter(page, BlockTrackers(), mode="xml", memory=memory)
    out = xml.feed(b'<html xmlns="%b" xmlns:a="%b"><body>%b</body></html>' % (XHTML, XHTML, prefixed))
    assert b' src="//ads.test/1"' not in out + xml.close()
    assert len(xml.stripped) == 1


def test_what_pages_have_in_common_is_judged_once() -> None:
    class Counting(BlockTrackers):
        asked = 0

        def load(self, url: str, kind: str) -> Verdict:
            Counting.asked += 1
            return super().load(url, kind)

    memory = TagMemory()
    counts = []
    for number in range(4):
        rewriter = Rewriter(Page("https://shop.test/", "shop.test"), Counting(), memory=memory)
        document = b"<body><h1>%d</h1>" % number + MANY + b"</body>"
        out = rewriter.feed(document) + rewriter.close()
        assert out == result("https://shop.test/", document, NOTHING, None)[0]
        assert len(rewriter.stripped) == 200
        counts.append(Counting.asked)
    assert counts[1:] == [counts[0]] * 3


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
