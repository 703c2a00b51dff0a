"""One site's rules as the guard reads them: grouped by purpose and vendor, names joined by newlines. No I/O.

Text repeats little this way and compresses well. What has no consent to ask for (`necessary`) is kept only where it
overrules something: hosts, so that a known payment frame is no unknown third party.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, cast

from policies.party import registrable_domain

_HOSTS, _PATHS, _COOKIES, _COOKIE_GLOBS, _KEYS, _KEY_GLOBS, _INLINE = range(7)
_SIGNALLING_HOSTS = frozenset({
    "google-analytics.com", "googletagmanager.com", "doubleclick.net", "googleadservices.com", "googlesyndication.com",
})  # fmt: skip
"""Hosts of tags that read Google Consent Mode and hold back by themselves while it says `denied`."""


def tables(rules: Mapping[str, Any], exempt_paths: Iterable[str] = ()) -> str:
    """The guard's rules as JSON. `rules` is what `Rules.browser_rules()` returns."""
    groups: dict[tuple[str | None, str | None], list[list[str]]] = {}

    def add(table: int, name: str, facts: Iterable[str | None]) -> None:
        purpose, vendor = facts
        key = (str(purpose) if purpose else None, vendor)
        lists = groups.setdefault(key, [[] for _ in range(7)])
        if name and "\n" not in name and name not in lists[table]:
            lists[table].append(name)

    for host, facts in rules["hosts"].items():
        add(*_place(host), facts)
    for glob, *facts in rules["paths"]:
        add(_PATHS, glob, facts)
    for kind, exact, globs in (("cookies", _COOKIES, _COOKIE_GLOBS), ("storage", _KEYS, _KEY_GLOBS)):
        for name, facts in rules[kind]["exact"].items():
            add(exact, name, facts)
        for glob, *facts in rules[kind]["globs"]:
            add(globs, glob, facts)
    for text, *facts in rules["inline"]:
        add(_INLINE, text, facts)
    rows = [[*key, *_trimmed(["\n".join(names) for names in lists])] for key, lists in groups.items()]
    return json.dumps(
        {
            "groups": rows,
            "own": sorted({registrable_domain(host) for host in rules["own"]}),
            "managers": list(rules["managers"]),
            "signals": _signalling(rules["hosts"]),
            "exempt": [""] if rules["exempt"] else [path.rstrip("/") for path in exempt_paths],
            "unknown": {kind: what for kind, what in rules["unknown"].items() if what == "block"},
        },
        ensure_ascii=True,
        separators=(",", ":"),
    )


def _place(host: str) -> tuple[int, str]:
    """A host, or an operator's override that names an address: that is a glob over host and path."""
    bare = host.partition("://")[2] or host
    if "/" not in bare and "*" not in bare:
        return _HOSTS, bare.lower()
    return _PATHS, bare if "/" in bare else bare + "/*"


def _trimmed(lists: list[str]) -> list[str]:
    while lists and not lists[-1]:
        lists.pop()
    return lists


def _signalling(hosts: Mapping[str, Any]) -> list[str]:
    return sorted({cast("str", facts[1]) for host, facts in hosts.items() if host in _SIGNALLING_HOSTS and facts[1]})
