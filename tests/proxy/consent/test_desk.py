"""Visitors at the desk: over real HTTP, with a real SQLite log and real keys."""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import ClientSession, CookieJar, DummyCookieJar
from aiohttp.test_utils import RawTestServer
from consent_site import SHOP, Clock, Shop, close_shop, open_shop
from desk_browser import JSON, Browser, rows, token_of

from policies.purpose import ACCEPT, REJECT, Consent, Purpose
from policies.verdict import Verdict
from proxy.consent.log import ConsentLog, Event, LogUnavailable, Row
from proxy.consent.site_notice import SiteNotice

ALL = {"marketing": True, "preferences": True, "statistics": True}
NONE = dict.fromkeys(ALL, False)


def clock_of(shop: Shop) -> Clock:
    assert isinstance(shop.clock, Clock)
    return shop.clock


async def test_an_accept_is_a_row_then_cookies_then_a_way_back(shop: Shop, browser: Browser) -> None:
    answer, _ = await browser.post(
        action="accept", notice=await browser.token("/boots?size=42"), return_="/boots?size=42"
    )
    assert (answer.status, answer.headers["Location"]) == (303, "/boots?size=42")
    assert answer.headers["Cache-Control"] == "no-store"
    assert browser.cookies()["samtykke_purposes"] == "preferences.statistics.marketing"
    shown, accepted = await rows(shop)
    assert (shown.event, shown.subject, shown.path) == ("shown", None, "/boots")
    assert (accepted.event, accepted.purposes, accepted.surface) == ("accept", ALL, "noscript")
    assert accepted.nonce == shown.nonce
    assert accepted.vendors == dict.fromkeys(
        ["google-analytics", "matomo", "meta-pixel", "remarketing", "youtube"], True
    )
    assert (accepted.policy, accepted.ip, accepted.language) == (SHOP.policy, "127.0.0.0/24", "en")
    notice = await shop.log.notice(accepted.notice or "")
    assert notice is not None
    assert notice.content == shop.desk.notice(SHOP, "en").content
    _, page = await browser.get("/")
    assert "samtykke-banner" not in page
    assert 'id="samtykke-reopen"' in page


async def test_a_reject_leaves_no_id_with_the_visitor_and_is_remembered_as_long(shop: Shop, browser: Browser) -> None:
    answer, _ = await browser.post(action="reject", notice=await browser.token())
    lines = answer.headers.getall("Set-Cookie")
    assert all("Max-Age=15552000" in line for line in lines if line.startswith("samtykke"))
    visitor = shop.desk.visitor(lines[0].split(";")[0].encode(), gpc=False, site=SHOP)
    assert (visitor.consent, visitor.subject, visitor.prompt) == (REJECT, None, False)
    assert browser.cookies()["samtykke_purposes"] == ""
    refused = (await rows(shop))[-1]
    assert (refused.event, refused.purposes) == ("reject", NONE)
    assert refused.subject
    assert (await browser.get("/.samtykke/me"))[0].status == 404


async def test_a_refuser_who_asks_for_a_receipt_can_find_his_row(browser: Browser) -> None:
    await browser.post(action="reject", receipt=1)
    answer, text = await browser.get("/.samtykke/me", **JSON)
    assert answer.status == 200
    assert [row["event"] for row in json.loads(text)["rows"]] == ["reject"]


async def test_saving_some_purposes_and_vendors_is_remembered_one_by_one(shop: Shop, browser: Browser) -> None:
    told = await browser.choose(action="save", purpose=["statistics"], vendor=["-matomo", "youtube", ""])
    assert told["purposes"] == {**NONE, "statistics": True}
    assert told["vendors"] == {
        "google-analytics": True, "matomo": False, "meta-pixel": False, "remarketing": False, "youtube": True,
    }  # fmt: skip
    _, page = await browser.get("/.samtykke/preferences")
    assert 'value="statistics" aria-label' in page
    assert len(re.findall(r"\bchecked\b", page)) == 1
    assert '<option value="-matomo" selected>' in page
    assert (await rows(shop))[-1].surface == "preferences"


async def test_allowing_one_vendor_from_a_placeholder_keeps_what_was_granted(browser: Browser) -> None:
    await browser.choose(action="save", purpose=["statistics"])
    told = await browser.choose(action="save", keep=1, vendor="youtube")
    assert told["purposes"] == {**NONE, "statistics": True}
    assert told["answers"] == {"youtube": True}
    assert (told["granted"], told["reload"]) == (True, False)


