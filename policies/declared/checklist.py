"""What a text must say (GDPR art. 13, ekomloven § 3-15, ePrivacy 5(3)), each with the sentence that says it. Pure.

item                     asked by                  satisfied by
controller               GDPR 13(1)(a)             who is responsible, named as such
contact                  GDPR 13(1)(a), (b)        an address: e-mail, telephone, or a contact for privacy
purposes                 GDPR 13(1)(c)             what data or cookies are used for
legal_basis              GDPR 13(1)(c)             consent, contract, legal duty or legitimate interest as the basis
recipients               GDPR 13(1)(e)             who receives data, or that nobody does
transfers                GDPR 13(1)(f)             transfer outside the EEA, or that there is none
retention                GDPR 13(2)(a)             how long data or cookies are kept
right_access          GDPR 13(2)(b), 15
right_rectification   GDPR 13(2)(b), 16
right_erasure         GDPR 13(2)(b), 17
right_restriction     GDPR 13(2)(b), 18
right_portability     GDPR 13(2)(b), 20
right_objection          GDPR 13(2)(b), 21
withdrawal               GDPR 13(2)(c), 7(3)       that consent can be taken back
complaint                GDPR 13(2)(d), 77         the authority to complain to
"""

# ruff: noqa: E501  # a pattern is one alternative after another; broken over lines it reads worse

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from policies.declared.document import Document
from policies.declared.model import ChecklistItem, DeclaredCookie
from policies.declared.spans import sentences
from policies.lifetime_words import read_lifetime

_PERSONAL = r"(?:data|information|personopplysning\w*|opplysning\w*|personuppgift\w*|uppgift\w*|personoplysning\w*|oplysning\w*|daten|personenbezogen\w*|persoonsgegevens|gegevens|données|datos|tietoja|tietosi|cookies?|informasjonskaps\w*|kakor)"
_RIGHT = r"(?:right\w*|entitled|may|can|ask|request|demand|rett\w*|krav|krever?|kreve|kan|be\s+om|rätt\w*|begära?|ret\b|rettighed\w*|anmode|recht\w*|können|verlangen|verzoek\w*|droit\w*|pouvez|derecho\w*|puede|oikeu\w*)"

