"""Trackers' cookies and keys are not written; everything else is, and deletions always pass."""

# ruff: noqa: E501  # a page's script reads best on one line
from __future__ import annotations

from typing import Any

import pytest

from policies.purpose import ACCEPT, Consent

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def cookies(page: Any) -> set[str]:
    return {each.partition("=")[0] for each in (await page.run("document.cookie")).split("; ") if each}


WRITES = """
document.cookie='_trk=1; max-age=99'; document.cookie='_trk_a.b=1'; document.cookie=' _ads = 1;path=/';
document.cookie='cart=1'; document.cookie='id7x=1';
Object.getOwnPropertyDescriptor(Document.prototype,'cookie').set.call(document,'_ads=2');
"""


async def test_cookies_are_written_without_the_guard(lab: Any) -> None:
    _, page = await lab.open(f"<script>{WRITES}</script>", bare=True)
    assert await cookies(page) == {"_trk", "_trk_a.b", "_ads", "cart", "id7x"}


async def test_tracker_cookies_are_ignored_and_the_sites_own_kept(lab: Any) -> None:
    _, page = await lab.open(f"<script>{WRITES}</script>")
    assert await cookies(page) == {"cart"}
    assert page.errors == []


async def test_partial_consent_lets_just_that_part_through(lab: Any) -> None:
    _, page = await lab.open(f"<script>{WRITES}</script>", consent=Consent.of(["statistics"]))
    assert await cookies(page) == {"_trk", "_trk_a.b", "cart"}


async def test_a_vendors_own_choice_beats_its_purposes(lab: Any) -> None:
    consent = Consent.of(["statistics"], [("tracker", False), ("ads", True)])
    _, page = await lab.open(f"<script>{WRITES}</script>", consent=consent)
    assert await cookies(page) == {"_ads", "cart", "id7x"}


async def test_deletions_of_tracker_cookies_pass(lab: Any) -> None:
    _, page = await lab.open("")
    for deletion in ("_trk=; max-age=0", "_trk=;expires=Thu, 01 Jan 1970 00:00:00 GMT", "_trk=x; Max-Age=-1"):
        await page.call("Network.setCookie", name="_trk", value="1", url=lab.site.shop)
        assert await cookies(page) == {"_trk"}
        await page.run(f"document.cookie={deletion!r}")
        assert await cookies(page) == set()


async def test_cookie_store_refuses_silently(lab: Any) -> None:
    _, page = await lab.open("")
    await page.run("cookieStore.set('_trk','1').then(()=>cookieStore.set({name:'_ads',value:'1'}))")
    await page.run("cookieStore.set('cart','1')")
    assert await cookies(page) == {"cart"}


async def test_cookies_of_a_blank_frame_are_judged_too(lab: Any) -> None:
    _, page = await lab.open(
        "<script>const f=document.createElement('iframe');document.body.append(f);"
        "f.contentDocument.cookie='_trk=1';f.contentDocument.cookie='cart=1'</script>"
    )
    assert await cookies(page) == {"cart"}


KEYS = """
for(const s of [localStorage,sessionStorage]){s.setItem('trk_id','1');s.setItem('ph_x_posthog','1');s.setItem('cart','1');
Storage.prototype.setItem.call(s,'trk_id','2')}
"""


async def test_tracker_keys_are_not_stored(lab: Any) -> None:
    _, bare = await lab.open(f"<script>{KEYS}</script>", bare=True)
    assert sorted(await bare.run("Object.keys(localStorage)")) == ["cart", "ph_x_posthog", "trk_id"]
    _, page = await lab.open(f"<script>{KEYS}</script>")
    assert await page.run("[Object.keys(localStorage),Object.keys(sessionStorage)]") == [["cart"], ["cart"]]
    assert page.errors == []


async def test_keys_written_as_properties_are_swept(lab: Any) -> None:
    _, page = await lab.open("<script>localStorage.trk_id='1';localStorage.cart='1'</script>")
    await page.until("!localStorage.getItem('trk_id')")
    assert await page.run("Object.keys(localStorage)") == ["cart"]


async def test_tracker_databases_are_not_created(lab: Any) -> None:
    script = (
        "new Promise(done=>{const r=indexedDB.open(NAME);r.onupgradeneeded=()=>r.result.createObjectStore('s');"
        "r.onsuccess=()=>done('success');r.onerror=(e)=>{e.preventDefault();done(r.error.name)}})"
    )
    _, page = await lab.open("")
    assert await page.run(script.replace("NAME", "'trk_id'")) == "AbortError"
    assert await page.run(script.replace("NAME", "'cart'")) == "success"
    assert await page.run("indexedDB.databases().then(all=>all.map(each=>each.name))") == ["cart"]


async def test_everything_is_stored_after_accept(lab: Any) -> None:
    _, page = await lab.open(f"<script>{WRITES}{KEYS}</script>", consent=ACCEPT)
    assert await cookies(page) == {"_trk", "_trk_a.b", "_ads", "cart", "id7x"}
    assert sorted(await page.run("Object.keys(localStorage)")) == ["cart", "ph_x_posthog", "trk_id"]
