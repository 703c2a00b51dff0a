"""Words of cookie tables and sentences: what a heading's column holds, what a purpose is called, what is a cookie.

Tables only: a new language is new words in them. en, nb, nn, da, sv, de, nl, fr, es, fi. No I/O.
"""

# ruff: noqa: E501  # a pattern is one alternative after another; broken over lines it reads worse

from __future__ import annotations

import re
from functools import lru_cache
from itertools import pairwise
from typing import Literal

from policies.purpose import Purpose

Role = Literal["lifetime", "vendor", "domain", "purpose", "category", "name", "other"]

_ROLES: tuple[tuple[Role, str], ...] = (
    # In this order: "cookie duration" is a lifetime, "name of the provider" a vendor. `x*` begins, `*x` ends a word.
    ("other", """price pris preis prix precio hinta phone telefon telephone tel e-mail email epost address adresse
        adress rettslig legal rechtsgrundlage hjemmel behandlingsgrunnlag behandlingsgrundlag rättslig juridique
        antall quantity antal anzahl data-kategorier opplysninger personopplysninger"""),
    ("lifetime", """lifetime *lifetime expir* duration durations retention lifespan life-span validity valid storage-period
        storage-time storage-duration retention-period max-age maximum-storage life time-limit how-long deleted stored-for
        cookie-life persistence ttl
        levetid* varighet* varighed* utløp* udløb* løbetid* lagringstid* lagringsperiode* lagringslengde
        lagres-i oppbevaring* opbevaring* gyldighet* gyldig gyldigheit* gyldighed* slettes sletting* slettetid* sletning*
        utgår utgångs* giltig* livslängd* varaktighet* sparas livstid* bevaras förfall* levetida utløpstid lagra
        speicherdauer* *speicherdauer *laufzeit *dauer *lebensdauer ablauf* gültig* aufbewahrung* *frist *fristen verfall*
        verfällt lebenszeit
        bewaar* *bewaartermijn looptijd* levensduur* geldig* verval* verloop* verloopt duur *duur termijn
        durée* expiration conservation validité échéance
        duración* caduc* vencim* plazo* vigencia conservación expira
        vanhen* voimassa* kesto* säilytys* elinikä* elinaika* päättym* umpeutu* vida"""),
    ("vendor", """provider* vendor* supplier* publisher owner company set-by placed-by source third-party party recipient
        service services provided-by issuer from organisation organization controller operator 1st
        leverandør* tilbyder* utsteder* eier eigar tjeneste* teneste* avsender* plassert-av satt-av sett-av kilde mottaker
        selskap tredjepart* tredjeland utgiver* behandler
        udbyder* ejer tjeneste sættes-af virksomhed modtager
        leverantör* tillhandahåll* utfärda* tjänst* ägare* avsändar* sätts-av företag* mottagare källa
        anbieter* *anbieter herausgeber* unternehmen empfänger* dienst* *dienst gesetzt-von eigentümer quelle
        verantwortlich* firma drittanbieter*
        aanbieder* leverancier* partij geplaatst* bedrijf eigenaar
        fournisseur* prestataire* émetteur* éditeur société destinataire* tiers origine responsable
        proveedor* titular entidad empresa origen tercero* prestador* gestor emisor
        palveluntarjoaja* toimittaja* tarjoaja* yritys lähde palvelu asettaja kolmas"""),
    ("domain", """domain domains host hosts domene domän *domäne dominio domaine domein verkkotunnus site website nettsted
        webbplats path path"""),
    ("purpose", """purpose* *purpose description* descriptions usage use uses what function functions why information
        explanation reason details about meaning functionality content does
        formål* beskrivelse* bruk brukes hva funksjon* forklaring føremål* skildring omtale brukt hensikt kva
        beskriv* anvendelse brug bruges hvad funktion* indhold
        syfte* ändamål* beskrivning* användning* vad förklaring används innehåll
        *zweck* zwecke* *zwecke beschreibung* verwendung* nutzen erläuterung aufgabe inhalt einsatz
        doel* *doel omschrijving* beschrijving* functie* gebruik toelichting waarvoor waarom
        finalité* objectif* but utilité* utilisation* fonction* usage rôle
        finalidad* propósito* descripci* función* uso utilidad objetivo
        *tarkoitus* kuvaus* selite* mihin käyttö sisältö toiminto"""),
    ("category", """category categories type types typ tipo tipos kategori* kategorie* categorie* catégorie* categor* luokka*
        tyyppi* art klassifi* group gruppe grupp class classification *typ *type cookie-type slag kind laji cookietyp*
        cookietype cookiekategori* nature"""),
    ("name", """name names *name navn namn naam nom noms nombre nombres nimi *navn *namn *naam *nimi bezeichnung*
        cookie cookies kaka kakor *kaka *kakor informasjonskapsel* informasjonskapsl* *kapsel *kapsler eväste*
        evästeen *eväste cookien cookie-id cookie's traceur traceurs key keys nøkkel nøkler nyckel schlüssel sleutel
        clé clave avain identifier benennung benaming benämning tag"""),
)  # fmt: skip