_ITEMS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "controller",
        (
            r"\b(?:data\s+)?controller\b(?!s?['’]s\s+instructions)|\bbehandlingsansvarl\w*|\bbehandlingsansvaret|\bbehandlingsansvarleg\w*|\bpersonuppgiftsansvar\w*|\bdataansvarl\w*|\bverantwortliche[rn]?\b|\bverantwortlich\s+für|\bverwerkingsverantwoordelijke|\bresponsable\s+d[ue]l?\s+(?:traitement|tratamiento)|\brekisterinpitäjä\w*",
            r"\bresponsible\s+for\s+(?:the\s+)?(?:processing|your\s+personal)|\bansvarlig\s+for\s+(?:behandling|personopplysning)\w*|\bansvarar\s+för\s+(?:behandling|dina\s+personuppgift)\w*|\bansvarleg\s+for\s+(?:behandling|person)\w*",
        ),
    ),
    (
        "contact",
        (
            r"[\w.+-]+@[\w-]+\.[\w.-]+",
            r"\b(?:contact|kontakt\w*|kontakta|ta\s+kontakt|reach|contacter|neem\s+contact|ota\s+yhteyttä)\b[^.;]{0,80}(?:\+?\d[\d\s]{6,}|e-?mail|e-?post|phone|telefon|telefon\w*|post\b|\bvia\b|adres\w*)",
            r"\b(?:phone|telephone|telefon|tel|tlf|puhelin|téléphone|teléfono)\.?\s*:?\s*\+?\d[\d\s()-]{6,}",
            r"\b(?:data\s+protection\s+officer|personvernombud\w*|personvernombod\w*|dataskyddsombud\w*|databeskyttelsesrådgiver\w*|datenschutzbeauftragte\w*|functionaris\s+voor\s+gegevensbescherming|délégué\s+à\s+la\s+protection|delegado\s+de\s+protección|tietosuojavastaava\w*)\b",
        ),
    ),
    (
        "purposes",
        (
            r"\b(?:purposes?|formål\w*|føremål\w*|ändamål\w*|syfte\w*|zweck\w*|doeleinden|doel|finalités?|finalidad\w*|tarkoitu\w*)\b[^.;]{0,20}\b(?:is|are|of|for|with|to|med|er|for|å|at|att|är|der|dieser|die|ist|van|de|on)\b",
            rf"\b{_PERSONAL}\b[^.;]{{0,80}}\b(?:in\s+order\s+to|to\s+(?:provide|improve|analy[sz]e|understand|deliver|remember|measure|process|help)|for\s+(?:å|at)\s|for\s+the\s+purpose|för\s+att|um\s+[^.;]{{3,60}}\s+zu\s|om\s+te|afin\s+de|pour|para|zur)\b",
            r"\b(?:used|brukes|vert\s+brukt|brukt|används|bruges|anvendes|verwendet|genutzt|gebruikt|utilisés?|utiliza\w*|käytetään)\s+(?:\w+\s+)?(?:to|for|til|for\s+å|for\s+at|för\s+att|till|um|zur|für|om|voor|pour|para)\b",
            r"\b(?:purpose|formål|føremål|syfte|ändamål|zweck)\s*:",
            r"\b(?:use|uses|process|collect|bruker|brukar|benytter|nyttar|behandler|behandlar|samler|anvender|bruger|använder|verwenden|nutzen|verarbeiten|gebruiken|verwerken|utilisons|utilizamos|käytämme)\b[^.;]{0,140}\b(?:in\s+order\s+to|to\s+[a-z]{3,}|for\s+å|til\s+å|for\s+at|til\s+at|för\s+att|um|zur|for\s+the|om|pour|para)\b",
        ),
    ),
    (
        "legal_basis",
        (
            r"\b(?:legal|lawful)\s+(?:basis|bases|ground\w*)|\brettslig\w*\s+grunnlag\w*|\bbehandlingsgrunnlag\w*|\brettsleg\w*\s+grunnlag\w*|\brättslig\w*\s+grund\w*|\bretsgrundlag\w*|\bhjemmel\w*|\bhjemlet|\brechtsgrundlage\w*|\bwettelijke\s+grondslag|\brechtsgrond\w*|\bgrondslag\w*|\bbase\s+(?:légale|juridique|legal|jurídica)|\boikeusperuste\w*",
            r"\b(?:legitimate\s+interest\w*|berettige(?:t|de)\s+interesse\w*|berettiga\s+interesse\w*|berättiga\w*\s+intresse\w*|legitim\w*\s+interesse\w*|berechtigte\w*\s+interesse\w*|gerechtvaardigd\s+belang|intérêt\s+légitime|interés\s+legítimo|oikeutettu\s+etu)\b",
            r"\b(?:art(?:icle|ikkel|ikel|\.)?)\s*6\b",
            r"\b(?:based\s+on|on\s+the\s+basis\s+of|basert\s+på|på\s+grunnlag\s+av|bygger\s+på|grundar\s+sig\s+på|stöd\s+av|baseret\s+på|beruht\s+auf|auf\s+grundlage|op\s+basis\s+van|sur\s+la\s+base)\b[^.;]{0,40}\b(?:consent|samtyk\w*|samtyck\w*|einwilligung|toestemming|consentement|contract|avtal\w*|vertrag)",
        ),
    ),
    (
        "recipients",
        (
            r"\b(?:shar\w+|disclos\w+|transfer\w*|pass(?:ed)?|recipients?|receiv\w+|deles?|deler|delar|delas|delast|utlever\w*|overfør\w*|mottaker\w*|mottakar\w*|mottagare|lämnas?\s+(?:ut|vidare)|videregiv\w*|modtager\w*|weiter(?:gegeben|gabe|geben|leiten\w*)|geben|übermittel\w*|übertrag\w*|empfänger\w*|delen|gedeeld|ontvanger\w*|partag\w*|destinataires?|compart\w*|destinatarios?|luovut\w*|vastaanottaj\w*)\b[^.;]{0,120}\b(?:third|tredje\w*|others?|andre|andra|dritte\w*|derden|tiers|terceros|partner\w*|provider\w*|supplier\w*|leverandør\w*|leverantör\w*|underleverandør\w*|databehandl\w*|processors?|google|facebook|meta|microsoft|kolman\w*|anbieter\w*|company|companies)",
            r"\b(?:data\s+processors?|databehandl(?:er|ar|are)\w*|personuppgiftsbiträde\w*|auftragsverarbeiter\w*|verwerkers?|sous-traitants?|encargad\w+\s+del\s+tratamiento)\b",
            r"\b(?:recipients?|mottaker\w*|mottagare|modtagere?|empfänger)\s*:",
            r"\b(?:shared?|disclosed?|deles|delast|delas|deler|delar|geteilt|teilen|gedeeld|delen)\s+(?:\w+\s+){0,4}?(?:with|med|mit|met)\b|\b(?:passed|forwarded|sent|transmitted|utlevert|utlevere[sr]|utleverast|overføres|sendes|skickas|videregives|weitergegeben|übermittelt)\s+(?:\w+\s+)?(?:to|til|till|an|aan)\b(?!\s+(?:å|att|at)\b)(?![^.;]{0,60}@)",
            rf"\b(?:får|receives?|erhält|erhalten|ontvangt)\s+(?:\w+\s+)?{_PERSONAL}|\ban\s+[^.;]{{3,80}}\s(?:weiter|weitergegeben|übermittelt)\b|\bgeben\s+[^.;]{{3,80}}\san\s",
        ),
    ),
    (
        "third_country_transfers",
        (
            r"\b(?:outside|utenfor|utanfor|utanför|uden\s+for|außerhalb|buiten|en\s+dehors|fuera\s+de\w*|ulkopuol\w*)\b[^.;]{0,50}\b(?:eea|eu|european|eøs|ees|eea-|det\s+europeiske|europ\w*|ewr|eer|espace\s+économique|eta\b|norway|norge)\b",
            r"\b(?:third\s+countr\w+|tredjeland\w*|tredje\s+land|drittl[aä]nd\w*|derde\s+landen|pays\s+tiers|terceros\s+países|kolmansiin\s+maihin)\b",
            r"\b(?:standard\s+contractual\s+clauses|standard(?:avtale|kontrakt|personvern|avtals)\w*|eus?\s+standardavtale\w*|standardvertragsklausel\w*|standaardcontractbepalingen|clauses\s+contractuelles|cláusulas\s+contractuales|data\s+privacy\s+framework|adequacy\s+decision|angemessenheitsbeschluss\w*|adekvansbeslut\w*)\b",
            r"\b(?:transfer\w*|overfør\w*|överför\w*|übermittel\w*|übertrag\w*|doorgegeven|transféré\w*)\b[^.;]{0,60}\b(?:usa|united\s+states|the\s+us|u\.s\.|sambandsstatane|vereinigte\w*\s+staaten)\b",
        ),
    ),
    (
        "retention",
        (
            r"\b(?:as\s+long\s+as|no\s+longer\s+than|only\s+for\s+as\s+long|så\s+lenge|så\s+lenge|lenger\s+enn|lengre\s+enn|lengur\s+enn|så\s+länge|längre\s+än|så\s+længe|længere\s+end|solange|nicht\s+länger|zo\s+lang|niet\s+langer|aussi\s+longtemps|mientras)\b[^.;]{0,90}",
            r"\b(?:lifetime|levetid|livslängd|speicherdauer|expires?|retention\s+period|lagringstid|løbetid|bewaartermijn|durée)\s*:?\s[^.;]{0,60}\d",
        ),
    ),
    (
        "right_access",
        (
            rf"\b{_RIGHT}\b[^.;]{{0,140}}\b(?:access|copy\s+of|see|view|insight|innsyn\w*|se\s|få\s+vite|tillgång|registerutdrag|få\s+veta|indsigt\w*|auskunft\w*|einsicht|inzage|accès|accéder|acceso|acceder|pääsy|tarkasta\w*|tutustu\w*)\b|\b(?:innsynsrett|right\s+of\s+access|auskunftsrecht|recht\s+auf\s+auskunft|begära\s+(?:ut\s+)?registerutdrag)\w*",
            r"\b(?:innsyn\w*|indsigt\w*|auskunft\w*|registerutdrag|access\s+to|access\b|inzage|tillgång)\s*(?:,|;|i\b|til\b|and\b|og\b|och\b|und\b)[^.;]{0,80}\b(?:rett\w*|correct\w*|rectif\w*|delet\w*|slett\w*|rättels\w*|berigtig\w*|sletn\w*|berichtig\w*|rectificatie|rader\w*)",
        ),
    ),
    (
        "right_rectification",
        (
            rf"\b{_RIGHT}\b[^.;]{{0,160}}\b(?:rectif\w*|correct\w*|amend\w*|retting\w*|rett(?:e|et|es|a)(?!\s+(?:til|mot|seg))|korriger\w*|rätta\w*|rättels\w*|berigtig\w*|rettelse\w*|berichtig\w*|korrektur|corriger|rectifi\w*|corregir|oikais\w*|korjaa\w*)\b",
        ),
    ),
    (
        "right_erasure",
        (
            rf"\b{_RIGHT}\b[^.;]{{0,180}}\b(?:eras\w*|delet\w*|be\s+forgotten|remov\w*|sletting\w*|slette[ts]?|sletta|slettes|fjern\w*|rader\w*|bli\s+glömd|sletn\w*|slettet|lösch\w*|gelöscht|verwijder\w*|wissen|effac\w*|suppr\w*|suprimir|supresión|poista\w*)\b",
        ),
    ),
    (
        "right_restriction",
        (
            r"\b(?:restrict\w*|limit)\b[^.;]{0,50}\b(?:process\w*|use)|\b(?:right\w*|request)\b[^.;]{0,160}\brestrict\w*|\bbegrens\w*|\bavgrens\w*|\bbegräns\w*\b[^.;]{0,40}|\bbegrænsning\w*|\beinschränk\w*\b[^.;]{0,50}|\bbeperk\w*|\blimitation\s+du\s+traitement|\blimitaci\w*|\brajoitta\w*",
        ),
    ),
    (
        "right_portability",
        (
            r"\bportab\w*|\bdataportab\w*|\bdatenübertragbarkeit|\boverdraagbaarheid|\bportabilité|\bsiirtää\s+tiedot|\bsiirrettävyy\w*|\bflytte\s+(?:\w+\s+){0,3}(?:opplysning\w*|data)|\bmachine[\s-]readable|\bmaskinlesbar\w*|\bmaskinläsbar\w*",
        ),
    ),
    (
        "right_objection",
        (
            rf"\b{_RIGHT}\b[^.;]{{0,200}}\b(?:object(?:ion)?\s*(?:to|against|\.|,|$)|object\b|protest\w*|motsette|motsetje|innsigelse\w*|invända|invändning\w*|göra\s+invändningar|indsigelse\w*|gøre\s+indsigelse|widersprech\w*|widerspruch\w*|bezwaar\w*|oppos\w*|vastusta\w*)|\bwiderspruchsrecht|\bright\s+to\s+object",
        ),
    ),
    (
        "withdrawal_of_consent",
        (
            r"\b(?:withdraw\w*|revok\w*|retract\w*|tak\w*\s+back)\b[^.;]{0,50}\b(?:consent|permission)|\bconsent\b[^.;]{0,60}\b(?:withdraw\w*|withdrawn|revok\w*)",
            r"\b(?:trekk\w*|trekkje|tilbakekall\w*|kalle\s+tilbake)\b[^.;]{0,50}\bsamtykk\w*|\bsamtykk\w*\b[^.;]{0,60}\b(?:trekk\w*|trukke\w*|tilbake\w*)",
            r"\b(?:återkall\w*|dra\s+tillbaka|ta\s+tillbaka)\b[^.;]{0,50}\bsamtyck\w*|\bsamtyck\w*\b[^.;]{0,60}\b(?:återkall\w*|tillbaka)|\b(?:træk\w*|tilbagekald\w*|tilbagetræk\w*)\b[^.;]{0,50}\bsamtykke\w*|\bsamtykke\w*\b[^.;]{0,60}\b(?:tilbage\w*|træk\w*)",
            r"\bwiderruf\w*\b[^.;]{0,60}|\b(?:einwilligung|zustimmung)\w*\b[^.;]{0,80}\bwiderruf\w*|\btoestemming\b[^.;]{0,50}\bintrek\w*|\bintrek\w*\b[^.;]{0,50}\btoestemming|\bretir\w*\b[^.;]{0,40}\bconsentement|\bretirar\b[^.;]{0,40}\bconsentimiento|\bperuutta\w*\b[^.;]{0,40}\bsuostumu\w*|\bsuostumu\w*\b[^.;]{0,40}\bperuutta\w*",
        ),
    ),
    (
        "complaint_authority",
        (
            r"\b(?:complain\w*|lodge|klag\w*|klagomål|beschwer\w*|klacht\w*|réclamation|plainte|reclamación|valit\w*|kantel\w*)\b[^.;]{0,140}\b(?:authorit\w*|datatilsyn\w*|commissioner\w*|ico|imy|integritetsskydds\w*|datainspektion\w*|tilsyn\w*|myndighet\w*|aufsichtsbehörde\w*|behörde\w*|landesbeauftragte\w*|bundesbeauftragte\w*|autoriteit\w*|cnil|autorité|aepd|agencia|autoridad|tietosuoja\w*|regulator)",
            r"\b(?:datatilsyn\w*|integritetsskyddsmyndighet\w*|supervisory\s+authority|aufsichtsbehörde|autoriteit\s+persoonsgegevens|cnil|tietosuojavaltuut\w*)\b[^.;]{0,140}\b(?:complain\w*|klag\w*|klagomål|beschwer\w*|klacht\w*|réclamation|valit\w*|kantel\w*)",
        ),
    ),
)  # fmt: skip
ITEMS = tuple(item for item, _ in _ITEMS)
_PATTERNS = {item: [re.compile(pattern, re.IGNORECASE) for pattern in patterns] for item, patterns in _ITEMS}
_LONGEST_SENTENCE = 2_000
_RIGHTS = frozenset(item for item in ITEMS if item.startswith("right_"))
_BRACKETS = re.compile(r"\s*\([^()]{0,80}\)")
_KEEPS = re.compile(
    r"(?i)\b(?:stor(?:ed?|age)|retain\w*|retention|kept|keep|hold|lagre[sr]?t?|lagrast?|lagra|oppbevar\w*|sparas?|bevaras|gemmes|gemmer|opbevar\w*|slette[ts]?|slettast|sletta|raderas|delet\w*|expires?"
    r"|gelöscht|gespeichert|aufbewahr\w*|speicher\w*|bewaard|bewaren|conserv\w+|säily\w*|varer|läuft|lifetime|levetid|lagringstid\w*)\b"
)
_DEVICE = re.compile(r"(?i)cookie|informasjonskaps|kakor|browser|nettles|webbläs")
_PERSONAL_DATA = re.compile(
    r"(?i)personal\s+(?:data|information)|person(?:opplysning|uppgift|oplysning)|personenbezogen|persoonsgegevens|\b(?:your|ihre|dine|dina)\s+(?:data|daten|opplysninger|oplysninger|uppgifter)\b"
)
_RIGHTS_WORD = re.compile(
    r"(?i)\b(?:right|rett|rätt|ret\b|rettighet|rettighed|recht|droit|derecho|oikeu|you\s+(?:may|can)|du\s+kan|sie\s+können|u\s+kunt)"
)
_BARE_RIGHT: dict[str, str] = {
    "right_access": r"^\W*(?:(?:right\s+(?:of|to)\s+)?access|innsyn\w*|tillgång|indsigt\w*|auskunft\w*|inzage)\b",
    "right_rectification": r"^\W*(?:(?:right\s+(?:of|to)\s+)?(?:rectif|correct)\w*|retting|rettelse|rättelse|berigtigelse|berichtigung|rectificatie)\b",
    "right_erasure": r"^\W*(?:(?:right\s+(?:of|to)\s+)?(?:eras\w*|delet\w*)|sletting|sletning|radering|löschung|verwijdering)\b",
    "right_objection": r"^\W*(?:(?:right\s+(?:of|to)\s+)?object\w*|protest\w*|innsigelse|innvending|invändning\w*|indsigelse|widerspruch\w*|bezwaar)\b",
}  # fmt: skip
_BARE = {item: re.compile(pattern, re.IGNORECASE) for item, pattern in _BARE_RIGHT.items()}


