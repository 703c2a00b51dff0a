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
from policies.purpose import Purpose

_HOSTS, _ADDRESSES, _COOKIES, _KEYS, _INLINE = range(5)
_SIGNALLING_HOSTS = frozenset({
    "google-analytics.com", "googletagmanager.com", "doubleclick.net", "googleadservices.com", "googlesyndication.com",
})  # fmt: skip
"""Hosts of tags that read Google Consent Mode and hold back by themselves while it says `denied`."""

_CALLED = re.compile(r"^([A-Za-z_$][\w$]*)\(")
"""The function a signature calls: `fbq('init'` -> `fbq`."""
_SPECIAL = re.compile(r"[.+^${}()|\[\]\\?*]")
_ANCHORS = {
    _HOSTS: (r"(^|\.)(", ")$"),
    _ADDRESSES: ("^(", ")$"),
    _COOKIES: ("^(", ")$"),
    _KEYS: ("^(", ")$"),
    _INLINE: ("", ""),
}

Facts = tuple[str | None, str | None]


def tables(rules: Mapping[str, Any], exempt_paths: Iterable[str] = ()) -> tuple[str, str]:
    """The rules of guard.js and those of corners.js, as JSON. `rules` is what `Rules.browser_rules()` returns."""
    overruling = _overruling(rules)
    exact: dict[Facts, list[list[str]]] = {}
    globs: dict[Facts, list[list[str]]] = {}

    def add(rows: dict[Facts, list[list[str]]], table: int, pattern: str, facts: Iterable[str | None]) -> None:
        purpose, vendor = facts
        if table != _HOSTS and purpose == Purpose.NECESSARY and pattern not in overruling:
            return
        alternatives = rows.setdefault((str(purpose) if purpose else None, vendor), [[], [], [], [], []])[table]
        if pattern and pattern not in alternatives:
            alternatives.append(pattern)

    hosts: dict[Facts, list[list[str]]] = {}
    addresses: dict[Facts, list[str]] = {}
    for host, facts in rules["hosts"].items():
        bare = host.partition("://")[2] or host
        if "/" in bare or "*" in bare:
            addresses.setdefault(_facts(facts), []).append(bare)
        else:
            add(hosts, _HOSTS, escaped(bare.lower()), facts)
    for glob, *facts in rules["paths"]:
        addresses.setdefault(_facts(facts), []).append(glob)
    for each, written in addresses.items():
        for pattern in address_patterns(_asked(written, rules["hosts"])):
            add(hosts, _ADDRESSES, pattern, each)
    for kind, table in (("cookies", _COOKIES), ("storage", _KEYS)):
        for name, facts in rules[kind]["exact"].items():
            add(exact, table, escaped(name), facts)
        for glob, *facts in rules[kind]["globs"]:
            add(globs, table, name_pattern(glob), facts)
    for text, *facts in rules["inline"]:
        add(exact, _INLINE, escaped(text), facts)
    exempt = [""] if rules["exempt"] else [escaped(path.rstrip("/")) for path in exempt_paths]
    rows = [*exact.items(), *globs.items()]
    first = {
        "rows": [row for facts, lists in hosts.items() if (row := _row(facts, lists, _HOSTS, _ADDRESSES))],
        "own": _own(rules["own"]),
        "exempt": f"^({'|'.join(exempt)})(/|$)" if exempt else "^$",
        "unknown": [kind for kind, what in rules["unknown"].items() if what == "block"],
        "managers": list(rules["managers"]),
        "signals": _signalling(rules["hosts"]),
    }
    second = {
        "rows": [row for facts, lists in rows if (row := _row(facts, lists, _COOKIES, _KEYS, _INLINE))],
        "strict": rules["unknown"].get("cookie") == "block",
        "stubs": {name: facts for text, *facts in rules["inline"] for name in _CALLED.findall(text)},
    }
    return _json(first), _json(second)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=True, separators=(",", ":"))


