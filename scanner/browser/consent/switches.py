"""Choose purposes one by one on a banner's settings layer: set exactly the wanted ones, save, and see what
came of it.

What a switch is for is told by a known tool's own elements, else by what is written beside it. A switch for anything
else than the wanted purposes is turned off; one that cannot be turned is left. Where a wanted purpose has no switch,
nothing is saved and the reason is given.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

from scanner.browser.consent import finding, purpose_of
from scanner.browser.consent.buttons import (
    APPEARS,
    Spot,
    await_button,
    banners,
    find,
    gone,
    granted,
    push,
    says,
    state_of,
)
from scanner.browser.consent.closed import reach_closed_roots
from scanner.browser.pipe import CommandFailed
from scanner.browser.plan import Pressed
from scanner.browser.scene import Scene

ROUNDS = 4
"""Times the switches are set and looked at again: some turn others along."""
_TURNS = 0.25
"""Seconds for a switch to turn."""


@dataclass(frozen=True, slots=True)
class Switch:
    """One switch as it stands. `purpose` None: its label says nothing known; `fixed`: it cannot be
    turned; `on` None: nobody has decided yet (a pair of buttons, of which one is to be pressed)."""

    label: str
    purpose: str | None
    on: bool | None
    fixed: bool = False

    @property
    def optional(self) -> bool:
        return not self.fixed and self.purpose not in ("necessary", "all")


def to_turn(switches: Sequence[Switch], wanted: frozenset[str]) -> list[int]:
    """Which switches to turn, by position: off what is not wanted first, since one may stand for several others."""
    off = [at for at, one in enumerate(switches) if one.optional and one.on is not False and one.purpose not in wanted]
    return off or [
        at for at, one in enumerate(switches) if one.optional and one.on is not True and one.purpose in wanted
    ]


def without_switch(switches: Sequence[Switch], wanted: frozenset[str]) -> list[str]:
    """The wanted purposes that no switch is for."""
    return sorted(wanted - {one.purpose for one in switches if one.optional or one.on})


async def choose(scene: Scene, wanted: frozenset[str]) -> Pressed:
    """Set exactly these purposes. The answer's `error` says why that was not reached, None where it was."""
    want, before = ",".join(sorted(wanted)), await state_of(scene)
    path: list[str] = []
    await await_button(scene, "settings")
    found = await _switches(scene)
    if found is None or without_switch(found[1], wanted):
        settings = await find(scene, "settings")
        if settings is not None:
            path.append(await push(scene, settings))
            found = await _await_switches(scene, wanted)
    if found is None:
        seen = await banners(scene)
        tool = seen[0]["tool"] if seen else None
        why = "the banner offers no switches to choose purposes with" if seen else "the page shows no consent banner"
        return Pressed(want, tool, tuple(path), error=why)
    spot, switches = found
    tool = spot.found["tool"]

    def failed(reason: str) -> Pressed:
        return Pressed(want, tool, tuple(path), before=before, error=reason)

    if missing := without_switch(switches, wanted):
        labels = ", ".join(dict.fromkeys(one.label for one in switches if one.label)) or "no names"
        return failed(f"the banner has no switch for {', '.join(missing)} (its switches: {labels})")
    again: tuple[Spot, list[Switch]] | None = found
    for _ in range(ROUNDS):
        if not (turn := to_turn(switches, wanted)):
            break
        for at in turn:
            on = switches[at].purpose in wanted
            await scene.evaluate(spot.frame, f"globalThis.turn({at}, {'true' if on else 'false'})")
            path.append(f"{'on' if on else 'off'}: {switches[at].label}")
        await asyncio.sleep(_TURNS)
        again = await _switches(scene)
        if again is None:
            break
        spot, switches = again
    if again is not None:
        if left := to_turn(switches, wanted):
            return failed(f"the banner's switch {switches[left[0]].label!r} does not turn")
        save = await await_button(scene, "save")
        if save is None:
            return failed("the banner has no button to save the choice")
        path.append(await push(scene, save))
    error = None if await gone(scene) else f"the banner stays after pressing {path[-1]!r}"
    reason, confirmed = await _verified(scene, tool, switches, wanted)
    if again is None and confirmed is None:
        # Some tools save each choice as it is made and close after the last; then they must say so.
        reason = "the banner's switches went away before the choice was saved"
    after = await state_of(scene)
    return Pressed(want, tool, tuple(path), confirmed, before=before, after=after, error=error or reason)


async def _verified(
    scene: Scene, tool: str | None, switches: Sequence[Switch], wanted: frozenset[str]
) -> tuple[str | None, str | None]:
    """(what contradicts the choice, the tool that confirms it): by the categories it names, else by its summary."""
    names = await granted(scene, tool)
    if names is not None:
        allowed = {purpose for name in names if (purpose := purpose_of(name)) not in (None, "necessary", "all")}
        if allowed != wanted:
            said = ", ".join(sorted(allowed)) or "nothing"
            return f"{tool} says that {said} was allowed, not {', '.join(sorted(wanted))}", None
        return None, tool
    said_so = await says(scene, tool)
    expected = "accept" if all(one.on for one in switches if one.optional) else "partly"
    if said_so is not None and said_so != expected and not (tool and said_so == "accept"):
        return f"{tool} says {said_so!r} after saving {', '.join(sorted(wanted))}", None
    return None, tool if said_so == expected else None


async def _switches(scene: Scene) -> tuple[Spot, list[Switch]] | None:
    """The switches in view, in the frame that has most of them."""
    await reach_closed_roots(scene)
    try:
        everywhere = await scene.evaluate_everywhere(finding("switches"))
    except CommandFailed:
        return None
    spots = [Spot(frame, found) for frame, found in everywhere if found and found["switches"]]
    if not spots:
        return None
    most = max(spots, key=lambda spot: (spot.found["tool"] is not None, len(spot.found["switches"])))
    return most, [Switch(**one) for one in most.found["switches"]]


async def _await_switches(scene: Scene, wanted: frozenset[str]) -> tuple[Spot, list[Switch]] | None:
    """The switches, once there is one for each wanted purpose; what there is after a while all the same."""
    deadline = time.monotonic() + APPEARS
    while True:
        found = await _switches(scene)
        if (found and not without_switch(found[1], wanted)) or time.monotonic() >= deadline or scene.ended.done():
            return found
        await asyncio.sleep(0.1)
