"""The desk's own pages: declaration, record, erasure, assets; nothing of a visitor's reaches the markup unescaped."""

from __future__ import annotations

import json
import re
from datetime import datetime

from consent_site import SHOP, Shop
from desk_browser import Browser, rows


async def test_the_declaration_names_every_cookie_lifetime_and_recipient_and_our_own(browser: Browser) -> None:
    answer, page = await browser.get("/.samtykke/cookies?lang=nb")
    assert answer.status == 200
    for text in (
        "__utma",
        "2 år",
        "_fbp",
        "90 dager",
        "Meta Pixel Ireland Limited",
        "samtykke_purposes",
        "Fjordstua AS",
    ):
        assert text in page.replace("\u00a0", " ")
    assert "script" not in answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert not re.findall(r'(?:src|action)="(?!/\.samtykke/)', page)
    assert not re.findall(r'<link[^>]+href="(?!/\.samtykke/assets/)', page)


async def test_a_visitor_sees_withdraws_and_erases_his_own_record(shop: Shop, browser: Browser) -> None:
    told = await browser.choose(action="accept")
    answer, page = await browser.get("/.samtykke/me")
    assert answer.status == 200
    assert str(told["subject"]) in page
    answer, text = await browser.get("/.samtykke/me?format=json")
    assert [row["event"] for row in json.loads(text)["rows"]] == ["shown", "accept"]
    assert (await browser.post("/.samtykke/erase", headers={"Sec-Fetch-Site": "cross-site"}))[0].status == 403
    answer, _ = await browser.post("/.samtykke/erase", return_="/bye")
    assert (answer.status, answer.headers["Location"]) == (303, "/bye")
    assert browser.cookies()["samtykke_purposes"] == ""
    assert (await browser.get("/.samtykke/me"))[0].status == 404
    assert (await browser.get(f"/.samtykke/me?id={told['subject']}"))[0].status == 404
    assert (await browser.post("/.samtykke/erase"))[0].status == 404
    assert all(row.subject is None or row.subject != told["subject"] for row in await rows(shop))


async def test_an_erasure_of_unknown_origin_is_confirmed_first(browser: Browser) -> None:
    await browser.choose(action="accept")
    answer, page = await browser.post("/.samtykke/erase", headers={})
    assert answer.status == 200
    fields = re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', page)
    assert 'action="/.samtykke/erase"' in page
    url = browser.server.make_url("/.samtykke/erase")
    async with browser.session.post(url, data=fields, headers={}, allow_redirects=False) as confirmed:
        assert confirmed.status == 303


async def test_assets_never_change_under_their_name(browser: Browser) -> None:
    _, page = await browser.get("/")
    found = re.findall(r'(?:href|src)="(/\.samtykke/assets/[^"]+)"', page)
    assert len(set(found)) == 2
    for path in found:
        answer, _ = await browser.get(path)
        assert answer.status == 200
        assert "immutable" in answer.headers["Cache-Control"]
    assert (await browser.get("/.samtykke/assets/banner.0000.css"))[0].status == 404
    assert (await browser.get("/.samtykke/assets/../desk.py"))[0].status == 404


async def test_wrong_addresses_and_methods_are_answered_plainly(browser: Browser) -> None:
    assert (await browser.get("/.samtykke/nothing"))[0].status == 404
    answer, _ = await browser.get("/.samtykke/choice")
    assert (answer.status, answer.headers["Allow"]) == (405, "POST")
    assert (await browser.post("/.samtykke/preferences"))[0].status == 405


async def test_nothing_a_visitor_sends_reaches_the_markup_unescaped(shop: Shop, browser: Browser) -> None:
    visitor = shop.desk.visitor(None, gpc=False, site=SHOP)
    evil = '/"><script>alert(1)</script>'
    html = shop.desk.banner(visitor, SHOP, language='"><i>', return_path=evil, nonce='"x').decode()
    assert "<script>alert" not in html
    assert "<i>" not in html
    assert 'nonce="&quot;x"' in html


async def test_the_mirror_and_every_page_ignore_the_servers_time_zone(shop: Shop, browser: Browser) -> None:
    await browser.choose(action="accept")
    accepted = (await rows(shop))[-1]
    assert datetime.fromisoformat(accepted.time).utcoffset() is not None