_CATEGORIES: tuple[tuple[Purpose | None, str], ...] = (
    # What a category is called, the more telling word first.
    (
        None,
        r"unclassified|uklassifi\w*|oklassifi\w*|ikke klassifi\w*|nicht klassifi\w*|niet-geclassificeerd|luokittelemat\w*",
    ),
    (
        Purpose.MARKETING,
        r"""market\w*|marknads\w*|markeds\w*|marknadsf\w*|marknadsføring|werb\w*|advert\w*|\bads?\b|annons\w*|annonc\w*|reklam\w*
        |target\w*|målret\w*|målrett\w*|riktade|retarget\w*|remarket\w*|publici[td]\w*|reclame\w*|advertentie\w*|markkin\w*
        |mainos\w*|social\s+media|sosiale\s+medi\w*|sociala\s+medi\w*|sociale\s+medi\w*|soziale\w*\s+med\w*|réseaux\s+sociaux
        |redes\s+sociales|tracking|sporing|spårning|conversion|konverter\w*|kampanj\w*|campaign\w*""",
    ),
    (
        Purpose.STATISTICS,
        r"""e?statisti\w*|estad[íi]stic\w*|analy[szt]\w*|anal[íi]tic\w*|web\s*analy\w*|nettanaly\w*|performance|ytelse\w*|yting\w*|prestanda\w*|ydeevne
        |præstation\w*|leistung\w*|prestatie\w*|rendimiento|mesure\s+d['’]audience
        |medición|suorituskyky|tilasto\w*|analytiik\w*|kävijäseuran\w*|webbanalys|besøksstatistikk|besöksstatistik|reichweit\w*""",
    ),
    (
        Purpose.NECESSARY,
        r"""(?:strictly\s+|absolutt\s+|strikt\s+|strengt\s+|unbedingt\s+|absolut\s+)?(?:necessary|nødvendig\w*|nødvendeg\w*
        |naudsynt\w*|naudsynleg\w*|nödvändig\w*|notwendig\w*|erforderlich\w*|noodzakelijk\w*|nécessair\w*|necesari\w*
        |välttämät\w*|tarpeellis\w*)|essential|essentials|essentiell\w*|essenziell\w*|essentieel|essentiële|required|obligator\w*
        |påkrevd\w*|påkrevet|påkrævede|indispensable\w*|esencial\w*|technical|technisch\w*|teknisk\w*|tekniset|técnic\w*|technique\w*
        |security|sikkerhet\w*|sikkerhed\w*|säkerhet\w*|sicherheit\w*|load\s+balanc\w*|lastbalanser\w*|lastfördel\w*|functionele|functioneel""",
    ),
    (
        Purpose.PREFERENCES,
        r"""preferen\w*|préféren\w*|functional\w*|funksjon(?:ell|elle|elt|ale|alitet\w*)|funktion(?:ell|ella|elle|el|al|ale|alit\w*)
        |präferenz\w*|einstellung\w*|innstilling\w*|inställning\w*|indstilling\w*|voorkeur\w*|fonctionnel\w*|funcional\w*
        |preferencias|asetu\w*|mieltymy\w*|toiminnalli\w*|personali[sz]ation|customi[sz]ation|komfort\w*|convenience""",
    ),
)
_PURPOSES = [(purpose, re.compile(rf"\b(?:{words})", re.IGNORECASE | re.VERBOSE)) for purpose, words in _CATEGORIES]

