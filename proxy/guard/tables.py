"""One site's rules as the guard reads them: one row for each purpose and vendor, names as regular expressions. No I/O.

Where something is loaded from is one text, `host path kind url`; of the rows that are asked together the longest match
wins, the first of equals: a host with its path says one character more than the host alone. So the guard decides as
`policies.rules` does, in its order: operators' overrides, the site policy's contacts, then a site's own endpoints
before hosts on the site's own names, after them on others'. Repeated text compresses well, and the browser compiles
only the rows it asks.

Rows of exact names stand before rows of globs: an operator's word on one name beats a catalogue's glob.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

from policies.catalogue.names import NameIndex
from policies.party import registrable_domain
from policies.purpose import Purpose
from proxy.signals import signalling

_COOKIES, _KEYS, _INLINE = range(3)
_CALLED = re.compile(r"^([A-Za-z_$][\w$]*)\(")
"""The function a signature calls: `fbq('init'` -> `fbq`."""
_QUEUED = re.compile(r"^([A-Za-z_$][\w$]*)\.push")
"""The queue that it fills: `_paq.push` -> `_paq`."""
_SPECIAL = re.compile(r"[.+^${}()|\[\]\\?*]")
_ANCHORS = {_COOKIES: ("^(", ")$"), _KEYS: ("^(", ")$"), _INLINE: ("", "")}
_HOST_START = r"(^|\.)"

Facts = tuple[str | None, ...]
"""Purpose, vendor, and of a host what stands in for a frame of it."""
Row = list[str | int | None]


def tables(rules: Mapping[str, Any], exempt_paths: Iterable[str] = ()) -> tuple[str, str]:
    """The rules of guard.js and those of corners.js, as JSON. `rules` is what `Rules.browser_rules()` returns."""
    exempt = [""] if rules["exempt"] else [escaped(path.rstrip("/")) for path in exempt_paths]
    ends = _by_literalness(rules["paths"])
    hosted = frozenset(rules["hosted"])
    implied = _implying(rules)
    foreign = [end for end in ends if end[1] != Purpose.NECESSARY and end[2] not in hosted]
    first = {
        "said": [rows for rows in (*_overrides(rules["overrides"]), _contacts(rules, implied)) if rows],
        "rows": _hosts(rules, implied),
        "ends": _endpoints(_telling(ends)),
        "others": _endpoints(foreign),
        "own": _own(rules["own"]),
        "exempt": f"^({'|'.join(exempt)})(/|$)" if exempt else "^$",
        "unknown": [kind for kind, what in rules["unknown"].items() if what == "block"],
        "managers": list(rules["managers"]),
        "hosted": sorted(hosted & {str(facts[1]) for facts in rules["hosts"].values()}),
        "signals": sorted(signalling((host, str(facts[1])) for host, facts in rules["hosts"].items() if facts[1])),
    }
    second = {
        "rows": _names(rules),
        "strict": rules["unknown"].get("cookie") == "block",
        "stubs": {name: facts for text, *facts in rules["inline"] for name in _CALLED.findall(text)},
        "queues": {name: facts for text, *facts in rules["inline"] for name in _QUEUED.findall(text)},
    }
    return _json(first), _json(second)


# What is loaded.


def _contacts(rules: Mapping[str, Any], implied: Callable[[str, Facts], bool]) -> list[Row]:
    """The site policy's hosts, each for itself, without those of which the catalogue's say the same."""
    own = re.compile(_own(rules["own"]))
    parts: dict[Facts, list[str]] = {}
    for host, facts in rules["contacts"].items():
        if own.search(host) or not implied(host, _facts(facts)):
            parts.setdefault(_facts(facts), []).append(escaped(host.lower()))
    return [_row(facts, f"^{_either(hosts)} ") for facts, hosts in parts.items()]


def _hosts(rules: Mapping[str, Any], implied: Callable[[str, Facts], bool]) -> list[Row]:
    """Prefixes and hosts, one row for each set of facts."""
    parts: dict[Facts, tuple[dict[str, list[str]], list[str]]] = {}
    for host, path, *facts in rules["prefixes"]:
        prefixes, _ = parts.setdefault(_facts(facts), ({}, []))
        prefixes.setdefault(host, []).append(escaped(path))
    for host, facts in rules["hosts"].items():
        if not implied(host.partition(".")[2], _facts(facts)):
            parts.setdefault(_facts(facts), ({}, []))[1].append(escaped(host))
    rows: list[Row] = []
    for each, (prefixes, whole) in parts.items():
        alternatives = _sharing(prefixes) + ([f"{_either(whole)}(?= )"] if whole else [])
        rows.append(_row(each, _HOST_START + _either(alternatives)))
    return rows


def _implying(rules: Mapping[str, Any]) -> Callable[[str, Facts], bool]:
    """Answers whether the rule of a whole host above it says the same of a host."""
    shared = {prefix[0] for prefix in rules["prefixes"]}
    hosts = rules["hosts"]

    def implied(host: str, facts: Facts) -> bool:
        while host and host not in shared:
            if host in hosts:
                return _facts(hosts[host]) == facts
            host = host.partition(".")[2]
        return False

    return implied


def _sharing(prefixes: Mapping[str, Iterable[str]]) -> list[str]:
    """Hosts of which only some paths are meant; those with the same paths share one pattern."""
    found: dict[tuple[str, ...], list[str]] = {}
    for host, paths in prefixes.items():
        found.setdefault(tuple(sorted(set(paths))), []).append(escaped(host))
    return [f"{_either(hosts)} (?={'|'.join(paths)})" for paths, hosts in found.items()]


def _overrides(overrides: Iterable[Sequence[str | None]]) -> list[list[Row]]:
    """The operator's words, as `Rules` asks them: addresses, hosts for one kind of load, hosts."""
    addresses, of_kind, any_kind = [], [], []
    for kind, match, *facts in overrides:
        text = str(match)
        if kind == "url":
            addresses.append((text, *facts))
        elif kind == "host":
            any_kind.append(_row(_facts(facts), f"{_HOST_START}{escaped(text.lower())} "))
        else:
            of_kind.append(_row(_facts(facts), rf"{_HOST_START}{escaped(text.lower())} (?=\S+ {kind} )"))
    urls = [
        _row(_facts(facts), rf"^\S+ \S+ \S+ {name_pattern(str(glob))}$") for glob, *facts in _by_literalness(addresses)
    ]
    return [urls, of_kind, any_kind]


