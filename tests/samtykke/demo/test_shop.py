"""The shop over HTTP: it sells, it speaks two languages, and it works on another port than its own."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import aiohttp
import pytest
from bs4 import BeautifulSoup

from samtykke.config import read_config
from samtykke.demo import Demo, demo_config, start_demo
from samtykke.demo.goods import GOODS, LANGUAGES, TEXTS
from samtykke.demo.shop import PATHS

ORDER = {"name": "Kari", "email": "kari@example.com", "address": "Veien 1", "postcode": "2609", "city": "Lillehammer"}


async def page(visitor: aiohttp.ClientSession, url: str, status: int = 200) -> BeautifulSoup:
    async with visitor.get(url) as answer:
        assert answer.status == status, url
        return BeautifulSoup(await answer.text(), "html.parser")


async def test_goods_go_into_the_cart_and_out_again(demo: Demo, visitor: aiohttp.ClientSession) -> None:
    for good in ("telt", "termos", "termos"):
        async with visitor.post(f"{demo.origin}/cart/add", data={"good": good}) as answer:
            assert answer.url.path == "/handlekurv"
            soup = BeautifulSoup(await answer.text(), "html.parser")
    assert soup.select_one("#cart-count").text == "3"
    assert [line["data-line"] for line in soup.select("[data-line]")] == ["telt", "termos"]
    assert soup.select_one("#total").text == "5\u00a0788\u00a0kr"
    assert {button.text for button in soup.select(".lines button")} == {"Oppdater", "Fjern"}

    async with visitor.post(f"{demo.origin}/cart/set", data={"good": "telt", "count": "0"}) as answer:
        soup = BeautifulSoup(await answer.text(), "html.parser")
    assert [line["data-line"] for line in soup.select("[data-line]")] == ["termos"]
    assert soup.select_one("#total").text == "977\u00a0kr"


async def test_the_cart_cookie_is_a_session_cookie_no_script_can_read(
    demo: Demo, visitor: aiohttp.ClientSession
) -> None:
    async with visitor.get(f"{demo.origin}/") as answer:
        lines = {line.split("=")[0]: line for line in answer.headers.getall("Set-Cookie")}
    assert set(lines) == {"fjellheim_cart", "_clck"}
    assert "HttpOnly" in lines["fjellheim_cart"]
    assert not re.search("max-age|expires|domain", lines["fjellheim_cart"], re.I)
    assert "Max-Age=31536000" in lines["_clck"]
    async with visitor.get(f"{demo.origin}/") as answer:
        assert "Set-Cookie" not in answer.headers


async def test_a_purchase_ends_with_an_order_number_and_an_empty_cart(
    demo: Demo, visitor: aiohttp.ClientSession
) -> None:
    async with visitor.post(f"{demo.origin}/cart/add", data={"good": "sko", "lang": "en"}) as answer:
        assert answer.url.path == "/en/cart"
    number = next(cookie.value for cookie in visitor.cookie_jar if cookie.key == "fjellheim_cart").split("~")[0]
    soup = await page(visitor, f"{demo.origin}/checkout?lang=en")
    assert soup.html["lang"] == "en"
    assert soup.select_one("form.checkout")["action"] == "/checkout"
    assert soup.select_one("fieldset iframe")["src"] == f"http://pay.localhost:{demo.port}/card"
    async with visitor.post(f"{demo.origin}/checkout", data={**ORDER, "lang": "en"}) as answer:
        soup = BeautifulSoup(await answer.text(), "html.parser")
        assert answer.url.path == "/checkout/thanks"
    assert soup.select_one("#order").text == f"F-{number.upper()}"
    assert soup.select_one("#cart-count").text == "0"


async def test_an_incomplete_order_is_shown_again_with_what_was_given(
    demo: Demo, visitor: aiohttp.ClientSession
) -> None:
    async with visitor.post(f"{demo.origin}/cart/add", data={"good": "sko"}):
        pass
    async with visitor.post(f"{demo.origin}/checkout", data={"name": 'Kari "K" <b>'}) as answer:
        assert answer.status == 422
        soup = BeautifulSoup(await answer.text(), "html.parser")
    assert soup.select_one("[role=alert]").text == TEXTS["nb"]["missing_fields"]
    assert soup.select_one("[name=name]")["value"] == 'Kari "K" <b>'


@pytest.mark.parametrize(
    ("path", "form", "status"),
    [
        ("/cart/add", {"good": "gull"}, 404),
        ("/cart/add", {}, 404),
        ("/cart/set", {"good": "sko", "count": "mange"}, 400),
        ("/cart/set", {"good": "sko", "count": "-1"}, 400),
        ("/cart/set", {"good": "sko", "count": "²"}, 400),
        ("/cart/set", {"good": "sko", "count": "9" * 9}, 400),
    ],
)
async def test_a_bad_form_gets_a_plain_answer(
    demo: Demo, visitor: aiohttp.ClientSession, path: str, form: dict[str, str], status: int
) -> None:
    async with visitor.post(demo.origin + path, data=form) as answer:
        assert answer.status == status


@pytest.mark.parametrize("lang", LANGUAGES)
async def test_every_page_says_its_language_and_links_to_the_other(
    demo: Demo, visitor: aiohttp.ClientSession, lang: str
) -> None:
    other = "en" if lang == "nb" else "nb"
    for name in ("home", "good", "story", "cart", "privacy"):
        soup = await page(visitor, demo.origin + PATHS[name][lang].format(slug="telt"))
        assert soup.html["lang"] == lang
        assert soup.select_one("a.lang")["href"] == PATHS[name][other].format(slug="telt")
        assert soup.select_one(f"footer a[href='{PATHS['privacy'][lang]}']")


async def test_every_link_inside_the_shop_leads_somewhere(demo: Demo, visitor: aiohttp.ClientSession) -> None:
    seen: set[str] = set()
    todo = [f"{demo.origin}/"]
    while todo:
        url = todo.pop().partition("#")[0]
        if url in seen:
            continue
        seen.add(url)
        async with visitor.get(url) as answer:
            assert answer.status == 200, url
            if answer.content_type != "text/html":
                continue
            soup = BeautifulSoup(await answer.text(), "html.parser")
        for tag in soup.select("[href], [src]"):
            found = urljoin(url, tag.get("href") or tag.get("src"))
            if urlsplit(found).hostname == "shop.localhost":
                todo.append(found)
            else:
                assert (urlsplit(found).hostname or "").endswith(".localhost"), f"{url} reaches outside: {found}"
    assert len([url for url in seen if "/produkt/" in url or "/product/" in url]) == 2 * len(GOODS)


async def test_the_shop_works_on_another_port_than_its_own(demo: Demo, visitor: aiohttp.ClientSession) -> None:
    """Behind the proxy the Host header carries the proxy's port; nothing may lead past the proxy."""
    behind = {"Host": "shop.localhost:8080"}
    async with visitor.get(f"{demo.origin}/", headers=behind) as answer:
        text = await answer.text()
        assert answer.status == 200
    assert "shop.localhost" not in text
    assert f"http://stats.localhost:{demo.port}/ga.js" in text
    async with visitor.post(
        f"{demo.origin}/cart/add", data={"good": "sko"}, headers=behind, allow_redirects=False
    ) as answer:
        assert (answer.status, answer.headers["Location"]) == (303, "/handlekurv")


