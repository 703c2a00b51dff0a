"""Promises that a scan can contradict, each with the sentence that makes it. Pure.

A sentence promises when a pattern of its kind speaks, and nothing turns it: a negation ("we do not anonymise"), a
condition ("if you do not consent"), a doubt ("may be shared"), or a vendor as the one who promises. The tables are all
the language there is.
"""

# ruff: noqa: E501  # a pattern is one alternative after another; broken over lines it reads worse

from __future__ import annotations

import re
from collections.abc import Iterator

from policies.declared.document import Block, Document
from policies.declared.model import Claim, ClaimKind
from policies.declared.spans import sentences

_COOKIES = r"(?:cookies?|cookien|cookier|informasjonskaps\w*|informasjonskapslar|kapsl\w*|kakor\w*|webbkakor|tracking|trackers?|evästei\w*)"
_NECESSARY = (
    r"(?:(?:strictly|absolutely|absolutt|strengt|strikt|strängt|helt|tvingende|technisch|unbedingt|teknisk|technically|zwingend|strikt)\s+)*"
    r"(?:necessary|needed|essential|required|technical|nødvendig\w*|naudsyn\w*|nødvendeg\w*|nödvändig\w*|notwendig\w*|erforderlich\w*|essenziell\w*|tekniske|noodzakelijk\w*|nécessaires?|necesarias?|välttämättöm\w*)"
)
_DATA = (
    r"(?:data|information|informasjon\w*|informationen|opplysning\w*|oplysning\w*|uppgift\w*|personuppgift\w*|personopplysning\w*|personoplysning\w*"
    r"|personal\s+\w+|personenbezogene\w*\s+daten|daten|gegevens|persoonsgegevens|données|datos)"
)
_OTHERS = (
    r"(?:third[\s-]+part\w+|tredje\s?part\w*|tredjemann|tredje\s+mann|andre|andra|others?|anyone|utenforstående|utomstående|uvedkommende|dritte\w*|derden|tiers|terceros"
    r"|outside|other\s+(?:companies|parties|organi[sz]ations)|andre\s+(?:virksomheter|selskaper|bedrifter)|virksomheter|anyone\s+else|somebody\s+else|nokon|noen|någon|nogen|tredjelande?)"
)
_NOT = r"(?:not|n['’]t|never|ikke|ikkje|inte|aldri|aldrig|icke|nicht|niet|nie|nooit|no|keine?\w*|ne|emme|ei)"
_GAP = r"(?:\s+[^\s.;:]+){0,%d}?\s+"


def _gap(words: int) -> str:
    return _GAP % words


