"""Whose policy this is: the names under which a document speaks of its own site. Pure.

They are read from the title, from who calls itself the controller, from organisation numbers and from addresses; a
vendor column that names them says "first party".
"""

# ruff: noqa: E501  # a pattern is one alternative after another; broken over lines it reads worse

from __future__ import annotations

import re
from dataclasses import dataclass

from policies.declared.document import Document
from policies.declared.words import listed

_LEGAL_FORM = r"(?:ASA?|AB|A/S|ApS|GmbH(?:\s*&\s*Co\.?\s*KG)?|AG|Ltd\.?|Limited|Inc\.?|LLC|B\.?V\.?|N\.?V\.?|Oyj?|S\.?A\.?S?|S\.?L\.?U?|SARL|e\.V\.|UG|SA|ANS|DA|KS|KG|plc|Foundation|Stiftelsen)"
_WORD = r"[A-ZÆØÅÄÖÜÉ][\w&'’.-]*"
_COMPANY = re.compile(rf"\b((?:{_WORD}\s+){{0,4}}{_WORD})\s*,?\s+{_LEGAL_FORM}(?![\w])")
_TITLE_OF = re.compile(
    r"(?i:personvern\w*|privacy(?:\s+and\s+cookie)?\s+(?:policy|notice|statement)|cookie\s+(?:policy|declaration|notice)|cookieerklæring\w*|cookiepoli\w*|integritetspolicy|datenschutz\w*"
    r"|privatlivspolitik|persondatapolitik|privacyverklaring|kakpolicy|informasjonskapsler|cookies?)\s+(?i:for|of|hos|i|på|at|von|der|van|de|til|från|fra|on|-|–|—|\||·|:)\s+(?:the\s+)?"
    rf"((?:{_WORD}\s*){{1,4}})"
)
_CONTROLLER = re.compile(
    rf"((?:{_WORD}\s+){{0,3}}{_WORD})\s*(?:\([^()]*\)\s*)?,?\s*(?:(?:org\.?|organisasjons|organisations|CVR|KvK|company|registration)[\s.-]*(?:nr|nummer|no|number)|er\s+(?:behandlingsansvarlig|behandlingsansvarleg|dataansvarlig)"
    r"|is\s+the\s+(?:data\s+)?controller|är\s+personuppgiftsansvarig|ist\s+(?:der\s+)?Verantwortliche\w*|ved\s+daglig\s+leder|v/)"
)
_USES_COOKIES = re.compile(
    r"(?i)[\s,]+(?:bruker|brukar|benytter|use[sd]?|anvender|bruger|använder|verwendet|nutzt|setzt|gebruikt|plaatst|utilise|utiliza|käyttää|setter|sets|collects?|samler|behandler|processes)\b"
)
_WE = re.compile(
    rf"(?:^|\b)(?:[Ww]e,\s+(?:at\s+)?|[Vv]i\s+(?:i|hos|på)\s+|[Ww]e\s+at\s+|©\s*(?:\d{{4}}\s*)?|[Cc]opyright\s+(?:©\s*)?(?:\d{{4}}\s*)?)((?:{_WORD}\s*){{1,3}})"
)
_USED_ON = re.compile(
    r"(?:på|on|auf|op|sur|en)\s+(?:nettstedet\s+|nettsiden\s+|webbplatsen\s+|hjemmesiden\s+|our\s+website\s+|the\s+website\s+|der\s+Website\s+)?(?:https?://)?(?:www\.)?((?:[a-z0-9-]+\.)+[a-z]{2,12})\b"
)
_MAIL = re.compile(r"[\w.+-]{1,60}@((?:[a-z0-9-]+\.)+[a-z]{2,12})\b", re.IGNORECASE)
_FREE_MAIL = frozenset({"gmail.com", "hotmail.com", "outlook.com", "online.no", "yahoo.com", "datatilsynet.no"})
_NOT_OWN = listed("""google facebook meta microsoft linkedin youtube twitter hotjar cookies cookie website personvern datatilsynet privacy policy the
    our this vi we these your behandling personopplysninger site nettstedet nettsiden webbplatsen norge norway sverige danmark eu
    europe gdpr analytics matomo piwik data internet browser other third what which general""")


_OWN_WORDS = re.compile(
    r"\b(?:this|our|dieser?|diese|denne|dette|den\s+her|denna|deze|cette|ce|este|esta|tämän)\s+(?:web\s?site|site|nettsted\w*|nettside\w*"
    r"|webbplats\w*|hjemmeside\w*|website|seite|webseite|sitio|sivusto\w*)\b|\b(?:the|own|der)\s+(?:site|website)\b"
)


@dataclass(frozen=True, slots=True)
class Site:
    """`names`: casefolded names; `hosts`: domains of its own addresses."""

    names: frozenset[str] = frozenset()
    hosts: frozenset[str] = frozenset()

    def owns(self, name: str) -> bool:
        """Is this name, or this domain, the site's own?"""
        text = name.casefold().strip(" .")
        if text in self.hosts or any(text.endswith("." + host) for host in self.hosts):
            return True
        words = " ".join(re.findall(r"[\w-]+", text))
        if not words:
            return False
        return bool(_OWN_WORDS.search(text)) or any(
            f" {words} " in f" {own} " or words.startswith(own + " ") for own in self.names
        )


def site_of(document: Document) -> Site:
    """Read the site's own names from the document's title, first lines and controller sentences."""
    text = document.text[:300_000]
    names: set[str] = set()
    hosts: set[str] = set()
    openings = [document.title, *(document.of(block) for block in document.blocks[:6])]
    for opening in openings:
        for match in _TITLE_OF.finditer(opening[:500]):
            _add(names, match[1])
    if parts := [part.strip() for part in re.split(r"\s[|·–—-]\s", document.title) if part.strip()]:
        for part in parts[1:][-1:]:
            if len(part.split()) <= 4:
                _add(names, part)
    for pattern in (_CONTROLLER, _WE):
        for match in pattern.finditer(text):
            _add(names, match[1])
    for match in _COMPANY.finditer(text):
        near = text[max(0, match.start() - 80) : match.end() + 80]
        if _USES_COOKIES.match(text, match.end()):
            _add(names, match[1])
        if re.search(
            r"(?i)org\.?\s*(?:nr|no)|organi[sz]a[st]\w*|cvr|controller|behandlingsansvar|dataansvar|personuppgiftsansvar|verantwort|this\s+policy|denne\s+person",
            near,
        ):
            _add(names, match[1])
    for match in _COMPANY.finditer(text, 0, 300):
        _add(names, match[1])
    for match in _USED_ON.finditer(text):
        hosts.add(match[1].lower())
    counted = [match[1].lower() for match in _MAIL.finditer(text)]
    for host in set(counted) - _FREE_MAIL:
        registrable = ".".join(host.split(".")[-2:])
        if not any(word in registrable for word in ("google", "facebook", "microsoft", "hotjar", "datatilsynet")):
            hosts.add(host)
    names |= {host.split(".")[-2] for host in hosts if len(host.split(".")[-2]) > 3}
    return Site(frozenset(names - _NOT_OWN), frozenset(hosts))


def _add(names: set[str], found: str) -> None:
    name = re.sub(rf"\s+{_LEGAL_FORM}$", "", found.strip()).strip(" .,")
    words = re.findall(r"[\w-]+", name.casefold())
    if words and words[0] not in _NOT_OWN and len(" ".join(words)) > 1:
        names.add(" ".join(words))
