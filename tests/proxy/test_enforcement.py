"""What a visitor without consent gets and what the site gets of him, through the front door with the real parts."""

from __future__ import annotations

import asyncio
import gzip
import os
import re
import sqlite3
import zlib

import brotli
import pytest
from aiohttp import web
from backports import zstd
from shop_page import PAGE, POLICY, TRACKER, accepted, own_csp, page, request

from proxy.switch import set_bypass


async def test_a_page_is_stripped_guarded_and_asks(shop, say):
    proxy = await shop()
    got = await say(proxy.address, request(b"Sec-Fetch-Dest: document"))
    assert b"<script " + TRACKER not in got.body
    assert b"data-samtykke-" + TRACKER in got.body
    assert re.search(rb'<head><script src="/.samtykke/assets/guard\.[0-9a-f]+\.js"', got.body)
    assert b'id="samtykke-banner"' in got.body
    assert b"<h1>Caf\xc3\xa9</h1>" in got.body
    assert got.header("content-length") == [str(len(got.body))]


async def test_a_path_that_begins_with_two_slashes_names_no_host(start_proxy, site, say):
    async def answer(_request):
        return web.Response(
            text='<body><script src="/app.js"></script><script src="t.js"></script>', content_type="text/html"
        )

    site.answer = answer
    proxy = await start_proxy(site.url)
    got = await say(proxy.address, b"GET //blog/./post HTTP/1.1\r\nHost: shop.localhost\r\n\r\n")
    assert b'<script src="/app.js"></script><script src="t.js"></script>' in got.body


async def test_frames_are_guarded_and_fragments_only_stripped(shop, say):
    proxy = await shop()
    frame = await say(proxy.address, request(b"Sec-Fetch-Dest: iframe"))
    fragment = await say(proxy.address, request(b"Sec-Fetch-Dest: empty"))
    assert b"guard." in frame.body
    assert b"samtykke-banner" not in frame.body
    assert b"/.samtykke/" not in fragment.body
    assert b"data-samtykke" in fragment.body


async def test_what_is_no_document_for_the_browser_stays_untouched(shop, say, site):
    proxy = await shop()
    assert (await say(proxy.address, request(b"Sec-Fetch-Dest: image"))).body == PAGE
    site.answer = page(Content_Disposition="attachment; filename=a.html")
    assert (await say(proxy.address, request(b"Sec-Fetch-Dest: document"))).body == PAGE


async def test_accepting_brings_the_trackers_back_and_rejecting_does_not(shop, say):
    proxy = await shop()
    yes = await say(proxy.address, request(b"Sec-Fetch-Dest: document", await accepted(proxy.address, say)))
    no = await say(proxy.address, request(b"Sec-Fetch-Dest: document", await accepted(proxy.address, say, "reject")))
    assert b"<script " + TRACKER in yes.body
    assert b"<script " + TRACKER not in no.body
    assert b"samtykke-banner" not in yes.body + no.body


async def test_a_visitor_with_gpc_is_not_asked(shop, say):
    proxy = await shop()
    got = await say(proxy.address, request(b"Sec-Fetch-Dest: document", b"Sec-GPC: 1"))
    assert b"<script " + TRACKER not in got.body
    assert b'id="samtykke-banner"' not in got.body
    assert any(line.startswith("samtykke=") for line in got.header("set-cookie"))


@pytest.mark.parametrize("coding", ["gzip", "deflate", "raw deflate", "br", "zstd", "gzip, br"])
async def test_documents_in_any_coding_are_rewritten(shop, say, site, coding):
    raw = zlib.compressobj(wbits=-15)
    packed = {
        "gzip": gzip.compress(PAGE),
        "deflate": zlib.compress(PAGE),
        "raw deflate": raw.compress(PAGE) + raw.flush(),
        "br": brotli.compress(PAGE),
        "zstd": zstd.compress(PAGE),
        "gzip, br": brotli.compress(gzip.compress(PAGE)),
    }[coding]
    site.answer = page(packed, Content_Encoding=coding.removeprefix("raw "))
    proxy = await shop()
    plain = await say(proxy.address, request(b"Sec-Fetch-Dest: document"))
    assert b"<h1>Caf\xc3\xa9</h1>" in plain.body
    assert b"<script " + TRACKER not in plain.body
    assert plain.header("content-encoding") == []


