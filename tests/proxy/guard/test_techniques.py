"""Each technique is first seen to reach the tracker without the guard, then to reach nothing, then to come back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio
from guard_page import Page, Site
from guard_techniques import TECHNIQUES

from policies.purpose import UNDECIDED

AT_ONCE = 6
QUIET_SECONDS = 0.2
PATIENCE_SECONDS = 60.0
ALL = "{purposes:['preferences','statistics','marketing']}"


@dataclass
class Outcome:
    """What one technique did in its three runs; `errors` are what the guarded page's console showed."""

    sends_unguarded: bool = False
    sends_denied: bool = False
    sends_granted: bool = False
    thrown: str = ""
    errors: tuple[str, ...] = ()


def page_of(name: str, folder: str, site: Site, head: bytes) -> bytes:
    script = TECHNIQUES[name].script.replace("</", "<\\/")
    places = f"const T='{site.tracker}/t/{folder}/',OWN='/collect/{folder}/'"
    return b"<!DOCTYPE html><head><title>t</title>" + head + (
        f"</head><body><div id=root>x</div><script>{places};let thrown='';"
        f"function go(){{try{{const root=document.getElementById('root');{script}}}catch(e){{thrown=''+e.stack}}}}"
        f"go()</script></body>"
    ).encode()  # fmt: skip


async def try_one(name: str, page: Page, site: Site, head: bytes) -> Outcome:
    outcome = Outcome()
    for folder, guard in ((f"{name}.bare", b""), (f"{name}.denied", head)):
        site.pages[f"/{folder}"] = ({}, page_of(name, folder, site, guard))
    opening = asyncio.ensure_future(page.open(f"{site.shop}/{name}.bare"))
    outcome.sends_unguarded = await site.hit(f"{name}.bare", seconds=PATIENCE_SECONDS)
    await opening
    await page.open("about:blank")
    page.errors.clear()
    await page.open(f"{site.shop}/{name}.denied")
    outcome.sends_denied = await site.hit(f"{name}.denied", seconds=QUIET_SECONDS)
    outcome.thrown = await page.run("thrown")
    outcome.errors = tuple(page.errors)
    await page.run(f"samtykke.activate({ALL})")
    if TECHNIQUES[name].back == "again":
        await page.run("go()")
    outcome.sends_granted = await site.hit(f"{name}.denied", seconds=PATIENCE_SECONDS)
    return outcome


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def outcomes(whole_lab: Any) -> AsyncIterator[dict[str, Outcome]]:
    """All techniques, several at once, a few tabs at once."""
    site, browser = whole_lab.site, whole_lab.browser
    head = whole_lab.guard.tags(UNDECIDED, nonce=None, consent_mode="strip")
    for path, asset in whole_lab.guard.assets.items():
        site.pages[path] = ({"Content-Type": asset.content_type}, asset.body)
    waiting = list(TECHNIQUES)
    found: dict[str, Outcome] = {}

    async def work() -> None:
        page = await browser.page()
        while waiting:
            name = waiting.pop()
            found[name] = await try_one(name, page, site, head)

    await asyncio.gather(*(work() for _ in range(AT_ONCE)))
    yield found


pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize("name", TECHNIQUES)
async def test_technique_is_held_until_it_is_agreed_to(name: str, outcomes: dict[str, Outcome]) -> None:
    outcome = outcomes[name]
    assert outcome.sends_unguarded, "the technique reaches nobody even without the guard: it tests nothing"
    assert not outcome.sends_denied
    assert outcome.thrown == ""
    assert outcome.errors == ()
    assert outcome.sends_granted
