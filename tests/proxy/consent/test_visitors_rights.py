"""What a visitor can do with his own record, choices brought from other tools, and the question for his age."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from aiohttp import ClientSession, CookieJar
from aiohttp.test_utils import RawTestServer
from consent_site import SHOP, Shop, close_shop, open_shop

from policies.purpose import Purpose


def cookiebot_header(granted: set[str], decided: float) -> str:
    said = ",".join(f"{each}:{str(each in granted).lower()}" for each in ("preferences", "statistics", "marketing"))
    return "CookieConsent=" + quote(f"{{stamp:'a',necessary:true,{said},method:'explicit',utc:{int(decided)}000}}")


OWN = {"Sec-Fetch-Site": "same-origin"}


class Visit:
    """A browser at the shop: `get` and `post` give (status, headers, text)."""

    def __init__(self, shop: Shop, server: RawTestServer, session: ClientSession) -> None:
        self.shop, self.server, self.session = shop, server, session

    async def get(self, path: str, **headers: str) -> tuple[int, Any, str]:
        async with self.session.get(self.server.make_url(path), headers=headers) as answer:
            return answer.status, answer.headers, await answer.text()

    async def post(self, path: str = "choice", json_: bool = False, **fields: object) -> tuple[int, Any, str]:
        headers = OWN | ({"Accept": "application/json"} if json_ else {})
        url = self.server.make_url(f"/.samtykke/{path}")
        pairs = [(name.rstrip("_"), str(value)) for name, value in fields.items()]
        async with self.session.post(url, data=pairs, headers=headers, allow_redirects=False) as answer:
            return answer.status, answer.headers, await answer.text()

    async def token(self) -> str:
        found = re.search(r'name="notice" value="([^"]*)"', (await self.get("/.samtykke/preferences"))[2])
        assert found
        return found[1]

    async def accept(self) -> str:
        """Accept everything; the reference given."""
        return str(json.loads((await self.post(json_=True, action="accept", notice=await self.token()))[2])["subject"])

    def cookies(self) -> dict[str, str]:
        return {cookie.key: cookie.value for cookie in self.session.cookie_jar}

    async def rows(self) -> list[Any]:
        await self.shop.desk.close()
        return [row async for row in self.shop.log.export()]


@asynccontextmanager
async def visiting(folder: Path, **settings: object) -> AsyncIterator[Visit]:
    shop = await open_shop(folder, **settings)
    async with RawTestServer(shop.answer) as server, ClientSession(cookie_jar=CookieJar(unsafe=True)) as session:
        yield Visit(shop, server, session)
    await close_shop(shop)


@pytest.fixture
async def visit(tmp_path: Path) -> AsyncIterator[Visit]:
    async with visiting(tmp_path) as opened:
        yield opened


async def test_the_own_record_offers_receipts_withdrawal_and_erasure(visit: Visit) -> None:
    subject = await visit.accept()
    status, _, page = await visit.get("/.samtykke/me?lang=en")
    assert status == 200
    assert subject in page
    for words in ("Download receipt (ISO/IEC TS 27560)", "Download receipt (Kantara 1.1)", "Withdraw", "Erase"):
        assert words in page


async def test_the_dpv_receipt_is_a_file_that_says_who_what_and_to_whom(visit: Visit) -> None:
    subject = await visit.accept()
    status, headers, text = await visit.get("/.samtykke/me?format=iso27560&lang=nb")
    assert (status, headers["Content-Type"]) == (200, "application/ld+json")
    assert headers["Content-Disposition"] == 'attachment; filename="consent-receipt.jsonld"'
    record = json.loads(text)
    assert record["@type"] == "dpv:ConsentRecord"
    assert record["dct:conformsTo"] == {"@id": "https://w3id.org/dpv/schema/dpv-27560#record-eu-gdpr"}
    assert record["record"]["pii_principal_id"] == subject
    assert record["event"]["event_state"] == "ConsentGiven"
    marketing = next(
        each for each in record["dpv:hasProcess"] if each["dpv:hasPurpose"]["dct:title"] == "Markedsføring"
    )
    assert [each["dct:title"] for each in marketing["dpv:hasRecipient"]] == ["Meta Pixel", "Adhus"]
    assert marketing["dpv:hasDataController"]["dct:title"] == "Fjordstua AS"


async def test_the_kantara_receipt_names_the_choice_in_its_own_keys(visit: Visit) -> None:
    await visit.accept()
    _, headers, text = await visit.get("/.samtykke/me?format=kantara&lang=en")
    assert "consent-receipt-kantara.json" in headers["Content-Disposition"]
    receipt = json.loads(text)
    assert receipt["version"] == "KI-CR-v1.1.0"
    assert receipt["policyUrl"].endswith("/.samtykke/cookies")
    told = receipt["services"][0]["purposes"]
    assert {each["purpose"] for each in told} == {"Preferences", "Statistics", "Marketing"}


async def test_an_unknown_format_is_said(visit: Visit) -> None:
    status, _, page = await visit.get("/.samtykke/me?format=xml&lang=en")
    assert status == 400
    assert "format must be one of json, iso27560, kantara" in page


async def test_who_lost_his_cookie_looks_his_record_up_by_reference_and_erases_it(visit: Visit) -> None:
    subject = await visit.accept()
    visit.session.cookie_jar.clear()
    status, _, page = await visit.get("/.samtykke/me?lang=en")
    assert status == 404
    assert 'name="id"' in page
    status, _, page = await visit.get(f"/.samtykke/me?id={subject}&lang=en")
    assert status == 200
    assert f'name="id" value="{subject}"' in page
    status, _, text = await visit.post("erase", json_=True, id=subject)
    assert (status, json.loads(text)["erased"]) == (200, 2)
    assert (await visit.get(f"/.samtykke/me?id={subject}"))[0] == 404
    assert [row.event for row in await visit.rows()][-2:] == ["withdraw", "erase"]


async def test_erasing_somebody_elses_record_leaves_this_browsers_choice_alone(visit: Visit) -> None:
    other = await visit.accept()
    visit.session.cookie_jar.clear()
    mine = await visit.accept()
    await visit.post("erase", id=other)
    assert visit.cookies()["samtykke_purposes"]
    assert (await visit.get(f"/.samtykke/me?id={mine}"))[0] == 200


async def test_a_refuser_may_tick_that_a_reference_is_kept(visit: Visit) -> None:
    _, _, page = await visit.get("/.samtykke/preferences?lang=en")
    box = re.search(r'<input type="checkbox" name="receipt" value="1">', page)
    assert box, "the box is there and not ticked"
    await visit.post(action="reject", receipt=1)
    _, _, text = await visit.get("/.samtykke/me?format=iso27560")
    assert json.loads(text)["event"]["event_state"] == "ConsentRefused"


async def test_the_operators_name_stands_where_the_sites_internal_one_would(tmp_path: Path) -> None:
    own = SHOP.vendors[0]
    site = type(SHOP)(
        "shop", (type(own)("", "shop", "", "", "", Purpose.NECESSARY, own.cookies, "user input"), *SHOP.vendors[1:])
    )
    async with visiting(tmp_path, site=site) as visit:
        _, _, page = await visit.get("/.samtykke/cookies?lang=nb")
        assert "<strong>Fjordstua AS</strong>" in page
        assert "<strong>shop</strong>" not in page
        assert "når du besøker 127.0.0.1," in page
        assert "Derfor trengs ikke samtykke: Du har selv bedt om det" in page
        assert "user input" not in page
        assert "user input" in (await visit.get("/.samtykke/cookies?lang=en"))[2]


async def test_a_yes_to_another_tool_is_taken_over_once_with_its_row(tmp_path: Path) -> None:
    async with visiting(tmp_path, import_from=["cookiebot"]) as visit:
        decided = visit.shop.clock().timestamp() - 86_400
        sent = cookiebot_header({"statistics"}, decided)
        status, headers, page = await visit.get("/boots", Cookie=sent)
        assert status == 200
        assert "samtykke-banner" not in page
        lines = headers.getall("Set-Cookie")
        assert any(line.startswith("samtykke_purposes=statistics;") for line in lines)
        assert visit.shop.desk.visitor(lines[0].split(";")[0].encode(), gpc=False, site=SHOP).subject
        _, headers, _ = await visit.get("/boots", Cookie=f"{sent}; {lines[0].split(';')[0]}")
        assert "Set-Cookie" not in headers
        (row,) = await visit.rows()
        assert (row.event, row.method, row.purposes) == (
            "import", "cookiebot", {"preferences": False, "statistics": True, "marketing": False},
        )  # fmt: skip
        assert row.detail == {"tool": "cookiebot", "decided": "2026-11-19T12:00:00+00:00"}


async def test_a_no_to_another_tool_is_taken_over_without_an_id(tmp_path: Path) -> None:
    async with visiting(tmp_path, import_from=["cookiebot"]) as visit:
        _, headers, page = await visit.get("/", Cookie=cookiebot_header(set(), visit.shop.clock().timestamp()))
        assert "samtykke-banner" not in page
        cookie = headers.getall("Set-Cookie")[0].split(";")[0].encode()
        assert visit.shop.desk.visitor(cookie, gpc=False, site=SHOP).subject is None


@pytest.mark.parametrize("headers", [{"Sec-GPC": "1"}, {"User-Agent": "Googlebot/2.1"}])
async def test_a_signal_against_tracking_and_a_robot_bring_nothing_over(
    tmp_path: Path, headers: dict[str, str]
) -> None:
    async with visiting(tmp_path, import_from=["cookiebot"]) as visit:
        sent = cookiebot_header({"statistics"}, visit.shop.clock().timestamp())
        await visit.get("/", Cookie=sent, **headers)
        assert "import" not in [row.event for row in await visit.rows()]


async def test_a_yes_whose_row_cannot_be_written_is_asked_again(tmp_path: Path) -> None:
    async with visiting(tmp_path, import_from=["cookiebot"]) as visit:
        await visit.shop.log.close()
        sent = cookiebot_header({"statistics"}, visit.shop.clock().timestamp())
        _, headers, page = await visit.get("/", Cookie=sent)
        assert "samtykke-banner" in page
        assert "Set-Cookie" not in headers


async def test_nothing_is_taken_over_unless_the_operator_says_so(visit: Visit) -> None:
    _, headers, page = await visit.get("/", Cookie=cookiebot_header({"statistics"}, visit.shop.clock().timestamp()))
    assert "samtykke-banner" in page
    assert "Set-Cookie" not in headers


async def test_the_age_is_asked_before_a_yes_and_recorded_with_it(tmp_path: Path) -> None:
    async with visiting(tmp_path, minimum_age=13) as visit:
        status, _, page = await visit.post(action="accept", notice=await visit.token(), return_="/boots")
        assert status == 409
        assert "at least 13 years" in page
        assert re.findall(r'class="s-button" name="action" value="(\w+)"', page) == ["reject", "accept"]
        assert "samtykke_purposes" not in visit.cookies()
        fields = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page))
        status, headers, _ = await visit.post(action="accept", **fields)
        assert (status, headers["Location"]) == (303, "/boots")
        assert (await visit.rows())[-1].detail == {"of_age": 13}


async def test_the_age_never_stands_in_the_way_of_a_no(tmp_path: Path) -> None:
    async with visiting(tmp_path, minimum_age=16) as visit:
        assert (await visit.post(action="reject"))[0] == 303
        assert (await visit.post(action="withdraw"))[0] == 303
        assert (await visit.post(action="save", notice=await visit.token()))[0] == 303
        assert visit.cookies()["samtykke_purposes"] == ""


async def test_a_wrong_age_is_asked_again_and_nonsense_is_refused(tmp_path: Path) -> None:
    async with visiting(tmp_path, minimum_age=16) as visit:
        token = await visit.token()
        assert (await visit.post(json_=True, action="accept", notice=token, of_age=13))[0] == 409
        assert (await visit.post(json_=True, action="accept", notice=token, of_age="sixteen"))[0] == 400
        assert (await visit.post(json_=True, action="accept", notice=token, of_age=16))[0] == 200