_TOPICS: dict[str, str] = {
    "purposes": r"purposes?|why\s+we|what\s+we\s+use|formål\w*|hvorfor|føremål\w*|syfte\w*|ändamål\w*|varför|zwecke?\b|doeleinden|finalit\w+|finalidad\w*",
    "recipients": r"recipients?|who\s+(?:receives|we\s+share|do\s+we\s+share|gets|has\s+access)|shar(?:e|ing)\b.*\bwith|mottaker\w*|hvem\s+(?:deler|får|mottar)|utlevering|deling|mottagare|vem\s+delar|modtagere|empfänger|weitergabe|ontvangers|destinataires|destinatarios|vastaanottajat",
    "retention": r"retention|how\s+long|lagringstid|lagringsperiode|hvor\s+lenge|sletting\b|oppbevaring|hur\s+länge|opbevaring|hvor\s+længe|speicherdauer|aufbewahrung|wie\s+lange|bewaartermijn\w*|durée|conservación",
    "legal_basis": r"legal\s+(?:basis|bases|grounds?)|rettslig\s+grunnlag|behandlingsgrunnlag|rättslig\s+grund|retsgrundlag|rechtsgrundlage\w*|grondslag|base\s+(?:légale|jurídica)",
}  # fmt: skip
_TOPIC_PATTERNS = {item: re.compile(rf"\b(?:{pattern})", re.IGNORECASE) for item, pattern in _TOPICS.items()}


