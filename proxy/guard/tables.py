"""One site's rules as the guard reads them: one row for each purpose and vendor, names as regular expressions. No I/O.

Repeated text compresses well, and the browser compiles only the rows it asks. Rows of exact names stand before rows of
globs: of matches equally long the first wins, so an operator's word on one name beats a catalogue's glob.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, cast

from policies.party import registrable_domain

_HOSTS, _ADDRESSES, _COOKIES, _KEYS, _INLINE = range(5)
_SIGNALLING_HOSTS = frozenset({
    "google-analytics.com", "googletagmanager.com", "doubleclick.net", "googleadservices.com", "googlesyndication.com",
})  # fmt: skip
"""Hosts of tags that read Google Consent Mode and hold back by themselves while it says `denied`."""

_SPECIAL = re.compile(r"[.+^${}()|\[\]\\?*]")
_ANCHORS = {
    _HOSTS: (r"(^|\.)(", ")$"),
    _ADDRESSES: ("^(", ")$"),
    _COOKIES: ("^(", ")$"),
    _KEYS: ("^(", ")$"),
    _INLINE: ("", ""),
}

Facts = tuple[str | None, str | None]


def tables(rules: Mapping[str, Any], exempt_paths: Iterable[str] = ()) -> str:
    """The guard's rules as JSON. `rules` is what `Rules.browser_rules()` returns."""
    exact: dict[Facts, list[list[str]]] = {}
    globs: dict[Facts, list[list[str]]] = {}

    def add(rows: dict[Facts, list[list[str]]], table: int, pattern: str, facts: Iterable[str | None]) -> None:
        purpose, vendor = facts
        alternatives = rows.setdefault((str(purpose) if purpose else None, vendor), [[], [], [], [], []])[table]
        if pattern and pattern not in alternatives:
            alternatives.append(pattern)

    for host, facts in rules["hosts"].items():
        bare = host.partition("://")[2] or host
        if "/" in bare or "*" in bare:
            add(globs, _ADDRESSES, address_pattern(bare), facts)
        else:
            add(exact, _HOSTS, escaped(bare.lower()), facts)
    for glob, *facts in rules["paths"]:
        add(globs, _ADDRESSES, address_pattern(glob), facts)
    for kind, table in (("cookies", _COOKIES), ("storage", _KEYS)):
        for name, facts in rules[kind]["exact"].items():
            add(exact, table, escaped(name), facts)
        for glob, *facts in rules[kind]["globs"]:
            add(globs, table, name_pattern(glob), facts)
    for text, *facts in rules["inline"]:
        add(exact, _INLINE, escaped(text), facts)
    exempt = [""] if rules["exempt"] else [escaped(path.rstrip("/")) for path in exempt_paths]
    return json.dumps(
        {
            "rows": [_row(facts, lists) for rows in (exact, globs) for facts, lists in rows.items()],
            "own": _own(rules["own"]),
            "exempt": f"^({'|'.join(exempt)})(/|$)" if exempt else "^$",
            "unknown": [kind for kind, what in rules["unknown"].items() if what == "block"],
            "managers": list(rules["managers"]),
            "signals": _signalling(rules["hosts"]),
        },
        ensure_ascii=True,
        separators=(",", ":"),
    )


def escaped(text: str) -> str:
    """Text as a regular expression of JavaScript's that matches just that."""
    return _SPECIAL.sub(lambda match: "\\" + match[0], text)


def name_pattern(glob: str) -> str:
    """A cookie's or key's glob: `*` any run of characters, `?` one."""
    return escaped(glob).replace(r"\*", ".*").replace(r"\?", ".")


def address_pattern(glob: str) -> str:
    """A glob over host and path: of any host where it begins with `/`, else of that host and those below it."""
    start = "[^/]*" if glob.startswith("/") else r"([^/]*\.)?"
    return start + escaped(glob if "/" in glob else glob + "/*").replace(r"\*", ".*")


def _own(hosts: Iterable[str]) -> str:
    """The site's hosts as a regular expression; one that matches nothing where there are none."""
    names = sorted({escaped(registrable_domain(host)) for host in hosts})
    return f"(^|\\.)({'|'.join(names)})$" if names else "(?!)"


def _row(facts: Facts, lists: list[list[str]]) -> list[str | int | None]:
    patterns: list[str | int] = []
    for table, alternatives in enumerate(lists):
        before, after = _ANCHORS[table]
        patterns.append(before + "|".join(alternatives) + after if alternatives else 0)
    while patterns and not patterns[-1]:
        patterns.pop()
    return [*facts, *patterns]


def _signalling(hosts: Mapping[str, Any]) -> list[str]:
    return sorted({cast("str", facts[1]) for host, facts in hosts.items() if host in _SIGNALLING_HOSTS and facts[1]})