@pytest.mark.parametrize(
    ("accept", "undo"),
    [
        (b"gzip", gzip.decompress),
        (b"br", brotli.decompress),
        (b"zstd", zstd.decompress),
        (b"gzip;q=0, *;q=0.1", zstd.decompress),
    ],
)
async def test_documents_are_compressed_as_the_visitor_takes_them(shop, say, accept, undo):
    proxy = await shop()
    got = await say(proxy.address, request(b"Sec-Fetch-Dest: document", b"Accept-Encoding: " + accept))
    assert b"<h1>Caf\xc3\xa9</h1>" in undo(got.body)


@pytest.mark.parametrize("size", [1_000, 400_000, 2_000_000])
async def test_a_truncated_document_never_looks_whole(shop, say, site, size):
    """What is known to be broken before its first byte has left is a 502; what has begun is broken off."""
    site.answer = page(gzip.compress(PAGE + os.urandom(size).hex().encode())[:-100], Content_Encoding="gzip")
    proxy = await shop()
    got = await say(proxy.address, request(b"Sec-Fetch-Dest: document"))
    assert (got.status, got.closed) == ((200, True) if size > 1_000_000 else (502, False))


async def test_a_bomb_is_not_unpacked(shop, say, site):
    bomb = gzip.compress(gzip.compress(bytes(2_000_000_000 // 10)))
    site.answer = page(bomb, Content_Encoding="gzip, gzip")
    proxy = await shop(limits={"decoded_free": 1_000_000})
    got = await say(proxy.address, request(b"Sec-Fetch-Dest: document"))
    assert got.status == 502 or got.closed


async def test_the_first_bytes_leave_before_the_site_has_finished(shop, site):
    release = asyncio.Event()

    async def answer(request):
        response = web.StreamResponse(headers={"Content-Type": "text/html"})
        await response.prepare(request)
        await response.write(b"<!doctype html><title>a</title><p>first")
        await release.wait()
        await response.write_eof(b"<p>second")
        return response

    site.answer = answer
    proxy = await shop()
    for accept in (b"identity", b"gzip", b"br", b"zstd"):
        release.clear()
        reader, writer = await asyncio.open_connection(*proxy.address)
        writer.write(request(b"Sec-Fetch-Dest: document", b"Accept-Encoding: " + accept))
        async with asyncio.timeout(60):
            await reader.readuntil(b"\r\n\r\n")
            size = int(await reader.readuntil(b"\r\n"), 16)
            first = await reader.readexactly(size)
        if accept == b"identity":
            assert b"<p>first" in first
        release.set()
        writer.transport.abort()


async def test_utf_16_is_transcoded_and_says_so(shop, say, site):
    site.answer = page("\ufeff".encode("utf-16-le") + PAGE.decode().encode("utf-16-le"), Content_Type="text/html")
    proxy = await shop()
    got = await say(proxy.address, request(b"Sec-Fetch-Dest: document"))
    assert got.header("content-type") == ["text/html; charset=utf-8"]
    assert "<h1>Café</h1>".encode() in got.body
    assert b"<script " + TRACKER not in got.body


async def test_a_document_without_a_type_is_recognised(start_proxy, asking, raw_site, say):
    async def answer(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nConnection: close\r\n\r\n" + gzip.compress(PAGE))
        await writer.drain()

    proxy = await start_proxy(await raw_site(answer), parts=asking)
    got = await say(proxy.address, request(b"Sec-Fetch-Dest: document"))
    assert b"<h1>Caf\xc3\xa9</h1>" in got.body
    assert b"<script " + TRACKER not in got.body


async def test_tracker_cookies_and_ours_do_not_reach_the_site(shop, say, site):
    proxy = await shop()
    await say(
        proxy.address, request(b'Cookie: sid=1;  _ga=GA1.2; samtykke=x; samtykke_purposes=; theme="d" ; _gid=2; z')
    )
    assert site.seen[0].header("cookie") == ['sid=1; theme="d" ; z']
    await say(proxy.address, request(b"Cookie: _ga=1", b"X-Consent: marketing"))
    assert site.seen[1].header("cookie") == []
    assert site.seen[1].header("x-consent") == []


async def test_the_site_cannot_set_tracker_cookies_or_ours_but_delete_them(shop, say, site):
    async def answer(request):
        response = web.Response(text="x")
        for line in (
            "sid=1; Path=/; HttpOnly",
            "_ga=1; Max-Age=63072000",
            "_ga=; Max-Age=0",
            "samtykke=forged",
            "other=1",
        ):
            response.headers.add("Set-Cookie", line)
        return response

    site.answer = answer
    proxy = await shop()
    got = await say(proxy.address, request(b"Sec-Fetch-Dest: image"))
    assert got.header("set-cookie") == ["sid=1; Path=/; HttpOnly", "_ga=; Max-Age=0", "other=1"]
    assert ("shop", "cookie", "other", "/") in proxy.ledger.sightings


@pytest.mark.parametrize(
    "written",
    [r"/\www.google-analytics.com/a.js", r"\\www.google-analytics.com/a.js", "https:www.google-analytics.com/a.js"],
)
async def test_addresses_in_headers_are_read_as_browsers_read_them(shop, say, site, written):
    site.answer = page(Link=f"<{written}>; rel=preload; as=script", Refresh=f"0; url={written}")
    proxy = await shop()
    got = await say(proxy.address, request(b"Sec-Fetch-Dest: document"))
    assert (got.header("link"), got.header("refresh")) == ([], [])


async def test_headers_that_make_browsers_load_or_tell_are_gated(shop, say, site):
    site.answer = page(
        Link='</a.css>; rel=preload; as=style, <https://www.google-analytics.com/a.js>; rel="preload"; as=script, '
        '<https://other.example/>; rel="next"; title="a, b"',
        Refresh="5; url=https://www.google-analytics.com/collect",
        Speculation_Rules='"/rules.json", "https://www.google-analytics.com/r.json"',
        Report_To='{"group":"g","max_age":1,"endpoints":[{"url":"https://www.google-analytics.com/r"}]}',
        NEL='{"report_to":"g","max_age":1}',
        Attribution_Reporting_Register_Source="{}",
        Observe_Browsing_Topics="?1",
        Alt_Svc='h3=":443"',
    )
    proxy = await shop()
    got = await say(proxy.address, request(b"Sec-Fetch-Dest: document", b"Sec-Browsing-Topics: ();p=P0"))
    assert got.header("link") == ['</a.css>; rel=preload; as=style, <https://other.example/>; rel="next"; title="a, b"']
    assert got.header("speculation-rules") == ['"/rules.json"']
    for name in (
        "refresh",
        "report-to",
        "nel",
        "attribution-reporting-register-source",
        "observe-browsing-topics",
        "alt-svc",
    ):
        assert got.header(name) == [], name
    assert site.seen[0].header("sec-browsing-topics") == []


async def test_documents_are_private_and_vary(shop, say, site):
    site.answer = page(
        Cache_Control="public, max-age=600, s-maxage=9", ETag='"v1"', Last_Modified="Thu, 01 Jan 2026 00:00:00 GMT",
        Content_Digest="sha-256=:x:", Surrogate_Control="max-age=9", CDN_Cache_Control="max-age=9", Vary="Accept",
    )  # fmt: skip
    proxy = await shop()
    got = await say(proxy.address, request(b"Sec-Fetch-Dest: document"))
    assert got.header("cache-control") == ["private, no-cache"]
    assert got.header("vary") == ["Accept, Cookie, Sec-GPC, Accept-Encoding, Sec-Fetch-Dest"]
    for name in ("etag", "last-modified", "content-digest", "surrogate-control", "cdn-cache-control"):
        assert got.header(name) == [], name
    decided = await say(
        proxy.address, request(b"Sec-Fetch-Dest: document", await accepted(proxy.address, say, "reject"))
    )
    assert decided.header("cache-control") == ["private, max-age=600"]
    assert decided.header("etag")[0].startswith('W/"v1')


async def test_a_validator_confirms_only_the_same_consents_document(shop, say, site, published):
    async def answer(request):
        if '"v1"' in request.headers.get("If-None-Match", ""):
            return web.Response(status=304, headers={"ETag": '"v1"'})
        return web.Response(body=PAGE, headers={"Content-Type": "text/html", "ETag": '"v1"'})

    site.answer = answer
    proxy = await shop(policy_file=published(POLICY))
    no, yes = await accepted(proxy.address, say, "reject"), await accepted(proxy.address, say)
    document = b"Sec-Fetch-Dest: document"
    tag = b"If-None-Match: " + (await say(proxy.address, request(document, no))).header("etag")[0].encode()
    again = await say(proxy.address, request(document, no, tag))
    assert again.status == 304
    assert own_csp(again)
    assert (await say(proxy.address, request(document, yes, tag))).status == 200
    assert (await say(proxy.address, request(document, tag))).status == 200
    assert (await say(proxy.address, request(document, no, b'If-None-Match: "v1"'))).status == 200


async def test_a_range_of_a_document_is_asked_for_as_a_whole(shop, say, site):
    async def answer(request):
        if "Range" in request.headers:
            return web.Response(
                status=206, body=PAGE[:9], headers={"Content-Type": "text/html", "Content-Range": "bytes 0-8/9"}
            )
        return web.Response(body=PAGE, headers={"Content-Type": "text/html"})

    site.answer = answer
    proxy = await shop()
    for lines in ([b"Sec-Fetch-Dest: document"], [b"Sec-Fetch-Dest: empty"]):
        got = await say(proxy.address, request(*lines, b"Range: bytes=0-8"))
        assert got.status == 200
        assert b"</html>" in got.body


async def test_report_mode_changes_nothing_and_counts(shop, say, site):
    async def answer(request):
        response = web.Response(
            body=PAGE, headers={"Content-Type": "text/html", "ETag": '"v1"', "Cache-Control": "public"}
        )
        response.headers.add("Set-Cookie", "_ga=1; Max-Age=9")
        return response

    site.answer = answer
    proxy = await shop(mode="report")
    got = await say(proxy.address, request(b"Sec-Fetch-Dest: document", b"Cookie: _ga=1", b"X-Consent: a"))
    assert got.body == PAGE
    assert got.header("set-cookie") == ["_ga=1; Max-Age=9"]
    assert got.header("content-security-policy") == []
    assert got.header("etag") == ['"v1"']
    assert site.seen[0].header("cookie") == ["_ga=1"]
    counted = {key[4] for key in proxy.ledger.evidence}
    assert {"cookie_set", "cookie_sent", "html"} <= counted


async def test_the_kill_switch_works_without_restart(shop, say, site, tmp_path):
    proxy = await shop(state=tmp_path)
    document = request(b"Sec-Fetch-Dest: document")
    assert (await say(proxy.address, document)).body != PAGE
    set_bypass(tmp_path, on=True)
    proxy.bypass.look()
    assert (await say(proxy.address, document)).body == PAGE
    set_bypass(tmp_path, on=False)
    proxy.bypass.look()
    assert (await say(proxy.address, document)).body != PAGE


async def test_a_published_policy_is_taken_up_while_running(shop, say, tmp_path):
    file = tmp_path / "shop.json"
    proxy = await shop(policy_file=lambda name: file)
    document = request(b"Sec-Fetch-Dest: document")
    assert (await say(proxy.address, document)).header("content-security-policy") == []
    file.write_text(POLICY.to_json())
    async with asyncio.timeout(60):
        while not (await say(proxy.address, document)).header("content-security-policy"):  # noqa: ASYNC110  the proxy looks by itself
            await asyncio.sleep(0.1)
    assert "cdn.example" in own_csp(await say(proxy.address, document))
    file.write_text("{broken")
    await asyncio.sleep(1.2)
    assert "cdn.example" in own_csp(await say(proxy.address, request(b"Sec-Fetch-Dest: document")))


@pytest.mark.parametrize(
    ("gate", "leak"),
    [("request-cookies", "sent"), ("set-cookies", "set"), ("html", "html"), ("guard", "guard"), ("csp", "csp")],
)
async def test_each_gate_can_be_switched_off_and_then_leaks(shop, say, site, published, gate, leak):
    async def answer(request):
        response = web.Response(body=PAGE, headers={"Content-Type": "text/html"})
        response.headers.add("Set-Cookie", "_ga=1")
        return response

    site.answer = answer
    document = request(b"Sec-Fetch-Dest: document", b"Cookie: _ga=1")
    for without in (frozenset(), frozenset({gate})):
        proxy = await shop(without=without, policy_file=published(POLICY))
        got = await say(proxy.address, document)
        leaks = {
            "sent": bool(site.seen[-1].header("cookie")),
            "set": "_ga=1" in got.header("set-cookie"),
            "html": b"<script " + TRACKER in got.body,
            "guard": b"assets/guard." not in got.body,
            "csp": not got.header("content-security-policy"),
        }
        assert leaks[leak] is bool(without)


async def test_exempt_paths_let_unknown_third_parties_run(shop, say, site):
    site.answer = page(b'<!doctype html><head></head><iframe src="https://bank.example/3ds"></iframe>')
    proxy = await shop(site={"exempt_paths": ["/checkout"]})
    elsewhere = await say(proxy.address, request(b"Sec-Fetch-Dest: document"))
    checkout = await say(proxy.address, request(b"Sec-Fetch-Dest: document", path=b"/checkout/pay"))
    assert b'<iframe src="https://bank.example/3ds">' not in elsewhere.body
    assert b'<iframe src="https://bank.example/3ds">' in checkout.body
    assert not any("frame-src" in value for value in checkout.header("content-security-policy"))


async def test_the_site_is_told_about_consent_when_wanted(shop, say, site):
    proxy = await shop(consent_header=True)
    await say(proxy.address, request(b"X-Consent: forged"))
    assert site.seen[-1].header("x-consent") == ["undecided"]
    cookie = await accepted(proxy.address, say)
    await say(proxy.address, request(cookie))
    assert site.seen[-1].header("x-consent") == ["necessary, marketing, preferences, statistics"]


async def test_evidence_is_written_down(shop, say, tmp_path):
    proxy = await shop(state=tmp_path)
    await say(proxy.address, request(b"Sec-Fetch-Dest: document", b"Cookie: _ga=1"))
    await proxy.ledger.flush()
    with sqlite3.connect(tmp_path / "proxy.db") as database:
        rows = database.execute("SELECT tracker, what, action, count FROM evidence").fetchall()
    database.close()
    assert ("_ga", "cookie_sent", "strip", 1) in rows
    assert any(row[1:3] == ("html", "block") for row in rows)


async def test_shared_rendering_is_the_same_for_everybody(shop, say, site):
    site.answer = page(Cache_Control="public, max-age=600")
    proxy = await shop(render="shared")
    cookie = await accepted((await shop()).address, say)
    one = await say(proxy.address, request(b"Sec-Fetch-Dest: document"))
    other = await say(proxy.address, request(b"Sec-Fetch-Dest: document", cookie))
    assert one.body == other.body
    assert one.header("cache-control") == ["public, max-age=600"]
    assert "Cookie" not in one.header("vary")[0]
    assert other.header("set-cookie") == []
    assert b'name="notice" value=' not in one.body