def _under_headings(document: Document) -> Iterator[tuple[str, str]]:
    """A chapter "Recipients" says who they are, in whatever words or rows stand below it."""
    for block, following in pairwise(document.blocks):
        if block.kind != "heading":
            continue
        heading = document.of(block)
        below = [table for table in document.tables if block.end <= table.start < following.start]
        if below and len(below[0].rows) > 1:
            row = below[0].rows[1]
            quote = document.text[row[0].start : row[-1].end]
        elif following.kind != "heading":
            first = next(sentences(document.text, following.start, following.end), None)
            quote = document.text[first[0] : first[1]] if first else ""
        else:
            continue
        for item, pattern in _TOPIC_PATTERNS.items():
            if quote and len(heading) < 100 and pattern.search(heading):
                yield item, quote


def _in_tables(document: Document) -> Iterator[tuple[str, str]]:
    """A table whose columns are purposes, bases and periods says all of them, row by row."""
    for table in document.tables:
        if len(table.rows) < 2:
            continue
        headings = [document.of(cell) for cell in table.rows[0]]
        items = {item for item, pattern in _TOPIC_PATTERNS.items() if any(pattern.search(text) for text in headings)}
        if len(items) >= 2:
            row = table.rows[1]
            for item in sorted(items):
                yield item, document.text[row[0].start : row[-1].end]


