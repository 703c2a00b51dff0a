"""Who a text says sets or receives tracking data. Pure.

A vendor is known by the catalogue's names, or is introduced as a tool, service or setter of cookies. Authorities,
laws, browsers and the site's own company are none, and neither is somebody who is only named as not used.
"""

# ruff: noqa: E501  # a pattern is one alternative after another; broken over lines it reads worse

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from policies.catalogue import Catalogue
from policies.declared.document import Document
from policies.declared.model import DeclaredCookie, DeclaredVendor
from policies.declared.site import Site
from policies.declared.spans import sentences
from policies.declared.words import COOKIE_WORD, listed

_LEGAL = re.compile(
    r"[,\s]+(?:ireland|international|europe|emea|deutschland|germany|norway|norge|sverige|sweden|danmark|france|uk|platforms?|"
    r"holdings?|group|operations|technologies|limited|ltd|inc|incorporated|llc|l\.l\.c|corp|corporation|company|co|gmbh|ag|"
    r"se|sa|s\.a|sas|sarl|ab|as|asa|a/s|aps|oy|oyj|bv|b\.v|nv|n\.v|plc|pte|pty|srl|s\.r\.l|spa|s\.p\.a|kg|ltda|unlimited|"
    r"dac|ulc|lp|pbc|uc)\.?$",
    re.IGNORECASE,
)
BROWSERS = re.compile(
    r"\b(?:google\s+)?chrome\b|\b(?:mozilla\s+)?firefox\b|\b(?:apple\s+|mac\s+)?safari\b|\b(?:microsoft\s+)?(?:edge|internet\s+explorer)\b"
    r"|\bopera\b(?!\s*analytics)|\bvivaldi\b|\bbrave\b|\bandroid\b|\bios\b|\bwindows\b|\bchromium\b",
    re.IGNORECASE,
)
_AUTHORITY = re.compile(
    r"(?:^|\b)(?:datatilsynet|nkom|nasjonal\s+kommunikasjonsmyndighet|ico|information\s+commissioner\w*|integritetsskydds\w*|imy|datainspektionen"
    r"|post-?\s*och\s+telestyrelsen|pts|cnil|aepd|bfdi|autoriteit\s+persoonsgegevens|tietosuojavaltuute\w*|traficom|erhvervsstyrelsen"
    r"|digitaliseringsstyrelsen|forbrukertilsynet|european\s+(?:union|commission|economic\s+area)|eu|eea|eøs|ees|edpb|edps|gdpr|ekomloven|network\s+advertising\s+initiative"
    r"|digital\s+advertising\s+alliance|youronlinechoices\w*|your\s+online\s+choices|edaa|allaboutcookies\w*|about\s?cookies\w*|personvernforordningen"
    r"|data\s+protection\s+\w+|privacy\s+shield|stortinget|agencia\s+\w+|garante|bundesbeauftragte\w*|landesbeauftragte\w*|lfd\w*|meteo)(?:\b|$)",
    re.IGNORECASE,
)
_ORDINARY = listed("""heap segment drift clarity optimize crisp branch snap x chat maps fonts pixel ads analytics signal flow front insight insights
    loop mode monitor notion pendo sift split square tag target tune unity wave zoom shop forms teams drip hello hero orange
    kit close help scout buffer box hub convert impact partner later base contact active swift track beacon search mention
    meta apple front sentry consent cookie cookies session script kindly plausible""")