async def test_a_placeholders_own_form_asks_once_more_with_the_vendor_answered(shop: Shop, browser: Browser) -> None:
    verdict = Verdict("block", "needs consent", vendor="youtube", purpose=Purpose.PREFERENCES)
    attributes = {"src": 'https://www.youtube.com/embed/"><script>', "width": "560", "height": "1e9"}
    html = shop.desk.placeholder(verdict, "video", attributes, language="nb-NO", site=SHOP).decode()
    assert "Video fra YouTube" in html
    assert "YouTube Ireland Limited" in html
    assert "<script>" not in html
    assert 'type="button" class="s-button" data-samtykke-load' in html
    answer, page = await browser.post(action="save", keep=1, vendor="youtube", return_="/film")
    assert answer.status == 409
    assert '<option value="youtube" selected>' in page
    answer, _ = await browser.post(action="save", vendor="youtube", notice=token_of(page), return_="/film")
    assert (answer.status, answer.headers["Location"]) == (303, "/film")


async def test_a_placeholder_of_nobody_known_has_no_vendor_to_allow(shop: Shop) -> None:
    html = shop.desk.placeholder(
        Verdict("block", "unknown"), "frame", {"src": "//x.example/f"}, language="en", site=SHOP
    )
    assert b"x.example" in html
    assert b'name="vendor"' not in html
    assert b"javascript:" not in shop.desk.placeholder(
        Verdict("block", "unknown"), "frame", {"src": "javascript:alert(1)"}, language="en", site=SHOP
    )


async def test_withdrawing_takes_everything_back_and_expires_what_is_left(shop: Shop, browser: Browser) -> None:
    await browser.choose(action="accept")
    answer, text = await browser.post(
        action="withdraw",
        return_="/shop/",
        headers={"Sec-Fetch-Site": "same-origin", "Cookie": "_fbp=1; cart=2", **JSON},
    )
    assert json.loads(text)["purposes"] == NONE
    lines = answer.headers.getall("Set-Cookie")
    assert any(line.startswith("_fbp=; Path=/;") for line in lines)
    assert any(line.startswith("_fbp=; Path=/shop;") for line in lines)
    assert not any(line.startswith("cart=") for line in lines)
    assert (await rows(shop))[-1].event == "withdraw"


async def test_the_withdrawal_is_tied_to_the_consent_it_ends(shop: Shop, browser: Browser) -> None:
    told = await browser.choose(action="accept")
    answer, text = await browser.post(action="withdraw", headers={"Sec-Fetch-Site": "same-origin", **JSON})
    assert json.loads(text)["subject"] == told["subject"]
    assert json.loads(text)["reload"] is True
    visitor = shop.desk.visitor(answer.headers.getall("Set-Cookie")[0].split(";")[0].encode(), gpc=False, site=SHOP)
    assert visitor.subject is None


