"""What the guard costs a page: time to run, and time added where a page inserts much. Run `python -m bench.guard`.

The medians are taken from runs that alternate with and without it, in one browser, since a shared machine drifts.
"""

# ruff: noqa: E501  # a page's script reads best on one line
from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

from guard_lab import Lab
from guard_page import launch_pages, serve_site
from guard_rules import GuardRules

from proxy.guard import guard_of

ROUNDS = 15
INSERT = """
new Promise(done=>requestAnimationFrame(()=>{const start=performance.now();
const list=document.createElement('ul');document.body.append(list);
for(let i=0;i<1000;i++){const li=document.createElement('li');li.className='row';li.setAttribute('data-id',i);
const a=document.createElement('a'),b=document.createElement('b'),s=document.createElement('span'),t=document.createElement('i');
a.setAttribute('href','/p/'+i);a.textContent='Product '+i;b.textContent=i;s.append('x');li.appendChild(a);li.appendChild(b);li.append(s,t);
list.appendChild(li)}
list.getBoundingClientRect();const took=performance.now()-start;list.remove();done(took)}))
"""
MARKUP = """
new Promise(done=>requestAnimationFrame(()=>{const html='<li class=row><a href="/p">Product</a><b>1</b><i>x</i><u>y</u></li>'.repeat(1000);
const start=performance.now();const list=document.createElement('ul');document.body.append(list);list.innerHTML=html;
list.getBoundingClientRect();const took=performance.now()-start;list.remove();done(took)}))
"""


async def medians(lab: Lab, script: str) -> tuple[float, float]:
    """Milliseconds without and with the guard."""
    found: dict[bool, list[float]] = {True: [], False: []}
    for bare in (True, False):
        _, page = await lab.open("<p>", bare=bare)
        await page.run(script)
        found[bare] = [await page.run(script) for _ in range(ROUNDS)]
    return median(found[True]), median(found[False])


async def running(lab: Lab) -> float:
    """Milliseconds to parse and run both scripts, first in the head of a page of 60 KB."""
    first, second = (asset.body.decode() for asset in lab.guard.assets.values())
    state = """data-mode=strip data-state='{"purposes":[],"vendors":{}}'"""
    head = (
        "<script>window.began=performance.now()</script>"
        f"<script {state}>{first}</script><script>{second}</script>"
        "<script>window.took=performance.now()-began</script>"
    )
    paragraphs = "<p class=text>" + "Lorem ipsum dolor sit amet. " * 70 + "</p>"
    took = []
    for _ in range(ROUNDS):
        _, page = await lab.open(paragraphs * 30, bare=True, head=head)
        took.append(await page.run("took"))
    return median(took)


async def measured() -> None:
    async with serve_site() as site, launch_pages() as browser:
        lab = Lab(browser, site, guard_of(GuardRules()))
        print(f"both scripts run in {await running(lab):.1f} ms (median of {ROUNDS}; aim < 5 ms)")
        for name, script in (("node by node", INSERT), ("as markup", MARKUP)):
            bare, guarded = await medians(lab, script)
            added = (guarded / bare - 1) * 100
            print(
                f"5,000 elements inserted {name}: {bare:.1f} ms bare, {guarded:.1f} ms guarded, {added:+.0f} % (aim < 10 %)"
            )


if __name__ == "__main__":
    asyncio.run(measured())
