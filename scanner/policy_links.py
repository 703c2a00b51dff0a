"""Which link of a page leads to the site's privacy or cookie policy, by its text and its address. Pure; a table.

In ten languages. A link that opens a banner's settings says much the same words and leads nowhere: it does not count.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import unquote, urlsplit

from policies.observation import PolicyLink

MOST = 8
"""Candidates that a page keeps."""


_WORDS: tuple[tuple[int, str], ...] = (
    # The document's own name.
    (
        9,
        r"privacy (policy|notice|statement)|data protection (policy|notice)"
        r"|personvern(erklæring|policy|regler)|personopplysningserklæring"
        r"|privatlivspolitik|persondatapolitik|integritetspolicy|personuppgiftspolicy|dataskyddspolicy"
        r"|datenschutz(erklärung|hinweise|bestimmungen|information)|privacy ?(beleid|verklaring)|privacystatement"
        r"|(politique|charte|déclaration) (de|sur la) (confidentialité|protection des données|vie privée)"
        r"|política de (privacidad|protección de datos)|aviso de privacidad|tietosuoja ?(seloste|käytäntö|lauseke)"
        r"|rekisteriseloste",
    ),
    (
        7,
        r"cookie ?s? ?(policy|notice|statement|erklæring|politik|beleid|verklaring|richtlinie|erklärung|käytäntö)"
        r"|informasjonskapsler|informasjonskapslar|evästekäytäntö|evästeseloste"
        r"|politique (de|des|en matière de) cookies|política de cookies",
    ),
    # A word of the subject.
    (
        4,
        r"privacy|personvern|privatliv|persondata|integritet|dataskydd|datenschutz|confidentialité|vie privée"
        r"|données personnelles|privacidad|protección de datos|tietosuoja|gdpr|rgpd|dsgvo|avg",
    ),
    (2, r"cookies?|kakor|evästeet|traceurs"),
)
_SCORES = tuple((score, re.compile(rf"(?<!\w)(?:{words})", re.IGNORECASE)) for score, words in _WORDS)
_SETTINGS = re.compile(
    r"setting|preference|manage|choices|innstilling|indstilling|inställning|einstellung|instelling|voorkeur"
    r"|paramètre|paramétr|préférence|gérer|configur|ajustes|preferencias|asetukset|hallin|tilpass|samtykke$|reset",
    re.IGNORECASE,
)
SUBJECT = "privacy|personvern|privatliv|persondata|integritet|dataskydd|datenschutz|confidentialit|vie.priv|donn.es"
SUBJECT += "|privacidad|protecci|tietosuoja|gdpr|rgpd|dsgvo|cookie|informasjonskaps|kakor|ev.ste|traceur|rekisterise"
SUBJECT += "|data protection|personopplysning|personuppgift|\\bavg\\b"
"""A coarse pattern for a first sieve in the page itself; every link that scores matches it."""


def score(link: PolicyLink) -> int:
    """How likely it is the policy; 0 for one that is not."""
    parts = urlsplit(link.url)
    path = re.sub(r"[-_/.+]+", " ", unquote(parts.path)).strip()
    text = " ".join(link.text.split())
    if parts.scheme not in ("http", "https") or _SETTINGS.search(text):
        return 0
    by_text = _best(text) if len(text) <= 80 else 0
    # A page about cookies that is one of many (a recipe, a news item) has a long text; a footer's link is short.
    return 2 * by_text + _best(path)


def _best(text: str) -> int:
    return max((points for points, words in _SCORES if words.search(text)), default=0)


def likeliest(links: Iterable[PolicyLink], most: int = MOST) -> tuple[PolicyLink, ...]:
    """The candidates, best first; a link met twice counts once."""
    best: dict[str, PolicyLink] = {}
    for link in links:
        url = link.url.partition("#")[0]
        here = PolicyLink(url=url, text=" ".join(link.text.split())[:200])
        if score(here) > (score(best[url]) if url in best else 0):
            best[url] = here
    return tuple(sorted(best.values(), key=lambda link: (-score(link), link.url))[:most])
