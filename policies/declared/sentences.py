"""Cookies from sentences. Pure.

A sentence declares the names that stand out in it, or that a word for cookie introduces ("places the cookie datr, which
..."). The next sentences of its paragraph may add what it leaves out; a sentence that says "we do not use" declares
nothing.
"""

# ruff: noqa: E501  # a pattern is one alternative after another; broken over lines it reads worse

from __future__ import annotations

import re
from itertools import pairwise
from typing import Literal

from policies.catalogue import Catalogue
from policies.declared.document import Block, Document
from policies.declared.model import DeclaredCookie
from policies.declared.recognise import Named, is_name, known, strong_names
from policies.declared.running_text import life_in, shared_out, vendor_around
from policies.declared.site import Site
from policies.declared.spans import sentences
from policies.declared.words import COOKIE_WORD, kind_named, listed, purpose_described, purpose_named
from policies.lifetime_words import SaidLifetime

_INTRODUCED = re.compile(
    r"(?i:\b(?:(?P<one>the\s+cookie|cookien|cookieen|cookie-en|(?:informasjons)?kapselen|kakan|(?:der|das)\s+cookie)|cookies?|informasjonskapsel|informasjonskapsla|(?:informasjons)?kapslene|kapsel|kakorna|kaka|key|keys|nøkkel(?:en)?|nøkler|nyckeln|schlüssel|eväste|sleutel)"
    r"(?P<called>\s+(?:called|named|named\s+as|med\s+navn(?:et)?|kalt|kalla|som\s+heter|med\s+namnet|ved\s+navn|namens|mit\s+dem\s+namen|genannt|genaamd|appelé\w*|llamad\w*|nimeltä|with\s+the\s+name|named:|under))?"
    r")(?P<quote>\s*[:\"'«“„‘`]+\s*|\s+)(?P<name>[A-Za-z0-9_](?:[\w*@|\[\]-]|\.(?=[\w*\[])){1,60}+)(?P<unquote>[\"'»”’`]*)"
    r"(?P<after>\s*(?:,|\.(?=\s|$)|\(|\b(?:which|that|som|der|from|fra|från|von|is|are|er|är|ist|wird|blir|slettes|expires|lagres|stores|used|and|og|och|und|has|har|for|til|för)\b|$))?"
    r"(?P<does>\s+(?:remembers|records|sparas|lagras|raderas|upphör|gemmes|opbevares|udløber|slettast|identifies|saves|keeps|holds|contains|tracks|counts|lasts|lives|remains|stays|measures|husker|hugsar|lagrer|inneholder|identifiserer|registrerer|varer|lever|utløper|forsvinner|teller|måler|sørger|gjør|holder|kommer\s+ihåg|innehåller|sparar|räknar|huske|gemmer|tæller|speichert|merkt|enthält|zählt|misst)\b)?"
    r"(?!\s+(?:cookies?|informasjonskaps\w*|kakor|kapsler)\b)"
)
_NOT_NAMES = listed("""policy banner consent settings setting file files law laws notice is are will are used use that which from for and is the a an to in on with by som
    er brukes fra til og på av den det de is ist wird werden sind die der das und är används från och av is zijn worden van voor en contains contain may can
    will must help helps allow allows let lets also data information statement declaration name names have has do does not or list table types type category
    categories we you they these this those our your such technology technologies based only kan ikke blir når hvis dersom etter gjør lagrer lagres inneholder
    inte kan som när om för att it its into where when who how what used set sets setter bruker benytter gjelder consentement de du est sont pour que qui
    consent-banner identifiers id ids identifier walls wall preferences preference choices choice management manager control controls notices itself
    after before automatically automatisk then therefore derfor session sessions usually normally vanligvis typically vanligen dermed""")
_BESIDE = 30
"""Characters between two names that still share what is said of the second."""
_NEGATED = re.compile(
    r"(?i)\b(?:do(?:es)?\s+not|don['’]t|no\s+longer|never|ikke|ikkje|inte|nicht|kein\w*|niet|geen)\s+(?:\w+\s+){0,2}(?:set|use|place|store|sett\w*|bruk\w*|benytt\w*|lagr\w*|använd\w*|sätt\w*|verwend\w*|setz\w*|gebruik\w*)"
)


