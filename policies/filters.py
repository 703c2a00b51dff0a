"""Network rules in Adblock syntax, imported by the operator. No I/O; a look-up costs the same however many there are.

A rule that names a whole host is found through the host's suffixes, any other through the rarest five characters it
holds, so a request only ever meets the few rules that could match it. Patterns are matched piece by piece between
their `*`, never by a backtracking expression: time is linear in the address. What is not a network rule (comments,
cosmetic rules) is skipped, what we cannot honour (regular expressions, `$csp`, `$removeparam` ...) is refused; both
are counted. `$redirect=` blocks without the redirect.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from policies.purpose import Purpose
from policies.verdict import Request

KINDS: dict[str, frozenset[str]] = {
    "script": frozenset({"script", "worker"}),
    "image": frozenset({"image"}),
    "stylesheet": frozenset({"style"}),
    "css": frozenset({"style"}),
    "xmlhttprequest": frozenset({"connect"}),
    "xhr": frozenset({"connect"}),
    "subdocument": frozenset({"frame"}),
    "frame": frozenset({"frame"}),
    "ping": frozenset({"ping"}),
    "beacon": frozenset({"ping"}),
    "font": frozenset({"font"}),
    "media": frozenset({"media"}),
    "object": frozenset({"object"}),
    "websocket": frozenset({"websocket"}),
    "other": frozenset({"hint"}),
}
"""Adblock's resource types in `policies.verdict.Request` words; a connection to ws: or wss: is a `websocket`."""
ALL_KINDS = frozenset().union(*KINDS.values())
_PARTY = {"third-party": True, "3p": True, "first-party": False, "1p": False}
_SPARED = frozenset({"document", "doc", "popup"})
"""Types that are never judged here: `~document` says nothing, `$document` alone is refused."""

_OPTIONS = re.compile(r"\$(~?[\w-]+(?:=[^,]*)?(?:,~?[\w-]+(?:=[^,]*)?)*)$")
_COSMETIC = re.compile(r"^[^/|@\"!]*?#@?[$?%]*#|^[^/|@\"!\s]*\$\$|^[^/|@\"!\s]*\$@\$")
_WHOLE_HOST = re.compile(r"\|\|([a-z0-9][a-z0-9.-]*)\^(?:\$third-party)?")
_HOST_PART = re.compile(r"([a-z0-9][a-z0-9.-]*)[/^]")
_SEPARATOR = r"(?:[^\w.%-]|\Z)"
_GRAM = 5
_SHORT = 3


class _RefusedError(ValueError):
    """Why a rule cannot be honoured, in the words it is counted under."""


@dataclass(frozen=True, slots=True)
class FilterList:
    """One list as imported. `rules` are (line number, text); `purpose` None: only full consent lets it through."""

    name: str
    rules: Sequence[tuple[int, str]]
    purpose: Purpose | None = None


@dataclass(frozen=True, slots=True)
class ParsedList:
    """What a list's text holds: the rules that can be honoured, and how many lines were left out for which reason."""

    rules: tuple[tuple[int, str], ...]
    skipped: dict[str, int]


