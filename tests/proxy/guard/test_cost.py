"""What the guard costs a page: time to run, and time added where a page inserts much.

The medians are taken from runs that alternate with and without it, since a shared machine drifts. The bars here are
wide, so that a busy machine does not fail; docs/enforcement.md holds what was measured on a quiet one.
"""

# ruff: noqa: E501  # a page's script reads best on one line
from __future__ import annotations

from statistics import median
from typing import Any

import pytest

pytestmark = pytest.mark.asyncio(loop_scope="session")

ROUNDS = 7
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


async def medians(lab: Any, script: str) -> tuple[float, float]:
    """Milliseconds without and with the guard."""
    found: dict[bool, list[float]] = {True: [], False: []}
    for bare in (True, False):
        _, page = await lab.open("<p>", bare=bare)
        await page.run(script)
        found[bare] = [await page.run(script) for _ in range(ROUNDS)]
    return median(found[True]), median(found[False])


@pytest.mark.parametrize("script", [INSERT, MARKUP], ids=["nodes", "markup"])
async def test_5000_inserted_nodes_cost_little_more(script: str, lab: Any, record_property: Any) -> None:
    bare, guarded = await medians(lab, script)
    record_property("milliseconds", f"{bare:.1f} bare, {guarded:.1f} guarded")
    assert guarded <= bare * 1.6 + 2


async def test_running_it_takes_milliseconds(lab: Any, record_property: Any) -> None:
    """Both scripts, evaluated once more in a frame of their own on a 60 KB page."""
    paragraphs = "<p class=text>" + "Lorem ipsum dolor sit amet. " * 70 + "</p>"
    _, page = await lab.open(paragraphs * 30)
    bodies = [asset.body.decode() for asset in lab.guard.assets.values()]
    took = []
    for _ in range(ROUNDS):
        await page.run(
            "void (window.frame&&frame.remove(),window.frame=document.createElement('iframe'),frame.src='/none',document.body.append(frame),new Promise(d=>frame.onload=d))"
        )
        took.append(
            await page.run(
                f"(()=>{{const w=frame.contentWindow;delete w[Symbol.for('samtykke.guard')];const s=performance.now();for(const b of {bodies!r}) w.eval(b);return performance.now()-s}})()"
            )
        )
    record_property("milliseconds", f"{median(took):.2f}")
    assert median(took) < 5 * 4
