"""Which words of a text are names of cookies or keys. Pure.

A name is *strong* when no ordinary word looks like it (`_ga`, `PHPSESSID`, `cookieConsent`, `connect.sid`) or when the
catalogue knows it well; any other single word is a name only where a table's column or a label says so.
"""

# ruff: noqa: E501  # a pattern is one alternative after another; broken over lines it reads worse

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from policies.catalogue import Catalogue
from policies.declared.names import as_glob, look_alikes
from policies.declared.words import COOKIE_WORD, STORAGE_WORD, listed, purpose_named, role_of

_HOLE = r"(?:<[^<>\n]{1,40}>|\[[^\[\]\n]{1,40}\]|\{[^{}\n]{1,40}\}|\((?:id|n|x+|\*+|\#+)\))"
TOKEN = re.compile(rf"(?:[A-Za-z0-9_@$!*%\-.:#~+|&=^/…]|{_HOLE})+")
_STRIP = ".,;:!?\"'`«»“”‘’()=|&/+…"
_DOMAIN = re.compile(
    r"(?i)^\.?(?:[a-z0-9-]+\.)+(?:com|net|org|no|se|dk|de|fi|nl|fr|es|eu|io|co|uk|us|be|at|ch|ie|is|it|pl|ru|info|biz|app|dev"
    r"|example|localhost|test|html?|php|aspx?|pdf|js|gif|png|jpe?g|svg|tv|me|ai|cloud|shop|gov|edu|tech|online)$"
)
_ABBREVIATIONS = listed("""GDPR EEA EØS EU USA UK DNT HTTP HTTPS HTML HTML5 URL IP ID API CRM CMS FAQ PDF AS ASA AB APS GMBH AG LTD LLC INC BV OY
    SSL TLS DNS XML JSON CSS ICO EDPB CCPA PECR RODO DPO CDN SDK VPN SMS OK USD NOK SEK DKK EUR TCF IAB DSGVO TTDSG TDDDG BDSG DSB AVG
    RGPD CNIL AEPD IMY NKOM SCC SCCS DPA NB NR ISO COOKIE COOKIES NAME PURPOSE VERSION B2B MSIE IOS TTL MAC GPS RFID
    W3C ISP IPV4 IPV6 2FA MP3 MP4 WIFI P3P DPF LGPD ORG ID'S FORM TYPE DATA NONE SESSION ALL YES NO UTC GMT WWW""")
_PLAIN = listed("""name navn namn none persistent ja nei yes no nej nein n/a na ukjent unknown various diverse flere cookie cookies
    first third party google facebook type purpose expiry the og and und et id. http https html pixel web day days year
    years month months""")
_SEPARATOR = re.compile(
    r"\s*(?:\n|,(?!\d)|;|\s/\s|•|\s\+\s|\s&\s|\s(?:and|og|och|und|en|et|y|e|ja|or|eller|oder|ou|of|samt|sowie)\s)\s*",
    re.I,
)
_TRAILING = re.compile(r"\s*(?:\((?![nx*#]|id\))[^()]*\)|\s[–—-]\s.*|\s*:\s+.*)\s*$", re.DOTALL)
_MAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
LONGEST_NAME = 128


@dataclass(frozen=True, slots=True)
class Named:
    """A name and where it stands in the text."""

    name: str
    start: int
    end: int
    strong: bool


def known(name: str, catalogue: Catalogue) -> bool:
    """Does the catalogue know this name well?"""
    if _DOMAIN.match(name):
        return False
    glob = as_glob(name)
    bare = glob.rstrip("*._-")
    misspelt = look_alikes(name)[1:3] if name.startswith("_") else ()
    for candidate in (
        name,
        glob,
        glob.replace("*", "x1"),
        *((bare,) if len(bare) > 2 and "*" in glob else ()),
        *misspelt,
    ):
        for match in catalogue.match_cookie(candidate):
            if match.confidence != "low" and len(match.tracker.strip("*?")) > 1:
                return True
        for match in catalogue.match_storage(candidate):
            if match.confidence != "low" and len(match.tracker.strip("*?")) > 1:
                return True
    return False


