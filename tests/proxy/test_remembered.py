"""Documents that come again unchanged: the same answer, but for what is each visitor's own."""

from __future__ import annotations

import re

import pytest
import xxhash
from aiohttp import web

from policies.purpose import Purpose
from policies.verdict import Verdict
from proxy.exchange import Tally
from proxy.remembered import END, HEAD, Memory, Rewritten, digest

GET = b"GET %b HTTP/1.1\r\nHost: shop.localhost\r\nSec-Fetch-Dest: document\r\n%b\r\n"
PAGE = (
    "<!doctype html><html><head><title>t</title><script src='https://www.google-analytics.com/a.js'></script></head>"
    "<body><p>hello</p></body></html>"
)
TOKEN = re.compile(rb'name="notice" value="([^"]+)"')


def answering(text: str = PAGE, **headers: str):
    async def answer(request):
        return web.Response(text=text, content_type="text/html", headers=headers)

    return answer


async def pages(proxy, say, number=4, path=b"/", more=b""):
    return [await say(proxy.address, GET % (path, more)) for _ in range(number)]


async def test_the_same_body_is_rewritten_once_with_a_token_for_each_visitor(site, start_proxy, say, asking):
    site.answer = answering()
    proxy = await start_proxy(site.url, parts=asking)
    answers = await pages(proxy, say)
    assert proxy.counted.counts.remembered() == {"hit": 2, "miss": 2}
    tokens = [TOKEN.search(got.body)[1] for got in answers]
    assert len(set(tokens)) == 4
    assert len({got.body.replace(token, b"") for got, token in zip(answers, tokens, strict=True)}) == 1
    assert all(got.body.count(b'id="samtykke-banner"') == 1 for got in answers)
    assert all(b"samtykke-head-" not in got.body and b"samtykke-end-" not in got.body for got in answers)
    assert all(len(got.body) == int(got.header("content-length")[0]) for got in answers)


async def test_remembered_and_streamed_documents_are_the_same_bytes(site, start_proxy, say):
    for text in (
        PAGE,
        "<p>no head",
        "<frameset><frame src=a></frameset>",
        "",
        "<svg><script/></svg>æøå",
        "<body>" * 30,
    ):
        site.answer = answering(text)
        remembering, streaming = await start_proxy(site.url), await start_proxy(site.url, remembered=0)
        for path in (b"/", b"/a/b?c"):
            found = [got.body for got in await pages(remembering, say, 3, path)]
            assert set(found) == {(await pages(streaming, say, 1, path))[0].body}


async def test_another_consent_gets_another_document(site, start_proxy, say, asking):
    site.answer = answering()
    proxy = await start_proxy(site.url, parts=asking)
    await pages(proxy, say, 3)
    refused = await pages(proxy, say, 3, more=b"Sec-GPC: 1\r\n")
    assert all(b"samtykke-banner" not in got.body or b'name="notice"' not in got.body for got in refused)
    assert proxy.counted.counts.remembered() == {"hit": 2, "miss": 4}


async def test_no_store_is_never_kept(site, start_proxy, say):
    site.answer = answering(**{"Cache-Control": "private, no-store"})
    proxy = await start_proxy(site.url)
    await pages(proxy, say, 5)
    assert proxy.counted.counts.remembered() == {"hit": 0, "miss": 0}
    assert proxy.memory.used == 0


async def test_each_hit_counts_what_it_stripped(site, start_proxy, say):
    site.answer = answering()
    proxy = await start_proxy(site.url)
    await pages(proxy, say, 5)
    assert proxy.counted.counts.stripped(1)["html"] == 5
    proxy.ledger.spell_out()
    assert sum(n for (_, _, _, _, what, _), n in proxy.ledger.evidence.items() if what == "html") == 5


async def test_addresses_that_depend_on_the_page_are_kept_for_that_page(site, start_proxy, say):
    site.answer = answering("<head></head><iframe src='?x'></iframe>")
    proxy = await start_proxy(site.url)
    await pages(proxy, say, 3, b"/one")
    assert proxy.counted.counts.remembered()["hit"] == 1
    await pages(proxy, say, 2, b"/two")
    assert proxy.counted.counts.remembered()["hit"] == 1


@pytest.mark.parametrize("coding", ["gzip", "br", "zstd", "identity"])
async def test_remembered_documents_are_compressed_for_who_asks(site, start_proxy, say, coding):
    site.answer = answering(PAGE + "x" * 5000)
    proxy = await start_proxy(site.url)
    plain = (await pages(proxy, say, 1))[0].body
    for got in await pages(proxy, say, 4, more=b"Accept-Encoding: %b\r\n" % coding.encode()):
        assert got.header("content-encoding") == ([coding] if coding != "identity" else [])
        assert unpacked(got.body, coding) == plain


def unpacked(body: bytes, coding: str) -> bytes:
    from proxy.coding import decoder

    found = decoder([coding.encode()] if coding != "identity" else [], ratio=10_000, free=1 << 24)
    return b"".join(found.feed(body))


async def test_a_site_that_pauses_is_streamed_at_once(raw_site, start_proxy):
    import asyncio

    go = asyncio.Event()

    async def answer(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 20\r\n\r\n<p>first</p>")
        await writer.drain()
        await go.wait()
        writer.write(b"<p>2</p>")
        await writer.drain()

    proxy = await start_proxy(await raw_site(answer))
    reader, writer = await asyncio.open_connection(*proxy.address)
    writer.write(GET % (b"/", b""))
    async with asyncio.timeout(60):
        assert b"<p>first</p>" in await reader.readuntil(b"first</p>")
    go.set()
    async with asyncio.timeout(60):
        await reader.readuntil(b"<p>2</p>")
    writer.close()


@pytest.mark.parametrize("size", [0, 16, 200, 60_000])
def test_nobody_outside_can_work_out_which_bodies_are_taken_for_the_same(size):
    body = b"x" * size
    assert digest(body) == digest(bytes(bytearray(body)))
    assert digest(body) != xxhash.xxh3_128_digest(body)


def test_memory_stays_within_its_bytes_and_forgets_the_oldest():
    memory = Memory(10_000, lambda hit: None)
    verdict = Verdict("block", "a rule", "t", "v", Purpose.MARKETING)
    for number in range(100):
        for _ in range(2):
            document = Rewritten.cut(b"a" + HEAD + b"x" * 1000 + END + b"z", None, Tally("html", (verdict,)))
            memory.keep((number,), b"/", document, bound=number % 3 == 0)
            for fill in range(6):
                memory.encoded(document, (b"br", b"%d" % fill, b""), lambda: b"y" * 100)
        assert memory.used <= 10_000
    assert memory.recall((0,), b"/") is None
    assert memory.recall((99,), b"/").filled(b"-", b"+") == b"a-" + b"x" * 1000 + b"+z"
    assert memory.recall((99,), b"/other") is None


def test_what_is_larger_than_all_memory_is_not_kept():
    memory = Memory(1000, lambda hit: None)
    for _ in range(3):
        memory.keep((1,), b"/", Rewritten.cut(b"x" * 5000, None, Tally("html", ())), bound=False)
    assert memory.recall((1,), b"/") is None
    assert memory.used == 0
