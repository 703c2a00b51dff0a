"""What running text says of a cookie beside its name: how long it lives, and who sets it. Pure."""

# ruff: noqa: E501  # a pattern is one alternative after another; broken over lines it reads worse

from __future__ import annotations

import re

from policies.catalogue import Catalogue
from policies.declared.document import Block
from policies.declared.site import Site
from policies.declared.vendors import mentions, vendor_of_heading
from policies.lifetime_words import SESSION, SaidLifetime, read_lifetime

_LIVES = re.compile(
    r"\b(?:expir\w*|delet\w*|remov\w*|last\w*|lifetime|duration|valid\w*|stored|store|kept|keep|retain\w*|remain\w*|until|persist\w*|permanent\w*|vedvarende|varige?|after|for\s+up\s+to"
    r"|slett\w*|varer?|levetid\w*|varighe[td]\w*|gyldig\w*|lagre[rst]*|lagra\w*|utløp\w*|udløb\w*|til|inntil|etter|efter|gemmes|opbevares|tas\s+bort|raderas|sparas|giltig\w*|livslängd\w*|upphör\w*|försvinner|forsvinner"
    r"|gelöscht\w*|lösch\w*|gespeichert\w*|speicher\w*|gültig\w*|laufzeit\w*|läuft|bewaard|verwijderd|geldig|verloopt|expir\w+|supprim\w*|conserv\w*|durée|caduc\w*|elimin\w*|dura\w*|vanhen\w*|poist\w*|säily\w*|voimassa)\b",
    re.IGNORECASE,
)
_SESSION_COOKIE = re.compile(
    r"(?i)\b(?:session|sesjons?|økts?|sitzungs?|sessie|temporary|midlertidig\w*|temporär\w*)[\s-]*(?:cookie|informasjonskaps|kak|basert)|\b(?:cookie|informasjonskaps\w*)\s+de\s+ses"
    r"|^\W*(?:session|økt|sesjon|sitzung|sessie|sesión|istunto)(?:\W*$|\s+[–—|-]\s)|\(\s*(?:session|økt|sesjon|sitzung|sessie)\w*\s*\)"
    r"|(?:end|slutt\w*|ende|eind\w*|fin)\s+(?:of|på|av|der|van|de)\s+(?:the\s+|your\s+|la\s+|de\s+)?(?:browser\s+)?(?:session|økt|sesjon|sitzung|sessie|sesión)"
)
_BETWEEN = re.compile(r"\s*[/;,&]\s*(?:(?:and|og|och|und|en|et|y|ja)\s+)?|\s+(?:and|og|och|und|en|et|y|ja)\s+")
_BROWSER = re.compile(r"(?i)browser|nettles|webbläs|navigat|navegad|selai")
_FROM = re.compile(r"(?i)\b(?:from|by|fra|frå|från|av|af|von|durch|van|door)\s+$")


def life_in(sentence: str) -> SaidLifetime | None:
    """A lifetime in running text: a number with a unit, or words that can only mean the end of a session."""
    said = read_lifetime(sentence)
    if said is None:
        return None
    if said.seconds is not None and (said.seconds > 0 or said.text[:1].isdigit()):
        return said
    if said.session:
        browser = any(_BROWSER.search(match[0]) for match in SESSION.finditer(sentence))
        if browser or _SESSION_COOKIE.search(sentence) or (_LIVES.search(sentence) and re.search(
            r"(?i)(?:until|til|end|slutt|varer|expires?|utløper|lasts?|during|under|bis|ende|stored\s+(?:in|for)|kept\s+for|(?:lagre[st]?|lagra|gemmes|sparas|gjelder|gäller|gælder)\s+(?:i|for|under|til|till))\b[^.]{0,30}" + re.escape(said.text), sentence
        )):  # fmt: skip
            return said
        return None
    return (
        said
        if said.seconds is None and _LIVES.search(sentence) and not re.search(r"(?i)storage|lagring", said.text)
        else None
    )


def shared_out(said: SaidLifetime | None, count: int) -> list[SaidLifetime | None]:
    """ "2 years / 24 hours" for two names is one each; anything else is for all of them."""
    parts = _BETWEEN.split(said.text) if said and count > 1 else []
    each = [read_lifetime(part) for part in parts]
    if len(parts) == count and all(each):
        return [SaidLifetime(one.seconds, one.session, part) for one, part in zip(each, parts, strict=True) if one]
    return [said] * count


def vendor_around(text: str, block: Block, catalogue: Catalogue, site: Site) -> str | None:
    """The vendor that a sentence names ("from Google" first), else the nearest heading that names one."""
    named = [mention for mention in mentions(text, 0, len(text), catalogue) if not site.owns(mention.name)]
    for mention in named:
        if _FROM.search(text[: mention.start]):
            return mention.name
    for heading in reversed(block.path):
        if found := vendor_of_heading(heading, catalogue, site):
            return found
    return named[0].name if named else None
