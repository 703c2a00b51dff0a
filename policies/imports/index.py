"""What the imported documents say of a request, a cookie or a key. Pure; the cost does not grow with what they hold."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from policies.catalogue.names import HostIndex, NameIndex
from policies.filters import FilterList, Filters
from policies.imports.model import Imported, ImportedName
from policies.purpose import Purpose
from policies.verdict import Request

TELLING = 4
"""A name of fewer characters, without its vendor's host beside it, could be anybody's."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One imported answer, with its origin in `because`. Lifetime in seconds.

    A tracker without `purpose` needs full consent; `decides` False only names what nothing more is known of.
    """

    because: str
    tracker: str
    vendor: str = ""
    purpose: Purpose | None = None
    lifetime: int | None = None
    session: bool = False
    decides: bool = True


@dataclass(frozen=True, slots=True)
class _Name:
    hosts: frozenset[str]
    fact: Fact


class Imports:
    """Every imported document, indexed once."""

    def __init__(self, documents: Iterable[Imported] = ()) -> None:
        self.documents = tuple(documents)
        self._cookies: NameIndex[_Name] = NameIndex()
        self._storage: NameIndex[_Name] = NameIndex()
        self._hosts: HostIndex[Fact] = HostIndex()
        for document in self.documents:
            self._add(document)
        self.filters = Filters(FilterList(each.name, each.rules, each.purpose) for each in self.documents if each.rules)

    def __repr__(self) -> str:
        return f"<Imports {', '.join(each.name for each in self.documents) or 'none'}>"

    def __bool__(self) -> bool:
        return bool(self.documents)

    def _add(self, document: Imported) -> None:
        for what, entries, index in (
            ("cookie", document.cookies, self._cookies),
            ("storage key", document.storage, self._storage),
        ):
            for entry in entries:
                index.add(entry.match, _name(what, entry, document))
        for host in document.hosts:
            because = f"{host.host} belongs to {host.vendor or 'a tracker'} ({document.name}, {host.origin})"
            self._hosts.add(host.host, Fact(because, host.host, host.vendor, document.purpose or host.purpose))

    def request(self, request: Request, *, third_party: bool) -> Fact | None:
        """Does anything imported speak against this request? Listed hosts track as third parties only."""
        if third_party and (values := next(self._hosts.find(request.host), None)):
            return values[0]
        if self.filters and (found := self.filters.find(request, third_party=third_party)):
            return Fact(str(found), found.text, purpose=found.purpose)
        return None

    def cookie(self, name: str, hosts: Iterable[str] = ()) -> Fact | None:
        """What is said of a cookie of this name; `hosts`: who was seen to set or load it."""
        return _agreed(_witnessed(self._cookies.find(name), name, hosts))

    def storage(self, key: str, hosts: Iterable[str] = ()) -> Fact | None:
        return _agreed(_witnessed(self._storage.find(key), key, hosts))

    def named(self, name: str) -> Iterator[Fact]:
        """Everything imported under this name, ambiguous or not: for looking up, not for judging."""
        for index in (self._cookies, self._storage):
            for found in index.find(name):
                yield found.fact
        for values in self._hosts.find(name):
            yield from values


def _name(what: str, entry: ImportedName, document: Imported) -> _Name:
    because = f"{what} {entry.match} is " + (f"{entry.vendor}'s" if entry.vendor else "known")
    fact = Fact(
        f"{because} ({document.name}, {entry.origin})", entry.match, entry.vendor,
        document.purpose or entry.purpose, entry.lifetime, entry.session,
        decides=(document.purpose or entry.purpose) is not None,
    )  # fmt: skip
    return _Name(frozenset(entry.hosts), fact)


def _witnessed(found: Iterable[_Name], name: str, hosts: Iterable[str]) -> list[Fact]:
    """The facts that count for this name: beside their vendor's host, or telling by themselves."""
    seen = tuple(hosts)
    return [
        each.fact
        for each in found
        if any(_below(host, own) for host in seen for own in each.hosts) or (not each.hosts and len(name) >= TELLING)
    ]


def _below(host: str, own: str) -> bool:
    return host == own or host.endswith("." + own)


def _agreed(facts: list[Fact]) -> Fact | None:
    """The first fact; where sources differ about what it is for, it decides nothing."""
    if not facts:
        return None
    first = facts[0]
    if len({fact.purpose for fact in facts}) > 1:
        return Fact(first.because, first.tracker, first.vendor, None, first.lifetime, first.session, decides=False)
    return first