_DESCRIBED: tuple[tuple[Purpose, str], ...] = (
    # What a description says a cookie does, where it names no category; the clearest first.
    (
        Purpose.NECESSARY,
        r"""(?:consent|samtykke\w*|samtyck\w*|einwilligung\w*|zustimmung\w*|toestemming\w*|consentement|consentimiento|suostumu\w*)
        |(?:cookie\w*|informasjonskaps\w*)[\s-]+(?:settings|choices|preferences|valg|innstillinger|inställningar|banner|message|notice)
        |shopping\s+(?:cart|basket)|\bcart\b|basket|handlekurv\w*|handlevogn|indkøbskurv\w*|kundvagn\w*|varukorg\w*|warenkorb\w*|winkelwagen\w*
        |panier|carrito|ostoskori\w*|checkout|log(?:ged)?[\s-]?in|logge[rt]?\s+inn|innlogg\w*|pålogg\w*|inloggn?\w*|inloggad|anmeld(?:ung|et)\w*|angemeldet
        |authenticat\w*|autentis\w*|csrf|cross-site\s+request|load[\s-]balanc\w*|fraud|\bbots?\b
        |(?:accept|allow|refus|declin|reject)\w*\s+(?:\w+\s+){0,3}cookies?|(?:accepter|godkän|godta|godtek|avvis|akseptert?)\w*\s+(?:\w+\s+){0,3}(?:cookies?|informasjonskaps\w*|kakor)""",
    ),
    (
        Purpose.STATISTICS,
        r"""(?:distinguish|identif|count|recogni[sz]|differentiat)\w*\s+(?:\w+\s+){0,4}(?:users?|visitors?|visits?|people)
        |how\s+(?:\w+\s+){0,3}(?:visitors?|users?|people|you)\s+(?:\w+\s+){0,4}(?:use|visit|find|found|came|come|arriv|reach|got|navigat|interact)\w*
        |measur\w*|måling\w*|måle[rs]?|mäte[rn]\w*|mäta|misst|messen|meten|how\s+many|number\s+of\s+(?:visits|visitors|users|times)|unike\s+(?:besøk|bruker)\w*|unika\s+(?:besök|användar)\w*|unikke\s+(?:besøg|bruger)\w*
        |(?:telle|teller|tel|skille|skiller|gjenkjenne[r]?|räknar?|räkna|särskilj\w*|tæller?|tælle|skelne)\s+(?:mellom\s+|mellan\s+|mellem\s+)?(?:\w+\s+){0,2}(?:besøk|bruker|brukar|besök|användar|besøg|bruger)\w*
        |hvor\s+mange|kor\s+mange|hur\s+många|(?:hvordan|korleis|hur)\s+(?:\w+\s+){0,2}(?:besøkende|brukere|brukarar|besökare|användare|brugere|besøgende)\w*
        |besucher|wie\s+(?:viele|nutzer|besucher|oft)|bezoekers?|nombre\s+de\s+visit\w*|visiteurs?|visitas|visitantes|kävijä\w*|throttle|request\s+rate|besøkende\s+kom\w*|besøket\b[^.]{0,30}\b(?:start|slutt|beg[yu]n|avslutt)\w*|besøget\b|besöket\b|(?:bruker|brukar|användar|bruger)\w*\s+(?:kommer|kjem|kom)\b|(?:visit|session)\s+(?:start|end|beg[aiu]n)\w*|hvor\s+du\s+kom\w*|var\s+du\s+kom\w*""",
    ),
    (
        Purpose.PREFERENCES,
        r"""remember\w*|huske\w*|husker|hugse\w*|komma?\s+ihåg|kommer\s+ihåg|huske|merkt|speichert\s+(?:\w+\s+){0,3}(?:sprache|einstellung)\w*|onthoud\w*|mémoris\w*|retenir|record\w*\s+(?:\w+\s+){0,2}preference
        |recordar|recuerda\w*|muista\w*|language|språk\w*|sprog\w*|sprache|\btaal\b|\blangue\b|idioma|kieli\w*|tilpass\w*|anpassa\w*|adapt\w*|anpass\w*""",
    ),
)  # fmt: skip
_DESCRIPTIONS = [(purpose, re.compile(rf"\b(?:{words})", re.IGNORECASE | re.VERBOSE)) for purpose, words in _DESCRIBED]