_CLAIMS: dict[ClaimKind, tuple[str, ...]] = {
    "anonymised": (
        rf"\b(?:ip|{_DATA})\b[^.;]{{0,90}}\b(?:anonymi[sz]\w*|anonymiser\w*|anonymous\w*|anonym\w*|pseudonymous\b(?!)|de-?identif\w*|avidentifi\w*|anonymisert\w*|truncat\w*|gekürzt|maskier\w*|masked|maskeres|forkort\w*|geanonimiseer\w*|anonyymi\w*)",
        rf"\b(?:anonymi[sz]\w*|anonymous\w*|anonyme?\w*|anonymisert\w*|anonymiser\w*|de-?identified|avidentifi\w*|anonymisierte?\w*|geanonimiseerd\w*)\b[^.;]{{0,60}}\b(?:ip|{_DATA}|statisti\w*|form\b|måte|sätt|weise|besøksdata|besöksdata|usage)",
        r"\b(?:cannot|can\s*not|can['’]t|not\s+possible\s+to|kan\s+(?:derfor\s+|dermed\s+|på\s+den\s+måten\s+)?(?:ikke|ikkje|inte)|går\s+inte\s+att|lar\s+seg\s+ikke|kann\s+nicht|können\s+nicht)\b[^.;]{0,60}\b(?:identif\w*|spores\s+tilbake|knyttes\s+til|kobles\s+til|koples\s+til|kopplas\s+till|henføres|zurückgeführt|zugeordnet)[^.;]{0,60}\b(?:you\b|who\s+you|individual\w*|person\w*|enkelt\w*|deg|dig|enskild\w*|einzeln\w*|particular|visitor\w*)",
        r"\b(?:last|final|siste|sista|sidste|letzte\w*|laatste)\b[^.;]{0,30}\b(?:octets?|digits|parts?|sifre\w*|siffr\w*|cifr\w*|tall\w*|oktett\w*|del\w*|ziffern?|stellen?|cijfers)\b[^.;]{0,40}\bip\b[^.;]{0,60}\b(?:remov\w*|delet\w*|dropped|discard\w*|zeroed|fjern\w*|slett\w*|tas\s+bort|raderas|gelöscht|entfernt|verwijderd)",
        r"\b(?:anonymizeip|anonymize_ip|_anonymizeip|ip[\s-]*(?:anonymi\w+|masking|maskering))\b",
        r"\b(?:collect|gather|store|stor|samle[rs]?|lagre[rs]?|behandle[rs]?|samlas?\s+in|indsamle[rs]?|erfolgt|erhoben|gespeichert)\w*\b[^.;]{0,60}\b(?:anonymously|anonymt|anonym|anonymisert|anoniem)\b",
    ),
    "no_personal_data": (
        r"\b(?:do(?:es)?\s+not|don['’]t|doesn['’]t|never)\s+(?:\w+\s+){0,2}(?:collect|store|process|contain|register|save|record|hold|gather|include|retain|log)\b[^.;]{0,40}\b(?:any\s+)?(?:personal(?:ly)?(?:\s+identif\w+)?\s+(?:data|information)|your\s+personal\s+information|information\s+that\s+(?:can|could)\s+identify)",
        r"\b(?:none|neither)\s+of\s+(?:them|these|the|our|those)\b[^.;]{0,40}\b(?:stor|contain|collect|hold|hav|includ)\w*\b[^.;]{0,20}\bpersonal(?:ly)?\s+(?:\w+\s+)?(?:data|information)|\bingen\s+av\s+(?:dem|disse|informasjonskapslene)\b[^.;]{0,40}\b(?:person\w*opplysning\w*|persondata)|\bingen\s+av\s+(?:dem|dessa|kakorna)\b[^.;]{0,40}\bpersonuppgift\w*",
        r"\bno\s+personal(?:ly)?(?:\s+identif\w+)?\s+(?:data|information)\b",
        r"\b(?:samler|lagrer|lagrar|behandler|behandlar|registrerer|registrerar|oppbevarer|inneholder|inneheld|samlar|indsamler|opbevarer|gemmer|indeholder|innehåller|sparar)\b\s*(?:(?:vi|me|de|den|dei|denne|disse)\s+)?(?:ikke|ikkje|inte|ingen|inga|aldri|aldrig)\b[^.;]{0,40}\b(?:person\w*(?:opplysning|oplysning|uppgift|data)\w*|personlige?a?\s+(?:opplysning|oplysning|uppgift|data)\w*)",
        r"\b(?:ingen|inga)\s+(?:person(?:opplysning|oplysning|uppgift|data)\w*|personlige?a?\s+(?:opplysning|oplysning|uppgift|data)\w*|personidentifiserbare?\s+\w+|personhenførbare\s+\w+)\s+(?:\w+\s+){0,2}(?:lagre[st]*|lagras|blir|vert|samle[st]*|samlas|behandle[st]*|behandlas|registrere[st]*|registreras|gemmes|sparas|indsamles|oppbevares|lagret|lagra)",
        r"\b(?:lagres|lagras|samles|behandles|gemmes|registreres|sparas|samlas|behandlas)\s+(?:\w+\s+){0,3}(?:ingen|inga)\s+(?:person(?:opplysning|oplysning|uppgift|data)\w*|personlige?a?\s+\w+)",
        r"\bkeine(?:rlei)?\s+(?:personenbezogen\w*\s+|persönlich\w*\s+)(?:daten|informationen)\b(?!\s+\w*\s*an\b)[^.;]{0,60}\b(?:erhoben|gespeichert|verarbeitet|erfasst|erheben|speichern|verarbeiten|enthalten)|\b(?:speicher\w*|erheb\w*|verarbeit\w*|enthalten)\s+(?:\w+\s+){0,3}keine(?:rlei)?\s+(?:personenbezogen\w*|persönlich\w*)\s+(?:daten|informationen)",
        r"\bgeen\s+persoonsgegevens\b[^.;]{0,50}|\baucune\s+donnée\s+(?:à\s+caractère\s+)?personnelle?[^.;]{0,40}|\bemme\s+(?:kerää|tallenna)\s+henkilötietoja",
    ),
    "not_shared": (
        rf"\b(?:do(?:es)?\s+not|don['’]t|doesn['’]t|never|will\s+not|won['’]t|(?:is|are)\s+not|(?:is|are)\s+never|will\s+never(?:\s+be)?|will\s+not\s+be)\s+(?:\w+\s+){{0,2}}(?:shar\w*|sell|sold|disclos\w*|transfer\w*|pass\w*|give[n]?|provid\w*|transmit\w*|hand\w*)\b[^.;]{{0,110}}\b{_OTHERS}",
        rf"\b(?:do(?:es)?\s+not|don['’]t|never|will\s+not|won['’]t)\s+(?:\w+\s+){{0,2}}share\s+(?:your\s+|any\s+|this\s+|personal\s+|the\s+|our\s+)*{_DATA}\s*(?:[.!]|$)",
        rf"\b(?:deler|delar|utleverer|utleverar|selger|sel|overfører|overfører|videreformidler|gir|lämnar|säljer|överför|lämnar\s+ut|videregiver|overfører|sælger|videresender|vidareförmedlar|utlämnar)\s+(?:(?:vi|me|jeg|jag|derfor|aldrig|heller|dem|dei|den|det|disse|dessa|desse|dette)\s+){{0,2}}(?:aldri|aldrig|ikke|ikkje|inte|ingen)\b[^.;]{{0,110}}\b{_OTHERS}",
        rf"\b(?:deles|delast|utleveres|utleverast|selges|overføres|videreformidles|gis|lämnas|säljs|delas|överförs|videregives|sælges|blir|vert|formidles)\s+(?:ikke|ikkje|inte|aldri|aldrig)\b[^.;]{{0,110}}\b{_OTHERS}",
        rf"\b(?:ingen|inga)\s+(?:\w+\s+)?{_DATA}[^.;]{{0,30}}\b(?:deles|delas|delast|utleveres|lämnas|videregives|overføres|overførast|delt)\b[^.;]{{0,60}}\b{_OTHERS}",
        rf"\b(?:no|none\s+of\s+(?:the|your|this))\s+(?:\w+\s+)?{_DATA}[^.;]{{0,30}}\b(?:shared|disclosed|transferred|sold|passed)\b[^.;]{{0,60}}\b{_OTHERS}",
        r"\b(?:geben|teilen|übermitteln|verkaufen|leiten|weitergegeben|weitergabe|übermittelt)\b[^.;]{0,80}\b(?:nicht|nie|niemals|keine\w*)\b[^.;]{0,60}\b(?:dritte\w*|weiter)|\b(?:nicht|keine\w*|niemals)\b[^.;]{0,70}\bdritte\w*\b[^.;]{0,40}\b(?:weiter\w*|übermittel\w*|geteilt|verkauft|erfolgt\s+nicht)|\bweitergabe\b[^.;]{0,50}\bdritte\b[^.;]{0,30}\b(?:nicht|keine)",
        r"\b(?:delen|verkopen|verstrekken)\b[^.;]{0,50}\b(?:niet|geen|nooit)\b[^.;]{0,60}\bderden|\bne\s+(?:partageons|vendons|transmettons|communiquons)\b[^.;]{0,80}\btiers",
        rf"\b(?:do\s+not|don['’]t)\s+allow\s+\w+(?:\s+\w+)?\s+to\s+(?:use\s+or\s+)?share\b[^.;]{{0,60}}{_DATA}",
    ),
    "only_necessary": (
        rf"\b(?:only|solely|exclusively|kun|bare|berre|utelukkende|endast|bara|enbart|udelukkende|nur|ausschließlich|lediglich|alleen|uitsluitend|uniquement|seulement|sólo|solo|únicamente|vain|ainoastaan)\b[^.;]{{0,50}}\b{_NECESSARY}\b[^.;]{{0,25}}\b{_COOKIES}",
        rf"\b(?:only|solely|exclusively|kun|bare|berre|utelukkende|endast|bara|enbart|udelukkende|nur|ausschließlich|lediglich|alleen|uitsluitend)\b[^.;]{{0,30}}\b{_COOKIES}\b[^.;]{{0,40}}\b(?:that|which|som|der|die|die)\b[^.;]{{0,30}}\b{_NECESSARY}",
        r"\b(?:do(?:es)?\s+not|don['’]t|doesn['’]t|never)\s+(?:\w+\s+){0,2}(?:use|set|place|employ|have)\b\s+(?:any\s+)?(?:\w+\s+){0,3}?(?:tracking|analytic\w*|marketing|advertising|third[\s-]party)(?:\s*(?:,|and|or|/)\s*\w+)*\s+(?:cookies|technolog\w*|scripts?|pixels?)",
        r"\b(?:bruker|brukar|benytter|nyttar|setter|set|anvender|bruger|använder|sätter)\s+(?:vi\s+|me\s+|jeg\s+|jag\s+)?(?:derfor\s+|altså\s+)?(?:ingen|inga|ikke|ikkje|inte)\b(?:\s+(?:noen|någon|några|nogen))?\s+(?:\w+\s*(?:,|-|eller|og|och|/)?\s*){0,3}?(?:sporing\w*|analyse\w*|markedsføring\w*|marknadsføring\w*|marknadsföring\w*|spårning\w*|tracking|reklame\w*|tredjeparts?\w*|annonse\w*|tredje\s+parts)[\s-]*(?:cookies|informasjonskaps\w*|kakor|kapslar)?",
        r"\b(?:verwenden|setzen|nutzen)\s+(?:wir\s+)?(?:\w+\s+){0,2}keine(?:rlei)?\s+(?:\w+[\s,-]+){0,3}?(?:tracking|analyse|marketing|werbe|drittanbieter)[\w-]*(?:\s*-?\s*cookies)?",
        r"\b(?:uses?|sets?|places?|employs?|has|have|contains?)\s+no\s+(?:(?:kind|form)s?\s+of\s+)?(?:\w+\s+){0,2}?(?:tracking|analytic\w*|marketing|advertising|third[\s-]party)(?:\s*(?:,|and|or|/)\s*\w+)*\s+(?:cookies|technolog\w*|scripts?|pixels?)",
        rf"\b(?:no|ingen|inga|keine)\s+(?:(?:other|andre|andra|anderen)\s+)?{_COOKIES}\s+(?:other\s+than|except|apart\s+from|besides|but|enn|än|end|als|utover|unntatt|bortsett\s+fra|förutom|außer)\b[^.;]{{0,40}}\b{_NECESSARY}",
        rf"\b(?:all|alle|samtlige|samtliga|alla|sämtliche)\s+(?:\w+\s+){{0,3}}{_COOKIES}\b[^.;]{{0,40}}\b(?:are|is|er|är|sind)\s+{_NECESSARY}",
    ),
    "consent_first": (
        r"\b(?:only|kun|bare|berre|endast|bara|først|fyrst|först|nur|erst|alleen|uniquement)\b[^.;]{0,110}\b(?:after|once|when|if|with|etter|når|dersom|hvis|om\s+du|efter|når|när|med|nachdem|nach|wenn|mit|na|nadat|met|après|avec)\b[^.;]{0,60}\b(?:consent\w*|accept\w*|agree\w*|permission|samtyk\w*|samtyck\w*|godta\w*|godtek\w*|godkän\w*|accepter\w*|einwillig\w*|eingewilligt|zustimm\w*|zugestimmt|toestemming|consentement)",
        r"\b(?:not|n['’]t|no|never|ingen|ikke|ikkje|inte|inga|aldri|aldrig|keine|nicht|niet|geen)\b[^.;]{0,70}\b(?:until|before|unless|without|før|uten|utan|innan|förrän|uden|medmindre|med\s+mindre|om\s+inte|bevor|ohne|sofern|solange|zonder|voordat|sans)\b[^.;]{0,60}\b(?:consent\w*|accept\w*|agree\w*|permission|samtyk\w*|samtyck\w*|godta\w*|godtek\w*|godkän\w*|accepter\w*|einwillig\w*|eingewilligt|zustimm\w*|zugestimmt|toestemming|consentement)",
        r"\b(?:ask|request|obtain|get|seek)\w*\s+(?:for\s+)?(?:your\s+)?(?:\w+\s+)?(?:consent|permission)\b[^.;]{0,60}\b(?:before|prior|first)|\b(?:prior|explicit|advance)\s+consent\b[^.;]{0,40}\b(?:before|is\s+(?:obtained|required|asked))|\bbefore\b[^.;]{0,60}\b(?:cookies|trackers?|tags)\b[^.;]{0,60}\b(?:ask|request|obtain)\w*\b[^.;]{0,30}consent|\bbefore\b[^.;]{0,60}\bask\w*\s+(?:for\s+)?your\s+(?:consent|permission)",
        r"\b(?:ber|spør|innhenter|hentar|innhentar|frågar|inhämtar|indhenter|beder|spørger)\b[^.;]{0,40}\b(?:samtykke|samtycke|lov|tillatelse|tilladelse)\b[^.;]{0,60}\b(?:før|innan|inden|på\s+forhånd|i\s+förväg|fyrst|først)|\b(?:før|innan|inden)\b[^.;]{0,60}\b(?:ber|spør|innhenter|hentar|frågar|inhämtar|indhenter|beder)\b[^.;]{0,30}\b(?:samtykke|samtycke|lov|tillatelse)",
        r"\b(?:holen|fragen|bitten)\b[^.;]{0,50}\b(?:einwilligung|zustimmung)\b[^.;]{0,40}\b(?:bevor|vorher|zuvor|ein)\b|\b(?:vor|bevor)\b[^.;]{0,60}\b(?:einwilligung|zustimmung)\b|\b(?:einwilligung|zustimmung)\b[^.;]{0,40}\b(?:bevor)\b",
        r"\b(?:set|stored?|placed?|loaded|activated|settes|lagres|plasseres|lastes|aktiveres|sätts|lagras|placeras|laddas|gesetzt|geladen|aktiviert|geplaatst|placed|sættes|lagrast|blir\s+sette)\b\s+(?:\w+\s+){0,2}(?:only\s+|kun\s+|først\s+|fyrst\s+|först\s+|bare\s+|berre\s+|nur\s+|erst\s+|endast\s+)(?:after|if|when|with|etter|dersom|hvis|når|efter|om|när|nach|mit|wenn|på\s+grunnlag)\b[^.;]{0,50}\b(?:consent\w*|accept\w*|agree\w*|samtyk\w*|samtyck\w*|godta\w*|godtek\w*|godkän\w*|einwillig\w*|eingewilligt|zustimm\w*)",
        r"\b(?:blocked|disabled|held\s+back|switched\s+off|turned\s+off|off|blokker\w*|sperret|blocker\w*|blockiert|gesperrt|deaktivert|deaktiviert|avslått|slått\s+av|geblokkeerd)\s+(?:\w+\s+){0,2}(?:until|unless|before|til|inntil|før|med\s+mindre|tills|innan|indtil|bis|solange|totdat)\b[^.;]{0,50}\b(?:consent\w*|accept\w*|agree\w*|permission|opt(?:ed)?[\s-]+in|samtyk\w*|samtyck\w*|godta\w*|godtek\w*|godkän\w*|einwillig\w*|zustimm\w*|toestemming)",
        r"\bwe\s+only\s+set\s+cookies\s+when\b[^.;]{0,80}\baccepted",
    ),
}  # fmt: skip