_GENERIC = listed(
    """cookie cookies notice script law info consent banner policy privacy manager yes first information data control
    settings choice choices hub pro plus site kit tag"""
)
USES = re.compile(
    r"\b(?:use[sd]?|using|employ\w*|utili[sz]\w*|integrat\w*|embed\w*|implement\w*|work\s+with|rely|share\w*|transfer\w*|send\w*|set|sets|placed?|places"
    r"|provided|process(?:ed|es|ing)?|deliver\w*|collect\w*|receiv\w*|track\w*|analy[sz]\w*|analyt\w*|statisti\w*|advert\w*|market\w*|pixel\w*|plug-?ins?|tools?|services?|third|partners?|providers?|processors?|suppliers?|vendors?"
    r"|bruker|brukar|behandl\w*|benytt\w*|bruk|brukes|nytt[ae]r?|delt?|deler|delar|sender|overfør\w*|plasser\w*|setter|lagrer|samler|mottar|innebygd\w*|verktøy\w*|tjeneste\w*|teneste\w*"
    r"|leverandør\w*|tredjepart\w*|samarbeidspartner\w*|annons\w*|markedsføring\w*|marknadsf\w*|analyse\w*"
    r"|anvend\w*|bruger|indlejr\w*|tjenester|udbyder\w*|databehandler\w*|værktøj\w*|placer\w*|videregiv\w*|indsaml\w*"
    r"|använd\w*|verktyg\w*|tjänst\w*|leverantör\w*|inbädda\w*|sätter|placerar|lagras|samlar|skickar|delas"
    r"|nutz\w*|verarbeit\w*|verwend\w*|setz\w*|einsatz|eingesetzt\w*|dienst\w*|werkzeug\w*|anbieter\w*|eingebunden\w*|übermittel\w*|übertrag\w*|analysedienst\w*|tracking\w*"
    r"|gebruik\w*|maken|plaats\w*|aanbieder\w*|derden|utilis\w*|outil\w*|fourni\w*|prestataire\w*|recour\w*|utiliz\w*|herramienta\w*|proveedor\w*|käyt\w*|palvelu\w*)\b",
    re.IGNORECASE,
)
NOT_USED = re.compile(
    r"\b(?:(?:do|does|did|are|is|have|has|will)\s+not|don['’]t|doesn['’]t|no\s+longer|never|neither|without|instead\s+of|ikke(?!\s+bare)|ikkje|inte(?!\s+bara)|inga|ingen|aldri|aldrig|i\s+stedet\s+for"
    r"|istället\s+för|i\s+stedet|uten|utan|kein\w*|nicht(?!\s+nur)|verzichte\w*|statt|niet|geen|ne\s+\w+\s+(?:pas|plus)|no\s+(?:utiliz|us)\w*|emme)\b"
    r"(?:\s+[\w'’-]+){0,4}?\s+(?:use|using|used|utili[sz]e|employ|set|sett?er|bruker|brukar|bruke|bruk|benytter|nyttar|anvender|bruger|använder|nutzen|verwenden|ein|einsetzen|gebruiken|utilis\w+|utiliz\w+|käytä|har|have|install\w*|load\w*)"
    r"|\b(?:bruker|brukar|benytter|nyttar|anvender|bruger|använder)\s+(?:vi\s+|jeg\s+|jag\s+|me\s+)?(?:ikke(?!\s+bare)|ikkje|inte(?!\s+bara)|ingen|aldri|aldrig|verken|verken)"
    r"|\b(?:nutzen|verwenden|setzen)\s+(?:wir\s+)?(?:kein\w*|nicht(?!\s+nur))|\bno\s+longer\b|\b(?:instead|rather)\s+(?:of|than)\b|\bunlike\b",
    re.IGNORECASE,
)
_SETTERS = re.compile(
    r"(?:cookies?|cookien|informasjonskaps\w+|kakor|pixels?)(?:\s+(?:\([^()]{1,30}\)|set|placed|sett|satt|plassert|fra|som|gesetzt|lagras|sätts))?\s+"
    r"(?:from|by|fra|frå|från|av|af|von|durch|van|door|de)\s+(?P<name>[A-ZÆØÅÄÖ][\w&.+-]*(?:\s+[A-ZÆØÅÄÖ][\w&.+-]*){0,3})"
)
_TOOLS = re.compile(
    r"(?:\b(?:analytics|analysis|web\s+analysis|statistics|tracking|chat|comment|survey|heatmap|video|advertising|marketing|newsletter|embedded|third-party)\s+(?:tools?|services?|software|plug-?ins?|platforms?|providers?|networks?)"
    r"(?:\s+(?:called|named|from|by|such\s+as|like))?"
    r"|\b(?:analyse|statistikk?|sporings|webanalyse|annonse|markedsførings|chat|video|nyhetsbrev|kart|undersøkelses|analys|statistik|marknadsförings|webbanalys|kommentars)?(?:verktøyene|verktøyet|verktøya|verktyget|verktygen|værktøjet|værktøjerne|tjenesten|tjenestene|tenesta|tenestene|tjänsten|tjänsterna|programvaren|plattformen)"
    r"|\b(?:den\s+|des\s+|die\s+)?(?:web|analyse|tracking|video|karten|newsletter|marketing)?-?(?:analysedienste?s?|analysetools?|analyse-tools?|trackingtools?|dienstes?|dienste|webanalysedienst\w*|software)"
    r"|\bl['’]outil(?:\s+d['’]analyse)?|\ble\s+service|\bla\s+herramienta|\bel\s+servicio|\bde\s+dienst|\banalysetool)\s+"
    r"[\"'«“„]?(?P<name>[A-ZÆØÅÄÖ][\w&.+-]*(?:\s+(?:[A-ZÆØÅÄÖ0-9][\w&.+-]*)){0,3})",
)
_LIST_GOES_ON = re.compile(
    r"\s*(?:,|and|og|och|und|en|et|y|samt|&)\s*[\"'«“„]?(?P<name>[A-ZÆØÅÄÖ][\w&.+-]*(?:\s+[A-ZÆØÅÄÖ][\w&.+-]*){0,2})"
)
_SELF = listed("""we us our you your this these the it they own self website webpage site first-party first party eget egne egen vi oss vår
    våre nettstedet nettsiden nettsted nettbutikken egna webbplatsen webbplats vores hjemmesiden webstedet wir uns eigene eigener
    selbst website wij ons zelf nous propre interne propio propia nosotros oma sivusto third third-party none n/a - – —
    tredjepart tredjeparter tredjepartar tredje førstepart første förstapart första erstanbieter drittanbieter various ukjent unknown
    yes no ja nei nej nein ikke unspecified the site host internal intern dette denne denna diese dieser alle all andre andra
    session persistent cookie cookies http html pixel type""")