def _overruling(rules: Mapping[str, Any]) -> frozenset[str]:
    """Necessary names that a tracker's glob would take: only these have something to say to the guard."""
    found = set()
    for kind in ("cookies", "storage"):
        globs = [
            re.compile(name_pattern(glob)) for glob, purpose, _ in rules[kind]["globs"] if purpose != Purpose.NECESSARY
        ]
        for name, (purpose, _) in rules[kind]["exact"].items():
            if purpose == Purpose.NECESSARY and any(glob.fullmatch(name) for glob in globs):
                found.add(escaped(name))
    return frozenset(found)


def escaped(text: str) -> str:
    """Text as a regular expression of JavaScript's that matches just that."""
    return _SPECIAL.sub(lambda match: "\\" + match[0], text)


def name_pattern(glob: str) -> str:
    """A cookie's or key's glob: `*` any run of characters, `?` one."""
    return escaped(glob).replace(r"\*", ".*").replace(r"\?", ".")


def address_pattern(glob: str) -> str:
    """A glob over host and path: of any host where it begins with `/`, else of that host and those below it."""
    if glob.startswith("*"):
        return ".*" + _glob(glob.lstrip("*"))
    start = "[^/]*" if glob.startswith("/") else r"([^/]*\.)?"
    return start + _glob(glob if "/" in glob else glob + "/*")


def _facts(facts: Iterable[str | None]) -> Facts:
    purpose, vendor = facts
    return (str(purpose) if purpose else None, vendor)


def _asked(globs: Iterable[str], hosts: Mapping[str, Any]) -> list[str]:
    """Without the addresses on hosts that have a rule as a whole: the guard asks for the host first."""
    return [glob for glob in globs if not any(_below(glob.partition("/")[0], host) for host in hosts)]


def _below(host: str, parent: str) -> bool:
    return bool(host) and (host == parent or host.endswith("." + parent)) and "/" not in parent


def address_patterns(globs: Iterable[str]) -> list[str]:
    """Regular expressions over host and path; hosts with the same paths share one."""
    paths: dict[str, list[str]] = {}
    alone: list[str] = []
    written = list(globs)
    for glob in written:
        host, slash, path = glob.partition("/")
        if not host.strip("*"):
            alone.append(address_pattern(glob))
        elif host.startswith("*.") and host[2:] + slash + path in written:
            continue  # a host's rule covers what is below it
        elif "*" in host:
            alone.append(address_pattern(glob))
        else:
            paths.setdefault(host, []).append(_glob("/" + path if slash else "/*"))
    shared: dict[tuple[str, ...], list[str]] = {}
    for host, found in paths.items():
        shared.setdefault(tuple(sorted(set(found))), []).append(escaped(host))
    return alone + [rf"([^/]*\.)?{_either(hosts)}{_either(found)}" for found, hosts in shared.items()]


def _either(alternatives: Iterable[str]) -> str:
    found = list(alternatives)
    return found[0] if len(found) == 1 else f"({'|'.join(found)})"


def _glob(text: str) -> str:
    return escaped(text).replace(r"\*", ".*")


def _own(hosts: Iterable[str]) -> str:
    """The site's hosts as a regular expression; one that matches nothing where there are none."""
    names = sorted({escaped(registrable_domain(host)) for host in hosts})
    return f"(^|\\.)({'|'.join(names)})$" if names else "(?!)"


def _row(facts: Facts, lists: list[list[str]], *wanted: int) -> list[str | int | None]:
    patterns: list[str | int] = []
    for table in wanted:
        alternatives = [each for each in lists[table] if not _covered(each, lists[table], table)]
        before, after = _ANCHORS[table]
        patterns.append(before + "|".join(alternatives) + after if alternatives else 0)
    while patterns and not patterns[-1]:
        patterns.pop()
    return [*facts, *patterns] if patterns else []


def _covered(pattern: str, others: list[str], table: int) -> bool:
    """Does a shorter text of the same tracker already give it away, or a shorter host cover it?"""
    if table == _INLINE:
        return any(other != pattern and other in pattern for other in others)
    return table == _HOSTS and any(pattern.endswith(rf"\.{other}") for other in others)


def _signalling(hosts: Mapping[str, Any]) -> list[str]:
    return sorted({cast("str", facts[1]) for host, facts in hosts.items() if host in _SIGNALLING_HOSTS and facts[1]})