async def test_a_missing_page_is_a_friendly_404(demo: Demo, visitor: aiohttp.ClientSession) -> None:
    soup = await page(visitor, f"{demo.origin}/en/product/gold", 404)
    assert soup.h1.text == TEXTS["en"]["not_found"]
    await page(visitor, f"{demo.origin}/assets/../server.py", 404)


async def test_the_bare_address_leads_to_the_shop_and_a_strange_host_is_told_so(
    demo: Demo, visitor: aiohttp.ClientSession
) -> None:
    async with visitor.get(f"http://127.0.0.1:{demo.port}/personvern", allow_redirects=False) as answer:
        assert (answer.status, answer.headers["Location"]) == (302, f"{demo.origin}/personvern")
    async with visitor.get(f"{demo.origin}/", headers={"Host": "bank.example"}) as answer:
        assert answer.status == 421


async def test_the_trackers_tell_what_they_received(demo: Demo, visitor: aiohttp.ClientSession) -> None:
    tracker = f"http://social.localhost:{demo.port}"
    async with visitor.get(f"{tracker}/tr?id=1&noscript=1", headers={"Referer": f"{demo.origin}/"}) as answer:
        assert answer.content_type == "image/gif"
    hit = demo.received[-1]
    assert (hit.host, hit.method, hit.path) == ("social.localhost", "GET", "/tr?id=1&noscript=1")
    assert hit.referer == f"{demo.origin}/"
    async with visitor.get(f"{tracker}/_received") as answer:
        assert (await answer.json())[-1]["path"] == "/tr?id=1&noscript=1"
    async with visitor.delete(f"{tracker}/_received") as answer:
        assert answer.status == 204
    assert demo.received == []


async def test_a_taken_port_is_an_os_error(demo: Demo) -> None:
    with pytest.raises(OSError, match="in use"):
        await start_demo(demo.port)


async def test_both_languages_have_the_same_words() -> None:
    assert TEXTS["nb"].keys() == TEXTS["en"].keys()


def test_the_demo_config_is_a_valid_config(tmp_path: Path) -> None:
    text = demo_config(9099, "127.0.0.1:8081", tmp_path)
    config = read_config(text, tmp_path / "samtykke.toml")
    site = config.one_site()
    assert (site.name, site.hosts, site.exempt_paths) == ("shop", ("shop.localhost",), ("/checkout",))
    assert tomllib.loads(text)["site"][0]["upstream"] == "http://127.0.0.1:9099"
    assert config.store(config.consent.store) == f"sqlite:///{tmp_path}/consent.db"
    assert {(rule.kind, rule.match) for rule in config.policy.override} >= {
        ("cookie", "fjellheim_cart"),
        ("frame", "video.localhost"),
    }
