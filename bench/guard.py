"""What the guard costs a page: time to run, and time added where a page inserts much. Run `python -m bench.guard`.

Both scripts are files of their own, kept for ever, as the proxy serves them. Chromium itself notes how long it ran
each (trace event EvaluateScript); time is that of the main thread's processor, since a shared machine takes turns. What
is inserted is inserted in short rounds, with and without the guard by turns, and the median of the rounds' ratios told.
"""

# ruff: noqa: E501  # a page's script reads best on one line
from __future__ import annotations

import asyncio
import platform
import sys
from collections import defaultdict
from pathlib import Path
from statistics import median, quantiles

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

from guard_lab import Lab
from guard_page import Page, launch_pages, serve_site
from guard_rules import GuardRules

from proxy.guard import guard_of

LOADS = 40
ROUNDS = 60
FOREVER = "public, max-age=31536000, immutable"
INSERT = """
(()=>{const list=document.createElement('ul');document.body.append(list);
for(let i=0;i<1000;i++){const li=document.createElement('li');li.className='row';li.setAttribute('data-id',i);
const a=document.createElement('a'),b=document.createElement('b'),s=document.createElement('span'),t=document.createElement('i');
a.setAttribute('href','/p/'+i);a.textContent='Product '+i;b.textContent=i;s.append('x');li.appendChild(a);li.appendChild(b);li.append(s,t);
list.appendChild(li)}
list.getBoundingClientRect();list.remove()})()
"""
MARKUP = """
(()=>{const html='<li class=row><a href="/p">Product</a><b>1</b><i>x</i><u>y</u></li>'.repeat(1000);
const list=document.createElement('ul');document.body.append(list);list.innerHTML=html;
list.getBoundingClientRect();list.remove()})()
"""


async def busy(page: Page, script: str) -> float:
    """Milliseconds of the main thread's processor time for one run."""

    async def so_far() -> float:
        found = (await page.call("Performance.getMetrics"))["metrics"]
        return next(each["value"] for each in found if each["name"] == "TaskDuration") * 1000

    before = await so_far()
    await page.run(script)
    return await so_far() - before


async def inserting(bare: Page, guarded: Page, script: str) -> tuple[float, float, float]:
    """Median milliseconds without and with the guard, and the median ratio of a round's two."""
    for page in (bare, guarded):
        for _ in range(5):
            await page.run(script)
    rounds = []
    for number in range(ROUNDS):
        order = (bare, guarded) if number % 2 else (guarded, bare)
        took = {page: await busy(page, script) for page in order}
        rounds.append((took[bare], took[guarded]))
    return median(b for b, _ in rounds), median(g for _, g in rounds), median(g / b for b, g in rounds)


async def running(lab: Lab, *, kept: bool) -> dict[str, list[float]]:
    """Milliseconds that each script ran, by its file's stem, on a page of 60 KB. `kept`: from the browser's cache."""
    paragraphs = "<p class=text>" + "Lorem ipsum dolor sit amet. " * 70 + "</p>"
    _, url = lab.serve(paragraphs * 30)
    for path, asset in lab.guard.assets.items():
        lab.site.pages[path] = ({"Content-Type": asset.content_type, "Cache-Control": FOREVER}, asset.body)
    page = await lab.browser.page()
    await page.open(url)
    async with lab.browser.tracing("devtools.timeline", "v8") as events:
        for _ in range(LOADS):
            if not kept:
                await page.call("Network.clearBrowserCache")
            await page.open(url)
    await page.close()
    took: dict[str, list[float]] = defaultdict(list)
    for event in events:
        url = str((event.get("args", {}).get("data") or {}).get("url", ""))
        if event["name"] == "EvaluateScript" and "/.samtykke/assets/" in url and "tdur" in event:
            took[url.rpartition("/")[2].partition(".")[0]].append(event["tdur"] / 1000)
    return took


async def measured() -> None:
    async with serve_site() as site, launch_pages() as browser:
        version = (await browser.connection.call("Browser.getVersion"))["product"]
        print(f"{version}, {platform.system()}, processor time of the main thread, aim < 5 ms and < 10 %")
        lab = Lab(browser, site, guard_of(GuardRules()))
        for kept in (False, True):
            took = await running(lab, kept=kept)
            both = [sum(pair) for pair in zip(*took.values(), strict=True)]
            parts = ", ".join(f"{name} {median(times):.1f}" for name, times in took.items())
            where = "from the cache" if kept else "first visit   "
            late = quantiles(both, n=10)[-1]
            print(
                f"both scripts, {where}: {median(both):.1f} ms ({parts}; of {len(both)} loads one in ten over {late:.1f})"
            )
        pages = []
        for bare in (True, False):
            _, url = lab.serve("<p>", bare=bare)
            pages.append(await browser.page())
            await pages[-1].open(url)
            await pages[-1].call("Performance.enable", timeDomain="threadTicks")
        for name, script in (("node by node", INSERT), ("as markup", MARKUP)):
            without, guarded, ratio = await inserting(*pages, script)
            print(
                f"5,000 elements {name}: {without:.1f} ms bare, {guarded:.1f} ms guarded, {ratio - 1:+.1%} (median ratio of {ROUNDS} rounds)"
            )


if __name__ == "__main__":
    asyncio.run(measured())