@dataclass(frozen=True, slots=True)
class Mention:
    """A vendor's name as written, where it stands, and the catalogue's id (or a company's name) where it is known."""

    name: str
    start: int
    end: int
    known: str | None


@lru_cache(maxsize=8)
def _index(catalogue: Catalogue) -> dict[str, list[tuple[tuple[str, ...], str]]]:
    """First word of every vendor's name, alias and company to (all its words, vendor), the longest first.

    Software that a site runs itself receives nothing: its makers are left out.
    """
    names: dict[str, str] = {}
    vendors = {key: vendor for key, vendor in catalogue.vendors.items() if not vendor.operator_hosted}
    for vendor_id, vendor in vendors.items():
        for name in (vendor.name, *vendor.aliases):
            names.setdefault(name.casefold(), vendor_id)
    for vendor in vendors.values():
        brand = brand_of(vendor.company).casefold()
        names.setdefault(vendor.company.casefold(), f"company:{brand}")
        if len(brand) > 2:
            names.setdefault(brand, f"company:{brand}")
    for brand in ("google", "facebook", "meta", "microsoft", "linkedin", "youtube", "twitter", "instagram"):
        names.setdefault(brand, f"company:{brand}")
    index: dict[str, list[tuple[tuple[str, ...], str]]] = {}
    for name, known in names.items():
        words = tuple(match[0].casefold() for match in _WORD.finditer(name))
        if words and any(any(char.isalpha() for char in word) for word in words) and len(name) > 1:
            index.setdefault(words[0], []).append((words, known))
    for candidates in index.values():
        candidates.sort(key=lambda candidate: -len(candidate[0]))
    return index


def brand_of(company: str) -> str:
    """A company's name without its legal form and country: "Google Ireland Limited" -> "Google"."""
    name = re.sub(r"\s*\([^()]*\)", "", company).strip(" .,")
    while (shorter := _LEGAL.sub("", name).strip(" ,")) != name and shorter:
        name = shorter
    return name


_WORD = re.compile(r"[^\W_]+")
_BETWEEN = re.compile(r"[\s.&'’!+/-]{0,4}")
_GENITIVE = re.compile(r"['’]?s$")


def mentions(text: str, start: int, end: int, catalogue: Catalogue) -> Iterator[Mention]:
    """Every known vendor named in text[start:end], browsers left out."""
    index = _index(catalogue)
    words = list(_WORD.finditer(text, start, end))
    skip = 0
    for number, match in enumerate(words):
        if number < skip:
            continue
        for first in _forms(match[0].casefold()):
            found = _longest(text, words, number, index.get(first, ()))
            if found:
                break
        else:
            continue
        count, known = found
        last = words[number + count - 1]
        stop = last.end()
        if (form := _GENITIVE.search(last[0])) and count == 1 and match[0].casefold() not in index:
            stop -= len(form[0])
        written = text[match.start() : stop]
        if _in_address(text, match.start(), stop) or not _written_as_name(
            written, text, match.start(), start, catalogue, known
        ):
            continue
        skip = number + count
        left = max(start, match.start() - 12)
        around = text[left : stop + 25]
        offset = match.start() - left
        if any(browser.start() <= offset < browser.end() for browser in BROWSERS.finditer(around)):
            continue
        yield Mention(written, match.start(), stop, known)