COOKIE_WORD = re.compile(
    r"\b(?:web|nett|internet|tracking|session|tredjeparts?|third-party|sporings?)?-?(?:cookies?|cookien|cookiene|cookiens|cookier|cookieen?"
    r"|informasjonskaps\w*|informationskap\w*|kakor|kakorna|kakan|webbkak\w*|kapslar|kapsler|eväste\w*|traceurs?"
    r"|local\s?storage|session\s?storage|lokal\s+lagring|web\s?storage|lokalt?\s+lager|pixels?|piksler?|pikslar|indexeddb)\b|cookie",
    re.IGNORECASE,
)
STORAGE_WORD = re.compile(
    r"local[\s-]*storage|session[\s-]*storage|indexed\s?db|web[\s-]*storage|lokal\w*\s+(?:lagr\w*|speicher\w*|opslag\w*|opbevar\w*)"
    r"|html5?[\s-]*(?:local)?[\s-]*storage|lokaler?\s+speicher|(?:lokale?|lokaal)\s+opslag|stockage\s+local|almacenamiento\s+local"
    r"|paikallinen\s+tallennus|(?:session|økts?|sesjons|sessions)lag(?:er|ring)\w*|flash\s+cookie|cache\s+storage",
    re.IGNORECASE,
)
PIXEL_WORD = re.compile(
    r"\b(?:\w*pixel\w*|\w*piks(?:el\w*|ler|len|lar)|web\s*beacons?|z[äa]hlpixel|baliza\w*|balise\w*|pikseli\w*|clear\s+gifs?)\b",
    re.IGNORECASE,
)


def listed(words: str) -> frozenset[str]:
    """A table's words, written side by side."""
    return frozenset(words.split())


_SIGNS = re.compile(r"[^\w'*\s-]+", re.UNICODE)


def _patterns(words: str) -> tuple[frozenset[str], tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    exact, begins, ends, inside = set(), [], [], []
    for word in words.split():
        if word.startswith("*") and word.endswith("*"):
            inside.append(word.strip("*"))
        elif word.endswith("*"):
            begins.append(word[:-1])
        elif word.startswith("*"):
            ends.append(word[1:])
        else:
            exact.add(word)
    return frozenset(exact), tuple(begins), tuple(ends), tuple(inside)


_ROLE_PATTERNS = [(role, _patterns(words)) for role, words in _ROLES]


@lru_cache(maxsize=4096)
def role_of(heading: str) -> Role | None:
    """What the column or label with this heading holds; None where its words say nothing."""
    words = _SIGNS.sub(" ", heading.casefold().replace("/", " ")).split()
    if not words or len(words) > 9 or len(heading) > 90:
        return None
    pairs = words + [f"{a}-{b}" for a, b in pairwise(words)]
    pairs += [part for word in words if "-" in word for part in word.split("-")]
    for role, (exact, begins, ends, inside) in _ROLE_PATTERNS:
        for word in pairs:
            if word in exact or word.startswith(begins) or (ends and word.endswith(ends)):
                return role
            if inside and any(part in word for part in inside):
                return role
    return None


def purpose_named(text: str) -> Purpose | None:
    """The purpose that a category, heading or opening word names; None where none or several compete."""
    found = {}
    for purpose, pattern in _PURPOSES:
        if match := pattern.search(text):
            found[match.start()] = purpose
    return found[min(found)] if found else None


def purpose_described(text: str) -> Purpose | None:
    """The purpose that a description's words tell, category words first."""
    if named := purpose_named(text):
        return named
    told = [(match.start(), purpose) for purpose, pattern in _DESCRIPTIONS if (match := pattern.search(text))]
    if any(purpose is Purpose.NECESSARY for _, purpose in told):
        return Purpose.NECESSARY
    return min(told, key=lambda found: found[0])[1] if told else None


def kind_named(text: str) -> Literal["storage", "pixel"] | None:
    """Is it a storage key or a pixel that the words speak of? None: a cookie, or nothing said."""
    if STORAGE_WORD.search(text):
        return "storage"
    if PIXEL_WORD.search(text):
        return "pixel"
    return None