def looks_strong(name: str) -> bool:
    """No ordinary word, domain, file, number or abbreviation looks like this."""
    if not re.search(r"[A-Za-z]", name) or len(name) < 2 or len(name) > LONGEST_NAME:
        return False
    if _DOMAIN.match(name) or "//" in name or re.match(r"(?i)www\.|https?:|mailto:", name):
        return False
    if _MAIL.fullmatch(name) or STORAGE_WORD.fullmatch(name) or name.startswith(("/", "&", "$", "#")) or "/" in name:
        return False
    if name.upper() in _ABBREVIATIONS or re.fullmatch(r"(?:[A-Za-z]\.)+[A-Za-z]?", name):
        return False
    if "_" in name:
        return bool(re.search(r"[A-Za-z]{2}", name)) and not re.fullmatch(r"_[^_]+_", name)
    if "*" in as_glob(name) and not name.endswith("**"):
        return len(as_glob(name).strip("*.-")) > 1 and not re.fullmatch(r"[A-Za-z][a-zæøåäöü]+\*", name)
    if re.fullmatch(r"[a-z]{2,}(?:[A-Z][a-z0-9]+)+", name):
        return True
    if re.fullmatch(r"[A-Z]{5,}[0-9]*", name):
        return bool(re.search(r"SESS|UID|SID|TOKEN|ID$|AUTH|COOKIE", name))
    if re.fullmatch(r"(?i)[a-z]+(?:[.-][a-z0-9]+){1,4}", name):
        return bool(re.search(r"(?i)sess(?:ion|id)|[.-]s?id$|token|csrf", name)) and len(name) < 40
    return False


def is_name(word: str, catalogue: Catalogue) -> bool:
    """Could this single word be a name, given that a column or label says it is one?"""
    bare = word.strip()
    if not 1 <= len(bare) <= LONGEST_NAME or not re.search(r"[A-Za-z0-9]", bare):
        return False
    if looks_strong(bare) or known(bare, catalogue):
        return True
    if (
        bare.casefold() in _PLAIN
        or bare in ("Session", "SESSION")  # a kind of cookie; `session` is what some frameworks call theirs
        or STORAGE_WORD.fullmatch(bare)
        or bare.upper() in _ABBREVIATIONS - {"ID", "SESSION"}
        or _DOMAIN.match(bare)
    ):
        return False
    if bare.isalpha() and (purpose_named(bare) or COOKIE_WORD.fullmatch(bare) or role_of(bare)):
        return False
    if re.fullmatch(r"[\d.,\s%:-]+", bare):
        return False
    return TOKEN.fullmatch(bare) is not None and not _MAIL.fullmatch(bare) and "//" not in bare


def names_in_cell(text: str, start: int, end: int, catalogue: Catalogue) -> list[Named]:
    """The names in a cell or after a label: all of it where it is made of single words, else only the strong ones."""
    found: list[Named] = []
    whole = True
    for piece_start, piece_end in _pieces(text, start, end):
        piece = text[piece_start:piece_end].rstrip(". ")
        cut = _TRAILING.sub("", piece) or piece
        name = cut.strip().strip("\"'`«»“”‘’").rstrip(".,;:")
        if not name:
            continue
        at = text.find(name, piece_start, piece_end)
        token = TOKEN.fullmatch(name)
        if token and is_name(name, catalogue):
            found.append(Named(name, at, at + len(name), looks_strong(name) or known(name, catalogue)))
        elif "\n" in text[start:end] and token is None and found:
            continue
        else:
            whole = whole and bool(token)
    if found and (whole or any(named.strong for named in found)):
        return found if whole else [named for named in found if named.strong]
    return list(strong_names(text, start, end, catalogue))


def _pieces(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    position = start
    for match in _SEPARATOR.finditer(text, start, end):
        if match.start() > position:
            yield position, match.start()
        position = match.end()
    if position < end:
        yield position, end


def strong_names(text: str, start: int, end: int, catalogue: Catalogue) -> Iterator[Named]:
    """Every name that stands out by itself in text[start:end]."""
    for match in TOKEN.finditer(text, start, end):
        word = match[0]
        left = len(word) - len(word.lstrip(_STRIP + "-"))
        bare = word[left:].rstrip(_STRIP if "*" not in word and "]" not in word else ".,;:")
        if len(bare) < 2:
            continue
        before = text[match.start() - 1] if match.start() > start else " "
        after = text[match.end()] if match.end() < end else " "
        if before.isalnum() or after.isalnum():
            continue
        at = match.start() + left
        for name, offset in _split_slashes(bare):
            if looks_strong(name) or (_telling(name) and known(name, catalogue)):
                yield Named(name, at + offset, at + offset + len(name), True)


def _split_slashes(word: str) -> Iterator[tuple[str, int]]:
    offset = 0
    for part in re.split(r"(?<=[A-Za-z0-9*])([/&,])(?=_)", word):
        if part not in ("/", "&", ","):
            yield part, offset
        offset += len(part)


def _telling(name: str) -> bool:
    """Short and plain words ("id", "lang", "test") are left to columns and labels, even where a vendor uses them."""
    return (
        len(name) >= 3
        and not re.fullmatch(r"[A-Z]?[a-zæøåäöü]+(?:-[a-zæøåäöü]+)*", name)
        and name.upper() not in _ABBREVIATIONS
    )
