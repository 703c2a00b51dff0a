"""Which of the pages that wait are worth a browser's visit first: those that hold what no other page has shown yet.

The static pass is cheap; where a level has more pages than the budget allows, it looks at them first. Pure: the caller
fetches. The same pages give the same order.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from scanner.visit import Seen

FACTOR = 5
"""How many pages are looked at for one that may be visited."""
MOST = 300
"""Pages of one level that are looked at, at most."""

Trait = tuple[str, str]


def traits(seen: Seen) -> frozenset[Trait]:
    """What a page would bring: hosts of other sites, cookies set or expected, snippets behind them."""
    result = seen.result
    if result.page.error:
        return frozenset()
    hosts = {("host", urlsplit(request.url).hostname or "") for request in result.requests if request.third_party}
    cookies = {("cookie", cookie.name) for cookie in result.cookies}
    return frozenset(hosts | cookies)


def worth(pages: Mapping[str, frozenset[Trait]]) -> list[str]:
    """The pages that bring something new, the most first; ties stand as they came. Each is worth a visit only for what
    those before it have not shown."""
    left = dict(pages)
    shown: set[Trait] = set()
    found: list[str] = []
    while left:
        best = max(left, key=lambda url: len(left[url] - shown))
        if not left[best] - shown:
            break
        shown |= left.pop(best)
        found.append(best)
    return found