def _by_literalness(globs: Iterable[Sequence[str | None]]) -> list[Sequence[str | None]]:
    """Exact texts first, then the more literal of globs, as `policies.catalogue.names.NameIndex` answers."""

    def order(entry: Sequence[str | None]) -> tuple[bool, int]:
        text = str(entry[0])
        wild = text.count("*") + text.count("?")
        return wild > 0, wild - len(text)

    return sorted(globs, key=order)


def _telling(ends: Sequence[Sequence[str | None]]) -> list[Sequence[str | None]]:
    """Without the necessary ones that no other would take: on the site's own names they pass anyway."""
    trackers = [re.compile(name_pattern(str(glob))) for glob, purpose, *_ in ends if purpose != Purpose.NECESSARY]
    return [
        end for end in ends
        if end[1] != Purpose.NECESSARY or any(tracker.fullmatch(str(end[0])) for tracker in trackers)
    ]  # fmt: skip


def _endpoints(ends: Iterable[Sequence[str | None]]) -> list[Row]:
    """Rows in the order given, neighbours of the same facts in one."""
    grouped = groupby(ends, key=lambda end: _facts(end[1:]))
    return [_row(facts, f"^\\S+ {_either(name_pattern(str(end[0])) for end in some)} ") for facts, some in grouped]


def _row(facts: Facts, pattern: str) -> Row:
    purpose, vendor, *instead = facts
    return [purpose, vendor, pattern, *(each for each in instead if each)]


# What is stored, and what runs.


def _names(rules: Mapping[str, Any]) -> list[Row]:
    overruling = _overruling(rules)
    exact: dict[Facts, list[list[str]]] = {}
    globs: dict[Facts, list[list[str]]] = {}

    def add(rows: dict[Facts, list[list[str]]], table: int, pattern: str, facts: Iterable[str | None]) -> None:
        found = _facts(facts)
        if found[0] == Purpose.NECESSARY and pattern not in overruling:
            return
        alternatives = rows.setdefault(found, [[], [], []])[table]
        if pattern and pattern not in alternatives:
            alternatives.append(pattern)

    for kind, table in (("cookies", _COOKIES), ("storage", _KEYS)):
        for name, facts in rules[kind]["exact"].items():
            add(exact, table, escaped(name), facts)
        for glob, *facts in rules[kind]["globs"]:
            add(globs, table, name_pattern(glob), facts)
    for text, *facts in rules["inline"]:
        add(exact, _INLINE, escaped(text), facts)
    return [row for facts, lists in (*exact.items(), *globs.items()) if (row := _named(facts, lists))]


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=True, separators=(",", ":"))


def _overruling(rules: Mapping[str, Any]) -> frozenset[str]:
    """Necessary names that a tracker's glob would take: only these have something to say to the guard."""
    found = set()
    for kind in ("cookies", "storage"):
        trackers: NameIndex[bool] = NameIndex()
        for glob, purpose, _ in rules[kind]["globs"]:
            if purpose != Purpose.NECESSARY:
                trackers.add(glob, True)
        for name, (purpose, _) in rules[kind]["exact"].items():
            if purpose == Purpose.NECESSARY and any(trackers.find(name)):
                found.add(escaped(name))
    return frozenset(found)


def escaped(text: str) -> str:
    """Text as a regular expression of JavaScript's that matches just that."""
    return _SPECIAL.sub(lambda match: "\\" + match[0], text)


def name_pattern(glob: str) -> str:
    """A cookie's or key's glob: `*` any run of characters, `?` one."""
    return escaped(glob).replace(r"\*", ".*").replace(r"\?", ".")


def _facts(facts: Iterable[str | None]) -> Facts:
    purpose, *more = facts
    return (str(purpose) if purpose else None, *more)


def _either(alternatives: Iterable[str]) -> str:
    found = list(alternatives)
    return found[0] if len(found) == 1 else f"({'|'.join(found)})"


def _own(hosts: Iterable[str]) -> str:
    """The site's hosts as a regular expression; one that matches nothing where there are none."""
    names = sorted({escaped(registrable_domain(host)) for host in hosts})
    return f"(^|\\.)({'|'.join(names)})$" if names else "(?!)"


def _named(facts: Facts, lists: list[list[str]]) -> Row:
    patterns: list[str | int] = []
    for table, alternatives in enumerate(lists):
        if table == _INLINE:  # a shorter text of the same tracker gives it away already
            alternatives = [each for each in alternatives if not any(o != each and o in each for o in alternatives)]
        before, after = _ANCHORS[table]
        patterns.append(before + "|".join(alternatives) + after if alternatives else 0)
    while patterns and not patterns[-1]:
        patterns.pop()
    return [*facts, *patterns] if patterns else []