@pytest.mark.parametrize(
    "headers",
    [{"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "https://evil.example"}],
)
@pytest.mark.parametrize("action", ["accept", "reject"])
async def test_another_site_chooses_nothing(shop: Shop, browser: Browser, headers: dict[str, str], action: str) -> None:
    answer, _ = await browser.post(action=action, notice=await browser.token(), headers=headers)
    assert answer.status == 403
    assert "Set-Cookie" not in answer.headers
    assert [row.event for row in await rows(shop)] == ["shown"]


@pytest.mark.parametrize("headers", [{}, {"Origin": "null"}])
async def test_an_accept_of_unknown_origin_is_confirmed_first(
    shop: Shop, browser: Browser, headers: dict[str, str]
) -> None:
    fields = {"action": "save", "notice": await browser.token(), "purpose": ["statistics"], "vendor": ["-matomo"]}
    answer, page = await browser.post(headers=headers, **fields)
    assert answer.status == 200
    assert "samtykke" not in browser.cookies()
    again = re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', page)
    stolen = ClientSession(cookie_jar=DummyCookieJar())
    async with (
        stolen,
        stolen.post(
            browser.server.make_url("/.samtykke/choice"), data=again, headers=headers, allow_redirects=False
        ) as forged,
    ):
        assert forged.status == 200
        assert "samtykke=" not in str(forged.headers.getall("Set-Cookie"))
    async with browser.session.post(
        browser.server.make_url("/.samtykke/choice"), data=again, headers=headers, allow_redirects=False
    ) as confirmed:
        assert confirmed.status == 303
    assert (await rows(shop))[-1].purposes == {**NONE, "statistics": True}
    assert (await browser.post(headers={**headers, **JSON}, action="accept", notice=fields["notice"]))[0].status == 403


async def test_a_reject_of_unknown_origin_is_believed(shop: Shop, browser: Browser) -> None:
    answer, _ = await browser.post(action="reject", headers={})
    assert answer.status == 303
    assert (await rows(shop))[-1].event == "reject"


async def test_an_expired_token_shows_the_form_again_and_never_hinders_a_reject(shop: Shop, browser: Browser) -> None:
    old = await browser.token()
    clock_of(shop).pass_by(1801)
    answer, page = await browser.post(action="save", notice=old, purpose=["marketing"], return_="/boots")
    assert answer.status == 409
    assert "Set-Cookie" not in answer.headers
    assert len(re.findall(r"\bchecked\b", page)) == 1
    assert 'name="return" value="/boots"' in page
    answer, text = await browser.post(action="accept", notice=old, headers={"Sec-Fetch-Site": "same-origin", **JSON})
    assert answer.status == 409
    assert json.loads(text)["notice"] != old
    assert (await browser.post(action="accept", notice=token_of(page)))[0].status == 303
    assert (await browser.post(action="reject", notice=old))[0].status == 303
    assert [row.event for row in await rows(shop)] == ["shown", "shown", "shown", "accept", "reject"]


async def test_a_notice_that_is_no_longer_shown_cannot_be_accepted(shop: Shop, browser: Browser) -> None:
    old = await browser.token()
    shop.site = replace(SHOP, vendors=SHOP.vendors[:-1], material="new")
    assert (await browser.post(action="accept", notice=old))[0].status == 409


async def test_a_token_used_twice_writes_two_rows(shop: Shop, browser: Browser) -> None:
    token = await browser.token()
    await browser.post(action="accept", notice=token)
    await browser.post(action="reject", notice=token)
    written = await rows(shop)
    assert [row.event for row in written] == ["shown", "accept", "reject"]
    assert len({row.nonce for row in written}) == 1


@pytest.mark.parametrize("path", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:x"])
async def test_nobody_is_sent_to_another_site(browser: Browser, path: str) -> None:
    token = await browser.token()
    assert (await browser.post(action="accept", notice=token, return_=path))[0].status == 400
    answer, _ = await browser.post(action="reject", notice=token, return_=path)
    assert (answer.status, answer.headers["Location"]) == (303, "/")
    _, page = await browser.get(f"/.samtykke/preferences?return={path}")
    assert "evil.example" not in page


async def test_malformed_forms_are_refused_with_a_reason(browser: Browser) -> None:
    token = await browser.token()
    for fields in (
        {},
        {"action": "rejekt"},
        {"action": ["accept", "reject"]},
        {"action": "accept", "notice": token[:-2]},
        {"action": "accept", "notice": [token, token]},
        {"action": "save", "notice": token, "vendor": "\x00\uffff"},
        {"action": "save", "notice": token, "purpose": "x" * 70_000},
    ):
        answer, text = await browser.post(headers={"Sec-Fetch-Site": "same-origin", **JSON}, **fields)
        assert answer.status == 400, fields
        assert json.loads(text)["error"]
        assert "Set-Cookie" not in answer.headers


async def test_too_many_choices_are_refused_but_a_reject_still_counts(tmp_path: Path) -> None:
    shop = await open_shop(tmp_path, choices_per_minute=2)
    async with RawTestServer(shop.answer) as server, ClientSession(cookie_jar=CookieJar(unsafe=True)) as session:
        browser = Browser(server, session)
        token = await browser.token()
        for _ in range(2):
            assert (await browser.post(action="accept", notice=token))[0].status == 303
        answer, _ = await browser.post(action="accept", notice=token)
        assert answer.status == 429
        assert "Set-Cookie" not in answer.headers
        answer, _ = await browser.post(action="reject", notice=token)
        assert answer.status == 429
        assert browser.cookies()["samtykke_purposes"] == ""
        assert "samtykke-banner" not in (await browser.get("/"))[1]
    await close_shop(shop)


class BrokenLog:
    """A log whose database is gone."""

    async def append(self, event: Event) -> Row:
        raise LogUnavailable("disk full")

    async def keep_notice(self, hash: str, content: bytes, media_type: str) -> None:  # noqa: A002  the log's word
        raise LogUnavailable("disk full")

    async def rows_of(self, subject: str) -> list[Row]:
        raise LogUnavailable("disk full")

    async def erase(self, subject: str) -> int:
        raise LogUnavailable("disk full")


async def test_with_the_log_down_nothing_is_accepted_and_every_reject_is_honoured(shop: Shop, browser: Browser) -> None:
    await browser.choose(action="save", purpose=["statistics"])
    before = browser.cookies()["samtykke"]
    shop.desk._rows._log = BrokenLog()
    object.__setattr__(shop.desk._office, "log", BrokenLog())
    token = await browser.token("/.samtykke/preferences")
    for action in ("accept", "save"):
        answer, _ = await browser.post(action=action, notice=token)
        assert answer.status == 503
        assert "Set-Cookie" not in answer.headers
    assert browser.cookies()["samtykke"] == before
    assert (await browser.get("/.samtykke/me"))[0].status == 503
    assert (await browser.post("/.samtykke/erase"))[0].status == 503
    answer, text = await browser.post(action="withdraw", headers={"Sec-Fetch-Site": "same-origin", **JSON})
    assert (answer.status, json.loads(text)["logged"]) == (200, False)
    assert browser.cookies()["samtykke_purposes"] == ""
    await shop.desk.close()
    assert shop.desk.dropped == 1


async def test_no_accept_leaves_before_its_row_is_committed(shop: Shop, browser: Browser) -> None:
    token = await browser.token()
    await shop.desk.close()
    held = asyncio.Event()
    log: ConsentLog = shop.log

    class SlowLog(BrokenLog):
        async def append(self, event: Event) -> Row:
            await held.wait()
            return await log.append(event)

    shop.desk._rows._log = SlowLog()
    waiting = asyncio.create_task(browser.post(action="accept", notice=token))
    await asyncio.sleep(0.1)
    assert not waiting.done()
    held.set()
    assert (await waiting)[0].status == 303


async def test_the_signal_decides_once_per_session_and_an_explicit_choice_beats_it(
    shop: Shop, browser: Browser
) -> None:
    for _ in range(3):
        _, page = await browser.get("/", **{"Sec-GPC": "1"})
        assert "samtykke-banner" not in page
        assert 'id="samtykke-reopen"' in page
    assert [row.event for row in await rows(shop)] == ["gpc"]
    _, page = await browser.get("/.samtykke/preferences", **{"Sec-GPC": "1"})
    assert "Global Privacy Control" in page
    await browser.post(
        action="accept", notice=token_of(page), headers={"Sec-Fetch-Site": "same-origin", "Sec-GPC": "1"}
    )
    cookie = f"samtykke={browser.cookies()['samtykke']}".encode()
    assert shop.desk.visitor(cookie, gpc=True, site=SHOP).consent == Consent(ACCEPT.purposes, (), decided=True)


async def test_a_material_change_asks_consenters_again_with_a_row_of_its_own(shop: Shop, browser: Browser) -> None:
    await browser.choose(action="accept")
    shop.site = replace(SHOP, material="new")
    for _ in range(2):
        assert "samtykke-banner" in (await browser.get("/"))[1]
    events = [row.event for row in await rows(shop)]
    assert events == ["shown", "accept", "shown", "reprompt", "shown"]


async def test_a_site_with_nothing_to_ask_gets_no_markup(shop: Shop, browser: Browser) -> None:
    shop.site = SiteNotice("shop", SHOP.vendors[:1])
    assert "samtykke" not in (await browser.get("/", **{"Sec-GPC": "1"}))[1]
    assert "samtykke" not in browser.cookies()
    assert await rows(shop) == []


async def test_robots_see_the_page_and_leave_no_row(shop: Shop, browser: Browser) -> None:
    assert "samtykke-banner" in (await browser.get("/", **{"User-Agent": "Googlebot/2.1"}))[1]
    assert await rows(shop) == []


async def test_a_shared_page_is_the_same_for_everybody_and_its_question_is_fetched(
    shop: Shop, browser: Browser
) -> None:
    newcomer = shop.desk.visitor(None, gpc=False, site=SHOP)
    decided = replace(newcomer, consent=ACCEPT, prompt=False, confirmed="accept")
    one, two = (
        shop.desk.banner(each, SHOP, language="en", return_path="/", shared=True) for each in (newcomer, decided)
    )
    assert one == two
    assert b"notice" not in one
    assert b'data-fetch="banner"' in one
    answer, part = await browser.get("/.samtykke/preferences?part=banner&return=/x")
    assert answer.headers["Cache-Control"] == "no-store"
    assert 'id="samtykke-accept"' in part
    assert token_of(part)
    await browser.choose(action="reject")
    assert (await browser.get("/.samtykke/preferences?part=banner"))[1] == ""


async def test_the_choice_is_confirmed_on_the_next_page_and_not_for_ever(shop: Shop, browser: Browser) -> None:
    await browser.post(action="reject")
    assert "You have rejected everything" in (await browser.get("/"))[1]
    clock_of(shop).pass_by(60)
    assert "You have rejected everything" not in (await browser.get("/"))[1]