_BROWSER = r"(?:browser\w*|nettlesar\w*|nettleser\w*|webbläsar\w*|webleser\w*|navigateur|navegador|selai\w*)"
_BROWSER_REFUSES = re.compile(
    r"\b(?:turn\w*\s+(?:\w+\s+){0,4}?off|disable\w*|block\w*|refus\w*|reject\w*|delet\w*|prevent\w*|avoid\w*|switch\w*\s+(?:\w+\s+){0,4}?off|opt[\s-]?out|remov\w*|declin\w*|control|manage|deactivat\w*"
    r"|slå(?:r)?\s+(?:\w+\s+){0,4}a[vf]|slår?\s+(?:\w+\s+){0,4}fra|skru\w*\s+a[vf]|deaktiver\w*|blokker\w*|sperr\w*|avvis\w*|avslå\w*|slett\w*|nekt\w*|hindr\w*|reserver\w*|fravælg\w*|slet\w*|stäng\w*\s+av|blockera\w*|neka|radera\w*|inaktivera\w*|ta\s+bort|undvik\w*|afvis\w*"
    r"|deaktivier\w*|ablehn\w*|blockier\w*|verhinder\w*|lösch\w*|unterbind\w*|ausschalt\w*|weiger\w*|uitschakel\w*|verwijder\w*|désactiv\w*|refuser|bloquear|desactivar|estä\w*|change|endre|ändra)\b",
    re.IGNORECASE,
)
_BROWSER_WORD = re.compile(rf"\b{_BROWSER}", re.IGNORECASE)
_SETTINGS_WORD = re.compile(
    rf"(?i)\b(?:settings?|options|preferences|innstilling\w*|inställning\w*|indstilling\w*|einstellung\w*|instellingen|paramètres|réglages|configuración|ajustes|asetuk\w*)\b|\b(?:by|via|through|in|using|i|gjennom|genom|med|in|über)\s+(?:\w+\s+){{0,3}}{_BROWSER}|\b(?:most|many|de\s+fleste|dei\s+fleste|de\s+flesta|die\s+meisten|de\s+meeste)\s+(?:\w+\s+)?{_BROWSER}"
)
_COOKIE = re.compile(rf"\b{_COOKIES}|\bthem\b|\bdem\b|\bdei\b|\bdem\b|\bdies\b", re.IGNORECASE)
_CLOSING = re.compile(
    rf"(?i)\b(?:luk\w*|close[sd]?|closing|stäng(?:er|s|a|ts)|schlie(?:ß|ss)\w*|lèt\s+att|let\s+att|sluit\w*|ferme\w*|cierr\w*)\s+(?:\w+\s+)?{_BROWSER}|{_BROWSER}\w*\s+(?:\w+\s+){{0,2}}(?:luk\w*|closed?|stängs|geschlossen|schließen)"
)
_OWN_CHOICE = re.compile(
    r"""(?ix)
    \b(?:cookie|consent|samtykke|samtycke|privacy|personvern)[\s-]*(?:banner\w*|dialog\w*|settings|innstilling\w*|inställning\w*|indstilling\w*|einstellung\w*|preferences|panel\w*
        |tool\w*|manager|verktøy\w*|vindu\w*|ruta\w*|boks\w*|popup\w*|pop-up\w*|knapp\w*|valg|val|choices|center|centre|bar)\b
    |\bcookie-?(?:einstellungen|instellingen|indstillinger|innstillinger|inställningar|erklæring\w*|samtykke)\b
    |\b(?:withdraw|change|manage|revoke|update|renew|give|giv\w*|obtain\w*|collect\w*|ask\w*|request\w*)\w*\s+(?:for\s+)?(?:your\s+)?(?:\w+\s+)?(?:consent|cookie\s+(?:choices|preferences|settings))\b
    |\bprior\s+consent\b|\bconsent\s+banner
    |\b(?:trekke?\s+tilbake|trekkje?\s+tilbake|endre|oppdatere|gi|gir|gitt|gje|tilbakekalle|innhent\w*|ber\s+om|hent\w*)\s+(?:\w+\s+){0,4}samtykke\w*
    |\bsamtykke\w*\s+(?:\w+\s+){0,6}(?:trekk\w*|tilbake|endre\w*)
    |\b(?:återkalla|ändra|dra\s+tillbaka|ta\s+tillbaka|lämna\w*|ge|inhämta\w*)\s+(?:\w+\s+){0,4}samtyck\w*
    |\b(?:trække|ændre|tilbagekalde|tilbagetrække|indhente\w*|giv\w*)\s+(?:\w+\s+){0,4}samtykke\w*
    |\b(?:einwilligung|zustimmung)\w*\s+(?:\w+\s+){0,8}(?:widerruf\w*|erteil\w*|gegeben|ändern|anpassen)|\bwiderruf\w*\s+(?:\w+\s+){0,4}(?:einwilligung|zustimmung)
    |\b(?:accept|reject|allow|decline|refuse)\w*\s+(?:(?:or|and)\s+\w+\s+)?(?:\w+\s+){0,3}(?:cookies\s+)?(?:by\s+click\w*|button|on\s+our\s+(?:site|website)|in\s+the\s+(?:banner|form|box))
    |\bfirst\s+(?:visit|time)\b[^.]{0,80}\b(?:accept|reject|choose|choice|consent)
    |\b(?:you['’]ve|you\s+have)\s+accepted\s+them
    |\b(?:klikke?r?|klicka\w*|clicking|klick\w*)\s+(?:\w+\s+){0,4}(?:avvis|godta|accept\w*|samtykke|reject|ablehnen|afvis|neka)
    """,
)
_TURNED = re.compile(
    r"""(?ix)
    \b(?:if|unless|in\s+case|should\s+you|when\s+you\s+(?:do\s+not|refuse)|whether|dersom\s+du|hvis\s+du|hvis\s+vi|om\s+du|om\s+ni|dersom\s+vi|hvis\s+ikke|når\s+du|när\s+du|falls|wenn\s+sie|sofern\s+sie|als\s+u|si\s+vous|si\s+usted)\b""",
)
_DOUBT = re.compile(
    r"(?i)\b(?:may|might|could|can\s+be|kan\s+(?:bli|vere|være|komme|deles|delast|overføres)|kan\s+komma|könn\w+|wo\s+möglich|where\s+possible|so\s+far\s+as|try\s+to|forsøker|where\s+(?:possible|practicable))\b"
)
_NEGATED: dict[ClaimKind, re.Pattern[str]] = {
    "anonymised": re.compile(
        r"(?ix)\b(?:not|n['’]t|never|ikke|ikkje|inte|aldri|aldrig|nicht|kein\w*|niet|geen)\s+(?:\w+\s+){0,4}?(?:anonym\w*|de-?identif\w*|avidentifi\w*|geanonimi\w*|truncat\w*|gekürzt|maske\w*)"
        r"|\banonym\w*\s+(?:(?!(?:and|og|och|und|en|kan|can|cannot|kann)\b)\w+\s+){0,2}(?:not|ikke|ikkje|inte|nicht)\b|\b(?:request|rights?|rett|rätt|ret|recht)\w*\b[^.;]{0,60}\banonym|\bunless\b[^.;]{0,40}anonym|\bpseudonym\w*\b(?!.*\banonym)"
        r"|\b(?:delete[ds]?|slett\w*|raderas?|gelöscht|slettes)\s*(?:,|or|eller|oder|og/eller)\s*(?:\w+\s+)?(?:anonym\w*)|\b(?:delet\w+|eras\w+)\s+or\s+anonym|\banonym\w*\s+(?:or|eller|oder)\s+(?:delet|slett|rader|gelösch)"
    ),
    "no_personal_data": re.compile(
        r"(?ix)\b(?:under|children|barn|kinder|years\s+of\s+age|sensitive|special\s+categor|sensitive\s+person|särskilda|sælger|sell)\b|\b(?:longer\s+than|more\s+than|lenger\s+enn|lengre\s+enn|mer\s+enn|mer\s+än|længere|länger\s+als|lengur|enn\s+nødvendig|än\s+nödvändigt|for\s+longer|than\s+(?:is\s+)?necessary|other\s+than|except|beyond|other\s+purposes|andre\s+formål|andra\s+ändamål)\b|\bunless\b|\bwithout\b|\buten\b|\butan\b|\bohne\b|\bmed\s+mindre\b|\bmedmindre\b"
    ),
    "not_shared": re.compile(
        r"(?ix)\b(?:unless|except|other\s+than|without|except\s+(?:as|when|for|where)|with\s+the\s+exception|unntatt|med\s+unntak|utover|bortsett|uten\s+(?:at|ditt|din|samtykke|ditt|rettslig|lov)|med\s+mindre|medmindre|förutom|utöver|om\s+inte|utan\s+(?:ditt|din|att|samtycke)|uden|udover|bortset|außer|es\s+sei\s+denn|sofern|ohne|behalve|tenzij|zonder|sauf|salvo|beyond|outside\s+(?:the\s+)?(?:eu|eea|european)|utenfor\s+(?:eu|eøs|norge)|utanför|uden\s+for|for\s+(?:their|direct)\s+(?:own\s+)?marketing)\b"
    ),
    "only_necessary": re.compile(
        r"(?ix)\b(?:without\s+your|uten\s+ditt|ohne\s+ihre|utan\s+ditt|choose|choosing|select|selecting|velger|velge|velg|väljer|välja|vælg\w*|wählen|click\w*|klikk\w*|klick\w*|accept\s+only|godta\s+kun|allow\s+only|tillat\s+kun|unless|until\s+you|before\s+you|if\s+you|hvis\s+du|dersom\s+du|om\s+du|wenn\s+sie)\b|\bnot\s+only\b|\bikke\s+(?:bare|kun)\b|\bikkje\s+berre\b|\binte\s+bara\b|\bnicht\s+nur\b|\b(?:without|uten|utan|before|før|unless|innan|uden|until)\b[^.;]{0,50}\b(?:consent|samtykk\w*|samtyck\w*|einwilligung|permission|accept\w*)"
    ),
    "consent_first": re.compile(
        r"(?ix)\b(?:not|ikke|ikkje|inte|nicht|niet)\s+(?:\w+\s+){0,3}(?:possible|mulig\w*|mogleg|möjligt|möglich|mogelijk)\b|\b(?:newsletter|nyhetsbrev|nyhedsbrev|third[\s-]part(?:y|ies)\s+without|share|sell|disclose|deler|utlever\w*|e-?mail|e-?post|sms|transfer\w*|delt\s+med|dele|lämna\s+ut|children|barn|weitergegeben)\b"
    ),
}
_WHOLE = tuple(
    (kind, re.compile("|".join(f"(?:{pattern})" for pattern in patterns), re.IGNORECASE))
    for kind, patterns in _CLAIMS.items()
)
_LONGEST_SENTENCE = 1_200
MOST_CLAIMS = 200


