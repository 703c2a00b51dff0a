"""Choose like a visitor on a site with a banner of its own: press it once, find what keeps the choice, take that along.

Every page of the scan is then visited by a new visitor who has chosen already, so that what is seen is what happens
after the choice and not before it. What keeps the choice is found by trying: the smallest part of what the press
changed with which the banner stays away. Trackers' own cookies are never taken along.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterator

from policies.catalogue import Catalogue
from policies.catalogue.names import compile_glob
from policies.observation import BannerSeen
from policies.purpose import Purpose
from scanner.browser.consent import tool_named
from scanner.browser.plan import Pressed, State, Visit, VisitPlan
from scanner.choice import ChoiceError, Chosen
from scanner.visit import PageSeen

VisitWith = Callable[[str, VisitPlan], Awaitable[Visit]]
TRIES = 8
"""Visits spent on finding what keeps the choice."""
_SPEAKS = re.compile(r"consent|cookie|gdpr|rgpd|dsgvo|samtykke|privacy|personvern|tcf|cmp|opt[-_]?(in|out)", re.I)


async def choose_by_banner(consent: str, url: str, visit: VisitWith, catalogue: Catalogue) -> Chosen:
    """Press `accept` or `reject` on the page's own banner, or choose purposes there, and verify it. Raises ChoiceError
    saying what went wrong."""
    first = await visit(url, VisitPlan(press=consent))
    pressed = first.pressed
    if pressed is None:
        raise ChoiceError(f"{url}: {first.page.error or 'the banner could not be pressed'}")
    if pressed.error:
        raise ChoiceError(f"{url}: {pressed.error}")
    changed = without_trackers(pressed.after.since(pressed.before), catalogue)
    if not changed:
        raise ChoiceError(f"{url}: the banner took {pressed.path[-1]!r} but keeps it nowhere: it cannot be verified")
    for state in candidates(changed, pressed.tool):
        again = await visit(url, VisitPlan(cookies=state.cookies, keys=state.keys))
        if again.page.error is None and not again.banners:
            return Chosen(state=state, shown=left_by_banner(url, first, pressed, state))
    raise ChoiceError(f"{url}: the banner took {pressed.path[-1]!r} but is shown again to the same visitor")


def without_trackers(changed: State, catalogue: Catalogue) -> State:
    """Without what is known to serve another purpose than remembering the choice."""
    known = {Purpose.NECESSARY, Purpose.PREFERENCES}

    def kept(purposes: set[Purpose | None]) -> bool:
        return not purposes or bool(purposes & known)

    return State(
        tuple(one for one in changed.cookies if kept({match.purpose for match in catalogue.match_cookie(one.name)})),
        tuple(one for one in changed.keys if kept({match.purpose for match in catalogue.match_storage(one.key)})),
    )


def candidates(changed: State, tool: str | None) -> Iterator[State]:
    """Parts of the change to try, the likeliest first: the tool's own, each that speaks of consent, each, then all."""
    keeps = [compile_glob(name) for name in tool_named(tool).get("keeps", ())]

    def part(fits: Callable[[str], bool]) -> State:
        return State(
            tuple(one for one in changed.cookies if fits(one.name)), tuple(one for one in changed.keys if fits(one.key))
        )

    names = list(dict.fromkeys([*(one.name for one in changed.cookies), *(one.key for one in changed.keys)]))
    names.sort(key=lambda name: _SPEAKS.search(name) is None)
    parts = [part(lambda name: any(glob.fullmatch(name) for glob in keeps))]
    parts += [part(lambda name: _SPEAKS.search(name) is not None)]
    parts += [part(lambda name, only=name: name == only) for name in names[: TRIES - 3]]  # type: ignore[misc]
    seen: list[State] = []
    for state in [*parts, changed]:
        if state and state not in seen:
            seen.append(state)
            yield state


def left_by_banner(url: str, visit: Visit, pressed: Pressed, state: State) -> PageSeen:
    """The banner with how it was answered, and what it keeps the answer in."""
    cookies = {(one.name, one.place[1].removeprefix(".")) for one in state.cookies}
    keys = {one.place for one in state.keys}
    verified = "it stays away from the same visitor's next visit"
    if pressed.confirmed_by:
        verified = f"{pressed.confirmed_by} says so itself, and {verified}"
    return PageSeen(
        page=visit.page,
        cookies=tuple(c for c in visit.cookies if c.state == "stored" and (c.name, c.domain) in cookies),
        storage=tuple(k for k in visit.storage if (k.kind, k.origin, k.key) in keys),
        banners=(BannerSeen(page=url, tool=pressed.tool, pressed=pressed.path, verified=verified),),
    )