def cookies_in_sentences(document: Document, block: Block, catalogue: Catalogue, site: Site) -> list[DeclaredCookie]:
    """Names in running text, each with what its sentence, or the next ones of its paragraph, say of it."""
    if block.kind == "heading":
        return []
    text = document.text
    found: list[DeclaredCookie] = []
    last: list[int] = []
    around = " ".join((*block.path[-2:], document.of(block)))
    about = bool(COOKIE_WORD.search(around))
    for start, end in sentences(text, block.start, block.end):
        sentence = text[start:end]
        names = _names_said(document, block, start, end, catalogue, about=about)
        if not names:
            for index in last:
                found[index] = _continued(found[index], sentence)
            continue
        if _NEGATED.search(sentence):
            continue
        lives = _lives_between(text, names, start, end)
        purpose = purpose_described(sentence) or next(
            (p for heading in reversed(block.path) if (p := purpose_named(heading))), None
        )
        vendor = vendor_around(sentence, block, catalogue, site)
        last = []
        for named, life in zip(names, lives, strict=True):
            last.append(len(found))
            found.append(
                DeclaredCookie(
                    name=named.name, lifetime=life.seconds if life else None, session=bool(life and life.session),
                    lifetime_text=life.text if life else None, vendor=vendor, purpose=purpose,
                    kind=_kind(named.name, sentence, catalogue), quote=sentence, position=start,
                )
            )  # fmt: skip
    return found


def _kind(name: str, sentence: str, catalogue: Catalogue) -> Literal["cookie", "storage", "pixel"]:
    """What the sentence speaks of; a pixel that sets a cookie ("the Facebook pixel sets _fbp") is not the cookie."""
    kind = kind_named(sentence) or "cookie"
    return "cookie" if kind == "pixel" and catalogue.match_cookie(name) else kind


def _continued(cookie: DeclaredCookie, sentence: str) -> DeclaredCookie:
    """What the next sentence of a paragraph adds: "It is deleted after 180 days", "It is needed to log in"."""
    facts: dict[str, object] = {}
    if not cookie.lifetime_text and (life := life_in(sentence)):
        facts = {"lifetime": life.seconds, "session": life.session, "lifetime_text": life.text}
    if cookie.purpose is None and (purpose := purpose_described(sentence)):
        facts["purpose"] = purpose
    return cookie.model_copy(update=facts) if facts else cookie


def _names_said(
    document: Document, block: Block, start: int, end: int, catalogue: Catalogue, *, about: bool
) -> list[Named]:
    text = document.text
    found: dict[str, Named] = {}
    for named in strong_names(text, start, end, catalogue):
        if about or known(named.name, catalogue):
            found.setdefault(named.name, named)
    for match in _INTRODUCED.finditer(text, start, end):
        name = match["name"].rstrip(".,")
        if name.casefold() in _NOT_NAMES or name in found or not is_name(name, catalogue) or name[:1].isdigit():
            continue
        at = match.start("name")
        quoted = text[at - 1] in "\"'«“„‘`"
        told = match["called"] or (quoted and match["unquote"]) or (match["one"] and match["does"])
        marked = quoted or any(a <= at < b for a, b in block.marked)
        after = match["after"]
        goes_on = after is not None or match["does"]
        listed_so = after is not None and after.strip()[:1] in (",", "(")
        if catalogue.match_vendor(name) and not marked:
            continue
        if told or (goes_on and (marked or known(name, catalogue) or listed_so)):
            found[name] = Named(name, at, at + len(name), False)
    if found:
        for begin, stop in block.marked:
            name = text[begin:stop].rstrip(".,")
            if start <= begin < end and name not in found and is_name(name, catalogue) and known(name, catalogue):
                found[name] = Named(name, begin, begin + len(name), False)
    return sorted(found.values(), key=lambda named: named.start)


def _side_by_side(text: str, names: list[Named]) -> bool:
    return all(after.start - before.end < _BESIDE for before, after in pairwise(names))


def _lives_between(text: str, names: list[Named], start: int, end: int) -> list[SaidLifetime | None]:
    """Each name's lifetime: what follows it up to the next name; names joined without one share the next one's."""
    lives: list[SaidLifetime | None] = []
    for number, named in enumerate(names):
        stop = names[number + 1].start if number + 1 < len(names) else end
        lives.append(life_in(text[named.end : stop]))
    if not any(lives[:-1]):
        lives = shared_out(lives[-1], len(lives)) if _side_by_side(text, names) else lives
    for number in range(len(lives) - 2, -1, -1):
        between = text[names[number].end : names[number + 1].start]
        if lives[number] is None and len(between) < _BESIDE:
            lives[number] = lives[number + 1]
    if not any(lives) and names:
        before = life_in(text[start : names[0].start])
        lives = [before] * len(names)
    return lives
