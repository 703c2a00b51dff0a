"""Press a consent banner as a visitor would, and tell what became of it. Nothing is assumed: the banner must be gone,
and where the tool says itself what was chosen, it must say the same.

A refusal that the first layer does not offer is looked for behind its settings: a button there, or every switch off
and then save.
"""

from __future__ import annotations

from typing import Literal

from scanner.browser.consent.buttons import await_button, banners, find, gone, push, says, state_of
from scanner.browser.consent.switches import choose
from scanner.browser.plan import Pressed
from scanner.browser.scene import Scene

AGAIN = 2
"""Further presses on a button that did nothing."""

_UNTICK = """(() => {
  const roots = [document, ...globalThis.closedRoots ?? []];
  for (let at = 0; at < roots.length; at++) {
    for (const node of roots[at].querySelectorAll('*')) if (node.shadowRoot) roots.push(node.shadowRoot);
  }
  let off = 0;
  for (const root of roots) for (const box of root.querySelectorAll('input[type=checkbox], [role=switch]')) {
    const on = box.checked ?? box.getAttribute('aria-checked') === 'true';
    if (on && !box.disabled && box.getAttribute('aria-disabled') !== 'true') { box.click(); off++; }
  }
  return off;
})()"""


async def press(scene: Scene, want: str) -> Pressed:
    """Press accept or reject, or choose purposes joined by commas. The answer's `error` says why the state was not
    reached, None where it was."""
    if want not in ("accept", "reject"):
        return await choose(scene, frozenset(want.split(",")))
    return await _press(scene, "accept" if want == "accept" else "reject")


async def _press(scene: Scene, want: Literal["accept", "reject"]) -> Pressed:
    before = await state_of(scene)
    spot = await await_button(scene, want)
    path: list[str] = []
    if spot is None and want == "reject" and (settings := await find(scene, "settings")) is not None:
        path.append(await push(scene, settings))
        spot = await await_button(scene, "reject")
        if spot is None and (save := await await_button(scene, "save")) is not None:
            await scene.evaluate_everywhere(_UNTICK)
            spot = save
    if spot is None:
        seen = await banners(scene)
        if not seen:
            return Pressed(want, error="the page shows no consent banner")
        texts = ", ".join(text for found in seen for text in found["buttons"][:6])
        return Pressed(want, seen[0]["tool"], error=f"the banner has no button to {want} ({texts or 'no buttons'})")
    tool = spot.found["tool"]
    path.append(await push(scene, spot))
    left = await gone(scene)
    for _ in range(AGAIN):
        # A button may be there before what it does is: a visitor presses once more.
        again = None if left else await find(scene, want)
        if again is None or again.found["chosen"] != path[-1]:
            break
        await push(scene, again)
        left = await gone(scene)
    error = None if left else f"the banner stays after pressing {path[-1]!r}"
    said = await says(scene, tool)
    if error is None and said not in (None, want):
        error = f"{tool} says {said!r} after pressing {path[-1]!r}"
    return Pressed(
        want, tool, tuple(path), tool if said == want else None, before=before, after=await state_of(scene), error=error
    )
