"""When does a name in a policy mean a cookie that was seen? No I/O.

Policies write `_utma` for `__utma`, `_ga_*`, `_ga_<container-id>`, `_ga_xxx` and `_ga_ABC123` for one family, and
leave out suffixes that every site has different (`_pk_id` for `_pk_id.1.1fff`).
"""

from __future__ import annotations

import re
from functools import lru_cache

from policies.catalogue import Catalogue
from policies.catalogue.names import compile_glob

_MARKS = re.compile(
    r"""<[^<>]*>|\[[^\[\]]*\]|\{[^{}]*\}|\(\s*(?:id|n|x+|\*+|\#+)\s*\)|%[a-z_]*%
    |\*+|\#+|…|\.{3,}|(?<=[_\-.])[xX]{2,}(?=$|[_\-.])|[xX]{3,}""",
    re.VERBOSE,
)
_SEPARATORS = "._-"


@lru_cache(maxsize=4096)
def as_glob(name: str) -> str:
    """A declared name with each of its wildcards written `*`: `_ga_<container-id>` -> `_ga_*`."""
    return re.sub(r"\*+", "*", _MARKS.sub("*", name.strip().strip("\"'`«»“”")))


def means(declared: str, observed: str, catalogue: Catalogue) -> bool:
    """Does the declared name stand for the observed one?"""
    glob = as_glob(declared)
    if glob == observed or (glob.strip("*") and compile_glob(glob).fullmatch(observed)):
        return True
    bare, seen = _bare(glob), _bare(observed)
    if not bare.strip("*"):
        return False
    if bare == seen or compile_glob(bare).fullmatch(seen):
        return True
    pattern = tracker_of(observed, catalogue)
    if pattern and tracker_of(glob, catalogue) == pattern:
        return True
    if pattern and pattern != observed and _bare(pattern).rstrip("*._-") == bare.rstrip("*._-"):
        return tracker_of(glob, catalogue) in (None, pattern)
    return pattern is None and "*" not in bare and seen.startswith(tuple(bare + mark for mark in _SEPARATORS))


def look_alikes(name: str) -> tuple[str, ...]:
    """The name itself, then what it may be written for: an underscore too few or too many."""
    return tuple(dict.fromkeys((name, "_" + name, "__" + name.lstrip("_"), name.lstrip("_"))))


def tracker_of(name: str, catalogue: Catalogue) -> str | None:
    """The catalogue's surest pattern for a name, also for one with an underscore too few or too many."""
    for candidate in look_alikes(name):
        for match in catalogue.match_cookie(candidate):
            if match.confidence != "low" and match.tracker not in ("*", "?"):
                return match.tracker
    return None


def _bare(name: str) -> str:
    return name.lstrip("_").casefold()