def claims_made(document: Document) -> tuple[Claim, ...]:
    """Every promise of the document with its sentence, in the order of the text; one kind may come several times."""
    found: list[tuple[int, Claim]] = []
    for _, start, end in _sentences(document):
        sentence = document.text[start:end]
        found.extend((start, Claim(kind=kind, quote=sentence)) for kind in _kinds(sentence))
        if len(found) >= MOST_CLAIMS:
            break
    if browser := _browser_only(document):
        found.append(browser)
    found.sort(key=lambda entry: entry[0])
    return tuple(dict.fromkeys(claim for _, claim in found))


def _sentences(document: Document) -> Iterator[tuple[Block, int, int]]:
    for block in document.blocks:
        if block.kind == "heading":
            continue
        for start, end in sentences(document.text, block.start, block.end):
            if 12 < end - start <= _LONGEST_SENTENCE:
                yield block, start, end


def _kinds(sentence: str) -> Iterator[ClaimKind]:
    if sentence.endswith("?"):
        return
    for kind, pattern in _WHOLE:
        match = pattern.search(sentence)
        if match is None:
            continue
        if (turned := _NEGATED.get(kind)) and turned.search(sentence):
            continue
        if kind != "consent_first" and (
            _TURNED.search(sentence[: match.end()]) or _DOUBT.search(sentence[: match.end()])
        ):
            continue
        yield kind


def _browser_only(document: Document) -> tuple[int, Claim] | None:
    """The sentence that sends the visitor to the browser to refuse, where the text offers no choice of its own."""
    if _OWN_CHOICE.search(document.text):
        return None
    for block, start, end in _sentences(document):
        sentence = document.text[start:end]
        if _CLOSING.search(sentence) or not (_BROWSER_WORD.search(sentence) and _BROWSER_REFUSES.search(sentence)):
            continue
        if _SETTINGS_WORD.search(sentence) and (_COOKIE.search(sentence) or _COOKIE.search(document.of(block))):
            return start, Claim(kind="browser_settings_only", quote=sentence)
    return None