def checklist_of(document: Document, cookies: tuple[DeclaredCookie, ...] = ()) -> tuple[ChecklistItem, ...]:
    """Each item with the first sentence that satisfies it. A cookie table satisfies purposes and retention."""
    found: dict[str, str] = {}
    for block in document.blocks:
        if len(found) == len(ITEMS):
            break
        if block.kind == "heading":
            continue
        listed = block.kind == "item" and bool(_RIGHTS_WORD.search(" ".join(block.path[-2:])))
        for start, end in sentences(document.text, block.start, block.end):
            if end - start > _LONGEST_SENTENCE:
                continue
            sentence = document.text[start:end]
            if sentence.endswith("?"):
                continue
            plain = _BRACKETS.sub("", sentence)
            own_device = bool(_DEVICE.search(sentence)) and not _PERSONAL_DATA.search(sentence)
            if (
                "retention" not in found
                and _KEEPS.search(sentence)
                and (said := read_lifetime(sentence))
                and said.seconds
            ):
                found["retention"] = sentence
            for item, patterns in _PATTERNS.items():
                if own_device and item in _RIGHTS:
                    continue
                if (item not in found and any(pattern.search(plain) for pattern in patterns)) or (
                    listed and item not in found and item in _BARE and _BARE[item].search(sentence)
                ):
                    found[item] = sentence
    for item, quote in (*_under_headings(document), *_in_tables(document)):
        found.setdefault(item, quote)
    for item, says in (
        ("purposes", [cookie for cookie in cookies if cookie.purpose]),
        ("retention", [cookie for cookie in cookies if cookie.lifetime is not None or cookie.session]),
    ):
        if says and item not in found:
            found[item] = says[0].quote
    return tuple(ChecklistItem(item=item, quote=found.get(item)) for item in ITEMS)