@dataclass(frozen=True, slots=True)
class Filter:
    """One rule with its origin. Prints as a verdict's reason."""

    text: str
    line: int
    source: str
    purpose: Purpose | None
    pattern: Pattern
    exception: bool = False
    important: bool = False
    third_party: bool | None = None
    kinds: frozenset[str] = ALL_KINDS
    domains: frozenset[str] = frozenset()
    not_domains: frozenset[str] = frozenset()

    def __str__(self) -> str:
        return f"filter {self.text} ({self.source}, line {self.line})"

    def matches(self, asked: Asked) -> bool:
        if asked.kind not in self.kinds or self.third_party not in (None, asked.third_party):
            return False
        return self._on_page(asked.page_host) and self.pattern.matches(asked)

    def _on_page(self, host: str) -> bool:
        """The longest domain that covers the page decides, so that `a.com|~x.a.com` means what it says."""
        if not self.domains and not self.not_domains:
            return True
        while host:
            if host in self.domains:
                return True
            if host in self.not_domains:
                return False
            host = host.partition(".")[2]
        return not self.domains


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as patterns see it: `url` in lower case, `typed` as it was written; `label_starts` are offsets."""

    url: str
    typed: str
    host: str
    page_host: str
    kind: str
    third_party: bool
    label_starts: tuple[int, ...]

    @classmethod
    def of(cls, request: Request, *, third_party: bool) -> Asked:
        url, host = request.url.lower(), request.host.lower()
        kind = "websocket" if request.kind == "connect" and url.startswith(("ws:", "wss:")) else request.kind
        start = url.find(host, url.find("://") + 3) if "://" in url else url.find(host)
        dots = [at for at, char in enumerate(host) if char == "."]
        starts = (start, *(start + dot + 1 for dot in dots)) if start >= 0 else ()
        return cls(url, request.url, host, request.page_host.lower(), kind, third_party, starts)


Piece = str | re.Pattern[str]


@dataclass(frozen=True, slots=True)
class Pattern:
    """An address pattern: pieces that follow each other, anchored or not."""

    pieces: tuple[Piece, ...]
    at_host: bool = False
    at_start: bool = False
    at_end: bool = False
    match_case: bool = False

    def matches(self, asked: Asked) -> bool:
        url = asked.typed if self.match_case else asked.url
        if self.at_host:
            return any(self._from(url, start) for start in asked.label_starts)
        if self.at_start:
            return self._from(url, 0)
        return self._rest(url, 0, self.pieces)

    def _from(self, url: str, start: int) -> bool:
        first, *rest = self.pieces
        end = _at(first, url, start)
        if end is None:
            return False
        if not rest and self.at_end:
            return end == len(url)
        return self._rest(url, end, rest)

    def _rest(self, url: str, start: int, pieces: Sequence[Piece]) -> bool:
        for number, piece in enumerate(pieces, 1):
            if number == len(pieces) and self.at_end:
                return _ends(piece, url, start)
            end = _after(piece, url, start)
            if end is None:
                return False
            start = end
        return True


def _at(piece: Piece, url: str, start: int) -> int | None:
    if isinstance(piece, str):
        return start + len(piece) if url.startswith(piece, start) else None
    found = piece.match(url, start)
    return found.end() if found else None


def _after(piece: Piece, url: str, start: int) -> int | None:
    if isinstance(piece, str):
        found = url.find(piece, start)
        return found + len(piece) if found >= 0 else None
    match = piece.search(url, start)
    return match.end() if match else None


def _ends(piece: Piece, url: str, start: int) -> bool:
    if isinstance(piece, str):
        return url.endswith(piece) and len(url) - len(piece) >= start
    return any(match.end() == len(url) for match in piece.finditer(url, start))


def parse_list(text: str) -> ParsedList:
    """Read a list. Any text is a list: what is no rule we can honour is counted under its reason."""
    rules: list[tuple[int, str]] = []
    skipped: Counter[str] = Counter()
    for number, line in enumerate(text.split("\n"), 1):
        rule = line.strip()
        if not rule:
            continue
        if rule.startswith(("!", "[")):
            skipped["comment"] += 1
        elif _COSMETIC.match(rule):
            skipped["cosmetic"] += 1
        elif rule.startswith("#"):
            skipped["comment"] += 1
        elif _WHOLE_HOST.fullmatch(rule):
            rules.append((number, rule))
        else:
            try:
                parse_filter(rule, number, "")
            except _RefusedError as refused:
                skipped[str(refused)] += 1
            else:
                rules.append((number, rule))
    return ParsedList(tuple(rules), dict(skipped))


def parse_filter(text: str, line: int, source: str, purpose: Purpose | None = None) -> Filter:
    """One rule. Raises ValueError with the reason why it cannot be honoured."""
    body, exception = (text[2:], True) if text.startswith("@@") else (text, False)
    found = None if body.startswith("/") and body.endswith("/") else _OPTIONS.search(body)
    options = found[1].split(",") if found else []
    body = body[: found.start()] if found else body
    if len(body) > 1 and body.startswith("/") and body.endswith("/"):
        raise _RefusedError("regular expression")
    if any(char.isspace() for char in body):
        raise _RefusedError("not a network rule")
    wanted: set[str] = set()
    unwanted: set[str] = set()
    third_party: bool | None = None
    important = match_case = False
    domains: frozenset[str] = frozenset()
    not_domains: frozenset[str] = frozenset()
    for option in options:
        name, _, value = option.partition("=")
        plain = name.removeprefix("~")
        if plain in _PARTY:
            third_party = _PARTY[plain] is not name.startswith("~")
        elif plain in KINDS:
            (unwanted if name.startswith("~") else wanted).update(KINDS[plain])
        elif name == "all":
            wanted.update(ALL_KINDS)
        elif name in {"domain", "from"} and value:
            given = value.lower().split("|")
            domains = frozenset(domain for domain in given if not domain.startswith("~"))
            not_domains = frozenset(domain[1:] for domain in given if domain.startswith("~"))
        elif name == "important":
            important = True
        elif name == "match-case":
            match_case = True
        elif name.startswith("~") and plain in _SPARED:
            continue
        elif name != "redirect":
            raise _RefusedError(f"${plain}")
    kinds = (frozenset(wanted) or ALL_KINDS) - unwanted
    pattern = _pattern(body, match_case=match_case)
    if not pattern.pieces and not domains and not wanted:
        raise _RefusedError("matches everything")
    return Filter(
        text, line, source, purpose, pattern, exception, important, third_party, kinds, domains, not_domains
    )  # fmt: skip


def _pattern(body: str, *, match_case: bool) -> Pattern:
    body = body if match_case else body.lower()
    at_host = body.startswith("||")
    at_start = not at_host and body.startswith("|")
    body = body[2:] if at_host else body[1:] if at_start else body
    at_end = body.endswith("|")
    body = body.removesuffix("|")
    opens, closes = body.startswith("*"), body.endswith("*")
    pieces = tuple(_piece(part) for part in body.split("*") if part)
    return Pattern(pieces, at_host and not opens, at_start and not opens, at_end and not closes, match_case)


def _piece(part: str) -> Piece:
    if "^" not in part:
        return part
    return re.compile(_SEPARATOR.join(re.escape(literal) for literal in part.split("^")), re.ASCII)


class Filters:
    """Every imported list, indexed. Ask `find` with a request."""

    def __init__(self, lists: Iterable[FilterList] = ()) -> None:
        self._by_host: dict[str, list[Filter | tuple[FilterList, int, str]]] = {}
        self._by_gram: dict[str, list[Filter]] = {}
        self._by_short: dict[str, list[Filter]] = {}
        self._anywhere: list[Filter] = []
        self.count = 0
        others: list[Filter] = []
        for each in lists:
            for line, text in each.rules:
                self.count += 1
                if whole := _WHOLE_HOST.fullmatch(text):
                    self._by_host.setdefault(whole[1], []).append((each, line, text))
                    continue
                found = parse_filter(text, line, each.name, each.purpose)
                host = _host_of(text)
                if host:
                    self._by_host.setdefault(host, []).append(found)
                else:
                    others.append(found)
        self._index(others)

    def __repr__(self) -> str:
        return f"<Filters {self.count}>"

    def __bool__(self) -> bool:
        return self.count > 0

    def _index(self, filters: Sequence[Filter]) -> None:
        """Each rule under its rarest run of characters; without one of five under one of three, else everywhere."""
        held = [(each, _grams_of(each, _GRAM), _grams_of(each, _SHORT)) for each in filters]
        common = Counter(gram for _, grams, short in held for gram in (grams or short))
        for each, grams, short in held:
            if grams:
                self._by_gram.setdefault(min(sorted(grams), key=common.__getitem__), []).append(each)
            elif short:
                self._by_short.setdefault(min(sorted(short), key=common.__getitem__), []).append(each)
            else:
                self._anywhere.append(each)

    def find(self, request: Request, *, third_party: bool) -> Filter | None:
        """The rule that blocks this request; None where none does, an exception speaks for it, or it is a document."""
        if request.kind == "document":
            return None
        asked = Asked.of(request, third_party=third_party)
        blocking: Filter | None = None
        excepted = False
        for each in self._candidates(asked):
            if each.exception:
                excepted = excepted or each.matches(asked)
            elif (blocking is None or (each.important and not blocking.important)) and each.matches(asked):
                blocking = each
        if blocking is None or (excepted and not blocking.important):
            return None
        return blocking

    def _candidates(self, asked: Asked) -> Iterator[Filter]:
        host = asked.host
        while host:
            if bucket := self._by_host.get(host):
                yield from _read(bucket)
            host = host.partition(".")[2]
        url = asked.url
        if self._by_gram:
            for gram in self._by_gram.keys() & {url[at : at + _GRAM] for at in range(len(url) - _GRAM + 1)}:
                yield from self._by_gram[gram]
        if self._by_short:
            for gram in self._by_short.keys() & {url[at : at + _SHORT] for at in range(len(url) - _SHORT + 1)}:
                yield from self._by_short[gram]
        yield from self._anywhere


def _read(bucket: list[Filter | tuple[FilterList, int, str]]) -> Iterator[Filter]:
    """The rules of a bucket, each parsed the first time it is met: most of a list never is."""
    for at, entry in enumerate(bucket):
        if isinstance(entry, tuple):
            source, line, text = entry
            bucket[at] = entry = parse_filter(text, line, source.name, source.purpose)
        yield entry


def _host_of(text: str) -> str | None:
    """The host that `||host/...` and `||host^...` name completely."""
    body = text.removeprefix("@@")
    if not body.startswith("||"):
        return None
    found = _HOST_PART.match(body.lower(), 2)
    return found[1] if found else None


def _grams_of(each: Filter, size: int) -> set[str]:
    """Every run of `size` literal characters that an address must hold to match."""
    found: set[str] = set()
    for piece in each.pattern.pieces:
        literals = [piece] if isinstance(piece, str) else _literals(piece)
        for literal in literals:
            lower = literal.lower()
            found.update(lower[at : at + size] for at in range(len(lower) - size + 1))
    return found


def _literals(piece: re.Pattern[str]) -> list[str]:
    return [re.sub(r"\\(.)", r"\1", literal) for literal in piece.pattern.split(_SEPARATOR)]