def _forms(word: str) -> tuple[str, ...]:
    """A word as it stands and without the genitive's s: "Googles" is Google's."""
    return (word, word[:-1]) if word.endswith("s") and len(word) > 4 else (word,)


def _longest(
    text: str, words: list[re.Match[str]], number: int, candidates: Iterable[tuple[tuple[str, ...], str]]
) -> tuple[int, str] | None:
    for parts, known in candidates:
        if number + len(parts) > len(words):
            continue
        tail = range(1, len(parts))
        if all(words[number + i][0].casefold() in (parts[i], parts[i] + "s") for i in tail) and all(
            _BETWEEN.fullmatch(text, words[number + i - 1].end(), words[number + i].start()) for i in tail
        ):
            return len(parts), known
    return None


def _in_address(text: str, start: int, end: int) -> bool:
    """Is this a piece of an address ("support.google.com", "me@hotjar.com") or of a name ("google_id", "x-google")?"""
    before, after = text[max(0, start - 1) : start], text[end : end + 3]
    if before and (before in "@_/" or (before in ".-" and text[max(0, start - 2) : start - 1].isalnum())):
        return True
    return after[:1] in ("_", "@") or bool(re.match(r"\.[a-z]", after))


def _written_as_name(written: str, text: str, at: int, start: int, catalogue: Catalogue, known: str) -> bool:
    key = written.casefold()
    if all(word in _GENERIC for word in key.split()):
        return all(word[0].isupper() for word in written.split()) and at > start
    if key in _ORDINARY or len(key) < 3:
        # an ordinary word is a name only where it is written as one, away from a sentence's beginning
        if not written[0].isupper():
            return False
        before = text[max(start, at - 3) : at].strip()
        return bool(before) and before[-1] not in ".!?:•" and len(key) > 1
    vendor = catalogue.vendors.get(known)
    spelled = (vendor.name, *vendor.aliases) if vendor else ()
    return written[0].isupper() or written in spelled or any(char.isupper() for char in written)


def vendor_written(text: str, catalogue: Catalogue, site: Site) -> str | None:
    """The vendor that a table's cell or a label's value names, as written; None for the site itself or nobody."""
    value = re.split(r"\n|;|\s[–|]\s", text.strip(), maxsplit=1)[0].strip(" .,:;-–")
    value = re.sub(r"(?i)^(?:https?://)?(?:www\.)?(?=[\w-]+\.)", "", value).rstrip("/")
    if not value or len(value) > 90 or not re.search(r"[^\W\d_]", value):
        return None
    words = re.findall(r"[\w'/-]+", value.casefold())
    if all(word in _SELF for word in words) or site.owns(value):
        return None
    if len(words) > 7:
        return next((mention.name for mention in mentions(text, 0, len(text), catalogue)), None)
    opener = re.match(r"(?i)(?:third[ -]party|tredjepart\w*|drittanbieter)\s*[:(–-]\s*(.+?)\)?$", value)
    return opener[1] if opener else value


def vendor_of_heading(text: str, catalogue: Catalogue, site: Site) -> str | None:
    """The vendor in a heading or caption, as written."""
    found = [mention for mention in mentions(text, 0, len(text), catalogue) if not site.owns(mention.name)]
    return max(found, key=lambda mention: len(mention.name)).name if found else None


