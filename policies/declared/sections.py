"""Is a part of a document about cookies? Pure.

The nearest heading decides: under "Cookie policy" a chapter "Marketing" or "Google Analytics" is still about cookies, a
chapter "Opening hours" is not.
"""

from __future__ import annotations

from policies.catalogue import Catalogue
from policies.declared.vendors import mentions
from policies.declared.words import COOKIE_WORD, purpose_named


def about_cookies(path: tuple[str, ...], catalogue: Catalogue, *beside: str) -> bool:
    """`path`: the headings above, the innermost last; `beside`: captions, column headings, the line before."""
    if any(COOKIE_WORD.search(text) for text in beside):
        return True
    if not path:
        return False
    nearest = path[-1]
    if COOKIE_WORD.search(nearest):
        return True
    if not any(COOKIE_WORD.search(heading) for heading in path[:-1]):
        return False
    return purpose_named(nearest) is not None or next(mentions(nearest, 0, len(nearest), catalogue), None) is not None