def vendors_named(
    document: Document, catalogue: Catalogue, site: Site, cookies: Iterable[DeclaredCookie]
) -> tuple[DeclaredVendor, ...]:
    """Every vendor the document names, once each, in the order of the text."""
    found: dict[str, tuple[int, str, str]] = {}

    def add(name: str, known: str | None, position: int, quote: str) -> None:
        key = known or brand_of(name).casefold()
        if key not in found or position < found[key][0]:
            found[key] = (position, name, quote)

    for block in document.blocks:
        cookie_section = bool(COOKIE_WORD.search(" ".join(block.path[-2:])))
        about = bool(COOKIE_WORD.search(document.text, block.start, block.end))
        for start, end in sentences(document.text, block.start, block.end):
            sentence = document.text[start:end]
            heading = block.kind == "heading"
            if NOT_USED.search(sentence):
                continue
            if heading or block.kind in ("item", "term") or cookie_section or USES.search(sentence) or about:
                for mention in _each_once(mentions(document.text, start, end, catalogue), document.text, catalogue):
                    if not _left_out(mention, document.text, start, end, site):
                        add(mention.name, mention.known, mention.start, sentence)
            if not heading:
                for name, at in _introduced(document.text, start, end):
                    if not _nobody(name, site) and not BROWSERS.search(name):
                        known = next((m.known for m in mentions(name, 0, len(name), catalogue)), None)
                        if known is None:
                            add(name, None, at, sentence)
    for cookie in cookies:
        if cookie.vendor and not _nobody(cookie.vendor, site):
            known = next((m.known for m in mentions(cookie.vendor, 0, len(cookie.vendor), catalogue)), None)
            add(cookie.vendor, known, cookie.position, cookie.quote)
    return tuple(
        DeclaredVendor(name=name, quote=quote) for _, name, quote in sorted(_without_short_forms(found.values()))
    )


def _each_once(found: Iterable[Mention], text: str, catalogue: Catalogue) -> Iterator[Mention]:
    """Without the company that stands in brackets, or behind "by", after its own service's name."""
    before: Mention | None = None
    for mention in found:
        between = text[before.end : mention.start] if before else ""
        if (
            before
            and len(between) < 30
            and re.fullmatch(r"\s*(?:\((?!.*\))|,\s*(?:a\s+service\s+)?(?:by|from|fra|från|av|von)?\s).{0,20}", between)
        ):
            vendor = catalogue.vendors.get(before.known or "")
            if between.strip().startswith("(") or (
                vendor and brand_of(vendor.company).casefold() in mention.name.casefold()
            ):
                before = mention
                continue
        yield mention
        before = mention


def _left_out(mention: Mention, text: str, start: int, end: int, site: Site) -> bool:
    if site.owns(mention.name) or _AUTHORITY.fullmatch(mention.name):
        return True
    after = text[mention.end : min(end, mention.end + 60)]
    before = text[max(start, mention.start - 80) : mention.start]
    if re.match(
        r"(?i)['’]?s?\s+(?:privacy|cookie|personvern\w*|integritets\w*|sekretess\w*|datenschutz\w*|privatlivs\w*|terms|help|support|retningslinjer)",
        after,
    ):
        return not USES.search(before) and not COOKIE_WORD.search(before)
    return bool(
        re.search(
            r"(?i)(?:follow|find|like|visit|følg|finn|besøk|följ|hitta|folgen|besuchen)\s+(?:us|oss|os|uns)?\s*(?:on|at|på|auf)?\s*(?:[\w]+(?:,|\s(?:and|og|och|und))?\s*){0,3}$",
            before,
        )
    )


def _introduced(text: str, start: int, end: int) -> Iterator[tuple[str, int]]:
    for pattern in (_TOOLS, _SETTERS):
        for match in pattern.finditer(text, start, end):
            yield match["name"].rstrip(".,"), match.start("name")
            position = match.end()
            while pattern is _TOOLS and (more := _LIST_GOES_ON.match(text, position, end)):
                yield more["name"].rstrip(".,"), more.start("name")
                position = more.end()


def _nobody(name: str, site: Site) -> bool:
    words = re.findall(r"[\w'-]+", name.casefold())
    return (
        not words
        or all(word in _SELF for word in words)
        or words[0] in _SELF
        or len(name) > 90
        or site.owns(name)
        or bool(_AUTHORITY.search(name))
        or bool(COOKIE_WORD.search(name) and len(words) == 1)
    )


def _without_short_forms(found: Iterable[tuple[int, str, str]]) -> list[tuple[int, str, str]]:
    """ "Google" beside "Google Analytics" is short for it; "Meta" in brackets after "Facebook" is the same vendor."""
    entries = sorted(found)
    kept = []
    for entry in entries:
        words = entry[1].casefold().split()
        longer = any(
            other is not entry and other[1].casefold().split()[: len(words)] == words
            and len(other[1].split()) > len(words)
            for other in entries
        )  # fmt: skip
        if not longer:
            kept.append(entry)
    return kept
